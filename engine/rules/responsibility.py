"""Responsibility gaps: objects and cells that are nobody's."""

from __future__ import annotations

from typing import Optional

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from ...model.roles import ROLES
from ...model.vocabulary import canonical, maps_to
from ..city import City, usable
from ..classes import class_codes, of_class
from ..context import Context
from ..findings import join_findings, make_findings
from ..rule import Outcome, Rule
from ..units import is_within_any

FIELD_OF_DUTY = {"own": "owner", "maintain": "maintainer"}
"""Which field of an object fills a duty."""

_LAYERS = ("housing", "pipes", "components", "neglected")
_OTHER_LAYERS = ("pipe_points", "roads", "water")
_EVERYWHERE = shapely.box(-1e12, -1e12, 1e12, 1e12)
_OWNERLESS_COVER = "components:0114"
_CELL_CLASSES = ("*", "units", "cell", "units:cell")


def find_without_owner(city: City, context: Context) -> Outcome:
    """R01: objects without owner, maintainer or fallback, and cells without fallback.

    A duty is tested on a layer only if the layer has its column or a valid duty row names it.
    """
    duties = valid_duties(context)
    needed = context.standards.parameter("R01.needed_duties")
    parts, untested = [], []
    for role in _tested_layers(city):
        context.check_cancelled()
        tested = [duty for duty in needed.value.split("|") if _is_tested(duty, role, city, duties)]
        skipped = [duty for duty in needed.value.split("|") if duty not in tested]
        if skipped:
            untested.append(f"{role}: {', '.join(skipped)}")
        if tested:
            lacking = np.column_stack([_lacking(duty, role, context, duties) for duty in tested])
            parts.append(_findings(role, tested, lacking, context))
    if "fallback" in needed.value.split("|") and (duties["duty"] == "fallback").any():
        parts.append(_cells_without_fallback(duties, context))
    else:
        untested.append("cells: fallback")
    reason = (f"not tested ({'; '.join(untested)})",) if untested else ()
    return Outcome(join_findings(parts, city.crs), reason)


def valid_duties(context: Context) -> gpd.GeoDataFrame:
    """Duties in force at T with a body, with the area they hold in: own, that of area_code, or everywhere."""
    duties = context.city.table("duties")
    today = context.local_day(pd.Series([pd.Timestamp(context.at)]))[0]
    begun = ~(context.local_day(duties["valid_from"]) > today)
    ended = context.local_day(duties["valid_to"]) < today
    valid = begun & ~ended & duties["body"].notna()
    duties = duties[valid.to_numpy(dtype=bool)].reset_index(drop=True)
    units = context.units.rows
    by_code = dict(zip(units["code"], units.geometry))
    own = usable(duties.geometry)
    coded = duties["area_code"].notna().to_numpy()
    shapes = np.full(len(duties), _EVERYWHERE, dtype=object)
    shapes[coded] = [by_code.get(code) for code in duties["area_code"][coded]]
    shapes[own] = duties.geometry.to_numpy()[own]
    return duties.assign(geometry=gpd.GeoSeries(shapes, crs=context.city.crs))


def _tested_layers(city: City) -> list[str]:
    others = [role for role in _OTHER_LAYERS if "owner" in city.table(role).columns]
    return [role for role in (*_LAYERS, *others) if len(city.table(role))]


def _is_tested(duty: str, role: str, city: City, duties: pd.DataFrame) -> bool:
    field = FIELD_OF_DUTY.get(duty)
    extra = field is not None and field not in ROLES[role].field_names and field in city.table(role).columns
    return (
        (duties["duty"] == duty).any()
        or extra
        or (field in ROLES[role].field_names and city.has(role, field))
    )


