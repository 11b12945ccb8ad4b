"""The pipe matrix, class x kind x unit, and the old stock by decade; parts add up to their totals."""

from __future__ import annotations

from typing import NamedTuple, Optional

import numpy as np
import pandas as pd
import shapely

from ..model.roles import BOUNDARY_LEVELS
from ..model.tables import read_table
from .amounts import CM2_PER_M2, MM_PER_M, floor_areas, lengths_mm, stretches
from .areas import unit_of
from .city import usable
from .context import Context
from .surveys import NO_DAY, SurveySheets, micros_of

EVERYWHERE = "*"
"""Area code of what no unit of the level holds; of everything, where there are no units."""
ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "kind": ("kind_code",),
    "material": ("material_code",),
    "size": ("diameter_mm", "section_mm"),
    "depth": ("depth_m",),
    "year": ("laid_year",),
    "burial": ("burial_method",),
    "owner": ("owner",),
}
"""Attributes of a pipe and the fields of which one is enough."""
STATES = ("recorded", "expected_none", "none")
MATRIX_COLUMNS = (
    "level",
    "area_code",
    "class_code",
    "kind_code",
    "paper_kind_no",
    "state",
    "records",
    "length_m",
    *(f"{name}_known" for name in ATTRIBUTES),
    "mean_age_a",
    "newest_survey",
)
STOCK_COLUMNS = (
    "role",
    "level",
    "area_code",
    "class_code",
    "decade",
    "records",
    "length_m",
    "floor_area_m2",
    "estimated_m2",
    "without_area",
)


class _Split(NamedTuple):
    """What of a role lies in which area of a level: objects by representative point, lines by length.

    `codes`: of the areas, the last one is what lies in none; `place`: area of each object, shape (n,);
    `line`, `area`, `mm`: the stretches, shape (k,).
    """

    level: str
    codes: list[str]
    place: np.ndarray
    line: np.ndarray
    area: np.ndarray
    mm: np.ndarray


def _splits(role: str, context: Context, with_lengths: bool) -> list[_Split]:
    """One split for each level of units there is; without units all is in one area ``*``."""
    levels = [level for level in BOUNDARY_LEVELS if len(context.units.of_level(level))]
    if not levels:
        mm = lengths_mm(role, context) if with_lengths else np.zeros(0, dtype="int64")
        line = np.flatnonzero(mm > 0)
        nowhere = np.zeros(len(context.city.table(role)), dtype="int64")
        return [_Split(BOUNDARY_LEVELS[0], [EVERYWHERE], nowhere, line, nowhere[line], mm[line])]
    none = np.zeros(0, dtype="int64")
    splits = []
    for level in levels:
        context.check_cancelled()
        units = context.units.of_level(level)
        place = _numbered(unit_of(context, role, level), units)
        line, unit, mm = stretches(role, level, context) if with_lengths else (none, none, none)
        splits.append(_Split(level, [*units["code"], EVERYWHERE], place, line, _numbered(unit, units), mm))
    return splits


def _numbered(labels: np.ndarray, units: pd.DataFrame) -> np.ndarray:
    """Place of each row label of `Units.rows` among some units, their number for none."""
    at = pd.Index(units.index).get_indexer(labels)
    return np.where(at < 0, len(units), at).astype("int64")


