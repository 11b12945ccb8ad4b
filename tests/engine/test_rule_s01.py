"""S01 against a brute-force oracle and hand-drawn cases."""

import math
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import from_wkt
from shapely.geometry import LineString, MultiLineString, MultiPolygon, Point, box

from citygap.engine.city import city_from_tables
from citygap.engine.context import Context
from citygap.engine.findings import merge_equal_keys
from citygap.engine.rules.service import BUILDING_NOT_SERVED
from citygap.engine.standards import Standards, shipped_standards

AS_OF = pd.Timestamp("2026-07-01T23:59:59.999999+08:00").to_pydatetime()
REACH = {"JS": 50, "PS": 50, "RQ": 50, "TX": 50, "DL": 100}
ACCURACY = {"A": 0.5, "B": 1.0, "C": 10.0}
RANK = {"info": 0, "medium": 1, "high": 2}


def table(rows, columns):
    data = {name: [row.get(name) for row in rows] for name in columns}
    return gpd.GeoDataFrame(data, geometry=[row["geometry"] for row in rows])


def city_of(buildings, pipes, units=(), surveys=()):
    columns = ["id", "use", "built_year"]
    if any("accuracy_grade" in row for row in buildings):
        columns.append("accuracy_grade")
    buildings = [{"id": f"h{k}", **row} for k, row in enumerate(buildings)]
    pipes = [{"id": f"p{k}", **row} for k, row in enumerate(pipes)]
    tables = {"housing": table(buildings, columns)}
    if pipes:
        tables["pipes"] = table(pipes, ["id", "class_code", "kind_code", "accuracy_grade"])
    if units:
        tables["units"] = table(units, ["code", "level", "zone_type"])
    if surveys:
        surveys = [{"id": f"s{k}", **row} for k, row in enumerate(surveys)]
        tables["surveys"] = table(surveys, ["id", "class_code", "captured_on"])
    return city_from_tables(tables, as_of=AS_OF)


def standards(reach=None):
    rows = [
        type(row)(**{**row.__dict__, "value": str(reach)})
        if reach is not None and row.rule_or_activity == "S01.reach_m"
        else row
        for row in shipped_standards()
    ]
    return Standards(rows, AS_OF.date())


def outcome(city, reach=None):
    result = BUILDING_NOT_SERVED.find(city, Context(city, standards(reach)))
    return replace(result, findings=merge_equal_keys(result.findings))


def fit(shape):
    return shape is not None and not shape.is_empty and bool(np.isfinite(shape.bounds).all())


def never_surveyed(spot, code, pipes, surveys, area):
    """No pipe of the class in the square of the building, and no survey over 5 % of it.

    A pipe without length is in the square that a point would be in.
    """
    west, south = math.floor(spot.x / 100) * 100, math.floor(spot.y / 100) * 100
    cell = box(west, south, west + 100, south + 100)
    if cell.intersection(area).area == 0:
        return False
    for pipe in pipes:
        if pipe["class_code"] != code or not fit(pipe["geometry"]):
            continue
        x, y = pipe["geometry"].bounds[:2]
        is_dot = pipe["geometry"].length == 0 and west <= x < west + 100 and south <= y < south + 100
        if is_dot or pipe["geometry"].intersection(cell).length > 0:
            return False
    seen = [
        s["geometry"]
        for s in surveys
        if s["class_code"] in (code, "*") and s["captured_on"] <= pd.Timestamp(AS_OF)
    ]
    return shapely.union_all(seen).intersection(cell).area < 0.05 * cell.area


def reached(building, pipe, reach):
    grades = (pipe["accuracy_grade"], building.get("accuracy_grade"))
    return pipe["geometry"].distance(building["geometry"]) <= max(
        reach, sum(ACCURACY.get(g, 0) for g in grades)
    )


def oracle(buildings, pipes, units, surveys, reaches):
    found = {}
    area = shapely.union_all([unit["geometry"] for unit in units])
    for code, reach in reaches.items():
        of_class = [pipe for pipe in pipes if pipe["class_code"] == code and fit(pipe["geometry"])]
        counting = [p for p in of_class if code != "PS" or p["kind_code"] in ("WS", "HS")]
        maybe = [p for p in of_class if code == "PS" and p["kind_code"] is None]
        if not counting and not maybe:
            continue
        for building in buildings:
            shape = building["geometry"]
            if not fit(shape) or any(reached(building, pipe, reach) for pipe in counting):
                continue
            nearest = min((pipe["geometry"].distance(shape) for pipe in counting), default=math.inf)
            spot = shape.point_on_surface()
            unsure = any(reached(building, pipe, reach) for pipe in maybe)
            old = building["built_year"] is not None and 0 < building["built_year"] <= 2000
            old = old and building["use"] in (None, "residential")
            fringe = any(u["zone_type"] == "fringe" and u["geometry"].intersects(spot) for u in units)
            severity = "high" if old or fringe else "medium"
            if unsure or never_surveyed(spot, code, pipes, surveys, area):
                severity = "info"
            found[f'["S01",["housing:{building["id"]}"],"{code}"]'] = (
                severity,
                "unrecorded" if unsure else "known",
                nearest if nearest <= 2 * reach else None,
                shape.wkt,
            )
    return found


