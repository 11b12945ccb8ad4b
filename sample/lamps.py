"""The lamps of the city: along streets, lanes, paths and alleys, and at the homes these leave in the dark."""

from __future__ import annotations

from typing import NamedTuple, Optional

import numpy as np
import pandas as pd
import shapely

from .duty_faults import cell_of
from .frame import CELL_M, Frame
from .pipes import shortened
from .truth import Truth
from .wells import repeated

LAMP_EVERY_M = 34.0
_ALLEY_LAMP_M = 45.0
_LIT_M, _SHINES_M = 28.0, 30.0
"""How far from a home a lamp is put up, a little less than the reach of its light in S02 and P02."""

_FROM_HOMES_M, _AROUND_M = 33.0, 110.0
"""So far from homes no lamp at a home gives light; so far apart dark stretches have nothing in common."""

_DARK_M = {"yes": 63.0, "no": 57.0}
"""Dark stretches on both sides of the 60 m of P02."""

_TRIES, _TWIN_M = 40, 0.4
_SPARE_A_COPY = 16


class Lamps(NamedTuple):
    """Lamps and the dark places planted among them.

    `table` holds geometry, road (row of the road, -1: none), on_street, spare (no home needs its light).
    """

    table: pd.DataFrame
    truths: list[Truth]


