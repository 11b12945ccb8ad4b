"""The blocks between the streets, and what kind of quarter each one is."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .frame import Frame
from .streets import BANK_ROAD_M, Net, creek_line

KINDS = ("lilong", "village", "slab", "tower", "office", "school", "selfbuilt", "factory", "green")
_SETBACK_MAIN, _SETBACK_INNER = 4.5, 3.0


def fringe_limit(frame: Frame) -> float:
    """U west of which the city frays into its fringe."""
    return -0.30 * frame.columns * 100.0


def make_blocks(net: Net, frame: Frame, rng: np.random.Generator) -> pd.DataFrame:
    """Blocks as rectangles of street coordinates, setbacks taken off.

    Returns
    -------
    DataFrame
        u0, u1, v0, v1, kind, super (row of `Net.supers`), fronts (0 none, 1 south, 2 north, 3 both: shops).
    """
    supers = net.supers
    i, j = supers["i"].to_numpy(), supers["j"].to_numpy()
    west = net.west_east[i] + net.ns_width[i] / 2 + _SETBACK_MAIN
    east = net.west_east[i + 1] - net.ns_width[i + 1] / 2 - _SETBACK_MAIN
    south = net.south_north[j] + net.ew_width[j] / 2 + _SETBACK_MAIN
    north = net.south_north[j + 1] - net.ew_width[j + 1] / 2 - _SETBACK_MAIN
    lane = 5.5 + _SETBACK_INNER
    parts = []
    a0, a1 = supers["a0"].to_numpy(), supers["a1"].to_numpy()
    two = ~np.isnan(a1)
    columns = [(west, np.where(np.isnan(a0), east, a0 - lane)), (a0 + lane, np.where(two, a1 - lane, east))]
    columns.append((a1 + lane, np.where(two, east, np.nan)))
    for u0, u1 in columns:
        for v0, v1 in _row_limits(supers, south, north, lane, u0, u1):
            parts.append(
                pd.DataFrame({"u0": u0, "u1": u1, "v0": v0, "v1": v1, "super": np.arange(len(supers))})
            )
    blocks = pd.concat(parts, ignore_index=True).dropna()
    roomy = (blocks["u1"] - blocks["u0"] > 18.0) & (blocks["v1"] - blocks["v0"] > 13.0)
    blocks = blocks[roomy].sort_values(["super", "v0", "u0"], kind="stable", ignore_index=True)
    blocks["kind"] = _kinds(blocks, supers, frame, rng)
    fronted = blocks["kind"].isin(["lilong", "village", "slab", "tower"])
    fronts = np.where(rng.random(len(blocks)) < 0.75, rng.integers(1, 4, len(blocks)), 0)
    blocks["fronts"] = np.where(fronted, fronts, 0)
    return blocks


def _row_limits(
    supers: pd.DataFrame, south: np.ndarray, north: np.ndarray, lane: float, u0: np.ndarray, u1: np.ndarray
) -> list[tuple[np.ndarray, np.ndarray]]:
    """South and north limits of the two rows of blocks; along a creek they keep off its bank roads."""
    b0, creek = supers["b0"].to_numpy(), supers["creek"].to_numpy()
    wet = ~np.isnan(creek)
    line = np.stack([creek_line(creek, u0 + (u1 - u0) * share) for share in (0.0, 0.25, 0.5, 0.75, 1.0)])
    lower = np.where(wet, line.min(axis=0) - BANK_ROAD_M, b0) - lane
    upper = np.where(wet, line.max(axis=0) + BANK_ROAD_M, b0) + lane
    return [(south, np.where(np.isnan(lower), north, lower)), (upper, north)]


def _kinds(blocks: pd.DataFrame, supers: pd.DataFrame, frame: Frame, rng: np.random.Generator) -> np.ndarray:
    """Kind of each block: its neighbourhood's, sometimes another; old in the middle, frayed in the west."""
    order = blocks["super"].to_numpy()
    u = (blocks["u0"] + blocks["u1"]).to_numpy() / 2
    size = ((blocks["u1"] - blocks["u0"]) * (blocks["v1"] - blocks["v0"])).to_numpy()
    weights = np.array([0.36, 0.22, 0.16, 0.14, 0.12, 0.0, 0.0, 0.0, 0.0])
    shared = rng.choice(len(KINDS), len(supers), p=weights)[order]
    own = rng.choice(
        len(KINDS), len(blocks), p=np.array([0.30, 0.22, 0.16, 0.12, 0.10, 0.04, 0.0, 0.0, 0.06])
    )
    kind = np.where(rng.random(len(blocks)) < 0.64, shared, own)
    frayed = u < fringe_limit(frame)
    rural = rng.choice(
        len(KINDS), len(blocks), p=np.array([0.0, 0.16, 0.1, 0.06, 0.0, 0.03, 0.45, 0.14, 0.06])
    )
    kind = np.where(frayed, rural, kind)
    words = np.array(KINDS, dtype=object)[kind]
    parent = supers["kind"].to_numpy()[order]
    words[(parent == "creek") & (rng.random(len(blocks)) < 0.22) & (size > 3000)] = "factory"
    words[(size < 2200) & np.isin(words, ("tower", "office", "school", "factory"))] = "village"
    words[parent == "park"] = "park"
    schools = np.flatnonzero((words == "village") & (size > 6000))
    if len(schools) and not (words == "school").any():
        words[schools[len(schools) // 2]] = "school"
    return words
