"""Builds the sample city step by step: ground, houses, pipes, registers, records, truth."""

from __future__ import annotations

from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from ..model.errors import CityGapError
from ..model.roles import ROLES
from . import (
    calls,
    component_faults,
    duty_faults,
    faults,
    fittings,
    ground,
    hotspots,
    offices,
    planted,
    records,
    rounds,
    shifted,
    standards,
)
from . import pipes as lay
from .foresight import list_foreseen
from .frame import CRS
from .houses import TRAITS, describe_houses
from .lamps import make_lamps
from .registers import packed
from .streets import carriageways
from .terrain import Part, Town, furnish_park, lanes_on_sheet, part_rng, raise_town
from .truth import Truth, truth_table
from .underground import Underground, dig
from .walking import place_facilities, walk_of

MIN_BUILDINGS = 200
_BELOW = {"faults": Part.FAULTS, "services": Part.SERVICES, "pipes": Part.PIPES, "fittings": Part.FITTINGS}


class Sample(NamedTuple):
    """The tables of the sample city by role, and its truth table."""

    tables: dict[str, gpd.GeoDataFrame]
    truth: pd.DataFrame


class Registers(NamedTuple):
    """What `Sample` is made of, before each table gets the fields of its role: see `as_role`."""

    tables: dict[str, pd.DataFrame]
    truth: pd.DataFrame


def build_sample(buildings: int, seed: int) -> Sample:
    """The sample city with exactly so many buildings.

    Raises
    ------
    CityGapError
        ``too_small`` below 200 buildings: the planted gaps would not fit.
    """
    tables, truth = draw_registers(buildings, seed)
    return Sample({role: as_role(role, tables.pop(role)) for role in ROLES}, truth)


def draw_registers(buildings: int, seed: int) -> Registers:
    """As `build_sample`, the tables not yet in their final form: one at a time takes less memory."""
    if buildings < MIN_BUILDINGS:
        raise CityGapError(
            "too_small",
            f"a sample city of {buildings} buildings has no room for its planted gaps",
            remedy=f"Ask for at least {MIN_BUILDINGS} buildings.",
        )
    town = raise_town(buildings, seed)
    copies = 1 if buildings < 700 else 2 + buildings // 20000
    book = planted.new_book()
    town, stubs = furnish_park(town, town.mains, buildings)
    rngs = {word: part_rng(seed, part) for word, part in _BELOW.items()}
    branches = lay.lay_branches(lanes_on_sheet(town), town.mains, town.frame)
    below = dig(town.net, town.frame, town.outlines, town.mains, branches, stubs, copies, rngs)
    town = town._replace(mains=town.mains.iloc[:0])
    book.truths.extend(below.truths)
    housing = describe_houses(
        town.places, town.outlines, town.net.segments, town.frame, part_rng(seed, Part.HOUSES)
    )
    tables = {"housing": housing, "pipes": below.register}
    tables |= _surroundings(town, below, copies, book, seed)
    below = below._replace(points=tables["pipe_points"])
    _plant(town, tables, below, copies, book, seed)
    book.truths.extend(planted.truths_of_bare(tables["roads"], _bare_truths(town, below.bare)))
    _pavilion_truths(tables, stubs, book)
    for role in ("housing", "pipes", "components"):
        tables[role] = packed(tables[role])
    # What a big city needs no more is let go: the registers that follow take memory.
    below = below._replace(laid=packed(below.laid[["part"]]), points=below.points.iloc[:0])
    nothing = town.passages.iloc[:0]
    town = town._replace(passages=nothing, lanes=nothing, places=nothing, outlines=town.outlines[:0])
    foreseen = _administer(town, tables, below, copies, book, seed)
    return Registers(tables, truth_table(book.truths, foreseen))


def _surroundings(
    town: Town, below: Underground, copies: int, book: planted.Book, seed: int
) -> dict[str, pd.DataFrame]:
    """Roads, water, neglected places, components and units."""
    rng = part_rng(seed, Part.GROUND)
    ground_taken = carriageways(town.roads["geometry"].to_numpy(), town.roads["width_m"].to_numpy() + 2.0)
    streets = ground_taken[(town.roads["highway"] != "footway").to_numpy()]
    green = ground.make_green(town.net, town.blocks, town.frame, town.water["geometry"].to_numpy(), streets)
    water, moved = shifted.add_ponds(town.water, shifted.dig_ponds(green, _ponds(town), rng))
    book.truths.extend(moved)
    neglected = ground.make_neglected(town.net, town.passages, town.blocks, town.frame, rng)
    filled = rng.random(len(neglected)) < 0.9
    neglected["owner"] = pd.Series(np.nan, index=neglected.index, dtype="str")
    alley = (neglected["kind"] != "under_viaduct") & filled
    neglected["maintainer"] = pd.Series(np.where(alley, "市容环境养护公司", None), dtype="str")
    neglected["updated_on"] = records.recent_days(len(neglected), rng)
    alleys = neglected["geometry"].to_numpy()[(neglected["kind"] == "back_alley").to_numpy()]
    homes = TRAITS["homes"].reindex(town.places["kind"]).to_numpy() > 0
    rng = part_rng(seed, Part.FITTINGS)
    lamps, dark = make_lamps(
        town.roads, alleys, town.places[homes], town.outlines[homes], copies, town.frame, rng
    )
    book.truths.extend(dark)
    facilities = place_facilities(town.net, town.frame, town.outlines[homes], copies, rng)
    components = fittings.make_components(below.points, town.net, facilities, green, lamps, town.frame, rng)
    # From here on numbers will do: millions of points take much memory.
    places = shapely.get_coordinates(below.points["geometry"].to_numpy())
    points = below.points.drop(columns="geometry").assign(x=places[:, 0], y=places[:, 1])
    components, doubled = component_faults.add_records(components, below.register, copies, rng)
    book.truths.extend(doubled)
    units = ground.make_units(town.net, town.frame)
    return {
        "pipe_points": points,
        "roads": town.roads,
        "water": water,
        "neglected": neglected,
        "components": components,
        "units": units,
    }