def along(lines: np.ndarray, every: float, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points on the chosen lines, evenly spaced at most `every` metres apart, half of that from the ends.

    Returns
    -------
    ndarray of int, shape (n,): index of the line
    ndarray of Point, shape (n,)
    """
    length = np.where(chosen, shapely.length(lines), 0.0)
    count = np.ceil(length / every).astype(int)
    owner, number = repeated(count)
    places = shapely.line_interpolate_point(lines[owner], (number + 0.5) * length[owner] / count[owner])
    return owner, np.asarray(places)


def beside(spots: np.ndarray, lines: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """Points on lines moved to the left of the line's chord by a distance (negative: right)."""
    start, end = (shapely.get_coordinates(shapely.get_point(lines, side)) for side in (0, -1))
    along_line = end - start
    along_line /= np.hypot(*along_line.T)[:, None]
    left = np.stack([-along_line[:, 1], along_line[:, 0]], axis=1)
    return np.asarray(shapely.points(shapely.get_coordinates(spots) + left * distance[:, None]))


def make_lamps(
    roads: pd.DataFrame,
    alleys: np.ndarray,
    places: pd.DataFrame,
    outlines: np.ndarray,
    copies: int,
    frame: Frame,
    rng: np.random.Generator,
) -> Lamps:
    """Lamps 34 m apart along roads, in alleys and at homes, without some far from all homes.

    Parameters
    ----------
    places, outlines
        Of the homes.
    """
    lines = roads["geometry"].to_numpy()
    owner, spots = along(lines, LAMP_EVERY_M, ~roads["bridge"].to_numpy(dtype=bool))
    wide = ~roads["highway"].isin(["service", "footway"]).to_numpy()[owner]
    side = np.where(np.arange(len(spots)) % 2 == 0, 1.0, -1.0)
    kerb = np.where(wide, roads["width_m"].to_numpy()[owner] / 2 + 0.7, 1.5) * side
    at_road = beside(spots, lines[owner], kerb)
    dark, truths = _dark_places(roads, at_road, outlines, copies, rng)
    if dark:
        gone = np.concatenate([place.gone for place in dark])
        more = np.concatenate([place.more for place in dark])
        at_road = np.concatenate([np.delete(at_road, gone), more])
        owner = np.append(np.delete(owner, gone), np.repeat([place.road for place in dark], 2))
        wide = np.append(np.delete(wide, gone), np.full(len(more), False))
    spare = _spare(owner, wide, _SPARE_A_COPY * copies, rng)
    _, at_alley = along(alleys, _ALLEY_LAMP_M, np.full(len(alleys), True))
    shining = np.concatenate([at_road[~spare], at_alley])
    at_home = _house_lamps(places, outlines, shining, frame, rng.permutation(len(outlines)), copies)
    count = len(at_alley) + len(at_home)
    table = pd.DataFrame(
        {
            "geometry": np.concatenate([at_road, at_alley, at_home]),
            "road": np.concatenate([owner, np.full(count, -1)]),
            "on_street": np.concatenate([wide, np.full(count, False)]),
            "spare": np.concatenate([spare, np.full(count, False)]),
        }
    )
    return Lamps(_apart(table), truths)


def _apart(table: pd.DataFrame) -> pd.DataFrame:
    """The lamps without those that would pass for another one recorded twice."""
    spots = table["geometry"].to_numpy()
    one, other = shapely.STRtree(spots).query(spots, predicate="dwithin", distance=_TWIN_M)
    return table.drop(index=np.unique(other[one < other])).reset_index(drop=True)


def _spare(owner: np.ndarray, wide: np.ndarray, wanted: int, rng: np.random.Generator) -> np.ndarray:
    """Lamps in the middle of streets that no home is to depend on, one a street segment, shape (n,)."""
    # The lamps of one road stand together, in their order.
    first = np.flatnonzero(np.append(True, owner[1:] != owner[:-1]))
    count = np.diff(np.append(first, len(owner)))
    middle = (first + count // 2)[(count >= 3) & wide[first]]
    spare = np.zeros(len(owner), dtype=bool)
    spare[rng.permutation(middle)[:wanted]] = True
    return spare


class _Dark(NamedTuple):
    """A stretch of a road to leave dark: row of the road, the stretch, lamps to leave out and to put up."""

    road: int
    stretch: shapely.LineString
    gone: np.ndarray
    more: np.ndarray


def _dark_places(
    roads: pd.DataFrame,
    lamps: np.ndarray,
    outlines: np.ndarray,
    copies: int,
    rng: np.random.Generator,
) -> tuple[list[_Dark], list[Truth]]:
    """Stretches of paths, far from all homes, to leave dark, and what P02 must say of them."""
    lines, ids = roads["geometry"].to_numpy(), roads["id"].to_numpy(dtype=object)
    paths = rng.permutation(np.flatnonzero((roads["highway"] == "footway").to_numpy()))
    trees = shapely.STRtree(lamps), shapely.STRtree(lines), shapely.STRtree(outlines)
    found: list[_Dark] = []
    truths: list[Truth] = []
    for expected, length in list(_DARK_M.items()) * copies:
        for road in paths[:_TRIES]:
            plan = _dark_stretch(int(road), length, lines, lamps, trees, [dark.stretch for dark in found])
            if plan is None:
                continue
            found.append(plan)
            severity = "low" if expected == "yes" else ""
            code = cell_of(plan.stretch)
            note = f"{length:.0f} m without a lamp within 30 m"
            truths.append(Truth("P02", "roads", ids[road], "roads", code, severity, expected, "", note))
            break
    lit = [int(road) for road in paths if all(road != dark.road for dark in found)][:1]
    for road in lit:
        code = cell_of(lines[road])
        truths.append(Truth("P02", "roads", ids[road], "roads", code, "", "no", "", "lamps all along"))
    return found, truths


def _dark_stretch(
    road: int,
    length: float,
    lines: np.ndarray,
    lamps: np.ndarray,
    trees: tuple[shapely.STRtree, shapely.STRtree, shapely.STRtree],
    others: list[shapely.LineString],
) -> Optional[_Dark]:
    """A stretch of a road in one cell that can be dark with all else lit; None if there is none."""
    line = lines[road]
    whole = shapely.length(line)
    reach = length / 2 + _SHINES_M
    for middle in np.arange(reach + 2.0, whole - reach - 2.0, 5.0):
        stretch = shortened(line, middle - length / 2, middle + length / 2)
        if not _in_one_cell(stretch) or any(shapely.dwithin(stretch, other, _AROUND_M) for other in others):
            continue
        if len(trees[2].query(stretch, predicate="dwithin", distance=_FROM_HOMES_M)):
            continue
        gone = trees[0].query(stretch, predicate="dwithin", distance=_SHINES_M + 0.2)
        ends = shapely.line_interpolate_point(line, [middle - reach, middle + reach])
        more = beside(ends, np.array([line, line]), np.array([0.05, 0.05]))
        zone = shapely.buffer(stretch, _AROUND_M)
        near = trees[0].query(zone)
        lit = np.concatenate([lamps[near[~np.isin(near, gone)]], more])
        beside_it = lines[trees[1].query(shapely.buffer(stretch, 2 * _SHINES_M), predicate="intersects")]
        dark = shapely.length(_dark_parts(beside_it, lit, zone))
        if (dark > 30.0).sum() == 1 and abs(dark.max() - length) < 1.0:
            return _Dark(road, stretch, gone, more)
    return None


def _dark_parts(lines: np.ndarray, lamps: np.ndarray, zone: shapely.Geometry) -> np.ndarray:
    """Parts of roads inside a zone that no lamp lights."""
    light = shapely.union_all(shapely.buffer(lamps, _SHINES_M, quad_segs=64))
    return np.asarray(shapely.get_parts(shapely.difference(shapely.intersection(lines, zone), light)))


def _in_one_cell(shape: shapely.Geometry) -> bool:
    west, south, east, north = shape.bounds
    low = np.floor((np.array([west, south]) - 2.0) / CELL_M)
    return bool(np.array_equal(low, np.floor((np.array([east, north]) + 2.0) / CELL_M)))


def _house_lamps(
    places: pd.DataFrame,
    outlines: np.ndarray,
    shining: np.ndarray,
    frame: Frame,
    order: np.ndarray,
    copies: int,
) -> np.ndarray:
    """Lamps at the southern wall of homes far from every other lamp: one for all that it lights.

    The first homes in the given order that lie in the dark, and what is beside them, get none.
    """
    door = frame.place(places["u"].to_numpy(), places["v"].to_numpy() - places["d"].to_numpy() / 2 - 1.2)
    spots = np.asarray(shapely.points(door))
    every = np.arange(len(outlines))
    in_reach = shapely.STRtree(shining).query(outlines, predicate="dwithin", distance=_SHINES_M + 0.5)[0]
    forgotten = order[~np.isin(order, in_reach)][:copies]
    beside_them = shapely.STRtree(outlines[forgotten]).query(
        spots, predicate="dwithin", distance=_SHINES_M + 0.5
    )[0]
    dark = np.delete(every, np.unique(beside_them))
    placed: list[np.ndarray] = []
    while True:
        lit = shapely.STRtree(shining).query(outlines[dark], predicate="dwithin", distance=_LIT_M)[0]
        dark = np.delete(dark, np.unique(lit))
        if not len(dark):
            return np.concatenate(placed) if placed else np.array([], dtype=object)
        square = np.floor(door[dark] / _LIT_M).astype("int64")
        _, first = np.unique(square, axis=0, return_index=True)
        shining = spots[dark[np.sort(first)]]
        placed.append(shining)
