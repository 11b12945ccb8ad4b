"""Cities that a worker keeps in memory between requests, so that a check need not read them again."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional

from ..model.errors import CityGapError
from ..store.standards import read_standards
from .call import Call

if TYPE_CHECKING:
    from ..engine.city import City
    from ..engine.context import Context
    from ..engine.standards import Standards
    from ..store.database import Store

IDLE_S = 600.0
"""A city nobody asked about for ten minutes is dropped."""

Stamps = dict[str, tuple[int, int]]


@dataclass
class Held:
    """A city, the time and size of its files when it was read, and when it was last asked for."""

    city: City
    used_at: float
    stamps: Stamps = field(init=False)
    _context: Optional[Context] = None
    _edited: bool = False
    _rows: list[dict[str, str]] = field(default_factory=list)
    _standards: Optional[Standards] = None

    def __post_init__(self) -> None:
        self.stamps = _stamps(self.city)

    def edited_city(self) -> City:
        """The city with the edits that were laid over it."""
        from ..engine.index import CityIndex

        if self._edited and self._context is not None:
            self.city = self._context.once(CityIndex).city()
            self._context, self._edited = None, False
        return self.city

    def standards(self, store: Store) -> Standards:
        """The standards of a store for the city; they are the same ones as long as their rows are."""
        from .thresholds import standards_in_force

        rows = read_standards(store)
        if self._standards is None or rows != self._rows:
            self._rows, self._standards = rows, standards_in_force(store, self.city)
        return self._standards

    def context(
        self, standards: Standards, dismissed: frozenset[str], is_cancelled: Callable[[], bool]
    ) -> Context:
        """What is known of the city; what the standards leave true is kept from the request before."""
        from ..engine.context import Context

        renewed = self._context and self._context.renewed(standards, dismissed, is_cancelled)
        if renewed is None:
            renewed = Context(self.edited_city(), standards, is_cancelled, dismissed=dismissed)
        self._context = renewed
        return renewed

    def accept_edit(self, role: str) -> None:
        """Take the files of an edited role as they are now: their edit has been laid over the city."""
        files = _with_journals(_paths(self.city, role))
        if not self._edited:
            # What is known of the city stays: a collection of garbage need not walk it at every edit.
            gc.freeze()
        self.stamps |= {path: stamp for path, stamp in _stamps(self.city).items() if path in files}
        self._edited = True


class HeldCities:
    """The open cities of one worker, by name."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._held: dict[str, Held] = {}
        self._opened = 0

    def open(
        self,
        args: dict[str, Any],
        on_progress: Callable[[str, Optional[str], int, int, float], None],
        is_cancelled: Callable[[], bool],
    ) -> dict[str, Any]:
        """Read a city and keep it.

        Parameters
        ----------
        args : dict
            sources, roles, maps, crs; also store, as_of, tz as for a check.

        Returns
        -------
        dict
            `city` (its name), `rows` by role, `bytes` in memory.
        """
        from .cities import read_city

        words = {"sources": "source", "roles": "role", "maps": "map"}
        call = Call(
            {words.get(name, name): value for name, value in args.items()}, on_progress, is_cancelled, None
        )
        city = read_city(call)
        self._opened += 1
        name = f"c{self._opened}"
        self._held[name] = Held(city, self._now())
        return {
            "city": name,
            "rows": {role: len(table) for role, table in city.tables.items()},
            "bytes": sum(int(table.memory_usage(deep=True).sum()) for table in city.tables.values()),
        }

    def city(self, name: str) -> City:
        """The city of a name, with its edits.

        Raises
        ------
        CityGapError
            ``no_such_city``: never opened, closed, or idle for too long; ``city_stale``: one of
            its files changed since. Either way: open it again.
        """
        return self.held(name).edited_city()

    def held(self, name: str, edited: Optional[str] = None) -> Held:
        """The city of a name and what is known of it; the files of the role `edited` may have changed.

        Raises
        ------
        CityGapError
            As `city`.
        """
        held = self._held.get(name)
        if held is None:
            raise CityGapError("no_such_city", f"no city {name} is open", remedy="Open it again.")
        now = _stamps(held.city)
        free = _with_journals(_paths(held.city, edited)) if edited else set()
        if any(now.get(path) != held.stamps.get(path) for path in {*now, *held.stamps} - free):
            del self._held[name]
            raise CityGapError("city_stale", f"the files of city {name} changed", remedy="Open it again.")
        held.used_at = self._now()
        return held

    def close(self, name: str) -> dict[str, Any]:
        """Forget a city."""
        if self._held.pop(name, None) is None:
            raise CityGapError("no_such_city", f"no city {name} is open")
        return {}

    def drop_idle(self) -> None:
        """Forget the cities nobody asked about for too long."""
        for name, held in list(self._held.items()):
            if self._now() - held.used_at > IDLE_S:
                del self._held[name]


def _with_journals(paths: Collection[str]) -> set[str]:
    """Paths, and those of a GeoPackage's journal, where edits wait."""
    return {path + suffix for path in paths for suffix in ("", "-wal")}


def _paths(city: City, role: Optional[str] = None) -> set[str]:
    """The files a city was read from, or those of one role."""
    return {str(row.options.get("path") or row.uri) for row in city.sources if role in (None, row.role)}


def _stamps(city: City) -> Stamps:
    """Time and size of every file of a city, and of its journal."""
    files = [Path(path) for path in _with_journals(_paths(city))]
    found = [(file, file.stat()) for file in files if file.exists()]
    return {str(file): (stat.st_mtime_ns, stat.st_size) for file, stat in found}
