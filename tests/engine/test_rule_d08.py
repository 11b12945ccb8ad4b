"""D08 against a brute-force oracle, hand-drawn cases, and the law of windows with two sources everywhere."""

import json
from itertools import combinations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, Point, Polygon, box

from citygap.engine.check import run_check
from citygap.engine.city import city_from_tables
from citygap.engine.context import Context
from citygap.engine.findings import merge_equal_keys
from citygap.engine.rows import to_rows
from citygap.engine.rules.data_sources import CONFLICTING_SOURCES
from citygap.engine.standards import Standards, shipped_standards

AS_OF = pd.Timestamp("2026-07-01T23:59:59.999999+08:00").to_pydatetime()
ACCURACY = {"A": 0.5, "B": 1.0, "C": 10.0, None: 0.0}
DRAW = (Phase.explicit, Phase.reuse, Phase.generate)
"""Without shrinking: cities of seven objects are small enough to read."""
FIELDS = {
    "housing": ("built_year", "owner"),
    "pipes": ("laid_year", "material_code", "owner"),
    "pipe_points": (),
}


def city_of(role, records):
    """Records are dicts with id, source, class, shape and values."""
    names = sorted({name for record in records for name in record} - {"shape", "source", "class"})
    data = {name: [record.get(name) for record in records] for name in names}
    data["source_name"] = [record["source"] for record in records]
    if role != "housing":
        data["class_code"] = [record.get("class", "JS") for record in records]
    shapes = [record["shape"] for record in records]
    return city_from_tables({role: gpd.GeoDataFrame(data, geometry=shapes)}, as_of=AS_OF)


def found(city):
    context = Context(city, Standards(shipped_standards(), AS_OF.date()))
    return merge_equal_keys(CONFLICTING_SOURCES.find(city, context).findings)


def as_dict(findings):
    return {
        row.key: (row.object_id, row.severity, None if np.isnan(row.measured) else round(row.measured, 6))
        for row in findings.itertuples()
    }


def key(role, ids, sources):
    objects = sorted(f"{role}:{name}" for name in ids)
    return json.dumps(["D08", objects, "|".join(sources)], separators=(",", ":"), ensure_ascii=False)


def alike(a, b):
    """(measure, fits) of two records by their shapes."""
    one, other = a["shape"], b["shape"]
    if one.geom_type == other.geom_type == "Polygon":
        share = one.intersection(other).area / max(one.area, other.area)
        return 1 - share, share >= 0.5 - 1e-9
    lines = one.geom_type == other.geom_type == "LineString"
    apart = one.hausdorff_distance(other) if lines else one.distance(other)
    usual = 1.0 if lines else 3.0
    stated = ACCURACY[a.get("accuracy_grade")] + ACCURACY[b.get("accuracy_grade")]
    return apart, apart <= max(usual, stated) + 1e-6


def is_covered(record, others):
    shape = record["shape"]
    if shape.geom_type == "Point":
        return False
    if shape.geom_type == "Polygon":
        parts = [other["shape"] for other in others if other["shape"].geom_type == "Polygon"]
        return sum(shape.intersection(part).area for part in parts) / shape.area >= 0.5 - 1e-9
    # the lines of these tests run east: which part of one lies beside the others is a matter of intervals
    (west, y), (east, _) = shape.coords
    steps = np.linspace(west, east, 2001)[:-1] + (east - west) / 4000
    beside = np.zeros(2000, dtype=bool)
    for other in others:
        (left, level), (right, _) = other["shape"].coords
        if abs(level - y) <= 1.0:
            beside |= (steps >= left) & (steps <= right)
    return beside.mean() >= 0.5


