"""Data gaps: one object recorded twice in one source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from ..city import City, usable
from ..classes import YEAR_FIELD, class_codes
from ..context import Context
from ..coverage import SLACK_M
from ..findings import join_findings, make_findings, no_findings
from ..likeness import (
    Pairs,
    codes_of,
    common_box,
    meeting,
    near_bounds,
    shared_area,
    thin_crowds,
    valid_areas,
)
from ..rule import Outcome, Rule
from ..standards import Standard

_ROLES = ("housing", "pipes", "pipe_points", "components", "roads", "neglected")
_SHARE_SLACK = 1e-9


@dataclass(frozen=True)
class _Doubles:
    """Pairs of rows that look like one object, by one test, shape (k,) each.

    `measured` is metres, or the share of area where `test` is ``overlap``.
    """

    test: str
    first: np.ndarray
    second: np.ndarray
    measured: np.ndarray
    standard: Standard


def find_duplicates(city: City, context: Context) -> Outcome:
    """D04: two records of one class and source that are one object.

    Equal ids; lines and points whose Hausdorff distance is at most `D04.dup_tol_m`; areas that
    share at least `D04.min_overlap` of the larger; pipes between the same two nodes with a
    Hausdorff distance of at most `D04.node_tol_m`. Records without class or source are compared
    with each other. High if the records disagree in material, year or owner, both recorded.
    """
    parts = []
    for role in _ROLES:
        if len(city.table(role)) > 1:
            parts += [_same_ids(role, context), *_same_places(role, context)]
    return Outcome(join_findings(parts, city.crs))


def _kinship(role: str, context: Context) -> np.ndarray:
    """One number for each source and class, shape (n,)."""
    rows = context.subject(role).rows
    return codes_of(rows["source_name"], pd.Series(class_codes(role, rows), dtype=object))


def telling_fields(role: str, rows: pd.DataFrame) -> list[str]:
    """Fields in which records of one object must agree: year, material and owner, where the role has them."""
    return [name for name in (YEAR_FIELD.get(role, ""), "material_code", "owner") if name in rows]


def _same_places(role: str, context: Context) -> list[gpd.GeoDataFrame]:
    geometry = context.city.table(role).geometry
    shapes, key = geometry.to_numpy(), _kinship(role, context)
    dimension = np.where(usable(geometry), shapely.get_dimensions(shapes), -1)
    tests = [
        _close(
            np.flatnonzero((dimension == 0) | (dimension == 1)), shapes, key * 2 + dimension, role, context
        ),
        _overlapping(np.flatnonzero(dimension == 2), shapes, key, role, context),
    ]
    if role == "pipes":
        tests.append(_between_same_nodes(np.flatnonzero(dimension == 1), shapes, key, context))
    found = []
    seen = np.zeros(0, dtype="int64")
    for test in tests:
        new, codes = _new_pairs(test, seen, role, context)
        seen = np.concatenate([seen, codes])
        found.append(_pairs_found(role, new, context))
    return found


def _close(rows: np.ndarray, shapes: np.ndarray, key: np.ndarray, role: str, context: Context) -> _Doubles:
    """Lines and points nearly in one place; which way a line runs does not matter."""
    standard = context.standards.parameter("D04.dup_tol_m", role)
    first, second = _candidates(rows, shapes, key, standard.number(), role, context)
    return _within("place", first, second, shapes, standard)


def _between_same_nodes(rows: np.ndarray, shapes: np.ndarray, key: np.ndarray, context: Context) -> _Doubles:
    """Pipes between the same two nodes, either way round."""
    standard = context.standards.parameter("D04.node_tol_m", "pipes")
    nodes = context.subject("pipes").rows[["from_node", "to_node"]].iloc[rows]
    known = nodes.notna().all(axis=1).to_numpy()
    rows, nodes = rows[known], nodes[known]
    swap = (nodes["from_node"] > nodes["to_node"]).to_numpy(dtype=bool)
    low = nodes["from_node"].where(~swap, nodes["to_node"])
    high = nodes["to_node"].where(~swap, nodes["from_node"])
    kin = codes_of(low, high, pd.Series(key[rows]))
    again = pd.Series(kin).duplicated(keep=False).to_numpy()
    whole = np.zeros(len(shapes), dtype="int64")
    whole[rows] = kin
    first, second = _candidates(rows[again], shapes, whole, standard.number(), "pipes", context)
    return _within("nodes", first, second, shapes, standard)


def _candidates(
    rows: np.ndarray, shapes: np.ndarray, key: np.ndarray, tolerance: float, role: str, context: Context
) -> Pairs:
    """Pairs of the rows with nearly equal bounds and one key."""
    context.check_cancelled()
    bounds = shapely.bounds(shapes[rows])
    stays, (kept, left) = _thinned(rows, bounds, key, role, context)
    first, second = near_bounds(bounds[stays], key[rows[stays]], tolerance)
    rest = rows[stays]
    return np.concatenate([rest[first], rows[kept]]), np.concatenate([rest[second], rows[left]])


def _thinned(
    rows: np.ndarray, bounds: np.ndarray, key: np.ndarray, role: str, context: Context
) -> tuple[np.ndarray, Pairs]:
    names = context.city.table(role)["id"].iloc[rows]
    return thin_crowds(bounds, key[rows], names, context.number("D04.crowd", role))


def _within(
    test: str, first: np.ndarray, second: np.ndarray, shapes: np.ndarray, standard: Standard
) -> _Doubles:
    apart = shapely.hausdorff_distance(shapes[first], shapes[second])
    near = apart <= standard.number() + SLACK_M
    return _Doubles(test, first[near], second[near], apart[near], standard)


def _overlapping(
    rows: np.ndarray, shapes: np.ndarray, key: np.ndarray, role: str, context: Context
) -> _Doubles:
    """Areas that are nearly the same."""
    standard = context.standards.parameter("D04.min_overlap", role)
    least = standard.number() - _SHARE_SLACK
    outlines = valid_areas(shapes[rows])
    bounds, area, kin = shapely.bounds(outlines), shapely.area(outlines), key[rows]
    stays, (kept, left) = _thinned(rows, bounds, key, role, context)
    own = np.flatnonzero(stays)
    found = [(kept, left)]
    for one, other in meeting(outlines[own], outlines[own], context.check_cancelled):
        one, other = own[one], own[other]
        larger = np.maximum(area[one], area[other])
        maybe = (one < other) & (kin[one] == kin[other]) & (larger > 0)
        maybe &= np.minimum(area[one], area[other]) >= least * larger
        one, other, larger = one[maybe], other[maybe], larger[maybe]
        maybe = common_box(bounds, one, other) >= least * larger
        found.append((one[maybe], other[maybe]))
    first, second = (np.concatenate(column) for column in zip(*found))
    larger = np.maximum(area[first], area[second])
    with np.errstate(invalid="ignore"):
        share = shared_area(outlines, first, second) / larger
    same = share >= least
    return _Doubles("overlap", rows[first[same]], rows[second[same]], np.minimum(share[same], 1), standard)


def _new_pairs(pairs: _Doubles, seen: np.ndarray, role: str, context: Context) -> tuple[_Doubles, np.ndarray]:
    """Pairs of two ids that no test before has found, the smaller id first; and a number for each pair."""
    ids = context.city.table(role)["id"]
    codes = np.minimum(pairs.first, pairs.second) * len(ids) + np.maximum(pairs.first, pairs.second)
    one, other = (ids.iloc[rows].fillna("").to_numpy(dtype=object) for rows in (pairs.first, pairs.second))
    new = ~np.isin(codes, seen) & np.array(one != other, dtype=bool)
    swap = np.array(one > other, dtype=bool)
    first = np.where(swap, pairs.second, pairs.first)[new]
    second = np.where(swap, pairs.first, pairs.second)[new]
    return _Doubles(pairs.test, first, second, pairs.measured[new], pairs.standard), codes


def _pairs_found(role: str, pairs: _Doubles, context: Context) -> gpd.GeoDataFrame:
    if not len(pairs.first):
        return no_findings(context.city.crs)
    table, rows = context.city.table(role), context.subject(role).rows
    one, other = table.iloc[pairs.first], table.iloc[pairs.second]
    ids = list(zip(one["id"], other["id"]))
    differ = disagreements(role, rows, pairs.first, pairs.second)
    return make_findings(
        "D04",
        object_role=role,
        object_id=[f"{a}|{b}" for a, b in ids],
        objects=[(f"{role}:{a}", f"{role}:{b}") for a, b in ids],
        severity=["high" if fields else "medium" for fields in differ],
        geometry=one.geometry.to_numpy(),
        crs=context.city.crs,
        class_code=class_codes(role, one),
        measured=pairs.measured,
        reference=pairs.standard.number(),
        unit="1" if pairs.test == "overlap" else "m",
        basis=pairs.standard.basis,
        confidence=pairs.standard.confidence,
        params=[{"test": pairs.test, "differ": fields} for fields in differ],
    )


def disagreements(
    role: str, rows: pd.DataFrame, first: np.ndarray, second: np.ndarray
) -> list[dict[str, list[Any]]]:
    """For each pair of rows the telling fields whose two recorded values differ, with both values."""
    found: list[dict[str, list[Any]]] = [{} for _ in first]
    for name in telling_fields(role, rows):
        one, other = (rows[name].iloc[side].to_numpy(dtype=object) for side in (first, second))
        known = np.flatnonzero(~(pd.isna(one) | pd.isna(other)))
        for at in known[np.array(one[known] != other[known], dtype=bool)]:
            if name != "owner" or one[at].strip().casefold() != other[at].strip().casefold():
                found[at][name] = [one[at], other[at]]
    return found


def _same_ids(role: str, context: Context) -> gpd.GeoDataFrame:
    """One finding an id that several records of a source and class have; a row for each record."""
    table = context.city.table(role)
    frame = pd.DataFrame({"key": _kinship(role, context), "id": table["id"]})
    rows = np.flatnonzero((frame.duplicated(keep=False) & frame["id"].notna()).to_numpy())
    if not len(rows):
        return no_findings(context.city.crs)
    shapes = table.geometry.to_numpy()
    x, y = shapely.bounds(shapes[rows]).T[:2]
    frame = frame.iloc[rows].assign(row=rows, x=x, y=y, wkb=shapely.to_wkb(shapes[rows]))
    frame = frame.sort_values(["key", "id", "x", "y", "wkb"], kind="stable")
    rows = frame["row"].to_numpy(dtype="int64")
    group = frame.groupby(["key", "id"], sort=False).ngroup().to_numpy()
    measured, is_share = _apart_in_groups(role, rows, group, context)
    values = context.subject(role).rows.iloc[rows].reset_index(drop=True)
    fields = telling_fields(role, values)
    numbers = values[fields].groupby(group).nunique() > 1 if fields else pd.DataFrame(index=range(len(rows)))
    differ = [[name for name in fields if numbers.at[at, name]] for at in group]
    distance = context.standards.parameter("D04.dup_tol_m", role)
    overlap = context.standards.parameter("D04.min_overlap", role)
    standards = [overlap if share else distance for share in is_share[group]]
    count = np.bincount(group)[group] if len(group) else group
    return make_findings(
        "D04",
        object_role=role,
        object_id=table["id"].iloc[rows],
        severity=["high" if names else "medium" for names in differ],
        geometry=shapes[rows],
        crs=context.city.crs,
        class_code=class_codes(role, table.iloc[rows]),
        measured=measured[group],
        reference=[row.number() for row in standards],
        unit=["1" if share else "m" for share in is_share[group]],
        basis=[row.basis for row in standards],
        confidence=[row.confidence for row in standards],
        params=[
            {"test": "id", "records": int(number), "differ": names} for number, names in zip(count, differ)
        ],
    )


def _apart_in_groups(
    role: str, rows: np.ndarray, group: np.ndarray, context: Context
) -> tuple[np.ndarray, np.ndarray]:
    """How alike the records of each group are to its first: the smallest share, or the largest distance.

    Returns
    -------
    ndarray of float64, shape (g,): null where a record has no place
    ndarray of bool, shape (g,): whether it is a share, for groups of areas
    """
    geometry = context.city.table(role).geometry.iloc[rows]
    shapes, placed = geometry.to_numpy(), usable(geometry)
    number = int(group.max()) + 1 if len(group) else 0
    is_share = np.ones(number, dtype=bool)
    np.logical_and.at(is_share, group, placed & (shapely.get_dimensions(shapes) == 2))
    leader = np.unique(group, return_index=True)[1][group]
    apart = np.full(len(rows), np.nan)
    both = placed & placed[leader]
    lines = np.flatnonzero(both & ~is_share[group])
    apart[lines] = shapely.hausdorff_distance(shapes[leader[lines]], shapes[lines])
    areas = np.flatnonzero(both & is_share[group])
    outlines = valid_areas(shapes[areas])
    place = np.searchsorted(areas, leader[areas])
    size = shapely.area(outlines)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = shared_area(outlines, place, np.arange(len(areas))) / np.maximum(size, size[place])
    apart[areas] = np.minimum(share, 1)
    worst = np.where(is_share, np.inf, -np.inf)
    np.minimum.at(worst, group[areas], apart[areas])
    np.maximum.at(worst, group[~is_share[group]], apart[~is_share[group]])
    return np.where(np.isfinite(worst), worst, np.nan), is_share


def _missing(city: City) -> Optional[str]:
    return None if any(city.has(role) for role in _ROLES) else f"none of {', '.join(_ROLES)} given"


DUPLICATE_RECORD = Rule(
    "D04",
    find_duplicates,
    _missing,
    roles=_ROLES,
    reach_m=lambda context: max(
        context.number("D04.node_tol_m", "pipes"),
        *(context.number("D04.dup_tol_m", role) for role in _ROLES),
    ),
    is_of_its_own=True,
)
