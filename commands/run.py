"""One run of the rules: what it is called, and how its findings get into the store."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any, Optional

from ..engine.check import CheckResult
from ..engine.city import City
from ..engine.index import CityIndex
from ..engine.rows import to_rows
from ..engine.standards import Standards
from ..model.gap import RuleRun, SourceRow
from ..model.identity import ulid
from ..model.version import VERSION
from ..store.database import Store
from ..store.gaps import dismissed_keys
from ..store.merge import merge_run
from ..store.rules import switched_off
from ..store.runs import RunInfo
from .call import Call
from .thresholds import due_days

COUNTS = ("found", "info", "new", "persisting", "gone", "returned")
READ_BY_OTHERS = ("D02", "D04", "D07")
"""Rules on whose gaps others build, unless people dismissed them."""


class Clock:
    """When a run began."""

    def __init__(self) -> None:
        self._at = datetime.now(timezone.utc)
        self._since = time.monotonic()

    def seconds(self) -> float:
        """Seconds since then."""
        return round(time.monotonic() - self._since, 3)

    def run(self, city: City, window: str) -> RunInfo:
        """The run, as the store keeps it."""
        return RunInfo(
            run_id=ulid(),
            started_at=self._at.astimezone(city.tz).isoformat(timespec="milliseconds"),
            as_of=city.as_of.date().isoformat(),
            program_version=VERSION,
            window=window,
            seconds=self.seconds(),
            tz=str(city.tz),
        )


def dismissed(store: Optional[Store]) -> frozenset[str]:
    """Keys that people dismissed of the rules that others read; none without a store."""
    return frozenset() if store is None else dismissed_keys(store, READ_BY_OTHERS)


def off(store: Optional[Store]) -> frozenset[str]:
    """Rules that people switched off; none without a store."""
    return frozenset() if store is None else switched_off(store)


def merge(
    call: Call,
    store: Store,
    run: RunInfo,
    result: CheckResult,
    city: City,
    standards: Standards,
    *,
    sources: Sequence[SourceRow],
    in_window: Optional[Callable[[float, float], bool]] = None,
    owners: Optional[Mapping[str, Collection[str]]] = None,
    besides: Callable[[Store], None] = lambda store: None,
) -> dict[str, dict[str, int]]:
    """Merge what a run found into the store; the arguments are those of `merge_run`."""
    call.stage("store")("store", "", 0, 1, 0.0)
    counts = merge_run(
        store,
        run,
        result.rules,
        to_rows(result.findings, city, None if owners is None else result.context.once(CityIndex)),
        sources,
        in_window=in_window,
        owners=owners,
        cancelled=call.is_cancelled,
        due_days=due_days(standards),
        codes_of=result.codes_of if owners is None else None,
        besides=besides,
    )
    call.stage("store")("store", "", 1, 1, 1.0)
    return counts


def summary(
    run: RunInfo, seconds: float, result: CheckResult, counts: Mapping[str, Mapping[str, int]], city: City
) -> dict[str, Any]:
    """What `check --json` says of a run: `run_id`, `seconds`, `crs`, `as_of`, `rules` and `warnings`."""
    return {
        "run_id": run.run_id,
        "seconds": seconds,
        "crs": city.crs.to_string(),
        "as_of": run.as_of,
        "rules": {rule.rule_id: _of_rule(rule, counts.get(rule.rule_id, {})) for rule in result.rules},
        "warnings": list(city.warnings),
    }


def _of_rule(rule: RuleRun, counts: Mapping[str, int]) -> dict[str, Any]:
    reason = {"code": rule.reason_code, "text": rule.reason_text} if rule.reason_code else None
    return {"status": rule.status, "reason": reason, **{name: counts.get(name, 0) for name in COUNTS}}
