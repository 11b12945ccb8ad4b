"""How much of each area lies outside the buffers of lines: no union of buffers is ever built.

Most areas need no buffer: no line is near, or they lie within the distance of one straight piece of a
line. Lines are buffered only where they run past one of the others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import shapely

from .coverage import line_parts
from .planar import apart, frames
from .shared_area import shared_area, sides
from .threads import in_chunks

_CHUNK = 4_000
_BUFFERS = 250
_CUT = 1000
_SURELY_IN = 0.984
_SURELY_OUT = 1.012
"""Shares of the distance: an arc of 8 pieces a quarter circle may keep 1.1 % inside the circle, and GEOS may
leave out places of a line that are within 1 % of the distance of the one before."""

_SHORT = 0.01
_HAIR_M2 = 1e-7
"""Rounding noise of the area that a polygon and a buffer share, square metres."""


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
    pieces = _pieces(lines, distance * _SHORT)
    covered, near = _settled(areas, pieces, distance, on_chunk)
    outside = np.zeros(len(areas))
    outside[~covered] = shapely.area(areas[~covered])
    sections, section = pieces.sections(near.piece)

    def buffered(chunk: slice) -> np.ndarray:
        return np.asarray(shapely.buffer(sections[chunk], distance, quad_segs=quad_segs))

    none = np.zeros(0, dtype=object)
    buffers = np.concatenate([none, *in_chunks(buffered, len(sections), _BUFFERS, on_chunk)])
    pairs = np.unique(near.area * len(sections) + section)
    area, buffer = np.divmod(pairs, max(len(sections), 1))
    cut, first, at = np.unique(area, return_index=True, return_inverse=True)
    first = np.append(first, len(area))

    def left(chunk: slice) -> np.ndarray:
        mine = slice(first[chunk.start], first[chunk.stop])
        used, taken = np.unique(buffer[mine], return_inverse=True)
        return _left(areas[cut[chunk]], at[mine] - chunk.start, buffers[used], taken)

    outside[cut] = np.concatenate([np.zeros(0), *in_chunks(left, len(cut), _CUT, on_chunk)])
    return outside


@dataclass(frozen=True)
class _Pieces:
    """The straight pieces of lines, each from a place to the next and named by the first of the two.

    Attributes
    ----------
    places : ndarray of float64, shape (p, 2)
    part : ndarray of int64, shape (p,)
        To which part of the lines each place belongs.
    every : ndarray of int64, shape (k,)
        All pieces.
    whole : ndarray of bool, shape (m,)
        Parts whose buffer is not that of their sections put together: a closed one has no caps where it
        begins, and what GEOS leaves out of a line with short pieces depends on where it begins.
    """

    places: np.ndarray
    part: np.ndarray
    every: np.ndarray
    whole: np.ndarray

    def apart(self, piece: np.ndarray, points: np.ndarray) -> np.ndarray:
        """Distance between each piece and the point beside it, shape (n,)."""
        return apart(points, self.places.take(piece, axis=0), self.places.take(piece + 1, axis=0))

    def frames(self, piece: np.ndarray, by: float) -> np.ndarray:
        """`frames` around pieces, shape (n,)."""
        start, end = self.places.take(piece, axis=0), self.places.take(piece + 1, axis=0)
        return frames(np.hstack([np.minimum(start, end), np.maximum(start, end)]), by)

    def sections(self, piece: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Lines along runs of these pieces, or along all of a part that is `whole`; and which each is on."""
        starts = np.zeros(len(self.places), dtype=bool)
        starts[piece] = True
        touched = np.zeros(len(self.whole), dtype=bool)
        touched[self.part[piece]] = True
        starts[self.every] |= (self.whole & touched)[self.part[self.every]]
        stops = np.append(False, starts)[:-1]
        section, used = np.cumsum(starts & ~stops) - 1, starts | stops
        lines = shapely.linestrings(self.places[used], indices=section[used])
        return np.asarray(lines), section[piece]


def _pieces(lines: np.ndarray, short: float) -> _Pieces:
    parts, _ = line_parts(lines)
    places, part = shapely.get_coordinates(parts, return_index=True)
    every = np.flatnonzero(part[1:] == part[:-1])
    way = np.diff(places, axis=0).take(every, axis=0)
    whole = shapely.is_closed(parts)
    whole[part[every[np.hypot(way[:, 0], way[:, 1]) <= short]]] = True
    return _Pieces(places, part, every, whole)


