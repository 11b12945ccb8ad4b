"""The six questions in GeoPandas, by its own joins and whole-array operations."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from answering import (
    CELL_M,
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

Town = dict[str, gpd.GeoDataFrame]


def load(folder: Path) -> Town:
    return {
        name: gpd.read_parquet(folder / f"{name}.parquet")
        for name in ("buildings", "pipes", "roads", "tracks")
    }


def of_class(town: Town, code: str) -> gpd.GeoDataFrame:
    return town["pipes"][town["pipes"]["class_code"] == code]


def old(town: Town) -> gpd.GeoDataFrame:
    return town["buildings"][town["buildings"]["built_year"] <= OLD_UNTIL]


def old_by_gas(town: Town) -> Answer:
    pairs = old(town).sjoin(of_class(town, "RQ")[["geometry"]], predicate="dwithin", distance=GAS_M)
    return ids(pairs["id"].unique())


def unreached(town: Town) -> Answer:
    buildings = town["buildings"]
    answer = {}
    for code in REACH_CLASSES:
        near, _ = of_class(town, code).sindex.query(buildings.geometry, predicate="dwithin", distance=REACH_M)
        answer[code] = np.setdiff1d(buildings["id"].to_numpy(), buildings["id"].to_numpy()[np.unique(near)])
    return answer


def unpatrolled(town: Town) -> Answer:
    """Old area less the union, building by building, of what the buffers cover of it."""
    buildings = old(town)
    buffers = town["tracks"].geometry.buffer(PATROL_M, quad_segs=SEGMENTS)
    building, buffer = buffers.sindex.query(buildings.geometry, predicate="intersects")
    covered = (
        buildings.geometry.iloc[building]
        .reset_index(drop=True)
        .intersection(buffers.iloc[buffer].reset_index(drop=True))
    )
    several = pd.Series(building).duplicated(keep=False).to_numpy()
    once = covered[~several].area.sum()
    rest = gpd.GeoDataFrame({"building": building[several]}, geometry=covered[several].to_numpy())
    return {"area": np.array(buildings.area.sum() - once - rest.dissolve("building").area.sum())}


def length_per_cell(town: Town) -> Answer:
    pipes = town["pipes"]
    west, south, east, north = np.floor(pipes.total_bounds / CELL_M).astype("int64")
    column, row = (
        grid.ravel() for grid in np.meshgrid(np.arange(west, east + 1), np.arange(south, north + 1))
    )
    boxes = shapely.box(column * CELL_M, row * CELL_M, (column + 1) * CELL_M, (row + 1) * CELL_M)
    cells = gpd.GeoSeries(boxes, crs=pipes.crs)
    cell, pipe = pipes.sindex.query(cells, predicate="intersects")
    cut = (
        pipes.geometry.iloc[pipe].reset_index(drop=True).intersection(cells.iloc[cell].reset_index(drop=True))
    )
    table = pd.DataFrame(
        {
            "column": column[cell],
            "row": row[cell],
            "code": pipes["class_code"].to_numpy()[pipe],
            "metres": cut.length,
        }
    )
    sums = table.groupby(["column", "row", "code"], as_index=False)["metres"].sum()
    sums = sums[sums["metres"] > 0]
    return lengths(sums["column"], sums["row"], sums["code"], sums["metres"])


def loose_ends(town: Town) -> Answer:
    pipes = town["pipes"]
    shapes = pipes.geometry.to_numpy()
    table = gpd.GeoDataFrame(
        {
            "pipe": np.tile(pipes["id"].to_numpy(), 2),
            "which": np.repeat([0, 1], len(pipes)),
            "code": np.tile(pipes["class_code"].to_numpy(), 2),
        },
        geometry=np.concatenate([shapely.get_point(shapes, 0), shapely.get_point(shapes, -1)]),
        crs=pipes.crs,
    )
    places = table.get_coordinates().assign(code=table["code"])
    lone = table[~places.duplicated(keep=False)]
    found = []
    for code, mine in lone.groupby("code"):
        others = of_class(town, code)
        end, pipe = others.sindex.query(mine.geometry, predicate="dwithin", distance=END_M)
        apart = mine["pipe"].to_numpy()[end] != others["id"].to_numpy()[pipe]
        end, pipe = end[apart], pipe[apart]
        gap = shapely.distance(mine.geometry.to_numpy()[end], others.geometry.to_numpy()[pipe])
        nearest = pd.Series(gap).groupby(end).min()
        found.append(mine.iloc[nearest.index[nearest > TOUCH_M]])
    rows = pd.concat(found)
    return ends(rows["pipe"], rows["which"])


def bare_streets(town: Town) -> Answer:
    """What is left of each street once the buffers near it are taken away as one."""
    roads = town["roads"]
    strips = town["pipes"].geometry.buffer(STREET_M, quad_segs=SEGMENTS, cap_style="flat")
    road, strip = strips.sindex.query(roads.geometry, predicate="intersects")
    near = gpd.GeoDataFrame({"road": road}, geometry=strips.to_numpy()[strip], crs=roads.crs)
    covers = near.dissolve("road").geometry
    whole = roads.length.to_numpy()
    left, rows = whole.copy(), covers.index.to_numpy()
    left[rows] = (
        roads.geometry.iloc[rows].reset_index(drop=True).difference(covers.reset_index(drop=True)).length
    )
    return ids(roads["id"].to_numpy()[left >= STREET_SHARE * whole])


if __name__ == "__main__":
    main(
        load,
        (old_by_gas, unreached, unpatrolled, length_per_cell, loose_ends, bare_streets),
        lambda: (
            f"GeoPandas {gpd.__version__}, shapely {shapely.__version__}, GEOS {shapely.geos_version_string}"
        ),
    )
