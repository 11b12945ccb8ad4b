"""Ends that stay away from the next line of their group, against plain distances."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, Point

from citygap.engine.end_gaps import end_gaps

# A coarse raster makes ends meet often; a fine part puts some just beside the marks.
step = st.tuples(st.integers(0, 8), st.sampled_from([0.0, 0.0, 0.0005, 0.001, 0.0015, 0.4])).map(
    lambda t: 2.0 * t[0] + t[1]
)
place = st.tuples(step, step)
lines_ = st.lists(
    st.tuples(st.lists(place, min_size=2, max_size=4, unique=True).map(LineString), st.integers(0, 1)),
    min_size=1,
    max_size=8,
)


def found(lines, group, touch=0.001, near=2.0):
    shapes = np.array(lines, dtype=object)
    result = end_gaps(shapes, np.array(group, dtype="int64"), touch, near)
    return dict(zip(zip(result.line.tolist(), result.last.tolist()), result.gap.tolist()))


@settings(max_examples=200, deadline=None)
@given(lines_)
def test_agrees_with_plain_distances(rows):
    lines, group = [row[0] for row in rows], [row[1] for row in rows]
    gaps = found(lines, group)
    for number, shape in enumerate(lines):
        others = [o for k, o in enumerate(lines) if k != number and group[k] == group[number]]
        for last in (False, True):
            end = Point(shape.coords[-1 if last else 0])
            gap = min((end.distance(other) for other in others), default=np.inf)
            if 0.001 < gap <= 2:
                assert gaps[number, last] == pytest.approx(gap)
            else:
                assert (number, last) not in gaps


def test_only_the_end_that_stops_short_is_found():
    main = LineString([(0, 0), (100, 0)])
    branch = LineString([(50, 30), (50, 1.5)])
    assert found([main, branch], [0, 0]) == {(1, True): 1.5}
    assert found([main, branch], [0, 1]) == {}
    assert found([main, LineString([(50, 30), (50, 0.001)])], [0, 0]) == {}
    assert found([main, LineString([(50, 30), (50, 2.01)])], [0, 0]) == {}


def test_an_end_that_touches_one_line_does_not_stay_away_from_the_next():
    meets = [LineString([(0, 0), (50, 0)]), LineString([(50, 0), (100, 0)]), LineString([(0, 1), (100, 1)])]
    assert (0, True) not in found(meets, [0, 0, 0]) and (1, False) not in found(meets, [0, 0, 0])


def test_a_ring_and_a_twin_do_not_meet_themselves():
    ring = LineString([(0, 0), (10, 0), (10, 10), (0, 0)])
    assert found([ring], [0]) == {}
    assert found([ring, LineString([(-1, -5), (-1, 5)])], [0, 0]) == {(0, False): 1.0, (0, True): 1.0}


def test_no_lines():
    assert found([], []) == {}
