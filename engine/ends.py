"""Ends of pipes: where they lie, which other pipes they are joined to, which of them dangle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely

from ..model.vocabulary import maps_to
from .city import usable
from .classes import class_codes
from .context import Context
from .coverage import SLACK_M, lines_of
from .planar import frames
from .reach import beside
from .threads import in_chunks

_CHUNK = 50_000
_MIX = 0x5851F42D4C957F2D
"""Any large odd number: what it is multiplied by spreads over all 64 bits."""

Pairs = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Network:
    """The pipes that have a class and a line, and their ends; a closed line has none.

    Attributes
    ----------
    rows : ndarray of int64, shape (m,)
        Rows of these pipes.
    lines : ndarray of shapely geometries, shape (m,)
        As recorded: joining the parts of a line drops those without length, and they are parts too.
    ids : Series of str
        Of all pipes of the city.
    code : ndarray of object, shape (m,)
    group : ndarray of int64, shape (m,)
        A number for each class.
    owner : ndarray of int64, shape (n,)
        Which of the lines each end is of: all where lines start, in order, then all where they stop.
    place : ndarray of float64, shape (n, 2)
        Metres.
    spot : ndarray of int64, shape (n,)
        `spots` of the ends of each class.
    unclassed : int
        Pipes left out for want of a class.
    """

    rows: np.ndarray
    lines: np.ndarray
    ids: pd.Series
    code: np.ndarray
    group: np.ndarray
    owner: np.ndarray
    place: np.ndarray
    spot: np.ndarray
    unclassed: int

    def object_id(self, lines: np.ndarray) -> np.ndarray:
        """The ids of some of the lines, object of shape (k,)."""
        return np.asarray(self.ids.iloc[self.rows[lines]].astype(object))

    def name(self, ends: np.ndarray) -> np.ndarray:
        """`s` for an end where its line starts, `e` where it stops, object of shape (k,)."""
        return np.where(ends < len(self.owner) // 2, "s", "e").astype(object)

    @property
    def lone(self) -> np.ndarray:
        """Ends that share their place with no other end of their class: only these may dangle, shape (k,)."""
        return np.flatnonzero(alone(self.spot))

    @property
    def untested(self) -> tuple[str, ...]:
        """The sentence that names the pipes left out for want of a class."""
        return (f"{self.unclassed} pipes without a class: not tested",) if self.unclassed else ()

    def points(self, ends: np.ndarray) -> np.ndarray:
        """The places of some ends as shapely points, shape (k,)."""
        return np.asarray(shapely.points(self.place[ends]))

    def end_of(self) -> np.ndarray:
        """The ends where each line starts and stops, -1 for a closed one, shape (2, m)."""
        ends = np.full((2, len(self.rows)), -1, dtype="int64")
        ends[:, self.owner[: len(self.owner) // 2]] = np.arange(len(self.owner)).reshape(2, -1)
        return ends


def network(context: Context) -> Network:
    """The pipes of a city that have a class and a line."""
    return context.briefly(_network)


def _network(context: Context) -> Network:
    pipes = context.city.table("pipes")
    codes = class_codes("pipes", context.subject("pipes").rows)
    is_line, lines = lines_of(context, "pipes")
    classed = ~pd.isna(codes)
    rows = np.flatnonzero(is_line & classed)
    group = pd.factorize(codes[rows])[0]
    starts, stops = starts_and_stops(lines[rows])
    open_ended = np.flatnonzero((starts != stops).any(axis=1))
    owner = np.tile(open_ended, 2)
    place = np.concatenate([starts[open_ended], stops[open_ended]])
    return Network(
        rows,
        pipes.geometry.to_numpy()[rows],
        pipes["id"],
        codes[rows],
        group,
        owner,
        place,
        spots(place, group[owner]),
        int((~classed).sum()),
    )


def starts_and_stops(lines: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where lines start and where they stop, float64 of shape (n, 2) each, metres."""
    corners = shapely.get_coordinates(lines)
    after = np.cumsum(shapely.get_num_coordinates(lines))
    return corners[np.append(0, after[:-1])[: len(after)]], corners[after - 1]


