"""Which shapes lie near a line, against plain distances."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, MultiLineString, Point, Polygon, box

from citygap.engine import reach
from citygap.engine.reach import near_lines

ORIGIN = np.array([640_000, 3_456_000])
# Of a millionth of a metre: GEOS's own distances fail where the square of a length is no number any more.
metre = st.floats(-400, 400).map(lambda value: round(value, 6))
place = st.tuples(metre, metre)
line = st.lists(place, min_size=2, max_size=5).map(LineString)
lines_ = st.lists(
    st.one_of(line, st.lists(line, min_size=2, max_size=2).map(MultiLineString)), min_size=1, max_size=4
)
shape = st.one_of(
    place.map(Point),
    place.map(lambda p: box(p[0], p[1], p[0] + 12, p[1] + 9)),
    place.map(lambda p: Point(p).buffer(30)),
)
shapes_ = st.lists(shape, min_size=1, max_size=40)


def array(shapes):
    return np.array(shapes, dtype=object)


@settings(max_examples=150, deadline=None)
@given(shapes_, lines_, st.sampled_from([5.0, 20.0, 60.0, 150.0]), st.booleans())
def test_agrees_with_plain_distances(shapes, lines, distance, at_city_coordinates):
    shapes, lines = array(shapes), array(lines)
    if at_city_coordinates:
        shapes, lines = (shapely.transform(part, lambda xy: xy + ORIGIN) for part in (shapes, lines))
    apart = np.array([min(shape.distance(line) for line in lines) for shape in shapes])
    near = near_lines(shapes, lines, distance)
    sure = np.abs(apart - distance) > 1e-6
    assert (near[sure] == (apart[sure] <= distance)).all()


@pytest.mark.parametrize("distance", [25.0, 60.0])
def test_squares_settle_most_and_never_wrongly(distance):
    """Many small houses around few lines: squares are as small as they get, and alone decide for most."""
    draw = np.random.default_rng(7)
    corners = draw.uniform(0, 600, (4000, 2)) + ORIGIN
    shapes = shapely.box(*corners.T, *(corners + draw.uniform(2, 12, (4000, 2))).T)
    lines = shapely.linestrings(draw.uniform(0, 600, (3, 5, 2)) + ORIGIN)
    near, far = reach._settled(shapes, lines, distance, lambda: None)
    apart = shapely.distance(shapes[:, None], lines[None]).min(axis=1)
    assert not (near & (apart > distance)).any() and not (far & (apart <= distance)).any()
    assert (near | far).mean() > 0.5 and near.any() and far.any()
    assert (near_lines(shapes, lines, distance) == (apart <= distance)).all()


def test_exactly_at_the_distance_is_near():
    street = array([LineString([(0, 0), (100, 0)])])
    assert list(near_lines(array([Point(50, 60), Point(50, 60.001)]), street, 60.0)) == [True, False]


def test_a_shape_far_out_and_a_huge_line_change_nothing():
    houses = [box(x, 30, x + 8, 38) for x in range(0, 900, 10)]
    shapes = array([*houses, Point(5e6, 5e6), box(0, 2000, 5, 2005)])
    lines = array([LineString([(0, 0), (400, 0)]), LineString([(-4e6, 2100), (4e6, 2100)])])
    apart = np.array([min(shape.distance(line) for line in lines) for shape in shapes])
    assert (near_lines(shapes, lines, 60.0) == (apart <= 60)).all()


def test_a_line_without_length_is_where_it_lies():
    bare = [LineString([(0, 0), (0, 0)]), MultiLineString([[(500, 0), (500, 0)], [(900, 0), (900, 0)]])]
    shapes = array([Point(0, 0), box(520, 0, 530, 9), Point(900, 59), Point(250, 0)])
    assert list(near_lines(shapes, array(bare), 60.0)) == [True, True, True, False]


def test_nothing_is_near_nothing():
    nothing = np.zeros(0, dtype=object)
    assert not near_lines(array([Point(0, 0)]), nothing, 60.0).any()
    assert near_lines(nothing, array([LineString([(0, 0), (1, 0)])]), 60.0).shape == (0,)


def test_what_the_caller_says_between_chunks_ends_the_job():
    def stop():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        near_lines(
            array([Polygon([(0, 0), (1, 0), (1, 1)])]), array([LineString([(0, 0), (9, 0)])]), 60.0, stop
        )
