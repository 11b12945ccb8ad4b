"""Points on the net and things in the street: manholes, valves, covers, lamps, hydrants, toilets, bridges."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import shapely

from .days import SAMPLE_AS_OF, day_column, random_days
from .frame import Frame
from .streets import Net

MANHOLE_EVERY_M = 38.0
LAMP_EVERY_M = 34.0
_COVER_CODES = {
    "JS": "0101",
    "WS": "0102",
    "YS": "0103",
    "DL": "0105",
    "TX": "0107",
    "RL": "0110",
    "RQ": "0111",
    "HY": "0129",
}
_FEATURES = {
    "JS": "valve",
    "RQ": "valve",
    "PS": "manhole",
    "DL": "cabinet",
    "TX": "cabinet",
    "RL": "inspection_well",
    "HY": "valve",
}
_KEEPERS = {
    "street_lamp": "路灯管理所",
    "hydrant": "供水管网养护所",
    "toilet": "环卫服务公司",
    "waste_point": "环卫服务公司",
    "0405": "绿化养护公司",
    "0208": "桥梁养护公司",
}
_OWNERS = {
    "street_lamp": "市容管理局",
    "hydrant": "消防救援支队",
    "toilet": "市容管理局",
    "waste_point": "市容管理局",
    "0405": "园林管理所",
    "0208": "城市道路管理中心",
}


def make_pipe_points(pipes: pd.DataFrame, caps: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    """Points on the pipes: class_code, kind_code, feature, geometry, captured_on, id.

    Parameters
    ----------
    caps : ndarray of bool, shape (len(pipes),)
        Mains that stop at their end without going on.
    """
    lines = pipes["line"].to_numpy()
    part = pipes["part"].to_numpy()
    kinds = pipes[["class_code", "kind_code"]]
    start, end = (shapely.get_point(lines, side) for side in (0, -1))
    main = (part == "main") & pipes["whole"].to_numpy()
    joined = [main & (pipes[side] >= 0).to_numpy() for side in ("node_a", "node_b")]
    joints = pd.concat(
        [kinds[there].assign(geometry=place[there]) for there, place in zip(joined, (start, end))]
    )
    place = shapely.get_coordinates(joints["geometry"].to_numpy())
    joints = joints.assign(x=np.round(place[:, 0], 2), y=np.round(place[:, 1], 2))
    joints = joints.drop_duplicates(["class_code", "kind_code", "x", "y"]).drop(columns=["x", "y"])
    joints["feature"] = joints["class_code"].map(_FEATURES)
    valves = joints["feature"].isin(["valve", "cabinet"]) & (rng.random(len(joints)) < 0.5)
    joints.loc[valves, "feature"] = "tee"
    between = _along(lines, MANHOLE_EVERY_M, (part == "main") & (kinds["class_code"] == "PS").to_numpy())
    wells = kinds.iloc[between[0]].assign(geometry=between[1], feature="manhole")
    exits = kinds[part == "service"].assign(geometry=end[part == "service"], feature="exit")
    stops = (part == "lane") | caps
    capped = kinds[stops].assign(geometry=end[stops], feature="cap")
    sources = joints[joints["class_code"].isin(["JS", "RQ", "DL"])].groupby("class_code").nth([7, 61])
    stations = sources.assign(feature="station")
    table = pd.concat([joints, wells, exits, capped, stations], ignore_index=True)
    table["captured_on"] = day_column(random_days(date(2016, 1, 1), SAMPLE_AS_OF, len(table), rng))
    return table.assign(id=[f"GD{number:07d}" for number in range(1, len(table) + 1)])


def _along(lines: np.ndarray, every: float, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points inside the chosen lines, evenly spaced at most `every` metres apart, and their line's index."""
    length = np.where(chosen, shapely.length(lines), 0.0)
    count = np.maximum(np.ceil(length / every).astype(int) - 1, 0)
    owner = np.repeat(np.arange(len(lines)), count)
    number = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count) + 1
    return owner, np.asarray(
        shapely.line_interpolate_point(lines[owner], number * length[owner] / (count[owner] + 1))
    )


