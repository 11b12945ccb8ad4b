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
from .rule import Rule
from .statistic import Change

_SPATIAL = (*OBJECT_LAYERS, "visits", "hotline")
"""Roles of which a part holds some rows; of the others it holds them all."""

_RECORDS = ("visits", "repairs")
"""Roles whose rows name an object."""

CUT = (*_SPATIAL, "repairs")
"""Roles whose edit alters answers near it only."""

_TELL_CONNECTORS = frozenset(("pipe_points", "housing"))
_WEIGH = frozenset(("neglected",))
"""Roles that tell how severe a finding is, whatever the rule."""

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
    is_reshaped : bool
        Whether a row has another geometry than it had, came or went.
    moved : ndarray of float64, shape (m, 4)
        Bounds of other places whose answers it alters by way of statistics.
    """

    role: str
    ids: pd.Series
    names: pd.Series
    frames: np.ndarray
    is_reshaped: bool
    moved: np.ndarray

    @property
    def _tells_connectors(self) -> bool:
        """Whether it may tell that a pipe is a connector, and so whether its diameter is plausible."""
        return self.is_reshaped and self.role in _TELL_CONNECTORS

    def altered(self, roles: Iterable[str]) -> frozenset[str]:
        """Of the roles that a rule reads those whose objects it may judge otherwise.

        Neglected places raise the severity of whatever lies in them.
        """
        objects = frozenset(roles) & frozenset(OBJECT_LAYERS)
        if self.role not in OBJECT_LAYERS or self.role in _WEIGH or len(self.moved):
            return objects
        return objects & ({self.role, "pipes"} if self._tells_connectors else {self.role})

    def alters(self, rule: Rule) -> bool:
        """Whether it may alter what a rule says."""
        weighs = self.role in _WEIGH or len(self.moved) > 0
        return weighs or self.role in rule.roles or (self._tells_connectors and "pipes" in rule.roles)

    def around(self, context: Context, roles: Iterable[str], reach_m: float) -> Own:
        """What it may alter: objects of some roles within reach of it or named by it, and its cells."""
        index = context.once(CityIndex)
        far = reach_m + (_surround_m(context) if self._tells_connectors or self.role in _WEIGH else 0.0)
        frames = np.concatenate([self.frames, self.moved])
        reached = _few(_grown(_placed(frames), far))
        names = pd.concat([self.ids, self.names])
        named = {role: index.sharing(role, ("id",), names) for role in roles}
        near = {role: _union(index.meeting(role, reached), rows) for role, rows in named.items()}
        homes = np.concatenate([reached, *(index.bounds_of(role, rows) for role, rows in named.items())])
        codes = _cells_met(_placed(homes), context)
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
    codes = _cells_met(_placed(frames), context)
    was, now = (context.part(replace(context.city, tables={role: rows}), codes) for rows in (old, fresh))
    change = Change(role, was, now)
    return Edit(role, ids, _named(role, old, fresh), frames, change.is_reshaped, context.carry(change))


def _named(role: str, *tables: pd.DataFrame) -> pd.Series:
    """Ids of the objects that rows name, by id or by ``role:id``."""
    if role not in _RECORDS:
        return pd.Series([], dtype="str")
    objects = pd.concat([table["object_id"] for table in tables]).dropna()
    return pd.concat([objects, objects.str.replace(r"^[a-z_]+:", "", regex=True)])


def _surround_m(context: Context) -> float:
    return max(SURROUND_M, surround_m(context))


def part_of(
    context: Context, own: Own, names: frozenset[str], roles: frozenset[str], reach_m: float
) -> Context:
    """The part of a city that a run needs to answer for what it owns.

    Parameters
    ----------
    context : Context
        Of the whole city.
    names : frozenset of str
        Of what it owns (`owner_names`).
    roles : frozenset of str
        That the rules read which will run.
    reach_m : float
        The largest reach of these rules, metres.
    """
    city, index = context.whole.city, context.once(CityIndex)
    near = _joined(index, own.rows)
    frames = _few(_grown(_frames(context, near, own), reach_m + _surround_m(context)))
    read = roles | _WEIGH | (_TELL_CONNECTORS if "pipes" in roles else frozenset())
    seen = {role: index.meeting(role, frames) for role in _SPATIAL if role in read}
    rows = _joined(index, {role: _union(mine, near.get(role)) for role, mine in seen.items()})
    tables = {role: index.take(role, mine) for role, mine in rows.items() if role in city.tables}
    tables |= {role: table for role, table in city.tables.items() if role not in CUT}
    objects = names_of(tables)
    for role in _RECORDS:
        if role in read and role in city.tables:
            named = index.sharing(role, ("object_id",), objects)
            tables[role] = index.take(role, _union(named, rows.get(role)))
    is_window = own.outline is not None
    return context.whole.part(replace(city, tables=tables), own.cells, names, records=is_window)


def _frames(context: Context, rows: Rows, own: Own) -> np.ndarray:
    """Bounds of all that is owned; what lies in a window's own bounds is one frame."""
    index = context.once(CityIndex)
    frames = [index.bounds_of(role, mine) for role, mine in rows.items()]
    if len(own.cells):
        frames.append(shapely.bounds(context.grid.outlines(list(own.cells))))
    every = _placed(np.concatenate(frames) if frames else np.zeros((0, 4)))
    if own.outline is None:
        return every
    west, south, east, north = own.outline.bounds
    outside = (every[:, 0] < west) | (every[:, 1] < south) | (every[:, 2] > east) | (every[:, 3] > north)
    return np.concatenate([every[outside], [[west, south, east, north]]])


def _placed(frames: np.ndarray) -> np.ndarray:
    """The frames but those of what has no place."""
    return frames[np.isfinite(frames).all(axis=1)]


def _cells_met(frames: np.ndarray, context: Context) -> np.ndarray:
    """Codes of the cells that meet some frame, sorted."""
    cells = [context.grid.cells_in(frame)[0] for frame in frames]
    return np.unique(np.concatenate(cells)) if cells else np.array([], dtype=object)


def _few(frames: np.ndarray) -> np.ndarray:
    """The frames, or one around them all where that is hardly more: asking an index once is quicker."""
    if not len(frames):
        return frames
    around = np.concatenate([frames[:, :2].min(axis=0), frames[:, 2:].max(axis=0)])
    area = np.prod(frames[:, 2:] - frames[:, :2], axis=1)
    return around[None] if np.prod(around[2:] - around[:2]) <= area.sum() else frames


def _grown(frames: np.ndarray, by: float) -> np.ndarray:
    return np.asarray(frames + np.array([-by, -by, by, by]))


def _joined(index: CityIndex, rows: Rows) -> dict[str, np.ndarray]:
    """The rows, and those that share an id or a node with them."""
    full = dict(rows)
    for role in OBJECT_LAYERS:
        mine = full.get(role)
        if mine is None or not len(mine):
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
