"""The rounds behind the visit log: who was seen when, so that nothing is overdue but what is planted."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import shapely

from .days import LOG_START, SAMPLE_AS_OF

TRACK_HOURS = (19.2, 21.7)
"""Clock hours of the last evening's walk along every street: at night, and in time after the last storm."""

DAY_HOURS, NIGHT_HOURS = (8.0, 17.5), (19.3, 21.7)
TRACK_DAY = SAMPLE_AS_OF
_GUARD_M, _NEAR_GUARD_M = 12.5, 26.0
_TRACK_SHARE = 0.3
"""How far from the middle of a street its patrol walks, as a share of its width."""

_UNVISITED = 0.05
_LAST = {"A": 700, "B": 700, "C": 25, "D": 5}
"""Longest time since the last round of a house by its grade, days: less than the interval."""

_AGED_DRAIN_BEFORE = SAMPLE_AS_OF.year - 30
_COLUMNS = ["day", "second", "activity", "object_id", "result", "geometry"]


def round_of(
    ids: np.ndarray,
    activity: object,
    within_days: object,
    hours: tuple[float, float],
    rng: np.random.Generator,
) -> pd.DataFrame:
    """One visit to each object, at most so many days before the last day (0: on it)."""
    count = len(ids)
    days = np.asarray(np.broadcast_to(within_days, count), dtype="int64")
    ago = np.floor(rng.random(count) * (days + 1)).astype("int64")
    return pd.DataFrame(
        {
            "day": np.datetime64(SAMPLE_AS_OF, "D") - ago,
            "second": (rng.uniform(*hours, count) * 3600).astype("int64"),
            "activity": activity,
            "object_id": np.asarray(ids, dtype=object),
            "result": "ok",
            "geometry": None,
        }
    )


def street_tracks(streets: pd.DataFrame) -> np.ndarray:
    """The way of the patrol of each street segment: up along one kerb and down along the other.

    Every main, cover and lamp of the street lies within 10 m of it.
    """
    walked = shapely.buffer(
        streets["geometry"].to_numpy(),
        streets["width_m"].to_numpy() * _TRACK_SHARE,
        cap_style="square",
        join_style="mitre",
    )
    return np.asarray(
        shapely.linestrings(
            shapely.get_coordinates(shapely.get_exterior_ring(walked)), indices=_owner(walked)
        )
    )


def _owner(shapes: np.ndarray) -> np.ndarray:
    return np.asarray(shapely.get_coordinates(shapely.get_exterior_ring(shapes), return_index=True)[1])


def clear_of(tracks: np.ndarray, guarded: np.ndarray) -> np.ndarray:
    """The tracks without what would pass within 10 m of a guarded place; pieces apart."""
    if not len(guarded):
        return tracks
    track, place = shapely.STRtree(guarded).query(tracks, predicate="dwithin", distance=_GUARD_M)
    tracks = tracks.copy()
    for row in np.unique(track):
        zone = shapely.union_all(shapely.buffer(guarded[place[track == row]], _GUARD_M))
        tracks[row] = shapely.difference(tracks[row], zone)
    parts = shapely.get_parts(tracks)
    return np.asarray(parts[~shapely.is_empty(parts) & (shapely.length(parts) > 0)])


