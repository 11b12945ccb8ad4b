"""Puts dock, desk and controllers together, and takes them apart again."""

from __future__ import annotations

from typing import Any

from qgis.PyQt.QtCore import QObject, Qt

from .check_controller import CheckController
from .desk import Desk
from .dock import CityGapDock
from .gaps_controller import GapsController
from .map_controller import MapController
from .report_controller import ReportController
from .store_controller import StoreController


class Workbench(QObject):
    """The plugin's screen: one dock, its controllers and the desk they share.

    Parameters
    ----------
    iface : qgis.gui.QgisInterface
    language : str
        ``zh`` or ``en``.
    """

    def __init__(self, iface: Any, language: str) -> None:
        super().__init__()
        self._iface = iface
        self._looked = False
        self.dock = CityGapDock(language, iface.mainWindow())
        self.desk = Desk(iface, language)
        self.maps = MapController(self.desk)
        self.gaps = GapsController(self.desk, self.dock.gaps_page, self.maps)
        self.stores = StoreController(self.desk, self.dock.layers_page, self._show_check)
        self.checks = CheckController(self.desk, self.dock.check_page, self._show_rule)
        self.reports = ReportController(self.desk, self.dock.report_page, self.gaps)
        self._controllers = (self.stores, self.maps, self.gaps, self.checks, self.reports)

    def load(self) -> None:
        """Show the dock and connect everything."""
        for controller in self._controllers:
            controller.load()
        self.dock.opened.connect(self._look_for_worker)
        self._iface.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, self.dock)

    def unload(self) -> None:
        """Undo `load`; what runs is cancelled."""
        self._iface.removeDockWidget(self.dock)
        self.dock.opened.disconnect(self._look_for_worker)
        self.desk.shut_down()
        for controller in reversed(self._controllers):
            controller.unload()
        self.dock.deleteLater()

    def _look_for_worker(self) -> None:
        """Once, when the dock is first seen."""
        if not self._looked:
            self._looked = True
            self.desk.look_for_worker()

    def _show_check(self) -> None:
        self.dock.show_page(self.dock.check_page)

    def _show_rule(self, rule_id: str) -> None:
        self.dock.gaps_page.show_rule(rule_id)
        self.dock.show_page(self.dock.gaps_page)
