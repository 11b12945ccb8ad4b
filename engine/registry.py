"""The rules CityGap knows, in the order of a run."""

from __future__ import annotations

from .rule import Rule
from .rules.ageing import AGED_BUILDING
from .rules.data import MISSING_ATTRIBUTE
from .rules.inspection import NEVER_INSPECTED, NO_REPAIR_RECORD
from .rules.network import NEAR_MISS, STREET_WITHOUT_PIPE_RECORD
from .rules.responsibility import NO_OWNER
from .rules.service import BUILDING_NOT_SERVED

RULES: tuple[Rule, ...] = (
    MISSING_ATTRIBUTE,
    NEAR_MISS,
    STREET_WITHOUT_PIPE_RECORD,
    AGED_BUILDING,
    BUILDING_NOT_SERVED,
    NEVER_INSPECTED,
    NO_REPAIR_RECORD,
    NO_OWNER,
)
"""Every rule, in the order of a run: a later one may read what an earlier one found."""
