"""Parts of a city: which objects a run answers for, and what it has to see besides.

One mechanism for a map extent, a unit, the tiles of a run and the neighbourhood of an edit: a part
owns objects, and holds besides, whole and unclipped, everything within reach of their bounds and
the rows joined to them by an id. Law: the findings of any tiling equal those of the whole city.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Optional

import numpy as np
import pandas as pd
import shapely

from ..model.roles import OBJECT_LAYERS
from .city import usable
from .context import Context
from .findings import anchor_places

_SPATIAL = (*OBJECT_LAYERS, "visits", "hotline")
"""Roles of which a part holds some rows; of the others it holds them all."""

SURROUND_M = 50.0
"""How far around an object its own verdict on implausible values may look (a connector: 40 m)."""

Rows = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Own:
    """What a part answers for.

    Attributes
    ----------
    rows : mapping of str to ndarray of int64
        Role to rows of its table.
    cells : ndarray of str, shape (c,)
        Codes of the cells.
    outline : shapely.Geometry, optional
        Outline of a window, city CRS: it owns the anchors in it, those of objects that have gone too.
    """

    rows: Rows
    cells: np.ndarray = field(default_factory=lambda: np.array([], dtype=object))
    outline: Optional[shapely.Geometry] = None


def owns(window: shapely.Geometry) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """The test whether a window owns anchors: half-open for a rectangle, by `intersects` for other outlines.

    Returns
    -------
    callable
        x and y, shape (n,) each, NaN where there is no place, to ndarray of bool, shape (n,).
    """
    if not window.equals(window.envelope):
        shapely.prepare(window)
        return lambda x, y: np.asarray(shapely.intersects_xy(window, x, y))
    west, south, east, north = window.bounds
    return lambda x, y: np.asarray((x >= west) & (x < east) & (y >= south) & (y < north))


class Extents:
    """Where the objects of a whole city lie, and which of its rows share a key. Each part is found once."""

    def __init__(self, context: Context) -> None:
        self._city = context.city
        self.bounds = lru_cache(maxsize=None)(self._bounds)
        self._tree = lru_cache(maxsize=None)(self._make_tree)
        self._keys = lru_cache(maxsize=None)(self._make_keys)

    def _bounds(self, role: str) -> np.ndarray:
        """West, south, east, north of each row, NaN without a place, shape (n, 4)."""
        geometry = self._city.table(role).geometry
        bounds = shapely.bounds(geometry.to_numpy())
        bounds[~usable(geometry)] = np.nan
        return np.asarray(bounds)

    def anchors(self, role: str) -> np.ndarray:
        """Anchor of each row (centre of its bounds, floored to millimetres), shape (n, 2)."""
        return anchor_places(self.bounds(role))

    def _make_tree(self, role: str) -> tuple[np.ndarray, shapely.STRtree]:
        rows = np.flatnonzero(np.isfinite(self.bounds(role)).all(axis=1))
        return rows, shapely.STRtree(self._city.table(role).geometry.to_numpy()[rows])

    def meeting(self, role: str, frames: np.ndarray) -> np.ndarray:
        """Rows whose bounds meet some frame (west, south, east, north; shape (f, 4)), sorted."""
        rows, tree = self._tree(role)
        boxes = shapely.box(frames[:, 0], frames[:, 1], frames[:, 2], frames[:, 3])
        return np.unique(rows[tree.query(boxes)[1]])

    def _make_keys(self, role: str, column: str) -> Keys:
        return Keys(self._city.table(role)[column])

    def sharing(self, role: str, columns: tuple[str, ...], keys: pd.Series) -> np.ndarray:
        """Rows of a role that hold one of the keys in one of the columns, sorted."""
        found = [self._keys(role, column).rows(keys) for column in columns]
        return np.unique(np.concatenate(found))


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


def within(context: Context, outline: shapely.Geometry) -> Own:
    """What a window owns: the objects whose anchor, and the cells whose centre, lies in it."""
    extents = context.once(Extents)
    owned = owns(outline)
    rows = {}
    for role in OBJECT_LAYERS:
        x, y = extents.anchors(role).T
        rows[role] = np.flatnonzero(owned(x, y))
    codes, outlines = context.grid.cells_in(np.array(outline.bounds))
    centres = anchor_places(shapely.bounds(outlines))
    return Own(rows, codes[owned(*centres.T)], outline)


def around(context: Context, touched: Rows, frames: np.ndarray, reach_m: float) -> Own:
    """What an edit may alter: the objects within reach of what it touched, and the cells it lies in.

    Parameters
    ----------
    touched : mapping
        Role to rows that were edited, as they are now.
    frames : ndarray of float64, shape (f, 4)
        Bounds of the edited objects, as they were and as they are.
    """
    extents = context.once(Extents)
    near = {role: extents.meeting(role, _grown(frames, reach_m)) for role in OBJECT_LAYERS}
    mine = _joined(context, {role: _union(near[role], touched.get(role)) for role in OBJECT_LAYERS})
    named = _objects_of(context, touched)
    rows = {role: _union(mine[role], named.get(role)) for role in OBJECT_LAYERS}
    cells = [context.grid.cells_in(frame)[0] for frame in _grown(frames, reach_m)]
    return Own(rows, np.unique(np.concatenate(cells)) if cells else np.array([], dtype=object))


def part_of(context: Context, own: Own, reach_m: float) -> Context:
    """The part of a city that a run needs to answer for what it owns.

    Parameters
    ----------
    context : Context
        Of the whole city.
    reach_m : float
        The largest reach of the rules that will run, metres.
    """
    context = context.whole
    extents = context.once(Extents)
    near = _joined(context, own.rows)
    frames = _grown(_frames(context, near, own), reach_m + SURROUND_M)
    rows = {role: _union(extents.meeting(role, frames), near.get(role)) for role in _SPATIAL}
    rows = _joined(context, rows)
    tables = dict(context.city.tables)
    for role in _SPATIAL:
        if role in tables:
            tables[role] = tables[role].iloc[rows[role]].reset_index(drop=True)
    ids = _names(tables)
    for role in ("visits", "repairs"):
        if role in tables:
            joined = extents.sharing(role, ("object_id",), ids)
            kept = _union(joined, rows.get(role))
            tables[role] = context.city.tables[role].iloc[kept].reset_index(drop=True)
    return context.part(replace(context.city, tables=tables), own.cells)


def _frames(context: Context, rows: Rows, own: Own) -> np.ndarray:
    """Bounds of all that is owned; what lies in a window's own bounds is one frame."""
    extents = context.once(Extents)
    frames = [extents.bounds(role)[mine] for role, mine in rows.items()]
    if len(own.cells):
        frames.append(shapely.bounds(context.grid.outlines(list(own.cells))))
    every = np.concatenate(frames) if frames else np.zeros((0, 4))
    every = every[np.isfinite(every).all(axis=1)]
    if own.outline is None:
        return every
    west, south, east, north = own.outline.bounds
    outside = (every[:, 0] < west) | (every[:, 1] < south) | (every[:, 2] > east) | (every[:, 3] > north)
    return np.concatenate([every[outside], [[west, south, east, north]]])


