"""One metric CRS for the whole city, and every geometry in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional, Union

import geopandas as gpd
import numpy as np
import pyproj
import shapely

from ..model.errors import CityGapError
from .raw import RawLayer, kinds_of

SHANGHAI_BOX = (120.85, 30.67, 122.00, 31.88)
"""West, south, east, north of Shanghai in degrees."""
SHANGHAI_CRS = "EPSG:4549"
_WGS84 = pyproj.CRS.from_epsg(4326)
_SAMPLE = 20_000
_KIND_MAKERS = {
    "point": shapely.multipoints,
    "line": shapely.multilinestrings,
    "polygon": shapely.multipolygons,
}
_KIND_TYPES = {"point": (0,), "line": (1, 2), "polygon": (3,)}


def metric_crs(given: Union[str, int, None], layers: Sequence[RawLayer]) -> pyproj.CRS:
    """The CRS of the city: the given one, EPSG:4549 for Shanghai, else the local UTM zone of WGS 84.

    The place is the median over all rows of the centres of their bounds. Projected CRSs of the
    sources are not taken over: UTM keeps every city within one part in 1,000 of true length and
    gives the same answer whatever the order of the sources. Without any place: EPSG:4549.

    Raises
    ------
    CityGapError
        ``bad_crs``: the given CRS is unknown, or not projected in metres.
    """
    if given is not None:
        return _given_crs(given)
    centre = _centre(layers)
    if centre is None:
        return pyproj.CRS.from_user_input(SHANGHAI_CRS)
    lon, lat = centre
    west, south, east, north = SHANGHAI_BOX
    if west <= lon <= east and south <= lat <= north:
        return pyproj.CRS.from_user_input(SHANGHAI_CRS)
    zone = min(60, int((lon + 180) // 6) + 1)
    return pyproj.CRS.from_epsg((32600 if lat >= 0 else 32700) + zone)


def require_crs(raw: RawLayer, given: Union[str, int, None]) -> None:
    """Give a layer without CRS the city's, if one is given and the layer's numbers can be in it.

    Raises
    ------
    CityGapError
        ``no_crs``
    """
    if raw.crs is not None or raw.shapes is None or not raw.kinds:
        return
    bounds = shapely.total_bounds(raw.shapes)
    seen = f"x {bounds[0]:.6g} to {bounds[2]:.6g}, y {bounds[1]:.6g} to {bounds[3]:.6g}"
    if given is not None and _fits(_given_crs(given), bounds):
        raw.crs = _given_crs(given)
        raw.warnings.append(f"it states no CRS and is taken to be in {raw.crs.to_string()} ({seen})")
        return
    hint = "no --crs is given" if given is None else f"its numbers do not fit {_given_crs(given).to_string()}"
    raise CityGapError(
        "no_crs",
        f"the layer states no CRS and {hint} ({seen})",
        file=raw.path,
        layer=raw.layer,
        remedy="Put a .prj beside it or assign a CRS in QGIS; if it is in the city's own CRS, give --crs.",
    )


def placed(raw: RawLayer, crs: pyproj.CRS) -> np.ndarray:
    """The layer's geometries in `crs`; those that have no place there are none, and counted.

    Returns
    -------
    ndarray of shapely geometries, shape (n,)
    """
    if raw.shapes is None:
        return np.full(len(raw.frame), None, dtype=object)
    if raw.crs is None or not raw.kinds:
        return raw.shapes
    moved = gpd.GeoSeries(raw.shapes, crs=raw.crs).to_crs(crs).to_numpy()
    bounds = shapely.bounds(moved)
    lost = ~np.isfinite(bounds).all(axis=1) & ~shapely.is_missing(moved) & ~shapely.is_empty(moved)
    if lost.any():
        raw.warnings.append(
            f"{int(lost.sum())} rows have coordinates that are nowhere in {raw.crs.to_string()[:40]} "
            "and count as without a place"
        )
        moved = np.where(lost, None, moved)
    return np.asarray(moved, dtype=object)


def fit_kinds(
    raw: RawLayer, shapes: np.ndarray, kinds: tuple[str, ...], role: str
) -> tuple[np.ndarray, np.ndarray]:
    """Shapes of the kinds that a role takes, and the mask of rows to keep; the rest is counted.

    Of a geometry collection the parts of the first kind that it holds and the role takes are
    kept. Rows without geometry stay.

    Returns
    -------
    shapes : ndarray of shapely geometries, shape (n,)
    keep : ndarray of bool, shape (n,)
    """
    met = kinds_of(shapes)
    mixed = met == "collection"
    if mixed.any():
        shapes = _opened_collections(shapes, np.flatnonzero(mixed), kinds)
        met = kinds_of(shapes)
    keep = np.isin(met, ("", *kinds))
    for kind in sorted(set(met[~keep])):
        raw.warnings.append(
            f"{int((met == kind).sum())} rows are {kind}s, which {role} does not take: left out"
        )
    return shapes, keep


def _opened_collections(shapes: np.ndarray, rows: np.ndarray, kinds: tuple[str, ...]) -> np.ndarray:
    opened = shapes.copy()
    open_rows = rows
    for kind in kinds:
        parts, owner = shapely.get_parts(opened[open_rows], return_index=True)
        parts, inner = shapely.get_parts(parts, return_index=True)
        owner = owner[inner]
        right = np.isin(shapely.get_type_id(parts), _KIND_TYPES[kind])
        if right.any():
            owners = np.unique(owner[right])
            made = _KIND_MAKERS[kind](parts[right], indices=np.searchsorted(owners, owner[right]))
            opened[open_rows[owners]] = made
            open_rows = np.delete(open_rows, owners)
        if not len(open_rows):
            break
    return opened


def _given_crs(given: Union[str, int]) -> pyproj.CRS:
    try:
        crs = pyproj.CRS.from_user_input(int(given) if str(given).strip().isdigit() else given)
    except pyproj.exceptions.CRSError as error:
        raise CityGapError("bad_crs", f"{given!r} is no CRS", remedy="Give it like EPSG:4549.") from error
    units = {axis.unit_name for axis in crs.axis_info[:2]}
    if not crs.is_projected or not units <= {"metre", "meter"}:
        raise CityGapError(
            "bad_crs",
            f"{crs.to_string()} is not projected in metres",
            remedy="Give one like EPSG:4549 or a UTM zone.",
        )
    return crs


def _fits(crs: pyproj.CRS, bounds: np.ndarray) -> bool:
    """Whether bounds can be in a projected CRS: on Earth, within 3 degrees of its area, no degrees."""
    if (np.abs(bounds) <= (180, 90, 180, 90)).all():
        return False
    west, south, east, north = pyproj.Transformer.from_crs(crs, _WGS84, always_xy=True).transform_bounds(
        *bounds
    )
    area = crs.area_of_use
    if not np.isfinite([west, south, east, north]).all():
        return False
    if area is None:
        return True
    margin = 3.0
    inside_x = area.west - margin <= west and east <= area.east + margin
    return bool(inside_x and area.south - margin <= south and north <= area.north + margin)


def _centre(layers: Sequence[RawLayer]) -> Optional[tuple[float, float]]:
    """Median longitude and latitude of the centres of all rows, at most 20,000 of a layer."""
    lons: list[np.ndarray] = []
    lats: list[np.ndarray] = []
    for raw in layers:
        if raw.shapes is None or raw.crs is None or not raw.kinds:
            continue
        step = max(1, len(raw.shapes) // _SAMPLE)
        bounds = shapely.bounds(raw.shapes[::step])
        bounds = bounds[np.isfinite(bounds).all(axis=1)]
        middle = (bounds[:, :2] + bounds[:, 2:]) / 2
        lon, lat = pyproj.Transformer.from_crs(raw.crs, _WGS84, always_xy=True).transform(
            middle[:, 0], middle[:, 1]
        )
        good = np.isfinite(lon) & np.isfinite(lat) & (np.abs(lon) <= 180) & (np.abs(lat) <= 90)
        lons.append(np.repeat(lon[good], step) if step > 1 else lon[good])
        lats.append(np.repeat(lat[good], step) if step > 1 else lat[good])
    if not lons or not sum(map(len, lons)):
        return None
    return float(np.median(np.concatenate(lons))), float(np.median(np.concatenate(lats)))
