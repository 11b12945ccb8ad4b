"""The coverage ledger: what was looked at in each cell, class by class (indicators 1)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, Optional
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import shapely

from ..model.ledger import LedgerRow
from ..model.vocabulary import component_classes, maps_to
from .city import usable
from .classes import class_codes
from .coverage import SLACK_M
from .findings import anchor_places
from .grid import CELL_M
from .squares import pieces_per_square
from .standards import ON, Standard

if TYPE_CHECKING:
    from .context import Context

STATES = ("never_surveyed", "stale", "verified_empty", "surveyed_complete", "surveyed_partial")
ROLES = ("housing", "pipes", "components", "neglected", "roads", "water")
OUTSIDE = -1
_BLOCK_M = 2000
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
    """The ledger of a city: its cells, and each class of which there is a record or a survey."""

    codes: np.ndarray
    outlines: np.ndarray
    classes: dict[str, ClassLedger]

    @cached_property
    def _place(self) -> pd.Index:
        return pd.Index(self.codes)

    def never_surveyed(self, object_class: str, codes: np.ndarray) -> np.ndarray:
        """Whether each cell was never surveyed for a class, shape (n,); False where the code is None."""
        at = self._place.get_indexer(pd.Index(codes, dtype=object))
        known = self.classes.get(object_class)
        seen = np.array([], dtype="int64") if known is None else known.cell[known.state != STATES[0]]
        return np.asarray((at >= 0) & ~np.isin(at, seen))


def cells_in_units(book: Ledger, level: str, context: Context) -> np.ndarray:
    """Row label in `Units.rows` of the unit of a level that holds the centre of each cell, -1: none."""
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
    codes, outlines = context.grid.all_cells()
    cells = _Cells(context, codes, outlines)
    surveys = SurveySheets(context)
    classes = {}
    for role in ROLES:
        context.check_cancelled()
        facts = _Facts(_dates(role, context), filled_records(role, context))
        for object_class, mine in _classes_of(role, context, surveys):
            classes[object_class] = _class_ledger(object_class, mine, facts, cells, surveys, context)
    return Ledger(codes, outlines, classes)


def _classes_of(role: str, context: Context, surveys: SurveySheets) -> Iterator[tuple[str, np.ndarray]]:
    """Classes of a role with at least one record or survey, and the rows of each."""
    table = context.city.table(role)
    if role not in _WORD_ROLES:
        if len(table) or surveys.of(role).any():
            yield role, np.arange(len(table))
        return
    words = pd.Series(class_codes(role, table), dtype=object)
    if role == "components":
        words = words.map(component_classes()).fillna(words)
    rows = words.groupby(words).indices
    named = [word for word in surveys.words() if of_role(word, role)]
    for word in sorted({*rows, *named}):
        yield f"{role}:{word}", np.asarray(rows.get(word, np.array([], dtype="int64")))


def of_role(word: str, role: str) -> bool:
    """Whether a survey's class word is a class of a role with classes."""
    mapped = maps_to("class_code").get(word, "")
    return (mapped.partition(":")[0] == role and ":" in mapped) or (
        role == "components" and word in maps_to("components.class_code")
    )


def ledger_rows(book: Ledger, tz: ZoneInfo) -> Iterator[LedgerRow]:
    """What of a ledger is not never_surveyed, and a row ``*`` for what lies outside all cells."""
    for known in book.classes.values():
        newest = pd.Series(known.newest).dt.tz_localize("UTC").dt.tz_convert(str(tz))
        days = newest.map(lambda moment: None if moment is pd.NaT else moment.isoformat(timespec="seconds"))
        columns = (
            book.codes[known.cell].tolist(),
            [known.class_code] * len(known.cell),
            known.state.tolist(),
            known.records.tolist(),
            _or_none(known.length_m),
            known.covered.tolist(),
            days.astype(object).where(days.notna(), None).tolist(),
            _or_none(known.completeness),
        )
        yield from map(LedgerRow._make, zip(*columns))
        if known.outside_records:
            length = known.outside_length_m or None
            yield LedgerRow("*", known.class_code, STATES[4], known.outside_records, length, None, None, None)


def _or_none(values: np.ndarray) -> list[Optional[float]]:
    return [None if value != value else value for value in values.tolist()]


class _Facts(NamedTuple):
    """Of each record of a role: latest date, and share of the required fields it fills (None: no list)."""

    dates: np.ndarray
    filled: Optional[np.ndarray]


