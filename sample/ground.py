"""What lies between streets and houses: water, green, alleys, the space under the viaduct, the units."""

from __future__ import annotations

from typing import Optional

import numpy as np
import pandas as pd
import shapely

from . import names
from .blocks import fringe_limit
from .frame import Frame, clip_lines
from .ids import numbered
from .streets import CREEK_HALF_M, Net, creek_line

GREEN = "0405"
"""Component code of green space."""

_PROMENADE = (CREEK_HALF_M + 3.5, 38.5)
_UNITS = (
    # code, name, zone, west to east third, south to north share, population a household table lacks
    ("310107015", "长寿路街道", "core", 0, (0.0, 0.5)),
    ("310107102", "长征镇", "fringe", 0, (0.5, 1.0)),
    ("310106011", "江宁路街道", "core", 1, (0.0, 0.45)),
    ("310106014", "曹家渡街道", "core", 1, (0.45, 1.0)),
    ("310101015", "淮海中路街道", "core", 2, (0.0, 0.3)),
    ("310101002", "南京东路街道", "core", 2, (0.3, 0.68)),
    ("310101013", "外滩街道", "core", 2, (0.68, 1.0)),
)
_DISTRICTS = {"310107": "普陀区", "310106": "静安区", "310101": "黄浦区"}


def rectangle(frame: Frame, u0: np.ndarray, u1: np.ndarray, v0: np.ndarray, v1: np.ndarray) -> np.ndarray:
    """Bent rectangles of street coordinates as polygons, 6 points a side along u."""
    share = np.linspace(0.0, 1.0, 6)
    along = u0[:, None] + (u1 - u0)[:, None] * share
    u = np.concatenate([along, along[:, ::-1], along[:, :1]], axis=1)
    v = np.concatenate([np.repeat(v0[:, None], 6, 1), np.repeat(v1[:, None], 6, 1), v0[:, None]], axis=1)
    return np.asarray(shapely.polygons(np.round(frame.place(u, v), 3)))


def _ribbon(frame: Frame, middle: float, u: np.ndarray, low: float, high: float) -> shapely.Polygon:
    """The strip between two offsets from a creek's centre line."""
    line = creek_line(np.float64(middle), u)
    ring = np.concatenate([frame.place(u, line + low), frame.place(u[::-1], line[::-1] + high)])
    return shapely.polygons(ring)


def _banks(net: Net, frame: Frame) -> np.ndarray:
    """The promenades on both sides of each creek, from main street to main street."""
    west = net.west_east[:-1] + net.ns_width[:-1] / 2 + 1.0
    east = net.west_east[1:] - net.ns_width[1:] / 2 - 1.0
    strips = [
        _ribbon(frame, middle, np.linspace(start, end, 24), side * _PROMENADE[0], side * _PROMENADE[1])
        for middle in net.creeks
        for side in (-1, 1)
        for start, end in zip(west, east)
    ]
    return np.array(strips, dtype=object)


def make_water(net: Net, frame: Frame) -> pd.DataFrame:
    """The creeks and the pond of each big park: id, name, geometry."""
    half, _ = frame.half_extent
    reach = np.arange(-half - 50.0, half + 50.0, 12.0)
    creeks = [_ribbon(frame, middle, reach, -CREEK_HALF_M, CREEK_HALF_M) for middle in net.creeks]
    parks = net.supers[net.supers["kind"] == "park"]
    i, j = parks["i"].to_numpy(), parks["j"].to_numpy()
    u = net.west_east[i] * 0.66 + net.west_east[i + 1] * 0.34
    v = net.south_north[j] * 0.62 + net.south_north[j + 1] * 0.38
    turn = np.linspace(0.0, 2 * np.pi, 49)[None, :-1]
    radius = 1.0 + 0.20 * np.sin(2 * turn + 0.5) + 0.10 * np.sin(3 * turn)
    ponds = shapely.polygons(
        frame.place(u[:, None] + 44.0 * radius * np.cos(turn), v[:, None] + 27.0 * radius * np.sin(turn))
    )
    shapes = shapely.intersection(np.concatenate([np.array(creeks, dtype=object), ponds]), frame.sheet)
    label = [names.CREEK] * len(creeks) + ["荷花池"] * len(parks)
    table = pd.DataFrame({"name": label, "geometry": shapely.set_precision(shapes, 0.001)})
    table = table[~shapely.is_empty(table["geometry"].to_numpy())].reset_index(drop=True)
    return table.assign(id=[f"SY{number:04d}" for number in range(1, len(table) + 1)])