def _lacking(duty: str, role: str, context: Context, duties: gpd.GeoDataFrame) -> np.ndarray:
    """Objects of the role for which nobody has the duty, shape (n,)."""
    table = context.city.table(role)
    filled = np.zeros(len(table), dtype=bool)
    field = FIELD_OF_DUTY.get(duty, "")
    if field in table.columns:
        blank = table[field].astype("str").str.strip() == ""
        filled = (table[field].notna() & ~blank).to_numpy(dtype=bool) & ~context.is_filler(role, field)
    mine = duties[(duties["duty"] == duty).to_numpy(dtype=bool)]
    for object_class, rows in mine.groupby(mine.apply(duty_class, axis=1)) if len(mine) else ():
        open_ones = np.flatnonzero(~filled & of_class(role, table, object_class))
        covered = is_within_any(context.points(role)[open_ones], rows.geometry.to_numpy())
        filled[open_ones[covered]] = True
    if duty == "own":
        filled &= ~of_class(role, table, _OWNERLESS_COVER)
    return ~filled


def duty_class(duty: pd.Series) -> str:
    """The object class a duty is for: its own, else what its trade covers; sanitation and the like: none."""
    if isinstance(duty["object_class"], str) and duty["object_class"].strip():
        return duty["object_class"].strip()
    trade = duty["trade"]
    if not isinstance(trade, str) or not trade.strip():
        return "*"
    word = canonical("duties.trade", trade.strip()) or "*"
    if word in ROLES or word == "*":
        return word
    named = maps_to("class_code").get(canonical("class_code", word) or "")
    if named:
        return named
    component = canonical("components.class_code", word) or ""
    return (
        f"components:{component}" if component and component in maps_to("components.class_code") else "none"
    )


def _findings(role: str, tested: list[str], lacking: np.ndarray, context: Context) -> gpd.GeoDataFrame:
    found = np.flatnonzero(lacking.any(axis=1))
    lacking = lacking[found]
    part = context.city.table(role).iloc[found]
    no_fallback = (
        lacking[:, tested.index("fallback")] if "fallback" in tested else np.zeros(len(found), dtype=bool)
    )
    row = context.standards.parameter("R01.needed_duties")
    return make_findings(
        "R01",
        object_role=role,
        object_id=part["id"],
        severity=np.where(no_fallback, "high", "medium").astype(object),
        geometry=part.geometry.to_numpy(),
        crs=context.city.crs,
        class_code=class_codes(role, part),
        measured=lacking.sum(axis=1),
        reference=0.0,
        unit="1",
        basis=row.basis,
        confidence=row.confidence,
        params=[{"lacking": [duty for duty, hole in zip(tested, holes) if hole]} for holes in lacking],
        evidence=("duties",),
    )


def _cells_without_fallback(duties: gpd.GeoDataFrame, context: Context) -> gpd.GeoDataFrame:
    codes, outlines = context.grid.all_cells()
    mine = duties[(duties["duty"] == "fallback").to_numpy(dtype=bool)]
    general = mine.apply(duty_class, axis=1).isin(_CELL_CLASSES).to_numpy(dtype=bool)
    bare = ~is_within_any(shapely.point_on_surface(outlines), mine.geometry.to_numpy()[general])
    row = context.standards.parameter("R01.needed_duties")
    return make_findings(
        "R01",
        object_role="cell",
        object_id=codes[bare],
        severity="high",
        geometry=outlines[bare],
        crs=context.city.crs,
        class_code=None,
        measured=1.0,
        reference=0.0,
        unit="1",
        basis=row.basis,
        confidence=row.confidence,
        params=[{"lacking": ["fallback"]}] * int(bare.sum()),
        evidence=("duties",),
    )


def _missing(city: City) -> Optional[str]:
    layers = _tested_layers(city)
    if any(city.has(role, field) for role in _LAYERS for field in FIELD_OF_DUTY.values()):
        return None
    if len(city.table("duties")) or any(
        "owner" in city.table(role).columns for role in layers if role in _OTHER_LAYERS
    ):
        return None
    return "no owner or maintainer column and no duties given"


NO_OWNER = Rule(
    "R01",
    find_without_owner,
    _missing,
    roles=(*_LAYERS, *_OTHER_LAYERS, "duties", "units"),
    reach_m=lambda context: 0.0,
)
