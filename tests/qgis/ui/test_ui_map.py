"""Flags and notes by clicks on the map."""

import pytest
from qgis.core import QgsCoordinateReferenceSystem, QgsGeometry, QgsPointXY, QgsRectangle
from qgis.PyQt.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from qgis.PyQt.QtGui import QDropEvent
from qgis.PyQt.QtWidgets import QApplication, QPushButton

from citygap.store import events, gaps, notes
from citygap.ui.flag_dialog import FlagDialog
from citygap.ui.gap_list_model import SubtitleRole
from citygap.ui.note_dialog import NoteDialog

X, Y = 500_000.0, 3_450_000.0


@pytest.fixture
def canvas(qgis_iface, bench, qtbot):
    canvas = qgis_iface.mapCanvas()
    canvas.show()
    canvas.setExtent(QgsRectangle(X - 50, Y - 50, X + 750, Y + 550))
    return canvas


def at(canvas, x, y):
    """Pixel of a place in map coordinates."""
    pixel = canvas.getCoordinateTransform().transform(QgsPointXY(x, y))
    return QPoint(round(pixel.x()), round(pixel.y()))


def click_map(qtbot, canvas, x, y, button=Qt.MouseButton.LeftButton):
    qtbot.mouseClick(canvas.viewport(), button, pos=at(canvas, x, y))


def dialog_of(kind):
    return next(
        widget for widget in QApplication.topLevelWidgets() if isinstance(widget, kind) and widget.isVisible()
    )


def save(qtbot, dialog):
    qtbot.mouseClick(dialog.save_button, Qt.MouseButton.LeftButton)


def flags_of(store):
    return gaps.read_gaps(store, "origin = 'planner'")


def undo_button(iface):
    return [button for button in iface.messageBar().findChildren(QPushButton) if button.text() == "Undo"][-1]


def test_flag_a_point_and_undo(bench, canvas, qtbot, qgis_iface, read_store):
    page = bench.dock.gaps_page
    bench.dock.show_page(page)
    qtbot.mouseClick(page.flag_button, Qt.MouseButton.LeftButton, pos=QPoint(8, 8))
    click_map(qtbot, canvas, X + 300, Y + 200)
    dialog = dialog_of(FlagDialog)
    assert not dialog.save_button.isEnabled()
    qtbot.mouseClick(dialog.severity_buttons["high"], Qt.MouseButton.LeftButton, pos=QPoint(8, 8))
    dialog.class_combo.setCurrentIndex(dialog.class_combo.findData("street_lamp"))
    qtbot.keyClicks(dialog.text_edit, "no lamp in this alley")
    save(qtbot, dialog)
    (gap,) = flags_of(read_store())
    assert (gap["severity"], gap["class_code"], gap["text"], gap["status"]) == (
        "high",
        "street_lamp",
        "no lamp in this alley",
        "open",
    )
    place = QgsGeometry()
    place.fromWkb(gap["wkb"])
    assert place.asPoint().distance(X + 300, Y + 200) < 2 * canvas.mapUnitsPerPixel()
    assert page.current_id() == gap["gap_id"]
    assert page.gap_view.currentIndex().data() == "no lamp in this alley"
    assert page.gap_view.currentIndex().data(SubtitleRole) == "Planner's flag · Open"
    assert bench.dock.layers_page.toggles["gaps"].count_label.text() == "19"
    qtbot.mouseClick(undo_button(qgis_iface), Qt.MouseButton.LeftButton)
    assert flags_of(read_store()) == []
    assert bench.dock.layers_page.toggles["gaps"].count_label.text() == "18"


@pytest.mark.parametrize(
    ("kind", "corners", "wkt_type"),
    [
        ("line", [(0, 0), (100, 50), (200, 50)], "LineString"),
        ("area", [(0, 0), (100, 0), (100, 80)], "Polygon"),
    ],
)
def test_flag_lines_and_areas_end_with_a_right_click(
    bench, canvas, qtbot, read_store, kind, corners, wkt_type
):
    bench.maps.begin_flag(kind)
    for x, y in corners:
        click_map(qtbot, canvas, X + x, Y + 300 + y)
    click_map(qtbot, canvas, X, Y, Qt.MouseButton.RightButton)
    dialog = dialog_of(FlagDialog)
    dialog.rule_combo.setCurrentIndex(dialog.rule_combo.findData("N05"))
    qtbot.keyClicks(dialog.text_edit, "nothing is known here")
    save(qtbot, dialog)
    (gap,) = flags_of(read_store())
    place = QgsGeometry()
    place.fromWkb(gap["wkb"])
    assert place.asWkt().startswith(wkt_type)
    assert gap["rule_id"] == "N05"
    box = place.boundingBox()
    assert box.width() == pytest.approx(max(x for x, _ in corners), abs=3 * canvas.mapUnitsPerPixel())


