"""Which items of a tree are nearest to each shape: looked for in a frame around it that grows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import shapely

from .coverage import SLACK_M
from .planar import frames
from .threads import in_chunks

_FRAME_M = 10.0
"""How far around a shape its first frame reaches."""

_CHUNK = 20_000

Near = tuple[np.ndarray, np.ndarray, np.ndarray]
_NONE: Near = (np.zeros(0, dtype="int64"), np.zeros(0, dtype="int64"), np.zeros(0))


def nearest(tree: shapely.STRtree, shapes: np.ndarray, most_m: float, on_chunk: Callable[[], None]) -> Near:
    """Every item that is as near to a shape as its nearest one.

    Parameters
    ----------
    tree : STRtree
    shapes : ndarray of shapely geometries, shape (n,)
        With finite coordinates, not empty.
    most_m : float
        Metres, inclusive: shapes with nothing so near have no item.
    on_chunk : callable
        Called between chunks of work.

    Returns
    -------
    shape, item : ndarray of int64, shape (p,)
        Rows; by shape.
    apart : ndarray of float64, shape (p,)
        Distance to the nearest item of the shape, metres.
    """

    def near(chunk: slice) -> Near:
        row, item, apart = _around(tree, shapes[chunk], most_m)
        return chunk.start + row, item, apart

    parts = [_NONE, *in_chunks(near, len(shapes), _CHUNK, on_chunk)]
    row, item, apart = (np.concatenate(column) for column in zip(*parts))
    return row, item, apart


def _around(tree: shapely.STRtree, shapes: np.ndarray, most_m: float) -> Near:
    """As `nearest`, of one chunk: what a frame does not settle is looked for in one twice as wide."""
    rest, frame, found, is_last = np.arange(len(shapes)), _FRAME_M, [_NONE], False
    while len(rest) and not is_last:
        is_last = frame > most_m + SLACK_M
        frame = min(frame, most_m + 2 * SLACK_M)
        row, item = tree.query(frames(shapely.bounds(shapes[rest]), frame))
        apart = shapely.distance(shapes[rest[row]], tree.geometries[item])
        least = np.full(len(rest), np.inf)
        np.minimum.at(least, row, apart)
        # What lies no farther than the frame reaches is surely the nearest.
        settled = least <= frame - SLACK_M
        kept = settled[row] & (apart <= least[row] + SLACK_M)
        found.append((rest[row[kept]], item[kept], least[row[kept]]))
        rest, frame = rest[~settled], 2 * frame
    row, item, apart = (np.concatenate(column) for column in zip(*found))
    order = np.lexsort((item, row))
    return row[order], item[order], apart[order]
