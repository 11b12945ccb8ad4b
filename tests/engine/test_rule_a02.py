"""A02 against a brute-force oracle and hand-drawn cases."""

from dataclasses import replace

import geopandas as gpd
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Point, box

from citygap.engine.city import city_from_tables
from citygap.engine.context import Context
from citygap.engine.rules.ageing import AGED_BUILDING
from citygap.engine.standards import Standards, shipped_standards

YEAR = 2026
AS_OF = pd.Timestamp(f"{YEAR}-07-01T23:59:59+08:00").to_pydatetime()
OPTIONAL = ("built_year", "use", "danger_grade")

buildings = st.lists(
    st.fixed_dictionaries(
        {
            "built_year": st.sampled_from([None, 0.0, 1930.0, 1980.0, 1981.0, 2000.0, 2001.0, 9999.0]),
            "use": st.sampled_from([None, "residential", "office", "不详"]),
            "danger_grade": st.sampled_from([None, "A", "C", "D", "无"]),
        }
    ),
    min_size=1,
    max_size=6,
)
visits = st.lists(
    st.fixed_dictionaries(
        {
            "activity": st.sampled_from(["structural_check", "watch_visit", None]),
            "object_id": st.sampled_from([None, "H0", "H1", "housing:H2", "H9"]),
            "result": st.sampled_from([None, "ok", "no_access"]),
            "x": st.sampled_from([None, 5.0, 19.0, 20.0, 21.0, 30.5]),
            "day": st.sampled_from(["2026-01-01", "2026-08-01"]),
        }
    ),
    max_size=4,
)


def city_of(rows, seen=(), without=()):
    data = {name: [row[name] for row in rows] for name in OPTIONAL if name not in without}
    data["id"] = [f"H{i}" for i in range(len(rows))]
    shapes = [box(30 * i, 0, 30 * i + 10, 10) for i in range(len(rows))]
    tables = {"housing": gpd.GeoDataFrame(data, geometry=shapes)}
    if seen:
        tables["visits"] = gpd.GeoDataFrame(
            {
                "id": [f"v{i}" for i in range(len(seen))],
                "at": [pd.Timestamp(f"{v['day']}T10:00+08:00") for v in seen],
                **{name: [v[name] for v in seen] for name in ("activity", "object_id", "result")},
            },
            geometry=[None if v["x"] is None else Point(v["x"], 5) for v in seen],
        )
    return city_from_tables(tables, as_of=AS_OF)


def run(city):
    return AGED_BUILDING.find(city, Context(city, Standards(shipped_standards(), AS_OF.date()))).findings


def is_checked(index, seen):
    left, right = 30 * index, 30 * index + 10
    for visit in seen:
        if (
            visit["activity"] != "structural_check"
            or visit["result"] == "no_access"
            or visit["day"] > "2026-07"
        ):
            continue
        if visit["object_id"] is not None:
            if visit["object_id"] in (f"H{index}", f"housing:H{index}"):
                return True
        elif visit["x"] is not None and left - 10 <= visit["x"] <= right + 10:
            return True
    return False


def oracle(rows, seen, without):
    found = {}
    for index, row in enumerate(rows):
        value = {
            name: None if name in without or row[name] in (0.0, 9999.0, "不详", "无") else row[name]
            for name in OPTIONAL
        }
        year = value["built_year"]
        if value["danger_grade"] in ("C", "D"):
            found[f"H{index}"] = ("high", "known", None)
        elif year is not None and year <= 2000 and value["use"] in (None, "residential"):
            checked = is_checked(index, seen)
            severity = "medium" if year <= 1980 and not checked else "low"
            found[f"H{index}"] = (severity, "known", YEAR - year)
        elif year is None and "built_year" not in without:
            found[f"H{index}"] = ("info", "unrecorded", None)
    return found


def as_dict(findings):
    columns = ("object_id", "severity", "data_state", "measured")
    return {
        object_id: (severity, state, None if pd.isna(measured) else measured)
        for object_id, severity, state, measured in zip(*(findings[name] for name in columns))
    }


@settings(max_examples=100, deadline=None)
@given(buildings, visits, st.sets(st.sampled_from(OPTIONAL), max_size=2))
def test_agrees_with_the_oracle_on_random_cities(rows, seen, without):
    assert as_dict(run(city_of(rows, seen, without))) == oracle(rows, seen, without)


@pytest.mark.parametrize(
    ("year", "grade", "expected"),
    [(2000, None, ["low"]), (2001, None, []), (1980, None, ["medium"]), (2020, "C", ["high"])],
)
def test_thresholds(year, grade, expected):
    rows = [{"built_year": year, "use": "residential", "danger_grade": grade}]
    assert list(run(city_of(rows))["severity"]) == expected


def test_severest_row_decides_and_the_others_are_named():
    findings = run(city_of([{"built_year": 1970.0, "use": None, "danger_grade": "D"}]))
    assert findings["basis"].iat[0].startswith("AG038@1 JGJ 125-2016")
    assert findings["params"].iat[0]["rows"] == ["AG033", "AG038"]


def test_reference_is_the_value_of_the_row():
    findings = run(city_of([{"built_year": 1990.0, "use": None, "danger_grade": None}]))
    assert (findings["measured"].iat[0], findings["reference"].iat[0]) == (36.0, 2000.0)


def test_needs_a_year_or_a_grade():
    city = city_of([{"built_year": 1990.0, "use": None, "danger_grade": None}], without=OPTIONAL)
    assert AGED_BUILDING.missing(city)


def test_design_life_once_its_row_is_switched_on():
    shipped = shipped_standards()
    (row,) = [row for row in shipped if row.applies_if == "age>=design_working_life"]
    own = replace(row, standard_id="own", confidence="project", origin="city", severity="")
    housing = gpd.GeoDataFrame(
        {
            "id": ["50", "49", "unknown", "20 of 20", "40 of 100"],
            "built_year": [1976.0, 1977.0, None, 2006.0, 1986.0],
            "use": ["office"] * 5,
            "design_working_life": [None, None, None, 20, 100],
        },
        geometry=[box(20 * i, 0, 20 * i + 9, 9) for i in range(5)],
    )
    city = city_from_tables(
        {"housing": housing}, as_of=pd.Timestamp("2026-07-01T23:59:59+08:00").to_pydatetime()
    )

    def found(rows):
        findings = AGED_BUILDING.find(city, Context(city, Standards(rows, city.as_of.date()))).findings
        return dict(zip(findings["object_id"], findings["severity"]))

    assert found(shipped) == {"unknown": "info"}
    assert found((*shipped, own)) == {"50": "medium", "20 of 20": "medium", "unknown": "info"}
    flagged = replace(own, applies_if="at_design_life", severity="high")
    assert found((*shipped, flagged)) == {"50": "high", "20 of 20": "high", "unknown": "info"}
