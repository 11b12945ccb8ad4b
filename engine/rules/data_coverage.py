"""Data gaps of whole areas: where nobody ever looked, where the sum is not the official one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from ...model.roles import BOUNDARY_LEVELS, OBJECT_LAYERS
from ..city import City
from ..context import Context
from ..findings import join_findings, make_findings, no_findings
from ..ledger import ClassLedger, Ledger, cells_in_units, ledger, weights_in_units
from ..reconcile import EVERYWHERE, deviation, reconcile
from ..rule import Outcome, Rule


@dataclass(frozen=True)
class _UnitCells:
    """Units of the smallest level above cell, and which of them holds the centre of each cell (-1: none)."""

    codes: np.ndarray
    areas: np.ndarray
    unit: np.ndarray


def find_never_surveyed(city: City, context: Context) -> Outcome:
    """D05: units with cells that were never surveyed for a class of which the city has a record or survey.

    High where the never-surveyed cells hold a share of the unit's weight above the third quartile of the
    class's units, or old housing lies in one of them.
    """
    book = context.once(ledger)
    if not len(book.codes):
        return Outcome(no_findings(city.crs), ("the study area is none, or too wide to be counted in cells",))
    units = _unit_cells(book, context)
    weight = weights_in_units(book, units.unit, context)
    old = _cells_with_old_housing(book, context)
    parts = []
    for known in book.classes.values():
        context.check_cancelled()
        parts.append(_unseen(known, book, units, weight, old, context))
    return Outcome(join_findings(parts, city.crs))


def _unit_cells(book: Ledger, context: Context) -> _UnitCells:
    for level in reversed(BOUNDARY_LEVELS):
        units = context.units.of_level(level)
        if len(units):
            held = cells_in_units(level, context)
            place = np.full(len(context.units.rows) + 1, -1)
            place[units.index.to_numpy()] = np.arange(len(units))
            return _UnitCells(
                units["code"].to_numpy(dtype=object), shapely.area(units.geometry.to_numpy()), place[held]
            )
    area = context.units.study_area
    return _UnitCells(
        np.array([EVERYWHERE], dtype=object),
        np.array([0.0 if area is None else area.area]),
        np.zeros(len(book.codes), dtype="int64"),
    )


def _cells_with_old_housing(book: Ledger, context: Context) -> np.ndarray:
    codes = context.grid.codes_at(context.places("housing")[context.is_old_housing])
    return pd.Series(book.codes, dtype=object).isin(pd.unique(codes[codes != np.array(None)])).to_numpy()


def _unseen(
    known: ClassLedger,
    book: Ledger,
    units: _UnitCells,
    weight: np.ndarray,
    old: np.ndarray,
    context: Context,
) -> gpd.GeoDataFrame:
    never = np.ones(len(book.codes), dtype=bool)
    never[known.cell[known.state != "never_surveyed"]] = False
    held = units.unit >= 0
    count = len(units.codes)
    with np.errstate(invalid="ignore"):
        share = np.bincount(units.unit[held & never], weight[held & never], minlength=count) / np.bincount(
            units.unit[held], weight[held], minlength=count
        )
    has_old = np.bincount(units.unit[held & never], old[held & never], minlength=count) > 0
    cells = np.flatnonzero(held & never)
    order = cells[np.argsort(units.unit[cells], kind="stable")]
    found, start = np.unique(units.unit[order], return_index=True)
    groups = np.split(order, start[1:]) if len(found) else []
    quartile = np.nanquantile(share, 0.75) if np.isfinite(share).any() else np.inf
    areas = np.array([shapely.area(book.outlines[group]).sum() for group in groups])
    row = context.standards.parameter("ledger.min_cover")
    return make_findings(
        "D05",
        object_role="units",
        object_id=units.codes[found],
        severity=np.where((share[found] > quartile) | has_old[found], "high", "medium").astype(object),
        geometry=np.array([_union(book.outlines[group]) for group in groups], dtype=object),
        crs=context.city.crs,
        discriminator=known.class_code,
        class_code=known.class_code,
        measured=areas / units.areas[found],
        reference=0.0,
        unit="1",
        basis=row.basis,
        confidence=row.confidence,
        params=[
            {
                "cells": len(group),
                "share_of_weight": round(float(share[unit]), 4),
                "old_housing": bool(has_old[unit]),
            }
            for unit, group in zip(found, groups)
        ],
        steps=False,
        evidence=(known.role, "surveys"),
    )


def _union(cells: np.ndarray) -> shapely.Geometry:
    """The union of cells; squares side by side in a row are joined by their bounds first."""
    bounds = shapely.bounds(cells)
    squares = np.isclose(shapely.area(cells), np.prod(bounds[:, 2:] - bounds[:, :2], axis=1), rtol=1e-12)
    if not squares.all():
        return shapely.union_all(cells)
    order = np.lexsort((bounds[:, 0], bounds[:, 3], bounds[:, 1]))
    west, south, east, north = bounds[order].T
    new = np.ones(len(order), dtype=bool)
    new[1:] = (south[1:] != south[:-1]) | (north[1:] != north[:-1]) | (west[1:] != east[:-1])
    first = np.flatnonzero(new)
    last = np.append(first[1:], len(order)) - 1
    return shapely.union_all(shapely.box(west[first], south[first], east[last], north[first]))


def find_total_mismatch(city: City, context: Context) -> Outcome:
    """D06: official totals that the sum of the records misses by more than the tolerance.

    Of several totals of one measure, class and area the latest counts. Estimated where some of the
    sum is outline x floors.
    """
    totals = reconcile(context)
    bare = sorted(set(totals["untested"].dropna()))
    tested = totals[totals["untested"].isna()]
    latest = tested.drop_duplicates(["area_code", "measure", "class_code"], keep="last")
    parts = [
        _mismatches(role, rows, context)
        for role, rows in latest[latest["result"].isin(("short", "over"))].groupby("role", sort=True)
    ]
    return Outcome(join_findings(parts, city.crs), tuple(f"not tested: {reason}" for reason in bare))


def _mismatches(role: str, rows: gpd.GeoDataFrame, context: Context) -> gpd.GeoDataFrame:
    off = np.array([deviation(ratio) for ratio in rows["ratio"]])
    limits = [context.number(f"D06.{name}_over") for name in ("high", "medium")]
    row = context.standards.parameter("D06.tolerance")
    shares = rows["estimated_share"].fillna(0.0).to_numpy(dtype="float64")
    numbers = ("official", "recorded", "gap", "duplicate_amount", "unexplained")
    return make_findings(
        "D06",
        object_role="units",
        object_id=rows["area_code"],
        severity=np.select([off > limit for limit in limits], ["high", "medium"], "low").astype(object),
        geometry=rows.geometry.to_numpy(),
        crs=context.city.crs,
        discriminator=[f"{m}:{c}" for m, c in zip(rows["measure"], rows["class_code"])],
        class_code=[word or None for word in rows["class_code"]],
        measured=rows["ratio"],
        reference=1.0,
        unit="1",
        basis=row.basis,
        confidence=row.confidence,
        data_state=np.where(shares > 0, "estimated", "known").astype(object),
        params=[
            {
                "measure": total["measure"],
                "unit": total["unit"],
                "result": total["result"],
                "source": total["source"],
                **{name: round(float(total[name]), 2) for name in numbers},
                "estimated_share": round(float(share), 4),
                "without_floors": int(total["without_floors"]),
                "without_amount": int(total["without_amount"]),
                "duplicates": int(total["duplicates"]),
            }
            for total, share in zip(rows.to_dict("records"), shares)
        ],
        steps=False,
        evidence=() if role == "units" else (role,),
    )


def _no_totals(city: City) -> Optional[str]:
    return None if city.has("totals") else "no totals given"


def _no_surveys(city: City) -> Optional[str]:
    if not city.has("surveys"):
        return "no surveys given"
    return None if any(city.has(role) for role in OBJECT_LAYERS) else "no object layer given"


NEVER_SURVEYED = Rule(
    "D05",
    find_never_surveyed,
    _no_surveys,
    roles=("surveys", *OBJECT_LAYERS, "units"),
    reach_m=None,
)

TOTAL_MISMATCH = Rule(
    "D06",
    find_total_mismatch,
    _no_totals,
    roles=("totals", *OBJECT_LAYERS, "units"),
    reach_m=None,
    reads=("D04",),
)
