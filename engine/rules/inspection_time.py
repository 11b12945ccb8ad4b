"""Inspection gaps in time: what was seen too long ago, only by day, or not since the storm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Optional

import geopandas as gpd
import numpy as np
import pandas as pd

from ...model.roles import OBJECT_LAYERS
from ..cases import night_cases
from ..cell_places import cells_of_visits
from ..city import City, lacking_role
from ..classes import YEAR_FIELD, of_class
from ..conditions import fits, parse
from ..context import Context
from ..findings import join_findings, make_findings, objects_at
from ..moments import DAY_US, NEVER, now_us
from ..night import has_clock_time
from ..rule import Outcome, Rule
from ..storms import Event, asking_events, day_of, in_area
from ..visits import (
    Rounds,
    counted_visits,
    counts_for,
    due_rows,
    log_start,
    named_objects,
    near_visits,
    object_roles,
    objects_due,
    record_reach_m,
    rounds,
    visit_reach_m,
)

if TYPE_CHECKING:
    from ..window import Edit


def find_overdue(city: City, context: Context) -> Outcome:
    """I01: visited objects whose last visit of a due activity is older than its interval.

    Of each activity the shortest interval that fits decides. An object that has visits but none that
    counts for the activity is overdue since the log began (or the end of its own year, if later), and
    info while that is under one interval. An object without any visit is I02.
    """
    parts = []
    for role in object_roles(context):
        context.check_cancelled()
        log = rounds(context, role)
        parts += [_overdue(role, activity, log, context) for activity in log.last]
    return Outcome(join_findings(parts, city.crs))


def _overdue(role: str, activity: str, log: Rounds, context: Context) -> gpd.GeoDataFrame:
    due = [item for item in log.due if item.row.rule_or_activity == activity]
    days = np.array([np.where(item.objects[log.rows], item.row.days(), np.inf) for item in due])
    strictest = days.argmin(axis=0)
    days = days.min(axis=0) * context.number("I01.factor")
    last, now = log.last[activity], now_us(context)
    never = last == NEVER
    elapsed = now - np.where(never, _observed_since(role, log, context), last)
    asked = log.seen & np.isfinite(days)
    late = asked & (elapsed > days * DAY_US)
    at = np.flatnonzero(late | asked & never)
    ratio = elapsed[at] / (days[at] * DAY_US)
    words = np.select(
        [
            ~late[at],
            elapsed[at] > context.number("I01.high_ratio") * days[at] * DAY_US,
            elapsed[at] > context.number("I01.medium_ratio") * days[at] * DAY_US,
        ],
        ["info", "high", "medium"],
        "low",
    )
    chosen = [due[place].row for place in strictest[at]]
    seen = _days_of(context, last[at])
    return make_findings(
        "I01",
        **objects_at(role, context.city.table(role), log.rows[at]),
        severity=words.astype(object),
        discriminator=activity,
        measured=np.round(elapsed[at] / DAY_US, 2),
        reference=[row.days() for row in chosen],
        unit="d",
        basis=[row.basis for row in chosen],
        confidence=[row.confidence for row in chosen],
        params=[
            {"activity": activity, "last_visit": day, "ratio": value}
            for day, value in zip(seen, np.round(ratio, 2).tolist())
        ],
        evidence=("visits",),
    )


def _observed_since(role: str, log: Rounds, context: Context) -> np.ndarray:
    """When the visit log began, or the object's own year ended if that is later; shape (d,)."""
    start = log_start(context)
    begun = now_us(context) if start is None else int(start.value // 1000)
    since = np.full(len(log.rows), begun)
    if start is not None and role in YEAR_FIELD:
        years = context.at.year - context.age(role)[log.rows]
        for year in range(start.tz_convert(str(context.city.tz)).year, context.at.year):
            since[years == year] = max(begun, _end_of(year, context))
        since[years >= context.at.year] = now_us(context)
    return since


def _end_of(year: int, context: Context) -> int:
    """The last moment of a year in the city's time zone, microseconds UTC."""
    return int(pd.Timestamp(year=year + 1, month=1, day=1, tz=str(context.city.tz)).value // 1000) - 1


def _days_of(context: Context, moments: np.ndarray) -> list[Optional[str]]:
    """Local days of moments, ISO; None for `NEVER`, which is no time to numpy either."""
    times = pd.Series(moments.astype("datetime64[us]")).dt.tz_localize("UTC")
    days = times.dt.tz_convert(str(context.city.tz)).dt.tz_localize(None).to_numpy()
    words = np.datetime_as_string(days.astype("datetime64[D]"), unit="D").tolist()
    return [None if word == "NaT" else word for word in words]


def find_night_never(city: City, context: Context) -> Outcome:
    """I03: neglected places and cells with visits enough in `I03.window_d` days, and none at night.

    A neglected place has the visits that name it, and those without object_id of an activity for
    which it is due within `visit.search_m`. A visit that gives a day and no time of day tells
    nothing and is left out. High with a call at night from inside or nearby.
    """
    visits = counted_visits(context)
    window = context.standards.parameter("I03.window_d").days() * DAY_US
    recent = (now_us(context) - visits["moment"] <= window).to_numpy()
    timed = has_clock_time(context, visits["at"])
    parts = [
        _by_day_only("neglected", *_visits_of_neglected(recent & timed, context), context),
        _by_day_only("cell", *cells_of_visits(context, recent & timed), context),
    ]
    left_out = int((recent & ~timed).sum())
    untested = (f"{left_out} visits give a day and no time of day: left out",) if left_out else ()
    return Outcome(join_findings(parts, city.crs), untested)


def _visits_of_neglected(mine: np.ndarray, context: Context) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of a visit (position) and a neglected place (row) it counts for."""
    named = named_objects(context, "neglected")
    places = pd.DataFrame({"number": named.objects, "row": np.arange(len(named.objects))})
    visits = pd.DataFrame({"number": named.visits, "visit": np.arange(len(named.visits))})
    by_name = visits[mine & (named.visits >= 0)].merge(places, on="number")
    row, visit = _near_neglected(mine, context)
    pairs = np.column_stack([np.append(by_name["visit"], visit), np.append(by_name["row"], row)])
    pairs = np.unique(pairs.astype("int64"), axis=0)
    return pairs[:, 0], pairs[:, 1]


def _near_neglected(mine: np.ndarray, context: Context) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of a neglected place (row) and a visit (position) without object_id that came near and counts."""
    visits, at = counted_visits(context), np.flatnonzero(mine)
    row, visit = near_visits(context, visits.iloc[at], "neglected")
    visit = at[visit]
    counted = np.zeros(len(row), dtype=bool)
    for activity, objects in objects_due(due_rows(context, "neglected")).items():
        counted |= objects[row] & counts_for(visits["activity"], activity)[visit]
    return row[counted], visit[counted]


def _by_day_only(role: str, visit: np.ndarray, place: np.ndarray, context: Context) -> gpd.GeoDataFrame:
    """Findings of the places that have enough of the visits, and none at night."""
    row = context.standards.parameter("I03.min_visits")
    table = context.city.table("neglected")
    ids, shapes = (
        context.cells if role == "cell" else (table["id"].to_numpy(dtype=object), table.geometry.to_numpy())
    )
    night = counted_visits(context)["night"].to_numpy(dtype=bool)
    count = np.bincount(place, minlength=len(ids))
    at_night = np.bincount(place[night[visit]], minlength=len(ids))
    found = np.flatnonzero((count >= row.number()) & (at_night == 0))
    shapes = shapes[found]
    calls = night_cases(context, shapes)
    return make_findings(
        "I03",
        object_role=role,
        object_id=ids[found],
        severity=np.where(calls > 0, "high", "medium").astype(object),
        geometry=shapes,
        crs=context.city.crs,
        class_code=None if role == "cell" else table["kind"].iloc[found],
        measured=0.0,
        reference=count[found],
        unit="1",
        basis=row.basis,
        confidence=row.confidence,
        params=[
            {"visits": visits, "night_cases": cases}
            for visits, cases in zip(count[found].tolist(), calls.tolist())
        ],
        evidence=("visits", "hotline"),
    )


def find_post_storm_never(city: City, context: Context) -> Outcome:
    """I04: objects in the area of an event that nobody visited in the hours in which they should have been.

    After a storm old housing and housing graded C or D, spaces under viaducts, back alleys and
    manhole covers; at a crowd components and neglected places. Any visit counts, one without
    object_id within `visit.search_m`. An object in the area by its representative point. A window
    that ends after T is not tested; where the visit log begins only after it: info, unrecorded.
    """
    events, untested = asking_events(context)
    closed = [event for event in events if event.closes <= now_us(context)]
    if len(closed) < len(events):
        untested.append(f"{len(events) - len(closed)} events whose hours are not over")
    parts = []
    for role in ("housing", "components", "neglected"):
        if not len(city.table(role)):
            continue
        for event in closed:
            context.check_cancelled()
            parts.append(_unseen_after(role, event, context))
    reason = (f"not tested: {', '.join(untested)}",) if untested else ()
    return Outcome(join_findings(parts, city.crs), reason)


def _unseen_after(role: str, event: Event, context: Context) -> gpd.GeoDataFrame:
    asked = _asked_by(role, event, context)
    asked[asked] = in_area(event, context.points(role)[asked])
    found = np.flatnonzero(asked & ~_seen_between(role, event, asked, context))
    start = log_start(context)
    silent = start is None or start.value // 1000 > event.closes
    row = event.row
    return make_findings(
        "I04",
        **objects_at(role, context.city.table(role), found),
        severity="info"
        if silent
        else np.where(_is_severe(role, found, context), "high", "medium").astype(object),
        discriminator=event.event_id,
        measured=None,
        reference=event.hours,
        unit="h",
        basis=row.basis,
        confidence=row.confidence,
        data_state="unrecorded" if silent else "known",
        params=[{"event": event.event_id, "until": day_of(context, event.closes)}] * len(found),
        evidence=("visits", "events"),
    )


def _asked_by(role: str, event: Event, context: Context) -> np.ndarray:
    """Objects of a role that an event asks to look at, wherever they lie, shape (n,)."""
    table = context.city.table(role)
    if role == "housing":
        if event.is_crowd:
            return np.zeros(len(table), dtype=bool)
        return context.is_old_housing | _is_dangerous(context)
    if event.is_crowd:
        return np.ones(len(table), dtype=bool)
    if role == "components":
        return of_class(role, table, "components:manhole_cover")
    return of_class(role, table, "neglected:under_viaduct") | of_class(role, table, "neglected:back_alley")


def _is_dangerous(context: Context) -> np.ndarray:
    return context.subject("housing").rows["danger_grade"].isin(("C", "D")).to_numpy(dtype=bool)


def _seen_between(role: str, event: Event, asked: np.ndarray, context: Context) -> np.ndarray:
    """Whether a visit came to each of the objects asked for in the hours of an event, shape (n,)."""
    visits, named = counted_visits(context), named_objects(context, role)
    moment = visits["moment"].to_numpy()
    timely = (moment > event.opens) & (moment <= event.closes)
    seen = np.isin(named.objects, np.unique(named.visits[timely & (named.visits >= 0)]))
    seen[near_visits(context, visits[timely], role, asked & ~seen)[0]] = True
    return seen


def _is_severe(role: str, found: np.ndarray, context: Context) -> np.ndarray:
    """Buildings graded C or D, spaces under viaducts, and low points where a column says so; shape (f,)."""
    severe = fits(parse("low_point is true"), context.subject(role))[found]
    if role == "housing":
        severe |= _is_dangerous(context)[found]
    return severe | of_class(role, context.city.table(role).iloc[found], "neglected:under_viaduct")


def _no_visits(city: City) -> Optional[str]:
    return None if len(city.table("visits")) else "no visits given"


def _night_reach_m(context: Context) -> float:
    return max(visit_reach_m(context), context.number("case.near_m"))


def _night_edit_reach_m(context: Context, edit: Edit) -> Optional[float]:
    """Around visits and calls, and where a visit took place by the object that it names."""
    if edit.role in ("neglected", "visits", "hotline"):
        return _night_reach_m(context)
    return 0.0 if edit.places_visits(context) else None


INSPECTION_OVERDUE = Rule(
    "I01",
    find_overdue,
    _no_visits,
    roles=(*OBJECT_LAYERS, "visits", "units"),
    reach_m=visit_reach_m,
    edit_reach_m=record_reach_m(visit_reach_m),
    is_of_its_own=True,
)
NIGHT_NEVER = Rule(
    "I03",
    find_night_never,
    _no_visits,
    roles=(*OBJECT_LAYERS, "visits", "hotline", "units"),
    reach_m=_night_reach_m,
    owners=("neglected", "cell"),
    alone=OBJECT_LAYERS,
    edit_reach_m=_night_edit_reach_m,
)
POST_STORM_NEVER = Rule(
    "I04",
    find_post_storm_never,
    lambda city: lacking_role(city, ("visits", "events")),
    roles=("housing", "components", "neglected", "visits", "events"),
    reach_m=visit_reach_m,
    edit_reach_m=record_reach_m(visit_reach_m),
    is_of_its_own=True,
)
