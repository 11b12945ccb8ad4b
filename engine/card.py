"""The data card: how complete, correct, precise and current the records of each role and unit are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Optional

import numpy as np
import pandas as pd

from ..model.identity import gap_key
from ..model.roles import BOUNDARY_LEVELS, OBJECT_LAYERS
from .areas import unit_of
from .context import Context
from .ledger import cells_in_units, filled_records, ledger, weights_in_units
from .plausibility import geometry_faults
from .rules.data_quality import allowed_ages, last_dates
from .texts import is_among

CARDS = ("completeness", "correctness", "precision", "currency")
EVERYWHERE = "*"
"""Area code of what no unit of the level holds; of everything, where there are no units."""
TOPOLOGY_AND_SOURCES = ("N01", "N02", "N03", "N04", "N06", "D08")
"""Rules besides D02 whose findings are failures of correctness (indicators 2.2)."""

_GOOD = ("surveyed_complete", "verified_empty")


class _Share(NamedTuple):
    """Objects of a role that pass, and those that could; both of shape (n,)."""

    passed: np.ndarray
    tested: np.ndarray


class _Areas(NamedTuple):
    """Areas of one level: code of each, and which of them holds each object of a role."""

    level: str
    codes: list[str]
    held: np.ndarray


def data_card(context: Context) -> pd.DataFrame:
    """Four shares for each object layer and unit (indicators 2); they are never averaged.

    To be asked for after a run on this context: correctness reads what the rules
    `TOPOLOGY_AND_SOURCES` found in it, besides the values and geometries that D02 calls implausible.

    Returns
    -------
    DataFrame
        role, level, area_code, card (`CARDS`), numerator, denominator, value, coverage_rate, filled_rate.
        `value` = numerator / denominator, from 0 to 1, NaN where there is nothing to count. Objects
        are counted by representative point; those in no unit of a level have the code ``*``.
        Completeness is coverage_rate (of the ledger's cells, by weight) x filled_rate (of required
        fields): its numerator is what the objects fill, times the coverage rate. Precision counts
        the objects of layers that state an accuracy, currency those of layers that state a date.
    """
    rows: list[pd.DataFrame] = []
    for role in OBJECT_LAYERS:
        if not len(context.city.table(role)):
            continue
        context.check_cancelled()
        shares = {
            "correctness": _correct(role, context),
            "precision": _precise(role, context),
            "currency": _current(role, context),
        }
        for areas in _levels(role, context):
            rows.append(_completeness(role, areas, context))
            rows += [_counted(role, areas, card, share) for card, share in shares.items()]
    if not rows:
        return pd.DataFrame(columns=[*_names(), *_numbers()])
    frame = pd.concat(rows, ignore_index=True)
    order = frame["card"].map(CARDS.index)
    levels = frame["level"].map(BOUNDARY_LEVELS.index)
    frame = frame.assign(order=order, rank=levels).sort_values(
        ["role", "rank", "area_code", "order"], kind="stable", ignore_index=True
    )
    return frame[[*_names(), *_numbers()]]


def _names() -> list[str]:
    return ["role", "level", "area_code", "card"]


def _numbers() -> list[str]:
    return ["numerator", "denominator", "value", "coverage_rate", "filled_rate"]


def _levels(role: str, context: Context) -> Iterator[_Areas]:
    """The areas of each level there is, and after them what lies in none."""
    levels = [level for level in BOUNDARY_LEVELS if len(context.units.of_level(level))]
    if not levels:
        yield _Areas(BOUNDARY_LEVELS[0], [EVERYWHERE], np.zeros(len(context.city.table(role)), dtype="int64"))
    for level in levels:
        units = context.units.of_level(level)
        held = _numbered(unit_of(context, role, level), units)
        yield _Areas(
            level, [*units["code"], EVERYWHERE], np.where(held < 0, len(units), held).astype("int64")
        )


def _numbered(labels: np.ndarray, units: pd.DataFrame) -> np.ndarray:
    """Place of each row label of `Units.rows` among some units, -1 for none."""
    return pd.Index(units.index).get_indexer(labels)


def _table(
    role: str, areas: _Areas, card: str, numerator: np.ndarray, denominator: np.ndarray
) -> pd.DataFrame:
    """Rows of the areas; what lies in none is told where there is something."""
    value = np.full(len(areas.codes), np.nan)
    np.divide(numerator, denominator, out=value, where=denominator > 0)
    frame = pd.DataFrame(
        {
            "role": role,
            "level": areas.level,
            "area_code": areas.codes,
            "card": card,
            "numerator": numerator,
            "denominator": denominator,
            "value": value,
            "coverage_rate": np.nan,
            "filled_rate": np.nan,
        }
    )
    held = np.bincount(areas.held, minlength=len(areas.codes)) > 0
    return frame[held | (frame["area_code"] != EVERYWHERE).to_numpy()]


def _counted(role: str, areas: _Areas, card: str, share: _Share) -> pd.DataFrame:
    count = len(areas.codes)
    tested = np.bincount(areas.held[share.tested], minlength=count).astype("float64")
    passed = np.bincount(areas.held[share.tested & share.passed], minlength=count).astype("float64")
    return _table(role, areas, card, passed, tested)


def _completeness(role: str, areas: _Areas, context: Context) -> pd.DataFrame:
    """Coverage rate x mean share of required fields (2.1); nothing to count without a list of them."""
    count = len(areas.codes)
    filled = filled_records(role, context)
    objects = np.bincount(areas.held, minlength=count).astype("float64")
    if filled is None:
        objects = np.zeros(count)
    sums = np.zeros(count) if filled is None else np.bincount(areas.held, filled, minlength=count)
    coverage = _coverage(role, areas, context)
    known = np.where(np.isnan(coverage), 0.0, objects)
    frame = _table(role, areas, CARDS[0], np.nan_to_num(sums * coverage), known)
    rate = np.full(count, np.nan)
    np.divide(sums, objects, out=rate, where=objects > 0)
    of_row = pd.Index(areas.codes).get_indexer(frame["area_code"])
    return frame.assign(coverage_rate=coverage[of_row], filled_rate=rate[of_row])


def _coverage(role: str, areas: _Areas, context: Context) -> np.ndarray:
    """Share of the cells' weight that is complete or verified empty, over the role's classes, by area."""
    book = context.once(ledger)
    classes = [known for known in book.classes.values() if known.role == role]
    count = len(areas.codes)
    unit = np.zeros(len(book.codes), dtype="int64")
    if areas.codes != [EVERYWHERE]:
        units = context.units.of_level(areas.level)
        unit = _numbered(cells_in_units(areas.level, context), units)
    weight = weights_in_units(book, unit, context)
    held = unit >= 0
    total = np.bincount(unit[held], weight[held], minlength=count) * len(classes)
    good = np.zeros(count)
    for known in classes:
        cell = known.cell[np.isin(known.state.astype(str), _GOOD)]
        cell = cell[held[cell]]
        good += np.bincount(unit[cell], weight[cell], minlength=count)
    rate = np.full(count, np.nan)
    return np.divide(good, total, out=rate, where=total > 0)


def _correct(role: str, context: Context) -> _Share:
    """Objects without a failure of domain, topology or between sources (2.2); info is none."""
    table = context.city.table(role)
    ids = table["id"]
    wrong = geometry_faults(role, context) != np.array(None)
    for failure in context.value_failures(role):
        if failure.severity != "info":
            wrong[failure.rows] = True
    dismissed = context.dismissed("D02")
    if dismissed:
        doubted = np.flatnonzero(wrong)
        keys = [gap_key("D02", (f"{role}:{name}",)) for name in ids.iloc[doubted]]
        wrong[doubted] = [key not in dismissed for key in keys]
    names: set[str] = set()
    for rule_id in TOPOLOGY_AND_SOURCES:
        found = context.found(rule_id)
        for objects in found["objects"][(found["severity"] != "info").to_numpy()]:
            names.update(objects)
    prefix = f"{role}:"
    mine = {name[len(prefix) :] for name in names if name.startswith(prefix)}
    wrong |= is_among(ids, mine)
    return _Share(~wrong, np.ones(len(ids), dtype=bool))


def _precise(role: str, context: Context) -> _Share:
    """Objects whose stated accuracy is within the limit of its grade (2.3).

    A grade alone states its own limit; a column `accuracy_m` states metres. Without either the
    object states nothing and does not pass.
    """
    rows = context.subject(role).rows
    none = np.zeros(len(rows), dtype=bool)
    if "accuracy_grade" not in rows:
        return _Share(none, none)
    limit = rows["accuracy_grade"].astype(object).map(_grade_limits(context)).to_numpy(dtype="float64")
    stated = limit
    if "accuracy_m" in rows:
        metres = pd.to_numeric(rows["accuracy_m"], errors="coerce").to_numpy(dtype="float64")
        stated = np.where(np.isnan(metres), limit, metres)
    return _Share(stated <= limit, ~context.lacks(role, "accuracy_grade"))


def _grade_limits(context: Context) -> dict[str, Optional[float]]:
    rows = {grade: context.standards.optional(f"accuracy.{grade}") for grade in "ABC"}
    return {grade: None if row is None else row.number() for grade, row in rows.items()}


def _current(role: str, context: Context) -> _Share:
    """Objects brought up to date within the allowed age (2.4); without a date they are not current."""
    dates, is_dated = last_dates(role, context)
    limits, which = allowed_ages(role, context)
    allowed = np.array([row.days() for row in limits])[which]
    age = ((pd.Timestamp(context.at) - dates) / pd.Timedelta(days=1)).to_numpy(dtype="float64")
    return _Share(age <= allowed, is_dated)
