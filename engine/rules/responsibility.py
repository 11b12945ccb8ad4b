"""Responsibility gaps of objects: nobody is responsible, or several bodies are."""

from __future__ import annotations

from typing import NamedTuple, Optional

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from ...model.roles import OBJECT_LAYERS, ROLES
from ..city import City, row_parts
from ..classes import of_class
from ..context import Context, is_filler
from ..duties import FIELD_OF_DUTY, LEVEL_OF_RANK, areas_of_duties, valid_duties
from ..findings import join_findings, make_findings, objects_at
from ..rule import Outcome, Rule
from ..standards import Standard
from ..units import is_within_any

_LAYERS = ("housing", "pipes", "components", "neglected")
_OTHER_LAYERS = ("pipe_points", "roads", "water")
_OWNERLESS_COVER = "components:0114"
_CELL_CLASSES = ("*", "units", "cell", "units:cell")


def find_without_owner(city: City, context: Context) -> Outcome:
    """R01: objects without owner, maintainer or fallback, and cells without fallback.

    A duty is tested on a layer only if the layer has its column or a valid duty row names it.
    """
    duties = context.once(valid_duties)
    needed = context.standards.parameter("R01.needed_duties")
    parts, untested = [], []
    for role in _tested_layers(city):
        context.check_cancelled()
        tested = [duty for duty in needed.value.split("|") if _is_tested(duty, role, city, duties)]
        skipped = [duty for duty in needed.value.split("|") if duty not in tested]
        if skipped:
            untested.append(f"{role}: {', '.join(skipped)}")
        if tested:
            lacking = [_all_lacking(tested, role, rows, context) for rows in row_parts(len(city.table(role)))]
            parts.append(_findings(role, tested, np.concatenate(lacking), context))
    if "fallback" in needed.value.split("|") and (duties["duty"] == "fallback").any():
        parts.append(_cells_without_fallback(duties, context))
    else:
        untested.append("cells: fallback")
    reason = (f"not tested ({'; '.join(untested)})",) if untested else ()
    return Outcome(join_findings(parts, city.crs), reason)


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


def _all_lacking(tested: list[str], role: str, part: slice, context: Context) -> np.ndarray:
    """What `_lacking` gives for each of some duties, shape (n, d)."""
    points = context.points(role, part)
    return np.column_stack([_lacking(duty, role, part, points, context) for duty in tested])


def _lacking(duty: str, role: str, part: slice, points: np.ndarray, context: Context) -> np.ndarray:
    """Objects of some rows of the role, at some points, for which nobody has the duty, shape (n,)."""
    table = context.city.table(role).iloc[part]
    filled = np.zeros(len(table), dtype=bool)
    field = FIELD_OF_DUTY.get(duty, "")
    if field in table.columns:
        blank = table[field].astype("str").str.strip() == ""
        filler = is_filler(table[field], context.standards.words("D01.fillers"))
        filled = (table[field].notna() & ~blank).to_numpy(dtype=bool) & ~filler
    for object_class, areas in context.once(areas_of_duties).get(duty, {}).items():
        open_ones = np.flatnonzero(~filled & of_class(role, table, object_class))
        covered = is_within_any(points[open_ones], areas)
        filled[open_ones[covered]] = True
    if duty == "own":
        filled &= ~of_class(role, table, _OWNERLESS_COVER)
    return ~filled


def _findings(role: str, tested: list[str], lacking: np.ndarray, context: Context) -> gpd.GeoDataFrame:
    found = np.flatnonzero(lacking.any(axis=1))
    lacking = lacking[found]
    no_fallback = (
        lacking[:, tested.index("fallback")] if "fallback" in tested else np.zeros(len(found), dtype=bool)
    )
    row = context.standards.parameter("R01.needed_duties")
    return make_findings(
        "R01",
        **objects_at(role, context.city.table(role), found),
        severity=np.where(no_fallback, "high", "medium").astype(object),
        measured=lacking.sum(axis=1),
        reference=0.0,
        unit="1",
        basis=row.basis,
        confidence=row.confidence,
        params=[{"lacking": [duty for duty, hole in zip(tested, holes) if hole]} for holes in lacking],
        evidence=("duties",),
    )


def _cells_without_fallback(duties: gpd.GeoDataFrame, context: Context) -> gpd.GeoDataFrame:
    codes, outlines = context.cells
    mine = duties[(duties["duty"] == "fallback").to_numpy(dtype=bool)]
    general = mine["class"].isin(_CELL_CLASSES).to_numpy(dtype=bool)
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