def make_green(
    net: Net, blocks: pd.DataFrame, frame: Frame, water: np.ndarray, roads: np.ndarray
) -> pd.DataFrame:
    """Parks, small gardens and the promenades along the creeks: name, geometry."""
    parks = blocks[blocks["kind"] == "park"]
    gardens = blocks[blocks["kind"] == "green"]
    shapes = [
        rectangle(frame, *(part[name].to_numpy() for name in ("u0", "u1", "v0", "v1")))
        for part in (parks, gardens)
    ]
    banks = _banks(net, frame)
    bank, street = shapely.STRtree(roads).query(banks, predicate="intersects")
    for row in np.unique(bank):
        banks[row] = shapely.difference(banks[row], shapely.union_all(roads[street[bank == row]]))
    banks = shapely.get_parts(banks)
    banks = banks[shapely.area(banks) > 250.0]
    label = np.repeat(["park", "garden", "bank"], [len(parks), len(gardens), len(banks)])
    table = pd.DataFrame({"what": label, "geometry": np.concatenate([*shapes, banks])})
    dry = shapely.intersection(table["geometry"].to_numpy(), frame.sheet)
    green, wet = shapely.STRtree(water).query(dry, predicate="intersects")
    for row in np.unique(green):
        dry[row] = shapely.difference(dry[row], shapely.union_all(water[wet[green == row]]))
    table["geometry"] = shapely.set_precision(dry, 0.001)
    table = table[shapely.area(table["geometry"].to_numpy()) > 150.0].reset_index(drop=True)
    park_names = names.street_names([names.PARK, "静安公园", "中山公园", "复兴公园", "襄阳公园"], len(table))
    number = table.groupby("what").cumcount().to_numpy()
    table["name"] = np.where(table["what"] == "park", park_names[number], None)
    table.loc[table["what"] == "bank", "name"] = "苏州河滨河绿地"
    return table


def make_neglected(
    net: Net, passages: pd.DataFrame, blocks: pd.DataFrame, frame: Frame, rng: np.random.Generator
) -> pd.DataFrame:
    """Back alleys between rows of lane houses and behind shops, strips under the elevated road, scraps."""
    alley = (passages["kind"] == "lilong") | passages["behind_shops"] & (rng.random(len(passages)) < 0.6)
    chosen = passages[alley.to_numpy()]
    ends = [chosen[["u0", "v"]].to_numpy(), chosen[["u1", "v"]].to_numpy()]
    lines, _ = clip_lines(frame.lines(*ends), frame.sheet)
    there = np.not_equal(lines, None)
    place = rng.choice(np.array(names.PLACES, dtype=object), len(lines))
    alleys = pd.DataFrame(
        {
            "kind": "back_alley",
            "name": [f"{name}里{number}弄" for name, number in zip(place, rng.integers(2, 400, len(lines)))],
            "width_m": np.round(
                np.where(chosen["behind_shops"], 4.0, 2.8) + rng.uniform(-0.4, 0.4, len(lines)), 1
            ),
            "geometry": lines,
        }
    )[there]
    spans = _under_viaduct(net, frame)
    table = pd.concat([spans, alleys, _leftover(blocks, frame)], ignore_index=True)
    word = (
        table["kind"].map({"back_alley": "BJ", "under_viaduct": "QX", "leftover": "BD"}).to_numpy(dtype=str)
    )
    return table.assign(id=numbered(word, np.arange(1, len(table) + 1), width=6))


def _leftover(blocks: pd.DataFrame, frame: Frame) -> pd.DataFrame:
    """Scraps of ground between a block and its street that nobody uses, at every eleventh block."""
    some = blocks[(blocks["kind"] != "park").to_numpy() & (np.arange(len(blocks)) % 11 == 3)]
    u, v = some["u0"].to_numpy(), some["v0"].to_numpy()
    shapes = rectangle(frame, u + 2.0, u + 11.0, v - 2.2, v - 0.4)
    shapely.prepare(frame.sheet)
    shapes = shapes[shapely.contains_properly(frame.sheet, shapes)]
    number = np.arange(1, len(shapes) + 1)
    return pd.DataFrame(
        {"kind": "leftover", "name": [f"边角地{n}号" for n in number], "width_m": 1.8, "geometry": shapes}
    )


