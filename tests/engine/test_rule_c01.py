"""C01 against brute force with shapely, pair by pair, and hand-drawn cases."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, Point, Polygon, box

from citygap.engine.city import city_from_tables
from citygap.engine.context import Context
from citygap.engine.rules.clearance import BUILDING_OVER_PIPE
from citygap.engine.standards import Standards, shipped_standards

ACCURACY = {"A": 0.5, "B": 1.0, "C": 10.0}
steps = st.sampled_from([-6.0, 0.0, 0.5, 1.0, 4.0, 9.0, 10.0, 11.0, 20.0])
pipe = st.fixed_dictionaries(
    {
        "class_code": st.sampled_from(["RQ", "JS", "PS", "DL"]),
        "kind_code": st.sampled_from([None, "WS", "YS", "HS"]),
        "burial_method": st.sampled_from([None, "direct", "utility_tunnel", "basement", "overhead"]),
        "accuracy_grade": st.sampled_from([None, "A", "B", "C"]),
        "from": st.tuples(steps, steps),
        "to": st.tuples(steps, steps),
    }
).filter(lambda item: item["from"] != item["to"])
house = st.tuples(steps, steps, st.sampled_from([1.0, 5.0, 10.0])).map(
    lambda v: box(v[0], v[1], v[0] + v[2], v[1] + v[2])
)


def city_of(pipes, houses):
    names = ("class_code", "kind_code", "burial_method", "accuracy_grade")
    return city_from_tables(
        {
            "pipes": gpd.GeoDataFrame(
                {
                    "id": [f"P{i}" for i in range(len(pipes))],
                    **{name: [item.get(name) for item in pipes] for name in names},
                },
                geometry=[item.get("line") or LineString([item["from"], item["to"]]) for item in pipes],
            ),
            "housing": gpd.GeoDataFrame({"id": [f"H{i}" for i in range(len(houses))]}, geometry=houses),
        }
    )


def run(city):
    context = Context(city, Standards(shipped_standards(), city.as_of.date()))
    return {row.object_id: row for row in BUILDING_OVER_PIPE.find(city, context).findings.itertuples()}


def oracle(pipes, houses):
    found = {}
    for number, item in enumerate(pipes):
        line = LineString([item["from"], item["to"]])
        for other, house_shape in enumerate(houses):
            part = line.intersection(house_shape)
            ends = [Point(item["from"]), Point(item["to"])]
            if item["burial_method"] in ("utility_tunnel", "basement", "overhead") or part.length < 1 - 1e-6:
                continue
            if line.length < 10 and any(house_shape.intersects(end) for end in ends):
                continue
            if item["class_code"] == "RQ":
                severity = "high"
            elif item["class_code"] == "JS" or (
                item["class_code"] == "PS" and item["kind_code"] in ("WS", "HS")
            ):
                severity = "medium"
            else:
                severity = "low"
            if ACCURACY.get(item["accuracy_grade"], 0) > part.length:
                severity = "info"
            found[f"P{number}|H{other}"] = (severity, pytest.approx(part.length))
    return found


@settings(max_examples=100, deadline=None)
@given(st.lists(pipe, min_size=1, max_size=4), st.lists(house, min_size=1, max_size=3))
def test_agrees_with_every_pair_looked_at(pipes, houses):
    rows = run(city_of(pipes, houses))
    assert {name: (row.severity, row.measured) for name, row in rows.items()} == oracle(pipes, houses)


def test_a_gas_pipe_right_through_a_house():
    pipes = [{"class_code": "RQ", "from": (-20, 5), "to": (30, 5)}]
    (row,) = run(city_of(pipes, [box(0, 0, 10, 10)])).values()
    assert (row.object_id, row.severity, row.measured, row.reference) == ("P0|H0", "high", 10.0, 1.0)
    assert row.geometry.equals(LineString([(0, 5), (10, 5)])) and row.class_code == "RQ"
    assert row.objects == ("pipes:P0", "housing:H0")


@pytest.mark.parametrize(("north", "found"), [(9.0, True), (9.01, False)])
def test_one_metre_counts_and_less_does_not(north, found):
    pipes = [{"class_code": "JS", "from": (5, north), "to": (5, 60)}]
    assert bool(run(city_of(pipes, [box(0, 0, 10, 10)]))) == found


@pytest.mark.parametrize(("length", "found"), [(9.99, False), (10.0, True)])
def test_only_a_short_pipe_is_the_own_connection(length, found):
    pipes = [{"class_code": "JS", "from": (5, 5), "to": (5, 5 + length)}]
    assert bool(run(city_of(pipes, [box(0, 0, 10, 10)]))) == found


def test_two_crossings_of_one_house_are_one_finding():
    line = LineString([(-5, 5), (15, 5), (15, 8), (-5, 8)])
    (row,) = run(city_of([{"class_code": "JS", "line": line}], [box(0, 0, 10, 10)])).values()
    assert row.geometry.geom_type == "MultiLineString" and row.measured == 20.0


def test_where_a_pipe_merely_touches_the_wall_is_no_part_of_the_finding():
    line = LineString([(-5, 2), (0, 4), (-5, 6), (-5, 8), (15, 8)])
    (row,) = run(city_of([{"class_code": "JS", "line": line}], [box(0, 0, 10, 10)])).values()
    assert row.geometry.equals(LineString([(0, 8), (10, 8)]))
    assert row.geometry.geom_type in ("LineString", "MultiLineString") and row.measured == 10.0


def test_bad_shapes_stop_nothing():
    pipes = [
        {"class_code": "JS", "from": (-5, 5), "to": (25, 5)},
        {"class_code": "JS", "line": LineString([(1, 1), (1, 1)])},
    ]
    houses = [Polygon([(0, 0), (10, 10), (10, 0), (0, 10)]), None, Point(5, 5), shapely.Polygon()]
    rows = run(city_of(pipes, houses))
    assert set(rows) <= {"P0|H0"}
    city = city_of([{"class_code": "JS", "line": LineString([(np.nan, 0), (5, 5)])}], houses)
    assert run(city) == {}


def test_asks_for_pipes_and_housing():
    assert BUILDING_OVER_PIPE.missing(city_from_tables({})) == "no pipes and no housing given"
