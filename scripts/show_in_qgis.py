"""Run by QGIS at start (``--code``): opens a store in the plugin, and saves a picture of the window."""

import os
from pathlib import Path

from qgis.core import QgsApplication, QgsProject
from qgis.PyQt.QtCore import Qt, QTimer
from qgis.PyQt.QtWidgets import QDockWidget
from qgis.utils import iface, plugins

STORE = Path(os.environ["CITYGAP_STORE"])
PICTURE = Path(os.environ["CITYGAP_PICTURE"])
GAP = os.environ["CITYGAP_GAP"]
SCALE = 2500
OPEN_GROUPS = ("gaps", "pipes", "housing")
OPEN_PARTS = ("gaps_point", "housing_decade")
"""What is unfolded of the layer tree: severities, pipes in their colours, housing by decade."""
TREE_WIDTH = 300
STEP_MS = 300
SETTLED_MS = 1500


def show():
    """Open the store beside the layers, with the list of gaps."""
    workbench = plugins["citygap"].workbench
    window = iface.mainWindow()
    window.resize(1600, 1000)
    workbench.stores.open(str(STORE))
    workbench.dock.show_page(workbench.dock.gaps_page)
    for dock in window.findChildren(QDockWidget, "Browser"):
        dock.hide()
    window.resizeDocks(window.findChildren(QDockWidget, "Layers"), [TREE_WIDTH], Qt.Orientation.Horizontal)
    unfold(QgsProject.instance().layerTreeRoot())
    QTimer.singleShot(STEP_MS, select)


def unfold(root):
    """Let the layer tree show what the picture is about."""
    for group in root.findGroups(True):
        key = group.customProperty("citygap/key")
        group.setExpanded(key == "root" or key in OPEN_GROUPS)
    for node in root.findLayers():
        node.setExpanded(node.layer().customProperty("citygap/part") in OPEN_PARTS)


def select():
    """Select the planner's gap once the list is read, so that map and details show it."""
    if not plugins["citygap"].workbench.dock.gaps_page.select(GAP):
        QTimer.singleShot(STEP_MS, select)
        return
    iface.mapCanvas().zoomScale(SCALE)
    QTimer.singleShot(SETTLED_MS, save_when_drawn)


def save_when_drawn():
    """Save the picture once the canvas has nothing left to draw."""
    if iface.mapCanvas().isDrawing():
        QTimer.singleShot(STEP_MS, save_when_drawn)
        return
    QTimer.singleShot(SETTLED_MS, save)


def save():
    """Grab the whole window; on a virtual screen leave afterwards."""
    part = PICTURE.with_suffix(".part.png")
    iface.mainWindow().grab().save(str(part))
    part.rename(PICTURE)
    if os.environ.get("CITYGAP_CLOSE"):
        QgsProject.instance().setDirty(False)
        QgsApplication.instance().quit()


QTimer.singleShot(1000, show)
