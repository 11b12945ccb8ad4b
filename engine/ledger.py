"""The coverage ledger: what was looked at in each cell, class by class (indicators 1)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, Optional
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import shapely

from ..model.ledger import LedgerRow
from ..model.vocabulary import component_classes, maps_to
from .cells import OUTSIDE, Cells
from .classes import class_codes
from .findings import anchor_places
from .standards import ON, Standard
from .surveys import NO_DAY, SurveySheets, micros_of

if TYPE_CHECKING:
    from .context import Context

STATES = ("never_surveyed", "stale", "verified_empty", "surveyed_complete", "surveyed_partial")
ROLES = ("housing", "pipes", "components", "neglected", "roads", "water")
_WORD_ROLES = {"pipes": "class_code", "components": "class_code", "neglected": "kind"}


@dataclass(frozen=True)
class ClassLedger:
    """The ledger of one class: the cells of which something is known, in order; no other was surveyed.

    Attributes
    ----------
    object_class : str
        Such as ``pipes:JS``.
    cell : ndarray of int64, shape (c,)
        Place of the cell among `Ledger.codes`.
    state : ndarray of str, shape (c,)
    records : ndarray of int64, shape (c,)
    length_m : ndarray of float64, shape (c,)
        Length of the lines in the cell; NaN where there are none.
    covered : ndarray of float64, shape (c,)
        Share of the cell that surveys of the class cover.
    newest : ndarray of datetime64[us], shape (c,)
        Latest survey or record, UTC; NaT without any date.
    completeness : ndarray of float64, shape (c,)
        Mean share of the required fields that are filled (indicators 2.1); NaN without records or list.
    outside_records, outside_length_m
        What lies outside all cells.
    """

    object_class: str
    cell: np.ndarray
    state: np.ndarray
    records: np.ndarray
    length_m: np.ndarray
    covered: np.ndarray
    newest: np.ndarray
    completeness: np.ndarray
    outside_records: int
    outside_length_m: float

    @property
    def class_code(self) -> str:
        """The class alone."""
        return self.object_class.rpartition(":")[2]

    @property
    def role(self) -> str:
        """The role of its objects."""
        return self.object_class.partition(":")[0]


@dataclass(frozen=True)
class Ledger:
    """The ledger of a city: its cells, and each class of which there is a record or a survey.

    `min_cover` is the share of a cell from which on it counts as surveyed.
    """

    codes: np.ndarray
    outlines: np.ndarray
    classes: dict[str, ClassLedger]
    min_cover: float

    @cached_property
    def place(self) -> pd.Index:
        """Place of each cell by its code."""
        return pd.Index(self.codes)


def cells_in_units(level: str, context: Context) -> np.ndarray:
    """Row label in `Units.rows` of the unit of a level that holds the centre of each cell, -1: none."""
    return context.own(_units_of_cells, level)


def _units_of_cells(context: Context, level: str) -> np.ndarray:
    book = context.once(ledger)
    return context.units.holding(shapely.points(anchor_places(shapely.bounds(book.outlines))), level)


def weights_in_units(book: Ledger, unit: np.ndarray, context: Context) -> np.ndarray:
    """Weight of each cell: residents (indicators 9); in a unit without any, its area, shape (c,).

    Parameters
    ----------
    unit : ndarray of int64, shape (c,)
        Number of the unit that holds each cell, -1: none.
    """
    weights = context.cell_weights.reindex(pd.Index(book.codes)).fillna(0).to_numpy(dtype="float64")
    held = unit >= 0
    total = np.bincount(unit[held], weights[held], minlength=int(unit.max(initial=-1)) + 1)
    bare = held.copy()
    bare[held] = total[unit[held]] == 0
    return np.where(bare, shapely.area(book.outlines), weights)


def ledger(context: Context) -> Ledger:
    """The ledger of the whole city; ask for it with `Context.once`."""
    codes, outlines = context.cells
    cells = Cells(context, codes, outlines)
    surveys = SurveySheets(context)
    classes = {}
    for role in ROLES:
        context.check_cancelled()
        of_role = list(_classes_of(role, context, surveys))
        if not of_role:
            continue
        facts = _Facts(_dates(role, context), filled_records(role, context))
        for object_class, mine in of_role:
            classes[object_class] = _class_ledger(object_class, mine, facts, cells, surveys, context)
    return Ledger(codes, outlines, classes, context.number("ledger.min_cover"))


def _classes_of(role: str, context: Context, surveys: SurveySheets) -> Iterator[tuple[str, np.ndarray]]:
    """Classes of a role with at least one record or survey, and the rows of each."""
    rows = _rows_by_class(role, context)
    if role in _WORD_ROLES:
        named = [f"{role}:{word}" for word in surveys.words() if of_role(word, role)]
    else:
        named = [role] if surveys.of(role).any() else []
    for object_class in sorted({*rows, *named}):
        yield object_class, np.asarray(rows.get(object_class, np.array([], dtype="int64")))


def _rows_by_class(role: str, context: Context) -> dict[str, np.ndarray]:
    """The rows of each class of a role that has any."""
    table = context.city.table(role)
    if role not in _WORD_ROLES:
        return {role: np.arange(len(table))} if len(table) else {}
    words = pd.Series(class_codes(role, table), dtype=object)
    if role == "components":
        words = words.map(component_classes()).fillna(words)
    return {f"{role}:{word}": rows for word, rows in words.groupby(words).indices.items()}


def records_in_cells(role: str, context: Context) -> dict[tuple[str, str], int]:
    """Number of records of each class of a role in each cell (code) of a context that has any."""
    codes, outlines = context.cells
    cells = Cells(context, codes, outlines)
    found = {}
    for object_class, rows in _rows_by_class(role, context).items():
        record, cell, _ = cells.shares(role, rows)
        of_cell = _records_and_cells(record, cell, len(codes))[1]
        for at, count in zip(*np.unique(of_cell, return_counts=True)):
            found[object_class, codes[at]] = int(count)
    return found


def _records_and_cells(record: np.ndarray, cell: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Each pair of a record and one of `size` cells that it lies in, once, in order, shape (p,) each."""
    inside = cell != OUTSIDE
    return np.divmod(_distinct(record[inside] * size + cell[inside]), max(size, 1))


