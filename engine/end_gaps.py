"""How far ends of lines stay away from the next line of their group."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import shapely

from .ends import alone, spots, starts_and_stops
from .planar import apart, frames
from .threads import in_chunks

_CHUNK = 10_000
_STRIP_M = 200.0
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
    starts, stops = starts_and_stops(lines)
    places, owner = np.concatenate([starts, stops]), np.tile(np.arange(len(lines)), 2)
    # Both ends of a closed line are in one place, which says nothing of other lines.
    closed = (starts == stops).all(axis=1)
    asked = np.flatnonzero(alone(spots(places, group[owner])) | closed[owner])
    gap = np.full(len(owner), np.inf)
    for each in np.unique(group):
        mine = asked[group[owner[asked]] == each]
        gap[mine] = _gaps(places[mine], owner[mine], lines, np.flatnonzero(group == each), near, on_chunk)
    found = np.flatnonzero((gap > touch) & (gap <= near))
    found = found[np.lexsort((found, owner[found]))]
    return EndGaps(owner[found], found >= len(lines), gap[found])


def _gaps(
    places: np.ndarray,
    owner: np.ndarray,
    lines: np.ndarray,
    among: np.ndarray,
    near: float,
    on_chunk: Callable[[], None],
) -> np.ndarray:
    """Distance from each place to the nearest line `among` those that do not own it, shape (k,).

    Surely right up to `near`; beyond, or where nothing is so near, it may be more.
    """
    tree = shapely.STRtree(lines[among])
    # Neighbours one after another: the tree is quicker where it has just been.
    order = np.lexsort((places[:, 0], np.floor(places[:, 1] / _STRIP_M)))

    def measured(chunk: slice) -> np.ndarray:
        rows = order[chunk]
        end, found = tree.query(frames(places[rows], near + _HAIR_M))
        line = among[found]
        other = owner[rows[end]] != line
        end, line = end[other], line[other]
        nearest = np.full(len(rows), np.inf)
        np.minimum.at(nearest, end, _apart(places[rows[end]], lines[line]))
        return nearest

    gap = np.empty(len(order))
    gap[order] = np.concatenate([np.zeros(0), *in_chunks(measured, len(order), _CHUNK, on_chunk)])
    return gap


def _apart(places: np.ndarray, lines: np.ndarray) -> np.ndarray:
    """Distance between each place and the line beside it, shape (k,); numpy need not make points of them."""
    corners, pair = shapely.get_coordinates(lines, return_index=True)
    piece = np.flatnonzero(pair[1:] == pair[:-1])
    pair = pair[piece]
    distance = apart(places[pair], corners[piece], corners[piece + 1])
    return np.asarray(np.minimum.reduceat(distance, np.flatnonzero(np.diff(pair, prepend=-1))))
