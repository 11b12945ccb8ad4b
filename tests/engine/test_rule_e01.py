"""E01 against a brute-force oracle and hand-drawn cases."""

import math
from fractions import Fraction

import geopandas as gpd
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Point, box

from citygap.engine.city import city_from_tables
from citygap.engine.context import Context
from citygap.engine.rules.resource import BELOW_EQUAL_SHARE
from citygap.engine.standards import Standards, shipped_standards

AS_OF = pd.Timestamp("2026-07-01T23:59:59.999999+08:00").to_pydatetime()


def city_of(units, resources):
    """Units side by side, 100 m wide: (code, level, parent, population, abolished)."""
    count = len(units)
    tables = {
        "units": gpd.GeoDataFrame(
            {
                name: [unit[place] for unit in units]
                for place, name in enumerate(("code", "level", "parent_code", "population", "abolished_town"))
            },
            geometry=[box(100 * i, 0, 100 * i + 100, 100) for i in range(count)],
        )
    }
    if resources:
        tables["resources"] = gpd.GeoDataFrame(
            {
                "id": [f"r{i}" for i in range(len(resources))],
                "kind": [item.get("kind", "staff") for item in resources],
                "capacity": [item.get("capacity") for item in resources],
                "unit_code": [item.get("code") for item in resources],
            },
            geometry=[Point(item["x"], 50) if "x" in item else None for item in resources],
        )
    return city_from_tables(tables, as_of=AS_OF)


def run(city):
    return BELOW_EQUAL_SHARE.find(city, Context(city, Standards(shipped_standards(), AS_OF.date())))


def districts(*people, **more):
    return [(f"D{i}", "district", None, number, more.get(f"D{i}")) for i, number in enumerate(people)]


unit_rows = st.lists(
    st.tuples(
        st.sampled_from([None, 0.0, 10.0, 50.0, 100.0]),  # population
        st.sampled_from([None, "T1", "T2"]),  # parent
        st.booleans(),  # abolished
        st.lists(st.sampled_from([None, 0.0, 3.0, 4.0, 5.0, 8.0, 10.0]), max_size=2),  # staff
    ),
    min_size=2,
    max_size=6,
)


def oracle(rows):
    amounts = [None if None in staff else sum(staff) for _, _, _, staff in rows]
    if all(item is None for _, _, _, staff in rows for item in staff):  # no record says how many: counted
        amounts = [len(staff) for _, _, _, staff in rows]
    if not any(staff for _, _, _, staff in rows) or not any(people for people, *_ in rows):
        return {}
    known = [
        (Fraction(amounts[i]) / Fraction(people), people)
        for i, (people, *_) in enumerate(rows)
        if people and amounts[i] is not None
    ]
    if not known:
        return {}
    half = Fraction(sum(people for _, people in known)) / 2
    median = min(r for r, _ in known if sum(people for q, people in known if q <= r) >= half)
    if median == 0:
        return {}
    found = {}
    for i, (people, parent, abolished, _) in enumerate(rows):
        if people is None or (people > 0 and amounts[i] is None):
            found[f"S{i}"] = ("info", None)
            continue
        if people == 0:
            continue
        rate = Fraction(amounts[i]) / Fraction(people)
        ratio = rate / median
        if abolished and parent:
            town = [
                (amounts[j], other[0])
                for j, other in enumerate(rows)
                if other[1] == parent and other[0] and amounts[j] is not None
            ]
            mean = Fraction(sum(a for a, _ in town)) / Fraction(sum(p for _, p in town))
            if mean > 0:
                ratio = min(ratio, rate / mean)
        if ratio < Fraction(8, 10):
            rank = 1 if ratio >= Fraction(6, 10) else 2 if ratio >= Fraction(4, 10) else 3
            rank = min(rank + bool(abolished), 3)
            found[f"S{i}"] = (["info", "low", "medium", "high"][rank], float(ratio))
    return found


@settings(max_examples=60, deadline=None)
@given(unit_rows)
def test_agrees_with_the_oracle_on_random_units(rows):
    units = [
        (f"S{i}", "subdistrict", parent, people, abolished)
        for i, (people, parent, abolished, _) in enumerate(rows)
    ]
    resources = [
        {"code": f"S{i}", "capacity": item} for i, (_, _, _, staff) in enumerate(rows) for item in staff
    ]
    city = city_of(units, resources)
    if BELOW_EQUAL_SHARE.missing(city):
        assert not resources or all(people is None for people, *_ in rows)
        return
    findings = run(city).findings
    got = {
        code: (severity, None if math.isnan(measured) else pytest.approx(measured))
        for code, severity, measured in zip(*(findings[n] for n in ("object_id", "severity", "measured")))
    }
    assert got == oracle(rows)
    assert (
        findings["data_state"] == findings["severity"].map(lambda w: "unrecorded" if w == "info" else "known")
    ).all()


