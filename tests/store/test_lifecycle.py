from datetime import datetime, timezone

import pytest

from citygap.model.errors import CityGapError
from citygap.model.gap import SETTABLE_STATUSES
from citygap.store import database, events, gaps, lifecycle


def test_people_set_every_settable_status_from_any(bench):
    bench.run(["H1"])
    gap_id = bench.id_of("H1")
    for before in SETTABLE_STATUSES:
        for after in SETTABLE_STATUSES:
            for status in (before, after):
                lifecycle.set_status(bench.store, gap_id, status, until="2030-01-01", why="w", author="li")
            gap = bench.gap_of("H1")
            assert (gap["status"], gap["edited_by"]) == (after, "li")


@pytest.mark.parametrize(
    ("status", "words", "code"),
    [
        ("verified", {}, "bad_status"),
        ("reopened", {}, "bad_status"),
        ("closed", {}, "bad_status"),
        ("accepted", {"until": "2030-01-01"}, "bad_status"),
        ("accepted", {"why": "w"}, "bad_time"),
        ("accepted", {"why": "w", "until": "some day"}, "bad_time"),
        ("false_alarm", {}, "bad_status"),
        ("false_alarm", {"why": "  "}, "bad_status"),
    ],
)
def test_what_can_not_be_set(bench, status, words, code):
    bench.run(["H1"])
    with pytest.raises(CityGapError) as caught:
        lifecycle.set_status(bench.store, bench.id_of("H1"), status, **words)
    assert caught.value.code == code
    assert bench.gap_of("H1")["status"] == "open"


def test_one_unknown_gap_and_none_is_changed(bench):
    bench.run(["H1"])
    with pytest.raises(CityGapError) as caught:
        lifecycle.set_status(bench.store, [bench.id_of("H1"), "nobody"], "confirmed")
    assert caught.value.code == "no_gap"
    assert bench.gap_of("H1")["status"] == "open"


def test_setting_what_is_set_already_changes_nothing(bench):
    bench.run(["H1", "H2"])
    ids = [bench.id_of("H1"), bench.id_of("H2")]
    assert lifecycle.set_status(bench.store, ids[0], "confirmed", author="li") == 1
    before = events.history(bench.store)
    assert lifecycle.set_status(bench.store, ids[:1], "confirmed", author="wang") == 0
    assert events.history(bench.store) == before
    assert lifecycle.set_status(bench.store, ids, "confirmed", author="li") == 1


def test_until_is_the_end_of_its_day_in_the_city(bench):
    bench.run(["H1"])
    gap_id = bench.id_of("H1")
    lifecycle.set_status(bench.store, gap_id, "accepted", until="2026-12-31", why="w", author="li")
    assert bench.gap_of("H1")["until"] == "2026-12-31T23:59:59+08:00"
    at_noon_before_midnight = datetime(2026, 12, 31, 15, 59, tzinfo=timezone.utc)
    assert lifecycle.expire_accepted(bench.store, at_noon_before_midnight) == 0
    after = datetime(2026, 12, 31, 16, 0, tzinfo=timezone.utc)
    assert lifecycle.expire_accepted(bench.store, after) == 1
    gap = gaps.read_gap(bench.store, gap_id)
    assert (gap["status"], gap["why"]) == ("open", "w")
    assert events.history(bench.store)[-1]["edited_by"] == lifecycle.EXPIRY_AUTHOR


def test_opening_a_store_ends_exceptions(bench):
    bench.run(["H1", "H2", "H3"])
    for name, until in (("H1", "2020-01-01"), ("H2", "2999-01-01"), ("H3", "2020-01-01")):
        lifecycle.set_status(bench.store, bench.id_of(name), "accepted", until=until, why="w", author="li")
    bench.store.connection.execute("UPDATE gaps SET until = 'one day' WHERE object_id = 'H3'")
    bench.store.close()
    bench.store = database.open_store(bench.store.path)
    assert [bench.gap_of(name)["status"] for name in ("H1", "H2", "H3")] == ["open", "accepted", "accepted"]
    bench.store.close()


@pytest.mark.parametrize(
    "change",
    [
        "status = 'verified'",
        "status = 'reopened'",
        "status = 'done'",
        "status = 'accepted'",
        "status = 'accepted', why = 'w'",
        "status = 'false_alarm'",
        "gap_id = 'other'",
    ],
)
def test_no_client_can_break_the_rules_of_statuses(bench, change):
    bench.run(["H1"])
    before = bench.dump()
    with pytest.raises(Exception, match=r"verified|no such|needs|lasts"):
        bench.store.connection.execute(f"UPDATE gaps SET {change}")
    assert bench.dump() == before
