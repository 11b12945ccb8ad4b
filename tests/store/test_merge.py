import pytest

from citygap.model.errors import Cancelled, CityGapError
from citygap.model.gap import RuleRun
from citygap.store import events, flags, gaps, lifecycle, merge, runs


def test_a_first_run_makes_every_finding_a_new_open_gap(bench):
    counts = bench.run(["H1", bench.finding("H2", severity="info")])
    assert counts == {"D01": {"found": 2, "info": 1, "new": 2, "persisting": 0, "gone": 0, "returned": 0}}
    gap = bench.gap_of("H1")
    assert (gap["gap_id"], gap["status"], gap["run_state"], gap["origin"]) == (
        "D01-BQLEFCEYIFEKS6LZ",
        "open",
        "new",
        "rule",
    )
    assert gap["found_at"] == gap["seen_at"] == "2026-11-01T10:00:00+08:00"
    assert gap["due_at"] == "2026-12-01T10:00:00+08:00"
    assert bench.gap_of("H2")["due_at"] is None
    assert gap["wkb"] == bench.square(350000.0, 3456000.0)


def test_the_same_findings_twice_are_the_same_gaps_none_twice(bench):
    bench.run(["H1", "H2"])
    before = {gap["gap_id"]: gap for gap in gaps.read_gaps(bench.store)}
    counts = bench.run(["H2", "H1"])["D01"]
    after = {gap["gap_id"]: gap for gap in gaps.read_gaps(bench.store)}
    assert (counts["persisting"], counts["new"], counts["gone"]) == (2, 0, 0)
    assert after.keys() == before.keys()
    for gap_id, gap in after.items():
        differs = {name for name in gap if gap[name] != before[gap_id][name]}
        assert differs == {"seen_at", "run_id", "run_state"}


def test_a_gap_not_found_again_is_marked_gone_and_verified_but_stays(bench):
    bench.run(["H1", "H2"])
    counts = bench.run(["H2"])["D01"]
    assert (counts["gone"], counts["persisting"], counts["found"]) == (1, 1, 1)
    gap = bench.gap_of("H1")
    assert (gap["run_state"], gap["status"]) == ("gone", "verified")
    assert gap["seen_at"] == "2026-11-01T10:00:00+08:00"


def test_gone_counts_only_the_run_that_found_it_gone(bench):
    bench.run(["H1"])
    bench.run([])
    assert bench.run([])["D01"]["gone"] == 0


def test_a_gap_that_returns_is_reopened_under_its_old_id(bench):
    bench.run(["H1"])
    gap_id = bench.id_of("H1")
    bench.run([])
    counts = bench.run(["H1"])["D01"]
    gap = bench.gap_of("H1")
    assert (counts["returned"], counts["new"], counts["found"]) == (1, 0, 1)
    assert (gap["gap_id"], gap["run_state"], gap["status"]) == (gap_id, "returned", "reopened")
    bench.run(["H1"])
    gap = bench.gap_of("H1")
    assert (gap["run_state"], gap["status"]) == ("persisting", "reopened")


@pytest.mark.parametrize(
    ("status", "when_gone", "when_back"),
    [
        ("open", "verified", "reopened"),
        ("confirmed", "verified", "reopened"),
        ("assigned", "verified", "reopened"),
        ("fixed", "verified", "reopened"),
        ("false_alarm", "false_alarm", "false_alarm"),
        ("accepted", "accepted", "accepted"),
    ],
)
def test_what_going_and_returning_do_to_a_status(bench, status, when_gone, when_back):
    bench.run(["H1"])
    lifecycle.set_status(
        bench.store, bench.id_of("H1"), status, until="2030-01-01", why="because", author="li"
    )
    bench.run([])
    assert bench.gap_of("H1")["status"] == when_gone
    bench.run(["H1"])
    assert bench.gap_of("H1")["status"] == when_back


