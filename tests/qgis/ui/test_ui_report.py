"""The report from the dock, without a worker: GDAL's bindings write it."""

import csv
import json
import subprocess

import pytest
from qgis.core import QgsVectorLayer
from qgis.PyQt.QtCore import Qt


@pytest.fixture
def page(bench, qtbot):
    qtbot.waitUntil(lambda: bench.desk.missing is not None)
    bench.dock.show_page(bench.dock.report_page)
    return bench.dock.report_page


def export(page, qtbot, folder):
    page.folder_edit.setText(str(folder))
    qtbot.mouseClick(page.export_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: page.export_button.isEnabled(), timeout=20_000)


def rows_of(folder):
    """Rows of each shapefile and of the gaps without a place."""
    counts = {}
    for ending in ("pt", "ln", "pg"):
        out_layer = QgsVectorLayer(str(folder / f"gap_report_{ending}.shp"), ending, "ogr")
        assert out_layer.isValid()
        counts[ending] = out_layer.featureCount()
    with open(folder / "gap_report_none.csv", encoding="utf-8-sig", newline="") as file:
        counts["none"] = sum(1 for _ in csv.DictReader(file))
    return counts


def test_export_of_all_gaps(page, qtbot, tmp_path, loaded_worker_packages):
    folder = tmp_path / "report"
    export(page, qtbot, folder)
    assert rows_of(folder) == {"pt": 6, "ln": 6, "pg": 6, "none": 6}
    assert json.loads((folder / "report.json").read_text(encoding="utf-8"))["read_back"]["equal"]
    said = page.result_view.toPlainText()
    assert "24 gaps written" in said
    assert "Read back" in said
    assert page.open_folder_button.isEnabled()
    assert "GDAL" in page.engine_label.text()
    assert loaded_worker_packages() == set()


def test_shapefile_is_read_by_another_program(page, qtbot, tmp_path):
    folder = tmp_path / "report"
    export(page, qtbot, folder)
    said = subprocess.run(
        ["ogrinfo", "-so", "-al", str(folder / "gap_report_pt.shp")],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "Feature Count: 6" in said
    assert "gap_id: String" in said


def test_export_of_what_the_list_shows(page, bench, qtbot, tmp_path):
    gaps_page = bench.dock.gaps_page
    gaps_page.severity_combo.setCurrentIndex(gaps_page.severity_combo.findData("high"))
    assert page.listed_radio.text() == "What the list shows (6)"
    qtbot.mouseClick(page.listed_radio, Qt.MouseButton.LeftButton, pos=page.listed_radio.rect().center() / 4)
    page.listed_radio.setChecked(True)
    export(page, qtbot, tmp_path / "report")
    assert sum(rows_of(tmp_path / "report").values()) == 6


def test_encoding_is_written_and_remembered(page, bench, qtbot, tmp_path):
    page.encoding_combo.setCurrentText("GBK")
    export(page, qtbot, tmp_path / "report")
    assert (tmp_path / "report" / "gap_report_pt.cpg").read_text() == "GBK"
    from citygap.ui.preferences import Preferences

    assert Preferences.load().encoding == "GBK"


def test_folder_with_other_files_is_left_alone(page, qtbot, tmp_path, qgis_iface):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "letter.txt").write_text("mine")
    export(page, qtbot, folder)
    assert [path.name for path in folder.iterdir()] == ["letter.txt"]
    assert str(folder) in qgis_iface.messageBar().currentItem().text()


def test_export_without_a_store_says_what_to_do(make_bench, no_worker, qtbot, qgis_iface):
    bench = make_bench()
    bench.dock.show_page(bench.dock.report_page)
    qtbot.mouseClick(bench.dock.report_page.export_button, Qt.MouseButton.LeftButton)
    assert "no store is open" in qgis_iface.messageBar().currentItem().text()
