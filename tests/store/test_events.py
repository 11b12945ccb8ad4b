import json

import pytest

from citygap.model.errors import CityGapError
from citygap.store import database, events, flags, gaps, lifecycle, notes


def _words(store, **wanted):
    return [
        (event["column"], event["was"], event["is"], event["edited_by"])
        for event in events.history(store)
        if all(event[name] == value for name, value in wanted.items())
    ]


def _people(store):
    """All that people wrote, without the events."""
    query = store.connection.execute
    columns = "gap_id, status, until, why, text, assigned_to, due_at, edited_by, edited_at, notes, photos"
    return [
        query(f"SELECT {columns}, hex(geometry) FROM gaps ORDER BY fid").fetchall(),
        query("SELECT * FROM notes ORDER BY fid").fetchall(),
        query("SELECT * FROM note_gaps ORDER BY fid").fetchall(),
        query("SELECT * FROM photos ORDER BY fid").fetchall(),
    ]


def _refused(store, event_id):
    before = _people(store), events.history(store)
    with pytest.raises(CityGapError) as caught:
        events.undo(store, event_id)
    assert (_people(store), events.history(store)) == before
    return caught.value.code


def test_a_status_change_is_one_action_with_before_and_after(bench):
    bench.run(["H1"])
    lifecycle.set_status(bench.store, bench.id_of("H1"), "accepted", until="2030-01-01", why="w", author="li")
    found = _words(bench.store, table="gaps")
    assert found[:3] == [
        ("status", "open", "accepted", "li"),
        ("until", None, "2030-01-01T23:59:59+08:00", "li"),
        ("why", None, "w", "li"),
    ]
    assert [row[0] for row in found[3:]] == ["edited_by", "edited_at"]
    names = {row[0] for row in bench.store.connection.execute('SELECT "action" FROM events')}
    assert len(names) == 2  # the run's and this one


def test_undoing_a_status_change_takes_back_all_of_it(bench):
    bench.run(["H1", "H2"])
    ids = [bench.id_of("H1"), bench.id_of("H2")]
    lifecycle.set_status(bench.store, ids, "assigned", author="li")
    before = _people(bench.store)
    lifecycle.set_status(bench.store, ids, "accepted", until="2030-01-01", why="w", author="wang")
    events.undo(bench.store, events.last_action(bench.store), author="zhao")
    assert _people(bench.store) == before
    assert _words(bench.store)[-1][-1] == "zhao"


def test_undoing_a_flag_removes_it_and_undoing_that_brings_it_back(store, bench):
    flags.flag(
        store, severity="low", text="井盖's", wkb=bench.square(1.25, 2.5), author="li", class_code="PS"
    )
    before = _people(store)
    events.undo(store, events.last_action(store))
    assert gaps.count_by(store) == [(0,)]
    assert store.connection.execute("SELECT count(*) FROM rtree_gaps_geometry").fetchone() == (0,)
    last = events.history(store)[-1]["event_id"]
    events.undo(store, last)
    assert _people(store) == before
    assert store.connection.execute("SELECT count(*) FROM rtree_gaps_geometry").fetchone() == (1,)


def test_undoing_a_note_takes_its_links_photos_and_proof(store, bench, photo):
    gap_id = flags.flag(store, severity="low", text="x", wkb=bench.point(1.0, 1.0), author="li")
    lifecycle.set_status(store, gap_id, "fixed", author="li")
    before = _people(store)
    notes.add_note(
        store, [gap_id], text="done", author="wang", result="verified", photos=[photo()], private=True
    )
    with_note = _people(store)
    assert gaps.read_gap(store, gap_id)["status"] == "verified"
    events.undo(store, events.last_action(store))
    assert _people(store) == before
    events.undo(store, events.history(store)[-1]["event_id"])
    assert _people(store) == with_note


def test_walking_back_through_everything_that_was_done(store, bench):
    states = [_people(store)]
    gap_id = flags.flag(store, severity="low", text="x", wkb=bench.point(1.0, 1.0), author="li")
    states.append(_people(store))
    notes.add_note(store, [gap_id], text="n", author="wang")
    states.append(_people(store))
    lifecycle.set_status(store, gap_id, "confirmed", author="li")
    for state in reversed(states):
        events.undo(store, events.last_action(store))
        assert _people(store) == state
    assert events.last_action(store) is None


def test_redo_can_be_undone_again(store, bench):
    flags.flag(store, severity="low", text="x", wkb=bench.point(1.0, 1.0))
    for _ in range(3):
        events.undo(store, events.last_action(store))
        assert events.last_action(store) is None
        assert gaps.count_by(store) == [(0,)]
        events.undo(store, events.history(store)[-1]["event_id"])
        assert gaps.count_by(store) == [(1,)]


