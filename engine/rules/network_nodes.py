"""Network gaps: what does not go together where drains meet."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Optional

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from ..city import City
from ..classes import class_codes
from ..context import Context
from ..coverage import SLACK_M, lines_of
from ..drain_runs import same_places
from ..ends import within
from ..findings import join_findings, make_findings
from ..rule import Outcome, Rule
from ..statistic import After, Change, statistic
from .network_drains import DRAINS, lacks_drains

_STEPS_OF_A_NODE = 20
"""Ends without a node id make one node, step by step: more steps than these would lead out of reach."""


_NOISE = 1e-9
"""Rounding noise of a slope: levels that are equal make none."""


@dataclass(frozen=True)
class _Ends:
    """Both ends of each drain, first all starts (`s`), then all stops (`e`), shape (k,) each.

    Attributes
    ----------
    drain : ndarray of int64
        Row of the pipe.
    last : ndarray of bool
        False for `s`.
    node : ndarray of int64
        Node the end lies at, -1 for an end without node id and place.
    place : ndarray of shapely Point or None
    owner : ndarray of int64
        By node: the end that owns it, of the smallest pipe id there, its start before its stop.
    """

    drain: np.ndarray
    last: np.ndarray
    node: np.ndarray
    place: np.ndarray
    owner: np.ndarray


def find_attribute_breaks(city: City, context: Context) -> Outcome:
    """N06: nodes of drains at which depths disagree, diameter falls, slope is reversed, or storm meets foul.

    Ends of one node id meet at a node; an end without an id belongs to the node it lies at. The
    depth of a drain is that of both its ends unless it has invert levels: levels are compared with
    levels, depths with depths. Flow is from from_node to to_node.
    """
    ends = _drain_ends(city, context)
    lacks = city.lacking_everywhere("pipes")
    parts, untested = [_joins(ends, context)], []
    if "kind_code" in lacks:
        untested.append("no kind_code given: joins of storm and foul not tested")
    has_levels = not lacks & {"invert_from_m", "invert_to_m"}
    if has_levels:
        parts.append(_reversed_slopes(ends, context))
    if has_levels or "depth_m" not in lacks:
        parts.append(_depth_steps(ends, context))
    else:
        untested.append("no depth_m and no invert levels given: depths not tested")
    context.check_cancelled()
    if lacks & {"from_node", "to_node", "diameter_mm"}:
        untested.append("no from_node, to_node or diameter_mm given: diameters not tested")
    elif context.once(flow).is_against_itself:
        untested.append("flow meets or parts at too many nodes: diameters not tested")
    else:
        parts.append(_falling_diameters(ends, context))
    return Outcome(join_findings(parts, city.crs), tuple(untested))


@dataclass(frozen=True)
class Flow:
    """How many node ids have two or more ends of drains, and at how many all flow in, or all out.

    Attributes
    ----------
    nodes, against : int
    most : float
        Share of the nodes over which from_node and to_node say nothing of flow.
    unsure : int
        By how much edits may have moved both counts.
    """

    nodes: int
    against: int
    most: float
    unsure: int = 0

    @property
    def is_against_itself(self) -> bool:
        """Whether from_node and to_node say nothing of flow."""
        return self.against > self.most * self.nodes

    @property
    def is_sure(self) -> bool:
        """Whether no edit can have turned that."""
        low = (self.against - self.unsure) > self.most * (self.nodes + self.unsure)
        high = (self.against + self.unsure) > self.most * (self.nodes - self.unsure)
        return low == high


def _drain_nodes(context: Context) -> pd.DataFrame:
    rows = context.subject("pipes").rows
    return rows.loc[class_codes("pipes", rows) == DRAINS, ["from_node", "to_node"]]


def _carry_flow(flow: Flow, change: Change) -> Optional[After[Flow]]:
    was, now = (_drain_nodes(rows).sort_values(["from_node", "to_node"]) for rows in (change.was, change.now))
    if was.reset_index(drop=True).equals(now.reset_index(drop=True)):
        return After(flow)
    moved = replace(flow, unsure=flow.unsure + 2 * (len(was) + len(now)))
    return After(moved) if moved.is_sure else None


@statistic("pipes", carry=_carry_flow)
def flow(context: Context) -> Flow:
    """What the node ids of drains in the whole city say of flow."""
    rows = _drain_nodes(context)
    out, into = (rows[field].dropna().value_counts() for field in ("from_node", "to_node"))
    ends = pd.concat([out, into], axis=1, keys=["out", "into"]).fillna(0)
    ends = ends[ends.sum(axis=1) >= 2]
    against = int(((ends["out"] == 0) | (ends["into"] == 0)).sum())
    return Flow(len(ends), against, context.number("N06.max_against_share", "pipes:PS"))


def _drain_ends(city: City, context: Context) -> _Ends:
    pipes, rows = city.table("pipes"), context.subject("pipes").rows
    drain = np.flatnonzero(class_codes("pipes", rows) == DRAINS)
    is_line, lines = (column[drain] for column in lines_of(context, "pipes"))
    place = np.full(2 * len(drain), None, dtype=object)
    starts, stops = np.flatnonzero(is_line), np.flatnonzero(is_line) + len(drain)
    place[starts] = shapely.get_point(shapely.get_geometry(lines[is_line], 0), 0)
    place[stops] = shapely.get_point(shapely.get_geometry(lines[is_line], -1), -1)
    names = pd.concat([rows["from_node"].iloc[drain], rows["to_node"].iloc[drain]])
    node = _nodes(names, place, context.number("N01.snap_tol_m", "pipes"))
    last = np.repeat([False, True], len(drain))
    drain = np.tile(drain, 2)
    x, y = (np.nan_to_num(get(place)) for get in (shapely.get_x, shapely.get_y))
    order = np.lexsort((y, x, last, np.asarray(pipes["id"].iloc[drain].astype(object)), node))
    numbers, first = np.unique(node[order], return_index=True)
    owner = np.full(len(node), -1, dtype="int64")
    known = numbers >= 0
    owner[numbers[known]] = order[first[known]]
    return _Ends(drain, last, node, place, owner)


def _nodes(names: pd.Series, place: np.ndarray, snap: float) -> np.ndarray:
    """The node of each end: of its id, else of an end with one beside it, else of the ends beside it.

    Where ends of several ids lie beside an end without one, the smallest id takes it.
    """
    number, ids = pd.factorize(names, sort=True)
    node = number.astype("int64")
    bare = np.flatnonzero((node < 0) & ~shapely.is_missing(place))
    named = np.flatnonzero((node >= 0) & ~shapely.is_missing(place))
    end, other, _ = within(place[bare], place[named], snap)
    best = np.full(len(bare), len(ids), dtype="int64")
    np.minimum.at(best, end, node[named[other]])
    taken = best < len(ids)
    node[bare[taken]] = best[taken]
    bare = bare[~taken]
    node[bare] = len(ids) + same_places(place[bare], snap)
    # Numbers from 0 without holes, so that there are no more of them than ends.
    known = node >= 0
    node[known] = np.unique(node[known], return_inverse=True)[1]
    return node


def _column(ends: _Ends, field: str, context: Context) -> np.ndarray:
    """A number of the drain of each end, NaN where unrecorded."""
    values = context.subject("pipes").rows[field].to_numpy(dtype="float64")
    return np.asarray(values[ends.drain])


def _levels(ends: _Ends, context: Context) -> np.ndarray:
    """Invert level of each end, NaN where unrecorded."""
    start, stop = (_column(ends, field, context) for field in ("invert_from_m", "invert_to_m"))
    return np.where(ends.last, stop, start)


def _depth_steps(ends: _Ends, context: Context) -> gpd.GeoDataFrame:
    levels = _levels(ends, context)
    depths = np.where(np.isnan(levels), _column(ends, "depth_m", context), np.nan)
    step = np.fmax(_spread(ends, levels), _spread(ends, depths))
    row = context.standards.parameter("N06.depth_step_m", "pipes:PS")
    found = np.flatnonzero(step > row.number() + SLACK_M)
    return _breaks(ends, found, "depth", "low", context, step[found], "m", row.number())


def _spread(ends: _Ends, values: np.ndarray) -> np.ndarray:
    """Largest less smallest value of the ends at each node, NaN where none is known."""
    low, high = _extreme(ends, values, np.minimum, np.inf), _extreme(ends, values, np.maximum, -np.inf)
    return np.where(np.isinf(low), np.nan, high - np.where(np.isinf(low), 0, low))


def _extreme(ends: _Ends, values: np.ndarray, take: np.ufunc, start: float) -> np.ndarray:
    """The smallest or largest known value of the ends at each node; `start` where none is known."""
    known = (ends.node >= 0) & ~np.isnan(values)
    best = np.full(len(ends.owner), start)
    take.at(best, ends.node[known], values[known])
    return best


def _falling_diameters(ends: _Ends, context: Context) -> gpd.GeoDataFrame:
    """Nodes whose widest drain out is narrower than the widest in; all that leave must be known."""
    diameter = _column(ends, "diameter_mm", context)
    rows = context.subject("pipes").rows
    named = pd.concat([rows["from_node"], rows["to_node"]]).notna().to_numpy()
    named = named[ends.drain + np.where(ends.last, len(rows), 0)]
    into = _extreme(ends, np.where(ends.last & named, diameter, np.nan), np.maximum, -np.inf)
    leaves = ~ends.last & named
    out = _extreme(ends, np.where(leaves, diameter, np.nan), np.maximum, -np.inf)
    out[ends.node[leaves & np.isnan(diameter)]] = np.inf
    tested = np.flatnonzero(np.isfinite(into) & np.isfinite(out))
    fall = into[tested] - out[tested]
    least = context.number(_BASIS["diameter"], "pipes:PS")
    found = fall > least
    return _breaks(ends, tested[found], "diameter", "low", context, fall[found], "mm", least)


def _reversed_slopes(ends: _Ends, context: Context) -> gpd.GeoDataFrame:
    """Drains that rise along their flow: the node they flow to has the finding, by the steepest."""
    rise = _column(ends, "invert_to_m", context) - _column(ends, "invert_from_m", context)
    length = shapely.length(context.city.table("pipes").geometry.to_numpy())[ends.drain]
    tested = ends.last & (length > 0)
    slope = _extreme(ends, np.where(tested, rise, np.nan) / np.where(tested, length, 1), np.maximum, -np.inf)
    least = context.number(_BASIS["slope"], "pipes:PS")
    found = np.flatnonzero(slope > least + _NOISE)
    return _breaks(ends, found, "slope", "medium", context, slope[found], "1", least)


def _joins(ends: _Ends, context: Context) -> gpd.GeoDataFrame:
    kinds = context.subject("pipes").rows["kind_code"]
    here = []
    for kind in context.standards.words(_BASIS["join"], "pipes:PS"):
        mine = ends.node[(kinds == kind).fillna(False).to_numpy(dtype=bool)[ends.drain] & (ends.node >= 0)]
        here.append(np.bincount(mine, minlength=len(ends.owner)) > 0)
    found = np.flatnonzero(np.all(here, axis=0))
    return _breaks(ends, found, "join", "high", context, np.full(len(found), np.nan), None, None)


def _breaks(
    ends: _Ends,
    nodes: np.ndarray,
    kind: str,
    severity: str,
    context: Context,
    measured: np.ndarray,
    unit: Optional[str],
    reference: Optional[float],
) -> gpd.GeoDataFrame:
    row = context.standards.parameter(_BASIS[kind], "pipes:PS")
    owner = ends.owner[nodes]
    pipes = context.city.table("pipes").iloc[ends.drain[owner]]
    return make_findings(
        "N06",
        object_role="pipes",
        object_id=pipes["id"],
        discriminator=np.where(ends.last[owner], f"{kind}-e", f"{kind}-s").astype(object),
        severity=severity,
        geometry=ends.place[owner],
        crs=context.city.crs,
        anchor_geometry=pipes.geometry.to_numpy(),
        class_code=DRAINS,
        measured=measured,
        reference=reference,
        unit=unit,
        basis=row.basis,
        confidence=row.confidence,
        params=[{"kind": kind, "ends": number} for number in _sizes(ends)[nodes].tolist()],
    )


def _sizes(ends: _Ends) -> np.ndarray:
    """Number of ends at each node."""
    return np.bincount(ends.node[ends.node >= 0], minlength=len(ends.owner))


_BASIS = {
    "depth": "N06.depth_step_m",
    "diameter": "N06.diameter_fall_mm",
    "slope": "N06.reversed_slope",
    "join": "N06.wrong_join",
}
"""Kind of break to the row of the standards that it rests on."""


ATTRIBUTE_BREAK_AT_NODE = Rule(
    "N06",
    find_attribute_breaks,
    lacks_drains,
    roles=("pipes",),
    reach_m=lambda context: _STEPS_OF_A_NODE * context.number("N01.snap_tol_m", "pipes"),
    owners=("pipes",),
)
