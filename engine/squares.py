"""How much of lines lies in each square of a grid, by arithmetic: no geometry is cut."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import shapely

from .coverage import line_parts
from .threads import in_chunks

_CHUNK = 20_000
_MOST_DENSE = 50_000_000


@dataclass(frozen=True)
class SquareLengths:
    """Length of lines in each square and group, every pair once, ordered by column, row and group.

    Attributes
    ----------
    column, row, group : ndarray of int64, shape (k,)
        East and north over the side, floored; a piece along the border of two squares belongs to
        the one east or north of it.
    metres : ndarray of float64, shape (k,)
        Over 0.
    """

    column: np.ndarray
    row: np.ndarray
    group: np.ndarray
    metres: np.ndarray


def length_per_square(
    lines: np.ndarray,
    group: np.ndarray,
    side: float,
    on_chunk: Callable[[], None] = lambda: None,
) -> SquareLengths:
    """Length of lines in each square of a grid through the origin, by group.

    Parameters
    ----------
    lines : ndarray of shapely LineString or MultiLineString, shape (n,)
        With finite coordinates.
    group : ndarray of int, shape (n,)
        From 0.
    side : float
        Metres.
    on_chunk : callable
        Called between chunks of work.
    """
    groups = int(group.max(initial=-1)) + 1
    west, south, east, north = np.floor(_bounds(lines) / side).astype("int64")
    rows = north - south + 1
    cells = (east - west + 1) * rows * groups

    def measured(chunk: slice) -> tuple[np.ndarray, np.ndarray]:
        column, row, line, metres = _cut(lines[chunk], side)
        return ((column - west) * rows + row - south) * groups + group[chunk][line], metres

    parts = in_chunks(measured, len(lines), _CHUNK, on_chunk)
    key, total = _dense(parts, cells) if cells <= _MOST_DENSE else _sparse(parts)
    square, number = np.divmod(key, max(groups, 1))
    return SquareLengths(square // rows + west, square % rows + south, number, total)


def pieces_per_square(
    lines: np.ndarray, side: float, on_chunk: Callable[[], None] = lambda: None
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Column, row, place in `lines` and length of each straight piece that lies in one square."""
    parts = [
        (*cut[:2], chunk.start + cut[2], cut[3])
        for chunk, cut in in_chunks(
            lambda chunk: (chunk, _cut(lines[chunk], side)), len(lines), _CHUNK, on_chunk
        )
    ]
    if not parts:
        none = np.zeros(0, dtype="int64")
        return none, none, none, np.zeros(0)
    column, row, line, metres = (np.concatenate(values) for values in zip(*parts))
    return column, row, line, metres


def _bounds(lines: np.ndarray) -> np.ndarray:
    if not len(lines):
        return np.zeros(4)
    return np.asarray(shapely.total_bounds(lines))


def _dense(parts: Iterable[tuple[np.ndarray, np.ndarray]], cells: int) -> tuple[np.ndarray, np.ndarray]:
    """Sum of each key, by a place for every key there may be."""
    total = np.zeros(cells)
    for key, metres in parts:
        np.add.at(total, key, metres)
    found = np.flatnonzero(total)
    return found, total[found]


def _sparse(parts: Iterable[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """Sum of each key, by sorting them: for lines that lie far apart."""
    keys, lengths = zip(*parts)
    found, place = np.unique(np.concatenate(keys), return_inverse=True)
    total = np.bincount(place, weights=np.concatenate(lengths), minlength=len(found))
    return found[total > 0], total[total > 0]


def _cut(lines: np.ndarray, side: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Column, row, line and length of each straight piece, cut where it crosses from square to square."""
    parts, line = line_parts(lines)
    places, part = shapely.get_coordinates(parts, return_index=True)
    east, north = np.ascontiguousarray(places.T)
    column, row = (np.floor(values / side).astype("int64") for values in (east, north))
    joined = part[1:] == part[:-1]
    length = np.hypot(np.diff(east), np.diff(north))
    across = joined & ((column[1:] != column[:-1]) | (row[1:] != row[:-1]))
    whole = np.flatnonzero(joined & ~across)
    crossing = np.flatnonzero(across)
    piece, share, middle = _crossings(places[crossing], places[crossing + 1], side)
    cut = np.floor(middle.T / side).astype("int64")
    return (
        np.concatenate([column[whole], cut[0]]),
        np.concatenate([row[whole], cut[1]]),
        line[part[np.concatenate([whole, crossing[piece]])]],
        np.concatenate([length[whole], length[crossing[piece]] * share]),
    )


def _crossings(start: np.ndarray, end: np.ndarray, side: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sections of pieces between grid lines: which piece, which share of it, and the section's middle."""
    marks = [np.zeros(len(start)), np.ones(len(start))]
    pieces = [np.arange(len(start))] * 2
    for axis in (0, 1):
        low = np.floor(np.minimum(start[:, axis], end[:, axis]) / side).astype("int64") + 1
        high = np.floor(np.maximum(start[:, axis], end[:, axis]) / side).astype("int64")
        number = high - low + 1
        piece = np.repeat(np.arange(len(start)), number)
        step = np.arange(len(piece)) - np.repeat(np.cumsum(number) - number, number)
        way = end[piece, axis] - start[piece, axis]
        marks.append(((low[piece] + step) * side - start[piece, axis]) / way)
        pieces.append(piece)
    mark, piece = np.concatenate(marks), np.concatenate(pieces)
    order = np.lexsort((mark, piece))
    mark, piece = np.clip(mark[order], 0, 1), piece[order]
    section = np.flatnonzero((piece[1:] == piece[:-1]) & (mark[1:] > mark[:-1]))
    piece, before, after = piece[section], mark[section], mark[section + 1]
    middle = start[piece] + (end - start)[piece] * ((before + after) / 2)[:, None]
    return piece, after - before, middle
