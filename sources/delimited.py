"""Reads delimited text: which separator, which encoding, and where the coordinates stand."""

from __future__ import annotations

import csv
import re
import unicodedata
from pathlib import Path
from typing import Optional

import numpy as np
import pandas as pd
import pyogrio
import pyproj
import shapely

from ..model.errors import CityGapError
from .encodings import text_encoding
from .files import Opened
from .raw import RawLayer, clean_shapes, crs_of
from .whole import truncated

DELIMITED = (".csv", ".tsv", ".txt")
_CURVED = "CURVE|SURFACE|COMPOUNDCURVE|CIRCULARSTRING|CURVEPOLYGON"
_WKT = re.compile(
    rf"^\s*(SRID=\d+;)?\s*(MULTI)?(POINT|LINESTRING|POLYGON|GEOMETRYCOLLECTION|{_CURVED})\b", re.IGNORECASE
)
_LONGITUDE = ("lon", "lng", "long", "longitude", "经度", "東經", "东经", "gps经度", "wgs84lon", "longitude84")
_LATITUDE = ("lat", "latitude", "纬度", "北纬", "gps纬度", "wgs84lat", "latitude84")
_EAST = (
    "x",
    "xcoord",
    "coordx",
    "pointx",
    "easting",
    "east",
    "e",
    "y东坐标",
    "东坐标",
    "横坐标",
    "东坐标y",
    "y横坐标",
    "x坐标",
)
_NORTH = (
    "y",
    "ycoord",
    "coordy",
    "pointy",
    "northing",
    "north",
    "n",
    "x北坐标",
    "北坐标",
    "纵坐标",
    "北坐标x",
    "x纵坐标",
    "y坐标",
)
_WGS84 = pyproj.CRS.from_epsg(4326)


def read_delimited(source: Opened, named: str) -> RawLayer:
    """The table of a text file; every column is text, empty cells are NA.

    Coordinates are taken from a WKT column, else from longitude and latitude columns (which are
    WGS 84 if the numbers can be nothing else), else from easting and northing columns. The
    Chinese survey order (X is north: ``X北坐标``, ``Y东坐标``) is known by its words; plain X and Y
    are east and north, and are swapped where only that can be a projected place in China.
    A ``.prj`` beside the file (WKT or a code such as ``EPSG:2263``) states the CRS.

    Raises
    ------
    CityGapError
        ``unreadable``, ``truncated``, ``bad_encoding``, ``empty``.
    """
    encoding = text_encoding(source.path)
    separator = _separator(source.path, encoding.name, named)
    frame = _table(source.path, encoding.name, separator, named)
    if not len(frame):
        raise CityGapError("empty", "the table has no rows", file=named, remedy="Export it again.")
    shown = "UTF-8" if encoding.name == "utf-8-sig" else encoding.name
    raw = RawLayer(named, None, frame, None, None, shown)
    _check_end(source.path, encoding.name, separator, raw)
    _place(raw, source.gdal_path)
    beside = source.path.with_suffix(".prj")
    if raw.crs is None and raw.shapes is not None and beside.is_file():
        raw.crs = crs_of(beside.read_text(encoding="utf-8", errors="replace").strip())
    return raw


def _separator(path: Path, encoding: str, named: str) -> str:
    try:
        with open(path, encoding=encoding, errors="replace") as file:
            head = file.readline()
    except OSError as error:
        raise CityGapError("unreadable", str(error), file=named) from error
    outside = re.sub(r'"[^"]*"', "", head)
    return max(",;\t|", key=outside.count)


def _table(path: Path, encoding: str, separator: str, named: str) -> pd.DataFrame:
    try:
        frame = pd.read_csv(
            path, sep=separator, encoding=encoding, dtype="str", keep_default_na=False, na_values=[""],
            skipinitialspace=True, index_col=False,
        )  # fmt: skip
    except UnicodeDecodeError as error:
        raise CityGapError(
            "bad_encoding", f"its text is not {encoding}", file=named, remedy="Save it as CSV in UTF-8."
        ) from error
    except pd.errors.EmptyDataError as error:
        raise CityGapError(
            "empty", "the file has no columns", file=named, remedy="Export it again."
        ) from error
    except pd.errors.ParserError as error:
        if "EOF" in str(error):
            raise truncated(named, "the file stops inside a quoted cell") from error
        raise CityGapError(
            "unreadable",
            f"this is no table ({' '.join(str(error).split())})",
            file=named,
            remedy="Save it as CSV.",
        ) from error
    frame.columns = [str(name).strip().strip("\ufeff") for name in frame.columns]
    return frame