def _under_viaduct(net: Net, frame: Frame) -> pd.DataFrame:
    """The ground under each elevated road between the streets it crosses."""
    west, east = net.west_east[:-1], net.west_east[1:]
    rows = np.repeat(net.elevated, len(west))
    u0 = np.tile(west + net.ns_width[:-1] / 2 + 9.0, len(net.elevated))
    u1 = np.tile(east - net.ns_width[1:] / 2 - 9.0, len(net.elevated))
    v = net.south_north[rows]
    shapes = shapely.intersection(rectangle(frame, u0, u1, v - 7.5, v + 7.5), frame.sheet)
    numbers = np.arange(1, len(shapes) + 1)
    table = pd.DataFrame(
        {
            "kind": "under_viaduct",
            "name": [f"{names.ELEVATED}桥下{number}号空间" for number in numbers],
            "width_m": 15.0,
            "geometry": shapely.set_precision(shapes, 0.001),
        }
    )
    return table[shapely.area(shapes) > 200.0]


def make_units(net: Net, frame: Frame) -> pd.DataFrame:
    """City, districts and subdistricts: whole coverage of the sheet, borders along main streets.

    Returns
    -------
    DataFrame
        code, level, name, parent_code, zone_type, geometry.
    """
    half_u, half_v = frame.half_extent
    first = _nearest(net.west_east, fringe_limit(frame))
    second = max(_nearest(net.west_east, 0.16 * frame.columns * 100.0), first + 1)
    thirds = [-half_u, net.west_east[first], net.west_east[second], half_u]
    span_v = np.linspace(-half_v, half_v, max(int(half_v / 8), 2))
    borders = [_line(frame, np.full_like(span_v, u), span_v) for u in thirds[1:3]]
    pieces: list[tuple[str, str, str, np.ndarray]] = []
    for code, name, zone, third, share in _UNITS:
        low, high = (_border(net, frame, part) for part in share)
        u = np.linspace(thirds[third] - 1.0, thirds[third + 1] + 1.0, max(int(half_u / 8), 2))
        if high is not None:
            borders.append(_line(frame, u, np.full_like(u, high)))
        edge = frame.rows * 50.0
        v = ((-edge if low is None else low) + (edge if high is None else high)) / 2
        west, east = (
            np.clip(thirds[third + side], -frame.columns * 48.0, frame.columns * 48.0) for side in (0, 1)
        )
        pieces.append((code, name, zone, frame.place(np.float64((west + east) / 2), np.float64(v))))
    net_of_lines = shapely.node(shapely.union_all([*borders, frame.sheet.exterior]))
    inside = shapely.intersection(net_of_lines, frame.sheet)
    areas = shapely.get_parts(
        shapely.polygonize(shapely.get_parts(shapely.union_all([inside, frame.sheet.exterior])))
    )
    found = [areas[shapely.contains_xy(areas, *point)] for *_, point in pieces]
    rows = [
        (code, "subdistrict", name, code[:6], zone, shapely.union_all(area))
        for (code, name, zone, _), area in zip(pieces, found)
        if len(area)
    ]
    table = pd.DataFrame(rows, columns=["code", "level", "name", "parent_code", "zone_type", "geometry"])
    above = [
        (code, "district", name, "310000", None, shapely.union_all(group))
        for code, name in _DISTRICTS.items()
        if len(group := table.loc[table["parent_code"] == code, "geometry"].to_numpy())
    ]
    city = ("310000", "city", "上海市（示例片区）", None, None, frame.sheet)
    return pd.concat([pd.DataFrame([city, *above], columns=table.columns), table], ignore_index=True)


def _border(net: Net, frame: Frame, share: float) -> Optional[float]:
    """V of the main street nearest to a share of the sheet's height; None at its edges."""
    if share in (0.0, 1.0):
        return None
    return float(net.south_north[_nearest(net.south_north, (share - 0.5) * frame.rows * 100.0)])


def _nearest(positions: np.ndarray, wanted: float) -> int:
    return int(np.abs(positions - wanted).argmin())


def _line(frame: Frame, u: np.ndarray, v: np.ndarray) -> shapely.LineString:
    return shapely.linestrings(frame.place(u, v))
