"""Which threshold holds for which class, on whose authority."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Optional

from ..model.errors import CityGapError
from ..model.tables import read_table

ON = ("verified", "secondary", "project", "paper")
"""Confidence words of rows that are on; memory and low are off until a user switches them on."""

SHAPE = (
    "standard_id",
    "rule_or_activity",
    "object_class",
    "subtype",
    "applies_if",
    "grade",
    "zone",
    "value",
    "unit",
    "body",
    "use",
    "source",
    "clause",
    "confidence",
    "valid_from",
    "valid_to",
    "version",
    "note",
    "origin",
)
_DAYS = {"day": 1.0, "week": 7.0, "month": 30.0, "year": 365.0, "hour": 1 / 24, "working_day": 1.0}


@dataclass(frozen=True)
class Standard:
    """One row of the standards: a threshold, its class and its authority. All columns are text."""

    standard_id: str
    rule_or_activity: str
    object_class: str
    subtype: str = ""
    applies_if: str = ""
    grade: str = ""
    zone: str = ""
    value: str = ""
    unit: str = ""
    body: str = ""
    use: str = "rule"
    source: str = ""
    clause: str = ""
    confidence: str = "project"
    valid_from: str = ""
    valid_to: str = ""
    version: str = "1"
    note: str = ""
    origin: str = "shipped"
    severity: str = ""

    @property
    def basis(self) -> str:
        """The row, its version and its source, as findings name it."""
        return f"{self.standard_id}@{self.version} {self.source}".strip()

    @property
    def is_on(self) -> bool:
        """Whether the row may produce findings."""
        return self.confidence in ON and self.use in ("rule", "unrecorded", "")

    def number(self) -> float:
        """The value as a number.

        Raises
        ------
        CityGapError
            ``bad_standard`` if it is none.
        """
        try:
            value = float(self.value)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise CityGapError(
                "bad_standard",
                f"{self.value!r} is no number",
                layer="standards",
                field="value",
                row=self.standard_id,
                remedy="Correct the value of this row of the standards.",
            )
        return value

    def days(self) -> float:
        """The value in days (year 365, month 30, working day 1)."""
        return self.number() * _DAYS.get(self.unit, 1.0)

    def valid_at(self, day: date) -> bool:
        """Whether the row is in force on the day."""
        iso = day.isoformat()
        return (not self.valid_from or self.valid_from <= iso) and (not self.valid_to or iso <= self.valid_to)


class Standards:
    """The rows in force on one day, city rows laid over shipped ones.

    Parameters
    ----------
    rows : iterable of Standard
        Shipped and city rows.
    day : date
        Rows not valid on it drop out first; then a city row hides the shipped row with the same
        rule_or_activity, object_class, applies_if, grade and zone, and takes over its severity:
        the row shape of city rows has no column for one.
    """

    def __init__(self, rows: Iterable[Standard], day: date) -> None:
        valid = [row for row in rows if row.valid_at(day)]
        self._shipped = tuple(row for row in valid if row.origin != "city")
        city = {_overlay_key(row) for row in valid if row.origin == "city"}
        hidden = {_overlay_key(row): row for row in valid if row.origin != "city"}
        self._rows = tuple(
            _with_severity(row, hidden.get(_overlay_key(row)))
            for row in valid
            if row.origin == "city" or _overlay_key(row) not in city
        )

    @property
    def rows(self) -> tuple[Standard, ...]:
        """Every row in force."""
        return self._rows

    @property
    def shipped(self) -> tuple[Standard, ...]:
        """Shipped rows in force, those that city rows hide too."""
        return self._shipped

    def in_force(self, rule_or_activity: str) -> tuple[Standard, ...]:
        """Rows of a rule parameter or activity whatever their use and confidence."""
        return tuple(row for row in self._rows if row.rule_or_activity == rule_or_activity)

    def named(self, rule_or_activity: str) -> tuple[Standard, ...]:
        """Rows of a rule parameter (``N02.near_tol_m``), rule or activity, that are on."""
        return tuple(row for row in self._rows if row.rule_or_activity == rule_or_activity and row.is_on)

    def optional(self, name: str, object_class: Optional[str] = None) -> Optional[Standard]:
        """The row of a parameter, for one class if given: class, then its role, then ``*``; None: no row."""
        rows = self.named(name)
        wanted = [object_class, object_class.split(":")[0], "*"] if object_class else [None]
        for name_of_class in wanted:
            for row in rows:
                if name_of_class is None or row.object_class == name_of_class:
                    return row
        return None

    def parameter(self, name: str, object_class: Optional[str] = None) -> Standard:
        """The row that `optional` gives.

        Raises
        ------
        CityGapError
            ``no_standard`` if there is no row that is on.
        """
        row = self.optional(name, object_class)
        if row is not None:
            return row
        raise CityGapError(
            "no_standard",
            f"no row of the standards gives {name} for {object_class or 'any class'}",
            layer="standards",
            remedy="Restore the shipped row or add one of your own.",
        )

    def number(self, name: str, object_class: Optional[str] = None) -> float:
        """The value of a parameter."""
        return self.parameter(name, object_class).number()

    def words(self, name: str, object_class: Optional[str] = None) -> tuple[str, ...]:
        """The value of a parameter that is a list, split at ``|``."""
        return tuple(word for word in self.parameter(name, object_class).value.split("|") if word)


def _with_severity(row: Standard, hidden: Optional[Standard]) -> Standard:
    return row if row.severity or hidden is None else replace(row, severity=hidden.severity)


def _overlay_key(row: Standard) -> tuple[str, ...]:
    return (row.rule_or_activity, row.object_class, row.applies_if, row.grade, row.zone)


def shipped_standards() -> tuple[Standard, ...]:
    """The rows of parameters, inspection_intervals, ageing and clearances.csv, in one shape."""
    rows = [
        Standard(**{**row, "use": row["use"] or "rule"})
        for name in ("parameters", "inspection_intervals")
        for row in read_table(name)
    ]
    clearances = [
        _from_clearances(row) for row in read_table("clearances") if row["counterpart"] == "housing"
    ]
    return (*rows, *(_from_ageing(row) for row in read_table("ageing")), *clearances)


def _from_clearances(row: dict[str, str]) -> Standard:
    """A row of clearances.csv from pipe to building; the kinds it is for become a part of its condition."""
    kinds = f"kind_code in {row['kind_code']}" if row["kind_code"] else ""
    return Standard(
        standard_id=row["standard_id"],
        rule_or_activity="C02",
        object_class=row["object_class"],
        subtype=f"to {row['counterpart']}",
        applies_if=" & ".join(part for part in (kinds, row["applies_if"]) if part),
        value=row["value"],
        unit=row["unit"],
        source=row["source"],
        clause=row["clause"],
        confidence=row["confidence"],
        version=row["version"],
        note=row["note"],
    )


def _from_ageing(row: dict[str, str]) -> Standard:
    """A row of ageing.csv; its rule takes the place of an activity."""
    return Standard(
        standard_id=row["standard_id"],
        rule_or_activity=row["rule"],
        object_class=row["object_class"],
        subtype=row["subtype"],
        applies_if=row["applies_if"],
        value=row["value"],
        unit=row["unit"],
        use=row["use"] or "rule",
        source=row["source"],
        confidence=row["confidence"],
        version=row["version"],
        note=row["note"],
        severity=row["severity"],
    )
