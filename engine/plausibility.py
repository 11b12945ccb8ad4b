"""Which recorded values and geometries can't be right (rule D02)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from ..model.identity import gap_key
from ..model.roles import OBJECT_LAYERS, ROLES
from ..model.tables import read_table
from ..model.vocabulary import canonical, class_of_kind, maps_to, pipe_classes, spellings
from .city import usable
from .classes import YEAR_FIELD, of_class
from .conditions import Subject, fields_of, parse
from .standards import Standard

if TYPE_CHECKING:
    from .context import Context

OLD_CODE_FIELDS = {
    "units": ("code", "parent_code"),
    "totals": ("area_code",),
    "duties": ("area_code",),
    "resources": ("unit_code",),
}
"""Where old district codes are looked for."""
VALUE_ROLES = (*OBJECT_LAYERS, *OLD_CODE_FIELDS)
"""Roles whose values are tested."""

_SIGNED = ("invert_from_m", "invert_to_m", "layer")
_DONE_TO_IT = ("last_repair_date", "assessed_on")
_KEPT = {("units", "code"), ("totals", "area_code"), ("duties", "area_code")}
"""Codes no rule reads as empty: no code would mean everywhere, a code of no unit fits nowhere."""
_VOCABULARY = {
    ("pipes", "burial_method"): "burial_method",
    ("pipes", "pressure_grade"): "pressure_grade",
    ("pipe_points", "feature"): "pipe_points.feature",
    ("components", "condition"): "components.condition",
    ("units", "zone_type"): "units.zone_type",
}
"""Fields with a closed list of values. Uses of buildings and classes of components are open lists: a
garage or a bench is no mistake, and read as empty a garage would be a dwelling."""


@dataclass(frozen=True)
class Failure:
    """A test that some values of one field fail.

    Attributes
    ----------
    field : str
    rows : ndarray of bool, shape (n,)
    severity : str
    reason : str
        The row of the standards, or a word for the test.
    standard : Standard
        What it is tested by.
    by_place : bool
        Whether the surroundings had a say (`connector`).
    turn : int
        Place of the test among all tests of the role.
    """

    field: str
    rows: np.ndarray
    severity: str
    reason: str
    standard: Standard
    by_place: bool = False
    turn: int = 0


def implausible(role: str, context: Context) -> Mapping[str, np.ndarray]:
    """Fields of a role with an open D02 of severity medium or high, and the rows, shape (n,).

    Each field by its own severity, before the step for populous or neglected places: a value is
    not less likely where more people live.
    """
    masks: dict[str, np.ndarray] = {}
    for failure in context.value_failures(role):
        if failure.severity in ("medium", "high") and (role, failure.field) not in _KEPT:
            masks[failure.field] = masks.get(failure.field, False) | failure.rows
    dismissed = context.dismissed("D02")
    if not masks or not dismissed:
        return masks
    doubted = np.flatnonzero(np.logical_or.reduce(list(masks.values())))
    ids = object_ids(role, context.city.table(role).iloc[doubted])
    closed = [gap_key("D02", [f"{role}:{name}"]) in dismissed for name in ids]
    for mask in masks.values():
        mask[doubted[closed]] = False
    return masks


def object_ids(role: str, table: pd.DataFrame) -> np.ndarray:
    """Id or code of each record; a total is called ``measure:area_code:class_code``, shape (n,)."""
    if role == "totals":
        parts = [table[name].fillna("").astype(object) for name in ("measure", "area_code", "class_code")]
        return (parts[0] + ":" + parts[1] + ":" + parts[2]).to_numpy()
    return table["code" if role == "units" else "id"].astype(object).to_numpy()


def value_failures(role: str, context: Context) -> tuple[Failure, ...]:
    """Every test of a role's values that some row fails; fillers and dates after T are skipped."""
    if role not in VALUE_ROLES or not len(context.city.table(role)):
        return ()
    rows = context.recorded(role).rows
    tests = [
        *_by_standards(role, context),
        *_numbers(role, rows, context),
        *_codes(role, rows, context),
        *_dates(role, rows, context),
        *_old_codes(role, rows, context),
    ]
    if role == "pipes":
        tests += [*_depths(rows, context), *_kinds(rows, context), *_materials(rows, context)]
    return tuple(replace(test, turn=turn) for turn, test in enumerate(tests) if test.rows.any())


