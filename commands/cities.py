"""From the arguments of a call to the city it is about."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, time
from pathlib import Path
from typing import Optional
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ..engine.city import City
from ..engine.context import Context
from ..engine.standards import Standards
from ..model.errors import CityGapError
from ..sources.build import build_city
from ..sources.spec import SourceSpec, parse_sources, specs_from_rows
from ..store.database import Store, open_store
from ..store.runs import remembered_sources
from .call import Call
from .crs import crs_of_store
from .held import Held

DEFAULT_TZ = "Asia/Shanghai"
"""Catalogue, settled meanings: `--tz`, else the store's, else this."""


@contextmanager
def opened(path: Path) -> Iterator[Optional[Store]]:
    """The store at a path; None if there is none yet."""
    if not path.exists():
        yield None
        return
    with open_store(path) as store:
        yield store


def given_sources(call: Call) -> list[SourceSpec]:
    """The sources a call names, with absolute paths, so that they can be remembered."""
    specs = parse_sources(call.texts("source"), call.texts("role"), call.texts("map"))
    return [_absolute(spec) for spec in specs]


def standards_file(call: Call) -> Optional[SourceSpec]:
    """The table of standards a call names; it is kept in the store and not remembered as a source."""
    path = call.optional("standards")
    return _absolute(SourceSpec(path, None, "standards")) if path else None


def read_city(call: Call, known: Optional[Store] = None) -> City:
    """The city of the sources that a call names, else of those the store remembers.

    CRS and time zone are those of the store, once there is one.

    Raises
    ------
    CityGapError
        ``no_source``, ``crs_differs``, ``bad_time``, and whatever reading raises.
    """
    specs = given_sources(call) or (specs_from_rows(remembered_sources(known)) if known else [])
    if not specs:
        raise CityGapError(
            "no_source",
            "there is no source to check, and none is remembered",
            file=call.optional("store"),
            remedy="Name the city's files, such as: citygap check CITY.gpkg --store S.gpkg",
        )
    extra = standards_file(call)
    city = build_city(
        [*specs, extra] if extra else specs,
        crs=_crs(call, known),
        as_of=as_of_date(call),
        tz=time_zone(call, known),
        on_progress=call.reading(),
        is_cancelled=call.is_cancelled,
    )
    return replace(city, trusted=trusted_sources(call, known))


def trusted_sources(call: Call, known: Optional[Store]) -> tuple[str, ...]:
    """Sources and roles whose position is not in doubt: those a call names, else those of the run before."""
    named = call.texts("trusted")
    if named or known is None:
        return tuple(named)
    return tuple(json.loads(known.meta.get("trusted", "[]")))


def city_of(call: Call, known: Optional[Store]) -> City:
    """The city that a call names as held open, at the as-of day it asks for; else the one it reads."""
    held = held_of(call)
    if held is None:
        return read_city(call, known)
    city = held.edited_city()
    day = as_of_date(call)
    if day is None:
        return city
    zone = ZoneInfo(time_zone(call, known))
    return replace(city, as_of=datetime.combine(day, time.max, zone), tz=zone)


def held_of(call: Call) -> Optional[Held]:
    """The open city that a call names; None if it names none."""
    name = call.optional("city")
    if not name:
        return None
    if call.cities is None:
        raise CityGapError("no_such_city", f"no city {name} is open", remedy="Open it first.")
    return call.cities.held(name)


def context_of(call: Call, city: City, standards: Standards, dismissed: frozenset[str]) -> Context:
    """What is known of a city: for the open city a call names, what was found out before and still holds."""
    held = held_of(call)
    if held is not None and held.city is city:
        return held.context(standards, dismissed, call.is_cancelled)
    return Context(city, standards, call.is_cancelled, dismissed=dismissed)


def as_of_date(call: Call) -> Optional[date]:
    """The day that fixes every "today"; None: today."""
    text = call.optional("as_of")
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise CityGapError("bad_time", f"{text!r} is no date", remedy="Write it like 2026-01-31.") from error


def time_zone(call: Call, known: Optional[Store]) -> str:
    """Name of the time zone in which days end."""
    name = call.optional("tz") or (known.meta.get("tz") if known else None) or DEFAULT_TZ
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise CityGapError(
            "bad_tz", f"there is no time zone {name!r}", remedy="Name one like Asia/Shanghai."
        ) from error
    return name


def _crs(call: Call, known: Optional[Store]) -> Optional[str]:
    import pyproj

    asked = call.optional("crs")
    if asked and asked.isdigit():
        asked = f"EPSG:{asked}"
    if known is None:
        return asked
    fixed = crs_of_store(known)
    try:
        differs = asked and not pyproj.CRS.from_user_input(asked).equals(
            pyproj.CRS.from_user_input(fixed), ignore_axis_order=True
        )
    except pyproj.exceptions.CRSError as error:
        raise CityGapError(
            "bad_crs", f"there is no CRS {asked!r}", remedy="Name one like EPSG:4549."
        ) from error
    if differs:
        raise CityGapError(
            "crs_differs",
            f"the store is in {known.meta['crs']}, not in {asked}",
            file=str(known.path),
            remedy="Leave --crs out, or name a new store.",
        )
    return fixed


def _absolute(spec: SourceSpec) -> SourceSpec:
    """The source with an absolute path; ``FILE|LAYER`` without a role is one layer, to be recognised."""
    path, bar, layer = spec.path.rpartition("|")
    if bar and not Path(spec.path).exists():
        spec = replace(spec, path=path, layer=layer)
    file = Path(spec.path).expanduser()
    return replace(spec, path=str(file.absolute())) if file.exists() else spec
