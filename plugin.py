"""The plugin as QGIS sees it: actions, dock and Processing provider, made and taken away."""

from __future__ import annotations

from typing import Any, Callable, Optional

from qgis.core import QgsApplication
from qgis.PyQt.QtCore import QCoreApplication
from qgis.PyQt.QtGui import QIcon
from qgis.PyQt.QtWidgets import QAction

from .toolbox.provider import CityGapProvider
from .ui.icons import icon
from .ui.language import install_translator, remove_translator, screen_language
from .ui.workbench import Workbench

MENU = "CityGap"
TOOLBAR = "CityGapToolbar"


class CityGapPlugin:
    """CityGap in QGIS's window; in `qgis_process` only the Processing provider.

    Parameters
    ----------
    iface : qgis.gui.QgisInterface or None
        None without a window.
    """

    def __init__(self, iface: Any) -> None:
        self._iface = iface
        self._language = screen_language()
        self._translator: Any = None
        self._provider: Optional[CityGapProvider] = None
        self._actions: list[QAction] = []
        self._toolbar: Any = None
        self.workbench: Optional[Workbench] = None

    def initProcessing(self) -> None:  # noqa: N802 - the name QGIS calls
        """Add the Processing provider."""
        self._provider = CityGapProvider()
        QgsApplication.processingRegistry().addProvider(self._provider)

    def initGui(self) -> None:  # noqa: N802 - the name QGIS calls
        """Add provider, dock, toolbar and menu."""
        self._translator = install_translator(self._language)
        self.initProcessing()
        self.workbench = Workbench(self._iface, self._language)
        self.workbench.load()
        self._add_actions()

    def unload(self) -> None:
        """Undo `initGui`."""
        if self.workbench is not None:
            self._remove_actions()
            self.workbench.unload()
            self.workbench = None
        if self._provider is not None:
            QgsApplication.processingRegistry().removeProvider(self._provider)
            self._provider = None
        remove_translator(self._translator)
        self._translator = None

    def _add_actions(self) -> None:
        dock, maps = self.workbench.dock, self.workbench.maps
        self._toolbar = self._iface.addToolBar("CityGap")
        self._toolbar.setObjectName(TOOLBAR)
        toggle = dock.toggleViewAction()
        toggle.setIcon(icon("citygap"))
        toggle.setText(_tr("CityGap"))
        toggle.setToolTip(_tr("Show or hide the CityGap dock"))
        self._toolbar.addAction(toggle)
        self._iface.addPluginToMenu(MENU, toggle)
        self._toolbar.addSeparator()
        flags = [
            self._tool("flag_point", _tr("Flag a point"), lambda: maps.begin_flag("point")),
            self._tool("flag_line", _tr("Flag a line"), lambda: maps.begin_flag("line")),
            self._tool("flag_area", _tr("Flag an area"), lambda: maps.begin_flag("area")),
        ]
        note = self._tool("note", _tr("Note on a gap of the map"), maps.begin_note)
        maps.flagging_changed.connect(lambda on: _check_one(flags, maps.flag_tool.kind if on else ""))
        maps.noting_changed.connect(note.setChecked)

    def _tool(self, icon_name: str, text: str, begin: Callable[[], None]) -> QAction:
        action = _action(icon(icon_name), text, self._iface.mainWindow())
        action.setObjectName(f"CityGap_{icon_name}")
        action.setData(icon_name.replace("flag_", ""))
        action.triggered.connect(lambda on: begin() if on else self.workbench.maps.end_tools())
        self._toolbar.addAction(action)
        self._iface.addPluginToMenu(MENU, action)
        self._actions.append(action)
        return action

    def _remove_actions(self) -> None:
        for action in self._actions:
            self._iface.removePluginMenu(MENU, action)
            action.deleteLater()
        self._iface.removePluginMenu(MENU, self.workbench.dock.toggleViewAction())
        self._actions.clear()
        self._iface.mainWindow().removeToolBar(self._toolbar)
        self._toolbar.deleteLater()
        self._toolbar = None


def _action(picture: QIcon, text: str, parent: Any) -> QAction:
    action = QAction(picture, text, parent)
    action.setCheckable(True)
    return action


def _check_one(actions: list[QAction], kind: str) -> None:
    for action in actions:
        action.setChecked(action.data() == kind)


def _tr(text: str) -> str:
    return QCoreApplication.translate("CityGapPlugin", text)
