"""Builds the sample city step by step: ground, houses, pipes, registers, records, truth."""

from __future__ import annotations

from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from ..model.errors import CityGapError
from ..model.roles import ROLES
from . import blocks as quarters
from . import buildings as outlines_of
from . import calls, faults, fittings, ground, offices, planted, records
from . import pipes as lay
from .frame import CRS, Frame, frame_for
from .houses import describe_houses
from .pipe_register import describe_pipes
from .roads import PATH_M, make_roads
from .streets import Net, carriageways, make_net
from .truth import Truth, truth_table

MIN_BUILDINGS = 200
_GROWTH = (1.0, 1.12, 1.26, 1.42, 1.6)
_KEEP_OFF_WATER_M = 6.0
(
    _STREETS,
    _BLOCKS,
    _LAYOUT,
    _THIN,
    _GROUND,
    _MAINS,
    _FAULTS,
    _SERVICES,
    _HOUSES,
    _PIPES,
    _FITTINGS,
    _PLANTS,
    _RECORDS,
) = range(13)


class Sample(NamedTuple):
    """The tables of the sample city by role, and its truth table."""

    tables: dict[str, gpd.GeoDataFrame]
    truth: pd.DataFrame


class _Town(NamedTuple):
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


def build_sample(buildings: int, seed: int) -> Sample:
    """The sample city with exactly so many buildings.

    Raises
    ------
    CityGapError
        ``too_small`` below 200 buildings: the planted gaps would not fit.
    """
    if buildings < MIN_BUILDINGS:
        raise CityGapError(
            "too_small",
            f"a sample city of {buildings} buildings has no room for its planted gaps",
            remedy=f"Ask for at least {MIN_BUILDINGS} buildings.",
        )
    town = _raise_town(buildings, seed)
    copies = 1 if buildings < 700 else 2
    book = planted.new_book()
    mains = lay.lay_mains(town.net, town.frame, _rng(seed, _MAINS))
    rng = _rng(seed, _FAULTS)
    bare = faults.bare_segments(town.net, mains, town.outlines, copies, rng)
    mains, cut = faults.strip_records(mains, town.net, bare)
    mains, splits = faults.split_pipes(mains, town.net, bare, copies, rng)
    special = np.zeros(len(mains), dtype=bool)
    special[: len(cut)] = cut
    halves = [row for split in splits for row in (split.first, split.second)]
    town, stubs = _furnish_park(town, mains, buildings)
    branches = pd.concat([lay.lay_branches(_on_sheet(town), mains, town.frame), stubs], ignore_index=True)
    net_pipes = pd.concat([mains, branches], ignore_index=True)
    spared = np.zeros(len(net_pipes), dtype=bool)
    spared[halves] = True
    services = lay.lay_services(town.outlines, net_pipes, spared, _rng(seed, _SERVICES))
    services = services[~faults.beside_bare(services, town.net, bare)]
    all_pipes = pd.concat([net_pipes, services], ignore_index=True)
    pipes = describe_pipes(all_pipes, town.net.segments, _rng(seed, _PIPES))
    housing = describe_houses(town.places, town.outlines, town.net.segments, _rng(seed, _HOUSES))
    tables = _surroundings(
        town, all_pipes, np.append(special, np.zeros(len(all_pipes) - len(special), dtype=bool)), seed
    )
    tables |= {"housing": housing, "pipes": pipes}
    free = (all_pipes["part"] == "main").to_numpy() & all_pipes["whole"].to_numpy()
    free &= ~np.isin(all_pipes["segment"], bare)
    free[halves] = False
    _plant(town, tables, free, copies, book, seed)
    book.truths.extend(planted.truths_of_net(splits, pipes, tables["roads"], _bare_truths(town, bare)))
    _pavilion_truths(housing, stubs, book)
    _administer(town, tables, book, seed)
    return Sample(
        {role: _as_role(role, tables[role]) for role in ROLES if role != "standards"},
        truth_table(book.truths),
    )


def _rng(seed: int, part: int) -> np.random.Generator:
    """Random numbers of one part: what one part draws changes no other."""
    return np.random.default_rng([seed, part])