def test_the_last_action_of_one_person(store, bench):
    gap_id = flags.flag(store, severity="low", text="x", wkb=bench.point(1.0, 1.0), author="li")
    mine = events.history(store)[-1]["event_id"]
    notes.add_note(store, [gap_id], text="n", author="wang")
    assert events.last_action(store, "li") == mine
    assert events.last_action(store, "nobody") is None


def test_undo_is_refused_when_a_later_edit_stands_on_it(bench):
    bench.run(["H1"])
    gap_id = bench.id_of("H1")
    lifecycle.set_status(bench.store, gap_id, "confirmed", author="li")
    first = events.last_action(bench.store)
    lifecycle.set_status(bench.store, gap_id, "assigned", author="wang")
    assert _refused(bench.store, first) == "undo_conflict"
    lifecycle.set_status(bench.store, gap_id, "confirmed", author="wang")
    assert _refused(bench.store, first) == "undo_conflict"


def test_undo_of_one_cell_is_not_in_the_way_of_another(bench):
    bench.run(["H1"])
    gap_id = bench.id_of("H1")
    lifecycle.set_status(bench.store, gap_id, "confirmed", author="li")
    first = events.last_action(bench.store)
    bench.store.connection.execute(
        "UPDATE gaps SET assigned_to = 'zhao', edited_by = 'qian', edited_at = 'x'"
    )
    events.undo(bench.store, first)
    gap = bench.gap_of("H1")
    assert (gap["status"], gap["assigned_to"], gap["edited_by"]) == ("open", "zhao", "qian")


def test_undo_is_refused_when_a_run_has_proved_otherwise(bench):
    bench.run(["H1"])
    lifecycle.set_status(bench.store, bench.id_of("H1"), "fixed", author="li")
    bench.run([])
    assert _refused(bench.store, events.last_action(bench.store)) == "undo_conflict"


def test_a_flag_with_a_note_on_it_can_not_be_undone(store, bench):
    gap_id = flags.flag(store, severity="low", text="x", wkb=bench.point(1.0, 1.0))
    first = events.last_action(store)
    notes.add_note(store, [gap_id], text="n")
    assert _refused(store, first) == "undo_conflict"


def test_undoing_twice_is_refused(store, bench):
    flags.flag(store, severity="low", text="x", wkb=bench.point(1.0, 1.0))
    first = events.last_action(store)
    events.undo(store, first)
    assert _refused(store, first) == "undo_conflict"
    assert _refused(store, 999) == "no_event"


def test_another_clients_edit_is_an_event_only_if_something_changed(bench):
    bench.run(["H1"])
    sql = bench.store.connection.execute
    sql("UPDATE gaps SET status = status, text = text, edited_at = '2026-11-24', severity = 'low'")
    assert _words(bench.store, table="gaps") == []
    sql("UPDATE gaps SET status = 'fixed', text = 'done', edited_by = 'qgis user'")
    assert _words(bench.store, table="gaps") == [
        ("status", "open", "fixed", "qgis user"),
        ("text", None, "done", "qgis user"),
        ("edited_by", None, "qgis user", "qgis user"),
    ]
    sql("UPDATE gaps SET status = 'open'")
    assert _words(bench.store, table="gaps")[-1] == ("status", "fixed", "open", None)


def test_another_clients_statement_is_undone_as_a_whole(bench):
    bench.run(["H1"])
    before = _people(bench.store)
    bench.store.connection.execute("UPDATE gaps SET status = 'accepted', until = '2030-01-01', why = 'w'")
    events.undo(bench.store, events.last_action(bench.store))
    assert _people(bench.store) == before


def test_a_note_deleted_by_another_client_comes_back_whole(store, bench, photo):
    gap_id = flags.flag(store, severity="low", text="x", wkb=bench.point(1.0, 1.0))
    notes.add_note(store, [gap_id], text="n", photos=[photo()])
    before = _people(store)
    store.connection.execute("DELETE FROM notes")
    assert _people(store) != before
    events.undo(store, events.last_action(store))
    assert _people(store) == before


