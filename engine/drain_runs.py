"""Straight runs of lines: how far one can follow them without a bend, a branch or a stop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely

from .connected import connected_parts
from .coverage import line_parts
from .ends import spots, within

_POINT = 0
_NOISE = 1e-9
"""Rounding noise of the cosine of a bend: one of exactly the limit counts as a bend."""


@dataclass(frozen=True)
class Nodes:
    """Ends of the parts of lines, those that meet under one number.

    Attributes
    ----------
    node : ndarray of int64, shape (k,)
    line : ndarray of int64, shape (k,)
        Which line the end belongs to.
    last : ndarray of bool, shape (k,)
        False for an end where its part starts, True where it stops.
    place : ndarray of shapely Point, shape (k,)
    """

    node: np.ndarray
    line: np.ndarray
    last: np.ndarray
    place: np.ndarray


@dataclass(frozen=True)
class Runs:
    """The straight pieces of lines, those that follow one another under one number.

    Attributes
    ----------
    run : ndarray of int64, shape (p,)
        From 0 without holes.
    line : ndarray of int64, shape (p,)
        Which line the piece belongs to.
    piece : ndarray of float64, shape (p, 2, 2)
        Where it starts and stops, metres.
    length : ndarray of float64, shape (r,)
        Of each run, metres.
    """

    run: np.ndarray
    line: np.ndarray
    piece: np.ndarray
    length: np.ndarray


@dataclass(frozen=True)
class _Parts:
    """Parts of lines with a length, the line of each, and their corners one after another."""

    shape: np.ndarray
    line: np.ndarray
    corner: np.ndarray
    part: np.ndarray
    first: np.ndarray
    last: np.ndarray


def same_places(places: np.ndarray, distance: float) -> np.ndarray:
    """A number for each place, one for all that are linked by steps of at most a distance.

    Parameters
    ----------
    places : ndarray of shapely Point, shape (n,)
    distance : float
        Metres, inclusive.

    Returns
    -------
    ndarray of int64, shape (n,)
    """
    number = spots(shapely.get_coordinates(places), np.zeros(len(places), dtype="int64"))
    points = np.empty(number.max(initial=-1) + 1, dtype=object)
    points[number] = places
    one, other, _ = within(points, points, distance)
    return connected_parts(len(points), one, other)[number]


def line_nodes(lines: np.ndarray, snap: float) -> Nodes:
    """Where ends of lines meet, at most `snap` metres from one to the next.

    Parameters
    ----------
    lines : ndarray of shapely LineString or MultiLineString, shape (n,)
        With finite coordinates; each part has ends of its own.
    """
    parts = _parts(lines)
    place = shapely.points(parts.corner[np.concatenate([parts.first, parts.last])])
    last = np.repeat([False, True], len(parts.line))
    return Nodes(same_places(place, snap), np.tile(parts.line, 2), last, place)


def straight_runs(
    lines: np.ndarray, nodes: Nodes, stops: Sequence[tuple[np.ndarray, float]], bend_deg: float
) -> Runs:
    """The runs of lines between stops, bends, branches and open ends.

    A run goes on where two ends alone meet, and bends less than `bend_deg` at every corner.

    Parameters
    ----------
    lines : ndarray of shapely LineString or MultiLineString, shape (n,)
        With finite coordinates.
    nodes : Nodes
        `line_nodes` of these lines.
    stops : sequence of (ndarray of shapely geometries, float)
        Shapes that end a run on every line within the distance (metres, inclusive), at the place of
        the line next to it.
    """
    parts = _parts(lines)
    way = _ways(parts)
    limit = np.cos(np.deg2rad(bend_deg)) + _NOISE
    inner = np.ones(len(parts.corner), dtype=bool)
    inner[parts.first] = inner[parts.last] = False
    bends = np.zeros(len(parts.corner), dtype=bool)
    at = np.flatnonzero(inner)
    bends[at] = (way[at - 1] * way[at]).sum(axis=1) <= limit
    corner, part, stop = _with_stops(parts, bends, stops)

    piece = np.flatnonzero(part[1:] == part[:-1])
    on = np.flatnonzero((np.diff(piece) == 1) & ~stop[piece[1:]]) if len(piece) else piece
    begin = np.searchsorted(part[piece], np.arange(len(parts.line)), side="left")
    end = np.searchsorted(part[piece], np.arange(len(parts.line)), side="right") - 1
    one, other = _going_on(nodes.node, parts, way, limit)
    first, second = (np.concatenate([begin, end])[ends] for ends in (one, other))
    label = connected_parts(len(piece), np.concatenate([on, first]), np.concatenate([on + 1, second]))

    step = corner[piece + 1] - corner[piece]
    length = np.hypot(step[:, 0], step[:, 1])
    real = np.flatnonzero(length > 0)
    _, run = np.unique(label[real], return_inverse=True)
    # Summed from short to long: the order of the rows must not alter the sum.
    order = np.argsort(length[real])
    total = np.bincount(run[order], weights=length[real][order])
    places = np.stack([corner[piece[real]], corner[piece[real] + 1]], axis=1)
    return Runs(run, parts.line[part[piece[real]]], places, total)


def _parts(lines: np.ndarray) -> _Parts:
    shapes, line = line_parts(lines)
    shapes = shapely.remove_repeated_points(shapes)
    real = shapely.length(shapes) > 0
    shapes, line = shapes[real], line[real]
    corner, part = shapely.get_coordinates(shapes, return_index=True)
    after = np.cumsum(shapely.get_num_coordinates(shapes))
    return _Parts(shapes, line, corner, part, np.append(0, after[:-1])[: len(after)], after - 1)


def _ways(parts: _Parts) -> np.ndarray:
    """Direction from each corner to the next, length 1; that of a part's last corner says nothing."""
    step = np.diff(parts.corner, axis=0, append=parts.corner[-1:])
    size = np.hypot(step[:, 0], step[:, 1])
    return np.asarray(step / np.where(size > 0, size, 1)[:, None])


