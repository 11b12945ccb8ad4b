"""The street net: main streets, the smaller streets inside, the creek and its bridges, the elevated road."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely

from . import names
from .frame import Frame, clip_lines

CREEK_HALF_M = 21.0
BANK_ROAD_M = 46.0
_CREEK_SWING, _CREEK_WAVE = 24.0, 2 * np.pi / 690.0
_STRIP_EVERY = 12
_PIPES_WITHIN, _DEEP_SHARE = 0.42, 0.75
"""How far from its middle a street's pipes lie, as a share of its width; how much must be so far inside."""

_STEP = 0.055
"""Inner streets stand on multiples of this share, so that opposite ones meet or keep 12 m apart."""


@dataclass(frozen=True)
class Net:
    """The street net in street coordinates and on the sheet.

    Attributes
    ----------
    segments : DataFrame
        One row a street segment between junctions: name, highway, width_m, lanes, bridge, run, main,
        node_a, node_b, line (on the sheet, cut at its edge), whole (not cut).
    nodes : DataFrame
        u, v, and the widths of the streets through it along u and along v (`ew_width`, `ns_width`).
    supers : DataFrame
        The areas between main streets: i, j, kind (creek, park, plain), inner streets as columns a0, a1, b0.
    west_east, south_north : ndarray
        u of the north-south main streets, v of the east-west ones.
    """

    segments: pd.DataFrame
    nodes: pd.DataFrame
    supers: pd.DataFrame
    west_east: np.ndarray
    south_north: np.ndarray
    ns_width: np.ndarray
    ew_width: np.ndarray
    elevated: np.ndarray
    """Indices of the east-west main streets that carry an elevated road."""
    creeks: np.ndarray
    """v of the middle of each creek."""


def creek_line(middle: np.ndarray, u: np.ndarray) -> np.ndarray:
    """V of a creek's centre line at u, metres."""
    return middle + _CREEK_SWING * np.sin(_CREEK_WAVE * u + 0.4) + 6.0 * np.sin(2.7 * _CREEK_WAVE * u)


def make_net(frame: Frame, rng: np.random.Generator) -> Net:
    """The street net that covers a sheet."""
    half_u, half_v = frame.half_extent
    west_east = _positions(half_u, 235.0, 320.0, rng)
    south_north, strips = _rows(half_v, rng)
    ns_class, ew_class = _classes(len(west_east), 1), _classes(len(south_north), 0)
    # The elevated road runs over the street between the middle of the sheet and its southern edge.
    first = int(np.abs(south_north + 0.44 * half_v).argmin())
    elevated = np.arange(first % _STRIP_EVERY, len(south_north), _STRIP_EVERY)
    elevated = elevated[~np.isin(elevated, strips) & ~np.isin(elevated - 1, strips)]
    ns_width, ew_width = _main_width(ns_class, rng), _main_width(ew_class, rng)
    ew_width[elevated] = 38.0
    ew_class[elevated] = "primary"
    creeks = (south_north[strips] + south_north[strips + 1]) / 2
    supers = _supers(west_east, south_north, strips, creeks, rng)
    runs, entries = _runs(
        west_east, south_north, ns_class, ew_class, ns_width, ew_width, elevated, supers, rng
    )
    nodes, segments = _graph(runs, entries)
    segments = _drop_and_bridge(segments, nodes, rng)
    ends = nodes[["u", "v"]].to_numpy()
    raw = frame.lines(ends[segments["node_a"]], ends[segments["node_b"]])
    segments["line"], segments["whole"] = clip_lines(raw, frame.sheet)
    segments = segments[_deep_enough(segments, frame)].reset_index(drop=True)
    return Net(segments, nodes, supers, west_east, south_north, ns_width, ew_width, elevated, creeks)


def _deep_enough(segments: pd.DataFrame, frame: Frame) -> np.ndarray:
    """Segments that do not run along the sheet's edge, where it would cut off their pipes, shape (n,)."""
    lines = segments["line"].to_numpy()
    there = np.not_equal(lines, None)
    cut = np.flatnonzero(there)
    depth = _PIPES_WITHIN * segments["width_m"].to_numpy()[cut] + 1.0
    west, south, east, north = frame.bounds
    inner = shapely.box(west + depth, south + depth, east - depth, north - depth)
    kept = shapely.length(shapely.intersection(lines[cut], inner)) / shapely.length(lines[cut])
    there[cut[kept < _DEEP_SHARE]] = False
    return there


def _positions(half: float, low: float, high: float, rng: np.random.Generator) -> np.ndarray:
    """Positions of main streets from -half to half, differently spaced."""
    gaps = rng.uniform(low, high, int(np.ceil(2 * half / low)) + 1)
    along = np.concatenate([[0.0], np.cumsum(gaps)])
    count = int(np.searchsorted(along, 2 * half)) + 1
    along = along[:count]
    return along - (along[0] + along[-1]) / 2


