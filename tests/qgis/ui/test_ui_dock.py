"""The dock and the layer tree, clicked."""

import pytest
from qgis.core import QgsProject
from qgis.PyQt.QtCore import QPoint, Qt
from qgis.PyQt.QtWidgets import QFileDialog, QLabel, QPushButton, QToolButton

from citygap.store.database import open_store
from citygap.ui.layers_page import ORDER


def group(title):
    return QgsProject.instance().layerTreeRoot().findGroup(title)


def click_box(qtbot, box):
    """Click where the box itself is drawn, not the middle of its wide line."""
    qtbot.mouseClick(box, Qt.MouseButton.LeftButton, pos=QPoint(10, box.height() // 2))


def test_nothing_is_open_at_first(make_bench, no_worker):
    page = make_bench().dock.layers_page
    assert page.stack.currentWidget() is page.empty_panel
    assert page.toggles == {}


def test_store_shows_its_groups_with_counts(bench):
    page = bench.dock.layers_page
    assert tuple(page.toggles) == ORDER
    assert page.toggles["gaps"].count_label.text() == "18"
    assert page.toggles["notes"].count_label.text() == "0"
    assert not page.toggles["housing"].check_box.isEnabled(), "no city beside the store: nothing to switch"
    assert page.store_label.text() == "huangpu.gpkg"


def test_dock_switches_the_layer_tree(bench, qtbot):
    bench.dock.show_page(bench.dock.layers_page)
    box = bench.dock.layers_page.toggles["gaps"].check_box
    assert group("Gaps").itemVisibilityChecked()
    click_box(qtbot, box)
    assert not group("Gaps").itemVisibilityChecked()
    click_box(qtbot, box)
    assert group("Gaps").itemVisibilityChecked()


def test_layer_tree_switches_the_dock(bench):
    box = bench.dock.layers_page.toggles["gaps"].check_box
    group("Gaps").setItemVisibilityChecked(False)
    assert not box.isChecked()
    group("Gaps").setItemVisibilityChecked(True)
    assert box.isChecked()


def test_recent_stores_are_offered_and_opened(bench, make_store, qtbot):
    other = make_store(5, "xuhui.gpkg")
    bench.stores.open(str(other))
    menu = bench.dock.layers_page.open_button.menu()
    assert [action.text() for action in menu.actions()] == ["xuhui.gpkg", "huangpu.gpkg"]
    menu.actions()[1].trigger()
    assert bench.desk.store_path.name == "huangpu.gpkg"
    assert bench.dock.layers_page.toggles["gaps"].count_label.text() == "18"


def test_store_that_is_none_leaves_the_open_one(bench, qgis_iface, tmp_path):
    (tmp_path / "no.gpkg").write_text("no store")
    bench.stores.open(str(tmp_path / "no.gpkg"))
    assert bench.desk.store_path.name == "huangpu.gpkg"
    assert "no CityGap store" in qgis_iface.messageBar().currentItem().text()


def test_new_store_without_a_worker_is_made_at_once(bench, qtbot, monkeypatch, tmp_path):
    qtbot.waitUntil(lambda: bench.desk.missing is not None)
    path = tmp_path / "new"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    qtbot.mouseClick(bench.dock.layers_page.new_button, Qt.MouseButton.LeftButton)
    with open_store(tmp_path / "new.gpkg") as store:
        assert store.srs_id == 4549
    assert bench.desk.store_path == tmp_path / "new.gpkg"


def test_without_a_worker_the_check_page_says_what_to_do(bench, qtbot):
    page = bench.dock.check_page
    bench.dock.show_page(page)
    qtbot.waitUntil(lambda: bench.desk.missing is not None)
    assert page.missing_panel.isVisible()
    assert "GeoPandas" in page.missing_label.text()
    assert "pip install" in page.missing_line.text()
    assert not page.run_button.isEnabled()
    qtbot.mouseClick(page.copy_button, Qt.MouseButton.LeftButton)
    from qgis.PyQt.QtGui import QGuiApplication

    assert QGuiApplication.clipboard().text() == page.missing_line.text()


def test_last_run_is_shown_with_what_did_not_run(bench):
    results = bench.dock.check_page.results
    assert results.rowCount() == 7
    by_rule = {results.result(row).rule_id: results.result(row) for row in range(7)}
    assert by_rule["A02"].by_severity == {"high": 2, "low": 2}
    assert by_rule["R01"].reason == "Not run: Input is missing: duties"


def test_double_click_on_a_rule_lists_its_gaps(bench, qtbot):
    page = bench.dock.check_page
    row = next(row for row in range(7) if page.results.result(row).rule_id == "S01")
    page.result_view.doubleClicked.emit(page.results.index(row, 0))
    assert bench.dock.tabs.currentWidget() is bench.dock.gaps_page
    assert bench.dock.gaps_page.model.rowCount() == 4


def test_role_is_chosen_in_the_list(bench, qtbot):
    page = bench.dock.check_page
    bench.dock.show_page(page)
    page.sources.add("/city/a.gpkg")
    index = page.sources.index(0, page.sources.ROLE)
    page.source_view.setCurrentIndex(index)
    page.source_view.edit(index)
    from qgis.PyQt.QtWidgets import QComboBox

    combo = page.source_view.findChild(QComboBox)
    combo.setCurrentIndex(combo.findData("pipes"))
    combo.activated.emit(combo.currentIndex())
    assert page.sources.sources()[0].role == "pipes"


def test_layers_of_the_project_are_offered_but_not_ours(bench, qtbot):
    from qgis.core import QgsVectorLayer

    mine_layer = QgsVectorLayer("Point?crs=EPSG:4549&field=id:string", "my manholes", "memory")
    QgsProject.instance().addMapLayer(mine_layer)
    page = bench.dock.check_page
    page.layer_menu_opened.emit()
    menu = page.add_layer_button.menu()
    assert [action.text() for action in menu.actions()] == ["my manholes"]
    menu.actions()[0].trigger()
    qtbot.waitUntil(lambda: page.sources.rowCount() == 1)
    assert page.sources.sources()[0].name == "my manholes.gpkg"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_nothing_is_cut_on_a_small_screen(make_bench, no_worker, store_path, qtbot, language):
    """1366 x 768 leaves the dock 420 x 690: every button and label has the width its text asks for."""
    from citygap.ui.language import install_translator, remove_translator

    translator = install_translator(language)
    bench = make_bench(language)
    bench.desk.open_store(store_path)
    qtbot.waitUntil(lambda: bench.desk.missing is not None)
    pages = [bench.dock.tabs.widget(number) for number in range(4)]
    cut = []
    for page in pages:
        bench.dock.show_page(page)
        qtbot.wait(20)
        for widget in [*page.findChildren(QPushButton), *page.findChildren(QToolButton)]:
            if widget.isVisible() and widget.width() < widget.minimumSizeHint().width():
                cut.append((widget.objectName(), widget.text()))
        for label in page.findChildren(QLabel):
            if label.isVisible() and not label.wordWrap() and label.width() < label.sizeHint().width():
                cut.append((label.objectName(), label.text()))
    remove_translator(translator)
    assert cut == []
    assert bench.dock.width() <= 420
