"""Which visits count for which object, and which rows make an object due."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Optional

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import shapely

from ..model.roles import OBJECT_LAYERS
from ..model.vocabulary import maps_to
from .city import usable
from .context import Context
from .moments import NEVER, micros
from .night import is_night
from .reach import largest_within, pairs_within
from .standards import Standard
from .statistic import After, Change, statistic

if TYPE_CHECKING:
    from .window import Edit

DUE_GROUPS = ("patrol", "inspection", "test")
"""Groups of activities that fall due by themselves."""


class Due(NamedTuple):
    """One row of the standards that makes objects of a role due, and which: shape (n,)."""

    row: Standard
    objects: np.ndarray


def due_rows(context: Context, role: str) -> list[Due]:
    """Rows that are on, of a group that falls due, with the objects of the role that they fit."""
    return context.briefly(_due_rows, role)


def _due_rows(context: Context, role: str) -> list[Due]:
    groups = maps_to("activity")
    due = []
    for row in context.standards.rows:
        if row.is_on and groups.get(row.rule_or_activity) in DUE_GROUPS and _names_role(row, role):
            objects = context.fits(row, role)
            if objects.any():
                due.append(Due(row, objects))
    return due


def _names_role(row: Standard, role: str) -> bool:
    return row.object_class == "*" or row.object_class.split(":")[0] == role


def counted_visits(context: Context) -> pd.DataFrame:
    """Visits up to T, those without access left out.

    Returns
    -------
    DataFrame
        `at`, `activity`, `object_id`, `result` and `geometry` of role visits; `activity` is patrol_day or
        patrol_night for a patrol; besides `moment` (int64, microseconds UTC) and `night` (bool).
    """
    return context.own(_counted_visits)


def _counted_visits(context: Context) -> pd.DataFrame:
    visits = context.city.table("visits")
    counts = (visits["at"] <= pd.Timestamp(context.at)) & (visits["result"] != "no_access")
    kept = visits.loc[counts, ["at", "activity", "object_id", "result", "geometry"]]
    night = is_night(context, kept["at"], kept.geometry.to_numpy())
    clock = pd.Series(np.where(night, "patrol_night", "patrol_day"), index=kept.index)
    activity = kept["activity"].where(kept["activity"] != "patrol", clock)
    return pd.DataFrame(kept.assign(activity=activity, moment=micros(kept["at"]), night=night))


def log_start(context: Context) -> Optional[pd.Timestamp]:
    """Time of the first visit of all in the whole city, None without any."""
    return context.once(_first_visit)


def _carry_first(first: Optional[pd.Timestamp], change: Change) -> Optional[After[Optional[pd.Timestamp]]]:
    was, now = _first_visit(change.was), _first_visit(change.now)
    earliest = min((time for time in (first, now) if time is not None), default=None)
    return After(first) if earliest == first and (was != first or now == first) else None


@statistic("visits", carry=_carry_first)
def _first_visit(context: Context) -> Optional[pd.Timestamp]:
    times = context.city.table("visits")["at"]
    times = times[times <= pd.Timestamp(context.at)]
    return None if times.empty else times.min()


class Named(NamedTuple):
    """Which objects of a role the counted visits name, by number: the first row that has the id.

    `objects` shape (n,) and `visits` shape (v,), int32: the number; -1 for an object that no visit names, and
    for a visit that names none.
    """

    objects: np.ndarray
    visits: np.ndarray


def named_objects(context: Context, role: str) -> Named:
    """Which visit names which objects of a role, by its id or by ``role:id``."""
    return context.own(_named_objects, role)


def _named_objects(context: Context, role: str) -> Named:
    return _named(context.city.table(role)["id"], counted_visits(context)["object_id"], role)


def _named(ids: pd.Series, named: pd.Series, role: str) -> Named:
    """`Named` of the ids of a role and what visits name."""
    texts = [pa.array(names, type=pa.large_string()) for names in (ids, ids_of_role(named, role))]
    every = pa.chunked_array([chunk for text in texts for chunk in getattr(text, "chunks", [text])])
    number = pc.index_in(every, value_set=texts[0], skip_nulls=True).fill_null(-1).to_numpy()
    objects, visits = np.split(number, [len(ids)])
    is_named = np.zeros(len(ids) + 1, dtype=bool)
    is_named[visits[visits >= 0]] = True
    return Named(np.where(is_named[objects], objects, -1), visits)


def visited_by_id(visits: pd.DataFrame, ids: pd.Series, role: str) -> np.ndarray:
    """Whether some visit names each object, by its id or by ``role:id``; shape (n,)."""
    return _named(ids, visits["object_id"], role).objects >= 0


def ids_of_role(named: pd.Series, role: str) -> pd.Series:
    """Ids as records name them, by id or by ``role:id``, without the role."""
    return named.str.removeprefix(f"{role}:")


def near_visits(
    context: Context, visits: pd.DataFrame, role: str, objects: Optional[np.ndarray] = None
) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of objects and visits without object_id that came within `visit.search_m` of them.

    Parameters
    ----------
    objects : ndarray of bool, shape (n,), optional
        Which objects to look at, by default all.

    Returns
    -------
    ndarray of int, shape (p,): row of the object in its table
    ndarray of int, shape (p,): position of the visit in `visits`
    """
    shapes, rows = _placed(context, role, objects)
    tree, which = _nameless(visits)
    reach = context.number("visit.search_m")
    target, visit = pairs_within(tree, shapes, reach, context.check_cancelled)
    return rows[target], which[visit]


