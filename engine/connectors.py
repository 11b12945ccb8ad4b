"""Which drains are connectors: short pipes from a rain inlet or a building to the main."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from .city import usable
from .classes import of_class
from .coverage import SLACK_M, lines_of

if TYPE_CHECKING:
    from .context import Context
    from .window import Edit


def surround_m(context: Context) -> float:
    """How far from a pipe lies what decides whether it is a connector, metres."""
    return context.number("D02.connector_max_m", "pipes") + context.number("N01.snap_tol_m", "pipes")


def is_connector(context: Context) -> np.ndarray:
    """Drains (PS) of at most `D02.connector_max_m` with an end at a rain inlet or in a building.

    At: within `N01.snap_tol_m` of a pipe_point with feature rain_inlet. A closed line has no ends.

    Returns
    -------
    ndarray of bool, shape (n,), in the order of the pipes
    """
    connector = is_short_drain(context)
    rows = np.flatnonzero(connector)
    lines = lines_of(context, "pipes")[1][rows]
    starts = shapely.get_point(shapely.get_geometry(lines, 0), 0)
    stops = shapely.get_point(shapely.get_geometry(lines, -1), -1)
    open_ended = ~shapely.equals(starts, stops)
    rows, starts, stops = rows[open_ended], starts[open_ended], stops[open_ended]
    connector[:] = False
    starting = _ends_somewhere(starts, context)
    starting[~starting] = _ends_somewhere(stops[~starting], context)
    connector[rows] = starting
    return connector


def is_short_drain(context: Context) -> np.ndarray:
    """Drains (PS) of at most `D02.connector_max_m`, shape (n,)."""
    drains = of_class("pipes", context.city.table("pipes"), "pipes:PS")
    is_line, lines = lines_of(context, "pipes")
    drains &= is_line
    drains[drains] = shapely.length(lines[drains]) <= context.number("D02.connector_max_m", "pipes") + SLACK_M
    return drains


def tells_connectors(edit: Edit) -> bool:
    """Whether an edit may make pipes connectors or undo it: by a rain inlet, or the outline of a building."""
    if edit.role == "pipe_points":
        return any(_is_inlet(table).any() for table in edit.tables)
    return edit.role == "housing" and edit.is_reshaped


def _is_inlet(points: pd.DataFrame) -> np.ndarray:
    return (points["feature"] == "rain_inlet").to_numpy(dtype=bool)


def _ends_somewhere(places: np.ndarray, context: Context) -> np.ndarray:
    """Whether each place is at a rain inlet or in a building, borders included, shape (n,)."""
    points = context.city.table("pipe_points")
    inlets = _is_inlet(points) & usable(points.geometry)
    snap = context.number("N01.snap_tol_m", "pipes") + SLACK_M
    found = np.zeros(len(places), dtype=bool)
    tree = shapely.STRtree(points.geometry.to_numpy()[inlets])
    found[tree.query(places, predicate="dwithin", distance=snap)[0]] = True
    rest = np.flatnonzero(~found)
    housing = context.city.table("housing").geometry
    outlines = housing.to_numpy()[usable(housing) & (shapely.get_dimensions(housing.to_numpy()) == 2)]
    found[rest[shapely.STRtree(outlines).query(places[rest], predicate="intersects")[0]]] = True
    return found
