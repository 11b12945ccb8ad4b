"""Which rules have to wait because a layer they read seems to lie in the wrong place."""

from __future__ import annotations

from typing import Optional

from ..model.identity import gap_key
from .context import Context
from .rules.data_position import ShiftVerdict, shift_verdicts

_FAMILIES = ("N", "S", "C")
_DECIDING = {"R03": ("duties", "neglected", "units"), "R04": ("duties", "units"), "P02": None}
"""Further rules that wait, and for which layers (None: all they read): objects only weigh in R03."""


def held_rule(rule_id: str, roles: tuple[str, ...], context: Context) -> Optional[str]:
    """Why a rule waits: the layers it reads with an open D07 of high severity; None if it need not.

    Catalogue, general rule 5.
    """
    if rule_id[0] not in _FAMILIES and rule_id not in _DECIDING:
        return None
    deciding = _DECIDING.get(rule_id) or roles
    layers = [
        f"{verdict.role} {verdict.source_name}"
        for verdict in context.once(shift_verdicts)
        if verdict.holds and verdict.role in deciding and _is_open(verdict, context)
    ]
    return f"position in doubt (D07): {', '.join(sorted(layers))}" if layers else None


def _is_open(verdict: ShiftVerdict, context: Context) -> bool:
    return gap_key("D07", [f"{verdict.role}:{verdict.source_name}"]) not in context.dismissed("D07")
