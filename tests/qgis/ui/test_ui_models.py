"""Models of the dock: Qt's own tester, and their rows against the store read plainly."""

import sqlite3
from array import array

import pytest
from qgis.PyQt.QtCore import Qt

from citygap.store import gaps
from citygap.store.database import open_store
from citygap.ui.gap_filter import GapFilter
from citygap.ui.gap_list_model import PAGE, GapListModel, GapRole, SubtitleRole
from citygap.ui.gap_query import GapQuery, GapQueryTask
from citygap.ui.rule_result_model import RuleResultModel, rule_results
from citygap.ui.source_model import AUTO, Source, SourceModel

RANK = {"high": 0, "medium": 1, "low": 2, "info": 3}


def queried(path, query):
    """Gap ids in the order a query gives them."""
    task = GapQueryTask(path, query, "test")
    rows = []
    task.found.connect(rows.extend)
    task.failed.connect(pytest.fail)
    task.finished(task.run())
    connection = sqlite3.connect(path)
    by_row = dict(connection.execute("SELECT fid, gap_id FROM gaps"))
    connection.close()
    return [by_row[row] for row in rows]


def test_gap_list_model_holds_to_qts_rules(make_store, qtmodeltester):
    path = make_store(PAGE + 7)
    model = GapListModel("en")
    with open_store(path) as store:
        qtmodeltester.check(model)
        model.show_rows(store, array("q", range(1, PAGE + 8)))
        qtmodeltester.check(model)


def test_gap_list_model_pages_through_every_row(make_store):
    path = make_store(3 * PAGE + 1)
    with open_store(path) as store:
        model = GapListModel("zh")
        rows = array(
            "q", (row for (row,) in store.connection.execute("SELECT fid FROM gaps ORDER BY fid DESC"))
        )
        model.show_rows(store, rows)
        shown = [model.index(row, 0).data(GapRole)["gap_id"] for row in range(model.rowCount())]
        meant = [gap for (gap,) in store.connection.execute("SELECT gap_id FROM gaps ORDER BY fid DESC")]
        assert shown == meant
        assert model.row_of(meant[-1]) == 3 * PAGE
        assert model.row_of("nothing") is None
        assert model.index(0, GapListModel.STATUS).data() == "待确认"
        assert model.index(0, GapListModel.GAP).data(SubtitleRole) == "H00600 · 310101002 · 待确认"


def test_gap_list_model_survives_rows_that_were_deleted(store_path):
    with open_store(store_path) as store:
        model = GapListModel("en")
        model.show_rows(store, array("q", [1, 9999]))
        assert model.index(1, GapListModel.GAP).data() == ""
        assert model.gap_id(1) is None


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("column", range(6))
def test_query_sorts_as_python_does(store_path, column, descending):
    with open_store(store_path) as store:
        records = gaps.read_gaps(store)
    keys = (
        lambda gap: RANK[gap["severity"]],
        lambda gap: gap["rule_id"],
        lambda gap: gap["status"],
        lambda gap: gap["object_id"],
        lambda gap: gap["area_code"],
        lambda gap: gap["found_at"],
    )
    records.sort(key=lambda gap: gap["gap_id"])
    records.sort(key=keys[column], reverse=descending)
    ordered = queried(store_path, GapQuery("", column, descending))
    by_id = {gap["gap_id"]: gap for gap in records}
    assert sorted(ordered) == sorted(by_id)
    assert [keys[column](by_id[gap_id]) for gap_id in ordered] == [keys[column](gap) for gap in records]