def test_peoples_words_survive_while_the_rules_words_are_renewed(bench):
    bench.run(["H1"])
    gap_id = bench.id_of("H1")
    lifecycle.set_status(bench.store, gap_id, "accepted", until="2030-01-01", why="planned", author="li")
    bench.store.connection.execute(
        "UPDATE gaps SET assigned_to = 'wang', text = 'seen', due_at = '2027-01-01' WHERE gap_id = ?",
        (gap_id,),
    )
    before = bench.gap_of("H1")
    changed = bench.finding("H1", severity="high", measured=5.0, params_json='{"n":5}', x=351000.0)
    bench.run([changed])
    after = bench.gap_of("H1")
    people = ("status", "until", "why", "text", "assigned_to", "due_at", "edited_by", "edited_at", "found_at")
    assert [after[name] for name in people] == [before[name] for name in people]
    assert (after["severity"], after["measured"], after["params_json"]) == ("high", 5.0, '{"n":5}')
    assert after["wkb"] == bench.square(351000.0, 3456000.0)


def test_a_planners_flag_is_no_runs_business(bench):
    gap_id = flags.flag(
        bench.store, severity="low", text="x", object_role="housing", object_id="H1", rule_id="D01"
    )
    bench.run([])
    gap = gaps.read_gap(bench.store, gap_id)
    assert (gap["status"], gap["run_state"]) == ("open", "none")


# ---------------------------------------------------------------- gone only if looked


def _still_there(bench, object_id="H1"):
    gap = bench.gap_of(object_id)
    return gap["run_state"] != "gone" and gap["status"] == "open"


@pytest.mark.parametrize("status", ["not_run", "on_hold"])
def test_a_rule_that_did_not_run_closes_nothing(bench, status):
    bench.run(["H1"])
    counts = bench.run([], rules=[RuleRun("D01", status, "missing_input", "no layer", ("housing",))])
    assert counts["D01"]["gone"] == 0
    assert _still_there(bench)
    (row,) = runs.rules_of_run(bench.store, runs.last_run(bench.store).run_id)
    assert (row["status"], row["reason_code"], row["roles"]) == (status, "missing_input", ["housing"])


def test_a_rule_that_was_not_asked_closes_nothing(bench):
    bench.run(["H1"])
    bench.run([], rules=[RuleRun("I02", "run", roles=("housing",))])
    assert _still_there(bench)


def test_a_source_that_was_not_given_closes_nothing(bench):
    both = [bench.source("east"), bench.source("west")]
    bench.run(["H1"], sources=both)
    bench.run([], sources=[bench.source("east")])
    assert _still_there(bench)
    bench.run([], sources=both)
    assert not _still_there(bench)


def test_a_role_that_the_rule_did_not_read_closes_nothing(bench):
    bench.run(["H1"])
    bench.run([], rules=[RuleRun("D01", "run", roles=("pipes",))])
    assert _still_there(bench)


def test_every_role_of_a_pair_must_be_read(bench):
    pair = bench.finding("P1|H1", "S01", "pipes", objects=("pipes:P1", "housing:H1"))
    rules = [RuleRun("S01", "run", roles=("pipes", "housing"))]
    pipes, houses = bench.source("mains", "pipes"), bench.source()
    bench.run([pair], rules=rules, sources=[pipes, houses])
    bench.run([], rules=rules, sources=[pipes])
    assert bench.gap_of("P1|H1", "S01")["run_state"] == "new"
    bench.run([], rules=rules, sources=[pipes, houses])
    assert bench.gap_of("P1|H1", "S01")["run_state"] == "gone"


def test_a_gap_on_what_comes_from_no_source_needs_none(bench):
    rules = [RuleRun("R01", "run", roles=("housing", "duties"))]
    bench.run([bench.finding("XA1", "R01", "cell")], rules=rules)
    bench.run([], rules=rules)
    assert bench.gap_of("XA1", "R01")["run_state"] == "gone"


