"""The truth table: which gaps are planted and which look-alikes are none."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import Any, NamedTuple, Optional

import pandas as pd

TRUTH_COLUMNS = (
    "rule_id",
    "object_role",
    "object_id",
    "class_code",
    "discriminator",
    "severity",
    "expected",
    "as_of",
    "note",
)
"""Columns of the truth table, all text.

`severity` is the rule's own, before the catalogue's step for crowded or neglected places; empty for
decoys. `expected` is yes or no. `as_of` is empty where the row holds on 2026-06-30 and every later
day, else the one day it holds on.
"""


class Truth(NamedTuple):
    """A planted gap, or a decoy that must not be found."""

    rule_id: str
    object_role: str
    object_id: str
    class_code: str = ""
    discriminator: str = ""
    severity: str = ""
    expected: str = "yes"
    as_of: str = ""
    note: str = ""


class Visit(NamedTuple):
    """A visit to a planted object: day, activity, result."""

    day: date
    activity: str
    result: str = "ok"


class Repair(NamedTuple):
    """An entry of the repair book of a planted object."""

    reported: date
    kind: str
    closed: Optional[date] = None


class Plant(NamedTuple):
    """What is done to one object, and what a rule must say of it."""

    rule_id: str
    severity: str
    note: str
    changes: Mapping[str, Any] = MappingProxyType({})
    discriminator: str = ""
    expected: str = "yes"
    as_of: str = ""
    visits: tuple[Visit, ...] = (Visit(date(2025, 9, 16), "walk_round_patrol"),)
    repairs: tuple[Repair, ...] = ()

    def truth(self, role: str, object_id: str, class_code: str = "") -> Truth:
        """The row of the truth table for one object."""
        shown = self.severity if self.expected == "yes" else ""
        return Truth(
            self.rule_id,
            role,
            object_id,
            class_code,
            self.discriminator,
            shown,
            self.expected,
            self.as_of,
            self.note,
        )


def truth_table(rows: list[Truth]) -> pd.DataFrame:
    """The truth table, sorted by rule and object; all columns text."""
    table = pd.DataFrame(rows, columns=list(Truth._fields))[list(TRUTH_COLUMNS)]
    return table.sort_values(
        ["rule_id", "expected", "object_role", "object_id"],
        ascending=[True, False, True, True],
        ignore_index=True,
    )
