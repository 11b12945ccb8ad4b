"""City-wide knowledge: weights of cells, neglected places, cells nobody surveyed."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from shapely.geometry import LineString, Point, box

from citygap.engine.city import city_from_tables
from citygap.engine.context import Context, is_filler
from citygap.engine.standards import Standards, shipped_standards


def context_of(**tables):
    city = city_from_tables(tables)
    return Context(city, Standards(shipped_standards(), city.as_of.date()))


CITY = gpd.GeoDataFrame({"code": ["c"], "level": ["city"]}, geometry=[box(0, 0, 400, 100)])


def houses(residents, **more):
    data = {"id": [f"h{i}" for i in range(len(residents))], "residents": residents, **more}
    return gpd.GeoDataFrame(
        data, geometry=[box(100 * i + 40, 40, 100 * i + 50, 50) for i in range(len(residents))]
    )


def test_heavy_cells_are_those_strictly_above_the_third_quartile():
    context = context_of(units=CITY, housing=houses([10.0, 20.0, 30.0, 40.0]))
    assert context.heavy_cells == {"XA000003000000"}


def test_equal_weights_are_all_light():
    assert context_of(units=CITY, housing=houses([5.0] * 4)).heavy_cells == frozenset()


def test_cells_with_population_of_their_own_decide_and_count_the_elderly():
    cells = gpd.GeoDataFrame(
        {
            "code": ["k1", "k2"],
            "level": ["cell", "cell"],
            "population": [100.0, 90.0],
            "residents_60_plus": [0.0, 40.0],
        },
        geometry=[box(0, 0, 100, 100), box(100, 0, 200, 100)],
    )
    assert context_of(units=cells, housing=houses([1000.0])).heavy_cells == {"k2"}


def test_population_of_a_unit_is_split_by_residential_floor_area():
    units = CITY.assign(population=[100.0])
    housing = houses(
        [None] * 3, floor_area_m2=[100.0, None, 300.0], floors=[1.0, 6.0, 1.0], use=[None, None, "office"]
    )
    weights = context_of(units=units, housing=housing).cell_weights
    assert weights["XA000000000000"] == pytest.approx(100 * 100 / 700)
    assert weights["XA000001000000"] == pytest.approx(100 * 600 / 700)
    assert weights["XA000002000000"] == 0


def test_no_people_no_weight():
    assert context_of(units=CITY, housing=houses([None, None])).heavy_cells == frozenset()


def test_points_in_a_back_alley_by_its_width_else_five_metres():
    neglected = gpd.GeoDataFrame(
        {
            "id": ["a", "b", "c"],
            "kind": ["back_alley", "back_alley", "leftover"],
            "width_m": [4.0, None, 90.0],
        },
        geometry=[LineString([(0, y), (100, y)]) for y in (0, 50, 100)],
    )
    points = np.array([Point(50, y) for y in (1.9, 2.1, 54.9, 55.1, 100)], dtype=object)
    assert list(context_of(neglected=neglected).in_neglected(points)) == [True, False, True, False, False]


def test_a_cell_is_never_surveyed_without_record_and_footprint():
    pipes = gpd.GeoDataFrame(
        {"id": ["p", "q"], "class_code": ["JS", "RQ"]},
        geometry=[LineString([(10, 10), (100, 10)]), LineString([(210, 0), (210, 99)])],
    )
    surveys = gpd.GeoDataFrame(
        {
            "id": ["s", "t"],
            "class_code": ["JS", "JS"],
            "captured_on": [pd.Timestamp("2020-01-01", tz="UTC")] * 2,
        },
        geometry=[box(200, 0, 205, 100), box(300, 0, 304.9, 100)],
    )
    context = context_of(units=CITY, pipes=pipes, surveys=surveys)
    codes = np.array([f"XA{east:06d}000000" for east in range(4)] + [None], dtype=object)
    # 0: a pipe; 1: only touched at its border; 2: 5 % surveyed; 3: 4.9 %; None: no cell
    assert list(context.never_surveyed("pipes:JS", codes)) == [False, True, False, True, False]


def test_fillers_are_told_by_value_in_numbers_and_by_spelling_in_text():
    fillers = ("0", "9999", "不详")
    assert list(is_filler(pd.Series([0.0, 9999.0, 1.0, np.nan]), fillers)) == [True, True, False, False]
    assert list(is_filler(pd.Series(["0", " 不详 ", "00", None]), fillers)) == [True, True, False, False]


def test_a_zero_is_a_filler_only_where_a_value_is_asked_for():
    housing = houses([0.0, 3.0], floors=[0.0, 2.0])
    rows = context_of(housing=housing).subject("housing").rows
    assert list(rows["residents"]) == [0.0, 3.0]
    assert rows["floors"].isna().tolist() == [True, False]


def test_cells_alone_make_the_study_area():
    units = gpd.GeoDataFrame(
        {"code": ["1", "2"], "level": ["cell"] * 2}, geometry=[box(0, 0, 100, 100), box(100, 0, 200, 100)]
    )
    roads = gpd.GeoDataFrame({"id": ["r"]}, geometry=[LineString([(0, 0), (900, 900)])])
    area = context_of(units=units, roads=roads).units.study_area
    assert area.equals(box(0, 0, 200, 100))


def test_an_alley_reaches_half_its_width_around_its_very_line():
    alley = gpd.GeoDataFrame(
        {"id": ["n"], "kind": ["back_alley"], "width_m": [10.0]}, geometry=[LineString([(0, 0), (50, 0)])]
    )
    # between two corners of a buffer's arc its chord would leave 4.999 m out
    turn = np.pi * 33 / 64
    points = shapely.points(
        50 + np.array([4.999, 5.001]) * np.sin(turn), np.array([4.999, 5.001]) * np.cos(turn)
    )
    assert context_of(neglected=alley).in_neglected(points).tolist() == [True, False]
