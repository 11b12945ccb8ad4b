"""The running records: visits by day and night, and the repair book."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import shapely

from .days import LOG_START, SAMPLE_AS_OF, day_column, random_days, time_column
from .planted import Book

_DAY_HOURS, _NIGHT_HOURS = (8.0, 17.5), (19.3, 23.5)
_PIPE_ROUNDS = {
    "JS": "line_patrol",
    "RQ": "line_patrol",
    "PS": "survey",
    "DL": "patrol",
    "TX": "patrol",
    "RL": "patrol",
    "HY": "patrol",
}
_TRACK_CLEARANCE_M = 15.0
"""Patrol tracks stay this far from planted objects: a visit without object counts for all within 10 m."""


def make_visits(
    tables: dict[str, pd.DataFrame], book: Book, rng: np.random.Generator
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Visits of two years and the repairs that followed them.

    Parameters
    ----------
    tables : dict
        housing, pipes, components, neglected, roads.

    Returns
    -------
    visits, repairs : DataFrame
        All fields of their roles.
    """
    rounds = [
        *_house_rounds(tables["housing"], book.touched["housing"], rng),
        *_pipe_rounds(tables["pipes"], book.touched["pipes"], rng),
        *_street_rounds(tables["components"], tables["neglected"], book, rng),
    ]
    routine = pd.concat(rounds, ignore_index=True)
    chance = rng.random(len(routine))
    routine["result"] = np.select(
        [chance < 0.010, chance < 0.025, chance < 0.028], ["defect", "no_access", "not_found"], "ok"
    )
    planted = _planted_visits(book, tables)
    visits = pd.concat([routine, planted, _tracks(tables, book, rng)], ignore_index=True)
    visits = visits.sort_values(["day", "second"], kind="stable", ignore_index=True)
    repairs = _repairs(routine, tables["housing"], book, rng)
    bodies = np.array(["市容巡查一队", "市容巡查二队", "房屋安全巡查组", "网格监督员"], dtype=object)
    table = pd.DataFrame(
        {
            "id": [f"XC{number:08d}" for number in range(1, len(visits) + 1)],
            "at": time_column(visits["day"].to_numpy(), visits["second"].to_numpy()),
            "activity": visits["activity"].astype("str"),
            "object_id": visits["object_id"].astype("str"),
            "body": pd.Series(bodies[rng.integers(0, len(bodies), len(visits))], dtype="str"),
            "result": visits["result"].astype("str"),
            "text": pd.Series(
                np.where(visits["result"] == "defect", "现场发现问题，已上报", None), dtype="str"
            ),
            "geometry": visits["geometry"].to_numpy(),
        }
    )
    return table, repairs


