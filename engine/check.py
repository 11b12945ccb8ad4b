"""Runs the rules over a city, or the part of it that is asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Optional

import geopandas as gpd
import numpy as np
import shapely

from ..model.gap import RuleRun
from ..model.roles import OBJECT_LAYERS
from .areas import unit_of
from .city import City, usable
from .context import Context, representative_points
from .findings import join_findings, merge_equal_keys
from .finish import FINISHED_BY, finish
from .hold import held_rule
from .ledger import ledger
from .parts import Part, Parts, owned
from .processes import CAN_FORK
from .registry import RULES
from .rule import Rule
from .rules.data_position import shift_verdicts
from .standards import Standards
from .weights import cell_weights
from .window import CUT, Edit, around_findings

Progress = Callable[[str, str, int, int, float], None]
_WORTH_ROWS = 200_000
"""Rows of a city from which processes gain more than they cost."""

_STALE = ("not_run", "stale", "an edit may alter what this rule says of the whole city")


@dataclass(frozen=True)
class Ask:
    """What a run is to do.

    Attributes
    ----------
    rules : frozenset of str, optional
        Rule ids; the others are `not_run` (not_asked). None: all.
    switched_off : frozenset of str
        Rule ids that people switched off.
    processes : int
        How many may work side by side on a whole city.
    window : shapely Polygon, optional
        In the city CRS: the run answers for the objects whose anchor lies in it, and rules without a
        reach are `not_run` (needs_whole_city).
    edit : Edit, optional
        The run answers for what an edit may alter: rules that it can't alter are not asked, and of the
        others those without a reach are `not_run` (stale).
    """

    rules: Optional[frozenset[str]] = None
    switched_off: frozenset[str] = frozenset()
    processes: int = 1
    window: Optional[shapely.Geometry] = None
    edit: Optional[Edit] = None


@dataclass(frozen=True)
class CheckResult:
    """The findings of a run (columns of `findings.COLUMNS` and geometry) and what each rule did.

    `owners` holds, for a run over part of the city, the objects (``role:id``) each rule answered for.
    """

    findings: gpd.GeoDataFrame
    rules: list[RuleRun]
    context: Context
    owners: dict[str, frozenset[str]] = field(default_factory=dict)

    def codes_of(self, wkb: Sequence[bytes]) -> list[tuple[Optional[str], Optional[str]]]:
        """Area code and cell code of each place (WKB in the city CRS), as findings get them."""
        shapes = shapely.from_wkb(np.array(wkb, dtype=object))
        points = representative_points(shapes, usable(gpd.GeoSeries(shapes)))
        areas, cells = self.context.units.area_codes(points), self.context.grid.codes(points)
        return list(zip(areas.tolist(), cells.tolist()))


def run_check(
    city: City,
    standards: Standards,
    *,
    rules: Optional[Sequence[str]] = None,
    switched_off: frozenset[str] = frozenset(),
    dismissed: frozenset[str] = frozenset(),
    processes: int = 1,
    window: Optional[shapely.Geometry] = None,
    on_progress: Progress = lambda stage, rule, done, of, share: None,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> CheckResult:
    """Run the rules over a city or, given a `window` in its CRS, over the objects whose anchor lies in it.

    The other arguments are those of `Ask`, `Context` and `run_rules`.

    Raises
    ------
    Cancelled
        If `is_cancelled` says so.
    """
    context = Context(city, standards, is_cancelled, dismissed=dismissed)
    asked = None if rules is None else frozenset(rules)
    return run_rules(context, Ask(asked, switched_off, processes, window), on_progress)


def run_rules(context: Context, ask: Ask, on_progress: Progress) -> CheckResult:
    """Run the rules that are asked for over the whole city of a context, or a part of it.

    Parameters
    ----------
    on_progress : callable
        Gets stage, rule id, rules done, rules in all, share of the work (0-1).
    """
    runs: list[RuleRun] = []
    findings: list[gpd.GeoDataFrame] = []
    of_parts: list[gpd.GeoDataFrame] = []
    _run_ahead(context, ask, on_progress)
    parts = Parts(context, ask.window, ask.edit)
    owners: dict[str, frozenset[str]] = {}
    for done, rule in enumerate(RULES):
        context.check_cancelled()
        on_progress("rules", rule.rule_id, done, len(RULES), done / len(RULES))
        reason = _why_not(rule, context, ask)
        if reason:
            runs.append(RuleRun(rule.rule_id, *reason, roles=rule.roles))
            continue
        part = parts.of(rule)
        if part.own is None:
            found, untested = context.run_once(rule.rule_id, rule.reads, partial(_find, rule, context))
            findings.append(found)
        else:
            with context.reading() as read:
                found, untested = _find_in(part, rule)
            if not context.moved.isdisjoint(read):
                runs.append(RuleRun(rule.rule_id, *_STALE, roles=rule.roles))
                continue
            owners[rule.rule_id] = part.names
            of_parts.append(found)
        text = "; ".join(untested) or None
        runs.append(RuleRun(rule.rule_id, "run", "missing_input" if text else None, text, rule.roles))
    if of_parts:
        found = join_findings(of_parts, context.city.crs)
        findings.append(finish(found, around_findings(context, found)))
    every = join_findings(findings, context.city.crs)
    every = every.sort_values(["rule_id", "key"], kind="stable", ignore_index=True)
    on_progress("rules", "", len(RULES), len(RULES), 1.0)
    return CheckResult(every, runs, context, owners)


def _run_ahead(context: Context, ask: Ask, on_progress: Progress) -> None:
    """Have processes find what the rules say, so that the run only has to collect it."""
    if ask.window is not None or ask.edit is not None or not pays(context.city, ask.processes):
        return
    if ask.rules is None:
        _know_ahead(context)
    groups = _groups([rule for rule in RULES if _why_not(rule, context, ask) is None])
    ahead = context.run_ahead(groups, lambda rule: _find(rule, context), ask.processes)
    for done, rule_id in enumerate(ahead):
        on_progress("rules", rule_id, done, len(RULES), done / len(RULES))


def pays(city: City, processes: int) -> bool:
    """Whether processes gain more than they cost in a run over a whole city."""
    size = sum(len(table) for table in city.tables.values())
    return CAN_FORK and processes > 1 and size >= _WORTH_ROWS


def _groups(rules: Sequence[Rule]) -> list[list[Rule]]:
    """The rules by family, which shares what it computes; families that read one another's findings in one.

    Those of many rules come first: they take longest.
    """
    groups: list[list[Rule]] = []
    for rule in rules:
        near = [
            group
            for group in groups
            if any(other.rule_id[0] == rule.rule_id[0] or other.rule_id in rule.reads for other in group)
        ]
        groups = [group for group in groups if group not in near]
        groups.append([*(other for group in near for other in group), rule])
    return sorted(groups, key=len, reverse=True)


def _know_ahead(context: Context) -> None:
    """Find out what many rules read, so that processes need not do it each for itself."""
    with context.meanwhile(shift_verdicts):
        for role in context.city.tables:
            context.subject(role)
            context.check_cancelled()
    with context.meanwhile(ledger):
        for role in OBJECT_LAYERS:
            unit_of(context, role, "city")
            context.check_cancelled()
        context.once(cell_weights)


def _find(rule: Rule, context: Context) -> tuple[gpd.GeoDataFrame, tuple[str, ...]]:
    """The finished findings of a rule in a whole city, and what it could not test."""
    context.begin(rule.rule_id)
    outcome = rule.find(context.city, context)
    context.check_cancelled()
    return finish(merge_equal_keys(outcome.findings), context), outcome.untested


def _find_in(part: Part, rule: Rule) -> tuple[gpd.GeoDataFrame, tuple[str, ...]]:
    """The findings of a rule that a part answers for, not finished yet, and what it could not test."""
    outcome = rule.find(part.context.city, part.context)
    part.context.check_cancelled()
    return owned(merge_equal_keys(outcome.findings), part), outcome.untested


def _why_not(rule: Rule, context: Context, ask: Ask) -> Optional[tuple[str, str, str]]:
    """Status, reason code and text if the rule can't run; None if it can."""
    if rule.rule_id in ask.switched_off:
        return "not_run", "switched_off", "switched off"
    if ask.rules is not None and rule.rule_id not in ask.rules:
        return "not_run", "not_asked", "not asked for"
    if ask.edit is not None:
        if not ask.edit.alters(rule, context):
            return "not_run", "not_asked", f"does not read {ask.edit.role}"
        if rule.reach_m is None or ask.edit.role not in CUT:
            return _STALE
        if not context.moved.isdisjoint(FINISHED_BY | context.rests_on(rule.rule_id)):
            return _STALE
    if ask.window is not None and rule.reach_m is None:
        return "not_run", "needs_whole_city", "this rule looks at the whole city"
    missing = rule.missing(context.city) or (rule.unready and rule.unready(context))
    if missing:
        return "not_run", "missing_input", missing
    if "D07" in ask.switched_off:
        return None
    suspect = held_rule(rule.rule_id, rule.roles, context)
    return ("on_hold", "crs_suspect", suspect) if suspect else None
