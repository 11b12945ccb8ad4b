"""The record of what people did: reading it, and taking an action back."""

from __future__ import annotations

import json
import sqlite3
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple, Optional

from ..model.errors import CityGapError
from ..model.gap import GAP_COLUMNS
from . import seal, standards
from .gaps import read_gap
from .geometry import wkb_of

if TYPE_CHECKING:
    from .database import Store

HISTORY_COLUMNS = ("event_id", "at", "table", "key", "column", "was", "is", "edited_by", "sealed")

_KEYS = {
    "gaps": ("gap_id",),
    "notes": ("note_id",),
    "note_gaps": ("note_id", "gap_id"),
    "photos": ("fid",),
    "standards": ("fid",),
    "rules": ("rule_id",),
}
"""The columns that an event's row_key names, by table."""

_COLUMNS = {
    "gaps": frozenset(("fid", *GAP_COLUMNS, "key", "objects", "anchor_x", "anchor_y", "sources", "geometry")),
    "notes": frozenset(
        ("fid", "note_id", "at", "entered_at", "author", "text", "result", "weather", "private")
    ),
    "note_gaps": frozenset(("fid", "note_id", "gap_id")),
    "photos": frozenset(("fid", "note_id", "path", "sha256", "name", "bytes")),
    "standards": frozenset(("fid", *standards.COLUMNS)),
    "rules": frozenset(("is_on",)),
}
"""Any client may write an event, so undo writes to these tables and columns alone."""

_STAMPS = ("edited_by", "edited_at")
"""Who edited last and when: taken back if no later edit has written them, in the way of no undo."""

_HISTORY = (
    "SELECT event_id, at, table_name, row_key, column_name, was, is_now, edited_by, seal IS NOT NULL"
    " FROM events"
)
_OF_GAP = (
    "WHERE table_name <> 'runs' AND (subject = :gap OR subject IN"
    " (SELECT subject FROM events WHERE table_name = 'note_gaps' AND row_key = subject || '|' || :gap))"
)
_RUNS_OF_GAP = (
    "SELECT e.event_id, e.at, 'runs', e.row_key, 'run_state', NULL, r.run_state, e.edited_by,"
    " e.seal IS NOT NULL FROM run_gaps r JOIN events e ON e.table_name = 'runs' AND e.row_key = r.run_id"
    " WHERE r.gap_id = :gap"
    " UNION ALL SELECT e.event_id, e.at, 'runs', e.row_key, 'status', r.status_was, r.status_is, e.edited_by,"
    " e.seal IS NOT NULL FROM run_gaps r JOIN events e ON e.table_name = 'runs' AND e.row_key = r.run_id"
    " WHERE r.gap_id = :gap AND r.status_was IS NOT r.status_is"
)


class _Event(NamedTuple):
    event_id: int
    table: str
    key: str
    subject: str
    column: str
    was: Optional[str]
    is_now: Optional[str]


_EVENT = "SELECT event_id, table_name, row_key, subject, column_name, was, is_now FROM events"


def history(store: Store, gap_id: Optional[str] = None) -> list[dict[str, Any]]:
    """Events, oldest first; with a gap: those of the gap, of its notes, and what runs did to it.

    Returns
    -------
    list of dict
        HISTORY_COLUMNS. `column` is ``*`` where a whole row was made or removed; `was` and `is` are
        text (a row: JSON, a geometry: hex of its blob), `sealed` a bool.
    """
    if gap_id is None:
        rows = store.connection.execute(" ".join((_HISTORY, "ORDER BY event_id"))).fetchall()
    else:
        query = " ".join((_HISTORY, _OF_GAP, "UNION ALL", _RUNS_OF_GAP, "ORDER BY 1"))
        rows = store.connection.execute(query, {"gap": gap_id}).fetchall()
        if not rows:
            read_gap(store, gap_id)  # a gap that never was is refused, not without events
    return [{**dict(zip(HISTORY_COLUMNS, row)), "sealed": bool(row[-1])} for row in rows]


def verify(store: Store) -> list[str]:
    """What is wrong with the record of events, one sentence each; empty if nothing is."""
    return seal.verify(store)


