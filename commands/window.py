"""The part of a city that a call asks for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Optional

import numpy as np
import pyproj
import shapely

from ..engine.city import City
from ..engine.window import owns
from ..model.errors import CityGapError
from .call import Call
from .shapes import WGS84, reproject


class Window(NamedTuple):
    """The part of the city a run looks at; `shape` is in the city's CRS, None for all of it."""

    shape: Optional[shapely.Geometry]
    text: str

    @property
    def in_window(self) -> Optional[Callable[[float, float], bool]]:
        """Whether the window owns an anchor, by the very test the engine uses; None for a whole city."""
        if self.shape is None:
            return None
        owned = owns(self.shape)
        return lambda x, y: bool(owned(np.float64(x), np.float64(y)))


def window_of(call: Call, city: City) -> Window:
    """The window that `unit` or `bbox` of a call name; the whole city without them.

    Raises
    ------
    CityGapError
        ``bad_request``, ``no_unit``, ``bad_bbox``.
    """
    unit, bbox = call.optional("unit"), call.args.get("bbox")
    if unit and bbox:
        raise CityGapError("bad_request", "a unit and a bbox are given", remedy="Give one of them.")
    if unit:
        return Window(_unit_outline(city, unit), f"unit:{unit}")
    if bbox:
        lonlat = _corners(bbox)
        return Window(_box(lonlat, city.crs), "bbox:" + ",".join(f"{value:g}" for value in lonlat))
    return Window(None, "city")


def _unit_outline(city: City, code: str) -> shapely.Geometry:
    units = city.table("units")
    outlines = units.geometry.to_numpy()[(units["code"] == code).to_numpy(dtype=bool)]
    outline = shapely.union_all(outlines)
    if outline.is_empty:
        raise CityGapError(
            "no_unit",
            f"there is no unit {code}",
            layer="units",
            remedy="Name the code of a unit that has an outline.",
        )
    return outline


def _corners(bbox: Any) -> list[float]:
    """West, south, east, north in degrees, from a text with commas or a list."""
    try:
        west, south, east, north = (
            float(part) for part in (bbox.split(",") if isinstance(bbox, str) else bbox)
        )
    except (TypeError, ValueError):
        west = south = east = north = float("nan")
    if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
        raise CityGapError(
            "bad_bbox",
            "the bbox is not west,south,east,north in degrees",
            remedy="Write it like 121.46,31.22,121.49,31.25.",
        )
    return [west, south, east, north]


def _box(lonlat: list[float], crs: pyproj.CRS) -> shapely.Geometry:
    """The bounds of the four corners in the city's CRS."""
    west, south, east, north = lonlat
    corners = np.array(
        [shapely.MultiPoint([(x, y) for x in (west, east) for y in (south, north)])], dtype=object
    )
    placed = reproject(corners, WGS84, crs.to_wkt())[0]
    if not np.isfinite(placed.bounds).all():
        raise CityGapError(
            "bad_bbox", "the bbox lies outside the city's CRS", remedy="Name a bbox that meets the city."
        )
    return shapely.box(*placed.bounds)
