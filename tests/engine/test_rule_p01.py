"""P01 against a brute-force oracle and hand-drawn cases."""

from fractions import Fraction

import geopandas as gpd
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import from_wkt
from shapely.geometry import LineString, Point, Polygon, box

from citygap.engine.city import city_from_tables
from citygap.engine.context import Context
from citygap.engine.rules.component import COMPONENT_CONDITION_LOW
from citygap.engine.standards import Standards, shipped_standards

AS_OF = pd.Timestamp("2026-07-01T23:59:59.999999+08:00").to_pydatetime()

ROADS = {
    "R0": ("甲路", "secondary", LineString([(0, 10), (90, 10)])),
    "R1": ("乙路", "residential", LineString([(0, 40), (290, 40)])),
    "R2": ("甲路", "service", LineString([(110, 10), (190, 10)])),
    "R3": (None, "residential", LineString([(0, 62), (290, 62)])),
}
groups = st.lists(
    st.fixed_dictionaries(
        {
            "place": st.sampled_from(
                [(50, 10), (50, 25), (50, 25.5), (150, 40), (150, 55), (150, 56), (250, 80)]
            ),
            "kind": st.sampled_from(["street_lamp", "0118", "0103", "manhole_cover", "0119"]),
            "intact": st.sampled_from([0, 4, 5, 9, 10, 19, 49]),
            "broken": st.sampled_from([0, 1, 2, 5]),
            "unknown": st.sampled_from([0, 5, 10]),
        }
    ),
    min_size=1,
    max_size=5,
)


def city_of(rows, level="subdistrict", roads=ROADS):
    things = [
        (row["kind"], condition, row["place"])
        for row in rows
        for condition, count in (("intact", row["intact"]), ("broken", row["broken"]), (None, row["unknown"]))
        for _ in range(count)
    ]
    tables = {
        "components": gpd.GeoDataFrame(
            {
                "id": [f"C{i}" for i in range(len(things))],
                "class_code": [thing[0] for thing in things],
                "condition": [thing[1] for thing in things],
            },
            geometry=[Point(thing[2]) for thing in things],
        ),
        "roads": gpd.GeoDataFrame(
            {
                "id": list(roads),
                "name": [road[0] for road in roads.values()],
                "highway": [road[1] for road in roads.values()],
            },
            geometry=[road[2] for road in roads.values()],
        ),
        "units": gpd.GeoDataFrame(
            {"code": ["310000", "W", "E"], "level": ["city", level, level]},
            geometry=[box(0, 0, 300, 100), box(0, 0, 120, 100), box(120, 0, 300, 100)],
        ),
    }
    return city_from_tables(tables, as_of=AS_OF)


def run(city):
    context = Context(city, Standards(shipped_standards(), AS_OF.date()))
    return COMPONENT_CONDITION_LOW.find(city, context).findings


def places_of(spot):
    found = [("cell", f"XA{int(spot[0] // 100):06d}000000"), ("units", "W" if spot[0] < 120 else "E")]
    near = sorted((line.distance(Point(spot)), name) for name, _, line in ROADS.values() if name is not None)
    return [*found, ("roads", near[0][1])] if near[0][0] <= 15 else found


def oracle(rows):
    sums = {}
    for row in rows:
        kind = {"0118": "street_lamp", "0103": "manhole_cover"}.get(row["kind"], row["kind"])
        if kind == "0119":
            continue
        for place in places_of(row["place"]):
            total = sums.setdefault((*place, kind), [0, 0, 0])
            for at, word in enumerate(("intact", "broken", "unknown")):
                total[at] += row[word]
    found = {}
    for (role, name, kind), (intact, broken, unknown) in sums.items():
        count, seen = intact + broken + unknown, intact + broken
        if count < 10:
            continue
        mark = Fraction(95, 100)
        if kind == "manhole_cover" or (role == "roads" and name == "甲路"):
            mark = Fraction(98, 100)
        elif role == "roads":
            mark = Fraction(96, 100)
        if 2 * seen < count:
            found[role, name, kind] = ("info", "unrecorded", None)
            continue
        short = mark - Fraction(intact, seen)
        if short > 0:
            severity = (
                "low" if short < Fraction(5, 100) else "medium" if short < Fraction(15, 100) else "high"
            )
            found[role, name, kind] = (severity, "known", round(intact / seen, 4))
    return found