def _ponds(town: Town) -> int:
    """How many ponds: enough to tell a shift by, too few to crowd the map."""
    return int(np.clip(town.frame.columns * town.frame.rows // 20, 40, 400))


def _plant(
    town: Town,
    tables: dict[str, pd.DataFrame],
    below: Underground,
    copies: int,
    book: planted.Book,
    seed: int,
) -> None:
    """Change the registers so that the planted gaps hold."""
    rng = part_rng(seed, Part.PLANTS)
    housing, roads = tables["housing"], tables["roads"]
    homes = np.flatnonzero(TRAITS["homes"].reindex(town.places["kind"]).to_numpy() > 0)
    tracks = rounds.street_tracks(roads[~roads["highway"].isin(["service", "footway", "trunk"])])
    hidden = rounds.off_tracks(town.outlines[homes], tracks)
    planted.plant_houses(housing, homes, hidden, copies, book, rng)
    named = {name for row in book.truths for name in row.object_id.split("|")}
    free = ~below.register["id"].isin(named).to_numpy() & (
        (below.laid["part"] != "main").to_numpy() | below.free
    )
    planted.plant_pipes(tables["pipes"], below.laid["part"].to_numpy(), free, copies, book, rng)
    planted.plant_components(tables["components"], copies, book, rng)
    middle = shapely.point_on_surface(tables["neglected"]["geometry"].to_numpy())
    of = {}
    for level, field in (("district", "code"), ("subdistrict", "name")):
        part = tables["units"][tables["units"]["level"] == level]
        of[level] = part[field].to_numpy(dtype=object)[offices.locate(middle, part["geometry"].to_numpy())]
    planted.plant_neglected(tables["neglected"], of["district"], of["subdistrict"], copies, book)


def _bare_truths(town: Town, bare: np.ndarray) -> list[tuple[int, str, str, str]]:
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


def _pavilion_truths(tables: dict[str, pd.DataFrame], stubs: pd.DataFrame, book: planted.Book) -> None:
    """Truths of the two park houses, as far as no other gas pipe has come near them."""
    if not len(stubs):
        return
    housing, pipes = tables["housing"], tables["pipes"]
    gas = shapely.STRtree(pipes["geometry"].to_numpy()[(pipes["class_code"] == "RQ").to_numpy()])
    plans = zip(housing.index[-2:], (faults.UNSERVED_M, faults.SERVED_M), (("medium", "yes"), ("", "no")))
    for row, distance, (severity, expected) in plans:
        outline, name = housing["geometry"].iat[row], housing["id"].iat[row]
        nearest = shapely.distance(outline, gas.geometries[gas.query_nearest(outline)]).min()
        if abs(nearest - distance) < 0.05:
            note = f"nearest gas pipe {distance:.0f} m away"
            book.truths.append(Truth("S01", "housing", name, "RQ", "RQ", severity, expected, "", note))
        book.touched["housing"].add(name)


def _administer(
    town: Town,
    tables: dict[str, pd.DataFrame],
    below: Underground,
    copies: int,
    book: planted.Book,
    seed: int,
) -> list[pd.DataFrame]:
    """Add the offices' tables and the running records; what is to be found in them, besides the plants."""
    rng = part_rng(seed, Part.RECORDS)
    tables["units"] = offices.count_people(tables["units"], tables["housing"])
    vacancy = offices.vacant_cell(tables["units"])
    neglected = tables["neglected"]
    alleys = neglected["geometry"].to_numpy()[(neglected["kind"] == "back_alley").to_numpy()]
    seams = duty_faults.plan_seams(tables["units"], alleys, vacancy)
    tables["duties"] = offices.make_duties(tables["units"], vacancy, seams)
    tables["surveys"] = offices.make_surveys(tables["units"], offices.classes_of(tables))
    tables["resources"] = offices.make_resources(tables["units"])
    tables["totals"] = offices.make_totals(tables)
    tables["standards"] = standards.make_standards()
    book.visits.extend(standards.visits_by_standard(tables["components"]))
    tables["visits"], tables["repairs"] = records.make_visits(tables, below.laid, book, town.frame, rng)
    tables["hotline"] = calls.make_hotline(tables["housing"], rng)
    hot, told = hotspots.plan_hotspots(tables, town.frame, copies, rng)
    tables["hotline"] = calls.add_calls(tables["hotline"], hot, rng)
    book.truths.extend(told)
    tables["events"] = calls.make_events(town.frame.sheet.centroid.buffer(40.0, cap_style="square"))
    return list_foreseen(tables, book, seams, vacancy, walk_of(town.net, town.frame))


def as_role(role: str, table: pd.DataFrame) -> gpd.GeoDataFrame:
    """The table with the fields of its role, in their order and kind; places in x and y become points."""
    data = {}
    for field in ROLES[role].fields:
        if field.name not in table:
            continue
        column = table[field.name]
        if field.kind == "text":
            column = column.astype("str")
        elif field.kind == "bool":
            column = column.astype("boolean")
        elif field.kind in ("number", "year"):
            column = column.astype("float64")
        data[field.name] = column.reset_index(drop=True)
    if "geometry" in table:
        shapes = np.asarray(table["geometry"], dtype=object)
    else:
        shapes = shapely.points(table["x"].to_numpy(), table["y"].to_numpy())
    return gpd.GeoDataFrame(data, geometry=gpd.GeoSeries(shapes, crs=CRS), crs=CRS)
