"""N02 against a brute-force oracle and hand-drawn cases."""

import math
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import from_wkt, line_merge
from shapely.geometry import LineString, MultiLineString, Point, Polygon, box

from citygap.engine.city import city_from_tables
from citygap.engine.context import Context
from citygap.engine.findings import merge_equal_keys
from citygap.engine.rules.network import NEAR_MISS
from citygap.engine.standards import Standards, shipped_standards

AS_OF = pd.Timestamp("2026-07-01T23:59:59.999999+08:00").to_pydatetime()
JOINING = {"bend", "tee", "cross", "reducer", "probe"}


def frame(rows, geometry):
    names = list(rows[0]) if rows else ["id", "class_code"]
    return gpd.GeoDataFrame({name: [row[name] for row in rows] for name in names}, geometry=geometry)


def city_of(pipes, points=(), buildings=(), units=()):
    """Pipes and points as (id, class, geometry[, feature]); buildings and units as geometries."""
    tables = {"pipes": frame([{"id": i, "class_code": c} for i, c, _ in pipes], [g for _, _, g in pipes])}
    if points:
        rows = [{"id": f"n{k}", "class_code": c, "feature": f} for k, (c, f, _) in enumerate(points)]
        tables["pipe_points"] = frame(rows, [g for _, _, g in points])
    if buildings:
        tables["housing"] = frame([{"id": f"h{k}"} for k in range(len(buildings))], list(buildings))
    if units:
        rows = [{"code": f"u{k}", "level": "district"} for k in range(len(units))]
        tables["units"] = frame(rows, list(units))
    return city_from_tables(tables, as_of=AS_OF)


def outcome(city):
    result = NEAR_MISS.find(city, Context(city, Standards(shipped_standards(), AS_OF.date())))
    return replace(result, findings=merge_equal_keys(result.findings))


def found(city):
    table = outcome(city).findings
    return {
        row.key: (row.object_id, row.severity, row.class_code, row.geometry.wkt, row.measured)
        for row in table.itertuples()
    }


def ends_of(line):
    """Name and place of each end, by the text: none of a ring, else of the joined line."""
    if line is None or line.is_empty or not np.isfinite(line.bounds).all():
        return []
    merged = line_merge(line) if line.geom_type == "MultiLineString" else line
    parts = [merged] if merged.geom_type == "LineString" else list(line.geoms)
    start, stop = parts[0].coords[0], parts[-1].coords[-1]
    return [] if start == stop else [("s", Point(start)), ("e", Point(stop))]


def oracle(pipes, points, buildings, units):
    """Straight from the catalogue: every two ends of one class, then what would end them."""
    edge = Polygon(units[0]).boundary if units else None
    real = [
        (i, c, g) for i, c, g in pipes if g is not None and not g.is_empty and np.isfinite(g.bounds).all()
    ]

    def dangles(owner, code, place):
        for other, (_, other_code, line) in enumerate(real):
            if other != owner and other_code == code and line.distance(place) <= 0.05:
                return False
        for point_code, feature, spot in points:
            if (
                spot is not None
                and point_code == code
                and feature not in JOINING
                and spot.distance(place) <= 0.05
            ):
                return False
        if any(h is not None and h.geom_type == "Polygon" and h.intersects(place) for h in buildings):
            return False
        return edge is None or edge.distance(place) > 20

    ends = [
        (i, row, code, name, place)
        for row, (i, code, line) in enumerate(real)
        if code is not None
        for name, place in ends_of(line)
    ]
    pairs = {}
    for a in ends:
        for b in ends:
            gap = a[4].distance(b[4])
            if (
                (a[0], a[3], a[1]) < (b[0], b[3], b[1])
                and a[1] != b[1]
                and a[2] == b[2]
                and 0.05 < gap <= 1.0
                and (dangles(a[1], a[2], a[4]) or dangles(b[1], b[2], b[4]))
            ):
                key = f'["N02",["pipes:{a[0]}","pipes:{b[0]}"],"{a[3]}-{b[3]}"]'
                pairs.setdefault(key, []).append((f"{a[0]}|{b[0]}", a[2], gap, a[4], b[4]))
    return pairs


