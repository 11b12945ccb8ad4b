"""How far it is on foot along the streets, and where hydrants, toilets and waste points stand."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
import shapely

from .foreseen import rows_of, worst
from .frame import Frame
from .lamps import along, beside
from .streets import Net

LIMITS_M = {"toilet": 300.0, "waste_point": 300.0, "hydrant": 150.0, "street_lamp": 30.0}
_PLAN_M = {"toilet": 280.0, "waste_point": 280.0}
"""Homes farther than this get another one near by, but for those of the deserts."""

_THIN_M, _DESERT_M = 160.0, 260.0
_HYDRANT_EVERY_M = 90.0
_AT_NODE_M = 0.05
_CHUNK = 100_000
"""Shapes at a time: the ways to the streets take memory."""


class Walk(NamedTuple):
    """The streets as a graph: lines, node at each end (-1: cut off by the edge), lengths, nodes in all."""

    lines: np.ndarray
    ends: np.ndarray
    length: np.ndarray
    count: int


def walk_of(net: Net, frame: Frame) -> Walk:
    """The largest connected part of the streets."""
    segments = net.segments
    lines = segments["line"].to_numpy()
    place = frame.place(net.nodes["u"].to_numpy(), net.nodes["v"].to_numpy())
    ends = np.stack([segments[end].to_numpy() for end in ("node_a", "node_b")])
    for side, at in ((0, 0), (1, -1)):
        spots = shapely.get_coordinates(shapely.get_point(lines, at))
        ends[side, np.hypot(*(spots - place[ends[side]]).T) > _AT_NODE_M] = -1
    label = np.arange(len(place))
    both = (ends >= 0).all(axis=0)
    one, other = ends[:, both]
    while True:
        low = np.minimum(label[one], label[other])
        new = label.copy()
        np.minimum.at(new, one, low)
        np.minimum.at(new, other, low)
        if np.array_equal(new, label):
            break
        label = new[new]
    part = np.where(ends[0] >= 0, label[ends[0]], label[ends[1]])
    words, size = np.unique(part[ends.max(axis=0) >= 0], return_counts=True)
    kept = part == words[size.argmax()]
    return Walk(lines[kept], ends[:, kept], shapely.length(lines[kept]), len(place))


class Stops(NamedTuple):
    """Where things reach the streets: row of the street, metres along it, straight way to it."""

    street: np.ndarray
    at_m: np.ndarray
    leg_m: np.ndarray


def stops(shapes: np.ndarray, walk: Walk) -> Stops:
    """The nearest place on the streets of each shape."""
    tree = shapely.STRtree(walk.lines)
    parts = [_stops(shapes[start : start + _CHUNK], tree) for start in range(0, max(len(shapes), 1), _CHUNK)]
    return Stops(*(np.concatenate(column) for column in zip(*parts)))


def _stops(shapes: np.ndarray, streets: shapely.STRtree) -> Stops:
    street = streets.nearest(shapes)
    way = shapely.shortest_line(streets.geometries[street], shapes)
    at = shapely.line_locate_point(streets.geometries[street], shapely.get_point(way, 0))
    return Stops(street, np.asarray(at), np.asarray(shapely.length(way)))


def distances(homes: Stops, facilities: Stops, walk: Walk, most: float) -> np.ndarray:
    """Way from each home along the streets to the nearest facility, both legs counted; inf beyond `most`."""
    node = np.full(walk.count, np.inf)
    for side in (0, 1):
        ahead = facilities.at_m if side == 0 else walk.length[facilities.street] - facilities.at_m
        end = walk.ends[side, facilities.street]
        np.minimum.at(node, end[end >= 0], (ahead + facilities.leg_m)[end >= 0])
    one, other = walk.ends[:, (walk.ends >= 0).all(axis=0)]
    length = walk.length[(walk.ends >= 0).all(axis=0)]
    while True:
        new = node.copy()
        np.minimum.at(new, other, node[one] + length)
        np.minimum.at(new, one, node[other] + length)
        new[new > most] = np.inf
        if np.array_equal(new, node):
            break
        node = new
    best = _on_same_street(homes, facilities)
    for side in (0, 1):
        ahead = homes.at_m if side == 0 else walk.length[homes.street] - homes.at_m
        end = walk.ends[side, homes.street]
        best = np.fmin(best, np.where(end >= 0, ahead + node[end], np.inf))
    return homes.leg_m + best


def _on_same_street(homes: Stops, facilities: Stops) -> np.ndarray:
    """Way along the own street to the nearest facility on it, its leg counted; inf without one."""
    best = np.full(len(homes.street), np.inf)
    order = np.lexsort((facilities.at_m, facilities.street))
    street, at, leg = (column[order] for column in facilities)
    first = np.searchsorted(street, homes.street, side="left")
    last = np.searchsorted(street, homes.street, side="right")
    for step in range(int((last - first).max(initial=0))):
        there = first + step < last
        row = np.minimum(first + step, len(street) - 1)
        best = np.where(there, np.fmin(best, np.abs(at[row] - homes.at_m) + leg[row]), best)
    return best


def place_facilities(
    net: Net, frame: Frame, homes: np.ndarray, copies: int, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Points of hydrants, toilets and waste points: near enough to all homes but those of a few deserts.

    Parameters
    ----------
    homes : ndarray of Polygon
    """
    walk = walk_of(net, frame)
    width = net.segments["width_m"].to_numpy()
    lines = net.segments["line"].to_numpy()
    owner, spots = along(lines, _HYDRANT_EVERY_M, ~net.segments["bridge"].to_numpy())
    found = {"hydrant": beside(spots, lines[owner], width[owner] / 2 + 0.8)}
    found["hydrant"] = _without(found["hydrant"], homes, copies, rng)
    at = stops(homes, walk)
    spot = shapely.line_interpolate_point(walk.lines[at.street], at.at_m)
    for kind, limit in _PLAN_M.items():
        desert = _deserts(homes, copies, rng)
        placed = [np.array([], dtype=object)]
        far = np.flatnonzero(~desert)
        while len(far):
            square = np.floor(shapely.get_coordinates(spot[far]) / _THIN_M).astype("int64")
            _, first = np.unique(square, axis=0, return_index=True)
            chosen = far[np.sort(first)]
            side = 3.2 if kind == "toilet" else -3.2
            placed.append(beside(spot[chosen], walk.lines[at.street[chosen]], np.full(len(chosen), side)))
            facilities = stops(np.concatenate(placed), walk)
            far = far[distances(Stops(*(c[far] for c in at)), facilities, walk, limit) > limit]
            far = far[shapely.distance(homes[far], spot[far]) < limit / 2]
        found[kind] = np.concatenate(placed)
    return found