def last_action(store: Store, author: Optional[str] = None) -> Optional[int]:
    """An event of the latest action that `undo` would take back; None if there is none.

    Runs, undoing, and what was undone already are passed over; so calling this and `undo` again and
    again walks back through what was done.

    Parameters
    ----------
    author : str, optional
        Only actions of this person.
    """
    before = 1 << 62
    while True:
        row = store.connection.execute(
            "SELECT event_id FROM events WHERE event_id < ? AND table_name <> 'runs'"
            " AND (? IS NULL OR edited_by = ?) ORDER BY event_id DESC LIMIT 1",
            (before, author, author),
        ).fetchone()
        if row is None:
            return None
        action = _action(store, row[0])
        before = action[-1].event_id
        if not _is_undoing(store, before) and _stands(store, before):
            return int(row[0])


def undo(store: Store, event_id: int, author: str = "") -> None:
    """Take back the whole action that an event belongs to; that is an action itself.

    A flag goes, a note goes with its links and photo rows, a status change goes with its until and
    why. What another program changed is taken back row by row.

    Raises
    ------
    CityGapError
        ``no_event``; ``not_undoable`` for a run; ``undo_conflict`` if a later edit stands on it;
        ``locked``. Then nothing was changed.
    """
    action = _action(store, event_id)
    if any(event.table not in _KEYS for event in action):
        raise CityGapError(
            "not_undoable", f"event {event_id} is a run", remedy="Run the check again with the right sources."
        )
    with store.write(author, undoes=action[-1].event_id) as connection:
        _refuse_later_edits(store, action)
        try:
            for (table, key, is_row), events in groupby(action, lambda e: (e.table, e.key, e.column == "*")):
                if is_row:
                    for event in events:
                        _take_back_row(connection, event)
                else:
                    _take_back_cells(connection, table, key, list(events))
        except sqlite3.IntegrityError as error:
            raise _conflict(event_id) from error


def _conflict(event_id: int) -> CityGapError:
    return CityGapError(
        "undo_conflict",
        f"event {event_id} can not be undone: a later edit stands on it",
        remedy="Undo the later edits of the same gap or note first.",
    )


def _action(store: Store, event_id: int) -> list[_Event]:
    """The events of an action, latest first.

    What other programs did carries no action: there it is what one statement did to one subject,
    which SQLite gives one and the same time.
    """
    row = store.connection.execute(
        'SELECT "action", at, subject FROM events WHERE event_id = ?', (event_id,)
    ).fetchone()
    if row is None:
        raise CityGapError(
            "no_event", f"there is no event {event_id}", file=str(store.path), remedy="Look into the history."
        )
    name, at, subject = row
    if name is not None:
        found = store.connection.execute(
            " ".join((_EVENT, 'WHERE "action" = ? ORDER BY event_id DESC')), (name,)
        )
    else:
        found = store.connection.execute(
            " ".join((_EVENT, 'WHERE subject = ? AND at = ? AND "action" IS NULL ORDER BY event_id DESC')),
            (subject, at),
        )
    return [_Event(*event) for event in found]


def _undone_by(store: Store, first_event: int) -> Optional[int]:
    """First event of the action that took back the one starting at `first_event`."""
    row = store.connection.execute(
        "SELECT min(event_id) FROM events WHERE undoes = ?", (first_event,)
    ).fetchone()
    return None if row[0] is None else int(row[0])


def _stands(store: Store, first_event: int) -> bool:
    """Whether an action was not undone, or its undoing was undone, and so on."""
    stands, later = True, _undone_by(store, first_event)
    while later is not None:
        stands, later = not stands, _undone_by(store, later)
    return stands


def _is_undoing(store: Store, first_event: int) -> bool:
    """Whether an action takes something back; undoing an undo is doing."""
    undoing, target = False, _undoes(store, first_event)
    while target is not None:
        undoing, target = not undoing, _undoes(store, target)
    return undoing


def _undoes(store: Store, event_id: int) -> Optional[int]:
    row = store.connection.execute("SELECT undoes FROM events WHERE event_id = ?", (event_id,)).fetchone()
    return None if row is None or row[0] is None or row[0] >= event_id else int(row[0])


