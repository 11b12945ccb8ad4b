"""Which row of the standards holds."""

from dataclasses import replace
from datetime import date

import pytest

from citygap.engine.standards import Standard, Standards, shipped_standards
from citygap.model.errors import CityGapError

DAY = date(2026, 7, 1)


def row(standard_id, **values):
    return Standard(standard_id, "N02.near_tol_m", "pipes", **{"value": "1.0", **values})


def test_a_city_row_hides_the_shipped_row_with_the_same_key_only():
    shipped = (row("a"), row("b", applies_if="age>3"))
    rows = Standards((*shipped, row("x", origin="city", value="2.0")), DAY).rows
    assert [item.standard_id for item in rows] == ["b", "x"]


def test_rows_out_of_force_drop_out_before_they_can_hide_anything():
    late = row("x", origin="city", value="2.0", valid_from="2026-07-02")
    assert Standards((row("a"), late), DAY).number("N02.near_tol_m") == 1.0
    ended = row("y", origin="city", value="3.0", valid_to="2026-06-30")
    assert Standards((row("a"), ended), DAY).number("N02.near_tol_m") == 1.0


@pytest.mark.parametrize("confidence", ["memory", "low"])
def test_rows_from_memory_are_off_until_switched_on(confidence):
    with pytest.raises(CityGapError):
        Standards((row("a", confidence=confidence),), DAY).number("N02.near_tol_m")


def test_class_goes_before_role_before_all():
    rows = [
        Standard(name, "S01.reach_m", where, value=value)
        for name, where, value in (("a", "*", "1"), ("b", "pipes", "2"), ("c", "pipes:JS", "3"))
    ]
    standards = Standards(rows, DAY)
    assert [standards.number("S01.reach_m", name) for name in ("pipes:JS", "pipes:RQ", "housing")] == [
        3,
        2,
        1,
    ]


@pytest.mark.parametrize(
    ("value", "unit", "days"), [("2", "year", 730), ("1", "month", 30), ("36", "hour", 1.5)]
)
def test_values_in_days(value, unit, days):
    assert row("a", value=value, unit=unit).days() == days


def test_a_value_that_is_no_number_is_named():
    with pytest.raises(CityGapError) as refused:
        Standards((row("a", value="viel"),), DAY).number("N02.near_tol_m")
    assert "row a" in refused.value.line() and "field value" in refused.value.line()


def test_shipped_rows_have_an_id_each_and_a_source():
    rows = shipped_standards()
    assert len({item.standard_id for item in rows}) == len(rows)
    assert all(item.source and item.confidence for item in rows)


def test_a_city_row_without_severity_takes_over_that_of_the_row_it_hides():
    own = Standard("C", "A02", "housing", applies_if="danger_grade=C", value="C", origin="city")
    rows = {row.standard_id: row for row in Standards((*shipped_standards(), own), date(2026, 1, 1)).rows}
    assert rows["C"].severity == "high" and "AG037" not in rows
    said = Standards((*shipped_standards(), replace(own, severity="low")), date(2026, 1, 1))
    assert {row.severity for row in said.rows if row.standard_id == "C"} == {"low"}
