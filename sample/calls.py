"""Calls to the hotline, and the storms and crowds of two years."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import shapely

from .days import LOG_START, SAMPLE_AS_OF, random_days, time_column
from .ids import numbered

_CATEGORIES = (
    "路面积水",
    "路灯不亮",
    "井盖异响",
    "房屋渗漏",
    "垃圾堆放",
    "乱停车",
    "噪声扰民",
    "燃气异味",
    "供水压力低",
)


def make_hotline(housing: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Calls of two years, as many a resident everywhere; their places as x and y."""
    count = max(len(housing) * 3 // 10, 1)
    people = np.nan_to_num(housing["residents"].to_numpy(dtype="float64")) + 1.0
    caller = rng.choice(len(housing), count, p=people / people.sum())
    place = shapely.get_coordinates(shapely.centroid(housing["geometry"].to_numpy()[caller])) + rng.normal(
        0, 4.0, (count, 2)
    )
    day = np.sort(random_days(LOG_START, SAMPLE_AS_OF, count, rng))
    second = (
        np.where(rng.random(count) < 0.28, rng.uniform(19, 23.9, count), rng.uniform(6.5, 19, count)) * 3600
    ).astype(int)
    at = time_column(day, second)
    closed = at + pd.to_timedelta(rng.gamma(2.0, 60.0, count), unit="h")
    still = (closed > time_column(np.array([SAMPLE_AS_OF], dtype="datetime64[D]"), np.array([86399]))[0]) | (
        rng.random(count) < 0.03
    )
    category = np.array(_CATEGORIES, dtype=object)[rng.integers(0, len(_CATEGORIES), count)]
    return pd.DataFrame(
        {
            "id": numbered("RX", np.arange(1, count + 1)),
            "at": at,
            "category": pd.Series(category, dtype="str"),
            "caller_key": numbered("C", caller, width=6),
            "text": pd.Series(category, dtype="str") + "，请派人处理",
            "opened_at": at + pd.Timedelta(minutes=9),
            "dispatched_at": at + pd.to_timedelta(np.round(rng.uniform(20, 300, count)), unit="min"),
            "due_at": at + pd.Timedelta(days=7),
            "closed_at": closed.dt.floor("s").mask(still),
            "stage": pd.Series(np.where(still, "处置", "结案"), dtype="str"),
            "reworks": rng.poisson(0.12, count).astype(float),
            "x": np.round(place[:, 0], 2),
            "y": np.round(place[:, 1], 2),
        }
    )


def add_calls(hotline: pd.DataFrame, calls: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """The hotline with further calls, each of another caller, by day and closed the next day.

    Parameters
    ----------
    calls : DataFrame
        x, y, day.
    """
    count = len(calls)
    if not count:
        return hotline
    at = time_column(calls["day"].to_numpy(), (rng.uniform(9, 16, count) * 3600).astype(int))
    first = len(hotline) + 1
    category = pd.Series("垃圾堆放", index=range(count), dtype="str")
    more = pd.DataFrame(
        {
            "id": numbered("RX", np.arange(first, first + count)),
            "at": at,
            "category": category,
            "caller_key": numbered("D", np.arange(1, count + 1), width=6),
            "text": category + "，请派人处理",
            "opened_at": at + pd.Timedelta(minutes=9),
            "dispatched_at": at + pd.Timedelta(hours=1),
            "due_at": at + pd.Timedelta(days=7),
            "closed_at": at + pd.Timedelta(days=1),
            "stage": pd.Series("结案", index=range(count), dtype="str"),
            "reworks": 0.0,
            "x": np.round(calls["x"].to_numpy(), 2),
            "y": np.round(calls["y"].to_numpy(), 2),
        }
    )
    return pd.concat([hotline, more], ignore_index=True)


def make_events(area: shapely.Polygon) -> pd.DataFrame:
    """Storms and a crowd: without an area they concern the whole city.

    Only two call for visits afterwards: a crowd in one small area, and the last storm, everywhere.
    """
    rows = [
        ("2024-09-16", 1, 14, "typhoon", "yellow", None),
        ("2025-07-30", 4, 22, "typhoon", "yellow", None),
        ("2025-09-02", 13, 17, "rain", "yellow", None),
        ("2025-12-31", 17, 23, "crowd", "yellow", area),
        ("2026-03-21", 8, 20, "wind", "blue", None),
        ("2026-06-27", 2, 22, "rain", "orange", None),
    ]
    days = np.array([date.fromisoformat(row[0]) for row in rows], dtype="datetime64[D]")
    return pd.DataFrame(
        {
            "id": [f"SJ{number:03d}" for number in range(1, len(rows) + 1)],
            "started_at": time_column(days, np.array([row[1] * 3600 for row in rows])),
            "ended_at": time_column(days, np.array([row[2] * 3600 for row in rows])),
            "kind": pd.Series([row[3] for row in rows], dtype="str"),
            "level": pd.Series([row[4] for row in rows], dtype="str"),
            "geometry": [row[5] for row in rows],
        }
    )
