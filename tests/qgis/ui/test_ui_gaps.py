"""The gap list, judged with mouse and keys."""

import pytest
from qgis.core import QgsCoordinateReferenceSystem
from qgis.gui import QgsRubberBand
from qgis.PyQt.QtCore import QDate, Qt
from qgis.PyQt.QtWidgets import QApplication, QPushButton

from citygap.store import gaps, notes
from citygap.ui.gap_highlight import RING_SIZE
from citygap.ui.gap_text import gap_html, headline
from citygap.ui.note_dialog import NoteDialog
from citygap.ui.status_dialog import StatusDialog


@pytest.fixture
def page(bench, qtbot):
    bench.dock.show_page(bench.dock.gaps_page)
    bench.dock.activateWindow()
    return bench.dock.gaps_page


def dialog_of(kind):
    """The dialog of a kind that is open now."""
    return next(
        widget for widget in QApplication.topLevelWidgets() if isinstance(widget, kind) and widget.isVisible()
    )


def click(qtbot, widget):
    qtbot.mouseClick(widget, Qt.MouseButton.LeftButton)


def click_row(qtbot, page, row):
    cell = page.gap_view.visualRect(page.model.index(row, page.model.GAP)).center()
    qtbot.mouseClick(page.gap_view.viewport(), Qt.MouseButton.LeftButton, pos=cell)


def choose_status(page, status):
    next(action for action in page.status_button.menu().actions() if action.data() == status).trigger()


def test_list_shows_high_first_and_counts(page):
    assert page.model.rowCount() == 24
    assert page.count_label.text() == "Listed: 24"
    severities = [page.model.index(row, 0).data(Qt.ItemDataRole.ToolTipRole) for row in range(24)]
    assert severities == sorted(severities, key=["High", "Medium", "Low", "Info"].index)


def test_typing_filters(page, qtbot):
    with qtbot.waitSignal(page.filter_changed):
        qtbot.keyClicks(page.search_edit, "H00005")
    assert page.model.rowCount() == 1
    assert page.count_label.text() == "Listed: 1 of 24"


def test_combos_filter(page, qtbot):
    page.severity_combo.setCurrentIndex(page.severity_combo.findData("high"))
    assert page.model.rowCount() == 6
    page.rule_combo.setCurrentIndex(page.rule_combo.findData("planner"))
    assert page.model.rowCount() == 0


def test_click_on_a_heading_sorts(page, qtbot):
    header = page.gap_view.horizontalHeader()
    header.setSortIndicator(page.model.OBJECT, Qt.SortOrder.DescendingOrder)
    assert page.model.index(0, page.model.OBJECT).data() == "H00023"


def test_selecting_shows_why_and_zooms(page, bench, qtbot, qgis_iface):
    qgis_iface.mapCanvas().setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:3857"))
    click_row(qtbot, page, 0)
    gap_id = page.current_id()
    gap = gaps.read_gap(bench.desk.store, gap_id)
    text = page.detail_view.toPlainText()
    measured = f"{gap['measured']:g} years old; standard: 20 years"
    for wanted in ("Aged building", measured, "PA020 v1", "2026-11-24", "none on record"):
        assert wanted in text
    from qgis.core import QgsCoordinateTransform, QgsGeometry, QgsProject

    from citygap.ui.map_controller import city_crs

    place = QgsGeometry()
    place.fromWkb(gap["wkb"])
    canvas = qgis_iface.mapCanvas()
    place.transform(
        QgsCoordinateTransform(
            city_crs(bench.desk.store), canvas.mapSettings().destinationCrs(), QgsProject.instance()
        )
    )
    assert canvas.extent().contains(place.boundingBox())
    assert canvas.extent().width() < 1000


def test_keys_step_through_the_list(page, qtbot):
    page.gap_view.setFocus()
    seen = []
    for key in (Qt.Key.Key_J, Qt.Key.Key_J, Qt.Key.Key_J, Qt.Key.Key_K):
        qtbot.keyClick(page.gap_view, key)
        seen.append(page.gap_view.currentIndex().row())
    assert seen == [0, 1, 2, 1]


