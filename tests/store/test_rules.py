"""Rules that people switch off, by whatever program, and rows of the standards they switch on."""

import sqlite3

import pytest

from citygap.model.catalogue import catalogue
from citygap.model.errors import CityGapError
from citygap.store import database, events, rules, standards


def test_every_rule_is_on_in_a_new_store(store):
    assert rules.switched_off(store) == frozenset()
    assert {row[0] for row in store.connection.execute("SELECT rule_id FROM rules")} == set(catalogue())


def test_switching_is_an_event_and_can_be_undone(store):
    rules.switch_rule(store, "near_miss", False, author="li")
    assert rules.switched_off(store) == {"N02"}
    (event,) = events.history(store)
    assert (event["table"], event["key"], event["column"], event["was"], event["is"], event["edited_by"]) == (
        "rules",
        "N02",
        "is_on",
        "1",
        "0",
        "li",
    )
    rules.switch_rule(store, "N02", False, author="li")
    assert len(events.history(store)) == 1
    events.undo(store, event["event_id"])
    assert rules.switched_off(store) == frozenset()
    with pytest.raises(CityGapError):
        rules.switch_rule(store, "Q99", False)


def test_it_stays_off_when_the_catalogue_is_written_again(store, bench):
    rules.switch_rule(store, "N02", False)
    store.connection.execute("UPDATE rules SET title_en = 'old words' WHERE rule_id = 'N02'")
    bench.run(["H1"])
    assert rules.switched_off(store) == {"N02"}
    titles = store.connection.execute("SELECT title_en FROM rules WHERE rule_id = 'N02'").fetchall()
    assert titles == [(catalogue()["N02"].title_en,)]


def test_another_program_switches_too(store):
    with sqlite3.connect(store.path) as other:
        other.execute("UPDATE rules SET is_on = 0 WHERE rule_id = 'D01'")
    other.close()
    assert rules.switched_off(store) == {"D01"}
    assert [event["column"] for event in events.history(store)] == ["is_on"]


def test_edits_of_shipped_rows_by_people_are_events_that_can_be_undone(store):
    shipped = {"standard_id": "II015", "rule_or_activity": "leak_detection", "confidence": "memory"}
    standards.write_standards(store, [shipped], "shipped")
    with sqlite3.connect(store.path) as other:
        other.execute("UPDATE standards SET confidence = 'project' WHERE standard_id = 'II015'")
    other.close()
    (event,) = events.history(store)
    assert (event["table"], event["column"], event["was"], event["is"]) == (
        "standards",
        "confidence",
        "memory",
        "project",
    )
    events.undo(store, event["event_id"])
    assert standards.read_standards(store)[0]["confidence"] == "memory"
    with sqlite3.connect(store.path) as other:
        other.execute("DELETE FROM standards")
    other.close()
    events.undo(store, events.last_action(store))
    assert standards.read_standards(store)[0]["standard_id"] == "II015"
    assert database.open_store(store.path).meta["schema"] == str(database.SCHEMA)