def _class_ledger(
    object_class: str, rows: np.ndarray, facts: _Facts, cells: _Cells, surveys: SurveySheets, context: Context
) -> ClassLedger:
    role = object_class.partition(":")[0]
    record, cell, metres = cells.shares(role, rows)
    inside = cell != OUTSIDE
    size = len(cells.codes)
    of_record, of_cell = np.divmod(_distinct(record[inside] * size + cell[inside]), max(size, 1))
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
        np.where(newest == _NO_DAY, np.datetime64("NaT"), newest.astype("datetime64[us]")),
        complete,
        int(len(rows) - np.count_nonzero(np.bincount(of_record, minlength=len(rows)))),
        float(np.nansum(metres[~inside])),
    )


_NO_DAY = np.iinfo("int64").min


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
        (newest != _NO_DAY) & (newest < limit),
        (count == 0) & (looked >= full),
        (count > 0) & (covered >= full) & enough,
    ]
    return np.select(tests, STATES[:4], STATES[4]).astype(object)


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
    latest = np.full(count, _NO_DAY)
    np.maximum.at(latest, at, days)
    return latest


def _dates(role: str, context: Context) -> np.ndarray:
    """Latest of updated_on and captured_on of each record, microseconds UTC, shape (n,)."""
    rows = context.subject(role).rows
    latest = np.full(len(rows), _NO_DAY)
    for field in ("updated_on", "captured_on"):
        if field in rows and isinstance(rows[field].dtype, pd.DatetimeTZDtype):
            latest = np.maximum(latest, _micros(rows[field]))
    return latest


def _micros(times: pd.Series) -> np.ndarray:
    """Microseconds UTC, the least integer for null."""
    moments = times.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy().astype("datetime64[us]")
    return np.where(np.isnat(moments), _NO_DAY, moments.astype("int64"))


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


class SurveySheets:
    """Where and when somebody looked for what, surveys after T left out."""

    def __init__(self, context: Context) -> None:
        table = context.city.table("surveys")
        kept = usable(table.geometry) & ~(table["captured_on"] > pd.Timestamp(context.at)).to_numpy(
            dtype=bool
        )
        table = table[kept]
        self.shapes = shapely.make_valid(table.geometry.to_numpy())
        self.days = _micros(table["captured_on"])
        self.looked_for = table["looked_for"].fillna(False).to_numpy(dtype=bool)
        self._words = table["class_code"].astype(object).to_numpy()

    def words(self) -> set[str]:
        """The class words that surveys name."""
        return {word for word in self._words.tolist() if isinstance(word, str)}

    def of(self, object_class: str) -> np.ndarray:
        """Which surveys looked for a class: they name it, its role or ``*``, shape (s,)."""
        role, _, word = object_class.partition(":")
        named = {object_class, role, "*", word or role}
        if role == "components":
            named |= {code for code, ours in component_classes().items() if ours == word}
        return (
            np.isin(self._words.astype(str), sorted(named)) if len(self._words) else np.zeros(0, dtype=bool)
        )


