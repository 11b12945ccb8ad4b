"""Network gaps: drains without manholes, covers without pipes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Optional

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from ...model.vocabulary import component_classes, component_pipe_classes, maps_to
from ..city import City, lacking_role, usable
from ..classes import class_codes
from ..context import Context
from ..coverage import SLACK_M, lines_of
from ..drain_runs import Nodes, Runs, line_nodes, straight_runs
from ..ends import within
from ..findings import join_findings, make_findings
from ..rule import Outcome, Rule
from ..standards import Standard

DRAINS = "PS"
"""Class of drains."""


@dataclass(frozen=True)
class _Drains:
    """The drains of a city: row, id, line, diameter (NaN: unrecorded), and their order by id."""

    row: np.ndarray
    object_id: np.ndarray
    line: np.ndarray
    diameter: np.ndarray
    rank: np.ndarray


@dataclass(frozen=True)
class _Covers:
    """Manhole covers: row, shape, and the pipe class that its code names (None: the plain word)."""

    row: np.ndarray
    shape: np.ndarray
    pipe_class: np.ndarray


def find_missing_manholes(city: City, context: Context) -> Outcome:
    """N04: straight drains and nodes of drains without a manhole, covers without a pipe.

    A run of drains is followed from manhole to manhole; it ends as well at a bend of `N04.bend_deg`,
    at a node of three, and where the drain ends. A manhole is a pipe point of the drains (manhole,
    inspection_well) within `N01.snap_tol_m`, or a cover within `N04.cover_dist_m`.
    """
    covers = _covers(city, context)
    findings, untested = _covers_without_pipe(covers, context)
    parts = [findings]
    if not (city.has("pipe_points", "feature") or len(covers.row)):
        untested.append("no manholes and no covers given: runs and nodes not tested")
    else:
        drains = _drains(city, context)
        manholes = _manholes(covers, context)
        nodes = line_nodes(drains.line, context.number("N01.snap_tol_m", "pipes"))
        parts.append(_nodes_without_manhole(drains, nodes, manholes, context))
        context.check_cancelled()
        runs, words = _runs_without_manhole(drains, nodes, manholes, context)
        parts.append(runs)
        untested += words
    found = join_findings(parts, city.crs)
    return Outcome(_raised_at_hot_spots(found, context), tuple(untested))


def _drains(city: City, context: Context) -> _Drains:
    pipes, rows = city.table("pipes"), context.subject("pipes").rows
    row = np.flatnonzero(class_codes("pipes", rows) == DRAINS)
    is_line, lines = lines_of(context, "pipes")
    row = row[is_line[row]]
    lines = lines[row]
    object_id = np.asarray(pipes["id"].iloc[row].astype(object))
    # Of drains that share an id the shape decides which comes first.
    rank = np.empty(len(row), dtype="int64")
    rank[np.lexsort((*shapely.bounds(lines).T, object_id))] = np.arange(len(row))
    return _Drains(row, object_id, lines, rows["diameter_mm"].to_numpy(dtype="float64")[row], rank)


def _covers(city: City, context: Context) -> _Covers:
    table = city.table("components")
    codes = pd.Series(class_codes("components", context.subject("components").rows), dtype=object)
    is_cover = (codes == "manhole_cover") | (codes.map(component_classes()) == "manhole_cover")
    row = np.flatnonzero(is_cover.to_numpy(dtype=bool) & usable(table.geometry))
    named = codes.iloc[row].map(component_pipe_classes())
    pipe_class = named.to_numpy(dtype=object)
    pipe_class[named.isna().to_numpy()] = None
    return _Covers(row, table.geometry.to_numpy()[row], pipe_class)


def _manholes(covers: _Covers, context: Context) -> list[tuple[np.ndarray, float]]:
    """What counts as a manhole of a drain, and how far from the drain it may lie, metres."""
    table, rows = context.city.table("pipe_points"), context.subject("pipe_points").rows
    codes = pd.Series(class_codes("pipe_points", rows), dtype=object)
    wells = [word for word, use in maps_to("pipe_points.feature").items() if use == "node"]
    # A manhole without a class may be one of the drain it lies on: what nobody recorded is no gap.
    ours = rows["feature"].isin(wells).to_numpy(dtype=bool) & codes.isin([DRAINS, None]).to_numpy()
    ours &= usable(table.geometry)
    over_drains = pd.isna(covers.pipe_class) | (covers.pipe_class == DRAINS)
    return [
        (table.geometry.to_numpy()[ours], context.number("N01.snap_tol_m", "pipes")),
        (covers.shape[over_drains], context.number("N04.cover_dist_m", "pipes")),
    ]


def _nodes_without_manhole(
    drains: _Drains, nodes: Nodes, manholes: list[tuple[np.ndarray, float]], context: Context
) -> gpd.GeoDataFrame:
    row = context.standards.parameter("N04.min_drains", "pipes:PS")
    ends, count = _bare_ends(nodes, row.number(), manholes)
    # The smallest pipe owns the node, with its start if both its ends are there.
    order = np.lexsort((nodes.last[ends], drains.rank[nodes.line[ends]], nodes.node[ends]))
    ends, count = ends[order], count[order]
    _, first = np.unique(nodes.node[ends], return_index=True)
    owner = ends[first]
    drain = nodes.line[owner]
    return make_findings(
        "N04",
        object_role="pipes",
        object_id=drains.object_id[drain],
        discriminator=np.where(nodes.last[owner], "node-e", "node-s").astype(object),
        severity="medium",
        geometry=nodes.place[owner],
        crs=context.city.crs,
        anchor_geometry=drains.line[drain],
        class_code=DRAINS,
        unit="m",
        basis=row.basis,
        confidence=row.confidence,
        params=[{"drains": number} for number in count[first].tolist()],
        evidence=("pipe_points", "components"),
    )


def _bare_ends(
    nodes: Nodes, least: float, manholes: list[tuple[np.ndarray, float]]
) -> tuple[np.ndarray, np.ndarray]:
    """Ends at nodes of so many drains without a manhole, and the number of drains that meet there."""
    pairs = np.unique(np.column_stack([nodes.node, nodes.line]), axis=0)
    count = np.bincount(pairs[:, 0], minlength=len(nodes.node))
    ends = np.flatnonzero(count[nodes.node] >= least)
    held = np.zeros(len(nodes.node), dtype=bool)
    for shapes, distance in manholes:
        end, _, _ = within(nodes.place[ends], shapes, distance)
        held[nodes.node[ends[end]]] = True
    ends = ends[~held[nodes.node[ends]]]
    return ends, count[nodes.node[ends]]


def _runs_without_manhole(
    drains: _Drains, nodes: Nodes, manholes: list[tuple[np.ndarray, float]], context: Context
) -> tuple[gpd.GeoDataFrame, list[str]]:
    if "diameter_mm" in context.city.lacking_everywhere("pipes"):
        return join_findings([], context.city.crs), ["no diameter_mm given: runs not tested"]
    runs = straight_runs(drains.line, nodes, manholes, context.number("N04.bend_deg", "pipes:PS"))
    context.check_cancelled()
    table = _spacing_table(context)
    if not table:
        return join_findings([], context.city.crs), ["no row of the spacing table is on: runs not tested"]
    band = _bands(drains, context)[runs.line]
    unknown = _any(runs, np.isnan(drains.diameter)[runs.line])
    beyond = _any(runs, (band < 0) & ~np.isnan(drains.diameter)[runs.line])
    # The widest spacing that any drain of the run allows; without diameter the narrowest of all.
    widest = np.zeros(len(runs.length), dtype="int64")
    np.maximum.at(widest, runs.run, np.maximum(band, 0))
    spacing = np.array([row.number() for row in table])[widest]
    found = np.flatnonzero(~beyond & (runs.length > spacing + SLACK_M))
    words = [f"{beyond.sum()} runs with a diameter beyond the spacing table: not tested"]
    rows = [table[place] for place in widest[found]]
    severity = np.where(unknown[found], "info", "medium").astype(object)
    state = np.where(unknown[found], "unrecorded", "known").astype(object)
    return _long_runs(drains, runs, found, rows, severity, state, context), words if beyond.any() else []


def _spacing_table(context: Context) -> list[Standard]:
    """The rows of the spacing table, from narrow to wide."""
    return sorted(context.standards.named("N04.spacing_m"), key=lambda row: row.number())


def _bands(drains: _Drains, context: Context) -> np.ndarray:
    """Place of each drain's row in the spacing table, ordered by spacing; -1: none fits, shape (n,)."""
    band = np.full(len(drains.row), -1, dtype="int64")
    for place, row in enumerate(_spacing_table(context)):
        band[context.fits(row, "pipes")[drains.row]] = place
    return band


