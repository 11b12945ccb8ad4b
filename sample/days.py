"""Dates and times of the sample city: written on the calendar of Shanghai, held in UTC."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

SAMPLE_AS_OF = date(2026, 6, 30)
"""The last day of the sample's records. Truths without a day of their own hold on it and ever after."""

LOG_START = date(2024, 6, 1)
"""First day of the visit log."""

FRESH_FROM = date(2025, 7, 8)
"""Records younger than this are not yet a year old on the sample's last day."""

TZ = "Asia/Shanghai"
_DAY_END = np.timedelta64(24 * 3600 * 1_000_000 - 1, "us")


def random_days(first: date, last: date, count: int, rng: np.random.Generator) -> np.ndarray:
    """Days from first to last, both included, as datetime64[D]."""
    start, end = np.datetime64(first, "D"), np.datetime64(last, "D")
    return np.asarray(start + rng.integers(0, int((end - start).astype(int)) + 1, count))


def day_column(days: np.ndarray) -> pd.Series:
    """Days as UTC timestamps of their end in Shanghai; NaT stays NaT."""
    return _utc(np.asarray(days, dtype="datetime64[D]").astype("datetime64[us]") + _DAY_END)


def time_column(days: np.ndarray, seconds: np.ndarray) -> pd.Series:
    """Seconds after midnight in Shanghai as UTC timestamps."""
    day = np.asarray(days, dtype="datetime64[D]").astype("datetime64[us]")
    return _utc(day + np.asarray(seconds, dtype="int64").astype("timedelta64[s]"))


def _utc(local: np.ndarray) -> pd.Series:
    # Shanghai has kept UTC+8 without daylight saving since 1991; all sample times are later.
    return pd.Series(local - np.timedelta64(8, "h")).dt.tz_localize("UTC")