def test_every_column_of_a_flag_is_peoples_word(store, bench):
    flags.flag(store, severity="low", text="x", wkb=bench.point(1.0, 1.0))
    before = _people(store)
    columns = (
        "rule_id",
        "severity",
        "object_role",
        "object_id",
        "class_code",
        "area_code",
        "cell_code",
        "body",
    )
    store.connection.execute(
        "UPDATE gaps SET " + ", ".join(f"{name} = 'high'" for name in columns) + ", geometry = NULL"
    )
    changed = [event["column"] for event in events.history(store)[1:]]
    assert changed == [*columns, "geometry"]
    events.undo(store, events.last_action(store))
    assert _people(store) == before
    bench.run(["H1"])
    store.connection.execute("UPDATE gaps SET severity = 'info', body = 'x' WHERE origin = 'rule'")
    assert events.history(store)[-1]["table"] == "runs"


def test_the_history_of_a_gap_holds_its_notes_and_no_others(store, bench):
    one, two = (
        flags.flag(store, severity="low", text=str(i), wkb=bench.point(float(i), 0.0)) for i in (1, 2)
    )
    mine = notes.add_note(store, [one], text="mine")
    notes.add_note(store, [two], text="other")
    story = events.history(store, one)
    assert {(event["table"], event["key"]) for event in story} == {
        ("gaps", one),
        ("notes", mine),
        ("note_gaps", f"{mine}|{one}"),
    }
    events.undo(store, events.last_action(store))
    events.undo(store, events.last_action(store))
    assert [event["table"] for event in events.history(store, one)][-2:] == ["note_gaps", "notes"]
    assert tuple(story[0]) == events.HISTORY_COLUMNS


def test_an_event_forged_by_a_client_writes_nowhere_else(store):
    forged = json.dumps({"fid": 1, "key": "schema", "value": "99"})
    insert = "INSERT INTO events (table_name, row_key, subject, column_name, was) VALUES (?, 'x', ?, '*', ?)"
    store.connection.execute(insert, ("meta", "one", forged))
    assert _refused(store, 1) == "not_undoable"
    store.connection.execute(
        insert, ("photos", "two", json.dumps({'fid") VALUES (1); DROP TABLE gaps; --': 1}))
    )
    assert _refused(store, 2) == "bad_event"


# ---------------------------------------------------------------- the chain


@pytest.fixture
def sealed(store, bench):
    for number in range(4):
        flags.flag(store, severity="low", text=str(number), wkb=bench.point(float(number), 0.0))
    store.close()
    with database.open_store(store.path) as again:
        assert [event["sealed"] for event in events.history(again)] == [True] * 4
        assert events.verify(again) == []
        flags.flag(again, severity="low", text="unsealed", wkb=bench.point(9.0, 0.0))
        assert events.history(again)[-1]["sealed"] is False
        assert events.verify(again) == []
        yield again


def _tamper(store, *statements):
    guards = store.connection.execute(
        "SELECT name, sql FROM sqlite_master WHERE name LIKE 'guard_event%'"
    ).fetchall()
    for name, _ in guards:
        store.connection.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        store.connection.execute(statement)
    for _, sql in guards:
        store.connection.execute(sql)


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("UPDATE events SET is_now = '{}' WHERE event_id = 2", "event 2 was altered after it was sealed"),
        (
            "UPDATE events SET edited_by = 'wang' WHERE event_id = 4",
            "event 4 was altered after it was sealed",
        ),
        ("DELETE FROM events WHERE event_id = 1", "event 1 is missing"),
        ("DELETE FROM events WHERE event_id IN (2, 3)", "events 2 to 3 are missing"),
        ("DELETE FROM events WHERE event_id = 5", "event 5 is missing"),
        ("DELETE FROM events", "events 1 to 5 are missing"),
        ("DELETE FROM meta WHERE key = 'sealed_to'", "the mark of the last sealed event was removed"),
        ("DROP TRIGGER event_gap_update", "the trigger event_gap_update was removed"),
        (
            "INSERT INTO meta (key, value) VALUES ('run', 'x')",
            "the recording of events was switched off or misled in the table meta",
        ),
    ],
)
def test_verify_names_what_was_done_to_the_record(sealed, statement, problem):
    _tamper(sealed, statement)
    assert events.verify(sealed) == [problem]


def test_a_chain_made_anew_does_not_fit_the_last_seal(sealed):
    _tamper(sealed, "UPDATE events SET seal = 'ff' WHERE event_id = 4")
    assert len(events.verify(sealed)) == 2


def test_no_client_can_alter_or_remove_a_sealed_event(sealed):
    for statement in (
        "UPDATE events SET was = 'x' WHERE event_id = 1",
        "DELETE FROM events WHERE event_id = 5",
    ):
        with pytest.raises(Exception, match="event"):
            sealed.connection.execute(statement)
    assert events.verify(sealed) == []
