"""The truth table: which gaps are planted and which look-alikes are none."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import Any, NamedTuple, Optional

import numpy as np
import pandas as pd

from ..model.identity import gap_key

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
    """A visit to a planted object: day, activity, result, clock hour."""

    day: date
    activity: str
    result: str = "ok"
    hour: float = 10.0


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
    visits: tuple[Visit, ...] = ()
    repairs: tuple[Repair, ...] = ()
    silent: bool = False
    """Whether nobody comes by but for `visits`; else the usual rounds are made as well."""

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


def key_of(row: Any) -> str:
    """The key the catalogue gives to the finding of a row of the truth table (a named tuple)."""
    roles, ids = row.object_role.split("|"), row.object_id.split("|")
    roles = roles if len(roles) == len(ids) else roles * len(ids)
    return gap_key(row.rule_id, [f"{role}:{name}" for role, name in zip(roles, ids)], row.discriminator)


def truth_table(planted: list[Truth], foreseen: list[pd.DataFrame]) -> pd.DataFrame:
    """The truth table, sorted by rule and object; all columns text.

    Parameters
    ----------
    planted : list of Truth
        They add what nobody foresaw, and their notes; where both speak of a gap, what is foreseen holds:
        a plant does not know what else its object lacks.
    foreseen : list of DataFrame
        `TRUTH_COLUMNS`.
    """
    key = ["rule_id", "object_role", "object_id", "discriminator"]
    plants = pd.DataFrame(planted, columns=list(Truth._fields)).drop_duplicates(key)
    table = pd.concat([*foreseen, plants], ignore_index=True).drop_duplicates(key)
    notes = plants[plants["expected"] == "yes"].set_index(key)["note"]
    told = notes.reindex(pd.MultiIndex.from_frame(table[key])).to_numpy(dtype=object)
    table["note"] = np.where((table["note"] == "") & ~pd.isna(told), told, table["note"])
    return table[list(TRUTH_COLUMNS)].sort_values(
        ["rule_id", "expected", "object_role", "object_id", "discriminator"],
        ascending=[True, False, True, True, True],
        ignore_index=True,
    )
