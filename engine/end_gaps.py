"""How far ends of lines stay away from the next line of their group."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import shapely

from .ends import alone, spots
from .planar import apart, frames
from .threads import in_chunks

_CHUNK = 4_000
_STRIP_M = 200.0
_WIDE_M = 1e9
"""More than the width of any city: strips lie end to end."""

_HAIR_M = 1e-6
"""What the tree finds is measured again: it may not miss what lies at the distance itself, metres."""


@dataclass(frozen=True)
class EndGaps:
    """Ends that have another line of their group within the distance asked for, ordered by line and end.

    Attributes
    ----------
    line : ndarray of int64, shape (k,)
    last : ndarray of bool, shape (k,)
        False for the end where the line starts, True where it ends.
    gap : ndarray of float64, shape (k,)
        Metres to the nearest other line of the group, over the touch.
    """

    line: np.ndarray
    last: np.ndarray
    gap: np.ndarray


def end_gaps(
    lines: np.ndarray,
    group: np.ndarray,
    touch: float,
    near: float,
    on_chunk: Callable[[], None] = lambda: None,
) -> EndGaps:
    """Ends that touch no other line of their group, but have one within a distance.

    Parameters
    ----------
    lines : ndarray of shapely LineString, shape (n,)
        With finite coordinates.
    group : ndarray of int, shape (n,)
    touch : float
        Metres; ends this close to another line (inclusive) touch it.
    near : float
        Metres, inclusive.
    on_chunk : callable
        Called between chunks of work.
    """
    groups = np.unique(group)
    # Of all lines at once: group by group they lie apart in memory.
    corners, number = shapely.get_coordinates(lines), shapely.get_num_coordinates(lines)
    first = np.cumsum(number) - number

    def sorted_out(which: slice) -> tuple[np.ndarray, _Lines]:
        rows = np.flatnonzero(group == groups[which])
        return rows, _lines(lines[rows], corners, first[rows], number[rows] - 1)

    line, last, gaps = [np.zeros(0, dtype="int64")], [np.zeros(0, dtype=bool)], [np.zeros(0)]
    # The next group is sorted out while this one is measured.
    for rows, mine in in_chunks(sorted_out, len(groups), 1, on_chunk):
        gap = mine.gaps(near, on_chunk)
        found = np.flatnonzero((gap > touch) & (gap <= near))
        line.append(rows[mine.lone[found] % len(rows)])
        last.append(mine.lone[found] >= len(rows))
        gaps.append(gap[found])
    order = np.lexsort((np.concatenate(last), np.concatenate(line)))
    return EndGaps(*(np.concatenate(column)[order] for column in (line, last, gaps)))


@dataclass(frozen=True)
class _Lines:
    """The lines of one group, and their ends: all where lines start, in order, then all where they stop.

    Attributes
    ----------
    tree : STRtree
    corners : ndarray of float64, shape (c, 2)
        Of one line after another, also of those of other groups, metres.
    first, pieces : ndarray of int64, shape (n,)
        The first corner of each line, and how many straight pieces it has.
    places : ndarray of float64, shape (2 n, 2)
        Of the ends, metres.
    lone : ndarray of int64, shape (k,)
        The ends that share their place with that of no other line, neighbours one after another.
    """

    tree: shapely.STRtree
    corners: np.ndarray
    first: np.ndarray
    pieces: np.ndarray
    places: np.ndarray
    lone: np.ndarray

    def gaps(self, near: float, on_chunk: Callable[[], None]) -> np.ndarray:
        """Distance from each lone end to the nearest other line, shape (k,).

        Surely right up to `near`; beyond, or where nothing is so near, it may be more.
        """

        def measured(chunk: slice) -> np.ndarray:
            ends = self.lone[chunk]
            places = self.places.take(ends, axis=0)
            end, line = self.tree.query(frames(places, near + _HAIR_M))
            other = np.flatnonzero(ends[end] % len(self.first) != line)
            end, line = end[other], line[other]
            nearest = np.full(len(ends), np.inf)
            np.minimum.at(nearest, end, self.apart(line, places.take(end, axis=0)))
            return nearest

        return np.concatenate([np.zeros(0), *in_chunks(measured, len(self.lone), _CHUNK, on_chunk)])

    def apart(self, line: np.ndarray, places: np.ndarray) -> np.ndarray:
        """Distance between each line and the place beside it, shape (p,)."""
        number = self.pieces[line]
        begins = np.cumsum(number) - number
        pair = np.repeat(np.arange(len(line)), number)
        piece = np.arange(len(pair)) + (self.first[line] - begins)[pair]
        start, end = self.corners.take(piece, axis=0), self.corners.take(piece + 1, axis=0)
        distance = apart(places.take(pair, axis=0), start, end)
        return np.asarray(np.minimum.reduceat(distance, begins)) if len(line) else distance


def _lines(lines: np.ndarray, corners: np.ndarray, first: np.ndarray, pieces: np.ndarray) -> _Lines:
    places = corners.take(np.concatenate([first, first + pieces]), axis=0)
    # Both ends of a closed line are in one place, which says nothing of other lines.
    closed = (places[: len(lines)] == places[len(lines) :]).all(axis=1)
    lone = np.flatnonzero(alone(spots(places, np.zeros(len(places), dtype="int8"))) | np.tile(closed, 2))
    east, north = places.take(lone, axis=0).T
    order = np.argsort(np.floor(north / _STRIP_M) * _WIDE_M + east)
    return _Lines(shapely.STRtree(lines), corners, first, pieces, places, lone[order])
