"""Seams, overlaps and doubles planted among the duties."""

from __future__ import annotations

from typing import Any, NamedTuple, Optional

import numpy as np
import pandas as pd
import shapely

from .frame import CELL_M
from .truth import Truth

SLIVER_M = (6.0, 40.0)
"""Width and length of the strip that two fallbacks leave out: under 10 m wide, over 5 m²."""

_SCRAP_M = (0.3, 12.0)
_DOUBLE_M = 24.0
_TOUCH_M2 = 0.6
_MARGIN_M = 6.0


class Seams(NamedTuple):
    """Ground that duties leave out or hold twice, each within one cell.

    Attributes
    ----------
    cut : dict
        Code of a subdistrict to the ground that its fallback leaves out.
    doubled : list
        Ground and duty of further rows (R04 finds what overlaps), and whether that is enough to be found.
    truths : list of Truth
        Of the strips; those of overlaps need the ids of the duties.
    """

    cut: dict[str, shapely.Geometry]
    doubled: list[tuple[str, shapely.Polygon, str, bool]]
    strips: list[tuple[shapely.Polygon, bool]]


def cell_of(shape: shapely.Geometry) -> str:
    """Code of the grid cell of a point of the shape (both coordinates are positive here)."""
    x, y = shapely.get_coordinates(shapely.point_on_surface(shape))[0]
    return f"XA{int(x // CELL_M):06d}{int(y // CELL_M):06d}"


