"""What a rule declares and returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Callable, Optional

import geopandas as gpd
import numpy as np

if TYPE_CHECKING:
    from .city import City
    from .context import Context
    from .window import Edit


@dataclass(frozen=True)
class Outcome:
    """What a rule found, and which part of it could not be tested and why."""

    findings: gpd.GeoDataFrame
    untested: tuple[str, ...] = ()


Find = Callable[["City", "Context"], Outcome]
Missing = Callable[["City"], Optional[str]]


@dataclass(frozen=True)
class Rule:
    """A rule: a small function over tables, and what it needs.

    Attributes
    ----------
    rule_id : str
    find : callable
        City and Context to Outcome; pure: knows no files, screens, progress or databases.
    missing : callable
        City to the sentence naming the input that lacks, None if the rule can run.
    roles : tuple of str
        Every role it reads.
    reach_m : callable or None
        Context to how far away a change can alter its answer, metres; None for rules over
        whole networks or units.
    owners : tuple of str
        Roles whose objects own its findings, if not every object layer it reads.
    reads_fields : mapping of str to tuple of str
        Roles of whose fields it reads these only, besides id and geometry: an edit of others alters nothing.
    alone : tuple of str
        Roles whose objects it judges each by itself: it need not see others of them within its reach.
    only : mapping of str to callable
        Roles of which only some rows matter, and a fact of the whole city that says which (mask).
    edit_reach_m : callable, optional
        Context and an Edit to how far away from its rows the answer about another object can change,
        metres, if that is less than the reach: 0 where only the answer about a row itself can, None
        where none can but by way of statistics.
    reads : tuple of str
        Earlier rules of the order whose findings it reads.
    is_of_its_own : bool
        Whether what it says of an object rests on objects of that role only, and on records.
    unready : callable or None
        Context to the sentence naming what lacks beyond the tables (rows of the standards, say).
    """

    rule_id: str
    find: Find
    missing: Missing
    roles: tuple[str, ...]
    reach_m: Optional[Callable[[Context], float]]
    reads: tuple[str, ...] = ()
    unready: Optional[Callable[[Context], Optional[str]]] = None
    is_of_its_own: bool = False
    owners: tuple[str, ...] = ()
    reads_fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    alone: tuple[str, ...] = ()
    only: Mapping[str, Callable[[Context], np.ndarray]] = field(default_factory=dict, hash=False)
    edit_reach_m: Optional[Callable[[Context, Edit], Optional[float]]] = None
