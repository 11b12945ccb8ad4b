"""Official totals against the sum of the records, total by total (indicators 3)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple, Optional

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from ..model.roles import OBJECT_LAYERS
from ..model.vocabulary import component_classes, maps_to
from .amounts import (
    CM2_PER_M2,
    MM_PER_M,
    OUTSIDE,
    Areas,
    floor_areas,
    lengths_mm,
    outline_areas,
    stretches,
)
from .areas import unit_of
from .classes import of_class
from .context import Context
from .units import ALL_LEVELS

EVERYWHERE = "*"
"""Area code of a total of the whole city."""
OLD_HOUSING = "old_housing"
_AREA_WORDS = {"m2": 1.0, "m²": 1.0, "㎡": 1.0, "平方米": 1.0, "平米": 1.0, "ha": 1e4, "公顷": 1e4}
_AREA_WORDS |= {"km2": 1e6, "km²": 1e6, "平方公里": 1e6, "平方千米": 1e6}
_LENGTH_WORDS = {"m": 1.0, "米": 1.0, "km": 1e3, "公里": 1e3, "千米": 1e3}
_COUNTED = ("", "1", "个", "座", "栋", "幢", "盏", "人", "条", "处", "count", "persons")
_COUNT_WORDS = dict.fromkeys(_COUNTED, 1.0)
_WORDS = {
    "floor_area": _AREA_WORDS,
    "footprint": _AREA_WORDS,
    "length": _LENGTH_WORDS,
    "count": _COUNT_WORDS,
    "population": _COUNT_WORDS,
}
_UNITS = {"floor_area": "m2", "footprint": "m2", "length": "m"}
_TIMES = {"": 1.0, "千": 1e3, "万": 1e4, "百万": 1e6, "亿": 1e8}

COLUMNS = (
    "measure",
    "class_code",
    "role",
    "area_code",
    "official",
    "recorded",
    "unit",
    "ratio",
    "gap",
    "result",
    "estimated_share",
    "without_floors",
    "without_amount",
    "duplicates",
    "duplicate_amount",
    "unexplained",
    "source",
    "as_of",
    "untested",
)


class _Total(NamedTuple):
    """An official total in the base unit of its measure (m², m, 1)."""

    measure: str
    class_code: str
    area_code: str
    official: float
    source: str
    as_of: Any


class _Sum(NamedTuple):
    """What the records of a class in an area add up to, in the base unit."""

    recorded: float
    estimated: float = 0.0
    without_floors: int = 0
    without_amount: int = 0
    duplicates: int = 0
    duplicate_amount: float = 0.0


class Untestable(Exception):
    """Why a total can't be compared."""


def reconcile(context: Context) -> gpd.GeoDataFrame:
    """Every official total beside the sum of the records, those that match too.

    Totals dated after T are left out; those of the paper are added where the units hold the whole of
    Shanghai and no total of that measure and class is given for it. Duplicates are those D04 found
    earlier in this run.

    Returns
    -------
    GeoDataFrame
        One row a total with `COLUMNS` and the area's outline. `recorded` S and `official` O in the base
        unit; `ratio` = S / O, `gap` = O - S; `result` is short, match or over; `estimated_share` is the
        part of S that is outline x floors (indicators 3), `without_floors` the buildings of it counted
        with one floor, `without_amount` the records that add nothing for lack of an area or length.
        `duplicates` records that D04 has twice bring `duplicate_amount`; `unexplained` = O - S +
        duplicate_amount. Where a total can't be compared all that is null and `untested` says why.
    """
    sums = _Sums(context)
    rows = []
    for total, error in _totals(context):
        context.check_cancelled()
        rows.append(_row(total, error, sums, context))
    frame = pd.DataFrame([row for row, _ in rows], columns=list(COLUMNS))
    shapes = gpd.GeoSeries([shape for _, shape in rows], crs=context.city.crs, dtype="geometry")
    frame = gpd.GeoDataFrame(frame, geometry=shapes, crs=context.city.crs)
    order = ["area_code", "measure", "class_code", "as_of", "source", "official"]
    return frame.sort_values(order, kind="stable", na_position="first", ignore_index=True)


def _row(
    total: _Total, error: Optional[str], sums: _Sums, context: Context
) -> tuple[dict[str, Any], Optional[shapely.Geometry]]:
    row: dict[str, Any] = {**total._asdict(), "unit": _UNITS.get(total.measure, "1"), "untested": error}
    shape = None
    if error is None:
        try:
            row["role"], found = sums.of(total)
            shape = sums.outline(total.area_code)
            row |= _compared(total.official, found, context)
        except Untestable as reason:
            row["untested"] = str(reason)
    return row, shape


