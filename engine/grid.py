"""The cells a city is counted in: official ones where given, else 100 m squares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

import numpy as np
import shapely

from .units import Units

MOST_CELLS = 6_000_000
"""Squares of 60,000 km²: ten times Shanghai."""

CELL_M = 100
"""Side of a square cell, metres (10,000 m², as 万米单元网格)."""


def square_code(east: int, north: int) -> str:
    """Code of the square with these column and row numbers (E and N over 100 m, floored).

    Examples
    --------
    >>> square_code(6396, 34567)
    'XA006396034567'
    """
    letter = "ABCD"[(east < 0) + 2 * (north < 0)]
    return f"X{letter}{abs(east):06d}{abs(north):06d}"


def square_codes(squares: np.ndarray) -> np.ndarray:
    """`square_code` of many squares, columns and rows of shape (n, 2), as object array of shape (n,)."""
    east, north = squares.T
    letter = np.array(list("ABCD"), dtype=object)[(east < 0) + 2 * (north < 0)]
    return np.asarray("X" + letter + _six_digits(east) + _six_digits(north))


def _six_digits(numbers: np.ndarray) -> np.ndarray:
    """Numbers without sign and with zeros in front: of the few that differ each is written once."""
    values, at = np.unique(np.abs(numbers), return_inverse=True)
    return np.array([f"{value:06d}" for value in values], dtype=object)[at.reshape(-1)]


class Grid:
    """Looks up cells and their outlines in one of the two grids."""

    def __init__(self, units: Units) -> None:
        self._units = units
        self._cells = units.of_level("cell")

    @property
    def is_official(self) -> bool:
        """Whether the units hold cells of their own."""
        return len(self._cells) > 0

    def codes(self, points: np.ndarray) -> np.ndarray:
        """Code of the cell that holds each point; None outside all cells.

        Parameters
        ----------
        points : ndarray of shapely Point or None, shape (n,)

        Returns
        -------
        ndarray of object, shape (n,)
        """
        if self.is_official:
            return self._official_codes(points)
        return self._square_codes(np.column_stack([shapely.get_x(points), shapely.get_y(points)]))

    def codes_at(self, places: np.ndarray) -> np.ndarray:
        """As `codes`, of places, float64 of shape (n, 2), NaN for none: squares need no points."""
        if not self.is_official:
            return self._square_codes(places)
        points = np.full(len(places), None, dtype=object)
        placed = ~np.isnan(places[:, 0])
        points[placed] = shapely.points(places[placed])
        return self._official_codes(points)

    def _official_codes(self, points: np.ndarray) -> np.ndarray:
        codes = np.full(len(points), None, dtype=object)
        row = self._units.holding(points, "cell")
        codes[row >= 0] = self._units.rows["code"].to_numpy(dtype=object)[row[row >= 0]]
        return codes

    def _square_codes(self, places: np.ndarray) -> np.ndarray:
        codes = np.full(len(places), None, dtype=object)
        placed = ~np.isnan(places[:, 0])
        if self._units.study_area is None or not placed.any():
            return codes
        east, north = np.floor(places[placed] / CELL_M).astype("int64").T
        _, first, square = np.unique(east * (1 << 32) + north, return_index=True, return_inverse=True)
        squares = np.column_stack([east[first], north[first]])
        words = square_codes(squares)
        words[~self._meets(_boxes(squares))] = None
        codes[placed] = words[square]
        return codes

    def all_cells(self) -> tuple[np.ndarray, np.ndarray]:
        """Codes and outlines of every cell of the study area.

        Returns
        -------
        ndarray of str, shape (c,); ndarray of shapely Polygon, shape (c,)
        """
        area = self._units.study_area
        return self.cells_in(np.full(4, np.nan) if area is None else np.array(area.bounds))

    def cells_in(self, frame: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Codes and outlines of the cells of the study area that meet or touch a frame.

        The frame is west, south, east, north.

        None of more than `MOST_CELLS` squares: that is no city but an outlier, or a country.
        """
        if self.is_official:
            outlines = self._cells.geometry.to_numpy()
            west, south, east, north = shapely.bounds(outlines).T
            meets = (west <= frame[2]) & (south <= frame[3]) & (east >= frame[0]) & (north >= frame[1])
            return self._cells["code"].to_numpy(dtype=object)[meets], outlines[meets]
        area = self._units.study_area
        if area is None:
            return np.array([], dtype=object), np.array([], dtype=object)
        low = np.maximum(frame[:2], area.bounds[:2])
        high = np.minimum(frame[2:], area.bounds[2:])
        first = np.ceil(low / CELL_M).astype("int64") - 1
        last = np.floor(high / CELL_M).astype("int64") + 1
        wide, tall = np.maximum(last - first, 0).tolist()
        if wide * tall > MOST_CELLS:
            return np.array([], dtype=object), np.array([], dtype=object)
        east, north = np.meshgrid(np.arange(first[0], last[0]), np.arange(first[1], last[1]))
        squares = np.column_stack([east.ravel(), north.ravel()])
        boxes = _boxes(squares)
        inside = self._meets(boxes)
        codes = square_codes(squares[inside])
        return codes, boxes[inside]

    def outlines(self, codes: Sequence[Optional[str]]) -> np.ndarray:
        """Outline of each cell code; None for None.

        Returns
        -------
        ndarray of shapely Polygon or None, shape (n,)
        """
        if self.is_official:
            known = dict(zip(self._cells["code"], self._cells.geometry))
            return np.array([known.get(code) for code in codes], dtype=object)
        shapes = np.full(len(codes), None, dtype=object)
        squares = [_square_of(code) for code in codes if code is not None]
        shapes[[code is not None for code in codes]] = _boxes(np.array(squares, dtype="int64").reshape(-1, 2))
        return shapes

    def _meets(self, boxes: np.ndarray) -> np.ndarray:
        """Whether a box shares more than its border with the study area."""
        area = self._units.study_area
        shapely.prepare(area)
        meets = shapely.intersects(area, boxes)
        meets[meets] = ~shapely.touches(area, boxes[meets])
        return np.asarray(meets)


def _boxes(squares: np.ndarray) -> np.ndarray:
    low = squares * CELL_M
    return np.asarray(shapely.box(low[:, 0], low[:, 1], low[:, 0] + CELL_M, low[:, 1] + CELL_M))


def _square_of(code: str) -> tuple[int, int]:
    """Column and row of the square that `square_code` gave this code."""
    east, north = int(code[2:8]), int(code[8:14])
    return -east if code[1] in "BD" else east, -north if code[1] in "CD" else north
