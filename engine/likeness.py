"""Which records may be one object: candidates by place, and how alike two geometries are."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
import shapely

from .coverage import SLACK_M

_CHUNK = 100_000
_MIX = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F), np.uint64(0x165667B19E3779F9))

Pairs = tuple[np.ndarray, np.ndarray]


def codes_of(*columns: pd.Series) -> np.ndarray:
    """One number for each combination of values; nulls are a value like others, shape (n,)."""
    codes = np.zeros(len(columns[0]), dtype="int64")
    for column in columns:
        own, values = pd.factorize(column, use_na_sentinel=False)
        codes = codes * max(len(values), 1) + own
    return codes


def thin_crowds(
    bounds: np.ndarray, key: np.ndarray, names: pd.Series, crowd: float
) -> tuple[np.ndarray, Pairs]:
    """Of more than `crowd` records of one key with the same bounds only that of the smallest name stays.

    A placeholder such as 0, 0 would else make a pair of every two of its records.

    Returns
    -------
    ndarray of bool, shape (n,): those that stay
    pair of ndarray of int64, shape (k,): the one that stays, and each that does not
    """
    # Equal numbers have equal hashes: few rows are left to be compared. Adding 0 makes -0 plain 0.
    west, south = (np.ascontiguousarray(bounds[:, axis] + 0.0).view("int64") for axis in (0, 1))
    maybe = np.sort(_runs(_hashed(key, west, south))[0])
    frame = pd.DataFrame(bounds[maybe]).assign(key=key[maybe])
    is_again = frame.duplicated(keep=False).to_numpy()
    frame, again = frame[is_again], maybe[is_again]
    stays = np.ones(len(key), dtype=bool)
    if len(again) <= crowd:
        return stays, (again[:0], again[:0])
    place = frame.groupby(list(frame.columns), dropna=False).ngroup().to_numpy()
    crowded = np.bincount(place)[place] > crowd
    rows = pd.DataFrame({"row": again[crowded], "place": place[crowded]})
    rows["name"] = names.iloc[again[crowded]].fillna("").to_numpy(dtype=object)
    rows = rows.sort_values(["place", "name"], kind="stable")
    first = rows.groupby("place")["row"].transform("first").to_numpy(dtype="int64")
    row = rows["row"].to_numpy(dtype="int64")
    others = row != first
    stays[row[others]] = False
    return stays, (first[others], row[others])


def near_bounds(bounds: np.ndarray, key: np.ndarray, tolerance: float) -> Pairs:
    """Pairs of one key each of whose four bounds differ by at most a tolerance, each pair once.

    Geometries whose Hausdorff distance is within the tolerance are among them. Two centres that
    near share a cell twice as wide as the tolerance in one of the grids shifted by half a cell.

    Parameters
    ----------
    bounds : ndarray of float64, shape (n, 4)
        Finite.
    key : ndarray of int64, shape (n,)
    tolerance : float
        Metres.
    """
    limit = tolerance + SLACK_M
    width = 2 * (limit + SLACK_M)
    centre = (bounds[:, :2] + bounds[:, 2:]) / 2
    found = [np.zeros((0, 2), dtype="int64")]
    for east in (0.0, width / 2):
        for north in (0.0, width / 2):
            cell = np.floor((centre + np.array([east, north])) / width).astype("int64")
            order, run = _runs(_hashed(key, cell[:, 0], cell[:, 1]))
            found += [_alike(pair, bounds, key, limit) for pair in _pairs_in_runs(order, run)]
    pairs = np.unique(np.concatenate(found), axis=0)
    return pairs[:, 0], pairs[:, 1]


def _hashed(*numbers: np.ndarray) -> np.ndarray:
    mixed = np.zeros(len(numbers[0]), dtype="uint64")
    for number, factor in zip(numbers, _MIX):
        mixed = (mixed ^ number.astype("uint64")) * factor
        mixed ^= mixed >> np.uint64(29)
    return mixed


def _runs(values: np.ndarray) -> Pairs:
    """Rows with a value that others share, sorted by it, and the number of each one's run."""
    # A value that shares no slot with another one has no run: few rows are left to be sorted.
    slot = (values & np.uint64((1 << len(values).bit_length() + 1) - 1)).astype("int64")
    maybe = np.flatnonzero(np.bincount(slot)[slot] > 1)
    order = maybe[np.argsort(values[maybe])]
    ordered = values[order]
    starts = np.concatenate([[True], ordered[1:] != ordered[:-1]])[: len(order)]
    run = np.cumsum(starts)
    shared = np.bincount(run)[run] > 1 if len(run) else np.zeros(0, dtype=bool)
    return order[shared], run[shared]


def _pairs_in_runs(order: np.ndarray, run: np.ndarray) -> Iterator[np.ndarray]:
    """All pairs of rows of one run, smaller row first, by how far apart they stand in it."""
    at = np.arange(len(order))
    step = 1
    while True:
        at = at[at + step < len(order)]
        at = at[run[at] == run[at + step]]
        if not len(at):
            return
        yield np.sort(np.column_stack([order[at], order[at + step]]), axis=1)
        step += 1


def _alike(pair: np.ndarray, bounds: np.ndarray, key: np.ndarray, limit: float) -> np.ndarray:
    pair = pair[key[pair[:, 0]] == key[pair[:, 1]]]
    return pair[(np.abs(bounds[pair[:, 0]] - bounds[pair[:, 1]]) <= limit).all(axis=1)]


def meeting(shapes: np.ndarray, others: np.ndarray, on_chunk: Callable[[], None]) -> Iterator[Pairs]:
    """Pairs of geometries whose bounds meet, chunk by chunk: index in `shapes`, index in `others`."""
    tree = shapely.STRtree(others)
    for begin in range(0, len(shapes), _CHUNK):
        on_chunk()
        one, other = tree.query(shapes[begin : begin + _CHUNK])
        yield one + begin, other


def shared_area(shapes: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Area that both of each pair cover, m², shape (k,). The outlines are valid."""
    return np.asarray(shapely.area(shapely.intersection(shapes[first], shapes[second])))


def valid_areas(shapes: np.ndarray) -> np.ndarray:
    """Outlines as they are, made valid where they cross themselves."""
    valid = shapes.copy()
    bad = ~shapely.is_valid(shapes)
    valid[bad] = shapely.make_valid(shapes[bad])
    return valid


def common_box(bounds: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Area in which the bounds of both of each pair lie, m²: no less than what they share, shape (k,)."""
    one, other = bounds[first], bounds[second]
    sides = np.minimum(one[:, 2:], other[:, 2:]) - np.maximum(one[:, :2], other[:, :2])
    return np.asarray(np.maximum(sides, 0).prod(axis=1))
