"""The catalogue of gap rules: one row a rule, read by engine, screens and reports."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple, Optional

from .errors import CityGapError
from .tables import read_table


class CatalogueRow(NamedTuple):
    """What people read of a rule. `unit` is that of measured and reference."""

    rule_id: str
    identifier: str
    group: str
    title_zh: str
    title_en: str
    detects_zh: str
    detects_en: str
    why_zh: str
    why_en: str
    false_alarm_zh: str
    false_alarm_en: str
    mend_zh: str
    mend_en: str
    unit: str


@cache
def catalogue() -> dict[str, CatalogueRow]:
    """Rule id to its row, in the order of the table."""
    return {row["rule_id"]: CatalogueRow(**row) for row in read_table("rules")}


def rule_id_of(name: str) -> str:
    """The rule id that an id (``D01``) or identifier (``missing_attribute``) names.

    Raises
    ------
    CityGapError
        ``no_rule`` if there is no such rule.
    """
    for row in catalogue().values():
        if name.strip().casefold() in (row.rule_id.casefold(), row.identifier):
            return row.rule_id
    known = ", ".join(catalogue())
    raise CityGapError("no_rule", f"there is no rule {name!r}", remedy=f"Name one of {known}.")


def title(rule_id: Optional[str], language: str, class_code: Optional[str] = None) -> str:
    """Title of a gap in ``zh`` or ``en``; a planner's flag without a rule has a title too."""
    row = catalogue().get(rule_id or "")
    if row is None:
        text = "规划人员标记" if language == "zh" else "Flagged by a planner"
    else:
        text = row.title_zh if language == "zh" else row.title_en
    return f"{text} ({class_code})" if class_code else text