def _compared(official: float, found: _Sum, context: Context) -> dict[str, Any]:
    ratio = found.recorded / official
    off = deviation(ratio)
    result = "match" if off <= context.number("D06.tolerance") else "short" if ratio < 1 else "over"
    return {
        "recorded": found.recorded,
        "ratio": ratio,
        "gap": official - found.recorded,
        "result": result,
        "estimated_share": found.estimated / found.recorded if found.recorded else None,
        "without_floors": found.without_floors,
        "without_amount": found.without_amount,
        "duplicates": found.duplicates,
        "duplicate_amount": found.duplicate_amount,
        "unexplained": official - found.recorded + found.duplicate_amount,
    }


def deviation(ratio: float) -> float:
    """How far a ratio is from 1; rounding noise is taken off."""
    return round(abs(ratio - 1), 12)


def _totals(context: Context) -> Iterator[tuple[_Total, Optional[str]]]:
    """Each official total, and why it can't be read, if so."""
    table = context.city.table("totals")
    table = table[~(table["as_of"] > pd.Timestamp(context.at)).fillna(False).to_numpy(dtype=bool)]
    given = set()
    for row in table.itertuples(index=False):
        measure, class_code, area, unit, source = (
            "" if pd.isna(value) else str(value).strip()
            for value in (row.measure, row.class_code, row.area_code, row.unit, row.source)
        )
        times, error = _base_units(measure, unit)
        official = row.value * times
        if error is None and not (np.isfinite(official) and official > 0):
            error = f"no total over 0 for {measure}"
        total = _Total(measure, class_code, area or EVERYWHERE, official, source, row.as_of)
        given.add(total[:3])
        yield total, error
    for total in _paper_totals(context):
        if total[:3] not in given:
            yield total, None


def _base_units(measure: str, unit: str) -> tuple[float, Optional[str]]:
    """Factor from a unit to the base unit of the measure, and why there is none."""
    words = _WORDS.get(measure)
    if words is None:
        return np.nan, f"measure {measure!r} is not known"
    text = unit.replace(" ", "")
    if not text and measure in _UNITS:
        return 1.0, None
    parts = re.fullmatch(r"(百万|千|万|亿)?(.*)", text.casefold())
    if text.casefold() not in words and parts is not None and parts[2] in words:
        return _TIMES[parts[1] or ""] * words[parts[2]], None
    if text.casefold() in words:
        return words[text.casefold()], None
    return np.nan, f"unit {unit!r} of {measure} is not known"


_PAPER_FLOOR_AREAS = {"housing": "D06.paper_floor_area", "old_housing": "D06.paper_old_floor_area"}
"""Class word to the parameter that gives the paper's total of it."""


def _paper_totals(context: Context) -> list[_Total]:
    """The paper's totals, if the units hold the whole of Shanghai."""
    area_row = context.standards.optional("D06.paper_area_code")
    if area_row is None:
        return []
    units = context.units.rows
    whole = units[(units["code"] == area_row.value).to_numpy(dtype=bool)]
    if not shapely.area(whole.geometry.to_numpy()).sum() > context.number("D06.paper_min_area_km2") * 1e6:
        return []
    return [
        _Total("floor_area", word, area_row.value, row.number(), row.source, pd.NaT)
        for word, name in _PAPER_FLOOR_AREAS.items()
        for row in context.standards.named(name)
    ]


