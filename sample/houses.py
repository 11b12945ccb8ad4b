"""What the housing register says of each building."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import shapely

from . import names
from .days import FRESH_FROM, SAMPLE_AS_OF, day_column, random_days
from .frame import NEW_TOWN_FROM, Frame, in_core
from .ids import numbered

TRAITS = pd.DataFrame(
    [
        # kind, built from, to, floors from, to, structure, homes per m2 (0: no homes), repair on record
        ("lilong", 1904, 1947, 2, 3, "砖木结构", 1 / 34, 0.62),
        ("village", 1952, 1980, 4, 6, "砖混结构", 1 / 46, 0.74),
        ("slab", 1981, 2002, 6, 7, "砖混结构", 1 / 62, 0.80),
        ("tower", 1996, 2023, 16, 33, "钢混结构", 1 / 88, 0.86),
        ("office", 1992, 2024, 8, 38, "框架结构", 0.0, 0.90),
        ("school", 1978, 2016, 3, 6, "框架结构", 0.0, 0.95),
        ("selfbuilt", 1983, 2009, 2, 3, "砖混结构", 1 / 70, 0.40),
        ("factory", 1931, 1988, 1, 4, "排架结构", 0.0, 0.55),
        ("shop", 1925, 2012, 1, 3, "砖混结构", 1 / 160, 0.60),
        ("pavilion", 1986, 2012, 1, 1, "框架结构", 0.0, 0.95),
    ],
    columns=["kind", "from", "to", "low", "high", "structure", "homes", "repaired"],
).set_index("kind")
"""Distributions of the sample (project)."""

_USES: dict[str, tuple[tuple[str, ...], tuple[float, ...]]] = {
    "lilong": (("residential", "mixed", ""), (0.86, 0.10, 0.04)),
    "village": (("residential", ""), (0.97, 0.03)),
    "slab": (("residential", ""), (0.98, 0.02)),
    "tower": (("residential", "mixed"), (0.92, 0.08)),
    "office": (("office", "commercial"), (0.72, 0.28)),
    "school": (("public",), (1.0,)),
    "selfbuilt": (("residential", "self_built_commercial", ""), (0.74, 0.20, 0.06)),
    "factory": (("industrial", "commercial"), (0.7, 0.3)),
    "shop": (("commercial", "mixed"), (0.78, 0.22)),
    "pavilion": (("public",), (1.0,)),
}
_GRADES = ("A", "B", "C", "D", "")
_GRADE_SHARES = {"old": (0.25, 0.53, 0.13, 0.025, 0.065), "middle": (0.54, 0.38, 0.04, 0.004, 0.036)}
_NEW_SHARES = (0.88, 0.09, 0.004, 0.0, 0.026)


def describe_houses(
    places: pd.DataFrame, outlines: np.ndarray, streets: pd.DataFrame, frame: Frame, rng: np.random.Generator
) -> pd.DataFrame:
    """The housing table, all fields of the role; what a register lacks is null.

    Parameters
    ----------
    places : DataFrame
        block and kind of each building.
    outlines : ndarray of Polygon
    streets : DataFrame
        name and line of the street segments, for addresses.
    """
    count = len(places)
    kinds = places["kind"].to_numpy()
    traits = TRAITS.loc[kinds].reset_index(drop=True)
    core = in_core(outlines, frame)
    noise = np.where(core, 1.0, 0.1)
    built = _built(places, traits, core, rng)
    floors = np.floor(rng.uniform(traits["low"], traits["high"] + 1))
    area = shapely.area(outlines)
    floor_area = np.round(area * floors * rng.uniform(0.88, 0.98, count))
    homes = np.round(floor_area * traits["homes"].to_numpy() * rng.uniform(0.85, 1.15, count))
    repaired = _repairs(built, traits["repaired"].to_numpy(), core, rng)
    old = built <= 1960
    grade = np.where(
        old,
        _pick(_GRADES, _GRADE_SHARES["old"], count, rng),
        _pick(_GRADES, _GRADE_SHARES["middle"], count, rng),
    )
    grade = np.where(built > 2000, _pick(_GRADES, _NEW_SHARES, count, rng), grade)
    grade = np.where(core, grade, "A")
    estate = _estates(places, rng)
    owner = np.where(np.isin(kinds, ("lilong", "village")), "公房管理中心", "业主共有")
    owner = np.where(traits["homes"].to_numpy() == 0, "产权单位", owner)
    keeper = np.where(np.isin(kinds, ("lilong", "village")), "永业房屋修缮公司", "万家物业管理公司")
    table = pd.DataFrame(
        {
            "id": numbered("FW", np.arange(1, count + 1)),
            "name": _text(estate),
            "address": _addresses(outlines, streets),
            "use": _text(_uses(kinds, rng)),
            "built_year": np.where(rng.random(count) < np.where(old, 0.08, 0.03) * noise, np.nan, built),
            "floors": np.where(rng.random(count) < 0.01 * noise, np.nan, floors),
            "floor_area_m2": np.where(rng.random(count) < 0.04, np.nan, floor_area),
            "structure": _text(
                np.where(rng.random(count) < 0.02 * noise, "", traits["structure"].to_numpy())
            ),
            "danger_grade": _text(grade),
            "households": homes,
            "residents": np.round(homes * rng.uniform(2.1, 2.9, count)),
            "last_repair_date": day_column(repaired),
            "updated_on": day_column(random_days(FRESH_FROM, SAMPLE_AS_OF, count, rng)),
            "owner": _text(np.where(rng.random(count) < 0.015 * noise, "", owner)),
            "maintainer": _text(np.where(rng.random(count) < 0.02 * noise, "", keeper)),
        }
    )
    return table.assign(geometry=outlines)


def _built(
    places: pd.DataFrame, traits: pd.DataFrame, core: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Year of each building: houses of one block were built within a few years."""
    low = np.where(core, traits["from"], NEW_TOWN_FROM)
    high = np.where(core, traits["to"], SAMPLE_AS_OF.year - 1)
    blocks = rng.random(int(places["block"].max()) + 2)
    start = low + blocks[places["block"].to_numpy()] * (high - low - 4)
    return np.floor(start + rng.uniform(0, 4, len(places)))


