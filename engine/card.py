"""The data card: how complete, correct, precise and current each role is, unit by unit (indicators 2)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from ..model.roles import BOUNDARY_LEVELS
from .accuracy import GRADES
from .areas import EVERYWHERE, areas_of
from .findings import anchor_places
from .ledger import ROLES, Ledger, filled_share, ledger, max_age_d

if TYPE_CHECKING:
    from .context import Context

PARTS = ("Q1_completeness", "Q1_coverage", "Q1_fields", "Q2_correctness", "Q3_precision", "Q4_currency")
_FAILURES = ("D02", "D04", "D08", "N01", "N02", "N03", "N06", "C01")
"""Rules whose findings are failures of domain, topology or against another source."""

_DONE = ("surveyed_complete", "verified_empty")
Part = tuple[str, pd.Series, pd.Series]


def data_card(context: Context) -> pd.DataFrame:
    """The four parts of the card for each role and unit.

    Q1 is the product of its two halves: the share of cells that are surveyed complete or verified empty,
    and the mean share of required fields that are filled. Q2 counts objects that no failure was found of
    (`Context.found` of the rules that ran), Q3 objects that state an accuracy within their grade, Q4
    objects updated within the allowed age; an object without a date is not current.

    Returns
    -------
    DataFrame
        `level`, `area_code` (``*``: outside the units of the level), `role`, `part` (`PARTS`),
        `numerator`, `denominator` and `value` (0-1; NaN where there is nothing to count).
    """
    rows = []
    for role in ROLES:
        if not len(context.city.table(role)):
            continue
        context.check_cancelled()
        for level, codes in areas_of(role, context).items():
            for part, hits, number in _parts(role, codes, str(level), context):
                table = pd.DataFrame({"numerator": hits, "denominator": number}).rename_axis("area_code")
                rows.append(table.reset_index().assign(level=level, role=role, part=part))
    if not rows:
        return pd.DataFrame(
            columns=["level", "area_code", "role", "part", "numerator", "denominator", "value"]
        )
    card = pd.concat(rows, ignore_index=True)
    card["value"] = card["numerator"] / card["denominator"].where(card["denominator"] > 0)
    return pd.concat([card, _products(card)], ignore_index=True)


def _products(card: pd.DataFrame) -> pd.DataFrame:
    """Q1: coverage times fields."""
    keys = ["level", "area_code", "role"]
    halves = card[card["part"].isin(("Q1_coverage", "Q1_fields"))]
    wide = halves.pivot_table(index=keys, columns="part", values="value", dropna=False)
    wide = wide.reindex(columns=["Q1_coverage", "Q1_fields"])
    product = wide["Q1_coverage"] * wide["Q1_fields"]
    whole = product.rename("value").reset_index()
    return whole.assign(part="Q1_completeness", numerator=whole["value"], denominator=1.0).dropna(
        subset=["value"]
    )


def _parts(role: str, codes: pd.Series, level: str, context: Context) -> Iterator[Part]:
    row = context.standards.optional("D01.required_fields", role)
    if row is not None and row.object_class != "*":
        yield _share("Q1_fields", filled_share(role, row.value, context), codes)
    yield _coverage(role, level, context)
    yield _share("Q2_correctness", ~_has_failure(role, context), codes)
    graded = _graded(role, context)
    if graded is not None:
        yield _share("Q3_precision", graded[1][graded[0]], codes[graded[0]])
    current = _current(role, context)
    if current is not None:
        yield _share("Q4_currency", current, codes)


def _share(part: str, hits: np.ndarray, codes: pd.Series) -> Part:
    """Sum of the hits and number of the objects of each unit."""
    grouped = pd.Series(hits.astype("float64")).groupby(codes.to_numpy())
    return part, grouped.sum(), grouped.count().astype("float64")


def _coverage(role: str, level: str, context: Context) -> Part:
    """Area of the cells that are surveyed complete or verified empty, over all classes of the role."""
    book = context.once(ledger)
    unit = _units_of_cells(book, level, context)
    areas = shapely.area(book.outlines)
    done, total = np.zeros(len(areas)), np.zeros(len(areas))
    for known in book.classes.values():
        if known.role == role:
            total += areas
            good = known.cell[np.isin(known.state.astype(str), _DONE)]
            done[good] += areas[good]
    return (
        "Q1_coverage",
        pd.Series(done).groupby(unit).sum(),
        pd.Series(total).groupby(unit).sum(),
    )


def _units_of_cells(book: Ledger, level: str, context: Context) -> np.ndarray:
    """Code of the unit of the level that holds the centre of each cell."""
    if level not in BOUNDARY_LEVELS:
        return np.full(len(book.codes), EVERYWHERE, dtype=object)
    centres = shapely.points(anchor_places(shapely.bounds(book.outlines)))
    row = context.units.holding(centres, level)
    codes = context.units.rows["code"].to_numpy(dtype=object)
    return np.where(row >= 0, codes[row], EVERYWHERE)


def _has_failure(role: str, context: Context) -> np.ndarray:
    """Whether some failure was found of each object, shape (n,)."""
    names = {
        name
        for rule in _FAILURES
        for objects in context.found(rule)["objects"]
        for name in objects
        if name.startswith(f"{role}:")
    }
    ids = context.city.table(role)["id"].astype(object)
    return (f"{role}:" + ids).isin(names).to_numpy(dtype=bool)


def _graded(role: str, context: Context) -> tuple[np.ndarray, np.ndarray] | None:
    """Which objects state an accuracy, and which of them keep the limit of the grade they state.

    The limit is kept where `accuracy_m` says so, or where no figure contradicts the grade.
    """
    rows = context.subject(role).rows
    if "accuracy_grade" not in rows:
        return None
    graded = rows["accuracy_grade"].isin(GRADES).to_numpy(dtype=bool)
    within = graded.copy()
    if "accuracy_m" in rows:
        stated = pd.to_numeric(rows["accuracy_m"], errors="coerce").to_numpy(dtype="float64")
        for grade in GRADES:
            mine = (rows["accuracy_grade"] == grade).fillna(False).to_numpy(dtype=bool)
            within[mine & (stated > context.number(f"accuracy.{grade}", role))] = False
    return graded, within


def _current(role: str, context: Context) -> np.ndarray | None:
    """Whether each object was updated within the allowed age; None without a column that tells."""
    rows = context.subject(role).rows
    if "updated_on" not in rows or "updated_on" in context.city.lacking_everywhere(role):
        return None
    age = ((pd.Timestamp(context.at) - rows["updated_on"]) / pd.Timedelta(days=1)).to_numpy(dtype="float64")
    with np.errstate(invalid="ignore"):
        return np.asarray(age <= max_age_d(role, context))
