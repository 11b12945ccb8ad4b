"""Gaps of small things: broken lamps and covers, and streets in the dark."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Optional

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from ...model.roles import BOUNDARY_LEVELS
from ...model.vocabulary import canonical, street_ranks
from ..areas import unit_of
from ..cases import night_cases
from ..city import City, usable
from ..classes import class_codes, of_class
from ..context import Context, representative_points
from ..coverage import SLACK_M, lines_of
from ..darkness import DarkParts, dark_parts, long_axes
from ..findings import join_findings, make_findings, raise_severity
from ..reach import beside
from ..rule import Outcome, Rule
from ..streets import is_walked
from ..threads import in_chunks

if TYPE_CHECKING:
    from ..window import Edit

KINDS = ("street_lamp", "manhole_cover")
INTACT = "intact"
_CHUNK = 50_000
_SLACK = 1e-9
"""Rounding noise of a share: one exactly at a limit is not below it."""


class _Places(NamedTuple):
    """Places that have a share of intact things, and to which of them each thing belongs (-1: none)."""

    role: str
    ids: np.ndarray
    shapes: np.ndarray
    thing: np.ndarray
    mark: str
    is_main: np.ndarray


def find_condition_low(city: City, context: Context) -> Outcome:
    """P01: named streets, cells and units with enough lamps or covers, too few of them intact.

    Intact over inspected (condition not empty) below the mark of the kind; where under
    `P01.min_inspected` of them are inspected: info, unrecorded. A thing with several streets at one
    distance belongs to the one whose name comes first.
    """
    table = city.table("components")
    condition = context.subject("components").rows["condition"]
    inspected = condition.notna().to_numpy()
    intact = (condition == INTACT).fillna(False).to_numpy(dtype=bool)
    parts = []
    for kind in KINDS:
        mine = np.flatnonzero(of_class("components", table, f"components:{kind}"))
        if not len(mine):
            continue
        for places in _places(mine, context):
            context.check_cancelled()
            parts.append(_low(kind, places, inspected[mine], intact[mine], context))
    return Outcome(join_findings(parts, city.crs))


def _places(things: np.ndarray, context: Context) -> list[_Places]:
    """The cells, the units of the smallest level above cell, and the named streets of some components."""
    points = context.points("components")[things]
    codes = context.grid.codes(points)
    cells = pd.Index(codes).dropna().unique().sort_values()
    outlines = context.grid.outlines(list(cells))
    no_street = np.zeros(len(cells), dtype=bool)
    places = [
        _Places("cell", cells.to_numpy(dtype=object), outlines, cells.get_indexer(codes), "area", no_street)
    ]
    for level in reversed(BOUNDARY_LEVELS):
        units = context.units.of_level(level)
        if len(units):
            held = pd.Index(units.index).get_indexer(unit_of(context, "components", level)[things])
            ids, shapes = units["code"].to_numpy(dtype=object), units.geometry.to_numpy()
            places.append(_Places("units", ids, shapes, held, "area", np.zeros(len(ids), dtype=bool)))
            break
    return [*places, _named_streets(things, context)]


def _named_streets(things: np.ndarray, context: Context) -> _Places:
    rows = context.subject("roads").rows
    is_line, lines = lines_of(context, "roads")
    named = np.flatnonzero(is_line & rows["name"].notna().to_numpy())
    name, names = pd.factorize(rows["name"].astype(object).iloc[named], sort=True)
    street = _nearest(context.city.table("components").geometry.iloc[things], lines[named], name, context)
    is_main = np.zeros(len(names), dtype=bool)
    np.logical_or.at(is_main, name, _is_main(rows["highway"].iloc[named]))
    # Only streets that can be findings get a geometry.
    is_met = np.bincount(street[street >= 0], minlength=len(names)) > 0
    shapes = _one_each(lines[named], np.where(is_met[name], name, -1), len(names))
    return _Places("roads", np.asarray(names, dtype=object), shapes, street, "street", is_main)


def _one_each(lines: np.ndarray, group: np.ndarray, count: int) -> np.ndarray:
    """The lines of each of `count` groups as one geometry (-1: in none), None without any, shape (count,)."""
    mine = np.flatnonzero(group >= 0)
    mine = mine[np.argsort(group[mine], kind="stable")]
    parts, owner = shapely.get_parts(lines[mine], return_index=True)
    group = group[mine][owner]
    number = np.bincount(group, minlength=count)
    shapes = np.full(count, None, dtype=object)
    several = number[group] > 1
    shapes[group[~several]] = parts[~several]
    shapes[number > 1] = shapely.multilinestrings(
        parts[several], indices=(np.cumsum(number > 1) - 1)[group[several]]
    )
    return shapes


def _is_main(highway: pd.Series) -> np.ndarray:
    """Whether each road is of a main class (vocabulary.csv), shape (n,); a slip road as what it links to."""
    ranks = street_ranks()
    words = highway.astype(object).where(highway.notna(), "")
    main = {
        word: ranks.get(canonical("highway", word.removesuffix("_link")) or "") == "main"
        for word in words.unique()
    }
    return words.map(main).to_numpy(dtype=bool)


def _nearest(things: gpd.GeoSeries, lines: np.ndarray, name: np.ndarray, context: Context) -> np.ndarray:
    """Name of the nearest line within `P01.street_m` of each thing, -1 where there is none, shape (n,)."""
    shapes, reach = things.to_numpy(), context.number("P01.street_m")
    rows = np.flatnonzero(usable(things))
    tree = shapely.STRtree(lines)
    street = np.full(len(shapes), -1)

    def near(chunk: slice) -> tuple[np.ndarray, np.ndarray]:
        thing, line = beside(tree, shapes[rows[chunk]], reach + SLACK_M)
        thing = rows[chunk][thing]
        apart = shapely.distance(shapes[thing], lines[line])
        close = apart <= reach + SLACK_M
        thing, line = thing[close], line[close]
        # Equal real distances may differ by rounding: whole micrometres make them equal again.
        far = np.round(apart[close] / SLACK_M)
        order = np.lexsort((name[line], far, thing))
        first = np.flatnonzero(np.diff(thing[order], prepend=-1))
        return thing[order][first], name[line[order]][first]

    for thing, nearest in in_chunks(near, len(rows), _CHUNK, context.check_cancelled):
        street[thing] = nearest
    return street


def _low(
    kind: str, places: _Places, inspected: np.ndarray, intact: np.ndarray, context: Context
) -> gpd.GeoDataFrame:
    held = places.thing >= 0
    count, seen, good = (
        np.bincount(places.thing[held & some], minlength=len(places.ids))
        for some in (True, inspected, intact)
    )
    rows = [
        context.standards.parameter(f"P01.{main}{places.mark}_mark", f"components:{kind}")
        for main in ("", "main_" if places.mark == "street" else "")
    ]
    mark = np.array([row.number() for row in rows])[places.is_main.astype(int)]
    share = np.divide(good, seen, out=np.full(len(seen), np.nan), where=seen > 0)
    unknown = seen < context.number("P01.min_inspected", "components") * count - _SLACK
    enough = count >= context.number("P01.min_count", "components")
    found = np.flatnonzero(enough & (unknown | (share < mark - _SLACK)))
    unknown = unknown[found]
    short = mark[found] - share[found] + _SLACK
    medium, high = (context.number(f"P01.{word}_short", "components") for word in ("medium", "high"))
    words = np.select([unknown, short >= high, short >= medium], ["info", "high", "medium"], "low")
    chosen = [rows[main] for main in places.is_main[found].astype(int)]
    return make_findings(
        "P01",
        object_role=places.role,
        object_id=places.ids[found],
        severity=words.astype(object),
        geometry=places.shapes[found],
        crs=context.city.crs,
        discriminator=kind,
        class_code=kind,
        measured=np.where(unknown, np.nan, np.round(share[found], 4)),
        reference=mark[found],
        unit="1",
        basis=[row.basis for row in chosen],
        confidence=[row.confidence for row in chosen],
        data_state=np.where(unknown, "unrecorded", "known").astype(object),
        params=[
            {"count": total, "inspected": looked_at, "intact": whole}
            for total, looked_at, whole in zip(*(sums[found].tolist() for sums in (count, seen, good)))
        ],
        evidence=("components",),
        steps=False,
    )


def find_dark_alley(city: City, context: Context) -> Outcome:
    """P02: parts of walked streets, alleys and spaces under viaducts that no working lamp lights.

    Farther than `P02.light_m` from all of them. Each connected part of at least `P02.min_length_m`, of
    one object; areas by their longer axis; no bridges, no tunnels. A lamp whose condition is not on
    record may work or not: what stays dark even if all of them work is known; a part in which nothing
    long enough would stay dark is info, unrecorded. One step more with a call at night from the part
    or nearby.
    """
    parts = []
    for role in ("roads", "neglected"):
        context.check_cancelled()
        rows, lines = _strips(role, context)
        parts += [_dark(role, rows, dark, state, context) for state, dark in _darkness(lines, context)]
    return Outcome(join_findings(parts, city.crs))


def _strips(role: str, context: Context) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the objects to be lit, and the line of each; an area of several parts comes several times."""
    table, rows = context.city.table(role), context.subject(role).rows
    is_line, lines = lines_of(context, role)
    if role == "roads":
        closed = rows["bridge"].fillna(False) | rows["tunnel"].fillna(False)
        open_roads = np.flatnonzero(is_line & is_walked(context) & ~closed.to_numpy(dtype=bool))
        return open_roads, lines[open_roads]
    kept = of_class(role, table, "neglected:back_alley") | of_class(role, table, "neglected:under_viaduct")
    shapes = table.geometry.to_numpy()
    areas = np.flatnonzero(kept & usable(table.geometry) & (shapely.get_dimensions(shapes) == 2))
    axes, area = long_axes(shapes[areas])
    straight = np.flatnonzero(kept & is_line)
    return np.concatenate([straight, areas[area]]), np.concatenate([lines[straight], axes])