def failures_at(failures: Sequence[Failure], rows: np.ndarray) -> tuple[Failure, ...]:
    """What of the failures concerns some of the rows (by place)."""
    return tuple(replace(test, rows=test.rows[rows]) for test in failures if test.rows[rows].any())


def joined_failures(
    first: Sequence[Failure], count: int, second: Sequence[Failure], more: int
) -> tuple[Failure, ...]:
    """Failures of `count` rows, and of `more` rows of the same role after them, as of one table."""
    none = [np.zeros(count, dtype=bool), np.zeros(more, dtype=bool)]
    masks: dict[int, list[np.ndarray]] = {}
    for side, tests in enumerate((first, second)):
        for test in tests:
            masks.setdefault(test.turn, list(none))[side] = test.rows
    by_turn = {test.turn: test for test in (*first, *second)}
    return tuple(replace(by_turn[turn], rows=np.concatenate(masks[turn])) for turn in sorted(by_turn))


def _outside(field: str, rows: np.ndarray, reason: str, context: Context) -> Failure:
    """A failure whose severity no row of the standards gives."""
    row = context.standards.parameter("D02.domain")
    return Failure(field, rows, _usual_severity(field, context), reason, row)


def _usual_severity(field: str, context: Context) -> str:
    if field in context.standards.words("D02.major_fields"):
        return "high"
    return context.standards.parameter("D02.domain").value


def _by_standards(role: str, context: Context) -> Iterator[Failure]:
    """Rows of the standards with rule D02: all fields of a condition that fits are in conflict."""
    recorded = context.recorded(role)
    values = context.derived(role, recorded)
    for row in context.standards.named("D02"):
        if row.object_class.partition(":")[0] != role:
            continue
        asked = fields_of(parse(row.applies_if))
        fit = context.fits(row, role, subject=values)
        for field in sorted(_own_fields(asked, role, recorded)):
            severity = row.severity or _usual_severity(field, context)
            yield Failure(field, fit, severity, row.standard_id, row, "connector" in asked)


def _own_fields(asked: frozenset[str], role: str, recorded: Subject) -> set[str]:
    """The columns behind the fields of a condition: an age stands for the year it is made of."""
    of_year = {"age", "at_design_life"}
    columns = {YEAR_FIELD[role] if field in of_year and role in YEAR_FIELD else field for field in asked}
    return columns & set(recorded.rows.columns)


def _numbers(role: str, rows: pd.DataFrame, context: Context) -> Iterator[Failure]:
    """Infinite numbers, and negative counts, areas, widths and years."""
    for field in ROLES[role].fields:
        if field.kind in ("number", "year"):
            numbers = rows[field.name].to_numpy(dtype="float64")
            yield _outside(field.name, np.isinf(numbers), "not_finite", context)
            if field.name not in _SIGNED:
                yield _outside(field.name, np.isfinite(numbers) & (numbers < 0), "negative", context)


def _depths(rows: pd.DataFrame, context: Context) -> Iterator[Failure]:
    depth = rows["depth_m"].to_numpy(dtype="float64")
    limit = context.standards.parameter("D02.depth_max_m", "pipes")
    bad = (depth <= 0) | (depth > limit.number())
    yield Failure("depth_m", bad, _usual_severity("depth_m", context), "depth_range", limit)


def _codes(role: str, rows: pd.DataFrame, context: Context) -> Iterator[Failure]:
    """Coded values that are not in the vocabulary."""
    for field, is_known in _vocabularies(role, context).items():
        bad = _unknown(rows[field], is_known)
        if field == "pressure_grade":
            # the vocabulary holds grades of gas; power has volts there, water bars
            bad = bad & of_class(role, rows, "pipes:RQ")
        yield _outside(field, bad, "unknown_code", context)


def _vocabularies(role: str, context: Context) -> dict[str, Callable[[str], bool]]:
    """Coded fields of a role, and whether a word is one of their values."""
    known = {field: _in_vocabulary(name) for (owner, field), name in _VOCABULARY.items() if owner == role}
    if role == "housing":
        known["danger_grade"] = context.standards.words("D02.danger_grades", "housing").__contains__
    if role == "neglected":
        kinds = [value for value, target in maps_to("class_code").items() if target.startswith("neglected:")]
        known["kind"] = kinds.__contains__
    if role in ("pipes", "pipe_points"):
        known["class_code"] = pipe_classes().__contains__
    if role == "pipes":
        known["kind_code"] = class_of_kind().__contains__
        known["material_code"] = {row["material_code"] for row in read_table("materials")}.__contains__
    return known