# Steps of a quarter of a metre are exact in binary and meet both tolerances' neighbourhoods;
# 0.05 and 1.0 are met exactly from 0.
step = st.sampled_from([0.0, 0.05, 0.0625, 0.25, 0.5, 1.0, 1.0625, 2.0, 3.0])
spot = st.tuples(step, step)
line = st.lists(spot, min_size=2, max_size=3).map(LineString)
shapes = st.one_of(
    line,
    line,
    line,
    st.lists(line, min_size=2, max_size=2).map(MultiLineString),
    spot.map(lambda p: LineString([p, (p[0] + 1, p[1]), (p[0], p[1] + 1), p])),
    st.sampled_from(
        [
            None,
            from_wkt("LINESTRING EMPTY"),
            from_wkt("LINESTRING (nan nan, nan nan)"),
            from_wkt("LINESTRING (0 0, 2 2, 2 0, 0 2)"),
            from_wkt("MULTILINESTRING ((3 3, 2 3), (2 3, 1 3))"),
        ]
    ),
)
pipes_ = st.lists(
    st.tuples(st.sampled_from(["P1", "P2", "P3", "P4"]), st.sampled_from(["JS", "JS", "RQ", None]), shapes),
    min_size=2,
    max_size=6,
)
points_ = st.lists(
    st.tuples(
        st.sampled_from(["JS", "RQ", None]),
        st.sampled_from(["cap", "bend", "tee", "probe", "outfall", None, "odd word"]),
        st.one_of(st.none(), spot.map(Point)),
    ),
    max_size=2,
)
buildings_ = st.lists(
    st.one_of(
        spot.map(lambda p: box(p[0], p[1], p[0] + 0.5, p[1] + 0.5)),
        spot.map(Point),
        st.just(from_wkt("POLYGON ((0 0, 2 2, 2 0, 0 2, 0 0))")),
        st.none(),
    ),
    max_size=1,
)
units_ = st.sampled_from([(), (box(-20, -100, 500, 100),), (box(-19.5, -500, 500, 500),)])


@settings(max_examples=150, deadline=None)
@given(pipes_, points_, buildings_, units_)
def test_agrees_with_the_catalogue_read_plainly(pipes, points, buildings, units):
    want = oracle(pipes, points, buildings, units)
    city = city_of(pipes, points, buildings, units)
    if not units and city.has("housing"):
        # No units: the study area would be the hull of the buildings.
        city = city_of(pipes, points, buildings, (box(-1e5, -1e5, 1e5, 1e5),))
    table = outcome(city).findings
    assert sorted(table["key"]) == sorted(want)
    for row in table.itertuples():
        parts = want[row.key]
        assert row.severity == "medium" and row.data_state == "known"
        assert row.object_id == parts[0][0] and row.class_code in {part[1] for part in parts}
        assert row.measured == min(part[2] for part in parts) and row.reference == 1.0 and row.unit == "m"
        assert row.geometry.length == pytest.approx(sum(part[2] for part in parts))
        for _, _, _, start, stop in parts:
            assert row.geometry.distance(start) == 0 and row.geometry.distance(stop) == 0


def two(gap, code="JS", other="JS", at=(0.0, 0.0)):
    x, y = at
    return [
        ("P1", code, LineString([(x - 10, y), (x, y)])),
        ("P2", other, LineString([(x + gap, y), (x + gap + 10, y)])),
    ]


@pytest.mark.parametrize(("gap", "near"), [(0, 0), (0.05, 0), (0.0501, 1), (0.5, 1), (1.0, 1), (1.0001, 0)])
def test_between_the_two_tolerances(gap, near):
    assert len(found(city_of(two(gap)))) == near


