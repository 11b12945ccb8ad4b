"""Spatial conflicts: buildings over pipes, and pipes closer to buildings than the reference."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Optional

import geopandas as gpd
import numpy as np
import shapely

from ..accuracy import stated_accuracy, widest_accuracy_m
from ..city import City, lacking_role, usable
from ..classes import class_codes
from ..conditions import fits, might_fit, parse
from ..context import Context
from ..coverage import SLACK_M
from ..findings import make_findings
from ..likeness import valid_areas
from ..rule import Outcome, Rule
from ..standards import Standard
from ..statistic import After, Change, statistic

_CHUNK = 100_000
_COLLECTION = 7


@dataclass(frozen=True)
class _Pairs:
    """Pipes and buildings that meet or lie close: rows of each, shape (n,)."""

    pipe: np.ndarray
    building: np.ndarray

    def only(self, kept: np.ndarray) -> _Pairs:
        """The pairs of a mask."""
        return _Pairs(self.pipe[kept], self.building[kept])


def find_buildings_over_pipes(city: City, context: Context) -> Outcome:
    """C01: building outlines over at least `C01.min_overlap_m` of a pipe's centre line.

    Left out are the building's own connection (shorter than `C01.connector_max_m`, with an end in it) and
    pipes in a tunnel, a basement or overhead. Info where the stated accuracy is worse than the overlap.
    """
    pairs, parts = _overlaps(context)
    overlap = shapely.length(parts)
    row = context.standards.parameter("C01.min_overlap_m", "pipes")
    found = overlap >= row.number() - SLACK_M
    pairs, parts, overlap = pairs.only(found), parts[found], overlap[found]
    accuracy = (
        stated_accuracy("pipes", context)[pairs.pipe] + stated_accuracy("housing", context)[pairs.building]
    )
    severity = np.where(accuracy > overlap, "info", _severity(pairs.pipe, context)).astype(object)
    findings = _findings(
        "C01",
        pairs,
        context,
        crs=city.crs,
        severity=severity,
        geometry=parts,
        measured=overlap,
        reference=row.number(),
        basis=row.basis,
        confidence=row.confidence,
        params=[{"accuracy_m": round(float(value), 3)} if value else {} for value in accuracy],
    )
    return Outcome(findings)


def _overlaps(context: Context) -> tuple[_Pairs, np.ndarray]:
    """Pairs that meet and that C01 tests, and the part of the pipe in the building."""
    lines, outlines = _pipes(context), _outlines(context)
    pipe, building = _near(lines, outlines, np.zeros(len(lines)), context)
    pairs = _Pairs(pipe, building)
    pairs = pairs.only(~_is_connection(pairs, context))
    areas = valid_areas(_shapes("housing", context)[pairs.building])
    return pairs, _lines_only(shapely.intersection(_shapes("pipes", context)[pairs.pipe], areas))


def _lines_only(shapes: np.ndarray) -> np.ndarray:
    """The shapes without the points at which a pipe merely touches an outline."""
    shapes = shapes.copy()
    mixed = np.flatnonzero(shapely.get_type_id(shapes) == _COLLECTION)
    parts, owner = shapely.get_parts(shapes[mixed], return_index=True)
    lines = shapely.get_dimensions(parts) == 1
    shapes[mixed] = shapely.multilinestrings(parts[lines], indices=owner[lines])
    return shapes


def _shapes(role: str, context: Context) -> np.ndarray:
    return np.asarray(context.city.table(role).geometry.to_numpy())


def _pipes(context: Context) -> np.ndarray:
    """Rows of the pipes that lie in the ground, with a line, a length and a class."""
    table, rows = context.city.table("pipes"), context.subject("pipes").rows
    above = context.standards.words("C01.skipped_burial_methods", "pipes")
    kept = usable(table.geometry) & (shapely.get_dimensions(table.geometry.to_numpy()) == 1)
    return np.flatnonzero(kept & ~rows["burial_method"].isin(above).to_numpy(dtype=bool))


def _outlines(context: Context) -> np.ndarray:
    """Rows of the buildings that have an outline."""
    geometry = context.city.table("housing").geometry
    return np.flatnonzero(usable(geometry) & (shapely.get_dimensions(geometry.to_numpy()) == 2))


def _near(
    pipes: np.ndarray, buildings: np.ndarray, distance: np.ndarray, context: Context
) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of rows whose pipe lies within its distance of the building, both inclusive."""
    lines, areas = _shapes("pipes", context)[pipes], _shapes("housing", context)[buildings]
    tree = shapely.STRtree(areas)
    found = [(np.array([], dtype="int64"), np.array([], dtype="int64"))]
    for begin in range(0, len(lines), _CHUNK):
        context.check_cancelled()
        chunk = slice(begin, begin + _CHUNK)
        line, area = tree.query(lines[chunk], predicate="dwithin", distance=distance[chunk])
        found.append((pipes[begin + line], buildings[area]))
    pipe, building = zip(*found)
    return np.concatenate(pipe), np.concatenate(building)


