"""Boxes to ask a tree with, and distances to straight pieces: what numpy spares GEOS."""

from __future__ import annotations

import numpy as np
import shapely


def frames(bounds: np.ndarray, by: float = 0.0) -> np.ndarray:
    """Geometries whose bounds are these, grown on all sides, to ask a tree with; shape (n,).

    A line from corner to corner has the bounds of the box, and is made quickest.

    Parameters
    ----------
    bounds : ndarray of float64, shape (n, 4)
        West, south, east, north; or n places, shape (n, 2).
    by : float
        Metres.
    """
    corners = bounds.reshape(len(bounds), bounds.shape[1] // 2, 2) + by * np.array([[-1, -1], [1, 1]])
    return np.asarray(shapely.linestrings(corners))


def apart(points: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Distance between each point and the straight piece beside it; places of shape (n, 2), gives (n,)."""
    (east, north), (ahead, aside) = (points - start).T, (end - start).T
    share = east * ahead + north * aside
    share /= np.maximum(ahead * ahead + aside * aside, np.finfo("float64").tiny)
    np.clip(share, 0, 1, out=share)
    east -= ahead * share
    north -= aside * share
    return np.asarray(np.sqrt(east * east + north * north))