def test_confirm_and_undo_by_key(page, bench, qtbot):
    click_row(qtbot, page, 3)
    gap_id = page.current_id()
    choose_status(page, "confirmed")
    assert gaps.read_gap(bench.desk.store, gap_id)["status"] == "confirmed"
    assert page.current_id() == gap_id, "the place in the list is kept"
    qtbot.keyClick(page.gap_view, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert gaps.read_gap(bench.desk.store, gap_id)["status"] == "open"
    assert not page.undo_button.isEnabled()


def test_accepted_asks_until_and_why(page, bench, qtbot):
    click_row(qtbot, page, 0)
    gap_id = page.current_id()
    choose_status(page, "accepted")
    dialog = dialog_of(StatusDialog)
    assert not dialog.save_button.isEnabled()
    qtbot.keyClicks(dialog.why_edit, "demolition is decided")
    dialog.until_edit.setDate(QDate(2099, 1, 31))
    click(qtbot, dialog.save_button)
    gap = gaps.read_gap(bench.desk.store, gap_id)
    assert (gap["status"], gap["why"]) == ("accepted", "demolition is decided")
    assert gap["until"].startswith("2099-01-31")


def test_false_alarm_of_many_is_one_undo(page, bench, qtbot, qgis_iface):
    page.gap_view.selectAll()
    choose_status(page, "false_alarm")
    dialog = dialog_of(StatusDialog)
    assert dialog.ask_label.text() == "Gaps: 24"
    assert not dialog.until_edit.isVisible()
    qtbot.keyClicks(dialog.why_edit, "test data")
    click(qtbot, dialog.save_button)
    assert set(gaps.count_by(bench.desk.store, "status")) == {("false_alarm", 24)}
    button = [
        button for button in qgis_iface.messageBar().findChildren(QPushButton) if button.text() == "Undo"
    ][-1]
    click(qtbot, button)
    assert set(gaps.count_by(bench.desk.store, "status")) == {("open", 24)}


def test_cancelled_dialog_changes_nothing(page, bench, qtbot):
    click_row(qtbot, page, 0)
    choose_status(page, "false_alarm")
    dialog_of(StatusDialog).reject()
    assert set(gaps.count_by(bench.desk.store, "status")) == {("open", 24)}


def test_notes_are_shown_escaped(page, bench, qtbot, photo):
    click_row(qtbot, page, 0)
    bench.desk.act(
        "noted",
        lambda store, author: notes.add_note(
            store, [page.current_id()], text="<script>alert(1)</script>", author=author, photos=[str(photo)]
        ),
    )
    assert "<script>alert(1)</script>" in page.detail_view.toPlainText()
    assert page.photo_list.count() == 1
    assert not page.photo_list.item(0).icon().isNull()


def test_photo_path_that_leads_out_is_not_followed(bench):
    from citygap.ui.gaps_controller import photo_paths

    said = [{"photos": [{"path": "ab/cd.jpg"}, {"path": "../../secret.jpg"}, {"path": "/etc/passwd"}]}]
    store = bench.desk.store
    assert photo_paths(store, said) == [store.photo_folder.resolve() / "ab" / "cd.jpg"]


def test_keys_flag_and_note(page, bench, qtbot, qgis_iface):
    page.gap_view.setFocus()
    qtbot.keyClick(page.gap_view, Qt.Key.Key_J)
    qtbot.keyClick(page.gap_view, Qt.Key.Key_N)
    dialog_of(NoteDialog).reject()
    qtbot.keyClick(page.gap_view, Qt.Key.Key_F)
    assert qgis_iface.mapCanvas().mapTool() is bench.maps.flag_tool


def test_keys_are_letters_while_searching(page, bench, qtbot, qgis_iface):
    page.search_edit.setFocus()
    qtbot.keyClicks(page.search_edit, "fnjk")
    assert page.search_edit.text() == "fnjk"
    assert qgis_iface.mapCanvas().mapTool() is not bench.maps.flag_tool


def test_wide_dock_shows_more_columns(page, bench, qtbot):
    assert page.gap_view.isColumnHidden(page.model.FOUND)
    bench.dock.resize(760, 690)
    qtbot.waitUntil(lambda: not page.gap_view.isColumnHidden(page.model.FOUND))


def test_large_list_is_read_in_a_task(page, bench, qtbot, monkeypatch):
    from citygap.ui import desk

    monkeypatch.setattr(desk, "READ_AT_ONCE", 5)
    page.severity_combo.setCurrentIndex(page.severity_combo.findData("low"))
    qtbot.waitUntil(lambda: page.model.rowCount() == 6)
    page.severity_combo.setCurrentIndex(page.severity_combo.findData("high"))
    page.severity_combo.setCurrentIndex(0)
    qtbot.waitUntil(lambda: page.model.rowCount() == 24)


def marks(iface):
    """What the selected gap's mark covers on the map, in corners."""
    scene = iface.mapCanvas().scene()
    bands = [item for item in scene.items() if isinstance(item, QgsRubberBand)]
    return [band.numberOfVertices() for band in bands if band.iconSize() == RING_SIZE]


def test_selected_gap_stays_marked_on_the_map(page, bench, qtbot, qgis_iface):
    assert set(marks(qgis_iface)) == {0}
    click_row(qtbot, page, 0)
    chosen = page.current_id()
    assert all(marks(qgis_iface))
    bench.desk.open_store(bench.desk.store_path)
    assert page.current_id() == chosen, "the place in the list outlives a new reading of the store"
    assert all(marks(qgis_iface))
    qtbot.keyClicks(page.search_edit, "nothing like this")
    qtbot.waitUntil(lambda: page.model.rowCount() == 0)
    assert set(marks(qgis_iface)) == {0}


def test_only_what_was_done_last_is_said(page, bench, qtbot, qgis_iface):
    click_row(qtbot, page, 0)
    for status in ("confirmed", "assigned"):
        choose_status(page, status)
    said = [item.text() for item in qgis_iface.messageBar().items()]
    assert said == ["Status set: Assigned (1)."]


def test_flag_is_called_by_its_own_text():
    flag = {"rule_id": "R01", "origin": "planner", "text": "No lamp <here>\nsince spring", "status": "open"}
    said = gap_html({**flag, "severity": "high"}, [], "en")
    assert headline(flag, "en") == "No lamp <here>"
    assert "<h4 style='margin:0'>No lamp &lt;here&gt;</h4>" in said
    assert "since spring" in said
    assert "Planner's flag · No owner" in said.replace("&#x27;", "'")
    assert headline({**flag, "origin": "rule"}, "en") == "No owner"


def test_detail_says_the_reason_in_the_users_language():
    gap = {
        "rule_id": "D01",
        "origin": "rule",
        "status": "open",
        "severity": "high",
        "class_code": "DL|0101",
        "basis": "PA002@1 project default",
        "params_json": '{"empty": ["laid_year"], "step": ["populous_cell"]}',
    }
    said = gap_html(gap, [], "zh")
    for words in ("空缺：敷设年份", "人口密集网格", "电力、上水井盖", "PA002@1 项目默认值"):
        assert words in said