def test_what_lies_outside_the_window_stays(bench):
    bench.run(
        [bench.finding("H1", x=350000.0), bench.finding("H2", x=360000.0), bench.finding("H3", place=False)]
    )
    counts = bench.run([], in_window=lambda x, y: x < 355000.0)
    assert counts["D01"]["gone"] == 1
    assert not _still_there(bench, "H1")
    assert _still_there(bench, "H2")
    assert _still_there(bench, "H3")
    bench.run([])
    assert not _still_there(bench, "H3")


@pytest.mark.parametrize(
    ("first", "second", "closes"),
    [
        ("2026-05-01", "2026-04-30", False),
        ("2026-05-01", "2026-05-01", True),
        ("2026-05-01", "2026-05-01T08:00:00+08:00", False),
        ("2026-05-01T08:00:00+08:00", "2026-05-01T00:30:00Z", True),
        (None, "2026-05-01", True),
        ("2026-05-01", None, True),
    ],
)
def test_an_older_source_closes_nothing(bench, first, second, closes):
    bench.run(["H1"], sources=[bench.source(dated=first)])
    bench.run([], sources=[bench.source(dated=second)])
    assert _still_there(bench) is not closes


def test_an_older_source_is_told_by_the_last_run_that_read_it(bench):
    bench.run(["H1"], sources=[bench.source(dated="2026-05-01")])
    bench.run([], rules=[], sources=[bench.source("mains", "pipes")])
    bench.run([], sources=[bench.source(dated="2026-04-01")])
    assert _still_there(bench)


def test_an_earlier_as_of_closes_nothing(bench):
    bench.run(["H1"], as_of="2026-06-01")
    bench.run([], as_of="2026-05-31")
    assert _still_there(bench)
    assert bench.store.meta["as_of"] == "2026-05-31"


# ---------------------------------------------------------------- what a run leaves behind


def test_a_run_is_one_event_with_its_members_in_run_gaps(bench):
    bench.run(["H1"])
    bench.run([])
    found = [event for event in events.history(bench.store) if event["table"] == "runs"]
    assert len(found) == len(events.history(bench.store)) == 2
    gap_id = bench.id_of("H1")
    story = [(e["column"], e["was"], e["is"], e["edited_by"]) for e in events.history(bench.store, gap_id)]
    assert story == [
        ("run_state", None, "new", "run"),
        ("status", None, "open", "run"),
        ("run_state", None, "gone", "run"),
        ("status", "open", "verified", "run"),
    ]
    with pytest.raises(CityGapError) as caught:
        events.undo(bench.store, found[0]["event_id"])
    assert caught.value.code == "not_undoable"


def test_the_sources_of_the_last_run_are_remembered(bench):
    assert runs.remembered_sources(bench.store) == []
    bench.run([], sources=[bench.source("old")])
    sources = [bench.source("mains", "pipes", None), bench.source()]
    bench.run([], sources=sources)
    assert runs.remembered_sources(bench.store) == sources


def test_the_spatial_index_holds_what_the_gaps_say(bench):
    bench.run([bench.finding("H1"), bench.finding("H2", x=360000.0), bench.finding("H3", place=False)])
    bench.run([bench.finding("H1", x=370000.0), bench.finding("H2", place=False), bench.finding("H3", x=5.0)])
    query = "SELECT fid, ST_MinX(geometry), ST_MaxX(geometry) FROM gaps WHERE geometry NOT NULL ORDER BY fid"
    index = bench.store.connection.execute(
        "SELECT id, minx, maxx FROM rtree_gaps_geometry ORDER BY id"
    ).fetchall()
    stored = bench.store.connection.execute(query).fetchall()
    assert len(stored) == 2
    for (fid, minx, maxx), (row, index_minx, index_maxx) in zip(stored, index):
        assert fid == row
        assert index_minx <= minx <= maxx <= index_maxx
        assert index_maxx - index_minx < 11
    names = [
        row[0]
        for row in bench.store.connection.execute("SELECT name FROM sqlite_master WHERE name LIKE 'rtree%'")
    ]
    assert sum("_update" in name or "_insert" in name or "_delete" in name for name in names) == 6