def read(findings):
    return {
        (role, name, kind): (severity, state, None if pd.isna(share) else share)
        for role, name, kind, severity, state, share in zip(
            *(
                findings[field]
                for field in ("object_role", "object_id", "class_code", "severity", "data_state", "measured")
            )
        )
    }


@settings(max_examples=80, deadline=None)
@given(groups)
def test_agrees_with_the_oracle_on_random_cities(rows):
    findings = run(city_of(rows))
    assert read(findings) == oracle(rows)
    assert not findings["steps"].any()


def lamps(intact, broken, unknown=0, place=(250, 80), kind="street_lamp"):
    return {"place": place, "kind": kind, "intact": intact, "broken": broken, "unknown": unknown}


@pytest.mark.parametrize(
    ("row", "severity"),
    [
        (lamps(95, 5), None),
        (lamps(94, 6), "low"),
        (lamps(901, 99), "low"),  # 90.1 %
        (lamps(90, 10), "medium"),  # exactly 5 points short
        (lamps(801, 199), "medium"),
        (lamps(80, 20), "high"),
        (lamps(5, 4), None),  # nine are too few
        (lamps(5, 5), "high"),
        (lamps(5, 0, 5), None),  # half of them inspected
        (lamps(5, 0, 6), "info"),
        (lamps(0, 0, 10), "info"),
        (lamps(98, 2, kind="0103"), None),
        (lamps(97, 3, kind="0103"), "low"),
    ],
)
def test_marks_of_a_cell(row, severity):
    findings = run(city_of([row]))
    cell = findings[findings["object_role"] == "cell"]
    assert list(cell["severity"]) == ([] if severity is None else [severity])
    if severity == "info":
        assert cell["measured"].isna().all() and list(cell["data_state"]) == ["unrecorded"]


def test_a_street_is_all_roads_of_its_name_and_main_if_one_is():
    rows = [lamps(97, 3, place=(50, 10)), lamps(97, 3, place=(150, 40))]
    found = read(run(city_of(rows)))
    assert found["roads", "甲路", "street_lamp"][0] == "low"  # 98 % asked of a main street
    assert ("roads", "乙路", "street_lamp") not in found  # 96 % of another
    streets = run(city_of(rows)).set_index("object_id")
    assert streets.loc["甲路", "key"] == '["P01",["roads:甲路"],"street_lamp"]'
    assert streets.geometry["甲路"].equals(ROADS["R0"][2].union(ROADS["R2"][2]))


def test_a_lamp_between_two_streets_belongs_to_the_nearer_and_of_equal_ones_to_the_first_name():
    roads = {
        "a": ("b", "service", LineString([(0, 0), (90, 0)])),
        "b": ("a", "service", LineString([(0, 20), (90, 20)])),
    }
    for y, name in [(9.9, "b"), (10, "a"), (10.1, "a")]:
        found = read(run(city_of([lamps(5, 5, place=(50, y))], roads=roads)))
        assert [key[1] for key in found if key[0] == "roads"] == [name]


def test_units_are_those_of_the_smallest_level_above_cell():
    found = read(run(city_of([lamps(5, 5)], level="cell")))
    assert sorted(key[:2] for key in found) == [("cell", "E"), ("units", "310000")]


def test_bad_values_do_not_stop_it():
    city = city_of([lamps(5, 5, place=(50, 10))])
    table = city.table("components")
    table["geometry"] = [None, from_wkt("POINT (NaN 1)"), Point(), *table.geometry[3:]]
    city.table("roads").loc[0, "geometry"] = from_wkt("LINESTRING (0 10, NaN 10, 90 10)")
    city.table("roads").loc[1, "name"] = "不详"
    city.table("units").loc[1, "geometry"] = Polygon([(0, 0), (120, 100), (120, 0), (0, 100)])
    assert not len(run(city))


def test_not_run_without_condition():
    city = city_from_tables(
        {"components": gpd.GeoDataFrame({"id": ["C"], "class_code": ["street_lamp"]}, geometry=[Point(0, 0)])}
    )
    assert COMPONENT_CONDITION_LOW.missing(city) == "no components with a condition given"
