"""Parts of a city: which objects a run answers for, and what it has to see besides.

One mechanism for a map extent, a unit, the tiles of a run and the neighbourhood of an edit: a part
owns objects, and holds besides, whole and unclipped, everything within reach of their bounds and
the rows joined to them by an id. Law: the findings of any tiling equal those of the whole city.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple, Optional

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from ..model.roles import OBJECT_LAYERS
from .connectors import is_connector, is_short_drain, surround_m, tells_connectors
from .context import Context
from .findings import anchor_places
from .index import CityIndex, KnownRows, bounds_of_table, hashes_of
from .rule import Rule
from .statistic import NOWHERE, Change

_SPATIAL = (*OBJECT_LAYERS, "visits", "hotline")
"""Roles of which a part holds some rows; of the others it holds them all."""

_RECORDS = ("visits", "repairs")
"""Roles whose rows name an object."""

CUT = (*_SPATIAL, "repairs")
"""Roles whose edit alters answers near it only."""

_TELL_CONNECTORS = ("pipe_points", "housing")
_WEIGH = frozenset(("neglected",))
"""Roles that tell how severe a finding is, whatever the rule."""

_NODES = ("from_node", "to_node")

_WEIGH_M = 50.0
"""How far from the line of a neglected place it may weigh: half of the widest."""

Rows = Mapping[str, np.ndarray]
_NO_CELLS = np.array([], dtype=object)
_NO_ROWS = np.zeros(0, dtype="int64")


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
    cells: np.ndarray = field(default_factory=lambda: _NO_CELLS)
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
    tables : two GeoDataFrames
        The rows as they were, and as they are.
    ids : Series of str
        Of the rows that were changed, added or deleted.
    names : Series of str
        Ids of the objects that these rows name.
    frames : ndarray of float64, shape (f, 4)
        Bounds of the rows, as they were and as they are.
    moved : ndarray of float64, shape (m, 4)
        Bounds of other places whose answers it alters by way of statistics.
    changed : frozenset of str
        Fields that hold something else than before in some row, as recorded or as rules read them.
    is_reshaped : bool
        Whether a row has another geometry than it had, came or went.
    is_unsettled : bool
        Whether only a look at the whole city tells some statistic after it.
    besides : Edit, optional
        Of the pipes that became connectors by it, or are none any more.
    """

    role: str
    tables: tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]
    ids: pd.Series
    names: pd.Series
    frames: np.ndarray
    moved: np.ndarray
    changed: frozenset[str]
    is_reshaped: bool
    is_unsettled: bool
    besides: Optional[Edit] = None

    @property
    def _weighs(self) -> bool:
        """Whether it may alter how severe any finding near is, whatever the rule."""
        return self.role in _WEIGH or len(self.moved) > 0

    @property
    def is_of_objects(self) -> bool:
        """Whether only what rules say of the objects that it touched, and of those near them, may change."""
        return self.role in OBJECT_LAYERS and not self._weighs

    @property
    def _both(self) -> tuple[Edit, ...]:
        return (self,) if self.besides is None else (self, self.besides)

    @property
    def roles(self) -> frozenset[str]:
        """Roles whose rows it altered."""
        return frozenset(edit.role for edit in self._both)

    def alters(self, rule: Rule, context: Context) -> bool:
        """Whether it may alter what a rule says."""
        if self._weighs:
            return True
        if not self.roles.intersection(rule.roles):
            return False
        return self.is_unsettled or rule.reach_m is None or self.reach_m(rule, context) is not None

    def reach_m(self, rule: Rule, context: Context) -> Optional[float]:
        """How far from it a rule may say something else of other objects, metres; None if nowhere."""
        if rule.reach_m is None:
            return 0.0
        edits = [edit for edit in self._both if edit.role in rule.roles and edit._is_read_by(rule)]
        if rule.edit_reach_m is None:
            return rule.reach_m(context) if edits else None
        far = [rule.edit_reach_m(context, edit) for edit in edits]
        return max((metres for metres in far if metres is not None), default=None)

    def _is_read_by(self, rule: Rule) -> bool:
        """Whether a rule reads something that it changed."""
        fields = rule.reads_fields.get(self.role)
        return fields is None or self.is_reshaped or not self.changed.isdisjoint(fields)

    def words(self, field: str) -> frozenset[str]:
        """The values of a field of text in its rows, as they were and as they are."""
        return frozenset(word for table in self.tables for word in table[field].dropna().tolist())

    def places_visits(self, context: Context) -> bool:
        """Whether it tells where a visit without a place was, by the object that the visit names."""
        if not self.is_reshaped or self.role not in OBJECT_LAYERS or not context.city.has("visits"):
            return False
        index = context.once(CityIndex)
        names = [hashes_of(self.ids), hashes_of(f"{self.role}:" + self.ids)]
        rows = index.sharing("visits", ("object_id",), np.concatenate(names))
        return bool(np.isnan(index.bounds_of("visits", rows)[:, 0]).any())

    def around(self, context: Context, reaches: Mapping[str, float]) -> Own:
        """What it may alter: itself, objects within reach of it or named by it, and its cells.

        Parameters
        ----------
        reaches : mapping of str to float
            Roles of the objects that may be judged otherwise, and within how many metres.
        """
        index = context.once(CityIndex)
        objects = {role: far for role, far in reaches.items() if role in OBJECT_LAYERS}
        rows = {role: index.sharing(role, ("id",), hashes_of(self._named(role))) for role in objects}
        frames = np.concatenate([edit.frames for edit in self._both])
        homes = np.concatenate([frames, *(index.bounds_of(*item) for item in rows.items())])
        for role, far in objects.items():
            is_itself = role in self.roles and not far and self.is_of_objects
            if not is_itself:
                rows[role] = _union(rows[role], index.meeting(role, self._reached(frames, far)))
        far = max(reaches.values(), default=0.0)
        has_cells = "cell" in reaches or not self.is_of_objects
        cells = _cells_met(self._reached(homes, far), context) if has_cells else _NO_CELLS
        names = [f"{edit.role}:" + edit.ids.astype(object) for edit in self._both]
        return Own(rows, cells, edited=frozenset(pd.concat(names)))

    def _named(self, role: str) -> pd.Series:
        """Ids of the objects of a role that it touched: if it is of records, whatever they name."""
        if not self.is_of_objects:
            return pd.concat([self.ids, self.names])
        return pd.concat([self.ids[:0], *(edit.ids for edit in self._both if edit.role == role)])

    def _reached(self, frames: np.ndarray, reach_m: float) -> np.ndarray:
        """Places within reach of it."""
        far = reach_m + (_WEIGH_M if self.role in _WEIGH else 0.0)
        return _few(_grown(_placed(np.concatenate([frames, self.moved])), far))


