"""How much of each area lies outside the buffers of lines: no union of buffers is ever built.

Most areas need no buffer: no line is near, or they lie within the distance of one straight piece of a
line. Lines are buffered only where they run past one of the others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import shapely

from .coverage import line_parts
from .planar import apart, frames
from .threads import in_chunks

_CHUNK = 4_000
_STRIP_M = 1_000.0
_SURELY_IN = 0.984
_SURELY_OUT = 1.012
"""Shares of the distance: GEOS drops bends of up to 1 % of it from a line before it draws the buffer, and
arcs of 8 pieces a quarter circle keep 0.5 % inside the circle."""


def area_outside(
    areas: np.ndarray,
    lines: np.ndarray,
    distance: float,
    on_chunk: Callable[[], None] = lambda: None,
    *,
    quad_segs: int = 8,
) -> np.ndarray:
    """Area of each polygon outside the buffers of all lines; where buffers overlap counts once.

    Parameters
    ----------
    areas : ndarray of shapely Polygon or MultiPolygon, shape (n,)
        Valid, with finite coordinates.
    lines : ndarray of shapely LineString or MultiLineString, shape (m,)
        With finite coordinates.
    distance : float
        Metres; caps are round.
    on_chunk : callable
        Called between chunks of work.
    quad_segs : int
        Pieces of a quarter circle in a buffer, at least 8.

    Returns
    -------
    ndarray of float64, shape (n,), square metres
    """
    pieces = _pieces(lines)
    west, south = shapely.bounds(areas)[:, :2].T
    # Neighbours one after another: a line is buffered once for all areas of a chunk.
    order = np.lexsort((west, np.floor(south / _STRIP_M)))

    def outside(chunk: slice) -> np.ndarray:
        mine = areas[order[chunk]]
        covered, near = _settled(mine, pieces, distance)
        mine[covered] = None
        _take_away(mine, shapely.buffer(pieces.sections(near), distance, quad_segs=quad_segs))
        return np.where(covered, 0.0, shapely.area(mine))

    result = np.zeros(len(areas))
    result[order] = np.concatenate([np.zeros(0), *in_chunks(outside, len(areas), _CHUNK, on_chunk)])
    return result


@dataclass(frozen=True)
class _Pieces:
    """The straight pieces of lines, each from a place to the next.

    Attributes
    ----------
    parts : ndarray of shapely LineString, shape (m,)
    places : ndarray of float64, shape (p, 2)
    part : ndarray of int64, shape (p,)
        To which part each place belongs.
    first : ndarray of int64, shape (k,)
        The place where each piece starts.
    tree : STRtree
        Of the pieces.
    """

    parts: np.ndarray
    places: np.ndarray
    part: np.ndarray
    first: np.ndarray
    tree: shapely.STRtree

    def apart(self, piece: np.ndarray, points: np.ndarray) -> np.ndarray:
        """Distance between each piece and the point beside it, shape (n,)."""
        start = self.first[piece]
        return apart(points, self.places[start], self.places[start + 1])

    def sections(self, pieces: np.ndarray) -> np.ndarray:
        """Lines along runs of these pieces; closed parts whole, since they have no caps where they begin."""
        start = self.first[pieces]
        closed = shapely.is_closed(self.parts[self.part[start]])
        whole = self.parts[np.unique(self.part[start[closed]])]
        start = start[~closed]
        goes_on = np.zeros(len(start), dtype=bool)
        goes_on[1:] = (np.diff(start) == 1) & (np.diff(self.part[start]) == 0)
        section = np.cumsum(~goes_on) - 1
        last = np.flatnonzero(~np.append(goes_on[1:], False)[: len(start)])
        place, section = np.append(start, start[last] + 1), np.append(section, section[last])
        order = np.argsort(section, kind="stable")
        return np.append(whole, shapely.linestrings(self.places[place[order]], indices=section[order]))


def _pieces(lines: np.ndarray) -> _Pieces:
    parts, _ = line_parts(lines)
    places, part = shapely.get_coordinates(parts, return_index=True)
    first = np.flatnonzero(part[1:] == part[:-1])
    tree = shapely.STRtree(shapely.linestrings(np.stack([places[first], places[first + 1]], axis=1)))
    return _Pieces(parts, places, part, first, tree)


def _settled(areas: np.ndarray, pieces: _Pieces, distance: float) -> tuple[np.ndarray, np.ndarray]:
    """Areas that surely lie in one buffer, shape (n,), and the pieces near any other, sorted.

    Where a run of such pieces ends, all areas but the covered ones are too far to meet its cap.
    """
    bounds, reach = shapely.bounds(areas), distance * _SURELY_OUT
    centre, radius = (bounds[:, :2] + bounds[:, 2:]) / 2, np.hypot(*(bounds[:, 2:] - bounds[:, :2]).T) / 2
    area, piece = pieces.tree.query(frames(bounds, reach))
    apart = pieces.apart(piece, centre[area])
    near = apart <= reach + radius[area]
    area, piece, apart = area[near], piece[near], apart[near]
    least = np.full(len(areas), np.inf)
    np.minimum.at(least, area, apart)
    is_least = apart == least[area]
    nearest = np.zeros(len(areas), dtype="int64")
    nearest[area[is_least]] = piece[is_least]
    covered = least <= distance * _SURELY_IN
    # What lies within a distance of a straight piece is convex: the corners speak for the area.
    corners, of = shapely.get_coordinates(areas[covered], return_index=True)
    of = np.flatnonzero(covered)[of]
    covered[of[pieces.apart(nearest[of], corners) > distance * _SURELY_IN]] = False
    return covered, np.unique(piece[~covered[area]])


def _take_away(left: np.ndarray, buffers: np.ndarray) -> None:
    """Take from what is `left` of each area the buffers, one after another, in place."""
    buffer, area = shapely.STRtree(left).query(buffers, predicate="intersects")
    order = np.argsort(area, kind="stable")
    buffer, area = buffer[order], area[order]
    turn = np.arange(len(area)) - np.searchsorted(area, area)
    for number in range(turn.max(initial=-1) + 1):
        now = turn == number
        left[area[now]] = shapely.difference(left[area[now]], buffers[buffer[now]])
