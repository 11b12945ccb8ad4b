"""Cities that a worker keeps in memory between requests, so that a check need not read them again."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Optional

from ..model.errors import CityGapError
from .call import Call

if TYPE_CHECKING:
    from ..engine.city import City

IDLE_S = 600.0
"""A city nobody asked about for ten minutes is dropped."""

Stamps = tuple[tuple[str, int, int], ...]


class Held(NamedTuple):
    """A city, the time and size of its files when it was read, and when it was last asked for."""

    city: City
    stamps: Stamps
    used_at: float


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
        self._held[name] = Held(city, _stamps(city), self._now())
        return {
            "city": name,
            "rows": {role: len(table) for role, table in city.tables.items()},
            "bytes": sum(int(table.memory_usage(deep=True).sum()) for table in city.tables.values()),
        }

    def city(self, name: str) -> City:
        """The city of a name.

        Raises
        ------
        CityGapError
            ``no_such_city``: never opened, closed, or idle for too long; ``city_stale``: one of
            its files changed since. Either way: open it again.
        """
        held = self._held.get(name)
        if held is None:
            raise CityGapError("no_such_city", f"no city {name} is open", remedy="Open it again.")
        if _stamps(held.city) != held.stamps:
            del self._held[name]
            raise CityGapError("city_stale", f"the files of city {name} changed", remedy="Open it again.")
        self._held[name] = held._replace(used_at=self._now())
        return held.city

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


def _stamps(city: City) -> Stamps:
    """Path, time and size of every file of a city; of a GeoPackage's journal too, where edits wait."""
    paths = sorted({str(row.options.get("path") or row.uri) for row in city.sources})
    files = [Path(path + suffix) for path in paths for suffix in ("", "-wal")]
    found = [(file, file.stat()) for file in files if file.exists()]
    return tuple((str(file), stat.st_mtime_ns, stat.st_size) for file, stat in found)