def _is_connection(pairs: _Pairs, context: Context) -> np.ndarray:
    """Whether the pipe is the building's own connection: short, and with an end in it."""
    lines = _shapes("pipes", context)[pairs.pipe]
    short = shapely.length(lines) < context.number("C01.connector_max_m", "pipes") - SLACK_M
    own = np.zeros(len(lines), dtype=bool)
    asked = np.flatnonzero(short)
    areas = _shapes("housing", context)[pairs.building[asked]]
    for part, point in ((0, 0), (-1, -1)):
        ends = shapely.get_point(shapely.get_geometry(lines[asked], part), point)
        own[asked] |= shapely.intersects(areas, ends)
    return own


def _severity(pipes: np.ndarray, context: Context) -> np.ndarray:
    """High over gas; medium over foul sewers, combined ones and water; else low."""
    rows = context.subject("pipes").rows.iloc[pipes]
    code = class_codes("pipes", rows)
    foul = (code == "PS") & rows["kind_code"].isin(("WS", "HS")).to_numpy(dtype=bool)
    return np.select([code == "RQ", foul | (code == "JS")], ["high", "medium"], "low").astype(object)


def find_short_clearances(city: City, context: Context) -> Outcome:
    """C02: pipes closer to a building than the reference of clearances.csv, beyond doubt.

    The distance is that of centre line and outline, less half the diameter, plus the stated accuracy of both.
    Of several rows that fit the largest value counts. Where an empty field decides whether a row fits, or the
    diameter is empty, the pair is unrecorded, if it is too close even for a pipe without thickness.
    """
    rows = [row for row in context.standards.named("C02") if row.value]
    without = sum(not row.value for row in context.standards.named("C02"))
    untested = (f"{without} reference without value: not tested",) if without else ()
    pipes = _pipes(context)
    value, which, sure = _references(rows, pipes, context)
    asked = np.flatnonzero(value > 0)
    pipes, value, which, sure = pipes[asked], value[asked], which[asked], sure[asked]
    diameter = context.subject("pipes").rows["diameter_mm"].to_numpy(dtype="float64")[pipes]
    known = sure & ~np.isnan(diameter)
    half = np.where(known, np.nan_to_num(diameter), 0.0) / 2000
    pipe, building = _near(pipes, _outlines(context), value + half, context)
    pairs = _Pairs(pipe, building)
    kept = ~_is_connection(pairs, context)
    kept[kept] = ~_built_over(pairs.only(kept), context)
    pairs = pairs.only(kept)
    at = np.searchsorted(pipes, pairs.pipe)
    lines, areas = _shapes("pipes", context)[pairs.pipe], _shapes("housing", context)[pairs.building]
    accuracy = (
        stated_accuracy("pipes", context)[pairs.pipe] + stated_accuracy("housing", context)[pairs.building]
    )
    distance = shapely.distance(lines, areas) - half[at] + accuracy
    short = distance < value[at] - SLACK_M
    pairs, at, distance = pairs.only(short), at[short], distance[short]
    chosen = [rows[index] for index in which[at]]
    shortfall = (value[at] - distance) / value[at]
    words = np.select([shortfall < 0.25 - 1e-9, shortfall < 0.5 - 1e-9], ["low", "medium"], "high")
    findings = _findings(
        "C02",
        pairs,
        context,
        crs=city.crs,
        severity=np.where(known[at], words, "info").astype(object),
        geometry=shapely.shortest_line(lines[short], areas[short]),
        measured=distance,
        reference=value[at],
        basis=[row.basis for row in chosen],
        confidence=[row.confidence for row in chosen],
        data_state=np.where(known[at], "known", "unrecorded").astype(object),
        params=[
            {"row": row.standard_id, "accuracy_m": round(float(margin), 3)}
            for row, margin in zip(chosen, accuracy[short])
        ],
    )
    return Outcome(findings, untested)


