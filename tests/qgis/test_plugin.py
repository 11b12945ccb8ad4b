"""The plugin's life in QGIS: made and taken away twice in a row, leaving nothing."""

import sys

import pytest
from qgis.core import QgsApplication, QgsProject
from qgis.gui import QgsDockWidget
from qgis.PyQt.QtCore import QEvent, Qt
from qgis.PyQt.QtWidgets import QAction, QApplication, QToolBar

import citygap
from citygap.link import finder


@pytest.fixture
def iface(qgis_iface, qgis_new_project, monkeypatch):
    """A QGIS whose tool bars, menus and docks are counted; no Python can run the worker."""
    monkeypatch.setenv(finder.VARIABLE, "/no/such/python")
    window = qgis_iface.mainWindow()
    menu = []

    def add_tool_bar(name):
        bar = QToolBar(name, window)
        window.addToolBar(bar)
        return bar

    monkeypatch.setattr(qgis_iface, "addToolBar", add_tool_bar)
    monkeypatch.setattr(qgis_iface, "addPluginToMenu", lambda _menu, action: menu.append(action))
    monkeypatch.setattr(qgis_iface, "removePluginMenu", lambda _menu, action: menu.remove(action))
    monkeypatch.setattr(qgis_iface, "addDockWidget", window.addDockWidget)
    monkeypatch.setattr(qgis_iface, "removeDockWidget", window.removeDockWidget)
    qgis_iface.test_menu = menu
    return qgis_iface


def let_go():
    """Handle events, deletions included."""
    for _ in range(3):
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        QApplication.processEvents()


def of_ours(iface):
    """What of the plugin is in the window now."""
    window = iface.mainWindow()
    bars = [bar for bar in window.findChildren(QToolBar) if bar.objectName() == "CityGapToolbar"]
    docks = [dock for dock in window.findChildren(QgsDockWidget) if dock.objectName() == "CityGapDock"]
    actions = [
        action for action in window.findChildren(QAction) if action.objectName().startswith("CityGap_")
    ]
    provider = QgsApplication.processingRegistry().providerById("citygap")
    return len(bars), len(docks), len(actions), len(iface.test_menu), provider is not None


def test_lifecycle_twice_in_a_row(iface):
    before = of_ours(iface)
    assert before == (0, 0, 0, 0, False)
    for _ in range(2):
        plugin = citygap.classFactory(iface)
        plugin.initGui()
        assert of_ours(iface) == (1, 1, 4, 5, True)
        plugin.unload()
        let_go()
        assert of_ours(iface) == before
    assert QgsProject.instance().mapLayers() == {}


def test_unload_while_a_tool_draws_gives_the_map_back(iface):
    plugin = citygap.classFactory(iface)
    plugin.initGui()
    iface.mapCanvas().setMapTool(plugin.workbench.maps.note_tool)
    plugin.unload()
    let_go()
    assert iface.mapCanvas().mapTool() is None or iface.mapCanvas().mapTool().parent() is not None


def test_dock_stands_right_and_its_action_toggles_it(iface, qtbot):
    plugin = citygap.classFactory(iface)
    plugin.initGui()
    window, dock = iface.mainWindow(), plugin.workbench.dock
    assert window.dockWidgetArea(dock) == Qt.DockWidgetArea.RightDockWidgetArea
    window.show()
    action = iface.test_menu[0]
    shown = dock.isVisible()
    action.trigger()
    assert dock.isVisible() is not shown
    plugin.unload()
    let_go()


def test_flag_action_is_checked_while_its_tool_draws(iface):
    plugin = citygap.classFactory(iface)
    plugin.initGui()
    maps, canvas = plugin.workbench.maps, iface.mapCanvas()
    line = iface.mainWindow().findChild(QAction, "CityGap_flag_line")
    maps.flag_tool.draw("line")
    canvas.setMapTool(maps.flag_tool)
    assert line.isChecked()
    assert not iface.mainWindow().findChild(QAction, "CityGap_flag_point").isChecked()
    line.trigger()
    assert canvas.mapTool() is not maps.flag_tool
    assert not line.isChecked()
    plugin.unload()
    let_go()


def test_without_a_window_only_the_provider_is_added(qgis_app):
    plugin = citygap.classFactory(None)
    plugin.initProcessing()
    assert QgsApplication.processingRegistry().providerById("citygap") is not None
    plugin.unload()
    assert QgsApplication.processingRegistry().providerById("citygap") is None


def test_qgis_imports_none_of_the_workers_packages(iface):
    plugin = citygap.classFactory(iface)
    plugin.initGui()
    plugin.unload()
    let_go()
    assert {"shapely", "geopandas", "pyogrio", "fiona"} & set(sys.modules) == set()
