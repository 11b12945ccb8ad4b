"""Whether a run looked at a gap's objects: only then may it call the gap gone."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Optional

from ..model.gap import RuleRun, SourceRow
from . import runs, times

if TYPE_CHECKING:
    from .database import Store


class SourcesOfObjects:
    """Says for objects (``role:id``) from which sources a run read them, as JSON.

    A role that no source gave (a cell, say) has an empty list: nothing has to be read again for it.
    """

    def __init__(self, sources: Sequence[SourceRow]) -> None:
        self._names: dict[str, list[str]] = {}
        for source in sources:
            self._names.setdefault(source.role, []).append(source.source_name)
        self._texts: dict[tuple[Any, ...], str] = {}

    def text(self, objects: Sequence[str], known: Mapping[str, tuple[str, ...]]) -> str:
        """JSON object of role to sorted source names: those that are known, else all of the role."""
        roles = tuple([name.partition(":")[0] for name in objects])
        asked = (roles, *known.items())
        if asked not in self._texts:
            read = {
                role: sorted(set(known.get(role) or self._names.get(role, ()))) for role in sorted(set(roles))
            }
            self._texts[asked] = json.dumps(read, ensure_ascii=False)
        return self._texts[asked]


class Closing(NamedTuple):
    """What a run may close: the roles each rule read, and the sources that are not older than before."""

    roles: dict[str, frozenset[str]]
    read: frozenset[tuple[str, str]]

    def looked(self, rule_id: str, sources: str) -> bool:
        """Whether the run read, for this rule, every source that a gap's objects came from."""
        if rule_id not in self.roles:
            return False
        return all(
            role in self.roles[rule_id] and all((role, name) in self.read for name in names)
            for role, names in json.loads(sources).items()
            if names
        )


def _shared_name(source: SourceRow) -> tuple[str, str]:
    """Role and name of a source, the number of a further file of that name left out."""
    return source.role, re.sub(r"#\d+$", "", source.source_name)


def closing(
    store: Store, run: runs.RunInfo, rules: Sequence[RuleRun], sources: Sequence[SourceRow]
) -> Optional[Closing]:
    """What the run may close; None if its as-of date is earlier than the last run's.

    A source is older if its date and that at the last run that read it are both known, and it is earlier.
    Where the last run read several files of one name (``name``, ``name#2``) and this one reads fewer,
    none of them is taken to be read: which of them it is can't be told by the name.
    """
    before = runs.last_run(store)
    if before is not None and run.as_of < before.as_of:
        return None
    dates = runs.dates_before(store)
    zone = store.zone
    older = {
        (source.role, source.source_name)
        for source in sources
        if source.dated
        and (source.role, source.source_name) in dates
        and times.moment(source.dated, zone) < times.moment(dates[source.role, source.source_name], zone)
    }
    now = Counter(map(_shared_name, sources))
    last = Counter(map(_shared_name, runs.remembered_sources(store)))
    fewer = {name for name, number in last.items() if 1 < number > now[name]}
    read = (
        frozenset(
            (source.role, source.source_name) for source in sources if _shared_name(source) not in fewer
        )
        - older
    )
    return Closing({rule.rule_id: frozenset(rule.roles) for rule in rules if rule.status == "run"}, read)
