"""T02 against a brute-force oracle and hand-drawn cases."""

import geopandas as gpd
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Point, box

from citygap.engine.city import city_from_tables
from citygap.engine.context import Context
from citygap.engine.findings import make_findings
from citygap.engine.rules.standard import SAME_STANDARD_FOR_ALL
from citygap.engine.standards import Standard, Standards, shipped_standards

AS_OF = pd.Timestamp("2026-07-01T23:59:59.999999+08:00").to_pydatetime()
DAYS = {"day": 1, "week": 7, "month": 30}


def city_of(grades, zone=None):
    """Street lamps in units side by side, one unit a grade."""
    return city_from_tables(
        {
            "units": gpd.GeoDataFrame(
                {
                    "code": [f"D{i}" for i in range(len(grades))],
                    "level": "district",
                    "grade": grades,
                    "zone_type": zone,
                },
                geometry=[box(100 * i, 0, 100 * i + 100, 100) for i in range(len(grades))],
            ),
            "components": gpd.GeoDataFrame(
                {"id": [f"L{i}" for i in range(len(grades))], "class_code": "street_lamp"},
                geometry=[Point(100 * i + 50, 50) for i in range(len(grades))],
            ),
        },
        as_of=AS_OF,
    )


def row(value="7", unit="day", **more):
    words = {
        "standard_id": "own",
        "rule_or_activity": "night_round",
        "object_class": "components:street_lamp",
        "body": "甲",
        "origin": "city",
        **more,
    }
    return Standard(value=value, unit=unit, **words)


def context_of(city, rows, changes=None, **overdue):
    shipped = [
        Standard(**{**vars(line), **(changes or {}).get(line.standard_id, {})})
        for line in shipped_standards()
    ]
    context = Context(city, Standards([*shipped, *rows], AS_OF.date()))
    for rule, (ids, severity, activity) in overdue.items():
        found = make_findings(
            rule,
            object_role="components",
            object_id=ids,
            severity=severity,
            geometry=[None] * len(ids),
            crs=city.crs,
            discriminator=activity,
        )
        context.run_once(rule, (), lambda found=found: (found, None))
    return context


def run(city, *rows, **more):
    return SAME_STANDARD_FOR_ALL.find(city, context_of(city, rows, **more)).findings


def flags(findings):
    return {params["flag"]: measured for params, measured in zip(findings["params"], findings["measured"])}


rows_of_a_city = st.lists(
    st.tuples(
        st.sampled_from(["", "5", "7", "1", "often"]),
        st.sampled_from(["day", "week"]),
        st.sampled_from(["", "I", "II"]),
        st.sampled_from(["", "core"]),
        st.sampled_from(["", "condition=broken"]),
        st.sampled_from(["project", "memory"]),
        st.sampled_from(["", "2026-06-30", "2026-07-01"]),
    ),
    min_size=1,
    max_size=4,
)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from([None, "I", "II"]), min_size=1, max_size=3), rows_of_a_city)
def test_agrees_with_the_oracle(grades, drawn):
    rows = [
        row(
            value,
            unit,
            grade=grade,
            zone=zone,
            applies_if=condition,
            confidence=word,
            valid_to=end,
            standard_id=f"o{i}",
        )
        for i, (value, unit, grade, zone, condition, word, end) in enumerate(drawn)
    ]
    valid = [item for item in drawn if item[5] == "project" and (item[6] or "9999") >= "2026-07-01"]
    city = city_of(grades)
    assert (SAME_STANDARD_FOR_ALL.unready(context_of(city, rows)) is None) == bool(valid)

    def value_of(item):
        return int(item[0]) * DAYS[item[1]] if item[0].isdigit() else item[0]

    expected = {}
    filled = [item for item in valid if item[0]]
    values = {value_of(item) for item in filled}
    named = any(item[2] or item[3] for item in valid)
    if values and (not named or len(values) == 1) and len(set(grades) - {None}) > 1:
        expected["std_coarse"] = len(valid)
    scattered = sum(
        any(item[2:5] == other[2:5] and value_of(item) != value_of(other) for other in filled)
        for item in filled
    )
    if scattered:
        expected["std_scattered"] = scattered
    low = sum(isinstance(value_of(item), int) and value_of(item) > 7 for item in valid)
    if low:
        expected["std_low"] = low
    assert flags(run(city, *rows)) == expected


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ([row()], {"std_coarse": 1}),
        ([row(grade="I"), row("5", grade="II", standard_id="b")], {}),
        ([row(grade="I"), row(grade="II", standard_id="b")], {"std_coarse": 2}),
        ([row(grade="I"), row("1", "week", grade="II", standard_id="b")], {"std_coarse": 2}),
        ([row(applies_if="grade=I"), row("5", applies_if="grade=II", standard_id="b")], {}),
        ([row(applies_if="condition=broken"), row("5", standard_id="b")], {"std_coarse": 2}),
        ([row(), row("5", standard_id="b")], {"std_coarse": 2, "std_scattered": 2}),
        ([row(), row("1", "week", standard_id="b")], {"std_coarse": 2}),
        ([row("8", grade="I"), row("5", grade="II", standard_id="b")], {"std_low": 1}),
        ([row("7", grade="I"), row("5", grade="II", standard_id="b")], {}),
        ([row(rule_or_activity="N02.near_tol_m")], {}),
    ],
)
def test_flags(rows, found):
    assert flags(run(city_of(["I", "II"]), *rows)) == found


