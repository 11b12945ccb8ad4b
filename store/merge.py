"""Bringing the findings of a run together with what the store knows, in one transaction.

Everything is set-based: the findings go into a temporary table, then a handful of statements tell
new, persisting, returned and gone apart and write them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, Callable, NamedTuple, Optional

from ..model import identity
from ..model.errors import Cancelled, CityGapError
from ..model.gap import FindingRow, RuleRun, SourceRow
from . import looked, runs, times
from .database import fill_rules
from .flags import CodesOf, place_flags
from .gaps import due_dates, grow_extent
from .incoming import CONTENT, load_findings
from .lifecycle import expire_accepted
from .runs import COUNTS, RunInfo

if TYPE_CHECKING:
    from .database import Store

CLOSABLE = ("open", "confirmed", "assigned", "fixed", "reopened")
"""Statuses that a gap loses for verified when it is gone."""

_STEPS_BETWEEN_LOOKS = 200_000
"""SQLite's virtual machine steps between two looks at `cancelled`: a few milliseconds."""

_NAMES = ", ".join(CONTENT)
_THEIRS = ", ".join(f"i.{name}" for name in CONTENT)
_OURS = ", ".join(f"g.{name}" for name in CONTENT)
_CLOSABLE = ", ".join(f"'{status}'" for status in CLOSABLE)


def merge_run(
    store: Store,
    run: RunInfo,
    rules: Sequence[RuleRun],
    findings: Iterable[FindingRow],
    sources: Sequence[SourceRow],
    in_window: Optional[Callable[[float, float], bool]] = None,
    owners: Optional[Mapping[str, Collection[str]]] = None,
    cancelled: Callable[[], bool] = lambda: False,
    due_days: Optional[Mapping[str, Optional[float]]] = None,
    codes_of: Optional[CodesOf] = None,
    besides: Callable[[Store], None] = lambda store: None,
) -> dict[str, dict[str, int]]:
    """Merge a run into the store: all of it or, cancelled or failed, nothing.

    People's columns are never touched, but for two proofs: a gap that is gone turns open, confirmed,
    assigned, fixed and reopened into verified, one that returns turns verified into reopened.

    Parameters
    ----------
    rules : sequence of RuleRun
        Every rule of the run, those that did not run too. Only rules that ran may find or close.
    findings : iterable of FindingRow
        One for each key.
    sources : sequence of SourceRow
        What the run read; they become the remembered sources.
    in_window : callable, optional
        Whether the window owns an anchor (x, y of the city CRS); None: the whole city.
    owners : mapping, optional
        Rule id to the objects (``role:id``) it answered for, for a run around an edit; it takes the place
        of `in_window`.
    cancelled : callable
        Looked at every few milliseconds.
    due_days : mapping, optional
        Severity to the days a new gap has, None: no due date; by default what the store's standards say.
    codes_of : callable, optional
        As `flags.place_flags` takes it: planners' flags get their area and cell.
    besides : callable
        Writes what else the run found out, in the same transaction.

    Returns
    -------
    dict
        Rule id to `COUNTS`.

    Raises
    ------
    CityGapError
        ``duplicate_finding``, ``bad_geometry``, ``bad_time``, ``locked``.
    Cancelled
    """
    connection = store.connection
    try:
        with _stops_when(connection, cancelled):
            load_findings(store, rules, findings, sources, cancelled)
            with store.write("run"):
                expire_accepted(store, _today(store, run))
                closing = looked.closing(store, run, rules, sources)
                runs.record(store, run, sources)
                connection.execute("INSERT INTO meta (key, value) VALUES ('run', ?)", (run.run_id,))
                looked_at = _LookedAt(in_window, owners)
                counts = _merge(
                    store, run, rules, closing, looked_at, due_dates(store, run.started_at, due_days)
                )
                if codes_of is not None:
                    place_flags(store, codes_of)
                connection.execute("DELETE FROM meta WHERE key = 'run'")
                runs.record_rules(store, run.run_id, rules, counts)
                besides(store)
                fill_rules(connection)
    finally:
        for table in ("incoming", "matched", "unseen", "answered"):
            connection.execute(" ".join(("DROP TABLE IF EXISTS temp.", table)))
    return counts


