"""Resource gaps: units that have less than their share."""

from __future__ import annotations

from typing import Optional

import geopandas as gpd
import numpy as np
import pandas as pd

from ..city import City, usable
from ..context import Context
from ..equality import gini, hoover, weighted_lower_median
from ..findings import join_findings, make_findings, raise_severity
from ..rule import Outcome, Rule
from ..units import ALL_LEVELS

_SLACK = 1e-9
"""Rounding noise of a ratio: one exactly at a limit is not below it."""


def find_below_equal_share(city: City, context: Context) -> Outcome:
    """E01: units of a level whose resource per resident is under 0.8 of the level's median.

    The median is weighted by population. The old seat of an abolished town is also compared with
    the mean of its present town (the units of its level and parent): the smaller ratio counts. A
    unit of which no record of the kind tells has none of it; a record without capacity makes the
    unit's share unrecorded, unless no record of the kind has one: then records are counted.
    """
    units = _units(city, context)
    resources = _resources(context)
    parts, untested = [], []
    for level in ALL_LEVELS:
        here = units[units["level"] == level].reset_index(drop=True)
        if len(here) < 2:
            continue
        if not (here["need"] > 0).any():
            untested.append(f"{level}: no population")
            continue
        resources["unit"] = _unit_of(level, resources, units, context)
        for kind, given in resources.groupby("kind", sort=True):
            context.check_cancelled()
            if given["unit"].isna().all():
                untested.append(f"{level}: no {kind}")
                continue
            part = _below_share(level, str(kind), _with_resource(here, given), context)
            if part is None:
                untested.append(f"{level}: the median unit has no {kind}")
            else:
                parts.append(part)
    reason = (f"not tested ({'; '.join(untested)})",) if untested else ()
    return Outcome(join_findings(parts, city.crs), reason)


def _units(city: City, context: Context) -> gpd.GeoDataFrame:
    """Units with a code, one row a code; `need` is their population (NaN: unrecorded)."""
    rows = context.subject("units").rows
    need = rows["population"].to_numpy(dtype="float64")
    table = city.table("units").assign(need=np.where(need >= 0, need, np.nan))
    named = table[table["code"].notna()]
    return named.sort_values(["code", "need"], kind="stable").drop_duplicates("code")


def _resources(context: Context) -> pd.DataFrame:
    """Resources with a kind; `amount` is the capacity, or 1 each where no record of the kind has one."""
    rows = context.subject("resources").rows
    capacity = rows["capacity"].to_numpy(dtype="float64")
    amount = pd.Series(np.where(capacity >= 0, capacity, np.nan))
    kind = rows["kind"].astype(object)
    counted = ~amount.notna().groupby(kind).transform("any").fillna(False).astype(bool)
    codes = rows["unit_code"].astype(object)
    frame = pd.DataFrame({"kind": kind, "amount": amount.mask(counted, 1.0), "code": codes})
    return frame.assign(row=np.arange(len(frame)))[kind.notna()]


def _unit_of(level: str, resources: pd.DataFrame, units: gpd.GeoDataFrame, context: Context) -> pd.Series:
    """Code of the unit of a level that each resource belongs to, null where it belongs to none.

    By its unit_code, that of a unit further down being led up by parent_code, else by the place of
    the lower unit; without unit_code by its own place.
    """
    levels = dict(zip(units["code"], units["level"]))
    parents = dict(zip(units["code"], units["parent_code"]))
    at = resources["code"].where(resources["code"].isin(levels.keys()), None)
    for _ in ALL_LEVELS:
        below = at.notna() & (at.map(levels) != level)
        at = at.where(~below, at.map(parents).astype(object))
    lower = ALL_LEVELS[ALL_LEVELS.index(level) + 1 :]
    points = np.full(len(resources), None, dtype=object)
    coded = resources["code"].isin([code for code, its in levels.items() if its in lower]).to_numpy()
    places = dict(zip(context.city.table("units")["code"], context.points("units")))
    points[coded] = [places.get(code) for code in resources["code"][coded]]
    uncoded = resources["code"].isna().to_numpy()
    points[uncoded] = context.points("resources")[resources["row"].to_numpy()[uncoded]]
    held = context.units.holding(points, level)
    codes = np.full(len(resources), None, dtype=object)
    codes[held >= 0] = context.units.rows["code"].to_numpy(dtype=object)[held[held >= 0]]
    return at.where(at.notna(), pd.Series(codes, index=at.index))


