"""The rules CityGap knows, in the order of a run."""

from __future__ import annotations

from .rule import Rule
from .rules.ageing import AGED_BUILDING, AGED_PIPE
from .rules.boundaries import BOUNDARY_OVERLAP_OR_GAP, SEAM_SLIVER
from .rules.clearance import BUILDING_OVER_PIPE, CLEARANCE_BELOW_REFERENCE
from .rules.component import COMPONENT_CONDITION_LOW, DARK_ALLEY
from .rules.data import MISSING_ATTRIBUTE
from .rules.data_coverage import NEVER_SURVEYED, TOTAL_MISMATCH
from .rules.data_doubles import DUPLICATE_RECORD
from .rules.data_position import CRS_OFFSET_SUSPECT
from .rules.data_quality import IMPLAUSIBLE_ATTRIBUTE, STALE_RECORD
from .rules.data_sources import CONFLICTING_SOURCES
from .rules.demand import HOTSPOT_WITHOUT_INSPECTION
from .rules.inspection import NEVER_INSPECTED, NO_REPAIR_RECORD
from .rules.inspection_time import INSPECTION_OVERDUE, NIGHT_NEVER, POST_STORM_NEVER
from .rules.network import DANGLING_END, NEAR_MISS, PART_WITHOUT_SOURCE, STREET_WITHOUT_PIPE_RECORD
from .rules.network_drains import MISSING_MANHOLE
from .rules.network_nodes import ATTRIBUTE_BREAK_AT_NODE
from .rules.resource import BELOW_EQUAL_SHARE
from .rules.responsibility import NO_OWNER, SEVERAL_OWNERS
from .rules.service import BUILDING_NOT_SERVED
from .rules.service_reach import OUT_OF_REACH
from .rules.standard import NO_STANDARD_APPLIES, SAME_STANDARD_FOR_ALL

RULES: tuple[Rule, ...] = (
    CRS_OFFSET_SUSPECT,
    MISSING_ATTRIBUTE,
    IMPLAUSIBLE_ATTRIBUTE,
    DUPLICATE_RECORD,
    NEVER_SURVEYED,
    STALE_RECORD,
    TOTAL_MISMATCH,
    CONFLICTING_SOURCES,
    DANGLING_END,
    NEAR_MISS,
    PART_WITHOUT_SOURCE,
    MISSING_MANHOLE,
    STREET_WITHOUT_PIPE_RECORD,
    ATTRIBUTE_BREAK_AT_NODE,
    AGED_PIPE,
    AGED_BUILDING,
    BUILDING_OVER_PIPE,
    CLEARANCE_BELOW_REFERENCE,
    BUILDING_NOT_SERVED,
    OUT_OF_REACH,
    INSPECTION_OVERDUE,
    NEVER_INSPECTED,
    NIGHT_NEVER,
    POST_STORM_NEVER,
    NO_REPAIR_RECORD,
    COMPONENT_CONDITION_LOW,
    DARK_ALLEY,
    NO_OWNER,
    SEVERAL_OWNERS,
    SEAM_SLIVER,
    BOUNDARY_OVERLAP_OR_GAP,
    NO_STANDARD_APPLIES,
    SAME_STANDARD_FOR_ALL,
    HOTSPOT_WITHOUT_INSPECTION,
    BELOW_EQUAL_SHARE,
)
"""Every rule, in the order of a run: a later one may read what an earlier one found."""