def test_too_few_corners_flag_nothing(bench, canvas, qtbot):
    bench.maps.begin_flag("area")
    click_map(qtbot, canvas, X, Y)
    click_map(qtbot, canvas, X + 50, Y)
    click_map(qtbot, canvas, X, Y, Qt.MouseButton.RightButton)
    assert not [
        widget
        for widget in QApplication.topLevelWidgets()
        if isinstance(widget, FlagDialog) and widget.isVisible()
    ]


def test_backspace_takes_a_corner_back_and_escape_all(bench, canvas, qtbot):
    drawn = []
    bench.maps.flag_tool.drawn.disconnect()
    bench.maps.flag_tool.drawn.connect(drawn.append)
    bench.maps.begin_flag("line")
    for x in (0, 40, 90):
        click_map(qtbot, canvas, X + x, Y)
    qtbot.keyClick(canvas, Qt.Key.Key_Backspace)
    click_map(qtbot, canvas, X, Y, Qt.MouseButton.RightButton)
    assert len(drawn) == 1
    assert len(drawn[0].asPolyline()) == 2
    click_map(qtbot, canvas, X, Y)
    click_map(qtbot, canvas, X + 40, Y)
    qtbot.keyClick(canvas, Qt.Key.Key_Escape)
    click_map(qtbot, canvas, X, Y, Qt.MouseButton.RightButton)
    assert len(drawn) == 1
    bench.maps.flag_tool.drawn.connect(bench.maps._on_drawn)


def test_flag_lies_in_the_city_crs_whatever_the_map_shows(bench, canvas, qtbot, read_store):
    world = QgsCoordinateReferenceSystem("EPSG:4326")
    canvas.setDestinationCrs(world)
    canvas.setExtent(QgsRectangle(120.0, 31.0, 120.02, 31.015))
    bench.maps.begin_flag("point")
    click_map(qtbot, canvas, 120.01, 31.007)
    dialog = dialog_of(FlagDialog)
    qtbot.keyClicks(dialog.text_edit, "here")
    save(qtbot, dialog)
    (gap,) = flags_of(read_store())
    place = QgsGeometry()
    place.fromWkb(gap["wkb"])
    from qgis.core import QgsCoordinateTransform, QgsProject

    meant = QgsCoordinateTransform(
        world, QgsCoordinateReferenceSystem("EPSG:4549"), QgsProject.instance()
    ).transform(QgsPointXY(120.01, 31.007))
    assert place.asPoint().distance(meant) < 10


def test_note_with_a_photo_from_the_map_and_undo(bench, canvas, qtbot, qgis_iface, read_store, photo):
    gap = next(gap for gap in gaps.read_gaps(bench.desk.store) if gap["object_id"] == "H00004")
    place = QgsGeometry()
    place.fromWkb(gap["wkb"])
    bench.maps.begin_note()
    click_map(qtbot, canvas, place.asPoint().x(), place.asPoint().y())
    dialog = dialog_of(NoteDialog)
    qtbot.keyClicks(dialog.text_edit, "crack in the wall")
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(photo))])
    dialog.dropEvent(
        QDropEvent(
            QPointF(5, 5),
            Qt.DropAction.CopyAction,
            mime,
            Qt.MouseButton.LeftButton,
            Qt.KeyboardModifier.NoModifier,
        )
    )
    dialog.result_combo.setCurrentIndex(dialog.result_combo.findData("defect"))
    save(qtbot, dialog)
    store = read_store()
    (note,) = notes.read_notes(store, gap["gap_id"])
    assert (note["text"], note["result"]) == ("crack in the wall", "defect")
    kept = store.photo_folder / note["photos"][0]["path"]
    assert kept.read_bytes() == photo.read_bytes()
    assert bench.dock.gaps_page.current_id() == gap["gap_id"]
    assert bench.dock.gaps_page.photo_list.count() == 1
    qtbot.mouseClick(undo_button(qgis_iface), Qt.MouseButton.LeftButton)
    assert notes.read_notes(read_store(), gap["gap_id"]) == []
    assert events.verify(read_store()) == []


def test_click_beside_every_gap_says_so(bench, canvas, qtbot):
    bench.maps.begin_note()
    with qtbot.waitSignal(bench.maps.note_tool.missed):
        click_map(qtbot, canvas, X - 40, Y + 500)


def test_photo_that_is_none_writes_no_note(bench, qtbot, tmp_path, read_store):
    (tmp_path / "empty.jpg").write_bytes(b"")
    page = bench.dock.gaps_page
    page.step(1)
    bench.maps.note_gaps(page.selected_ids())
    dialog = dialog_of(NoteDialog)
    dialog.add_photos([str(tmp_path / "empty.jpg")])
    qtbot.keyClicks(dialog.text_edit, "see the photo")
    save(qtbot, dialog)
    assert notes.read_notes(read_store()) == []


def test_flag_without_a_store_says_what_to_do(make_bench, no_worker, qgis_iface):
    bench = make_bench()
    bench.maps.begin_flag("point")
    assert qgis_iface.mapCanvas().mapTool() is not bench.maps.flag_tool
    assert "no store is open" in qgis_iface.messageBar().currentItem().text()
