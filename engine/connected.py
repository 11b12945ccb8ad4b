"""Connected parts of a graph, found for all nodes at once."""

from __future__ import annotations

import numpy as np


def connected_parts(count: int, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The connected part of each node, named by its smallest node.

    Every part takes on the smallest part it has an edge to, then names are followed to their end,
    until no edge joins two parts.

    Parameters
    ----------
    count : int
        Number of nodes: 0 to count - 1.
    first, second : ndarray of int64, shape (e,)
        The nodes that each edge joins.

    Returns
    -------
    ndarray of int64, shape (count,)
    """
    part = np.arange(count, dtype="int64")
    while True:
        one, other = part[first], part[second]
        apart = one != other
        if not apart.any():
            return part
        first, second, one, other = first[apart], second[apart], one[apart], other[apart]
        np.minimum.at(part, np.maximum(one, other), np.minimum(one, other))
        part = _followed(part)


def _followed(part: np.ndarray) -> np.ndarray:
    """Each name replaced by the name of what it names, to the end."""
    while True:
        further = part[part]
        if np.array_equal(further, part):
            return part
        part = further
