"""The main job clicked from end to end, with the real worker on a small city."""

import subprocess

import pytest
from qgis.core import QgsApplication, QgsProject, QgsVectorLayer
from qgis.PyQt.QtCore import QPoint, Qt
from qgis.PyQt.QtWidgets import QApplication, QFileDialog

from citygap.store import gaps, notes
from citygap.store.database import open_store
from citygap.ui.flag_dialog import FlagDialog
from citygap.ui.note_dialog import NoteDialog

LONG_MS = 180_000


@pytest.fixture
def city(real_worker, tmp_path):
    """The sample city with few buildings, as the console writes it."""
    path = tmp_path / "town.gpkg"
    command = [real_worker, "-m", "citygap.cli", "sample", str(path), "--buildings", "300"]
    subprocess.run(command, check=True, capture_output=True, cwd=path.parent)
    return path


@pytest.fixture
def bench(make_bench, real_worker):
    return make_bench()


def click(qtbot, widget, **more):
    qtbot.mouseClick(widget, Qt.MouseButton.LeftButton, **more)


def dialog_of(kind):
    return next(
        widget for widget in QApplication.topLevelWidgets() if isinstance(widget, kind) and widget.isVisible()
    )


def run_check(bench, qtbot):
    page = bench.dock.check_page
    bench.dock.show_page(page)
    click(qtbot, page.run_button)
    assert page.cancel_button.isEnabled()
    qtbot.waitUntil(lambda: page.run_button.isEnabled(), timeout=LONG_MS)


def start_store(bench, qtbot, monkeypatch, path):
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    click(qtbot, bench.dock.layers_page.new_button)


