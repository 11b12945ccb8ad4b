"""The vote for a constant vector against plain loops."""

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, Point, box

from citygap.engine.shift import Limits, landmarks, misfit, vote

LIMITS = Limits(reach=300, bin=10, apart=50, ratio=1.5, share=0.1, votes=3, area_ratio=1.25, turn=10)


def marks_of(shapes, kinds):
    array = np.empty(len(shapes), dtype=object)
    array[:] = shapes
    return landmarks(array, np.array(kinds, dtype=object))


def oracle(suspect, base, limits):
    """Share and bin of the peak by counting each window of 10 m, every 5 m."""
    half = limits.bin / 2
    votes = {}
    for (x, y), kind in suspect:
        for (u, v), other in base:
            if kind == other:
                column, row = math.floor((x - u) / half), math.floor((y - v) / half)
                for east in (0, 1):
                    for north in (0, 1):
                        corner = (column + east, row + north)
                        votes[corner] = votes.get(corner, 0) + 1
    if not votes:
        return None
    most = max(votes.values())
    if most < max(limits.votes, limits.share * len(suspect)):
        return None
    tops = {}
    for corner in (corner for corner, count in votes.items() if count == most):
        rest = [
            count
            for other, count in votes.items()
            if max(abs(other[0] - corner[0]), abs(other[1] - corner[1])) * half >= limits.apart
        ]
        tops[corner] = max(rest, default=0)
    return most, tops


spot = st.tuples(st.integers(0, 20), st.integers(0, 20)).map(lambda at: (at[0] * 7.0, at[1] * 7.0))
place = st.tuples(spot, st.sampled_from(["a", "b"]))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(place, min_size=3, max_size=12, unique=True),
    st.tuples(st.integers(-12, 12), st.integers(-12, 12)),
    st.lists(place, max_size=6),
)
def test_peak_is_the_fullest_window(places, move, more):
    suspect = [((x + move[0] * 11.0, y + move[1] * 11.0), kind) for (x, y), kind in places]
    base = places + more
    found = vote(
        marks_of([Point(at) for at, _ in suspect], [kind for _, kind in suspect]),
        marks_of([Point(at) for at, _ in base], [kind for _, kind in base]),
        LIMITS,
    )
    expected = oracle(suspect, base, LIMITS)
    clear = expected is not None and all(expected[0] >= 1.5 * rest for rest in expected[1].values())
    if clear:
        assert found is not None
        assert found.share == min(expected[0] / len(suspect), 1.0)
    if found is not None:
        assert expected is not None
        assert any(
            expected[0] >= 1.5 * rest and found.ratio == expected[0] / max(rest, 1)
            for rest in expected[1].values()
        )
        if len(places) == expected[0]:
            assert found.metres < 500


def test_areas_need_like_sizes_and_pieces_like_bearings():
    rows = [box(x, x * x / 40, x + 10, x * x / 40 + 10) for x in range(0, 300, 30)]
    larger = [box(x, x * x / 40, x + 14, x * x / 40 + 14) for x in range(0, 300, 30)]
    kinds = [""] * len(rows)
    assert vote(marks_of(rows, kinds), marks_of(larger, kinds), LIMITS) is None
    assert vote(marks_of(rows, kinds), marks_of(rows, kinds), LIMITS).metres == 0
    lines = [LineString([(x, x * x / 40), (x + 9, x * x / 40 + x)]) for x in range(0, 300, 30)]
    turned = [LineString([(x, x * x / 40), (x - x, x * x / 40 + 9)]) for x in range(30, 300, 30)]
    assert vote(marks_of(lines, kinds), marks_of(turned, kinds[1:]), LIMITS) is None
    back = [line.reverse() for line in lines]
    assert vote(marks_of(back, kinds), marks_of(lines, kinds), LIMITS).metres == 0


def test_misfit_is_that_of_partners():
    base = marks_of([Point(0, 0), Point(100, 0), Point(200, 0)], [""] * 3)
    suspect = marks_of([Point(3, 4), Point(100, 0), Point(260, 0)], [""] * 3)
    assert misfit(suspect, base, LIMITS._replace(reach=25)) == math.sqrt(25 / 2)


def test_sample_does_not_ask_for_row_order():
    rng = np.random.default_rng(3)
    places = [Point(x, y) for x, y in rng.uniform(0, 1000, (500, 2))]
    one = marks_of(places, [""] * 500).sample(60)
    other = marks_of(places[::-1], [""] * 500).sample(60)
    assert len(one) == 60 and np.array_equal(one.place, other.place)
