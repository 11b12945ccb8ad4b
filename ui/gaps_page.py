"""The gaps page: the list with its filter, what a gap is about, and what people do with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Optional

from qgis.PyQt.QtCore import QItemSelectionModel, QSize, Qt, QTimer, pyqtSignal
from qgis.PyQt.QtGui import QIcon, QImageReader, QPixmap
from qgis.PyQt.QtWidgets import QHeaderView, QListWidgetItem, QMenu, QWidget

from ..model.gap import SETTABLE_STATUSES, SEVERITIES, STATUSES
from ..model.words import word
from .choices import rule_choices
from .forms import fill, load_form
from .gap_delegate import GapDelegate, row_height
from .gap_filter import PLANNER, GapFilter
from .gap_list_model import GapListModel
from .icons import icon

TYPING_MS = 250
CELL_MARGIN = 14
LONGEST = (
    (GapListModel.STATUS, "False alarm"),
    (GapListModel.OBJECT, "H000000000"),
    (GapListModel.UNIT, "310101001"),
    (GapListModel.FOUND, "2000-00-00"),
)
"""What a column shall hold without being cut."""
SHOWN_FROM_WIDTH = (
    (GapListModel.STATUS, 480),
    (GapListModel.OBJECT, 560),
    (GapListModel.UNIT, 640),
    (GapListModel.FOUND, 720),
)
"""Columns that a narrow dock leaves out; a row's second line and the detail panel have their values."""
FIRST_HEIGHTS = [260, 370]
PHOTO_SIZE = QSize(72, 54)
STATUS_ICONS = {
    "open": "reopen",
    "confirmed": "confirm",
    "assigned": "assigned",
    "fixed": "fixed",
    "accepted": "accepted",
    "false_alarm": "false_alarm",
}