def test_main_job(bench, qtbot, monkeypatch, city, tmp_path, photo, qgis_iface, loaded_worker_packages):
    dock, store_path, folder = bench.dock, tmp_path / "town_store.gpkg", tmp_path / "report"
    start_store(bench, qtbot, monkeypatch, store_path)
    assert dock.tabs.currentWidget() is dock.check_page
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: ([str(city)], ""))
    click(qtbot, dock.check_page.add_file_button)
    run_check(bench, qtbot)

    assert not dock.check_page.missing_panel.isVisible()
    assert dock.check_page.results.rowCount() == 35
    assert dock.check_page.stage_label.text().startswith("Found ")
    with open_store(store_path) as store:
        found = gaps.count_by(store)[0][0]
    assert found > 100
    assert dock.gaps_page.model.rowCount() == found

    dock.show_page(dock.layers_page)
    for key in ("housing", "pipes", "neglected", "gaps", "base"):
        assert dock.layers_page.toggles[key].check_box.isEnabled(), key
    box = dock.layers_page.toggles["housing"].check_box
    click(qtbot, box, pos=QPoint(10, box.height() // 2))
    assert not QgsProject.instance().layerTreeRoot().findGroup("Old housing").itemVisibilityChecked()

    flag(bench, qtbot, qgis_iface)
    dock.show_page(dock.gaps_page)
    click(qtbot, dock.gaps_page.note_button)
    dialog = dialog_of(NoteDialog)
    dialog.add_photos([str(photo)])
    qtbot.keyClicks(dialog.text_edit, "seen today")
    click(qtbot, dialog.save_button)

    dock.show_page(dock.report_page)
    dock.report_page.folder_edit.setText(str(folder))
    click(qtbot, dock.report_page.export_button)
    qtbot.waitUntil(lambda: dock.report_page.export_button.isEnabled(), timeout=LONG_MS)
    rows = 0
    for ending in ("pt", "ln", "pg"):
        out_layer = QgsVectorLayer(str(folder / f"gap_report_{ending}.shp"), ending, "ogr")
        rows += out_layer.featureCount()
    assert 0 < rows <= found + 1
    assert len(list((folder / "photos").iterdir())) == 1
    assert f"{found + 1:,} gaps written" in dock.report_page.result_view.toPlainText()

    run_check(bench, qtbot)
    with open_store(store_path) as store:
        assert gaps.count_by(store)[0][0] == found + 1, (
            "running twice gives the same gaps, and the flag stays"
        )
        assert len(notes.read_notes(store)) == 1
    assert loaded_worker_packages() == set()


def flag(bench, qtbot, iface):
    canvas = iface.mapCanvas()
    canvas.show()
    bench.maps.begin_flag("point")
    click(qtbot, canvas.viewport(), pos=canvas.viewport().rect().center())
    dialog = dialog_of(FlagDialog)
    qtbot.keyClicks(dialog.text_edit, "dark corner")
    click(qtbot, dialog.save_button)


def test_cancelled_check_writes_no_store(bench, qtbot, monkeypatch, city, tmp_path):
    page = bench.dock.check_page
    start_store(bench, qtbot, monkeypatch, tmp_path / "none.gpkg")
    page.sources.add(str(city))
    click(qtbot, page.run_button)
    click(qtbot, page.cancel_button)
    qtbot.waitUntil(lambda: page.run_button.isEnabled(), timeout=30_000)
    assert page.stage_label.text() == "Cancelled: nothing was changed."
    assert not (tmp_path / "none.gpkg").exists()
    run_check(bench, qtbot)
    assert (tmp_path / "none.gpkg").exists()


def test_unload_while_a_check_runs_leaves_nothing(bench, qtbot, monkeypatch, city, tmp_path):
    page = bench.dock.check_page
    start_store(bench, qtbot, monkeypatch, tmp_path / "none.gpkg")
    page.sources.add(str(city))
    click(qtbot, page.run_button)
    qtbot.waitSignal(bench.desk.client.progress, timeout=LONG_MS).wait()
    with qtbot.waitSignal(bench.desk.client.closed, timeout=15_000):
        bench.desk.shut_down()
    assert [path.name for path in tmp_path.iterdir() if "none" in path.name] == []


def test_source_that_is_missing_is_one_sentence(bench, qtbot, monkeypatch, tmp_path, qgis_iface):
    page = bench.dock.check_page
    start_store(bench, qtbot, monkeypatch, tmp_path / "none.gpkg")
    page.sources.add(str(tmp_path / "gone.shp"))
    run_check(bench, qtbot)
    assert "gone.shp" in qgis_iface.messageBar().currentItem().text()
    assert not (tmp_path / "none.gpkg").exists()


def test_sample_city_in_one_click(bench, qtbot, monkeypatch, tmp_path):
    monkeypatch.setattr(QgsApplication, "qgisSettingsDirPath", staticmethod(lambda: f"{tmp_path}/"))
    page = bench.dock.layers_page
    click(qtbot, page.sample_button)
    assert page.progress_bar.isVisible()
    qtbot.waitUntil(lambda: bench.desk.store is not None, timeout=LONG_MS)
    assert page.store_label.text() == "sample_store.gpkg"
    assert not page.progress_bar.isVisible()
    assert page.toggles["housing"].count_label.text() not in ("", "–", "0")
    bench.desk.close_store()
    click(qtbot, page.sample_button)
    assert bench.desk.store is not None, "the second time it is opened at once"


def test_crash_of_the_worker_is_told_and_outlived(bench, qtbot, monkeypatch, city, tmp_path, qgis_iface):
    page = bench.dock.check_page
    start_store(bench, qtbot, monkeypatch, tmp_path / "none.gpkg")
    page.sources.add(str(city))
    qtbot.waitSignal(bench.desk.client.started, timeout=30_000).wait()
    click(qtbot, page.run_button)
    qtbot.waitSignal(bench.desk.client.progress, timeout=LONG_MS).wait()
    bench.desk.client._process._process.kill()
    qtbot.waitUntil(lambda: page.run_button.isEnabled(), timeout=30_000)
    assert "worker stopped" in qgis_iface.messageBar().currentItem().text()
    run_check(bench, qtbot)
    assert (tmp_path / "none.gpkg").exists()