class _Cells:
    """The cells of the study area, and how objects and surveys share them."""

    def __init__(self, context: Context, codes: np.ndarray, outlines: np.ndarray) -> None:
        self._context = context
        self.codes = codes
        self._outlines = outlines
        self._bounds = shapely.bounds(outlines)
        self._areas = shapely.area(outlines)
        self._covers: dict[bytes, np.ndarray] = {}
        self._reached: dict[int, np.ndarray] = {}
        self._square = not context.grid.is_official
        corner = (
            np.floor(self._bounds[:, :2] / CELL_M + 0.5).astype("int64") if len(codes) else np.zeros((0, 2))
        )
        self._keys = _square_keys(*corner.T)
        self._order = np.argsort(self._keys)

    @cached_property
    def _tree(self) -> shapely.STRtree:
        return shapely.STRtree(self._outlines)

    def shares(self, role: str, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Which rows lie in which cell: place in `rows`, cell (`OUTSIDE` for none), metres (NaN: no line)."""
        table = self._context.city.table(role)
        shapes = table.geometry.to_numpy()[rows]
        placed = np.flatnonzero(usable(table.geometry.iloc[rows]))
        dimension = shapely.get_dimensions(shapes[placed])
        parts = [
            self._points_in(placed[dimension == 0], shapes),
            self._lines_in(placed[dimension == 1], shapes),
            self._areas_in(placed[dimension == 2], shapes),
        ]
        record, cell, metres = (np.concatenate(column) for column in zip(*parts))
        return record.astype("int64"), cell.astype("int64"), metres

    def _of_squares(self, column: np.ndarray, row: np.ndarray) -> np.ndarray:
        """Cell of each square of the grid, `OUTSIDE` where it is none of the study area."""
        keys = _square_keys(column, row)
        if not len(self._keys):
            return np.full(len(keys), OUTSIDE)
        at = np.searchsorted(self._keys, keys, sorter=self._order)
        at = self._order[np.minimum(at, len(self._order) - 1)]
        return np.where(self._keys[at] == keys, at, OUTSIDE)

    def _points_in(self, at: np.ndarray, shapes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        points = shapely.point_on_surface(shapes[at])
        if self._square:
            x, y = np.floor(shapely.get_coordinates(points) / CELL_M).astype("int64").reshape(-1, 2).T
            cell = self._of_squares(x, y)
        else:
            point, found = self._tree.query(points, predicate="intersects")
            cell = np.full(len(points), len(self.codes))
            np.minimum.at(cell, point, found)
            cell[cell == len(self.codes)] = OUTSIDE
        return at, cell, np.full(len(at), np.nan)

    def _lines_in(self, at: np.ndarray, shapes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        lines = shapes[at]
        if self._square:
            column, row, line, metres = pieces_per_square(lines, CELL_M, self._context.check_cancelled)
            other, beside = self._along_borders(lines)
            cells = np.concatenate([self._of_squares(column, row), beside])
            return at[np.concatenate([line, other])], cells, np.concatenate([metres, np.zeros(len(beside))])
        line, cell = self._tree.query(lines, predicate="intersects")
        metres = shapely.length(shapely.intersection(lines[line], self._outlines[cell]))
        line, cell, metres = line[metres > 0], cell[metres > 0], metres[metres > 0]
        rest = shapely.length(lines) - np.bincount(line, weights=metres, minlength=len(lines))
        out = np.flatnonzero(rest > 1e-9 * np.maximum(shapely.length(lines), 1))
        return (
            np.concatenate([at[line], at[out]]),
            np.concatenate([cell, np.full(len(out), OUTSIDE)]),
            np.concatenate([metres, rest[out]]),
        )

    def _along_borders(self, lines: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Lines that run along a border of squares, and the square west or south of it: it holds them too."""
        places, line = shapely.get_coordinates(lines, return_index=True)
        found = [(np.array([], dtype="int64"), np.array([], dtype="int64"))]
        for axis in (0, 1):
            on = (line[1:] == line[:-1]) & (places[1:, axis] == places[:-1, axis])
            on &= (places[1:, axis] % CELL_M == 0) & (places[1:, 1 - axis] != places[:-1, 1 - axis])
            piece = np.flatnonzero(on)
            ends = np.stack([places[piece], places[piece + 1]], axis=1)
            ends[:, :, axis] -= CELL_M / 2
            column, row, at, _ = pieces_per_square(shapely.linestrings(ends), CELL_M)
            cell = self._of_squares(column, row)
            found.append((line[piece[at[cell != OUTSIDE]]], cell[cell != OUTSIDE]))
        records, cells = zip(*found)
        return np.concatenate(records), np.concatenate(cells)

    def _areas_in(self, at: np.ndarray, shapes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        areas = shapes[at]
        area, cell, sure = self._candidates(areas)
        unsure = np.flatnonzero(~sure)
        asked = areas[area[unsure]]
        crossed = ~shapely.is_valid(asked)
        asked[crossed] = shapely.make_valid(asked[crossed])
        shared = shapely.area(shapely.intersection(asked, self._outlines[cell[unsure]]))
        sure[unsure[shared > 0]] = True
        area, cell = area[sure], cell[sure]
        out = np.setdiff1d(np.arange(len(areas)), area)
        cells = np.concatenate([cell, np.full(len(out), OUTSIDE)])
        return at[np.concatenate([area, out])], cells, np.full(len(cells), np.nan)

    def _candidates(self, areas: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Areas and cells whose bounds meet, and whether they surely share more than a border.

        What reaches over one border only has something on both sides of it.
        """
        if not self._square:
            area, cell = self._tree.query(areas)
            return area, cell, np.zeros(len(area), dtype=bool)
        west, south, east, north = shapely.bounds(areas).reshape(-1, 4).T
        left, low = (np.floor(values / CELL_M).astype("int64") for values in (west, south))
        right, high = (np.ceil(values / CELL_M).astype("int64") - 1 for values in (east, north))
        wide, tall = np.maximum(right - left, 0) + 1, np.maximum(high - low, 0) + 1
        number = wide * tall
        area = np.repeat(np.arange(len(areas)), number)
        step = np.arange(len(area)) - np.repeat(np.cumsum(number) - number, number)
        column, row = left[area] + step % wide[area], low[area] + step // wide[area]
        cell = self._of_squares(column, row)
        met = cell != OUTSIDE
        return area[met], cell[met], (number[area] <= 2)[met]

    def cover(self, shapes: np.ndarray, mine: np.ndarray) -> np.ndarray:
        """Share of each cell that the union of some surveys covers, shape (c,)."""
        known = mine.tobytes()
        if known not in self._covers:
            self._covers[known] = self._cover(shapes[mine])
        return self._covers[known]

    def _cover(self, shapes: np.ndarray) -> np.ndarray:
        share = np.zeros(len(self.codes))
        union = shapely.union_all(shapes)
        if union.is_empty or not len(share):
            return share
        shapely.prepare(union)
        near = self._within_bounds(union.bounds)
        near = near[shapely.intersects(union, self._outlines[near])]
        whole = shapely.covers(union, self._outlines[near])
        share[near[whole]] = 1.0
        edge = near[~whole]
        share[edge] = self._shared_area(union, edge) / self._areas[edge]
        return share

    def _shared_area(self, shape: shapely.Geometry, cells: np.ndarray) -> np.ndarray:
        """Area that some cells share with a geometry: it is cut into blocks first, as it may be large."""
        bounds = self._bounds[cells]
        blocks = _square_keys(*np.floor(bounds[:, :2] / _BLOCK_M).T)
        order = np.argsort(blocks, kind="stable")
        first = np.flatnonzero(np.diff(blocks[order], prepend=blocks[order][:1] - 1))
        low = np.minimum.reduceat(bounds[order, :2], first) if len(first) else bounds[:, :2]
        high = np.maximum.reduceat(bounds[order, 2:], first) if len(first) else bounds[:, 2:]
        pieces = shapely.intersection(shape, shapely.box(*low.T, *high.T))
        block = np.repeat(np.arange(len(first)), np.diff(first, append=len(order)))
        shared = np.zeros(len(cells))
        shared[order] = shapely.area(shapely.intersection(self._outlines[cells[order]], pieces[block]))
        return shared

    def _within_bounds(self, bounds: tuple[float, ...]) -> np.ndarray:
        west, south, east, north = self._bounds.T
        meets = (west <= bounds[2]) & (south <= bounds[3]) & (east >= bounds[0]) & (north >= bounds[1])
        return np.flatnonzero(meets)

    def latest_survey(
        self, shapes: np.ndarray, days: np.ndarray, mine: np.ndarray, known: np.ndarray
    ) -> np.ndarray:
        """Latest day of the surveys that share an area with each known cell, shape (k,)."""
        latest = np.full(len(self.codes), _NO_DAY)
        for at in np.flatnonzero(mine):
            touched = self._touched(int(at), shapes[at])
            latest[touched] = np.maximum(latest[touched], days[at])
        return latest[known]

    def _inner(self, cells: np.ndarray) -> np.ndarray:
        """Outlines drawn in by rounding noise: what meets them shares more than a border."""
        if not self._square:
            return np.asarray(shapely.buffer(self._outlines[cells], -SLACK_M, quad_segs=1))
        low, high = self._bounds[cells, :2] + SLACK_M, self._bounds[cells, 2:] - SLACK_M
        return np.asarray(shapely.box(*low.T, *high.T))

    def _touched(self, at: int, shape: shapely.Geometry) -> np.ndarray:
        """Cells that share an area with a survey."""
        if at not in self._reached:
            shapely.prepare(shape)
            near = self._within_bounds(shape.bounds)
            near = near[shapely.intersects(shape, self._outlines[near])]
            edge = np.flatnonzero(~shapely.covers(shape, self._outlines[near]))
            bare = edge[~shapely.intersects(shape, self._inner(near[edge]))]
            self._reached[at] = np.delete(near, bare)
        return self._reached[at]


def _square_keys(column: np.ndarray, row: np.ndarray) -> np.ndarray:
    """One number for each square."""
    return np.asarray(np.asarray(column, dtype="int64") * (1 << 32) + np.asarray(row, dtype="int64"))