def _placed(context: Context, role: str, objects: Optional[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Shapes and rows of the objects of a role that have a place; of some of them (mask), if given."""
    shapes = context.city.table(role).geometry
    rows = np.arange(len(shapes)) if objects is None else np.flatnonzero(objects)
    rows = rows[usable(shapes.iloc[rows])]
    return shapes.to_numpy()[rows], rows


def _nameless(visits: pd.DataFrame) -> tuple[shapely.STRtree, np.ndarray]:
    """The visits without object_id that have a place, as a tree, and their positions."""
    which = np.flatnonzero(visits["object_id"].isna().to_numpy())
    places = np.asarray(visits["geometry"], dtype=object)[which]
    placed = usable(gpd.GeoSeries(places))
    return shapely.STRtree(places[placed]), which[placed]


def counts_for(activity: pd.Series, wanted: str) -> np.ndarray:
    """Whether each visit counts for an activity: its own; an empty one for every patrol activity.

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    code, words = pd.factorize(activity)
    is_patrol = maps_to("activity").get(wanted) == "patrol"
    same = [
        word == wanted or (wanted == "patrol" and word in ("patrol_day", "patrol_night")) for word in words
    ]
    return np.array([*same, is_patrol], dtype=bool)[code]


@dataclass(frozen=True)
class Rounds:
    """The visits to those objects of a role that fall due for something.

    Attributes
    ----------
    due : list of Due
    rows : ndarray of int64, shape (d,)
        Rows of the objects in their table.
    seen : ndarray of bool, shape (d,)
        Whether a visit of any activity named it, or one without object_id, of an activity for which it
        is due, came within `visit.search_m` of it.
    last : mapping of str to ndarray of int64, shape (d,)
        For each activity that falls due the moment of the latest visit that counts, microseconds UTC,
        `NEVER` without any.
    """

    due: list[Due]
    rows: np.ndarray
    seen: np.ndarray
    last: Mapping[str, np.ndarray]


def rounds(context: Context, role: str) -> Rounds:
    """The visits to the objects of a role."""
    return context.briefly(_rounds, role)


def _rounds(context: Context, role: str) -> Rounds:
    due, visits, named = due_rows(context, role), counted_visits(context), named_objects(context, role)
    moment, due_for, last = visits["moment"].to_numpy(), objects_due(due), {}
    rows = np.flatnonzero(np.logical_or.reduce([*due_for.values(), np.zeros(len(named.objects), dtype=bool)]))
    seen = named.objects >= 0
    for activity, objects in due_for.items():
        counts = counts_for(visits["activity"], activity)
        latest = latest_of_each(named.visits[counts], moment[counts], len(seen))[named.objects]
        near, passed = _latest_near(context, role, objects, visits[counts])
        latest[near] = np.maximum(latest[near], passed)
        seen[near[passed > NEVER]] = True
        last[activity] = latest[rows]
    return Rounds(due, rows, seen[rows], last)


def objects_due(due: Sequence[Due]) -> Mapping[str, np.ndarray]:
    """For each activity which objects are due for it, shape (n,)."""
    rows: dict[str, np.ndarray] = {}
    for item in sorted(due, key=lambda item: item.row.rule_or_activity):
        activity = item.row.rule_or_activity
        rows[activity] = rows.get(activity, False) | item.objects
    return rows


def _latest_near(
    context: Context, role: str, objects: np.ndarray, visits: pd.DataFrame
) -> tuple[np.ndarray, np.ndarray]:
    """Rows of some objects (mask) with a place, and the latest visit without object_id that came near each.

    Microseconds UTC, `NEVER` without any.
    """
    shapes, rows = _placed(context, role, objects)
    tree, which = _nameless(visits)
    moments, reach = visits["moment"].to_numpy()[which], context.number("visit.search_m")
    return rows, largest_within(tree, moments, NEVER, shapes, reach, context.check_cancelled)


def latest_of_each(group: np.ndarray, moment: np.ndarray, count: int) -> np.ndarray:
    """The latest moment of each group from 0 to `count` - 1, `NEVER` for one without any.

    Parameters
    ----------
    group : ndarray of int64, shape (n,)
        -1 belongs to none.
    moment : ndarray of int64, shape (n,)

    Returns
    -------
    ndarray of int64, shape (count + 1,)
        The last is `NEVER`: what is in no group finds it by -1.
    """
    latest = np.full(count + 1, NEVER)
    mine = group >= 0
    np.maximum.at(latest, group[mine], moment[mine])
    return latest


def visit_reach_m(context: Context) -> float:
    """How far from an object a visit without object_id may be and still count for it, metres."""
    return context.number("visit.search_m")


def record_reach_m(reach_m: Callable[[Context], float]) -> Callable[[Context, Edit], float]:
    """The `Rule.edit_reach_m` of rules that ask which records lie near an object, and no other objects."""
    return lambda context, edit: 0.0 if edit.role in OBJECT_LAYERS else reach_m(context)


def object_roles(context: Context) -> list[str]:
    """Object layers that the city has."""
    return [role for role in OBJECT_LAYERS if len(context.city.table(role))]