class GapsPage(QWidget):
    """Emits what the user wants; shows what the controller says.

    Parameters
    ----------
    language : str
        ``zh`` or ``en``, for titles, severities and statuses.
    """

    filter_changed = pyqtSignal()
    sort_changed = pyqtSignal()
    gap_selected = pyqtSignal(str)
    zoom_requested = pyqtSignal(str)
    flag_requested = pyqtSignal(str)
    note_requested = pyqtSignal()
    status_requested = pyqtSignal(str)
    undo_requested = pyqtSignal()
    photo_requested = pyqtSignal(str)

    def __init__(self, language: str, parent: Any = None) -> None:
        super().__init__(parent)
        load_form(self, __file__)
        self._language = language
        self._kind = "point"
        self.model = GapListModel(language, self)
        self._typing = QTimer(self)
        self._typing.setSingleShot(True)
        self._typing.setInterval(TYPING_MS)
        self._set_up_list()
        self._set_up_filter()
        self._set_up_actions()
        self.photo_list.hide()

    def _set_up_list(self) -> None:
        view = self.gap_view
        view.setModel(self.model)
        view.verticalHeader().hide()
        view.verticalHeader().setDefaultSectionSize(row_height(view))
        view.setItemDelegateForColumn(GapListModel.GAP, GapDelegate(view))
        header = view.horizontalHeader()
        header.setMinimumSectionSize(26)
        header.setSectionResizeMode(GapListModel.SEVERITY, QHeaderView.ResizeMode.Fixed)
        header.setSectionResizeMode(GapListModel.GAP, QHeaderView.ResizeMode.Stretch)
        header.resizeSection(GapListModel.SEVERITY, 30)
        for column, longest in LONGEST:
            header.resizeSection(column, view.fontMetrics().horizontalAdvance(longest) + CELL_MARGIN)
        header.setSortIndicator(GapListModel.SEVERITY, Qt.SortOrder.AscendingOrder)
        self.splitter.setSizes(FIRST_HEIGHTS)
        header.sortIndicatorChanged.connect(lambda *_: self.sort_changed.emit())
        view.selectionModel().currentRowChanged.connect(self._on_current)
        view.doubleClicked.connect(
            lambda index: self.zoom_requested.emit(self.model.gap_id(index.row()) or "")
        )
        self.photo_list.itemDoubleClicked.connect(
            lambda item: self.photo_requested.emit(item.data(Qt.ItemDataRole.UserRole))
        )

    def resizeEvent(self, event: Any) -> None:  # noqa: N802
        """Leave out the columns for which there is no room."""
        for column, width in SHOWN_FROM_WIDTH:
            self.gap_view.setColumnHidden(column, self.width() < width)
        super().resizeEvent(event)

    def _set_up_filter(self) -> None:
        language = self._language
        severities = [(name, word("severity", name, language)) for name in reversed(SEVERITIES)]
        fill(self.severity_combo, [("", self.tr("All severities")), *severities])
        for row, (name, _) in enumerate(severities, 1):
            self.severity_combo.setItemIcon(row, icon(f"severity_{name}"))
        statuses = [(name, word("status", name, language)) for name in STATUSES]
        fill(self.status_combo, [("", self.tr("All statuses")), *statuses])
        flags = (PLANNER, self.tr("Planners' flags"))
        fill(self.rule_combo, [("", self.tr("All rules")), flags, *rule_choices(language)])
        self.rule_combo.view().setMinimumWidth(260)
        self.search_edit.textChanged.connect(lambda _: self._typing.start())
        self._typing.timeout.connect(self.filter_changed)
        for combo in (self.severity_combo, self.status_combo, self.rule_combo):
            combo.currentIndexChanged.connect(lambda _: self.filter_changed.emit())

    def _set_up_actions(self) -> None:
        for button, name in (
            (self.flag_button, "flag"),
            (self.note_button, "note"),
            (self.status_button, "status"),
            (self.previous_button, "previous"),
            (self.next_button, "next"),
            (self.undo_button, "undo"),
        ):
            button.setIcon(icon(name))
        self.flag_button.setMenu(self._flag_menu())
        self.flag_button.clicked.connect(lambda: self.flag_requested.emit(self._kind))
        self.status_button.setMenu(self._status_menu())
        self.note_button.clicked.connect(self.note_requested)
        self.previous_button.clicked.connect(lambda: self.step(-1))
        self.next_button.clicked.connect(lambda: self.step(1))
        self.undo_button.clicked.connect(self.undo_requested)

    def _flag_menu(self) -> QMenu:
        menu = QMenu(self)
        for kind, text in (("point", self.tr("Point")), ("line", self.tr("Line")), ("area", self.tr("Area"))):
            menu.addAction(icon(f"flag_{kind}"), text, lambda kind=kind: self.choose_kind(kind, ask=True))
        return menu

    def _status_menu(self) -> QMenu:
        menu = QMenu(self)
        for status in (*SETTABLE_STATUSES[1:], SETTABLE_STATUSES[0]):
            text = word("status", status, self._language)
            menu.addAction(
                icon(STATUS_ICONS[status]), text, lambda status=status: self.status_requested.emit(status)
            ).setData(status)
        return menu

    def choose_kind(self, kind: str, ask: bool = False) -> None:
        """Flag points, lines or areas from now on; `ask` begins at once."""
        self._kind = kind
        self.flag_button.setIcon(icon("flag" if kind == "point" else f"flag_{kind}"))
        if ask:
            self.flag_requested.emit(kind)

    def filter(self) -> GapFilter:
        """What the list shall show."""
        return GapFilter(
            self.severity_combo.currentData() or "",
            self.status_combo.currentData() or "",
            self.rule_combo.currentData() or "",
            self.search_edit.text(),
        )

    def show_rule(self, rule_id: str) -> None:
        """Filter by one rule, nothing else."""
        self.search_edit.clear()
        self.severity_combo.setCurrentIndex(0)
        self.status_combo.setCurrentIndex(0)
        self.rule_combo.setCurrentIndex(self.rule_combo.findData(rule_id))

    def sorting(self) -> tuple[int, bool]:
        """Column sorted by, and whether it goes down."""
        header = self.gap_view.horizontalHeader()
        return header.sortIndicatorSection(), header.sortIndicatorOrder() == Qt.SortOrder.DescendingOrder

    def selected_ids(self) -> list[str]:
        """The selected gaps, top down."""
        rows = sorted(index.row() for index in self.gap_view.selectionModel().selectedRows())
        return [gap_id for gap_id in map(self.model.gap_id, rows) if gap_id]

    def current_id(self) -> Optional[str]:
        """The gap whose details are shown."""
        return self.model.gap_id(self.gap_view.currentIndex().row())

    def select(self, gap_id: str) -> bool:
        """Select a gap of the list; False if the list does not show it."""
        row = self.model.row_of(gap_id)
        if row is not None:
            self._select_row(row)
        return row is not None

    def step(self, by: int) -> None:
        """Go to the next or previous gap, stopping at the ends; with none selected, to the first."""
        rows = self.model.rowCount()
        if rows:
            row = max(self.gap_view.currentIndex().row(), 0)
            chosen = self.gap_view.selectionModel().hasSelection()
            self._select_row(min(max(row + by, 0), rows - 1) if chosen else row)

    def show_count(self, shown: int, total: int) -> None:
        """Say how many gaps the list shows of how many."""
        if shown == total:
            self.count_label.setText(self.tr("Listed: {}").format(f"{shown:,}"))
        else:
            self.count_label.setText(self.tr("Listed: {} of {}").format(f"{shown:,}", f"{total:,}"))

    def show_details(self, html: str, photos: list[Path]) -> None:
        """Show what a gap is about and thumbnails of its photos."""
        self.detail_view.setHtml(html)
        self.photo_list.clear()
        self.photo_list.setVisible(bool(photos))
        for path in photos:
            item = QListWidgetItem(thumbnail(path, PHOTO_SIZE), "", self.photo_list)
            item.setData(Qt.ItemDataRole.UserRole, str(path))
            item.setToolTip(path.name)

    def allow_undo(self, allowed: bool) -> None:
        """Whether there is something to undo."""
        self.undo_button.setEnabled(allowed)

    def _select_row(self, row: int) -> None:
        flags = QItemSelectionModel.SelectionFlag
        index = self.model.index(row, GapListModel.GAP)
        self.gap_view.selectionModel().setCurrentIndex(index, flags.ClearAndSelect | flags.Rows)
        self.gap_view.scrollTo(index)

    def _on_current(self, current: Any, _previous: Any) -> None:
        self.gap_selected.emit(self.model.gap_id(current.row()) or "")


def thumbnail(path: Path, size: QSize) -> QIcon:
    """A small picture of a photo, read at that size; a camera if it can't be read (HEIC, missing)."""
    reader = QImageReader(str(path))
    reader.setAutoTransform(True)
    full = reader.size()
    if full.isValid():
        reader.setScaledSize(full.scaled(size, Qt.AspectRatioMode.KeepAspectRatio))
    image = reader.read()
    return icon("photo") if image.isNull() else QIcon(QPixmap.fromImage(image))