def test_one_grade_in_the_data_is_not_coarse_but_two_zones_are():
    assert len(run(city_of(["I", "I"]), row())) == 0
    assert flags(run(city_of([None, None], zone=["core", "fringe"]), row())) == {"std_coarse": 1}
    findings = run(city_of(["I", "II"]), row())
    assert findings["key"].iat[0] == '["T02",["standards:night_round:components:street_lamp"],"std_coarse"]'
    assert findings["params"].iat[0] == {"flag": "std_coarse", "grades": {"grade": ["I", "II"]}}


def test_road_classes_are_grades():
    def roads(*classes):
        table = gpd.GeoDataFrame(
            {"id": list("ab"), "highway": classes}, geometry=[box(0, 0, 1, 1).exterior] * 2
        )
        return run(
            city_from_tables({"roads": table}, as_of=AS_OF),
            row(rule_or_activity="patrol", object_class="roads"),
        )

    assert flags(roads("primary", "residential")) == {"std_coarse": 1}
    assert len(roads("primary", "primary")) == 0


def test_low_is_held_against_shipped_rows_that_are_on():
    rows = [
        row(
            "8",
            rule_or_activity="leak_detection",
            object_class="pipes:RQ",
            applies_if="material_code=PE",
            grade="I",
        )
    ]
    rows[0] = Standard(**{**vars(rows[0]), "value": "400"})
    assert len(run(city_of(["I"]), *rows)) == 0  # the shipped row of a year is from memory
    assert flags(run(city_of(["I"]), *rows, changes={"II015": {"confidence": "project"}})) == {"std_low": 1}


@pytest.mark.parametrize(
    ("overdue", "severity"),
    [
        ({}, "low"),
        ({"I01": (["L0"], "low", "night_round")}, "medium"),
        ({"I01": (["L0"], "info", "night_round")}, "low"),
        ({"I01": (["L0"], "low", "repair")}, "low"),
        ({"I02": (["L0"], "medium", "")}, "medium"),
        ({"I01": (["L0", "L1"], "low", "night_round")}, "low"),
    ],
)
def test_medium_where_outcomes_differ_by_grade(overdue, severity):
    assert list(run(city_of(["I", "II"]), row(), **overdue)["severity"]) == [severity]


@pytest.mark.parametrize(("late", "severity"), [(1, "low"), (2, "medium")])
def test_a_fifth_is_not_more_than_a_fifth(late, severity):
    city = city_of(["I"] * 5 + ["II"] * 5)
    overdue = {"I01": ([f"L{i}" for i in range(late)], "high", "night_round")}
    findings = run(city, row(), **overdue)
    assert list(findings["severity"]) == [severity]
    assert findings["params"].iat[0]["overdue"] == {"grade": {"I": late / 5, "II": 0.0}}
