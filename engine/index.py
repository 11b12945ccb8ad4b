"""Finds rows of a whole city by place and by key, edits laid over them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from functools import lru_cache

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from ..model.roles import OBJECT_LAYERS
from .city import City, usable
from .context import Context
from .findings import anchor_places


class Keys:
    """Rows of a column by their value; two values of one hash pass for one: rows may be too many."""

    def __init__(self, column: pd.Series) -> None:
        rows = np.flatnonzero(column.notna().to_numpy())
        hashes = _hashes(column.iloc[rows])
        order = np.argsort(hashes, kind="stable")
        self._rows, self._hashes = rows[order], hashes[order]

    def rows(self, keys: pd.Series) -> np.ndarray:
        """Rows that hold one of the keys, shape (n,)."""
        wanted = np.unique(_hashes(keys.dropna()))
        first = np.searchsorted(self._hashes, wanted, side="left")
        last = np.searchsorted(self._hashes, wanted, side="right")
        number = last - first
        start = np.repeat(first - (np.cumsum(number) - number), number)
        return self._rows[start + np.arange(len(start))]


def _hashes(column: pd.Series) -> np.ndarray:
    return pd.util.hash_array(column.astype(object).to_numpy(), categorize=False)


class CityIndex:
    """The rows of a whole city and the edits made since it was read.

    Rows are numbered as in the city's tables; rows that edits brought follow those of the table.
    Edits lie beside the tables, because changing a column of millions would copy it.
    """

    def __init__(self, context: Context) -> None:
        self._city = context.city
        self._fresh: dict[str, gpd.GeoDataFrame] = {}
        self._dead: dict[str, np.ndarray] = {}
        self._bounds = lru_cache(maxsize=None)(self._make_bounds)
        self._tree = lru_cache(maxsize=None)(self._make_tree)
        self._keys = lru_cache(maxsize=None)(self._make_keys)

    def _make_bounds(self, role: str) -> np.ndarray:
        return _bounds(self._city.table(role))

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
            places = np.concatenate([places, anchor_places(_bounds(self._fresh[role]))])
        return places

    def bounds_of(self, role: str, rows: np.ndarray) -> np.ndarray:
        """West, south, east, north of rows, NaN without a place, shape (n, 4)."""
        first = len(self._city.table(role))
        old = self._bounds(role)[rows[rows < first]]
        if role not in self._fresh:
            return old
        return np.concatenate([old, _bounds(self._fresh[role].iloc[rows[rows >= first] - first])])

    def take(self, role: str, rows: np.ndarray) -> gpd.GeoDataFrame:
        """A table of rows, as `City.tables` holds them."""
        table = self._city.table(role)
        part = table.iloc[rows[rows < len(table)]]
        if role in self._fresh:
            fresh = self._fresh[role].iloc[rows[rows >= len(table)] - len(table)]
            part = part if not len(fresh) else fresh if not len(part) else pd.concat([part, fresh])
        return part.reset_index(drop=True)

    def meeting(self, role: str, frames: np.ndarray) -> np.ndarray:
        """Rows whose bounds meet some frame (west, south, east, north; shape (f, 4)), sorted."""
        rows, tree = self._tree(role)
        boxes = shapely.box(frames[:, 0], frames[:, 1], frames[:, 2], frames[:, 3])
        found = [self._alive(role, rows[tree.query(boxes)[1]])]
        if role in self._fresh:
            new = shapely.STRtree(self._fresh[role].geometry.to_numpy()).query(boxes)[1]
            found.append(len(self._city.table(role)) + new)
        return np.unique(np.concatenate(found))

    def sharing(self, role: str, columns: Collection[str], keys: pd.Series) -> np.ndarray:
        """Rows of a role that hold one of the keys in one of the columns, sorted."""
        found = [self._alive(role, self._keys(role, column).rows(keys)) for column in columns]
        if role in self._fresh:
            first = len(self._city.table(role))
            found += [first + Keys(self._fresh[role][column]).rows(keys) for column in columns]
        return np.unique(np.concatenate(found))

    def _alive(self, role: str, rows: np.ndarray) -> np.ndarray:
        return np.setdiff1d(rows, self._dead[role]) if role in self._dead else rows

    def replace(self, role: str, rows: gpd.GeoDataFrame, gone: pd.Series) -> np.ndarray:
        """Lay edited rows over those of the same id, and take away those of the ids in `gone`.

        Returns
        -------
        ndarray of float64, shape (f, 4)
            Bounds of all that was edited, as it was and as it is.
        """
        ids = pd.concat([rows["id"], gone])
        before = self.bounds_of(role, self.sharing(role, ("id",), ids))
        dead = self._keys(role, "id").rows(ids)
        self._dead[role] = np.union1d(self._dead.get(role, np.array([], dtype="int64")), dead)
        kept = self._fresh.get(role)
        kept = rows if kept is None else pd.concat([kept[~kept["id"].isin(ids)], rows])
        self._fresh[role] = kept.reset_index(drop=True)
        return np.concatenate([before, _bounds(rows)])

    def city(self) -> City:
        """The city with its edits."""
        tables = dict(self._city.tables)
        for role, fresh in self._fresh.items():
            alive = np.setdiff1d(np.arange(len(tables[role])), self._dead[role])
            tables[role] = self.take(role, np.concatenate([alive, len(tables[role]) + np.arange(len(fresh))]))
        return replace(self._city, tables=tables)


def _bounds(table: gpd.GeoDataFrame) -> np.ndarray:
    bounds = shapely.bounds(table.geometry.to_numpy())
    bounds[~usable(table.geometry)] = np.nan
    return np.asarray(bounds)


def names_of(tables: dict[str, gpd.GeoDataFrame]) -> pd.Series:
    """How records may name the objects of tables: by id and by ``role:id``."""
    names: list[pd.Series] = []
    for role in OBJECT_LAYERS:
        if role in tables:
            ids = tables[role]["id"].dropna()
            names += [ids, f"{role}:" + ids]
    return pd.concat(names) if names else pd.Series(dtype=object)
