"""Reads one layer of a vector file, whole, without looking at what it means."""

from __future__ import annotations

import re
import sqlite3
import warnings
from contextlib import closing
from pathlib import Path
from typing import Any, NoReturn, Optional

import numpy as np
import pandas as pd
import pyarrow as pa
import pyogrio
import shapely

from ..model.errors import CityGapError
from .encodings import dbf_encoding
from .files import Opened
from .raw import RawLayer, clean_shapes, crs_of
from .whole import truncated

_ARROW_KINDS = (".gpkg", ".shp", ".fgb", ".geojson", ".json", ".sqlite", ".dbf")
"""Formats whose Arrow stream reports a damaged file; others end early without a word (GDAL 3.12)."""
_CUT = re.compile(
    r"unterminated|unexpected end|premature|i/o failure|reading geometry|coordinate data|parsing of data"
    r"|malformed|fread|fatal error parsing|not closed|corrupt",
    re.IGNORECASE,
)
LACKING = "citygap_lacking"
"""Attribute table of a snapshot: role, source_name, field of each column that a source lacks."""
_NOT_DATA = ("layer_styles", "qgis_projects", LACKING)
_PANDAS = {
    pa.int16(): pd.Int32Dtype(),
    pa.int32(): pd.Int32Dtype(),
    pa.int64(): pd.Int64Dtype(),
    pa.bool_(): pd.BooleanDtype(),
}


