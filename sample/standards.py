"""The city's own standards: rows nobody can carry out, rows too coarse, scattered or loose."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from .days import day_column
from .truth import Truth, Visit

_DEFECT = "condition in broken|lost"
_ROWS = (
    # activity, class, condition, grade, value, unit, body
    ("repair_after_found", "components:waste_point", "", "I", "4", "hour", "环卫服务公司"),
    ("repair_after_found", "components:waste_point", "", "III", "及时", "", "环卫服务公司"),
    ("repair_after_found", "components:toilet", "", "I", "4", "hour", ""),
    ("repair_after_found", "components:toilet", "", "III", "8", "hour", "环卫服务公司"),
    ("repair_after_found", "components:hydrant", "", "", "24", "hour", "供水管网养护所"),
    ("first_action", "components:street_lamp", _DEFECT, "I", "1", "hour", "路灯管理所"),
    ("first_action", "components:street_lamp", _DEFECT, "I", "0.5", "hour", "路灯管理所"),
    ("first_action", "components:street_lamp", _DEFECT, "III", "0.8", "hour", "路灯管理所"),
    ("night_round", "components:street_lamp", "", "I", "7", "day", "路灯管理所"),
    ("night_round", "components:street_lamp", "", "III", "10", "day", "路灯管理所"),
    ("look_at_cover", "components:manhole_cover", "", "I", "30", "day", "市政设施管理所"),
    ("look_at_cover", "components:manhole_cover", "", "III", "20", "day", "市政设施管理所"),
)
_CARRIED_OUT = date(2026, 2, 11)
_FOUND = (
    # rule, pair, flag, severity, note
    ("T01", "repair_after_found:components:waste_point", "std_empty", "medium", "a row without a number"),
    ("T01", "repair_after_found:components:toilet", "std_empty", "medium", "a row without a body"),
    ("T01", "repair_after_found:components:hydrant", "std_empty", "", "number, body and visits"),
    ("T02", "repair_after_found:components:hydrant", "std_coarse", "low", "one value for all grades"),
    ("T02", "first_action:components:street_lamp", "std_scattered", "low", "two values for one grade"),
    (
        "T02",
        "night_round:components:street_lamp",
        "std_low",
        "low",
        "looser than the 7 days of the benchmark",
    ),
    ("T02", "look_at_cover:components:manhole_cover", "std_coarse", "", "a value for each grade"),
    (
        "T02",
        "look_at_cover:components:manhole_cover",
        "std_low",
        "",
        "no looser than the 30 days of the benchmark",
    ),
)
_MISSING = (
    ("leak_detection", "pipes:RQ"),
    ("leak_check", "pipes:RQ"),
    ("line_patrol", "pipes:RQ"),
    ("upkeep", "pipe_points:RQ"),
    ("patrol", "pipe_points:PS"),
    ("leak_detection", "pipes:JS"),
    ("routine_look", "components:bridge"),
    ("regular_inspection", "components:bridge"),
    ("patrol", "roads"),
)
"""Activities that the shipped intervals name for a class, all of their rows from memory and off."""


def make_standards() -> pd.DataFrame:
    """The city's rows: all fields of the role. None asks for a visit that the rounds do not make anyway."""
    count = len(_ROWS)
    columns = ("rule_or_activity", "object_class", "applies_if", "grade", "value", "unit", "body")
    table = pd.DataFrame(_ROWS, columns=list(columns))
    known = {
        "standard_id": [f"SH{number:03d}" for number in range(1, count + 1)],
        "use": "rule",
        "source": "市级作业标准（示例）",
        "confidence": "verified",
        "version": "1",
        "valid_from": day_column(np.full(count, np.datetime64("2023-01-01", "D"))),
        "valid_to": day_column(np.full(count, np.datetime64("NaT", "D"))),
        "geometry": None,
    }
    empty = dict.fromkeys(("subtype", "zone", "clause", "note"))
    return table.assign(**known, **empty)


def visits_by_standard(components: pd.DataFrame) -> list[tuple[str, Visit]]:
    """A visit that carries out each pair of the standards, so that none of them stays on paper."""
    words = components["class_code"]
    visits = []
    for activity, object_class in dict.fromkeys(row[:2] for row in _ROWS):
        word = object_class.split(":")[1]
        mine = components["id"][(words == word) | ((words == "0102") & (word == "manhole_cover"))]
        if len(mine):
            visits.append((str(mine.iloc[0]), Visit(_CARRIED_OUT, activity)))
    return visits


def truths_of_standards(neglected: pd.DataFrame) -> list[Truth]:
    """T01 and T02."""
    truths = [
        Truth(
            rule,
            "standards",
            pair,
            pair.rpartition(":")[2],
            flag,
            severity,
            "yes" if severity else "no",
            "",
            note,
        )
        for rule, pair, flag, severity, note in _FOUND
    ]
    pairs = list(_MISSING)
    if (neglected["kind"] == "leftover").any():
        pairs.append(("patrol", "neglected:leftover"))
    note = "no row that is on"
    truths += [
        Truth(
            "T01",
            "standards",
            f"{word}:{name}",
            name.rpartition(":")[2],
            "std_missing",
            "medium",
            "yes",
            "",
            note,
        )
        for word, name in pairs
    ]
    return truths
