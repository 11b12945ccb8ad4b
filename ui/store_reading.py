"""Reading a store beside the window, for what takes long in a large one."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from qgis.core import QgsTask
from qgis.PyQt.QtCore import pyqtSignal

CHUNK = 20_000

Statement = tuple[str, list[Any]]
"""SQL and its parameters."""


class StoreReadTask(QgsTask):
    """Reads the rows of a statement in a thread, through a connection of its own that only reads.

    Parameters
    ----------
    path : Path
        The store.
    statement : Statement
    title : str
        What the task manager shows.
    """

    found = pyqtSignal(object)
    """The rows, as a list of tuples; a subclass may gather them otherwise."""
    failed = pyqtSignal(str)

    def __init__(self, path: Path, statement: Statement, title: str) -> None:
        super().__init__(title, QgsTask.Flag.CanCancel)
        self._uri = path.resolve().as_uri() + "?mode=ro"
        self._statement = statement
        self._rows: Any = []
        self._error = ""

    def run(self) -> bool:
        """Read in the task's thread; False if it failed or was cancelled."""
        try:
            connection = sqlite3.connect(self._uri, uri=True)
            try:
                return self._read(connection.execute(*self._statement))
            finally:
                connection.close()
        except sqlite3.Error as error:
            self._error = str(error)
            return False

    def take(self, chunk: list[tuple[Any, ...]]) -> None:
        """Gather some rows."""
        self._rows.extend(chunk)

    def finished(self, ok: bool) -> None:
        """Say on the main thread what came out; silent when cancelled."""
        if ok:
            self.found.emit(self._rows)
        elif not self.isCanceled():
            self.failed.emit(self._error)

    def _read(self, cursor: sqlite3.Cursor) -> bool:
        while not self.isCanceled():
            chunk = cursor.fetchmany(CHUNK)
            if not chunk:
                return True
            self.take(chunk)
        return False
