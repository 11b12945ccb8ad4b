"""Which items of a tree are nearest to each shape: most are found in a frame around it, the rest searched."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import shapely

from .coverage import SLACK_M
from .threads import in_chunks

_FRAME_M = 20.0
"""How far around a shape its frame reaches: comparing what a frame holds is quicker than a search."""

_CHUNK = 20_000

Near = tuple[np.ndarray, np.ndarray, np.ndarray]


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

    none: Near = (np.zeros(0, dtype="int64"), np.zeros(0, dtype="int64"), np.zeros(0))
    parts = [none, *in_chunks(near, len(shapes), _CHUNK, on_chunk)]
    row, item, apart = (np.concatenate(column) for column in zip(*parts))
    return row, item, apart


def _around(tree: shapely.STRtree, shapes: np.ndarray, most_m: float) -> Near:
    """As `nearest`, of one chunk."""
    frame = min(_FRAME_M, most_m)
    bounds = shapely.bounds(shapes) + np.array([-frame, -frame, frame, frame])
    row, item = tree.query(shapely.box(*bounds.T))
    apart = shapely.distance(shapes[row], tree.geometries[item])
    least = np.full(len(shapes), np.inf)
    np.minimum.at(least, row, apart)
    # What lies no farther than the frame reaches is surely the nearest.
    rest = np.flatnonzero(least > frame - SLACK_M)
    settled = least[row] <= frame - SLACK_M
    row, item, apart = row[settled], item[settled], apart[settled]
    (found, _), far = tree.query_nearest(
        shapes[rest], max_distance=most_m + SLACK_M, all_matches=False, return_distance=True
    )
    least[rest] = np.inf
    least[rest[found]] = far
    again, more = tree.query(shapes[rest[found]], predicate="dwithin", distance=far + SLACK_M)
    row, item = np.concatenate([row, rest[found[again]]]), np.concatenate([item, more])
    apart = np.concatenate([apart, np.zeros(len(more))])
    kept = np.flatnonzero(apart <= least[row] + SLACK_M)
    kept = kept[np.lexsort((item[kept], row[kept]))]
    return row[kept], item[kept], least[row[kept]]
