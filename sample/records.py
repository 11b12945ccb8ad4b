"""The running records: visits by day and night, and the repair book."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import pandas as pd

from . import rounds
from .days import FRESH_FROM, SAMPLE_AS_OF, day_column, random_days, time_column
from .frame import Frame, in_core
from .ids import numbered
from .planted import Book

_BODIES = ["市容巡查一队", "市容巡查二队", "房屋安全巡查组", "网格监督员"]
WALKED_ON = date(2026, 6, 20)
"""Day of the walks along planted pipes that name no object."""


def make_visits(
    tables: dict[str, pd.DataFrame], laid: pd.DataFrame, book: Book, frame: Frame, rng: np.random.Generator
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Visits of two years and the repairs that followed them.

    Parameters
    ----------
    tables : dict
        housing, pipes, pipe_points, components (with on_street), neglected, roads, water.
    laid : DataFrame
        The pipes as laid, `pipes.COLUMNS`.

    Returns
    -------
    visits, repairs : DataFrame
        All fields of their roles.
    """
    housing, pipes, things = tables["housing"], tables["pipes"], tables["components"]
    roads = tables["roads"]
    tracks = rounds.street_tracks(roads[~roads["highway"].isin(["service", "footway", "trunk"])])
    guarded = np.concatenate(
        [
            tables[role]["geometry"].to_numpy()[tables[role]["id"].isin(ids)]
            for role, ids in book.silent.items()
        ]
    )
    free = {role: ~tables[role]["id"].isin(ids).to_numpy() for role, ids in book.silent.items()}
    untouched = ~housing["id"].isin(book.touched["housing"]).to_numpy()
    left_out = rounds.unvisited_homes(housing, in_core(housing["geometry"].to_numpy(), frame), tracks, rng)
    left_out &= untouched
    free["housing"] = free["housing"] & ~left_out
    book.silent["housing"].update(housing["id"].to_numpy(dtype=object)[left_out])
    old = (housing["use"].isna() | (housing["use"] == "residential")) & (housing["built_year"] <= 2000)
    stormy = (old | housing["danger_grade"].isin(["C", "D"])).to_numpy()
    on_street = {
        "pipes": laid["part"].isin(["main", "loose"]).to_numpy(),
        "components": things["on_street"].to_numpy(dtype=bool),
    }
    for role in ("pipes", "components"):
        on_street[role] = on_street[role] & ~rounds.near_guarded(tables[role]["geometry"].to_numpy(), guarded)
    untouched = untouched & ~left_out
    earlier = rounds.earlier_rounds(housing, untouched, rng)
    parts = [
        *rounds.house_rounds(housing, free["housing"], untouched, stormy, rng),
        *rounds.pipe_rounds(pipes, on_street["pipes"], free["pipes"], rng),
        *rounds.thing_rounds(tables, on_street["components"], free, rng),
        earlier,
        rounds.nameless(rounds.clear_of(tracks, guarded), rng),
        _planted_visits(book, tables),
    ]
    visits = pd.concat([part for part in parts if len(part)], ignore_index=True)
    del parts
    visits = visits.sort_values(["day", "second"], kind="stable", ignore_index=True)
    repairs = _repairs(earlier, housing, book, rng)
    table = pd.DataFrame(
        {
            "id": numbered("XC", np.arange(1, len(visits) + 1), width=8),
            "at": time_column(visits["day"].to_numpy(), visits["second"].to_numpy()),
            "activity": visits["activity"].astype("category"),
            "object_id": visits["object_id"].astype("str"),
            "body": pd.Categorical.from_codes(rng.integers(0, len(_BODIES), len(visits)), _BODIES),
            "result": visits["result"].astype("category"),
            "text": pd.Series(
                np.where(visits["result"] == "defect", "现场发现问题，已上报", None), dtype="category"
            ),
            "geometry": visits["geometry"].to_numpy(),
        }
    )
    return table, repairs


def _planted_visits(book: Book, tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Visits of the planted objects, and a walk along some pipes that names no object."""
    rows = [
        {
            "day": np.datetime64(visit.day, "D"),
            "second": int(visit.hour * 3600),
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
        rows.append(
            {
                "day": np.datetime64(WALKED_ON, "D"),
                "second": 36000,
                "activity": "line_patrol",
                "object_id": None,
                "result": "ok",
                "geometry": shape,
            }
        )
    return pd.DataFrame(rows)


def _repairs(
    routine: pd.DataFrame, housing: pd.DataFrame, book: Book, rng: np.random.Generator
) -> pd.DataFrame:
    """Repairs after defects found on visits, the maintenance the register knows of, and the planted ones."""
    mended = routine[routine["result"] == "defect"]
    reported = mended["day"].to_numpy().astype("datetime64[D]")
    known = housing[housing["last_repair_date"].notna() & ~housing["id"].isin(book.touched["housing"])]
    known = known[rng.random(len(known)) < 0.35]
    done = known["last_repair_date"].dt.tz_localize(None).to_numpy().astype("datetime64[D]")
    parts = [
        _book_entries(mended["object_id"], reported, reported + rng.integers(1, 20, len(mended)), "repair"),
        _book_entries(known["id"], done - rng.integers(10, 90, len(known)), done, "maintenance"),
    ]
    planted = [repair for _, repair in book.repairs]
    parts.append(
        _book_entries(
            [object_id for object_id, _ in book.repairs],
            np.array([repair.reported for repair in planted], dtype="datetime64[D]"),
            np.array([repair.closed or "NaT" for repair in planted], dtype="datetime64[D]"),
            [repair.kind for repair in planted],
        )
    )
    table = pd.concat(parts, ignore_index=True).sort_values("reported", kind="stable", ignore_index=True)
    late = table["closed"].to_numpy() > np.datetime64(SAMPLE_AS_OF, "D")
    closed = np.where(late, np.datetime64("NaT", "D"), table["closed"].to_numpy().astype("datetime64[D]"))
    return pd.DataFrame(
        {
            "id": numbered("WX", np.arange(1, len(table) + 1)),
            "object_id": table["object_id"].astype("str"),
            "reported_on": day_column(table["reported"].to_numpy()),
            "closed_on": day_column(closed),
            "kind": table["kind"].astype("str"),
            "geometry": None,
        }
    )


def _book_entries(ids: Sequence[str], reported: np.ndarray, closed: np.ndarray, kind: object) -> pd.DataFrame:
    return pd.DataFrame(
        {"object_id": np.asarray(ids, dtype=object), "reported": reported, "closed": closed, "kind": kind}
    )


def recent_days(count: int, rng: np.random.Generator) -> pd.Series:
    """Days of the last year, as a date column."""
    return day_column(random_days(FRESH_FROM, SAMPLE_AS_OF, count, rng))