step = st.integers(0, 24).map(lambda n: 12.5 * n)
spot = st.tuples(step, step)
line = st.lists(spot, min_size=2, max_size=3).map(LineString)
outlines = st.one_of(
    spot.map(lambda p: box(p[0], p[1], p[0] + 12.5, p[1] + 25)),
    spot.map(lambda p: box(p[0], p[1], p[0] + 12.5, p[1] + 25)),
    spot.map(Point),
    spot.map(
        lambda p: MultiPolygon(
            [box(p[0], p[1], p[0] + 5, p[1] + 5), box(p[0] + 30, p[1], p[0] + 35, p[1] + 5)]
        )
    ),
    st.sampled_from(
        [
            None,
            from_wkt("POLYGON EMPTY"),
            from_wkt("POINT (nan nan)"),
            from_wkt("POLYGON ((0 0, 40 40, 40 0, 0 40, 0 0))"),
        ]
    ),
)
grade = st.sampled_from([None, None, "A", "B", "C", "D"])
buildings_ = st.lists(
    st.fixed_dictionaries(
        {
            "use": st.sampled_from([None, "residential", "commercial"]),
            "built_year": st.sampled_from([None, 1980.0, 2000.0, 2001.0, 0.0]),
            "geometry": outlines,
        },
        optional={"accuracy_grade": grade},
    ),
    min_size=1,
    max_size=5,
)
pipes_ = st.lists(
    st.fixed_dictionaries(
        {
            "class_code": st.sampled_from(["JS", "PS", "PS", "PS", "DL", "RQ", "TX", "RL", None]),
            "kind_code": st.sampled_from(["WS", "HS", "YS", None, "YS"]),
            "accuracy_grade": grade,
            "geometry": st.one_of(
                line,
                line,
                line,
                st.lists(line, min_size=2, max_size=2).map(MultiLineString),
                st.sampled_from(
                    [
                        None,
                        from_wkt("LINESTRING EMPTY"),
                        from_wkt("LINESTRING (nan nan, nan nan)"),
                        from_wkt("LINESTRING (0 0, 80 80, 80 0, 0 80)"),
                    ]
                ),
            ),
        }
    ),
    min_size=1,
    max_size=6,
)
WEST, EAST = box(-500, -500, 150, 900), box(150, -500, 900, 900)
units_ = st.tuples(st.sampled_from([None, "fringe", "core"]), st.sampled_from([None, "fringe"])).map(
    lambda zones: [
        {"code": "a", "level": "district", "zone_type": zones[0], "geometry": WEST},
        {"code": "b", "level": "district", "zone_type": zones[1], "geometry": EAST},
    ]
)
surveys_ = st.lists(
    st.fixed_dictionaries(
        {
            "class_code": st.sampled_from(["JS", "PS", "DL", "*"]),
            "captured_on": st.sampled_from(
                [pd.Timestamp("2025-01-01", tz="UTC"), pd.Timestamp("2027-01-01", tz="UTC")]
            ),
            "geometry": st.sampled_from(
                [box(0, 0, 200, 200), box(0, 0, 5, 100), box(0, 0, 4.5, 100), box(-900, -900, 900, 900)]
            ),
        }
    ),
    max_size=2,
)


@settings(max_examples=100, deadline=None)
@given(buildings_, pipes_, units_, surveys_, st.sampled_from([None, None, 12.5, 5]))
def test_agrees_with_the_catalogue_read_plainly(buildings, pipes, units, surveys, reach):
    buildings = [{"id": f"h{k}", **row} for k, row in enumerate(buildings)]
    reaches = {code: reach or value for code, value in REACH.items()}
    want = oracle(buildings, pipes, units, surveys, reaches)
    result = outcome(city_of(buildings, pipes, units, surveys), reach)
    got = {
        row.key: (
            row.severity,
            row.data_state,
            None if math.isnan(row.measured) else row.measured,
            row.geometry.wkt,
        )
        for row in result.findings.itertuples()
    }
    assert got == want
    assert len(result.findings) == len(want)
    for row in result.findings.itertuples():
        assert row.reference == reaches[row.class_code] and row.unit == "m" and row.object_role == "housing"