def test_record_of_a_plain_near_miss():
    table = outcome(city_of(two(0.5))).findings
    row = table.iloc[0]
    assert row["key"] == '["N02",["pipes:P1","pipes:P2"],"e-s"]'
    assert row["objects"] == ("pipes:P1", "pipes:P2") and row["object_role"] == "pipes"
    assert (row["object_id"], row["class_code"], row["measured"], row["reference"]) == (
        "P1|P2",
        "JS",
        0.5,
        1.0,
    )
    assert row["basis"].startswith("PA040@") and row["confidence"] == "project"
    assert row.geometry.wkt == "LINESTRING (0 0, 0.5 0)"
    assert row["anchor"] == Point(-5, 0)
    assert row["params"] == {"dangling": ["P1:e", "P2:s"]}


def test_ids_in_order_whatever_the_rows():
    city = city_of([(i, c, g) for i, c, g in reversed(two(0.5))])
    assert list(found(city)) == ['["N02",["pipes:P1","pipes:P2"],"e-s"]']


def test_other_class_or_none_is_no_pair():
    assert not found(city_of(two(0.5, "JS", "RQ")))
    result = outcome(city_of(two(0.5, "JS", None)))
    assert not len(result.findings)
    assert result.untested == ("1 pipes without a class: not tested",)
    assert outcome(city_of(two(0.5))).untested == ()


def test_filler_is_no_class():
    assert outcome(city_of(two(0.5, "无", "无"))).untested == ("2 pipes without a class: not tested",)


def test_both_ends_joined_is_none_but_one_dangling_is_enough():
    left, right = two(0.5)
    up_left = ("P3", "JS", LineString([(0, 0), (-5, 10)]))
    up_right = ("P4", "JS", LineString([(0.5, 0.05), (5, 10)]))
    assert len(found(city_of([left, right, up_left]))) == 2  # P1-P2 and P2-P3: P2 dangles
    assert not found(city_of([left, right, up_left, up_right]))
    gas = ("P4", "RQ", LineString([(0.5, 0.05), (5, 10)]))
    assert len(found(city_of([left, right, up_left, gas]))) == 2


def test_end_on_the_middle_of_another_pipe_is_joined():
    left, right = two(0.5)
    crossing = [
        ("P3", "JS", LineString([(0, -5), (0, 5)])),
        ("P4", "JS", LineString([(0.5, -2), (0.5, 2)])),
    ]
    assert not found(city_of([left, right, *crossing]))
    touching_at_tolerance = ("P5", "JS", LineString([(-5, 0.05), (5, 0.05)]))
    assert not found(city_of([left, right, touching_at_tolerance]))
    beside = ("P5", "JS", LineString([(-5, 0.051), (5, 0.051)]))
    assert len(found(city_of([left, right, beside]))) == 1


@pytest.mark.parametrize(
    ("feature", "ends"),
    [(word, False) for word in sorted(JOINING)] + [("cap", True), ("outfall", True), (None, True)],
)
def test_which_pipe_points_end_a_pipe(feature, ends):
    both = [("JS", feature, Point(0, 0.05)), ("JS", feature, Point(0.5, 0.05))]
    assert bool(found(city_of(two(0.5), both))) is not ends
    assert found(city_of(two(0.5), both[:1]))
    assert found(city_of(two(0.5), [("RQ", feature, p) for _, _, p in both]))
    assert found(city_of(two(0.5), [("JS", feature, Point(0, 0.06)), ("JS", feature, Point(0.5, 0.06))]))


def test_ends_in_a_building_do_not_dangle():
    far = (box(-1000, -1000, 1000, 1000),)
    assert not found(city_of(two(0.5), (), [box(0, -1, 0.5, 1)], far))
    assert found(city_of(two(0.5), (), [box(0.1, -1, 0.5, 1)], far))
    assert found(city_of(two(0.5), (), [Point(0, 0), Point(0.5, 0)], far))