def _any(runs: Runs, of_piece: np.ndarray) -> np.ndarray:
    """Whether it holds for some piece of each run, shape (r,)."""
    return np.bincount(runs.run[of_piece], minlength=len(runs.length)) > 0


def _long_runs(
    drains: _Drains,
    runs: Runs,
    found: np.ndarray,
    rows: list[Standard],
    severity: np.ndarray,
    state: np.ndarray,
    context: Context,
) -> gpd.GeoDataFrame:
    pieces = np.flatnonzero(np.isin(runs.run, found))
    which = np.searchsorted(found, runs.run[pieces])
    order = np.lexsort((drains.rank[runs.line[pieces]], which))
    pieces, which = pieces[order], which[order]
    first = np.searchsorted(which, np.arange(len(found)))
    drain = runs.line[pieces[first]]
    pairs = np.unique(np.column_stack([which, runs.line[pieces]]), axis=0)
    count = np.bincount(pairs[:, 0], minlength=len(found))
    return make_findings(
        "N04",
        object_role="pipes",
        object_id=drains.object_id[drain],
        discriminator="run",
        severity=severity,
        data_state=state,
        geometry=shapely.line_merge(
            shapely.multilinestrings(shapely.linestrings(runs.piece[pieces]), indices=which)
        ),
        crs=context.city.crs,
        anchor_geometry=drains.line[drain],
        class_code=DRAINS,
        measured=runs.length[found],
        reference=[row.number() for row in rows],
        unit="m",
        basis=[row.basis for row in rows],
        confidence=[row.confidence for row in rows],
        params=[{"drains": number} for number in count.tolist()],
        evidence=("pipe_points", "components"),
    )


