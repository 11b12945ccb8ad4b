"""The check: read the city, run the rules, merge into the store."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, NamedTuple, Optional

import numpy as np
import pyproj
import shapely

from ..engine.check import CheckResult, run_check
from ..engine.city import City
from ..engine.rows import to_rows
from ..engine.window import owns
from ..model.catalogue import rule_id_of
from ..model.errors import CityGapError
from ..model.gap import RuleRun, SourceRow
from ..model.identity import ulid
from ..model.version import VERSION
from ..sources.snapshot import write_city
from ..store.database import Store, create_store, open_store
from ..store.merge import merge_run
from ..store.runs import RunInfo
from .call import Call
from .cities import city_of, opened, standards_file
from .shapes import WGS84, reproject
from .thresholds import due_days, keep_city_rows, standards_in_force

COUNTS = ("found", "info", "new", "persisting", "gone", "returned")


class Window(NamedTuple):
    """The part of the city a run looks at; `shape` is in the city's CRS, None for all of it."""

    shape: Optional[shapely.Geometry]
    text: str


def check(call: Call) -> dict[str, Any]:
    """Run the rules over the sources and merge what they find into the store.

    Nothing is left behind where it fails or is cancelled: a new store is made beside its place.

    Returns
    -------
    dict
        `run_id`, `seconds`, `store`, `crs`, `as_of`, `rules` (per rule id: status, reason, found,
        info, new, persisting, gone, returned) and `warnings`.
    """
    started, started_at = time.monotonic(), datetime.now(timezone.utc)
    path = Path(call.text("store")).expanduser().absolute()
    rules = [rule_id_of(name) for text in call.texts("rules") for name in text.split(",") if name.strip()]
    _check_place(path)
    with opened(path) as known:
        city = city_of(call, known)
        window = _window(call, city)
        standards = standards_in_force(known, city)
    result = run_check(
        city,
        standards,
        rules=rules or None,
        window=window.shape,
        on_progress=call.stage("rules"),
        is_cancelled=call.is_cancelled,
    )
    run = RunInfo(
        run_id=ulid(),
        started_at=started_at.astimezone(city.tz).isoformat(timespec="milliseconds"),
        as_of=city.as_of.date().isoformat(),
        program_version=VERSION,
        window=window.text,
        seconds=round(time.monotonic() - started, 3),
        tz=str(city.tz),
    )
    if call.optional("city_out"):
        write_city(city, Path(call.text("city_out")).expanduser().absolute())
    with _store_at(path, city) as store:
        counts = _merge(call, store, run, result, city, window, due_days(standards))
        keep_city_rows(store, city)
    return {
        "run_id": run.run_id,
        "seconds": round(time.monotonic() - started, 3),
        "store": str(path),
        "crs": city.crs.to_string(),
        "as_of": run.as_of,
        "rules": {rule.rule_id: _summary(rule, counts.get(rule.rule_id, {})) for rule in result.rules},
        "warnings": list(city.warnings),
    }


def _merge(
    call: Call,
    store: Store,
    run: RunInfo,
    result: CheckResult,
    city: City,
    window: Window,
    due: dict[str, Optional[float]],
) -> dict[str, dict[str, int]]:
    call.stage("store")("store", "", 0, 1, 0.0)
    counts = merge_run(
        store,
        run,
        result.rules,
        to_rows(result.findings, city),
        _remembered(call, city),
        in_window=_owner(window),
        cancelled=call.is_cancelled,
        due_days=due,
        codes_of=result.codes_of,
    )
    call.stage("store")("store", "", 1, 1, 1.0)
    return counts


def _remembered(call: Call, city: City) -> list[SourceRow]:
    """The sources of the run, without a table of standards that was given for the store to keep."""
    extra = standards_file(call)
    if extra is None:
        return list(city.sources)
    return [row for row in city.sources if (row.role, row.options.get("path")) != ("standards", extra.path)]


def _owner(window: Window) -> Optional[Callable[[float, float], bool]]:
    """Whether the window owns an anchor, by the very test the engine uses; None for a whole city."""
    if window.shape is None:
        return None
    owned = owns(window.shape)
    return lambda x, y: bool(owned(np.float64(x), np.float64(y)))


def _check_place(path: Path) -> None:
    """Refuse a store that could not be written, before the work is done."""
    if path.is_dir():
        raise CityGapError(
            "not_store", "this is a folder", file=str(path), remedy="Name a file, such as city.gpkg, in it."
        )
    if not path.parent.is_dir():
        raise CityGapError(
            "missing_folder",
            "the folder does not exist",
            file=str(path.parent),
            remedy="Make the folder first.",
        )
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise CityGapError(
            "read_only",
            "the store can't be written here",
            file=str(path),
            remedy="Name a place you may write to.",
        )


@contextmanager
def _store_at(path: Path, city: City) -> Iterator[Store]:
    """The store to write to; a new one takes its place only once all is written."""
    if path.exists():
        with open_store(path) as store:
            yield store
        return
    with tempfile.TemporaryDirectory(prefix=f".{path.stem}-", dir=path.parent) as folder:
        draft = Path(folder) / path.name
        with create_store(draft, **_crs_words(city.crs), tz=str(city.tz)) as store:
            yield store
        draft.replace(path)


def _crs_words(crs: pyproj.CRS) -> dict[str, Any]:
    """How the store names a CRS; one without EPSG code gets a number of its own (GeoPackage 1.3, 1.1.2)."""
    return {
        "crs_name": crs.name,
        "srs_id": crs.to_epsg(min_confidence=100) or 100000,
        "crs_wkt": crs.to_wkt(),
    }


def _window(call: Call, city: City) -> Window:
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


def _summary(rule: RuleRun, counts: dict[str, int]) -> dict[str, Any]:
    reason = {"code": rule.reason_code, "text": rule.reason_text} if rule.reason_code else None
    return {"status": rule.status, "reason": reason, **{name: counts.get(name, 0) for name in COUNTS}}
