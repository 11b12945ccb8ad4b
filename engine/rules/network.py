"""Network gaps: pipe ends that almost meet, streets along which nothing is on record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from ...model.vocabulary import canonical, maps_to
from ..city import City, usable
from ..classes import class_codes
from ..context import Context
from ..coverage import SLACK_M, Pieces, covered_length, merged_lines, straight_pieces
from ..findings import make_findings
from ..rule import Outcome, Rule

_CHUNK = 20_000


@dataclass(frozen=True)
class _Ends:
    """Ends of pipes: row of the pipe, its id and class, `s` or `e`, and place, shape (n,) each."""

    pipe: np.ndarray
    object_id: np.ndarray
    class_code: np.ndarray
    name: np.ndarray
    place: np.ndarray


def find_near_misses(city: City, context: Context) -> Outcome:
    """N02: two ends of pipes of one class that almost meet, at least one of them dangling.

    Farther apart than `N01.snap_tol_m`, at most `N02.near_tol_m`. Pipes without a class are not tested.
    """
    codes = class_codes("pipes", context.subject("pipes").rows)
    is_line, lines = merged_lines(city.table("pipes").geometry)
    tested = np.flatnonzero(is_line & ~pd.isna(codes))
    ends = _ends(city.table("pipes"), lines, codes, tested)
    snap, near = context.number("N01.snap_tol_m", "pipes"), context.number("N02.near_tol_m", "pipes")
    first, second, gap = _close_pairs(ends, snap, near)
    context.check_cancelled()
    dangling = np.zeros(len(ends.pipe), dtype=bool)
    asked = np.unique(np.concatenate([first, second]))
    # as recorded: joining the parts of a line drops those without length, and they are parts too
    recorded = city.table("pipes").geometry.to_numpy()[tested]
    dangling[asked] = _dangle(ends, asked, recorded, tested, context)
    kept = dangling[first] | dangling[second]
    findings = _near_misses(ends, first[kept], second[kept], gap[kept], dangling, context)
    unclassed = int(pd.isna(codes).sum())
    return Outcome(findings, (f"{unclassed} pipes without a class: not tested",) if unclassed else ())


def _ends(pipes: gpd.GeoDataFrame, lines: np.ndarray, codes: np.ndarray, rows: np.ndarray) -> _Ends:
    """Both ends of each line; a closed line has none."""
    starts = shapely.get_point(shapely.get_geometry(lines[rows], 0), 0)
    stops = shapely.get_point(shapely.get_geometry(lines[rows], -1), -1)
    open_ended = ~(shapely.is_missing(starts) | shapely.is_missing(stops) | shapely.equals(starts, stops))
    pipe = np.tile(rows[open_ended], 2)
    return _Ends(
        pipe,
        pipes["id"].astype(object).to_numpy()[pipe],
        codes[pipe],
        np.repeat(["s", "e"], open_ended.sum()).astype(object),
        np.concatenate([starts[open_ended], stops[open_ended]]),
    )


def _close_pairs(ends: _Ends, snap: float, near: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of ends of one class and two pipes that almost meet, each once and smaller id first.

    Returns
    -------
    first, second : ndarray of int64, shape (k,)
    gap : ndarray of float64, shape (k,), metres
    """
    spots = pd.DataFrame(
        {"class": ends.class_code, "x": shapely.get_x(ends.place), "y": shapely.get_y(ends.place)}
    )
    # An end that shares its place with another end of its class can't dangle: no need to ask for it.
    lone = np.flatnonzero(~spots.duplicated(keep=False).to_numpy())
    one, other, gap = _within(ends.place[lone], ends.place, near)
    one = lone[one]
    apart = (ends.class_code[one] == ends.class_code[other]) & (ends.pipe[one] != ends.pipe[other])
    one, other, gap = (column[apart & (gap > snap)] for column in (one, other, gap))
    rank = np.lexsort((ends.name, ends.object_id))
    place = np.empty(len(rank), dtype="int64")
    place[rank] = np.arange(len(rank))
    first = np.where(place[one] < place[other], one, other)
    second = np.where(place[one] < place[other], other, one)
    _, once = np.unique(np.column_stack([first, second]), axis=0, return_index=True)
    return first[once], second[once], gap[once]


def _dangle(
    ends: _Ends, asked: np.ndarray, lines: np.ndarray, pipe_of_line: np.ndarray, context: Context
) -> np.ndarray:
    """Whether each asked end meets nothing that a pipe may end at, shape (k,)."""
    city, places = context.city, ends.place[asked]
    pipe, code = ends.pipe[asked], ends.class_code[asked]
    snap = context.number("N01.snap_tol_m", "pipes")
    meets = np.zeros(len(asked), dtype=bool)

    class_of_pipe = class_codes("pipes", context.subject("pipes").rows)
    end, line, _ = _within(places, lines, snap)
    other = pipe_of_line[line]
    meets[end[(pipe[end] != other) & (code[end] == class_of_pipe[other])]] = True

    points, codes = _stopping_points(context)
    end, point, _ = _within(places, points, snap)
    meets[end[code[end] == codes[point]]] = True

    housing = city.table("housing").geometry
    outlines = housing.to_numpy()[usable(housing) & (shapely.get_dimensions(housing.to_numpy()) == 2)]
    meets[shapely.STRtree(outlines).query(places, predicate="intersects")[0]] = True

    if context.units.study_edge is not None:
        meets |= shapely.distance(places, context.units.study_edge) <= context.number(
            "N01.edge_buffer_m", "pipes"
        )
    return ~meets


