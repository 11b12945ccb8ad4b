"""OpenStreetMap: which tags mean which role."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Optional

import numpy as np
import pandas as pd
import pyogrio
import pyproj
import shapely

from ..model.errors import CityGapError
from .files import Opened
from .layers import feature_columns, refuse
from .raw import RawLayer, clean_shapes, crs_of, kinds_of
from .whole import head_of

CONFIG = Path(__file__).resolve().parent / "osmconf.ini"
OSM_LAYERS = ("points", "lines", "multipolygons")
_NO_STREET = (
    *("abandoned", "bus_stop", "construction", "corridor", "demolished", "disused", "elevator"),
    *("platform", "proposed", "raceway", "razed", "rest_area", "services"),
)
"""Values of highway on lines that are no street one can use today (OSM wiki, Key:highway)."""
_WATERWAYS = ("river", "stream", "canal", "drain", "ditch", "tidal_channel")
_NO = ("", "no", "false", "0")
_CHINA_LEVELS = {"4": "city", "5": "city", "6": "district", "8": "subdistrict"}
_OTHER_LEVELS = {"8": "city", "9": "district", "10": "subdistrict"}
"""admin_level to level of units (OSM wiki, Tag:boundary=administrative). China: 4 municipality, 5 prefecture
city, 6 district or county, 8 subdistrict or town. Elsewhere: 8 municipality, 9 and 10 its parts."""
_CHINA_BOX = (73.0, 18.0, 135.1, 53.6)
_HAN = re.compile(r"[\u4e00-\u9fff]")
_BASE_DATE = re.compile(rb'(?:osm_base|timestamp)="([0-9T:.Z+-]+)"')


def read_osm(source: Opened, named: str) -> dict[str, RawLayer]:
    """Role to layer of an OSM file.

    housing is building (not no) areas; roads are highway lines in use; water is waterway lines
    and areas of natural=water, landuse=reservoir or basin; neglected is service=alley, kind
    back_alley; components are man_made=manhole (manhole_cover) and highway=street_lamp nodes;
    units are boundary=administrative areas. Ids read ``way/123``, ``relation/4``, ``node/5``.

    Raises
    ------
    CityGapError
        ``truncated``, ``unreadable``, ``empty`` (nothing of use).
    """
    parts: dict[str, list[RawLayer]] = {}
    newest = pd.Series(dtype="datetime64[us, UTC]")
    for layer in OSM_LAYERS:
        raw = _read(source, named, layer)
        newest.loc[layer] = raw.frame["osm_timestamp"].max()
        for role, part in split_by_tags(raw).items():
            parts.setdefault(role, []).append(part)
    if not parts:
        raise CityGapError(
            "empty",
            "it holds no building, street, water, alley, manhole, lamp or administrative boundary",
            file=named,
            remedy="Download the area again with these tags.",
        )
    dated = _base_date(source) or (None if newest.isna().all() else newest.max().isoformat())
    return {role: _joined(named, role, layers, dated) for role, layers in parts.items()}


def looks_like_tags(raw: RawLayer) -> bool:
    """Whether a table has OSM tags as columns, as exports of Overpass and QuickOSM have."""
    columns = {_key(name) for name in raw.frame.columns}
    ids = [name for name in raw.frame.columns if _key(name) in ("@id", "id", "osm_id", "full_id")]
    marked = any(
        raw.frame[name].astype("str").head(20).str.match(r"^(node|way|relation)/\d+$").all() for name in ids
    )
    marked = marked or bool(columns & {"full_id", "osm_way_id", "osm_type"})
    return marked and len(raw.frame) > 0 and bool(columns & {"building", "highway", "waterway", "man_made"})


def split_by_tags(raw: RawLayer) -> dict[str, RawLayer]:
    """Role to the rows of a table of tags that have the role; rows without any role are left out."""
    shapes = raw.shapes if raw.shapes is not None else np.full(len(raw.frame), None, dtype=object)
    kinds = kinds_of(shapes)
    frame = raw.frame.rename(
        columns={name: _key(name) for name in raw.frame.columns if _key(name) not in raw.frame}
    )
    line, area, point = kinds == "line", kinds == "polygon", kinds == "point"
    # an outline too broken to read leaves a building without a place, not a city without the building
    outlined = area | ((kinds == "") & (raw.layer == "multipolygons"))
    highway, waterway = _tag(frame, "highway"), _tag(frame, "waterway")
    street = line & ~highway.isin([*_NO, *_NO_STREET]).to_numpy()
    alley = street & (_tag(frame, "service") == "alley").to_numpy()
    wet_area = (_tag(frame, "natural") == "water") | _tag(frame, "landuse").isin(["reservoir", "basin"])
    wet_area |= waterway.isin(["riverbank", "dock"])
    manhole = point & (_tag(frame, "man_made") == "manhole").to_numpy()
    lamp = point & (highway == "street_lamp").to_numpy()
    boundary = area & (_tag(frame, "boundary") == "administrative").to_numpy()
    level = _levels(frame, shapes, boundary)
    boundary &= level != ""
    masks = {
        "housing": outlined & ~_tag(frame, "building").isin(_NO).to_numpy(),
        "roads": street,
        "neglected": alley,
        "components": manhole | lamp,
        "water": (line & waterway.isin(_WATERWAYS).to_numpy()) | (area & wet_area.to_numpy()),
        "units": boundary,
    }
    added = {
        "neglected": {"kind": np.full(len(frame), "back_alley", dtype=object)},
        "components": {"class_code": np.where(lamp, "street_lamp", "manhole_cover").astype(object)},
        "units": {"level": level, "code": _codes(frame)},
        "housing": {"addr_full": _addresses(frame)},
    }
    return {
        role: _part(raw, frame.assign(**added.get(role, {})), shapes, mask, role)
        for role, mask in masks.items()
        if mask.any()
    }


def _part(raw: RawLayer, frame: pd.DataFrame, shapes: np.ndarray, mask: np.ndarray, role: str) -> RawLayer:
    kept = frame.loc[mask].reset_index(drop=True).dropna(axis="columns", how="all")
    return RawLayer(raw.path, role, kept, shapes[mask], raw.crs, raw.encoding, list(raw.warnings), raw.dated)


def _tag(frame: pd.DataFrame, name: str) -> pd.Series:
    if name not in frame:
        return pd.Series("", index=frame.index, dtype="str")
    return frame[name].astype("str").fillna("")


def _key(name: str) -> str:
    return str(name).replace(":", "_")


def _levels(frame: pd.DataFrame, shapes: np.ndarray, boundary: np.ndarray) -> np.ndarray:
    """Level of units of each row, ``""`` for none; China's own levels where the names are Chinese."""
    levels = np.full(len(frame), "", dtype=object)
    if not boundary.any():
        return levels
    west, south, east, north = shapely.bounds(shapes[boundary]).T
    lon, lat = np.nanmedian((west + east) / 2), np.nanmedian((south + north) / 2)
    inside = _CHINA_BOX[0] < lon < _CHINA_BOX[2] and _CHINA_BOX[1] < lat < _CHINA_BOX[3]
    han = _tag(frame, "name")[boundary].str.contains(_HAN).mean() > 0.5
    table = _CHINA_LEVELS if inside and han else _OTHER_LEVELS
    return np.asarray(_tag(frame, "admin_level").map(table).fillna("").to_numpy(dtype=object))


