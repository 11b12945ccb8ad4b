"""The streets people walk on, and how far it is along them to the nearest of some places."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Optional

import numpy as np
import shapely

from ..model.vocabulary import canonical, walking
from .connected import connected_parts
from .context import Context
from .coverage import SLACK_M, line_parts, lines_of
from .nearest import nearest
from .statistic import After, Change, statistic
from .threads import in_chunks

UNITS_A_M = 1_000_000_000
"""Ways are whole nanometres: however a street is cut up, its pieces add up to the same."""

FAR = np.iinfo("int64").max // 4
"""Stands for: no way that is short enough."""

_NODES_A_M = 1000
_CHUNK = 50_000


@dataclass(frozen=True)
class Streets:
    """Straight pieces of streets, end to end on one axis (in units, a unit between two pieces).

    Attributes
    ----------
    corners : ndarray of float64, shape (k, 2, 2)
        Where each piece starts and stops, metres: a tenth of what as many lines would take.
    begin : ndarray of int64, shape (k,)
        Where each piece begins on the axis.
    nodes : ndarray of int64, shape (n,)
        Name of each node, made of its place, sorted.
    joint_at, joint_node : ndarray of int64, shape (j,)
        Where on the axis a piece is at a node, sorted, and at which: its two ends, and the ends of
        other streets that lie on it.
    """

    corners: np.ndarray
    begin: np.ndarray
    nodes: np.ndarray
    joint_at: np.ndarray
    joint_node: np.ndarray

    def edges(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Pairs of nodes that follow each other on a piece, and how far apart they are, shape (e,) each."""
        same = np.flatnonzero(np.diff(np.searchsorted(self.begin, self.joint_at, side="right")) == 0)
        way = self.joint_at[same + 1] - self.joint_at[same]
        return self.joint_node[same], self.joint_node[same + 1], way

    def only(self, kept: np.ndarray) -> Streets:
        """The pieces whose nodes are kept (mask, shape (n,)); of a piece all nodes or none are."""
        piece = np.searchsorted(self.begin, self.joint_at, side="right") - 1
        joints = kept[self.joint_node]
        rows = np.unique(piece[joints])
        return Streets(
            self.corners[rows], self.begin[rows], self.nodes, self.joint_at[joints], self.joint_node[joints]
        )


def is_walked(context: Context) -> np.ndarray:
    """Roads people walk on, by `highway` in vocabulary.csv, shape (n,)."""
    roads = context.subject("roads").rows
    words = roads["highway"].astype(object).where(roads["highway"].notna(), "")
    known = walking()
    classes = {word: canonical("highway", word.removesuffix("_link")) or "" for word in words.unique()}
    says = words.map({word: known.get(name, known[""]) for word, name in classes.items()})
    bridge = roads["bridge"].fillna(False).to_numpy(dtype=bool)
    return np.asarray((says == "walked") | ((says == "not walked if bridge") & ~bridge))


def has_streets(context: Context) -> bool:
    """Whether the city has roads that people walk on."""
    return len(context.once(_longest_part).begin) > 0


def longest_part(context: Context) -> Streets:
    """The longest connected part of the roads walked in the whole city."""
    return context.once(_longest_part)


def _carry_longest(longest: Streets, change: Change) -> Optional[After[Streets]]:
    was, now = (sorted(shapely.to_wkb(_walked_lines(rows))) for rows in (change.was, change.now))
    return After(longest) if was == now else None


@statistic("roads", carry=_carry_longest)
def _longest_part(context: Context) -> Streets:
    """The longest connected part of the roads walked; of equal ones that of the smallest node."""
    streets = _all_streets(context)
    one, other, way = streets.edges()
    part = connected_parts(len(streets.nodes), one, other)
    length = np.zeros(len(part), dtype="int64")
    np.add.at(length, part[one], way)
    return streets.only(part == length.argmax()) if len(part) else streets


def _all_streets(context: Context) -> Streets:
    return _joined(_walked_lines(context), context.number("S02.join_m", "roads"))


def _walked_lines(context: Context) -> np.ndarray:
    """Roads that people walk on, shape (n,)."""
    roads = context.city.table("roads").geometry.to_numpy()
    return np.asarray(roads[lines_of(context, "roads")[0] & is_walked(context)])