def _stopping_points(context: Context) -> tuple[np.ndarray, np.ndarray]:
    """Place and class of the pipe points that a pipe may end at: all but those that only join."""
    table, rows = context.city.table("pipe_points"), context.subject("pipe_points").rows
    joining = [word for word, use in maps_to("pipe_points.feature").items() if use == "none"]
    codes = class_codes("pipe_points", rows)
    stops = ~rows["feature"].isin(joining).to_numpy(dtype=bool) & ~pd.isna(codes) & usable(table.geometry)
    return table.geometry.to_numpy()[stops], codes[stops]


def _within(
    places: np.ndarray, shapes: np.ndarray, distance: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs at most a distance apart: index of each in `places` and `shapes`, and how far apart."""
    # The tree compares boxes widened in floating point: ask for a hair more, then measure.
    place, shape = shapely.STRtree(shapes).query(places, predicate="dwithin", distance=distance + SLACK_M)
    apart = shapely.distance(places[place], shapes[shape])
    near = apart <= distance
    return place[near], shape[near], apart[near]


def _near_misses(
    ends: _Ends,
    first: np.ndarray,
    second: np.ndarray,
    gap: np.ndarray,
    dangling: np.ndarray,
    context: Context,
) -> gpd.GeoDataFrame:
    row = context.standards.parameter("N02.near_tol_m", "pipes")
    ids, names = ends.object_id, ends.name
    pairs = list(zip(first, second))
    places = np.concatenate([ends.place[first], ends.place[second]])
    bridges = shapely.get_coordinates(places).reshape(2, -1, 2).transpose(1, 0, 2)
    return make_findings(
        "N02",
        object_role="pipes",
        object_id=[f"{ids[one]}|{ids[other]}" for one, other in pairs],
        objects=[(f"pipes:{ids[one]}", f"pipes:{ids[other]}") for one, other in pairs],
        discriminator=[f"{names[one]}-{names[other]}" for one, other in pairs],
        severity="medium",
        geometry=shapely.linestrings(bridges),
        crs=context.city.crs,
        anchor_geometry=context.city.table("pipes").geometry.to_numpy()[ends.pipe[first]],
        class_code=ends.class_code[first],
        measured=gap,
        reference=row.number(),
        unit="m",
        basis=row.basis,
        confidence=row.confidence,
        params=[
            {"dangling": [f"{ids[end]}:{names[end]}" for end in pair if dangling[end]]} for pair in pairs
        ],
    )


def find_streets_without_pipes(city: City, context: Context) -> Outcome:
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
    is_line, pipes = merged_lines(city.table("pipes").geometry)
    pieces, window = _without_ends(lines, context.number("N05.end_cut_m", "roads"))
    search = context.number("N05.search_m", "roads")
    for column, code in enumerate(classes):
        mine = is_line & (pipe_codes == code)
        if not mine.any():
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


def _expected_classes(highway: pd.Series) -> tuple[list[str], np.ndarray]:
    """The pipe classes that streets may call for, and which of them each segment does.

    Returns
    -------
    list of str, length c; ndarray of bool, shape (n, c)
    """
    listed = {word: classes.split("|") for word, classes in maps_to("highway").items() if classes}
    order = list(dict.fromkeys(code for codes in listed.values() for code in codes))
    words = highway.astype(object).where(highway.notna(), "")
    expected = {word: listed.get(_street_class(word), []) for word in words.unique()}
    return order, np.column_stack(
        [
            words.map({word: code in codes for word, codes in expected.items()}).to_numpy(dtype=bool)
            for code in order
        ]
    )


def _street_class(word: str) -> str:
    """The vocabulary's value for a highway; a slip road is of the class it links to."""
    return canonical("highway", word.removesuffix("_link")) or ""


def _tested_streets(expects: np.ndarray, context: Context) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the segments to test, and their lines."""
    roads = context.city.table("roads")
    is_line, lines = merged_lines(roads.geometry)
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
    counts = np.bincount(_within(lines[close], buildings, distance)[0], minlength=len(close))
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


def _lacking_role(city: City, roles: tuple[str, ...]) -> Optional[str]:
    absent = [role for role in roles if not city.has(role)]
    return f"no {' and no '.join(absent)} given" if absent else None


NEAR_MISS = Rule(
    "N02",
    find_near_misses,
    lambda city: _lacking_role(city, ("pipes",)),
    roles=("pipes", "pipe_points", "housing", "units", "roads"),
    reach_m=lambda context: (
        context.number("N02.near_tol_m", "pipes") + context.number("N01.snap_tol_m", "pipes")
    ),
)

STREET_WITHOUT_PIPE_RECORD = Rule(
    "N05",
    find_streets_without_pipes,
    lambda city: _lacking_role(city, ("roads", "pipes", "housing")),
    roles=("roads", "pipes", "housing", "units"),
    reach_m=lambda context: max(
        context.number("N05.search_m", "roads"), context.number("N05.building_dist_m", "roads")
    ),
)
