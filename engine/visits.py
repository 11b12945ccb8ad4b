"""Which visits count for which object, and which rows make an object due."""

from __future__ import annotations

from typing import NamedTuple, Optional

import numpy as np
import pandas as pd
import shapely

from ..model.roles import OBJECT_LAYERS
from ..model.vocabulary import maps_to
from .city import usable
from .context import Context
from .standards import Standard

DUE_GROUPS = ("patrol", "inspection", "test")
"""Groups of activities that fall due by themselves."""


class Due(NamedTuple):
    """One row of the standards that makes objects of a role due, and which: shape (n,)."""

    row: Standard
    objects: np.ndarray


def due_rows(context: Context, role: str) -> list[Due]:
    """Rows that are on, of a group that falls due, with the objects of the role that they fit."""
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
    """Visits up to T, those without access left out; `activity` is patrol_day or patrol_night for a patrol.

    Returns
    -------
    DataFrame
        The rows of role visits, with `geometry`.
    """
    visits = context.city.table("visits")
    kept = visits[(visits["at"] <= pd.Timestamp(context.at)) & (visits["result"] != "no_access")]
    hours = kept["at"].dt.tz_convert(str(context.city.tz)).dt.hour
    night = (hours >= context.number("night.from_hour")) | (hours < context.number("night.to_hour"))
    clock = pd.Series(np.where(night, "patrol_night", "patrol_day"), index=kept.index)
    activity = kept["activity"].where(kept["activity"] != "patrol", clock)
    return pd.DataFrame(kept.assign(activity=activity))


def log_start(context: Context) -> Optional[pd.Timestamp]:
    """Time of the first visit of all, None without any."""
    times = context.city.table("visits")["at"]
    times = times[times <= pd.Timestamp(context.at)]
    return None if times.empty else times.min()


def visited_by_id(visits: pd.DataFrame, ids: pd.Series, role: str) -> np.ndarray:
    """Whether some visit names each object, by its id or by ``role:id``; shape (n,)."""
    named = ids_of_role(visits["object_id"], role)
    # As objects: pandas asks an Arrow column for each wanted text in Python.
    return np.array(ids.astype(object).isin(named.astype(object).dropna().unique()), dtype=bool)


def ids_of_role(named: pd.Series, role: str) -> pd.Series:
    """Ids as records name them, by id or by ``role:id``, without the role."""
    return named.str.removeprefix(f"{role}:")


def near_visits(context: Context, visits: pd.DataFrame, role: str) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of objects and visits without object_id that came within `visit.search_m` of them.

    Returns
    -------
    ndarray of int, shape (p,): row of the object in its table
    ndarray of int, shape (p,): position of the visit in `visits`
    """
    shapes = context.city.table(role).geometry
    places = np.asarray(visits["geometry"], dtype=object)
    nameless = visits["object_id"].isna().to_numpy() & ~(
        shapely.is_missing(places) | shapely.is_empty(places)
    )
    rows = np.flatnonzero(usable(shapes))
    which = np.flatnonzero(nameless)
    tree = shapely.STRtree(shapes.to_numpy()[rows])
    visit, target = tree.query(places[which], predicate="dwithin", distance=context.number("visit.search_m"))
    return rows[target], which[visit]


def counts_for(activity: pd.Series, wanted: str) -> np.ndarray:
    """Whether each visit counts for an activity: its own; an empty one for every patrol activity.

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    same = activity == wanted
    if wanted == "patrol":
        same = same | activity.isin(("patrol_day", "patrol_night"))
    if maps_to("activity").get(wanted) == "patrol":
        same = same | activity.isna()
    return same.fillna(False).to_numpy(dtype=bool)


def object_roles(context: Context) -> list[str]:
    """Object layers that the city has."""
    return [role for role in OBJECT_LAYERS if len(context.city.table(role))]
