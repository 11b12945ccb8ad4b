"""Area outside buffers, against the union of all buffers."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, MultiPolygon, box

from citygap.engine.outside import area_outside

place = st.tuples(st.floats(0, 400), st.floats(0, 400))
line = st.lists(place, min_size=2, max_size=6).map(LineString)
area = st.tuples(place, st.floats(1, 90), st.floats(1, 90)).map(
    lambda t: box(t[0][0], t[0][1], t[0][0] + t[1], t[0][1] + t[2])
)


def array(shapes):
    return np.array(shapes, dtype=object)


@settings(max_examples=100, deadline=None)
@given(st.lists(area, min_size=1, max_size=12), st.lists(line, min_size=1, max_size=6))
def test_agrees_with_the_union_of_all_buffers(areas, lines):
    covered = shapely.union_all(shapely.buffer(array(lines), 50, quad_segs=8))
    want = [shape.difference(covered).area for shape in areas]
    given_ = array(areas)
    assert area_outside(given_, array(lines), 50.0) == pytest.approx(want, abs=1e-6)
    assert list(given_) == areas


def test_overlapping_buffers_count_once():
    track = LineString([(0, 0), (100, 0)])
    house = box(40, 40, 60, 60)
    assert area_outside(array([house]), array([track] * 3), 50.0) == pytest.approx([200.0])
    both = array([track, LineString([(0, 100), (100, 100)])])
    assert area_outside(array([house]), both, 50.0) == pytest.approx([0.0])
    assert area_outside(array([house]), both, 45.0) == pytest.approx([200.0])


def test_covered_whole_out_of_reach_and_in_parts():
    track = array([LineString([(0, 0), (100, 0)])])
    parts = MultiPolygon([box(10, 10, 20, 20), box(10, 500, 20, 510)])
    areas = array([box(10, 10, 20, 20), box(10, 500, 20, 510), parts])
    assert area_outside(areas, track, 50.0) == pytest.approx([0.0, 100.0, 100.0])


def test_no_lines_and_no_areas():
    nothing = np.zeros(0, dtype=object)
    assert area_outside(array([box(0, 0, 2, 2)]), nothing, 50.0) == pytest.approx([4.0])
    assert area_outside(nothing, array([LineString([(0, 0), (1, 0)])]), 50.0).shape == (0,)
