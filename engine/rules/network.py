"""Network gaps: pipe ends that dangle or almost meet, streets along which nothing is on record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Optional

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from ...model.vocabulary import canonical, maps_to
from ..city import City, lacking_role, usable
from ..classes import class_codes
from ..connected import connected_parts
from ..context import Context
from ..coverage import SLACK_M, Pieces, covered_length, lines_of, straight_pieces
from ..ends import (
    Network,
    at_the_edge,
    close_pairs,
    dangling_ends,
    joined_ends,
    network,
    sources_and_outlets,
    within,
)
from ..findings import make_findings
from ..rule import Outcome, Rule
from ..statistic import After, Change, recounted, statistic

if TYPE_CHECKING:
    from ..window import Edit

_CHUNK = 20_000


def find_dangling_ends(city: City, context: Context) -> Outcome:  # noqa: ARG001
    """N01: ends of pipes that meet nothing a pipe may end at; not where N02 holds.

    Pipes without a class are not tested.
    """
    net = network(context)
    # A dangling end that almost meets another is a near miss, whether the other dangles or not.
    first, second, _ = close_pairs(context)
    open_ends = np.setdiff1d(dangling_ends(context), np.concatenate([first, second]))
    return Outcome(_dangling_ends(net, open_ends, context), net.untested)


def _dangling_ends(net: Network, found: np.ndarray, context: Context) -> gpd.GeoDataFrame:
    row = context.standards.parameter("N01.snap_tol_m", "pipes")
    line = net.owner[found]
    code = net.code[line]
    diameter = context.subject("pipes").rows["diameter_mm"].to_numpy(dtype="float64")[net.rows[line]]
    is_main = diameter >= context.number("N01.main_diameter_mm", "pipes")
    is_severe = np.isin(code, context.standards.words("N01.high_classes", "pipes"))
    return make_findings(
        "N01",
        object_role="pipes",
        object_id=net.object_id(line),
        discriminator=net.name(found),
        severity=np.select([is_severe, is_main], ["high", "medium"], "low").astype(object),
        geometry=net.points(found),
        crs=context.city.crs,
        anchor_geometry=net.lines[line],
        class_code=code,
        measured=_to_the_next(net, found, context),
        reference=row.number(),
        unit="m",
        basis=row.basis,
        confidence=row.confidence,
        params=[{} if np.isnan(size) else {"diameter_mm": float(size)} for size in diameter],
    )


def _to_the_next(net: Network, found: np.ndarray, context: Context) -> np.ndarray:
    """Distance to the next other pipe of the class, NaN beyond `N01.next_max_m`, shape (k,)."""
    nearest = np.full(len(found), np.inf)
    farthest = context.number("N01.next_max_m", "pipes")
    owner, places = net.owner[found], net.points(found)
    for each in np.unique(net.group[owner]):
        mine = np.flatnonzero(net.group[owner] == each)
        theirs = np.flatnonzero(net.group == each)
        end, line, apart = within(places[mine], net.lines[theirs], farthest)
        other = owner[mine[end]] != theirs[line]
        np.minimum.at(nearest, mine[end[other]], apart[other])
        context.check_cancelled()
    return np.where(np.isinf(nearest), np.nan, nearest)


def find_near_misses(city: City, context: Context) -> Outcome:  # noqa: ARG001
    """N02: two ends of pipes of one class that almost meet, at least one of them dangling.

    Farther apart than `N01.snap_tol_m`, at most `N02.near_tol_m`. Pipes without a class are not tested.
    """
    net = network(context)
    first, second, gap = close_pairs(context)
    dangling = np.zeros(len(net.owner), dtype=bool)
    dangling[dangling_ends(context)] = True
    kept = dangling[first] | dangling[second]
    findings = _near_misses(net, first[kept], second[kept], gap[kept], dangling, context)
    return Outcome(findings, net.untested)


def _near_misses(
    net: Network,
    first: np.ndarray,
    second: np.ndarray,
    gap: np.ndarray,
    dangling: np.ndarray,
    context: Context,
) -> gpd.GeoDataFrame:
    row = context.standards.parameter("N02.near_tol_m", "pipes")
    pairs = list(zip(first.tolist(), second.tolist()))
    ends = np.unique(np.concatenate([first, second]))
    ids = dict(zip(ends.tolist(), net.object_id(net.owner[ends])))
    names = dict(zip(ends.tolist(), net.name(ends)))
    return make_findings(
        "N02",
        object_role="pipes",
        object_id=[f"{ids[one]}|{ids[other]}" for one, other in pairs],
        objects=[(f"pipes:{ids[one]}", f"pipes:{ids[other]}") for one, other in pairs],
        discriminator=[f"{names[one]}-{names[other]}" for one, other in pairs],
        severity="medium",
        geometry=shapely.linestrings(np.stack([net.place[first], net.place[second]], axis=1)),
        crs=context.city.crs,
        anchor_geometry=net.lines[net.owner[first]],
        class_code=net.code[net.owner[first]],
        measured=gap,
        reference=row.number(),
        unit="m",
        basis=row.basis,
        confidence=row.confidence,
        params=[
            {"dangling": [f"{ids[end]}:{names[end]}" for end in pair if dangling[end]]} for pair in pairs
        ],
    )


def find_parts_without_source(city: City, context: Context) -> Outcome:  # noqa: ARG001
    """N03: connected parts of a class that reach no source, outlet or edge of the study area.

    An end within `N01.snap_tol_m` of any part of a pipe of its class joins the two. A source or
    outlet is a pipe point of the class (station, works, outfall, pump, reservoir) as close to any
    part of a pipe, or an end within `N01.edge_buffer_m` of the edge of the study area. Parts shorter
    than `N03.min_length_m` are left out. Pipes without a class are not tested.
    """
    net = network(context)
    ends, line = joined_ends(context)
    part = connected_parts(len(net.rows), net.owner[ends], line)
    fed = np.zeros(len(net.rows), dtype=bool)
    fed[part[_at_a_source(net, context)]] = True
    rest = np.flatnonzero(~fed[part[net.owner]])
    fed[part[net.owner[rest[at_the_edge(rest, context)]]]] = True
    length = shapely.length(net.lines)
    # Summed from short to long: the order of the rows must not alter the sum.
    order = np.argsort(length)
    total = np.bincount(part[order], weights=length[order], minlength=len(part))
    least = context.number("N03.min_length_m", "pipes")
    cut_off = np.flatnonzero(part == np.arange(len(part)))
    cut_off = cut_off[~fed[cut_off] & (total[cut_off] >= least - SLACK_M)]
    return Outcome(_parts_without_source(net, part, cut_off, total[cut_off], context), net.untested)


def _at_a_source(net: Network, context: Context) -> np.ndarray:
    """Lines of a network that pass a source or outlet of their class."""
    points, codes = sources_and_outlets(context)
    point, line, _ = within(points, net.lines, context.number("N01.snap_tol_m", "pipes"))
    return line[codes[point] == net.code[line]]


def _parts_without_source(
    net: Network, part: np.ndarray, found: np.ndarray, length: np.ndarray, context: Context
) -> gpd.GeoDataFrame:
    row = context.standards.parameter("N03.min_length_m", "pipes")
    chosen = np.zeros(len(part), dtype=bool)
    chosen[found] = True
    members = np.flatnonzero(chosen[part])
    ids = net.object_id(members)
    # Of pipes that share the smallest id the shape decides which of them owns the finding.
    order = np.lexsort((*shapely.bounds(net.lines[members]).T, ids, part[members]))
    members, ids = members[order], ids[order]
    which = np.searchsorted(found, part[members])
    first = np.searchsorted(which, np.arange(len(found)))
    count = np.bincount(which, minlength=len(found))
    medium, high = (context.number(f"N03.{word}_from_m", "pipes") - SLACK_M for word in ("medium", "high"))
    pieces, of = shapely.get_parts(net.lines[members], return_index=True)
    return make_findings(
        "N03",
        object_role="pipes",
        object_id=ids[first],
        discriminator=ids[first],
        severity=np.select([length >= high, length >= medium], ["high", "medium"], "low").astype(object),
        geometry=shapely.multilinestrings(pieces, indices=which[of]),
        crs=context.city.crs,
        anchor_geometry=net.lines[members[first]],
        class_code=net.code[members[first]],
        measured=length,
        reference=row.number(),
        unit="m",
        basis=row.basis,
        confidence=row.confidence,
        params=[{"pipes": number} for number in count.tolist()],
        evidence=("pipe_points",),
    )


def find_streets_without_pipes(city: City, context: Context) -> Outcome:  # noqa: ARG001
    """N05: street segments in built-up places along which an expected pipe class is not on record.

    A class is on record where its pipes run within `N05.search_m` along `N05.min_share` of the
    segment, `N05.end_cut_m` cut off at each end. Bridges, tunnels and segments of at most
    `N05.min_length_m` are not tested.
    """
    classes, expects = _expected_classes(context.subject("roads").rows["highway"])
    streets, lines = _tested_streets(expects, context)
    expects = expects[streets]
    shares = np.ones((len(streets), len(classes)))
    untested = []
    pipe_codes = class_codes("pipes", context.subject("pipes").rows)
    is_line, pipes = lines_of(context, "pipes")
    pieces, window = _without_ends(lines, context.number("N05.end_cut_m", "roads"))
    search = context.number("N05.search_m", "roads")
    for column, code in enumerate(classes):
        mine = is_line & (pipe_codes == code)
        if code not in context.once(_recorded_pipes):
            untested.append(f"no {code} pipe in the city: not tested")
            continue
        covered = covered_length(pieces, window, pipes[mine], search, context.check_cancelled)
        shares[:, column] = np.minimum((covered + SLACK_M) / (window[1] - window[0]), 1)
    lacking = expects & (shares < context.number("N05.min_share", "roads"))
    found = np.flatnonzero(lacking.any(axis=1))
    found = found[_built_up(lines[found], context)]
    return Outcome(
        _bare_streets(streets[found], classes, expects[found], lacking[found], shares[found], context),
        tuple(untested),
    )


def _carry_recorded(counts: Mapping[str, int], change: Change) -> Optional[After[Mapping[str, int]]]:
    return recounted(counts, _recorded_pipes(change.was), _recorded_pipes(change.now))


@statistic("pipes", carry=_carry_recorded)
def _recorded_pipes(context: Context) -> Mapping[str, int]:
    """Pipes of each class that has any."""
    codes = class_codes("pipes", context.subject("pipes").rows)
    is_line, _ = lines_of(context, "pipes")
    return pd.Series(codes[is_line], dtype=object).value_counts().to_dict()


def _expected_classes(highway: pd.Series) -> tuple[list[str], np.ndarray]:
    """The pipe classes that streets may call for, and which of them each segment does.

    Returns
    -------
    list of str, length c; ndarray of bool, shape (n, c)
    """
    listed, order = _classes_by_highway(), _classes_of_streets()
    words = highway.astype(object).where(highway.notna(), "")
    expected = {word: listed.get(_street_class(word), []) for word in words.unique()}
    return order, np.column_stack(
        [
            words.map({word: code in codes for word, codes in expected.items()}).to_numpy(dtype=bool)
            for code in order
        ]
    )


def _classes_by_highway() -> dict[str, list[str]]:
    return {word: classes.split("|") for word, classes in maps_to("highway").items() if classes}


def _classes_of_streets() -> list[str]:
    """The pipe classes that some street calls for."""
    return list(dict.fromkeys(code for codes in _classes_by_highway().values() for code in codes))


def _street_class(word: str) -> str:
    """The vocabulary's value for a highway; a slip road is of the class it links to."""
    return canonical("highway", word.removesuffix("_link")) or ""


