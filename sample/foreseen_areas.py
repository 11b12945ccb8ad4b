"""What is to be found of whole units, cells and streets: blind ground, totals, shares, broken things."""

from __future__ import annotations

from typing import Optional

import numpy as np
import pandas as pd
import shapely

from .foreseen import is_old, rows_of, worst
from .frame import CELL_M
from .truth import Truth

_MARKS = {"street_lamp": 0.95, "manhole_cover": 0.98}
_STREET_MARKS = {"street_lamp": (0.98, 0.96), "manhole_cover": (0.98, 0.98)}
_MAIN = ("motorway", "trunk", "primary", "secondary")
_LEAST, _BESIDE_M = 10, 15.0


def cells_at(shapes: np.ndarray) -> np.ndarray:
    """Column and row of the grid cell of a point on each shape, shape (n, 2)."""
    return np.floor(shapely.get_coordinates(shapely.point_on_surface(shapes)) / CELL_M).astype("int64")


def cell_codes(cells: np.ndarray) -> np.ndarray:
    """Codes of grid cells (both coordinates are positive here), shape (n,)."""
    return np.array([f"XA{east:06d}{north:06d}" for east, north in cells], dtype=object)


def look_alikes(tables: dict[str, pd.DataFrame]) -> list[Truth]:
    """Units, cells and totals near those with a gap, and without one: D05, D06, E01, P01."""
    units, totals, things = tables["units"], tables["totals"], tables["components"]
    codes = units["code"].to_numpy(dtype=object)[(units["level"] == "subdistrict").to_numpy()]
    truths = [
        Truth("D05", "units", code, "HY", "HY", "", "no", "", "no record, but somebody looked")
        for code in codes[-2:]
    ]
    near = totals[(np.abs(1.0 / totals["factor"] - 1.0) < 0.05) & (totals["class_code"] != "")]
    for row in near.drop_duplicates("class_code").itertuples():
        what, note = f"{row.measure}:{row.class_code}", f"records are {100 / row.factor:.1f} % of the total"
        truths.append(Truth("D06", "units", row.area_code, row.class_code, what, "", "no", "", note))
    for code in codes[(units["zone_type"][units["level"] == "subdistrict"] == "fringe").to_numpy()]:
        truths.append(Truth("E01", "units", code, "budget", "budget", "", "no", "", "82 % of the median"))
    lamps = things[(things["class_code"] == "street_lamp").to_numpy()]
    table = pd.DataFrame(
        {"cell": cell_codes_of(lamps["geometry"].to_numpy()), "whole": lamps["condition"] == "intact"}
    )
    sums = table.groupby("cell")["whole"].agg(["size", "all"])
    for name in sums.index[(sums["size"] >= _LEAST) & sums["all"]][:2]:
        truths.append(
            Truth("P01", "cell", name, "street_lamp", "street_lamp", "", "no", "", "every lamp is lit")
        )
    return truths


def blind_cells(
    tables: dict[str, pd.DataFrame], blind: dict[str, Optional[shapely.Geometry]]
) -> pd.DataFrame:
    """D05: subdistricts with cells where nobody looked for a class and none is on record."""
    units, housing, pipes = tables["units"], tables["housing"], tables["pipes"]
    lowest = units[(units["level"] == "subdistrict").to_numpy()]
    home = pd.DataFrame(cells_at(housing["geometry"].to_numpy()), columns=["e", "n"])
    weight = home.assign(w=np.nan_to_num(housing["residents"])).groupby(["e", "n"])["w"].sum()
    aged = set(map(tuple, home[is_old(housing)].to_numpy()))
    rows = []
    for code, ground in blind.items():
        if ground is None:
            continue
        shares = {
            unit.code: _blind_share(unit.geometry, ground, pipes, code, weight, aged)
            for unit in lowest.itertuples()
        }
        limit = float(np.quantile([share for share, *_ in shares.values()], 0.75))
        for name, (share, old, count) in shares.items():
            if count:
                severity = "high" if share > limit or old else "medium"
                rows.append((name, code, severity))
    names, codes, severities = (
        (np.array(part, dtype=object) for part in zip(*rows)) if rows else [np.array([], dtype=object)] * 3
    )
    return rows_of("D05", "units", names, codes, severities, codes)