def _references(
    rows: list[Standard], pipes: np.ndarray, context: Context
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each pipe the reference (0: none), the row that gives it, and whether that fits for sure."""
    subject = context.subject("pipes")
    value = np.zeros((2, len(pipes)))
    which = np.zeros((2, len(pipes)), dtype="int64")
    for row in sorted(rows, key=lambda row: row.standard_id):
        of_class = context.fits(replace(row, applies_if=""), "pipes")
        condition = parse(row.applies_if)
        for place, mask in enumerate((fits(condition, subject), might_fit(condition, subject))):
            larger = (of_class & mask)[pipes] & (row.number() > value[place])
            value[place][larger] = row.number()
            which[place][larger] = rows.index(row)
    sure = value[0] > 0
    return np.where(sure, value[0], value[1]), np.where(sure, which[0], which[1]), sure


def _built_over(pairs: _Pairs, context: Context) -> np.ndarray:
    """Whether C01 speaks of the pair."""
    lines, areas = _shapes("pipes", context)[pairs.pipe], _shapes("housing", context)[pairs.building]
    over = shapely.intersects(lines, areas)
    parts = shapely.intersection(lines[over], valid_areas(areas[over]))
    over[over] = shapely.length(parts) >= context.number("C01.min_overlap_m", "pipes") - SLACK_M
    return np.asarray(over)


def _findings(rule_id: str, pairs: _Pairs, context: Context, **columns: object) -> gpd.GeoDataFrame:
    """Findings on pairs of a pipe and a building; the pipe owns them."""
    table = context.city.table("pipes")
    ids, others = table["id"].iloc[pairs.pipe], context.city.table("housing")["id"].iloc[pairs.building]
    return make_findings(
        rule_id,
        object_role="pipes",
        object_id=[f"{pipe}|{building}" for pipe, building in zip(ids, others)],
        objects=[(f"pipes:{pipe}", f"housing:{building}") for pipe, building in zip(ids, others)],
        anchor_geometry=table.geometry.to_numpy()[pairs.pipe],
        class_code=class_codes("pipes", table)[pairs.pipe],
        unit="m",
        **columns,  # type: ignore[arg-type]
    )


def _lacks_diameter(city: City) -> Optional[str]:
    if not city.has("pipes") or not city.has("housing"):
        return lacking_role(city, ("pipes", "housing"))
    return None if city.has("pipes", "diameter_mm") else "no diameter_mm of pipes given"


def _carry_thickest(thickest: float, change: Change) -> After[float]:
    return After(max(thickest, _thickest_m(change.now)))


@statistic("pipes", carry=_carry_thickest)
def _thickest_m(context: Context) -> float:
    """Largest recorded diameter of a pipe, metres; after edits at least that."""
    diameter = context.subject("pipes").rows["diameter_mm"].to_numpy(dtype="float64")
    finite = diameter[np.isfinite(diameter)]
    return float(finite.max(initial=0)) / 1000


def _clearance_reach_m(context: Context) -> float:
    values = [row.number() for row in context.standards.named("C02") if row.value]
    return max(values, default=0.0) + context.once(_thickest_m) / 2 + widest_accuracy_m(context)


BUILDING_OVER_PIPE = Rule(
    "C01",
    find_buildings_over_pipes,
    lambda city: lacking_role(city, ("pipes", "housing")),
    roles=("pipes", "housing", "units"),
    reach_m=lambda context: 0.0,
    owners=("pipes",),
    alone=("pipes",),
    reads_fields={"housing": ("accuracy_grade",)},
)
CLEARANCE_BELOW_REFERENCE = Rule(
    "C02",
    find_short_clearances,
    _lacks_diameter,
    roles=("pipes", "housing", "units"),
    reach_m=_clearance_reach_m,
    owners=("pipes",),
    alone=("pipes",),
    reads_fields={"housing": ("accuracy_grade",)},
    edit_reach_m=lambda context, edit: 0.0 if edit.role == "pipes" else _clearance_reach_m(context),
)
