"""N06 against a brute-force oracle and hand-drawn cases."""

import math

import geopandas as gpd
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import from_wkt
from shapely.geometry import LineString, Point

from citygap.engine.city import city_from_tables
from citygap.engine.context import Context
from citygap.engine.findings import merge_equal_keys
from citygap.engine.rules.network_nodes import ATTRIBUTE_BREAK_AT_NODE, flow
from citygap.engine.standards import Standards, shipped_standards

AS_OF = pd.Timestamp("2026-07-01T23:59:59.999999+08:00").to_pydatetime()
FIELDS = (
    "id",
    "class_code",
    "kind_code",
    "diameter_mm",
    "depth_m",
    "invert_from_m",
    "invert_to_m",
    "from_node",
    "to_node",
)


def pipe(name, start, stop, **values):
    """A drain from place to place; other fields as given."""
    row = {"id": name, "class_code": "PS", **values}
    return {field: row.get(field) for field in FIELDS} | {"geometry": LineString([start, stop])}


def city_of(pipes, without=()):
    columns = {field: [row[field] for row in pipes] for field in FIELDS if field not in without}
    shapes = [row["geometry"] for row in pipes]
    return city_from_tables({"pipes": gpd.GeoDataFrame(columns, geometry=shapes)}, as_of=AS_OF)


def context_of(city):
    return Context(city, Standards(shipped_standards(), AS_OF.date()))


def outcome(city):
    return ATTRIBUTE_BREAK_AT_NODE.find(city, context_of(city))


def found(city):
    """Id and discriminator to severity, measure and reference."""
    return {
        (row.object_id, row.key.split('"')[-2]): (
            row.severity,
            row.data_state,
            None if math.isnan(row.measured) else round(row.measured, 6),
            None if math.isnan(row.reference) else row.reference,
        )
        for row in merge_equal_keys(outcome(city).findings).itertuples()
    }


# ---- oracle -------------------------------------------------------------------------------------


def nodes_of(drains):
    """Groups of (drain, end), by id, then by place."""
    ends = [(k, end) for end in "se" for k in range(len(drains))]
    ids = {(k, e): drains[k]["from_node" if e == "s" else "to_node"] for k, e in ends}

    def place(end):
        line = drains[end[0]]["geometry"]
        return Point(line.coords[0 if end[1] == "s" else -1])

    for bare in [end for end in ends if ids[end] is None]:
        beside = [
            drains[k]["from_node" if e == "s" else "to_node"]
            for k, e in ends
            if place((k, e)).distance(place(bare)) <= 0.05
        ]
        ids[bare] = min((name for name in beside if name is not None), default=None)
    groups = {}
    for end in ends:
        if ids[end] is not None:
            groups.setdefault(ids[end], set()).add(end)
    left = {end for end in ends if ids[end] is None}
    while left:
        group, todo = set(), [left.pop()]
        while todo:
            one = todo.pop()
            group.add(one)
            near = {end for end in left if place(end).distance(place(one)) <= 0.05}
            left -= near
            todo += near
        groups[len(groups)] = group
    return list(groups.values())


def against_itself(drains):
    flows = {}
    for row in drains:
        if row["from_node"]:
            flows.setdefault(row["from_node"], []).append("out")
        if row["to_node"]:
            flows.setdefault(row["to_node"], []).append("in")
    several = [set(ways) for ways in flows.values() if len(ways) >= 2]
    return sum(len(ways) == 1 for ways in several) > 0.2 * len(several)


def spread(values):
    known = [value for value in values if value is not None]
    return max(known) - min(known) if known else 0


def oracle(pipes):
    drains = [row for row in pipes if row["class_code"] == "PS"]
    gaps = {}
    flows = not against_itself(drains)
    for node in nodes_of(drains):
        first, end = min(node, key=lambda e: (drains[e[0]]["id"], e[1] == "e"))
        name = drains[first]["id"]
        levels = {(k, e): drains[k]["invert_from_m" if e == "s" else "invert_to_m"] for k, e in node}
        depths = [drains[k]["depth_m"] for k, e in node if levels[k, e] is None]
        step = max(spread(levels.values()), spread(depths))
        if step > 0.1 + 1e-6:
            gaps[name, f"depth-{end}"] = ("low", "known", round(step, 6), 0.1)
        slopes = [
            (drains[k]["invert_to_m"] - drains[k]["invert_from_m"]) / drains[k]["geometry"].length
            for k, e in node
            if e == "e" and None not in (drains[k]["invert_from_m"], drains[k]["invert_to_m"])
        ]
        if slopes and max(slopes) > 1e-9:
            gaps[name, f"slope-{end}"] = ("medium", "known", round(max(slopes), 6), 0.0)
        kinds = {drains[k]["kind_code"] for k, _ in node}
        if {"YS", "WS"} <= kinds:
            gaps[name, f"join-{end}"] = ("high", "known", None, None)
        into = [drains[k]["diameter_mm"] for k, e in node if e == "e" and drains[k]["to_node"]]
        out = [drains[k]["diameter_mm"] for k, e in node if e == "s" and drains[k]["from_node"]]
        into = [size for size in into if size is not None]
        if flows and into and out and None not in out and max(out) < max(into):
            gaps[name, f"diameter-{end}"] = ("low", "known", max(into) - max(out), 0.0)
    return gaps