def _darkness(lines: np.ndarray, context: Context) -> list[tuple[str, DarkParts]]:
    """Parts that are dark for sure, and parts that may be, each with its data_state."""
    table = context.city.table("components")
    condition = context.subject("components").rows["condition"]
    is_lamp = of_class("components", table, "components:street_lamp") & usable(table.geometry)
    works = is_lamp & (condition == INTACT).fillna(False).to_numpy(dtype=bool)
    may_work = works | (is_lamp & condition.isna().to_numpy())
    distance = context.number("P02.light_m", "components:street_lamp")
    least = context.number("P02.min_length_m")
    points = context.points("components")
    sure = dark_parts(lines, points[may_work], distance, least, context.check_cancelled)
    if works.sum() == may_work.sum():
        return [("known", sure)]
    maybe = dark_parts(lines, points[works], distance, least, context.check_cancelled)
    inside = np.zeros(len(maybe.line), dtype=bool)
    part, other = shapely.STRtree(maybe.shapes).query(
        shapely.line_interpolate_point(sure.shapes, 0.5, normalized=True),
        predicate="dwithin",
        distance=SLACK_M,
    )
    inside[other[maybe.line[other] == sure.line[part]]] = True
    return [("known", sure), ("unrecorded", maybe[~inside])]


def _dark(role: str, rows: np.ndarray, dark: DarkParts, state: str, context: Context) -> gpd.GeoDataFrame:
    table = context.city.table(role).iloc[rows[dark.line]]
    row = context.standards.parameter("P02.min_length_m")
    calls = night_cases(context, dark.shapes)
    medium, high = (context.number(f"P02.{word}_m") - SLACK_M for word in ("medium", "high"))
    words = np.select([dark.lengths < medium, dark.lengths < high], ["low", "medium"], "high")
    if state != "known":
        words = np.full(len(words), "info")
    points = representative_points(dark.shapes, np.ones(len(dark.shapes), dtype=bool))
    return make_findings(
        "P02",
        object_role=role,
        object_id=table["id"],
        severity=raise_severity(words.tolist(), calls > 0),
        geometry=dark.shapes,
        anchor_geometry=table.geometry.to_numpy(),
        crs=context.city.crs,
        discriminator=context.grid.codes(points),
        class_code=class_codes(role, table),
        measured=np.round(dark.lengths, 3),
        reference=row.number(),
        unit="m",
        basis=row.basis,
        confidence=row.confidence,
        data_state=state,
        params=[{"night_cases": number} for number in calls.tolist()],
        evidence=("components", "hotline"),
    )