def _deserts(homes: np.ndarray, copies: int, rng: np.random.Generator) -> np.ndarray:
    """Homes around a few of them that get nothing of their own, shape (n,)."""
    _, south, east, _ = shapely.total_bounds(homes)
    seeds = rng.permutation(len(homes))[:copies]
    if copies < 3:
        corner = shapely.distance(homes, shapely.points(east, south))
        seeds = np.array([int(corner.argmin())])
    desert = np.zeros(len(homes), dtype=bool)
    tree = shapely.STRtree(homes)
    for seed in seeds:
        desert[tree.query(homes[seed], predicate="dwithin", distance=_DESERT_M)] = True
    return desert


def _without(hydrants: np.ndarray, homes: np.ndarray, copies: int, rng: np.random.Generator) -> np.ndarray:
    """Hydrants but those around a few homes."""
    seeds = rng.permutation(len(homes))[:copies]
    gone, _ = shapely.STRtree(homes[seeds]).query(hydrants, predicate="dwithin", distance=150.0)
    return np.delete(hydrants, np.unique(gone))


def out_of_reach(
    housing: pd.DataFrame, components: pd.DataFrame, is_home: np.ndarray, walk: Walk
) -> tuple[list[pd.DataFrame], pd.DataFrame]:
    """S02, and the homes just within reach.

    Returns
    -------
    rows : list of DataFrame
        Truth rows.
    near : DataFrame
        id, class_code, distance of the farthest homes still in reach, at most three a class.
    """
    homes = housing[is_home]
    shapes, residents = homes["geometry"].to_numpy(), homes["residents"].to_numpy()
    middle, top = np.quantile(residents[~np.isnan(residents)], [0.5, 0.75])
    crowded = worst((residents > top, "high"), (residents > middle, "medium"), (residents >= 0, "low"))
    at = stops(shapes, walk)
    intact = components[(components["condition"] == "intact").to_numpy(dtype=bool)]
    rows, near = [], []
    for kind, limit in LIMITS_M.items():
        points = intact["geometry"].to_numpy()[(intact["class_code"] == kind).to_numpy()]
        if kind == "street_lamp":
            lit = shapely.STRtree(points).query(shapes, predicate="dwithin", distance=limit)[0]
            far = np.full(len(homes), np.inf)
            far[lit] = 0.0
        else:
            far = distances(at, stops(points, walk), walk, 2 * limit)
            last = np.argsort(np.where(far > limit, -1.0, far))[-3:]
            ids = homes["id"].to_numpy(dtype=object)[last]
            near.append(pd.DataFrame({"id": ids, "class_code": kind, "distance": far[last]}))
        rows.append(rows_of("S02", "housing", homes["id"], kind, np.where(far > limit, crowded, ""), kind))
    return rows, pd.concat(near, ignore_index=True)
