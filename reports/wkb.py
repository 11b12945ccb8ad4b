"""Bare well-known binary, where no geometry library may be assumed."""

from __future__ import annotations

import math
import struct

GRID_M = 100.0
"""Side of a square of the project's grid (catalogue, "grid"): 100 m of the city CRS."""


def grid_square(x: float, y: float) -> bytes:
    """WKB polygon of the 100 m grid square that holds a point of the city CRS."""
    west, south = math.floor(x / GRID_M) * GRID_M, math.floor(y / GRID_M) * GRID_M
    east, north = west + GRID_M, south + GRID_M
    ring = (west, south, west, north, east, north, east, south, west, south)
    return struct.pack("<BIII10d", 1, 3, 1, 5, *ring)