def test_ends_at_the_edge_of_the_study_area_do_not_dangle():
    assert not found(city_of(two(0.5), units=[box(-1000, -20, 1000, 1000)]))
    assert found(city_of(two(0.5), units=[box(-1000, -20.01, 1000, 1000)]))
    assert not found(city_of(two(0.5), units=[box(-1000, 19, 1000, 1000)]))  # just outside


def test_ring_and_own_ends_are_no_near_miss():
    almost = ("P1", "JS", LineString([(0, 0), (5, 0), (5, 5), (0, 0.5)]))
    assert not found(city_of([almost]))
    ring = ("P2", "JS", LineString([(0.5, 0), (5, 0), (5, 5), (0.5, 0)]))
    stub = ("P3", "JS", LineString([(-5, 0), (0, 0)]))
    assert not found(city_of([ring, stub]))


def test_parts_that_make_one_line_have_two_ends():
    parted = ("P1", "JS", MultiLineString([[(-10, 0), (-5, 0)], [(-5, 0), (0, 0)]]))
    beside_the_joint = ("P2", "JS", LineString([(-5, 0.5), (-5, 9)]))
    assert not found(city_of([parted, beside_the_joint]))
    assert list(found(city_of([parted, two(0.5)[1]]))) == ['["N02",["pipes:P1","pipes:P2"],"e-s"]']


def test_two_pipes_of_one_id_are_two_pipes_and_equal_keys_are_one_finding():
    same = [("P1", "JS", line) for _, _, line in two(0.5)]
    assert list(found(city_of(same))) == ['["N02",["pipes:P1","pipes:P1"],"e-s"]']
    doubled = [*two(0.5), *two(0.25, at=(100.0, 0.0))]
    for pipes in (doubled, doubled[::-1]):
        table = outcome(city_of(pipes)).findings
        assert list(table["key"]) == ['["N02",["pipes:P1","pipes:P2"],"e-s"]']
        assert table.geometry.iloc[0].geom_type == "MultiLineString"
        assert table.geometry.iloc[0].length == 0.75 and table["measured"].iloc[0] == 0.25
        assert table["anchor"].iloc[0] == Point(95, 0)


def test_threshold_comes_from_the_standards():
    city = city_of(two(1.5))
    rows = [row for row in shipped_standards() if row.rule_or_activity != "N02.near_tol_m"]
    wide = next(row for row in shipped_standards() if row.rule_or_activity == "N02.near_tol_m")
    wide = type(wide)(**{**wide.__dict__, "value": "2"})
    context = Context(city, Standards([*rows, wide], AS_OF.date()))
    assert len(NEAR_MISS.find(city, context).findings) == 1
    assert NEAR_MISS.reach_m(context) == pytest.approx(2.05)


def test_missing_input_is_named():
    assert NEAR_MISS.missing(city_from_tables({}, as_of=AS_OF)) == "no pipes given"
    assert NEAR_MISS.missing(city_of(two(1))) is None


def test_line_with_a_hole_in_its_coordinates_is_left_out():
    torn = ("P3", "JS", LineString([(0.5, 0), (math.nan, math.nan), (9, 9)]))
    assert not found(city_of([two(0.5)[0], torn]))


def test_part_without_length_is_still_a_part_that_an_end_may_meet():
    """P2's first part is one point, on the end of P1; its second part starts half a metre on."""
    parts = MultiLineString([LineString([(10, 0), (10, 0)]), LineString([(10.5, 0), (20, 0)])])
    findings = outcome(city_of([("P1", "JS", LineString([(0, 0), (10, 0)])), ("P2", "JS", parts)])).findings
    assert list(findings["key"]) == ['["N02",["pipes:P1","pipes:P2"],"e-s"]']
    assert findings["params"].iat[0]["dangling"] == ["P2:s"]
