"""How many people each cell stands for: what severity and shares are weighed by."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Optional

import numpy as np
import pandas as pd
import shapely

from .classes import is_home_use
from .statistic import After, Change, statistic
from .units import ALL_LEVELS, Units

if TYPE_CHECKING:
    from .context import Context

_PARTS = 1024
"""People and square metres are counted in whole parts of this size: no order of adding matters."""

_NOBODY = pd.Series(dtype="float64")


@dataclass(frozen=True)
class CellWeights:
    """Weight of each cell (indicators 9): residents + 0.5 x residents of 60 or more.

    Attributes
    ----------
    pairs : MultiIndex
        Units (label of `Units.rows`, -1: none) and cell codes, each pair once.
    amount : ndarray of int64, shape (p,)
        Residents, or the residential floor area among which the people of the unit are shared out; in
        1/1024.
    people : Series of float64
        Of the units whose people are shared out, by label; empty where residents are known.
    """

    pairs: pd.MultiIndex
    amount: np.ndarray
    people: pd.Series

    @cached_property
    def by_cell(self) -> pd.Series:
        """Weight by cell code, float64."""
        amount = self.amount / _PARTS
        if len(self.people):
            units, unit = self.pairs.levels[0], self.pairs.codes[0]
            total = np.bincount(unit, amount, minlength=len(units))[unit]
            share = np.divide(amount, total, out=np.zeros(len(amount)), where=total > 0)
            amount = share * np.nan_to_num(self.people.reindex(units).to_numpy())[unit]
        cells, cell = self.pairs.levels[1], self.pairs.codes[1]
        return pd.Series(np.bincount(cell, amount, minlength=len(cells)), index=cells)

    @cached_property
    def _heavy(self) -> np.ndarray:
        weights = self.by_cell.to_numpy()
        some = weights > 0
        return weights > np.quantile(weights[some], 0.75) if some.any() else some

    @property
    def heavy(self) -> frozenset[str]:
        """Codes of the cells whose weight is above the third quartile of those that have any."""
        return frozenset(self.by_cell.index[self._heavy])

    def is_heavy(self, codes: np.ndarray) -> np.ndarray:
        """Whether each cell code is one of the heavy ones, shape (n,)."""
        at = self.by_cell.index.get_indexer(pd.Index(codes, dtype=object))
        return np.append(self._heavy, False)[at]

    def replaced(self, was: CellWeights, now: CellWeights) -> CellWeights:
        """Weights after some homes were replaced by others."""
        pairs = self.pairs
        new = now.pairs.difference(pairs)
        if len(new):
            pairs = pairs.append(new).remove_unused_levels()
        amount = np.append(self.amount, np.zeros(len(new), dtype="int64"))
        for part, sign in ((was, -1), (now, 1)):
            amount[pairs.get_indexer(part.pairs)] += sign * part.amount
        return CellWeights(pairs, amount, self.people)

    def flipped(self, other: CellWeights) -> np.ndarray:
        """Codes of the cells that are heavy in one of two only, shape (k,)."""
        if self.by_cell.index is other.by_cell.index:
            return self.by_cell.index[self._heavy != other._heavy].to_numpy(dtype=object)
        return np.array(sorted(self.heavy ^ other.heavy), dtype=object)


def _carry(weights: CellWeights, change: Change) -> After[CellWeights]:
    city = change.was.whole
    if city.units.of_level("cell")["population"].notna().any():
        return After(weights)
    known = not len(weights.people)
    was, now = (_of_homes(rows, known) for rows in (change.was, change.now))
    after = weights.replaced(was, now)
    return After(after, shapely.bounds(city.grid.outlines(weights.flipped(after).tolist())))


@statistic("housing", carry=_carry)
def cell_weights(context: Context) -> CellWeights:
    """Of cell units, else of housing's residents, else split by floor area."""
    cells = context.units.of_level("cell")
    if cells["population"].notna().any():
        return _summed(np.full(len(cells), -1), cells["code"], unit_people(cells, context), _NOBODY)
    known = bool(context.city.table("housing")["residents"].notna().any())
    return _of_homes(context, known)


def _of_homes(context: Context, known: bool) -> CellWeights:
    """Weights by the homes of a context, by their residents if those are `known`."""
    housing, units = context.city.table("housing"), context.units
    cell = context.grid.codes_at(context.places("housing"))
    level = _level_with_people(units)
    if known or level is None:
        return _summed(np.full(len(housing), -1), cell, housing["residents"], _NOBODY)
    unit = units.holding(context.points("housing"), level)
    held = unit >= 0
    people = unit_people(units.of_level(level), context)
    return _summed(unit[held], cell[held], _floor_area(housing)[held], people)


def _summed(unit: np.ndarray, cell: np.ndarray, amount: np.ndarray, people: pd.Series) -> CellWeights:
    parts = np.round(np.nan_to_num(np.asarray(amount, dtype="float64")) * _PARTS).astype("int64")
    sums = pd.Series(parts).groupby([unit, np.asarray(cell, dtype=object)]).sum()
    return CellWeights(sums.index.remove_unused_levels(), sums.to_numpy(), people)


def _level_with_people(units: Units) -> Optional[str]:
    """The smallest level of which some unit states its population; None without any."""
    for level in reversed(ALL_LEVELS[:3]):
        if units.of_level(level)["population"].notna().any():
            return level
    return None


def _floor_area(housing: pd.DataFrame) -> np.ndarray:
    """Floor area of each home, 0 for other uses, square metres: as recorded, else outline x floors."""
    area = housing["floor_area_m2"].to_numpy(dtype="float64")
    floors = housing["floors"].fillna(1).to_numpy(dtype="float64")
    outline = shapely.area(housing.geometry.to_numpy()) * floors
    return np.asarray(np.nan_to_num(np.where(np.isnan(area), outline, area)) * is_home_use(housing))


def unit_people(units: pd.DataFrame, context: Context) -> pd.Series:
    """Weight of units by their own population, those of 60 or more counted more."""
    elderly = units["residents_60_plus"].fillna(0) * context.number("weight.elderly_factor")
    return units["population"].fillna(0) + elderly