@pytest.mark.parametrize(
    ("wanted", "keeps"),
    [
        (GapFilter(), lambda gap: True),
        (GapFilter(severity="high"), lambda gap: gap["severity"] == "high"),
        (GapFilter(status="open", rule="A02"), lambda gap: gap["rule_id"] == "A02"),
        (GapFilter(rule="planner"), lambda gap: False),
        (GapFilter(text="h0000"), lambda gap: gap["object_id"].startswith("H0000")),
        (GapFilter(text="西藏路"), lambda gap: gap["body"] == "西藏路街道"),
        (GapFilter(text="住房老化"), lambda gap: gap["rule_id"] == "A02"),
        (GapFilter(text="never inspected"), lambda gap: gap["rule_id"] == "I02"),
        (GapFilter(text="it's; DROP TABLE gaps --"), lambda gap: False),
    ],
)  # fmt: skip
def test_filter_keeps_what_it_says(store_path, wanted, keeps):
    with open_store(store_path) as store:
        meant = {gap["gap_id"] for gap in gaps.read_gaps(store) if keeps(gap)}
        reported = {gap["gap_id"] for gap in gaps.read_gaps(store, wanted.where())}
    assert set(queried(store_path, GapQuery(wanted.where(), 0, False))) == meant == reported


def test_query_of_a_file_that_is_gone_says_so(tmp_path):
    task = GapQueryTask(tmp_path / "gone.gpkg", GapQuery("", 0, False), "test")
    said = []
    task.failed.connect(said.append)
    task.finished(task.run())
    assert len(said) == 1


def test_cancelled_query_says_nothing(store_path):
    task = GapQueryTask(store_path, GapQuery("", 0, False), "test")
    said = []
    task.failed.connect(said.append)
    task.found.connect(said.append)
    task.cancel()
    task.finished(task.run())
    assert said == []


def test_source_model(qtmodeltester):
    model = SourceModel("en")
    qtmodeltester.check(model)
    model.add("/city/a.gpkg|houses")
    model.add("/city/b.shp", "pipes")
    model.add("/city/a.gpkg|houses")
    qtmodeltester.check(model)
    assert model.sources() == (Source("/city/a.gpkg|houses", AUTO), Source("/city/b.shp", "pipes"))
    assert model.index(0, 0).data() == "houses · a.gpkg"
    role = model.index(0, SourceModel.ROLE)
    assert role.flags() & Qt.ItemFlag.ItemIsEditable
    assert model.setData(role, "housing")
    assert not model.setData(role, "no role")
    assert role.data() == "Housing"
    model.remove([0])
    assert [source.uri for source in model.sources()] == ["/city/b.shp"]
    qtmodeltester.check(model)


def test_rule_result_model(qtmodeltester):
    rules = {
        "D01": {"status": "run", "found": 5, "new": 2, "gone": 1},
        "R01": {"status": "not_run", "reason": {"code": "missing_input", "text": "duties"}},
    }
    counts = [("D01", "high", "new", 2), ("D01", "high", "persisting", 2), ("D01", "low", "gone", 7)]
    model = RuleResultModel("en")
    qtmodeltester.check(model)
    model.show_results(rule_results(rules, counts, "en"))
    qtmodeltester.check(model)
    row = [model.index(0, column).data() for column in range(model.columnCount())]
    assert row == ["Missing attribute", "4", "–", "–", "–", "2", "1"]
    assert model.index(1, 0).data() == "No owner\nNot run: Input is missing: duties"
    assert [model.index(1, column).data() for column in range(1, 7)] == [""] * 6


def test_rule_that_ran_in_part_says_so():
    rules = {"N05": {"status": "run", "reason": {"code": "missing_input", "text": "no RQ pipe in the city"}}}
    model = RuleResultModel("en")
    model.show_results(rule_results(rules, [], "en"))
    assert model.index(0, 0).data() == "Street without pipe record (partly)"
    assert "no RQ pipe in the city" in model.index(0, 0).data(Qt.ItemDataRole.ToolTipRole)


@pytest.mark.parametrize(
    ("text", "chinese"),
    [
        ("no pipes and no housing given", "地下管线、老旧住房"),
        ("no owner or maintainer column and no duties given", "权属或养护单位字段、责任清单"),
        ("no such thing given", "no such thing given"),
    ],
)
def test_what_a_rule_lacked_is_said_in_chinese(text, chinese):
    rules = {"S01": {"status": "not_run", "reason": {"code": "missing_input", "text": text}}}
    (result,) = rule_results(rules, [], "zh")
    assert result.reason == f"未运行：缺少输入数据：{chinese}"