def _raise_town(buildings: int, seed: int) -> _Town:
    """Streets, water and exactly so many houses, on the smallest sheet that holds them."""
    for growth in _GROWTH:
        frame = frame_for(buildings, growth)
        net = make_net(frame, _rng(seed, _STREETS))
        blocks = quarters.make_blocks(net, frame, _rng(seed, _BLOCKS))
        places, passages, lanes = outlines_of.lay_out(blocks, _rng(seed, _LAYOUT))
        outlines = outlines_of.outlines(places, frame)
        water = ground.make_water(net, frame)
        roads = make_roads(net, lanes, blocks, frame)
        ground_taken = carriageways(roads["geometry"].to_numpy(), roads["width_m"].to_numpy())
        wet = shapely.buffer(water["geometry"].to_numpy(), _KEEP_OFF_WATER_M)
        stands = outlines_of.standing(outlines, frame, np.concatenate([ground_taken, wet]))
        if stands.sum() >= buildings:
            break
    else:
        raise CityGapError(
            "too_small",
            "the sheet has no room for the buildings",
            remedy="Ask for another number of buildings.",
        )
    kept = np.flatnonzero(stands)
    spare = _rng(seed, _THIN).random(len(kept))
    spare += 0.4 * (places["u"].to_numpy()[kept] < quarters.fringe_limit(frame))
    spare += 0.25 * (places["kind"].to_numpy()[kept] == "shop")
    kept = np.sort(kept[np.argsort(spare, kind="stable")[:buildings]])
    return _Town(
        frame,
        net,
        blocks,
        passages,
        lanes,
        places.iloc[kept].reset_index(drop=True),
        outlines[kept],
        roads,
        water,
    )


def _on_sheet(town: _Town) -> pd.DataFrame:
    """Lanes whose both ends lie on the sheet."""
    ends = [town.frame.place(town.lanes["u"].to_numpy(), town.lanes[end].to_numpy()) for end in ("v0", "v1")]
    shapely.prepare(town.frame.sheet)
    inside = [shapely.contains_properly(town.frame.sheet, shapely.points(end)) for end in ends]
    return town.lanes[inside[0] & inside[1]]


