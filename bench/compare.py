"""Whether two tools gave the same answer to one of the six questions."""

from __future__ import annotations

from pathlib import Path

import numpy as np

AREA_M2 = 0.001
RELATIVE = 1e-9
LENGTH_M = 1e-6
SHARE = 0.02
"""Streets this close to half may fall either way: GEOS simplifies a line before it draws its buffer,
which turns flat ends a little, and its bends are polygons; the engine's strips are exact."""


def difference(question: str, ours: Path, theirs: Path) -> str:
    """In what an answer differs from ours, in a few words; empty where it does not."""
    with np.load(ours) as mine, np.load(theirs) as other:
        return _COMPARE[question](dict(mine), dict(other))


def _same_ids(mine: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> str:
    odd = sum(len(np.setxor1d(mine[name], other[name])) for name in other)
    return f"{odd} ids differ" if odd else ""


def _same_area(mine: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> str:
    apart = abs(float(mine["area"]) - float(other["area"]))
    return f"{apart:.4f} m² apart" if apart > AREA_M2 + RELATIVE * float(mine["area"]) else ""


def _same_lengths(mine: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> str:
    keys, place = np.unique(np.concatenate([mine["cell"], other["cell"]]), axis=0, return_inverse=True)
    signed = np.concatenate([mine["metres"], -other["metres"]])
    apart = np.abs(np.bincount(place.reshape(-1), weights=signed, minlength=len(keys))).max(initial=0)
    return f"{apart:.6f} m apart in a cell" if apart > LENGTH_M else ""


def _same_streets(mine: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> str:
    odd = np.setxor1d(mine["id"], other["id"])
    far = odd[np.abs(mine["bare_share"][odd] - 0.5) > SHARE]
    return f"{len(far)} streets differ" if len(far) else ""


_COMPARE = {
    "Q1": _same_ids,
    "Q2": _same_ids,
    "Q3": _same_area,
    "Q4": _same_lengths,
    "Q5": _same_ids,
    "Q6": _same_streets,
}
