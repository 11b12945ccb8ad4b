"""How much of each area lies outside the buffers of lines: no union of buffers is ever built."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import shapely

from .threads import in_chunks

_LINES_A_CHUNK = 500
_AREAS_A_CHUNK = 5_000


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
    lines : ndarray of shapely geometries, shape (m,)
        With finite coordinates.
    distance : float
        Metres; caps are round.
    on_chunk : callable
        Called between chunks of work.
    quad_segs : int
        Pieces of a quarter circle in a buffer.

    Returns
    -------
    ndarray of float64, shape (n,), square metres
    """
    left = areas.copy()
    tree = shapely.STRtree(areas)

    def cover(chunk: slice) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Areas that one buffer covers whole; pairs of an area and a buffer that covers a part of it."""
        buffers = shapely.buffer(lines[chunk], distance, quad_segs=quad_segs)
        buffer, area = tree.query(buffers, predicate="intersects")
        shapely.prepare(buffers)
        whole = shapely.contains_properly(buffers[buffer], areas[area])
        shapely.destroy_prepared(buffers)
        return area[whole], area[~whole], buffers[buffer[~whole]]

    covered = np.zeros(len(areas), dtype=bool)
    area, buffers = [np.zeros(0, dtype="int64")], [np.zeros(0, dtype=object)]
    for whole, part, by in in_chunks(cover, len(lines), _LINES_A_CHUNK, on_chunk):
        covered[whole] = True
        area.append(part)
        buffers.append(by)
    left[covered] = None
    _take_away(left, np.concatenate(area), np.concatenate(buffers), on_chunk)
    return np.where(covered, 0.0, shapely.area(left))


def _take_away(left: np.ndarray, area: np.ndarray, buffers: np.ndarray, on_chunk: Callable[[], None]) -> None:
    """Take from what is `left` of each area its buffers, one after another, in place."""
    still = ~shapely.is_missing(left[area])
    order = np.argsort(area[still], kind="stable")
    area, buffers = area[still][order], buffers[still][order]
    turn = np.arange(len(area)) - np.searchsorted(area, area)
    for number in range(turn.max(initial=-1) + 1):
        mine = np.flatnonzero(turn == number)
        mine = mine[~shapely.is_empty(left[area[mine]])]

        def cut(chunk: slice, rows: np.ndarray = mine) -> np.ndarray:
            return np.asarray(shapely.difference(left[area[rows[chunk]]], buffers[rows[chunk]]))

        cuts = list(in_chunks(cut, len(mine), _AREAS_A_CHUNK, on_chunk))
        if cuts:
            left[area[mine]] = np.concatenate(cuts)
