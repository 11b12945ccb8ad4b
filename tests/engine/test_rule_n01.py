"""N01 against a brute-force oracle and hand-drawn cases."""

import math

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import from_wkt
from shapely.geometry import LineString, MultiLineString, Point, Polygon, box

from citygap.engine.city import city_from_tables
from citygap.engine.context import Context
from citygap.engine.findings import merge_equal_keys
from citygap.engine.rules.network import DANGLING_END, NEAR_MISS
from citygap.engine.standards import Standards, shipped_standards

AS_OF = pd.Timestamp("2026-07-01T23:59:59.999999+08:00").to_pydatetime()
JOINING = {"bend", "tee", "cross", "reducer", "probe"}
FAR = box(-1e5, -1e5, 1e5, 1e5)


def frame(rows, geometry):
    names = list(rows[0])
    return gpd.GeoDataFrame({name: [row[name] for row in rows] for name in names}, geometry=geometry)


def city_of(pipes, points=(), buildings=(), unit=FAR):
    """Pipes as (id, class, diameter, line); points as (class, feature, place)."""
    rows = [{"id": i, "class_code": c, "diameter_mm": d} for i, c, d, _ in pipes]
    tables = {
        "pipes": frame(rows, [g for *_, g in pipes]),
        "units": frame([{"code": "u", "level": "district"}], [unit]),
    }
    if points:
        rows = [{"id": f"n{k}", "class_code": c, "feature": f} for k, (c, f, _) in enumerate(points)]
        tables["pipe_points"] = frame(rows, [g for *_, g in points])
    if buildings:
        tables["housing"] = frame([{"id": f"h{k}"} for k in range(len(buildings))], list(buildings))
    return city_from_tables(tables, as_of=AS_OF)


def context_of(city):
    return Context(city, Standards(shipped_standards(), AS_OF.date()))


def outcome(city):
    return DANGLING_END.find(city, context_of(city))


def found(city):
    table = merge_equal_keys(outcome(city).findings)
    return {
        (row.object_id, json_end(row.key)): (
            row.severity,
            row.data_state,
            row.class_code,
            None if math.isnan(row.measured) else row.measured,
        )
        for row in table.itertuples()
    }


def json_end(key):
    return key[-3]


def oracle(pipes, points, buildings, unit):
    """Straight from the catalogue, end by end."""
    edge = Polygon(unit).boundary
    real = [
        (i, c, d, g)
        for i, c, d, g in pipes
        if g is not None and not g.is_empty and np.isfinite(g.bounds).all()
    ]
    ends = [
        (row, name, Point(line.coords[at]))
        for row, (_, code, _, line) in enumerate(real)
        if code is not None and line.coords[0] != line.coords[-1]
        for name, at in (("s", 0), ("e", -1))
    ]
    gaps = {}
    for row, name, place in ends:
        identity, code, diameter, _ = real[row]
        others = [g.distance(place) for k, (_, c, _, g) in enumerate(real) if k != row and c == code]
        to_ends = [p.distance(place) for k, _, p in ends if k != row and real[k][1] == code]
        if any(gap <= 0.05 for gap in others) or any(0.05 < gap <= 1.0 for gap in to_ends):
            continue
        if any(c == code and f not in JOINING and p.distance(place) <= 0.05 for c, f, p in points):
            continue
        if any(h.intersects(place) for h in buildings) or edge.distance(place) <= 20:
            continue
        near = min((gap for gap in others if gap <= 20), default=None)
        severity = "high" if code == "RQ" else "medium" if (diameter or 0) >= 300 else "low"
        gaps.setdefault((identity, name), []).append((severity, "known", code, near))
    order = ["high", "medium", "low"]
    return {key: min(same, key=lambda f: (order.index(f[0]), f[3] or 99)) for key, same in gaps.items()}


step = st.sampled_from([0.0, 0.05, 0.0625, 0.25, 1.0, 1.0625, 3.0, 20.0, 21.0, 23.5])
spot = st.tuples(step, step)
shapes = st.one_of(
    st.lists(spot, min_size=2, max_size=3).map(LineString),
    st.sampled_from([None, from_wkt("LINESTRING EMPTY"), from_wkt("LINESTRING (nan nan, nan nan)")]),
)
pipes_ = st.lists(
    st.tuples(st.sampled_from(["JS", "JS", "RQ", None]), st.sampled_from([299.0, 300.0, None]), shapes),
    min_size=1,
    max_size=5,
).map(lambda rows: [(f"P{k}", *row) for k, row in enumerate(rows)])
points_ = st.lists(
    st.tuples(st.sampled_from(["JS", "RQ"]), st.sampled_from(["cap", "bend", None]), spot.map(Point)),
    max_size=2,
)
buildings_ = st.lists(spot.map(lambda p: box(p[0], p[1], p[0] + 0.5, p[1] + 0.5)), max_size=1)


