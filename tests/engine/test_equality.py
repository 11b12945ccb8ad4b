"""Lorenz, Gini, Hoover and the weighted median against known values and the plain definitions."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from citygap.engine.equality import gini, hoover, lorenz, weighted_lower_median

shares = st.lists(
    st.tuples(st.integers(0, 50).map(float), st.integers(1, 50).map(float)), min_size=1, max_size=12
).filter(lambda rows: sum(amount for amount, _ in rows) > 0)


def columns(rows):
    return np.array([row[0] for row in rows]), np.array([row[1] for row in rows])


@pytest.mark.parametrize(
    ("amounts", "needs", "known_gini", "known_hoover"),
    [
        ([1, 1, 1, 1], [1, 1, 1, 1], 0.0, 0.0),
        ([0, 0, 0, 4], [1, 1, 1, 1], 0.75, 0.75),  # one has all: (n - 1) / n
        ([1, 2, 3, 4, 5], [1, 1, 1, 1, 1], 4 / 15, 0.2),
        ([2, 4, 6], [1, 2, 3], 0.0, 0.0),  # equal per need
        ([10, 0], [1, 3], 0.75, 0.75),
    ],
)
def test_known_values(amounts, needs, known_gini, known_hoover):
    amount, need = np.array(amounts, float), np.array(needs, float)
    assert gini(amount, need) == pytest.approx(known_gini)
    assert hoover(amount, need) == pytest.approx(known_hoover)


def test_lorenz_curve_of_five():
    needs, shares = lorenz(np.array([5.0, 1, 3, 2, 4]), np.ones(5))
    assert needs == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1])
    assert shares == pytest.approx([0, 1 / 15, 3 / 15, 6 / 15, 10 / 15, 1])


@given(shares)
def test_gini_is_half_the_relative_mean_difference(rows):
    amount, need = columns(rows)
    people, total = need.sum(), amount.sum()
    apart = sum(n1 * n2 * abs(a1 / n1 - a2 / n2) for (a1, n1), (a2, n2) in itertools.product(rows, repeat=2))
    assert gini(amount, need) == pytest.approx(apart / (2 * people * total), abs=1e-9)
    far = sum(abs(a / total - n / people) for a, n in rows) / 2
    assert hoover(amount, need) == pytest.approx(far, abs=1e-9)


@given(shares)
def test_the_lower_median_is_the_first_value_that_half_of_the_weight_does_not_exceed(rows):
    values, weights = columns(rows)
    half = weights.sum() / 2
    expected = min(v for v in values if sum(w for x, w in rows if x <= v) >= half)
    assert weighted_lower_median(values, weights) == expected


def test_nothing_to_share_is_refused_and_no_weight_has_no_median():
    for amounts, needs in (([0.0], [1.0]), ([1.0], [0.0]), ([-1.0, 3.0], [1.0, 1.0]), ([], [])):
        with pytest.raises(ValueError, match="above 0"):
            gini(np.array(amounts), np.array(needs))
    assert math.isnan(weighted_lower_median(np.array([]), np.array([])))