def _joined(lines: np.ndarray, join_m: float) -> Streets:
    """Streets joined where they share a vertex, and where the end of one lies on another."""
    places, part = shapely.get_coordinates(line_parts(lines)[0], return_index=True)
    nodes, node = np.unique(_names(places), return_inverse=True)
    steps = np.diff(places, axis=0)
    real = np.flatnonzero((part[1:] == part[:-1]) & (steps != 0).any(axis=1))
    corners = np.stack([places[real], places[real + 1]], axis=1)
    pieces = shapely.linestrings(corners)
    length = _units(shapely.length(pieces))
    begin = np.cumsum(length + 1) - length - 1
    ends = np.flatnonzero(np.diff(part, prepend=-1) | np.diff(part, append=-1))
    _, first = np.unique(node[ends], return_index=True)
    spots = shapely.points(places[ends[first]])
    end, piece = shapely.STRtree(pieces).query(spots, predicate="dwithin", distance=join_m + SLACK_M)
    end_node = node[ends[first[end]]]
    touches = (end_node != node[real[piece]]) & (end_node != node[real[piece] + 1])
    end, piece, end_node = end[touches], piece[touches], end_node[touches]
    at = begin[piece] + np.clip(
        _units(shapely.line_locate_point(pieces[piece], spots[end])), 0, length[piece]
    )
    joint_at = np.concatenate([begin, begin + length, at])
    joint_node = np.concatenate([node[real], node[real + 1], end_node])
    order = np.lexsort((joint_node, joint_at))
    return Streets(corners, begin, nodes, joint_at[order], joint_node[order])


def _names(places: np.ndarray) -> np.ndarray:
    """Millimetres east and north in one number, shape (n,); what is 4,000 km apart may share it."""
    east, north = np.rint(places * _NODES_A_M).astype("int64").T
    return np.asarray((east << 32) | (north & 0xFFFFFFFF))


def _units(metres: np.ndarray) -> np.ndarray:
    return np.asarray(np.rint(metres * UNITS_A_M).astype("int64"))


@dataclass(frozen=True)
class Stops:
    """Where shapes reach the streets, shape (s,) each; a shape may have several stops.

    `owner` is the row of the shape, `piece` that of the street piece, `low` to `high` the stretch of
    it (on the axis) that is nearest to the shape, `leg` the straight way there, in units.
    """

    owner: np.ndarray
    piece: np.ndarray
    low: np.ndarray
    high: np.ndarray
    leg: np.ndarray


