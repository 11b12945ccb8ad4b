"""Which shapes lie within a distance of some line: most are settled by squares, the rest measured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Optional

import numpy as np
import shapely

from .coverage import line_parts
from .planar import frames
from .threads import in_chunks

_CHUNK = 50_000
_SQUARES_A_REACH = 8
_MOST_SQUARES = 50_000_000
_SQUARES_A_SHAPE = 60
_RECTANGLES = (0.7, 0.4, 0.93)
"""Half the width of each rectangle in a disc, as a share of its radius."""

_WORTH_SQUARES_M = 20.0
"""Below this distance squares would have to be too small; the tree alone is quick there."""

_HAIR_M = 1e-6
"""Rounding noise of places at city coordinates, metres: what the squares settle is sure by more than this."""

_MOST_PLACES = 1000


_FEW_PLACES = 12
"""GEOS prepares the shape that asks: that is lost time for one with no more corners than this."""

_SOME_PLACES = 60
"""As `_FEW_PLACES`, for shapes that ask only once or twice."""

_TRIES = 8
"""How often shapes ask for the best item they have left; the last time they ask for all."""

Pairs = tuple[np.ndarray, np.ndarray]


def pairs_within(
    tree: shapely.STRtree, shapes: np.ndarray, distance: float, on_chunk: Callable[[], None]
) -> Pairs:
    """Every shape and item of a tree that lie within a distance of each other.

    Parameters
    ----------
    shapes : ndarray of shapely geometries, shape (n,)
        With finite coordinates, not empty.
    distance : float
        Metres, inclusive.

    Returns
    -------
    ndarray of int64, shape (p,): row of the shape
    ndarray of int64, shape (p,): row of the item
    """
    is_plain = shapely.get_num_coordinates(shapes) <= _FEW_PLACES

    def met(chunk: slice) -> Pairs:
        plain, rich = (chunk.start + np.flatnonzero(those[chunk]) for those in (is_plain, ~is_plain))
        row, item = beside(tree, shapes[plain], distance)
        near = shapely.dwithin(shapes[plain[row]], tree.geometries[item], distance)
        again, more = tree.query(shapes[rich], predicate="dwithin", distance=distance)
        return np.concatenate([plain[row[near]], rich[again]]), np.concatenate([item[near], more])

    none: Pairs = (np.zeros(0, dtype="int64"), np.zeros(0, dtype="int64"))
    row, item = zip(*[none, *in_chunks(met, len(shapes), _CHUNK, on_chunk)])
    return np.concatenate(row), np.concatenate(item)


def beside(tree: shapely.STRtree, shapes: np.ndarray, distance: float) -> Pairs:
    """Every shape and item of a tree whose bounds lie within a distance of each other."""
    row, item = tree.query(frames(shapely.bounds(shapes).reshape(-1, 4), distance))
    return row, item


def largest_within(
    tree: shapely.STRtree,
    numbers: np.ndarray,
    none: int,
    shapes: np.ndarray,
    distance: float,
    on_chunk: Callable[[], None],
) -> np.ndarray:
    """The largest number of the items of a tree within a distance of each shape, `none` without any.

    Parameters
    ----------
    numbers : ndarray of int64, shape (m,)
        Of each item, larger than `none`.
    shapes : ndarray of shapely geometries, shape (n,)
        With finite coordinates, not empty.
    distance : float
        Metres, inclusive.

    Returns
    -------
    ndarray of int64, shape (n,)
    """
    is_plain = shapely.get_num_coordinates(shapes) <= _SOME_PLACES

    def largest(chunk: slice) -> np.ndarray:
        mine = shapes[chunk]
        plain, rich = np.flatnonzero(is_plain[chunk]), np.flatnonzero(~is_plain[chunk])
        row, item = beside(tree, mine[plain], distance)
        best = _best(mine, tree.geometries, numbers, none, (plain[row], item), distance)
        row, item = tree.query(mine[rich], predicate="dwithin", distance=distance)
        np.maximum.at(best, rich[row], numbers[item])
        return best

    parts = in_chunks(largest, len(shapes), _CHUNK, on_chunk)
    return np.concatenate([np.zeros(0, dtype="int64"), *parts])


def _best(
    shapes: np.ndarray, items: np.ndarray, numbers: np.ndarray, none: int, pairs: Pairs, distance: float
) -> np.ndarray:
    """As `largest_within`, of pairs that may be so near: each shape asks for its best item first."""
    best = np.full(len(shapes), none)
    row, item = pairs
    for turn in range(_TRIES):
        number = numbers[item]
        top = np.full(len(shapes), none)
        np.maximum.at(top, row, number)
        asked = (number == top[row]) | (turn == _TRIES - 1)
        near = np.flatnonzero(asked)
        near = near[shapely.dwithin(shapes[row[near]], items[item[near]], distance)]
        np.maximum.at(best, row[near], number[near])
        rest = ~asked & (best[row] == none)
        row, item = row[rest], item[rest]
    return best


def near_lines(
    shapes: np.ndarray,
    lines: np.ndarray,
    distance: float,
    on_chunk: Callable[[], None] = lambda: None,
    *,
    tree: Optional[shapely.STRtree] = None,
) -> np.ndarray:
    """Whether each shape lies within a distance of some line.

    Parameters
    ----------
    shapes : ndarray of shapely geometries, shape (n,)
        With finite coordinates, not empty.
    lines : ndarray of shapely LineString or MultiLineString, shape (m,)
        With finite coordinates.
    distance : float
        Metres, inclusive.
    on_chunk : callable
        Called between chunks of work.
    tree : STRtree, optional
        Of the lines, if there is one already.

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    near = np.zeros(len(shapes), dtype=bool)
    if not len(shapes) or not len(lines):
        return near
    open_rows = np.arange(len(shapes))
    if distance >= _WORTH_SQUARES_M:
        near, far = _settled(shapes, lines, distance, on_chunk)
        open_rows = np.flatnonzero(~(near | far))
    parts, _ = line_parts(lines)
    bare = parts[shapely.length(parts) == 0]
    if len(bare):
        # GEOS misses a line without length where the shape that asks is prepared; its centroid is found.
        lines, tree = np.concatenate([lines, shapely.centroid(bare)]), None
    tree = tree or shapely.STRtree(lines)

    def measured(chunk: slice) -> np.ndarray:
        rows = open_rows[chunk]
        return rows[tree.query(shapes[rows], predicate="dwithin", distance=distance)[0]]

    for rows in in_chunks(measured, len(open_rows), _CHUNK, on_chunk):
        near[rows] = True
    return near