def plan_seams(units: pd.DataFrame, alleys: np.ndarray, avoided: Optional[shapely.Polygon]) -> Seams:
    """A strip and a scrap along the border of two subdistricts, and ground for duties held twice.

    Parameters
    ----------
    alleys : ndarray of LineString
        Back alleys: one of them is patrolled by two bodies.
    avoided : Polygon, optional
        The cell whose fallback is left out already.
    """
    lowest = units[(units["level"] == "subdistrict").to_numpy()]
    codes, areas = lowest["code"].to_numpy(dtype=object), lowest["geometry"].to_numpy()
    cut: dict[str, shapely.Geometry] = {}
    strips: list[tuple[shapely.Polygon, bool]] = []
    for one in range(len(areas)):
        for other in range(one + 1, len(areas)):
            if len(strips) == 2 or (lowest["zone_type"].iloc[[one, other]] == "fringe").any():
                continue
            width, length = SLIVER_M if not strips else _SCRAP_M
            strip = _strip(areas[one], areas[other], width, length)
            if strip is not None:
                cut[codes[one]] = shapely.union_all([cut[codes[one]], strip]) if codes[one] in cut else strip
                strips.append((strip, width == SLIVER_M[0]))
    doubled = []
    if len(areas):
        spots = _squares(areas[-1], avoided)
        if len(spots) > 1:
            scrap = shapely.centroid(spots[1]).buffer(np.sqrt(_TOUCH_M2) / 2, cap_style="square")
            doubled = [("fallback", spots[0], "*", True), ("fallback", scrap, "*", False)]
    inside = [line for line in alleys if _in_one_cell(line)]
    if inside:
        middle = shapely.point_on_surface(inside[len(inside) // 2])
        doubled.append(
            ("patrol", shapely.buffer(middle, 2.0, cap_style="square"), "neglected:back_alley", True)
        )
    return Seams(cut, doubled, strips)


def _strip(
    one: shapely.Polygon, other: shapely.Polygon, width: float, length: float
) -> Optional[shapely.Polygon]:
    """A strip of one area along its border with another, in one cell, off its middle; None without room."""
    border = shapely.line_merge(shapely.intersection(one.boundary, other.boundary))
    for line in shapely.get_parts(border):
        for start in np.arange(20.0, shapely.length(line) - length - 20.0, 11.0):
            ends = shapely.get_coordinates(shapely.line_interpolate_point(line, [start, start + length]))
            spine = shapely.linestrings(ends)
            strip = shapely.intersection(shapely.buffer(spine, width, cap_style="flat"), one)
            if strip.geom_type == "Polygon" and _in_one_cell(strip) and _off_centre(strip):
                return strip
    return None


def _in_one_cell(shape: shapely.Geometry) -> bool:
    west, south, east, north = shape.bounds
    low = np.floor((np.array([west, south]) - _MARGIN_M) / CELL_M)
    return bool(np.array_equal(low, np.floor((np.array([east, north]) + _MARGIN_M) / CELL_M)))


def _off_centre(shape: shapely.Geometry) -> bool:
    x, y = shapely.get_coordinates(shapely.centroid(shape))[0]
    middle = shapely.points((x // CELL_M + 0.5) * CELL_M, (y // CELL_M + 0.5) * CELL_M)
    return bool(shapely.distance(shape, middle) > 3.0)


def _squares(area: shapely.Polygon, avoided: Optional[shapely.Polygon]) -> np.ndarray:
    """Small squares well inside an area, each in the middle of a cell quarter, at most two."""
    west, south, east, north = np.floor(np.array(area.bounds) / CELL_M)
    e, n = (
        grid.ravel() * CELL_M for grid in np.meshgrid(np.arange(west, east + 1), np.arange(south, north + 1))
    )
    low = 13.0
    spots = shapely.box(e + low, n + low, e + low + _DOUBLE_M, n + low + _DOUBLE_M)
    fits = shapely.contains_properly(area.buffer(-30.0), spots)
    if avoided is not None:
        fits &= ~shapely.intersects(spots, avoided)
    inside = spots[fits]
    middle = shapely.distance(inside, area.centroid)
    return np.asarray(inside[np.argsort(middle, kind="stable")[:2]])


def truths_of_seams(
    seams: Seams, duties: pd.DataFrame, vacancy: Optional[shapely.Polygon], counted: list[int]
) -> list[Truth]:
    """R03 and R04 of the planted seams.

    Parameters
    ----------
    duties : DataFrame
        With the column `beside`: id of the duty that a doubled one overlaps, null for others.
    counted : list of int
        Objects and cases inside each strip.
    """
    group = "subdistrict:fallback:*"
    truths = []
    for (strip, is_gap), inside in zip(seams.strips, counted):
        area = shapely.area(strip)
        own = ["low", "medium", "high"][int(area >= 100.0) + int(area >= 1000.0)]
        severity = {"low": "medium", "medium": "high", "high": "high"}[own] if inside else own
        note = (
            f"{area:.0f} m2 between two fallbacks"
            if is_gap
            else f"{area:.1f} m2 between two fallbacks: too small"
        )
        expected = "yes" if is_gap else "no"
        truths.append(
            Truth("R03", "duties", group, "", cell_of(strip), severity if is_gap else "", expected, "", note)
        )
    if vacancy is not None:
        note, code = "the fallback duty leaves this cell out", cell_of(vacancy)
        truths.append(Truth("R04", "duties", group, "", code, "high", "yes", "", note))
        truths.append(Truth("R01", "cell", code, "", "", "high", "yes", "", note))
        next_door = cell_of(shapely.transform(vacancy, lambda xy: xy + np.array([CELL_M, 0.0])))
        truths.append(Truth("R01", "cell", next_door, "", "", "", "no", "", "next to it: fallback known"))
    for row in duties[duties["beside"].notna()].itertuples():
        pair = "|".join(sorted((row.id, row.beside)))
        found = shapely.area(row.geometry) >= 1.0
        note = f"two bodies on {shapely.area(row.geometry):.1f} m2"
        severity = "medium" if found else ""
        truths.append(
            Truth(
                "R04", "duties", pair, "", cell_of(row.geometry), severity, "yes" if found else "no", "", note
            )
        )
    return truths


def rows_of_doubles(seams: Seams, duties: pd.DataFrame, units: pd.DataFrame) -> list[dict[str, Any]]:
    """Further duties for `Seams.doubled`: like the one they overlap, of another body."""
    lowest = units[(units["level"] == "subdistrict").to_numpy()]
    rows = []
    for duty, shape, object_class, _ in seams.doubled:
        where = shapely.contains(lowest["geometry"].to_numpy(), shapely.centroid(shape))
        name = lowest["name"].to_numpy(dtype=object)[where]
        if len(name) != 1:
            continue
        mine = duties[
            (duties["duty"] == duty)
            & (duties["object_class"] == object_class)
            & duties["body"].str.startswith(name[0])
        ]
        base = mine.iloc[0].to_dict()
        rows.append(
            {
                **base,
                "body": "城市管理综合服务中心",
                "area_code": None,
                "geometry": shape,
                "beside": base["id"],
            }
        )
    return rows
