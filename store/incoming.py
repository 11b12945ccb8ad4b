"""The findings of a run in a temporary table, in the columns of the store."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Callable

from ..model.errors import Cancelled
from ..model.gap import FindingRow, RuleRun, SourceRow
from .geometry import bounds_of, to_blob
from .looked import SourcesOfObjects

if TYPE_CHECKING:
    from .database import Store

CONTENT = (
    "severity",
    "data_state",
    "object_role",
    "object_id",
    "class_code",
    "area_code",
    "cell_code",
    "body",
    "measured",
    "reference",
    "unit",
    "basis",
    "confidence",
    "params_json",
    "objects",
    "anchor_x",
    "anchor_y",
    "sources",
    "geometry",
)
"""Columns of a gap that the rule says anew in each run. None of them is a person's."""

_INCOMING = ("rule_id", "key", *CONTENT, "minx", "miny", "maxx", "maxy")
_CHUNK = 2000
"""Findings between two looks at `cancelled`."""


def load_findings(
    store: Store,
    rules: Sequence[RuleRun],
    findings: Iterable[FindingRow],
    sources: Sequence[SourceRow],
    cancelled: Callable[[], bool],
) -> None:
    """Put the findings into the temporary table `incoming`; the store itself is not locked yet."""
    connection = store.connection
    connection.execute(" ".join(("CREATE TEMP TABLE incoming (", ", ".join(_INCOMING), ")")))
    insert = " ".join(("INSERT INTO incoming VALUES (", ", ".join("?" * len(_INCOMING)), ")"))
    running = frozenset(rule.rule_id for rule in rules if rule.status == "run")
    connection.execute("BEGIN")
    try:
        connection.executemany(insert, _rows(store.srs_id, findings, running, sources, cancelled))
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _rows(
    srs_id: int,
    findings: Iterable[FindingRow],
    running: frozenset[str],
    sources: Sequence[SourceRow],
    cancelled: Callable[[], bool],
) -> Iterator[tuple[Any, ...]]:
    read_as = SourcesOfObjects(sources)
    no_box = (None, None, None, None)
    encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
    for number, row in enumerate(findings):
        if number % _CHUNK == 0 and cancelled():
            raise Cancelled
        if row.rule_id not in running:
            raise ValueError(f"a finding of {row.rule_id}, which did not run")
        blob = None if row.wkb is None else to_blob(row.wkb, srs_id, row.bounds)
        box = (None if blob is None else row.bounds or bounds_of(blob)) or no_box
        yield (
            *row[:16],
            encode(row.objects),
            *(row.anchor or (None, None)),
            read_as.text(row.objects, row.sources),
            blob,
            *box,
        )
