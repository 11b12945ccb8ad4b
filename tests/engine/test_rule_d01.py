"""D01 against a brute-force oracle and hand-drawn cases."""

import json

import geopandas as gpd
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, Point, box

from citygap.engine.city import City, city_from_tables
from citygap.engine.context import Context
from citygap.engine.rules.data import MISSING_ATTRIBUTE
from citygap.engine.standards import Standard, Standards, shipped_standards

REQUIRED = {
    "housing": ["built_year", "floors", "use", "structure", "danger_grade", "last_repair_date"],
    "pipes": [
        "class_code",
        "kind_code",
        "material_code",
        ("diameter_mm", "section_mm"),
        "depth_m",
        "laid_year",
        "burial_method",
        "owner",
    ],
}
MAJOR = {"built_year", "laid_year", "material_code", "owner"}
MINOR = {"kind_code", "burial_method", "use", "structure"}
FILLERS = {"0", "9999", "不详", "无", "/", 0.0, 9999.0}
DISTRICTS = {"310101": box(0, 0, 100, 100), "310104": box(100, 0, 200, 100)}
YEAR = 2026

VALUES = {
    "built_year": [None, 0.0, 9999.0, 1950.0, 2021.0, 2022.0, 2024.0],
    "floors": [None, 0.0, 6.0],
    "use": [None, "residential", "不详"],
    "structure": [None, "brick", "/"],
    "danger_grade": [None, "A", "无"],
    "last_repair_date": [None, pd.Timestamp("2020-01-01", tz="UTC")],
    "class_code": [None, "JS", "RQ"],
    "kind_code": [None, "JP", "0"],
    "material_code": [None, "PE", "不详"],
    "diameter_mm": [None, 0.0, 300.0],
    "section_mm": [None, "600x400", "/"],
    "depth_m": [None, 1.2],
    "laid_year": [None, 1999.0],
    "burial_method": [None, "direct"],
    "owner": [None, "水务", "无"],
}


@st.composite
def tables(draw, role):
    names = [name for item in REQUIRED[role] for name in ([item] if isinstance(item, str) else item)]
    rows, frames = 0, []
    for source in draw(st.sampled_from([["a"], ["a", "b"]])):
        columns = [name for name in names if draw(st.integers(0, 4))]
        count = draw(st.integers(0 if frames else 1, 3))
        data = {name: [draw(st.sampled_from(VALUES[name])) for _ in range(count)] for name in columns}
        xs = [draw(st.sampled_from([10, 50, 150, 250])) for _ in range(count)]
        shape = [Point(x, 20) if role == "housing" else LineString([(x, 10), (x, 30)]) for x in xs]
        data |= {"id": [f"{role}{rows + i}" for i in range(count)], "source_name": [source] * count}
        rows += count
        frames.append((source, set(columns), gpd.GeoDataFrame(data, geometry=shape)))
    return role, frames


def is_empty(value):
    return value is None or value is pd.NaT or value != value or value in FILLERS


def oracle(role, frames, with_units):
    """Findings as {(objects, discriminator): (severity, measured)}, straight from the catalogue."""
    found, lacking = {}, {}
    for _, columns, frame in frames:
        for _, row in frame.iterrows():
            empty = []
            for item in REQUIRED[role]:
                options = [item] if isinstance(item, str) else list(item)
                if options[0] == "last_repair_date":
                    built = row.get("built_year")
                    if is_empty(built) or YEAR - built < 5:
                        continue
                given = [name for name in options if name in columns]
                if not given:
                    x = row.geometry.representative_point().x
                    area = "*"
                    if with_units and x < 200:
                        area = "310101" if x < 100 else "310104"
                    lacking[area, options[0]] = lacking.get((area, options[0]), 0) + 1
                elif all(is_empty(row[name]) for name in given):
                    empty.append(options[0])
            if empty:
                severity = "high" if MAJOR & set(empty) else "medium"
                if len(empty) == 1 and empty[0] in MINOR:
                    severity = "low"
                found[f"{role}:{row['id']}", ""] = (severity, len(empty))
    for (area, name), count in lacking.items():
        severity = "high" if name in MAJOR else "low" if name in MINOR else "medium"
        found[f"units:{area}", f"{role}.{name}"] = (severity, count)
    return found


def city_of(role, frames, with_units):
    data = pd.concat([frame for _, _, frame in frames], ignore_index=True)
    given = {role: data}
    if with_units:
        given["units"] = gpd.GeoDataFrame(
            {"code": list(DISTRICTS), "level": "district"}, geometry=list(DISTRICTS.values())
        )
    city = city_from_tables(given, as_of=pd.Timestamp(f"{YEAR}-07-01T23:59:59+08:00").to_pydatetime())
    names = set(VALUES)
    lacks = {source: frozenset(names - columns) for source, columns, _ in frames}
    return City(city.tables, {**city.lacking, role: lacks}, city.crs, city.as_of, city.tz)


def run(city, extra=()):
    standards = Standards((*shipped_standards(), *extra), city.as_of.date())
    return MISSING_ATTRIBUTE.find(city, Context(city, standards)).findings


def as_dict(findings):
    keys = zip(findings["objects"], [json.loads(key)[2] for key in findings["key"]])
    return {
        (objects[0], word): (severity, measured)
        for (objects, word), severity, measured in zip(keys, findings["severity"], findings["measured"])
    }


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(["housing", "pipes"]).flatmap(tables), st.booleans())
def test_agrees_with_the_oracle_on_random_tables(table, with_units):
    role, frames = table
    assert as_dict(run(city_of(role, frames, with_units))) == oracle(role, frames, with_units)


def one_building(**values):
    row = {
        "id": ["H1"],
        "built_year": [1990.0],
        "floors": [6.0],
        "use": ["residential"],
        "structure": ["brick"],
        "danger_grade": ["A"],
        "last_repair_date": [pd.Timestamp("2020-01-01", tz="UTC")],
    }
    row |= {name: [value] for name, value in values.items()}
    return city_from_tables({"housing": gpd.GeoDataFrame(row, geometry=[box(0, 0, 9, 9)])})


def test_full_record_has_no_gap():
    assert len(run(one_building())) == 0


@pytest.mark.parametrize(
    ("values", "severity"),
    [
        ({"use": None}, "low"),
        ({"floors": None}, "medium"),
        ({"use": None, "structure": "/"}, "medium"),
        ({"built_year": 0}, "high"),
        ({"danger_grade": "不详"}, "medium"),
    ],
)
def test_severity_follows_what_is_empty(values, severity):
    assert list(run(one_building(**values))["severity"]) == [severity]


def test_key_and_id_are_those_of_the_catalogue():
    assert list(run(one_building(floors=None))["key"]) == ['["D01",["housing:H1"],""]']


def test_a_city_row_changes_what_is_required():
    row = Standard("X1", "D01.required_fields", "housing", value="name", origin="city", source="office")
    findings = run(one_building(floors=None, name=None), [row])
    assert [params["empty"] for params in findings["params"]] == [["name"]]
    assert findings["basis"].iat[0] == "X1@1 office"


def test_a_lacking_column_names_the_role_that_has_to_be_read_to_close_it():
    row = {"id": ["H1"], "floors": [6.0]}
    findings = run(city_from_tables({"housing": gpd.GeoDataFrame(row, geometry=[box(0, 0, 9, 9)])}))
    assert set(findings["objects"]) == {("units:*", "housing:*")}
    assert '["D01",["units:*"],"housing.built_year"]' in set(findings["key"])
