"""Which gaps the list shows, as an expression that the store and the report read alike."""

from __future__ import annotations

from dataclasses import dataclass

from ..model.catalogue import catalogue
from ..model.gap import SEVERITIES

SEARCHED = ("gap_id", "object_id", "area_code", "body", "text")
PLANNER = "planner"
"""Choice of the rule filter that means the planners' own flags."""

SORT_KEYS = (
    "CASE severity "
    + " ".join(f"WHEN '{name}' THEN {len(SEVERITIES) - rank}" for rank, name in enumerate(SEVERITIES))
    + " END",
    "rule_id",
    "status",
    "object_id",
    "area_code",
    "found_at",
)
"""What each column of the list sorts by; severity from high down."""


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


@dataclass(frozen=True)
class GapFilter:
    """Severity, status and rule (empty: all) and a text looked for in ids, units, bodies and titles."""

    severity: str = ""
    status: str = ""
    rule: str = ""
    text: str = ""

    def where(self) -> str:
        """The filter in the language of ``--where``; empty if it lets everything through."""
        parts = [f"{name} = {_quoted(value)}" for name, value in self._equal() if value]
        if self.text.strip():
            parts.append(f"({' OR '.join(self._searches(self.text.strip()))})")
        return " AND ".join(parts)

    def _equal(self) -> tuple[tuple[str, str], ...]:
        rule = ("origin", PLANNER) if self.rule == PLANNER else ("rule_id", self.rule)
        return (("severity", self.severity), ("status", self.status), rule)

    @staticmethod
    def _searches(text: str) -> list[str]:
        found = [f"{column} LIKE {_quoted(f'%{text}%')}" for column in SEARCHED]
        folded = text.casefold()
        rules = [
            row.rule_id
            for row in catalogue().values()
            if folded in row.title_en.casefold() or folded in row.title_zh
        ]
        if rules:
            found.append(f"rule_id IN ({', '.join(map(_quoted, rules))})")
        return found
