"""Where areas that should fit together do not: holes between them, overlaps, slivers of outlines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

import numpy as np
import pandas as pd
import shapely

from .city import usable
from .context import Context
from .duties import EVERYWHERE, NO_CLASS, covers, valid_duties

GRID_M = 0.001
"""Overlays are done on this grid, metres: borders drawn twice meet, and no overlay fails."""

_POLYGON = (3, 6)


class DutyGroup(NamedTuple):
    """Duties whose areas should fit together: those of one level, duty and trade.

    `rows` are rows of `valid_duties`, `areas` their areas on the grid, `union` the area of all.
    """

    level: str
    duty: str
    trade: str
    rows: np.ndarray
    areas: np.ndarray
    union: shapely.Geometry

    @property
    def name(self) -> str:
        """``level:duty:trade``."""
        return f"{self.level}:{self.duty}:{self.trade}"


@dataclass(frozen=True)
class Parts:
    """Single polygons and what each belongs to.

    Attributes
    ----------
    of : ndarray of int64, shape (p,)
        Place of the group, pair or outline.
    shapes : ndarray of shapely Polygon, shape (p,)
    """

    of: np.ndarray
    shapes: np.ndarray

    @property
    def areas(self) -> np.ndarray:
        """Area of each part, m², shape (p,)."""
        return np.asarray(shapely.area(self.shapes))

    @property
    def widths(self) -> np.ndarray:
        """Width of each part, metres: twice its area over its perimeter, shape (p,)."""
        return np.asarray(2 * self.areas / shapely.length(self.shapes))

    def __getitem__(self, keep: np.ndarray) -> Parts:
        return Parts(self.of[keep], self.shapes[keep])


class Holes(NamedTuple):
    """What the areas of duty groups leave open of the study area.

    `touching` counts the areas that border each part, `covered` is the share of the study area
    that each group covers.
    """

    groups: list[DutyGroup]
    parts: Parts
    touching: np.ndarray
    covered: np.ndarray


class Overlaps(NamedTuple):
    """Where areas of one group overlap: `pairs` are rows of `valid_duties`, shape (n, 2)."""

    groups: list[DutyGroup]
    group_of: np.ndarray
    pairs: np.ndarray
    parts: Parts


class OutlineSlivers(NamedTuple):
    """Thin parts that one of two outlines holds: `pairs` are rows of role neglected, shape (n, 2)."""

    pairs: np.ndarray
    parts: Parts


def polygon_parts(shapes: np.ndarray) -> Parts:
    """The single polygons in geometries of any type; lines and points are left out."""
    parts, of = shapely.get_parts(shapes, return_index=True)
    single, inner = shapely.get_parts(parts, return_index=True)
    keep = (shapely.get_type_id(single) == 3) & (shapely.area(single) > 0)
    return Parts(of[inner][keep].astype("int64"), single[keep])


def on_grid(shapes: np.ndarray) -> np.ndarray:
    """Areas on the grid of the overlays; self-crossing ones are made valid, shape (n,)."""
    return np.asarray(shapely.set_precision(shapely.make_valid(shapes), GRID_M))


def duty_groups(context: Context) -> list[DutyGroup]:
    """The groups of the duties in force that hold in an area of their own, by name."""
    duties = context.once(valid_duties)
    areas = duties.geometry.to_numpy()
    has_area = usable(duties.geometry) & np.isin(shapely.get_type_id(areas), _POLYGON) & (areas != EVERYWHERE)
    trade = duties["trade"].astype(object).str.strip().replace("", None)
    named = duties["object_class"].astype(object).str.strip().replace("", None)
    keys = pd.DataFrame(
        {"level": duties["level"], "duty": duties["duty"], "trade": trade.fillna(named).fillna("*")}
    )
    keys = keys[has_area & duties["duty"].notna().to_numpy()]
    groups = []
    for (level, duty, trade_word), rows in keys.groupby(["level", "duty", "trade"]):
        context.check_cancelled()
        places = rows.index.to_numpy()
        shapes = on_grid(areas[places])
        union = shapely.union_all(shapes, grid_size=GRID_M)
        groups.append(DutyGroup(str(level), str(duty), str(trade_word), places, shapes, union))
    return groups


def duty_holes(context: Context) -> Holes:
    """What each duty group leaves open of the study area; nothing without a study area."""
    groups = context.once(duty_groups)
    area = context.units.study_area
    if area is None or not groups:
        return Holes([], polygon_parts(np.array([], dtype=object)), np.array([], int), np.array([]))
    study = on_grid(np.array([area], dtype=object))[0]
    unions = np.array([group.union for group in groups], dtype=object)
    open_parts = polygon_parts(shapely.difference(study, unions, grid_size=GRID_M))
    covered = shapely.area(shapely.intersection(study, unions, grid_size=GRID_M)) / shapely.area(study)
    touching = np.zeros(len(open_parts.of), dtype="int64")
    for place, group in enumerate(groups):
        mine = np.flatnonzero(open_parts.of == place)
        tree = shapely.STRtree(group.areas)
        part, _ = tree.query(open_parts.shapes[mine], predicate="dwithin", distance=2 * GRID_M)
        touching[mine] = np.bincount(part, minlength=len(mine))
    return Holes(groups, open_parts, touching, np.asarray(covered))


def duty_overlaps(context: Context) -> Overlaps:
    """Where the areas of two bodies of a duty group overlap, for duties that share an object class."""
    groups = context.once(duty_groups)
    duties = context.once(valid_duties)
    bodies, classes = duties["body"].to_numpy(dtype=object), duties["class"].to_numpy(dtype=object)
    group_of, pairs, shapes = [], [], []
    for place, group in enumerate(groups):
        context.check_cancelled()
        first, second = _meeting(group.areas)
        rows = np.column_stack([group.rows[first], group.rows[second]])
        several = bodies[rows[:, 0]] != bodies[rows[:, 1]]
        several &= np.array([_share_class(*classes[row]) for row in rows], dtype=bool)
        pairs.append(rows[several])
        group_of.append(np.full(int(several.sum()), place))
        shapes.append(
            shapely.intersection(group.areas[first[several]], group.areas[second[several]], grid_size=GRID_M)
        )
    if not groups:
        return Overlaps([], np.array([], int), np.empty((0, 2), int), polygon_parts(np.array([], object)))
    return Overlaps(
        groups, np.concatenate(group_of), np.concatenate(pairs), polygon_parts(np.concatenate(shapes))
    )


def _meeting(areas: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of areas (the first before the second) that meet, borders included."""
    first, second = shapely.STRtree(areas).query(areas, predicate="intersects")
    once = first < second
    return first[once], second[once]