HOUSE = {"use": "residential", "built_year": 2010.0, "geometry": box(0, 0, 10, 10)}
CITY = [{"code": "u", "level": "city", "zone_type": None, "geometry": box(-5000, -5000, 5000, 5000)}]


def pipe(away, code="JS", kind=None, accuracy=None):
    shape = LineString([(10 + away, -50), (10 + away, 50)])
    return {"class_code": code, "kind_code": kind, "accuracy_grade": accuracy, "geometry": shape}


def surveyed(code="*"):
    return [
        {
            "class_code": code,
            "captured_on": pd.Timestamp("2025-01-01", tz="UTC"),
            "geometry": box(-5000, -5000, 5000, 5000),
        }
    ]


def gaps(pipes, house=None, units=CITY, surveys=None, reach=None):
    city = city_of([{**HOUSE, **(house or {})}], pipes, units, surveyed() if surveys is None else surveys)
    rows = outcome(city, reach).findings
    return {
        row.class_code: (row.severity, row.data_state, None if math.isnan(row.measured) else row.measured)
        for row in rows.itertuples()
    }


@pytest.mark.parametrize(
    ("code", "away", "gap"),
    [
        ("JS", 0, {}),
        ("JS", 50, {}),
        ("JS", 50.001, {"JS": ("medium", "known", 50.001)}),
        ("JS", 100, {"JS": ("medium", "known", 100)}),
        ("JS", 100.001, {"JS": ("medium", "known", None)}),
        ("DL", 100, {}),
        ("DL", 100.5, {"DL": ("medium", "known", 100.5)}),
        ("RL", 500, {}),
    ],
)
def test_reach_of_each_class(code, away, gap):
    result = gaps([pipe(away, code)])
    assert {name: (s, d, m if m is None else pytest.approx(m)) for name, (s, d, m) in gap.items()} == result


def test_pipe_under_the_building_serves_it():
    assert gaps([{**pipe(0), "geometry": LineString([(4, 4), (5, 5)])}]) == {}


def test_record_of_a_plain_finding():
    city = city_of([HOUSE], [pipe(60), pipe(900, "DL")], CITY, surveyed())
    rows = outcome(city).findings.set_index("class_code")
    row = rows.loc["JS"]
    assert row["key"] == '["S01",["housing:h0"],"JS"]' and row["objects"] == ("housing:h0", "pipes:*")
    assert (row["measured"], row["reference"], row["unit"], row["params"]) == (60, 50, "m", {})
    assert row["basis"].startswith("PA030@") and row["confidence"] == "project"
    assert row.geometry.equals(HOUSE["geometry"])
    assert rows.loc["DL", "basis"].startswith("PA034@") and rows.loc["DL", "reference"] == 100


def test_classes_without_a_pipe_are_named():
    assert outcome(city_of([HOUSE], [pipe(10), pipe(10, "PS", "YS")])).untested == (
        "no PS WS/HS pipe in the city: not tested",
        "no RQ pipe in the city: not tested",
        "no TX pipe in the city: not tested",
        "no DL pipe in the city: not tested",
    )


def test_storm_water_serves_nothing_and_an_unknown_kind_is_unrecorded():
    far = pipe(900, "PS", "WS")
    for kind in ("WS", "HS"):
        assert gaps([far, pipe(10, "PS", kind)]) == {}
    for kind in ("YS", "YS"):
        assert gaps([far, pipe(10, "PS", kind)]) == {"PS": ("medium", "known", None)}
    for kind in (None, "不详"):
        assert gaps([far, pipe(10, "PS", kind)]) == {"PS": ("info", "unrecorded", None)}
        assert gaps([pipe(80, "PS", "WS"), pipe(10, "PS", kind)]) == {"PS": ("info", "unrecorded", 80)}
        assert gaps([pipe(10, "PS", kind)]) == {"PS": ("info", "unrecorded", None)}
        assert gaps([far, pipe(50.5, "PS", kind)]) == {"PS": ("medium", "known", None)}
        assert gaps([pipe(10, "PS", "WS"), pipe(10, "PS", kind)]) == {}
    city = city_of([HOUSE], [pipe(10, "PS")], CITY, surveyed())
    assert outcome(city).findings["params"].iloc[0] == {"unknown_kind": True}


@pytest.mark.parametrize(
    ("house", "zone", "severity"),
    [
        ({"built_year": 2000.0}, None, "high"),
        ({"built_year": 2001.0}, None, "medium"),
        ({"built_year": None}, None, "medium"),
        ({"built_year": 0.0}, None, "medium"),
        ({"built_year": 1980.0, "use": "commercial"}, None, "medium"),
        ({"built_year": 1980.0, "use": None}, None, "high"),
        ({"built_year": 2010.0}, "fringe", "high"),
        ({"built_year": 2010.0}, "core", "medium"),
    ],
)
def test_old_housing_and_fringe_are_high_unless_never_surveyed(house, zone, severity):
    units = [{**CITY[0], "zone_type": zone}]
    assert gaps([pipe(200)], house, units)["JS"][0] == severity
    assert gaps([pipe(200)], house, units, surveys=[])["JS"] == ("info", "known", None)
    assert gaps([pipe(200)], house, units, surveyed("JS"))["JS"][0] == severity
    assert gaps([pipe(200)], house, units, surveyed("DL"))["JS"][0] == "info"


