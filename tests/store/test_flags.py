import json
from datetime import datetime, timedelta

import pytest

from citygap.model.errors import CityGapError
from citygap.store import events, flags, gaps, standards


def test_a_flag_on_a_place(store, bench):
    gap_id = flags.flag(
        store, severity="high", text="井盖缺失", wkb=bench.square(100.0, 200.0), class_code="PS", author="li"
    )
    gap = gaps.read_gap(store, gap_id, "zh")
    assert len(gap_id) == 26
    assert (gap["origin"], gap["status"], gap["run_state"], gap["rule_id"]) == ("planner", "open", "none", "")
    assert gap["title"] == "规划人员标记 (PS)"
    assert gap["wkb"] == bench.square(100.0, 200.0)
    assert gap["edited_by"] == "li"
    due = datetime.fromisoformat(gap["due_at"]) - datetime.fromisoformat(gap["found_at"])
    assert due == timedelta(days=7)
    index = store.connection.execute("SELECT minx, maxx, miny, maxy FROM rtree_gaps_geometry").fetchall()
    assert index == [(100.0, 110.0, 200.0, 210.0)]
    extent = store.connection.execute(
        "SELECT min_x, min_y, max_x, max_y FROM gpkg_contents WHERE table_name = 'gaps'"
    ).fetchone()
    assert extent == (100.0, 200.0, 110.0, 210.0)


def test_a_flag_on_an_object_without_place(store):
    gap_id = flags.flag(
        store, severity="info", text="", object_role="pipes", object_id="管1", rule_id="missing_attribute"
    )
    gap = gaps.read_gap(store, gap_id)
    assert (gap["rule_id"], gap["object_role"], gap["object_id"]) == ("D01", "pipes", "管1")
    assert (gap["wkb"], gap["due_at"]) == (None, None)
    objects = store.connection.execute("SELECT objects FROM gaps").fetchone()[0]
    assert json.loads(objects) == ["pipes:管1"]


def test_the_same_flag_again_is_a_new_flag(store, bench):
    ids = {flags.flag(store, severity="low", text="x", wkb=bench.point(1.0, 2.0)) for _ in range(3)}
    assert len(ids) == 3
    assert gaps.count_by(store) == [(3,)]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ({}, "no_place"),
        ({"severity": "urgent"}, "bad_severity"),
        ({"object_role": "housing"}, "no_place"),
        ({"object_id": "H1"}, "no_place"),
        ({"object_role": "houses", "object_id": "H1"}, "no_role"),
        ({"rule_id": "X99", "object_role": "housing", "object_id": "H1"}, "no_rule"),
        ({"wkb": b"\x01\x02\x00\x00\x00\xff\xff\xff\xff"}, "bad_geometry"),
        ({"wkb": b"nonsense"}, "bad_geometry"),
        ({"wkb": b""}, "bad_geometry"),
        ({"wkb": b"\x01\x07\x00\x00\x00\x00\x00\x00\x00"}, "no_place"),
    ],
)
def test_what_no_flag_can_be(store, words, code):
    with pytest.raises(CityGapError) as caught:
        flags.flag(store, **{"severity": "low", "text": "x", **words})
    assert caught.value.code == code
    assert gaps.count_by(store) == [(0,)]
    assert store.connection.execute("SELECT count(*) FROM events").fetchone() == (0,)


def test_the_days_until_due_are_the_citys_own(store, bench):
    row = {"standard_id": "C1", "rule_or_activity": "due.high", "object_class": "*", "confidence": "project"}
    standards.write_standards(store, [{**row, "value": "2", "unit": "week"}], "city")
    standards.write_standards(store, [{**row, "value": "1", "unit": "day"}], "shipped")
    gap = gaps.read_gap(store, flags.flag(store, severity="high", text="x", wkb=bench.point(0.0, 0.0)))
    due = datetime.fromisoformat(gap["due_at"]) - datetime.fromisoformat(gap["found_at"])
    assert due == timedelta(days=14)


def test_a_standard_that_is_no_number_is_named(store, bench):
    row = {"standard_id": "C1", "rule_or_activity": "due.low", "value": "soon", "unit": "day"}
    standards.write_standards(store, [row], "city")
    with pytest.raises(CityGapError) as caught:
        flags.flag(store, severity="low", text="x", wkb=bench.point(0.0, 0.0))
    assert (caught.value.code, caught.value.row) == ("bad_standard", "C1")


def test_a_run_gives_flags_their_area_and_cell_and_that_is_no_edit(bench):
    store = bench.store
    place = bench.square(640000.0, 3456000.0)
    mine = flags.flag(store, severity="low", text="a", wkb=place, author="ann")
    typed = flags.flag(store, severity="low", text="b", wkb=place, area_code="mine", author="ann")
    nowhere = flags.flag(store, severity="low", text="c", object_role="housing", object_id="H1", author="ann")
    before = events.history(store)
    asked = []

    def codes_of(places):
        asked.append(list(places))
        return [("310101", f"cell{len(asked)}")] * len(places)

    for _ in range(2):
        bench.run([], codes_of=codes_of)
    assert asked[0] == [place, place]
    after = [event for event in events.history(store) if event["table"] != "runs"]
    assert after == before
    codes = {
        gap["gap_id"]: (gap["area_code"], gap["cell_code"], gap["edited_by"]) for gap in gaps.read_gaps(store)
    }
    assert codes == {
        mine: ("310101", "cell2", "ann"),
        typed: ("mine", "cell2", "ann"),
        nowhere: (None, None, "ann"),
    }
    bench.run([], codes_of=lambda places: [(None, None)] * len(places))
    (kept,) = [gap for gap in gaps.read_gaps(store) if gap["gap_id"] == mine]
    assert (kept["area_code"], kept["cell_code"]) == ("310101", "cell2")
    events.undo(store, before[0]["event_id"], author="ann")
    assert mine not in {gap["gap_id"] for gap in gaps.read_gaps(store)}


def test_a_text_of_blanks_is_refused(store, bench):
    for text in (" ", "\u3000\t\n"):
        with pytest.raises(CityGapError) as error:
            flags.flag(store, severity="low", text=text, wkb=bench.point(0.0, 0.0))
        assert error.value.code == "bad_text"
    assert gaps.read_gaps(store) == []
