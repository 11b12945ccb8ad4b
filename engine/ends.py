"""Ends of pipes: where they lie, which other pipes they are joined to, which of them dangle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely

from ..model.vocabulary import maps_to
from .city import City, usable
from .classes import class_codes
from .context import Context
from .coverage import SLACK_M, merged_lines
from .threads import in_chunks

_CHUNK = 50_000
_MIX = 0x5851F42D4C957F2D
"""Any large odd number: what it is multiplied by spreads over all 64 bits."""


@dataclass(frozen=True)
class Ends:
    """Ends of lines: row of the pipe, its id and class, `s` or `e`, and place, shape (n,) each."""

    pipe: np.ndarray
    object_id: np.ndarray
    class_code: np.ndarray
    name: np.ndarray
    place: np.ndarray

    def __len__(self) -> int:
        return len(self.pipe)


@dataclass(frozen=True)
class Network:
    """The pipes that have a class and a line, and their ends.

    Attributes
    ----------
    rows : ndarray of int64, shape (m,)
        Rows of these pipes.
    lines : ndarray of shapely geometries, shape (m,)
        As recorded: joining the parts of a line drops those without length, and they are parts too.
    codes : ndarray of object, shape (n,)
        Class of every pipe of the city, None where unrecorded.
    ends : Ends
        A closed line has none.
    """

    rows: np.ndarray
    lines: np.ndarray
    codes: np.ndarray
    ends: Ends

    @property
    def untested(self) -> tuple[str, ...]:
        """The sentence that names the pipes left out for want of a class."""
        unclassed = int(pd.isna(self.codes).sum())
        return (f"{unclassed} pipes without a class: not tested",) if unclassed else ()


def network(city: City, context: Context) -> Network:
    """The pipes of a city that have a class and a line."""
    pipes = city.table("pipes")
    codes = class_codes("pipes", context.subject("pipes").rows)
    is_line, lines = merged_lines(pipes.geometry)
    rows = np.flatnonzero(is_line & ~pd.isna(codes))
    starts, stops = starts_and_stops(lines[rows])
    open_ended = (starts != stops).any(axis=1)
    pipe = np.tile(rows[open_ended], 2)
    ends = Ends(
        pipe,
        pipes["id"].astype(object).to_numpy()[pipe],
        codes[pipe],
        np.repeat(["s", "e"], open_ended.sum()).astype(object),
        shapely.points(np.concatenate([starts[open_ended], stops[open_ended]])),
    )
    return Network(rows, pipes.geometry.to_numpy()[rows], codes, ends)


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


def lone_ends(ends: Ends) -> np.ndarray:
    """Ends that share their place with no other end of their class: only these may dangle, shape (k,)."""
    return np.flatnonzero(alone(_spots(ends)))


def _spots(ends: Ends) -> np.ndarray:
    return spots(shapely.get_coordinates(ends.place), pd.factorize(ends.class_code)[0])


def close_pairs(
    ends: Ends, lone: np.ndarray, snap: float, near: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of ends of one class and two pipes that almost meet, each once and smaller id first.

    Parameters
    ----------
    lone : ndarray of int64
        `lone_ends`: at least one end of a pair is one of these.
    snap, near : float
        Farther apart than the first, at most the second, metres.

    Returns
    -------
    first, second : ndarray of int64, shape (k,)
    gap : ndarray of float64, shape (k,), metres
    """
    one, other, gap = within(ends.place[lone], ends.place, near)
    one = lone[one]
    apart = (ends.class_code[one] == ends.class_code[other]) & (ends.pipe[one] != ends.pipe[other])
    one, other, gap = (column[apart & (gap > snap)] for column in (one, other, gap))
    rank = np.lexsort((ends.name, ends.object_id))
    place = np.empty(len(rank), dtype="int64")
    place[rank] = np.arange(len(rank))
    first = np.where(place[one] < place[other], one, other)
    second = np.where(place[one] < place[other], other, one)
    _, once = np.unique(np.column_stack([first, second]), axis=0, return_index=True)
    return first[once], second[once], gap[once]