class _Near(NamedTuple):
    """Pairs of an area and a piece near it, and how far its middle is from the piece, shape (p,) each."""

    area: np.ndarray
    piece: np.ndarray
    apart: np.ndarray

    def where(self, kept: np.ndarray) -> _Near:
        return _Near(self.area[kept], self.piece[kept], self.apart[kept])


def _settled(
    areas: np.ndarray, pieces: _Pieces, distance: float, on_chunk: Callable[[], None]
) -> tuple[np.ndarray, _Near]:
    """Areas that surely lie in one buffer, shape (n,), and the pieces near any other.

    Where a run of such pieces ends, all areas but the covered ones are too far to meet its cap.
    """
    bounds, reach, inside = shapely.bounds(areas), distance * _SURELY_OUT, distance * _SURELY_IN
    centre, radius = (bounds[:, :2] + bounds[:, 2:]) / 2, np.hypot(*(bounds[:, 2:] - bounds[:, :2]).T) / 2
    tree = shapely.STRtree(areas)

    def near(chunk: slice) -> _Near:
        asked = pieces.every[chunk]
        which, area = tree.query(pieces.frames(asked, reach))
        piece = asked[which]
        away = pieces.apart(piece, centre.take(area, axis=0))
        return _Near(area, piece, away).where(np.flatnonzero(away <= reach + radius[area]))

    covered = np.zeros(len(areas), dtype=bool)
    found = [_Near(np.zeros(0, dtype="int64"), np.zeros(0, dtype="int64"), np.zeros(0))]
    for pairs in in_chunks(near, len(pieces.every), _CHUNK, on_chunk):
        covered[pairs.area[pairs.apart + radius[pairs.area] <= inside]] = True
        found.append(pairs.where(~covered[pairs.area]))
    rest = _Near(*(np.concatenate(column) for column in zip(*found)))
    rest = rest.where(~covered[rest.area])
    rows = np.unique(rest.area)
    radius[rows] = _radii(areas[rows], centre[rows])
    rest = rest.where(rest.apart <= reach + radius[rest.area])
    covered[_within_nearest(areas, pieces, rest, inside)] = True
    return covered, rest.where(~covered[rest.area])


def _radii(areas: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """How far the farthest corner of each area is from its middle, shape (n,): less than half its bounds."""
    corners, of = shapely.get_coordinates(areas, return_index=True)
    away = corners - centre.take(of, axis=0)
    farthest = np.zeros(len(areas))
    np.maximum.at(farthest, of, np.hypot(away[:, 0], away[:, 1]))
    return farthest


def _within_nearest(areas: np.ndarray, pieces: _Pieces, near: _Near, inside: float) -> np.ndarray:
    """Areas that lie within a distance of the piece nearest to their middle, shape (k,)."""
    least = np.full(len(areas), np.inf)
    np.minimum.at(least, near.area, near.apart)
    is_least = near.apart == least[near.area]
    nearest = np.zeros(len(areas), dtype="int64")
    nearest[near.area[is_least]] = near.piece[is_least]
    maybe = np.flatnonzero(least <= inside)
    # What lies within a distance of a straight piece is convex: the corners speak for the area.
    corners, of = shapely.get_coordinates(areas[maybe], return_index=True)
    out = of[pieces.apart(nearest[maybe[of]], corners) > inside]
    return np.delete(maybe, out)


def _left(areas: np.ndarray, area: np.ndarray, buffers: np.ndarray, buffer: np.ndarray) -> np.ndarray:
    """How much of each area is outside the buffers it is paired with, shape (n,); areas change in place.

    The buffer that shares most with an area is taken from it first; of the last one its share is enough.
    """
    left, bounding = shapely.area(areas), sides(buffers)
    while len(area):
        rows, at = np.unique(area, return_inverse=True)
        shared = shared_area(sides(areas[rows]), bounding, at, buffer)
        order = np.lexsort((-shared, area))
        order = order[shared[order] > _HAIR_M2]
        area, buffer = area[order], buffer[order]
        is_most = np.diff(area, prepend=-1) != 0
        left[area[is_most]] -= shared[order[is_most]]
        more = is_most & ~np.append(is_most[1:], True)[: len(area)]
        areas[area[more]] = shapely.difference(areas[area[more]], buffers[buffer[more]])
        area, buffer = area[~is_most], buffer[~is_most]
    return np.maximum(left, 0)