class _Sums:
    """Sums of the records by measure, class and area, each part computed once."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._doubled: dict[str, np.ndarray] = {}
        codes = context.units.rows["code"].tolist()
        self._label = {code: at for at, code in reversed(list(enumerate(codes)))}

    def of(self, total: _Total) -> tuple[str, _Sum]:
        """Role and sum of the records that a total is of."""
        if total.area_code != EVERYWHERE and total.area_code not in self._label:
            raise Untestable(f"no unit has the code {total.area_code}")
        if total.measure == "population":
            return self._population(total.area_code)
        role, mask = self._members(total)
        if not self._context.city.has(role):
            raise Untestable(f"no {role} given")
        if total.measure == "length":
            return role, self._length(role, mask, total.area_code)
        return role, self._by_place(role, mask, total)

    def outline(self, area_code: str) -> Optional[shapely.Geometry]:
        """Outline of an area, None for the whole city."""
        if area_code == EVERYWHERE:
            return None
        return self._context.units.rows.geometry.iloc[self._label[area_code]]

    def _members(self, total: _Total) -> tuple[str, np.ndarray]:
        """Role of a total's class, and which of its rows belong to the class."""
        word = total.class_code
        if word in ("", "*") and total.measure in ("floor_area", "footprint"):
            word = "housing"
        if word == OLD_HOUSING:
            return "housing", self._context.is_old_housing
        object_class = _object_class(word)
        role = object_class.partition(":")[0]
        rows = self._context.city.table(role)
        return role, of_class(role, rows, object_class)

    def _in_area(self, role: str, area_code: str) -> np.ndarray:
        """Which objects have their representative point in an area; everywhere: all, placed or not."""
        context = self._context
        if area_code == EVERYWHERE:
            return np.ones(len(context.city.table(role)), dtype=bool)
        label = self._label[area_code]
        level = str(context.units.rows["level"].iloc[label])
        return np.asarray(unit_of(context, role, level) == label)

    def _doubles(self, role: str) -> np.ndarray:
        if role not in self._doubled:
            self._doubled[role] = doubled(role, self._context)
        return self._doubled[role]

    def _by_place(self, role: str, mask: np.ndarray, total: _Total) -> _Sum:
        mine = mask & self._in_area(role, total.area_code)
        twice = mine & self._doubles(role)
        if total.measure == "count":
            return _Sum(float(mine.sum()), duplicates=int(twice.sum()), duplicate_amount=float(twice.sum()))
        areas = self._areas(role, total.measure)
        return _Sum(
            areas.cm2[mine].sum() / CM2_PER_M2,
            areas.cm2[mine & areas.is_estimated].sum() / CM2_PER_M2,
            int((mine & areas.lacks_floors).sum()),
            int((mine & ~areas.is_known).sum()),
            int(twice.sum()),
            areas.cm2[twice].sum() / CM2_PER_M2,
        )

    def _areas(self, role: str, measure: str) -> Areas:
        if measure == "floor_area":
            if role != "housing":
                raise Untestable(f"{role} have no floor area")
            return self._context.once(floor_areas)
        return outline_areas(role, self._context)

    def _length(self, role: str, mask: np.ndarray, area_code: str) -> _Sum:
        mm = self._mm_in_area(role, area_code)
        twice = mask & self._doubles(role) & (mm > 0)
        return _Sum(
            mm[mask].sum() / MM_PER_M,
            duplicates=int(twice.sum()),
            duplicate_amount=mm[twice].sum() / MM_PER_M,
        )

    def _mm_in_area(self, role: str, area_code: str) -> np.ndarray:
        """Millimetres of each line inside an area, shape (n,)."""
        context = self._context
        if area_code == EVERYWHERE:
            return lengths_mm(role, context)
        label = self._label[area_code]
        level = str(context.units.rows["level"].iloc[label])
        if level not in ALL_LEVELS:
            raise Untestable(f"unit {area_code} has no known level")
        parts = stretches(role, level, context)
        here = (parts.unit == label) & (parts.unit != OUTSIDE)
        mm = np.zeros(len(context.city.table(role)), dtype="int64")
        np.add.at(mm, parts.line[here], parts.mm[here])
        return mm

    def _population(self, area_code: str) -> tuple[str, _Sum]:
        """Residents of an area: as its unit states, else of the housing in it."""
        rows = self._context.subject("units").rows
        stated = rows["population"][(rows["code"] == area_code).fillna(False).to_numpy(dtype=bool)].dropna()
        if len(stated):
            return "units", _Sum(float(stated.iloc[0]))
        if not self._context.city.has("housing", "residents"):
            raise Untestable("no unit states a population, no housing with residents given")
        residents = self._context.subject("housing").rows["residents"].to_numpy(dtype="float64")
        mine = self._in_area("housing", area_code)
        twice = mine & self._doubles("housing")
        return "housing", _Sum(
            float(np.nansum(residents[mine])),
            without_amount=int(np.isnan(residents[mine]).sum()),
            duplicates=int(twice.sum()),
            duplicate_amount=float(np.nansum(residents[twice])),
        )


def _object_class(word: str) -> str:
    """The object class that a total's class means."""
    if word.partition(":")[0] in OBJECT_LAYERS:
        return word
    mapped = maps_to("class_code").get(word)
    if mapped:
        return mapped
    if word in maps_to("components.class_code") or word in component_classes():
        return f"components:{word}"
    raise Untestable(f"class {word!r} is not known" if word else "no class given")


def doubled(role: str, context: Context) -> np.ndarray:
    """Records of a role that repeat another one, as D04 found them in this run, shape (n,).

    Of a pair the record with the larger id; of records with one id all but the first.
    """
    table = context.city.table(role)
    twice = np.zeros(len(table), dtype=bool)
    found = context.found("D04")
    found = found[(found["object_role"] == role).to_numpy(dtype=bool)]
    if not len(found):
        return twice
    ids = [sorted(name.partition(":")[2] for name in names) for names in found["objects"]]
    pairs = [pair[1] for pair in ids if len(pair) == 2 and pair[0] != pair[1]]
    same = [pair[0] for pair in ids if len(set(pair)) == 1]
    twice |= table["id"].isin(pairs).to_numpy(dtype=bool)
    twice |= (table["id"].isin(same) & table.duplicated("id")).to_numpy(dtype=bool)
    return twice
