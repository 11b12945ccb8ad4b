"""Builds the city of a run from its sources."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Callable, Optional, Union
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import geopandas as gpd
import pandas as pd
import pyproj

from ..engine.city import City, complete_table
from ..engine.memory import give_back, hold_little
from ..model.errors import Cancelled, CityGapError
from ..model.gap import SourceRow
from .normalise import Table, dated, normalised
from .parts import Part, Progress, read_parts
from .place import metric_crs, require_crs
from .spec import SourceSpec, source_row, uri_of


def build_city(
    specs: Sequence[SourceSpec],
    *,
    crs: Union[str, int, None] = None,
    as_of: Optional[date] = None,
    tz: str = "Asia/Shanghai",
    on_progress: Progress = lambda share, text: None,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> City:
    """The city that the sources hold.

    Parameters
    ----------
    specs : sequence of SourceSpec
    crs : str or int, optional
        The city CRS, projected in metres; None: chosen from the data (`place.metric_crs`).
    as_of : date, optional
        The day whose end is T; None: today in `tz`.
    tz : str
        Time zone of the city; times without a zone are read in it.
    on_progress : callable
        Share done (0 to 1) and the file at hand.
    is_cancelled : callable
        Asked between layers.

    Raises
    ------
    CityGapError
        ``no_source``, ``no_role`` (nothing recognised), ``no_crs``, ``no_geometry``, ``bad_tz`` and
        whatever keeps a source from being read.
    Cancelled
    """
    if not specs:
        raise CityGapError("no_source", "no source is given", remedy="Name at least one file.")
    zone = _zone(tz)
    hold_little()
    parts = read_parts(
        specs, on_progress=lambda share, text: on_progress(share * 0.7, text), is_cancelled=is_cancelled
    )
    known = [part for part in parts if part.guess]
    if not known:
        raise _nothing_recognised(parts)
    for part in known:
        require_crs(part.raw, crs)
    target = metric_crs(crs, [part.raw for part in known])
    tables: list[Table] = []
    for number, (part, name) in enumerate(zip(known, source_names(known))):
        if is_cancelled():
            raise Cancelled
        on_progress(0.7 + 0.3 * number / len(known), part.role)
        tables.append(normalised(part, name, target, zone))
        part.raw.let_go()
    joined, lacking = join_tables(tables, target)
    on_progress(1.0, None)
    give_back()
    return City(joined, lacking, target, _end_of(as_of, zone), zone, _rows(tables), _warnings(parts))


def source_names(parts: Sequence[Part]) -> list[str]:
    """Name of each part's source: the file's, with the layer where a file has several of the role.

    Of two files of one name and role the later one is ``name#2``: a run that reads only one of them
    must not be taken to have read the other.
    """
    count = Counter((part.spec.path, part.role) for part in parts)
    met: Counter[tuple[str, str]] = Counter()
    names = []
    for part in parts:
        several = count[part.spec.path, part.role] > 1
        name = uri_of(part.stem, part.layer) if several else part.stem
        met[name, part.role] += 1
        number = met[name, part.role]
        names.append(name if number == 1 else f"{name}#{number}")
    return names


def join_tables(
    tables: Sequence[Table], crs: pyproj.CRS
) -> tuple[dict[str, gpd.GeoDataFrame], dict[str, dict[str, frozenset[str]]]]:
    """One table a role, and which source lacks which of its fields."""
    frames: dict[str, list[gpd.GeoDataFrame]] = {}
    lacking: dict[str, dict[str, frozenset[str]]] = {}
    for table in tables:
        role = table.part.role
        frame, lacks = complete_table(role, table.frame, crs)
        frames.setdefault(role, []).append(frame)
        of_role = lacking.setdefault(role, {})
        for name, fields in lacks.items():
            fields |= table.part.lacking.get(name, frozenset())
            of_role[name] = fields & of_role[name] if name in of_role else fields
    return {role: _stacked(list_, crs) for role, list_ in frames.items()}, lacking


def _stacked(frames: list[gpd.GeoDataFrame], crs: pyproj.CRS) -> gpd.GeoDataFrame:
    if len(frames) == 1:
        return frames[0]
    return gpd.GeoDataFrame(pd.concat(frames, ignore_index=True), geometry="geometry", crs=crs)


def _rows(tables: Sequence[Table]) -> tuple[SourceRow, ...]:
    """One row per source name met in each table."""
    return tuple(
        source_row(
            table.part.spec,
            source_name=str(name),
            layer=table.part.layer,
            role=table.part.role,
            rows=int(count),
            dated=newest,
            encoding=table.part.raw.encoding,
        )
        for table, newest in ((table, dated(table)) for table in tables)
        for name, count in table.frame["source_name"].value_counts(sort=False).items()
    )


def _warnings(parts: Sequence[Part]) -> tuple[str, ...]:
    said = []
    for part in parts:
        where = uri_of(part.spec.path, part.layer)
        if part.guess is None:
            why = "no role is recognised" if len(part.raw.frame) else "it has no features"
            said.append(f"{where}: {why}, the layer is left out")
        named = f"{where} ({part.role})" if part.role else where
        said.extend(f"{named}: {text}" for text in part.raw.warnings)
    return tuple(dict.fromkeys(said))


def _nothing_recognised(parts: Sequence[Part]) -> CityGapError:
    part = parts[0] if parts else None
    layers = ", ".join(sorted({str(part.raw.layer or part.stem) for part in parts})[:10])
    return CityGapError(
        "no_role",
        f"no layer is recognised as anything CityGap knows ({layers or 'no layers'})",
        file=part.spec.path if part else None,
        layer=part.raw.layer if part else None,
        remedy="Say what it is with --role ROLE=FILE|LAYER.",
    )


def _zone(tz: str) -> ZoneInfo:
    try:
        return ZoneInfo(tz)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise CityGapError(
            "bad_tz", f"{tz!r} is no time zone", remedy="Give one like Asia/Shanghai."
        ) from error


def _end_of(day: Optional[date], zone: ZoneInfo) -> datetime:
    return datetime.combine(day or datetime.now(zone).date(), time.max, tzinfo=zone)
