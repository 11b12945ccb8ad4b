"""Rows that somebody edited in a layer, as a table of its role."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from ..engine.city import as_kind
from ..model.errors import CityGapError
from ..model.roles import ROLES
from .coded import fill_pipe_classes, to_code
from .normalise import as_field


def edited_rows(
    role: str, upserts: Sequence[dict[str, Any]], before: gpd.GeoDataFrame, source: str, zone: ZoneInfo
) -> gpd.GeoDataFrame:
    """The rows of `upserts` as the city holds them; what an upsert does not name stays as it was.

    Parameters
    ----------
    upserts : sequence of dict
        `id`, `wkb64` (base64 of WKB in the city CRS; absent: as before, null: no place) and `fields`
        (role fields or further columns to what was typed).
    before : GeoDataFrame
        The rows of these ids, as `City.tables` holds them.
    source : str
        Name of the source that a new row is of.

    Raises
    ------
    CityGapError
        ``bad_request`` if an id or the WKB can't be read.
    """
    ids = [_id_of(item) for item in upserts]
    known = before.drop_duplicates("id").set_index("id", drop=False)
    rows = known.reindex(ids)
    rows["id"] = ids
    rows["source_name"] = rows["source_name"].fillna(source)
    shapes = rows.geometry.to_numpy().copy()
    for number, item in enumerate(upserts):
        if "wkb64" in item:
            shapes[number] = _shape_of(item["wkb64"], ids[number])
    frame = pd.DataFrame(rows).reset_index(drop=True)
    typed = pd.DataFrame([item.get("fields") or {} for item in upserts], index=frame.index)
    for column in typed.columns.intersection(frame.columns.difference(["id", "geometry"])):
        named = np.array([column in (item.get("fields") or {}) for item in upserts])
        values = _read(typed[column][named], role, column, zone)
        frame[column] = _with(frame[column], named, values)
    if role == "pipes":
        fill_pipe_classes(frame, None)
    return gpd.GeoDataFrame(frame, geometry=gpd.GeoSeries(shapes, crs=before.crs), crs=before.crs)


def _read(typed: pd.Series, role: str, column: str, zone: ZoneInfo) -> pd.Series:
    """What was typed into a field, in its kind; a further column stays as typed."""
    for field in ROLES[role].fields:
        if field.name == column:
            values = as_field(typed, field, zone).values
            values = to_code(values, role, column) if field.kind == "text" else values
            return as_kind(values, field.kind)
    return typed


def _with(column: pd.Series, named: np.ndarray, values: pd.Series) -> pd.Series:
    """The column with other values in the named rows, in its own dtype where they fit it."""
    mixed = column.astype(object)
    mixed[named] = values.astype(object)
    return mixed.where(mixed.notna(), None).astype(column.dtype)


def _id_of(item: dict[str, Any]) -> str:
    if item.get("id") in (None, ""):
        raise CityGapError("bad_request", "an edited row has no id", remedy="Send the id of each row.")
    return str(item["id"])


def _shape_of(text: Any, row: str) -> Any:
    if text is None:
        return None
    try:
        return shapely.force_2d(shapely.from_wkb(base64.b64decode(text, validate=True)))
    except (binascii.Error, shapely.errors.ShapelyError, TypeError, ValueError) as error:
        raise CityGapError("bad_request", "the geometry can't be read", row=row) from error
