"""Raises the sample city: streets, water, mains, and exactly so many houses."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

import numpy as np
import pandas as pd
import shapely

from ..model.errors import CityGapError
from . import blocks as quarters
from . import buildings as outlines_of
from . import faults, ground
from . import pipes as lay
from .frame import Frame, frame_for
from .roads import PATH_M, make_roads
from .streets import Net, carriageways, make_net

_GROWTH = (1.0, 1.12, 1.26, 1.42, 1.6)
_KEEP_OFF_WATER_M = 6.0


class Part(IntEnum):
    """Parts of the city that draw random numbers of their own."""

    STREETS = 0
    BLOCKS = 1
    LAYOUT = 2
    THIN = 3
    GROUND = 4
    MAINS = 5
    FAULTS = 6
    SERVICES = 7
    HOUSES = 8
    PIPES = 9
    FITTINGS = 10
    PLANTS = 11
    RECORDS = 12


class Town(NamedTuple):
    """What stands before anything is written about it."""

    frame: Frame
    net: Net
    blocks: pd.DataFrame
    passages: pd.DataFrame
    lanes: pd.DataFrame
    places: pd.DataFrame
    outlines: np.ndarray
    roads: pd.DataFrame
    water: pd.DataFrame
    mains: pd.DataFrame


def part_rng(seed: int, part: int) -> np.random.Generator:
    """Random numbers of one part: what one part draws changes no other."""
    return np.random.default_rng([seed, part])


def raise_town(buildings: int, seed: int) -> Town:
    """Streets, water and exactly so many houses, on the smallest sheet that holds them."""
    for growth in _GROWTH:
        frame = frame_for(buildings, growth)
        net = make_net(frame, part_rng(seed, Part.STREETS))
        blocks = quarters.make_blocks(net, frame, part_rng(seed, Part.BLOCKS))
        places, passages, lanes = outlines_of.lay_out(blocks, part_rng(seed, Part.LAYOUT))
        outlines = outlines_of.outlines(places, frame)
        water = ground.make_water(net, frame)
        roads = make_roads(net, lanes, blocks, frame)
        ground_taken = carriageways(roads["geometry"].to_numpy(), roads["width_m"].to_numpy())
        wet = shapely.buffer(water["geometry"].to_numpy(), _KEEP_OFF_WATER_M)
        mains = lay.lay_mains(net, frame, part_rng(seed, Part.MAINS))
        taken = np.concatenate([ground_taken, wet])
        stands = outlines_of.standing(outlines, frame, taken, mains["line"].to_numpy())
        if stands.sum() >= buildings:
            break
    else:
        raise CityGapError(
            "too_small",
            "the sheet has no room for the buildings",
            remedy="Ask for another number of buildings.",
        )
    kept = np.flatnonzero(stands)
    spare = part_rng(seed, Part.THIN).random(len(kept))
    spare += 0.4 * (places["u"].to_numpy()[kept] < quarters.fringe_limit(frame))
    spare += 0.25 * (places["kind"].to_numpy()[kept] == "shop")
    kept = np.sort(kept[np.argsort(spare, kind="stable")[:buildings]])
    return Town(
        frame,
        net,
        blocks,
        passages,
        lanes,
        places.iloc[kept].reset_index(drop=True),
        outlines[kept],
        roads,
        water,
        mains,
    )


def lanes_on_sheet(town: Town) -> pd.DataFrame:
    """Lanes whose both ends lie on the sheet."""
    ends = [town.frame.place(town.lanes["u"].to_numpy(), town.lanes[end].to_numpy()) for end in ("v0", "v1")]
    shapely.prepare(town.frame.sheet)
    inside = [shapely.contains_properly(town.frame.sheet, shapely.points(end)) for end in ends]
    return town.lanes[inside[0] & inside[1]]


def furnish_park(town: Town, mains: pd.DataFrame, buildings: int) -> tuple[Town, pd.DataFrame]:
    """Two park houses near the limit of S01 take the place of the last two buildings."""
    parks = town.blocks[town.blocks["kind"] == "park"]
    middle = np.hypot(parks["u0"] + parks["u1"], parks["v0"] + parks["v1"]).to_numpy()
    paths = town.roads["geometry"][town.roads["highway"] == "footway"].to_numpy()
    beside_paths = shapely.buffer(paths, PATH_M)
    for park in np.argsort(middle, kind="stable")[:3]:
        found = faults.park_pavilions(
            parks.iloc[park],
            mains,
            town.water["geometry"].to_numpy(),
            beside_paths,
            town.outlines,
            town.frame,
        )
        if found:
            break
    else:
        return town, lay.loose_pipes("RQ", "TR", "lane", np.array([], dtype=object))
    houses = np.array([found[0].unserved, found[0].served], dtype=object)
    places = pd.DataFrame({"block": parks.index[park], "kind": "pavilion"}, index=range(2))
    outlines = np.concatenate([town.outlines[: buildings - 2], houses])
    town = town._replace(
        places=pd.concat([town.places[: buildings - 2], places], ignore_index=True), outlines=outlines
    )
    return town, lay.loose_pipes("RQ", "TR", "lane", np.array([found[0].stub], dtype=object))
