"""Ageing: what is old, or due for a check, by the rows of ageing.csv."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

import geopandas as gpd
import numpy as np
import pandas as pd

from ...model.gap import SEVERITIES
from ..city import City
from ..context import Context
from ..findings import make_findings, objects_at
from ..rule import Outcome, Rule
from ..standards import Standard
from ..visits import counted_visits, counts_for, near_visits, record_reach_m, visit_reach_m, visited_by_id

_CHECK = "structural_check"


def find_aged_pipes(city: City, context: Context) -> Outcome:
    """A01: pipes that a row of ageing.csv calls aged or due for assessment, or without year or material.

    The severest row that fits decides; all that fit stand in the parameters. Without a column for
    assessments no pipe counts as assessed.
    """
    rows = context.standards.named("A01")
    count = len(city.table("pipes"))
    ranks = [np.full(count, SEVERITIES.index(row.severity or "medium")) for row in rows]
    return Outcome(_severest("A01", "pipes", rows, ranks, city, context))


def find_aged_buildings(city: City, context: Context) -> Outcome:
    """A02: buildings within the renewal scope, graded C or D, or without a recorded year.

    The severest row that fits decides; all that fit stand in the parameters.
    """
    rows = context.standards.named("A02")
    ranks = [_rank(row, context) for row in rows]
    return Outcome(_severest("A02", "housing", rows, ranks, city, context))


def _severest(
    rule_id: str,
    role: str,
    rows: Sequence[Standard],
    ranks: Sequence[np.ndarray],
    city: City,
    context: Context,
) -> gpd.GeoDataFrame:
    """A finding for each object that some row fits, by the row that is severest for it.

    `ranks`: for each row the place among `SEVERITIES` that it gives each object.
    """
    table = city.table(role)
    best = np.full(len(table), -1)
    rank = np.full(len(table), -1)
    fit = [context.fits(row, role) for row in rows]
    for index, (mask, given) in enumerate(zip(fit, ranks)):
        severer = mask & (given > rank)
        best[severer] = index
        rank[severer] = given[severer]
    found = np.flatnonzero(best >= 0)
    chosen = [rows[index] for index in best[found]]
    references = np.array([_number(row) for row in rows], dtype="float64")[best[found]]
    return make_findings(
        rule_id,
        **objects_at(role, table, found),
        severity=np.array(SEVERITIES, dtype=object)[rank[found]],
        measured=np.where(np.isnan(references), np.nan, context.age(role)[found]),
        reference=references,
        unit="a",
        basis=[row.basis for row in chosen],
        confidence=[row.confidence for row in chosen],
        data_state=["unrecorded" if row.use == "unrecorded" else "known" for row in chosen],
        params=_rows_that_fit(rows, fit, found),
    )


def _rows_that_fit(
    rows: Sequence[Standard], fit: Sequence[np.ndarray], found: np.ndarray
) -> list[dict[str, list[str]]]:
    """Ids of the rows that fit each found object; equal ones are made once."""
    if not len(found):
        return []
    masks = np.column_stack([mask[found] for mask in fit])
    kinds, which = np.unique(masks, axis=0, return_inverse=True)
    ids = [[row.standard_id for row, fits in zip(rows, kind) if fits] for kind in kinds]
    return [{"rows": ids[index]} for index in which.reshape(-1)]


def _rank(row: Standard, context: Context) -> np.ndarray:
    """Place among `SEVERITIES` that a row gives each building.

    A low one is medium if it was built by `A02.unchecked_year` and never checked.
    """
    housing = context.subject("housing").rows
    word = row.severity or "low"
    rank = np.full(len(housing), SEVERITIES.index(word))
    if word == "low":
        with np.errstate(invalid="ignore"):
            early = (housing["built_year"] <= context.number("A02.unchecked_year", "housing")).to_numpy(
                dtype=bool
            )
        rank[early & ~_checked(context)] = SEVERITIES.index("medium")
    return rank


def _checked(context: Context) -> np.ndarray:
    """Whether a structural check of each building is on record, shape (n,)."""
    housing = context.city.table("housing")
    visits = counted_visits(context)
    checks = visits[counts_for(visits["activity"], _CHECK)]
    checked = visited_by_id(checks, housing["id"], "housing")
    checked[near_visits(context, checks, "housing")[0]] = True
    return checked


def _number(row: Standard) -> float:
    return float(pd.to_numeric(row.value, errors="coerce"))


def _no_pipe_facts(city: City) -> Optional[str]:
    if city.has("pipes", "laid_year") or city.has("pipes", "material_code"):
        return None
    return "no pipes with laid_year or material_code given"


def _no_building_facts(city: City) -> Optional[str]:
    if city.has("housing", "built_year") or city.has("housing", "danger_grade"):
        return None
    return "no housing with built_year or danger_grade given"


AGED_PIPE = Rule(
    "A01",
    find_aged_pipes,
    _no_pipe_facts,
    roles=("pipes", "units"),
    reach_m=lambda context: 0.0,
    is_of_its_own=True,
)
AGED_BUILDING = Rule(
    "A02",
    find_aged_buildings,
    _no_building_facts,
    roles=("housing", "visits", "units"),
    reach_m=visit_reach_m,
    edit_reach_m=record_reach_m(visit_reach_m),
    is_of_its_own=True,
)
