"""Which parts of lines lie farther than a distance from every light, in closed form: no buffer, no union."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely

from .coverage import SLACK_M, Pieces, straight_pieces
from .planar import frames
from .threads import in_chunks

_CHUNK = 20_000
_LINES = 100_000


@dataclass(frozen=True)
class DarkParts:
    """Connected dark parts.

    Attributes
    ----------
    line : ndarray of int64, shape (p,)
        Which of the lines each part is of.
    shapes : ndarray of shapely LineString, shape (p,)
    lengths : ndarray of float64, shape (p,)
        Metres.
    """

    line: np.ndarray
    shapes: np.ndarray
    lengths: np.ndarray

    def __getitem__(self, mask: np.ndarray) -> DarkParts:
        return DarkParts(self.line[mask], self.shapes[mask], self.lengths[mask])


@dataclass(frozen=True)
class _Spans:
    """Dark spans of straight pieces, in order along the lines.

    `from_start` and `to_end`: the span begins or ends where its piece does, and that point is dark.
    """

    piece: np.ndarray
    low: np.ndarray
    high: np.ndarray
    from_start: np.ndarray
    to_end: np.ndarray


def dark_parts(
    lines: np.ndarray,
    lights: np.ndarray,
    distance: float,
    least: float,
    on_chunk: Callable[[], None] = lambda: None,
) -> DarkParts:
    """The parts of lines farther than a distance from every light, at least so long.

    A point at exactly the distance is lit, so that a light that only just reaches a line cuts its
    dark part in two. Where a ring is dark across its first point, that is one part. What a line's
    parts are depends on the line and the lights near it alone, to the last bit.

    Parameters
    ----------
    lines : ndarray of shapely LineString or MultiLineString, shape (n,)
        With finite coordinates.
    lights : ndarray of shapely Point, shape (m,)
    distance, least : float
        Metres.
    on_chunk : callable
        Called between chunks of work.
    """
    parts = [DarkParts(np.array([], dtype="int64"), np.array([], dtype=object), np.zeros(0))]
    for begin in range(0, len(lines), _LINES):
        part = _dark_parts(lines[begin : begin + _LINES], lights, distance, least, on_chunk)
        parts.append(DarkParts(begin + part.line, part.shapes, part.lengths))
    return DarkParts(*(np.concatenate(column) for column in zip(*map(_columns, parts))))


def _columns(parts: DarkParts) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return parts.line, parts.shapes, parts.lengths


def _dark_parts(
    lines: np.ndarray, lights: np.ndarray, distance: float, least: float, on_chunk: Callable[[], None]
) -> DarkParts:
    """What `dark_parts` gives for so many lines that their pieces take no more than some 100 MB."""
    pieces = straight_pieces(lines)
    spans = _dark_spans(pieces, _lit_spans(pieces, lights, distance, on_chunk))
    part, order = _connected(pieces, spans)
    metres = np.bincount(part, weights=(spans.high - spans.low)[order])
    long = metres[part] >= least - 1.0
    order, part = order[long], part[long]
    number, first = np.unique(part, return_index=True)
    shapes = _as_lines(pieces, spans, order, np.searchsorted(number, part))
    lengths = np.asarray(shapely.length(shapes))
    found = DarkParts(pieces.line[spans.piece[order[first]]], shapes, lengths)
    return found[lengths >= least - SLACK_M]


def _dark_spans(pieces: Pieces, lit: tuple[np.ndarray, np.ndarray, np.ndarray]) -> _Spans:
    order = np.lexsort((lit[1], lit[0]))
    piece, low, high = (column[order] for column in lit)
    count = len(pieces.line)
    # A dark span runs from where the lights before end to where the next begins; the last one of a piece
    # to its end. Of each piece the spans before its lights come first, in order.
    before = np.arange(len(piece)) + piece
    closing = np.cumsum(np.bincount(piece, minlength=count)) + np.arange(count)
    of = np.empty(count + len(piece), dtype="int64")
    start, stop = np.zeros(len(of) + 1), np.empty(len(of))
    of[before], of[closing] = piece, np.arange(count)
    stop[before], stop[closing] = low, pieces.length
    start[before + 1] = pd.Series(high).groupby(piece, sort=False).cummax()
    lit_from = np.zeros(count, dtype=bool)
    lit_to = np.zeros(count, dtype=bool)
    lit_from[piece[low <= 0]] = True
    lit_to[piece[high >= pieces.length[piece]]] = True
    dark = np.flatnonzero(stop > start[:-1])
    of, start, stop = of[dark], start[dark], stop[dark]
    return _Spans(
        of,
        start,
        stop,
        (start <= 0) & ~lit_from[of],
        (stop >= pieces.length[of]) & ~lit_to[of],
    )


def _lit_spans(
    pieces: Pieces, lights: np.ndarray, distance: float, on_chunk: Callable[[], None]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Piece, and from where to where along it (metres) a light reaches it."""
    tree = pieces.tree
    spots = shapely.get_coordinates(lights)

    def lit(chunk: slice) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        here = spots[chunk]
        light, piece = tree.query(frames(here, distance + 2 * SLACK_M))
        return _reached(pieces, piece, here[light], distance)

    none = np.zeros(0)
    parts = [(np.zeros(0, dtype="int64"), none, none)]
    parts += in_chunks(lit, len(spots), _CHUNK, on_chunk)
    piece, low, high = (np.concatenate(column) for column in zip(*parts))
    return piece, low, high