def _tested_streets(expects: np.ndarray, context: Context) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the segments to test, and their lines."""
    roads = context.city.table("roads")
    is_line, lines = lines_of(context, "roads")
    carried = (roads["bridge"].fillna(False) | roads["tunnel"].fillna(False)).to_numpy(dtype=bool)
    # What is left between the cut ends must have a length.
    least = max(context.number("N05.min_length_m", "roads"), 2 * context.number("N05.end_cut_m", "roads"))
    rows = np.flatnonzero(is_line & ~carried & expects.any(axis=1))
    rows = rows[shapely.length(lines[rows]) > least]
    return rows, lines[rows]


def _without_ends(lines: np.ndarray, cut: float) -> tuple[Pieces, tuple[np.ndarray, np.ndarray]]:
    """The pieces of lines, and from where to where each line counts once its ends are cut off."""
    pieces = straight_pieces(lines)
    begin, end = pieces.extents(len(lines))
    return pieces, (begin + cut, end - cut)


def _built_up(lines: np.ndarray, context: Context) -> np.ndarray:
    """Whether at least `N05.min_buildings` lie within `N05.building_dist_m` of each segment, shape (n,)."""
    housing = context.city.table("housing").geometry
    buildings = housing.to_numpy()[usable(housing)]
    least = context.number("N05.min_buildings", "roads")
    distance = context.number("N05.building_dist_m", "roads")
    tree = shapely.STRtree(buildings)
    built = np.zeros(len(lines), dtype=bool)
    for begin in range(0, len(lines), _CHUNK):
        context.check_cancelled()
        chunk = lines[begin : begin + _CHUNK]
        sure = tree.query(chunk, predicate="dwithin", distance=distance - SLACK_M)[0]
        built[begin : begin + _CHUNK] = np.bincount(sure, minlength=len(chunk)) >= least
    close = np.flatnonzero(~built)
    counts = np.bincount(within(lines[close], buildings, distance)[0], minlength=len(close))
    built[close] = counts >= least
    return built


def _bare_streets(
    rows: np.ndarray,
    classes: list[str],
    expects: np.ndarray,
    lacking: np.ndarray,
    shares: np.ndarray,
    context: Context,
) -> gpd.GeoDataFrame:
    row = context.standards.parameter("N05.search_m", "roads")
    roads = context.city.table("roads").iloc[rows]
    missing = [[code for code, lacks in zip(classes, holes) if lacks] for holes in lacking]
    number = lacking.sum(axis=1)
    return make_findings(
        "N05",
        object_role="roads",
        object_id=roads["id"],
        severity=np.select([number >= 3, number == 2], ["high", "medium"], "low").astype(object),
        geometry=roads.geometry.to_numpy(),
        crs=context.city.crs,
        class_code=["|".join(codes) for codes in missing],
        measured=number,
        reference=0.0,
        unit="1",
        basis=row.basis,
        confidence=row.confidence,
        params=[
            {
                "expected": [code for code, wanted in zip(classes, wants) if wanted],
                "missing": codes,
                "share": {code: round(float(part[classes.index(code)]), 3) for code in codes},
            }
            for wants, codes, part in zip(expects, missing, shares)
        ],
        evidence=("housing", "pipes"),
    )


def _next_reach_m(context: Context) -> float:
    return context.number("N01.next_max_m", "pipes") + context.number("N02.near_tol_m", "pipes")


def _near_reach_m(context: Context) -> float:
    return context.number("N02.near_tol_m", "pipes") + context.number("N01.snap_tol_m", "pipes")


def _end_edit_reach_m(context: Context, edit: Edit) -> Optional[float]:
    """Around pipes, and what an end may meet; streets only tell where the city ends."""
    if edit.role == "roads":
        return None
    return _next_reach_m(context) if edit.role == "pipes" else _near_reach_m(context)


def _street_edit_reach_m(context: Context, edit: Edit) -> Optional[float]:
    """Around pipes of the classes that streets call for, and buildings."""
    if edit.role == "roads":
        return 0.0
    if edit.role == "housing":
        return context.number("N05.building_dist_m", "roads")
    wanted = set(_classes_of_streets()) & edit.words("class_code")
    return context.number("N05.search_m", "roads") if wanted else None


DANGLING_END = Rule(
    "N01",
    find_dangling_ends,
    lambda city: lacking_role(city, ("pipes",)),
    roles=("pipes", "pipe_points", "housing", "units", "roads"),
    reach_m=_next_reach_m,
    owners=("pipes",),
    reads_fields={
        "pipes": ("class_code", "diameter_mm"),
        "pipe_points": ("class_code", "feature"),
        "housing": (),
        "roads": (),
    },
    alone=("roads",),
    edit_reach_m=_end_edit_reach_m,
)

NEAR_MISS = Rule(
    "N02",
    find_near_misses,
    lambda city: lacking_role(city, ("pipes",)),
    roles=("pipes", "pipe_points", "housing", "units", "roads"),
    reach_m=_near_reach_m,
    owners=("pipes",),
    reads_fields={
        "pipes": ("class_code",),
        "pipe_points": ("class_code", "feature"),
        "housing": (),
        "roads": (),
    },
    alone=("roads",),
    edit_reach_m=_end_edit_reach_m,
)

PART_WITHOUT_SOURCE = Rule(
    "N03",
    find_parts_without_source,
    lambda city: lacking_role(city, ("pipes", "pipe_points")),
    roles=("pipes", "pipe_points", "units", "roads", "housing"),
    reach_m=None,
)

STREET_WITHOUT_PIPE_RECORD = Rule(
    "N05",
    find_streets_without_pipes,
    lambda city: lacking_role(city, ("roads", "pipes", "housing")),
    roles=("roads", "pipes", "housing", "units"),
    reach_m=lambda context: max(
        context.number("N05.search_m", "roads"), context.number("N05.building_dist_m", "roads")
    ),
    owners=("roads",),
    reads_fields={"roads": ("highway", "bridge", "tunnel"), "pipes": ("class_code",), "housing": ()},
    alone=("roads",),
    edit_reach_m=_street_edit_reach_m,
)
