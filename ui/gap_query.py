"""The rows of the gap list, read beside the window."""

from __future__ import annotations

import sqlite3
from array import array
from pathlib import Path
from typing import NamedTuple, Optional

from qgis.core import QgsTask
from qgis.PyQt.QtCore import pyqtSignal

from ..store.where import parse_where
from .gap_filter import SORT_KEYS

CHUNK = 20_000


class GapQuery(NamedTuple):
    """An expression (empty: all), the column of the list to sort by, and the direction."""

    where: str
    column: int
    descending: bool

    def sql(self) -> tuple[str, list[object]]:
        """Statement and parameters that give the row numbers in order.

        Raises
        ------
        CityGapError
            ``bad_where``.
        """
        condition, values = parse_where(self.where) if self.where else ("1", [])
        order = SORT_KEYS[self.column] + (" DESC" if self.descending else "")
        parts = ("SELECT rowid FROM gaps WHERE", condition, "ORDER BY", order, ", gap_id")
        return " ".join(parts), list(values)


class GapQueryTask(QgsTask):
    """Reads the row numbers a query gives, in their order.

    A task, as sorting a million rows takes seconds; it has a connection of its own, which only reads.
    """

    found = pyqtSignal(object)
    """array of 64-bit row numbers."""
    failed = pyqtSignal(str)

    def __init__(self, path: Path, query: GapQuery, title: str) -> None:
        super().__init__(title, QgsTask.Flag.CanCancel)
        self._uri = path.resolve().as_uri() + "?mode=ro"
        self._statement = query.sql()
        self._connection: Optional[sqlite3.Connection] = None
        self._rows = array("q")
        self._error = ""

    def run(self) -> bool:
        """Read in the task's thread; False if it failed or was cancelled."""
        try:
            self._connection = sqlite3.connect(self._uri, uri=True, check_same_thread=False)
            try:
                return self._read(self._connection.execute(*self._statement))
            finally:
                self._connection.close()
        except sqlite3.Error as error:
            self._error = str(error)
            return False

    def _read(self, cursor: sqlite3.Cursor) -> bool:
        while not self.isCanceled():
            chunk = cursor.fetchmany(CHUNK)
            if not chunk:
                return True
            self._rows.extend(row for (row,) in chunk)
        return False

    def finished(self, ok: bool) -> None:
        """Say on the main thread what came out; silent when cancelled."""
        if ok:
            self.found.emit(self._rows)
        elif not self.isCanceled():
            self.failed.emit(self._error)
