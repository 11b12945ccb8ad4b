"""Ageing: what is old, or due for a check, by the rows of ageing.csv."""

from __future__ import annotations

from typing import Optional

import numpy as np
import pandas as pd

from ...model.gap import SEVERITIES
from ..city import City
from ..context import Context
from ..findings import make_findings
from ..rule import Outcome, Rule
from ..standards import Standard
from ..visits import counted_visits, counts_for, near_visits, visited_by_id

_CHECK = "structural_check"


def find_aged_buildings(city: City, context: Context) -> Outcome:
    """A02: buildings within the renewal scope, graded C or D, or without a recorded year.

    The severest row that fits decides; all that fit stand in the parameters.
    """
    housing = city.table("housing")
    rows = context.standards.named("A02")
    fit = [context.fits(row, "housing") for row in rows]
    severities = [_severity(row, context) for row in rows]
    rank = np.array([[SEVERITIES.index(word) for word in column] for column in severities])
    rank = np.where(fit, rank, -1) if len(rows) else np.full((0, len(housing)), -1)
    found = np.flatnonzero((rank >= 0).any(axis=0)) if len(rows) else np.array([], dtype=int)
    best = rank[:, found].argmax(axis=0) if len(found) else np.array([], dtype=int)
    chosen = [rows[index] for index in best]
    references = np.array([_number(row) for row in chosen], dtype="float64")
    return Outcome(
        make_findings(
            "A02",
            object_role="housing",
            object_id=housing["id"].iloc[found],
            severity=[severities[index][row] for index, row in zip(best, found)],
            geometry=housing.geometry.to_numpy()[found],
            crs=city.crs,
            class_code="housing",
            measured=np.where(np.isnan(references), np.nan, context.age("housing")[found]),
            reference=references,
            unit="a",
            basis=[row.basis for row in chosen],
            confidence=[row.confidence for row in chosen],
            data_state=["unrecorded" if row.use == "unrecorded" else "known" for row in chosen],
            params=[
                {"rows": [row.standard_id for row, mask in zip(rows, fit) if mask[place]]} for place in found
            ],
        )
    )


def _severity(row: Standard, context: Context) -> np.ndarray:
    """Severity of a row for each building; a low one is medium if built by `A02.unchecked_year` unchecked."""
    housing = context.subject("housing").rows
    word = row.severity or "low"
    severity = np.full(len(housing), word, dtype=object)
    if word == "low":
        with np.errstate(invalid="ignore"):
            early = (housing["built_year"] <= context.number("A02.unchecked_year", "housing")).to_numpy(
                dtype=bool
            )
        severity[early & ~_checked(context)] = "medium"
    return severity


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


def _missing(city: City) -> Optional[str]:
    if city.has("housing", "built_year") or city.has("housing", "danger_grade"):
        return None
    return "no housing with built_year or danger_grade given"


AGED_BUILDING = Rule(
    "A02",
    find_aged_buildings,
    _missing,
    roles=("housing", "visits", "units"),
    reach_m=lambda context: context.number("visit.search_m"),
)
