"""A second book of the ponds, drawn on a map whose coordinates are shifted, as consumer maps are (GCJ-02)."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyproj
import shapely

from .frame import CRS
from .ids import numbered
from .truth import Truth

WATER_BOOK, AIR_BOOK = "水务台账", "航拍解译"
"""Names of the two sources of the waters; the second one is shifted."""

_AXIS_M, _FLATNESS = 6378245.0, 0.00669342162296594323
_POND_EVERY_M2, _MOST_PONDS, _CORNERS = 120.0, 30, 15


def dig_ponds(green: pd.DataFrame, most: int, rng: np.random.Generator) -> np.ndarray:
    """Small ponds in gardens and along the banks, no two alike, at most so many."""
    grounds = green["geometry"].to_numpy()[(green["what"] != "park").to_numpy()]
    count = np.minimum((shapely.area(grounds) / _POND_EVERY_M2).astype(int), _MOST_PONDS)
    owner = np.repeat(np.arange(len(grounds)), count)
    west, south, east, north = shapely.bounds(grounds[owner]).T
    middle = np.stack([rng.uniform(west, east), rng.uniform(south, north)], axis=1)
    turn = np.linspace(0.0, 2 * np.pi, _CORNERS)[None, :-1]
    phase = rng.uniform(0.0, 2 * np.pi, (len(owner), 1))
    radius = rng.uniform(2.5, 7.5, (len(owner), 1)) * (1.0 + 0.25 * np.sin(2 * turn + phase))
    ring = middle[:, None, :] + np.stack([radius * np.cos(turn), radius * np.sin(turn)], axis=-1)
    ponds = shapely.polygons(np.round(np.concatenate([ring, ring[:, :1]], axis=1), 3))
    ponds = ponds[shapely.contains_properly(grounds[owner], ponds)]
    one, other = shapely.STRtree(ponds).query(ponds, predicate="dwithin", distance=4.0)
    ponds = np.delete(ponds, np.unique(other[one < other]))
    return ponds[np.sort(rng.permutation(len(ponds))[:most])]


def add_ponds(water: pd.DataFrame, ponds: np.ndarray) -> tuple[pd.DataFrame, list[Truth]]:
    """The waters with the ponds, and all of the ponds once more as the shifted source has them.

    Returns
    -------
    water : DataFrame
        With source_name.
    truths : list of Truth
        D07.
    """
    # No pond may come to lie on another by the shift: the two would pass for one.
    moved = shapely.transform(ponds, shift)
    there = np.concatenate([ponds, water["geometry"].to_numpy()])
    ponds = np.delete(ponds, np.unique(shapely.STRtree(there).query(moved, predicate="intersects")[0]))
    start = len(water) + 1
    ids = numbered("SY", np.arange(start, start + len(ponds)), width=4)
    own = pd.DataFrame({"id": ids, "name": "小池塘", "geometry": ponds, "source_name": WATER_BOOK})
    others = pd.DataFrame(
        {
            "id": numbered("HP", np.arange(1, len(ponds) + 1), width=4),
            "name": "小池塘",
            "geometry": shapely.transform(ponds, shift),
            "source_name": AIR_BOOK,
        }
    )
    table = pd.concat([water.assign(source_name=WATER_BOOK), own, others], ignore_index=True)
    note = "every pond about 490 m to the south-east"
    return table, [Truth("D07", "water", AIR_BOOK, "", "", "high", "yes", "", note)]


def shift(places: np.ndarray) -> np.ndarray:
    """Places of the sample's CRS as a map in GCJ-02 shows them, shape (n, 2).

    The formula is the one in common use; its result varies by some 50 m over a city.
    """
    degrees = pyproj.Transformer.from_crs(CRS, "EPSG:4490", always_xy=True)
    lon, lat = degrees.transform(places[:, 0], places[:, 1])
    x, y = lon - 105.0, lat - 35.0
    root, pi = np.sqrt(np.abs(x)), np.pi
    waves = (20.0 * np.sin(6.0 * x * pi) + 20.0 * np.sin(2.0 * x * pi)) * 2.0 / 3.0
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + waves
    north += (20.0 * np.sin(y * pi) + 40.0 * np.sin(y / 3.0 * pi)) * 2.0 / 3.0
    north += (160.0 * np.sin(y / 12.0 * pi) + 320.0 * np.sin(y * pi / 30.0)) * 2.0 / 3.0
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + waves
    east += (20.0 * np.sin(x * pi) + 40.0 * np.sin(x / 3.0 * pi)) * 2.0 / 3.0
    east += (150.0 * np.sin(x / 12.0 * pi) + 300.0 * np.sin(x / 30.0 * pi)) * 2.0 / 3.0
    along = np.radians(lat)
    magic = 1.0 - _FLATNESS * np.sin(along) ** 2
    moved_lat = lat + np.degrees(north * magic * np.sqrt(magic) / (_AXIS_M * (1.0 - _FLATNESS)))
    moved_lon = lon + np.degrees(east * np.sqrt(magic) / (_AXIS_M * np.cos(along)))
    back = pyproj.Transformer.from_crs("EPSG:4490", CRS, always_xy=True)
    return np.round(np.stack(back.transform(moved_lon, moved_lat), axis=1), 3)