def _in_vocabulary(name: str) -> Callable[[str], bool]:
    values = set(spellings(name).values())
    return lambda text: canonical(name, text) in values


def _unknown(column: pd.Series, is_known: Callable[[str], bool]) -> np.ndarray:
    bad = [word for word in column.dropna().unique() if not is_known(word)]
    return column.isin(bad).to_numpy(dtype=bool)


def _kinds(rows: pd.DataFrame, context: Context) -> Iterator[Failure]:
    """Kinds of another class than the pipe's."""
    of_kind = rows["kind_code"].map(class_of_kind())
    known = rows["class_code"].isin(list(pipe_classes())) & of_kind.notna()
    bad = (known & (of_kind != rows["class_code"])).to_numpy(dtype=bool)
    yield _outside("kind_code", bad, "kind_of_other_class", context)


def _materials(rows: pd.DataFrame, context: Context) -> Iterator[Failure]:
    """Materials that a class does not use; a class without a list is not tested."""
    row = context.standards.optional("D02.material_for_class", "pipes")
    if row is None:
        return
    materials = {line["material_code"]: line["cjj_applies_to"] for line in read_table("materials")}
    free = {code for code, applies_to in materials.items() if not applies_to}
    bad = np.zeros(len(rows), dtype=bool)
    for code, line in pipe_classes().items():
        if line["typical_materials"]:
            others = list(set(materials) - free - set(line["typical_materials"].split("|")))
            bad |= (rows["class_code"].eq(code) & rows["material_code"].isin(others)).to_numpy(dtype=bool)
    yield Failure("material_code", bad, row.value, "material_for_class", row)


def _dates(role: str, rows: pd.DataFrame, context: Context) -> Iterator[Failure]:
    """Dates that stand for an empty cell, and work on an object before it was built or laid."""
    first = context.standards.parameter("D02.first_record_year")
    for field in ROLES[role].fields:
        if field.kind != "date" or role not in OBJECT_LAYERS:
            continue
        year = context.local_day(rows[field.name]).dt.year.to_numpy(dtype="float64", na_value=np.nan)
        early = year < first.number()
        yield Failure(field.name, early, _usual_severity(field.name, context), "too_early", first)
        if field.name in _DONE_TO_IT:
            made = rows[YEAR_FIELD[role]].to_numpy(dtype="float64")
            yield _outside(
                field.name, ~early & (year < made) & (made <= context.at.year), "before_it", context
            )


def _old_codes(role: str, rows: pd.DataFrame, context: Context) -> Iterator[Failure]:
    """Codes whose first six digits are those of a district that a merger ended."""
    row = context.standards.optional("D02.old_district_codes")
    if row is None:
        return
    old = [pair.partition("=")[0] for pair in row.value.split("|")]
    for field in OLD_CODE_FIELDS.get(role, ()):
        bad = rows[field].str[:6].isin(old).to_numpy(dtype=bool)
        yield Failure(field, bad, _usual_severity(field, context), "old_district_code", row)


def geometry_faults(role: str, context: Context) -> np.ndarray:
    """What is wrong with each geometry of a role, shape (n,); None where nothing is.

    ``no_geometry`` (where the role needs one; a call without a place is usual), ``empty``,
    ``not_finite``, ``zero_length`` (a line), ``invalid`` (an area that crosses itself or the like).
    """
    return context.own(_geometry_faults, role)


def _geometry_faults(context: Context, role: str) -> np.ndarray:
    geometry = context.city.table(role).geometry
    shapes = geometry.to_numpy()
    faults = np.full(len(shapes), None, dtype=object)
    missing, empty = shapely.is_missing(shapes), shapely.is_empty(shapes)
    if ROLES[role].needs_geometry and role != "hotline":
        faults[missing] = "no_geometry"
    faults[empty] = "empty"
    good = usable(geometry)
    faults[~good & ~missing & ~empty] = "not_finite"
    dimension = shapely.get_dimensions(shapes)
    lines, areas = np.flatnonzero(good & (dimension == 1)), np.flatnonzero(good & (dimension == 2))
    faults[lines[~(shapely.length(shapes[lines]) > 0)]] = "zero_length"
    faults[areas[~shapely.is_valid(shapes[areas])]] = "invalid"
    return faults