def _today(store: Store, run: RunInfo) -> datetime:
    """When exceptions end for a run: now, or the end of an as-of day to come."""
    now = times.moment(run.started_at, store.zone)
    end = times.moment(run.as_of, store.zone)
    return end if end.date() > now.astimezone(store.zone).date() else now


@contextmanager
def _stops_when(connection: sqlite3.Connection, cancelled: Callable[[], bool]) -> Iterator[None]:
    """Let SQLite itself stop in the middle of a statement once `cancelled` says so."""
    connection.set_progress_handler(lambda: int(cancelled()), _STEPS_BETWEEN_LOOKS)
    try:
        yield
    except sqlite3.OperationalError as error:
        if "interrupted" in str(error):
            raise Cancelled from error
        raise
    finally:
        connection.set_progress_handler(None, 0)


class _LookedAt(NamedTuple):
    """The part of the city a run answered for: a window, the objects of each rule, or all of it."""

    in_window: Optional[Callable[[float, float], bool]]
    owners: Optional[Mapping[str, Collection[str]]]


def _merge(
    store: Store,
    run: RunInfo,
    rules: Sequence[RuleRun],
    closing: Optional[looked.Closing],
    looked_at: _LookedAt,
    due: dict[str, Optional[str]],
) -> dict[str, dict[str, int]]:
    connection = store.connection
    _match(connection)
    with _without_index_triggers(connection):
        _update_persisting(connection, run)
        _insert_new(store, run, due)
    _index(store)
    counts = {rule.rule_id: dict.fromkeys(COUNTS, 0) for rule in rules}
    _count_found(connection, counts)
    if closing is not None:
        _mark_gone(connection, run, closing, looked_at, counts)
    return counts


def _match(connection: sqlite3.Connection) -> None:
    """Which finding is which gap, and whether it says anything new of it; a new one gets its fid."""
    connection.execute(
        "CREATE TEMP TABLE matched (seq INTEGER PRIMARY KEY, fid INTEGER, state TEXT, status TEXT,"
        " changed INTEGER, moved INTEGER)"
    )
    (highest,) = connection.execute("SELECT coalesce(max(fid), 0) FROM gaps").fetchone()
    connection.execute(
        " ".join(
            (
                "INSERT INTO matched SELECT i.rowid, coalesce(g.fid, ? + i.rowid), CASE WHEN g.fid IS NULL",
                "THEN 'new' WHEN g.run_state = 'gone' THEN 'returned' ELSE 'persisting' END, g.status,",
                "(",
                _OURS,
                ") IS NOT (",
                _THEIRS,
                "), g.geometry IS NOT i.geometry",
                "FROM incoming i LEFT JOIN gaps g ON g.key = i.key AND g.origin = 'rule' ORDER BY i.rowid",
            )
        ),
        (highest,),
    )


@contextmanager
def _without_index_triggers(connection: sqlite3.Connection) -> Iterator[None]:
    """The index is filled as a set; row by row its triggers would call Python five times a row."""
    triggers = connection.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'gaps'"
        " AND name LIKE 'rtree%'"
    ).fetchall()
    for name, _ in triggers:
        connection.execute(" ".join(("DROP TRIGGER", '"' + name.replace('"', '""') + '"')))
    yield
    for _, sql in triggers:
        connection.execute(sql)