@settings(max_examples=60, deadline=None)
@given(
    pipes_, points_, buildings_, st.sampled_from([FAR, box(-20, -100, 500, 500), box(-19.5, -99, 500, 500)])
)
def test_agrees_with_the_catalogue_read_plainly(pipes, points, buildings, unit):
    assert found(city_of(pipes, points, buildings, unit)) == oracle(pipes, points, buildings, unit)


def single(code="JS", diameter=None):
    return [("P1", code, diameter, LineString([(0, 0), (10, 0)]))]


def test_record_of_a_plain_open_end():
    other = ("P2", "JS", None, LineString([(0, -5), (0, 5)]))
    table = outcome(city_of([*single(diameter=300.0), other])).findings
    row = table[table["object_id"] == "P1"].iloc[0]
    assert row["key"] == '["N01",["pipes:P1"],"e"]' and row.geometry == Point(10, 0)
    assert (row["object_role"], row["class_code"], row["severity"]) == ("pipes", "JS", "medium")
    assert (row["measured"], row["reference"], row["unit"]) == (10.0, 0.05, "m")
    assert row["anchor"] == Point(5, 0) and row["basis"].startswith("PA041@")
    assert row["params"] == {"diameter_mm": 300.0} and row["confidence"] == "project"


@pytest.mark.parametrize(
    ("code", "diameter", "severity"),
    [
        ("JS", 299.9, "low"),
        ("JS", 300, "medium"),
        ("JS", None, "low"),
        ("JS", 0, "low"),
        ("RQ", 50, "high"),
        ("RQ", None, "high"),
    ],
)
def test_severity_by_diameter_and_class(code, diameter, severity):
    assert {f[0] for f in found(city_of(single(code, diameter))).values()} == {severity}


@pytest.mark.parametrize(("gap", "measured"), [(1.5, 1.5), (20, 20.0), (20.001, None)])
def test_how_far_the_next_pipe_is(gap, measured):
    crossing = ("P2", "JS", None, LineString([(10 + gap, -50), (10 + gap, 50)]))
    assert found(city_of([*single(), crossing]))["P1", "e"][3] == measured
    assert found(city_of([*single("RQ"), crossing]))["P1", "e"][3] is None


@pytest.mark.parametrize(("gap", "near_miss"), [(0.06, True), (1.0, True), (1.001, False)])
def test_a_near_miss_takes_the_place_of_its_two_ends(gap, near_miss):
    city = city_of([*single(), ("P2", "JS", None, LineString([(10 + gap, 0), (30, 0)]))])
    assert bool(len(NEAR_MISS.find(city, context_of(city)).findings)) is near_miss
    assert (("P1", "e") in found(city), ("P2", "s") in found(city)) == (not near_miss, not near_miss)
    assert ("P1", "s") in found(city) and ("P2", "e") in found(city)


def test_what_ends_a_pipe():
    assert set(found(city_of(single()))) == {("P1", "s"), ("P1", "e")}
    for feature, ends in [("cap", True), ("outfall", True), (None, True), ("bend", False), ("probe", False)]:
        assert (("P1", "e") in found(city_of(single(), [("JS", feature, Point(10, 0.05))]))) is not ends
    assert ("P1", "e") in found(city_of(single(), [("JS", "cap", Point(10, 0.06))]))
    assert ("P1", "e") in found(city_of(single(), [("RQ", "cap", Point(10, 0))]))
    assert ("P1", "e") not in found(city_of(single(), (), [box(10, -1, 12, 1)]))
    assert not found(city_of(single(), unit=box(-500, -20, 500, 500)))
    assert found(city_of(single(), unit=box(-500, -20.01, 500, 500)))
    middle = ("P2", "JS", None, LineString([(10.04, -5), (10.04, 5)]))
    assert ("P1", "e") not in found(city_of([*single(), middle]))


def test_rings_parts_and_rows_without_a_line():
    ring = ("P1", "JS", None, LineString([(0, 0), (5, 0), (5, 5), (0, 0)]))
    parted = ("P2", "JS", None, MultiLineString([[(100, 0), (105, 0)], [(105, 0), (110, 0)]]))
    empty = ("P3", "JS", None, None)
    torn = ("P4", "JS", None, LineString([(50, 0), (math.nan, math.nan), (60, 9)]))
    assert set(found(city_of([ring, parted, empty, torn]))) == {("P2", "s"), ("P2", "e")}


def test_pipes_of_one_id_are_one_finding():
    twice = [*single(), ("P1", "RQ", None, LineString([(500, 0), (510, 0)]))]
    assert found(city_of(twice)) == found(city_of(twice[::-1]))
    assert found(city_of(twice))["P1", "e"][0] == "high"


def test_pipes_without_a_class_are_named():
    assert outcome(city_of(single(None))).untested == ("1 pipes without a class: not tested",)
    assert not found(city_of(single(None)))


def test_missing_input_and_reach():
    assert DANGLING_END.missing(city_from_tables({}, as_of=AS_OF)) == "no pipes given"
    city = city_of(single())
    assert DANGLING_END.missing(city) is None
    assert DANGLING_END.reach_m(context_of(city)) == 21.0