def test_record_of_the_class_in_the_cell_is_a_survey():
    stub = {**pipe(0), "geometry": LineString([(80, 80), (90, 90)])}
    assert gaps([stub], {"geometry": box(0, 0, 5, 5)}, surveys=[])["JS"][0] == "medium"
    assert (
        gaps([{**stub, "class_code": "RQ"}, pipe(200)], {"geometry": box(0, 0, 5, 5)}, surveys=[])["JS"][0]
        == "info"
    )


@pytest.mark.parametrize(
    ("pipe_grade", "house_grade", "away", "served"),
    [
        ("C", None, 10, True),
        ("C", None, 10.01, False),
        ("C", "C", 20, True),
        ("C", "C", 20.01, False),
        ("B", "A", 6, False),
        (None, None, 5, True),
        (None, None, 5.01, False),
        ("D", "D", 5.01, False),
    ],
)
def test_stated_accuracy_widens_a_short_reach(pipe_grade, house_grade, away, served):
    house = {"accuracy_grade": house_grade}
    assert (gaps([pipe(away, accuracy=pipe_grade)], house, reach=5) == {}) is served
    if house_grade is None:
        # A nearer pipe without a grade must not hide the farther one with a wide grade.
        assert (gaps([pipe(away, accuracy=pipe_grade), pipe(5.005)], house, reach=5) == {}) is served


def test_buildings_of_one_id_are_one_finding_and_the_severest_leads():
    old = {**HOUSE, "id": "h", "built_year": 1980.0, "geometry": box(500, 0, 510, 10)}
    for houses in ([{**HOUSE, "id": "h"}, old], [old, {**HOUSE, "id": "h"}]):
        rows = outcome(city_of(houses, [pipe(60)], CITY, surveyed())).findings
        assert len(rows) == 1 and rows["severity"].iloc[0] == "high" and math.isnan(rows["measured"].iloc[0])
        assert rows.geometry.iloc[0].geom_type == "MultiPolygon" and rows.geometry.iloc[0].area == 200


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.booleans())
def test_many_buildings_at_city_coordinates(seed, far):
    rng = np.random.default_rng(seed)
    shift = np.array([639650.123, 3456789.456]) if far else np.zeros(2)
    spots = rng.uniform(0, 1500, (300, 2)) + shift
    ends = rng.uniform(0, 1500, (12, 2)) + shift
    pipes = [{**pipe(0), "geometry": LineString([end, end + rng.uniform(-90, 90, 2)])} for end in ends]
    houses = [{**HOUSE, "geometry": box(x, y, x + 9, y + 12)} for x, y in spots]
    rows = outcome(city_of(houses, pipes)).findings
    lines = shapely.union_all([p["geometry"] for p in pipes])
    want = {f"h{k}" for k, house in enumerate(houses) if house["geometry"].distance(lines) > 50}
    assert set(rows["object_id"]) == want


def test_reach_of_the_rule_and_missing_input():
    city = city_of([HOUSE], [])
    assert BUILDING_NOT_SERVED.reach_m(Context(city, standards())) == 200
    assert BUILDING_NOT_SERVED.reach_m(Context(city, standards(1))) == 20
    assert BUILDING_NOT_SERVED.missing(city) == "no pipes given"
    assert BUILDING_NOT_SERVED.missing(city_from_tables({}, as_of=AS_OF)) == "no housing and no pipes given"
    assert BUILDING_NOT_SERVED.missing(city_of([HOUSE], [pipe(1)])) is None


@pytest.mark.parametrize("turn", [(1, 1), (-1, 1), (1, -1), (-1, -1)])
def test_no_building_past_the_reach_is_settled_at_first_sight(turn):
    """A dot of a pipe and buildings on the diagonal away from it: where squares stretch farthest."""
    dot = {**pipe(0), "geometry": LineString([(0, 0), (0.01 * turn[0], 0.01 * turn[1])])}
    steps = np.arange(35.0, 60, 0.25)
    houses = [{**HOUSE, "geometry": Point(turn[0] * t, turn[1] * t)} for t in steps]
    rows = outcome(city_of(houses, [dot], CITY, surveyed())).findings
    assert len(rows) == sum(math.hypot(t - 0.01, t - 0.01) > 50 for t in steps)