def _update_persisting(connection: sqlite3.Connection, run: RunInfo) -> None:
    """What was here before: say it anew where it changed, then mark all of it as seen."""
    settings = ", ".join(f"{name} = i.{name}" for name in CONTENT)
    connection.execute(
        " ".join(
            (
                "UPDATE gaps SET",
                settings,
                "FROM matched m JOIN incoming i ON i.rowid = m.seq",
                "WHERE m.changed AND m.state <> 'new' AND gaps.fid = m.fid",
            )
        )
    )
    persisting = connection.execute(
        "UPDATE gaps SET seen_at = ?, run_id = ?, run_state = 'persisting'"
        " WHERE fid IN (SELECT fid FROM matched WHERE state = 'persisting')",
        (run.started_at, run.run_id),
    )
    returned = connection.execute(
        "UPDATE gaps SET seen_at = ?, run_id = ?, run_state = 'returned',"
        " status = CASE status WHEN 'verified' THEN 'reopened' ELSE status END"
        " WHERE fid IN (SELECT fid FROM matched WHERE state = 'returned')",
        (run.started_at, run.run_id),
    )
    (known,) = connection.execute("SELECT count(*) FROM matched WHERE state <> 'new'").fetchone()
    if persisting.rowcount + returned.rowcount != known:
        raise _duplicate(connection)
    connection.execute(
        "INSERT INTO run_gaps (run_id, gap_id, run_state, status_was, status_is)"
        " SELECT g.run_id, g.gap_id, g.run_state, m.status, g.status"
        " FROM matched m JOIN gaps g ON g.fid = m.fid WHERE m.state = 'returned'"
    )


def _duplicate(connection: sqlite3.Connection) -> CityGapError:
    row = connection.execute("SELECT key FROM incoming GROUP BY key HAVING count(*) > 1 LIMIT 1").fetchone()
    return CityGapError("duplicate_finding", "a rule found the same thing twice", row=row and row[0])


def _insert_new(store: Store, run: RunInfo, due: dict[str, Optional[str]]) -> None:
    connection = store.connection
    connection.create_function("citygap_gap_id", 2, identity.gap_id, deterministic=True)
    times_of_run = {"at": run.started_at, "run": run.run_id}
    try:
        connection.execute(
            " ".join(
                (
                    "INSERT INTO gaps (fid, gap_id, rule_id, key, status, run_state, origin,",
                    "found_at, seen_at, run_id, due_at,",
                    _NAMES,
                    ") SELECT m.fid, citygap_gap_id(i.rule_id, i.key), i.rule_id, i.key,",
                    "'open', 'new', 'rule',",
                    ":at, :at, :run, CASE i.severity WHEN 'high' THEN :high WHEN 'medium' THEN :medium",
                    "WHEN 'low' THEN :low ELSE :info END,",
                    _THEIRS,
                    "FROM matched m JOIN incoming i ON i.rowid = m.seq WHERE m.state = 'new' ORDER BY m.seq",
                )
            ),
            {**times_of_run, **due},
        )
    except sqlite3.IntegrityError as error:
        raise _duplicate(connection) from error
    connection.execute(
        "INSERT INTO run_gaps (run_id, gap_id, run_state, status_is)"
        " SELECT g.run_id, g.gap_id, 'new', g.status FROM matched m JOIN gaps g ON g.fid = m.fid"
        " WHERE m.state = 'new'"
    )


def _index(store: Store) -> None:
    """Bring the spatial index to what was inserted or moved."""
    connection = store.connection
    connection.execute(
        "DELETE FROM rtree_gaps_geometry WHERE id IN (SELECT fid FROM matched WHERE moved AND state <> 'new')"
    )
    connection.execute(
        "INSERT INTO rtree_gaps_geometry SELECT m.fid, i.minx, i.maxx, i.miny, i.maxy"
        " FROM matched m JOIN incoming i ON i.rowid = m.seq WHERE m.moved AND i.minx IS NOT NULL"
    )
    box = connection.execute("SELECT min(minx), min(miny), max(maxx), max(maxy) FROM incoming").fetchone()
    if box[0] is not None:
        grow_extent(store, *box)


def _count_found(connection: sqlite3.Connection, counts: dict[str, dict[str, int]]) -> None:
    for rule_id, state, is_info, number in connection.execute(
        "SELECT i.rule_id, m.state, i.severity = 'info', count(*)"
        " FROM matched m JOIN incoming i ON i.rowid = m.seq GROUP BY 1, 2, 3"
    ):
        counts[rule_id][state] += number
        counts[rule_id]["found"] += number
        counts[rule_id]["info"] += number if is_info else 0