def pipe_matrix(context: Context) -> pd.DataFrame:
    """Pipes by class, kind and unit, and the classes that are expected and not recorded.

    Returns
    -------
    DataFrame
        `MATRIX_COLUMNS`, one row for each unit of city, district and subdistrict, class and kind of
        pipe_classes.csv; further rows for pipes whose kind (class) is not recorded, their kind_code
        (class_code) null, where there are any or the class is expected. `paper_kind_no` is the number of
        the kind among the 23 of the paper, null outside them. `records` counts by representative
        point, `length_m` is the length inside the unit, on the ellipsoid; ``*`` holds what is in no unit.
        ``*_known``: share of that length whose attribute is recorded, NaN without length.
        `mean_age_a`: years, by length, over pipes with a year. `newest_survey`: UTC, latest captured_on or
        assessed_on of its pipes, or survey of the class in the unit.
        `state`: recorded; expected_none where a class of which S01 asks the reach has no pipe in a unit
        with a building; none else. The rows of a level add up to all pipes, to the millimetre.
    """
    kinds = _Kinds(context)
    known = _known(context)
    age = context.age("pipes")
    newest = _newest_look(context)
    parts = []
    for split in _splits("pipes", context, with_lengths=True):
        frame = _measured(split, kinds, known, age, newest)
        parts.append(_with_expected(_with_surveys(frame, split, context), split, context))
    frame = pd.concat(parts, ignore_index=True)
    pairs = list(zip(frame["class_code"], frame["kind_code"]))
    frame["paper_kind_no"] = pd.array([kinds.paper.get(pair, pd.NA) for pair in pairs], dtype="Int64")
    order = {pair: at for at, pair in enumerate(kinds.order)}
    frame["at"] = [order.get(pair, len(order)) for pair in pairs]
    frame["rank"] = frame["level"].map(BOUNDARY_LEVELS.index)
    frame = frame.sort_values(["rank", "area_code", "class_code", "at", "kind_code"], kind="stable")
    return frame[list(MATRIX_COLUMNS)].reset_index(drop=True)


