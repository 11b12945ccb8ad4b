"""Events after which, or during which, the city has to be looked at."""

from __future__ import annotations

from typing import NamedTuple, Optional

import numpy as np
import pandas as pd
import shapely

from .city import usable
from .conditions import fits, parse
from .context import Context
from .moments import HOUR_US, NEVER, micros
from .standards import Standard

CROWD = "crowd"
RAIN = "rain"
RAIN_FIELD = "rain_mm_24h"
"""Column of events, beyond the role's own, that says how much rain fell."""


class Event(NamedTuple):
    """An event that asks for visits, and when they count: after `opens`, up to `closes`, microseconds UTC.

    `area` is None where it concerns the whole city; `hours` is the length of the window after its end.
    """

    event_id: str
    is_crowd: bool
    opens: int
    closes: int
    hours: float
    area: Optional[shapely.Geometry]
    row: Standard


def asking_events(context: Context) -> tuple[list[Event], list[str]]:
    """Events with a trigger, and why others that have one can't be tested.

    Trigger (vocabulary, events.kind): a warning of `I04.levels` of anything but a crowd, rain of at
    least `I04.rain_mm_24h` where events say so, any crowd.
    """
    table = context.city.table("events")
    rows = context.subject("events").rows
    is_crowd = (rows["kind"] == CROWD).to_numpy(dtype=bool)
    warned = rows["level"].isin(context.standards.words("I04.levels")).to_numpy(dtype=bool)
    triggers = is_crowd | warned | _heavy_rain(context)
    started, ended = micros(table["started_at"]), micros(table["ended_at"])
    untested = []
    unknown = ~triggers & rows["level"].isna().to_numpy()
    if unknown.any():
        untested.append(f"{unknown.sum()} events without level")
    undated = triggers & ((ended == NEVER) | is_crowd & (started == NEVER))
    if undated.any():
        untested.append(f"{undated.sum()} events without start or end")
    lost = triggers & ~usable(table.geometry) & ~_without_place(table.geometry.to_numpy())
    if lost.any():
        untested.append(f"{lost.sum()} events whose area is no number")
    found = np.flatnonzero(triggers & ~undated & ~lost)
    shapes = np.where(usable(table.geometry), table.geometry.to_numpy(), None)
    names = table["id"].astype(object).where(table["id"].notna(), "").to_numpy()
    return [
        _event(
            context,
            str(names[at]),
            bool(is_crowd[at]),
            int(started[at]),
            int(ended[at]),
            shapely.make_valid(shapes[at]),
        )
        for at in found
    ], untested


def _event(
    context: Context,
    event_id: str,
    is_crowd: bool,
    started: int,
    ended: int,
    area: Optional[shapely.Geometry],
) -> Event:
    row = context.standards.parameter("I04.crowd_after_h" if is_crowd else "I04.window_h")
    opens = started - int(context.number("I04.crowd_before_h") * HOUR_US) - 1 if is_crowd else ended
    closes = ended + int(row.number() * HOUR_US)
    return Event(event_id, is_crowd, opens, closes, row.number(), area, row)


def _heavy_rain(context: Context) -> np.ndarray:
    """Rain of at least the limit in 24 hours, where a column says so; shape (n,)."""
    subject = context.subject("events")
    limit = context.standards.parameter("I04.rain_mm_24h").value
    return fits(parse(f"kind in {RAIN}|null & {RAIN_FIELD}>={limit}"), subject)


def _without_place(shapes: np.ndarray) -> np.ndarray:
    return np.asarray(shapely.is_missing(shapes) | shapely.is_empty(shapes))


def in_area(event: Event, points: np.ndarray) -> np.ndarray:
    """Whether an event concerns each point, shape (n,): it lies in its area, or the whole city does."""
    if event.area is None:
        return np.ones(len(points), dtype=bool)
    shapely.prepare(event.area)
    return np.asarray(shapely.intersects(event.area, points))


def day_of(context: Context, moment: int) -> str:
    """The day of a moment in the city's time zone, ISO."""
    return pd.Timestamp(moment * 1000, tz="UTC").tz_convert(str(context.city.tz)).date().isoformat()
