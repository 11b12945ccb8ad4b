"""D02 against a brute-force oracle and hand-drawn cases."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, Point, Polygon, box

from citygap.engine.city import city_from_tables
from citygap.engine.context import Context
from citygap.engine.findings import merge_equal_keys
from citygap.engine.rules.data_quality import IMPLAUSIBLE_ATTRIBUTE
from citygap.engine.standards import Standard, Standards, shipped_standards
from citygap.model.identity import gap_key
from citygap.model.tables import read_table

AS_OF = pd.Timestamp("2026-07-01T23:59:59.999999+08:00").to_pydatetime()
RANK = ["low", "medium", "high"]
INF = float("inf")
FILLERS = {0, 9999}


def context_of(tables, extra=(), dismissed=frozenset()):
    city = city_from_tables(tables, as_of=AS_OF)
    standards = Standards((*shipped_standards(), *extra), AS_OF.date())
    return Context(city, standards, dismissed=dismissed)


def found(tables, extra=()):
    context = context_of(tables, extra)
    return merge_equal_keys(IMPLAUSIBLE_ATTRIBUTE.find(context.city, context).findings)


def fields(tables, extra=()):
    return {
        f"{row.object_role}:{row.object_id}": row.params["severities"]
        for row in found(tables, extra).itertuples()
    }


pipe = st.fixed_dictionaries(
    {
        "class_code": st.sampled_from(["PS", "PS", "RQ", "JS", "GY", "XX", None]),
        "kind_code": st.sampled_from([None, "WS", "TR", "JP", "QQ", "??", "0"]),
        "material_code": st.sampled_from([None, "PE", "T", "HT", "TC", "铅", "不详"]),
        "diameter_mm": st.sampled_from([None, 0.0, -5.0, 199.0, 200.0, 299.0, 300.0, 9999.0, INF]),
        "depth_m": st.sampled_from([None, 0.0, -0.1, 1.0, 20.0, 20.1, -INF]),
        "laid_year": st.sampled_from(
            [None, 0.0, -3.0, 1859.0, 1860.0, 1979.0, 1980.0, 1998.0, 1999.0, 2026.0, 2027.0, 3000.0]
        ),
        "pressure_grade": st.sampled_from([None, "low", "10kV"]),
        "burial_method": st.sampled_from([None, "direct", "flying"]),
        "assessed_on": st.sampled_from([None, "1900-12-31", "1901-01-01", "1990-05-05", "2027-01-01"]),
        "invert_from_m": st.sampled_from([None, -2.0, INF]),
        "length": st.sampled_from([39.0, 40.0, 41.0]),
        "inlet": st.sampled_from([None, 0.0, 0.05, 0.06]),
        "feature": st.sampled_from(["rain_inlet", "manhole"]),
        "house": st.booleans(),
    }
)
CLASSES = {row["class_code"] for row in read_table("pipe_classes")}
KINDS = {row["kind_code"]: row["class_code"] for row in read_table("pipe_classes")}
MATERIALS = {row["material_code"]: row["cjj_applies_to"] for row in read_table("materials")}
TYPICAL = {row["class_code"]: row["typical_materials"].split("|") for row in read_table("pipe_classes")}


def oracle(row):
    """Fields of a pipe that fail and how badly, from the catalogue; fillers are empty."""
    failing = {}

    def fails(name, severity):
        failing[name] = max(failing.get(name, "low"), severity, key=RANK.index)

    code, kind, material, year = (
        row[name] for name in ("class_code", "kind_code", "material_code", "laid_year")
    )
    diameter, depth = row["diameter_mm"], row["depth_m"]
    kind = None if kind == "0" else kind
    material = None if material == "不详" else material
    year, diameter, depth = (None if value in FILLERS else value for value in (year, diameter, depth))
    if year is not None and (year < 1860 or year > 2026):
        fails("laid_year", "high")
    if material == "PE" and code in ("RQ", "JS") and year is not None and year < 1980:
        fails("laid_year", "high")
        fails("material_code", "high")
    if code == "RQ" and kind == "TR" and year is not None and year < 1999:
        fails("laid_year", "low")
        fails("kind_code", "low")
    at_inlet = row["inlet"] is not None and row["inlet"] <= 0.05 and row["feature"] == "rain_inlet"
    connector = row["length"] <= 40 and (at_inlet or row["house"])
    if diameter is not None and code == "PS" and diameter < (200 if connector else 300):
        fails("diameter_mm", "medium")
    if diameter is not None and (diameter < 0 or diameter == INF):
        fails("diameter_mm", "medium")
    if depth is not None and (depth <= 0 or depth > 20):
        fails("depth_m", "medium")
    if row["invert_from_m"] == INF:
        fails("invert_from_m", "medium")
    if code is not None and code not in CLASSES:
        fails("class_code", "medium")
    if kind is not None and (kind not in KINDS or (code in CLASSES and KINDS[kind] != code)):
        fails("kind_code", "medium")
    if material is not None and material not in MATERIALS:
        fails("material_code", "high")
    elif material is not None and MATERIALS[material] and code in CLASSES:
        listed = TYPICAL[code] != [""]
        if listed and material not in TYPICAL[code]:
            fails("material_code", "low")
    if code == "RQ" and row["pressure_grade"] == "10kV":
        fails("pressure_grade", "medium")
    if row["burial_method"] == "flying":
        fails("burial_method", "medium")
    assessed = row["assessed_on"]
    if assessed is not None and assessed < "2026-07-02":
        before = year is not None and year <= 2026 and int(assessed[:4]) < year
        if assessed < "1901" or before:
            fails("assessed_on", "medium")
    return failing


def pipes_of(rows):
    names = [name for name in rows[0] if name not in ("length", "inlet", "feature", "house", "assessed_on")]
    data = {name: [row[name] for row in rows] for name in names}
    data["id"] = [f"P{at}" for at in range(len(rows))]
    data["assessed_on"] = [
        row["assessed_on"] and pd.Timestamp(f"{row['assessed_on']}T12:00+08:00") for row in rows
    ]
    lines = [LineString([(0, 100 * at), (row["length"], 100 * at)]) for at, row in enumerate(rows)]
    inlets = [
        (row["feature"], Point(-row["inlet"], 100 * at))
        for at, row in enumerate(rows)
        if row["inlet"] is not None
    ]
    houses = [
        box(row["length"], 100 * at - 3, row["length"] + 6, 100 * at + 3)
        for at, row in enumerate(rows)
        if row["house"]
    ]
    return {
        "pipes": gpd.GeoDataFrame(data, geometry=lines),
        "pipe_points": gpd.GeoDataFrame(
            {
                "id": [f"N{at}" for at in range(len(inlets))],
                "class_code": "PS",
                "feature": [feature for feature, _ in inlets],
            },
            geometry=[place for _, place in inlets],
        ),
        "housing": gpd.GeoDataFrame({"id": [f"H{at}" for at in range(len(houses))]}, geometry=houses),
    }


@settings(max_examples=60, deadline=None)
@given(st.lists(pipe, min_size=1, max_size=5))
def test_agrees_with_the_oracle_on_random_pipes(rows):
    expected = {f"P{at}": oracle(row) for at, row in enumerate(rows)}
    table = found(pipes_of(rows))
    assert {row.object_id: row.params["severities"] for row in table.itertuples()} == {
        name: failing for name, failing in expected.items() if failing
    }
    for row in table.itertuples():
        failing = expected[row.object_id]
        assert row.severity == max(failing.values(), key=RANK.index)
        assert (row.measured, row.reference, row.params["fields"]) == (len(failing), 0, sorted(failing))


@settings(max_examples=25, deadline=None)
@given(st.lists(pipe, min_size=1, max_size=4), st.sets(st.integers(0, 3)))
def test_rules_read_doubtful_values_as_empty_until_people_dismiss_the_doubt(rows, dismissed):
    closed = frozenset(gap_key("D02", [f"pipes:P{at}"]) for at in dismissed)
    context = context_of(pipes_of(rows), dismissed=closed)
    seen, recorded = context.subject("pipes").rows, context.recorded("pipes").rows
    for at, row in enumerate(rows):
        doubted = {name for name, severity in oracle(row).items() if severity != "low"}
        for name in ("laid_year", "diameter_mm", "depth_m", "material_code", "kind_code", "class_code"):
            if name in doubted and at not in dismissed:
                assert pd.isna(seen[name].iat[at])
            else:
                assert seen[name].iat[at] == recorded[name].iat[at] or pd.isna(recorded[name].iat[at])


def house(**values):
    data = {"id": ["H1"], **{name: [value] for name, value in values.items()}}
    return {"housing": gpd.GeoDataFrame(data, geometry=[box(0, 0, 9, 9)])}


@pytest.mark.parametrize(
    ("values", "failing"),
    [
        ({"built_year": 1842}, {"built_year": "high"}),
        ({"built_year": 1843}, None),
        ({"built_year": 2026}, None),
        ({"built_year": 2027}, {"built_year": "high"}),
        ({"built_year": 9999}, None),
        ({"floors": -1, "floor_area_m2": INF}, {"floors": "medium", "floor_area_m2": "medium"}),
        ({"residents": 0}, None),
        ({"residents": -1}, {"residents": "medium"}),
        ({"use": "castle"}, None),
        ({"use": "住宅", "structure": "whatever", "colour": "blue"}, None),
        ({"danger_grade": "E"}, {"danger_grade": "medium"}),
        ({"danger_grade": "不详"}, None),
        (
            {"built_year": 2000, "last_repair_date": pd.Timestamp("1999-12-31T15:59Z")},
            {"last_repair_date": "medium"},
        ),
        # 0:00 of the new year in Shanghai, still the old one in UTC
        ({"built_year": 2000, "last_repair_date": pd.Timestamp("1999-12-31T16:00Z")}, None),
        ({"built_year": 3000, "last_repair_date": pd.Timestamp("2001-01-01T00:00Z")}, {"built_year": "high"}),
    ],
)
def test_a_building_by_its_values(values, failing):
    assert fields(house(**values)) == ({"housing:H1": failing} if failing else {})


def test_open_lists_are_not_tested_and_closed_ones_are():
    frame = gpd.GeoDataFrame(
        {"id": ["c", "d"], "class_code": ["bench", "0102"], "condition": ["亮", "破损"]},
        geometry=[Point(0, 0), Point(9, 9)],
    )
    assert fields({"components": frame}) == {"components:c": {"condition": "medium"}}
    frame = gpd.GeoDataFrame(
        {"id": ["n"], "kind": ["backyard"], "width_m": [-2.0]}, geometry=[box(0, 0, 1, 1)]
    )
    assert fields({"neglected": frame}) == {"neglected:n": {"kind": "medium", "width_m": "medium"}}


def test_old_district_codes_wherever_they_stand():
    area = [box(0, 0, 9, 9)]
    units = gpd.GeoDataFrame(
        {"code": ["310108001"], "level": ["subdistrict"], "parent_code": ["310106"]}, geometry=area
    )
    totals = pd.DataFrame(
        {"measure": ["count"], "value": [3.0], "area_code": ["310119"], "class_code": ["housing"]}
    )
    duties = pd.DataFrame(
        {"id": ["d", "e"], "body": "x", "object_class": "*", "duty": "own", "area_code": ["310103", "310101"]}
    )
    resources = pd.DataFrame({"id": ["r"], "kind": ["staff"], "unit_code": ["310230"]})
    tables = {
        "units": units,
        "totals": totals,
        "duties": duties,
        "resources": resources,
        **house(floors=1),
    }
    assert fields(tables) == {
        "units:310108001": {"code": "medium"},
        "totals:count:310119:housing": {"area_code": "medium"},
        "duties:d": {"area_code": "medium"},
        "resources:r": {"unit_code": "medium"},
    }
    context = context_of(tables)
    # an old code fits nowhere; read as empty, a total or a duty would hold for the whole city
    assert context.subject("totals").rows["area_code"].tolist() == ["310119"]
    assert context.subject("duties").rows["area_code"].tolist() == ["310103", "310101"]
    assert context.subject("units").rows["code"].tolist() == ["310108001"]
    assert context.subject("resources").rows["unit_code"].isna().all()


def test_broken_geometry_is_a_finding_with_the_id_and_hides_nothing():
    nan = float("nan")
    shapes = {
        "cross": Polygon([(0, 0), (9, 9), (9, 0), (0, 9)]),
        "nan": Polygon([(0, 0), (nan, 9), (9, 0)]),
        "none": None,
        "empty": Polygon(),
        "good": box(0, 0, 9, 9),
    }
    housing = gpd.GeoDataFrame({"id": list(shapes), "floors": 3.0}, geometry=list(shapes.values()))
    pipes = gpd.GeoDataFrame(
        {"id": ["short", "inf", "line"], "class_code": "JS"},
        geometry=[
            LineString([(5, 5), (5, 5)]),
            LineString([(0, 0), (np.inf, 0)]),
            LineString([(0, 0), (1, 0)]),
        ],
    )
    calls = gpd.GeoDataFrame({"id": ["call"], "at": [pd.Timestamp("2026-01-01T00:00Z")]}, geometry=[None])
    table = found({"housing": housing, "pipes": pipes, "hotline": calls})
    reasons = {row.object_id: row.params["reasons"] for row in table.itertuples()}
    assert reasons == {
        "cross": {"geometry": "invalid"},
        "nan": {"geometry": "not_finite"},
        "none": {"geometry": "no_geometry"},
        "empty": {"geometry": "empty"},
        "short": {"geometry": "zero_length"},
        "inf": {"geometry": "not_finite"},
    }
    assert set(table["severity"]) == {"medium"}
    assert context_of({"housing": housing}).subject("housing").rows["floors"].tolist() == [3.0] * 5


def test_a_finding_that_rests_on_the_surroundings_names_them():
    drain = {"id": ["P"], "class_code": ["PS"], "diameter_mm": [225.0], "laid_year": [2000.0]}
    pipes = gpd.GeoDataFrame(drain, geometry=[LineString([(0, 0), (20, 0)])])
    (row,) = found({"pipes": pipes}).itertuples()
    assert row.objects == ("pipes:P", "housing:*", "pipe_points:*")
    assert row.basis.startswith("AG032@1 GB 50014-2021")
    (row,) = found({"pipes": pipes.assign(diameter_mm=600.0, laid_year=1700.0)}).itertuples()
    assert row.objects == ("pipes:P",)


def test_a_city_row_by_age_doubts_the_year():
    row = Standard("X1", "D02", "housing", applies_if="age>100", origin="city", severity="medium")
    assert fields(house(built_year=1920), [row]) == {"housing:H1": {"built_year": "medium"}}
    graded = Standard("X2", "D02", "housing", applies_if="floors>30", grade="C", origin="city")
    tables = house(floors=31, danger_grade="C")
    assert fields(tables, [graded]) == {"housing:H1": {"floors": "medium"}}


def test_one_id_used_twice_is_one_finding():
    frame = gpd.GeoDataFrame(
        {"id": ["t", "t"], "floors": [-1.0, None], "built_year": [None, 1700.0]},
        geometry=[box(0, 0, 1, 1), box(5, 5, 6, 6)],
    )
    (row,) = found({"housing": frame}).itertuples()
    assert (row.severity, row.key) == ("high", '["D02",["housing:t"],""]')


def test_missing_input_is_named():
    assert IMPLAUSIBLE_ATTRIBUTE.missing(city_from_tables({})) == "no object layer given"
