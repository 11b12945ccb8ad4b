"""Data gaps: values that can't be right, records nobody has brought up to date."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Optional

import geopandas as gpd
import numpy as np
import pandas as pd

from ...model.gap import SEVERITIES
from ...model.roles import OBJECT_LAYERS, ROLES
from ..city import City
from ..classes import class_codes
from ..context import Context
from ..findings import join_findings, make_findings, objects_at
from ..ledger import record_rows
from ..plausibility import OLD_CODE_FIELDS, Failure, geometry_faults, object_ids
from ..rule import Outcome, Rule
from ..standards import Standard

_GEOMETRY = "geometry"
_SURROUNDINGS = ("housing", "pipe_points")
_ROLES = tuple(name for name, role in ROLES.items() if role.geometries or name in OLD_CODE_FIELDS)
_DATED = ("updated_on", "captured_on")


def find_implausible_attributes(city: City, context: Context) -> Outcome:
    """D02: values outside their domain or in conflict with another field, and broken geometries.

    One finding an object with all fields that fail; its severity is that of the severest. Which
    values are tested: `plausibility.value_failures`; which geometries: `geometry_faults`.
    """
    parts = []
    for role in _ROLES:
        if context.asks(role).any():
            context.check_cancelled()
            parts += _doubtful_objects(
                role, [*context.value_failures(role), *_broken(role, context)], context
            )
    return Outcome(join_findings(parts, city.crs))


def _broken(role: str, context: Context) -> list[Failure]:
    """Each kind of fault that geometries of a role have."""
    faults = geometry_faults(role, context)
    row = context.standards.parameter("D02.domain")
    kinds = sorted({fault for fault in faults if fault is not None})
    return [Failure(_GEOMETRY, faults == kind, row.value, kind, row) for kind in kinds]


def _doubtful_objects(role: str, failures: Sequence[Failure], context: Context) -> list[gpd.GeoDataFrame]:
    """One finding an object; those on which the surroundings had a say name them as evidence."""
    if not failures:
        return []
    worst = {name: _severest(failures, name) for name in sorted({test.field for test in failures})}
    fields = np.column_stack(list(worst.values()))
    rows = np.flatnonzero((fields >= 0).any(axis=1))
    by_place = np.array([*(test.by_place for test in failures), False])[fields[rows]].any(axis=1)
    parts = [(rows[~by_place], ()), (rows[by_place], _SURROUNDINGS)]
    return [
        _doubts(role, chosen, fields[chosen], list(worst), failures, evidence, context)
        for chosen, evidence in parts
        if len(chosen)
    ]


def _severest(failures: Sequence[Failure], field: str) -> np.ndarray:
    """Index of the severest failure of a field in each row, the first among equals; -1: none, shape (n,)."""
    mine = [at for at, test in enumerate(failures) if test.field == field]
    chosen = np.full(len(failures[mine[0]].rows), -1)
    for at in sorted(mine, key=lambda at: (SEVERITIES.index(failures[at].severity), -at)):
        chosen[failures[at].rows] = at
    return chosen


def _doubts(
    role: str,
    rows: np.ndarray,
    tests: np.ndarray,
    names: list[str],
    failures: Sequence[Failure],
    evidence: tuple[str, ...],
    context: Context,
) -> gpd.GeoDataFrame:
    """Findings of some rows; `tests`: index of the failure of each field, -1 for none, shape (k, f)."""
    ranks = np.array([*(SEVERITIES.index(test.severity) for test in failures), -1])[tests]
    deciding = [failures[at] for at in tests[np.arange(len(rows)), ranks.argmax(axis=1)]]
    table = context.city.table(role).iloc[rows]
    return make_findings(
        "D02",
        object_role=role,
        object_id=object_ids(role, table),
        severity=[test.severity for test in deciding],
        geometry=table.geometry.to_numpy(),
        crs=context.city.crs,
        class_code=class_codes(role, table) if role in OBJECT_LAYERS else None,
        measured=(tests >= 0).sum(axis=1),
        reference=0.0,
        unit="1",
        basis=[test.standard.basis for test in deciding],
        confidence=[test.standard.confidence for test in deciding],
        params=_explained(tests, names, failures, table),
        evidence=evidence,
    )


def _explained(
    tests: np.ndarray, names: list[str], failures: Sequence[Failure], values: pd.DataFrame
) -> list[dict[str, Any]]:
    """For each row the fields that fail, with value, severity and reason."""
    columns = {name: values[name].tolist() for name in names if name != _GEOMETRY}
    return [
        {
            "fields": [name for name, at in zip(names, line) if at >= 0],
            "reasons": {name: failures[at].reason for name, at in zip(names, line) if at >= 0},
            "severities": {name: failures[at].severity for name, at in zip(names, line) if at >= 0},
            "values": {
                name: _plain(columns[name][row])
                for name, at in zip(names, line)
                if at >= 0 and name in columns
            },
        }
        for row, line in enumerate(tests.tolist())
    ]


def _plain(value: Any) -> Any:
    """A value as JSON can hold it."""
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else str(value)
    return value.isoformat() if isinstance(value, pd.Timestamp) else value


def find_stale_records(city: City, context: Context) -> Outcome:
    """D03: records last updated longer ago than allowed, or without a date.

    The date is `updated_on`; where a source has no such column, `captured_on`; where it has
    neither, its records are not tested. The allowed age is that of the row of the standards for
    the narrowest class (activity record_update before `D03.max_age_days`, then the shorter one).
    """
    parts, untested = [], []
    for role in OBJECT_LAYERS:
        if not len(city.table(role)):
            continue
        context.check_cancelled()
        dates, is_dated = last_dates(role, context)
        if not is_dated.all():
            count = int((~is_dated).sum())
            untested.append(f"{count} {role} from a layer without updated_on or captured_on: not tested")
        if is_dated.any():
            parts.append(_stale(role, dates, is_dated, context))
    return Outcome(join_findings(parts, city.crs), tuple(untested))


def last_dates(role: str, context: Context) -> tuple[pd.Series, np.ndarray]:
    """When each record was last brought up to date (null: no date), and whether its layer says so at all."""
    subject = context.subject(role)
    dates = pd.Series(pd.NaT, index=subject.rows.index, dtype="datetime64[us, UTC]")
    is_dated = np.zeros(len(dates), dtype=bool)
    for field in _DATED:
        if field in subject.rows and pd.api.types.is_datetime64_any_dtype(subject.rows[field].dtype):
            here = ~is_dated & ~subject.lacking(field)
            dates = dates.mask(here, subject.rows[field])
            is_dated |= here
    return dates, is_dated


def _stale(role: str, dates: pd.Series, is_dated: np.ndarray, context: Context) -> gpd.GeoDataFrame:
    limits, which = allowed_ages(role, context)
    allowed = np.array([row.days() for row in limits])[which]
    age = ((pd.Timestamp(context.at) - dates) / pd.Timedelta(days=1)).to_numpy(dtype="float64")
    unknown = is_dated & np.isnan(age)
    rows = np.flatnonzero(is_dated & (unknown | (age > allowed)))
    ratio = age[rows] / allowed[rows]
    medium, high = (context.number(f"D03.{name}_ratio") for name in ("medium", "high"))
    with np.errstate(invalid="ignore"):
        severity = np.select([unknown[rows] | (ratio > high), ratio > medium], ["high", "medium"], "low")
    deciding = [limits[at] for at in which[rows]]
    return make_findings(
        "D03",
        **objects_at(role, context.city.table(role), rows),
        severity=severity.astype(object),
        measured=age[rows],
        reference=allowed[rows],
        unit="d",
        basis=[row.basis for row in deciding],
        confidence=[row.confidence for row in deciding],
        data_state=np.where(unknown[rows], "unrecorded", "known").astype(object),
        params=[
            {"no_date": True} if none else {"times_allowed": round(float(times), 2)}
            for none, times in zip(unknown[rows], ratio)
        ],
    )


def allowed_ages(role: str, context: Context) -> tuple[list[Standard], np.ndarray]:
    """Rows of the standards that allow an age, and which of them decides for each object, shape (n,)."""
    usual = context.standards.parameter("D03.max_age_days", role)
    limits = [usual, *sorted(record_rows(context), key=_narrower_last)]
    which = np.zeros(len(context.city.table(role)), dtype="int64")
    for at, row in enumerate(limits[1:], start=1):
        which[context.fits(row, role)] = at
    return limits, which


def _narrower_last(row: Standard) -> tuple[int, float, str]:
    breadth = 2 if ":" in row.object_class else 1 if row.object_class != "*" else 0
    return breadth, -row.days(), row.standard_id


def _lacks_objects(city: City) -> Optional[str]:
    return None if any(city.has(role) for role in OBJECT_LAYERS) else "no object layer given"


def _lacks_dates(city: City) -> Optional[str]:
    missing = _lacks_objects(city)
    if missing:
        return missing
    for role in OBJECT_LAYERS:
        table = city.table(role)
        for field in _DATED:
            if len(table) and field in table and field not in city.lacking_everywhere(role):
                return None
    return "no object layer has updated_on or captured_on"


IMPLAUSIBLE_ATTRIBUTE = Rule(
    "D02",
    find_implausible_attributes,
    _lacks_objects,
    roles=_ROLES,
    reach_m=lambda context: context.number("N01.snap_tol_m", "pipes"),
    edit_reach_m=lambda context, edit: 0.0,
    is_of_its_own=True,
)

STALE_RECORD = Rule(
    "D03",
    find_stale_records,
    _lacks_dates,
    roles=(*OBJECT_LAYERS, "units"),
    reach_m=lambda context: 0.0,
    is_of_its_own=True,
)
