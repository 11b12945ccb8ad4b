"""Who holds which duty where: the duties in force at T, with the area each holds in."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Optional

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from ..model.roles import ROLES
from ..model.vocabulary import canonical, maps_to
from .city import usable
from .context import Context
from .units import ALL_LEVELS

FIELD_OF_DUTY = {"own": "owner", "maintain": "maintainer"}
"""Which field of an object fills a duty."""

EVERYWHERE = shapely.box(-1e12, -1e12, 1e12, 1e12)
"""Where a duty without a place and without `area_code` holds."""

LEVEL_OF_RANK = ("", *ALL_LEVELS)
"""Levels from the widest to the lowest; a duty that names none and no unit stands above all."""

NO_CLASS = "none"
"""Class of a trade that covers no object class, such as sanitation."""


def valid_duties(context: Context) -> gpd.GeoDataFrame:
    """Duties in force at T with a body, in the order of the table.

    Returns
    -------
    GeoDataFrame
        The fields of the role and besides: `body` without blanks around it; `class` what the duty
        is for (`duty_class`); `level` as given, else that of the unit of `area_code`, else ``""``;
        `rank` 0 without a level, 1 for city to 4 for cell; `geometry` the area it holds in: its
        own, that of the unit of `area_code` (None: no such unit), or `EVERYWHERE`.
    """
    duties = context.city.table("duties")
    today = context.local_day(pd.Series([pd.Timestamp(context.at)]))[0]
    begun = ~(context.local_day(duties["valid_from"]) > today)
    ended = context.local_day(duties["valid_to"]) < today
    body = context.recorded("duties").rows["body"].astype(object).str.strip().replace("", None)
    valid = (begun & ~ended & body.notna()).to_numpy(dtype=bool)
    duties = duties.assign(body=body)[valid].reset_index(drop=True)
    units = context.units.rows
    levels = duties["level"].astype(object).where(duties["level"].notna(), None)
    of_unit = duties["area_code"].map(dict(zip(units["code"], units["level"])))
    levels = levels.fillna(of_unit.astype(object)).fillna("")
    ranks = {level: rank for rank, level in enumerate(LEVEL_OF_RANK)}
    return duties.assign(
        **{"class": [duty_class(*words) for words in zip(duties["object_class"], duties["trade"])]},
        level=levels,
        rank=levels.map(ranks).fillna(0).astype("int64"),
        geometry=gpd.GeoSeries(_areas(duties, context), crs=context.city.crs),
    )


def areas_of_duties(context: Context) -> Mapping[str, Mapping[str, np.ndarray]]:
    """Duty and class to the areas in which somebody in the city has it; ask for it with `Context.once`."""
    duties = context.once(valid_duties)
    shapes = duties.geometry.to_numpy()
    found: dict[str, dict[str, np.ndarray]] = {}
    for (duty, object_class), rows in duties.groupby(["duty", "class"]).indices.items():
        found.setdefault(duty, {})[object_class] = shapes[rows]
    return found


def _areas(duties: gpd.GeoDataFrame, context: Context) -> np.ndarray:
    units = context.units.rows
    by_code = dict(zip(units["code"], units.geometry))
    own = usable(duties.geometry)
    coded = duties["area_code"].notna().to_numpy()
    shapes = np.full(len(duties), EVERYWHERE, dtype=object)
    shapes[coded] = [by_code.get(code) for code in duties["area_code"][coded]]
    shapes[own] = duties.geometry.to_numpy()[own]
    return shapes


def duty_class(object_class: object, trade: object) -> str:
    """The object class a duty is for: its own, else what its trade covers, else everything."""
    if isinstance(object_class, str) and object_class.strip():
        return object_class.strip()
    if not isinstance(trade, str) or not trade.strip():
        return "*"
    return class_of_word(trade) or NO_CLASS


@cache
def class_of_word(word: str) -> Optional[str]:
    """The object class that a trade, a class or one of their spellings names; None if it names none.

    Examples
    --------
    >>> class_of_word("路灯"), class_of_word("RQ"), class_of_word("环卫保洁")
    ('components:street_lamp', 'pipes:RQ', None)
    """
    trade = canonical("duties.trade", word.strip()) or "*"
    if trade in ROLES or trade == "*":
        return trade
    named = maps_to("class_code").get(canonical("class_code", trade) or "")
    if named:
        return named
    component = canonical("components.class_code", trade)
    known = component is not None and component in maps_to("components.class_code")
    return f"components:{component}" if known and component else None


def covers(wide: str, narrow: str) -> bool:
    """Whether an object class covers another: ``*`` all, a role its classes, a class itself."""
    return wide in ("*", narrow) or narrow.startswith(f"{wide}:")
