"""Length per square, against cutting every line with every square."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, MultiLineString, box

from citygap.engine import squares
from citygap.engine.squares import length_per_square

ORIGIN = np.array([640_000, 3_456_000])
place = st.tuples(st.floats(-250, 250), st.floats(-250, 250))
line = st.lists(place, min_size=2, max_size=6).map(LineString)
lines_ = st.lists(
    st.one_of(line, st.lists(line, min_size=2, max_size=2).map(MultiLineString)), min_size=1, max_size=6
)


def table(lines, group, side=100.0):
    found = length_per_square(np.array(lines, dtype=object), np.array(group, dtype="int64"), side)
    keys = list(zip(found.column.tolist(), found.row.tolist(), found.group.tolist()))
    assert keys == sorted(set(keys)) and (found.metres > 0).all()
    return dict(zip(keys, found.metres.tolist()))


def by_cutting(lines, group, side):
    wanted = {}
    for shape, number in zip(lines, group):
        for column in range(-4, 4):
            for row in range(-4, 4):
                square = box(column * side, row * side, (column + 1) * side, (row + 1) * side)
                parts = getattr(shape, "geoms", [shape])
                length = sum(
                    LineString(pair).intersection(square).length
                    for part in parts
                    for pair in zip(part.coords, part.coords[1:])
                    if pair[0] != pair[1]
                )
                key = column, row, number
                wanted[key] = wanted.get(key, 0) + length
    return wanted


@pytest.mark.parametrize("most_dense", [0, 10**6])
@settings(max_examples=60, deadline=None)
@given(lines_, st.data())
def test_agrees_with_cutting(most_dense, lines, data):
    group = [data.draw(st.integers(0, 2)) for _ in lines]
    before, squares._MOST_DENSE = squares._MOST_DENSE, most_dense
    try:
        found = table(lines, group)
    finally:
        squares._MOST_DENSE = before
    wanted = by_cutting(lines, group, 100.0)
    # What runs along a border is cut by both squares, but counts in one.
    on_border = {key for key in wanted if touches_border(lines)}
    for key in set(found) | set(wanted):
        if key not in on_border:
            assert found.get(key, 0) == pytest.approx(wanted.get(key, 0), abs=1e-6)
    assert sum(found.values()) == pytest.approx(sum(shape.length for shape in lines), rel=1e-9, abs=1e-9)


def touches_border(lines):
    places = shapely.get_coordinates(lines)
    return bool((np.abs(places % 100) < 1e-6).any())


def test_a_line_through_three_squares():
    assert table([LineString([(50, 50), (250, 50)])], [1]) == {(0, 0, 1): 50, (1, 0, 1): 100, (2, 0, 1): 50}


def test_a_corner_is_passed_and_a_border_counts_once():
    assert table([LineString([(50, 50), (150, 150)])], [0]) == pytest.approx(
        {(0, 0, 0): 50 * np.sqrt(2), (1, 1, 0): 50 * np.sqrt(2)}
    )
    assert table([LineString([(100, 20), (100, 60)])], [0]) == {(1, 0, 0): 40}
    assert table([LineString([(20, 0), (60, 0)])], [0]) == {(0, 0, 0): 40}


def test_repeated_places_and_groups():
    shape = LineString([(10, 10), (10, 10), (30, 10)])
    assert table([shape, shape], [0, 2]) == {(0, 0, 0): 20, (0, 0, 2): 20}


def test_no_lines():
    assert table([], []) == {}


def test_total_is_the_length_of_a_whole_town():
    draw = np.random.default_rng(3)
    places = np.cumsum(draw.normal(0, 40, (3000, 8, 2)), axis=1) + draw.uniform(0, 9000, (3000, 1, 2))
    lines = shapely.linestrings(places + ORIGIN)
    found = length_per_square(lines, draw.integers(0, 7, 3000), 100.0)
    assert found.metres.sum() == pytest.approx(shapely.length(lines).sum(), rel=1e-12)
