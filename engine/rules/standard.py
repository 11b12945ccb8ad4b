"""Gaps of the standards themselves: missing, empty, coarse, scattered or loose rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Optional

import geopandas as gpd
import numpy as np
import pandas as pd

from ...model.errors import CityGapError
from ...model.roles import OBJECT_LAYERS
from ...model.tables import read_table
from ...model.vocabulary import maps_to
from ..areas import in_smallest_unit
from ..city import City
from ..classes import of_class
from ..context import Context
from ..duties import class_of_word, covers
from ..findings import join_findings, make_findings
from ..rule import Outcome, Rule
from ..standards import Standard
from ..texts import is_among, shared
from ..visits import counted_visits, counts_for, log_start, near_visits, visited_by_id

_DONE_STAGES = ("closed", "appraised", "rejected", "cancelled")
_GRADE_FIELDS = ("danger_grade", "maintenance_grade", "grade", "zone_type", "highway")
"""Fields by which a row can tell grades, zones or road classes apart in its condition."""


class Pair(NamedTuple):
    """What a standard is about: an activity and an object class."""

    activity: str
    object_class: str

    @property
    def name(self) -> str:
        """``activity:object_class``."""
        return f"{self.activity}:{self.object_class}"


class _Flag(NamedTuple):
    """One finding about a pair: its flag, the rows concerned, the row it rests on."""

    pair: Pair
    flag: str
    severity: str
    rows: int
    basis: Standard
    params: dict[str, Any]


def find_no_standard(city: City, context: Context) -> Outcome:
    """T01: expected activities without a row that is on, and city rows that no one can carry out.

    std_missing: no row that is on names the activity for the class. std_empty: a city row has no
    number, no executing body, or no visit of the log carries it out although the log is longer
    than its interval. High if a hotline case about the class is open.
    """
    cases = _classes_of_open_cases(context)
    rows = [row for row in context.standards.rows if row.is_on]
    flags = []
    for pair, (words, basis) in _expected(context).items():
        if not any(
            row.rule_or_activity in words and covers(row.object_class, pair.object_class) for row in rows
        ):
            flags.append(
                _Flag(
                    pair, "std_missing", _severity(pair, cases), 0, basis, {"off": _rows_off(pair, context)}
                )
            )
    for pair, own in _city_rows(context).items():
        context.check_cancelled()
        lacks = {row.standard_id: lack for row in own if (lack := _lacking(row, context))}
        if lacks:
            basis = next(row for row in own if row.standard_id in lacks)
            severity = _severity(pair, cases)
            flags.append(_Flag(pair, "std_empty", severity, len(lacks), basis, {"lacking": lacks}))
    return Outcome(_findings("T01", flags, city))


def find_same_standard(city: City, context: Context) -> Outcome:
    """T02: city rows that give one value for all grades, several at once, or a looser one than shipped.

    std_coarse: no row of the pair names a grade or zone, or all have one value, and the objects of
    the class have at least two grades, zones or road classes. std_scattered: two values for one
    condition, grade and zone. std_low: a longer interval than the strictest shipped row that is on
    and covers it. Medium if the share of overdue objects differs by more than 0.2 between grades.
    """
    flags = []
    for pair, rows in _city_rows(context).items():
        context.check_cancelled()
        found = [
            *_coarse(pair, rows, context),
            *_scattered(rows),
            *_low(rows, context),
        ]
        if not found:
            continue
        shares = _overdue_by_grade(pair, context)
        apart = max((max(part.values()) - min(part.values()) for part in shares.values()), default=0.0)
        severity = "medium" if apart > context.number("T02.outcome_difference") + 1e-9 else "low"
        words = {"overdue": {name: _rounded(part) for name, part in shares.items()}} if shares else {}
        flags += [
            _Flag(pair, flag, severity, len(concerned), concerned[0], {**params, **words})
            for flag, concerned, params in found
        ]
    return Outcome(_findings("T02", flags, city))


def _findings(rule_id: str, flags: Sequence[_Flag], city: City) -> gpd.GeoDataFrame:
    by_role: dict[str, list[_Flag]] = defaultdict(list)
    for flag in flags:
        by_role[flag.pair.object_class.split(":")[0]].append(flag)
    return join_findings([_of_role(rule_id, role, part, city) for role, part in by_role.items()], city.crs)


def _of_role(rule_id: str, role: str, flags: Sequence[_Flag], city: City) -> gpd.GeoDataFrame:
    return make_findings(
        rule_id,
        object_role="standards",
        object_id=[flag.pair.name for flag in flags],
        severity=[flag.severity for flag in flags],
        geometry=np.full(len(flags), None, dtype=object),
        crs=city.crs,
        discriminator=[flag.flag for flag in flags],
        class_code=[flag.pair.object_class.split(":")[-1] for flag in flags],
        measured=[float(flag.rows) for flag in flags],
        reference=1.0,
        unit="1",
        basis=[flag.basis.basis for flag in flags],
        confidence=[flag.basis.confidence for flag in flags],
        params=[{"flag": flag.flag, **flag.params} for flag in flags],
        steps=False,
        evidence=(role,) if role in OBJECT_LAYERS else (),
    )


def _expected(context: Context) -> dict[Pair, tuple[tuple[str, ...], Standard]]:
    """Pairs of classes that the city has, each with the activities that will do and the row that asks."""
    expected: dict[Pair, tuple[tuple[str, ...], Standard]] = {}
    for row in read_table("inspection_intervals"):
        pair = Pair(row["rule_or_activity"], row["object_class"])
        if row["use"] in ("rule", "") and pair not in expected and _is_present(pair.object_class, context):
            expected[pair] = (pair.activity,), Standard(**row)
    patrols = context.standards.parameter("T01.neglected_activities")
    words = tuple(patrols.value.split("|"))
    for named in maps_to("class_code").values():
        pair = Pair(words[0], named)
        if named.startswith("neglected:") and pair not in expected and _is_present(named, context):
            expected[pair] = words, patrols
    return expected


def _is_present(object_class: str, context: Context) -> bool:
    role = object_class.split(":")[0]
    return bool(of_class(role, context.city.table(role), object_class).any())


def _rows_off(pair: Pair, context: Context) -> list[str]:
    """Ids of the rows for a pair that are off: a planner may switch them on."""
    return [
        row.standard_id
        for row in context.standards.rows
        if row.rule_or_activity == pair.activity
        and covers(row.object_class, pair.object_class)
        and not row.is_on
    ]


def _city_rows(context: Context) -> dict[Pair, list[Standard]]:
    """City rows that are on and name an activity, by pair, in the order of their ids."""
    pairs: dict[Pair, list[Standard]] = defaultdict(list)
    known = maps_to("activity")
    for row in sorted(context.standards.rows, key=lambda row: row.standard_id):
        if row.origin == "city" and row.is_on and row.rule_or_activity in known:
            pairs[Pair(row.rule_or_activity, row.object_class)].append(row)
    return dict(sorted(pairs.items()))


def _lacking(row: Standard, context: Context) -> list[str]:
    """What a row lacks to be carried out: number, body, execution."""
    days = _days(row)
    lacks = [] if days is not None else ["number"]
    lacks += [] if row.body.strip() else ["body"]
    if days is not None and _is_never_done(row, days, context):
        lacks.append("execution")
    return lacks


def _days(row: Standard) -> Optional[float]:
    try:
        return row.days()
    except CityGapError:
        return None


def _is_never_done(row: Standard, days: float, context: Context) -> bool:
    """Whether no visit carries a row out, though the log of visits is longer than its interval."""
    start = log_start(context)
    if start is None or (pd.Timestamp(context.at) - start) / pd.Timedelta(days=1) < days:
        return False
    visits = counted_visits(context)
    visits = visits[counts_for(visits["activity"], row.rule_or_activity)]
    tested = False
    for role in _roles_of(row.object_class):
        table = context.city.table(role)
        mine = of_class(role, table, row.object_class)
        tested |= bool(mine.any())
        if visited_by_id(visits, table["id"][mine], role).any():
            return False
        if len(near_visits(context, visits, role, mine)[0]):
            return False
    return tested


def _roles_of(object_class: str) -> tuple[str, ...]:
    if object_class == "*":
        return OBJECT_LAYERS
    role = object_class.split(":")[0]
    return (role,) if role in OBJECT_LAYERS else ()


def _classes_of_open_cases(context: Context) -> frozenset[str]:
    """Object classes that the category of a hotline case open at T names."""
    cases = context.city.table("hotline")
    now = pd.Timestamp(context.at)
    is_open = (cases["at"] <= now) & ~(cases["closed_at"] <= now) & ~cases["stage"].isin(_DONE_STAGES)
    words = cases["category"][is_open.to_numpy(dtype=bool)].dropna().astype(str).unique()
    named = {class_of_word(word) for word in words if word.strip()}
    return frozenset(word for word in named if word is not None and word != "*")


def _severity(pair: Pair, cases: frozenset[str]) -> str:
    wanted = pair.object_class
    return "high" if any(covers(case, wanted) or covers(wanted, case) for case in cases) else "medium"


_Found = tuple[str, list[Standard], dict[str, Any]]


def _coarse(pair: Pair, rows: list[Standard], context: Context) -> Iterable[_Found]:
    values = {value for row in rows if (value := _value(row)) is not None}
    graded = any(
        row.grade or row.zone or any(name in row.applies_if for name in _GRADE_FIELDS) for row in rows
    )
    if not values or (graded and len(values) > 1):
        return
    known = {name: sorted(set(words.dropna())) for name, words in _grades(pair, context).items()}
    least = context.number("T02.min_grades")
    several = {name: words for name, words in known.items() if len(words) >= least}
    if several:
        yield "std_coarse", rows, {"grades": several}


def _scattered(rows: list[Standard]) -> Iterable[_Found]:
    alike: dict[tuple[str, ...], list[Standard]] = defaultdict(list)
    for row in rows:
        if _value(row) is not None:
            alike["".join(row.applies_if.split()), row.grade, row.zone].append(row)
    concerned = [row for same in alike.values() if len({_value(row) for row in same}) > 1 for row in same]
    if concerned:
        yield "std_scattered", concerned, {"rows": {row.standard_id: row.value for row in concerned}}


def _low(rows: list[Standard], context: Context) -> Iterable[_Found]:
    concerned, shipped = [], {}
    for row in rows:
        days, strictest = _days(row), _strictest_shipped(row, context)
        if days is not None and strictest is not None and days > strictest[0] * (1 + 1e-9):
            concerned.append(row)
            shipped[row.standard_id] = {"days": round(days, 4), "shipped": strictest[1], "at": strictest[0]}
    if concerned:
        yield "std_low", concerned, {"rows": shipped}


def _strictest_shipped(row: Standard, context: Context) -> Optional[tuple[float, str]]:
    """Days and id of the strictest shipped row that is on and holds wherever a city row does."""
    held = [
        (days, other.standard_id)
        for other in context.standards.shipped
        if other.is_on
        and other.rule_or_activity == row.rule_or_activity
        and covers(other.object_class, row.object_class)
        and other.applies_if in ("", row.applies_if)
        and other.grade in ("", row.grade)
        and other.zone in ("", row.zone)
        and (days := _days(other)) is not None
    ]
    return min(held, default=None)


def _value(row: Standard) -> Optional[str]:
    """What a row asks, one text for equal intervals; None without a value."""
    days = _days(row)
    return f"{days:.6f}" if days is not None else row.value.strip() or None


def _grades(pair: Pair, context: Context) -> dict[str, pd.Series]:
    """Grade, zone and, of roads, class of the objects of a pair: one column each."""
    columns: dict[str, list[pd.Series]] = defaultdict(list)
    for role in (*_roles_of(pair.object_class), *(("units",) if pair.object_class == "units" else ())):
        mine = np.flatnonzero(of_class(role, context.city.table(role), pair.object_class))
        for name, words in _grades_of_role(role, mine, context).items():
            columns[name].append(pd.Series(words, dtype=object))
    return {name: pd.concat(parts, ignore_index=True) for name, parts in columns.items()}


def _grades_of_role(role: str, mine: np.ndarray, context: Context) -> dict[str, np.ndarray]:
    subject = context.subject(role)

    def own(name: str) -> np.ndarray:
        return shared(subject.values(name).iloc[mine])

    if role == "units":
        return {name: own(name) for name in ("grade", "zone_type")}
    grade, of_unit = own("maintenance_grade"), in_smallest_unit(context, role, "grade")[mine]
    grades = {
        "grade": np.where(pd.isna(grade), of_unit, grade),
        "zone": in_smallest_unit(context, role, "zone_type")[mine],
    }
    if role == "housing":
        grades["danger_grade"] = own("danger_grade")
    if role == "roads":
        grades["highway"] = own("highway")
    return grades


def _overdue_by_grade(pair: Pair, context: Context) -> dict[str, dict[str, float]]:
    """Share of the objects of a pair that are overdue or were never visited, by grade, zone and road class.

    Overdue is what I01 found of the activity, never visited what I02 found, info left out; nothing is
    told where neither found anything, nor of what has one grade only.
    """
    late = pd.concat([context.found("I01"), context.found("I02")])
    if not len(late):
        return {}
    late = late[(late["severity"] != "info") & late["key"].map(lambda key: _is_about(key, pair.activity))]
    overdue: list[np.ndarray] = []
    for role in _roles_of(pair.object_class):
        table = context.city.table(role)
        ids = table["id"][of_class(role, table, pair.object_class)]
        names = late["object_id"][late["object_role"] == role].unique()
        overdue.append(is_among(ids, names).astype("float64"))
    if not overdue:
        return {}
    is_late = pd.Series(np.concatenate(overdue))
    shares = {name: is_late.groupby(words).mean().to_dict() for name, words in _grades(pair, context).items()}
    return {name: share for name, share in shares.items() if len(share) > 1}


def _is_about(key: str, activity: str) -> bool:
    """Whether a finding is I02, or an I01 of the activity: its discriminator ends the key."""
    return key.startswith('["I02"') or key.endswith(f',"{activity}"]')


def _rounded(shares: dict[str, float]) -> dict[str, float]:
    return {name: round(float(share), 4) for name, share in shares.items()}


def _no_city_rows(context: Context) -> Optional[str]:
    return None if _city_rows(context) else "no standards of the city given"


NO_STANDARD_APPLIES = Rule(
    "T01",
    find_no_standard,
    lambda city: None,
    roles=(*OBJECT_LAYERS, "standards", "visits", "hotline", "units"),
    reach_m=None,
)
SAME_STANDARD_FOR_ALL = Rule(
    "T02",
    find_same_standard,
    lambda city: None,
    roles=(*OBJECT_LAYERS, "standards", "units"),
    reach_m=None,
    reads=("I01", "I02"),
    unready=_no_city_rows,
)
