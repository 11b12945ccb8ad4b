"""Cells that many people call about and few visits go to, and cells a little short of that."""

from __future__ import annotations

import numpy as np
import pandas as pd
import shapely

from .days import day_column, random_days
from .foreseen_areas import cell_codes
from .frame import CELL_M, Frame
from .plants import TODAY, days_ago
from .truth import Truth

_CALLS = {"yes": 26, "no": 4}
"""Calls within a year: H01 asks for five at least."""

_SPREAD_M, _WINDOW_DAYS = 22.0, 360


def plan_hotspots(
    tables: dict[str, pd.DataFrame], frame: Frame, copies: int, rng: np.random.Generator
) -> tuple[pd.DataFrame, list[Truth]]:
    """Calls about cells where nobody lives and nobody goes.

    Returns
    -------
    calls : DataFrame
        x, y, day.
    truths : list of Truth
        H01.
    """
    named, passed = _visits(tables, frame)
    housing, hotline = tables["housing"], tables["hotline"]
    busy = _count(_cells(housing), frame) + _count(_cells(hotline), frame) > 0
    quiet = (named + passed <= np.quantile(named, 0.25)) & ~busy
    free = rng.permutation(np.flatnonzero(quiet))
    west, south, *_ = frame.bounds
    parts, truths = [], []
    for cell, (expected, count) in zip(free, list(_CALLS.items()) * copies):
        column, row = divmod(int(cell), frame.rows)
        middle = np.array([west, south]) + (np.array([column, row]) + 0.5) * CELL_M
        places = middle + rng.uniform(-_SPREAD_M, _SPREAD_M, (count, 2))
        day = random_days(days_ago(_WINDOW_DAYS), days_ago(2), count, rng)
        parts.append(pd.DataFrame({"x": places[:, 0], "y": places[:, 1], "day": day}))
        code = str(cell_codes(np.floor(middle[None, :] / CELL_M).astype("int64"))[0])
        note = f"{count} calls in a year, no more visits than in the quietest quarter of cells"
        severity = "low" if expected == "yes" else ""
        truths.append(Truth("H01", "cell", code, "", code, severity, expected, TODAY, note))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(), truths


def _cells(table: pd.DataFrame) -> np.ndarray:
    """Column and row in the grid of the CRS of each row, shape (n, 2)."""
    if "geometry" in table:
        places = shapely.get_coordinates(shapely.point_on_surface(table["geometry"].to_numpy()))
    else:
        places = table[["x", "y"]].to_numpy()
    return np.floor(places / CELL_M).astype("int64")


def _count(cells: np.ndarray, frame: Frame) -> np.ndarray:
    """How many lie in each cell of the sheet, column by column."""
    west, south, *_ = frame.bounds
    column, row = (cells - np.round(np.array([west, south]) / CELL_M).astype("int64")).T
    inside = (column >= 0) & (column < frame.columns) & (row >= 0) & (row < frame.rows)
    return np.bincount(column[inside] * frame.rows + row[inside], minlength=frame.columns * frame.rows)


def _visits(tables: dict[str, pd.DataFrame], frame: Frame) -> tuple[np.ndarray, np.ndarray]:
    """Visits to objects in each cell, and visits along lines that may count for it."""
    visits = tables["visits"]
    year = visits[visits["at"] > day_column(np.array([days_ago(365)], dtype="datetime64[D]"))[0]]
    named = np.zeros(frame.columns * frame.rows, dtype="int64")
    for role in ("housing", "pipes", "components", "neglected", "pipe_points", "water"):
        table = tables[role].drop_duplicates("id")
        at = pd.Index(table["id"]).get_indexer(year["object_id"])
        rows, times = np.unique(at[at >= 0], return_counts=True)
        named += _count(np.repeat(_cells(table.iloc[rows]), times, axis=0), frame)
    lines = year["geometry"].to_numpy()
    lines = lines[~shapely.is_missing(lines)]
    west, south, *_ = frame.bounds
    column, row = (grid.ravel() for grid in np.indices((frame.columns, frame.rows)))
    boxes = shapely.box(
        west + column * CELL_M, south + row * CELL_M, west + (column + 1) * CELL_M, south + (row + 1) * CELL_M
    )
    _, cell = shapely.STRtree(boxes).query(lines, predicate="intersects")
    return named, np.bincount(cell, minlength=len(boxes))
