"""Bringing a store that an earlier version made to the schema of this one."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import NamedTuple

from .geometry import register_functions

_OURS = (
    "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE sql IS NOT NULL"
    " AND name NOT LIKE 'sqlite%' AND name NOT LIKE 'rtree%' ORDER BY rowid"
)


class _Part(NamedTuple):
    """A table, index, view or trigger, and the statement that makes it."""

    kind: str
    name: str
    table: str
    sql: str


def bring_to_schema(connection: sqlite3.Connection) -> None:
    """Make what lacks of the schema, and make triggers and views that differ anew; no row is lost.

    Called within a transaction. A column that came to be stands last in its table.
    """
    schema = sqlite3.connect(":memory:")
    try:
        register_functions(schema)
        schema.executescript(Path(__file__).with_name("schema.sql").read_text(encoding="utf-8"))
        _drop_old(connection, _parts(schema))
        _add_columns(connection, schema)
        for part in _parts(schema):
            if part not in _parts(connection) and not _has(connection, part):
                connection.execute(part.sql)
        _register(connection, schema)
    finally:
        schema.close()


def _parts(connection: sqlite3.Connection) -> list[_Part]:
    return [_Part(*row) for row in connection.execute(_OURS)]


def _has(connection: sqlite3.Connection, part: _Part) -> bool:
    """Whether there is one of that kind and name; its statement may differ in how columns were added."""
    return any((part.kind, part.name) == (other.kind, other.name) for other in _parts(connection))


def _drop_old(connection: sqlite3.Connection, wanted: list[_Part]) -> None:
    """Drop triggers, then views, that are not as the schema has them."""
    for kind in ("trigger", "view"):
        for part in _parts(connection):
            if part.kind == kind and part not in wanted:
                connection.execute(" ".join(("DROP", kind.upper(), f'"{part.name}"')))


def _add_columns(connection: sqlite3.Connection, schema: sqlite3.Connection) -> None:
    for part in _parts(schema):
        if part.kind != "table" or not _has(connection, part):
            continue
        known = {row[1] for row in connection.execute("SELECT * FROM pragma_table_info(?)", (part.name,))}
        columns = schema.execute(
            'SELECT name, type, "notnull", dflt_value FROM pragma_table_info(?)', (part.name,)
        )
        for name, kind, is_needed, default in columns:
            if name not in known:
                rest = ("NOT NULL DEFAULT", default or "''") if is_needed else ()
                connection.execute(
                    " ".join(("ALTER TABLE", f'"{part.name}"', "ADD COLUMN", f'"{name}"', kind, *rest))
                )


def _register(connection: sqlite3.Connection, schema: sqlite3.Connection) -> None:
    """List new tables in gpkg_contents, so that QGIS shows them."""
    rows = schema.execute("SELECT table_name, data_type, identifier, description FROM gpkg_contents")
    connection.executemany(
        "INSERT OR IGNORE INTO gpkg_contents (table_name, data_type, identifier, description)"
        " VALUES (?, ?, ?, ?)",
        rows.fetchall(),
    )
