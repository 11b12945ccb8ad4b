"""Which rules have to wait because a layer they read seems to lie in the wrong place."""

from __future__ import annotations

from typing import Optional

from .context import Context

_HELD_FAMILIES = ("N", "S", "C")
_HELD = ("R03", "R04", "P02")


def held_rule(rule_id: str, roles: tuple[str, ...], context: Context) -> Optional[str]:
    """Why a rule waits: the layers it reads with an open D07 of high severity; None if it need not.

    Catalogue, general rule 5.
    """
    if rule_id[0] not in _HELD_FAMILIES and rule_id not in _HELD:
        return None
    shifted = context.found("D07")
    shifted = shifted[(shifted["severity"] == "high") & shifted["object_role"].isin(roles)]
    if not len(shifted):
        return None
    layers = ", ".join(
        sorted(f"{role} {name}" for role, name in zip(shifted["object_role"], shifted["object_id"]))
    )
    return f"position in doubt (D07): {layers}"