def _rounds(
    table: pd.DataFrame,
    activity: str,
    chosen: np.ndarray,
    times: np.ndarray,
    night: bool,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Visits to the chosen objects, each so many times, on days that grow denser towards the end."""
    owner = np.repeat(np.flatnonzero(chosen), times[chosen])
    span = (SAMPLE_AS_OF - LOG_START).days
    low, high = _NIGHT_HOURS if night else _DAY_HOURS
    shapes = table["geometry"].to_numpy()[owner]
    return pd.DataFrame(
        {
            "day": np.datetime64(LOG_START, "D")
            + np.floor(rng.beta(1.6, 1.0, len(owner)) * span).astype(int),
            "second": (rng.uniform(low, high, len(owner)) * 3600).astype(int),
            "activity": activity,
            "object_id": table["id"].to_numpy(dtype=object)[owner],
            "geometry": shapely.point_on_surface(shapes) if len(owner) < 20000 else shapely.centroid(shapes),
        }
    )


def _house_rounds(housing: pd.DataFrame, touched: set[str], rng: np.random.Generator) -> list[pd.DataFrame]:
    count = len(housing)
    free = ~housing["id"].isin(touched).to_numpy()
    grade = housing["danger_grade"]
    home = housing["use"].isna() | (housing["use"] == "residential")
    old = (home & (housing["built_year"] <= 2000)).to_numpy()
    walked = (
        free
        & (grade.isin(["A", "B"]).to_numpy() | (grade.isna().to_numpy() & old))
        & (rng.random(count) < 0.93)
    )
    watched = free & grade.isin(["C", "D"]).to_numpy() & (rng.random(count) < 0.94)
    checked = free & (housing["built_year"] <= 1990).to_numpy() & (rng.random(count) < 0.45)
    once = np.ones(count, dtype=int)
    return [
        _rounds(housing, "walk_round_patrol", walked, rng.integers(1, 3, count), False, rng),
        _rounds(housing, "watch_visit", watched, rng.integers(4, 11, count), False, rng),
        _rounds(housing, "structural_check", checked, once, False, rng),
    ]


def _pipe_rounds(pipes: pd.DataFrame, touched: set[str], rng: np.random.Generator) -> list[pd.DataFrame]:
    free = ~pipes["id"].isin(touched).to_numpy() & (rng.random(len(pipes)) < 0.94)
    once = np.ones(len(pipes), dtype=int)
    class_code = pipes["class_code"].to_numpy()
    return [
        _rounds(pipes, word, free & (class_code == code), once, False, rng)
        for code, word in _PIPE_ROUNDS.items()
    ]


def _street_rounds(
    components: pd.DataFrame, neglected: pd.DataFrame, book: Book, rng: np.random.Generator
) -> list[pd.DataFrame]:
    """Rounds of lamps at night, of covers and waste points by day, of alleys and viaduct spaces by both."""
    count = len(components)
    free = ~components["id"].isin(book.touched["components"]).to_numpy() & (rng.random(count) < 0.95)
    word = components["class_code"].to_numpy(dtype=str)
    cover = np.char.startswith(word, "01") & (word != "0113")
    once = np.ones(count, dtype=int)
    places = len(neglected)
    open_place = ~neglected["id"].isin(book.touched["neglected"]).to_numpy()
    by_day, by_night = open_place & (rng.random(places) < 0.94), open_place & (rng.random(places) < 0.55)
    return [
        _rounds(components, "night_round", free & (word == "street_lamp"), once, True, rng),
        _rounds(components, "look_at_cover", free & cover, once, False, rng),
        _rounds(components, "visit", free & (word == "waste_point"), once, False, rng),
        _rounds(neglected, "patrol_day", by_day, rng.integers(5, 13, places), False, rng),
        _rounds(neglected, "patrol_night", by_night & by_day, rng.integers(1, 5, places), True, rng),
    ]


def _planted_visits(book: Book, tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Visits of the planted objects, and a walk along one pipe that names no object."""
    rows = [
        {
            "day": np.datetime64(visit.day, "D"),
            "second": 36000,
            "activity": visit.activity,
            "object_id": object_id,
            "result": visit.result,
            "geometry": None,
        }
        for object_id, visit in book.visits
    ]
    walked = {row.object_id for row in book.truths if row.note.startswith("walked along")}
    pipes = tables["pipes"]
    for shape in pipes["geometry"].to_numpy()[pipes["id"].isin(walked).to_numpy()]:
        day = np.datetime64("2025-11-04", "D")
        rows.append(
            {
                "day": day,
                "second": 36000,
                "activity": "line_patrol",
                "object_id": None,
                "result": "ok",
                "geometry": shape,
            }
        )
    return pd.DataFrame(rows)


def _tracks(tables: dict[str, pd.DataFrame], book: Book, rng: np.random.Generator) -> pd.DataFrame:
    """Patrol tracks along streets, by day and by night, clear of everything planted."""
    roads = tables["roads"]
    lines = roads["geometry"].to_numpy()[~roads["bridge"].to_numpy(dtype=bool)]
    guarded = [
        tables[role]["geometry"].to_numpy()[tables[role]["id"].isin(ids).to_numpy()]
        for role, ids in book.touched.items()
    ]
    near, _ = shapely.STRtree(np.concatenate(guarded)).query(
        lines, predicate="dwithin", distance=_TRACK_CLEARANCE_M
    )
    lines = np.delete(lines, np.unique(near))
    walked = rng.integers(0, len(lines), len(lines) // 2)
    night = rng.random(len(walked)) < 0.3
    hour = np.where(night, rng.uniform(*_NIGHT_HOURS, len(walked)), rng.uniform(*_DAY_HOURS, len(walked)))
    return pd.DataFrame(
        {
            "day": random_days(LOG_START, SAMPLE_AS_OF, len(walked), rng),
            "second": (hour * 3600).astype(int),
            "activity": np.where(night, "patrol_night", "patrol_day"),
            "object_id": None,
            "result": "ok",
            "geometry": lines[walked],
        }
    )


def _repairs(
    routine: pd.DataFrame, housing: pd.DataFrame, book: Book, rng: np.random.Generator
) -> pd.DataFrame:
    """Repairs after defects found on visits, the maintenance the register knows of, and the planted ones."""
    found = routine[routine["result"] == "defect"]
    mended = found[rng.random(len(found)) < 0.82]
    reported = mended["day"].to_numpy().astype("datetime64[D]")
    known = housing[housing["last_repair_date"].notna() & ~housing["id"].isin(book.touched["housing"])]
    known = known[rng.random(len(known)) < 0.35]
    done = known["last_repair_date"].dt.tz_localize(None).to_numpy().astype("datetime64[D]")
    parts = [
        _book_entries(mended["object_id"], reported, reported + rng.integers(1, 20, len(mended)), "repair"),
        _book_entries(known["id"], done - rng.integers(10, 90, len(known)), done, "maintenance"),
    ]
    for object_id, repair in book.repairs:
        closed = np.array([repair.closed or "NaT"], dtype="datetime64[D]")
        parts.append(
            _book_entries(
                [object_id], np.array([repair.reported], dtype="datetime64[D]"), closed, repair.kind
            )
        )
    table = pd.concat(parts, ignore_index=True).sort_values("reported", kind="stable", ignore_index=True)
    late = table["closed"].to_numpy() > np.datetime64(SAMPLE_AS_OF, "D")
    closed = np.where(late, np.datetime64("NaT", "D"), table["closed"].to_numpy().astype("datetime64[D]"))
    return pd.DataFrame(
        {
            "id": [f"WX{number:07d}" for number in range(1, len(table) + 1)],
            "object_id": table["object_id"].astype("str"),
            "reported_on": day_column(table["reported"].to_numpy()),
            "closed_on": day_column(closed),
            "kind": table["kind"].astype("str"),
            "geometry": None,
        }
    )


def _book_entries(ids: Sequence[str], reported: np.ndarray, closed: np.ndarray, kind: str) -> pd.DataFrame:
    return pd.DataFrame(
        {"object_id": np.asarray(ids, dtype=object), "reported": reported, "closed": closed, "kind": kind}
    )


def recent_days(count: int, rng: np.random.Generator) -> pd.Series:
    """Days of the last two years, as a date column."""
    return day_column(random_days(LOG_START, SAMPLE_AS_OF, count, rng))
