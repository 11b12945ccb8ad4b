"""The tables of one city by role, in one metric CRS, with one vocabulary."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Optional
from zoneinfo import ZoneInfo

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from ..model.gap import SourceRow
from ..model.roles import ROLES
from ._compat import TEXT_DTYPE

DTYPES = {
    "text": TEXT_DTYPE,
    "number": "float64",
    "year": "float64",
    "bool": "boolean",
    "date": "datetime64[us, UTC]",
    "time": "datetime64[us, UTC]",
}
"""Column dtype of each field kind."""
_AT_ONCE = 250_000


@dataclass(frozen=True)
class City:
    """The tables of one city.

    Attributes
    ----------
    tables : dict of str to GeoDataFrame
        One table a role that was given, with a RangeIndex. Each holds every field of its role
        (all null if no source has it), `source_name`, further columns of the source under their
        own names, and `geometry` in `crs` (None where a row has no place). Numbers and years are
        float64 (NaN: unrecorded), dates and times are UTC timestamps (a date without time is the
        end of its day in `tz`), flags are nullable booleans, text is string with NA. Coded values
        are those of the vocabulary; an unknown spelling stays as it was written.
    lacking : dict of str to dict of str to frozenset of str
        Role, then source name, then the fields of the role that this source has no column for.
    crs : pyproj.CRS
        Projected, in metres.
    as_of : datetime
        T of every rule: the end of the as-of day, with zone. Later records are already left out
        by the rules, not here.
    tz : ZoneInfo
        The city's time zone.
    sources : tuple of SourceRow
    warnings : tuple of str
        What reading found odd but could live with, one sentence each.
    trusted : tuple of str
        Source names and roles whose position is not in doubt (rule D07); without any, what is
        named first.
    """

    tables: dict[str, gpd.GeoDataFrame]
    lacking: dict[str, dict[str, frozenset[str]]]
    crs: pyproj.CRS
    as_of: datetime
    tz: ZoneInfo
    sources: tuple[SourceRow, ...] = ()
    warnings: tuple[str, ...] = field(default=())
    trusted: tuple[str, ...] = ()

    def table(self, role: str) -> gpd.GeoDataFrame:
        """The table of a role; an empty one with all its fields if the role was not given."""
        if role in self.tables:
            return self.tables[role]
        return empty_table(role, self.crs)

    def has(self, role: str, *fields: str) -> bool:
        """Whether the role has rows and some source has a column for each of the fields."""
        if role not in self.tables or not len(self.tables[role]):
            return False
        return not any(name in self.lacking_everywhere(role) for name in fields)

    def lacking_everywhere(self, role: str) -> frozenset[str]:
        """Fields of the role that no source has a column for."""
        lacks = self.lacking.get(role)
        if not lacks:
            return frozenset()
        return frozenset.intersection(*lacks.values())


def row_parts(count: int) -> list[slice]:
    """Runs of rows that together are so many: what is made of millions for a moment fills the memory."""
    return [slice(begin, min(begin + _AT_ONCE, count)) for begin in range(0, count, _AT_ONCE)]


@lru_cache(maxsize=256)
def empty_table(role: str, crs: pyproj.CRS) -> gpd.GeoDataFrame:
    """A table without rows that has every field of the role, with the dtypes of `City.tables`.

    All that ask for one share it.
    """
    columns: dict[str, pd.Series] = {
        spec.name: pd.Series([], dtype=DTYPES[spec.kind]) for spec in ROLES[role].fields
    }
    return gpd.GeoDataFrame(columns, geometry=gpd.GeoSeries([], crs=crs), crs=crs)


def city_from_tables(
    tables: dict[str, gpd.GeoDataFrame],
    *,
    crs: object = "EPSG:4549",
    as_of: Optional[datetime] = None,
    tz: str = "Asia/Shanghai",
    sources: tuple[SourceRow, ...] = (),
) -> City:
    """A city from tables that use the roles' field names, for callers that hold frames already.

    Adds the columns a table lacks and notes them in `City.lacking`. Dtypes are brought to those
    of `City.tables`. Geometries are taken to be in `crs`.
    """
    zone = ZoneInfo(tz)
    metric = pyproj.CRS.from_user_input(crs)
    now = as_of or datetime.now(zone).replace(hour=23, minute=59, second=59, microsecond=999999)
    full: dict[str, gpd.GeoDataFrame] = {}
    lacking: dict[str, dict[str, frozenset[str]]] = {}
    for role, frame in tables.items():
        full[role], lacking[role] = complete_table(role, frame, metric)
    return City(full, lacking, metric, now, zone, sources)


def complete_table(
    role: str, frame: pd.DataFrame, crs: pyproj.CRS
) -> tuple[gpd.GeoDataFrame, dict[str, frozenset[str]]]:
    """The frame with every field of its role, and per source name the fields it lacked."""
    data = pd.DataFrame(frame).reset_index(drop=True)
    geometry = data.pop("geometry") if "geometry" in data else np.full(len(data), None)
    if "source_name" not in data:
        data["source_name"] = role
    absent = frozenset(spec.name for spec in ROLES[role].fields if spec.name not in data)
    lacking = {str(name): absent for name in data["source_name"].dropna().unique()} or {role: absent}
    nulls = {kind: pd.Series(None, index=data.index, dtype=dtype) for kind, dtype in DTYPES.items()}
    for spec in ROLES[role].fields:
        data[spec.name] = as_kind(data[spec.name], spec.kind) if spec.name in data else nulls[spec.kind]
    table = gpd.GeoDataFrame(
        data, geometry=gpd.GeoSeries(np.asarray(geometry, dtype=object), crs=crs), crs=crs
    )
    return table, lacking


def as_kind(column: pd.Series, kind: str) -> pd.Series:
    """A column in the dtype of its field kind (`DTYPES`); times without zone are taken as UTC.

    Raises
    ------
    ValueError
        If a value can't be read as that kind.
    """
    if kind in ("date", "time"):
        return pd.to_datetime(column, utc=True).astype(DTYPES[kind])
    if kind in ("number", "year"):
        return pd.to_numeric(column).astype(DTYPES[kind])
    return column.astype(DTYPES[kind])


def usable(geometry: gpd.GeoSeries) -> np.ndarray:
    """Mask of geometries that spatial rules can read: present, not empty, every coordinate finite.

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    shapes = geometry.to_numpy()
    good = ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
    coordinates, owner = shapely.get_coordinates(shapes, return_index=True)
    finite = np.isfinite(coordinates)
    if not finite.all():
        good[owner[~finite.all(axis=1)]] = False
    return np.asarray(good)


def lacking_role(city: City, roles: tuple[str, ...]) -> Optional[str]:
    """The sentence that names the roles a city lacks, None if it has them all."""
    absent = [role for role in roles if not city.has(role)]
    return f"no {' and no '.join(absent)} given" if absent else None