def _furnish_park(town: _Town, mains: pd.DataFrame, buildings: int) -> tuple[_Town, pd.DataFrame]:
    """Two park houses near the limit of S01 take the place of the last two buildings."""
    parks = town.blocks[town.blocks["kind"] == "park"]
    middle = np.hypot(parks["u0"] + parks["u1"], parks["v0"] + parks["v1"]).to_numpy()
    paths = town.roads["geometry"][town.roads["highway"] == "footway"].to_numpy()
    beside_paths = shapely.buffer(paths, PATH_M)
    for park in np.argsort(middle, kind="stable")[:3]:
        found = faults.park_pavilions(
            parks.iloc[park], mains, town.water["geometry"].to_numpy(), beside_paths, town.frame
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


def _surroundings(
    town: _Town, all_pipes: pd.DataFrame, caps: np.ndarray, seed: int
) -> dict[str, pd.DataFrame]:
    """Roads, water, neglected places, pipe points, components and units."""
    rng = _rng(seed, _GROUND)
    ground_taken = carriageways(town.roads["geometry"].to_numpy(), town.roads["width_m"].to_numpy() + 2.0)
    streets = ground_taken[(town.roads["highway"] != "footway").to_numpy()]
    green = ground.make_green(town.net, town.blocks, town.frame, town.water["geometry"].to_numpy(), streets)
    neglected = ground.make_neglected(town.net, town.passages, town.frame, rng)
    filled = rng.random(len(neglected)) < 0.9
    neglected["owner"] = pd.Series(np.nan, index=neglected.index, dtype="str")
    alley = (neglected["kind"] == "back_alley") & filled
    neglected["maintainer"] = pd.Series(np.where(alley, "市容环境养护公司", None), dtype="str")
    neglected["updated_on"] = records.recent_days(len(neglected), rng)
    points = fittings.make_pipe_points(all_pipes, caps, _rng(seed, _FITTINGS))
    components = fittings.make_components(
        points, town.net, town.blocks, green, town.frame, _rng(seed, _FITTINGS)
    )
    units = ground.make_units(town.net, town.frame)
    return {
        "roads": town.roads,
        "water": town.water,
        "neglected": neglected,
        "pipe_points": points,
        "components": components,
        "units": units,
    }


def _plant(
    town: _Town, tables: dict[str, pd.DataFrame], free: np.ndarray, copies: int, book: planted.Book, seed: int
) -> None:
    """Change the registers so that the planted gaps hold."""
    rng = _rng(seed, _PLANTS)
    planted.plant_houses(tables["housing"], town.places["kind"].to_numpy(), copies, book, rng)
    planted.plant_pipes(tables["pipes"], free, copies, book, rng)
    planted.plant_components(tables["components"], copies, book, rng)
    districts = tables["units"][tables["units"]["level"] == "district"]
    middle = shapely.point_on_surface(tables["neglected"]["geometry"].to_numpy())
    where = offices.locate(middle, districts["geometry"].to_numpy())
    planted.plant_neglected(tables["neglected"], districts["code"].to_numpy()[where], copies, book)


def _bare_truths(town: _Town, bare: np.ndarray) -> list[tuple[int, str, str, str]]:
    """Truths of N05: roads without records, and roads that it does not test."""
    rows = []
    for place, segment in enumerate(bare):
        _, _, expected, missing, note = faults.BARE_STREETS[place % len(faults.BARE_STREETS)]
        rows.append((int(segment), expected, missing, note))
    roads = town.roads
    long_enough = shapely.length(roads["geometry"].to_numpy()) > 60.0
    for note, mask in (
        ("bridge: not tested", roads["bridge"] & (roads["highway"] != "trunk")),
        ("no class is expected along a service road", roads["highway"] == "service"),
    ):
        rows += [(int(row), "no", "", note) for row in np.flatnonzero(mask & long_enough)[:2]]
    return rows


def _pavilion_truths(housing: pd.DataFrame, stubs: pd.DataFrame, book: planted.Book) -> None:
    if not len(stubs):
        return
    unserved, served = housing["id"].iloc[-2:]
    note = "nearest gas pipe 51 m away, in a cell with gas"
    book.truths.append(Truth("S01", "housing", unserved, "RQ", "RQ", "medium", "yes", "", note))
    book.truths.append(
        Truth("S01", "housing", served, "RQ", "RQ", "", "no", "", "nearest gas pipe 49 m away")
    )
    book.touched["housing"].update((unserved, served))


def _administer(town: _Town, tables: dict[str, pd.DataFrame], book: planted.Book, seed: int) -> None:
    """Add the offices' tables and the running records; one cell of the fringe has no fallback."""
    rng = _rng(seed, _RECORDS)
    tables["units"] = offices.count_people(tables["units"], tables["housing"])
    noted = {row.object_id for row in book.truths}
    taken = [tables[role]["geometry"].to_numpy()[tables[role]["id"].isin(noted)] for role in book.touched]
    vacancy = offices.vacant_cell(tables["units"], np.concatenate(taken))
    if vacancy is not None:
        note = "the fallback duty leaves this cell out"
        code = offices.cell_code(vacancy)
        book.truths.append(Truth("R01", "cell", code, "", "", "high", "yes", "", note))
        next_door = shapely.box(*np.add(vacancy.bounds, (100.0, 0.0, 100.0, 0.0)))
        code = offices.cell_code(next_door)
        book.truths.append(Truth("R01", "cell", code, "", "", "", "no", "", "next to it: fallback known"))
    tables["duties"] = offices.make_duties(tables["units"], vacancy)
    tables["surveys"] = offices.make_surveys(tables["units"])
    tables["resources"] = offices.make_resources(tables["units"], rng)
    tables["totals"] = offices.make_totals(tables)
    tables["visits"], tables["repairs"] = records.make_visits(tables, book, rng)
    tables["hotline"] = calls.make_hotline(tables["housing"], town.places["kind"].to_numpy(), rng)
    tables["events"] = calls.make_events(tables["units"])


def _as_role(role: str, table: pd.DataFrame) -> gpd.GeoDataFrame:
    """The table with the fields of its role, in their order and kind."""
    data = {}
    for field in ROLES[role].fields:
        if field.name == "source_name":
            continue
        column = table[field.name]
        if field.kind == "text":
            column = column.astype("str")
        elif field.kind == "bool":
            column = column.astype("boolean")
        elif field.kind in ("number", "year"):
            column = column.astype("float64")
        data[field.name] = column.reset_index(drop=True)
    shapes = np.asarray(table["geometry"], dtype=object)
    return gpd.GeoDataFrame(data, geometry=gpd.GeoSeries(shapes, crs=CRS), crs=CRS)
