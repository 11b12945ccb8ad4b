"""Run by QGIS at start (``--code``): opens a store in the plugin, and saves a picture of the window."""

import os
from pathlib import Path

from qgis.core import QgsApplication, QgsProject
from qgis.PyQt.QtCore import QTimer
from qgis.utils import iface, plugins

STORE = Path(os.environ["CITYGAP_STORE"])
PICTURE = Path(os.environ["CITYGAP_PICTURE"])
PAGE_MS = 1500
SETTLED_MS = 1200


def show():
    """Open the store, show the gaps, and wait for the map to be drawn."""
    workbench = plugins["citygap"].workbench
    window = iface.mainWindow()
    window.resize(1600, 1000)
    workbench.desk.open_store(STORE)
    workbench.dock.show_page(workbench.dock.gaps_page)
    workbench.desk.tree.zoom_extent()
    QTimer.singleShot(PAGE_MS, save_when_drawn)


def save_when_drawn():
    """Save the picture once the canvas has nothing left to draw."""
    if iface.mapCanvas().isDrawing():
        QTimer.singleShot(300, save_when_drawn)
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