def _reached(
    pieces: Pieces, piece: np.ndarray, spots: np.ndarray, distance: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The pieces that a light at each spot reaches, and from where to where."""
    away, along, length = spots - pieces.start[piece], pieces.along[piece], pieces.length[piece]
    foot = away[:, 0] * along[:, 0] + away[:, 1] * along[:, 1]
    aside = np.abs(along[:, 0] * away[:, 1] - along[:, 1] * away[:, 0])
    half = np.sqrt(np.maximum(distance**2 - aside**2, 0.0))
    low, high = foot - half, foot + half
    reaches = (aside <= distance + SLACK_M) & (high >= -SLACK_M) & (low <= length + SLACK_M)
    low, high, length = low[reaches], high[reaches], length[reaches]
    low = np.where(low <= SLACK_M, 0.0, np.minimum(low, length))
    high = np.where(high >= length - SLACK_M, length, np.maximum(high, 0.0))
    return piece[reaches], low, high


def _connected(pieces: Pieces, spans: _Spans) -> tuple[np.ndarray, np.ndarray]:
    """Number of the connected part of each span, and the spans sorted by part and along it."""
    count = len(spans.piece)
    joined = np.zeros(count, dtype=bool)
    joined[1:] = (
        spans.to_end[:-1] & spans.from_start[1:] & (pieces.following[spans.piece[:-1]] == spans.piece[1:])
    )
    part = np.cumsum(~joined) - 1
    turn = np.arange(count)
    last, first = _across_starts(pieces, spans, part)
    onward = np.arange(part.max(initial=-1) + 1)
    onward[part[first]] = part[last]
    wrapped = onward[part] != part
    turn[wrapped] += count
    part = onward[part]
    order = np.lexsort((turn, part))
    return np.unique(part[order], return_inverse=True)[1].reshape(-1), order


def _across_starts(pieces: Pieces, spans: _Spans, part: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Spans that end at the last point of a ring, and those that go on at its first, of different parts."""
    ends = np.flatnonzero(spans.to_end & (pieces.following[spans.piece] < spans.piece))
    after = pieces.following[spans.piece[ends]]
    starts = np.flatnonzero(spans.from_start)
    at = np.searchsorted(spans.piece[starts], after)
    at = np.minimum(at, max(len(starts) - 1, 0))
    met = (after >= 0) & (len(starts) > 0)
    met[met] = spans.piece[starts[at[met]]] == after[met]
    last, first = ends[met], starts[at[met]]
    apart = part[last] != part[first]
    return last[apart], first[apart]


def _as_lines(pieces: Pieces, spans: _Spans, order: np.ndarray, part: np.ndarray) -> np.ndarray:
    """Each part as a line: where its spans start, and where the last ends."""
    piece = spans.piece[order]
    starts = pieces.start[piece] + pieces.along[piece] * spans.low[order][:, None]
    ends = pieces.start[piece] + pieces.along[piece] * spans.high[order][:, None]
    is_last = np.append(part[1:] != part[:-1], True)[: len(part)]
    places = np.concatenate([starts, ends[is_last]])
    owner = np.concatenate([part, part[is_last]])
    sequence = np.argsort(owner, kind="stable")
    return np.asarray(shapely.linestrings(places[sequence], indices=owner[sequence]))


def long_axes(areas: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The longer axis of each polygon: the middle line of its smallest rectangle.

    Parameters
    ----------
    areas : ndarray of shapely Polygon or MultiPolygon, shape (n,)
        With finite coordinates.

    Returns
    -------
    ndarray of shapely LineString, shape (p,): of each part
    ndarray of int64, shape (p,): which of the areas it is of
    """
    parts, area = shapely.get_parts(areas, return_index=True)
    flat = np.asarray(shapely.oriented_envelope(parts))
    real = shapely.get_type_id(flat) == 3
    corners = shapely.get_coordinates(flat[real]).reshape(-1, 5, 2)[:, :4]
    sides = np.hypot(*(corners[:, 1] - corners[:, 0]).T), np.hypot(*(corners[:, 2] - corners[:, 1]).T)
    turned = np.where((sides[0] >= sides[1])[:, None, None], corners, np.roll(corners, -1, axis=1))
    middles = (turned[:, [0, 1]] + turned[:, [3, 2]]) / 2
    return np.asarray(shapely.linestrings(middles)), area[real]