def _check_end(path: Path, encoding: str, separator: str, raw: RawLayer) -> None:
    """A last line without line end and with fewer cells than the header is half a row."""
    with open(path, "rb") as file:
        file.seek(max(0, path.stat().st_size - (1 << 16)))
        tail = file.read()
    if tail.endswith((b"\n", b"\r")) or encoding.startswith("utf-16"):
        return
    last = re.split(rb"[\r\n]", tail)[-1].decode(encoding, errors="replace")
    if last.count('"') % 2:
        raise truncated(raw.path, "the file stops inside a quoted cell")
    cells = next(csv.reader([last], delimiter=separator), [])
    if len(cells) < len(raw.frame.columns):
        raise truncated(raw.path, f"the last row has {len(cells)} of {len(raw.frame.columns)} cells")
    raw.warnings.append("the file does not end with a line end: its last cell may be cut short")


def _place(raw: RawLayer, gdal_path: str) -> None:
    names = {_folded(name): name for name in reversed(raw.frame.columns)}
    wkt = next((name for name in raw.frame.columns if _holds_wkt(raw.frame[name])), None)
    if wkt is not None:
        _from_wkt(raw, wkt, gdal_path)
        return
    lon, lat = _first(names, _LONGITUDE), _first(names, _LATITUDE)
    if lon and lat:
        _from_columns(raw, lon, lat)
        bounds = shapely.total_bounds(raw.shapes)
        if np.isfinite(bounds).all() and (np.abs(bounds) <= (180, 90, 180, 90)).all():
            raw.crs = _WGS84
        return
    east, north = _first(names, _EAST), _first(names, _NORTH)
    if east and north:
        _from_columns(raw, east, north)
        _swap_survey_order(raw)


def _from_wkt(raw: RawLayer, column: str, gdal_path: str) -> None:
    text = raw.frame.pop(column)
    ewkt = text.str.extract(r"^\s*SRID=(\d+);(.*)$", flags=re.DOTALL)
    text = ewkt[1].fillna(text)
    codes = ewkt[0].dropna().unique()
    if len(codes) == 1:
        raw.crs = pyproj.CRS.from_epsg(int(codes[0]))
    try:
        shapes = shapely.from_wkt(text.to_numpy(dtype=object, na_value=None), on_invalid="ignore")
    except NotImplementedError:
        shapes = _linearised(gdal_path, raw, column)
    lost = int((shapely.is_missing(shapes) & text.notna().to_numpy()).sum())
    if lost:
        raw.warnings.append(f"{lost} rows have geometry text in {column} that cannot be read")
    raw.shapes = shapes
    raw.shapes = clean_shapes(raw)


def _linearised(gdal_path: str, raw: RawLayer, column: str) -> np.ndarray:
    """Curves as lines, by GDAL: GEOS reads no curves."""
    _, _, wkb, _ = pyogrio.raw.read(gdal_path, GEOM_POSSIBLE_NAMES=column, read_geometry=True)
    if wkb is None or len(wkb) != len(raw.frame):
        raise CityGapError(
            "unreadable",
            "its curves cannot be matched with its rows",
            file=raw.path,
            field=column,
            remedy="Export it as GeoPackage.",
        )
    return np.asarray(shapely.from_wkb(wkb, on_invalid="ignore"))


def _from_columns(raw: RawLayer, east: str, north: str) -> None:
    x = pd.to_numeric(raw.frame[east].str.replace(",", ""), errors="coerce").to_numpy(dtype="float64")
    y = pd.to_numeric(raw.frame[north].str.replace(",", ""), errors="coerce").to_numpy(dtype="float64")
    known = np.isfinite(x) & np.isfinite(y)
    shapes = np.full(len(x), None, dtype=object)
    shapes[known] = shapely.points(x[known], y[known])
    if not known.all():
        raw.warnings.append(f"{int((~known).sum())} rows have no number in {east} or {north}")
    raw.shapes = shapes
    raw.shapes = clean_shapes(raw)


def _swap_survey_order(raw: RawLayer) -> None:
    """Swap where the first number is a northing of China and the second an easting, never the other way."""
    x, y = shapely.get_x(raw.shapes), shapely.get_y(raw.shapes)
    with np.errstate(invalid="ignore"):
        survey = (x > 1.9e6) & (x < 6.0e6) & (y > 2.0e5) & (y < 8.0e5)
        plain = (y > 1.9e6) & (y < 6.0e6)
    present = ~shapely.is_missing(raw.shapes)
    if present.any() and survey[present].all() and not plain[present].any():
        raw.shapes = np.full(len(x), None, dtype=object)
        raw.shapes[present] = shapely.points(y[present], x[present])
        raw.warnings.append("X is north and Y is east in this table (survey order): swapped")


def _holds_wkt(column: pd.Series) -> bool:
    sample = column.dropna().head(50)
    return bool(len(sample)) and bool(sample.str.match(_WKT).all())


def _first(names: dict[str, str], words: tuple[str, ...]) -> Optional[str]:
    return next((names[word] for word in words if word in names), None)


def _folded(name: str) -> str:
    return re.sub(r"[\s_\-()/.:]+", "", unicodedata.normalize("NFKC", name).casefold())
