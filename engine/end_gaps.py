"""How far ends of lines stay away from the next line of their group."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import shapely

from .threads import in_chunks

_STRIP_M = 200.0
_MIX = 0x5851F42D4C957F2D
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
        Called between groups.
    """
    places, owner = _ends(lines)
    lone = _lone(places, group[owner], owner)
    gap = np.full(len(owner), np.nan)
    groups = np.unique(group)

    def measured(chunk: slice) -> tuple[np.ndarray, np.ndarray]:
        mine = np.flatnonzero(group == groups[chunk][0])
        asked = lone[group[owner[lone]] == groups[chunk][0]]
        return asked, _gaps(places[asked], owner[asked], lines[mine], mine, near)

    for asked, gaps in in_chunks(measured, len(groups), 1, on_chunk):
        gap[asked] = gaps
    found = np.flatnonzero(gap > touch)
    found = found[np.lexsort((found, owner[found]))]
    return EndGaps(owner[found], found >= len(lines), gap[found])


def _ends(lines: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Places where the lines start, then where they end, and the line of each."""
    places = shapely.get_coordinates(lines)
    after = np.cumsum(shapely.get_num_coordinates(lines))
    first = np.concatenate([[0], after[:-1]])[: len(after)]
    return places[np.concatenate([first, after - 1])], np.tile(np.arange(len(lines)), 2)


def _lone(places: np.ndarray, group: np.ndarray, owner: np.ndarray) -> np.ndarray:
    """Ends but those that surely share their place with an end of another line of their group."""
    bits = np.ascontiguousarray(places).view("int64")
    order = np.argsort((bits[:, 0] * _MIX + bits[:, 1]) * _MIX + group)
    # Two places of one mixed number may stand between each other: those are asked for needlessly.
    begins = np.ones(len(order), dtype=bool)
    begins[1:] = (bits[order][1:] != bits[order][:-1]).any(axis=1) | (group[order][1:] != group[order][:-1])
    first = np.flatnonzero(begins)
    if not len(first):
        return order
    lowest = np.minimum.reduceat(owner[order], first)
    highest = np.maximum.reduceat(owner[order], first)
    alone = np.repeat(lowest == highest, np.diff(np.append(first, len(order))))
    return np.asarray(order[alone])


def _gaps(
    places: np.ndarray, owner: np.ndarray, lines: np.ndarray, line_number: np.ndarray, near: float
) -> np.ndarray:
    """Distance from each place to the nearest line that does not own it, NaN beyond `near`, shape (k,)."""
    # Neighbours one after another: the tree is quicker where it has just been.
    order = np.lexsort((places[:, 0], np.floor(places[:, 1] / _STRIP_M)))
    reach = near + _HAIR_M
    # A line from corner to corner has the bounds of the square around a place, and is made quickest.
    squares = shapely.linestrings(places[order][:, None] + np.array([[-reach, -reach], [reach, reach]]))
    end, line = shapely.STRtree(lines).query(squares)
    other = owner[order[end]] != line_number[line]
    end, line = order[end[other]], line[other]
    nearest = np.full(len(order), np.inf)
    np.minimum.at(nearest, end, shapely.distance(shapely.points(places[end]), lines[line]))
    return np.where(nearest <= near, nearest, np.nan)
