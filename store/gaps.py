"""Reading gaps out of a store."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Optional

from ..model.catalogue import title
from ..model.errors import CityGapError
from ..model.gap import GAP_COLUMNS, SEVERITIES
from . import times
from .geometry import wkb_of
from .standards import due_days
from .where import parse_where

if TYPE_CHECKING:
    from .database import Store

_SELECT = " ".join(("SELECT", ", ".join(f'"{name}"' for name in GAP_COLUMNS), ", geometry FROM gaps WHERE"))
_SEVEREST_FIRST = (
    "ORDER BY CASE severity WHEN 'high' THEN 0 WHEN 'medium' THEN 1 WHEN 'low' THEN 2 ELSE 3 END, gap_id"
)


def read_gaps(store: Store, where: str = "", language: str = "en") -> list[dict[str, Any]]:
    """Gap records that fit a filter, severest first, then by gap_id.

    Parameters
    ----------
    where : str
        As `where.parse_where` reads it; empty: all gaps.
    language : str
        ``zh`` or ``en``, for `title`.

    Returns
    -------
    list of dict
        RECORD_COLUMNS of `model.gap` and ``wkb``: the geometry in the city CRS, None without a place.

    Raises
    ------
    CityGapError
        ``bad_where``.
    """
    return list(iterate_gaps(store, where, language))


def iterate_gaps(store: Store, where: str = "", language: str = "en") -> Iterator[dict[str, Any]]:
    """As `read_gaps`, one by one, for stores that are larger than memory."""
    condition, params = parse_where(where)
    for row in store.connection.execute(" ".join((_SELECT, condition, _SEVEREST_FIRST)), params):
        yield _record(row, language)


def dismissed_keys(store: Store, rules: Collection[str]) -> frozenset[str]:
    """Keys of the gaps of some rules that people called a false alarm or accepted."""
    rows = store.connection.execute(
        "SELECT rule_id, key FROM gaps WHERE status IN ('accepted', 'false_alarm') AND key IS NOT NULL"
    )
    return frozenset(key for rule_id, key in rows if rule_id in rules)


def _record(row: tuple[Any, ...], language: str) -> dict[str, Any]:
    stored = dict(zip(GAP_COLUMNS, row))
    record = {"gap_id": stored.pop("gap_id"), "rule_id": stored.pop("rule_id")}
    record["title"] = title(record["rule_id"], language, stored["class_code"])
    return {**record, **stored, "wkb": wkb_of(row[-1])}


def read_gap(store: Store, gap_id: str, language: str = "en") -> dict[str, Any]:
    """The record of one gap.

    Raises
    ------
    CityGapError
        ``no_gap``.
    """
    row = store.connection.execute(" ".join((_SELECT, "gap_id = ?")), (gap_id,)).fetchone()
    if row is None:
        raise CityGapError(
            "no_gap", f"there is no gap {gap_id!r}", file=str(store.path), remedy="List the gaps first."
        )
    return _record(row, language)


def count_by(store: Store, *columns: str) -> list[tuple[Any, ...]]:
    """How many gaps there are by columns of the gap record: their values, then the count.

    Raises
    ------
    CityGapError
        ``no_column``.
    """
    for column in columns:
        if column not in GAP_COLUMNS:
            raise CityGapError("no_column", f"a gap has no column {column!r}", layer="gaps", field=column)
    if not columns:
        return store.connection.execute("SELECT count(*) FROM gaps").fetchall()
    names = ", ".join(f'"{column}"' for column in columns)
    return store.connection.execute(
        " ".join(("SELECT", names, ", count(*) FROM gaps GROUP BY", names, "ORDER BY", names))
    ).fetchall()


def due_dates(
    store: Store, found_at: str, known: Optional[Mapping[str, Optional[float]]] = None
) -> dict[str, Optional[str]]:
    """Severity to when a gap found at that moment is due; None where no standard says so.

    `known` gives the days by severity; by default the standards of the store do.
    """
    found = times.moment(found_at, store.zone)
    due: dict[str, Optional[str]] = {}
    for severity in SEVERITIES:
        days = due_days(store, severity, found.date()) if known is None else known.get(severity)
        due[severity] = None if days is None else times.stamp(found + timedelta(days=days))
    return due


def grow_extent(store: Store, minx: float, miny: float, maxx: float, maxy: float) -> None:
    """Let the extent that the GeoPackage states for `gaps` hold these bounds too."""
    store.connection.execute(
        "UPDATE gpkg_contents SET min_x = min(coalesce(min_x, :minx), :minx),"
        " min_y = min(coalesce(min_y, :miny), :miny), max_x = max(coalesce(max_x, :maxx), :maxx),"
        " max_y = max(coalesce(max_y, :maxy), :maxy), last_change = strftime('%Y-%m-%dT%H:%M:%fZ','now')"
        " WHERE table_name = 'gaps'",
        {"minx": minx, "miny": miny, "maxx": maxx, "maxy": maxy},
    )
