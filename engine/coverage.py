"""Along which part of a line another line runs beside it, in closed form: no buffer, no union."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import shapely

from .city import usable
from .planar import frames
from .threads import in_chunks

if TYPE_CHECKING:
    from .context import Context

SLACK_M = 1e-6
"""Rounding noise of lengths and places at city coordinates, metres: an exact touch counts as covered."""

_LINE_TYPES = (1, 2, 5)
_MULTI_LINE = 5
_CHUNK = 10_000


def lines_of(context: Context, role: str) -> tuple[np.ndarray, np.ndarray]:
    """`merged_lines` of the objects of a role, computed once for all that ask."""
    return context.own(_lines_of, role)


def _lines_of(context: Context, role: str) -> tuple[np.ndarray, np.ndarray]:
    return merged_lines(context.city.table(role).geometry)


def merged_lines(geometry: gpd.GeoSeries) -> tuple[np.ndarray, np.ndarray]:
    """Which geometries are lines, and each of them with its parts joined where they make one line.

    Parts that do not make one line stay as given.

    Returns
    -------
    ndarray of bool, shape (n,); ndarray of shapely geometries, shape (n,)
    """
    shapes = geometry.to_numpy().copy()
    is_line = usable(geometry) & np.isin(shapely.get_type_id(shapes), _LINE_TYPES)
    # Bounds skip a vertex that is no number; a length does not.
    is_line &= np.isfinite(shapely.length(shapes))
    parted = is_line & (shapely.get_num_geometries(shapes) > 1)
    merged = shapely.line_merge(shapes[parted])
    shapes[parted] = np.where(shapely.get_num_geometries(merged) == 1, merged, shapes[parted])
    return is_line, shapes


def line_parts(lines: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The parts of lines, and which line each is of; lines of one part are handed on as they are."""
    if (shapely.get_type_id(lines) == _MULTI_LINE).any():
        return shapely.get_parts(lines, return_index=True)
    return lines, np.arange(len(lines))