def _rows(half: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """V of the east-west main streets, and the rows between them that a creek runs through."""
    base = _positions(half, 172.0, 232.0, rng)
    first = int(np.clip(np.abs((base[1:] + base[:-1]) / 2 - 0.30 * half).argmin(), 1, len(base) - 3))
    strips = np.arange(first % _STRIP_EVERY, len(base) - 1, _STRIP_EVERY)
    gaps = np.diff(base)
    gaps[strips] = 296.0
    stretched = np.concatenate([[0.0], np.cumsum(gaps)])
    shift = stretched[first] - base[first]
    return stretched - shift, strips


def _classes(count: int, shift: int) -> np.ndarray:
    return np.array(["primary", "tertiary", "secondary"], dtype=object)[(np.arange(count) + shift) % 3]


def _main_width(classes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    base = (
        pd.Series(classes).map({"primary": 27.0, "secondary": 19.0, "tertiary": 14.0}).to_numpy(dtype=float)
    )
    return base + rng.integers(-1, 3, len(classes))


def _supers(
    west_east: np.ndarray,
    south_north: np.ndarray,
    strips: np.ndarray,
    creeks: np.ndarray,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """The areas between main streets and where smaller streets cut them (NaN: no such street)."""
    j, i = (grid.ravel() for grid in np.indices((len(south_north) - 1, len(west_east) - 1)))
    count = len(i)
    middle = np.full(len(south_north) - 1, np.nan)
    middle[strips] = creeks
    kind = np.where(np.isin(j, strips), "creek", "plain").astype(object)
    centre = (west_east[i] + west_east[i + 1]) / 2, (south_north[j] + south_north[j + 1]) / 2
    distance = np.hypot(centre[0] + 60.0, centre[1] + 10.0)
    distance[kind == "creek"] = np.inf
    kind[distance.argmin()] = "park"
    green = (rng.random(count) < 0.025) & (kind == "plain") & (distance > 700)
    kind[green] = "park"
    two = rng.random(count) < 0.5
    shift = rng.integers(-1, 2, (count, 3)) * _STEP
    width = np.diff(west_east)[i]
    a0 = np.where(two, 6 * _STEP, 9 * _STEP) + shift[:, 0]
    a1 = np.where(two, 12 * _STEP, np.nan) + shift[:, 1]
    b0 = np.where(rng.random(count) < 0.88, 9 * _STEP, np.nan) + shift[:, 2]
    inner = kind != "park"
    height = np.diff(south_north)[j]
    return pd.DataFrame(
        {
            "i": i,
            "j": j,
            "kind": kind,
            "creek": middle[j],
            "a0": np.where(inner, west_east[i] + a0 * width, np.nan),
            "a1": np.where(inner, west_east[i] + a1 * width, np.nan),
            "b0": np.where(inner & (kind == "plain"), south_north[j] + b0 * height, np.nan),
        }
    )


def _runs(
    west_east: np.ndarray,
    south_north: np.ndarray,
    ns_class: np.ndarray,
    ew_class: np.ndarray,
    ns_width: np.ndarray,
    ew_width: np.ndarray,
    elevated: np.ndarray,
    supers: pd.DataFrame,
    rng: np.random.Generator,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Straight pieces of street, and every junction on each of them."""
    nx, ny = len(west_east), len(south_north)
    count = len(supers)
    i, j = supers["i"].to_numpy(), supers["j"].to_numpy()
    ew_run = np.arange((nx - 1) * ny).reshape(ny, nx - 1)
    ns_run = (nx - 1) * ny + np.arange(nx * (ny - 1)).reshape(ny - 1, nx)
    first = ew_run.size + ns_run.size
    inner = first + np.arange(count * 4).reshape(4, count)
    ns_names, ew_names = _main_names(nx, ny, elevated)
    highway = np.where(rng.random((4, count)) < 0.14, "living_street", "residential").astype(object)
    width = np.where(highway == "living_street", 7.0, rng.integers(9, 12, (4, count)).astype(float))
    creek = (supers["kind"] == "creek").to_numpy()
    title = names.street_names(names.LANES, 4 * count).reshape(count, 4).T
    title[2, creek], title[3, creek] = names.SOUTH_BANK, names.NORTH_BANK
    highway[2:, creek], width[2:, creek] = "tertiary", 11.0
    runs = pd.DataFrame(
        {
            "name": np.concatenate([np.repeat(ew_names, nx - 1), np.tile(ns_names, ny - 1), title.ravel()]),
            "highway": np.concatenate(
                [np.repeat(ew_class, nx - 1), np.tile(ns_class, ny - 1), highway.ravel()]
            ),
            "width_m": np.concatenate(
                [np.repeat(ew_width, nx - 1), np.tile(ns_width, ny - 1), width.ravel()]
            ),
            "along_u": np.repeat(
                [True, False, False, True], [ew_run.size, ns_run.size, 2 * count, 2 * count]
            ),
            "main": np.repeat([True, False], [first, 4 * count]),
        }
    )
    entries: list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]] = []

    def add(run: np.ndarray, u: np.ndarray, v: np.ndarray, bank: bool = False) -> None:
        run, u, v = np.broadcast_arrays(run, u, v)
        entries.append((run.ravel(), u.ravel(), v.ravel(), np.full(run.size, bank)))

    add(ew_run, west_east[None, :-1], south_north[:, None])
    add(ew_run, west_east[None, 1:], south_north[:, None])
    add(ns_run, west_east[None, :], south_north[:-1, None])
    add(ns_run, west_east[None, :], south_north[1:, None])
    middle = supers["creek"].to_numpy()
    cuts = [supers["a0"].to_numpy(), supers["a1"].to_numpy()]
    b0 = supers["b0"].to_numpy()
    for number, u in enumerate(cuts):
        for side in (0, 1):
            v = south_north[j + side]
            add(ew_run[j + side, i], u, v)
            add(inner[number], u, v)
        for row, bank in ((2, -BANK_ROAD_M), (3, BANK_ROAD_M)):
            v = np.where(creek, creek_line(middle, u) + bank, b0 if row == 2 else np.nan)
            add(inner[number], u, v, True)
            add(inner[row], u, v, True)
    for side in (0, 1):
        u = west_east[i + side]
        for row, bank in ((2, -BANK_ROAD_M), (3, BANK_ROAD_M)):
            v = np.where(creek, creek_line(middle, u) + bank, b0 if row == 2 else np.nan)
            add(ns_run[j, i + side], u, v, True)
            add(inner[row], u, v, True)
    run, u, v, bank_mark = (np.concatenate(part) for part in zip(*entries))
    table = pd.DataFrame({"run": run, "u": u, "v": v, "at_b": bank_mark}).dropna()
    return runs, table


def _main_names(nx: int, ny: int, elevated: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Names of the main streets, the best known ones in the middle of the sheet."""
    ns, ew = (
        names.street_names(pool, count)[
            np.argsort(np.argsort(np.abs(np.arange(count) - (count - 1) / 2 + 0.1)))
        ]
        for pool, count in ((names.NORTH_SOUTH, nx), (names.EAST_WEST, ny))
    )
    ew[elevated] = names.UNDER_ELEVATED
    return ns, ew


def _graph(runs: pd.DataFrame, entries: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Junctions merged by place, and the segments between neighbours on each run."""
    keys = np.round(entries[["u", "v"]].to_numpy() * 100).astype(np.int64)
    places, node = np.unique(keys, axis=0, return_inverse=True)
    node = node.ravel()
    run = entries["run"].to_numpy()
    along_u = runs["along_u"].to_numpy()[run]
    width = runs["width_m"].to_numpy()[run]
    nodes = pd.DataFrame({"u": places[:, 0] / 100, "v": places[:, 1] / 100})
    for column, mask in (("ew_width", along_u), ("ns_width", ~along_u)):
        widest = np.zeros(len(nodes))
        np.maximum.at(widest, node[mask], width[mask])
        nodes[column] = widest
    nodes["at_b"] = False
    nodes.loc[np.unique(node[entries["at_b"].to_numpy()]), "at_b"] = True
    position = np.where(along_u, places[node, 0], places[node, 1])
    order = np.lexsort((position, run))
    run, node = run[order], node[order]
    linked = (run[1:] == run[:-1]) & (node[1:] != node[:-1])
    segments = runs.iloc[run[1:][linked]].reset_index(drop=True)
    segments["run"] = run[1:][linked]
    segments["node_a"], segments["node_b"] = node[:-1][linked], node[1:][linked]
    return nodes, segments


def _drop_and_bridge(segments: pd.DataFrame, nodes: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Between the banks main streets and a few others become bridges, the rest end there."""
    a, b = nodes.iloc[segments["node_a"]], nodes.iloc[segments["node_b"]]
    span = np.abs(b["v"].to_numpy() - a["v"].to_numpy())
    across = (
        a["at_b"].to_numpy()
        & b["at_b"].to_numpy()
        & ~segments["along_u"].to_numpy()
        & (np.abs(span - 2 * BANK_ROAD_M) < 0.5)
    )
    kept = ~across | segments["main"].to_numpy() | (rng.random(len(segments)) < 0.2)
    segments["bridge"] = across
    segments["lanes"] = np.maximum(1.0, np.floor(segments["width_m"].to_numpy() / 3.6))
    return segments[kept].reset_index(drop=True)


def carriageways(lines: np.ndarray, width: np.ndarray) -> np.ndarray:
    """Ground that a carriageway covers: the line widened to both sides."""
    return np.asarray(shapely.buffer(lines, width / 2, cap_style="flat", join_style="mitre"))