def _repairs(built: np.ndarray, share: np.ndarray, core: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Last repair, at the earliest five years after building; NaT where none is on record."""
    last = np.datetime64(SAMPLE_AS_OF, "D")
    days = random_days(date(2011, 1, 1), date(2026, 5, 31), len(built), rng)
    earliest = (np.asarray(built + 5 - 1970, dtype="int64")).astype("datetime64[Y]").astype("datetime64[D]")
    none = (rng.random(len(built)) >= share) | (days < earliest)
    # The new town keeps its books: nearly every house old enough has its repair in them.
    none = np.where(core, none, rng.random(len(built)) < 0.01)
    late = np.maximum(days, earliest)
    return np.where((none & (rng.random(len(built)) > 0.25)) | (late > last), np.datetime64("NaT", "D"), late)


def _uses(kinds: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    uses = np.full(len(kinds), "", dtype=object)
    for kind, (words, shares) in _USES.items():
        chosen = np.flatnonzero(kinds == kind)
        uses[chosen] = _pick(words, shares, len(chosen), rng)
    return uses


def _estates(places: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
    """Name of the estate a building belongs to and its number in it; none for shops and offices."""
    block = places["block"].to_numpy()
    word = rng.choice(np.array(names.PLACES, dtype=object), int(block.max()) + 2)[block]
    kinds = places["kind"].to_numpy()
    ending = (
        pd.Series(kinds).map({"lilong": "里", "village": "新村", "slab": "小区", "tower": "苑"}).to_numpy()
    )
    number = places.groupby("block").cumcount().to_numpy() + 1
    estates = np.array(
        [f"{w}{e}{n}号楼" if isinstance(e, str) else "" for w, e, n in zip(word, ending, number)],
        dtype=object,
    )
    estates[kinds == "school"] = "实验小学"
    estates[kinds == "pavilion"] = "公园管理用房"
    return estates


def _addresses(outlines: np.ndarray, streets: pd.DataFrame) -> np.ndarray:
    nearest = shapely.STRtree(streets["line"].to_numpy()).nearest(shapely.centroid(outlines))
    street = pd.Series(streets["name"].to_numpy()[nearest], dtype="str")
    number = street.groupby(street).cumcount() * 2 + 1
    return (street + number.astype("str") + "号").to_numpy()


def _pick(
    words: tuple[str, ...], shares: tuple[float, ...], count: int, rng: np.random.Generator
) -> np.ndarray:
    chance = np.array(shares) / np.sum(shares)
    return np.array(words, dtype=object)[rng.choice(len(words), count, p=chance)]


def _text(values: np.ndarray) -> pd.Series:
    """Text with null for what is empty."""
    series = pd.Series(values, dtype="str")
    return series.mask(series == "")