@dataclass(frozen=True)
class _Squares:
    """Where lines run, as squares that hold a place of one; counted by a summed-area table.

    Attributes
    ----------
    low : ndarray of float64, shape (2,)
        South-west corner, metres.
    side : float
        Metres.
    spacing : float
        Every point of a line lies within half of it from a place, metres.
    sums : ndarray of int32, shape (columns + 1, rows + 1)
        Number of taken squares with a smaller column and row.
    """

    low: np.ndarray
    side: float
    spacing: float
    sums: np.ndarray

    def of(self, places: np.ndarray) -> np.ndarray:
        """Column and row of each place, shape (n, 2)."""
        return np.floor((places - self.low) / self.side).astype("int64")

    def holds(self, first: np.ndarray, last: np.ndarray) -> np.ndarray:
        """Whether all squares from column and row `first` to `last` are in the table, shape (n,)."""
        size = np.array(self.sums.shape) - 1
        return np.asarray(((first >= 0) & (last < size)).all(axis=1))

    def taken(self, first: np.ndarray, last: np.ndarray) -> np.ndarray:
        """Whether some square from column and row `first` to `last` (inclusive) is taken, shape (n,)."""
        size = np.array(self.sums.shape) - 1
        flat, wide = self.sums.reshape(-1), self.sums.shape[1]
        west, south = np.clip(first, 0, size).T
        east, north = np.clip(last + 1, 0, size).T
        count = flat.take(east * wide + north) - flat.take(west * wide + north)
        count -= flat.take(east * wide + south)
        count += flat.take(west * wide + south)
        return np.asarray(count > 0)


