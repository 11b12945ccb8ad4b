"""Responsibility gaps of areas: seams between duty areas, holes in them and overlaps."""

from __future__ import annotations

from typing import NamedTuple, Optional

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from ...model.roles import OBJECT_LAYERS
from ..city import City, usable
from ..context import Context
from ..duties import valid_duties
from ..findings import join_findings, make_findings, raise_severity
from ..rule import Outcome, Rule
from ..seams import Parts, duty_holes, duty_overlaps, outline_slivers
from ..standards import Standard
from ..units import points_within

_SLACK = 1e-6
"""Rounding noise of areas and widths at city coordinates: an exact limit counts as reached."""


def find_slivers(city: City, context: Context) -> Outcome:
    """R03: thin holes between the areas of a duty, thin differences between two outlines of one space."""
    holes = context.once(duty_holes)
    thin = (holes.touching > 1) & _is_sliver(holes.parts, context)
    names = np.array([group.name for group in holes.groups], dtype=object)
    of_duties = _whole(holes.parts[thin], names, context)
    outlines = outline_slivers(context, context.number("R03.same_outline_share"))
    table = city.table("neglected")
    ids = table["id"].astype(object).to_numpy()
    pairs = np.array(["|".join(sorted(map(str, ids[pair]))) for pair in outlines.pairs], dtype=object)
    of_outlines = _whole(outlines.parts[_is_sliver(outlines.parts, context)], pairs, context)
    untested = () if context.units.study_area is not None else ("no study area to look for slivers in",)
    return Outcome(
        join_findings(
            [_slivers("duties", of_duties, context), _slivers("neglected", of_outlines, context)], city.crs
        ),
        untested,
    )


def find_overlaps_and_vacancies(city: City, context: Context) -> Outcome:
    """R04: areas of two bodies of one level, duty and trade that overlap; wide holes that none covers."""
    holes, overlaps = context.once(duty_holes), context.once(duty_overlaps)
    row = context.standards.parameter("R04.min_cover")
    covers_most = holes.covered >= row.number() - _SLACK
    wide = holes.parts.widths > context.number("R03.max_width_m") + _SLACK
    names = np.array([group.name for group in holes.groups], dtype=object)
    vacancy = _whole(holes.parts[wide & covers_most[holes.parts.of]], names, context)
    untested = [
        f"{name}: covers less than half of the study area, no vacancy" for name in names[~covers_most]
    ]
    if context.units.study_area is None:
        untested.append("no study area to look for vacancies in")
    kept = overlaps.parts.areas >= context.number("R04.min_overlap_m2") - _SLACK
    duties = context.once(valid_duties)
    ids = duties["id"].astype(object).to_numpy()
    pairs = np.array(["|".join(sorted(map(str, ids[pair]))) for pair in overlaps.pairs], dtype=object)
    overlap = _whole(overlaps.parts[kept], pairs, context)
    bodies = duties["body"].to_numpy(dtype=object)
    more = [
        {"group": overlaps.groups[overlaps.group_of[of]].name, "bodies": sorted(bodies[overlaps.pairs[of]])}
        for of in overlap.of
    ]
    parts = [
        _areas_of_duties(
            vacancy, "vacancy", "high", row, [{"group": name} for name in vacancy.name], context
        ),
        _areas_of_duties(
            overlap,
            "overlap",
            "medium",
            context.standards.parameter("R04.min_overlap_m2"),
            more,
            context,
        ),
    ]
    return Outcome(join_findings(parts, city.crs), tuple(untested))


def _is_sliver(parts: Parts, context: Context) -> np.ndarray:
    """Thin enough and large enough for a sliver, shape (p,)."""
    thin = parts.widths <= context.number("R03.max_width_m") + _SLACK
    return thin & (parts.areas >= context.number("R03.min_area_m2") - _SLACK)


class _Whole(NamedTuple):
    """Parts of one name whose representative point lies in one cell as one shape."""

    name: np.ndarray
    cell: np.ndarray
    of: np.ndarray
    shape: np.ndarray
    area: np.ndarray
    width: np.ndarray


def _whole(parts: Parts, names: np.ndarray, context: Context) -> _Whole:
    """The parts by name and cell (a key of the catalogue): one shape, the sum of areas, the largest width."""
    cells = context.grid.codes(shapely.point_on_surface(parts.shapes))
    frame = pd.DataFrame(
        {
            "name": names[parts.of] if len(parts.of) else np.array([], dtype=object),
            "cell": np.where(pd.isna(cells), "", cells),
            "of": parts.of,
            "area": parts.areas,
            "width": parts.widths,
            "shape": np.arange(len(parts.of)),
        }
    )
    same = frame.groupby(["name", "cell"], sort=True)
    shapes = np.array([_as_one(parts.shapes[rows]) for rows in same["shape"].agg(list)], dtype=object)
    kept = same.agg(of=("of", "first"), area=("area", "sum"), width=("width", "max")).reset_index()
    columns = (kept[name].to_numpy() for name in ("name", "cell", "of", "area", "width"))
    name, cell, of, area, width = columns
    return _Whole(name.astype(object), cell.astype(object), of, shapes, area, width)


