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
    shapes = _shapes(lines)
    places = shapes.corners.take(np.concatenate([shapes.first, shapes.first + shapes.pieces]), axis=0)
    owner = np.tile(np.arange(len(lines)), 2)
    # Both ends of a closed line are in one place, which says nothing of other lines.
    starts, stops = np.split(places, 2)
    closed = (starts == stops).all(axis=1)
    asked = np.flatnonzero(alone(spots(places, group[owner])) | closed[owner])
    gap = np.full(len(owner), np.inf)
    groups = np.unique(group)

    def tree(number: slice) -> tuple[np.ndarray, shapely.STRtree]:
        among = np.flatnonzero(group == groups[number])
        return among, shapely.STRtree(lines[among])

    # The next tree grows while this one is asked.
    for each, (among, nearby) in zip(groups, in_chunks(tree, len(groups), 1, on_chunk)):
        mine = asked[group[owner[asked]] == each]
        gap[mine] = _gaps(places.take(mine, axis=0), owner[mine], shapes, among, nearby, near, on_chunk)
    found = np.flatnonzero((gap > touch) & (gap <= near))
    found = found[np.lexsort((found, owner[found]))]
    return EndGaps(owner[found], found >= len(lines), gap[found])


@dataclass(frozen=True)
class _Shapes:
    """Lines as their corners, one line after another.

    Attributes
    ----------
    corners : ndarray of float64, shape (c, 2)
        Metres.
    first, pieces : ndarray of int64, shape (n,)
        The first corner of each line, and how many straight pieces it has.
    """

    corners: np.ndarray
    first: np.ndarray
    pieces: np.ndarray

    def apart(self, line: np.ndarray, places: np.ndarray) -> np.ndarray:
        """Distance between each line and the place beside it, shape (k,)."""
        number = self.pieces[line]
        begins = np.cumsum(number) - number
        pair = np.repeat(np.arange(len(line)), number)
        piece = np.arange(len(pair)) + (self.first[line] - begins)[pair]
        start, end = self.corners.take(piece, axis=0), self.corners.take(piece + 1, axis=0)
        distance = apart(places.take(pair, axis=0), start, end)
        return np.asarray(np.minimum.reduceat(distance, begins)) if len(line) else distance


def _shapes(lines: np.ndarray) -> _Shapes:
    number = shapely.get_num_coordinates(lines)
    return _Shapes(shapely.get_coordinates(lines), np.cumsum(number) - number, number - 1)


def _gaps(
    places: np.ndarray,
    owner: np.ndarray,
    shapes: _Shapes,
    among: np.ndarray,
    tree: shapely.STRtree,
    near: float,
    on_chunk: Callable[[], None],
) -> np.ndarray:
    """Distance from each place to the nearest line of a tree that does not own it, shape (k,).

    The tree holds the lines `among`. Surely right up to `near`; beyond, or where nothing is so near, it
    may be more.
    """
    # Neighbours one after another: the tree is quicker where it has just been.
    order = np.argsort(np.floor(places[:, 1] / _STRIP_M) * _WIDE_M + places[:, 0])

    def measured(chunk: slice) -> np.ndarray:
        rows = order[chunk]
        mine = places.take(rows, axis=0)
        end, found = tree.query(frames(mine, near + _HAIR_M))
        line = among[found]
        other = np.flatnonzero(owner[rows[end]] != line)
        end, line = end[other], line[other]
        nearest = np.full(len(rows), np.inf)
        np.minimum.at(nearest, end, shapes.apart(line, mine.take(end, axis=0)))
        return nearest

    gap = np.empty(len(order))
    gap[order] = np.concatenate([np.zeros(0), *in_chunks(measured, len(order), _CHUNK, on_chunk)])
    return gap
