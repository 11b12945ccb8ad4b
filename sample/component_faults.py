"""Gaps planted among the components: things recorded twice, covers off their pipe, two toilet books."""

from __future__ import annotations

import numpy as np
import pandas as pd
import shapely

from .days import day_column
from .street_plants import CLEAN_LAMP
from .truth import Truth

FIELD_BOOK, TOILET_BOOK = "部件普查", "环卫台账"
"""Names of the two sources of the components: the survey, and the toilets as the cleaners know them."""

_SOURCES = "|".join(sorted((FIELD_BOOK, TOILET_BOOK)))
_TWIN_M = ((0.05, "medium", "recorded twice, 0.05 m apart"), (0.12, "", "two lamps 0.12 m apart"))
_COVER_M = ((2.5, "medium", "cover 2.5 m from the gas pipe"), (1.9, "", "cover 1.9 m from the gas pipe"))
_BOOKS = (
    # metres apart (NaN: in one book only), changes in the second book, severity, note
    (np.nan, {}, "low", "only in the survey"),
    (0.8, {"owner": "房地产集团"}, "high", "two owners"),
    (2.9, {}, "", "2.9 m apart, all else alike"),
    (9.0, {"same_id": True}, "medium", "one id, 9 m apart"),
    (0.8, {"maintainer": None}, "", "one book lacks the maintainer"),
)
_USUAL_M, _SHARED_M = 0.8, 190.0
"""How far the books differ as a rule; how near other toilets in both books lie to those in one only."""


def add_records(
    components: pd.DataFrame, pipes: pd.DataFrame, copies: int, rng: np.random.Generator
) -> tuple[pd.DataFrame, list[Truth]]:
    """The components with doubled lamps, stray covers and the second book of toilets.

    Returns
    -------
    components : DataFrame
        With source_name.
    truths : list of Truth
        D04, D07, D08, N04.
    """
    twins, truths = _twin_lamps(components, copies, rng)
    covers, more = _stray_covers(pipes, copies, rng)
    truths += more
    toilets, more = _second_book(components, copies, rng)
    truths += more
    parts = [components.assign(source_name=FIELD_BOOK), twins, covers, toilets]
    table = pd.concat([part for part in parts if len(part)], ignore_index=True)
    table["on_street"], table["spare"] = table["on_street"].astype(bool), table["spare"].astype(bool)
    return table, truths


def _plain(components: pd.DataFrame) -> np.ndarray:
    """Rows of lamps in streets that no plant needs."""
    lamp = (components["class_code"] == "street_lamp") & components["on_street"] & ~components["spare"]
    return np.flatnonzero(lamp.to_numpy(dtype=bool))


def _twin_lamps(
    components: pd.DataFrame, copies: int, rng: np.random.Generator
) -> tuple[pd.DataFrame, list[Truth]]:
    """Copies of lamps; two lamps far apart get one id, in place."""
    rows = rng.permutation(_plain(components))[: 4 * copies]
    ids = components["id"].to_numpy(dtype=object)
    plans = [(int(row), *_TWIN_M[number % 2]) for number, row in enumerate(rows[: 2 * copies])]
    twins = components.iloc[[row for row, *_ in plans]].copy()
    shift = np.array([[plan[1], 0.0] for plan in plans]).reshape(-1, 2)
    twins["geometry"] = shapely.points(shapely.get_coordinates(twins["geometry"].to_numpy()) + shift)
    names = [f"3101010118{900001 + number}" for number in range(len(plans))]
    twins["id"] = pd.array(names, dtype=components["id"].dtype)
    twins["source_name"] = FIELD_BOOK
    for field in ("owner", "maintainer"):
        twins[field] = CLEAN_LAMP[field]
        components.loc[components.index[[row for row, *_ in plans]], field] = CLEAN_LAMP[field]
    truths = [
        Truth(
            "D04",
            "components",
            "|".join(sorted((ids[row], name))),
            "street_lamp",
            "",
            severity,
            "yes" if severity else "no",
            "",
            note,
        )
        for (row, _, severity, note), name in zip(plans, names)
    ]
    pairs = rows[2 * copies :].reshape(-1, 2) if len(rows) == 4 * copies else np.empty((0, 2), dtype=int)
    for one, other in pairs:
        components.iloc[int(other), components.columns.get_loc("id")] = ids[one]
        components.loc[components.index[[one, other]], ["owner", "maintainer"]] = [
            [CLEAN_LAMP["owner"], CLEAN_LAMP["maintainer"]]
        ] * 2
        note = "one id for two lamps"
        truths.append(Truth("D04", "components", ids[one], "street_lamp", "", "medium", "yes", "", note))
    return twins, truths