def make_components(
    points: pd.DataFrame,
    net: Net,
    blocks: pd.DataFrame,
    green: pd.DataFrame,
    frame: Frame,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Components of the city with their condition: all fields of the role."""
    covers = points[points["feature"].isin(["manhole", "valve", "cabinet", "inspection_well"])]
    covers = covers[rng.random(len(covers)) < 0.9]
    kind = np.where(covers["class_code"] == "PS", covers["kind_code"], covers["class_code"])
    code = pd.Series(kind).map(_COVER_CODES).to_numpy(dtype=object)
    code[rng.random(len(code)) < 0.006] = "0114"
    street = net.segments["line"].to_numpy()
    lamps = _lamps(net, rng)
    owner, spots = _along(street, 110.0, ~net.segments["bridge"].to_numpy())
    houses = blocks[blocks["kind"].isin(["lilong", "village", "selfbuilt"])]
    corner = shapely.points(frame.place(houses["u0"].to_numpy() - 1.5, houses["v1"].to_numpy() + 1.0))
    shapely.prepare(frame.sheet)
    corner = corner[shapely.contains_properly(frame.sheet, corner)]
    bridges = street[net.segments["bridge"].to_numpy()]
    parts = [
        (code, covers["geometry"].to_numpy(), None),
        ("street_lamp", lamps, None),
        ("hydrant", _beside(spots, street[owner], net.segments["width_m"].to_numpy()[owner] / 2 + 0.8), None),
        ("waste_point", corner[::2], "垃圾收集点"),
        ("toilet", corner[1::4], "公共厕所"),
        ("0208", bridges, "跨河桥"),
        ("0405", green["geometry"].to_numpy(), green["name"].to_numpy()),
    ]
    table = pd.concat(
        [
            pd.DataFrame({"class_code": word, "name": name, "geometry": shapes})
            for word, shapes, name in parts
        ],
        ignore_index=True,
    )
    return _described(table, rng)


def _described(table: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Condition, owner, maintainer, date and the 16-digit code of each component."""
    count = len(table)
    word = table["class_code"].to_numpy()
    lamp, cover = word == "street_lamp", np.char.startswith(word.astype(str), "01")
    chance = rng.random(count)
    condition = np.where(chance < np.where(lamp, 0.035, 0.014), "broken", "intact").astype(object)
    condition[cover & (chance > 0.996)] = "lost"
    condition[chance > np.where(lamp, 0.97, 1.1)] = None
    codes = pd.Series(word).map(
        {"street_lamp": "0118", "hydrant": "0113", "waste_point": "0304", "toilet": "0301"}
    )
    codes = codes.where(codes.notna(), table["class_code"])
    serial = codes.groupby(codes).cumcount() + 1
    owner, keeper = (
        pd.Series(word, dtype="str").map(bodies).fillna("市政设施管理所").mask(rng.random(count) < share)
        for bodies, share in ((_OWNERS, 0.01), (_KEEPERS, 0.02))
    )
    return pd.DataFrame(
        {
            "id": [f"310101{code}{number:06d}" for code, number in zip(codes, serial)],
            "class_code": pd.Series(word, dtype="str"),
            "name": pd.Series(table["name"].to_numpy(), dtype="str"),
            "condition": pd.Series(condition, dtype="str"),
            "owner": owner.astype("str"),
            "maintainer": keeper.astype("str"),
            "updated_on": day_column(random_days(date(2024, 9, 1), date(2026, 5, 20), count, rng)),
            "geometry": table["geometry"].to_numpy(),
        }
    )


def _lamps(net: Net, rng: np.random.Generator) -> np.ndarray:
    """Lamps at the kerb, on both sides in turn, thinner in the smaller streets."""
    lines = net.segments["line"].to_numpy()
    owner, spots = _along(lines, LAMP_EVERY_M, ~net.segments["bridge"].to_numpy())
    side = np.where(np.arange(len(spots)) % 2 == 0, 1.0, -1.0)
    kerb = (net.segments["width_m"].to_numpy()[owner] / 2 + 0.7) * side
    return _beside(spots, lines[owner], kerb)[rng.random(len(spots)) < 0.95]


def _beside(spots: np.ndarray, lines: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """Points on lines moved to the left of the line's chord by a distance (negative: right)."""
    start, end = (shapely.get_coordinates(shapely.get_point(lines, side)) for side in (0, -1))
    along = end - start
    along /= np.hypot(*along.T)[:, None]
    moved = shapely.get_coordinates(spots) + np.stack([-along[:, 1], along[:, 0]], axis=1) * distance[:, None]
    return np.asarray(shapely.points(moved))