def spots(places: np.ndarray, group: np.ndarray) -> np.ndarray:
    """A number for each place of a group: ends that share theirs have the same.

    Very seldom a place has two numbers (places that mix to one key lie between each other), so an end may
    seem to be alone where a distance would tell that it is not; never the other way round.

    Parameters
    ----------
    places : ndarray of float64, shape (n, 2)
    group : ndarray of int, shape (n,)

    Returns
    -------
    ndarray of int64, shape (n,), from 0
    """
    # Minus zero is zero, but has other bits.
    east, north = np.ascontiguousarray((places + 0.0).T).view("int64")
    order = np.argsort((east * _MIX + north) * _MIX + group)
    begins = np.zeros(len(order), dtype=bool)
    for column in (east, north, group):
        begins[1:] |= np.diff(column[order]) != 0
    spot = np.empty(len(order), dtype="int64")
    spot[order] = np.cumsum(begins)
    return spot


def alone(spot: np.ndarray) -> np.ndarray:
    """Whether no other end has the same spot, shape (n,)."""
    return np.asarray(np.bincount(spot)[spot] == 1)


def _neighbours(context: Context) -> Pairs:
    """Pairs of an end and another line of its class whose bounds are near it.

    Near enough for all that is asked of either. Of the ends in one place one alone is asked.
    """
    net = network(context)
    asked = np.sort(np.unique(net.spot, return_index=True)[1])
    far = max(context.number(name, "pipes") for name in ("N01.snap_tol_m", "N02.near_tol_m")) + SLACK_M
    tree = shapely.STRtree(net.lines)

    def meet(chunk: slice) -> Pairs:
        ends = asked[chunk]
        end, line = tree.query(frames(net.place[ends], far))
        owner = net.owner[ends[end]]
        other = (owner != line) & (net.group[owner] == net.group[line])
        return ends[end[other]], line[other]

    none: Pairs = (np.zeros(0, dtype="int64"), np.zeros(0, dtype="int64"))
    end, line = zip(*[none, *in_chunks(meet, len(asked), _CHUNK, context.check_cancelled)])
    return np.concatenate(end), np.concatenate(line)


def joined_ends(context: Context) -> Pairs:
    """Pairs of an end and another pipe of its class it is joined to, enough to connect all that are joined.

    Joined: any part of the pipe lies within `N01.snap_tol_m`. Of the ends in one place one alone is asked:
    it meets the pipes of the others too.

    Returns
    -------
    ndarray of int64, shape (p,): end
    ndarray of int64, shape (p,): which of the lines of the network
    """
    return context.briefly(_joined_ends)


def _joined_ends(context: Context) -> Pairs:
    net, (end, line) = network(context), context.briefly(_neighbours)
    spot_of = np.append(net.spot, -1)[net.end_of()]
    joined = (spot_of[:, line] == net.spot[end]).any(axis=0)
    rest = np.flatnonzero(~joined)
    apart = shapely.distance(net.points(end[rest]), net.lines[line[rest]])
    joined[rest[apart <= context.number("N01.snap_tol_m", "pipes")]] = True
    return end[joined], line[joined]


