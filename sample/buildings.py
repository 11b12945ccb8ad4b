"""Building outlines: rows, slabs, towers and shops laid out in the blocks."""

from __future__ import annotations

import numpy as np
import pandas as pd
import shapely

from .frame import Frame


def _comb(teeth: int, depth: float) -> list[tuple[float, float]]:
    """A row of houses whose rear steps back between the houses."""
    points = [(-0.5, -0.5), (0.5, -0.5)]
    step = 1.0 / teeth
    for tooth in range(teeth):
        right = 0.5 - tooth * step
        points += [(right, 0.5), (right - 0.62 * step, 0.5)]
        if tooth < teeth - 1:
            points += [(right - 0.62 * step, 0.5 - depth), (right - step, 0.5 - depth)]
    return [*points, (0.5 - teeth * step + 0.38 * step, 0.5 - depth), (-0.5, 0.5 - depth)]


SHAPES: dict[str, list[tuple[float, float]]] = {
    "box": [(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)],
    "row": _comb(5, 0.24),
    "bays": [
        (-0.5, -0.5), (0.5, -0.5), (0.5, 0.34), (0.33, 0.34), (0.33, 0.5), (0.17, 0.5), (0.17, 0.34),
        (-0.17, 0.34), (-0.17, 0.5), (-0.33, 0.5), (-0.33, 0.34), (-0.5, 0.34),
    ],
    "ell": [(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (0.14, 0.5), (0.14, -0.04), (-0.5, -0.04)],
    "court": [
        (-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (0.24, 0.5), (0.24, -0.1), (-0.24, -0.1), (-0.24, 0.5),
        (-0.5, 0.5),
    ],
    "cross": [
        (-0.22, -0.5), (0.22, -0.5), (0.22, -0.26), (0.5, -0.26), (0.5, 0.26), (0.22, 0.26), (0.22, 0.5),
        (-0.22, 0.5), (-0.22, 0.26), (-0.5, 0.26), (-0.5, -0.26), (-0.22, -0.26),
    ],
    "cut": [
        (-0.3, -0.5), (0.3, -0.5), (0.5, -0.3), (0.5, 0.3), (0.3, 0.5), (-0.3, 0.5), (-0.5, 0.3),
        (-0.5, -0.3),
    ],
}  # fmt: skip
"""Outlines in a unit square, anticlockwise."""

PATTERNS = pd.DataFrame(
    [
        # kind, row pitch, depth, slot, gap, share of empty slots, shapes
        ("lilong", 13.2, 9.4, 34.0, 5.2, 0.03, ("row", "row", "row", "ell")),
        ("village", 21.0, 10.2, 52.0, 6.5, 0.04, ("bays", "bays", "box")),
        ("slab", 27.0, 12.5, 46.0, 8.0, 0.05, ("bays", "box", "bays")),
        ("tower", 43.0, 23.0, 44.0, 18.0, 0.06, ("cross", "cut", "cross", "box")),
        ("office", 47.0, 32.0, 52.0, 12.0, 0.04, ("ell", "box", "court", "cut")),
        ("school", 48.0, 27.0, 72.0, 12.0, 0.30, ("court", "ell", "box")),
        ("selfbuilt", 16.0, 9.8, 15.5, 4.0, 0.16, ("box", "box", "ell")),
        ("factory", 34.0, 23.0, 48.0, 9.0, 0.08, ("box", "box", "ell")),
        ("shop", 10.0, 8.8, 15.0, 1.6, 0.04, ("box",)),
    ],
    columns=["kind", "pitch", "depth", "slot", "gap", "empty", "shapes"],
).set_index("kind")
"""Metres; project defaults, after the look of the quarters they are named for."""

_SHOP_DEPTH = 9.0
_BEHIND_SHOPS = 4.6
_APART_M = 0.6
_OFF_MAINS_M = 3.4
"""A little more than the 3.0 m of C02 and half a wide pipe ask for, less the accuracy of a good survey."""


def lay_out(
    blocks: pd.DataFrame, rng: np.random.Generator
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Places for buildings in all blocks, and the gaps between their rows.

    Returns
    -------
    places : DataFrame
        block, u, v, w (along u), d (along v), kind, shape, row.
    rows : DataFrame
        block, kind, u0, u1, v, behind_shops: lines between neighbouring rows of one block.
    lanes : DataFrame
        block, kind, u, v0, v1: the lane that leads into each estate from both streets.
    """
    inner = blocks.copy()
    south, north = (blocks["fronts"].to_numpy() & bit > 0 for bit in (1, 2))
    inner["v0"] = blocks["v0"] + np.where(south, _SHOP_DEPTH + _BEHIND_SHOPS, 0.0)
    inner["v1"] = blocks["v1"] - np.where(north, _SHOP_DEPTH + _BEHIND_SHOPS, 0.0)
    rows = [_grid(inner, inner["kind"].to_numpy(), rng)]
    for mask, low, high in (
        (south, blocks["v0"], blocks["v0"] + _SHOP_DEPTH),
        (north, blocks["v1"] - _SHOP_DEPTH, blocks["v1"]),
    ):
        strip = blocks.assign(v0=low, v1=high)[mask]
        rows.append(_grid(strip, np.full(len(strip), "shop", dtype=object), rng))
    passages = _gaps_between_rows(blocks, inner, south, north)
    return pd.concat(rows, ignore_index=True), passages, _lanes(blocks, inner)


def _lanes(blocks: pd.DataFrame, inner: pd.DataFrame) -> pd.DataFrame:
    """The lane between the middle columns of houses, from street to street."""
    rows, slots, pattern = _counts(inner, inner["kind"].to_numpy())
    gap = pattern["gap"].to_numpy(dtype=float)
    pitch = (blocks["u1"] - blocks["u0"]).to_numpy() + gap
    u = blocks["u0"].to_numpy() + pitch / np.maximum(slots, 1) * (slots // 2) - gap / 2
    estate = blocks["kind"].isin(["lilong", "village", "slab"]).to_numpy() & (slots > 1) & (rows > 1)
    lanes = blocks.assign(u=u)[["kind", "u", "v0", "v1"]][estate]
    return lanes.rename_axis("block").reset_index()


def _counts(blocks: pd.DataFrame, kinds: np.ndarray) -> tuple[np.ndarray, np.ndarray, pd.DataFrame]:
    """Rows and slots that fit each block of a kind with a pattern."""
    pattern = PATTERNS.reindex(kinds).reset_index(drop=True)
    width = (blocks["u1"] - blocks["u0"]).to_numpy()
    height = (blocks["v1"] - blocks["v0"]).to_numpy()
    slack = pattern["pitch"] - pattern["depth"]
    rows = np.nan_to_num(np.floor((height + slack.to_numpy()) / pattern["pitch"].to_numpy()))
    slots = np.nan_to_num(np.floor((width + pattern["gap"].to_numpy()) / pattern["slot"].to_numpy() + 0.35))
    rows = np.where(height < pattern["depth"].to_numpy(), 0, rows)
    return rows.astype(int), slots.astype(int), pattern


def _grid(blocks: pd.DataFrame, kinds: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    rows, slots, pattern = _counts(blocks, kinds)
    count = rows * slots
    owner = np.repeat(np.arange(len(blocks)), count)
    within = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
    row, slot = within // slots[owner], within % slots[owner]
    u0, u1, v0, v1 = (blocks[name].to_numpy()[owner] for name in ("u0", "u1", "v0", "v1"))
    gap, depth = (pattern[name].to_numpy(dtype=float)[owner] for name in ("gap", "depth"))
    pitch_u = (u1 - u0 + gap) / np.maximum(slots[owner], 1)
    spread = np.where(rows[owner] > 1, (v1 - v0 - depth) / np.maximum(rows[owner] - 1, 1), 0.0)
    alone = rows[owner] == 1
    kind = np.asarray(kinds, dtype=object)[owner]
    loose = kind == "selfbuilt"
    n = len(owner)
    places = pd.DataFrame(
        {
            "block": blocks.index.to_numpy()[owner],
            "kind": kind,
            "u": u0 + (slot + 0.5) * pitch_u - gap / 2 + np.where(loose, rng.uniform(-1.2, 1.2, n), 0.0),
            "v": np.where(alone, (v0 + v1) / 2, v0 + depth / 2 + row * spread),
            "w": (pitch_u - gap)
            * np.where(kind == "shop", rng.uniform(0.82, 1.0, n), rng.uniform(0.90, 1.0, n)),
            "d": depth * rng.uniform(0.9, 1.0, n),
            "turn": np.where(loose, rng.uniform(-0.12, 0.12, n), 0.0),
            "row": row,
        }
    )
    choice = rng.random(n)
    shapes = pattern["shapes"].to_numpy()
    lengths = np.array([len(words) if isinstance(words, tuple) else 1 for words in shapes])
    offset = np.cumsum(lengths) - lengths
    flat = np.concatenate([list(words) if isinstance(words, tuple) else ["box"] for words in shapes] or [[]])
    places["shape"] = flat[offset[owner] + (choice * lengths[owner]).astype(int)] if n else None
    return places[rng.random(n) >= pattern["empty"].to_numpy(dtype=float)[owner]]


def _gaps_between_rows(
    blocks: pd.DataFrame, inner: pd.DataFrame, south: np.ndarray, north: np.ndarray
) -> pd.DataFrame:
    """The passages between rows of houses, and those behind the shops."""
    rows, _, pattern = _counts(inner, inner["kind"].to_numpy())
    depth = pattern["depth"].to_numpy(dtype=float)
    v0, v1 = inner["v0"].to_numpy(), inner["v1"].to_numpy()
    between = np.maximum(rows - 1, 0)
    owner = np.repeat(np.arange(len(blocks)), between)
    number = np.arange(len(owner)) - np.repeat(np.cumsum(between) - between, between)
    spread = (v1 - v0 - depth) / np.maximum(rows - 1, 1)
    passages = [
        (owner, v0[owner] + depth[owner] + number * spread[owner] + (spread - depth)[owner] / 2, False)
    ]
    for mask, v in ((south, v0 - _BEHIND_SHOPS / 2), (north, v1 + _BEHIND_SHOPS / 2)):
        behind = np.flatnonzero(mask & (rows > 0))
        passages.append((behind, v[behind], True))
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "block": blocks.index.to_numpy()[which],
                    "kind": blocks["kind"].to_numpy()[which],
                    "u0": blocks["u0"].to_numpy()[which],
                    "u1": blocks["u1"].to_numpy()[which],
                    "v": v,
                    "behind_shops": behind_shops,
                }
            )
            for which, v, behind_shops in passages
        ],
        ignore_index=True,
    )


def outlines(places: pd.DataFrame, frame: Frame) -> np.ndarray:
    """Polygons of the places, each a shape stretched, turned along its street and set down."""
    middle = frame.place(places["u"].to_numpy(), places["v"].to_numpy())
    angle = frame.heading(places["u"].to_numpy()) + places["turn"].to_numpy()
    cos, sin = np.cos(angle), np.sin(angle)
    size = places[["w", "d"]].to_numpy()
    shapes = places["shape"].to_numpy()
    polygons = np.full(len(places), None, dtype=object)
    for name, corners in SHAPES.items():
        chosen = np.flatnonzero(shapes == name)
        if not len(chosen):
            continue
        ring = np.array([*corners, corners[0]])
        local = ring[None, :, :] * size[chosen, None, :]
        c, s = cos[chosen, None], sin[chosen, None]
        x = middle[chosen, None, 0] + local[..., 0] * c - local[..., 1] * s
        y = middle[chosen, None, 1] + local[..., 0] * s + local[..., 1] * c
        polygons[chosen] = shapely.polygons(np.round(np.stack([x, y], axis=-1), 3))
    return polygons


def standing(polygons: np.ndarray, frame: Frame, taken: np.ndarray, mains: np.ndarray) -> np.ndarray:
    """Which outlines can stand: on the sheet, off the taken ground, clear of each other.

    Parameters
    ----------
    taken : ndarray of Polygon
        Carriageways, water and what else buildings keep off.
    mains : ndarray of LineString
        Pipes that buildings keep clear of.

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    sheet = frame.sheet.buffer(-3.0)
    shapely.prepare(sheet)
    stands = np.asarray(shapely.within(polygons, sheet))
    tree = shapely.STRtree(polygons)
    _, hit = tree.query(taken, predicate="intersects")
    stands[hit] = False
    _, hit = tree.query(mains, predicate="dwithin", distance=_OFF_MAINS_M)
    stands[hit] = False
    left, right = tree.query(polygons, predicate="dwithin", distance=_APART_M)
    clash = (left < right) & stands[left] & stands[right]
    stands[right[clash]] = False
    return stands
