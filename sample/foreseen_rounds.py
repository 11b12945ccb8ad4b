"""What the visit log must lead to for the few objects that the usual rounds leave out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from .days import time_column
from .foreseen import END, YEAR, class_codes, is_old, year_of
from .plants import TODAY
from .round_plants import STORM
from .truth import Truth

_GRADES = {"A": ("walk_round_patrol", 1825), "B": ("walk_round_patrol", 730), "C": ("watch_visit", 30)}
_GRADES["D"] = ("watch_visit", 7)
_PIPES = {"DL": ("patrol", 90), "TX": ("patrol", 180), "HY": ("patrol", 1), "RL": ("patrol", 30)}
_PLACES = {
    "under_viaduct": {"patrol_day": 1, "patrol_night": 7},
    "back_alley": {"patrol_day": 7, "patrol_night": 30},
}
_STORM_END = time_column(np.array(["2026-06-27"], dtype="datetime64[D]"), np.array([22 * 3600]))[0]
_DAY = pd.Timedelta(days=1)


def _due(role: str, row: Any, old: bool, year: float) -> dict[str, int]:
    """Activities an object is due for, and how often, days."""
    if role == "housing":
        if pd.isna(row.danger_grade):
            return {"walk_round_patrol": 365} if old else {}
        activity, days = _GRADES[row.danger_grade]
        return {activity: days}
    if role == "pipes":
        due = {}
        if row.class_code == "JS" and row.kind_code == "JP":
            due["line_patrol"] = 30
        if row.class_code == "PS" and YEAR - year > 30:
            due["survey"] = 1825
        if row.class_code in _PIPES:
            activity, days = _PIPES[row.class_code]
            due[activity] = days
        return due
    return dict(_PLACES.get(row.kind, {})) if role == "neglected" else {}


def silent_objects(
    tables: dict[str, pd.DataFrame], silent: dict[str, set[str]], walked: set[str], walk_at: pd.Timestamp
) -> list[Truth]:
    """I01, I02 and I04 of objects that have no visits but those the log names for them.

    Parameters
    ----------
    silent : dict
        Role to ids.
    walked : set of str
        Pipes a visit without object went along, at `walk_at`, as a line patrol.
    """
    visits = tables["visits"]
    start = visits["at"].min()
    wanted = set().union(*silent.values())
    named = visits[visits["object_id"].isin(wanted)]
    seen: dict[str, list[tuple[str, pd.Timestamp]]] = {name: [] for name in wanted}
    for object_id, activity, at in zip(named["object_id"], named["activity"], named["at"]):
        seen[object_id].append((activity, at))
    for name in walked & wanted:
        seen[name].append(("line_patrol", walk_at))
    refused = set(named.loc[named["result"] == "no_access", "object_id"])
    for name in refused:
        seen[name] = []
    truths: list[Truth] = []
    for role, ids in silent.items():
        table = tables[role][tables[role]["id"].isin(ids)]
        old = is_old(table) if role == "housing" else np.zeros(len(table), dtype=bool)
        field = {"housing": "built_year", "pipes": "laid_year"}.get(role)
        years = np.full(len(table), np.nan) if field is None else year_of(table[field], 1843)
        codes = class_codes(role, table)
        codes = [codes] * len(table) if isinstance(codes, str) else codes
        for row, is_aged, year, code in zip(table.itertuples(), old, years, codes):
            due = _due(role, row, bool(is_aged), float(year))
            log = seen[str(row.id)]
            truths += _visited(role, row, str(code), due, log, bool(is_aged), float(year), start)
            truths += _after_storm(role, row, str(code), log, bool(is_aged))
    return truths


def _visited(
    role: str,
    row: Any,
    code: str,
    due: dict[str, int],
    log: list[tuple[str, pd.Timestamp]],
    old: bool,
    year: float,
    start: pd.Timestamp,
) -> list[Truth]:
    """I02 of an object without visits, else I01 of each activity."""
    log_days = (END - start) / _DAY
    if due and not log:
        serious = code == "under_viaduct" or (old and getattr(row, "danger_grade", None) in ("C", "D"))
        young = min(due.values()) > log_days or year > start.tz_convert("Asia/Shanghai").year
        severity = "info" if young else "high" if serious else "medium"
        as_of = TODAY if young else ""
        return [Truth("I02", role, row.id, code, "", severity, "yes", as_of, "nobody came by")]
    found = []
    for activity, days in due.items():
        fitting = [at for word, at in log if word == activity]
        ratio = (END - max(fitting, default=start)) / _DAY / days
        if ratio > 1.0:
            severity = "low" if ratio <= 1.5 else "medium" if ratio <= 3.0 else "high"
            note = f"{activity} overdue"
            found.append(Truth("I01", role, row.id, code, activity, severity, "yes", TODAY, note))
    return found


def _after_storm(
    role: str, row: Any, code: str, log: list[tuple[str, pd.Timestamp]], old: bool
) -> list[Truth]:
    """I04 of the last storm, which concerns the whole city."""
    dangerous = getattr(row, "danger_grade", None) in ("C", "D")
    asked = old or dangerous or role == "neglected"
    if not asked or any(_STORM_END < at <= _STORM_END + 3 * _DAY for _, at in log):
        return []
    severity = "high" if dangerous or code == "under_viaduct" else "medium"
    return [
        Truth("I04", role, row.id, code, STORM, severity, "yes", "", "no visit within 72 hours of the storm")
    ]