spot = st.tuples(st.sampled_from([0.0, 0.05, 0.0625, 10.0, 20.0]), st.sampled_from([0.0, 0.0, 30.0]))
level = st.sampled_from([None, None, 2.0, 2.1, 2.15, 3.0])
node_id = st.sampled_from([None, "A", "B", "C"])
rows_ = st.lists(
    st.fixed_dictionaries(
        {
            "class_code": st.sampled_from(["PS", "PS", "PS", "JS"]),
            "kind_code": st.sampled_from(["YS", "WS", "HS", None]),
            "diameter_mm": st.sampled_from([300.0, 400.0, 600.0, None]),
            "depth_m": level,
            "invert_from_m": level,
            "invert_to_m": level,
            "from_node": node_id,
            "to_node": node_id,
            "geometry": st.tuples(spot, spot).filter(lambda t: t[0] != t[1]).map(LineString),
        }
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=80, deadline=None)
@given(rows_, st.randoms())
def test_agrees_with_the_catalogue_read_plainly(rows, random):
    names = [f"P{k}" for k in range(len(rows))]
    random.shuffle(names)
    pipes = [row | {"id": name} for name, row in zip(names, rows)]
    if any(row["class_code"] == "PS" for row in pipes):
        assert found(city_of(pipes)) == oracle(pipes)


# ---- hand-drawn ---------------------------------------------------------------------------------


def two(one=None, other=None, gap=0.0):
    """P1 flows into P2."""
    return [pipe("P1", (0, 0), (10, 0), **(one or {})), pipe("P2", (10 + gap, 0), (20, 0), **(other or {}))]


@pytest.mark.parametrize(("depth", "step"), [(2.1, None), (2.101, 0.101), (1.9, None), (1.5, 0.5)])
def test_depths_disagree(depth, step):
    want = {} if step is None else {("P1", "depth-e"): ("low", "known", step, 0.1)}
    assert found(city_of(two({"depth_m": 2.0}, {"depth_m": depth}))) == want
    levels = two({"invert_from_m": 9.0, "invert_to_m": 2.0}, {"invert_from_m": depth, "invert_to_m": 0.0})
    assert found(city_of(levels)) == want


def test_levels_are_compared_with_levels_and_depths_with_depths():
    one = {"depth_m": 5.0, "invert_from_m": 3.0, "invert_to_m": 2.0}
    assert not found(city_of(two(one, {"depth_m": 1.0})))
    assert not found(city_of(two(one, {"depth_m": 1.0, "invert_from_m": 2.05, "invert_to_m": 1.0})))


def test_which_ends_meet():
    deep, flat = {"depth_m": 3.0}, {"depth_m": 1.0}
    assert found(city_of(two(deep, flat, gap=0.04)))
    assert not found(city_of(two(deep, flat, gap=0.06)))
    assert found(city_of(two(deep | {"to_node": "A"}, flat | {"from_node": "A"}, gap=5)))
    assert not found(city_of(two(deep | {"to_node": "A"}, flat | {"from_node": "B"})))
    assert found(city_of(two(deep | {"to_node": "A"}, flat)))


def sized(into, out, **more):
    return two({"diameter_mm": into, "to_node": "A"} | more, {"diameter_mm": out, "from_node": "A"})


@pytest.mark.parametrize(("into", "out", "fall"), [(300, 300, None), (400, 300, 100.0), (300, 400, None)])
def test_diameter_falls_downstream(into, out, fall):
    want = {} if fall is None else {("P1", "diameter-e"): ("low", "known", fall, 0.0)}
    assert found(city_of(sized(into, out))) == want
    assert not found(city_of(sized(into, None))) and not found(city_of(sized(None, out)))


def test_diameter_needs_the_direction_of_flow():
    city = city_of(sized(400, 300), without=("from_node",))
    assert not found(city)
    assert outcome(city).untested == ("no from_node, to_node or diameter_mm given: diameters not tested",)
    assert not found(city_of(two({"diameter_mm": 400}, {"diameter_mm": 300})))


def chain(against):
    """Five nodes of two drains each; at so many of them the second drain flows in as well."""
    rows = []
    for k in range(5):
        x = 100.0 * k
        rows.append(pipe(f"P{k}a", (x, 0), (x + 10, 0), diameter_mm=400, to_node=f"N{k}"))
        way = {"to_node": f"N{k}"} if k < against else {"from_node": f"N{k}"}
        rows.append(pipe(f"P{k}b", (x + 10, 0), (x + 20, 0), diameter_mm=300, **way))
    return city_of(rows)


def test_flow_both_ways_at_too_many_nodes():
    assert not context_of(chain(1)).once(flow).is_against_itself
    assert context_of(chain(2)).once(flow).is_against_itself
    assert len(found(chain(1))) == 4 and not found(chain(2))
    assert outcome(chain(2)).untested == ("flow meets or parts at too many nodes: diameters not tested",)


def test_slope_against_the_flow():
    rising = [pipe("P2", (0, 0), (10, 0), invert_from_m=1.0, invert_to_m=1.5), pipe("P1", (10, 0), (20, 0))]
    assert found(city_of(rising)) == {("P1", "slope-s"): ("medium", "known", 0.05, 0.0)}
    assert found(city_of(rising[:1])) == {("P2", "slope-e"): ("medium", "known", 0.05, 0.0)}
    level = [pipe("P2", (0, 0), (10, 0), invert_from_m=1.0, invert_to_m=1.0)]
    assert not found(city_of(level))


@pytest.mark.parametrize(
    ("one", "other", "wrong"),
    [("YS", "WS", True), ("WS", "YS", True), ("YS", "YS", False), ("YS", "HS", False), ("WS", None, False)],
)
def test_storm_joins_foul(one, other, wrong):
    want = {("P1", "join-e"): ("high", "known", None, None)} if wrong else {}
    assert found(city_of(two({"kind_code": one}, {"kind_code": other}))) == want
    water = [row | {"class_code": "JS"} for row in two({"kind_code": one}, {"kind_code": other})]
    assert not found(city_of([*water, pipe("P9", (900, 0), (910, 0))]))


def test_record_of_a_plain_break():
    row = outcome(city_of(two({"depth_m": 3.0}, {"depth_m": 1.0})[::-1])).findings.iloc[0]
    assert row["key"] == '["N06",["pipes:P1"],"depth-e"]' and row.geometry == Point(10, 0)
    assert row["anchor"] == Point(5, 0) and row["class_code"] == "PS" and row["unit"] == "m"
    assert row["basis"].startswith("PA190@") and row["params"] == {"kind": "depth", "ends": 2}


def test_odd_values_never_raise():
    rows = two({"depth_m": -3.0, "to_node": "A", "diameter_mm": 0}, {"depth_m": 1.0, "from_node": "A"})
    rows += [pipe("P3", (0, 0), (1, 1), kind_code="YS", to_node="A") | {"geometry": None}]
    rows += [pipe("P4", (0, 0), (1, 1)) | {"geometry": from_wkt("LINESTRING (nan nan, nan nan)")}]
    rows += [pipe("P0", (0, 0), (1, 1), kind_code="WS", from_node="A") | {"geometry": None}]
    row = outcome(city_of(rows)).findings.iloc[0]
    assert row["object_id"] == "P0" and row.geometry is None and row["severity"] == "high"


def test_lacking_columns_are_named():
    result = outcome(city_of(two(), without=("kind_code", "depth_m", "invert_to_m", "to_node")))
    assert not len(result.findings)
    assert result.untested == (
        "no kind_code given: joins of storm and foul not tested",
        "no depth_m and no invert levels given: depths not tested",
        "no from_node, to_node or diameter_mm given: diameters not tested",
    )


def test_missing_input_and_reach():
    rule = ATTRIBUTE_BREAK_AT_NODE
    assert rule.missing(city_from_tables({}, as_of=AS_OF)) == "no pipes given"
    assert rule.missing(city_of([pipe("P1", (0, 0), (1, 1)) | {"class_code": "JS"}])) is not None
    assert rule.missing(city_of(two())) is None
    assert rule.reach_m(context_of(city_of(two()))) == pytest.approx(1.0)