def unvisited_homes(
    housing: pd.DataFrame, core: np.ndarray, tracks: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Houses of the old city that nobody went to, out of sight of the street patrols, shape (n,)."""
    chosen = np.flatnonzero(core & (rng.random(len(housing)) < _UNVISITED))
    chosen = chosen[off_tracks(housing["geometry"].to_numpy()[chosen], tracks)]
    mask = np.zeros(len(housing), dtype=bool)
    mask[chosen] = True
    return mask


def off_tracks(shapes: np.ndarray, tracks: np.ndarray) -> np.ndarray:
    """Whether each shape lies more than 11 m from every track, shape (n,)."""
    near, _ = shapely.STRtree(tracks).query(shapes, predicate="dwithin", distance=11.0)
    off = np.ones(len(shapes), dtype=bool)
    off[near] = False
    return off


def house_rounds(
    housing: pd.DataFrame,
    free: np.ndarray,
    untouched: np.ndarray,
    stormy: np.ndarray,
    rng: np.random.Generator,
) -> list[pd.DataFrame]:
    """Rounds of all houses that fall due; those a storm asks for within the last two days."""
    grade = housing["danger_grade"]
    ids = housing["id"].to_numpy(dtype=object)
    last = grade.map(_LAST).fillna(350).to_numpy()
    last = np.where(stormy, np.minimum(last, 1), last)
    watched = grade.isin(["C", "D"]).to_numpy()
    due = free & (grade.notna().to_numpy() | stormy)
    checked = untouched & (housing["built_year"] <= 1990).to_numpy() & (rng.random(len(housing)) < 0.45)
    walked = due & ~watched
    return [
        round_of(ids[walked], "walk_round_patrol", last[walked], DAY_HOURS, rng),
        round_of(ids[due & watched], "watch_visit", last[due & watched], DAY_HOURS, rng),
        round_of(ids[checked], "structural_check", 700, DAY_HOURS, rng),
    ]


def pipe_rounds(
    pipes: pd.DataFrame, on_street: np.ndarray, free: np.ndarray, rng: np.random.Generator
) -> list[pd.DataFrame]:
    """Rounds of the pipes that the street patrols do not pass, and surveys of aged drains."""
    ids, code = pipes["id"].to_numpy(dtype=object), pipes["class_code"].to_numpy(dtype=object)
    apart = free & ~on_street
    aged = free & (code == "PS") & ~(pipes["laid_year"] >= _AGED_DRAIN_BEFORE).to_numpy()
    words = (
        ("JS", "line_patrol", 25),
        ("DL", "patrol", 80),
        ("TX", "patrol", 170),
        ("RL", "patrol", 25),
        ("HY", "patrol", 0),
    )
    rounds = [round_of(ids[apart & (code == k)], word, days, DAY_HOURS, rng) for k, word, days in words]
    return [*rounds, round_of(ids[aged], "survey", 700, DAY_HOURS, rng)]


def thing_rounds(
    tables: dict[str, pd.DataFrame],
    on_street: np.ndarray,
    free: dict[str, np.ndarray],
    rng: np.random.Generator,
) -> list[pd.DataFrame]:
    """Rounds of lamps and covers off the streets, waste points, outlets, water, alleys, viaduct spaces."""
    things, points, places = tables["components"], tables["pipe_points"], tables["neglected"]
    ids, word = things["id"].to_numpy(dtype=object), things["class_code"].to_numpy(dtype=str)
    apart = free["components"] & ~on_street
    cover = np.char.startswith(word, "01") & (word != "0104")
    outlets = points["id"].to_numpy(dtype=object)[
        (points["feature"].isin(["works", "outfall", "pump"]) & (points["class_code"] == "PS")).to_numpy()
    ]
    open_ids = places["id"].to_numpy(dtype=object)[free["neglected"]]
    viaduct = (places["kind"] == "under_viaduct").to_numpy()[free["neglected"]]
    seldom = np.where(viaduct, 0, 1)
    return [
        round_of(ids[apart & (word == "street_lamp")], "night_round", 5, NIGHT_HOURS, rng),
        round_of(ids[apart & cover], "look_at_cover", 1, DAY_HOURS, rng),
        round_of(ids[word == "waste_point"], "visit", 0, DAY_HOURS, rng),
        round_of(outlets, "check", 300, DAY_HOURS, rng),
        round_of(tables["water"]["id"].to_numpy(dtype=object), "patrol_day", 5, DAY_HOURS, rng),
        round_of(open_ids, "patrol_day", seldom, DAY_HOURS, rng),
        round_of(open_ids, "patrol_night", seldom, NIGHT_HOURS, rng),
    ]


def near_guarded(shapes: np.ndarray, guarded: np.ndarray) -> np.ndarray:
    """Whether each shape lies where tracks were left out for a guarded place, shape (n,)."""
    near = np.zeros(len(shapes), dtype=bool)
    if len(guarded):
        near[shapely.STRtree(guarded).query(shapes, predicate="dwithin", distance=_NEAR_GUARD_M)[0]] = True
    return near


def nameless(tracks: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    """A visit along each track that names neither object nor activity."""
    count = len(tracks)
    return pd.DataFrame(
        {
            "day": np.full(count, np.datetime64(TRACK_DAY, "D")),
            "second": (rng.uniform(*TRACK_HOURS, count) * 3600).astype("int64"),
            "activity": None,
            "object_id": None,
            "result": "ok",
            "geometry": tracks,
        },
        columns=_COLUMNS,
    )


def earlier_rounds(housing: pd.DataFrame, free: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    """Older visits of some houses: what they found was repaired within weeks."""
    ids = housing["id"].to_numpy(dtype=object)[free]
    chosen = ids[rng.random(len(ids)) < 0.25]
    table = round_of(chosen, "walk_round_patrol", 640, DAY_HOURS, rng)
    span = int((np.datetime64(date(2026, 4, 1), "D") - np.datetime64(LOG_START, "D")).astype(int))
    table["day"] = np.datetime64(LOG_START, "D") + rng.integers(0, span, len(table))
    table["result"] = np.where(rng.random(len(table)) < 0.08, "defect", "ok").astype(object)
    table.loc[:0, "day"] = np.datetime64(LOG_START, "D")
    return table
