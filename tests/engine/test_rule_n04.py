"""N04 against a walk along the drains in plain Python, and hand-drawn cases."""

import math
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, MultiLineString, Point, Polygon

from citygap.engine.city import city_from_tables
from citygap.engine.context import Context
from citygap.engine.drain_runs import line_nodes, straight_runs
from citygap.engine.findings import merge_equal_keys
from citygap.engine.rules.network_drains import MISSING_MANHOLE
from citygap.engine.standards import Standards, shipped_standards

AS_OF = pd.Timestamp("2026-07-01T23:59:59.999999+08:00").to_pydatetime()
BANDS = [(600, 75.0), (1000, 100.0), (1500, 150.0), (2000, 200.0)]


def table(geometry, **columns):
    return gpd.GeoDataFrame(columns, geometry=list(geometry))


def city_of(pipes, wells=(), covers=(), cases=(), columns=("class_code", "diameter_mm")):
    """Pipes as (id, class, diameter, line); wells (class, feature, place); covers (code, place)."""
    values = {"class_code": [c for _, c, _, _ in pipes], "diameter_mm": [d for _, _, d, _ in pipes]}
    names = {name: values[name] for name in columns}
    tables = {"pipes": table([g for *_, g in pipes], id=[i for i, *_ in pipes], **names)}
    if wells:
        tables["pipe_points"] = table(
            [g for *_, g in wells],
            id=[f"n{k}" for k in range(len(wells))],
            class_code=[c for c, *_ in wells],
            feature=[f for _, f, _ in wells],
        )
    if covers:
        tables["components"] = table(
            [g for *_, g in covers],
            id=[f"c{k}" for k in range(len(covers))],
            class_code=[c for c, _ in covers],
        )
    if cases:
        tables["hotline"] = table(
            [g for *_, g in cases],
            id=[f"q{k}" for k in range(len(cases))],
            category=[c for c, *_ in cases],
            caller_key=[w for _, w, _, _ in cases],
            at=[pd.Timestamp(t) for _, _, t, _ in cases],
        )
    return city_from_tables(tables, as_of=AS_OF)


def outcome(city):
    return MISSING_MANHOLE.find(city, Context(city, Standards(shipped_standards(), AS_OF.date())))


def found(city):
    result = merge_equal_keys(outcome(city).findings)
    return {
        row.key[len('["N04",["') : -1].replace('"],"', " ").rstrip('"'): (
            row.severity,
            row.data_state,
            None if math.isnan(row.measured) else round(row.measured, 6),
            None if math.isnan(row.reference) else row.reference,
        )
        for row in result.itertuples()
    }


WELL = ("PS", "manhole", Point(-1e4, 0))
"""A manhole somewhere else: runs and nodes are tested where there are any."""


def drain(*places, name="P1", code="PS", diameter=300.0):
    return (name, code, diameter, LineString(places))


# ---- oracle -------------------------------------------------------------------------------------


def bend_of(a, b, c):
    """Angle between two ways, degrees."""
    one, other = math.atan2(b[1] - a[1], b[0] - a[0]), math.atan2(c[1] - b[1], c[0] - b[0])
    return abs((math.degrees(other - one) + 180) % 360 - 180)


def is_well(place, wells, covers):
    return any(
        c in ("PS", None) and f in ("manhole", "inspection_well") and g.distance(place) <= 0.05
        for c, f, g in wells
    ) or any(c in ("manhole_cover", "0102", "0112") and g.distance(place) <= 2.0 for c, g in covers)


