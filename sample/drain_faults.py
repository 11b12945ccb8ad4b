"""Gaps planted in the drains: missing manholes, drains that do not fit together."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
import shapely

from .frame import Frame, in_core
from .pipe_register import drain_bands
from .pipes import loose_pipes
from .streets import Net

RUN_M = {"yes": 76.0, "no": 74.0}
"""Distance of two manholes of a drain of at most 600 mm, on both sides of the 75 m of N04."""

_WIDE_M = 12.0
"""In narrower streets the covers of the other drain stand too near."""

_NARROW_BANDS = 3
_FROM, _TO = 84.0, 145.0


class Spot(NamedTuple):
    """A place of the drains where N04 or N06 must say something, or not: pipe it is named for, and what."""

    rule_id: str
    pipe: int
    discriminator: str
    severity: str
    expected: str
    note: str


def spoil_wells(
    wells: pd.DataFrame,
    pipes: pd.DataFrame,
    net: Net,
    frame: Frame,
    copies: int,
    rng: np.random.Generator,
) -> tuple[pd.DataFrame, list[Spot], np.ndarray]:
    """Manholes without some, so that runs get too long and junctions have none.

    Returns
    -------
    wells : DataFrame
    spots : list of Spot
    used : ndarray of int
        Rows of `pipes` that took part.
    """
    wide = net.segments["main"].to_numpy() & (net.segments["width_m"].to_numpy() >= _WIDE_M)
    segment = pipes["segment"].to_numpy()
    mains = ((pipes["part"] == "main") & (pipes["kind_code"] == "WS") & pipes["whole"]).to_numpy()
    foul = mains & wide[segment] & (segment >= 0) & in_core(pipes["line"].to_numpy(), frame)
    wells, spots, nodes = _bare_junctions(wells, pipes, foul, copies, rng)
    at_node = np.isin(pipes["node_a"], nodes) | np.isin(pipes["node_b"], nodes)
    runs = _long_runs(pipes, foul & ~at_node, net)
    order = rng.permutation(runs)
    kept = np.full(len(wells), True)
    more = []
    for row, (expected, reach) in zip(order, list(RUN_M.items()) * copies):
        kept &= ~((wells["pipe"] == row) & wells["between"]).to_numpy()
        line = pipes["line"].iat[row]
        template = {"pipe": row, "segment": pipes["segment"].iat[row], "kind_code": "WS", "between": True}
        more.append({**template, "at_m": reach, "geometry": shapely.line_interpolate_point(line, reach)})
        severity = "medium" if expected == "yes" else ""
        note = f"{reach:.0f} m between two manholes"
        spots.append(Spot("N04", int(row), "run", severity, expected, note))
    used = np.concatenate([order[: 2 * copies], np.flatnonzero(at_node)])
    return pd.concat([wells[kept], pd.DataFrame(more, columns=wells.columns)], ignore_index=True), spots, used


def _bare_junctions(
    wells: pd.DataFrame, pipes: pd.DataFrame, foul: np.ndarray, copies: int, rng: np.random.Generator
) -> tuple[pd.DataFrame, list[Spot], np.ndarray]:
    """Junctions of three or more foul sewers in wide streets that lose their manhole; one that keeps it."""
    mains = ((pipes["part"] == "main") & (pipes["kind_code"] == "WS")).to_numpy()
    top = int(max(pipes["node_a"].max(), pipes["node_b"].max())) + 2
    degree = _at_nodes(pipes, mains, top)
    nodes = np.flatnonzero((degree >= 3) & (degree == _at_nodes(pipes, foul, top)))
    nodes = rng.permutation(nodes[nodes > 0])[: 2 * copies]
    spots = []
    gone = np.full(len(wells), False)
    tree = shapely.STRtree(wells["geometry"].to_numpy())
    junctions = _Junctions(pipes, foul)
    for number, node in enumerate(nodes):
        row, side = junctions.first_at(int(node))
        expected = "yes" if number % 2 == 0 else "no"
        if expected == "yes":
            place = shapely.get_point(pipes["line"].iat[row], 0 if side == "s" else -1)
            gone[tree.query(place, predicate="dwithin", distance=0.05)] = True
        note = f"{degree[node]} drains meet {'without' if expected == 'yes' else 'at'} a manhole"
        spots.append(Spot("N04", row, f"node-{side}", "medium" if expected == "yes" else "", expected, note))
    return wells[~gone].reset_index(drop=True), spots, nodes


def _at_nodes(pipes: pd.DataFrame, chosen: np.ndarray, top: int) -> np.ndarray:
    ends = np.concatenate([pipes[end].to_numpy()[chosen] for end in ("node_a", "node_b")])
    return np.bincount(np.maximum(ends, -1) + 1, minlength=top + 1)[1:]


class _Junctions:
    """Which of the chosen pipes end at which junction."""

    def __init__(self, pipes: pd.DataFrame, chosen: np.ndarray) -> None:
        rows = np.flatnonzero(chosen)
        nodes = np.concatenate([pipes[end].to_numpy()[rows] for end in ("node_a", "node_b")])
        order = np.lexsort((np.tile(rows, 2), nodes))
        self._nodes, self._rows = nodes[order], np.tile(rows, 2)[order]
        self._starts = pipes["node_a"].to_numpy()

    def pipes_at(self, node: int) -> np.ndarray:
        """Rows of the pipes at a junction, in their order (ids follow the rows)."""
        first, last = np.searchsorted(self._nodes, [node, node + 1])
        return self._rows[first:last]

    def first_at(self, node: int) -> tuple[int, str]:
        """Row of the first pipe at a junction, and which end of it is there."""
        row = int(self.pipes_at(node)[0])
        return row, "s" if self._starts[row] == node else "e"

    def leaving(self, node: int) -> np.ndarray:
        """Rows of the pipes that start at a junction."""
        rows = self.pipes_at(node)
        return rows[self._starts[rows] == node]


def _long_runs(pipes: pd.DataFrame, foul: np.ndarray, net: Net) -> np.ndarray:
    """Straight foul sewers of at most 600 mm, long enough for a gap, without a branch of their own."""
    length = shapely.length(pipes["line"].to_numpy())
    rows = np.flatnonzero(foul & (length > _FROM) & (length < _TO))
    rows = rows[drain_bands(pipes.iloc[rows], net) < _NARROW_BANDS]
    lanes = pipes["line"][(pipes["part"] == "lane") & (pipes["class_code"] == "PS")].to_numpy()
    gates = shapely.get_point(lanes, 0)
    if not len(rows) or not len(gates):
        return rows
    fed, _ = shapely.STRtree(gates).query(pipes["line"].to_numpy()[rows], predicate="dwithin", distance=1.0)
    return np.delete(rows, np.unique(fed))


class Misfits(NamedTuple):
    """Drains that will not fit together: changes of the register by row, pipes to add, what N06 must say."""

    changes: dict[int, dict[str, object]]
    added: pd.DataFrame
    spots: list[Spot]
    links: list[tuple[int, int]]
    """Junction of each added pipe, and a foul sewer there of its diameter."""


def plan_misfits(pipes: pd.DataFrame, spared: np.ndarray, copies: int, rng: np.random.Generator) -> Misfits:
    """A step in depth, a fall in diameter and a foul sewer led into a storm sewer, and look-alikes.

    Parameters
    ----------
    spared : ndarray of bool, shape (len(pipes),)
        Pipes that carry another plant.
    """
    whole = ((pipes["part"] == "main") & pipes["whole"]).to_numpy()
    foul = whole & (pipes["kind_code"] == "WS").to_numpy()
    storm = whole & (pipes["kind_code"] == "YS").to_numpy()
    fouls, storms = _Junctions(pipes, foul), _Junctions(pipes, storm)
    every = _Junctions(pipes, ((pipes["part"] == "main") & (pipes["class_code"] == "PS")).to_numpy())

    def all_whole(node: int) -> bool:
        """Whether the sheet's edge cuts none of the drains that meet here."""
        return len(every.pipes_at(node)) == len(fouls.pipes_at(node)) + len(storms.pipes_at(node))

    starts, stops = pipes["node_a"].to_numpy(), pipes["node_b"].to_numpy()
    changes: dict[int, dict[str, object]] = {}
    spots: list[Spot] = []
    taken: set[int] = set()
    lines, links = [], []
    for row in rng.permutation(np.flatnonzero(foul & ~spared)):
        if len(changes) == 3 * copies:
            break
        a, b = int(starts[row]), int(stops[row])
        here = [fouls.pipes_at(node) for node in (a, b)]
        both = np.concatenate(here)
        kind = len(changes) % 3
        fits = not {a, b} & taken and min(map(len, here)) >= 2 and not spared[both].any()
        fits = fits and all_whole(a) and all_whole(b)
        if not fits or (kind == 2 and not len(fouls.leaving(b))):
            continue
        taken.update(starts[both].tolist(), stops[both].tolist())
        changes[int(row)], found = _misfit(kind)
        sides = ((a, "depth"), (b, "depth")) if kind < 2 else ((b, "diameter"),)
        for node, word in sides:
            first, side = fouls.first_at(node)
            spots.append(Spot("N06", first, f"{word}-{side}", *found))
    for node in rng.permutation(np.intersect1d(starts[foul & ~spared], starts[storm])).tolist():
        if len(lines) == copies:
            break
        if node in taken or spared[fouls.pipes_at(node)].any() or not all_whole(node):
            continue
        taken.add(node)
        one, other = fouls.first_at(node), storms.first_at(node)
        ends = [shapely.get_point(pipes["line"].iat[r], 0 if side == "s" else -1) for r, side in (one, other)]
        lines.append(shapely.linestrings(np.concatenate([shapely.get_coordinates(end) for end in ends])))
        links.append((node, int(fouls.leaving(node)[0])))
        spots.append(
            Spot("N06", other[0], f"join-{other[1]}", "high", "yes", "a foul sewer ends at a storm sewer")
        )
    added = loose_pipes("PS", "WS", "cross", np.array(lines, dtype=object))
    return Misfits(changes, added, spots, links)


def _misfit(kind: int) -> tuple[dict[str, object], tuple[str, str, str]]:
    """Change of a foul sewer and severity, expected and note of what becomes of it."""
    if kind == 0:
        return {"depth_m": 2.62}, ("low", "yes", "depths differ by more than 0.10 m")
    if kind == 1:
        return {"depth_m": 2.45}, ("", "no", "depths differ by less than 0.10 m")
    return {"diameter_mm": 2000}, ("low", "yes", "2,000 mm lead into less")