def _covers_without_pipe(covers: _Covers, context: Context) -> tuple[gpd.GeoDataFrame, list[str]]:
    """Covers with no pipe of the class they name close by, and the classes that could not be tested."""
    codes = class_codes("pipes", context.subject("pipes").rows)
    is_line, lines = lines_of(context, "pipes")
    gap = np.zeros(len(covers.row))
    untested = []
    for name in pd.unique(covers.pipe_class):
        mine = np.flatnonzero(pd.isna(covers.pipe_class) if name is None else covers.pipe_class == name)
        theirs = lines[is_line if name is None else is_line & (codes == name)]
        if len(theirs):
            gap[mine] = _gaps(covers.shape[mine], theirs, context.number("N04.cover_dist_m", "pipes"))
        else:
            untested.append(f"no {name or 'usable'} pipe in the city: {len(mine)} covers not tested")
        context.check_cancelled()
    found = np.flatnonzero(gap > 0)
    return _lone_covers(covers, found, gap[found], context), sorted(untested)


def _gaps(shapes: np.ndarray, lines: np.ndarray, distance: float) -> np.ndarray:
    """Metres to the next line, 0 for every shape with one within the distance, shape (n,)."""
    tree = shapely.STRtree(lines)
    gap = np.zeros(len(shapes))
    far = np.ones(len(shapes), dtype=bool)
    far[tree.query(shapes, predicate="dwithin", distance=distance)[0]] = False
    away = np.flatnonzero(far)
    (place, _), apart = tree.query_nearest(shapes[away], return_distance=True, all_matches=False)
    gap[away[place]] = np.where(apart > distance + SLACK_M, apart, 0)
    return gap