def _refuse_later_edits(store: Store, action: list[_Event]) -> None:
    """Refuse if a later action that stands touches one of the cells.

    An edit and its undoing cancel out; an action undone already is refused by the cells themselves.
    """
    last, first = action[0].event_id, action[-1].event_id
    later = store.connection.execute(
        "SELECT min(later.event_id) FROM events later JOIN events mine"
        " ON mine.table_name = later.table_name AND mine.row_key = later.row_key"
        " WHERE later.event_id > ? AND mine.event_id BETWEEN ? AND ? AND later.undoes IS NULL"
        " AND later.column_name NOT IN ('edited_by', 'edited_at')"
        " AND mine.column_name NOT IN ('edited_by', 'edited_at')"
        " AND (later.column_name = mine.column_name OR '*' IN (later.column_name, mine.column_name))"
        ' GROUP BY coalesce(later."action", later.event_id)',
        (last, first, last),
    )
    for (event_id,) in later.fetchall():
        if _stands(store, _action(store, event_id)[-1].event_id):
            raise _conflict(first)


def _where(table: str, key: str) -> tuple[str, list[str]]:
    """Condition and parameters that find the row of an event."""
    columns = _KEYS[table]
    values = key.split("|", len(columns) - 1)
    return " AND ".join(f'"{name}" = ?' for name in columns), values


def _value(column: str, text: Any) -> Any:
    """What a cell held, from what its event holds."""
    if column != "geometry":
        return text
    return bytes.fromhex(text) if text else None


def _take_back_row(connection: sqlite3.Connection, event: _Event) -> None:
    if event.was is None:
        condition, params = _where(event.table, event.key)
        statement = " ".join(("DELETE FROM", event.table, "WHERE", condition))
        if connection.execute(statement, params).rowcount != 1:
            raise _conflict(event.event_id)
        return
    row = {name: _value(name, cell) for name, cell in json.loads(event.was).items()}
    _known_columns(event.table, row)
    names = ", ".join(f'"{name}"' for name in row)
    marks = ", ".join("?" * len(row))
    connection.execute(
        " ".join(("INSERT INTO", event.table, "(", names, ") VALUES (", marks, ")")), list(row.values())
    )


def _take_back_cells(connection: sqlite3.Connection, table: str, key: str, events: list[_Event]) -> None:
    """Put back the cells of one row in one statement, if they still hold what the events say."""
    _known_columns(table, [event.column for event in events])
    sets, guards = [], []
    set_params: list[Any] = []
    guard_params: list[Any] = []
    for event in events:
        was, is_now = _value(event.column, event.was), _value(event.column, event.is_now)
        name = f'"{event.column}"'
        if event.column in _STAMPS:
            sets.append(f"{name} = CASE WHEN {name} IS ? THEN ? ELSE {name} END")
            set_params += [is_now, was]
            continue
        sets.append(f"{name} = ?")
        set_params.append(was)
        if event.column == "geometry":
            _refuse_another_geometry(connection, event, is_now)
        else:
            guards.append(f"{name} IS ?")
            guard_params.append(is_now)
    condition, params = _where(table, key)
    statement = " ".join(
        ("UPDATE", table, "SET", ", ".join(sets), "WHERE", " AND ".join([condition, *guards]))
    )
    if connection.execute(statement, [*set_params, *params, *guard_params]).rowcount != 1:
        raise _conflict(events[0].event_id)


def _refuse_another_geometry(
    connection: sqlite3.Connection, event: _Event, expected: Optional[bytes]
) -> None:
    """Programs write one geometry with or without an envelope, so blobs are compared by what they hold."""
    row = connection.execute("SELECT geometry FROM gaps WHERE gap_id = ?", (event.key,)).fetchone()
    if row is None or wkb_of(row[0]) != wkb_of(expected):
        raise _conflict(event.event_id)


def _known_columns(table: str, columns: Any) -> None:
    unknown = set(columns) - _COLUMNS[table]
    if unknown:
        raise CityGapError(
            "bad_event",
            "the event names a column that the store does not have",
            layer=table,
            field=min(unknown),
        )