def oracle(role, records):
    expected = {}
    sources = sorted({record["source"] for record in records})
    for record in records:
        record.setdefault("class", "JS")
    for kind in sorted({record["class"] for record in records}):
        for s, t in combinations(sources, 2):
            left = [r for r in records if r["source"] == s and r["class"] == kind]
            right = [r for r in records if r["source"] == t and r["class"] == kind]
            shared = {r["id"] for r in left} & {r["id"] for r in right}
            matched, met = [], []
            for name in shared:
                a, b = (next(r for r in side if r["id"] == name) for side in (left, right))
                matched.append((a, b))
                met += [a, b]
            free = [[r for r in side if r["id"] not in shared] for side in (left, right)]
            near = [(alike(a, b)[0], a, b) for a in free[0] for b in free[1] if alike(a, b)[1]]
            for _, a, b in near:
                met += [a, b]
                best_b = min((m, y["id"]) for m, x, y in near if x is a)[1]
                best_a = min((m, x["id"]) for m, x, y in near if y is b)[1]
                if best_b == b["id"] and best_a == a["id"]:
                    matched.append((a, b))
            for a, b in matched:
                differ = [n for n in FIELDS[role] if a.get(n) and b.get(n) and a[n] != b[n]]
                measure, fits = alike(a, b)
                if fits and not differ:
                    continue
                loud = {"owner", "laid_year", "built_year"} & set(differ)
                is_share = a["shape"].geom_type == b["shape"].geom_type == "Polygon"
                measured = len(differ) if fits else 1 - measure if is_share else measure
                low, high = sorted([a["id"], b["id"]])
                name = low if low == high else f"{low}|{high}"
                ids = {low, high}
                expected[key(role, ids, (s, t))] = (name, "high" if loud else "medium", round(measured, 6))
            for side, others in ((left, right), (right, left)):
                holds = [r for r in side if any(r is other for other in met)]
                for record in side:
                    if any(record is other for other in met) or is_covered(record, others):
                        continue
                    if any(record["shape"].distance(r["shape"]) <= 200 + 1e-6 for r in holds):
                        expected[key(role, [record["id"]], (s, t))] = (record["id"], "low", None)
    return expected


def numbered(records):
    """Ids that no source uses twice; some of them are in two sources."""
    seen, kept = set(), []
    for at, record in enumerate(records):
        if (record["source"], record["id"]) in seen:
            record["id"] = f"{record['id']}-{at}"
        seen.add((record["source"], record["id"]))
        kept.append(record)
    return kept


common = {
    "id": st.sampled_from(["X1", "X2", "Y1", "Y2", "Z1", "Z2"]),
    "source": st.sampled_from(["a", "b", "b", "c"]),
    "owner": st.sampled_from([None, "水务", "城投"]),
}
level = st.sampled_from([0.0, 0.6, 1.0, 1.01, 2.0, 21.0, 150.0, 202.0])
east_line = st.builds(
    lambda x, y, w: LineString([(x, y), (x + w, y)]),
    st.sampled_from([0.0, 1.0, 25.0, 300.0]),
    level,
    st.sampled_from([50.0, 51.0, 100.0]),
)
pipe = st.fixed_dictionaries(
    {
        **common,
        "class": st.sampled_from(["JS", "JS", "PS"]),
        "laid_year": st.sampled_from([None, 1990.0, 1991.0]),
        "material_code": st.sampled_from([None, "PE", "G"]),
        "accuracy_grade": st.sampled_from([None, None, "B", "C"]),
        "shape": east_line,
    }
)
outline = st.builds(
    lambda x, y, w: box(x, y, x + w, y + 10),
    st.sampled_from([0.0, 3.0, 5.0, 40.0, 205.0, 300.0]),
    st.sampled_from([0.0, 1.0]),
    st.sampled_from([10.0, 20.0]),
)
spot = st.builds(Point, st.sampled_from([0.0, 3.0, 3.01, 6.0, 14.0, 203.0]), st.just(2.0))
house = st.fixed_dictionaries(
    {
        **common,
        "built_year": st.sampled_from([None, 1990.0, 1991.0]),
        "shape": st.one_of(outline, outline, spot),
    }
)


@settings(max_examples=25, deadline=None, phases=DRAW)
@given(st.lists(pipe, min_size=2, max_size=7))
def test_agrees_with_the_oracle_on_random_pipes(records):
    records = numbered(records)
    assert as_dict(found(city_of("pipes", records))) == oracle("pipes", records)


@settings(max_examples=25, deadline=None, phases=DRAW)
@given(st.lists(house, min_size=2, max_size=7))
def test_agrees_with_the_oracle_on_random_buildings(records):
    records = numbered(records)
    assert as_dict(found(city_of("housing", records))) == oracle("housing", records)


def node(name, source, x, **values):
    return {"id": name, "source": source, "class": "PS", "shape": Point(x, 0), **values}


def test_each_is_the_others_nearest_and_who_has_some_neighbour_is_not_missing():
    rows = [node("a1", "a", 0), node("a2", "a", 2), node("b1", "b", 2.5)]
    assert not len(found(city_of("pipe_points", rows)))


def test_missing_only_where_both_sources_cover_the_place():
    both = [node("a1", "a", 0), node("b1", "b", 1)]
    (row,) = found(city_of("pipe_points", [*both, node("a2", "a", 200)])).itertuples()
    assert (row.severity, row.object_id) == ("low", "a2")
    assert row.params == {"sources": ["a", "b"], "only_in": "a"}
    assert row.key == key("pipe_points", ["a2"], "ab")
    assert not len(found(city_of("pipe_points", [*both, node("a2", "a", 200.01)])))
    # two districts side by side share nothing: neither misses what the other has
    districts = [
        node(f"{s}{x}", s, x) for s, start in (("a", 0), ("b", 500)) for x in range(start, start + 99, 9)
    ]
    assert not len(found(city_of("pipe_points", districts)))


