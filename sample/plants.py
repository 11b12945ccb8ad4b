"""What is planted: for each rule the gaps and, near its thresholds, the look-alikes that are none."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Optional

import numpy as np

from .days import SAMPLE_AS_OF
from .truth import Plant, Repair, Visit

HIGH, MEDIUM, LOW, INFO = "high", "medium", "low", "info"
TODAY = SAMPLE_AS_OF.isoformat()


def decoy(rule_id: str, note: str, changes: Optional[dict[str, Any]] = None, **more: Any) -> Plant:
    """A look-alike: what the rule must not find."""
    return Plant(rule_id, "", note, changes or {}, expected="no", **more)


def days_ago(days: int) -> date:
    """A day before the sample's last one."""
    return SAMPLE_AS_OF - timedelta(days=days)


NO_DAY = np.datetime64("NaT", "D")
_C_OLD = {"built_year": 1985, "danger_grade": "C"}
_CHECK = Visit(date(2025, 3, 12), "structural_check")

HOUSING = (
    Plant("D01", HIGH, "built_year empty", {"built_year": None}),
    Plant("D01", HIGH, "built_year is the filler 9999", {"built_year": 9999}),
    Plant("D01", MEDIUM, "floors is the filler 0", {"floors": 0}),
    Plant("D01", MEDIUM, "danger_grade empty", {"danger_grade": None}),
    Plant("D01", LOW, "structure is the filler 不详", {"structure": "不详"}),
    Plant("D01", LOW, "use is the filler /", {"use": "/"}),
    Plant("D01", MEDIUM, "no last_repair_date at the age of 16", {"last_repair_date": NO_DAY}),
    decoy("D01", "every required field filled"),
    decoy("D01", "structure only contains the filler 无", {"structure": "无梁楼盖结构"}),
    decoy("D01", "owner of a house is not required", {"owner": None}),
    decoy("D01", "too young for a repair", {"built_year": 2023, "last_repair_date": NO_DAY}, as_of=TODAY),
    Plant("A02", LOW, "built in 2000", {"built_year": 2000}),
    decoy("A02", "built in 2001", {"built_year": 2001}),
    Plant("A02", MEDIUM, "built in 1980, never structurally checked", {"built_year": 1980}),
    Plant("A02", LOW, "built in 1980, structurally checked", {"built_year": 1980}, visits=(_CHECK,)),
    Plant("A02", LOW, "built in 1981, never structurally checked", {"built_year": 1981}),
    Plant("A02", HIGH, "young but grade D", {"built_year": 2015, "danger_grade": "D"}),
    Plant("A02", HIGH, "young but grade C", {"built_year": 2015, "danger_grade": "C"}),
    Plant("A02", INFO, "year unrecorded", {"built_year": None}),
    decoy("A02", "old but commercial", {"built_year": 1995, "use": "commercial"}),
    decoy("A02", "old but mixed use", {"built_year": 1990, "use": "mixed"}),
    Plant("I02", HIGH, "old house of grade C, never visited", _C_OLD, silent=True),
    Plant(
        "I02",
        HIGH,
        "only visit found no access",
        _C_OLD,
        visits=(Visit(date(2025, 6, 3), "watch_visit", "no_access"),),
        silent=True,
    ),
    Plant(
        "I02",
        MEDIUM,
        "grade C but not old, never visited",
        {"built_year": 2012, "danger_grade": "C"},
        silent=True,
    ),
    decoy("I02", "visited once", _C_OLD, visits=(Visit(date(2024, 8, 20), "watch_visit"),), silent=True),
    decoy("I02", "visits, though none of a due activity: I01", _C_OLD, visits=(_CHECK,), silent=True),
    decoy("I02", "nothing due: office without grade", {"use": "office", "danger_grade": None}, silent=True),
    Plant(
        "I05",
        MEDIUM,
        "21 years old in 2026, no repair",
        {"built_year": 2005, "last_repair_date": NO_DAY},
        "none",
    ),
    Plant(
        "I05", MEDIUM, "built in 1988, no repair", {"built_year": 1988, "last_repair_date": NO_DAY}, "none"
    ),
    decoy(
        "I05",
        "20 years old in 2026",
        {"built_year": 2006, "last_repair_date": NO_DAY},
        discriminator="none",
        as_of=TODAY,
    ),
    decoy("I05", "old, repaired in 2024", {"built_year": 1988}, discriminator="none"),
    decoy(
        "I05",
        "old, repair only in the repair book",
        {"built_year": 1988, "last_repair_date": NO_DAY},
        discriminator="none",
        repairs=(Repair(date(2019, 4, 2), "maintenance", date(2019, 4, 20)),),
    ),
    decoy("I05", "age unknown", {"built_year": None, "last_repair_date": NO_DAY}, discriminator="none"),
    Plant("I05", HIGH, "defect open for 31 days", {}, "open", repairs=(Repair(days_ago(31), "defect"),)),
    decoy(
        "I05",
        "defect open for 30 days",
        discriminator="open",
        as_of=TODAY,
        repairs=(Repair(days_ago(30), "defect"),),
    ),
    decoy(
        "I05",
        "defect open for 29 days",
        discriminator="open",
        as_of=TODAY,
        repairs=(Repair(days_ago(29), "defect"),),
    ),
    decoy(
        "I05",
        "defect closed",
        discriminator="open",
        repairs=(Repair(date(2026, 1, 8), "defect", date(2026, 1, 30)),),
    ),
    decoy(
        "I05",
        "defect not closed, but a repair since",
        discriminator="open",
        repairs=(Repair(date(2026, 1, 8), "defect"), Repair(date(2026, 2, 1), "repair", date(2026, 2, 12))),
    ),
    Plant(
        "I05",
        HIGH,
        "defect seen on a visit, no repair since",
        {},
        "open",
        visits=(Visit(date(2026, 4, 1), "walk_round_patrol", "defect"),),
    ),
    Plant("R01", MEDIUM, "owner empty", {"owner": None}),
    Plant("R01", MEDIUM, "maintainer empty", {"maintainer": None}),
    Plant("R01", MEDIUM, "owner and maintainer empty", {"owner": None, "maintainer": None}),
    decoy("R01", "owner, maintainer and fallback known"),
)
CLEAN_HOUSE = {
    "use": "residential",
    "built_year": 2010,
    "floors": 6,
    "structure": "钢混结构",
    "danger_grade": "A",
    "last_repair_date": np.datetime64("2024-05-10", "D"),
    "owner": "业主共有",
    "maintainer": "万家物业管理公司",
    "updated_on": date(2026, 3, 2),
}
"""Planted houses start from this: no rule has anything to say of it."""
