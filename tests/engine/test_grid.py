"""Cells, units and the study area on cities small enough to draw."""

import geopandas as gpd
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import LineString, Point, box

from citygap.engine.city import city_from_tables
from citygap.engine.grid import Grid, square_code, square_codes
from citygap.engine.units import Units

# numbers so small that a hundredth of them is nothing are no coordinates
PLACES = st.floats(-5e5, 5e5, allow_subnormal=False)


def units_of(**shapes):
    """Units from ``code=(level, shape)`` words."""
    data = {"code": list(shapes), "level": [level for level, _ in shapes.values()]}
    frame = gpd.GeoDataFrame(data, geometry=[shape for _, shape in shapes.values()])
    return Units(city_from_tables({"units": frame}))


@pytest.mark.parametrize(
    ("east", "north", "code"),
    [
        (6396, 34567, "XA006396034567"),
        (-1, 0, "XB000001000000"),
        (0, -2, "XC000000000002"),
        (-3, -4, "XD000003000004"),
    ],
)
def test_code_of_a_square(east, north, code):
    assert square_code(east, north) == code


@given(PLACES, PLACES)
def test_the_square_of_a_point_holds_it(x, y):
    area = box(-6e5, -6e5, 6e5, 6e5)
    grid = Grid(units_of(c=("city", area)))
    code = grid.codes(np.array([Point(x, y)], dtype=object))[0]
    west, south, east, north = grid.outlines([code])[0].bounds
    assert west <= x < east and south <= y < north


def test_only_squares_that_share_area_with_the_study_area_are_cells():
    grid = Grid(units_of(c=("city", box(0, 0, 150, 100))))
    codes, shapes = grid.all_cells()
    assert sorted(codes) == ["XA000000000000", "XA000001000000"]
    assert sum(shape.area for shape in shapes) == 20000
    points = np.array([Point(250, 50), Point(199, 50), None], dtype=object)
    assert list(grid.codes(points)) == [None, "XA000001000000", None]


def test_official_cells_go_before_squares():
    grid = Grid(
        units_of(
            c=("city", box(0, 0, 200, 200)), k1=("cell", box(0, 0, 50, 200)), k2=("cell", box(50, 0, 90, 9))
        )
    )
    points = np.array([Point(10, 10), Point(60, 5), Point(150, 150)], dtype=object)
    assert list(grid.codes(points)) == ["k1", "k2", None]
    assert sorted(grid.all_cells()[0]) == ["k1", "k2"]


def test_area_code_is_that_of_the_smallest_unit():
    units = units_of(
        c=("city", box(0, 0, 100, 100)),
        d=("district", box(0, 0, 50, 100)),
        s=("subdistrict", box(0, 0, 50, 50)),
    )
    points = np.array([Point(10, 10), Point(10, 80), Point(80, 80), Point(500, 0), None], dtype=object)
    assert list(units.area_codes(points)) == ["s", "d", "c", None, None]


def test_on_a_shared_border_the_smaller_code_holds_the_point():
    units = units_of(b=("district", box(0, 0, 10, 10)), a=("district", box(10, 0, 20, 10)))
    assert list(units.area_codes(np.array([Point(10, 5)], dtype=object))) == ["a"]


def test_study_area_is_the_city_else_the_highest_level_else_the_hull():
    assert units_of(c=("city", box(0, 0, 9, 9)), d=("district", box(0, 0, 50, 50))).study_area.area == 81
    assert units_of(d=("district", box(0, 0, 9, 9)), e=("district", box(9, 0, 18, 9))).study_area.area == 162
    roads = gpd.GeoDataFrame(
        {"id": ["r1", "r2"]}, geometry=[LineString([(0, 0), (10, 0)]), LineString([(0, 10), (10, 10)])]
    )
    assert Units(city_from_tables({"roads": roads})).study_area.area == 100
    assert Units(city_from_tables({})).study_area is None


def test_many_codes_are_those_of_each():
    squares = np.array([(6396, 34567), (-1, 0), (0, -1), (-123456, -7), (0, 0)])
    assert square_codes(squares).tolist() == [square_code(int(east), int(north)) for east, north in squares]
    assert square_codes(squares[:0]).tolist() == []
