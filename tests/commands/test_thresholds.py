"""The standards of a check: the city's own rows, their days, and what they say of due dates."""

import pandas as pd
import pytest

from citygap.commands.thresholds import due_days, standards_in_force
from citygap.engine.city import city_from_tables


def city_of(rows, tz="Asia/Shanghai"):
    table = pd.DataFrame(rows)
    return city_from_tables({"standards": table}, tz=tz, as_of=pd.Timestamp("2026-07-01T23:59:59", tz=tz))


def row(**more):
    return {
        "standard_id": "own",
        "rule_or_activity": "due.high",
        "object_class": "*",
        "value": "3",
        "unit": "day",
        **more,
    }


def test_due_days_follow_the_rows_of_the_city():
    assert due_days(standards_in_force(None, city_of([row()]))) == {
        "info": None,
        "low": 90.0,
        "medium": 30.0,
        "high": 3.0,
    }
    assert due_days(standards_in_force(None, city_of([row(value="2", unit="week")])))["high"] == 14.0


@pytest.mark.parametrize("tz", ["Asia/Shanghai", "America/New_York"])
@pytest.mark.parametrize(("last", "days"), [("2026-06-30", 7.0), ("2026-07-01", 3.0)])
def test_a_row_is_valid_to_the_end_of_its_last_day_in_the_city(tz, last, days):
    end = pd.Timestamp(f"{last}T23:59:59.999999", tz=tz)
    assert due_days(standards_in_force(None, city_of([row(valid_to=end)], tz)))["high"] == days
