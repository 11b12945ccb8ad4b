"""How unlikely a count is by chance, and which of many unlikely ones to believe."""

from __future__ import annotations

import numpy as np


def poisson_tail(counts: np.ndarray, means: np.ndarray) -> np.ndarray:
    """The chance that a Poisson variable reaches a count: P(X >= n) = P(n, m).

    The lower regularised incomplete gamma function by its series of positive terms,
    ``exp(-m) m^n / n! (1 + m/(n+1) + m^2/((n+1)(n+2)) + ...)`` (https://dlmf.nist.gov/8.7#E1), for
    counts above the mean. For others 1 is given: their chance is above a half in any case.

    Parameters
    ----------
    counts : ndarray of int64, shape (n,)
    means : ndarray of float64, shape (n,)
        Above 0.

    Returns
    -------
    ndarray of float64, shape (n,)
    """
    tail = np.ones(len(counts))
    over = np.flatnonzero(counts > means)
    number, mean = counts[over].astype("float64"), means[over]
    logs = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, counts.max(initial=0) + 1)))])
    term, total, step = np.ones(len(over)), np.ones(len(over)), 0
    # Each term is smaller than the one before by mean / (number + step) < 1.
    while (term > np.finfo(float).eps * total).any():
        step += 1
        term = term * mean / (number + step)
        total = total + term
    tail[over] = np.exp(number * np.log(mean) - mean - logs[counts[over]]) * total
    return tail


def significant(chances: np.ndarray, false_discovery: float) -> np.ndarray:
    """Which of many tests to believe, so that the expected share of false ones stays below a limit.

    Benjamini and Hochberg 1995: of the ascending chances all up to the last with
    ``p_i <= i / m * limit``.

    Parameters
    ----------
    chances : ndarray of float64, shape (m,)
        Of every test made.

    Returns
    -------
    ndarray of bool, shape (m,)
    """
    ascending = np.sort(chances)
    limits = np.arange(1, len(chances) + 1) / max(len(chances), 1) * false_discovery
    passed = np.flatnonzero(ascending <= limits)
    if not len(passed):
        return np.zeros(len(chances), dtype=bool)
    return np.asarray(chances <= ascending[passed[-1]])