def _blind_share(
    unit: shapely.Polygon,
    ground: shapely.Geometry,
    pipes: pd.DataFrame,
    code: str,
    weight: pd.Series,
    aged: set[tuple[int, int]],
) -> tuple[float, bool, int]:
    """Share of a unit's weight in its blind cells, whether old housing lies in one, and their number."""
    west, south, east, north = np.floor(np.array(unit.bounds) / CELL_M).astype(int)
    e, n = (grid.ravel() for grid in np.meshgrid(np.arange(west, east + 1), np.arange(south, north + 1)))
    mine = shapely.contains_xy(unit, (e + 0.5) * CELL_M, (n + 0.5) * CELL_M)
    e, n = e[mine], n[mine]
    boxes = shapely.box(e * CELL_M, n * CELL_M, (e + 1) * CELL_M, (n + 1) * CELL_M)
    covered = shapely.area(shapely.difference(boxes, ground)) >= 0.05 * CELL_M**2
    lines = pipes["geometry"].to_numpy()[(pipes["class_code"] == code).to_numpy()]
    cell, line = shapely.STRtree(lines).query(boxes, predicate="intersects")
    held = np.zeros(len(boxes), dtype=bool)
    held[cell[shapely.length(shapely.intersection(lines[line], boxes[cell])) > 0]] = True
    blind = ~covered & ~held
    if not blind.any():
        return 0.0, False, 0
    weights = weight.reindex(pd.MultiIndex.from_arrays([e, n])).fillna(0.0).to_numpy()
    total = weights.sum()
    share = weights[blind].sum() / total if total > 0 else float(blind.mean())
    return float(share), any((a, b) in aged for a, b in zip(e[blind], n[blind])), int(blind.sum())


def unequal_totals(totals: pd.DataFrame) -> pd.DataFrame:
    """D06, by the factor each total was drawn with (column `factor`)."""
    apart = np.abs(1.0 / totals["factor"].to_numpy() - 1.0)
    severity = worst((apart > 0.30, "high"), (apart > 0.10, "medium"), (apart > 0.05, "low"))
    what = totals["measure"].astype(object) + ":" + totals["class_code"].astype(object)
    codes = totals["class_code"].to_numpy(dtype=object)
    return rows_of("D06", "units", totals["area_code"], codes, severity, what.to_numpy(dtype=object))


def below_share(units: pd.DataFrame, resources: pd.DataFrame) -> pd.DataFrame:
    """E01: subdistricts and districts with less of a resource for each resident than the median."""
    rows = []
    parent = units.set_index("code")["parent_code"]
    for kind, given in resources.groupby("kind", sort=True):
        amount = given.groupby("unit_code")["capacity"].sum()
        for level in ("district", "subdistrict"):
            here = units[(units["level"] == level).to_numpy()].set_index("code")
            codes = amount.index if level == "subdistrict" else amount.index.map(parent)
            have = amount.groupby(codes.to_numpy()).sum().reindex(here.index)
            if have.isna().all():
                continue
            need = here["population"]
            rate = have.fillna(0.0) / need
            order = rate.sort_values(kind="stable").index
            heavy = need[order].cumsum() >= need.sum() / 2
            ratio = rate / rate[heavy.idxmax()]
            town = have.groupby(here["parent_code"]).transform("sum") / need.groupby(
                here["parent_code"]
            ).transform("sum")
            gone = here["abolished_town"].fillna(False).to_numpy(dtype=bool)
            ratio = np.fmin(ratio, np.where(gone, rate / town, np.nan))
            low = np.select([ratio < 0.4, ratio < 0.6, ratio < 0.8], [3, 2, 1], 0)
            words = np.array(["", "low", "medium", "high"], dtype=object)
            severity = words[np.where(low > 0, np.minimum(low + gone, 3), 0)]
            rows.append(
                rows_of("E01", "units", here.index.to_numpy(dtype=object), str(kind), severity, str(kind))
            )
    return pd.concat(rows, ignore_index=True)


