"""The area pairs of polygons share, against GEOS."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import MultiPolygon, Polygon, box

from citygap.engine.shared_area import shared_area, sides

# Whole numbers make sides meet, lie on each other and stand upright; GEOS errs on numbers next to nothing.
number = st.one_of(st.integers(-6, 6).map(float), st.floats(-6, 6).map(lambda value: round(value, 6)))
corner = st.tuples(st.floats(0.2, 5), st.floats(-0.1, 0.1))


@st.composite
def star(draw):
    """A polygon seen whole from its middle, which runs round either way."""
    spokes = draw(st.lists(corner, min_size=3, max_size=9))
    turn = (np.arange(len(spokes)) / len(spokes) + [spoke[1] / len(spokes) for spoke in spokes]) * 2 * np.pi
    length = np.array([spoke[0] for spoke in spokes])
    places = np.column_stack([np.cos(turn), np.sin(turn)]) * length[:, None] + draw(st.tuples(number, number))
    return Polygon(places[:: draw(st.sampled_from([1, -1]))])


@st.composite
def yard(draw):
    """A box with a hole, each of which runs round either way."""
    east, north = draw(st.tuples(number, number))
    shell = list(box(east, north, east + 4, north + 3).exterior.coords)
    hole = list(box(east + 1, north + 1, east + 2, north + 2).exterior.coords)
    return Polygon(shell[:: draw(st.sampled_from([1, -1]))], [hole[:: draw(st.sampled_from([1, -1]))]])


parted = yard().map(lambda shape: MultiPolygon([shape, box(20, 0, 21, 4)]))
boxes = st.tuples(number, number).map(lambda t: box(t[0], t[1], t[0] + 4, t[1] + 3))
polygon = st.one_of(star(), yard(), parted, boxes)


def shared(some, others):
    some, others = (np.array(shapes, dtype=object) for shapes in (some, others))
    one, other = (index.ravel() for index in np.indices((len(some), len(others))))
    return shared_area(sides(some), sides(others), one, other), some[one], others[other]


@settings(max_examples=300, deadline=None)
@given(st.lists(polygon, min_size=1, max_size=4), st.lists(polygon, min_size=1, max_size=4))
def test_agrees_with_the_intersection(some, others):
    some, others = ([shape for shape in shapes if shape.is_valid] for shapes in (some, others))
    found, one, other = shared(some, others)
    assert found == pytest.approx(shapely.area(shapely.intersection(one, other)), abs=1e-9)


def test_far_from_the_origin():
    move = np.array([640_000.0, 3_456_000.0])
    star = np.array([(0, 0), (10, 3), (7, 12), (1e-9, 9)])
    found, one, other = shared([Polygon(star + move)], [Polygon(star[::-1] + move + [2.5, 1.5])])
    assert found == pytest.approx(shapely.area(shapely.intersection(one, other)), abs=1e-7)


def test_a_side_next_to_upright():
    found, _, _ = shared([Polygon([(0, 0), (4, 0), (4, 3), (1e-311, 3)])], [box(-1, 1, 1, 2)])
    assert found == pytest.approx([1.0])


def test_itself_a_neighbour_and_nothing():
    house = box(0, 0, 2, 3)
    found, _, _ = shared([house, Polygon()], [house, box(2, 0, 4, 3), box(0, 3, 2, 9), Polygon()])
    assert found.tolist() == pytest.approx([6, 0, 0, 0] + [0] * 4)