@pytest.mark.parametrize(
    ("staff", "severity"),
    [(80, None), (79, "low"), (60, "low"), (59, "medium"), (40, "medium"), (39, "high"), (0, "high")],
)
def test_bands(staff, severity):
    resources = [{"code": f"D{i}", "capacity": 100.0} for i in range(3)]
    resources.append({"code": "D3", "capacity": float(staff)})
    findings = run(city_of(districts(1000.0, 1000.0, 1000.0, 1000.0), resources)).findings
    assert list(findings["severity"]) == ([] if severity is None else [severity])
    if severity:
        assert findings["key"].iat[0] == '["E01",["units:D3"],"staff"]'
        assert findings["measured"].iat[0] == pytest.approx(staff / 100)
        assert findings["reference"].iat[0] == 0.8
        assert not findings["steps"].any()


def test_an_abolished_town_is_held_against_its_present_town_too():
    units = [(f"S{i}", "subdistrict", "T" if i < 2 else "U", 100.0, i == 0) for i in range(5)]
    staff = [10.0, 30.0, 10.0, 10.0, 10.0]  # the seat has the city's median but half of its town's mean
    resources = [{"code": f"S{i}", "capacity": number} for i, number in enumerate(staff)]
    findings = run(city_of(units, resources)).findings
    assert list(zip(findings["object_id"], findings["severity"])) == [("S0", "high")]
    assert findings["measured"].iat[0] == pytest.approx(0.5)
    units[0] = (*units[0][:4], False)
    assert len(run(city_of(units, resources)).findings) == 0


def test_levels_are_apart_and_lower_units_are_led_up():
    units = districts(100.0, 100.0) + [(f"S{i}", "subdistrict", f"D{i // 2}", 50.0, None) for i in range(4)]
    resources = [{"code": f"S{i}", "capacity": 5.0} for i in range(3)]
    findings = run(city_of(units, resources)).findings
    # D0 has 10 and D1 5 for 100 each; the lower median is D1's own.
    assert list(zip(findings["object_id"], findings["measured"])) == [("S3", 0.0)]
    only_districts = run(city_of(units, [{"code": "D0", "capacity": 9.0}, {"code": "D1", "capacity": 3.0}]))
    assert len(only_districts.findings) == 0
    assert only_districts.untested == ("not tested (subdistrict: no staff)",)


def test_points_count_where_they_lie():
    lamps = [{"kind": "lamp", "x": x} for x in (10, 20, 30, 40, 110, 120, 130, 140, 210)]
    findings = run(city_of(districts(100.0, 100.0, 100.0), lamps)).findings
    assert list(zip(findings["object_id"], findings["measured"])) == [("D2", 0.25)]
    assert findings["class_code"].iat[0] == "lamp"


def test_gini_and_hoover_stand_beside_ten_units_only():
    def params(count):
        resources = [{"code": f"D{i}", "capacity": 1.0 if i else 0.0} for i in range(count)]
        return run(city_of(districts(*[10.0] * count), resources)).findings["params"].iat[0]

    assert "gini" not in params(9)
    assert (params(10)["gini"], params(10)["hoover"]) == (0.1, 0.1)


def test_what_lacks_is_said():
    assert BELOW_EQUAL_SHARE.missing(city_of(districts(1.0, 2.0), [])) == "no resources given"
    city = city_of(districts(None, None), [{"code": "D0"}])
    assert BELOW_EQUAL_SHARE.missing(city) == "no unit with a population given"
    outcome = run(
        city_of(
            districts(10.0, 10.0, -5.0), [{"code": "D0", "capacity": -3.0}, {"code": "D1", "capacity": 2.0}]
        )
    )
    assert set(outcome.findings["data_state"]) == {"unrecorded"}
    lone = run(city_of(districts(1.0, 99.0), [{"code": "D0", "capacity": 3.0}]))
    assert lone.untested == ("not tested (district: the median unit has no staff)",)
