"""The gap record: its columns, and the values its coded columns take."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, Optional

SEVERITIES = ("info", "low", "medium", "high")
"""From least to most severe; info counts in no total and no score."""

DATA_STATES = ("known", "estimated", "unrecorded")
STATUSES = (
    "open",
    "confirmed",
    "assigned",
    "fixed",
    "verified",
    "reopened",
    "accepted",
    "false_alarm",
)
SETTABLE_STATUSES = ("open", "confirmed", "assigned", "fixed", "accepted", "false_alarm")
"""Statuses a person may set; verified and reopened come only by proof."""

RUN_STATES = ("new", "persisting", "gone", "returned", "none")
ORIGINS = ("rule", "planner")

GAP_COLUMNS = (
    "gap_id",
    "rule_id",
    "severity",
    "data_state",
    "status",
    "run_state",
    "object_role",
    "object_id",
    "class_code",
    "area_code",
    "cell_code",
    "body",
    "measured",
    "reference",
    "unit",
    "basis",
    "confidence",
    "params_json",
    "found_at",
    "seen_at",
    "run_id",
    "due_at",
    "origin",
    "text",
    "until",
    "why",
    "assigned_to",
    "edited_by",
    "edited_at",
    "notes",
    "photos",
)
"""Stored columns of a gap besides its geometry; `title` is made when asked for."""

RECORD_COLUMNS = (*GAP_COLUMNS[:2], "title", *GAP_COLUMNS[2:])
"""Columns of the gap record as shown, exported and printed."""

NUMERIC_COLUMNS = ("measured", "reference")
COUNT_COLUMNS = ("notes", "photos")
TIME_COLUMNS = ("found_at", "seen_at", "due_at", "until", "edited_at")

RUN_STATUSES = ("run", "not_run", "on_hold")


class FindingRow(NamedTuple):
    """What a rule says of one place in one run, ready for the store.

    `key` identifies the finding over runs (`model.identity.gap_key`); `wkb` is its
    geometry in the city CRS (None: no place) with `bounds` (minx, miny, maxx, maxy);
    `anchor` is the point of the city CRS by which a window owns it (None: no place).
    """

    rule_id: str
    key: str
    severity: str
    data_state: str
    object_role: str
    object_id: str
    class_code: Optional[str]
    area_code: Optional[str]
    cell_code: Optional[str]
    body: Optional[str]
    measured: Optional[float]
    reference: Optional[float]
    unit: Optional[str]
    basis: Optional[str]
    confidence: Optional[str]
    params_json: str
    objects: tuple[str, ...]
    wkb: Optional[bytes]
    bounds: Optional[tuple[float, float, float, float]]
    anchor: Optional[tuple[float, float]]
    sources: Mapping[str, tuple[str, ...]] = MappingProxyType({})
    """Role to the sources its objects came from; of a role that is not named: every source of the run."""


class RuleRun(NamedTuple):
    """Whether a rule ran, and why not.

    `reason_code` is missing_input, needs_whole_city, stale, switched_off, not_asked or crs_suspect.
    `roles` are the roles the rule read: a gap on other roles can't be gone by this run.
    """

    rule_id: str
    status: str
    reason_code: Optional[str] = None
    reason_text: Optional[str] = None
    roles: tuple[str, ...] = ()


class SourceRow(NamedTuple):
    """One layer a run read: where it is, what it stood for and how old it is."""

    source_name: str
    uri: str
    role: str
    rows: int
    dated: Optional[str]
    """Date the source speaks of, ISO 8601: header date, else newest date in it, else file time."""
    options: dict[str, Any]
    """What is needed to read it again: mapping, encoding."""
