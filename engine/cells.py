"""How objects and surveys share the cells of the study area."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import shapely

from .city import usable
from .coverage import SLACK_M
from .grid import CELL_M
from .squares import pieces_per_square
from .surveys import NO_DAY

if TYPE_CHECKING:
    from .context import Context

OUTSIDE = -1
_BLOCK_M = 2000
_WORTH_PREPARING = 8
"""Cells that an area has to be compared with before GEOS gains from preparing it."""


class Cells:
    """The cells of the study area, and how objects and surveys share them."""

    def __init__(self, context: Context, codes: np.ndarray, outlines: np.ndarray) -> None:
        self._context = context
        self.codes = codes
        self._outlines = outlines
        self._bounds = shapely.bounds(outlines)
        self._areas = shapely.area(outlines)
        self._covers: dict[bytes, np.ndarray] = {}
        self._reached: dict[int, np.ndarray] = {}
        self._square = not context.grid.is_official
        corner = (
            np.floor(self._bounds[:, :2] / CELL_M + 0.5).astype("int64") if len(codes) else np.zeros((0, 2))
        )
        self._keys = _square_keys(*corner.T)
        self._order = np.argsort(self._keys)

    @cached_property
    def _tree(self) -> shapely.STRtree:
        return shapely.STRtree(self._outlines)

    def shares(self, role: str, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Which rows lie in which cell: place in `rows`, cell (`OUTSIDE` for none), metres (NaN: no line)."""
        table = self._context.city.table(role)
        shapes = table.geometry.to_numpy()[rows]
        placed = np.flatnonzero(usable(table.geometry.iloc[rows]))
        dimension = shapely.get_dimensions(shapes[placed])
        parts = [
            self._points_in(placed[dimension == 0], shapes),
            self._lines_in(placed[dimension == 1], shapes),
            self._areas_in(placed[dimension == 2], shapes),
        ]
        record, cell, metres = (np.concatenate(column) for column in zip(*parts))
        return record.astype("int64"), cell.astype("int64"), metres

    def _of_squares(self, column: np.ndarray, row: np.ndarray) -> np.ndarray:
        """Cell of each square of the grid, `OUTSIDE` where it is none of the study area."""
        keys = _square_keys(column, row)
        if not len(self._keys):
            return np.full(len(keys), OUTSIDE)
        at = np.searchsorted(self._keys, keys, sorter=self._order)
        at = self._order[np.minimum(at, len(self._order) - 1)]
        return np.where(self._keys[at] == keys, at, OUTSIDE)

    def _points_in(self, at: np.ndarray, shapes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        points = shapely.point_on_surface(shapes[at])
        if self._square:
            x, y = np.floor(shapely.get_coordinates(points) / CELL_M).astype("int64").reshape(-1, 2).T
            cell = self._of_squares(x, y)
        else:
            point, found = self._tree.query(points, predicate="intersects")
            cell = np.full(len(points), len(self.codes))
            np.minimum.at(cell, point, found)
            cell[cell == len(self.codes)] = OUTSIDE
        return at, cell, np.full(len(at), np.nan)

    def _lines_in(self, at: np.ndarray, shapes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        lines = shapes[at]
        if self._square:
            column, row, line, metres = pieces_per_square(lines, CELL_M, self._context.check_cancelled)
            other, beside = self._along_borders(lines)
            cells = np.concatenate([self._of_squares(column, row), beside])
            return at[np.concatenate([line, other])], cells, np.concatenate([metres, np.zeros(len(beside))])
        line, cell = self._tree.query(lines, predicate="intersects")
        metres = shapely.length(shapely.intersection(lines[line], self._outlines[cell]))
        line, cell, metres = line[metres > 0], cell[metres > 0], metres[metres > 0]
        rest = shapely.length(lines) - np.bincount(line, weights=metres, minlength=len(lines))
        out = np.flatnonzero(rest > 1e-9 * np.maximum(shapely.length(lines), 1))
        return (
            np.concatenate([at[line], at[out]]),
            np.concatenate([cell, np.full(len(out), OUTSIDE)]),
            np.concatenate([metres, rest[out]]),
        )

    def _along_borders(self, lines: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Lines that run along a border of squares, and the square west or south of it: it holds them too."""
        places, line = shapely.get_coordinates(lines, return_index=True)
        found = [(np.array([], dtype="int64"), np.array([], dtype="int64"))]
        for axis in (0, 1):
            on = (line[1:] == line[:-1]) & (places[1:, axis] == places[:-1, axis])
            on &= (places[1:, axis] % CELL_M == 0) & (places[1:, 1 - axis] != places[:-1, 1 - axis])
            piece = np.flatnonzero(on)
            ends = np.stack([places[piece], places[piece + 1]], axis=1)
            ends[:, :, axis] -= CELL_M / 2
            column, row, at, _ = pieces_per_square(shapely.linestrings(ends), CELL_M)
            cell = self._of_squares(column, row)
            found.append((line[piece[at[cell != OUTSIDE]]], cell[cell != OUTSIDE]))
        records, cells = zip(*found)
        return np.concatenate(records), np.concatenate(cells)

    def _areas_in(self, at: np.ndarray, shapes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        areas = shapes[at]
        area, cell, sure = self._candidates(areas)
        unsure = np.flatnonzero(~sure)
        sure[unsure] = self._share_ground(areas, area[unsure], cell[unsure])
        area, cell = area[sure], cell[sure]
        out = np.flatnonzero(np.bincount(area, minlength=len(areas)) == 0)
        cells = np.concatenate([cell, np.full(len(out), OUTSIDE)])
        return at[np.concatenate([area, out])], cells, np.full(len(cells), np.nan)

    def _share_ground(self, areas: np.ndarray, area: np.ndarray, cell: np.ndarray) -> np.ndarray:
        """Whether each pair of an area and a cell shares more than a border: few have to be measured."""
        asked, of_pair, number = np.unique(area, return_inverse=True, return_counts=True)
        shapes = areas[asked]
        is_valid = shapely.is_valid(shapes)
        shapes[~is_valid] = shapely.make_valid(shapes[~is_valid])
        # Prepared, a copy: GEOS crashes where a later thread meets the city's own.
        wide = number > _WORTH_PREPARING
        shapes[wide] = shapely.from_wkb(shapely.to_wkb(shapes[wide]))
        shapely.prepare(shapes[wide])
        shapes = shapes[of_pair]
        shares = is_valid[of_pair] & shapely.intersects(shapes, self._inner(cell))
        doubtful = np.flatnonzero(~shares)
        doubtful = doubtful[shapely.intersects(shapes[doubtful], self._outlines[cell[doubtful]])]
        met = shapely.intersection(shapes[doubtful], self._outlines[cell[doubtful]])
        shares[doubtful] = shapely.area(met) > 0
        return np.asarray(shares)

    def _candidates(self, areas: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Areas and cells whose bounds meet, and whether they surely share more than a border.

        What reaches over one border only has something on both sides of it.
        """
        if not self._square:
            area, cell = self._tree.query(areas)
            return area, cell, np.zeros(len(area), dtype=bool)
        west, south, east, north = shapely.bounds(areas).reshape(-1, 4).T
        left, low = (np.floor(values / CELL_M).astype("int64") for values in (west, south))
        right, high = (np.ceil(values / CELL_M).astype("int64") - 1 for values in (east, north))
        wide, tall = np.maximum(right - left, 0) + 1, np.maximum(high - low, 0) + 1
        number = wide * tall
        area = np.repeat(np.arange(len(areas)), number)
        step = np.arange(len(area)) - np.repeat(np.cumsum(number) - number, number)
        column, row = left[area] + step % wide[area], low[area] + step // wide[area]
        cell = self._of_squares(column, row)
        met = cell != OUTSIDE
        return area[met], cell[met], (number[area] <= 2)[met]

    def cover(self, shapes: np.ndarray, mine: np.ndarray) -> np.ndarray:
        """Share of each cell that the union of some surveys covers, shape (c,)."""
        known = mine.tobytes()
        if known not in self._covers:
            self._covers[known] = self._cover(shapes[mine])
        return self._covers[known]

    def _cover(self, shapes: np.ndarray) -> np.ndarray:
        share = np.zeros(len(self.codes))
        union = shapely.union_all(shapes)
        if union.is_empty or not len(share):
            return share
        whole, edge = self._met(union)
        share[whole] = 1.0
        share[edge] = self._shared_area(union, edge) / self._areas[edge]
        return share

    def _shared_area(self, shape: shapely.Geometry, cells: np.ndarray) -> np.ndarray:
        """Area that some cells share with a geometry: it is cut into blocks first, as it may be large."""
        order, block, frames = _blocks(self._bounds[cells])
        pieces = shapely.intersection(shape, frames)
        shared = np.zeros(len(cells))
        shared[order] = shapely.area(shapely.intersection(self._outlines[cells[order]], pieces[block]))
        return shared

    @cached_property
    def _all_blocks(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return _blocks(self._bounds)

    def _met(self, shape: shapely.Geometry) -> tuple[np.ndarray, np.ndarray]:
        """Cells that a geometry covers, and those that it meets besides: most are settled block by block."""
        order, block, frames = self._all_blocks
        shapely.prepare(shape)
        met = shapely.intersects(shape, frames)
        full = met.copy()
        full[met] = shapely.covers(shape, frames[met])
        near = order[(met & ~full)[block]]
        near = near[shapely.intersects(shape, self._outlines[near])]
        whole = shapely.covers(shape, self._outlines[near])
        return np.concatenate([order[full[block]], near[whole]]), near[~whole]

    def latest_survey(
        self, shapes: np.ndarray, days: np.ndarray, mine: np.ndarray, known: np.ndarray
    ) -> np.ndarray:
        """Latest day of the surveys that share an area with each known cell, shape (k,)."""
        latest = np.full(len(self.codes), NO_DAY)
        for at in np.flatnonzero(mine):
            touched = self._touched(int(at), shapes[at])
            latest[touched] = np.maximum(latest[touched], days[at])
        return latest[known]

    def _inner(self, cells: np.ndarray) -> np.ndarray:
        """Outlines drawn in by rounding noise: what meets them shares more than a border."""
        if not self._square:
            return np.asarray(shapely.buffer(self._outlines[cells], -SLACK_M, quad_segs=1))
        low, high = self._bounds[cells, :2] + SLACK_M, self._bounds[cells, 2:] - SLACK_M
        return np.asarray(shapely.box(*low.T, *high.T))

    def _touched(self, at: int, shape: shapely.Geometry) -> np.ndarray:
        """Cells that share an area with a survey."""
        if at not in self._reached:
            whole, edge = self._met(shape)
            edge = edge[shapely.intersects(shape, self._inner(edge))]
            self._reached[at] = np.concatenate([whole, edge])
        return self._reached[at]


def _blocks(bounds: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cells ordered by the block they begin in, the block of each in this order, and each block's frame."""
    keys = _square_keys(*np.floor(bounds[:, :2] / _BLOCK_M).T)
    order = np.argsort(keys, kind="stable")
    first = np.flatnonzero(np.diff(keys[order], prepend=keys[order][:1] - 1))
    low = np.minimum.reduceat(bounds[order, :2], first) if len(first) else bounds[:, :2]
    high = np.maximum.reduceat(bounds[order, 2:], first) if len(first) else bounds[:, 2:]
    block = np.repeat(np.arange(len(first)), np.diff(first, append=len(order)))
    return order, block, shapely.box(*low.T, *high.T)


def _square_keys(column: np.ndarray, row: np.ndarray) -> np.ndarray:
    """One number for each square."""
    return np.asarray(np.asarray(column, dtype="int64") * (1 << 32) + np.asarray(row, dtype="int64"))
