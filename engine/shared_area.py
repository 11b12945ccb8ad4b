"""How much area pairs of polygons share, in closed form: nothing is noded, so nothing can fail.

The area under a side, down to a common level, counts for its polygon or against it, as the side bounds it
from above or below. What two polygons share is the sum, over every side of one and every side of the other,
of the area under both.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely

_POLYGON = 3
_UPRIGHT_M = 1e-12
"""Sides no wider than this have nothing under them, and no slope to reckon with."""


@dataclass(frozen=True)
class Sides:
    """The sides of polygons, those of each one after another; upright ones have nothing under them.

    Attributes
    ----------
    bounds : ndarray of float64, shape (n, 4)
        Of each polygon: west, south, east, north, metres.
    first, count : ndarray of int64, shape (n,)
        Where the sides of each polygon begin, and how many there are.
    west, east : ndarray of float64, shape (s, 2)
        The two ends of each side, metres.
    slope : ndarray of float64, shape (s,)
        Metres north a metre east.
    sign : ndarray of float64, shape (s,)
        1 where the polygon lies under the side, -1 where it lies over it.
    """

    bounds: np.ndarray
    first: np.ndarray
    count: np.ndarray
    west: np.ndarray
    east: np.ndarray
    slope: np.ndarray
    sign: np.ndarray

    def heights(
        self, side: np.ndarray, begin: np.ndarray, end: np.ndarray, level: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """How high sides lie over a level, at two marks of their way east, shape (k,) each."""
        west, way = self.west.take(side, axis=0), self.slope[side]
        over = west[:, 1] - level
        return over + (begin - west[:, 0]) * way, over + (end - west[:, 0]) * way


def sides(polygons: np.ndarray) -> Sides:
    """The sides of polygons.

    Parameters
    ----------
    polygons : ndarray of shapely Polygon or MultiPolygon, shape (n,)
        Valid, with finite coordinates.
    """
    rings, polygon, is_hole = _rings(polygons)
    places, ring = shapely.get_coordinates(rings, return_index=True)
    way = np.diff(places, axis=0)
    real = np.flatnonzero((ring[1:] == ring[:-1]) & (np.abs(way[:, 0]) > _UPRIGHT_M))
    way, ring = way.take(real, axis=0), ring[real]
    goes_east, north = way[:, 0] > 0, places[:, 1]
    clockwise = np.bincount(ring, way[:, 0] * (north[real] + north[real + 1]), len(rings)) > 0
    count = np.bincount(polygon[ring], minlength=len(polygons))
    return Sides(
        shapely.bounds(polygons).reshape(-1, 4),
        np.cumsum(count) - count,
        count,
        places.take(np.where(goes_east, real, real + 1), axis=0),
        places.take(np.where(goes_east, real + 1, real), axis=0),
        way[:, 1] / way[:, 0],
        np.where(goes_east == (clockwise != is_hole)[ring], 1.0, -1.0),
    )


def _rings(polygons: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The rings of polygons in their order, which polygon each is of, and whether it is a hole.

    A polygon without holes stands for its ring: it has the same places, and need not be made.
    """
    plain = (shapely.get_type_id(polygons) == _POLYGON) & (shapely.get_num_interior_rings(polygons) == 0)
    one, several = np.flatnonzero(plain), np.flatnonzero(~plain)
    parts, of = shapely.get_parts(polygons[several], return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    polygon = np.concatenate([one, several[of[part]]])
    is_hole = np.concatenate([np.zeros(len(one), dtype=bool), np.diff(part, prepend=-1) == 0])
    order = np.argsort(polygon, kind="stable")
    return np.concatenate([polygons[one], rings])[order], polygon[order], is_hole[order]


def shared_area(some: Sides, others: Sides, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The area that pairs of polygons share.

    Parameters
    ----------
    some, others : Sides
        Few sides of the others should lie beside one of these: all these are looked at for each of them.
    one, other : ndarray of int64, shape (p,)
        Which polygon of each.

    Returns
    -------
    ndarray of float64, shape (p,), square metres
    """
    west, level, east, _ = some.bounds[one].T
    pair, theirs = _each(others, other)
    # What lies wholly under the level of a pair has nothing over it.
    beside = (others.east[theirs, 0] > west[pair]) & (others.west[theirs, 0] < east[pair])
    beside &= np.maximum(others.west[theirs, 1], others.east[theirs, 1]) > level[pair]
    pair, theirs = pair[beside], theirs[beside]
    again, mine = _each(some, one[pair])
    theirs, pair = theirs[again], pair[again]
    begin = np.maximum(some.west[mine, 0], others.west[theirs, 0])
    end = np.minimum(some.east[mine, 0], others.east[theirs, 0])
    meet = np.flatnonzero(end > begin)
    pair, mine, theirs, begin, end = (values[meet] for values in (pair, mine, theirs, begin, end))
    heights = [side.heights(at, begin, end, level[pair]) for side, at in ((some, mine), (others, theirs))]
    area = _mean_of_lower(*heights[0], *heights[1]) * (end - begin) * some.sign[mine] * others.sign[theirs]
    return np.bincount(pair, weights=area, minlength=len(one))


def _each(polygons: Sides, which: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Every side of some polygons: place in `which` of its polygon, and which side."""
    count = polygons.count[which]
    place = np.repeat(np.arange(len(which)), count)
    return place, np.arange(len(place)) + (polygons.first[which] - np.cumsum(count) + count)[place]


def _mean_of_lower(
    start: np.ndarray, end: np.ndarray, other: np.ndarray, other_end: np.ndarray
) -> np.ndarray:
    """Mean of the lower of two heights, each of which changes evenly from its start to its end."""
    sinks, ends = other - start, other_end - end
    below = np.minimum(sinks, 0) + np.minimum(ends, 0)
    between = np.abs(sinks) + np.abs(ends)
    # Where they cross, the other is lower along one part only.
    return (start + end - below**2 / np.maximum(between, np.finfo("float64").tiny)) / 2
