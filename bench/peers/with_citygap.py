"""The six questions put to CityGap's engine, by the functions its rules stand on."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely
from answering import (
    CELL_M,
    CLASSES,
    END_M,
    GAS_M,
    OLD_UNTIL,
    PATROL_M,
    REACH_CLASSES,
    REACH_M,
    SEGMENTS,
    STREET_M,
    STREET_SHARE,
    TOUCH_M,
    Answer,
    ends,
    ids,
    lengths,
    main,
)

from citygap.engine.coverage import covered_length, straight_pieces
from citygap.engine.end_gaps import end_gaps
from citygap.engine.outside import area_outside
from citygap.engine.reach import near_lines
from citygap.engine.squares import length_per_square


@dataclass(frozen=True)
class Town:
    """Geometry of each layer and the columns that are asked for, row by id."""

    buildings: np.ndarray
    built_year: np.ndarray
    pipes: np.ndarray
    class_code: np.ndarray
    roads: np.ndarray
    tracks: np.ndarray

    def of_class(self, code: str) -> np.ndarray:
        return self.pipes[self.class_code == CLASSES.index(code)]

    def old(self) -> np.ndarray:
        return np.flatnonzero(self.built_year <= OLD_UNTIL)


def load(folder: Path) -> Town:
    frames = {
        name: gpd.read_parquet(folder / f"{name}.parquet")
        for name in ("buildings", "pipes", "roads", "tracks")
    }
    shapes = {name: frame.geometry.to_numpy() for name, frame in frames.items()}
    codes = frames["pipes"]["class_code"].astype("category").cat.set_categories(CLASSES).cat.codes
    return Town(
        built_year=frames["buildings"]["built_year"].to_numpy(),
        class_code=codes.to_numpy(dtype="int64"),
        **shapes,
    )


def old_by_gas(town: Town) -> Answer:
    rows = town.old()
    return ids(rows[near_lines(town.buildings[rows], town.of_class("RQ"), GAS_M)])


def unreached(town: Town) -> Answer:
    return {
        code: np.flatnonzero(~near_lines(town.buildings, town.of_class(code), REACH_M))
        for code in REACH_CLASSES
    }


def unpatrolled(town: Town) -> Answer:
    outside = area_outside(town.buildings[town.old()], town.tracks, PATROL_M, quad_segs=SEGMENTS)
    return {"area": outside.sum()}


def length_per_cell(town: Town) -> Answer:
    sums = length_per_square(town.pipes, town.class_code, CELL_M)
    return lengths(sums.column, sums.row, sums.group, sums.metres)


def loose_ends(town: Town) -> Answer:
    found = end_gaps(town.pipes, town.class_code, TOUCH_M, END_M)
    return ends(found.line, found.last)


def bare_streets(town: Town) -> Answer:
    streets = straight_pieces(town.roads)
    begin, end = streets.extents(len(town.roads))
    bare = end - begin - covered_length(streets, (begin, end), town.pipes, STREET_M, lambda: None)
    return {**ids(np.flatnonzero(bare >= STREET_SHARE * (end - begin))), "bare_share": bare / (end - begin)}


if __name__ == "__main__":
    main(
        load,
        (old_by_gas, unreached, unpatrolled, length_per_cell, loose_ends, bare_streets),
        lambda: (
            f"CityGap {version('citygap')}, shapely {shapely.__version__}, GEOS {shapely.geos_version_string}"
        ),
    )
