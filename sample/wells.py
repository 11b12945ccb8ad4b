"""Manholes of the drains, and where each pipe net has its source or outlet."""

from __future__ import annotations

import numpy as np
import pandas as pd
import shapely

from .frame import Frame, in_core

WELL_EVERY_M = 37.0
"""Well below the 75 m of N04, so that one manhole may be missing without a run getting too long."""

_NEW_TOWN_WELL_M = 70.0
_APART_M = 0.6
"""Two manholes nearer than this would pass for one recorded twice."""

_OUTLETS = {"WS": "works", "YS": "outfall"}


def place_wells(pipes: pd.DataFrame, frame: Frame) -> pd.DataFrame:
    """Manholes of the drains: at every junction and bend, and between them.

    Parameters
    ----------
    pipes : DataFrame
        Mains and branches, `pipes.COLUMNS`.

    Returns
    -------
    DataFrame
        pipe (row of `pipes`), segment, kind_code, at_m (distance from the pipe's start), between (not at
        an end or bend), geometry.
    """
    rows = np.flatnonzero((pipes["class_code"] == "PS") & pipes["part"].isin(["main", "lane"]))
    lines = pipes["line"].to_numpy()[rows]
    lane = (pipes["part"] == "lane").to_numpy()[rows]
    length = shapely.length(lines)
    every_m = np.where(in_core(lines, frame), WELL_EVERY_M, _NEW_TOWN_WELL_M)
    count = np.maximum(np.ceil(length / every_m).astype(int) - 1, 0)
    owner, number = repeated(count)
    at = [(owner, (number + 1) * length[owner] / (count[owner] + 1), True)]
    every = np.arange(len(rows))
    at += [(every, np.zeros(len(rows)), False), (every, length, False)]
    bends = shapely.get_point(lines[lane], 1)
    at.append((every[lane], shapely.line_locate_point(lines[lane], bends), False))
    which = np.concatenate([part[0] for part in at])
    metres = np.concatenate([part[1] for part in at])
    between = np.concatenate([np.full(len(part[0]), part[2]) for part in at])
    points = shapely.line_interpolate_point(lines[which], metres)
    wells = pd.DataFrame(
        {
            "pipe": rows[which],
            "segment": pipes["segment"].to_numpy()[rows][which],
            "kind_code": pipes["kind_code"].to_numpy()[rows][which],
            "at_m": metres,
            "between": between,
            "geometry": points,
        }
    )
    wells = wells[inside(points, frame)].sort_values(["between", "pipe", "at_m"], kind="stable")
    wells = first_at_each_place(wells, ["kind_code"]).reset_index(drop=True)
    one, other = shapely.STRtree(wells["geometry"].to_numpy()).query(
        wells["geometry"].to_numpy(), predicate="dwithin", distance=_APART_M
    )
    return wells.drop(index=np.unique(other[one < other])).reset_index(drop=True)


def repeated(count: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Row number of each copy and its number among the copies of its row."""
    owner = np.repeat(np.arange(len(count)), count)
    return owner, np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)


def inside(points: np.ndarray, frame: Frame) -> np.ndarray:
    """Whether points lie more than half a metre inside the sheet, shape (n,)."""
    west, south, east, north = frame.bounds
    x, y = shapely.get_x(points), shapely.get_y(points)
    return np.asarray((x > west + 0.5) & (x < east - 0.5) & (y > south + 0.5) & (y < north - 0.5))


def first_at_each_place(table: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """The points of a table without those that share centimetre and columns with an earlier one."""
    points = table["geometry"].to_numpy()
    keys = table[columns].assign(x=np.round(shapely.get_x(points), 2), y=np.round(shapely.get_y(points), 2))
    return table[~keys.duplicated().to_numpy()]


def ends_of_mains(pipes: pd.DataFrame, frame: Frame) -> pd.DataFrame:
    """Ends of the mains at junctions on the sheet, each place of a class and kind once.

    Returns
    -------
    DataFrame
        class_code, kind_code, node, degree (mains that end there), net (number of the connected net),
        open (whether the net reaches the sheet's edge), geometry.
    """
    mains = pipes[pipes["part"] == "main"]
    lines = mains["line"].to_numpy()
    group, _ = pd.factorize(mains["class_code"] + mains["kind_code"])
    top = int(max(mains["node_a"].max(), mains["node_b"].max())) + 1
    # An end at no junction is a place of its own.
    loose = top * (int(group.max()) + 1) + np.arange(2 * len(mains)).reshape(2, -1)
    nodes = [mains[end].to_numpy() for end in ("node_a", "node_b")]
    keys = np.stack([np.where(node >= 0, group * top + node, own) for node, own in zip(nodes, loose)])
    _, flat = np.unique(keys, return_inverse=True)
    ends = flat.reshape(keys.shape)
    net = _connected(ends[0], ends[1], int(ends.max()) + 1)
    clipped = np.zeros(len(net), dtype=bool)
    clipped[net[ends[0][~mains["whole"].to_numpy()]]] = True
    points = np.concatenate([shapely.get_point(lines, side) for side in (0, -1)])
    table = pd.DataFrame(
        {
            "class_code": np.tile(mains["class_code"].to_numpy(), 2),
            "kind_code": np.tile(mains["kind_code"].to_numpy(), 2),
            "node": np.concatenate(nodes),
            "degree": np.bincount(ends.ravel())[ends.ravel()],
            "net": net[ends.ravel()],
            "open": clipped[net[ends.ravel()]],
            "geometry": points,
        }
    )
    table = table[(table["node"] >= 0).to_numpy() & inside(points, frame)]
    return first_at_each_place(table, ["class_code", "kind_code"]).reset_index(drop=True)


def _connected(one: np.ndarray, other: np.ndarray, count: int) -> np.ndarray:
    """Number of the connected part of each place, given pairs of neighbours: its smallest member."""
    label = np.arange(count)
    while True:
        low = np.minimum(label[one], label[other])
        new = label.copy()
        np.minimum.at(new, label[one], low)
        np.minimum.at(new, label[other], low)
        while True:
            jumped = new[new]
            if np.array_equal(jumped, new):
                break
            new = jumped
        if np.array_equal(new, label):
            return label
        label = new


def name_sources(joints: pd.DataFrame) -> np.ndarray:
    """Feature of the source or outlet of each net that does not reach the sheet's edge, None elsewhere.

    It stands where the fewest pipes meet.
    """
    lonely = joints[~joints["open"]].sort_values(["degree", "node"], kind="stable").drop_duplicates("net")
    feature = np.full(len(joints), None, dtype=object)
    feature[lonely.index.to_numpy()] = lonely["kind_code"].map(_OUTLETS).fillna("station")
    return feature
