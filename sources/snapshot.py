"""Writes the tables of a city as one GeoPackage that reads back without any mapping."""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path
from typing import Any, Union
from zoneinfo import ZoneInfo

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely

from ..engine.city import City
from ..model.errors import CityGapError
from ..model.roles import ROLES
from .layers import LACKING
from .raw import kinds_of

_TYPES = ("Point", "LineString", "LineString", "Polygon", "MultiPoint", "MultiLineString", "MultiPolygon")
"""Geometry type of each shapely type id (a ring is stored as a line)."""

_OLDER = {"VERSION": "1.2"}
"""What the GDAL of every QGIS since 3.22 reads without a warning."""


def write_city(city: City, path: Union[str, Path]) -> dict[str, int]:
    """Write one layer per role, named like the role, columns named like its fields.

    A field that every source lacks is no column; which source lacks which of the others stands in
    the attribute table ``citygap_lacking``. Dates and times are ISO 8601 text (a whole day as its
    date), so that nothing is rounded. A role without any geometry becomes an attribute table; a
    layer that mixes single and multi geometries is stored as multi.

    Parameters
    ----------
    city : City
    path : str or Path
        Written beside, then renamed; an existing file is replaced.

    Returns
    -------
    dict of str to int
        Rows written per role.

    Raises
    ------
    CityGapError
        ``cannot_write``
    """
    target = Path(path)
    counts: dict[str, int] = {}
    try:
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".citygap-") as folder:
            beside = Path(folder) / "city.gpkg"
            for role, table in city.tables.items():
                _write_layer(beside, role, _stored(city, role, table))
                counts[role] = len(table)
            _write_layer(beside, LACKING, _lacking_table(city))
            beside.replace(target)
    except (OSError, pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as error:
        raise CityGapError(
            "cannot_write",
            str(error),
            file=str(target),
            remedy="Close the file elsewhere or choose another folder.",
        ) from error
    return counts


def _stored(city: City, role: str, table: gpd.GeoDataFrame) -> pd.DataFrame:
    """The table with the columns and dtypes that the file holds."""
    frame = table.drop(columns=list(city.lacking_everywhere(role)), errors="ignore")
    kinds = {field.name: field.kind for field in ROLES[role].fields}
    data: dict[str, Any] = {}
    for name in frame.columns:
        column = frame[name]
        if name == "geometry":
            continue
        if kinds.get(str(name)) in ("date", "time"):
            data[str(name)] = _moments(column, city.tz)
        elif pd.api.types.is_object_dtype(column.dtype):
            data[str(name)] = column.map(str, na_action="ignore").astype("str")
        else:
            data[str(name)] = column
    plain = pd.DataFrame(data, index=frame.index)
    shapes = frame["geometry"].to_numpy()
    if not len(shapes) or shapely.is_missing(shapes).all():
        return plain
    return gpd.GeoDataFrame(plain, geometry=gpd.GeoSeries(_alike(shapes), crs=city.crs), crs=city.crs)


def _moments(column: pd.Series, zone: ZoneInfo) -> pd.Series:
    """ISO 8601; the end of a day in the city as that day alone, which reads back as its end."""
    text = column.map(lambda moment: moment.isoformat(), na_action="ignore").astype("str")
    local = column.dt.tz_convert(zone)
    last = local.dt.normalize() + pd.DateOffset(days=1) - pd.Timedelta(microseconds=1)
    return text.where(local != last, local.dt.strftime("%Y-%m-%d"))


def _alike(shapes: np.ndarray) -> np.ndarray:
    """Geometries of one kind as one type: multi where some are."""
    kinds = set(np.unique(kinds_of(shapes))) - {""}
    types = set(np.unique(shapely.get_type_id(shapes[~shapely.is_missing(shapes)])))
    if len(kinds) != 1 or len(types) == 1:
        return shapes
    makers = {
        "point": shapely.multipoints,
        "line": shapely.multilinestrings,
        "polygon": shapely.multipolygons,
    }
    present = np.flatnonzero(~shapely.is_missing(shapes) & ~shapely.is_empty(shapes))
    parts, owner = shapely.get_parts(shapes[present], return_index=True)
    made = shapes.copy()
    made[present] = makers[str(kinds.pop())](parts, indices=owner)
    return made


def _lacking_table(city: City) -> pd.DataFrame:
    rows = [
        (role, name, field)
        for role, sources in city.lacking.items()
        for name, fields in sources.items()
        for field in sorted(fields - city.lacking_everywhere(role))
    ]
    return pd.DataFrame(rows, columns=["role", "source_name", "field"], dtype="str")


def _write_layer(path: Path, layer: str, frame: pd.DataFrame) -> None:
    options: dict[str, Any] = {"layer": layer, "driver": "GPKG", "append": False}
    if isinstance(frame, gpd.GeoDataFrame):
        ids = set(np.unique(shapely.get_type_id(frame.geometry.dropna().to_numpy())))
        types = {_TYPES[number] for number in ids}
        options["geometry_type"] = types.pop() if len(types) == 1 else "Unknown"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pyogrio.write_dataframe(frame, path, use_arrow=True, dataset_options=_OLDER, **options)