def dangles(net: Network, asked: np.ndarray, context: Context) -> np.ndarray:
    """Whether each asked end meets nothing that a pipe may end at, shape (k,).

    It meets any part of another pipe of its class within `N01.snap_tol_m`, a pipe point of its class
    other than those that only join, a building, and the edge of the study area within
    `N01.edge_buffer_m`.
    """
    places, code = net.ends.place[asked], net.ends.class_code[asked]
    meets = np.zeros(len(asked), dtype=bool)
    meets[joined(net, asked, context)[0]] = True

    points, codes = _points(context, ends_a_pipe=True)
    end, point, _ = within(places, points, context.number("N01.snap_tol_m", "pipes"))
    meets[end[code[end] == codes[point]]] = True

    housing = context.city.table("housing").geometry
    outlines = housing.to_numpy()[usable(housing) & (shapely.get_dimensions(housing.to_numpy()) == 2)]
    meets[shapely.STRtree(outlines).query(places, predicate="intersects")[0]] = True
    return ~(meets | at_the_edge(places, context))


def joined(net: Network, asked: np.ndarray, context: Context) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of an asked end and another pipe of its class that it is joined to.

    Returns
    -------
    ndarray of int64, shape (p,): place in `asked`
    ndarray of int64, shape (p,): row of the pipe
    """
    snap = context.number("N01.snap_tol_m", "pipes")
    tree = shapely.STRtree(net.lines)
    places, pipe, code = net.ends.place[asked], net.ends.pipe[asked], net.ends.class_code[asked]

    def meet(chunk: slice) -> tuple[np.ndarray, np.ndarray]:
        end, line = tree.query(places[chunk], predicate="dwithin", distance=snap + SLACK_M)
        end, other = end + chunk.start, net.rows[line]
        fit = (pipe[end] != other) & (code[end] == net.codes[other])
        end, line, other = end[fit], line[fit], other[fit]
        near = shapely.distance(places[end], net.lines[line]) <= snap
        return end[near], other[near]

    parts = [(np.zeros(0, dtype="int64"), np.zeros(0, dtype="int64"))]
    parts += in_chunks(meet, len(asked), _CHUNK, context.check_cancelled)
    end, other = (np.concatenate(column) for column in zip(*parts))
    return end, other


def joined_ends(net: Network, context: Context) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of an end and another pipe of its class, enough of them to connect all that are joined.

    Of the ends in one place one alone is asked: it meets the pipes of the others too.

    Returns
    -------
    ndarray of int64, shape (p,): end
    ndarray of int64, shape (p,): row of the pipe
    """
    first = np.sort(np.unique(_spots(net.ends), return_index=True)[1])
    asked, pipe = joined(net, first, context)
    return first[asked], pipe


def at_the_edge(places: np.ndarray, context: Context) -> np.ndarray:
    """Whether each place lies within `N01.edge_buffer_m` of the edge of the study area, shape (n,)."""
    near = np.zeros(len(places), dtype=bool)
    edge = context.units.study_edge
    if edge is None:
        return near
    buffer = context.number("N01.edge_buffer_m", "pipes")
    corners, part = shapely.get_coordinates(shapely.get_parts(edge), return_index=True)
    sides = shapely.linestrings(np.stack([corners[:-1], corners[1:]], axis=1)[part[1:] == part[:-1]])
    near[shapely.STRtree(sides).query(places, predicate="dwithin", distance=buffer + SLACK_M)[0]] = True
    near[near] = shapely.distance(places[near], edge) <= buffer
    return near


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
    # The tree compares boxes widened in floating point: ask for a hair more, then measure.
    place, shape = shapely.STRtree(shapes).query(places, predicate="dwithin", distance=distance + SLACK_M)
    apart = shapely.distance(places[place], shapes[shape])
    near = apart <= distance
    return place[near], shape[near], apart[near]
