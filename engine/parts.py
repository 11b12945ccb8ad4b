"""The parts of a city that the rules of a run look at: one for all rules that are alike in what they need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Optional

import geopandas as gpd
import numpy as np
import shapely

from ..model.roles import OBJECT_LAYERS
from .context import Context
from .registry import RULES
from .rule import Rule
from .window import Edit, Need, Own, owner_names, owns, part_of, within

REACHES_M = (60.0, 300.0, float("inf"))
"""Rules whose reach lies in one band share one part of a window: cutting one for each would cost more."""

EDIT_REACHES_M = REACHES_M[1:]
"""Around an edit rules own few objects, and what they see of them is little whatever the reach."""

_CELL = frozenset(("cell",))


@dataclass(frozen=True)
class Part:
    """What some rules look at, what the run answers for in it (None: the city), and the names of that."""

    context: Context
    own: Optional[Own] = None
    names: frozenset[str] = frozenset()


class Parts:
    """The part of the city that each rule looks at, one for all rules that are alike in what they need."""

    def __init__(self, context: Context, window: Optional[shapely.Geometry], edit: Optional[Edit]) -> None:
        self._context = context
        self._window, self._edit = window, edit
        self._whole = Part(context)
        self._cut: dict[tuple[float, bool], Part] = {}
        self._alike = lru_cache(maxsize=None)(self._find_alike)

    def of(self, rule: Rule) -> Part:
        """The part of a rule."""
        alike = self._alike(rule)
        if alike is None or (self._window is None and self._edit is None):
            return self._whole
        if alike not in self._cut:
            self._cut[alike] = self._cut_for(alike)
        return self._cut[alike]

    def _find_alike(self, rule: Rule) -> Optional[tuple[float, bool]]:
        """Band of the reach; whether it needs only the roles that an edit altered; None without a reach."""
        if rule.reach_m is None:
            return None
        edit, reach = self._edit, rule.reach_m(self._context)
        is_narrow = edit is not None and edit.is_of_objects and rule.is_of_its_own
        bands = REACHES_M if edit is None else EDIT_REACHES_M
        return next(band for band in bands if reach <= band), is_narrow

    def _cut_for(self, alike: tuple[float, bool]) -> Part:
        context, edit = self._context, self._edit
        rules = [
            rule for rule in RULES if self._alike(rule) == alike and (not edit or edit.alters(rule, context))
        ]
        roles = frozenset(role for rule in rules for role in rule.roles)
        needs = [_need(rule, context) for rule in rules]
        if edit is None:
            own = within(context, self._window)
        elif alike[1]:
            objects = _edit_reaches(rules, roles & edit.roles, edit, context)
            own = edit.around(context, objects)
            needs = [need._replace(reaches=_of_records(need.reaches)) for need in needs]
            needs += [Need(frozenset((role,)), {role: far}, {}) for role, far in objects.items()]
        else:
            own = edit.around(context, _edit_reaches(rules, roles, edit, context))
        names = owner_names(context, own)
        return Part(part_of(context, own, names, needs), own, names)


def _need(rule: Rule, context: Context) -> Need:
    """What a rule has to see around what it owns."""
    reach = 0.0 if rule.reach_m is None else rule.reach_m(context)
    return Need(
        owners_of(rule), {role: 0.0 if role in rule.alone else reach for role in rule.roles}, rule.only
    )


def _of_records(reaches: Mapping[str, float]) -> dict[str, float]:
    return {role: far for role, far in reaches.items() if role not in OBJECT_LAYERS}


def owners_of(rule: Rule) -> frozenset[str]:
    """Roles whose objects own findings of a rule, ``cell`` too."""
    return frozenset(rule.owners or (*(role for role in rule.roles if role in OBJECT_LAYERS), *_CELL))


def _edit_reaches(
    rules: Sequence[Rule], roles: frozenset[str], edit: Edit, context: Context
) -> dict[str, float]:
    """Which of some roles have objects of which rules may say something else, and how far from an edit."""
    reaches: dict[str, float] = {}
    for rule in rules:
        far = edit.reach_m(rule, context) or 0.0
        for owner in (roles | _CELL) & (owners_of(rule) if rule.owners else owners_of(rule) - _CELL):
            reaches[owner] = max(reaches.get(owner, 0.0), far)
    return reaches


def owned(findings: gpd.GeoDataFrame, part: Part) -> gpd.GeoDataFrame:
    """The findings a part answers for: by anchor in a window, else by the object that owns them."""
    if part.own is None or not len(findings):
        return findings
    if part.own.outline is not None:
        anchors = findings["anchor"].to_numpy()
        mine = owns(part.own.outline)(shapely.get_x(anchors), shapely.get_y(anchors))
    else:
        mine = np.array([objects[0] in part.names for objects in findings["objects"]], dtype=bool)
    return findings if mine.all() else findings[mine]
