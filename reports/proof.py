"""Compares what another program reads from a shapefile with what was meant."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Optional

from .writer import Crs, Engine, ReadBack

NAMED_DIFFERENCES = 100
"""So many differences are named one by one; the rest is counted."""


class Meant(NamedTuple):
    """A shapefile as it was meant: its rows in the order of `names`."""

    path: Path
    geometry: str
    names: Sequence[str]
    rows: Sequence[Sequence[Any]]
    shapes: Sequence[Any]
    crs: Crs


class Proof:
    """Adds up the read-back of several files.

    Attributes
    ----------
    rows, values, differing : int
        Rows and values read, and how many were not as meant.
    differences : list of dict
        The first `NAMED_DIFFERENCES`: file, row (gap_id), column, meant, read.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.rows = self.values = self.differing = 0
        self.differences: list[dict[str, Any]] = []

    def compare(self, meant: Meant) -> ReadBack:
        """Read a file afresh and compare every row, every column and every geometry."""
        read = self.engine.read(meant.path)
        count = len(read.shapes)
        self._same(meant, "geometry type", meant.geometry, read.geometry)
        self._same(meant, "columns", list(meant.names), list(read.columns))
        self._same(meant, "rows", len(meant.rows), count)
        if read.epsg is not None:
            self._same(meant, "crs", meant.crs.epsg, read.epsg)
        for index, name in enumerate(meant.names):
            for row, value in zip(meant.rows, read.columns.get(name, ())):
                if row[index] != value and not (row[index] in (None, "") and value in (None, "")):
                    self._differs(meant, name, row[index], value, row[0])
        for place in self.engine.unequal(meant.shapes[:count], read.shapes[: len(meant.shapes)]):
            row = meant.rows[place][0]
            self._differs(
                meant, "geometry", str(meant.shapes[place])[:200], str(read.shapes[place])[:200], row
            )
        self.rows += count
        self.values += count * (len(read.columns) + 1)
        return read

    def compare_table(
        self, path: Path, meant: Sequence[Sequence[str]], read: Sequence[Sequence[str]]
    ) -> None:
        """Compare the rows of a CSV file."""
        for place, row in enumerate(meant):
            got = list(read[place]) if place < len(read) else None
            if got != list(row):
                self._note(path, "row", list(row), got, row[0])
        if len(read) > len(meant):
            self._note(path, "rows", len(meant), len(read), None)
        self.rows += len(read)
        self.values += sum(map(len, read))

    def as_dict(self) -> dict[str, Any]:
        """The proof as ``report.json`` holds it."""
        return {
            "reader": self.engine.versions()["reader"],
            "rows": self.rows,
            "values": self.values,
            "equal": not self.differing,
            "differences_count": self.differing,
            "differences": self.differences,
        }

    def _same(self, meant: Meant, what: str, wanted: Any, got: Any) -> None:
        if wanted != got:
            self._differs(meant, what, wanted, got, None)

    def _differs(self, meant: Meant, column: str, wanted: Any, got: Any, row: Optional[str]) -> None:
        self._note(meant.path, column, wanted, got, row)

    def _note(self, path: Path, column: str, wanted: Any, got: Any, row: Optional[str]) -> None:
        self.differing += 1
        if len(self.differences) < NAMED_DIFFERENCES:
            named = {"file": path.name, "row": row, "column": column, "meant": wanted, "read": got}
            self.differences.append(named)