class Walk:
    """Ways along streets.

    Parameters
    ----------
    streets : Streets
    most_m : float
        The longest way that will be asked for, metres: what lies farther from all streets has no stop.
    on_chunk : callable
        Called between chunks of work.
    """

    def __init__(self, streets: Streets, most_m: float, on_chunk: Callable[[], None]) -> None:
        self._streets = streets
        self._most_m = most_m
        self._on_chunk = on_chunk
        self._pieces = shapely.linestrings(streets.corners)
        self._tree = shapely.STRtree(self._pieces)
        one, other, way = streets.edges()
        origin, self._target = np.concatenate([one, other]), np.concatenate([other, one])
        order = np.argsort(origin, kind="stable")
        self._target, self._way = self._target[order], np.concatenate([way, way])[order]
        self._first = np.searchsorted(origin[order], np.arange(len(streets.nodes) + 1))

    def some_stops(self, shapes: np.ndarray) -> Stops:
        """One stop of each shape at its nearest street: the way from there may be a little too long."""
        owner, piece, apart = nearest(self._tree, shapes, self._most_m, self._on_chunk)
        first = np.flatnonzero(np.diff(owner, prepend=-1))
        owner, piece = owner[first], piece[first]
        at = self._some_place(piece, shapes[owner])
        return Stops(owner, piece, at, at, _units(apart[first]))

    def stops(self, shapes: np.ndarray) -> Stops:
        """The stops of each shape: every stretch of street that is as near to it as any other."""
        owner, piece, apart = nearest(self._tree, shapes, self._most_m, self._on_chunk)
        low, high = self._stretch(shapes[owner], piece, apart)
        return Stops(owner, piece, low, high, _units(apart))

    def _some_place(self, piece: np.ndarray, shapes: np.ndarray) -> np.ndarray:
        """Where on the axis each piece is nearest to its shape, at one place if there are several."""

        def place(chunk: slice) -> np.ndarray:
            ways = shapely.shortest_line(self._pieces[piece[chunk]], shapes[chunk])
            return self._at(piece[chunk], shapely.get_point(ways, 0))

        parts = in_chunks(place, len(piece), _CHUNK, self._on_chunk)
        return np.concatenate([np.zeros(0, dtype="int64"), *parts])

    def _at(self, piece: np.ndarray, spots: np.ndarray) -> np.ndarray:
        """Where on the axis each spot lies, shape (n,)."""
        lines = self._pieces[piece]
        along = np.clip(shapely.line_locate_point(lines, spots), 0, shapely.length(lines))
        return np.asarray(self._streets.begin[piece] + _units(along))

    def _stretch(
        self, shapes: np.ndarray, piece: np.ndarray, apart: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """From where to where each piece is as near to its shape as `apart`, shape (n,) each.

        Such a stretch is bounded by corners of the shape, ends of the piece, and where they cross.
        """
        lines = self._pieces[piece]
        corners, pair = shapely.get_coordinates(shapes, return_index=True)
        crossing = np.flatnonzero(apart <= SLACK_M)
        crossed = shapely.intersection(lines[crossing], shapely.make_valid(shapes[crossing]))
        more, of = shapely.get_coordinates(crossed, return_index=True)
        spots = np.concatenate(
            [
                shapely.points(corners),
                shapely.points(more),
                shapely.get_point(lines, 0),
                shapely.get_point(lines, 1),
            ]
        )
        pair = np.concatenate([pair, crossing[of], np.tile(np.arange(len(piece)), 2)])
        is_end = np.arange(len(pair)) >= len(corners) + len(more)
        away = shapely.distance(spots, np.where(is_end, shapes[pair], lines[pair]))
        nearest = np.flatnonzero(away <= apart[pair] + SLACK_M)
        at = self._at(piece[pair[nearest]], spots[nearest])
        low = self._some_place(piece, shapes)
        high = low.copy()
        np.minimum.at(low, pair[nearest], at)
        np.maximum.at(high, pair[nearest], at)
        return low, high

    def ways(self, homes: Stops, count: int, facilities: Stops, most_m: float) -> np.ndarray:
        """Way from each of `count` homes to the nearest facility, both legs counted; `FAR` if over `most_m`.

        Returns
        -------
        ndarray of int64, shape (count,), in units
        """
        most = int(_units(np.array(most_m + SLACK_M)))
        stop, node, gap = self._joints(facilities)
        reached = self._spread(node, gap + facilities.leg[stop], most)
        best = np.full(count, FAR)
        stop, node, gap = self._joints(homes)
        np.minimum.at(best, homes.owner[stop], homes.leg[stop] + gap + reached[node])
        stop, way = _on_same_piece(homes, facilities)
        np.minimum.at(best, homes.owner[stop], way)
        return np.where(best <= most, best, FAR)

    def _joints(self, stops: Stops) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """For each stop the nodes on its stretch and next to it: stop, node, way between them."""
        at = self._streets.joint_at
        first = np.searchsorted(at, stops.low, side="right") - 1
        last = np.searchsorted(at, stops.high, side="left")
        stop, joint = _ranges(first, last + 1)
        gap = np.maximum(np.maximum(stops.low[stop] - at[joint], at[joint] - stops.high[stop]), 0)
        return stop, self._streets.joint_node[joint], gap

    def _spread(self, node: np.ndarray, way: np.ndarray, most: int) -> np.ndarray:
        """Way from each node to the nearest of the nodes where ways begin, `FAR` if over `most`."""
        best = np.full(len(self._streets.nodes), FAR)
        np.minimum.at(best, node, way)
        front = np.unique(node)
        while len(front):
            self._on_chunk()
            origin, edge = _ranges(self._first[front], self._first[front + 1])
            target, way = self._target[edge], best[front[origin]] + self._way[edge]
            shorter = (way <= most) & (way < best[target])
            np.minimum.at(best, target[shorter], way[shorter])
            front = np.unique(target[shorter])
        return best


def _ranges(first: np.ndarray, last: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Every number from `first` up to `last` (not inclusive), and the row of the range it is of."""
    count = last - first
    row = np.repeat(np.arange(len(first)), count)
    return row, np.arange(len(row)) + np.repeat(first - (np.cumsum(count) - count), count)


def _on_same_piece(homes: Stops, facilities: Stops) -> tuple[np.ndarray, np.ndarray]:
    """For each stop of a home and each facility on its piece: the stop and the way, both legs counted."""
    order = np.argsort(facilities.piece, kind="stable")
    pieces = facilities.piece[order]
    stop, place = _ranges(
        np.searchsorted(pieces, homes.piece, side="left"), np.searchsorted(pieces, homes.piece, side="right")
    )
    there = order[place]
    gap = np.maximum(facilities.low[there] - homes.high[stop], homes.low[stop] - facilities.high[there])
    return stop, np.maximum(gap, 0) + homes.leg[stop] + facilities.leg[there]