def _no_condition(city: City) -> Optional[str]:
    return None if city.has("components", "condition") else "no components with a condition given"


def _no_lamp_condition(city: City) -> Optional[str]:
    table = city.table("components")
    lamps = table[of_class("components", table, "components:street_lamp")]
    return None if lamps["condition"].notna().any() else "no street lamps with a condition given"


def _light_reach_m(context: Context) -> float:
    return max(context.number("P02.light_m", "components:street_lamp"), context.number("case.near_m"))


def _light_edit_reach_m(context: Context, edit: Edit) -> Optional[float]:
    """Around lamps and calls."""
    if edit.role == "components" and not any(
        of_class("components", table, "components:street_lamp").any() for table in edit.tables
    ):
        return None
    return 0.0 if edit.role in ("roads", "neglected") else _light_reach_m(context)


COMPONENT_CONDITION_LOW = Rule(
    "P01",
    find_condition_low,
    _no_condition,
    roles=("components", "roads", "units"),
    reach_m=None,
)
DARK_ALLEY = Rule(
    "P02",
    find_dark_alley,
    _no_lamp_condition,
    roles=("roads", "neglected", "components", "hotline", "units"),
    reach_m=_light_reach_m,
    owners=("roads", "neglected"),
    alone=("roads", "neglected"),
    edit_reach_m=_light_edit_reach_m,
)
