"""Hotline cases of the last year: which count, which are one case twice, which came at night."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from .city import usable
from .context import Context
from .moments import DAY_US, micros, now_us
from .night import is_night
from .threads import in_chunks

_CHUNK = 5_000


def recent_cases(context: Context) -> pd.DataFrame:
    """Cases of the last `case.window_d` days up to T that have a place, earliest first.

    Returns
    -------
    DataFrame
        The fields of the role hotline as rules read them, with `geometry` (a point) and besides:
        `moment` (int64, microseconds UTC), `night` (bool) and `self_found` (bool: a patrol or a
        sensor reported it, not a caller).
    """
    return context.own(_recent_cases)


def _recent_cases(context: Context) -> pd.DataFrame:
    table = context.city.table("hotline")
    moment = micros(table["at"])
    age = now_us(context) - moment
    limit = context.standards.parameter("case.window_d").days() * DAY_US
    kept = usable(table.geometry) & table["at"].notna().to_numpy() & (age >= 0) & (age <= limit)
    rows = context.subject("hotline").rows.assign(moment=moment, geometry=context.points("hotline"))[kept]
    sources = [word.casefold() for word in context.standards.words("case.self_found_sources")]
    rows = rows.assign(
        night=is_night(context, table["at"][kept], rows["geometry"].to_numpy()),
        self_found=rows["source_name"].astype(object).str.casefold().isin(sources).to_numpy(dtype=bool),
    )
    return rows.sort_values(["moment", "source_name", "id"], kind="stable", ignore_index=True)


def night_cases(context: Context, shapes: np.ndarray) -> np.ndarray:
    """How many calls of the last year came at night from inside or within `case.near_m` of each shape.

    Parameters
    ----------
    shapes : ndarray of shapely geometries or None, shape (n,)
        Those with a coordinate that is no number have no cases.

    Returns
    -------
    ndarray of int64, shape (n,)
    """
    cases = recent_cases(context)
    at_night = (cases["night"] & ~cases["self_found"]).to_numpy(dtype=bool)
    calls = cases["geometry"].to_numpy()[at_night]
    rows = np.flatnonzero(usable(gpd.GeoSeries(shapes)))
    tree = shapely.STRtree(shapes[rows])
    _, shape = tree.query(calls, predicate="dwithin", distance=context.number("case.near_m"))
    return np.bincount(rows[shape], minlength=len(shapes)).astype("int64")


def counts_once(context: Context, cases: pd.DataFrame, cell: np.ndarray) -> np.ndarray:
    """Which cases count: of copies the first, of one caller in one cell one each `case.once_per_d` days.

    A copy is a later case from another source with the same words and category, within
    `case.copy_within_d` days and `case.copy_within_m` metres. A case without caller counts.

    Parameters
    ----------
    cases : DataFrame
        Rows of `recent_cases`, in their order.
    cell : ndarray of int64, shape (n,)
        Any number for each cell.

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    counts = ~_copies(context, cases)
    caller = pd.factorize(cases["caller_key"].astype(object))[0]
    asked = np.flatnonzero(counts & (caller >= 0))
    pause = context.standards.parameter("case.once_per_d").days() * DAY_US
    group = pd.factorize(pd.MultiIndex.from_arrays([caller[asked], cell[asked]]))[0]
    counts[asked] = first_of_each(group, cases["moment"].to_numpy()[asked], pause)
    return counts


def first_of_each(group: np.ndarray, moment: np.ndarray, pause: float) -> np.ndarray:
    """Which moments of a group are its first, or at least `pause` after the one that counted before.

    Parameters
    ----------
    group, moment : ndarray of int64, shape (n,)

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    order = np.lexsort((moment, group))
    of, at = group[order], moment[order]
    counts = np.zeros(len(of), dtype=bool)
    head = np.flatnonzero(np.diff(of, prepend=-1) != 0)
    last = np.append(head[1:], len(of))
    # Each round finds the next one that counts of every group at once; there are as many as pauses in a year.
    while len(head):
        counts[order[head]] = True
        head, last = _next_after(at, head, last, pause)
    return counts


def _next_after(
    at: np.ndarray, head: np.ndarray, last: np.ndarray, pause: float
) -> tuple[np.ndarray, np.ndarray]:
    """The first place of each group whose moment is a pause after that of its head, and the group's end."""
    low, high, wanted = head + 1, last.copy(), at[head] + pause
    while (low < high).any():
        middle = (low + high) // 2
        open_ = low < high
        early = open_ & (at[np.minimum(middle, len(at) - 1)] < wanted)
        low = np.where(early, middle + 1, low)
        high = np.where(open_ & ~early, middle, high)
    more = low < last
    return low[more], last[more]


def _copies(context: Context, cases: pd.DataFrame) -> np.ndarray:
    """Which cases an earlier one from another source tells already, shape (n,)."""
    source = pd.factorize(cases["source_name"].astype(object))[0]
    text, category = (cases[field].astype(object) for field in ("text", "category"))
    words = pd.factorize(pd.MultiIndex.from_arrays([text.fillna(""), category.fillna("")]))[0]
    copies = np.zeros(len(cases), dtype=bool)
    rows = np.flatnonzero(text.notna().to_numpy() & _in_several(words, source))
    places, moment = cases["geometry"].to_numpy()[rows], cases["moment"].to_numpy()[rows]
    apart = context.standards.parameter("case.copy_within_d").days() * DAY_US
    near = context.number("case.copy_within_m")
    tree = shapely.STRtree(places)
    source, words = source[rows], words[rows]

    def later(chunk: slice) -> np.ndarray:
        one, other = tree.query(places[chunk], predicate="dwithin", distance=near)
        one = one + chunk.start
        same = (other < one) & (words[one] == words[other]) & (source[one] != source[other])
        return np.asarray(one[same & (moment[one] - moment[other] <= apart)])

    for found in in_chunks(later, len(rows), _CHUNK, context.check_cancelled):
        copies[rows[found]] = True
    return copies


def _in_several(words: np.ndarray, source: np.ndarray) -> np.ndarray:
    """Whether the words of each case come from more than one source, shape (n,)."""
    pairs = pd.DataFrame({"words": words, "source": source}).drop_duplicates()
    several = pairs["words"][pairs["words"].duplicated()]
    return np.isin(words, several.to_numpy())
