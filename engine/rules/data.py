"""Data gaps: what a record does not say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Optional

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from ...model.roles import BOUNDARY_LEVELS
from ..areas import in_smallest_unit
from ..city import City, usable
from ..context import Context
from ..findings import join_findings, make_findings, objects_at
from ..rule import Outcome, Rule
from ..standards import Standard

_ROLES = ("pipes", "housing")


def find_missing_attributes(city: City, context: Context) -> Outcome:
    """D01: required fields that are empty or hold a filler, and required columns that are lacking.

    One finding an object with its empty fields; one a lacking column and district.
    """
    parts = []
    for role in _ROLES:
        if not len(city.table(role)):
            continue
        row = context.standards.parameter("D01.required_fields", role)
        asked = list(_asked_fields(row.value, role, context))
        parts.append(_empty_cells(role, row, asked, context))
        parts.extend(_lacking_columns(role, row, asked, context))
    return Outcome(join_findings(parts, city.crs))


def _asked_fields(value: str, role: str, context: Context) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """For each required field its name, which objects lack the column, and which hold nothing in it.

    Fields joined by a slash stand in for each other. `last_repair_date` is asked for only from
    the age of `D01.repair_from_age_a`.
    """
    table = context.city.table(role)
    for word in value.split("|"):
        names = word.split("/")
        lacks = np.logical_and.reduce([context.lacks(role, name) for name in names])
        empty = np.logical_and.reduce(
            [table[name].isna().to_numpy() | context.is_filler(role, name) for name in names]
        )
        if names[0] == "last_repair_date":
            with np.errstate(invalid="ignore"):
                asked = context.age(role) >= context.number("D01.repair_from_age_a", role)
            lacks, empty = lacks & asked, empty & asked
        yield names[0], lacks, empty & ~lacks


def _empty_cells(
    role: str, row: Standard, asked: list[tuple[str, np.ndarray, np.ndarray]], context: Context
) -> gpd.GeoDataFrame:
    names = [name for name, _, _ in asked]
    empty = np.column_stack([holes for _, _, holes in asked])
    rows = np.flatnonzero(empty.any(axis=1))
    empty = empty[rows]
    return make_findings(
        "D01",
        **objects_at(role, context.city.table(role), rows),
        severity=_severity(names, empty, context),
        measured=empty.sum(axis=1),
        reference=0.0,
        unit="1",
        basis=row.basis,
        confidence=row.confidence,
        params=[{"empty": [name for name, hole in zip(names, holes) if hole]} for holes in empty],
    )


def _severity(names: list[str], empty: np.ndarray, context: Context) -> np.ndarray:
    """High if a major field is empty, low if the only empty one is minor, else medium."""
    major = np.isin(names, context.standards.words("D01.major_fields"))
    minor = np.isin(names, context.standards.words("D01.minor_fields"))
    one_minor = (empty.sum(axis=1) == 1) & empty[:, minor].any(axis=1)
    return np.select([empty[:, major].any(axis=1), one_minor], ["high", "low"], "medium").astype(object)


def _lacking_columns(
    role: str, row: Standard, asked: list[tuple[str, np.ndarray, np.ndarray]], context: Context
) -> Iterator[gpd.GeoDataFrame]:
    """One finding a field that has no column, and district (else city, else the whole table).

    They have no anchor: only a whole-city run can tell.
    """
    lacking = [(name, lacks) for name, lacks, _ in asked if lacks.any()]
    if not lacking:
        return
    areas, shapes = _areas_of_objects(role, context)
    for name, lacks in lacking:
        counts = pd.Series(areas[lacks]).value_counts().sort_index()
        yield make_findings(
            "D01",
            object_role="units",
            object_id=counts.index,
            severity=_severity([name], np.ones((len(counts), 1), dtype=bool), context),
            geometry=[shapes.get(code) for code in counts.index],
            anchor_geometry=[None] * len(counts),
            crs=context.city.crs,
            discriminator=f"{role}.{name}",
            class_code="housing" if role == "housing" else None,
            measured=counts.to_numpy(),
            reference=0.0,
            unit="1",
            basis=row.basis,
            confidence=row.confidence,
            params=[{"lacking_column": f"{role}.{name}"}] * len(counts),
            evidence=(role,),
        )


def _areas_of_objects(role: str, context: Context) -> tuple[np.ndarray, dict[str, shapely.Geometry]]:
    """Code of each object's district, else city, else ``*``; and the outline of each code."""
    units = context.units
    codes = in_smallest_unit(context, role, "code", BOUNDARY_LEVELS[:2])
    codes = np.where(pd.isna(codes), "*", codes)
    rows = units.rows[units.rows["level"].isin(BOUNDARY_LEVELS[:2])]
    shapes = dict(zip(rows["code"], rows.geometry))
    table = context.city.table(role).geometry
    if (codes == "*").any() and units.study_area is not None and usable(table).any():
        shapes["*"] = units.study_area
    return codes, shapes


def _missing(city: City) -> Optional[str]:
    if any(len(city.table(role)) for role in _ROLES):
        return None
    return "no pipes and no housing given"


MISSING_ATTRIBUTE = Rule(
    "D01",
    find_missing_attributes,
    _missing,
    roles=("pipes", "housing", "units"),
    reach_m=lambda context: 0.0,
    is_of_its_own=True,
)
