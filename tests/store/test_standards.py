import pytest

from citygap.model.errors import CityGapError
from citygap.model.tables import read_table
from citygap.store import events, standards


def _row(standard_id, value="1"):
    return {"standard_id": standard_id, "rule_or_activity": "N02.near_tol_m", "value": value}


def test_rows_come_back_as_they_went_in(store):
    shipped = [dict(row) for row in read_table("parameters")]
    standards.write_standards(store, shipped, "shipped")
    standards.write_standards(store, [_row("C1")], "city")
    back = standards.read_standards(store)
    assert [{name: row[name] for name in shipped[0]} for row in back[:-1]] == shipped
    assert back[-1] == {**dict.fromkeys(standards.COLUMNS, ""), **_row("C1"), "origin": "city"}


def test_each_origin_is_replaced_by_itself(store):
    standards.write_standards(store, [_row("S1"), _row("S2")], "shipped")
    standards.write_standards(store, [_row("C1")], "city")
    standards.write_standards(store, [_row("S2")], "shipped")
    assert [(row["standard_id"], row["origin"]) for row in standards.read_standards(store)] == [
        ("S2", "shipped"),
        ("C1", "city"),
    ]
    with pytest.raises(CityGapError):
        standards.write_standards(store, [], "federal")


def test_only_the_citys_rows_and_only_real_changes_are_events(store):
    standards.write_standards(store, [_row("S1")], "shipped")
    assert events.history(store) == []
    standards.write_standards(store, [_row("C1"), _row("C2")], "city", author="li")
    before = events.history(store)
    assert [event["edited_by"] for event in before] == ["li", "li"]
    standards.write_standards(store, [_row("C2"), _row("C1")], "city", author="li")
    assert events.history(store) == before
    standards.write_standards(store, [_row("C1"), _row("C2", "2")], "city", author="li")
    assert len(events.history(store)) == len(before) + 2
    events.undo(store, events.last_action(store))
    assert sorted(row["value"] for row in standards.read_standards(store) if row["origin"] == "city") == [
        "1",
        "1",
    ]