def of_role(word: str, role: str) -> bool:
    """Whether a survey's class word is a class of a role with classes."""
    mapped = maps_to("class_code").get(word, "")
    return (mapped.partition(":")[0] == role and ":" in mapped) or (
        role == "components" and word in maps_to("components.class_code")
    )


def ledger_rows(book: Ledger, tz: ZoneInfo) -> Iterator[tuple[Any, ...]]:
    """What of a ledger is not never_surveyed, and a row ``*`` for what lies outside all cells.

    In the order of `LedgerRow`, but plain tuples: there are millions.
    """
    for known in book.classes.values():
        columns = (
            book.codes[known.cell].tolist(),
            [known.class_code] * len(known.cell),
            known.state.tolist(),
            known.records.tolist(),
            _or_none(known.length_m),
            known.covered.tolist(),
            _in_iso_8601(known.newest, tz),
            _or_none(known.completeness),
        )
        yield from zip(*columns)
        if known.outside_records:
            length = known.outside_length_m or None
            yield LedgerRow("*", known.class_code, STATES[4], known.outside_records, length, None, None, None)


def _in_iso_8601(moments: np.ndarray, tz: ZoneInfo) -> list[Optional[str]]:
    """UTC moments as text in a time zone, None for NaT: of the few that differ each is written once."""
    place, different = pd.factorize(moments)
    local = pd.DatetimeIndex(different).tz_localize("UTC").tz_convert(str(tz))
    texts = np.array([*(moment.isoformat(timespec="seconds") for moment in local), None], dtype=object)
    return texts[place].tolist()


def _or_none(values: np.ndarray) -> list[Optional[float]]:
    return [None if value != value else value for value in values.tolist()]


class _Facts(NamedTuple):
    """Of each record of a role: latest date, and share of the required fields it fills (None: no list)."""

    dates: np.ndarray
    filled: Optional[np.ndarray]


def _class_ledger(
    object_class: str, rows: np.ndarray, facts: _Facts, cells: Cells, surveys: SurveySheets, context: Context
) -> ClassLedger:
    role = object_class.partition(":")[0]
    record, cell, metres = cells.shares(role, rows)
    inside = cell != OUTSIDE
    size = len(cells.codes)
    of_record, of_cell = _records_and_cells(record, cell, size)
    seen = surveys.of(object_class)
    covered = cells.cover(surveys.shapes, seen)
    in_cell = np.bincount(of_cell, minlength=size)
    known = np.flatnonzero((in_cell > 0) | (covered >= context.number("ledger.min_cover")))
    place = np.full(size, OUTSIDE)
    place[known] = np.arange(len(known))
    at, count = place[of_cell], in_cell[known]
    is_line = inside & ~np.isnan(metres)
    length = np.bincount(cell[is_line], weights=metres[is_line], minlength=size)[known]
    newest = np.maximum(
        _latest(at, facts.dates[rows][of_record], len(known)),
        cells.latest_survey(surveys.shapes, surveys.days, seen, known),
    )
    complete = np.full(len(known), np.nan)
    if facts.filled is not None and len(known):
        with np.errstate(invalid="ignore", divide="ignore"):
            complete = np.bincount(at, weights=facts.filled[rows][of_record], minlength=len(known)) / count
    has_lines = np.bincount(cell[is_line], minlength=size)[known] > 0
    empty_seen = covered[known] if not count.all() else None
    looked = np.zeros(len(known))
    if empty_seen is not None:
        looked = cells.cover(surveys.shapes, seen & surveys.looked_for)[known]
    return ClassLedger(
        object_class,
        known,
        _states(object_class, count, covered[known], looked, newest, complete, context),
        count,
        np.where(has_lines, length, np.nan),
        covered[known],
        np.where(newest == NO_DAY, np.datetime64("NaT"), newest.astype("datetime64[us]")),
        complete,
        int(len(rows) - np.count_nonzero(np.bincount(of_record, minlength=len(rows)))),
        float(np.nansum(metres[~inside])),
    )