class _Kinds:
    """The kinds of pipes, and which one each pipe is of."""

    def __init__(self, context: Context) -> None:
        table = read_table("pipe_classes")
        self.paper = {
            (row["class_code"], row["kind_code"]): int(row["paper_kind_no"])
            for row in table
            if row["paper_kind_no"]
        }
        self.order: list[tuple[Optional[str], Optional[str]]] = [
            (row["class_code"], row["kind_code"]) for row in table
        ]
        rows = context.subject("pipes").rows
        code, classes = pd.factorize(rows["class_code"])
        kind, kinds = pd.factorize(rows["kind_code"])
        codes, found = pd.factorize((code + 1) * (len(kinds) + 1) + kind + 1)
        named = [(None, *classes), (None, *kinds)]
        given = [(named[0][at // len(named[1])], named[1][at % len(named[1])]) for at in found.tolist()]
        bare = [(code, None) for code in dict.fromkeys(code for code, _ in self.order)]
        self.pairs = list(dict.fromkeys([*self.order, *bare, *given]))
        place = {pair: at for at, pair in enumerate(self.pairs)}
        self.of_pipe = np.array([place[pair] for pair in given], dtype="int64")[codes]


def _known(context: Context) -> dict[str, np.ndarray]:
    """Whether each pipe has each attribute recorded."""
    rows = context.subject("pipes").rows
    return {
        name: np.logical_or.reduce([rows[field].notna().to_numpy(dtype=bool) for field in fields])
        for name, fields in ATTRIBUTES.items()
    }


def _newest_look(context: Context) -> np.ndarray:
    """Latest of captured_on and assessed_on of each pipe, microseconds UTC, shape (n,)."""
    rows = context.subject("pipes").rows
    return np.max([micros_of(rows[field]) for field in ("captured_on", "assessed_on")], axis=0)


def _measured(
    split: _Split, kinds: _Kinds, known: dict[str, np.ndarray], age: np.ndarray, newest: np.ndarray
) -> pd.DataFrame:
    """Sums of every area and kind, also of those without a pipe."""
    width = len(kinds.pairs)
    cells = len(split.codes) * width
    key = split.area * width + kinds.of_pipe[split.line]
    mm = _sums(key, split.mm, cells)
    records = np.bincount(split.place * width + kinds.of_pipe, minlength=cells)
    frame = pd.DataFrame(
        {
            "level": split.level,
            "area_code": np.repeat(np.array(split.codes, dtype=object), width),
            "class_code": [pair[0] for pair in kinds.pairs] * len(split.codes),
            "kind_code": [pair[1] for pair in kinds.pairs] * len(split.codes),
            "records": records,
            "length_m": mm / MM_PER_M,
        }
    )
    frame[["class_code", "kind_code"]] = frame[["class_code", "kind_code"]].astype(object)
    for name, has in known.items():
        frame[f"{name}_known"] = _ratio(_sums(key, split.mm * has[split.line], cells), mm)
    aged = ~np.isnan(age[split.line])
    years = np.where(aged, age[split.line], 0.0).astype("int64")
    frame["mean_age_a"] = _ratio(_sums(key, split.mm * years, cells), _sums(key, split.mm * aged, cells))
    latest = np.full(cells, NO_DAY)
    np.maximum.at(latest, key, newest[split.line])
    frame["newest_survey"] = latest
    return frame


def _sums(key: np.ndarray, amounts: np.ndarray, count: int) -> np.ndarray:
    """Sum of whole numbers by key: exact, so that order and grouping change nothing."""
    total = np.zeros(count, dtype="int64")
    np.add.at(total, key, amounts.astype("int64"))
    return total


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)


def _with_surveys(frame: pd.DataFrame, split: _Split, context: Context) -> pd.DataFrame:
    """With the latest survey of each class that shares an area with the unit."""
    sheets = SurveySheets(context)
    unit, sheet = _surveyed_units(sheets, split, context)
    latest = frame["newest_survey"].to_numpy().copy()
    codes = frame["class_code"].to_numpy(dtype=object)
    area = pd.Index(split.codes).get_indexer(frame["area_code"])
    for code in [word for word in pd.unique(codes) if word is not None]:
        days = np.full(len(split.codes), NO_DAY)
        mine = sheets.of(f"pipes:{code}")[sheet]
        np.maximum.at(days, unit[mine], sheets.days[sheet[mine]])
        here = codes == code
        latest[here] = np.maximum(latest[here], days[area[here]])
    times = np.where(latest == NO_DAY, np.datetime64("NaT", "us"), latest.astype("datetime64[us]"))
    return frame.assign(newest_survey=pd.to_datetime(times, utc=True))


def _surveyed_units(sheets: SurveySheets, split: _Split, context: Context) -> tuple[np.ndarray, np.ndarray]:
    """Areas of a split and the surveys that share ground with them."""
    if split.codes == [EVERYWHERE]:
        return np.zeros(len(sheets.shapes), dtype="int64"), np.arange(len(sheets.shapes))
    outlines = shapely.make_valid(context.units.of_level(split.level).geometry.to_numpy())
    unit, sheet = shapely.STRtree(sheets.shapes).query(outlines, predicate="intersects")
    met = shapely.area(shapely.intersection(outlines[unit], sheets.shapes[sheet])) > 0
    return unit[met], sheet[met]


def _with_expected(frame: pd.DataFrame, split: _Split, context: Context) -> pd.DataFrame:
    """With `state`; rows without kind or class that tell nothing are left out."""
    expected = [row.object_class.partition(":")[2] for row in context.standards.named("S01.reach_m")]
    recorded = (frame["records"] > 0) | (frame["length_m"] > 0)
    sums = recorded.groupby([frame["area_code"], frame["class_code"]]).transform("any")
    lacks = (
        frame["class_code"].isin(expected)
        & frame["kind_code"].isna()
        & ~sums.fillna(True).astype(bool)
        & frame["area_code"].isin(_built_areas(split, context))
    )
    state = np.select([recorded, lacks], STATES[:2], STATES[2]).astype(object)
    kept = recorded | lacks | (frame["kind_code"].notna() & (frame["area_code"] != EVERYWHERE))
    if split.codes == [EVERYWHERE]:
        kept |= frame["kind_code"].notna()
    return frame.assign(state=state)[kept.to_numpy(dtype=bool)]


def _built_areas(split: _Split, context: Context) -> set[str]:
    """Areas with a building: there pipes are expected. What is in no unit expects none."""
    if split.codes == [EVERYWHERE]:
        return {EVERYWHERE} if usable(context.city.table("housing").geometry).any() else set()
    units = context.units.of_level(split.level)
    held = unit_of(context, "housing", split.level)
    return set(units["code"].reindex(np.unique(held[held >= 0])))


def stock_by_decade(context: Context) -> pd.DataFrame:
    """Housing and pipes by unit, class and decade in which they were made.

    Returns
    -------
    DataFrame
        `STOCK_COLUMNS`, one row for each role, unit of city, district and subdistrict, class and decade
        with a record. `decade` is its first year, null where the year is not recorded; `class_code` is
        housing, old_housing (of housing, those within the scope of renewal) or the class of pipes.
        housing and old_housing have no object in common. `records` by representative point; `length_m` of
        pipes inside the unit; `floor_area_m2` of housing, of which `estimated_m2` are outline x floors, and
        to which `without_area` records add nothing, as theirs is not known.
        ``*`` holds what is in no unit; the rows of a level add up to the whole stock, to the millimetre and
        square centimetre.
    """
    parts = [*_housing_stock(context), *_pipe_stock(context)]
    frame = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(STOCK_COLUMNS))
    frame["decade"] = frame["decade"].astype("Int64")
    frame["rank"] = frame["level"].map(BOUNDARY_LEVELS.index)
    order = ["role", "rank", "area_code", "class_code", "decade"]
    return frame.sort_values(order, kind="stable", ignore_index=True)[list(STOCK_COLUMNS)]


def _decades(context: Context, role: str, field: str) -> pd.Series:
    years = context.subject(role).rows[field].to_numpy(dtype="float64")
    return pd.Series(np.floor(years / 10) * 10)


def _housing_stock(context: Context) -> list[pd.DataFrame]:
    if not context.city.has("housing"):
        return []
    areas = context.once(floor_areas)
    frame = pd.DataFrame(
        {
            "class_code": np.where(context.is_old_housing, "old_housing", "housing").astype(object),
            "decade": _decades(context, "housing", "built_year"),
            "records": 1,
            "cm2": areas.cm2,
            "guess": np.where(areas.is_estimated, areas.cm2, 0),
            "without_area": (~areas.is_known).astype("int64"),
        }
    )
    parts = []
    for split in _splits("housing", context, with_lengths=False):
        amounts = ["records", "cm2", "guess", "without_area"]
        sums = _grouped(frame.assign(area=split.place), amounts, split, "housing")
        sums["floor_area_m2"] = sums.pop("cm2") / CM2_PER_M2
        sums["estimated_m2"] = sums.pop("guess") / CM2_PER_M2
        parts.append(sums.assign(length_m=np.nan))
    return parts


def _pipe_stock(context: Context) -> list[pd.DataFrame]:
    if not context.city.has("pipes"):
        return []
    rows = context.subject("pipes").rows
    words = rows["class_code"].astype(object)
    pipes = pd.DataFrame(
        {
            "class_code": words.where(words.notna(), None).to_numpy(),
            "decade": _decades(context, "pipes", "laid_year"),
        }
    )
    parts = []
    for split in _splits("pipes", context, with_lengths=True):
        counted = pipes.assign(area=split.place, records=1, mm=0)
        measured = pipes.iloc[split.line].assign(area=split.area, records=0, mm=split.mm)
        both = pd.concat([counted, measured], ignore_index=True)
        sums = _grouped(both, ["records", "mm"], split, "pipes")
        sums["length_m"] = sums.pop("mm") / MM_PER_M
        parts.append(sums.assign(floor_area_m2=np.nan, estimated_m2=np.nan, without_area=0))
    return parts


def _grouped(frame: pd.DataFrame, amounts: list[str], split: _Split, role: str) -> pd.DataFrame:
    groups = frame.groupby(["area", "class_code", "decade"], dropna=False, sort=True)
    sums = groups[amounts].sum().reset_index()
    codes = np.array(split.codes, dtype=object)[sums.pop("area").to_numpy(dtype="int64")]
    return sums.assign(role=role, level=split.level, area_code=codes)
