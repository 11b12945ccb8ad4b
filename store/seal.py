"""The chain over events: each sealed event carries the SHA-256 of itself and the one before."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional

from .geometry import register_functions

if TYPE_CHECKING:
    from .database import Store

_SEALED = (
    "SELECT event_id, at, table_name, row_key, subject, column_name, was, is_now, edited_by,"
    ' "action", undoes, seal FROM events'
)
_FIRST_SEAL = ""


def _seal(before: str, event: tuple[Any, ...]) -> str:
    text = json.dumps([before, *event], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def seal_events(store: Store) -> int:
    """Chain the events that are not sealed yet; return how many there were."""
    if store.connection.execute("SELECT 1 FROM events WHERE seal IS NULL LIMIT 1").fetchone() is None:
        return 0
    with store.write() as connection:
        last = connection.execute(
            "SELECT seal FROM events WHERE seal IS NOT NULL ORDER BY event_id DESC LIMIT 1"
        ).fetchone()
        before = last[0] if last else _FIRST_SEAL
        seals = []
        for row in connection.execute(" ".join((_SEALED, "WHERE seal IS NULL ORDER BY event_id"))):
            before = _seal(before, row[:-1])
            seals.append((before, row[0]))
        connection.executemany("UPDATE events SET seal = ? WHERE event_id = ?", seals)
        connection.execute(
            "INSERT OR REPLACE INTO meta (key, value) VALUES ('sealed_to', ?)", (json.dumps(seals[-1][::-1]),)
        )
    return len(seals)


def verify(store: Store) -> list[str]:
    """What is wrong with the record of events, one sentence each; empty if nothing is.

    Notices events that were altered or removed after they were sealed, events removed before, and
    triggers that were removed or altered.
    """
    return [*_chain_problems(store.connection), *_trigger_problems(store.connection)]


def _chain_problems(connection: sqlite3.Connection) -> list[str]:
    problems = []
    before: Optional[str] = _FIRST_SEAL
    expected = 1
    for row in connection.execute(" ".join((_SEALED, "ORDER BY event_id"))):
        event_id, found = row[0], row[-1]
        if event_id != expected:
            problems.append(_missing(expected, event_id - 1))
            before = None
        if found is not None and before is not None and _seal(before, row[:-1]) != found:
            problems.append(f"event {event_id} was altered after it was sealed")
        before, expected = found, event_id + 1
    problems += _tail_problems(connection, expected)
    return problems


def _tail_problems(connection: sqlite3.Connection, expected: int) -> list[str]:
    """What lacks behind the last event, by SQLite's own counter and by the store's last seal."""
    counter = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'events'").fetchone()
    problems = []
    if counter and counter[0] >= expected:
        problems.append(_missing(expected, counter[0]))
    sealed_to = connection.execute("SELECT value FROM meta WHERE key = 'sealed_to'").fetchone()
    any_seal = connection.execute("SELECT 1 FROM events WHERE seal IS NOT NULL LIMIT 1").fetchone()
    if sealed_to is None:
        return [*problems, "the mark of the last sealed event was removed"] if any_seal else problems
    event_id, seal = json.loads(sealed_to[0])
    row = connection.execute("SELECT seal FROM events WHERE event_id = ?", (event_id,)).fetchone()
    if row is not None and row[0] != seal:
        problems.append(f"event {event_id}, the last one sealed, carries another seal")
    if row is None and event_id >= expected and not problems:
        problems.append(_missing(expected, event_id))
    return problems


def _missing(first: int, last: int) -> str:
    return f"event {first} is missing" if first == last else f"events {first} to {last} are missing"


def _trigger_problems(connection: sqlite3.Connection) -> list[str]:
    """Triggers of the schema that lack or differ, and a switch-off that someone left behind."""
    there = _triggers(connection)
    problems = [
        f"the trigger {name} was {'altered' if name in there else 'removed'}"
        for name, sql in _schema_triggers().items()
        if there.get(name) != sql
    ]
    if connection.execute("SELECT 1 FROM meta WHERE key IN ('run', 'action')").fetchone():
        problems.append("the recording of events was switched off or misled in the table meta")
    return problems


def _triggers(connection: sqlite3.Connection) -> dict[str, str]:
    return dict(
        connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name NOT LIKE 'rtree%'"
            " AND (name LIKE 'event%' OR name LIKE 'guard%' OR name LIKE 'count%')"
        )
    )


def _schema_triggers() -> dict[str, str]:
    connection = sqlite3.connect(":memory:")
    try:
        register_functions(connection)
        connection.executescript(Path(__file__).with_name("schema.sql").read_text(encoding="utf-8"))
        return _triggers(connection)
    finally:
        connection.close()
