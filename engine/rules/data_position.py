"""Data gaps: a layer that lies beside the others (coordinates, section 4)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, Optional

import numpy as np
import pandas as pd
import pyproj
import shapely

from ...model.roles import OBJECT_LAYERS
from ...model.vocabulary import maps_to
from ..city import City, usable
from ..classes import class_codes, of_class
from ..context import Context
from ..findings import make_findings, no_findings
from ..gcj02 import Conversion, Degrees, bd09, bd09_of_gcj02, gcj02, gcj02_twice, in_china, undone
from ..rule import Outcome, Rule
from ..shift import Landmarks, Limits, Peak, landmarks, misfit, vote

CAUSES: dict[str, Conversion] = {
    "gcj02": partial(undone, gcj02),
    "base_gcj02": gcj02,
    "bd09": partial(undone, bd09),
    "bd09_on_gcj02": partial(undone, bd09_of_gcj02),
    "gcj02_twice": partial(undone, gcj02_twice),
}
"""What a shifted layer may be, and what brings it to where the base is."""

_ZONE_DEG = 3.0
_MANHOLES = "manhole"


class ShiftVerdict(NamedTuple):
    """A layer that seems to lie in the wrong place.

    `cause` is one of `CAUSES`, ``wrong_zone``, ``constant`` (a vector without a name) or ``on_roads`` (its
    buildings lie on roads). East, north: suspect minus base, metres (NaN: not known); `share`: part of
    the sample that agrees; `rms_m`: misfit after the correction; `is_confirmed`: it is small.
    """

    role: str
    source_name: str
    base: str
    cause: str
    east: float
    north: float
    share: float
    ratio: float
    rms_m: float
    is_confirmed: bool

    @property
    def holds(self) -> bool:
        """Whether rules that read the layer have to wait."""
        return self.cause != "on_roads"


@dataclass(frozen=True)
class _Layer:
    """The rows of one role that one source gave."""

    role: str
    source_name: str
    rows: np.ndarray
    order: tuple[bool, int]

    @property
    def name(self) -> str:
        return f"{self.role}:{self.source_name}"

    @property
    def is_trusted(self) -> bool:
        return not self.order[0]


def find_crs_offsets(city: City, context: Context) -> Outcome:
    """D07: layers that lie beside another one by a constant vector, in a wrong zone, or on the roads."""
    verdicts = context.once(shift_verdicts)
    if not verdicts:
        return Outcome(no_findings(city.crs))
    basis = [
        context.standards.parameter("D07.max_consistent_m" if verdict.holds else "D07.overlapping_share")
        for verdict in verdicts
    ]
    return Outcome(
        make_findings(
            "D07",
            object_role=[verdict.role for verdict in verdicts],
            object_id=[verdict.source_name for verdict in verdicts],
            severity=["high" if verdict.holds else "medium" for verdict in verdicts],
            geometry=np.array([_extent(verdict, city) for verdict in verdicts], dtype=object),
            crs=city.crs,
            measured=[float(np.hypot(verdict.east, verdict.north)) for verdict in verdicts],
            reference=context.number("D07.max_consistent_m"),
            unit="m",
            basis=[row.basis for row in basis],
            confidence=[row.confidence for row in basis],
            params=[_params(verdict) for verdict in verdicts],
            steps=False,
        )
    )


def _params(verdict: ShiftVerdict) -> dict[str, Any]:
    numbers = {
        "east_m": round(verdict.east, 1),
        "north_m": round(verdict.north, 1),
        "share": round(verdict.share, 3),
        "ratio": round(verdict.ratio, 2),
        "rms_m": round(verdict.rms_m, 1),
    }
    return {
        "base": verdict.base,
        "cause": verdict.cause,
        "fit": "confirmed" if verdict.is_confirmed else "suspected",
        **{name: value for name, value in numbers.items() if np.isfinite(value)},
    }


def _extent(verdict: ShiftVerdict, city: City) -> shapely.Geometry:
    table = city.table(verdict.role)
    mine = (table["source_name"] == verdict.source_name).to_numpy(dtype=bool) & usable(table.geometry)
    return shapely.box(*shapely.total_bounds(table.geometry.to_numpy()[mine]))


def shift_verdicts(context: Context) -> tuple[ShiftVerdict, ...]:
    """The layers of the whole city that seem to lie in the wrong place; ask for it with `Context.once`.

    Each layer is compared with the first of its role, manholes of pipe_points with manhole covers of
    components, buildings with roads. First are the trusted layers (`City.trusted`), then those
    named earlier. Of several verdicts on one layer the first counts.
    """
    layers = _layers(context)
    found: dict[str, ShiftVerdict] = {}
    for base, suspect, marks in _pairs(layers, context):
        verdict = None if suspect.name in found else _compared(base, suspect, marks, context)
        if verdict is not None:
            found[suspect.name] = verdict
    for base, suspect in _buildings_and_roads(layers):
        verdict = None if suspect.name in found else _on_roads(base, suspect, context)
        if verdict is not None:
            found[suspect.name] = verdict
    return tuple(sorted(found.values()))


def _layers(context: Context) -> list[_Layer]:
    """Every layer that has a usable geometry, the most trusted first."""
    city = context.city
    named = list(dict.fromkeys(row.source_name for row in city.sources))
    layers = []
    for role in OBJECT_LAYERS:
        table = city.table(role)
        here = usable(table.geometry)
        for source in table["source_name"][here].dropna().unique():
            if source not in named:
                named.append(source)
            trusted = role in city.trusted or source in city.trusted
            rows = np.flatnonzero(here & (table["source_name"] == source).to_numpy(dtype=bool))
            layers.append(_Layer(role, source, rows, (not trusted, named.index(source))))
    return sorted(layers, key=lambda layer: layer.order)


def _pairs(layers: list[_Layer], context: Context) -> Iterator[tuple[_Layer, _Layer, str]]:
    """Base and suspect of each comparison, and which landmarks it goes by (empty: all of the role)."""
    for role in OBJECT_LAYERS:
        same = [layer for layer in layers if layer.role == role]
        yield from ((same[0], layer, "") for layer in same[1:] if not layer.is_trusted)
    wells = [layer for layer in layers if len(_wells(layer, context))]
    yield from (
        (wells[0], layer, _MANHOLES)
        for layer in wells[1:]
        if layer.role != wells[0].role and not layer.is_trusted
    )


def _wells(layer: _Layer, context: Context) -> np.ndarray:
    """Rows of a layer that are manholes or their covers."""
    if layer.role == "pipe_points":
        feature = context.subject("pipe_points").rows["feature"].iloc[layer.rows]
        return layer.rows[(feature == "manhole").fillna(False).to_numpy(dtype=bool)]
    if layer.role == "components":
        is_cover = of_class("components", context.subject("components").rows, "components:manhole_cover")
        return layer.rows[is_cover[layer.rows]]
    return layer.rows[:0]


def _marks(layer: _Layer, by: str, context: Context) -> Landmarks:
    rows = _wells(layer, context) if by == _MANHOLES else layer.rows
    table = context.city.table(layer.role)
    kind = np.full(len(rows), by, dtype=object) if by else class_codes(layer.role, table)[rows]
    return landmarks(table.geometry.to_numpy()[rows], pd.Series(kind, dtype=object).fillna("").to_numpy())


def _limits(context: Context) -> Limits:
    names = ("reach_m", "bin_m", "apart_m", "peak_ratio", "peak_share", "min_votes", "area_ratio", "turn_deg")
    return Limits(*(context.number(f"D07.{name}") for name in names))


def _compared(base: _Layer, suspect: _Layer, by: str, context: Context) -> Optional[ShiftVerdict]:
    truth, marks = _marks(base, by, context), _marks(suspect, by, context)
    if not len(truth) or not len(marks):
        return None
    limits, most = _limits(context), int(context.number("D07.max_sample"))
    close = marks.near(truth.bounds, limits.reach)
    if not len(close):
        return _in_other_zone(base, suspect, truth, marks.sample(most), context)
    sample = close.sample(most)
    truth = truth.near(sample.bounds, limits.reach)
    peak = vote(sample, truth, limits, context.check_cancelled)
    least = context.number("D07.max_consistent_m")
    if peak is not None and peak.metres < least:
        return None
    fit = _best_cause(sample, truth, limits, context)
    if fit is not None:
        return _verdict(base, suspect, fit)
    if peak is None:
        return None
    cause = _cause_like(peak, sample, context)
    if cause is None and peak.metres > context.number("D07.max_unnamed_m"):
        return None
    return _verdict(base, suspect, _Fit(cause or "constant", peak, float("nan"), False))


class _Fit(NamedTuple):
    """A cause, the vector it makes, and how well the corrected layer lies on the base."""

    cause: str
    peak: Peak
    rms_m: float
    is_confirmed: bool


def _verdict(base: _Layer, suspect: _Layer, fit: _Fit) -> ShiftVerdict:
    return ShiftVerdict(
        suspect.role, suspect.source_name, base.name, fit.cause, *fit.peak, fit.rms_m, fit.is_confirmed
    )


def _best_cause(sample: Landmarks, truth: Landmarks, limits: Limits, context: Context) -> Optional[_Fit]:
    """The cause whose correction lays the sample onto the base; None where none does."""
    lon, lat = _degrees(sample.place, context)
    if not in_china(lon, lat).any():
        return None
    fits = [
        _fit(cause, convert(lon, lat), sample, truth, limits, context) for cause, convert in CAUSES.items()
    ]
    return max((fit for fit in fits if fit is not None), key=lambda fit: fit.peak.share, default=None)


def _fit(
    cause: str, corrected: Degrees, sample: Landmarks, truth: Landmarks, limits: Limits, context: Context
) -> Optional[_Fit]:
    moved = sample.moved(_metres(*corrected, context))
    near = limits._replace(reach=context.number("D07.fit_reach_m"))
    rest = vote(moved, truth, near, context.check_cancelled)
    if rest is None or rest.metres >= context.number("D07.max_rms_m"):
        return None
    east, north = np.median(sample.place - moved.place, axis=0)
    rms = misfit(
        moved, truth, limits._replace(reach=context.number("D07.partner_m")), context.check_cancelled
    )
    confirmed = rms < context.number("D07.max_rms_m")
    return _Fit(cause, rest._replace(east=float(east), north=float(north)), rms, confirmed)


def _cause_like(peak: Peak, sample: Landmarks, context: Context) -> Optional[str]:
    """The cause whose vector in the middle of the sample is nearest to the peak, if it is near."""
    middle = np.median(sample.place, axis=0)[None]
    lon, lat = _degrees(middle, context)
    if not in_china(lon, lat).all():
        return None
    apart = {
        cause: float(np.hypot(*(middle - _metres(*convert(lon, lat), context) - peak[:2])[0]))
        for cause, convert in CAUSES.items()
    }
    cause = min(apart, key=apart.__getitem__)
    return cause if apart[cause] <= context.number("D07.cause_slack_m") else None


def _in_other_zone(
    base: _Layer, suspect: _Layer, truth: Landmarks, sample: Landmarks, context: Context
) -> Optional[ShiftVerdict]:
    """Whether a layer far from the base lies on it once moved by whole zones of 3 degrees."""
    lon, lat = _degrees(sample.place, context)
    base_lon, _ = _degrees(truth.sample(len(sample)).place, context)
    zones = round(float(np.median(lon) - np.median(base_lon)) / _ZONE_DEG)
    if not zones:
        return None
    moved = sample.moved(_metres(lon - zones * _ZONE_DEG, lat, context))
    limits = _limits(context)
    close = moved.near(truth.bounds, limits.reach)
    if 2 * len(close) < len(sample):
        return None
    peak = vote(close, truth.near(close.bounds, limits.reach), limits, context.check_cancelled)
    east, north = (float(value) for value in np.median(sample.place - moved.place, axis=0))
    share, ratio = (float("nan"),) * 2 if peak is None else (peak.share, peak.ratio)
    fits = peak is not None and peak.metres < context.number("D07.max_rms_m")
    return _verdict(base, suspect, _Fit("wrong_zone", Peak(east, north, share, ratio), float("nan"), fits))


def _degrees(place: np.ndarray, context: Context) -> Degrees:
    crs = context.city.crs
    change = pyproj.Transformer.from_crs(crs, crs.geodetic_crs, always_xy=True)
    lon, lat = change.transform(place[:, 0], place[:, 1])
    return np.asarray(lon), np.asarray(lat)


def _metres(lon: np.ndarray, lat: np.ndarray, context: Context) -> np.ndarray:
    crs = context.city.crs
    change = pyproj.Transformer.from_crs(crs.geodetic_crs, crs, always_xy=True)
    return np.column_stack(change.transform(lon, lat))


def _buildings_and_roads(layers: list[_Layer]) -> list[tuple[_Layer, _Layer]]:
    """The first layer of buildings or roads, and each layer of the other role."""
    both = [layer for layer in layers if layer.role in ("housing", "roads")]
    return [(both[0], layer) for layer in both[1:] if layer.role != both[0].role and not layer.is_trusted]


def _on_roads(base: _Layer, suspect: _Layer, context: Context) -> Optional[ShiftVerdict]:
    """Whether too many buildings lie on roads for both layers to be in their places."""
    houses, roads = (base, suspect) if base.role == "housing" else (suspect, base)
    outlines = context.city.table("housing").geometry.to_numpy()[houses.rows]
    outlines = outlines[shapely.area(outlines) > 0]
    ways = _carriageways(roads, context)
    if not len(ways) or not len(outlines):
        return None
    sample = _even_sample(outlines, ways, context)
    if len(sample) < context.number("D07.min_votes"):
        return None
    sample = shapely.make_valid(sample)
    house, way = shapely.STRtree(ways).query(sample, predicate="intersects")
    covered = np.zeros(len(sample))
    on = np.unique(house)
    parts, owner = shapely.get_parts(ways[way], return_index=True)
    joined = shapely.buffer(shapely.multipolygons(parts, indices=np.searchsorted(on, house[owner])), 0)
    covered[on] = shapely.area(shapely.intersection(sample[on], joined)) / shapely.area(sample[on])
    share = float((covered > context.number("D07.building_overlap")).mean())
    if share <= context.number("D07.overlapping_share"):
        return None
    none = float("nan")
    return ShiftVerdict(
        suspect.role, suspect.source_name, base.name, "on_roads", none, none, share, none, none, False
    )


def _carriageways(roads: _Layer, context: Context) -> np.ndarray:
    """Areas of the streets on the ground: their lines, as wide as recorded; paths and yards left out."""
    rows = context.subject("roads").rows[["highway", "bridge", "tunnel", "width_m"]].iloc[roads.rows]
    lines = context.city.table("roads").geometry.to_numpy()[roads.rows]
    streets = [word for word, expected in maps_to("highway").items() if expected or word == "motorway"]
    kind = rows["highway"].fillna("").astype(object).str.replace("_link", "", regex=False)
    lifted = rows[["bridge", "tunnel"]].fillna(False).any(axis=1).to_numpy(dtype=bool)
    kept = kind.isin(streets).to_numpy(dtype=bool) & ~lifted
    width = rows["width_m"].to_numpy(dtype="float64")
    half = np.where(width > 0, width / 2, context.number("D07.road_half_width_m"))
    return np.asarray(shapely.buffer(lines[kept], half[kept], cap_style="flat", quad_segs=2))


def _even_sample(outlines: np.ndarray, ways: np.ndarray, context: Context) -> np.ndarray:
    """At most so many outlines that lie where there are roads, evenly from west to east."""
    reach, most = context.number("D07.reach_m"), int(context.number("D07.max_sample"))
    west, south, east, north = shapely.total_bounds(ways) + np.array([-reach, -reach, reach, reach])
    bounds = shapely.bounds(outlines)
    near = (bounds[:, 0] <= east) & (bounds[:, 2] >= west) & (bounds[:, 1] <= north) & (bounds[:, 3] >= south)
    found = np.flatnonzero(near)
    order = found[np.lexsort(bounds[found].T[::-1])]
    if len(order) > most:
        order = order[np.linspace(0, len(order) - 1, most).round().astype("int64")]
    return np.asarray(outlines[order])


def _nothing_to_compare(city: City) -> Optional[str]:
    layers = {
        role: city.table(role)["source_name"].dropna().nunique() for role in OBJECT_LAYERS if city.has(role)
    }
    if max(layers.values(), default=0) > 1:
        return None
    if {"pipe_points", "components"} <= layers.keys() or {"housing", "roads"} <= layers.keys():
        return None
    return "no two layers that can be compared"


CRS_OFFSET_SUSPECT = Rule("D07", find_crs_offsets, _nothing_to_compare, roles=OBJECT_LAYERS, reach_m=None)
