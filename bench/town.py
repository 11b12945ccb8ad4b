"""A town to measure on: rotated districts of blocks, houses, pipes along streets, patrol tracks.

Deterministic, and drawn by numpy alone, so that two million pipes take a minute. Everything is
rounded to millimetres, so that every file format holds the same places.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely

CRS = "EPSG:4549"
LAYERS = ("buildings", "pipes", "roads", "tracks")
CORNER = np.array([600_000.0, 3_420_000.0])
DISTRICT_M = 1600.0
BLOCK_M = np.array([104.0, 76.0])
BLOCKS = 11
"""Blocks along each side of a district: turned by any angle, they stay inside it."""

HOUSES = 9
CLASSES = ("JS", "PS", "RQ", "DL", "TX", "RL")
IN_DISTRICT = (0.97, 0.92, 0.75, 0.95, 0.85, 0.35)
IN_STREET = (0.93, 0.88, 0.80, 0.90, 0.80, 0.60)
OFFSET_M = (2.0, 0.0, -3.0, 4.5, -4.5, 6.5)
"""Where in the street each class lies, to the left of its middle."""

HOUSE_PIPES = 0.58
"""Short pipes to houses, for each pipe along a street."""

FIRST_YEAR, LAST_YEAR = 1955, 2024

SHAPES = {
    4: [(-1, -1), (1, -1), (1, 1), (-1, 1)],
    6: [(-1, -1), (1, -1), (1, 0.1), (0, 0.1), (0, 1), (-1, 1)],
    8: [(-1, -1), (1, -1), (1, 1), (0.4, 1), (0.4, 0), (-0.4, 0), (-0.4, 1), (-1, 1)],
    10: [
        (-1, -1),
        (1, -1),
        (1, 1),
        (0.4, 1),
        (0.4, 0.4),
        (0.1, 0.4),
        (0.1, 0),
        (-0.4, 0),
        (-0.4, 1),
        (-1, 1),
    ],
}
"""Outlines of houses by their number of corners, in a square of side 2."""

SHARE_OF_SHAPE = {4: 0.55, 6: 0.25, 8: 0.12, 10: 0.08}


@dataclass(frozen=True)
class Lattice:
    """The street corners of every district, and the streets between them.

    Attributes
    ----------
    corners : ndarray of float64, shape (d, BLOCKS + 1, BLOCKS + 1, 2)
        Metres.
    angle : ndarray of float64, shape (d,)
    """

    corners: np.ndarray
    angle: np.ndarray

    def streets(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """District of each street, and where it starts and ends."""
        count = len(self.corners)
        along = self.corners[:, :-1].reshape(-1, 2), self.corners[:, 1:].reshape(-1, 2)
        across = self.corners[:, :, :-1].reshape(-1, 2), self.corners[:, :, 1:].reshape(-1, 2)
        each = BLOCKS * (BLOCKS + 1)
        district = np.concatenate([np.repeat(np.arange(count), each)] * 2)
        return district, np.concatenate([along[0], across[0]]), np.concatenate([along[1], across[1]])


def draw_town(buildings: int, seed: int = 20261124) -> dict[str, gpd.GeoDataFrame]:
    """The layers of a town: buildings, pipes, roads, tracks.

    Parameters
    ----------
    buildings : int
        About half as many pipes again, a quarter as many streets, an eightieth as many tracks.

    Returns
    -------
    dict of str to GeoDataFrame
        Each with `id` (int64, from 0) and geometry; buildings have `built_year` (float64, NaN where
        unrecorded), pipes `class_code`.
    """
    draw = np.random.default_rng(seed)
    lattice = _lattice(max(1, math.ceil(buildings / (HOUSES * BLOCKS**2))), draw)
    houses = _houses(lattice, buildings, draw)
    years = draw.integers(FIRST_YEAR, LAST_YEAR + 1, buildings).astype("float64")
    years[draw.random(buildings) < 0.05] = np.nan
    pipes, codes = _pipes(lattice, draw)
    _, start, end = lattice.streets()
    bend = (start + end) / 2 + draw.normal(0, 0.8, start.shape)
    roads = _lines(np.stack([start, bend, end], axis=1).reshape(-1, 2), np.full(len(start), 3))
    tracks = _tracks(lattice, max(1, buildings // 80), draw)
    return {
        "buildings": _layer(houses, built_year=years),
        "pipes": _layer(pipes, class_code=codes),
        "roads": _layer(roads),
        "tracks": _layer(tracks),
    }


def _layer(shapes: np.ndarray, **columns: np.ndarray) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame({"id": np.arange(len(shapes)), **columns}, geometry=shapes, crs=CRS)


def _lattice(districts: int, draw: np.random.Generator) -> Lattice:
    side = math.ceil(math.sqrt(districts))
    number = np.arange(districts)
    middle = CORNER + DISTRICT_M * (np.column_stack([number % side, number // side]) + 0.5)
    angle = draw.uniform(0, math.pi / 2, districts)
    steps = np.arange(BLOCKS + 1) - BLOCKS / 2
    local = np.stack(np.meshgrid(steps * BLOCK_M[0], steps * BLOCK_M[1], indexing="ij"), axis=-1)
    return Lattice(_turned(local[None], angle[:, None, None]) + middle[:, None, None], angle)


def _turned(places: np.ndarray, angle: np.ndarray) -> np.ndarray:
    east, north = places[..., 0], places[..., 1]
    cos, sin = np.cos(angle), np.sin(angle)
    return np.stack([east * cos - north * sin, east * sin + north * cos], axis=-1)


def _rounded(places: np.ndarray) -> np.ndarray:
    return np.round(places, 3)


def _lines(places: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Lines of these sizes, their places one after another."""
    return np.asarray(shapely.linestrings(_rounded(places), indices=np.repeat(np.arange(len(sizes)), sizes)))