def _distinct(values: np.ndarray) -> np.ndarray:
    """Each value once, in order: sorting beats hashing for millions of nearly ordered numbers."""
    ordered = np.sort(values)
    new = np.ones(len(ordered), dtype=bool)
    new[1:] = ordered[1:] != ordered[:-1]
    return ordered[new]


def _states(
    object_class: str,
    count: np.ndarray,
    covered: np.ndarray,
    looked: np.ndarray,
    newest: np.ndarray,
    complete: np.ndarray,
    context: Context,
) -> np.ndarray:
    """The first state whose test holds, shape (c,)."""
    now = pd.Timestamp(context.at).value // 1000
    limit = now - max_age_d(object_class, context) * 86_400_000_000
    full = context.number("ledger.full_cover")
    enough = np.isnan(complete) | (complete >= context.number("ledger.min_completeness"))
    tests = [
        (count == 0) & (covered < context.number("ledger.min_cover")),
        (newest != NO_DAY) & (newest < limit),
        (count == 0) & (looked >= full),
        (count > 0) & (covered >= full) & enough,
    ]
    return np.array(STATES, dtype=object)[np.select(tests, range(4), 4)]


def max_age_d(object_class: str, context: Context) -> float:
    """Days that a survey or record of a class is good for (row of use record, else D03's)."""
    role = object_class.partition(":")[0]
    rows = [row for row in record_rows(context) if not row.applies_if]
    for wanted in (object_class, role, "*"):
        days = [row.days() for row in rows if row.object_class == wanted]
        if days:
            return min(days)
    return context.standards.parameter("D03.max_age_days", role).days()


def record_rows(context: Context) -> list[Standard]:
    """Rows on how often records have to be updated: they make no visit due, so their use is `record`."""
    return [
        row
        for row in context.standards.in_force("record_update")
        if row.use in ("record", "rule") and row.confidence in ON
    ]


def _latest(at: np.ndarray, days: np.ndarray, count: int) -> np.ndarray:
    """Latest day of each group, shape (count,)."""
    latest = np.full(count, NO_DAY)
    np.maximum.at(latest, at, days)
    return latest


def _dates(role: str, context: Context) -> np.ndarray:
    """Latest of updated_on and captured_on of each record, microseconds UTC, shape (n,)."""
    rows = context.subject(role).rows
    latest = np.full(len(rows), NO_DAY)
    for field in ("updated_on", "captured_on"):
        if field in rows and isinstance(rows[field].dtype, pd.DatetimeTZDtype):
            latest = np.maximum(latest, micros_of(rows[field]))
    return latest


def filled_records(role: str, context: Context) -> Optional[np.ndarray]:
    """Share of the required fields that each record fills (indicators 2.1), shape (n,); None: no list."""
    row = context.standards.optional("D01.required_fields", role)
    if row is None or row.object_class == "*":
        return None
    return filled_share(role, row.value, context)


def filled_share(role: str, fields: str, context: Context) -> np.ndarray:
    """Share of the fields asked for that each record fills; of fields joined by a slash one is enough.

    The last repair is asked for from an age on, as D01 does.
    """
    rows = context.subject(role).rows
    filled, asked = np.zeros(len(rows)), np.zeros(len(rows))
    for word in fields.split("|"):
        names = [name for name in word.split("/") if name in rows]
        some = [rows[name].notna().to_numpy(dtype=bool) for name in names]
        needed = np.ones(len(rows), dtype=bool)
        if word == "last_repair_date":
            needed = context.age(role) >= context.number("D01.repair_from_age_a", role)
        filled += needed & np.logical_or.reduce(some) if some else 0
        asked += needed
    return np.divide(filled, asked, out=np.ones(len(rows)), where=asked > 0)