def test_a_line_cut_otherwise_is_no_missing_one():
    def pipe_of(name, source, x0, x1):
        return {"id": name, "source": source, "shape": LineString([(x0, 0), (x1, 0)])}

    cut = [pipe_of("a1", "a", 0, 90), *(pipe_of(f"b{x}", "b", x, x + 30) for x in (0, 30, 60))]
    joint = [pipe_of("a2", "a", 90, 100), pipe_of("b2", "b", 90, 100)]
    assert not len(found(city_of("pipes", cut + joint)))
    assert found(city_of("pipes", cut[:2] + joint))["object_id"].tolist() == ["a1"]


def test_the_same_id_far_away_is_another_place():
    rows = [node("n", "a", 0), node("n", "b", 40)]
    (row,) = found(city_of("pipe_points", rows)).itertuples()
    assert (row.object_id, row.severity, row.measured, row.reference) == ("n", "medium", 40.0, 3.0)
    assert (row.unit, row.geometry.wkt) == ("m", "LINESTRING (0 0, 40 0)")
    assert row.params == {"sources": ["a", "b"], "differ": {}, "elsewhere": True}


def test_values_are_told_in_the_order_of_the_sources():
    line = LineString([(0, 0), (9, 0)])
    rows = [
        {"id": "z", "source": "a", "shape": line, "laid_year": 1990.0, "owner": " ABC"},
        {"id": "b", "source": "b", "shape": line, "laid_year": 1995.0, "owner": "abc"},
    ]
    (row,) = found(city_of("pipes", rows)).itertuples()
    assert (row.object_id, row.severity, row.measured, row.reference) == ("b|z", "high", 1.0, 0.0)
    assert row.params["differ"] == {"laid_year": [1990.0, 1995.0]}


def test_a_doubtful_value_is_no_other_value():
    line = LineString([(0, 0), (9, 0)])
    rows = [
        {"id": s, "source": s, "shape": line, "laid_year": year} for s, year in (("a", 1700.0), ("b", 1990.0))
    ]
    assert not len(found(city_of("pipes", rows)))


def test_bad_geometry_and_lacking_columns_never_stop_it():
    bowtie = Polygon([(0, 0), (9, 9), (9, 0), (0, 9)])
    shapes = [bowtie, bowtie, None, Point(float("nan"), 0), LineString([(0, 0), (0, 0)]), box(0, 0, 1, 1)]
    rows = [{"id": f"h{at}", "source": "ab"[at % 2], "shape": shape} for at, shape in enumerate(shapes)]
    assert (
        found(city_of("components", [{**row, "class": "bench"} for row in rows]))["severity"]
        .isin(["low"])
        .all()
    )
    assert not len(found(city_of("pipes", [{**row, "class": None} for row in rows])))


@pytest.mark.parametrize("sources", [["a", "a"], ["a", "b"]])
def test_missing_input_is_named(sources):
    city = city_of("pipe_points", [node("n", sources[0], 0), node("m", sources[1], 0)])
    missing = CONFLICTING_SOURCES.missing(city)
    assert missing == ("no role was given by two sources" if sources == ["a", "a"] else None)


@settings(max_examples=5, deadline=None, phases=DRAW)
@given(
    st.lists(pipe, min_size=4, max_size=14),
    st.lists(house, min_size=2, max_size=8),
    st.sampled_from([3.0, 26.0, 150.0]),
    st.sampled_from([0.8, 10.0, 151.0]),
)
def test_any_tiling_finds_what_the_whole_city_has(pipes, houses, east, north):
    tables = {
        role: city_of(role, records).tables[role] for role, records in (("pipes", pipes), ("housing", houses))
    }
    city = city_from_tables(tables, as_of=AS_OF)
    standards = Standards(shipped_standards(), AS_OF.date())

    def findings(window=None):
        result = run_check(city, standards, rules=["D02", "D03", "D04", "D08"], window=window)
        return {row.key: row for row in to_rows(result.findings, city)}

    far = 1e5
    tiles = [
        box(*frame)
        for frame in (
            (-far, -far, east, north),
            (east, -far, far, north),
            (-far, north, east, far),
            (east, north, far, far),
        )
    ]
    parts = [findings(tile) for tile in tiles]
    assert sum(map(len, parts)) == len({name for part in parts for name in part})
    assert {name: row for part in parts for name, row in part.items()} == findings()
