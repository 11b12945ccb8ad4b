"""How much there is of what a city records: floor area, outlines and lengths, on the ellipsoid.

Sums are kept in whole square centimetres and millimetres, so that parts add up to their total
whatever their order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyproj
import shapely

from .city import usable
from .likeness import valid_areas

if TYPE_CHECKING:
    from .context import Context

OUTSIDE = -1
MM_PER_M = 1000
CM2_PER_M2 = 10_000
_KM = 1000.0
_FARTHEST_M = 1e9
_MOST = 1e13
"""Cap of one object's amount, square centimetres or millimetres: nonsense beyond it can't upset a sum."""
_ROUNDING_MM = 2
_LINE_TYPES = (1, 2, 5)


class Areas(NamedTuple):
    """An area of each object.

    Attributes
    ----------
    cm2 : ndarray of int64, shape (n,)
        0 where it is not known.
    is_estimated, is_known : ndarray of bool, shape (n,)
        Known: stated or estimated.
    lacks_floors : ndarray of bool, shape (n,)
        Estimated with one floor, as none are recorded: a lower bound.
    """

    cm2: np.ndarray
    is_estimated: np.ndarray
    is_known: np.ndarray
    lacks_floors: np.ndarray


class Stretches(NamedTuple):
    """Lengths of lines by unit, shape (k,) each: all stretches of a line add up to its length.

    Attributes
    ----------
    line : ndarray of int64
        Row of the role's table.
    unit : ndarray of int64
        Row label of the unit in `Units.rows`, `OUTSIDE` where no unit holds it.
    mm : ndarray of int64
        Over 0.
    """

    line: np.ndarray
    unit: np.ndarray
    mm: np.ndarray


def scale_at(places: np.ndarray, crs: pyproj.CRS) -> np.ndarray:
    """Length in the CRS over length on the ellipsoid at each place, by squares of 1 km, shape (n,).

    In a transverse Mercator projection it varies by under 4e-6 within such a square.
    """
    square = np.floor(np.clip(places, -_FARTHEST_M, _FARTHEST_M) / _KM).astype("int64")
    keys, at = np.unique(square[:, 0] * (1 << 32) + square[:, 1], return_inverse=True)
    first = np.zeros(len(keys), dtype="int64")
    first[at] = np.arange(len(at))
    middle = (square[first] + 0.5) * _KM
    change = pyproj.Transformer.from_crs(crs, crs.geodetic_crs, always_xy=True)
    lon, lat = change.transform(middle[:, 0], middle[:, 1])
    scale = np.ones(len(keys))
    there = np.isfinite(lon) & np.isfinite(lat)
    if there.any():
        scale[there] = np.sqrt(pyproj.Proj(crs).get_factors(lon[there], lat[there]).areal_scale)
    scale[~(np.isfinite(scale) & (scale > 0))] = 1.0
    return np.asarray(scale[at])


def _centres(shapes: np.ndarray) -> np.ndarray:
    bounds = shapely.bounds(shapes)
    return np.asarray((bounds[:, :2] + bounds[:, 2:]) / 2)


def _whole(amounts: np.ndarray) -> np.ndarray:
    return np.rint(np.minimum(np.nan_to_num(amounts), _MOST)).astype("int64")


def outline_areas(role: str, context: Context) -> Areas:
    """Area that the outline of each object covers; points and lines cover none that is known."""
    return context.own(_outline_areas, role)


def _outline_areas(context: Context, role: str) -> Areas:
    table = context.city.table(role)
    shapes = table.geometry.to_numpy()
    known = usable(table.geometry) & (shapely.get_dimensions(shapes) == 2)
    m2 = np.zeros(len(shapes))
    areas = valid_areas(shapes[known])
    m2[known] = shapely.area(areas) / scale_at(_centres(areas), context.city.crs) ** 2
    none = np.zeros(len(shapes), dtype=bool)
    return Areas(_whole(m2 * CM2_PER_M2), none, known, none)


def floor_areas(context: Context) -> Areas:
    """Floor area of each building; ask for it with `Context.once`.

    As recorded, else outline x floors (estimated); floors not recorded count as one, which makes it
    a lower bound (indicators 3).
    """
    rows = context.subject("housing").rows
    stated, floors = (rows[name].to_numpy(dtype="float64") for name in ("floor_area_m2", "floors"))
    outlines = outline_areas("housing", context)
    told = np.isfinite(stated) & (stated >= 0)
    tall = np.isfinite(floors) & (floors >= 1)
    estimated = ~told & outlines.is_known
    cm2 = np.where(estimated, outlines.cm2 * np.where(tall, floors, 1.0), 0.0)
    cm2[told] = stated[told] * CM2_PER_M2
    return Areas(_whole(cm2), estimated, told | estimated, estimated & ~tall)


def lengths_mm(role: str, context: Context) -> np.ndarray:
    """Length of each object that is a line, whole millimetres on the ellipsoid, 0 for others, shape (n,)."""
    return context.own(_lengths_mm, role)


def _lengths_mm(context: Context, role: str) -> np.ndarray:
    table = context.city.table(role)
    shapes = table.geometry.to_numpy()
    lines = usable(table.geometry) & np.isin(shapely.get_type_id(shapes), _LINE_TYPES)
    mm = np.zeros(len(shapes), dtype="int64")
    metres = shapely.length(shapes[lines]) / scale_at(_centres(shapes[lines]), context.city.crs)
    mm[lines] = _whole(metres * MM_PER_M)
    return mm


def stretches(role: str, level: str, context: Context) -> Stretches:
    """How much of each line of a role lies in which unit of a level.

    Where units of the level overlap, the one with the smallest code has what both hold.
    """
    return context.own(_stretches, role, level)


def _stretches(context: Context, role: str, level: str) -> Stretches:
    table = context.city.table(role)
    mm = lengths_mm(role, context)
    row = np.flatnonzero(mm > 0)
    lines = table.geometry.to_numpy()[row]
    units = context.units.of_level(level)
    if not len(units) or not len(row):
        return Stretches(row, np.full(len(row), OUTSIDE), mm[row])
    outlines = _disjoint(shapely.make_valid(units.geometry.to_numpy()))
    unit, line, share = _shares(lines, outlines)
    parts = _in_whole_mm(line, share, mm[row])
    labels = units.index.to_numpy()[unit]
    rest = mm[row] - np.bincount(line, weights=parts, minlength=len(row)).astype("int64")
    out = np.flatnonzero(rest > 0)
    kept = parts > 0
    return Stretches(
        row[np.concatenate([line[kept], out])],
        np.concatenate([labels[kept], np.full(len(out), OUTSIDE)]).astype("int64"),
        np.concatenate([parts[kept], rest[out]]),
    )


def _disjoint(outlines: np.ndarray) -> np.ndarray:
    """The outlines without what an earlier one holds."""
    one, other = shapely.STRtree(outlines).query(outlines, predicate="intersects")
    one, other = one[one < other], other[one < other]
    shared = shapely.area(shapely.intersection(outlines[one], outlines[other])) > 0
    one, other = one[shared], other[shared]
    rest = outlines.copy()
    for at in np.unique(other):
        rest[at] = shapely.difference(outlines[at], shapely.union_all(outlines[one[other == at]]))
    return rest


def _shares(lines: np.ndarray, outlines: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Outline, line and share of the line in it, by line and outline; whole lines are not cut."""
    tree = shapely.STRtree(lines)
    in_unit, whole = tree.query(outlines, predicate="contains_properly")
    inside = np.zeros(len(lines), dtype=bool)
    inside[whole] = True
    at_edge = np.flatnonzero(~inside)
    unit, line = shapely.STRtree(lines[at_edge]).query(outlines, predicate="intersects")
    line = at_edge[line]
    cut = shapely.length(shapely.intersection(lines[line], outlines[unit])) / shapely.length(lines[line])
    unit, line = np.concatenate([in_unit, unit]), np.concatenate([whole, line])
    share = np.concatenate([np.ones(len(whole)), cut])
    order = np.lexsort((unit, line))
    return unit[order], line[order], share[order]


def _in_whole_mm(line: np.ndarray, share: np.ndarray, mm: np.ndarray) -> np.ndarray:
    """Whole millimetres of each part; those of a line never exceed it, and what is rounding is no rest."""
    if not len(line):
        return np.zeros(0, dtype="int64")
    total = np.cumsum(share)
    first = np.concatenate([[True], line[1:] != line[:-1]])
    before = np.maximum.accumulate(np.where(first, total - share, 0.0))
    reached = np.rint(np.minimum(total - before, 1.0) * mm[line]).astype("int64")
    last = np.concatenate([first[1:], [True]])
    reached = np.where(last & (mm[line] - reached <= _ROUNDING_MM), mm[line], reached)
    return np.diff(reached, prepend=0) + np.where(first, np.concatenate([[0], reached[:-1]]), 0)