def close_pairs(context: Context) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of ends of one class and two pipes that almost meet, each once and smaller id first.

    Farther apart than `N01.snap_tol_m`, at most `N02.near_tol_m`; one of them shares its place with no other.

    Returns
    -------
    first, second : ndarray of int64, shape (k,)
    gap : ndarray of float64, shape (k,), metres
    """
    return context.briefly(_close_pairs)


def _close_pairs(context: Context) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    net, (end, line) = network(context), context.briefly(_neighbours)
    snap, near = (context.number(name, "pipes") for name in ("N01.snap_tol_m", "N02.near_tol_m"))
    mine = alone(net.spot)[end]
    one, other = np.tile(end[mine], 2), net.end_of()[:, line[mine]].reshape(-1)
    maybe = (other >= 0) & (np.abs(net.place[one] - net.place[other]) <= near + SLACK_M).all(axis=1)
    one, other = one[maybe], other[maybe]
    gap = shapely.distance(net.points(one), net.points(other))
    close = (gap > snap) & (gap <= near)
    one, other, gap = one[close], other[close], gap[close]
    some = np.unique(np.concatenate([one, other]))
    rank = np.empty(len(net.owner), dtype="int64")
    rank[some[np.lexsort((net.name(some), net.object_id(net.owner[some])))]] = np.arange(len(some))
    swap = rank[one] > rank[other]
    first, second = np.where(swap, other, one), np.where(swap, one, other)
    _, once = np.unique(np.column_stack([first, second]), axis=0, return_index=True)
    return first[once], second[once], gap[once]


def dangling_ends(context: Context) -> np.ndarray:
    """Ends that meet nothing a pipe may end at, ndarray of int64, shape (k,).

    An end meets any part of another pipe of its class within `N01.snap_tol_m`, a pipe point of its class
    other than those that only join, a building, and the edge of the study area within
    `N01.edge_buffer_m`.
    """
    return context.briefly(_dangling_ends)


def _dangling_ends(context: Context) -> np.ndarray:
    net = network(context)
    ends = np.setdiff1d(net.lone, joined_ends(context)[0])
    for meets in (_at_a_point, _in_a_building, at_the_edge):
        ends = ends[~meets(ends, context)]
    return ends


def _at_a_point(ends: np.ndarray, context: Context) -> np.ndarray:
    """Whether each end is at a pipe point of its class that a pipe may end at, shape (k,)."""
    net, (points, codes) = network(context), _points(context, ends_a_pipe=True)
    end, point, _ = within(net.points(ends), points, context.number("N01.snap_tol_m", "pipes"))
    met = np.zeros(len(ends), dtype=bool)
    met[end[net.code[net.owner[ends[end]]] == codes[point]]] = True
    return met


def _in_a_building(ends: np.ndarray, context: Context) -> np.ndarray:
    """Whether each end is in a building or on its border, shape (k,)."""
    housing = context.city.table("housing").geometry
    outlines = housing.to_numpy()[usable(housing) & (shapely.get_dimensions(housing.to_numpy()) == 2)]
    places = network(context).points(ends)
    met = np.zeros(len(ends), dtype=bool)
    met[shapely.STRtree(outlines).query(places, predicate="intersects")[0]] = True
    return met


def at_the_edge(ends: np.ndarray, context: Context) -> np.ndarray:
    """Whether each end lies within `N01.edge_buffer_m` of the edge of the study area, shape (k,)."""
    net, edge = network(context), context.units.study_edge
    if edge is None:
        return np.zeros(len(ends), dtype=bool)
    buffer = context.number("N01.edge_buffer_m", "pipes")
    corners, part = shapely.get_coordinates(shapely.get_parts(edge), return_index=True)
    sides = shapely.linestrings(np.stack([corners[:-1], corners[1:]], axis=1)[part[1:] == part[:-1]])
    tree = shapely.STRtree(sides)

    def close(chunk: slice) -> np.ndarray:
        places = net.points(ends[chunk])
        near = np.zeros(len(places), dtype=bool)
        near[tree.query(places, predicate="dwithin", distance=buffer + SLACK_M)[0]] = True
        near[near] = shapely.distance(places[near], edge) <= buffer
        return near

    parts = in_chunks(close, len(ends), _CHUNK, context.check_cancelled)
    return np.concatenate([np.zeros(0, dtype=bool), *parts])


def sources_and_outlets(context: Context) -> tuple[np.ndarray, np.ndarray]:
    """Place and class of the pipe points that feed a network or take from it, shape (k,) each."""
    return _points(context, ends_a_pipe=False)


def _points(context: Context, *, ends_a_pipe: bool) -> tuple[np.ndarray, np.ndarray]:
    """Place and class of the pipe points that a pipe may end at, or of sources and outlets alone."""
    table, rows = context.city.table("pipe_points"), context.subject("pipe_points").rows
    uses = maps_to("pipe_points.feature")
    if ends_a_pipe:
        kept = ~rows["feature"].isin([word for word, use in uses.items() if use == "none"])
    else:
        kept = rows["feature"].isin([word for word, use in uses.items() if use == "source_or_outlet"])
    codes = class_codes("pipe_points", rows)
    stops = kept.to_numpy(dtype=bool) & ~pd.isna(codes) & usable(table.geometry)
    return table.geometry.to_numpy()[stops], codes[stops]


def within(
    places: np.ndarray, shapes: np.ndarray, distance: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs at most a distance apart: index of each in `places` and `shapes`, and how far apart."""
    tree = shapely.STRtree(shapes)

    def near(chunk: slice) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        # The tree compares boxes widened in floating point: ask for a hair more, then measure.
        place, shape = beside(tree, places[chunk], distance + SLACK_M)
        place += chunk.start
        apart = shapely.distance(places[place], shapes[shape])
        close = apart <= distance
        return place[close], shape[close], apart[close]

    none = np.zeros(0, dtype="int64"), np.zeros(0, dtype="int64"), np.zeros(0)
    place, shape, apart = zip(*[none, *in_chunks(near, len(places), _CHUNK, lambda: None)])
    return np.concatenate(place), np.concatenate(shape), np.concatenate(apart)
