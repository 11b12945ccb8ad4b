"""Gaps planted in the pipe net: ends without a cap, pipes joined to nothing, pipes recorded twice."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
import shapely

from . import pipes as lay
from .frame import CELL_M, Frame
from .streets import Net
from .truth import Truth

ENDS = (
    # class, diameter, feature at the end, severity (empty: none expected), note
    ("JS", 300, None, "medium", "main of 300 mm ends without a cap"),
    ("JS", 200, None, "low", "main of 200 mm ends without a cap"),
    ("RQ", 160, None, "high", "gas pipe ends without a cap"),
    ("RQ", 160, "bend", "high", "gas pipe ends at a bend, which closes nothing"),
    ("JS", 300, "cap", "", "main of 300 mm ends at a cap"),
    ("RQ", 160, "valve", "", "gas pipe ends at a valve"),
)
LOOSE_M = (
    (55.0, "low", "55 m of heating pipe joined to nothing"),
    (45.0, "", "45 m joined to nothing: too short"),
)
_FROM_EDGE_M = 80.0
_BOWS = (
    # metres the copy bows out, what the copy says otherwise, severity, note
    (0.0, {}, "medium", "the same pipe under two ids"),
    (0.5, {"laid_year": 2001}, "high", "same two nodes, backwards, 0.5 m apart, another year"),
    (1.2, {}, "", "same two nodes, 1.2 m apart: two pipes"),
)


class OpenEnd(NamedTuple):
    """A branch whose end is changed: row, feature at its end, diameter, severity, note."""

    pipe: int
    feature: str
    diameter: float
    severity: str
    note: str


def open_ends(
    pipes: pd.DataFrame, used: set[int], frame: Frame, copies: int, rng: np.random.Generator
) -> list[OpenEnd]:
    """Branches for `ENDS`, away from the sheet's edge and from where others start.

    Parameters
    ----------
    used : set of int
        Rows that carry another plant.
    """
    end = shapely.get_point(pipes["line"].to_numpy(), -1)
    lane = (pipes["part"] == "lane").to_numpy() & shapely.within(end, frame.sheet.buffer(-_FROM_EDGE_M))
    class_code = pipes["class_code"].to_numpy()
    lane[list(used)] = False
    rows = np.flatnonzero(lane)
    near, other = shapely.STRtree(pipes["line"].to_numpy()).query(
        end[rows], predicate="dwithin", distance=0.2
    )
    joined = (class_code[rows[near]] == class_code[other]) & (rows[near] != other)
    lane[rows[near[joined]]] = False
    order = {
        code: list(rng.permutation(np.flatnonzero(lane & (class_code == code)))) for code in ("JS", "RQ")
    }
    found = []
    for code, diameter, feature, severity, note in ENDS * copies:
        if order[code]:
            found.append(OpenEnd(int(order[code].pop()), feature or "", float(diameter), severity, note))
    return found


def loose_heating(
    pipes: pd.DataFrame, net: Net, frame: Frame, copies: int, rng: np.random.Generator
) -> pd.DataFrame:
    """Heating pipes joined to nothing, in streets far from the heating net; `pipes.COLUMNS`."""
    segments = net.segments
    lines = segments["line"].to_numpy()
    fits = (shapely.length(lines) > LOOSE_M[0][0] + 20.0) & segments["whole"].to_numpy() & ~segments["bridge"]
    fits &= shapely.within(lines, frame.sheet.buffer(-_FROM_EDGE_M))
    heating = pipes["line"][pipes["class_code"] == "RL"].to_numpy()
    rows = np.flatnonzero(fits)
    close, _ = shapely.STRtree(heating).query(lines[rows], predicate="dwithin", distance=40.0)
    rows = rng.permutation(np.delete(rows, np.unique(close)))
    middle = shapely.get_coordinates(shapely.line_interpolate_point(lines[rows], 0.5, normalized=True))
    _, first = np.unique(np.floor(middle / (3 * CELL_M)), axis=0, return_index=True)
    chosen = rows[np.sort(first)][: len(LOOSE_M) * copies]
    shapes = [
        lay.shortened(lines[row], 8.0, 8.0 + LOOSE_M[number % len(LOOSE_M)][0])
        for number, row in enumerate(chosen)
    ]
    return lay.loose_pipes("RL", "ZQ", "loose", np.array(shapes, dtype=object)).assign(segment=chosen)


def truths_of_loose(ids: np.ndarray) -> list[Truth]:
    """Truths of `loose_heating`, given the ids of its pipes in their order."""
    rows = []
    for number, name in enumerate(ids):
        _, severity, note = LOOSE_M[number % len(LOOSE_M)]
        expected = "yes" if severity else "no"
        rows.append(Truth("N03", "pipes", name, "RL", name, severity, expected, "", note))
    return rows


class Twins(NamedTuple):
    """Pipes recorded twice: rows of the originals, the copies, what each says otherwise, severity, note."""

    originals: list[int]
    copies: pd.DataFrame
    changes: list[dict[str, object]]
    notes: list[tuple[str, str]]


def twin_pipes(pipes: pd.DataFrame, free: np.ndarray, copies: int, rng: np.random.Generator) -> Twins:
    """Water mains for `_BOWS`."""
    fits = free & (pipes["class_code"] == "JS").to_numpy()
    fits &= ((pipes["node_a"] >= 0) & (pipes["node_b"] >= 0)).to_numpy()
    fits &= shapely.length(pipes["line"].to_numpy()) > 40.0
    wanted = _BOWS * copies
    rows = rng.permutation(np.flatnonzero(fits))[: len(wanted)]
    twins = pipes.iloc[rows].copy()
    for number, (row, (bow, *_)) in enumerate(zip(rows, wanted)):
        path = shapely.get_coordinates(pipes["line"].iat[row])
        along = path[-1] - path[0]
        path[len(path) // 2] += np.array([-along[1], along[0]]) / np.hypot(*along) * bow
        back = bow == 0.5
        twins.iat[number, twins.columns.get_loc("line")] = shapely.linestrings(path[::-1] if back else path)
        if back:
            ends = twins.iloc[number][["node_b", "node_a"]].tolist()
            twins.iloc[number, twins.columns.get_indexer(["node_a", "node_b"])] = ends
    kept = wanted[: len(rows)]
    return Twins(
        rows.tolist(), twins, [dict(plan[1]) for plan in kept], [(plan[2], plan[3]) for plan in kept]
    )


def truths_of_twins(twins: Twins, ids: np.ndarray, copies: np.ndarray) -> list[Truth]:
    """Truths of `twin_pipes`, given the ids of all pipes and those of the copies."""
    rows = []
    for original, copy, (severity, note) in zip(twins.originals, copies, twins.notes):
        pair = "|".join(sorted((ids[original], copy)))
        rows.append(Truth("D04", "pipes", pair, "JS", "", severity, "yes" if severity else "no", "", note))
    return rows
