"""Points on the net and things in the street: manholes, valves, covers, lamps, hydrants, toilets, bridges."""

from __future__ import annotations

import numpy as np
import pandas as pd
import shapely

from .days import FRESH_FROM, SAMPLE_AS_OF, day_column, random_days
from .frame import Frame, in_core
from .ids import numbered
from .registers import packed
from .streets import Net
from .wells import ends_of_mains, first_at_each_place, name_sources

_WORDS = {"class_code": "str", "kind_code": "str", "feature": "str"}
_OWNERLESS, _NEW_TOWN_COVERS = 0.002, 0.3
"""Share of the covers nobody owns; share of the manholes outside the old city whose cover is on record."""

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


def make_pipe_points(
    pipes: pd.DataFrame,
    wells: pd.DataFrame,
    caps: np.ndarray,
    features: dict[int, str],
    frame: Frame,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Points on the pipes.

    Columns class_code, kind_code, feature, on_street (at a main), geometry, captured_on, id.

    Parameters
    ----------
    wells : DataFrame
        Manholes of the drains (`wells.place_wells`).
    caps : ndarray of bool, shape (len(pipes),)
        Pipes that are closed at their end.
    features : dict
        Pipes whose end bears something else than a cap, or nothing (empty text).
    """
    lines, part = pipes["line"].to_numpy(), pipes["part"].to_numpy()
    kinds = pipes[["class_code", "kind_code"]].assign(on_street=False)
    joints = ends_of_mains(pipes, frame)
    source = name_sources(joints)
    joints["feature"] = joints["class_code"].map(_FEATURES)
    joining = (joints["degree"] > 1) & (rng.random(len(joints)) < 0.5)
    joints.loc[joints["feature"].isin(["valve", "cabinet"]) & joining, "feature"] = "tee"
    joints["feature"] = joints["feature"].where(pd.isna(source), source)
    drained = (joints["class_code"] == "PS").to_numpy() & pd.isna(source)
    manholes = wells[["kind_code", "geometry"]].assign(class_code="PS", feature="manhole")
    manholes["on_street"] = (wells["segment"] >= 0).to_numpy()
    start, end = (shapely.get_point(lines, side) for side in (0, -1))
    loose = part == "loose"
    plain = caps.copy()
    plain[list(features)] = False
    others = [(np.array([row]), end, word) for row, word in features.items() if word]
    ends = [
        (part == "service", end, "exit"),
        (part == "inlet", start, "rain_inlet"),
        (plain, end, "cap"),
        *others,
        (loose, start, "cap"),
        (loose, end, "cap"),
    ]
    table = pd.concat(
        [
            joints[~drained].assign(on_street=True),
            manholes,
            *(kinds.loc[chosen].assign(geometry=place[chosen], feature=word) for chosen, place, word in ends),
        ],
        ignore_index=True,
    )
    # Where a net has its outlet there is no manhole besides.
    table = first_at_each_place(table, ["class_code"]).reset_index(drop=True)
    table = packed(table[["class_code", "kind_code", "feature", "on_street", "geometry"]].astype(_WORDS))
    table["captured_on"] = day_column(random_days(FRESH_FROM, SAMPLE_AS_OF, len(table), rng))
    return table.assign(id=numbered("GD", np.arange(1, len(table) + 1)))


def make_components(
    points: pd.DataFrame,
    net: Net,
    facilities: dict[str, np.ndarray],
    green: pd.DataFrame,
    lamps: pd.DataFrame,
    frame: Frame,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Components of the city, all of them intact: all fields of the role, and on_street, spare.

    `on_street` says whether the patrols of the streets pass it, `spare` whether it is a lamp no home needs.
    """
    covers = points[points["feature"].isin(["manhole", "valve", "cabinet", "inspection_well"])]
    core = in_core(covers["geometry"].to_numpy(), frame)
    covers = covers[rng.random(len(covers)) < np.where(core, 0.9, _NEW_TOWN_COVERS)]
    kind = np.where(covers["class_code"] == "PS", covers["kind_code"], covers["class_code"])
    code = pd.Series(kind).map(_COVER_CODES).to_numpy(dtype=object)
    code[rng.random(len(code)) < _OWNERLESS] = "0114"
    grates = points.loc[points["feature"] == "rain_inlet", "geometry"].to_numpy()
    bridges = net.segments["line"].to_numpy()[net.segments["bridge"].to_numpy()]
    parts = [
        (code, covers["geometry"].to_numpy(), None, covers["on_street"].to_numpy(dtype=bool), False),
        (
            "street_lamp",
            lamps["geometry"].to_numpy(),
            None,
            lamps["on_street"].to_numpy(),
            lamps["spare"].to_numpy(),
        ),
        ("0104", grates, None, True, False),
        ("hydrant", facilities["hydrant"], None, True, False),
        ("waste_point", facilities["waste_point"], "垃圾收集点", False, False),
        ("toilet", facilities["toilet"], "公共厕所", False, False),
        ("0208", bridges, "跨河桥", True, False),
        ("0405", green["geometry"].to_numpy(), green["name"].to_numpy(), False, False),
    ]
    table = pd.concat(
        [
            pd.DataFrame(
                {"class_code": word, "name": name, "on_street": passed, "spare": spare, "geometry": shapes}
            )
            for word, shapes, name, passed, spare in parts
        ],
        ignore_index=True,
    )
    return described(table, frame, rng)


def described(table: pd.DataFrame, frame: Frame, rng: np.random.Generator) -> pd.DataFrame:
    """Condition, owner, maintainer, date and the 16-digit code of each component."""
    count = len(table)
    word = table["class_code"].to_numpy()
    noise = np.where(in_core(table["geometry"].to_numpy(), frame), 1.0, 0.1)
    codes = pd.Series(word).map(
        {"street_lamp": "0118", "hydrant": "0113", "waste_point": "0304", "toilet": "0301"}
    )
    codes = codes.where(codes.notna(), table["class_code"].reset_index(drop=True))
    serial = codes.groupby(codes).cumcount() + 1
    owner, keeper = (
        pd.Series(word, dtype="str")
        .map(bodies)
        .fillna("市政设施管理所")
        .mask(rng.random(count) < share * noise)
        for bodies, share in ((_OWNERS, 0.004), (_KEEPERS, 0.008))
    )
    return pd.DataFrame(
        {
            "id": numbered(np.char.add("310101", codes.to_numpy(dtype=str)), serial.to_numpy(), width=6),
            "class_code": pd.Series(word, dtype="str"),
            "name": pd.Series(table["name"].to_numpy(), dtype="str"),
            "condition": pd.Series("intact", index=range(count), dtype="str"),
            "owner": owner.astype("str"),
            "maintainer": keeper.astype("str"),
            "updated_on": day_column(random_days(FRESH_FROM, SAMPLE_AS_OF, count, rng)),
            "geometry": table["geometry"].to_numpy(),
            "on_street": table["on_street"].to_numpy(dtype=bool),
            "spare": table["spare"].to_numpy(dtype=bool),
        }
    )
