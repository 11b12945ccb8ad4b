"""The roads layer: streets, the elevated road, lanes of the estates, paths of the parks."""

from __future__ import annotations

import numpy as np
import pandas as pd

from . import names
from .frame import Frame, clip_lines
from .streets import Net

PATH_M = 2.5
_LANE_M, _ELEVATED_M = 3.5, 25.0
_INTO_STREET_M = 8.0


def make_roads(net: Net, lanes: pd.DataFrame, blocks: pd.DataFrame, frame: Frame) -> pd.DataFrame:
    """All roads: streets, elevated roads, lanes of the estates, park paths; streets come first."""
    streets = net.segments[["name", "highway", "width_m", "lanes", "bridge", "line"]].rename(
        columns={"line": "geometry"}
    )
    rows = np.repeat(net.south_north[net.elevated], len(net.west_east) - 1)
    west, east = (np.tile(part, len(net.elevated)) for part in (net.west_east[:-1], net.west_east[1:]))
    # Not right above the middle of the street below: the two would pass for one road recorded twice.
    elevated = frame.lines(np.stack([west, rows + 1.0], axis=1), np.stack([east, rows + 1.0], axis=1))
    overhang = np.array([0.0, _INTO_STREET_M])
    inner = frame.lines(lanes[["u", "v0"]].to_numpy() - overhang, lanes[["u", "v1"]].to_numpy() + overhang)
    place = np.array(names.PLACES, dtype=object)[lanes["block"].to_numpy() % len(names.PLACES)]
    ending = lanes["kind"].map({"lilong": "里弄", "village": "新村路", "slab": "小区路"}).to_numpy()
    paths = _park_paths(blocks, frame)
    more = [
        (names.ELEVATED, "trunk", _ELEVATED_M, 6.0, True, elevated),
        (place + ending, "service", _LANE_M, 1.0, False, inner),
        (None, "footway", PATH_M, np.nan, False, paths),
    ]
    parts = [streets]
    for name, highway, width, lane_count, bridge, lines in more:
        clipped, _ = clip_lines(lines, frame.sheet)
        data = {
            "name": name,
            "highway": highway,
            "width_m": width,
            "lanes": lane_count,
            "bridge": bridge,
            "geometry": clipped,
        }
        part = pd.DataFrame(data, index=range(len(lines)))
        parts.append(part[part["geometry"].notna()])
    table = pd.concat(parts, ignore_index=True)
    table["bridge"] = table["bridge"].astype(bool)
    return table.assign(
        id=[f"LU{number:07d}" for number in range(1, len(table) + 1)],
        tunnel=False,
        layer=np.where(table["bridge"], 1.0, 0.0),
    )


def _park_paths(blocks: pd.DataFrame, frame: Frame) -> np.ndarray:
    """A path around each park and one across it, north of the pond."""
    parks = blocks[blocks["kind"] == "park"]
    u0, u1, v0, v1 = (
        parks[name].to_numpy() + off for name, off in (("u0", 7), ("u1", -7), ("v0", 7), ("v1", -7))
    )
    across = v0 + (v1 - v0) * 0.72
    sides = [(u0, v0, u1, v0), (u1, v0, u1, v1), (u1, v1, u0, v1), (u0, v1, u0, v0), (u0, across, u1, across)]
    return np.concatenate(
        [frame.lines(np.stack([a, b], axis=1), np.stack([c, d], axis=1), vertices=9) for a, b, c, d in sides]
    )
