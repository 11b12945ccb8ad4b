"""Where the sample city lies: a sheet of whole 100 m cells, and the bent frame its streets follow."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import shapely

CRS = "EPSG:4549"
PEOPLES_SQUARE = (640100.0, 3457400.0)
"""Longitude 121.47, latitude 31.23 in EPSG:4549, at the nearest corner of the 100 m grid."""

CELL_M = 100.0
BUILDINGS_PER_CELL = 8.2
"""Measured on sheets of 1,000 to 200,000 buildings, with some to spare (the spare is thinned out)."""

_CORE_M, _CORE_SHARE = 1800.0, 0.3
"""Radius of the old city, metres, or its share of half the sheet's height; beyond it all is new."""

NEW_TOWN_FROM = 2007
"""Nothing outside the old city is older."""

MIN_COLUMNS, MIN_ROWS = 13, 9
SHEET_RATIO = 1.45
TILT = math.radians(-6.0)
_BEND_U, _WAVE_U, _PHASE_U = 15.0, 2 * math.pi / 1450.0, 0.6
_BEND_V, _WAVE_V, _PHASE_V = 13.0, 2 * math.pi / 1250.0, 2.1


@dataclass(frozen=True)
class Frame:
    """A sheet of `columns` x `rows` cells around People's Square.

    Street coordinates (u, v) are metres along and across the streets from the sheet's middle;
    `place` bends and tilts them into the CRS. The bend shears by at most 8 degrees and never
    shortens distances along u, so that what keeps clear of its neighbours in (u, v) mostly does on the sheet.
    """

    columns: int
    rows: int

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Bounds of the sheet in the CRS, on the 100 m grid."""
        west = PEOPLES_SQUARE[0] - self.columns // 2 * CELL_M
        south = PEOPLES_SQUARE[1] - self.rows // 2 * CELL_M
        return west, south, west + self.columns * CELL_M, south + self.rows * CELL_M

    @property
    def sheet(self) -> shapely.Polygon:
        """The sheet as a polygon."""
        return shapely.box(*self.bounds)

    @property
    def half_extent(self) -> tuple[float, float]:
        """Half the extent in u and v that covers the whole sheet, metres."""
        half_w, half_h = self.columns * CELL_M / 2 + CELL_M, self.rows * CELL_M / 2 + CELL_M
        c, s = math.cos(TILT), abs(math.sin(TILT))
        return half_w * c + half_h * s + 20.0, half_h * c + half_w * s + 20.0

    def place(self, u: np.ndarray, v: np.ndarray) -> np.ndarray:
        """Street coordinates to the CRS, shape (..., 2)."""
        x = u + _BEND_U * np.sin(_WAVE_U * v + _PHASE_U)
        y = v + _BEND_V * np.sin(_WAVE_V * u + _PHASE_V)
        c, s = math.cos(TILT), math.sin(TILT)
        west, south, east, north = self.bounds
        return np.stack([(west + east) / 2 + c * x - s * y, (south + north) / 2 + s * x + c * y], axis=-1)

    def heading(self, u: np.ndarray) -> np.ndarray:
        """Angle of the u axis at u against east, radians."""
        slope = _BEND_V * _WAVE_V * np.cos(_WAVE_V * u + _PHASE_V)
        return TILT + np.arctan(slope)

    def lines(self, start: np.ndarray, end: np.ndarray, vertices: int = 5) -> np.ndarray:
        """Bent lines between points of (u, v), each with the same number of vertices."""
        share = np.linspace(0.0, 1.0, vertices)[None, :, None]
        path = start[:, None, :] * (1 - share) + end[:, None, :] * share
        return np.asarray(shapely.linestrings(self.place(path[..., 0], path[..., 1])))


def in_core(shapes: np.ndarray, frame: Frame) -> np.ndarray:
    """Whether each shape lies in the old city around the sheet's middle, shape (n,)."""
    west, south, east, north = shapely.bounds(shapes).T
    x0, y0, x1, y1 = frame.bounds
    reach = max(_CORE_M, _CORE_SHARE * frame.rows * CELL_M / 2)
    return np.asarray(
        np.hypot((west + east) / 2 - (x0 + x1) / 2, (south + north) / 2 - (y0 + y1) / 2) < reach
    )


def frame_for(buildings: int, growth: float = 1.0) -> Frame:
    """The smallest sheet that has room for so many buildings."""
    cells = buildings / BUILDINGS_PER_CELL * growth
    columns = max(MIN_COLUMNS, math.ceil(math.sqrt(cells * SHEET_RATIO)))
    return Frame(columns, max(MIN_ROWS, math.ceil(cells / columns)))


def clip_lines(lines: np.ndarray, sheet: shapely.Polygon) -> tuple[np.ndarray, np.ndarray]:
    """Lines cut at the sheet's edge: the longest part inside, None where under 8 m are left.

    Returns
    -------
    lines : ndarray of LineString or None, shape (n,)
    whole : ndarray of bool, shape (n,)
        Which were not cut.
    """
    shapely.prepare(sheet)
    whole = np.asarray(shapely.contains_properly(sheet, lines))
    clipped = lines.copy()
    clipped[~whole] = shapely.intersection(lines[~whole], sheet)
    parts, owner = shapely.get_parts(clipped, return_index=True)
    length = shapely.length(parts)
    order = np.lexsort((length, owner))
    kept = order[np.append(owner[order][1:] != owner[order][:-1], True)] if len(order) else order
    result = np.full(len(lines), None, dtype=object)
    long_enough = length[kept] >= 8.0
    result[owner[kept][long_enough]] = parts[kept][long_enough]
    return result, whole
