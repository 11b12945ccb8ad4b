import json
from datetime import datetime, timedelta

import pytest

from citygap.model.errors import CityGapError
from citygap.store import flags, gaps, standards


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
