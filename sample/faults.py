"""Gaps planted in the pipe net itself: near misses, streets without records, a house out of reach."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
import shapely

from . import pipes as lay
from .frame import CELL_M, Frame
from .streets import Net
from .truth import Truth

NEAR_MISSES = (
    # gap between the ends, whether N02 must find it, class, note
    (0.30, "yes", "JS", "ends 0.30 m apart"),
    (0.30, "yes", "RQ", "ends 0.30 m apart"),
    (0.90, "yes", "TX", "ends 0.90 m apart"),
    (0.04, "no", "JS", "ends 0.04 m apart: joined"),
    # A micrometre less than 0.05: the rounding of coordinates must not carry it over the tolerance.
    (0.049999, "no", "DL", "ends 0.05 m apart: joined"),
    (1.01, "no", "RQ", "ends 1.01 m apart: too far"),
)
BARE_STREETS = (
    # share of the tested part that the DL record covers, TX recorded, expected, missing classes, note
    (0.0, False, "yes", "DL|TX", "no record of power and telecom"),
    (0.0, False, "yes", "DL|TX", "no record of power and telecom"),
    (0.4, True, "yes", "DL", "power recorded along 40 % of the tested part"),
    (0.6, True, "no", "DL", "power recorded along 60 % of the tested part"),
)
_OTHERS_OFF_M = 21.0
_OTHERS_SHARE = {0.0: 0.25, 0.4: 0.08, 0.6: 1.0}
"""How much of a street may lie beside cables of other streets, by what its own record is to cover."""

TESTED_FROM_M = 25.0
"""N05 cuts this off at each end of a street segment (N05.end_cut_m)."""

_FROM_EDGE_M = 40.0
"""Ends near the edge of the study area are no gaps."""

SERVED_M, UNSERVED_M = 49.0, 51.0
"""Distances to the nearest gas pipe, on both sides of the 50 m of S01.reach_m."""


class Split(NamedTuple):
    """A near miss: rows of the two pipes, and what N02 must say."""

    first: int
    second: int
    expected: str
    class_code: str
    note: str


def bare_segments(
    net: Net, mains: pd.DataFrame, outlines: np.ndarray, copies: int, rng: np.random.Generator
) -> np.ndarray:
    """Small streets for `BARE_STREETS`, each with all four expected classes and houses around it."""
    segments = net.segments
    lines = segments["line"].to_numpy()
    laid = [mains.loc[mains["class_code"] == code, "segment"].unique() for code in ("JS", "DL", "TX")]
    laid.append(mains.loc[mains["kind_code"] == "WS", "segment"].unique())
    small = ~segments["main"] & segments["whole"] & ~segments["bridge"] & (shapely.length(lines) > 85.0)
    number = np.arange(len(segments))
    for there in laid:
        small &= np.isin(number, there)
    near, _ = shapely.STRtree(outlines).query(lines, predicate="dwithin", distance=45.0)
    small &= np.bincount(near, minlength=len(lines)) >= 5
    cables = mains[mains["class_code"].isin(["DL", "TX"])]
    tree = shapely.STRtree(cables["line"].to_numpy())
    on = cables["segment"].to_numpy()
    open_rows = list(rng.permutation(np.flatnonzero(small)))
    shares: dict[int, float] = {}
    chosen: list[int] = []
    for share, *_ in BARE_STREETS * copies:
        for row in open_rows:
            if row not in shares:
                shares[row] = _beside_others(int(row), lines[row], tree, on)
            if shares[row] <= _OTHERS_SHARE[share]:
                open_rows.remove(row)
                chosen.append(int(row))
                break
        else:
            break
    return np.array(chosen, dtype="int64")


def _beside_others(row: int, line: shapely.LineString, cables: shapely.STRtree, on: np.ndarray) -> float:
    """Share of the tested part of a street that lies beside cables of other streets."""
    tested = lay.shortened(line, TESTED_FROM_M, shapely.length(line) - TESTED_FROM_M)
    near = cables.query(tested, predicate="dwithin", distance=_OTHERS_OFF_M)
    others = cables.geometries[near[on[near] != row]]
    ground = shapely.union_all(shapely.buffer(others, _OTHERS_OFF_M, cap_style="flat"))
    return float(shapely.length(shapely.intersection(tested, ground)) / shapely.length(tested))


def strip_records(mains: pd.DataFrame, net: Net, segments: np.ndarray) -> tuple[pd.DataFrame, np.ndarray]:
    """Mains without the records of `BARE_STREETS`, and which pipes were cut short."""
    table = mains.copy()
    cut = np.zeros(len(table), dtype=bool)
    dropped = np.zeros(len(table), dtype=bool)
    on = table["segment"].to_numpy()
    class_code = table["class_code"].to_numpy()
    for place, segment in enumerate(segments):
        share, telecom, *_ = BARE_STREETS[place % len(BARE_STREETS)]
        power = (on == segment) & (class_code == "DL")
        dropped |= (on == segment) & (class_code == "TX") & (not telecom)
        if share == 0.0:
            dropped |= power
            continue
        row = int(np.flatnonzero(power)[0])
        street = net.segments["line"].iloc[segment]
        until = TESTED_FROM_M + share * (shapely.length(street) - 2 * TESTED_FROM_M)
        line = table["line"].iloc[row]
        stop = shapely.line_locate_point(line, shapely.line_interpolate_point(street, until))
        table.at[row, "line"] = lay.shortened(line, 0.0, stop)
        table.at[row, "node_b"] = -1
        cut[row] = True
    return table[~dropped].reset_index(drop=True), cut[~dropped]


def beside_bare(services: pd.DataFrame, net: Net, segments: np.ndarray) -> np.ndarray:
    """Which connections would count as power or telecom records of a bare street, shape (n,)."""
    streets = net.segments["line"].to_numpy()[segments]
    near, _ = shapely.STRtree(streets).query(services["line"].to_numpy(), predicate="dwithin", distance=25.0)
    beside = services["class_code"].isin(["DL", "TX"]).to_numpy()
    return np.asarray(beside & np.isin(np.arange(len(services)), near))


def split_pipes(
    mains: pd.DataFrame,
    net: Net,
    frame: Frame,
    spared: np.ndarray,
    copies: int,
    rng: np.random.Generator,
) -> tuple[pd.DataFrame, list[Split]]:
    """Mains in small streets cut in two with a gap between the halves.

    Parameters
    ----------
    spared : ndarray of int
        Street segments that are not touched.
    """
    table = mains.copy()
    inner = ~net.segments["main"].to_numpy()[table["segment"]] & table["whole"].to_numpy()
    inner &= ~np.isin(table["segment"], spared) & (table["node_b"] >= 0).to_numpy()
    long_enough = inner & (shapely.length(table["line"].to_numpy()) > 70.0)
    long_enough &= shapely.within(table["line"].to_numpy(), frame.sheet.buffer(-_FROM_EDGE_M))
    order = rng.permutation(np.flatnonzero(long_enough))
    used: set[int] = set()
    splits, halves = [], []
    for gap, expected, class_code, note in NEAR_MISSES * copies:
        row = next(
            (int(r) for r in order if table["class_code"].iat[r] == class_code and r not in used), None
        )
        if row is None:
            continue
        used.add(row)
        line = table["line"].iat[row]
        middle = shapely.length(line) * 0.45
        second = table.iloc[row].to_dict()
        second["line"] = lay.shortened(line, middle + gap / 2, shapely.length(line))
        second["node_a"] = -1
        table.at[row, "line"] = lay.shortened(line, 0.0, middle - gap / 2)
        table.at[row, "node_b"] = -1
        splits.append(Split(row, len(table) + len(halves), expected, class_code, note))
        halves.append(second)
    return pd.concat([table, pd.DataFrame(halves, columns=table.columns)], ignore_index=True), splits


def truths_of_splits(splits: list[Split], ids: np.ndarray) -> list[Truth]:
    """Truths of the cut mains, given the ids of all pipes: halves too far apart dangle, both of them."""
    rows = []
    for split in splits:
        pair = "|".join((ids[split.first], ids[split.second]))
        severity = "medium" if split.expected == "yes" else ""
        rows.append(
            Truth("N02", "pipes", pair, split.class_code, "e-s", severity, split.expected, "", split.note)
        )
        if split.note.endswith("too far"):
            for row, end in ((split.first, "e"), (split.second, "s")):
                rows.append(
                    Truth("N01", "pipes", ids[row], split.class_code, end, "high", "yes", "", split.note)
                )
    return rows


class Pavilions(NamedTuple):
    """Two houses in the park near 50 m from gas, and the gas pipe that makes it so."""

    unserved: shapely.Polygon
    served: shapely.Polygon
    stub: shapely.LineString


def park_pavilions(
    park: pd.Series,
    mains: pd.DataFrame,
    ponds: np.ndarray,
    paths: np.ndarray,
    outlines: np.ndarray,
    frame: Frame,
) -> list[Pavilions]:
    """A house 51 m from the nearest gas pipe in a cell with gas, and one 49 m from it; empty if no room.

    Parameters
    ----------
    park : Series
        u0, u1, v0, v1 of the park.
    """
    around = shapely.buffer(
        shapely.linestrings(frame.place(*park[["u0", "u1", "v0", "v1"]].to_numpy(dtype=float).reshape(2, 2))),
        450.0,
    )
    gas_lines = mains.loc[mains["class_code"] == "RQ", "line"].to_numpy()
    gas = shapely.union_all(gas_lines[shapely.STRtree(gas_lines).query(around)])
    wet = shapely.buffer(shapely.union_all(ponds[shapely.STRtree(ponds).query(around)]), 4.0)
    others = shapely.STRtree(outlines)
    u, v = (
        grid.ravel()
        for grid in np.meshgrid(
            np.arange(park["u0"] + 8, park["u1"] - 8, 4.0), np.arange(park["v0"] + 8, park["v1"] - 8, 4.0)
        )
    )
    houses = _houses(u, v, frame)
    near_path, _ = shapely.STRtree(paths).query(houses, predicate="intersects")
    dry = ~shapely.intersects(houses, wet)
    dry[near_path] = False
    distance = shapely.distance(houses, gas)
    served = _at_distance(u[dry], v[dry], distance[dry], gas, frame)
    far = np.flatnonzero(dry & (distance > UNSERVED_M + 1.0))
    for angle in (0.0, np.pi, np.pi / 2, -np.pi / 2):
        for place in far:
            stub = _stub(u[place], v[place], angle, gas, frame)
            if stub is None or served is None or shapely.intersects(stub, wet):
                continue
            if len(others.query(stub, predicate="dwithin", distance=1.5)):
                continue
            clear = (
                shapely.distance(served, stub) > UNSERVED_M and shapely.distance(served, houses[place]) > 5.0
            )
            if clear and abs(shapely.distance(houses[place], stub) - UNSERVED_M) < 0.01:
                return [Pavilions(houses[place], served, stub)]
    return []


def _houses(u: np.ndarray, v: np.ndarray, frame: Frame) -> np.ndarray:
    """Houses of 13 x 9 m at points of street coordinates."""
    middle = frame.place(u, v)
    angle = frame.heading(u)
    along = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    across = np.stack([-along[:, 1], along[:, 0]], axis=-1)
    corners = [
        middle + along * a + across * b for a, b in ((-6.5, -4.5), (6.5, -4.5), (6.5, 4.5), (-6.5, 4.5))
    ]
    return np.asarray(shapely.polygons(np.stack([*corners, corners[0]], axis=1)))


def _at_distance(
    u: np.ndarray, v: np.ndarray, distance: np.ndarray, gas: shapely.Geometry, frame: Frame
) -> shapely.Polygon | None:
    """A house moved along u until it stands 49 m from gas."""
    for place in np.argsort(np.abs(distance - SERVED_M)):
        here = float(u[place])
        for _ in range(40):
            off = (
                float(shapely.distance(_houses(np.array([here]), v[place : place + 1], frame)[0], gas))
                - SERVED_M
            )
            if abs(off) < 1e-4:
                return _houses(np.array([here]), v[place : place + 1], frame)[0]
            ahead = _houses(np.array([here + 0.5]), v[place : place + 1], frame)[0]
            slope = (float(shapely.distance(ahead, gas)) - SERVED_M - off) / 0.5
            if abs(slope) < 0.3 or abs(here - u[place]) > 8.0:
                break
            here -= off / slope
    return None


def _stub(u: float, v: float, angle: float, gas: shapely.Geometry, frame: Frame) -> shapely.LineString | None:
    """A straight gas pipe from 51 m off the house to the next main; None if that is in another cell."""
    middle = frame.place(np.float64(u), np.float64(v))
    turned = frame.heading(np.float64(u)) + angle
    along = np.array([np.cos(turned), np.sin(turned)])
    wall = 6.5 if abs(np.sin(angle)) < 0.5 else 4.5
    tip = middle + along * (wall + UNSERVED_M)
    same_cell = np.array_equal(np.floor(middle / CELL_M), np.floor((tip + along * 4.0) / CELL_M))
    if not same_cell or np.any(np.abs(middle / CELL_M - np.round(middle / CELL_M)) < 0.02):
        return None
    meets = shapely.get_coordinates(
        shapely.intersection(shapely.linestrings([tip, tip + along * 400.0]), gas)
    )
    if not len(meets):
        return None
    end = meets[np.hypot(*(meets - tip).T).argmin()]
    return shapely.linestrings([end, tip]) if np.hypot(*(end - tip)) > 10.0 else None
