"""The gap list: a table model that reads the store page by page."""

from __future__ import annotations

from array import array
from collections import OrderedDict
from typing import Any, Optional

from qgis.PyQt.QtCore import QAbstractTableModel, QModelIndex, Qt

from ..model.words import word
from ..store.database import Store
from .gap_text import headline
from .icons import steady_icon

PAGE = 200
PAGES_KEPT = 50
READ = (
    "gap_id",
    "rule_id",
    "severity",
    "status",
    "run_state",
    "object_role",
    "object_id",
    "class_code",
    "area_code",
    "found_at",
    "origin",
    "text",
)
GapRole = Qt.ItemDataRole.UserRole + 1
"""Role under which a row hands out its gap as a dict."""
SubtitleRole = Qt.ItemDataRole.UserRole + 2
"""Role of the second line of the column `GapListModel.GAP`: which object, where, and how far it is."""


class GapListModel(QAbstractTableModel):
    """Gaps of a store in the order given by `show_rows`; a million rows cost eight megabytes.

    Parameters
    ----------
    language : str
        ``zh`` or ``en``, for titles and statuses.
    """

    SEVERITY, GAP, STATUS, OBJECT, UNIT, FOUND = range(6)

    def __init__(self, language: str, parent: Any = None) -> None:
        super().__init__(parent)
        self._language = language
        self._store: Optional[Store] = None
        self._rows = array("q")
        self._pages: OrderedDict[int, list[dict[str, Any]]] = OrderedDict()
        self._icons = {name: steady_icon(f"severity_{name}") for name in ("high", "medium", "low", "info")}
        self._headings = (
            "",
            self.tr("Gap"),
            self.tr("Status"),
            self.tr("Object"),
            self.tr("Unit"),
            self.tr("Found"),
        )

    def show_rows(self, store: Optional[Store], rows: array) -> None:
        """Show these row numbers of the store's gaps, in this order."""
        self.beginResetModel()
        self._store = store
        self._rows = rows
        self._pages.clear()
        self.endResetModel()

    def rowCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008, N802
        """Rows shown."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008, N802
        """Columns shown."""
        return 0 if parent.isValid() else len(self._headings)

    def headerData(  # noqa: N802
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Headings; rows are not numbered."""
        if role == Qt.ItemDataRole.DisplayRole and orientation == Qt.Orientation.Horizontal:
            return self._headings[section]
        return None

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Cell contents; `GapRole` gives the whole row."""
        if not index.isValid() or not 0 <= index.row() < len(self._rows):
            return None
        gap = self._gap(index.row())
        if role == GapRole:
            return gap
        if role == SubtitleRole:
            return self._subtitle(gap)
        if role == Qt.ItemDataRole.DecorationRole and index.column() == self.SEVERITY:
            return self._icons.get(gap.get("severity"))
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(gap, index.column())
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            severity = word("severity", gap.get("severity") or "", self._language)
            return severity if index.column() == self.SEVERITY else self._text(gap, index.column())
        return None

    def gap_id(self, row: int) -> Optional[str]:
        """The gap of a row; None beyond the rows."""
        return self._gap(row).get("gap_id") if 0 <= row < len(self._rows) else None

    def row_of(self, gap_id: Optional[str]) -> Optional[int]:
        """The row that shows a gap; None if none does."""
        if self._store is None or gap_id is None:
            return None
        found = self._store.connection.execute(
            "SELECT rowid FROM gaps WHERE gap_id = ?", (gap_id,)
        ).fetchone()
        if found is None:
            return None
        try:
            return self._rows.index(found[0])
        except ValueError:
            return None

    def _text(self, gap: dict[str, Any], column: int) -> str:
        if not gap or column == self.SEVERITY:
            return ""
        if column == self.GAP:
            return headline(gap, self._language)
        if column == self.STATUS:
            return word("status", gap["status"], self._language)
        if column == self.OBJECT:
            return gap["object_id"] or ""
        return (gap["area_code"] or "") if column == self.UNIT else (gap["found_at"] or "")[:10]

    def _subtitle(self, gap: dict[str, Any]) -> str:
        if not gap:
            return ""
        parts = [self._text(gap, column) for column in (self.OBJECT, self.UNIT, self.STATUS)]
        if gap["origin"] == "planner":
            parts.insert(0, self.tr("Planner's flag"))
        return " · ".join(part for part in parts if part)

    def _gap(self, row: int) -> dict[str, Any]:
        """The gap of a row; empty if it was deleted since the rows were read."""
        number = row // PAGE
        if number not in self._pages:
            self._pages[number] = self._read_page(number)
            if len(self._pages) > PAGES_KEPT:
                self._pages.popitem(last=False)
        return self._pages[number][row % PAGE]

    def _read_page(self, number: int) -> list[dict[str, Any]]:
        rows = self._rows[number * PAGE : (number + 1) * PAGE]
        marks = ", ".join("?" * len(rows))
        statement = " ".join(("SELECT rowid,", ", ".join(READ), "FROM gaps WHERE rowid IN (", marks, ")"))
        records = {
            record[0]: dict(zip(READ, record[1:]))
            for record in self._store.connection.execute(statement, list(rows))
        }
        return [records.get(row, {}) for row in rows]