def _houses(lattice: Lattice, count: int, draw: np.random.Generator) -> np.ndarray:
    """Outlines of houses: three rows of three in a block, now and then one turned."""
    blocks = (lattice.corners[:, :-1, :-1] + lattice.corners[:, 1:, 1:]).reshape(-1, 2) / 2
    angle = np.repeat(lattice.angle, BLOCKS**2)
    pick = np.arange(count)
    block, lot = pick // HOUSES, pick % HOUSES
    step = (BLOCK_M - 16) / 3
    local = np.column_stack([lot % 3 - 1, lot // 3 - 1]) * step + draw.uniform(-1.2, 1.2, (count, 2))
    centres = blocks[block] + _turned(local, angle[block])
    turn = angle[block] + np.where(draw.random(count) < 0.15, draw.uniform(-0.3, 0.3, count), 0)
    half = np.column_stack([draw.uniform(5, 10.5, count), draw.uniform(4, 7.5, count)])
    kinds = list(SHAPES)
    kind = draw.choice(kinds, count, p=[SHARE_OF_SHAPE[k] for k in kinds])
    outlines = np.empty(count, dtype=object)
    for corners in kinds:
        mine = np.flatnonzero(kind == corners)
        ring = np.array([*SHAPES[corners], SHAPES[corners][0]])
        places = _turned(ring * half[mine][:, None], turn[mine][:, None]) + centres[mine][:, None]
        outlines[mine] = shapely.polygons(shapely.linearrings(_rounded(places)))
    return outlines


def _pipes(lattice: Lattice, draw: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Pipes along the streets, class by class, and short ones from them to houses.

    Some streets have none, some have theirs along a part only.
    """
    district, start, end = lattice.streets()
    recorded = draw.choice([0.0, 0.5, 1.0], len(start), p=[0.12, 0.1, 0.78])
    recorded[recorded == 0.5] = draw.uniform(0.2, 0.9, int((recorded == 0.5).sum()))
    end = start + (end - start) * recorded[:, None]
    lines, codes = [], []
    for number, code in enumerate(CLASSES):
        supplied = draw.random(len(lattice.angle)) < IN_DISTRICT[number]
        mine = supplied[district] & (recorded > 0) & (draw.random(len(start)) < IN_STREET[number])
        # All of a class is moved the same way in a district, so that its pipes meet at corners.
        turn = lattice.angle[district[mine]]
        shift = _turned(np.array([[OFFSET_M[number], OFFSET_M[number]]]), turn)
        street, joining = _street_pipes(start[mine] + shift, end[mine] + shift, draw)
        house = _house_pipes(joining, draw)
        lines += [street, house]
        codes += [code] * (len(street) + len(house))
    order = draw.permutation(len(codes))
    return np.concatenate(lines)[order], np.array(codes, dtype=object)[order]


def _street_pipes(
    start: np.ndarray, end: np.ndarray, draw: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Pipes of 2 to 20 places from corner to corner; a few stop short. And one piece of each."""
    count = len(start)
    length = np.hypot(*(end - start).T)
    short = np.where(draw.random(count) < 0.03, draw.uniform(0.2, 4.0, count), 0)
    end = start + (end - start) * (1 - short / length)[:, None]
    sizes = np.where(draw.random(count) < 0.5, 2, draw.integers(3, 21, count))
    line = np.repeat(np.arange(count), sizes)
    step = np.arange(len(line)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    share = step / (sizes[line] - 1)
    places = start[line] + (end - start)[line] * share[:, None]
    inner = (step > 0) & (step < sizes[line] - 1)
    places[inner] += draw.normal(0, 0.25, (int(inner.sum()), 2))
    places = _rounded(places)
    first = np.cumsum(sizes) - sizes
    piece = first + (draw.random(count) * (sizes - 1)).astype("int64")
    return _lines(places, sizes), np.stack([places[piece], places[piece + 1]], axis=1)


def _house_pipes(joining: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    """Short pipes from a place on a piece of a street's pipe to either side; some end before they meet it."""
    joining = joining[draw.random(len(joining)) < HOUSE_PIPES]
    count = len(joining)
    way = joining[:, 1] - joining[:, 0]
    length = np.hypot(*way.T)[:, None]
    meets = joining[:, 0] + way * draw.uniform(0.2, 0.8, count)[:, None]
    aside = np.column_stack([-way[:, 1], way[:, 0]]) / length
    aside *= np.where(draw.random(count) < 0.5, 1, -1)[:, None]
    gap = np.where(draw.random(count) < 0.05, draw.uniform(0.05, 3.5, count), 0)[:, None]
    reach = draw.uniform(6, 18, count)[:, None]
    bend = meets + aside * reach + way / length * draw.uniform(-0.5, 0.5, count)[:, None]
    end = meets + aside * (reach + 6)
    places = np.stack([meets + aside * gap, bend, end], axis=1)
    return _lines(places.reshape(-1, 2), np.full(count, 3))


def _tracks(lattice: Lattice, count: int, draw: np.random.Generator) -> np.ndarray:
    """Walks of 4 to 12 streets, recorded every 13 m or so, 2 m off."""
    steps, fixes = 12, 7
    at = draw.integers(0, BLOCKS + 1, (count, 2))
    district = draw.integers(0, len(lattice.angle), count)
    corners = np.empty((count, steps + 1, 2))
    corners[:, 0] = lattice.corners[district, at[:, 0], at[:, 1]]
    for step in range(1, steps + 1):
        axis = draw.integers(0, 2, count)
        way = draw.choice([-1, 1], count)
        went = at[np.arange(count), axis] + way
        at[np.arange(count), axis] = np.where((went < 0) | (went > BLOCKS), went - 2 * way, went)
        corners[:, step] = lattice.corners[district, at[:, 0], at[:, 1]]
    share = (np.arange(fixes) / fixes)[None, None, :, None]
    places = corners[:, :-1, None] * (1 - share) + corners[:, 1:, None] * share
    places = places.reshape(count, steps * fixes, 2) + draw.normal(0, 2.0, (count, steps * fixes, 2))
    sizes = draw.integers(4, steps + 1, count) * fixes
    kept = np.arange(steps * fixes)[None] < sizes[:, None]
    return _lines(places[kept], sizes)


def town_files(folder: Path, buildings: int, *, geopackage: bool) -> Path:
    """Folder with the town's layers as GeoParquet and, if asked, one GeoPackage; drawn if not there."""
    home = folder / f"town_{buildings}"
    done = home / "counts.json"
    if done.exists() and (not geopackage or (home / "town.gpkg").exists()):
        return home
    home.mkdir(parents=True, exist_ok=True)
    town = draw_town(buildings)
    for name, layer in town.items():
        layer.to_parquet(home / f"{name}.parquet", geometry_encoding="WKB", index=False)
        if geopackage:
            layer.to_file(home / "town.gpkg", layer=name, driver="GPKG", engine="pyogrio")
    done.write_text(json.dumps({name: len(layer) for name, layer in town.items()}), encoding="utf-8")
    return home
