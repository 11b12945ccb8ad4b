"""Runs the rules over a city and finishes their findings: steps, areas, cells."""

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
from .findings import join_findings, merge_equal_keys, raise_severity
from .hold import held_rule
from .ledger import ledger
from .processes import CAN_FORK
from .registry import RULES
from .rule import Rule
from .rules.data_position import shift_verdicts
from .standards import Standards
from .units import study_area
from .weights import cell_weights
from .window import CUT, Edit, Own, owner_names, owns, part_of, within

Progress = Callable[[str, str, int, int, float], None]
_WORTH_ROWS = 200_000
"""Rows of a city from which processes gain more than they cost."""

REACHES_M = (60.0, 300.0, float("inf"))
"""Rules whose reach lies in one band share one part of the city: cutting one for each would cost more."""

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
    _run_ahead(context, ask, on_progress)
    parts = _Parts(context, ask)
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
        else:
            with context.reading() as read:
                found, untested = _find(rule, part.context, part.own, part.names)
            if not context.moved.isdisjoint(read):
                runs.append(RuleRun(rule.rule_id, *_STALE, roles=rule.roles))
                continue
            owners[rule.rule_id] = part.names
        text = "; ".join(untested) or None
        runs.append(RuleRun(rule.rule_id, "run", "missing_input" if text else None, text, rule.roles))
        findings.append(found)
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


def _find(
    rule: Rule, context: Context, own: Optional[Own] = None, names: frozenset[str] = frozenset()
) -> tuple[gpd.GeoDataFrame, tuple[str, ...]]:
    """The finished findings of a rule that a part answers for, and what it could not test."""
    if own is None:
        context.begin(rule.rule_id)
    outcome = rule.find(context.city, context)
    context.check_cancelled()
    return _finish(_owned(merge_equal_keys(outcome.findings), own, names), context), outcome.untested


def _why_not(rule: Rule, context: Context, ask: Ask) -> Optional[tuple[str, str, str]]:
    """Status, reason code and text if the rule can't run; None if it can."""
    if rule.rule_id in ask.switched_off:
        return "not_run", "switched_off", "switched off"
    if ask.rules is not None and rule.rule_id not in ask.rules:
        return "not_run", "not_asked", "not asked for"
    if ask.edit is not None:
        if not ask.edit.alters(rule):
            return "not_run", "not_asked", f"does not read {ask.edit.role}"
        if rule.reach_m is None or ask.edit.role not in CUT:
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


@dataclass(frozen=True)
class _Part:
    """What some rules look at, what the run answers for in it (None: the city), and the names of that."""

    context: Context
    own: Optional[Own] = None
    names: frozenset[str] = frozenset()


class _Parts:
    """The part of the city that each rule looks at, one for all rules that are alike in what they need."""

    def __init__(self, context: Context, ask: Ask) -> None:
        self._context = context
        self._ask = ask
        self._whole = _Part(context)
        self._cut: dict[tuple[float, bool], _Part] = {}

    def of(self, rule: Rule) -> _Part:
        """The part of a rule."""
        alike = self._alike(rule)
        if alike is None or (self._ask.window is None and self._ask.edit is None):
            return self._whole
        if alike not in self._cut:
            self._cut[alike] = self._cut_for(alike)
        return self._cut[alike]

    def _alike(self, rule: Rule) -> Optional[tuple[float, bool]]:
        """Band of the reach; whether it needs only the roles that an edit alters; None without a reach."""
        if rule.reach_m is None:
            return None
        reach = rule.reach_m(self._context)
        return next(band for band in REACHES_M if reach <= band), self._is_narrow and rule.is_of_its_own

    def _cut_for(self, alike: tuple[float, bool]) -> _Part:
        context, edit = self._context, self._ask.edit
        rules = [rule for rule in RULES if self._alike(rule) == alike and (not edit or edit.alters(rule))]
        roles = frozenset(role for rule in rules for role in rule.roles)
        if edit is not None:
            objects = edit.altered(roles) if alike[1] else roles.intersection(OBJECT_LAYERS)
            own = edit.around(context, objects, max(_edit_reach_m(rule, edit, context) for rule in rules))
            roles = roles.difference(OBJECT_LAYERS) | objects
        else:
            own = within(context, self._ask.window)
        names = owner_names(context, own)
        reach = max(rule.reach_m(context) for rule in rules if rule.reach_m is not None)
        return _Part(part_of(context, own, names, roles, reach), own, names)

    @property
    def _is_narrow(self) -> bool:
        return self._ask.edit is not None and self._ask.edit.role in OBJECT_LAYERS


def _edit_reach_m(rule: Rule, edit: Edit, context: Context) -> float:
    """How far from an edit a rule may say something else, metres."""
    if rule.edit_reach_m is not None:
        return rule.edit_reach_m(context, edit.role)
    return 0.0 if rule.reach_m is None else rule.reach_m(context)


def _owned(findings: gpd.GeoDataFrame, own: Optional[Own], names: frozenset[str]) -> gpd.GeoDataFrame:
    """The findings a part answers for: by anchor in a window, else by the object that owns them."""
    if own is None or not len(findings):
        return findings
    if own.outline is not None:
        anchors = findings["anchor"].to_numpy()
        mine = owns(own.outline)(shapely.get_x(anchors), shapely.get_y(anchors))
    else:
        mine = np.array([objects[0] in names for objects in findings["objects"]], dtype=bool)
    return findings[mine].reset_index(drop=True)


def _finish(findings: gpd.GeoDataFrame, context: Context) -> gpd.GeoDataFrame:
    """Area, cell and severity step (catalogue, general rule 2) of each finding."""
    context.once(study_area)
    if not len(findings):
        return findings
    points = representative_points(findings.geometry.to_numpy(), usable(findings.geometry))
    findings = findings.assign(
        area_code=context.units.area_codes(points), cell_code=context.grid.codes(points)
    )
    heavy = context.once(cell_weights).is_heavy(findings["cell_code"].to_numpy())
    reasons = {
        "populous_cell": heavy,
        "neglected_place": context.in_neglected(points),
        "fringe": context.in_fringe(points),
    }
    step = np.logical_or.reduce(list(reasons.values())) & findings["steps"].to_numpy(dtype=bool)
    step &= (findings["severity"] != "info").to_numpy()
    findings["severity"] = raise_severity(findings["severity"].tolist(), step)
    findings["params"] = [
        {**params, "step": [name for name, mask in reasons.items() if mask[row]]} if step[row] else params
        for row, params in enumerate(findings["params"])
    ]
    return findings