def _mark_gone(
    connection: sqlite3.Connection,
    run: RunInfo,
    closing: looked.Closing,
    looked_at: _LookedAt,
    counts: dict[str, dict[str, int]],
) -> None:
    """Mark what this run looked for and did not find."""
    connection.execute(
        "CREATE TEMP TABLE unseen (fid INTEGER PRIMARY KEY, rule_id TEXT, sources TEXT, anchor_x REAL,"
        " anchor_y REAL, status TEXT)"
    )
    if looked_at.owners is None:
        _take_unseen(connection, run)
    else:
        _take_unseen_of(connection, run, looked_at.owners)
    kinds = connection.execute("SELECT DISTINCT rule_id, sources FROM unseen").fetchall()
    connection.executemany(
        "DELETE FROM unseen WHERE rule_id = ? AND sources = ?",
        [kind for kind in kinds if not closing.looked(*kind)],
    )
    if looked_at.owners is None and looked_at.in_window is not None:
        _keep_inside(connection, looked_at.in_window)
    connection.execute(
        " ".join(
            (
                "UPDATE gaps SET run_state = 'gone', run_id = ?,",
                "status = CASE WHEN status IN (",
                _CLOSABLE,
                ") THEN 'verified' ELSE status END",
                "WHERE fid IN (SELECT fid FROM unseen)",
            )
        ),
        (run.run_id,),
    )
    connection.execute(
        "INSERT INTO run_gaps (run_id, gap_id, run_state, status_was, status_is)"
        " SELECT g.run_id, g.gap_id, 'gone', u.status, g.status FROM unseen u JOIN gaps g ON g.fid = u.fid"
    )
    for rule_id, number in connection.execute("SELECT rule_id, count(*) FROM unseen GROUP BY rule_id"):
        counts[rule_id]["gone"] = number


def _take_unseen(connection: sqlite3.Connection, run: RunInfo) -> None:
    """Every gap of a rule that this run did not find."""
    connection.execute(
        "INSERT INTO unseen SELECT fid, rule_id, sources, anchor_x, anchor_y, status FROM gaps"
        " WHERE origin = 'rule' AND run_state <> 'gone' AND run_id IS NOT ?",
        (run.run_id,),
    )


def _take_unseen_of(
    connection: sqlite3.Connection, run: RunInfo, owners: Mapping[str, Collection[str]]
) -> None:
    """The gaps of these rules on these objects that this run did not find: the first object owns a gap."""
    connection.execute("CREATE TEMP TABLE answered (id TEXT PRIMARY KEY)")
    every = frozenset().union(*owners.values())
    connection.executemany(
        "INSERT OR IGNORE INTO answered VALUES (?)", [(name.partition(":")[2],) for name in every]
    )
    taken: list[tuple[Any, ...]] = []
    # A pair's object_id is both ids joined by |, and } is the character after it.
    for same in ("g.object_id = a.id", "g.object_id > a.id || '|' AND g.object_id < a.id || '}'"):
        rows = connection.execute(
            " ".join(
                (
                    "SELECT json_extract(g.objects, '$[0]'), g.rule_id, g.fid, g.sources, g.anchor_x,",
                    "g.anchor_y, g.status FROM answered a CROSS JOIN gaps g INDEXED BY gaps_object ON",
                    same,
                    "WHERE g.origin = 'rule' AND g.run_state <> 'gone' AND g.run_id IS NOT ?",
                )
            ),
            (run.run_id,),
        )
        taken += [row for row in rows if row[0] in owners.get(row[1], ())]
    connection.executemany(
        "INSERT OR IGNORE INTO unseen VALUES (?, ?, ?, ?, ?, ?)",
        [(fid, rule_id, *rest) for _, rule_id, fid, *rest in taken],
    )


def _keep_inside(connection: sqlite3.Connection, in_window: Callable[[float, float], bool]) -> None:
    """Leave out the gaps a window does not own; those of a unit belong to the whole city."""
    connection.execute(
        "DELETE FROM unseen WHERE fid IN (SELECT fid FROM gaps WHERE object_role IN ('units', 'standards'))"
    )
    outside = [
        (fid,)
        for fid, x, y in connection.execute("SELECT fid, anchor_x, anchor_y FROM unseen")
        if x is None or y is None or not in_window(x, y)
    ]
    connection.executemany("DELETE FROM unseen WHERE fid = ?", outside)