def _grown(frames: np.ndarray, by: float) -> np.ndarray:
    return np.asarray(frames + np.array([-by, -by, by, by]))


def _joined(context: Context, rows: Rows) -> dict[str, np.ndarray]:
    """The rows, and those that share an id or a node with them."""
    extents = context.once(Extents)
    full = {}
    for role, mine in rows.items():
        table = context.city.table(role)
        columns = ("id", *(("from_node", "to_node") if role == "pipes" else ()))
        found = [mine]
        if role in OBJECT_LAYERS and len(mine):
            found.append(extents.sharing(role, ("id",), table["id"].iloc[mine]))
            for node in columns[1:]:
                found.append(extents.sharing(role, columns[1:], table[node].iloc[mine]))
        full[role] = np.unique(np.concatenate(found)).astype("int64")
    return full


def _objects_of(context: Context, touched: Rows) -> dict[str, np.ndarray]:
    """Objects that edited visits and repairs name."""
    extents = context.once(Extents)
    named = [
        context.city.table(role)["object_id"].iloc[touched[role]]
        for role in ("visits", "repairs")
        if role in touched
    ]
    if not named:
        return {}
    ids = pd.concat(named).dropna()
    bare = ids.str.replace(r"^[a-z_]+:", "", regex=True)
    return {role: extents.sharing(role, ("id",), pd.concat([ids, bare])) for role in OBJECT_LAYERS}


def _names(tables: Mapping[str, pd.DataFrame]) -> pd.Series:
    """How records may name the objects of tables: by id and by ``role:id``."""
    names: list[pd.Series] = []
    for role in OBJECT_LAYERS:
        if role in tables:
            ids = tables[role]["id"].dropna()
            names += [ids, f"{role}:" + ids]
    return pd.concat(names) if names else pd.Series(dtype=object)


def _union(*parts: Optional[np.ndarray]) -> np.ndarray:
    given = [part for part in parts if part is not None]
    return np.unique(np.concatenate(given)).astype("int64") if given else np.array([], dtype="int64")


def owner_names(context: Context, own: Own) -> frozenset[str]:
    """``role:id`` of everything owned, cells too."""
    names: list[Iterable[str]] = [[f"cell:{code}" for code in own.cells]]
    for role, rows in own.rows.items():
        names.append(f"{role}:" + context.city.table(role)["id"].iloc[rows].dropna().astype(object))
    return frozenset(name for part in names for name in part)