def lay_over(context: Context, role: str, fresh: gpd.GeoDataFrame, gone: pd.Series) -> Edit:
    """Lay edited rows over a whole city: `fresh` over those of the same id, those of the ids `gone` away.

    The statistics of the context follow, or are moved (`Context.carry`).
    """
    for known in {role, "pipes"} if role in _TELL_CONNECTORS else {role}:
        context.know(known)
    edit = _laid_over(context, role, fresh, gone)
    turned = _turned_connectors(context, edit.frames) if tells_connectors(edit) else _NO_ROWS
    if not len(turned):
        return edit
    besides = _laid_over(context, "pipes", context.once(CityIndex).take("pipes", turned), gone[:0])
    moved = np.concatenate([edit.moved, besides.moved])
    return replace(edit, moved=moved, is_unsettled=edit.is_unsettled or besides.is_unsettled, besides=besides)


def _laid_over(context: Context, role: str, fresh: gpd.GeoDataFrame, gone: pd.Series) -> Edit:
    index = context.once(CityIndex)
    ids = pd.concat([fresh["id"], gone], ignore_index=True)
    before = index.sharing(role, ("id",), hashes_of(ids))
    frames = _placed(np.concatenate([index.bounds_of(role, before), bounds_of_table(fresh)]))
    cells = _cells_met(frames, context)
    was = _rows_alone(context, role, before, cells)
    index.replace(role, fresh, _judge(context, role, fresh), gone)
    now = _rows_alone(context, role, index.sharing(role, ("id",), hashes_of(ids)), cells)
    change, settled = Change(role, was, now), context.moved
    moved, tables = context.carry(change), (was.city.table(role), now.city.table(role))
    is_unsettled, is_reshaped = context.moved != settled, change.is_reshaped
    changed = _changed(*tables) | _changed(was.subject(role).rows, now.subject(role).rows)
    return Edit(role, tables, ids, _named(role, *tables), frames, moved, changed, is_reshaped, is_unsettled)


