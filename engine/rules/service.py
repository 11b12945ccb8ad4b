"""Service gaps: buildings without a pipe on record within reach."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Optional

import geopandas as gpd
import numpy as np
import shapely

from ..accuracy import GRADES, stated_accuracy
from ..city import City, lacking_role, usable
from ..classes import class_codes
from ..context import Context, representative_points
from ..coverage import SLACK_M, lines_of
from ..findings import join_findings, make_findings
from ..reach import near_lines
from ..rule import Outcome, Rule
from ..standards import Standard
from ..statistic import After, Change, recounted, statistic

if TYPE_CHECKING:
    from ..window import Edit

_REACH = "S01.reach_m"
_SEWER_KINDS = {"PS": ("WS", "HS")}
"""Kinds of a class that serve buildings, where not all do: storm water does not."""

_CHUNK = 100_000


def find_unserved_buildings(city: City, context: Context) -> Outcome:
    """S01: buildings without a pipe of an expected class within reach, one finding a class.

    Expected are the classes that `S01.reach_m` has a row for; its value or the sum of both stated
    accuracies, whichever is larger, is the reach of a pair. A class without a pipe is not tested.
    """
    housing = city.table("housing")
    shapes = housing.geometry.to_numpy()
    tested = usable(housing.geometry) & np.isin(shapely.get_dimensions(shapes), (0, 2))
    buildings = np.flatnonzero(tested & context.asks("housing"))
    parts, untested = [], []
    for object_class in _expected_classes(context):
        row = context.standards.parameter(_REACH, object_class)
        serving, unknown = _pipes(object_class, context)
        if object_class not in context.once(_serving_pipes):
            kinds = "/".join(_SEWER_KINDS.get(_code(object_class), ()))
            untested.append(
                f"no {' '.join(filter(None, (_code(object_class), kinds)))} pipe in the city: not tested"
            )
            continue
        served, distance = _reached(buildings, serving, row.number(), context)
        found = np.flatnonzero(~served)
        unsure, _ = _reached(buildings[found], unknown, row.number(), context)
        parts.append(_findings(object_class, row, buildings[found], distance[found], unsure, context))
    return Outcome(join_findings(parts, city.crs), tuple(untested))


def _expected_classes(context: Context) -> list[str]:
    """Object classes such as ``pipes:JS`` that have a reach, in the order of the standards."""
    named = (row.object_class for row in context.standards.named(_REACH))
    return list(dict.fromkeys(name for name in named if name.startswith("pipes:")))


def _carry_serving(counts: Mapping[str, int], change: Change) -> Optional[After[Mapping[str, int]]]:
    return recounted(counts, _serving_pipes(change.was), _serving_pipes(change.now))


@statistic("pipes", carry=_carry_serving)
def _serving_pipes(context: Context) -> Mapping[str, int]:
    """Pipes that serve buildings, or may, of each expected class that has any."""
    counts = {name: int(sum(map(np.sum, _pipes(name, context)))) for name in _expected_classes(context)}
    return {name: count for name, count in counts.items() if count}


def _code(object_class: str) -> str:
    return object_class.partition(":")[2]


def _pipes(object_class: str, context: Context) -> tuple[np.ndarray, np.ndarray]:
    """Which pipes of a class serve buildings, and which may (their kind is unrecorded), shape (p,) each."""
    rows = context.subject("pipes").rows
    code = _code(object_class)
    mine = (class_codes("pipes", rows) == code) & lines_of(context, "pipes")[0]
    if code not in _SEWER_KINDS:
        return mine, np.zeros(len(rows), dtype=bool)
    kinds = rows["kind_code"]
    return mine & kinds.isin(_SEWER_KINDS[code]).to_numpy(dtype=bool), mine & kinds.isna().to_numpy()


def _reached(
    buildings: np.ndarray, pipes: np.ndarray, reach: float, context: Context
) -> tuple[np.ndarray, np.ndarray]:
    """Whether a pipe reaches each building, and the distance to the nearest one.

    Parameters
    ----------
    buildings : ndarray of int64, shape (n,)
        Rows of housing.
    pipes : ndarray of bool, shape (p,)
        Mask of the pipes that count.
    reach : float
        Metres.

    Returns
    -------
    ndarray of bool, shape (n,)
    ndarray of float64, shape (n,)
        Metres, NaN where nothing lies within twice the reach. Not measured (NaN) where a pipe is
        surely within reach.
    """
    if not len(buildings):
        return np.zeros(0, dtype=bool), np.zeros(0)
    lines = context.city.table("pipes").geometry.to_numpy()[pipes]
    shapes = context.city.table("housing").geometry.to_numpy()[buildings]
    tree = shapely.STRtree(lines)
    # A hair less than the reach: what is found is surely within it, the rest is measured.
    served = near_lines(shapes, lines, max(reach - SLACK_M, 0), context.check_cancelled, tree=tree)
    distance = np.full(len(buildings), np.nan)
    for part in _chunks(np.flatnonzero(~served)):
        context.check_cancelled()
        near, line = tree.query_nearest(shapes[part], max_distance=2 * reach + SLACK_M, all_matches=False)
        distance[part[near]] = shapely.distance(shapes[part[near]], lines[line])
    with np.errstate(invalid="ignore"):
        served |= distance <= reach
    distance[distance > 2 * reach] = np.nan
    rest = np.flatnonzero(~served)
    served[rest] = _within_accuracy(buildings[rest], tree, pipes, reach, context)
    return served, distance


def _chunks(rows: np.ndarray) -> Iterator[np.ndarray]:
    for begin in range(0, len(rows), _CHUNK):
        yield rows[begin : begin + _CHUNK]


def _within_accuracy(
    buildings: np.ndarray, tree: shapely.STRtree, pipes: np.ndarray, reach: float, context: Context
) -> np.ndarray:
    """Whether each building is as close to a pipe as the sum of their stated accuracies, shape (n,)."""
    of_building = stated_accuracy("housing", context)[buildings]
    of_pipe = stated_accuracy("pipes", context)[pipes]
    within = np.zeros(len(buildings), dtype=bool)
    widest = of_building.max(initial=0) + of_pipe.max(initial=0)
    if widest <= reach:
        return within
    shapes = context.city.table("housing").geometry.to_numpy()[buildings]
    near, line = tree.query(shapes, predicate="dwithin", distance=widest + SLACK_M)
    apart = shapely.distance(shapes[near], tree.geometries[line])
    within[near[apart <= of_building[near] + of_pipe[line]]] = True
    return within


def _findings(
    object_class: str,
    row: Standard,
    buildings: np.ndarray,
    distance: np.ndarray,
    unsure: np.ndarray,
    context: Context,
) -> gpd.GeoDataFrame:
    """Findings of one class; `unsure` where a pipe of unrecorded kind reaches the building."""
    housing = context.city.table("housing").iloc[buildings]
    points = representative_points(housing.geometry.to_numpy(), usable(housing.geometry))
    facts = {
        "unknown_kind": unsure,
        "old_housing": context.is_old_housing[buildings],
        "fringe": context.in_fringe(points),
        "never_surveyed": context.never_surveyed(object_class, context.grid.codes(points)),
    }
    urgent = facts["old_housing"] | facts["fringe"]
    code = _code(object_class)
    return make_findings(
        "S01",
        object_role="housing",
        object_id=housing["id"],
        severity=np.select([unsure | facts["never_surveyed"], urgent], ["info", "high"], "medium").astype(
            object
        ),
        geometry=housing.geometry.to_numpy(),
        crs=context.city.crs,
        discriminator=code,
        class_code=code,
        measured=distance,
        reference=row.number(),
        unit="m",
        basis=row.basis,
        confidence=row.confidence,
        data_state=np.where(unsure, "unrecorded", "known").astype(object),
        params=_params(facts, len(buildings)),
        evidence=("pipes",),
    )


def _params(facts: dict[str, np.ndarray], count: int) -> list[dict[str, Any]]:
    """The facts that weigh on each finding."""
    params: list[dict[str, Any]] = [{} for _ in range(count)]
    for name, holds in facts.items():
        for place in np.flatnonzero(holds):
            params[place][name] = True
    return params


def _reach_m(context: Context) -> float:
    """Twice the widest reach, or the widest sum of accuracies."""
    reach = max((context.number(_REACH, name) for name in _expected_classes(context)), default=0.0)
    return max(2 * reach, 2 * max(context.number(f"accuracy.{grade}", "pipes") for grade in GRADES))


def _edit_reach_m(context: Context, edit: Edit) -> Optional[float]:
    """Around pipes of the expected classes; streets only tell where the city ends."""
    if edit.role == "housing":
        return 0.0
    expected = {_code(name) for name in _expected_classes(context)}
    return _reach_m(context) if edit.role == "pipes" and expected & edit.words("class_code") else None


BUILDING_NOT_SERVED = Rule(
    "S01",
    find_unserved_buildings,
    lambda city: lacking_role(city, ("housing", "pipes")),
    roles=("housing", "pipes", "surveys", "units", "roads"),
    reach_m=_reach_m,
    owners=("housing",),
    alone=("housing", "roads"),
    reads_fields={
        "housing": ("built_year", "use", "accuracy_grade"),
        "pipes": ("class_code", "kind_code", "accuracy_grade"),
        "roads": (),
    },
    edit_reach_m=_edit_reach_m,
)
