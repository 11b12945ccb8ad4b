"""Where the pipes lie: lanes along the streets, branches into the estates, connections to the houses."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
import shapely

from .frame import Frame, clip_lines, in_core
from .streets import Net

COLUMNS = ["class_code", "kind_code", "part", "segment", "node_a", "node_b", "whole", "line"]
"""Of every table of pipes here.

`part` is main, lane, service, inlet (rain inlet to storm sewer) or loose (joined to nothing), `segment`
the street it follows (-1: none).
"""


class Lane(NamedTuple):
    """A pipe's lane: distance from the street's middle as a share of its width, how often it is laid."""

    class_code: str
    kind_code: str
    share: float
    main: float
    inner: float
    over_creek: bool


LANES = (
    Lane("JS", "JP", -0.30, 1.0, 1.0, True),
    Lane("PS", "WS", -0.10, 1.0, 1.0, False),
    Lane("PS", "YS", 0.10, 0.97, 0.80, False),
    Lane("RQ", "TR", 0.30, 0.95, 0.88, True),
    Lane("DL", "GD", -0.42, 1.0, 1.0, True),
    Lane("TX", "XX", 0.42, 1.0, 1.0, True),
)
_HEATING = Lane("RL", "ZQ", 0.21, 1.0, 0.0, True)
_FUEL = Lane("HY", "HY", -0.21, 1.0, 0.0, True)
_BRANCHES = (("JS", "JP", -1.0), ("PS", "WS", 0.0), ("RQ", "TR", 1.0))
_SERVICES = (
    ("JS", "JP", 0.42),
    ("PS", "WS", 0.40),
    ("RQ", "TR", 0.34),
    ("DL", "GD", 0.16),
    ("TX", "XX", 0.12),
)
_NEW_TOWN_SHARE, _NEW_TOWN_STORM = 0.2, 0.35
"""Outside the old city fewer connections and storm sewers are on record."""

_SERVICE_REACH_M = 32.0
_INTO_HOUSE_M = 0.3


def lay_mains(net: Net, frame: Frame, rng: np.random.Generator) -> pd.DataFrame:
    """Pipes along the streets, from junction to junction; pipes of one lane share their end points exactly.

    Returns
    -------
    DataFrame
        `COLUMNS`, lines cut at the sheet's edge.
    """
    segments, nodes = net.segments, net.nodes
    parts = []
    for lane in (*LANES, _HEATING, _FUEL):
        chosen = segments[_laid(lane, net, frame, rng)]
        u = nodes["u"].to_numpy() + lane.share * nodes["ns_width"].to_numpy()
        v = nodes["v"].to_numpy() + lane.share * nodes["ew_width"].to_numpy()
        ends = np.stack([u, v], axis=1)
        lines, whole = clip_lines(frame.lines(ends[chosen["node_a"]], ends[chosen["node_b"]]), frame.sheet)
        parts.append(
            pd.DataFrame(
                {
                    "class_code": lane.class_code,
                    "kind_code": lane.kind_code,
                    "part": "main",
                    "segment": chosen.index.to_numpy(),
                    "node_a": chosen["node_a"].to_numpy(),
                    "node_b": chosen["node_b"].to_numpy(),
                    "whole": whole,
                    "line": lines,
                }
            )
        )
    table = pd.concat(parts, ignore_index=True)
    return table[table["line"].notna()].reset_index(drop=True)


def _laid(lane: Lane, net: Net, frame: Frame, rng: np.random.Generator) -> np.ndarray:
    """Street segments that carry the lane."""
    segments = net.segments
    main = segments["main"].to_numpy()
    often = np.where(main, lane.main, lane.inner)
    if lane.kind_code == "YS":
        often = often * np.where(in_core(segments["line"].to_numpy(), frame), 1.0, _NEW_TOWN_STORM)
    laid = rng.random(len(segments)) < often
    if lane.class_code == "HY":
        middle = float(net.west_east[len(net.west_east) // 5])
        laid &= ~segments["along_u"].to_numpy() & (
            net.nodes["u"].to_numpy()[segments["node_a"]] == round(middle, 2)
        )
    if lane.class_code == "RL":
        east = net.nodes["u"].to_numpy()[segments["node_a"]] > 0
        laid &= east & (segments["highway"] == "secondary").to_numpy()
    if not lane.over_creek:
        laid &= ~segments["bridge"].to_numpy()
    return np.asarray(laid)


def lay_branches(lanes: pd.DataFrame, mains: pd.DataFrame, frame: Frame) -> pd.DataFrame:
    """Pipes from the street's main into the lane of each estate, capped at the far end."""
    parts = []
    for class_code, kind_code, offset in _BRANCHES:
        fed = mains[(mains["class_code"] == class_code) & (mains["kind_code"] == kind_code)]
        u = lanes["u"].to_numpy() + offset
        south = frame.place(u, lanes["v0"].to_numpy())
        north = frame.place(u, lanes["v1"].to_numpy())
        _, gate, distance = _nearest(fed["line"].to_numpy(), shapely.points(south))
        lines = np.asarray(shapely.linestrings(np.stack([gate, south, north], axis=1)))
        parts.append(loose_pipes(class_code, kind_code, "lane", lines[distance < 30.0]))
    table = pd.concat(parts, ignore_index=True)
    inside = shapely.within(table["line"].to_numpy(), frame.sheet)
    return table[inside].reset_index(drop=True)