def _with_resource(units: gpd.GeoDataFrame, given: pd.DataFrame) -> gpd.GeoDataFrame:
    """Units with their `amount` of a resource: 0 without a record, NaN where a record states none."""
    sums = given.groupby("unit")["amount"].agg(lambda amounts: amounts.sum(skipna=False))
    known = units["code"].map(sums).astype("float64")
    return units.assign(amount=known.mask(~units["code"].isin(sums.index), 0.0))


def _below_share(
    level: str, kind: str, units: gpd.GeoDataFrame, context: Context
) -> Optional[gpd.GeoDataFrame]:
    """Findings of one level and kind; None where the median unit has nothing of it."""
    need, amount = (units[name].to_numpy(dtype="float64") for name in ("need", "amount"))
    counts = (need > 0) & np.isfinite(amount)
    rate = np.divide(amount, need, out=np.full(len(units), np.nan), where=counts)
    median = weighted_lower_median(rate[counts], need[counts])
    if not median > 0:
        return None
    ratio = rate / median
    abolished = units["abolished_town"].fillna(False).to_numpy(dtype=bool)
    of_town = np.where(abolished, _ratio_to_town(units, rate, counts), np.nan)
    ratio = np.fmin(ratio, of_town)
    limit, medium, high = (
        context.number(f"E01.{name}") - _SLACK for name in ("min_ratio", "medium_below", "high_below")
    )
    unknown = np.isnan(need) | np.isnan(amount) & (need > 0)
    found = np.flatnonzero((ratio < limit) | unknown)
    words = np.select([unknown, ratio < high, ratio < medium], ["info", "high", "medium"], "low")
    spread = _spread(amount[counts], need[counts], context)
    row = context.standards.parameter("E01.min_ratio")
    part = units.iloc[found]
    return make_findings(
        "E01",
        object_role="units",
        object_id=part["code"],
        severity=raise_severity(words[found].tolist(), abolished[found]),
        geometry=np.where(usable(part.geometry), part.geometry.to_numpy(), None),
        crs=context.city.crs,
        discriminator=kind,
        class_code=kind,
        measured=ratio[found],
        reference=row.number(),
        unit="1",
        basis=row.basis,
        confidence=row.confidence,
        data_state=np.where(unknown[found], "unrecorded", "known").astype(object),
        params=[
            {
                "level": level,
                "kind": kind,
                "amount": _plain(amount[place]),
                "population": _plain(need[place]),
                "median_per_1000": _plain(median * 1000),
                "abolished_town": bool(abolished[place]),
                "ratio_to_town": _plain(of_town[place]),
                **spread,
            }
            for place in found
        ],
        evidence=("resources",),
        steps=False,
    )


def _ratio_to_town(units: gpd.GeoDataFrame, rate: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Rate of each unit over the mean of the units of its parent, NaN without parent, shape (n,)."""
    town, _ = pd.factorize(units["parent_code"].astype(object))
    mine = counts & (town >= 0)
    sums = [np.bincount(town[mine], units[name].to_numpy()[mine]) for name in ("amount", "need")]
    means = np.append(np.divide(sums[0], sums[1], out=np.zeros(len(sums[0])), where=sums[1] > 0), 0.0)
    mean = means[np.where(mine, town, -1)]
    return np.divide(rate, mean, out=np.full(len(rate), np.nan), where=mean > 0)


def _spread(amount: np.ndarray, need: np.ndarray, context: Context) -> dict[str, float]:
    """Gini and Hoover index of a level, where it has units enough for them."""
    if len(need) < context.number("E01.min_units_gini"):
        return {}
    return {"gini": round(gini(amount, need), 4), "hoover": round(hoover(amount, need), 4)}


def _plain(number: float) -> Optional[float]:
    return None if np.isnan(number) else round(float(number), 4)


def _missing(city: City) -> Optional[str]:
    if not len(city.table("resources")):
        return "no resources given"
    return None if city.table("units")["population"].notna().any() else "no unit with a population given"


BELOW_EQUAL_SHARE = Rule("E01", find_below_equal_share, _missing, roles=("units", "resources"), reach_m=None)
