"""Parts of a city: which objects a run answers for, and what it has to see besides.

One mechanism for a map extent, a unit, the tiles of a run and the neighbourhood of an edit: a part
owns objects, and holds besides, whole and unclipped, everything within reach of their bounds and
the rows joined to them by an id. Law: the findings of any tiling equal those of the whole city.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Optional

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from ..model.roles import OBJECT_LAYERS
from .connectors import surround_m
from .context import Context
from .findings import anchor_places
from .index import CityIndex, names_of
from .statistic import NOWHERE, Change

_SPATIAL = (*OBJECT_LAYERS, "visits", "hotline")
"""Roles of which a part holds some rows; of the others it holds them all."""

_RECORDS = ("visits", "repairs")
"""Roles whose rows name an object."""

CUT = (*_SPATIAL, "repairs")
"""Roles whose edit alters answers near it only."""

_TELL_CONNECTORS = ("pipe_points", "housing")

_NODES = ("from_node", "to_node")

SURROUND_M = 50.0
"""How far around an object its own verdict on implausible values may look (a connector: 40 m)."""

Rows = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Own:
    """What a part answers for.

    Attributes
    ----------
    rows : mapping of str to ndarray of int64
        Role to rows, as `CityIndex` numbers them.
    cells : ndarray of str, shape (c,)
        Codes of the cells.
    outline : shapely.Geometry, optional
        Outline of a window, city CRS: it owns the anchors in it, those of objects that have gone too.
    edited : frozenset of str
        Objects (``role:id``) that an edit touched, those that it deleted too.
    """

    rows: Rows
    cells: np.ndarray = field(default_factory=lambda: np.array([], dtype=object))
    outline: Optional[shapely.Geometry] = None
    edited: frozenset[str] = frozenset()


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


def within(context: Context, outline: shapely.Geometry) -> Own:
    """What a window owns: the objects whose anchor, and the cells whose centre, lies in it."""
    index = context.once(CityIndex)
    owned = owns(outline)
    rows = {role: np.flatnonzero(owned(*index.anchors(role).T)) for role in OBJECT_LAYERS}
    codes, outlines = context.grid.cells_in(np.array(outline.bounds))
    centres = anchor_places(shapely.bounds(outlines))
    return Own(rows, codes[owned(*centres.T)], outline)


@dataclass(frozen=True)
class Edit:
    """What was edited.

    Attributes
    ----------
    role : str
    ids : Series of str
        Of the rows that were changed, added or deleted.
    names : Series of str
        Ids of the objects that these rows name.
    frames : ndarray of float64, shape (f, 4)
        Bounds of the rows, as they were and as they are.
    moved : ndarray of float64, shape (m, 4)
        Bounds of other places whose answers it alters by way of statistics.
    """

    role: str
    ids: pd.Series
    names: pd.Series
    frames: np.ndarray
    moved: np.ndarray = field(default_factory=lambda: NOWHERE)

    def alters(self, roles: tuple[str, ...]) -> bool:
        """Whether it may alter what a rule says that reads these roles.

        Neglected places raise the severity of whatever lies in them; pipe points and buildings tell
        whether a pipe is a connector, and so whether its diameter is plausible.
        """
        return (
            self.role in roles
            or len(self.moved) > 0
            or self.role == "neglected"
            or (self.role in _TELL_CONNECTORS and "pipes" in roles)
        )

    def around(self, context: Context, reach_m: float) -> Own:
        """What it may alter: the objects within reach of it or named by it, and the cells it lies in."""
        index = context.once(CityIndex)
        far = reach_m + _surround_m(context) if self.role in (*_TELL_CONNECTORS, "neglected") else reach_m
        frames = np.concatenate([self.frames, self.moved])
        reached = _grown(frames[np.isfinite(frames).all(axis=1)], far)
        names = pd.concat([self.ids, self.names])
        named = {role: index.sharing(role, ("id",), names) for role in OBJECT_LAYERS}
        near = {role: _union(index.meeting(role, reached), named[role]) for role in OBJECT_LAYERS}
        homes = np.concatenate([reached, *(index.bounds_of(role, rows) for role, rows in named.items())])
        homes = homes[np.isfinite(homes).all(axis=1)]
        cells = [context.grid.cells_in(frame)[0] for frame in homes]
        codes = np.unique(np.concatenate(cells)) if cells else np.array([], dtype=object)
        return Own(_joined(index, near), codes, edited=frozenset(f"{self.role}:" + self.ids.astype(object)))


def lay_over(context: Context, role: str, fresh: gpd.GeoDataFrame, gone: pd.Series) -> Edit:
    """Lay edited rows over a whole city: `fresh` over those of the same id, those of the ids `gone` away.

    The statistics of the context follow, or are moved (`Context.carry`).
    """
    index = context.once(CityIndex)
    context.know(role)
    ids = pd.concat([fresh["id"], gone], ignore_index=True)
    old = index.take(role, index.sharing(role, ("id",), ids))
    frames = index.replace(role, fresh, gone)
    placed = frames[np.isfinite(frames).all(axis=1)]
    cells = [context.grid.cells_in(frame)[0] for frame in placed]
    codes = np.unique(np.concatenate(cells)) if cells else np.array([], dtype=object)
    was, now = (context.part(replace(context.city, tables={role: rows}), codes) for rows in (old, fresh))
    moved = context.carry(Change(role, was, now))
    return Edit(role, ids, _named(role, old, fresh), frames, moved)


def _named(role: str, *tables: pd.DataFrame) -> pd.Series:
    """Ids of the objects that rows name, by id or by ``role:id``."""
    if role not in _RECORDS:
        return pd.Series([], dtype="str")
    objects = pd.concat([table["object_id"] for table in tables]).dropna()
    return pd.concat([objects, objects.str.replace(r"^[a-z_]+:", "", regex=True)])


def _surround_m(context: Context) -> float:
    return max(SURROUND_M, surround_m(context))


def part_of(context: Context, own: Own, reach_m: float) -> Context:
    """The part of a city that a run needs to answer for what it owns.

    Parameters
    ----------
    context : Context
        Of the whole city.
    reach_m : float
        The largest reach of the rules that will run, metres.
    """
    city, index = context.whole.city, context.once(CityIndex)
    near = _joined(index, own.rows)
    frames = _grown(_frames(context, near, own), reach_m + _surround_m(context))
    rows = {role: _union(index.meeting(role, frames), near.get(role)) for role in _SPATIAL}
    rows = _joined(index, rows)
    tables = {
        role: index.take(role, rows[role]) if role in rows else city.tables[role] for role in city.tables
    }
    names = names_of(tables)
    for role in _RECORDS:
        if role in tables:
            named = index.sharing(role, ("object_id",), names)
            tables[role] = index.take(role, _union(named, rows.get(role)))
    return context.whole.part(replace(city, tables=tables), own.cells)


def _frames(context: Context, rows: Rows, own: Own) -> np.ndarray:
    """Bounds of all that is owned; what lies in a window's own bounds is one frame."""
    index = context.once(CityIndex)
    frames = [index.bounds_of(role, mine) for role, mine in rows.items()]
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


def _joined(index: CityIndex, rows: Rows) -> dict[str, np.ndarray]:
    """The rows, and those that share an id or a node with them."""
    full = dict(rows)
    for role in OBJECT_LAYERS:
        mine = full[role]
        if not len(mine):
            continue
        table = index.take(role, mine)
        full[role] = _union(mine, index.sharing(role, ("id",), table["id"]))
        if role == "pipes":
            nodes = pd.concat([table[node] for node in _NODES])
            full[role] = _union(full[role], index.sharing(role, _NODES, nodes))
    return full


def _union(*parts: Optional[np.ndarray]) -> np.ndarray:
    given = [part for part in parts if part is not None]
    return np.unique(np.concatenate(given)).astype("int64")


def owner_names(context: Context, own: Own) -> frozenset[str]:
    """``role:id`` of everything owned, cells too."""
    index = context.once(CityIndex)
    names: list[Iterable[str]] = [own.edited, [f"cell:{code}" for code in own.cells]]
    for role, rows in own.rows.items():
        names.append(f"{role}:" + index.take(role, rows)["id"].dropna().astype(object))
    return frozenset(name for part in names for name in part)