def _lone_covers(covers: _Covers, found: np.ndarray, gap: np.ndarray, context: Context) -> gpd.GeoDataFrame:
    row = context.standards.parameter("N04.cover_dist_m", "pipes")
    table = context.city.table("components").iloc[covers.row[found]]
    return make_findings(
        "N04",
        object_role="components",
        object_id=table["id"],
        discriminator="cover",
        severity="medium",
        geometry=covers.shape[found],
        crs=context.city.crs,
        class_code=class_codes("components", table),
        measured=gap,
        reference=row.number(),
        unit="m",
        basis=row.basis,
        confidence=row.confidence,
        params=[{} if name is None else {"pipe_class": name} for name in covers.pipe_class[found]],
        evidence=("pipes",),
    )


def _raised_at_hot_spots(findings: gpd.GeoDataFrame, context: Context) -> gpd.GeoDataFrame:
    """High, where enough callers told of floods close by; info stays info."""
    place, caller = _flooding_cases(context)
    case, finding = shapely.STRtree(findings.geometry.to_numpy()).query(
        place,
        predicate="dwithin",
        distance=context.number("N04.hotspot_dist_m", "hotline") + SLACK_M,
    )
    pairs = np.unique(np.column_stack([finding, caller[case]]), axis=0)
    cases = np.bincount(pairs[:, 0], minlength=len(findings))
    hot = (cases >= context.number("N04.hotspot_cases", "hotline")) & (findings["severity"] != "info")
    findings["severity"] = findings["severity"].mask(hot, "high")
    findings["params"] = [
        {**params, "flooding_callers": int(number)} if number else params
        for params, number in zip(findings["params"], cases)
    ]
    return findings


def _flooding_cases(context: Context) -> tuple[np.ndarray, np.ndarray]:
    """Place of the flooding cases of the last `N04.hotspot_days`, and a number for each caller."""
    table, rows = context.city.table("hotline"), context.subject("hotline").rows
    since = pd.Timestamp(context.at) - timedelta(days=context.number("N04.hotspot_days", "hotline"))
    recent = np.flatnonzero((rows["at"] > since).to_numpy(dtype=bool) & usable(table.geometry))
    rows = rows.iloc[recent]
    told = rows["category"].where(rows["category"].notna(), rows["text"]).astype(object)
    told = told.where(told.notna(), "").str.casefold()
    is_flood = np.zeros(len(rows), dtype=bool)
    for word in context.standards.words("N04.flood_words", "hotline"):
        is_flood |= told.str.contains(word.casefold(), regex=False).to_numpy(dtype=bool)
    named = rows["caller_key"].notna()
    # A case without a caller stands for itself.
    caller = ("caller " + rows["caller_key"].astype(object)).where(named, "case " + rows["id"].astype(object))
    return table.geometry.to_numpy()[recent[is_flood]], pd.factorize(caller[is_flood])[0]


def lacks_drains(city: City) -> Optional[str]:
    """The sentence that says so if a city has no drains."""
    lacks = lacking_role(city, ("pipes",))
    if lacks or (city.table("pipes")["class_code"] == DRAINS).any():
        return lacks
    return f"no drains ({DRAINS}) among the pipes"


MISSING_MANHOLE = Rule(
    "N04",
    find_missing_manholes,
    lacks_drains,
    roles=("pipes", "pipe_points", "components", "hotline"),
    reach_m=None,
)
