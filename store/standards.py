"""The standards a store holds: shipped rows and the city's own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from typing import TYPE_CHECKING, Optional

from ..model.errors import CityGapError
from ..model.tables import read_table

if TYPE_CHECKING:
    from .database import Store

COLUMNS = (
    "standard_id",
    "rule_or_activity",
    "object_class",
    "subtype",
    "applies_if",
    "grade",
    "zone",
    "value",
    "unit",
    "body",
    "use",
    "source",
    "clause",
    "confidence",
    "valid_from",
    "valid_to",
    "version",
    "note",
    "origin",
    "severity",
)
"""Columns of a row of the standards, all text; an empty cell is ``""``."""

ORIGINS = ("shipped", "city")
_OFF = ("memory", "low")
_DAYS = {"day": 1.0, "working_day": 1.0, "week": 7.0, "month": 30.0, "year": 365.0}
_QUOTED = ", ".join(f'"{name}"' for name in COLUMNS)
_READ = " ".join(("SELECT", _QUOTED, "FROM standards"))
_INSERT = " ".join(("INSERT INTO standards (", _QUOTED, ") VALUES (", ", ".join("?" * len(COLUMNS)), ")"))


def read_standards(store: Store) -> list[dict[str, str]]:
    """Every row, shipped and city, in the order they were written."""
    rows = store.connection.execute(" ".join((_READ, "ORDER BY fid")))
    return [dict(zip(COLUMNS, (cell or "" for cell in row))) for row in rows]


def write_standards(store: Store, rows: Iterable[Mapping[str, str]], origin: str, author: str = "") -> None:
    """Replace the rows of one origin; rows that stay the same are not touched.

    Parameters
    ----------
    rows : iterable of mapping
        `COLUMNS` to text; a column that lacks is empty, `origin` is set by the argument.
    origin : str
        ``shipped`` or ``city``.

    Raises
    ------
    CityGapError
        ``bad_standard`` for another origin.
    """
    if origin not in ORIGINS:
        raise CityGapError(
            "bad_standard", f"there is no origin {origin!r}", layer="standards", field="origin"
        )
    wanted = Counter(_row(row, origin) for row in rows)
    with store.write(author) as connection:
        for fid, *cells in connection.execute(
            " ".join(("SELECT fid,", _QUOTED, "FROM standards WHERE origin = ? ORDER BY fid")), (origin,)
        ).fetchall():
            row = tuple(cell or "" for cell in cells)
            if wanted[row]:
                wanted[row] -= 1
            else:
                connection.execute("DELETE FROM standards WHERE fid = ?", (fid,))
        connection.executemany(_INSERT, wanted.elements())


def _row(row: Mapping[str, str], origin: str) -> tuple[str, ...]:
    return tuple(origin if name == "origin" else str(row.get(name) or "") for name in COLUMNS)


def due_days(store: Store, severity: str, day: date) -> Optional[float]:
    """Days a gap of that severity has, by the rows ``due.<severity>`` in force; None if there are none.

    Rows of the city come before shipped ones, the store's before those that ship with the program.
    """
    name, iso = f"due.{severity}", day.isoformat()
    rows = [row for row in read_standards(store) if row["rule_or_activity"] == name]
    rows.sort(key=lambda row: row["origin"] != "city")
    shipped = [row for row in read_table("parameters") if row["rule_or_activity"] == name]
    for row in (*rows, *shipped):
        in_force = (row["valid_from"] or iso) <= iso <= (row["valid_to"] or iso)
        if in_force and row["confidence"] not in _OFF:
            return _days(row)
    return None


def _days(row: Mapping[str, str]) -> float:
    try:
        return float(row["value"]) * _DAYS[row["unit"] or "day"]
    except (KeyError, ValueError) as error:
        raise CityGapError(
            "bad_standard",
            f"{row['value']!r} {row['unit']!r} is no time span",
            layer="standards",
            field="value",
            row=row["standard_id"],
            remedy="Give a number and one of day, week, month, year.",
        ) from error
