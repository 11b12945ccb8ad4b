"""The check: read the city, run the rules, merge into the store."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pyproj

from ..engine.check import Ask, run_rules
from ..engine.city import City
from ..engine.memory import give_back
from ..model.catalogue import rule_id_of
from ..model.errors import CityGapError
from ..model.gap import SourceRow
from ..sources.snapshot import write_city
from ..store.database import Store, create_store, open_store
from . import run as runs
from .call import Call
from .cities import city_of, context_of, opened, standards_file
from .figures import figures_of
from .standard_rows import unknown_names
from .thresholds import keep_city_rows, standards_in_force
from .window import window_of


def check(call: Call) -> dict[str, Any]:
    """Run the rules over the sources and merge what they find into the store.

    Nothing is left behind where it fails or is cancelled: a new store is made beside its place.

    Returns
    -------
    dict
        As `run.summary` has it, and `store`.
    """
    clock = runs.Clock()
    path = Path(call.text("store")).expanduser().absolute()
    rules = [rule_id_of(name) for text in call.texts("rules") for name in text.split(",") if name.strip()]
    _check_place(path)
    with opened(path) as known:
        city = city_of(call, known)
        window = window_of(call, city)
        standards = standards_in_force(known, city)
        dismissed, off = runs.dismissed(known), runs.off(known)
    context = context_of(call, city, standards, dismissed)
    asked = frozenset(rules) if rules else None
    ask = Ask(asked, switched_off=off, processes=_processes(call), window=window.shape)
    result = run_rules(context, ask, call.stage("rules"))
    give_back()
    run = clock.run(city, window.text)
    if call.optional("city_out"):
        write_city(city, Path(call.text("city_out")).expanduser().absolute())
    whole = window.in_window is None
    figures = figures_of(context, ask.processes) if whole else nullcontext(lambda store: None)
    with figures as write_figures, _store_at(path, city) as store:
        counts = runs.merge(
            call,
            store,
            run,
            result,
            city,
            standards,
            sources=_remembered(call, city),
            in_window=window.in_window,
            besides=write_figures,
        )
        keep_city_rows(store, city)
    told = runs.summary(run, clock.seconds(), result, counts, city)
    return {**told, "store": str(path), "warnings": [*told["warnings"], *unknown_names(city)]}


def _processes(call: Call) -> int:
    return call.whole_number("workers") if call.optional("workers") else os.cpu_count() or 1


def _remembered(call: Call, city: City) -> list[SourceRow]:
    """The sources of the run, without a table of standards that was given for the store to keep."""
    extra = standards_file(call)
    if extra is None:
        return list(city.sources)
    return [row for row in city.sources if (row.role, row.options.get("path")) != ("standards", extra.path)]


def _check_place(path: Path) -> None:
    """Refuse a store that could not be written, before the work is done."""
    if path.is_dir():
        raise CityGapError(
            "not_store", "this is a folder", file=str(path), remedy="Name a file, such as city.gpkg, in it."
        )
    if not path.exists() and path.suffix.casefold() != ".gpkg":
        raise CityGapError(
            "not_store",
            "a store is a GeoPackage, its name ends in .gpkg",
            file=str(path),
            remedy=f"Name it {path.with_suffix('.gpkg').name}.",
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