def find_several_owners(city: City, context: Context) -> Outcome:
    """R02: objects whose owner or fallback are several bodies; two bodies on patrol are shown as info.

    Of the duty rows over an object those of the lowest level decide. The object's own field is one
    more body if no row of that duty over it, of whatever level, names that body.
    """
    duties = context.once(valid_duties)
    parts = []
    for role in _layers_with_duties(city, duties):
        context.check_cancelled()
        for rows in row_parts(len(city.table(role))):
            tree = shapely.STRtree(context.points(role, rows))
            for name, severity in (("R02.single_duties", "high"), ("R02.shared_duties", "info")):
                row = context.standards.parameter(name)
                for duty in row.value.split("|"):
                    held = _held(role, duty, rows, tree, context, duties)
                    parts.append(_several(role, duty, rows, held, severity, row, context))
    return Outcome(join_findings(parts, city.crs))


def _layers_with_duties(city: City, duties: pd.DataFrame) -> list[str]:
    """The layers R01 tests, and others that some duty names."""
    named = {object_class.split(":")[0] for object_class in duties["class"]}
    tested = _tested_layers(city)
    return [role for role in OBJECT_LAYERS if role in tested or (role in named and len(city.table(role)))]


class _Held(NamedTuple):
    """Pairs of objects and the bodies that decide, sorted and without repeats, and how many an object has.

    `body` is a place in `bodies`; an object that no row covers has no pair and a number of 0.
    """

    object: np.ndarray
    body: np.ndarray
    number: np.ndarray
    bodies: np.ndarray
    level: np.ndarray


def _held(
    role: str, duty: str, part: slice, tree: shapely.STRtree, context: Context, duties: pd.DataFrame
) -> _Held:
    """Which bodies hold a duty over each object of some rows of a role; the tree holds their points."""
    table = context.city.table(role).iloc[part]
    mine = duties[(duties["duty"] == duty).to_numpy(dtype=bool)]
    fits = {name: of_class(role, table, name) for name in mine["class"].unique()}
    mine = mine[np.array([fits[name].any() for name in mine["class"]], dtype=bool)]
    area, thing = tree.query(mine.geometry.to_numpy(), predicate="intersects")
    for name in mine["class"].unique():
        other = (mine["class"] == name).to_numpy()[area] & ~fits[name][thing]
        area, thing = area[~other], thing[~other]
    bodies, codes = np.unique(mine["body"].to_numpy(dtype=str), return_inverse=True)
    rank, body = mine["rank"].to_numpy()[area], codes[area]
    lowest = np.full(len(table), -1)
    np.maximum.at(lowest, thing, rank)
    field, bodies = _body_of_field(role, duty, part, bodies, context)
    named = np.zeros(len(table), dtype=bool)
    named[thing[body == field[thing]]] = True
    more = np.flatnonzero((field >= 0) & ~named & (lowest >= 0))
    decides = rank == lowest[thing]
    pairs = np.concatenate([thing[decides] * len(bodies) + body[decides], more * len(bodies) + field[more]])
    pairs = np.sort(pairs)
    pairs = pairs[np.diff(pairs, prepend=-1) != 0]
    thing, body = np.divmod(pairs, max(len(bodies), 1))
    return _Held(thing, body, np.bincount(thing, minlength=len(table)), bodies, lowest)


def _body_of_field(
    role: str, duty: str, part: slice, bodies: np.ndarray, context: Context
) -> tuple[np.ndarray, np.ndarray]:
    """The body that each object's own field names as its place among all bodies (-1: none), and these."""
    field = FIELD_OF_DUTY.get(duty, "")
    rows = context.subject(role).rows.iloc[part]
    if field not in rows:
        return np.full(len(rows), -1), bodies
    words, distinct = pd.factorize(rows[field])
    names = pd.Index(pd.Series(distinct, dtype=object).str.strip())
    every = pd.Index(bodies.astype(object)).append(names[names != ""]).unique()
    places = np.where(names == "", -1, every.get_indexer(names))
    return np.append(places, -1)[words], every.to_numpy(dtype=object)


def _several(
    role: str, duty: str, rows: slice, held: _Held, severity: str, row: Standard, context: Context
) -> gpd.GeoDataFrame:
    found = np.flatnonzero(held.number > 1)
    names = held.bodies[held.body[np.isin(held.object, found)]]
    bodies = np.split(names, np.cumsum(held.number[found])[:-1])
    return make_findings(
        "R02",
        **objects_at(role, context.city.table(role), rows.start + found),
        severity=severity,
        discriminator=duty,
        measured=held.number[found],
        reference=1.0,
        unit="1",
        basis=row.basis,
        confidence=row.confidence,
        params=[
            {"duty": duty, "level": LEVEL_OF_RANK[held.level[place]], "bodies": sorted(map(str, named))}
            for place, named in zip(found, bodies)
        ],
        evidence=("duties", "units"),
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
    is_of_its_own=True,
)


def _no_duties(city: City) -> Optional[str]:
    return None if len(city.table("duties")) else "no duties given"


SEVERAL_OWNERS = Rule(
    "R02",
    find_several_owners,
    _no_duties,
    roles=(*_LAYERS, *_OTHER_LAYERS, "duties", "units"),
    reach_m=lambda context: 0.0,
    is_of_its_own=True,
)
