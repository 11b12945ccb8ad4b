"""Which administrative unit holds a place, and where the study area ends."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Optional

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from ..model.roles import BOUNDARY_LEVELS
from .city import City, usable
from .statistic import After, Change, statistic

if TYPE_CHECKING:
    from .context import Context

ALL_LEVELS = (*BOUNDARY_LEVELS, "cell")
"""Levels of units from largest to smallest."""


class Units:
    """The units of a city: look-ups by point, from the smallest level up.

    Where units of one level overlap, the one with the smallest code holds the point.
    """

    def __init__(self, city: City) -> None:
        units = city.table("units")
        self.rows = units[usable(units.geometry)].sort_values("code", kind="stable").reset_index(drop=True)
        self._city = city
        self.of_level = lru_cache(maxsize=None)(self._of_level)

    def _of_level(self, level: str) -> pd.DataFrame:
        """Units of a level, by code."""
        return self.rows[self.rows["level"] == level]

    def holding(self, points: np.ndarray, level: str) -> np.ndarray:
        """Row label in `rows` of the unit of the level that holds each point; -1 where none does.

        Parameters
        ----------
        points : ndarray of shapely Point or None, shape (n,)

        Returns
        -------
        ndarray of int32, shape (n,)
        """
        return self.holding_each(points, (level,))[0]

    def holding_each(self, points: np.ndarray, levels: Sequence[str]) -> list[np.ndarray]:
        """What `holding` gives for each of some levels: they share one index of the points."""
        tree = shapely.STRtree(points)
        held = []
        for level in levels:
            units = self.of_level(level)
            if not len(units):
                held.append(np.full(len(points), -1, dtype="int32"))
                continue
            unit, which = tree.query(units.geometry.to_numpy(), predicate="intersects")
            found = np.full(len(points), len(self.rows), dtype="int32")
            np.minimum.at(found, which, units.index.to_numpy(dtype="int32")[unit])
            found[found == len(self.rows)] = -1
            held.append(found)
        return held

    def smallest(self, points: np.ndarray, field: str, levels: tuple[str, ...]) -> np.ndarray:
        """Value of a field in the smallest unit that holds each point and has a value; None else.

        Parameters
        ----------
        levels : tuple of str
            From large to small.

        Returns
        -------
        ndarray of object, shape (n,)
        """
        return self.smallest_of(self.holding_each(points, levels), field)

    def smallest_of(self, held: Sequence[np.ndarray], field: str) -> np.ndarray:
        """As `smallest`, of units that `holding` gave for levels from large to small."""
        column = self.rows[field]
        values = np.append(column.to_numpy(dtype=object, na_value=None), [None])
        says = np.append(column.notna().to_numpy(), [False])
        unit = np.full(len(held[0]), -1)
        for row in held:
            unit = np.where(says[row], row, unit)
        return values[unit]

    def area_codes(self, points: np.ndarray) -> np.ndarray:
        """Code of the smallest of city, district and subdistrict that holds each point."""
        return self.smallest(points, "code", BOUNDARY_LEVELS)

    @cached_property
    def study_area(self) -> Optional[shapely.Geometry]:
        """Union of the units of the highest level given, else the hull of roads and housing."""
        for level in ALL_LEVELS:
            units = self.of_level(level)
            if len(units):
                return shapely.union_all(shapely.make_valid(units.geometry.to_numpy()))
        everything = np.concatenate([_shapes(self._city.table(role)) for role in ("roads", "housing")])
        if not len(everything):
            return None
        hull = shapely.convex_hull(shapely.multipoints(shapely.get_coordinates(everything)))
        return hull if hull.geom_type == "Polygon" else None

    @property
    def study_edge(self) -> Optional[shapely.Geometry]:
        """The border of the study area."""
        return None if self.study_area is None else self.study_area.boundary


def _carry_area(
    area: Optional[shapely.Geometry], change: Change
) -> Optional[After[Optional[shapely.Geometry]]]:
    units = change.was.units
    if len(units.rows) or not change.is_reshaped:
        return After(area)
    was, now = (_shapes(rows.city.table(change.role)) for rows in (change.was, change.now))
    if area is None or not shapely.contains_properly(area, was).all():
        return None
    units.study_area = shapely.convex_hull(shapely.multipoints(shapely.get_coordinates([area, *now])))
    return After(units.study_area, shapely.bounds(shapely.get_parts(units.study_area - area)))


def _shapes(table: gpd.GeoDataFrame) -> np.ndarray:
    return table.geometry[usable(table.geometry)].to_numpy()


@statistic("roads", "housing", carry=_carry_area)
def study_area(context: Context) -> Optional[shapely.Geometry]:
    """The area of a whole city that is looked at (`Units.study_area`)."""
    return context.units.study_area


def points_within(
    points: np.ndarray, areas: np.ndarray, slack: float | np.ndarray = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of areas and points that lie in them, borders included.

    GEOS prepares the geometry that asks: so the few large areas ask for the many points.

    Parameters
    ----------
    points : ndarray of shapely Point or None, shape (n,)
    areas : ndarray of shapely geometries, shape (m,)
    slack : float or ndarray of float64, shape (m,)
        Metres around each area that count as in it.

    Returns
    -------
    ndarray of int64, shape (p,): place of the area
    ndarray of int64, shape (p,): place of the point
    """
    tree = shapely.STRtree(points)
    if np.any(slack):
        area, point = tree.query(areas, predicate="dwithin", distance=slack)
    else:
        area, point = tree.query(areas, predicate="intersects")
    return area, point


def is_within_any(points: np.ndarray, areas: np.ndarray, slack: float | np.ndarray = 0.0) -> np.ndarray:
    """Whether each point lies in some area, as `points_within` tells it, shape (n,)."""
    inside = np.zeros(len(points), dtype=bool)
    inside[points_within(points, areas, slack)[1]] = True
    return inside
