"""Runs: what they were, what they read, and what each rule did."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Optional

from ..model.gap import RuleRun, SourceRow

if TYPE_CHECKING:
    from .database import Store


class RunInfo(NamedTuple):
    """A run. Times are ISO 8601: `started_at` with zone, `as_of` a date; `window` says where it looked."""

    run_id: str
    started_at: str
    as_of: str
    program_version: str
    window: str
    seconds: float
    tz: str


COUNTS = ("found", "info", "new", "persisting", "gone", "returned")
"""What a run says of a rule; found = new + persisting + returned, info included."""

_RULE = ("rule_id", "status", "reason_code", "reason_text", "roles", *COUNTS)


def last_run(store: Store) -> Optional[RunInfo]:
    """The latest run; None if there was none."""
    row = store.connection.execute(
        'SELECT run_id, started_at, as_of, program_version, "window", seconds, tz FROM runs'
        " ORDER BY fid DESC LIMIT 1"
    ).fetchone()
    return None if row is None else RunInfo(*row)


def rules_of_run(store: Store, run_id: str) -> list[dict[str, Any]]:
    """What each rule did: rule_id, status, reason_code, reason_text, roles (list) and `COUNTS`."""
    rows = store.connection.execute(
        "SELECT rule_id, status, reason_code, reason_text, roles,"
        " found, info, new, persisting, gone, returned FROM run_rules WHERE run_id = ? ORDER BY fid",
        (run_id,),
    )
    return [{**dict(zip(_RULE, row)), "roles": json.loads(row[4])} for row in rows]


def remembered_sources(store: Store) -> list[SourceRow]:
    """What the latest run read: the city, for a check that is given no source."""
    run = last_run(store)
    rows = store.connection.execute(
        'SELECT source_name, uri, role, "rows", dated, options FROM sources WHERE run_id = ? ORDER BY fid',
        (run.run_id if run else None,),
    )
    return [
        SourceRow(name, uri, role, count, dated, json.loads(options))
        for name, uri, role, count, dated, options in rows
    ]


def dates_before(store: Store) -> dict[tuple[str, str], str]:
    """The date of each source (role, source_name) at the latest run that read it, where it had one."""
    rows = store.connection.execute("SELECT role, source_name, dated FROM sources ORDER BY fid")
    return {(role, name): dated for role, name, dated in rows if dated}


def record(store: Store, run: RunInfo, sources: Sequence[SourceRow]) -> None:
    """Write a run and what it read; the store's as-of date becomes the run's."""
    connection = store.connection
    connection.execute(
        'INSERT INTO runs (run_id, started_at, as_of, program_version, "window", seconds, tz)'
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        run,
    )
    connection.executemany(
        'INSERT INTO sources (run_id, source_name, uri, role, "rows", dated, options)'
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        [(run.run_id, *row[:5], json.dumps(row.options, ensure_ascii=False)) for row in sources],
    )
    connection.execute("INSERT OR REPLACE INTO meta (key, value) VALUES ('as_of', ?)", (run.as_of,))


def record_rules(
    store: Store, run_id: str, rules: Sequence[RuleRun], counts: Mapping[str, Mapping[str, int]]
) -> None:
    """Write what each rule of a run did."""
    store.connection.executemany(
        "INSERT INTO run_rules (run_id, rule_id, status, reason_code, reason_text, roles,"
        " found, info, new, persisting, gone, returned) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (run_id, *rule[:4], json.dumps(rule.roles), *(counts[rule.rule_id][name] for name in COUNTS))
            for rule in rules
        ],
    )
