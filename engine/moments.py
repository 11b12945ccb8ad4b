"""Points in time as whole microseconds: exact to compare, quick to sort."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .context import Context

DAY_US = 86_400_000_000
HOUR_US = DAY_US // 24
NEVER = np.iinfo("int64").min
"""Stands for no moment; it is earlier than any."""


def micros(times: pd.Series) -> np.ndarray:
    """Microseconds since 1970 UTC of times with a zone, `NEVER` for null, shape (n,)."""
    return _as_micros(times.dt.tz_convert("UTC"))


def now_us(context: Context) -> int:
    """T in microseconds since 1970 UTC."""
    return int(pd.Timestamp(context.at).value // 1000)


def clock_us(context: Context, times: pd.Series) -> np.ndarray:
    """Microseconds since local midnight; of no meaning where the time is null, shape (n,)."""
    return np.asarray(_as_micros(times.dt.tz_convert(str(context.city.tz))) % DAY_US)


def _as_micros(times: pd.Series) -> np.ndarray:
    plain = times.dt.tz_localize(None).to_numpy().astype("datetime64[us]")
    return np.where(np.isnat(plain), NEVER, plain.astype("int64"))