def _stray_covers(
    pipes: pd.DataFrame, copies: int, rng: np.random.Generator
) -> tuple[pd.DataFrame, list[Truth]]:
    """Gas covers beside a gas main, on both sides of the 2.0 m of N04."""
    gas = pipes[(pipes["class_code"] == "RQ").to_numpy()]
    lines = gas["geometry"].to_numpy()
    mains = np.flatnonzero(gas["from_node"].notna().to_numpy() & (shapely.length(lines) > 50.0))
    tree = shapely.STRtree(lines)
    wanted = list(_COVER_M) * copies
    spots, plans = [], []
    for row in rng.permutation(mains):
        if len(spots) == len(wanted):
            break
        distance = wanted[len(spots)][0]
        middle = shapely.get_coordinates(shapely.line_interpolate_point(lines[row], [24.0, 25.0]))
        along = middle[1] - middle[0]
        for side in (1.0, -1.0):
            spot = shapely.points(middle[0] + np.array([-along[1], along[0]]) * side * distance)
            nearest = float(shapely.distance(lines[tree.query_nearest(spot)[0]], spot))
            if abs(nearest - distance) < 0.02:
                spots.append(spot)
                plans.append(wanted[len(spots) - 1])
                break
    ids = [f"3101010111{900001 + number}" for number in range(len(spots))]
    table = pd.DataFrame(
        {
            "id": pd.Series(ids, dtype="str"),
            "class_code": pd.Series("0111", index=range(len(ids)), dtype="str"),
            "name": pd.Series(None, index=range(len(ids)), dtype="str"),
            "condition": "intact",
            "owner": "市政设施管理所",
            "maintainer": "市政设施管理所",
            "updated_on": day_column(np.full(len(ids), np.datetime64("2026-03-02", "D"))),
            "geometry": np.array(spots, dtype=object),
            "on_street": True,
            "spare": False,
            "source_name": FIELD_BOOK,
        }
    )
    truths = [
        Truth("N04", "components", name, "0111", "cover", severity, "yes" if severity else "no", "", note)
        for name, (_, severity, note) in zip(ids, plans)
    ]
    return table, truths


def _second_book(
    components: pd.DataFrame, copies: int, rng: np.random.Generator
) -> tuple[pd.DataFrame, list[Truth]]:
    """Every toilet once more as another department knows it, some of them differently."""
    rows = np.flatnonzero((components["class_code"] == "toilet").to_numpy())
    for field, body in (("owner", "市容管理局"), ("maintainer", "环卫服务公司")):
        components.loc[components.index[rows], field] = body
    book = components.iloc[rows].copy()
    ids = book["id"].to_numpy(dtype=object)
    names = np.array([f"HW{number:06d}" for number in range(1, len(rows) + 1)], dtype=object)
    shift = np.full(len(rows), _USUAL_M)
    dropped = np.zeros(len(rows), dtype=bool)
    truths = []
    points = book["geometry"].to_numpy()
    order = rng.permutation(np.flatnonzero(_others_within(points, 25.0) == 0))
    # What one book lacks is missed only where both hold others near by.
    crowd = _others_within(points, _SHARED_M)
    order = order[np.argsort(crowd[order] < 3, kind="stable")]
    for at, (apart, changes, severity, note) in zip(order, list(_BOOKS) * copies):
        told = dict(changes)
        pair = "|".join(sorted((ids[at], names[at])))
        if np.isnan(apart):
            if crowd[at] < 3:
                continue
            dropped[at], pair = True, ids[at]
        elif told.pop("same_id", False):
            names[at], pair, shift[at] = ids[at], ids[at], apart
        else:
            shift[at] = apart
        for field, value in told.items():
            book.iloc[at, book.columns.get_loc(field)] = value
        expected = "yes" if severity else "no"
        truths.append(Truth("D08", "components", pair, "toilet", _SOURCES, severity, expected, "", note))
    note = "where the survey has them, but for 0.8 m"
    truths.append(Truth("D07", "components", TOILET_BOOK, "", "", "", "no", "", note))
    book["id"] = pd.array(names, dtype=components["id"].dtype)
    book["geometry"] = shapely.points(
        shapely.get_coordinates(book["geometry"].to_numpy()) + np.stack([shift, np.zeros(len(rows))], axis=1)
    )
    return book[~dropped].assign(source_name=TOILET_BOOK), truths


def _others_within(points: np.ndarray, reach: float) -> np.ndarray:
    """How many other points lie within reach of each, shape (n,)."""
    one, _ = shapely.STRtree(points).query(points, predicate="dwithin", distance=reach)
    return np.bincount(one, minlength=len(points)) - 1