def _settled(
    shapes: np.ndarray, lines: np.ndarray, distance: float, on_chunk: Callable[[], None]
) -> tuple[np.ndarray, np.ndarray]:
    """Shapes that surely lie within the distance, and shapes that surely do not, shape (n,) each."""
    bounds = shapely.bounds(shapes)
    squares = _squares(lines, bounds, distance, on_chunk)
    margin = distance + squares.spacing / 2 + _HAIR_M

    def settle(chunk: slice) -> tuple[np.ndarray, np.ndarray]:
        low, high = squares.of(bounds[chunk, :2] - margin), squares.of(bounds[chunk, 2:] + margin)
        far = squares.holds(low, high) & ~squares.taken(low, high)
        near = np.zeros(len(far), dtype=bool)
        coordinates = shapely.get_coordinates(shapes[chunk])
        size = shapely.get_num_coordinates(shapes[chunk])
        first = np.cumsum(size) - size
        # Two corners that lie across from each other stand for a shape.
        for corner in (first, first + size // 2):
            rest = np.flatnonzero(~(near | far))
            near[rest] = _surely_near(squares, coordinates[corner[rest]], distance)
        return near, far

    parts = list(in_chunks(settle, len(shapes), _CHUNK, on_chunk))
    return np.concatenate([near for near, _ in parts]), np.concatenate([far for _, far in parts])


def _squares(
    lines: np.ndarray, bounds: np.ndarray, distance: float, on_chunk: Callable[[], None]
) -> _Squares:
    """The squares around nearly all shapes; a few that lie far out must not make them large."""
    centres = (bounds[:, :2] + bounds[:, 2:]) / 2
    low, high = np.quantile(centres, [0.001, 0.999], axis=0) + np.array([[-3], [3]]) * distance
    most = min(_MOST_SQUARES, _SQUARES_A_SHAPE * len(bounds))
    side = max(distance / _SQUARES_A_REACH, float(np.sqrt(np.prod(high - low) / most)))
    columns, rows = np.ceil((high - low) / side).astype("int64")
    sums = np.zeros((columns + 1, rows + 1), dtype="int32")

    def places(chunk: slice) -> tuple[np.ndarray, float]:
        east, north, spacing = _places_along(lines[chunk], side)
        column, row = np.floor((east - low[0]) / side), np.floor((north - low[1]) / side)
        inside = (column >= 0) & (row >= 0) & (column < columns) & (row < rows)
        return ((column[inside] + 1) * (rows + 1) + row[inside] + 1).astype("int64"), spacing

    widest = 0.0
    for taken, spacing in in_chunks(places, len(lines), _CHUNK, on_chunk):
        sums.reshape(-1)[taken] = 1
        widest = max(widest, spacing)
    for column in range(1, len(sums)):
        np.cumsum(sums[column], out=sums[column])
        sums[column] += sums[column - 1]
    return _Squares(low, side, widest, sums)


def _places_along(lines: np.ndarray, spacing: float) -> tuple[np.ndarray, np.ndarray, float]:
    """Places on lines (east and north), and how far apart at most (more than asked on huge pieces)."""
    places, part = shapely.get_coordinates(line_parts(lines)[0], return_index=True)
    east, north = np.ascontiguousarray(places.T)
    wide, tall = np.diff(east), np.diff(north)
    length = np.hypot(wide, tall)
    between = part[1:] != part[:-1]
    length[between] = 0
    number = np.clip(np.ceil(length / spacing), 1, _MOST_PLACES).astype("int32")
    number[between] = 0
    piece = np.repeat(np.arange(len(number), dtype="int32"), number)
    before = np.cumsum(number, dtype="int32") - number
    share = (np.arange(len(piece), dtype="int32") - before[piece] + 0.5) / number[piece]
    most = float((length / np.maximum(number, 1)).max(initial=0))
    return east[piece] + wide[piece] * share, north[piece] + tall[piece] * share, most


def _surely_near(squares: _Squares, places: np.ndarray, distance: float) -> np.ndarray:
    """Whether a place of a line lies in a rectangle of squares inside the disc around each place."""
    middle = squares.of(places)
    radius = (distance - _HAIR_M) / squares.side
    near = np.zeros(len(places), dtype=bool)
    for share in _RECTANGLES:
        # Any two points of squares `wide` columns and `tall` rows apart, the outer edges counted.
        wide = np.floor(radius * share)
        tall = np.floor(np.sqrt(radius**2 - wide**2))
        if wide < 1 or tall < 1:
            continue
        rest = np.flatnonzero(~near)
        aside = np.array([wide - 1, tall - 1], dtype="int64")
        near[rest] = squares.taken(middle[rest] - aside, middle[rest] + aside)
    return near