def broken_things(tables: dict[str, pd.DataFrame]) -> list[pd.DataFrame]:
    """P01: cells, subdistricts and streets with too many broken lamps or covers, or too few inspected."""
    things, roads, units = tables["components"], tables["roads"], tables["units"]
    code = things["class_code"]
    cover = code.str.startswith("01").to_numpy(dtype=bool) & ~code.isin(["0104"]).to_numpy()
    lowest = units[(units["level"] == "subdistrict").to_numpy()]
    found = []
    for kind, mine in (("street_lamp", (code == "street_lamp").to_numpy()), ("manhole_cover", cover)):
        part = things[mine]
        points, condition = part["geometry"].to_numpy(), part["condition"]
        state = np.where(condition.isna(), -1, (condition == "intact").to_numpy(dtype=bool).astype(int))
        places = {
            "cell": (cell_codes_of(points), _MARKS[kind]),
            "units": (_units_of(points, lowest), _MARKS[kind]),
        }
        for role, (names, mark) in places.items():
            found.append(_rates(role, names, state, pd.Series(mark, index=pd.unique(names)), kind))
        names = _streets_of(points, state, roads)
        main = roads[roads["highway"].isin(_MAIN)]["name"].dropna().unique()
        marks = pd.Series(_STREET_MARKS[kind][1], index=pd.unique(names[names != ""]))
        marks[marks.index.isin(main)] = _STREET_MARKS[kind][0]
        found.append(_rates("roads", names, state, marks, kind))
    return found


def cell_codes_of(points: np.ndarray) -> np.ndarray:
    """Code of the cell of each point, shape (n,)."""
    cells, which = np.unique(cells_at(points), axis=0, return_inverse=True)
    return cell_codes(cells)[which.ravel()]


def _units_of(points: np.ndarray, units: pd.DataFrame) -> np.ndarray:
    names = np.full(len(points), "", dtype=object)
    x, y = shapely.get_coordinates(points).T
    for unit in units.itertuples():
        shapely.prepare(unit.geometry)
        names[shapely.intersects_xy(unit.geometry, x, y)] = unit.code
    return names


def _streets_of(points: np.ndarray, state: np.ndarray, roads: pd.DataFrame) -> np.ndarray:
    """Nearest named street within 15 m of each point, if it may have something broken; else empty text."""
    named = roads[roads["name"].notna().to_numpy()]
    lines, name = named["geometry"].to_numpy(), named["name"].to_numpy(dtype=object)
    tree = shapely.STRtree(lines)
    bad = np.flatnonzero(state != 1)
    asked = pd.unique(name[tree.query(points[bad], predicate="dwithin", distance=_BESIDE_M)[1]])
    rows = np.flatnonzero(np.isin(name, asked))
    near, _ = shapely.STRtree(lines[rows]).query(points, predicate="dwithin", distance=_BESIDE_M)
    near = np.unique(near)
    names = np.full(len(points), "", dtype=object)
    if len(near):
        point, line = tree.query_nearest(points[near], max_distance=_BESIDE_M, all_matches=False)
        names[near[point]] = name[line]
    names[~np.isin(names, asked)] = ""
    return names


def _rates(role: str, names: np.ndarray, state: np.ndarray, marks: pd.Series, kind: str) -> pd.DataFrame:
    """Rows of the places with at least ten of a kind whose share of intact ones is below the mark."""
    known = names != ""
    table = pd.DataFrame({"name": names[known], "seen": state[known] >= 0, "intact": state[known] == 1})
    sums = table.groupby("name").agg(count=("seen", "size"), seen=("seen", "sum"), intact=("intact", "sum"))
    sums = sums[sums["count"] >= _LEAST]
    mark = marks.reindex(sums.index).to_numpy(dtype=float)
    unknown = (sums["seen"] / sums["count"] < 0.5).to_numpy()
    with np.errstate(invalid="ignore", divide="ignore"):
        short = np.round(100.0 * (mark - sums["intact"].to_numpy() / sums["seen"].to_numpy()), 9)
    severity = worst(
        (unknown, "info"), (short >= 15.0, "high"), (short >= 5.0, "medium"), (short > 1e-9, "low")
    )
    return rows_of("P01", role, sums.index.to_numpy(dtype=object), kind, severity, kind)