@dataclass(frozen=True)
class Pieces:
    """The straight pieces of lines, in order.

    Attributes
    ----------
    line : ndarray of int64, shape (p,)
        Which line each piece belongs to.
    start, along : ndarray of float64, shape (p, 2)
        Where it starts, metres, and its direction (length 1).
    length, position : ndarray of float64, shape (p,)
        Metres; position of its start when all lines lie end to end.
    following : ndarray of int64, shape (p,)
        The piece that goes on at its end, -1 where the part ends. A closed part has no end.
    """

    line: np.ndarray
    start: np.ndarray
    along: np.ndarray
    length: np.ndarray
    position: np.ndarray
    following: np.ndarray

    @cached_property
    def tree(self) -> shapely.STRtree:
        """A tree of the pieces as lines."""
        return shapely.STRtree(shapely.linestrings(np.stack([self.start, self.ends()], axis=1)))

    def ends(self) -> np.ndarray:
        """Where each piece ends, shape (p, 2)."""
        return np.asarray(self.start + self.along * self.length[:, None])

    def extents(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Positions at which each of `count` lines begins and ends, shape (count,) each."""
        begin = np.full(count, np.inf)
        end = np.full(count, -np.inf)
        np.minimum.at(begin, self.line, self.position)
        np.maximum.at(end, self.line, self.position + self.length)
        return begin, end


def straight_pieces(lines: np.ndarray) -> Pieces:
    """The straight pieces of lines; repeated points make none.

    Parameters
    ----------
    lines : ndarray of shapely LineString or MultiLineString, shape (n,)
    """
    parts, line = line_parts(lines)
    places, part = shapely.get_coordinates(parts, return_index=True)
    steps = np.diff(places, axis=0)
    lengths = np.hypot(steps[:, 0], steps[:, 1])
    real = (part[1:] == part[:-1]) & (lengths > 0)
    part, steps, lengths = part[:-1][real], steps[real], lengths[real]
    return Pieces(
        line=line[part],
        start=places[:-1][real],
        along=steps / lengths[:, None],
        length=lengths,
        position=np.cumsum(lengths) - lengths,
        following=_following(part, shapely.is_closed(parts)),
    )


def _following(part: np.ndarray, closed: np.ndarray) -> np.ndarray:
    first = np.searchsorted(part, part, side="left")
    last = np.searchsorted(part, part, side="right") - 1
    at = np.arange(len(part))
    # There and back over two pieces is no ring: it has two ends in one place.
    wraps = closed[part] & (last - first >= 2)
    return np.where(at < last, at + 1, np.where(wraps, first, -1))


def covered_length(
    streets: Pieces,
    window: tuple[np.ndarray, np.ndarray],
    lines: np.ndarray,
    distance: float,
    on_chunk: Callable[[], None],
) -> np.ndarray:
    """How much of each street lies within a distance of some line, ends of lines capped flat.

    Parameters
    ----------
    streets : Pieces
    window : pair of ndarray of float64, shape (n,)
        From which to which position (`Pieces.position`) each street counts.
    lines : ndarray of shapely LineString or MultiLineString, shape (m,)
    distance : float
        Metres, inclusive.
    on_chunk : callable
        Called between chunks of work.

    Returns
    -------
    ndarray of float64, shape (n,), metres
    """
    tree = streets.tree

    def covered(chunk: slice) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return _joined(*_covered(streets, tree, window, straight_pieces(lines[chunk]), distance + SLACK_M))

    parts = [(np.zeros(0, dtype="int64"), np.zeros(0), np.zeros(0))]
    parts += in_chunks(covered, len(lines), _CHUNK, on_chunk)
    street, low, high = _joined(*(np.concatenate(column) for column in zip(*parts)))
    return np.bincount(street, weights=high - low, minlength=len(window[0])).astype("float64")


def _covered(
    streets: Pieces,
    tree: shapely.STRtree,
    window: tuple[np.ndarray, np.ndarray],
    pieces: Pieces,
    radius: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which street, and from which to which position, lies beside a piece or around a bend."""
    ends = pieces.ends()
    low, high = np.minimum(pieces.start, ends), np.maximum(pieces.start, ends)
    near, street = tree.query(frames(np.hstack([low, high]), radius))
    start, end = _beside(streets, street, pieces, near, radius)
    bends = pieces.following[near] >= 0
    around, bend = street[bends], near[bends]
    more_start, more_end = _around(streets, around, pieces, bend, ends[bend], radius)
    street = np.concatenate([street, around])
    owner, offset = streets.line[street], streets.position[street]
    start = np.maximum(np.concatenate([start, more_start]) + offset, window[0][owner])
    end = np.minimum(np.concatenate([end, more_end]) + offset, window[1][owner])
    some = end > start
    return owner[some], start[some], end[some]


def _beside(
    streets: Pieces, street: np.ndarray, pieces: Pieces, piece: np.ndarray, radius: float
) -> tuple[np.ndarray, np.ndarray]:
    """From where to where each street piece lies in the rectangle beside a pipe piece."""
    away, along = streets.start[street] - pieces.start[piece], pieces.along[piece]
    way = streets.along[street]
    ahead, gain = _dot(along, away), _dot(along, way)
    aside, drift = _cross(along, away), _cross(along, way)
    span = np.zeros(len(street)), streets.length[street]
    span = _clip(span, ahead + SLACK_M, gain)
    span = _clip(span, pieces.length[piece] - ahead + SLACK_M, -gain)
    span = _clip(span, radius - aside, -drift)
    return _clip(span, radius + aside, drift)


def _around(
    streets: Pieces, street: np.ndarray, pieces: Pieces, piece: np.ndarray, bend: np.ndarray, radius: float
) -> tuple[np.ndarray, np.ndarray]:
    """From where to where each street piece lies in the sector outside a bend of a pipe."""
    away, way = streets.start[street] - bend, streets.along[street]
    before, after = pieces.along[piece], pieces.along[pieces.following[piece]]
    half = np.sqrt(np.maximum(radius**2 - _cross(way, away) ** 2, 0))
    nearest = -_dot(way, away)
    span = np.maximum(nearest - half, 0), np.minimum(nearest + half, streets.length[street])
    span = _clip(span, _dot(before, away), _dot(before, way))
    return _clip(span, -_dot(after, away), -_dot(after, way))


def _clip(
    span: tuple[np.ndarray, np.ndarray], value: np.ndarray, slope: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The part of each span in which value + slope * s is not negative."""
    low, high = span
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        zero = -value / slope
    low = np.where(slope > 0, np.maximum(low, zero), low)
    high = np.where(slope < 0, np.minimum(high, zero), high)
    return low, np.where((slope == 0) & (value < 0), -np.inf, high)


def _dot(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.asarray(one[:, 0] * other[:, 0] + one[:, 1] * other[:, 1])


def _cross(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.asarray(one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0])


def _joined(
    street: np.ndarray, low: np.ndarray, high: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The intervals with those that meet made one; streets lie end to end, so one sweep serves all."""
    order = np.argsort(low)
    street, low, high = street[order], low[order], high[order]
    reached = np.maximum.accumulate(high)
    new = np.ones(len(low), dtype=bool)
    new[1:] = (low[1:] > reached[:-1]) | (street[1:] != street[:-1])
    first = np.flatnonzero(new)
    last = np.append(first[1:], len(low))[: len(first)] - 1
    return street[first], low[first], reached[last]