def _changed(was: pd.DataFrame, now: pd.DataFrame) -> frozenset[str]:
    """Columns that differ, whatever the order of rows; all of them where rows came or went."""
    if len(was) > 1 and "id" in was:
        was, now = (rows.sort_values("id", ignore_index=True) for rows in (was, now))
    return frozenset(name for name in now if name not in was or not was[name].equals(now[name]))


def _rows_alone(context: Context, role: str, rows: np.ndarray, cells: np.ndarray) -> Context:
    """The part of a city that some rows of a role are, as they are now, and some cells."""
    index = context.once(CityIndex)
    known = KnownRows(index, context.whole, {**dict.fromkeys(CUT, _NO_ROWS), role: rows})
    part = context.part(replace(context.city, tables={role: index.take(role, rows)}), cells, known=known)
    part.subject(role)
    return part


def _judge(context: Context, role: str, table: gpd.GeoDataFrame) -> Context:
    """The part of a city that tells how rows are to be read: themselves and, of pipes, what lies around."""
    tables = {role: table}
    if role == "pipes":
        index, near = context.once(CityIndex), _grown(_placed(bounds_of_table(table)), surround_m(context))
        tables |= {name: index.take(name, index.meeting(name, near)) for name in _TELL_CONNECTORS}
    return context.part(replace(context.city, tables=tables), _NO_CELLS)


def _turned_connectors(context: Context, frames: np.ndarray) -> np.ndarray:
    """Rows of pipes near that became connectors or are none any more, and of those that share their ids."""
    index = context.once(CityIndex)
    rows = index.meeting("pipes", _grown(frames, surround_m(context)))
    rows = index.chosen("pipes", rows, context.once(is_short_drain))
    was = index.subject(context, "pipes", rows).rows["connector"].to_numpy(dtype=bool)
    turned = rows[was != is_connector(_judge(context, "pipes", index.take("pipes", rows)))]
    return index.sharing("pipes", ("id",), index.hashes("pipes", "id", turned))


def _named(role: str, *tables: pd.DataFrame) -> pd.Series:
    """Ids of the objects that rows name, by id or by ``role:id``."""
    if role not in _RECORDS:
        return pd.Series([], dtype="str")
    objects = pd.concat([table["object_id"] for table in tables]).dropna()
    return pd.concat([objects, objects.str.replace(r"^[a-z_]+:", "", regex=True)])


class Need(NamedTuple):
    """Rows of roles that matter within a reach (metres) of what is owned of others (``cell`` too).

    Of a role in `only` just the rows of the whole city's table that are named there (mask).
    """

    owners: frozenset[str]
    reaches: Mapping[str, float]
    only: Mapping[str, Callable[[Context], np.ndarray]]


def part_of(context: Context, own: Own, names: frozenset[str], needs: Sequence[Need]) -> Context:
    """The part of a city that a run needs to answer for what it owns.

    Parameters
    ----------
    context : Context
        Of the whole city.
    names : frozenset of str
        Of what it owns (`owner_names`).
    needs : sequence of Need
        Of the rules that will run.
    """
    whole, index = context.whole, context.once(CityIndex)
    city, near = whole.city, _joined(index, own.rows)
    roles = frozenset(role for need in needs for role in need.reaches)
    frames = _frames(context, near, own)
    seen = {role: _seen(role, frames, needs, whole) for role in _SPATIAL if role in roles}
    rows = _joined(index, {role: _union(mine, near.get(role)) for role, mine in seen.items()})
    rows = {role: mine for role, mine in rows.items() if role in city.tables}
    records = [role for role in _RECORDS if role in roles and role in city.tables]
    if records:
        named = _as_named(index, rows)
        rows |= {role: _union(index.sharing(role, ("object_id",), named), rows.get(role)) for role in records}
    tables = {role: index.take(role, mine) for role, mine in rows.items()}
    tables |= {role: table for role, table in city.tables.items() if role not in CUT}

    known = KnownRows(index, whole, {**dict.fromkeys(CUT, _NO_ROWS), **rows})
    is_window = own.outline is not None
    return whole.part(replace(city, tables=tables), own.cells, names, records=is_window, known=known)


