"""How evenly a resource is spread over units by their need: Lorenz curve, Gini, Hoover (indicators 5)."""

from __future__ import annotations

import numpy as np


def lorenz(resource: np.ndarray, need: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The Lorenz curve: cumulated shares of need and of resource, units sorted by resource per need.

    Parameters
    ----------
    resource : ndarray of float64, shape (n,)
        Not negative, with a sum above 0.
    need : ndarray of float64, shape (n,)
        Above 0.

    Returns
    -------
    ndarray of float64, shape (n + 1,): shares of need, from 0 to 1
    ndarray of float64, shape (n + 1,): shares of the resource, from 0 to 1

    Raises
    ------
    ValueError
        If a need is not above 0 or nothing is to be shared.
    """
    if not len(need) or not np.all(need > 0) or not np.all(resource >= 0) or not np.sum(resource) > 0:
        raise ValueError("every need and the whole resource must be above 0")
    order = np.lexsort((need, resource, resource / need))
    shares = [np.concatenate([[0.0], np.cumsum(part[order]) / np.sum(part)]) for part in (need, resource)]
    return shares[0], shares[1]


def gini(resource: np.ndarray, need: np.ndarray) -> float:
    """Gini coefficient: 0 where all have the same per need, near 1 where one unit has all.

    ``1 - sum((F_j - F_(j-1)) (L_j + L_(j-1)))`` over the Lorenz curve; arguments as for `lorenz`.
    """
    needs, shares = lorenz(resource, need)
    return float(1 - np.sum(np.diff(needs) * (shares[1:] + shares[:-1])))


def hoover(resource: np.ndarray, need: np.ndarray) -> float:
    """Hoover index: the share of the resource that would have to move for equal shares per need.

    Arguments as for `lorenz`.
    """
    lorenz(resource, need)
    fair = np.sum(resource) / np.sum(need)
    return float(np.sum(np.maximum(fair * need - resource, 0.0)) / np.sum(resource))


def weighted_lower_median(values: np.ndarray, weights: np.ndarray) -> float:
    """The smallest value at which the weights up to it reach half of all; NaN without weight.

    Parameters
    ----------
    values, weights : ndarray of float64, shape (n,)
        Weights above 0.
    """
    order = np.lexsort((weights, values))
    reached = np.cumsum(weights[order])
    if not len(reached):
        return float("nan")
    return float(values[order][np.searchsorted(reached, reached[-1] / 2 * (1 - 1e-12))])