def test_an_empty_geometry_is_no_place_of_the_index(bench):
    empty = bench.point(float("nan"), float("nan"))
    bench.run([bench.finding("H1", wkb=empty, bounds=None, anchor=None)])
    assert bench.store.connection.execute("SELECT count(*) FROM rtree_gaps_geometry").fetchone() == (0,)
    assert bench.store.connection.execute("SELECT ST_IsEmpty(geometry) FROM gaps").fetchone() == (1,)


# ---------------------------------------------------------------- all or nothing


def test_a_cancelled_run_leaves_the_store_as_it_was(bench):
    bench.run([f"H{i}" for i in range(50)])
    before = bench.dump()
    for looks in (0, 1):
        answers = iter([False] * looks)
        with pytest.raises(Cancelled):
            bench.run(
                (f"H{i}" for i in range(30, 5000)), cancelled=lambda answers=answers: next(answers, True)
            )
        assert bench.dump() == before
    assert bench.run(["H1"])["D01"]["persisting"] == 1


def test_a_cancel_in_the_middle_of_the_statements_rolls_back(bench, monkeypatch):
    bench.run(["H1"])
    before = bench.dump()
    monkeypatch.setattr(merge, "_STEPS_BETWEEN_LOOKS", 10)
    asked = []

    def cancelled():
        asked.append(bench.store.connection.in_transaction)
        return len(asked) > 60

    with pytest.raises(Cancelled):
        bench.run(["H2"], cancelled=cancelled)
    assert bench.dump() == before


def test_a_finding_given_twice_is_refused_as_a_whole(bench):
    bench.run(["H1"])
    before = bench.dump()
    for twice in (["H1", "H1"], ["H2", "H2"]):
        with pytest.raises(CityGapError) as caught:
            bench.run(twice)
        assert caught.value.code == "duplicate_finding"
        assert bench.dump() == before


def test_an_accepted_gap_whose_time_is_over_is_open_again_after_a_run(bench):
    bench.run(["H1", "H2"])
    for name in ("H1", "H2"):
        lifecycle.set_status(
            bench.store, bench.id_of(name), "accepted", until="2026-11-02", why="w", author="li"
        )
    bench.run(["H1"])
    bench.run(["H1"])
    assert bench.gap_of("H1")["status"] == "open"
    assert bench.gap_of("H2")["status"] == "verified"


def test_a_gap_is_closed_once_the_sources_of_its_own_objects_are_read(bench):
    both = [bench.source("A"), bench.source("B")]
    mine = [bench.finding(name)._replace(sources={"housing": (name[0],)}) for name in ("A1", "B1")]
    bench.run(mine, sources=both)
    counts = bench.run([], sources=both[:1])
    assert counts["D01"]["gone"] == 1
    assert bench.gap_of("A1")["run_state"] == "gone"
    assert bench.gap_of("B1")["status"] == "open"


def test_days_that_a_run_gives_count_before_the_standards_of_the_store(bench):
    bench.run(["H1"], due_days={"medium": 3.0})
    gap = bench.gap_of("H1")
    assert (gap["found_at"][:10], gap["due_at"][:10]) == ("2026-11-01", "2026-11-04")
    bench.run(["H2"], due_days={})
    assert bench.gap_of("H2")["due_at"] is None


def test_an_exception_ends_with_the_as_of_day_to_come(bench):
    bench.run(["H1"])
    lifecycle.set_status(
        bench.store, bench.id_of("H1"), "accepted", until="2026-12-31", why="planned", author="ann"
    )
    bench.run(["H1"], as_of="2026-12-31")
    assert bench.gap_of("H1")["status"] == "accepted"
    bench.run(["H1"], as_of="2027-01-01")
    assert bench.gap_of("H1")["status"] == "open"