def layer_names(source: Opened, named: str, *, everything: bool = False) -> list[str]:
    """Names of the layers of a file that may hold a city's data.

    Raises
    ------
    CityGapError
        ``unreadable``, ``truncated`` or ``empty`` (no layers).
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            listed = pyogrio.list_layers(source.gdal_path)
    except (pyogrio.errors.DataSourceError, UnicodeDecodeError, OSError) as error:
        refuse(error, named, None)
    names = [str(name) for name, _ in listed if everything or name not in _NOT_DATA]
    if not names:
        raise CityGapError("empty", "the file holds no layers", file=named, remedy="Export it again.")
    return names


def read_layer(source: Opened, named: str, layer: str) -> RawLayer:
    """The whole layer.

    Raises
    ------
    CityGapError
        ``unreadable``, ``truncated``, ``bad_encoding``.
    """
    encoding = _declared_or_guessed(source, layer)
    options: dict[str, Any] = {} if encoding is None else {"encoding": encoding}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            if source.suffix in _ARROW_KINDS:
                frame, shapes, meta = _read_arrow(source.gdal_path, layer, options)
            else:
                frame, shapes, meta = _read_features(source.gdal_path, layer, options)
        except NotImplementedError:
            frame, shapes, meta = _read_features(source.gdal_path, layer, options)
        except UnicodeDecodeError as error:
            raise CityGapError(
                "bad_encoding",
                f"its text is not {encoding or 'UTF-8'}",
                file=named,
                layer=layer,
                remedy="Put a .cpg file beside it that names the encoding, such as GBK or UTF-8.",
            ) from error
        except (
            pyogrio.errors.DataSourceError,
            pyogrio.errors.DataLayerError,
            pyogrio.errors.FeatureError,
        ) as error:
            refuse(error, named, layer)
        except (pyogrio.errors.GeometryError, pa.ArrowException, OSError, ValueError, RuntimeError) as error:
            refuse(error, named, layer)
    said = {_plain(str(item.message)) for item in caught if issubclass(item.category, RuntimeWarning)}
    kept = sorted(text for text in said if "GFS file" not in text)
    if source.suffix == ".gpkg":
        _check_count(source.path, named, layer, len(frame))
    if source.suffix in (".kml", ".kmz", ".gpx"):
        frame = frame.dropna(axis="columns", how="all")
    shown = encoding or str(meta.get("encoding") or "UTF-8")
    raw = RawLayer(named, layer, frame, shapes, crs_of(meta.get("crs")), shown, kept)
    if shapes is not None:
        raw.shapes = clean_shapes(raw)
    return raw


def _declared_or_guessed(source: Opened, layer: str) -> Optional[str]:
    """Encoding of the dBASE table of a shapefile; None for formats that know their own."""
    if source.suffix not in (".shp", ".dbf"):
        return None
    base = source.path / layer if source.path.is_dir() else source.path.with_suffix("")
    table = next((p for s in (".dbf", ".DBF") if (p := base.with_name(f"{base.name}{s}")).is_file()), None)
    return dbf_encoding(table).name if table else None


def _read_arrow(
    path: str, layer: str, options: dict[str, Any]
) -> tuple[pd.DataFrame, Optional[np.ndarray], dict[str, Any]]:
    meta, table = pyogrio.read_arrow(path, layer=layer, **options)
    if meta.get("geometry_type") is None:
        return _attributes(table), None, meta
    at = table.column_names.index(meta["geometry_name"] or "wkb_geometry")
    shapes = _decoded(table.column(at))
    # One chunk is a copy: a column of GDAL's batches would hold all their memory, geometry too.
    return _attributes(table.remove_column(at).combine_chunks()), shapes, meta


def _decoded(wkb: pa.ChunkedArray) -> np.ndarray:
    """Shapes of WKB, chunk by chunk: Python makes an object of each cell on the way."""
    chunks = (chunk.to_numpy(zero_copy_only=False) for chunk in wkb.iterchunks())
    shapes = [shapely.from_wkb(np.asarray(chunk, dtype=object), on_invalid="ignore") for chunk in chunks]
    return np.concatenate([np.array([], dtype=object), *shapes])


def _attributes(table: pa.Table) -> pd.DataFrame:
    """Columns that hold values; binary ones (photos, blobs) stay behind."""
    keep = [i for i, column in enumerate(table.schema) if not pa.types.is_binary(column.type)]
    table = table.select(keep)
    names = _unique(table.column_names)
    frame = table.rename_columns(names).to_pandas(types_mapper=_PANDAS.get)
    return _plain_values(frame.reset_index(drop=True))


def _read_features(
    path: str, layer: str, options: dict[str, Any]
) -> tuple[pd.DataFrame, Optional[np.ndarray], dict[str, Any]]:
    meta, _, wkb, columns = pyogrio.raw.read(path, layer=layer, datetime_as_string=True, **options)
    has_place = wkb is not None and meta.get("geometry_type") is not None
    shapes = shapely.from_wkb(wkb, on_invalid="ignore") if has_place else None
    frame = feature_columns(meta, columns)
    if not len(frame.columns) and shapes is not None:
        frame = pd.DataFrame(index=pd.RangeIndex(len(shapes)))
    return frame, shapes, meta


def feature_columns(meta: dict[str, Any], columns: list[np.ndarray]) -> pd.DataFrame:
    """What `pyogrio.raw.read` gives as a table; text is string with NA, moments are those of their zone."""
    names = _unique([str(name) for name in meta["fields"]])
    kinds = meta["ogr_types"]
    data = {name: pd.Series(_typed(values, kind)) for name, values, kind in zip(names, columns, kinds)}
    return _plain_values(pd.DataFrame(data))


def _typed(values: np.ndarray, kind: str) -> Any:
    if values.dtype != object or not all(value is None or isinstance(value, str) for value in values[:100]):
        return values
    text = pd.Series(pd.array(values, dtype="str"))
    if kind != "OFTDateTime":
        return text
    zoned = text.dropna().str.contains(r"(?:Z|[+-]\d\d:?\d\d)$")
    if zoned.all():
        return pd.to_datetime(text, utc=True, errors="coerce", format="ISO8601")
    return text if zoned.any() else pd.to_datetime(text, errors="coerce", format="ISO8601")


def _plain_values(frame: pd.DataFrame) -> pd.DataFrame:
    """Lists become text; bytes go."""
    for name in [name for name in frame.columns if pd.api.types.is_object_dtype(frame[name].dtype)]:
        first = next((value for value in frame[name] if value is not None), None)
        if isinstance(first, bytes):
            frame = frame.drop(columns=name)
        elif isinstance(first, (list, tuple, dict, np.ndarray)):
            frame[name] = frame[name].map(lambda value: None if value is None else str(list(value)))
    return frame


def _unique(names: list[str]) -> list[str]:
    """Names made different also without regard to case: the second ``NAME`` becomes ``NAME_1``."""
    seen: set[str] = set()
    result = []
    for name in names:
        new, number = name, 0
        while new.casefold() in seen:
            number += 1
            new = f"{name}_{number}"
        seen.add(new.casefold())
        result.append(new)
    return result


def _check_count(path: Path, named: str, layer: str, rows: int) -> None:
    """Fewer rows than the GeoPackage counts itself: ask the database whether it is whole."""
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?immutable=1", uri=True)) as connection:
        try:
            known = "SELECT 1 FROM sqlite_master WHERE name = 'gpkg_ogr_contents'"
            query = "SELECT feature_count FROM gpkg_ogr_contents WHERE table_name = ?"
            counts = connection.execute(known).fetchone()
            found = connection.execute(query, (layer,)).fetchone() if counts else None
            if found is None or found[0] is None or found[0] <= rows:
                return
            verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        except sqlite3.DatabaseError as error:
            raise truncated(named, f"the database is damaged ({error})") from error
    if verdict != "ok":
        raise truncated(named, f"only {rows} of {found[0]} rows can be read: {verdict}")


def _plain(message: str) -> str:
    return " ".join(message.split())


def refuse(error: BaseException, named: str, layer: Optional[str]) -> NoReturn:
    """One error for whatever GDAL says about a file."""
    message = _plain(str(error)).split(". It might help")[0].split("; It might help")[0]
    if (
        "not recognized as being in a supported file format" in message
        or "does not exist in the file system" in message
    ):
        raise CityGapError(
            "unreadable",
            "GDAL does not know this format, or the file is damaged",
            file=named,
            layer=layer,
            remedy="Convert it to GeoPackage, for example with ogr2ogr or QGIS.",
        ) from error
    if _CUT.search(message):
        raise CityGapError(
            "truncated",
            f"the file is damaged or cut short ({message})",
            file=named,
            layer=layer,
            remedy="Copy or export it again.",
        ) from error
    raise CityGapError(
        "unreadable",
        f"GDAL cannot read it ({message})",
        file=named,
        layer=layer,
        remedy="Open it in QGIS and export it as GeoPackage.",
    ) from error
