"""N03 against a brute-force oracle and hand-drawn cases."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import from_wkt
from shapely.geometry import LineString, Point, box

from citygap.engine.city import city_from_tables
from citygap.engine.connected import connected_parts
from citygap.engine.context import Context
from citygap.engine.findings import merge_equal_keys
from citygap.engine.rules.network import PART_WITHOUT_SOURCE
from citygap.engine.standards import Standards, shipped_standards

AS_OF = pd.Timestamp("2026-07-01T23:59:59.999999+08:00").to_pydatetime()
FAR = box(-1e5, -1e5, 1e5, 1e5)
ELSEWHERE = (("TX", "cap", Point(9e4, 0)),)
SOURCES = ("station", "works", "outfall", "pump", "reservoir")


def city_of(pipes, points=ELSEWHERE, unit=FAR):
    """Pipes as (id, class, line); points as (class, feature, place)."""
    tables = {
        "pipes": gpd.GeoDataFrame(
            {"id": [i for i, *_ in pipes], "class_code": [c for _, c, _ in pipes]},
            geometry=[g for *_, g in pipes],
        ),
        "pipe_points": gpd.GeoDataFrame(
            {
                "id": [f"n{k}" for k in range(len(points))],
                "class_code": [c for c, *_ in points],
                "feature": [f for _, f, _ in points],
            },
            geometry=[g for *_, g in points],
        ),
        "units": gpd.GeoDataFrame({"code": ["u"], "level": ["district"]}, geometry=[unit]),
    }
    return city_from_tables(tables, as_of=AS_OF)


def outcome(city):
    return PART_WITHOUT_SOURCE.find(city, Context(city, Standards(shipped_standards(), AS_OF.date())))


def found(city):
    return {
        row.key: (row.object_id, row.severity, row.data_state, row.class_code, pytest.approx(row.measured))
        for row in merge_equal_keys(outcome(city).findings).itertuples()
    }


def ends_of(line):
    if line.coords[0] == line.coords[-1]:
        return []
    return [Point(line.coords[0]), Point(line.coords[-1])]


def oracle(pipes, points, unit):
    """A walk from pipe to pipe."""
    real = [
        (i, c, g)
        for i, c, g in pipes
        if c is not None and g is not None and not g.is_empty and np.isfinite(g.bounds).all()
    ]

    def touch(a, b):
        if a[1] != b[1]:
            return False
        return any(e.distance(y[2]) <= 0.05 for x, y in ((a, b), (b, a)) for e in ends_of(x[2]))

    def fed(pipe):
        if any(unit.boundary.distance(end) <= 20 for end in ends_of(pipe[2])):
            return True
        return any(c == pipe[1] and f in SOURCES and g.distance(pipe[2]) <= 0.05 for c, f, g in points)

    left, gaps = set(range(len(real))), {}
    while left:
        part, todo = set(), [min(left)]
        while todo:
            one = todo.pop()
            if one not in part:
                part.add(one)
                todo += [k for k in left if k not in part and touch(real[one], real[k])]
        left -= part
        length = sum(real[k][2].length for k in part)
        if length >= 50 and not any(fed(real[k]) for k in part):
            first = min(real[k][0] for k in part)
            severity = "high" if length >= 1000 else "medium" if length >= 200 else "low"
            key = f'["N03",["pipes:{first}"],"{first}"]'
            gaps[key] = (first, severity, "known", real[min(part)][1], pytest.approx(length))
    return gaps


# Lengths of 49 and 50 m, of 199 and 200, of 999 and 1000; offsets about the snap tolerance.
step = st.sampled_from([0.0, 49.0, 50.0, 100.0, 199.0, 200.0, 799.0, 800.0, 1000.0])
aside = st.sampled_from([0.0, 0.0, 0.05, 0.0625, 30.0])
spot = st.tuples(step, aside)
shapes = st.one_of(
    *[st.lists(spot, min_size=2, max_size=2, unique=True).map(LineString)] * 4,
    spot.map(lambda p: LineString([p, (p[0] + 20, p[1]), (p[0], p[1] + 20), p])),
    st.sampled_from([None, from_wkt("LINESTRING EMPTY"), from_wkt("LINESTRING (nan nan, nan nan)")]),
)
pipes_ = st.lists(st.tuples(st.sampled_from(["JS", "JS", "JS", "PS", None]), shapes), min_size=1, max_size=7)
points_ = st.lists(
    st.tuples(st.sampled_from(["JS", "PS", None]), st.sampled_from([*SOURCES, "cap", None]), spot.map(Point)),
    min_size=1,
    max_size=2,
)


@settings(max_examples=70, deadline=None)
@given(
    pipes_,
    points_,
    st.sampled_from([FAR, box(-20, -300, 5e3, 300), box(-19.5, -300, 5e3, 300)]),
    st.randoms(),
)
def test_agrees_with_a_walk_from_pipe_to_pipe(rows, points, unit, random):
    names = [f"P{k}" for k in range(len(rows))]
    random.shuffle(names)
    pipes = [(name, *row) for name, row in zip(names, rows)]
    assert found(city_of(pipes, points, unit)) == oracle(pipes, points, unit)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 15), st.integers(0, 15)), max_size=20))
def test_parts_of_a_graph(edges):
    first, second = (np.array([edge[k] for edge in edges], dtype="int64") for k in (0, 1))
    names = list(range(16))
    for _ in names:
        for a, b in edges:
            names[a] = names[b] = min(names[a], names[b])
    assert connected_parts(16, first, second).tolist() == names


def test_a_long_chain_in_any_order_is_one_part():
    order = np.random.default_rng(1).permutation(100_000)
    assert not connected_parts(len(order), order[1:], order[:-1]).any()


def line(*places):
    return LineString(places)


def test_record_of_a_plain_island():
    pipes = [("P2", "JS", line((0, 0), (100, 0))), ("P1", "JS", line((50, 0.05), (50, 150)))]
    row = outcome(city_of(pipes)).findings.iloc[0]
    assert row["key"] == '["N03",["pipes:P1"],"P1"]' and row["objects"] == ("pipes:P1", "pipe_points:*")
    assert (row["severity"], row["unit"], row["reference"]) == ("medium", "m", 50.0)
    assert row["measured"] == pytest.approx(249.95) and row["params"] == {"pipes": 2}
    assert row.geometry.geom_type == "MultiLineString" and row.geometry.length == pytest.approx(249.95)
    assert row["anchor"].x == 50 and row["basis"].startswith("PA173@")


@pytest.mark.parametrize(
    ("length", "severity"),
    [(49.99, None), (50, "low"), (199.99, "low"), (200, "medium"), (999.9, "medium"), (1000, "high")],
)
def test_severity_by_length(length, severity):
    gaps = found(city_of([("P1", "JS", line((0, 0), (length, 0)))]))
    assert [gap[1] for gap in gaps.values()] == ([severity] if severity else [])


@pytest.mark.parametrize("feature", [*SOURCES, "valve", None])
def test_what_feeds_a_part(feature):
    pipes = [("P1", "JS", line((0, 0), (100, 0))), ("P2", "JS", line((100, 0), (200, 0)))]
    assert bool(found(city_of(pipes, [("JS", feature, Point(200, 0.05))]))) is (feature not in SOURCES)
    assert found(city_of(pipes, [("JS", feature, Point(200, 0.06))]))
    assert found(city_of(pipes, [("PS", feature, Point(200, 0))]))


@pytest.mark.parametrize(("west", "cut_off"), [(-19.9, False), (-20, False), (-20.01, True), (19, False)])
def test_a_part_that_reaches_the_edge_of_the_study_area_goes_on_beyond_it(west, cut_off):
    pipes = [("P1", "JS", line((0, 0), (100, 0))), ("P2", "JS", line((100, 0), (200, 0)))]
    assert bool(found(city_of(pipes, unit=box(west, -1e5, 1e5, 1e5)))) is cut_off


def test_two_classes_are_two_networks_and_a_crossing_is_no_joint():
    joined = [("P1", "JS", line((0, 0), (100, 0))), ("P2", "PS", line((100, 0), (200, 0)))]
    assert [gap[0] for gap in found(city_of(joined)).values()] == ["P1", "P2"]
    crossing = [("P1", "JS", line((0, 0), (100, 0))), ("P2", "JS", line((50, -50), (50, 50)))]
    assert len(found(city_of(crossing))) == 2


def test_ends_in_one_place_all_join_what_lies_there():
    """Two ends meet on the middle of a third pipe, and a fourth meets the same place."""
    pipes = [
        ("P1", "JS", line((0, 50), (50, 0))),
        ("P2", "JS", line((50, 0), (100, 50))),
        ("P3", "JS", line((0, 0), (100, 0))),
        ("P4", "JS", line((50, 0), (50, -50))),
    ]
    assert [gap[0] for gap in found(city_of(pipes)).values()] == ["P1"]


def test_pipes_without_a_class_are_named():
    assert outcome(city_of([("P1", None, line((0, 0), (100, 0)))])).untested == (
        "1 pipes without a class: not tested",
    )


def test_missing_input_is_named():
    assert (
        PART_WITHOUT_SOURCE.missing(city_from_tables({}, as_of=AS_OF)) == "no pipes and no pipe_points given"
    )
    city = city_of([("P1", "JS", line((0, 0), (100, 0)))])
    assert PART_WITHOUT_SOURCE.missing(city) is None and PART_WITHOUT_SOURCE.reach_m is None