def oracle(pipes, wells, covers):
    """Drains of one straight piece with corners on whole metres, wells at ends only."""
    gaps = {}
    drains = [(i, d, g.coords[0], g.coords[-1]) for i, c, d, g in pipes if c == "PS"]
    at = {}
    for number, (_, _, start, stop) in enumerate(drains):
        at.setdefault(start, []).append((number, "s"))
        at.setdefault(stop, []).append((number, "e"))
    for place, ends in at.items():
        members = {number for number, _ in ends}
        if len(members) >= 3 and not is_well(Point(place), wells, covers):
            first = min(members, key=lambda k: drains[k][0])
            end = "s" if (first, "s") in ends else "e"
            gaps[f"pipes:{drains[first][0]} node-{end}"] = ("medium", "known", None, None)

    def next_of(number, end):
        """The drain that goes on at this end, and the end of it that is met."""
        place = drains[number][3 if end == "e" else 2]
        back = drains[number][2 if end == "e" else 3]
        ends = at[place]
        if len(ends) != 2 or is_well(Point(place), wells, covers):
            return None
        other, met = next(pair for pair in ends if pair != (number, end))
        ahead = drains[other][3 if met == "s" else 2]
        return None if bend_of(back, place, ahead) >= 10 - 1e-6 else (other, "e" if met == "s" else "s")

    for number in range(len(drains)):
        run = {number}
        for end in "se":
            step = next_of(number, end)
            while step is not None and step[0] not in run:
                run.add(step[0])
                step = next_of(*step)
        sizes = [drains[k][1] for k in run]
        length = sum(math.dist(drains[k][2], drains[k][3]) for k in run)
        if any(size is not None and size > 2000 for size in sizes):
            continue
        spacing = max(
            [75.0] + [next(s for top, s in BANDS if size <= top) for size in sizes if size is not None]
        )
        if length > spacing + 1e-6:
            unknown = any(size is None for size in sizes)
            name = min(drains[k][0] for k in run)
            said = ("info", "unrecorded") if unknown else ("medium", "known")
            gaps[f"pipes:{name} run"] = (*said, round(length, 6), spacing)
    for k, (code, place) in enumerate(covers):
        if code == "0302":
            continue
        wanted = {"0102": "PS", "0101": "JS"}.get(code)
        theirs = [g.distance(place) for _, c, _, g in pipes if wanted is None or c == wanted]
        if theirs and min(theirs) > 2.0 + 1e-6:
            gaps[f"components:c{k} cover"] = ("medium", "known", round(min(theirs), 6), 2.0)
    return gaps


# Corners in columns 25 m apart, with rows that make bends of 0, just under, and over 10 degrees.
corner = st.tuples(
    st.sampled_from([0.0, 25.0, 50.0, 75.0, 100.0, 200.0]), st.sampled_from([0.0, 0.0, 0.0, 4.0, 5.0])
)
sizes = st.sampled_from([300.0, 600.0, 601.0, 1000.0, 1500.0, 2000.0, 2001.0, None])
pipes_ = st.lists(
    st.tuples(st.sampled_from(["PS", "PS", "PS", "JS"]), sizes, corner, corner).filter(
        lambda t: t[2] != t[3]
    ),
    min_size=1,
    max_size=6,
    unique_by=lambda t: frozenset(t[2:]),
)
wells_ = st.lists(
    st.tuples(
        st.sampled_from(["PS", "PS", None, "DL"]),
        st.sampled_from(["manhole", "inspection_well", "tee"]),
        corner,
    ),
    max_size=3,
)
covers_ = st.lists(st.tuples(st.sampled_from(["manhole_cover", "0101", "0112", "0302"]), corner), max_size=1)


@settings(max_examples=60, deadline=None)
@given(pipes_, wells_, covers_, st.randoms())
def test_agrees_with_a_walk_along_the_drains(rows, wells, covers, random):
    names = [f"P{k}" for k in range(len(rows))]
    random.shuffle(names)
    pipes = [(name, c, d, LineString([a, b])) for name, (c, d, a, b) in zip(names, rows)]
    # A well beside a drain that goes through it would cut the drain: those have a test of their own.
    drains = [g for _, c, _, g in pipes if c == "PS"]
    at_ends = {p for g in drains for p in (g.coords[0], g.coords[-1])}
    reach = {"cover": 2.0, "well": 0.05}

    def cuts(place, kind):
        return any(
            g.distance(Point(place)) <= reach[kind]
            and min(Point(place).distance(Point(g.coords[k])) for k in (0, -1)) > 1e-9
            for g in drains
        )

    wells = [(c, f, Point(p)) for c, f, p in wells if p in at_ends and not cuts(p, "well")] + [WELL]
    covers = [(c, Point(p)) for c, p in covers if not cuts(p, "cover")]
    assert found(city_of(pipes, wells, covers)) == oracle(pipes, wells, covers)


# ---- hand-drawn ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("diameter", "spacing"),
    [(300, 75), (600, 75), (601, 100), (1000, 100), (1001, 150), (1500, 150), (1501, 200), (2000, 200)],
)
def test_spacing_by_diameter(diameter, spacing):
    assert not found(city_of([drain((0, 0), (spacing, 0), diameter=diameter)], [WELL]))
    over = found(city_of([drain((0, 0), (spacing + 0.01, 0), diameter=diameter)], [WELL]))
    assert over == {"pipes:P1 run": ("medium", "known", spacing + 0.01, spacing)}


