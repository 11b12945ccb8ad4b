"""Finds rows of a whole city by place and by key, edits laid over them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from .city import City, usable
from .conditions import Subject
from .context import Context
from .findings import anchor_places
from .plausibility import Failure, failures_at, joined_failures


class Keys:
    """Rows of a column by the hash of their value; two values of one hash pass for one: rows may be too many.

    Attributes
    ----------
    hashes : ndarray of uint64, shape (n,)
        Of each row; that of a null finds no row.
    """

    def __init__(self, column: pd.Series) -> None:
        self.hashes = hashes_of(column)
        rows = np.flatnonzero(column.notna().to_numpy())
        self._rows = rows[np.argsort(self.hashes[rows], kind="stable")]
        self._sorted = self.hashes[self._rows]

    def rows(self, wanted: np.ndarray) -> np.ndarray:
        """Rows that hold a key of one of some hashes (sorted), shape (n,)."""
        first = np.searchsorted(self._sorted, wanted, side="left")
        last = np.searchsorted(self._sorted, wanted, side="right")
        number = last - first
        start = np.repeat(first - (np.cumsum(number) - number), number)
        return self._rows[start + np.arange(len(start))]


def hashes_of(column: pd.Series) -> np.ndarray:
    """Hash of each value, shape (n,)."""
    return pd.util.hash_array(column.to_numpy(dtype=object), categorize=False)


@dataclass(frozen=True)
class _Fresh:
    """Rows of a role that edits brought: as recorded and as rules read them."""

    table: gpd.GeoDataFrame
    subject: Subject
    failures: tuple[Failure, ...]

    @cached_property
    def bounds(self) -> np.ndarray:
        return bounds_of_table(self.table)

    @cached_property
    def _keys(self) -> dict[str, Keys]:
        return {}

    def keys(self, column: str) -> Keys:
        if column not in self._keys:
            self._keys[column] = Keys(self.table[column])
        return self._keys[column]

    def over(self, older: _Fresh, ids: pd.Series) -> _Fresh:
        """These rows after the older ones of other ids than `ids`."""
        kept = np.flatnonzero(~older.table["id"].isin(ids).to_numpy(dtype=bool))
        table = pd.concat([older.table.iloc[kept], self.table], ignore_index=True)
        failures = failures_at(older.failures, kept), len(kept), self.failures, len(self.table)
        return _Fresh(table, older.subject.take(kept).followed_by(self.subject), joined_failures(*failures))


class CityIndex:
    """The rows of a whole city and the edits made since it was read.

    Rows are numbered as in the city's tables; rows that edits brought follow those of the table.
    Edits lie beside the tables, because changing a column of millions would copy it.
    """

    def __init__(self, context: Context) -> None:
        self._city = context.city
        self._fresh: dict[str, _Fresh] = {}
        self._dead: dict[str, np.ndarray] = {}
        self._bounds = lru_cache(maxsize=None)(self._make_bounds)
        self._tree = lru_cache(maxsize=None)(self._make_tree)
        self._keys = lru_cache(maxsize=None)(self._make_keys)
        self._source_names = lru_cache(maxsize=None)(lambda role: source_names(self._city.table(role)))

    def _make_bounds(self, role: str) -> np.ndarray:
        return bounds_of_table(self._city.table(role))

    def _make_tree(self, role: str) -> tuple[np.ndarray, shapely.STRtree]:
        rows = np.flatnonzero(np.isfinite(self._bounds(role)).all(axis=1))
        return rows, shapely.STRtree(self._city.table(role).geometry.to_numpy()[rows])

    def _make_keys(self, role: str, column: str) -> Keys:
        return Keys(self._city.table(role)[column])

    def anchors(self, role: str) -> np.ndarray:
        """Anchor of each row, as `anchor_places` has it, NaN without a place, shape (n, 2).

        A row that an edit replaced or deleted has none.
        """
        places = anchor_places(self._bounds(role))
        if role in self._dead:
            places[self._dead[role]] = np.nan
        if role in self._fresh:
            places = np.concatenate([places, anchor_places(self._fresh[role].bounds)])
        return places

    def bounds_of(self, role: str, rows: np.ndarray) -> np.ndarray:
        """West, south, east, north of rows, NaN without a place, shape (n, 4)."""
        old, fresh = self._parted(role, rows)
        bounds = self._bounds(role)[old]
        return np.concatenate([bounds, self._fresh[role].bounds[fresh]]) if len(fresh) else bounds

    def take(self, role: str, rows: np.ndarray) -> gpd.GeoDataFrame:
        """A table of rows (sorted), as `City.tables` holds them."""
        old, fresh = self._parted(role, rows)
        part = self._city.table(role).iloc[old]
        if len(fresh):
            part = pd.concat([part, self._fresh[role].table.iloc[fresh]])
        part.index = pd.RangeIndex(len(part))
        return part

    def column(self, role: str, name: str, rows: np.ndarray) -> pd.Series:
        """A column of rows (sorted)."""
        old, fresh = self._parted(role, rows)
        part = self._city.table(role)[name].iloc[old]
        return pd.concat([part, self._fresh[role].table[name].iloc[fresh]]) if len(fresh) else part

    def subject(self, context: Context, role: str, rows: np.ndarray) -> Subject:
        """Rows (sorted) as rules read them, by what a context of the whole city knows and by the edits."""
        old, fresh = self._parted(role, rows)
        part = context.whole.subject(role).take(old)
        return part.followed_by(self._fresh[role].subject.take(fresh)) if len(fresh) else part

    def failures(self, context: Context, role: str, rows: np.ndarray) -> tuple[Failure, ...]:
        """Values of rows (sorted) that can't be right, as `subject`."""
        old, fresh = self._parted(role, rows)
        part = failures_at(context.whole.value_failures(role), old)
        if not len(fresh):
            return part
        return joined_failures(part, len(old), failures_at(self._fresh[role].failures, fresh), len(fresh))

    def source_names(self, role: str) -> frozenset[str]:
        """Names of the sources of a role's records."""
        names = self._source_names(role)
        return names | source_names(self._fresh[role].table) if role in self._fresh else names

    def _parted(self, role: str, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rows of the city's table, and of those that edits brought."""
        first = len(self._city.table(role))
        at = np.searchsorted(rows, first)
        return rows[:at], rows[at:] - first

    def meeting(self, role: str, frames: np.ndarray) -> np.ndarray:
        """Rows whose bounds meet some frame (west, south, east, north; shape (f, 4)), sorted."""
        rows, tree = self._tree(role)
        boxes = shapely.box(frames[:, 0], frames[:, 1], frames[:, 2], frames[:, 3])
        found = [self._alive(role, rows[tree.query(boxes)[1]])]
        if role in self._fresh:
            found.append(len(self._city.table(role)) + _meeting(self._fresh[role].bounds, frames))
        return np.unique(np.concatenate(found))

    def chosen(self, role: str, rows: np.ndarray, wanted: np.ndarray) -> np.ndarray:
        """Those of some rows (sorted) that are wanted (mask of the table), and all that edits brought."""
        old, fresh = self._parted(role, rows)
        return np.concatenate([old[wanted[old]], fresh + len(wanted)])

    def hashes(self, role: str, column: str, rows: np.ndarray) -> np.ndarray:
        """Hash of what rows (sorted) hold in a column, as `hashes_of` gives it."""
        old, fresh = self._parted(role, rows)
        found = self._keys(role, column).hashes[old]
        return np.append(found, self._fresh[role].keys(column).hashes[fresh]) if len(fresh) else found

    def sharing(self, role: str, columns: Collection[str], keys: np.ndarray) -> np.ndarray:
        """Rows of a role that hold a key of one of some hashes in one of the columns, sorted."""
        wanted = np.unique(keys)
        found = [self._alive(role, self._keys(role, column).rows(wanted)) for column in columns]
        if role in self._fresh:
            first = len(self._city.table(role))
            found += [first + self._fresh[role].keys(column).rows(wanted) for column in columns]
        return np.unique(np.concatenate(found))

    def _alive(self, role: str, rows: np.ndarray) -> np.ndarray:
        return np.setdiff1d(rows, self._dead[role]) if role in self._dead else rows

    def replace(self, role: str, rows: gpd.GeoDataFrame, judge: Context, gone: pd.Series) -> None:
        """Lay edited rows over those of the same id, and take away those of the ids in `gone`.

        Parameters
        ----------
        judge : Context
            Of these rows of the role and of what tells how they are to be read.
        """
        ids = pd.concat([rows["id"], gone])
        dead = self._keys(role, "id").rows(np.unique(hashes_of(ids)))
        self._dead[role] = np.union1d(self._dead.get(role, np.array([], dtype="int64")), dead)
        fresh = _Fresh(rows.reset_index(drop=True), judge.subject(role), judge.value_failures(role))
        self._fresh[role] = fresh.over(self._fresh[role], ids) if role in self._fresh else fresh

    def city(self) -> City:
        """The city with its edits."""
        tables = dict(self._city.tables)
        for role, fresh in self._fresh.items():
            alive = np.setdiff1d(np.arange(len(tables[role])), self._dead[role])
            rows = len(tables[role]) + np.arange(len(fresh.table))
            tables[role] = self.take(role, np.concatenate([alive, rows]))
        return replace(self._city, tables=tables)


@dataclass(frozen=True)
class KnownRows:
    """What is known of rows of a whole city (`context.Known`): by a look at all of it, and by the edits."""

    index: CityIndex
    whole: Context
    rows: Mapping[str, np.ndarray]

    def subject(self, role: str) -> Subject:
        """The rows of a role as rules read them."""
        if role not in self.rows:
            return self.whole.subject(role)
        return self.index.subject(self.whole, role, self.rows[role])

    def failures(self, role: str) -> tuple[Failure, ...]:
        """Their values that can't be right."""
        if role not in self.rows:
            return self.whole.value_failures(role)
        return self.index.failures(self.whole, role, self.rows[role])


def source_names(table: pd.DataFrame) -> frozenset[str]:
    """Names of the sources of the records of a table."""
    return frozenset(table["source_name"].dropna().unique().tolist())


def _meeting(bounds: np.ndarray, frames: np.ndarray) -> np.ndarray:
    """Which bounds meet some frame, shape (n, 4) and (f, 4)."""
    low, high = bounds[:, None, :2], bounds[:, None, 2:]
    apart = (low > frames[None, :, 2:]) | (high < frames[None, :, :2])
    # What has no place has bounds of NaN, and meets nothing.
    return np.flatnonzero(np.any(~apart.any(axis=2) & np.isfinite(low).all(axis=2), axis=1))


def bounds_of_table(table: gpd.GeoDataFrame) -> np.ndarray:
    """West, south, east, north of each row, NaN without a usable place, shape (n, 4)."""
    bounds = shapely.bounds(table.geometry.to_numpy()).reshape(-1, 4)
    bounds[~usable(table.geometry)] = np.nan
    return np.asarray(bounds)
