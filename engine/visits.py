"""Which visits count for which object, and which rows make an object due."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, Optional

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from ..model.roles import OBJECT_LAYERS
from ..model.vocabulary import maps_to
from .city import usable
from .context import Context
from .moments import NEVER, micros
from .night import is_night
from .reach import pairs_within
from .standards import Standard
from .statistic import After, Change, statistic

DUE_GROUPS = ("patrol", "inspection", "test")
"""Groups of activities that fall due by themselves."""


class Due(NamedTuple):
    """One row of the standards that makes objects of a role due, and which: shape (n,)."""

    row: Standard
    objects: np.ndarray


def due_rows(context: Context, role: str) -> list[Due]:
    """Rows that are on, of a group that falls due, with the objects of the role that they fit."""
    return context.own(_due_rows, role)


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
        The rows of role visits, with `geometry`; `activity` is patrol_day or patrol_night for a
        patrol; besides `moment` (int64, microseconds UTC) and `night` (bool).
    """
    return context.own(_counted_visits)


def _counted_visits(context: Context) -> pd.DataFrame:
    visits = context.city.table("visits")
    kept = visits[(visits["at"] <= pd.Timestamp(context.at)) & (visits["result"] != "no_access")]
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
    """Which objects of a role the counted visits name, by number: equal ids have one number.

    `objects` shape (n,) and `visits` shape (v,): the number, -1 where there is none.
    """

    objects: np.ndarray
    visits: np.ndarray


def named_objects(context: Context, role: str) -> Named:
    """Which visit names which objects of a role, by its id or by ``role:id``."""
    return context.own(_named_objects, role)


def _named_objects(context: Context, role: str) -> Named:
    code, names = context.own(_names_in_visits)
    objects, number = _numbered(context.city.table(role)["id"], ids_of_role(names, role))
    return Named(objects, np.append(number, -1)[code])


def _names_in_visits(context: Context) -> tuple[np.ndarray, pd.Series]:
    """Place of the name that each counted visit gives among those that differ, -1 for none; and these."""
    code, names = pd.factorize(counted_visits(context)["object_id"])
    return code, pd.Series(names, dtype="str")


def _numbered(ids: pd.Series, names: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Number of each id and name, equal for equal ones: -1 for null, and for an id that no name is."""
    number, _ = pd.factorize(pd.concat([names, ids], ignore_index=True))
    named, objects = number[: len(names)], number[len(names) :]
    return np.where(objects <= named.max(initial=-1), objects, -1), named


def visited_by_id(visits: pd.DataFrame, ids: pd.Series, role: str) -> np.ndarray:
    """Whether some visit names each object, by its id or by ``role:id``; shape (n,)."""
    return _numbered(ids, ids_of_role(visits["object_id"], role))[0] >= 0


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
    shapes = context.city.table(role).geometry
    places = np.asarray(visits["geometry"], dtype=object)
    nameless = visits["object_id"].isna().to_numpy() & usable(gpd.GeoSeries(places))
    rows = np.flatnonzero(usable(shapes) if objects is None else usable(shapes) & objects)
    which = np.flatnonzero(nameless)
    tree = shapely.STRtree(places[which])
    reach = context.number("visit.search_m")
    target, visit = pairs_within(tree, shapes.to_numpy()[rows], reach, context.check_cancelled)
    return rows[target], which[visit]


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
    near : tuple of two ndarray of int64, shape (p,)
        Place in `rows` and position among `counted_visits` of the visits without object_id that count.
    """

    due: list[Due]
    rows: np.ndarray
    seen: np.ndarray
    last: Mapping[str, np.ndarray]
    near: tuple[np.ndarray, np.ndarray]


def rounds(context: Context, role: str) -> Rounds:
    """The visits to the objects of a role."""
    return context.own(_rounds, role)


def _rounds(context: Context, role: str) -> Rounds:
    due, visits, named = due_rows(context, role), counted_visits(context), named_objects(context, role)
    is_due = np.zeros(len(context.city.table(role)), dtype=bool)
    for item in due:
        is_due |= item.objects
    rows = np.flatnonzero(is_due)
    number = named.objects[rows]
    target, visit = near_visits(context, visits, role, is_due)
    place = np.searchsorted(rows, target)
    moment, last = visits["moment"].to_numpy(), {}
    counted = np.zeros(len(visit), dtype=bool)
    for activity in sorted({item.row.rule_or_activity for item in due}):
        counts = counts_for(visits["activity"], activity)
        latest = latest_of_each(named.visits[counts], moment[counts], named.visits.max(initial=-1) + 1)[
            number
        ]
        mine = np.logical_or.reduce([item.objects for item in due if item.row.rule_or_activity == activity])
        near = counts[visit] & mine[target]
        np.maximum.at(latest, place[near], moment[visit[near]])
        last[activity], counted = latest, counted | near
    seen = number >= 0
    seen[place[counted]] = True
    return Rounds(due, rows, seen, last, (place[counted], visit[counted]))


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


def object_roles(context: Context) -> list[str]:
    """Object layers that the city has."""
    return [role for role in OBJECT_LAYERS if len(context.city.table(role))]
