"""Geometry of gap records as text: WKT in the city's CRS, GeoJSON in WGS 84."""

from __future__ import annotations

import json
from typing import Any, Optional

import numpy as np
import pyproj
import shapely

from ..model.errors import CityGapError

WGS84 = "EPSG:4326"
LONLAT_DECIMALS = 7
"""RFC 7946 section 11.2: more says nothing; a centimetre on the ground."""


def with_wkt(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The records with `geometry` as WKT (None: no place) in place of `wkb`."""
    texts = shapely.to_wkt(_shapes(records), rounding_precision=-1)
    return [{**_columns(record), "geometry": text} for record, text in zip(records, texts.tolist())]


def feature_collection(records: list[dict[str, Any]], crs_wkt: str) -> dict[str, Any]:
    """The records as a GeoJSON FeatureCollection (RFC 7946).

    Parameters
    ----------
    records : list of dict
        With `wkb` in the CRS of `crs_wkt`.

    Returns
    -------
    dict
        Longitude and latitude in WGS 84, outer rings counter-clockwise, `geometry` null without a place.
    """
    shapes = np.array(
        [_right_handed(shape) for shape in reproject(_shapes(records), crs_wkt, WGS84)], dtype=object
    )
    shapes = shapely.transform(shapes, lambda lonlat: np.round(lonlat, LONLAT_DECIMALS))
    features = [
        {
            "type": "Feature",
            "id": record["gap_id"],
            "geometry": None if shape is None else json.loads(shapely.to_geojson(shape)),
            "properties": _columns(record),
        }
        for record, shape in zip(records, shapes)
    ]
    return {"type": "FeatureCollection", "features": features}


def reproject(shapes: np.ndarray, source: str, target: str) -> np.ndarray:
    """The shapes in another CRS, x before y; None stays None, shape (n,)."""
    change = pyproj.Transformer.from_crs(source, target, always_xy=True)
    return np.asarray(
        shapely.transform(shapes, lambda xy: np.column_stack(change.transform(xy[:, 0], xy[:, 1])))
    )


def shape_from_wkt(text: str, crs: str, target_wkt: str) -> shapely.Geometry:
    """The geometry of a WKT, brought from `crs` into the CRS of `target_wkt`, without heights.

    Raises
    ------
    CityGapError
        ``bad_wkt``, ``bad_crs``.
    """
    try:
        shape = shapely.force_2d(shapely.from_wkt(text))
    except (shapely.errors.ShapelyError, NotImplementedError) as error:
        raise CityGapError(
            "bad_wkt", f"the WKT can't be read ({error})", remedy="Write it like POINT (121.5 31.2)."
        ) from error
    if shape is None or shape.is_empty:
        raise CityGapError("bad_wkt", "the WKT is empty", remedy="Write it like POINT (121.5 31.2).")
    try:
        placed = reproject(np.array([shape], dtype=object), crs, target_wkt)[0]
    except pyproj.exceptions.CRSError as error:
        raise CityGapError(
            "bad_crs", f"there is no CRS {crs!r}", remedy="Name one like EPSG:4326."
        ) from error
    if not np.isfinite(shapely.bounds(placed)).all():
        raise CityGapError(
            "bad_wkt", f"the WKT lies outside the area of {crs}", remedy="Name the CRS of its coordinates."
        )
    return placed


def _shapes(records: list[dict[str, Any]]) -> np.ndarray:
    return np.asarray(
        shapely.from_wkb(np.array([record["wkb"] for record in records], dtype=object)), dtype=object
    )


def _columns(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name != "wkb"}


def _right_handed(shape: Optional[shapely.Geometry]) -> Optional[shapely.Geometry]:
    """The shape with outer rings counter-clockwise, as RFC 7946 wants them."""
    if shape is None or shape.geom_type not in ("Polygon", "MultiPolygon", "GeometryCollection"):
        return shape
    if shape.geom_type == "Polygon":
        return shapely.geometry.polygon.orient(shape)
    return type(shape)([_right_handed(part) for part in shape.geoms])