def test_beyond_the_table_is_named_and_not_tested():
    result = outcome(city_of([drain((0, 0), (900, 0), diameter=2001)], [WELL]))
    assert not len(result.findings)
    assert result.untested == ("1 runs with a diameter beyond the spacing table: not tested",)


def test_without_diameter_it_is_for_information_from_the_narrowest_spacing():
    assert found(city_of([drain((0, 0), (76, 0), diameter=None)], [WELL])) == {
        "pipes:P1 run": ("info", "unrecorded", 76.0, 75.0)
    }
    assert not found(city_of([drain((0, 0), (75, 0), diameter=None)], [WELL]))
    city = city_of([drain((0, 0), (900, 0))], [WELL], columns=("class_code",))
    assert outcome(city).untested == ("no diameter_mm given: runs not tested",)


def test_a_manhole_in_the_middle_cuts_a_drain():
    long = [drain((0, 0), (120, 0))]
    assert found(city_of(long, [WELL]))
    assert not found(city_of(long, [("PS", "manhole", Point(60, 0.05))]))
    assert found(city_of(long, [("PS", "manhole", Point(60, 0.06))]))
    assert found(city_of(long, [("DL", "manhole", Point(60, 0))]))
    assert found(city_of(long, [("PS", "tee", Point(60, 0))]))
    assert found(city_of(long, [("PS", "manhole", Point(30, 0))])) == {
        "pipes:P1 run": ("medium", "known", 90.0, 75.0)
    }
    for code, cuts in [("manhole_cover", True), ("0102", True), ("0103", True), ("0101", False)]:
        runs = [key for key in found(city_of(long, [WELL], [(code, Point(60, 2.0))])) if key.endswith("run")]
        assert bool(runs) is not cuts
    assert found(city_of(long, [WELL], [("0102", Polygon([(60, 1), (61, 1), (60, 1.5)]))])) == {}


def test_two_gaps_in_one_drain_are_one_finding_of_two_parts():
    city = city_of([drain((0, 0), (200, 0))], [("PS", "manhole", Point(100, 0))])
    merged = merge_equal_keys(outcome(city).findings)
    assert len(merged) == 1 and merged.geometry.iloc[0].geom_type == "MultiLineString"
    assert merged.geometry.iloc[0].length == pytest.approx(200)


def test_record_of_a_plain_run():
    pipes = [drain((0, 0), (40, 0), name="P2"), drain((80, 0), (40.05, 0), name="P1")]
    row = outcome(city_of(pipes, [WELL])).findings.iloc[0]
    assert row["key"] == '["N04",["pipes:P1"],"run"]' and row["measured"] == pytest.approx(79.95)
    assert row["basis"].startswith("PA176@") and row["confidence"] == "secondary"
    assert row["params"] == {"drains": 2} and row["class_code"] == "PS"
    assert row["anchor"].x == pytest.approx(60.025)
    assert row.geometry.length == pytest.approx(79.95)
    assert row["objects"] == ("pipes:P1", "pipe_points:*", "components:*")


@pytest.mark.parametrize(("degrees", "straight"), [(0, True), (9.99, True), (10, False), (45, False)])
def test_bends(degrees, straight):
    tip = (40 + 40 * math.cos(math.radians(degrees)), 40 * math.sin(math.radians(degrees)))
    # At a corner of one drain, at the joint of two, and of two that were drawn towards each other.
    one = [drain((0, 0), (40, 0), tip)]
    two = [drain((0, 0), (40, 0)), drain((40, 0), tip, name="P2")]
    facing = [drain((0, 0), (40, 0)), drain(tip, (40, 0), name="P2")]
    moved = [drain((7e5, 3e6), (7e5 + 40, 3e6), (7e5 + tip[0], 3e6 + tip[1]))]
    for pipes in (one, two, facing, moved):
        assert bool(found(city_of(pipes, [WELL]))) is straight


def test_a_third_drain_makes_a_node():
    star = [
        drain((40, 0), (0, 0), name="P3"),
        drain((0, 0), (0, 30), name="P2"),
        drain((0, 0), (0, -30), name="P4"),
    ]
    row = outcome(city_of(star, [WELL])).findings.iloc[0]
    assert row["key"] == '["N04",["pipes:P2"],"node-s"]' and row.geometry == Point(0, 0)
    assert row["params"] == {"drains": 3} and row["severity"] == "medium" and math.isnan(row["measured"])
    assert row["anchor"] == Point(0, 15)
    assert not found(city_of(star[:2], [WELL]))
    assert not found(city_of(star, [("PS", "inspection_well", Point(0, 0.05))]))
    assert not found(city_of(star, [("PS", "manhole", Point(0.03, 0.03))]))
    assert not found(city_of(star, [WELL], [("manhole_cover", Point(0, 1.99))]))
    ring = [drain((0, 0), (30, 0), (30, 30), (0, 0), name="P1"), star[1]]
    assert not found(city_of(ring, [WELL]))