def _as_one(polygons: np.ndarray) -> shapely.Geometry:
    return polygons[0] if len(polygons) == 1 else shapely.multipolygons(polygons)


def _slivers(role: str, whole: _Whole, context: Context) -> gpd.GeoDataFrame:
    row = context.standards.parameter("R03.max_width_m")
    low, medium = (context.number(f"R03.{name}_below_m2") for name in ("low", "medium"))
    severity = np.select([whole.area < low - _SLACK, whole.area < medium - _SLACK], ["low", "medium"], "high")
    objects, cases = _inside(whole.shape, context)
    return make_findings(
        "R03",
        object_role=role,
        object_id=whole.name,
        severity=raise_severity(severity.tolist(), (objects + cases) > 0),
        geometry=whole.shape,
        crs=context.city.crs,
        objects=[tuple(f"{role}:{name}" for name in _members(role, text)) for text in whole.name],
        discriminator=whole.cell,
        class_code="under_viaduct" if role == "neglected" else None,
        measured=whole.area,
        reference=0.0,
        unit="m2",
        basis=row.basis,
        confidence=row.confidence,
        params=[
            {"width_m": round(float(width), 2), "objects": int(things), "cases": int(calls)}
            for width, things, calls in zip(whole.width, objects, cases)
        ],
        evidence=("units",) if role == "duties" else (),
    )


def _members(role: str, name: str) -> list[str]:
    """The objects of a finding: of a pair both, of a duty group its name."""
    return name.split("|") if role == "neglected" else [name]


def _inside(shapes: np.ndarray, context: Context) -> tuple[np.ndarray, np.ndarray]:
    """How many objects (by representative point) and cases lie in each shape, shape (n,) each."""
    objects = np.zeros(len(shapes), dtype="int64")
    if not len(shapes):
        return objects, objects
    for role in OBJECT_LAYERS:
        context.check_cancelled()
        area, _ = points_within(_near(context.points(role), shapes), shapes)
        objects += np.bincount(area, minlength=len(shapes))
    hotline = context.city.table("hotline")
    past = (hotline["at"] <= pd.Timestamp(context.at)).to_numpy(dtype=bool) & usable(hotline.geometry)
    area, _ = points_within(hotline.geometry.to_numpy()[past], shapes)
    return objects, np.bincount(area, minlength=len(shapes))


def _near(points: np.ndarray, shapes: np.ndarray) -> np.ndarray:
    """The points within the bounds of all shapes together."""
    west, south, east, north = shapely.total_bounds(shapes)
    x, y = shapely.get_x(points), shapely.get_y(points)
    return points[(x >= west) & (x <= east) & (y >= south) & (y <= north)]


def _areas_of_duties(
    whole: _Whole, kind: str, severity: str, row: Standard, more: list[dict[str, object]], context: Context
) -> gpd.GeoDataFrame:
    members = [name.split("|") if kind == "overlap" else [name] for name in whole.name]
    return make_findings(
        "R04",
        object_role="duties",
        object_id=whole.name,
        severity=severity,
        geometry=whole.shape,
        crs=context.city.crs,
        objects=[tuple(f"duties:{name}" for name in names) for names in members],
        discriminator=whole.cell,
        measured=whole.area,
        reference=0.0,
        unit="m2",
        basis=row.basis,
        confidence=row.confidence,
        params=[
            {"kind": kind, "width_m": round(float(width), 2), **words}
            for width, words in zip(whole.width, more)
        ],
        evidence=("units",),
    )


def _no_areas(city: City) -> Optional[str]:
    duties = city.table("duties")
    if duties["area_code"].notna().any() or usable(duties.geometry).any():
        return None
    return "no duties with areas given"


SEAM_SLIVER = Rule(
    "R03",
    find_slivers,
    _no_areas,
    roles=(*OBJECT_LAYERS, "duties", "units", "hotline"),
    reach_m=None,
)
BOUNDARY_OVERLAP_OR_GAP = Rule(
    "R04",
    find_overlaps_and_vacancies,
    _no_areas,
    roles=("duties", "units", "roads", "housing"),
    reach_m=None,
)