def around_findings(context: Context, findings: gpd.GeoDataFrame) -> Context:
    """The part of a city that tells how severe findings are: the neglected places near them."""
    index = context.once(CityIndex)
    near = _few(_grown(_placed(shapely.bounds(findings.geometry.to_numpy()).reshape(-1, 4)), _WEIGH_M))
    tables = {role: index.take(role, index.meeting(role, near)) for role in _WEIGH}
    return context.part(replace(context.city, tables=tables), _NO_CELLS)


def _frames(context: Context, rows: Rows, own: Own) -> dict[str, np.ndarray]:
    """Bounds of what is owned by role; what lies in a window's own bounds is one frame."""
    index = context.once(CityIndex)
    frames = {role: _placed(index.bounds_of(role, mine)) for role, mine in rows.items()}
    frames["cell"] = shapely.bounds(context.grid.outlines(list(own.cells))).reshape(-1, 4)
    if own.outline is None:
        return frames
    window = np.array(own.outline.bounds)
    outside = {role: every[_is_outside(every, window)] for role, every in frames.items()}
    return {role: np.concatenate([every, [window]]) for role, every in outside.items()}


def _is_outside(frames: np.ndarray, window: np.ndarray) -> np.ndarray:
    """Whether each frame reaches out of a window, shape (n,)."""
    return np.asarray((frames[:, :2] < window[:2]).any(axis=1) | (frames[:, 2:] > window[2:]).any(axis=1))


def _seen(role: str, frames: Mapping[str, np.ndarray], needs: Sequence[Need], whole: Context) -> np.ndarray:
    """Rows of a role that matter to what is owned."""
    index, mine = whole.once(CityIndex), [need for need in needs if role in need.reaches]
    near = [
        _grown(frames[owner], need.reaches[role])
        for need in mine
        for owner in need.owners.intersection(frames)
    ]
    rows = index.meeting(role, _few(np.concatenate([NOWHERE, *near])))
    if not all(role in need.only for need in mine):
        return rows
    return index.chosen(role, rows, np.logical_or.reduce([whole.once(need.only[role]) for need in mine]))


def _placed(frames: np.ndarray) -> np.ndarray:
    """The frames but those of what has no place."""
    return frames[np.isfinite(frames).all(axis=1)]


def _cells_met(frames: np.ndarray, context: Context) -> np.ndarray:
    """Codes of the cells that meet some frame, sorted."""
    cells = [context.grid.cells_in(frame)[0] for frame in frames]
    return np.unique(np.concatenate(cells)) if cells else _NO_CELLS


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
        full[role] = _union(mine, index.sharing(role, ("id",), index.hashes(role, "id", mine)))
        if role == "pipes":
            nodes = np.concatenate([index.hashes(role, node, mine) for node in _NODES])
            full[role] = _union(full[role], index.sharing(role, _NODES, nodes))
    return full


def _as_named(index: CityIndex, rows: Rows) -> np.ndarray:
    """Hashes of what records may call objects: their id, or ``role:id``."""
    names = []
    for role in set(rows).intersection(OBJECT_LAYERS):
        ids = index.column(role, "id", rows[role]).dropna()
        names += [hashes_of(ids), hashes_of(f"{role}:" + ids)]
    return np.concatenate(names)


def _union(*parts: Optional[np.ndarray]) -> np.ndarray:
    given = [part for part in parts if part is not None]
    return np.unique(np.concatenate(given)).astype("int64")


def owner_names(context: Context, own: Own) -> frozenset[str]:
    """``role:id`` of everything owned, cells too."""
    index = context.once(CityIndex)
    names: list[Iterable[str]] = [own.edited, [f"cell:{code}" for code in own.cells]]
    for role, rows in own.rows.items():
        names.append(f"{role}:" + index.column(role, "id", rows).dropna().astype(object))
    return frozenset(name for part in names for name in part)
