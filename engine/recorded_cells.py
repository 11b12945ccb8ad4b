"""In which cells something of a class is recorded or was surveyed, edits included."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from .ledger import ROLES, Ledger, ledger, records_in_cells
from .statistic import After, Change, statistic

if TYPE_CHECKING:
    from .context import Context


@dataclass(frozen=True)
class RecordedCells:
    """The ledger of the last look at the whole city, and how many records cells gained or lost since.

    Attributes
    ----------
    book : Ledger
    gained : mapping of (str, str) to int
        Object class and cell code to records more, or fewer, than the ledger has.
    """

    book: Ledger
    gained: Mapping[tuple[str, str], int] = field(default_factory=dict)

    def never_surveyed(self, object_class: str, codes: np.ndarray) -> np.ndarray:
        """Whether nobody looked for a class in each cell and nothing of it is recorded there.

        Returns
        -------
        ndarray of bool, shape (n,); False where the code is None
        """
        at = self.book.place.get_indexer(pd.Index(codes, dtype=object))
        known = self.book.classes.get(object_class)
        never = pd.notna(codes) & ~np.isin(at, [] if known is None else known.cell)
        met = set(codes)
        for name, code in self.gained:
            if name == object_class and code in met:
                never[codes == code] = self._is_never(name, code)
        return np.asarray(never)

    def _is_never(self, object_class: str, code: str) -> bool:
        known = self.book.classes.get(object_class)
        records = self.gained.get((object_class, code), 0)
        if known is None:
            return records == 0
        cell = self.book.place.get_indexer([code])[0]
        place = np.searchsorted(known.cell, cell)
        if place == len(known.cell) or known.cell[place] != cell:
            return records == 0
        looked = known.covered[place] >= self.book.min_cover
        return bool(known.records[place] + records == 0 and not looked)

    def after(self, gained: Mapping[tuple[str, str], int]) -> RecordedCells:
        """With further records gained."""
        every = {pair: self.gained.get(pair, 0) + gained.get(pair, 0) for pair in {*self.gained, *gained}}
        return RecordedCells(self.book, {pair: count for pair, count in every.items() if count})

    def flipped(self, other: RecordedCells) -> list[str]:
        """Codes of cells that are never surveyed for a class in one of two only."""
        pairs = {pair for pair, count in self.gained.items() ^ other.gained.items()}
        return sorted(
            {code for name, code in pairs if self._is_never(name, code) != other._is_never(name, code)}
        )


def _carry(cells: RecordedCells, change: Change) -> After[RecordedCells]:
    was, now = (records_in_cells(change.role, rows) for rows in (change.was, change.now))
    if was == now:
        return After(cells)
    after = cells.after({pair: now.get(pair, 0) - was.get(pair, 0) for pair in {*was, *now}})
    grid = change.was.whole.grid
    return After(after, shapely.bounds(grid.outlines(cells.flipped(after))))


@statistic(*ROLES, carry=_carry)
def recorded_cells(context: Context) -> RecordedCells:
    """By the ledger of a whole city."""
    return RecordedCells(context.once(ledger))
