"""Which gaps the list shows, and in which order."""

from __future__ import annotations

from array import array
from pathlib import Path
from typing import Any, NamedTuple

from ..store.where import parse_where
from .gap_filter import SORT_KEYS
from .store_reading import Statement, StoreReadTask


class GapQuery(NamedTuple):
    """An expression (empty: all), the column of the list to sort by, and the direction."""

    where: str
    column: int
    descending: bool

    def statement(self) -> Statement:
        """What gives the row numbers in order.

        Raises
        ------
        CityGapError
            ``bad_where``.
        """
        condition, values = parse_where(self.where)
        order = SORT_KEYS[self.column] + (" DESC" if self.descending else "")
        parts = ("SELECT rowid FROM gaps WHERE", condition, "ORDER BY", order, ", gap_id")
        return " ".join(parts), list(values)


class GapQueryTask(StoreReadTask):
    """Reads the row numbers a query gives as an array: eight megabytes for a million."""

    def __init__(self, path: Path, query: GapQuery, title: str) -> None:
        super().__init__(path, query.statement(), title)
        self._rows = array("q")

    def take(self, chunk: list[tuple[Any, ...]]) -> None:
        """Gather row numbers."""
        self._rows.extend(row for (row,) in chunk)
