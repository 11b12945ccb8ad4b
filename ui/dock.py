"""The dock: four pages, nothing hidden in a menu."""

from __future__ import annotations

from typing import Any, Callable

from qgis.gui import QgsDockWidget
from qgis.PyQt.QtCore import QSize, Qt
from qgis.PyQt.QtGui import QKeySequence
from qgis.PyQt.QtWidgets import QShortcut, QTabWidget, QWidget

from .check_page import CheckPage
from .gaps_page import GapsPage
from .icons import icon
from .layers_page import LayersPage
from .report_page import ReportPage

OBJECT_NAME = "CityGapDock"
LEAST_WIDTH = 400
TAB_ICON = QSize(18, 18)


class CityGapDock(QgsDockWidget):
    """Layers, Check, Gaps and Report; QGIS remembers its place by its object name.

    Parameters
    ----------
    language : str
        ``zh`` or ``en``.
    """

    def __init__(self, language: str, parent: Any = None) -> None:
        super().__init__("CityGap", parent)
        self.setObjectName(OBJECT_NAME)
        self.setWindowTitle(self.tr("CityGap"))
        self.setMinimumWidth(LEAST_WIDTH)
        self.tabs = QTabWidget(self)
        self.tabs.setDocumentMode(True)
        self.tabs.setIconSize(TAB_ICON)
        self.layers_page = LayersPage(self)
        self.check_page = CheckPage(language, self)
        self.gaps_page = GapsPage(language, self)
        self.report_page = ReportPage(self)
        for page, name, text in (
            (self.layers_page, "layers", self.tr("Layers")),
            (self.check_page, "check", self.tr("Check")),
            (self.gaps_page, "gaps", self.tr("Gaps")),
            (self.report_page, "report", self.tr("Report")),
        ):
            self.tabs.addTab(page, icon(name), text)
        self.setWidget(self.tabs)
        self._set_up_keys()

    def show_page(self, page: QWidget) -> None:
        """Bring a page to the front."""
        self.tabs.setCurrentWidget(page)

    def _set_up_keys(self) -> None:
        page = self.gaps_page
        self._key("F", page.flag_button.click)
        self._key("N", page.note_button.click)
        self._key("J", page.next_button.click)
        self._key("K", page.previous_button.click)
        self._key("Ctrl+Z", page.undo_button.click)

    def _key(self, keys: str, action: Callable[[], None]) -> None:
        shortcut = QShortcut(QKeySequence(keys), self)
        shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        shortcut.activated.connect(action)