def test_covers_and_the_pipes_they_name():
    pipes = [drain((0, 0), (50, 0)), drain((0, 100), (50, 100), name="P2", code="JS")]
    assert found(city_of(pipes, (), [("0102", Point(25, 2.0)), ("manhole_cover", Point(25, 98))])) == {}
    lone = found(city_of(pipes, (), [("0102", Point(25, 99)), ("manhole_cover", Point(25, 2.01))]))
    assert lone["components:c0 cover"] == ("medium", "known", 99.0, 2.0)
    assert lone["components:c1 cover"] == ("medium", "known", 2.01, 2.0)
    result = outcome(
        city_of(pipes, (), [("0105", Point(0, 0)), ("0112", Point(0, 0)), ("0104", Point(9, 9))])
    )
    assert not len(result.findings)
    assert result.untested == ("no DL pipe in the city: 1 covers not tested",)


def test_hot_spot_of_floods_raises_the_severity():
    day = "2026-06-01T08:00+08:00"
    pipes = [drain((0, 0), (80, 0))]
    three = [("路面积水", f"w{k}", day, Point(10, 50)) for k in range(3)]
    assert [gap[0] for gap in found(city_of(pipes, [WELL], (), three)).values()] == ["high"]
    change = replace_case(three)
    for cases in (
        three[:2],
        change(0, "路灯不亮"),
        change(1, "w1"),
        change(2, "2025-07-01T23:00+08:00"),
        change(2, "2026-07-02T08:00+08:00"),
        change(3, Point(10, 50.01)),
        change(3, None),
    ):
        assert [gap[0] for gap in found(city_of(pipes, [WELL], (), cases)).values()] == ["medium"]
    assert [gap[0] for gap in found(city_of(pipes, [WELL], (), change(1, None))).values()] == ["high"]
    unknown = [drain((0, 0), (80, 0), diameter=None)]
    assert [gap[0] for gap in found(city_of(unknown, [WELL], (), three)).values()] == ["info"]


def replace_case(cases):
    def change(place, value):
        return [*cases[:2], (*cases[2][:place], value, *cases[2][place + 1 :])]

    return change


def test_odd_shapes_never_raise():
    pipes = [
        ("P1", "PS", 300.0, None),
        ("P2", "PS", -5.0, LineString([(0, 0), (math.nan, math.nan), (5, 5)])),
        ("P3", "PS", 0.0, LineString([(0, 0), (0, 0)])),
        ("P4", "PS", 300.0, MultiLineString([[(0, 0), (80, 0)], [(500, 0), (590, 0)]])),
        ("P5", "PS", 300.0, LineString([(0, 900), (0, 900), (80, 900), (80, 900)])),
    ]
    covers = [("manhole_cover", None), ("0102", Polygon([(0, 0), (2, 2), (2, 0), (0, 2)]))]
    gaps = found(city_of(pipes, [WELL, ("PS", "manhole", None)], covers))
    assert set(gaps) == {"pipes:P4 run", "pipes:P5 run"}
    assert gaps["pipes:P5 run"] == ("medium", "known", 80.0, 75.0)


def test_runs_of_no_lines():
    none = np.array([], dtype=object)
    runs = straight_runs(none, line_nodes(none, 0.05), [], 10)
    assert not len(runs.run) and not len(runs.length)


def test_missing_input_is_named():
    assert MISSING_MANHOLE.missing(city_from_tables({}, as_of=AS_OF)) == "no pipes given"
    assert (
        MISSING_MANHOLE.missing(city_of([drain((0, 0), (9, 0), code="JS")]))
        == "no drains (PS) among the pipes"
    )
    city = city_of([drain((0, 0), (900, 0))])
    assert MISSING_MANHOLE.missing(city) is None and MISSING_MANHOLE.reach_m is None
    assert outcome(city).untested == ("no manholes and no covers given: runs and nodes not tested",)


def test_the_spacing_table_is_the_citys_to_change():
    rows = [replace(row, value="50") if row.standard_id == "PA176" else row for row in shipped_standards()]
    city = city_of([drain((0, 0), (60, 0))], [WELL])
    result = MISSING_MANHOLE.find(city, Context(city, Standards(rows, AS_OF.date())))
    assert result.findings["reference"].tolist() == [50.0]