def _share_class(one: str, other: str) -> bool:
    """Whether some object belongs to both classes; trades without a class share their ground."""
    if NO_CLASS in (one, other):
        return one == other
    return covers(one, other) or covers(other, one)


def outline_slivers(context: Context, min_share: float) -> OutlineSlivers:
    """Parts of outlines of spaces under viaducts that another source's outline of the same space lacks.

    Two outlines are of the same space if they share at least `min_share` of the smaller. A part is
    what no outline of the other source holds; it belongs to the pair with the nearest such outline.
    """
    table = context.city.table("neglected")
    shapes = table.geometry.to_numpy()
    mine = (table["kind"] == "under_viaduct").to_numpy(dtype=bool) & usable(table.geometry)
    mine &= np.isin(shapely.get_type_id(shapes), _POLYGON)
    rows = np.flatnonzero(mine)
    rows = rows[np.argsort(table["id"].iloc[rows].astype(object).to_numpy(), kind="stable")]
    areas = on_grid(shapes[rows])
    sources = table["source_name"].iloc[rows].fillna("").to_numpy(dtype=object)
    pairs, parts = [np.empty((0, 2), dtype="int64")], [polygon_parts(np.array([], dtype=object))]
    for one, other in combinations(sorted(set(sources)), 2):
        ours, theirs = np.flatnonzero(sources == one), np.flatnonzero(sources == other)
        for part, pair in (
            _one_sided(areas, ours, theirs, min_share),
            _one_sided(areas, theirs, ours, min_share),
        ):
            parts.append(Parts(part.of + sum(map(len, pairs)), part.shapes))
            pairs.append(rows[pair])
    joined = Parts(
        np.concatenate([part.of for part in parts]), np.concatenate([part.shapes for part in parts])
    )
    return OutlineSlivers(np.concatenate(pairs), joined)


def _one_sided(
    areas: np.ndarray, ours: np.ndarray, theirs: np.ndarray, min_share: float
) -> tuple[Parts, np.ndarray]:
    """Parts of our outlines that none of theirs holds, each with a pair of outlines of the same space."""
    mine, other = shapely.STRtree(areas[theirs]).query(areas[ours], predicate="intersects")
    one, two = ours[mine], theirs[other]
    shared = shapely.area(shapely.intersection(areas[one], areas[two], grid_size=GRID_M))
    same = shared >= min_share * np.minimum(shapely.area(areas[one]), shapely.area(areas[two]))
    lacking, owners = [], []
    for outline, group in _by_first(one, two):
        if same[one == outline].any():
            held = shapely.union_all(areas[group], grid_size=GRID_M)
            lacking.append(shapely.difference(areas[outline], held, grid_size=GRID_M))
            owners.append(outline)
    parts = polygon_parts(np.array(lacking, dtype=object))
    pairs = np.empty((len(parts.of), 2), dtype="int64")
    for place, (owner, shape) in enumerate(zip(np.array(owners, dtype="int64")[parts.of], parts.shapes)):
        partners = two[(one == owner) & same]
        pairs[place] = owner, partners[np.argmin(shapely.distance(areas[partners], shape))]
    return Parts(np.arange(len(pairs)), parts.shapes), pairs


def _by_first(first: np.ndarray, second: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Each first of pairs with the seconds that go with it."""
    order = np.argsort(first, kind="stable")
    starts = np.flatnonzero(np.diff(first[order], prepend=-1))
    for start, rows in zip(starts, np.split(order, starts[1:])):
        yield int(first[order[start]]), second[rows]