def _with_stops(
    parts: _Parts, bends: np.ndarray, stops: Sequence[tuple[np.ndarray, float]]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Corners of all parts with the stops between them, the part of each, and where runs end."""
    before = np.diff(parts.corner, axis=0, prepend=parts.corner[:1])
    step = np.hypot(before[:, 0], before[:, 1])
    step[parts.first] = 0
    position = np.cumsum(step)
    position -= position[parts.first][parts.part]
    # At one position the first corner comes before a stop there, the last after it.
    turn = np.ones(len(step), dtype="int64")
    turn[parts.first], turn[parts.last] = 0, 2
    size = position[parts.last]
    columns = [(parts.corner, parts.part, position, turn, bends)]
    for shapes, distance in stops:
        stop, part, _ = within(shapes, parts.shape, distance)
        centre = shapes.copy()
        extended = shapely.get_type_id(shapes) > _POINT
        centre[extended] = shapely.centroid(shapes[extended])
        along = np.clip(shapely.line_locate_point(parts.shape[part], centre[stop]), 0, size[part])
        place = parts.corner[parts.first[part]]
        inner = np.flatnonzero(along > 0)
        place[inner] = shapely.get_coordinates(
            shapely.line_interpolate_point(parts.shape[part[inner]], along[inner])
        )
        columns.append(
            (place, part, along, np.ones(len(part), dtype="int64"), np.ones(len(part), dtype=bool))
        )
    corner, part, position, turn, stop = (np.concatenate(column) for column in zip(*columns))
    order = np.lexsort((turn, position, part))
    return corner[order], part[order], stop[order]


def _going_on(
    node: np.ndarray, parts: _Parts, way: np.ndarray, limit: float
) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of ends (starts of all parts, then stops) at which a run goes on from part to part."""
    out = np.concatenate([way[parts.first], -way[parts.last - 1]])
    order = np.argsort(node, kind="stable")
    _, begin, count = np.unique(node[order], return_index=True, return_counts=True)
    one, other = order[begin[count == 2]], order[begin[count == 2] + 1]
    straight = -(out[one] * out[other]).sum(axis=1) > limit
    return one[straight], other[straight]
