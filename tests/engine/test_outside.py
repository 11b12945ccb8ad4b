"""Area outside buffers, against the union of all buffers."""

import numpy as np
import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, MultiPolygon, Polygon, box

from citygap.engine.outside import area_outside

place = st.tuples(st.floats(0, 400), st.floats(0, 400))
line = st.lists(place, min_size=2, max_size=6).map(LineString)
area = st.tuples(place, st.floats(1, 90), st.floats(1, 90)).map(
    lambda t: box(t[0][0], t[0][1], t[0][0] + t[1], t[0][1] + t[2])
)
TURN = np.linspace(0, 2 * np.pi, 24, endpoint=False)
RING = 52 * np.column_stack([np.cos(TURN), np.sin(TURN)])
SIZE = np.array([9.0, 12.0])


def array(shapes):
    return np.array(shapes, dtype=object)


def drawn_right(lines):
    """Buffers of lines; now and then GEOS leaves a hole along a line that curls, which shows nothing."""
    buffers = shapely.buffer(array(lines), 50, quad_segs=8)
    assume((shapely.distance(array(lines), shapely.boundary(buffers)) > 49.2).all())
    return buffers


@settings(max_examples=100, deadline=None)
@given(st.lists(area, min_size=1, max_size=12), st.lists(line, min_size=1, max_size=6))
def test_agrees_with_the_union_of_all_buffers(areas, lines):
    covered = shapely.union_all(drawn_right(lines))
    want = [shape.difference(covered).area for shape in areas]
    given_ = array(areas)
    assert area_outside(given_, array(lines), 50.0) == pytest.approx(want, abs=1e-6)
    assert list(given_) == areas


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from([0.2, 0.45, 3.0, 30.0]), st.floats(-0.6, 0.6)), min_size=10, max_size=60
    )
)
def test_short_pieces_are_left_out_as_in_the_whole_line(steps):
    length, bend = np.array(steps).T
    way = np.cumsum(bend)
    walk = np.cumsum(np.column_stack([length * np.cos(way), length * np.sin(way)]), axis=0)
    houses = [box(*corner, *(corner + SIZE)) for corner in walk[len(walk) // 2] + RING]
    track = LineString(walk)
    want = [house.difference(drawn_right([track])[0]).area for house in houses]
    assert area_outside(array(houses), array([track]), 50.0) == pytest.approx(want, abs=1e-6)


def test_a_yard_and_an_island_in_a_ring_of_tracks():
    around = array([LineString([(0, 0), (300, 0), (300, 300), (0, 300), (0, 1)])])
    yard = Polygon(box(30, 30, 270, 270).exterior, [box(45, 45, 255, 255).exterior])
    both = MultiPolygon([box(290, 290, 420, 400), box(100, 40, 200, 260)])
    want = [shape.difference(around[0].buffer(50, quad_segs=8)).area for shape in (yard, both)]
    assert area_outside(array([yard, both]), around, 50.0) == pytest.approx(want, abs=1e-6)
    assert want[1] > 0


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