def lay_services(
    outlines: np.ndarray,
    pipes: pd.DataFrame,
    wells: np.ndarray,
    spared: np.ndarray,
    frame: Frame,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Connections of houses to the nearest main or branch, ending 0.3 m inside the wall.

    Parameters
    ----------
    outlines : ndarray of Polygon
    pipes : DataFrame
        Mains and branches.
    wells : ndarray of Point
        Manholes of the foul sewers: drains start at one of them.
    spared : ndarray of bool, shape (len(pipes),)
        Pipes that get no connection.
    """
    tree = shapely.STRtree(outlines)
    middle = shapely.centroid(outlines)
    core = in_core(outlines, frame)
    parts = []
    for class_code, kind_code, share in _SERVICES:
        feeds = pipes[
            (pipes["class_code"] == class_code)
            & ((pipes["kind_code"] == kind_code) | (pipes["part"] == "lane"))
            & ~spared
        ]["line"].to_numpy()
        house = np.flatnonzero(rng.random(len(outlines)) < share * np.where(core, 1.0, _NEW_TOWN_SHARE))
        if class_code == "PS":
            tap = shapely.get_coordinates(wells[shapely.STRtree(wells).nearest(middle[house])])
        else:
            _, tap, _ = _nearest(feeds, middle[house])
        reach = shapely.get_coordinates(shapely.shortest_line(shapely.points(tap), outlines[house])).reshape(
            -1, 2, 2
        )
        length = np.hypot(*(reach[:, 1] - reach[:, 0]).T)
        fits = (length > 1.0) & (length < _SERVICE_REACH_M)
        reach, length = reach[fits], length[fits]
        reach[:, 1] += (reach[:, 1] - reach[:, 0]) / length[:, None] * _INTO_HOUSE_M
        lines = np.asarray(shapely.linestrings(reach))
        line, crossed = tree.query(lines, predicate="intersects")
        under = shapely.length(shapely.intersection(lines[line], outlines[crossed]))
        alone = np.bincount(line, minlength=len(lines)) == 1
        short = np.bincount(line, weights=under, minlength=len(lines)) < 2 * _INTO_HOUSE_M
        parts.append(loose_pipes(class_code, kind_code, "service", lines[alone & short]))
    return pd.concat(parts, ignore_index=True)


def lay_inlets(wells: pd.DataFrame, net: Net) -> pd.DataFrame:
    """Connectors of the storm sewers: from a rain inlet at the kerb to a manhole, one a street segment.

    Parameters
    ----------
    wells : DataFrame
        kind_code, segment, between (not at a junction), geometry.
    """
    storm = wells[(wells["kind_code"] == "YS") & wells["between"]].drop_duplicates("segment")
    segment = storm["segment"].to_numpy()
    end = shapely.get_coordinates(storm["geometry"].to_numpy())
    street = net.segments["line"].to_numpy()[segment]
    on = shapely.line_interpolate_point(
        street, shapely.line_locate_point(street, storm["geometry"].to_numpy())
    )
    outward = end - shapely.get_coordinates(on)
    outward /= np.hypot(*outward.T)[:, None]
    kerb = (
        shapely.get_coordinates(on)
        + outward * (net.segments["width_m"].to_numpy()[segment] / 2 - 0.4)[:, None]
    )
    lines = np.asarray(shapely.linestrings(np.stack([kerb, end], axis=1)))
    return loose_pipes("PS", "YS", "inlet", lines[shapely.length(lines) > 0.5])


def _nearest(lines: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Index of the nearest line of each point, the nearest place on it, shape (n, 2), and the distance."""
    nearest = shapely.STRtree(lines).nearest(points)
    on_line = shapely.line_interpolate_point(
        lines[nearest], shapely.line_locate_point(lines[nearest], points)
    )
    return nearest, shapely.get_coordinates(on_line), np.asarray(shapely.distance(on_line, points))


def loose_pipes(class_code: str, kind_code: str, part: str, lines: np.ndarray) -> pd.DataFrame:
    """A table of pipes that follow no street."""
    return pd.DataFrame(
        {
            "class_code": class_code,
            "kind_code": kind_code,
            "part": part,
            "segment": -1,
            "node_a": -1,
            "node_b": -1,
            "whole": True,
            "line": lines,
        }
    )


def shortened(line: shapely.LineString, start: float, end: float) -> shapely.LineString:
    """The part of a line between two distances from its start, metres."""
    places = shapely.line_locate_point(line, shapely.points(shapely.get_coordinates(line)))
    kept = shapely.get_coordinates(line)[(places > start + 1e-6) & (places < end - 1e-6)]
    ends = shapely.get_coordinates(shapely.line_interpolate_point(line, [start, end]))
    return shapely.linestrings(np.concatenate([ends[:1], kept, ends[1:]]))