def _codes(frame: pd.DataFrame) -> np.ndarray:
    """The official code where the boundary carries one (`ref`), else its OSM id."""
    ref, own = _tag(frame, "ref"), _tag(frame, "osm_id")
    return np.asarray(ref.where(ref != "", own).to_numpy(dtype=object))


def _addresses(frame: pd.DataFrame) -> np.ndarray:
    """The whole address, else street and house number."""
    full = _tag(frame, "addr_full")
    parts = (_tag(frame, "addr_street") + " " + _tag(frame, "addr_housenumber")).str.strip()
    whole = full.where(full != "", parts)
    return np.asarray(whole.where(whole != "").to_numpy(dtype=object, na_value=None))


def _joined(named: str, role: str, layers: list[RawLayer], dated: Optional[str]) -> RawLayer:
    frame = pd.concat([layer.frame for layer in layers], ignore_index=True)
    shapes = np.concatenate([layer.shapes for layer in layers if layer.shapes is not None])
    said = sorted({text for layer in layers for text in layer.warnings})
    return RawLayer(named, role, frame, shapes, layers[0].crs, "UTF-8", said, dated)


def _read(source: Opened, named: str, layer: str) -> RawLayer:
    # feature by feature: the Arrow stream of this driver ends without a word at damaged bytes
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            meta, wkb, columns = _raw(source.gdal_path, layer)
        except (
            pyogrio.errors.DataSourceError,
            pyogrio.errors.DataLayerError,
            pyogrio.errors.FeatureError,
        ) as error:
            refuse(error, named, layer)
        except (UnicodeDecodeError, ValueError, RuntimeError, OSError) as error:
            refuse(error, named, layer)
    frame = feature_columns(meta, columns)
    shapes = shapely.from_wkb(wkb, on_invalid="ignore")
    raw = RawLayer(named, layer, frame, shapes, crs_of(meta["crs"]) or pyproj.CRS.from_epsg(4326), "UTF-8")
    raw.shapes = clean_shapes(raw)
    kind = {"points": "node", "lines": "way", "multipolygons": "relation"}[layer]
    ids = kind + "/" + frame["osm_id"].astype("str")
    if "osm_way_id" in frame:
        ids = ids.where(frame["osm_id"].notna(), "way/" + frame.pop("osm_way_id").astype("str"))
    frame["osm_id"] = ids
    # edit times are in UTC (OSM wiki); files without them give second 0 of 1970
    edited = pd.to_datetime(frame["osm_timestamp"], utc=True, errors="coerce", format="ISO8601")
    frame["osm_timestamp"] = edited.where(edited > pd.Timestamp("1970-01-02", tz="UTC"))
    return raw


def _raw(path: str, layer: str) -> tuple[dict[str, Any], np.ndarray, list[np.ndarray]]:
    options = {"CONFIG_FILE": str(CONFIG)}
    try:
        meta, _, wkb, columns = pyogrio.raw.read(path, layer=layer, datetime_as_string=True, **options)
    except (pyogrio.errors.DataLayerError, pyogrio.errors.FeatureError) as error:
        if "OSM_USE_CUSTOM_INDEXING" not in str(error):
            raise
        with _gdal_option("OSM_USE_CUSTOM_INDEXING", "NO"):
            meta, _, wkb, columns = pyogrio.raw.read(path, layer=layer, datetime_as_string=True, **options)
    return meta, wkb, columns


@contextmanager
def _gdal_option(name: str, value: str) -> Iterator[None]:
    before = pyogrio.get_gdal_config_option(name)
    pyogrio.set_gdal_config_options({name: value})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({name: before})


def _base_date(source: Opened) -> Optional[str]:
    """The date an OSM XML file states in its head (`osm_base` of Overpass, `timestamp` of osmium)."""
    if source.suffix != ".osm":
        return None
    head = head_of(source.path)
    first = re.search(rb"<(node|way|relation|bounds)[\s>]", head)
    found = _BASE_DATE.search(head[: first.start()] if first else head)
    return found.group(1).decode("ascii") if found else None
