"""Data gaps: two sources that tell different things of one object."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Optional

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from ...model.roles import OBJECT_LAYERS
from ..accuracy import GRADES
from ..city import City
from ..classes import YEAR_FIELD, class_codes
from ..context import Context, representative_points
from ..findings import join_findings, make_findings
from ..likeness import Pairs
from ..matching import (
    Shared,
    each_others_nearest,
    equal_ids,
    fits,
    have_id_in,
    near_pairs,
    only_in_one,
    places_to_compare,
    shared_records,
)
from ..rule import Outcome, Rule
from ..statistic import After, Change, statistic
from .data_doubles import disagreements

if TYPE_CHECKING:
    from ..window import Edit


def find_conflicting_sources(city: City, context: Context) -> Outcome:
    """D08: records of one object in two sources that disagree, or that only one of them has.

    One object: equal ids in one class; else each the other's nearest within `D08.match_tol_m` (or
    the sum of the stated accuracies, if that is more; lines by their Hausdorff distance), areas
    by the share of the larger that both cover, at least `D08.min_overlap`. Only one source has
    it: nothing of the other is that near, though the other covers the place (`only_in_one`).
    """
    parts = []
    for role in OBJECT_LAYERS:
        records = shared_records(role, context)
        if records is not None:
            context.check_cancelled()
            parts += _compare(records, context)
    return Outcome(join_findings(parts, city.crs))


def _compare(records: Shared, context: Context) -> list[gpd.GeoDataFrame]:
    has = have_id_in(records)
    compared = places_to_compare(records, context)
    near = near_pairs(records, compared, context)
    first, second = near
    # a record whose id is in the other source has its counterpart there already
    fit = ~(has[first, records.source[second]] | has[second, records.source[first]])
    fit &= fits(*records.alike(first, second))
    first, second = first[fit], second[fit]
    has[first, records.source[second]] = True
    has[second, records.source[first]] = True
    same, nearest = equal_ids(records), each_others_nearest(records, first, second)
    matched = np.concatenate([same[0], nearest[0]]), np.concatenate([same[1], nearest[1]])
    return [
        _conflicts(*matched, records, context),
        *(
            _one_sided(rows, other, records, context)
            for rows, other in only_in_one(records, has, compared, near, context)
        ),
    ]


def _conflicts(first: np.ndarray, second: np.ndarray, records: Shared, context: Context) -> gpd.GeoDataFrame:
    """Findings of the matched pairs whose places or values differ; `first` is of the source named first."""
    role, values = records.role, context.subject(records.role).rows
    differ = disagreements(role, values, records.rows[first], records.rows[second])
    measured, limit, is_share = records.alike(first, second)
    elsewhere = ~(fits(measured, limit, is_share) | np.isnan(measured))
    found = np.flatnonzero(elsewhere | np.array([len(fields) > 0 for fields in differ], dtype=bool))
    first, second, elsewhere, is_share = first[found], second[found], elsewhere[found], is_share[found]
    differ = [differ[at] for at in found]
    owner, other = _smaller_id_first(records, first, second)
    pairs = list(zip(records.ids[owner], records.ids[other]))
    standards = [records.overlap if share else records.tolerance for share in is_share]
    loud = {YEAR_FIELD.get(role), "owner"}
    return make_findings(
        "D08",
        object_role=role,
        object_id=[a if a == b else f"{a}|{b}" for a, b in pairs],
        objects=[tuple(f"{role}:{name}" for name in dict.fromkeys(pair)) for pair in pairs],
        discriminator=[_both_names(records, one, two) for one, two in zip(first, second)],
        severity=["high" if loud & fields.keys() else "medium" for fields in differ],
        geometry=_at_match(records, owner, other, elsewhere),
        anchor_geometry=context.city.table(role).geometry.to_numpy()[records.rows[owner]],
        crs=context.city.crs,
        class_code=class_codes(role, values.iloc[records.rows[owner]]),
        measured=np.where(elsewhere, measured[found], [float(len(fields)) for fields in differ]),
        reference=np.where(elsewhere, limit[found], 0.0),
        unit=np.where(elsewhere & ~is_share, "m", "1").astype(object),
        basis=[row.basis for row in standards],
        confidence=[row.confidence for row in standards],
        params=[
            {
                "sources": [records.names[records.source[one]], records.names[records.source[two]]],
                "differ": fields,
                "elsewhere": moved,
            }
            for one, two, fields, moved in zip(first, second, differ, elsewhere.tolist())
        ],
    )


def _smaller_id_first(records: Shared, first: np.ndarray, second: np.ndarray) -> Pairs:
    swap = np.array(records.ids[first] > records.ids[second], dtype=bool)
    return np.where(swap, second, first), np.where(swap, first, second)


def _both_names(records: Shared, one: int, other: int) -> str:
    return "|".join(sorted((records.names[records.source[one]], records.names[records.source[other]])))


def _at_match(records: Shared, owner: np.ndarray, other: np.ndarray, elsewhere: np.ndarray) -> np.ndarray:
    """The owner's line, or a point in it; from one to the other where they lie apart."""
    places = _points_and_lines(records, owner)
    apart = np.flatnonzero(elsewhere)
    if len(apart):
        ends = [_spots(records, rows[apart]) for rows in (owner, other)]
        places[apart] = shapely.linestrings(np.stack([shapely.get_coordinates(end) for end in ends], axis=1))
    return places


def _points_and_lines(records: Shared, rows: np.ndarray) -> np.ndarray:
    areas = records.dimension[rows] == 2
    places = records.shapes[rows]
    places[areas] = _spots(records, rows[areas])
    return places


def _spots(records: Shared, rows: np.ndarray) -> np.ndarray:
    return representative_points(records.shapes[rows], records.dimension[rows] >= 0)


def _one_sided(rows: np.ndarray, other: int, records: Shared, context: Context) -> gpd.GeoDataFrame:
    """Findings of the records that the source of number `other` lacks."""
    table = context.city.table(records.role).iloc[records.rows[rows]]
    names = [(records.names[records.source[row]], records.names[other]) for row in rows]
    areas = records.dimension[rows] == 2
    standards = [records.overlap if area else records.tolerance for area in areas]
    params: list[dict[str, Any]] = [{"sources": sorted(pair), "only_in": pair[0]} for pair in names]
    return make_findings(
        "D08",
        object_role=records.role,
        object_id=table["id"],
        discriminator=["|".join(sorted(pair)) for pair in names],
        severity="low",
        geometry=_points_and_lines(records, rows),
        anchor_geometry=table.geometry.to_numpy(),
        crs=context.city.crs,
        class_code=class_codes(records.role, context.subject(records.role).rows.iloc[records.rows[rows]]),
        reference=[row.number() for row in standards],
        unit=np.where(areas, "1", "m").astype(object),
        basis=[row.basis for row in standards],
        confidence=[row.confidence for row in standards],
        params=params,
        evidence=(records.role,),
    )


def _missing(city: City) -> Optional[str]:
    if any(city.table(role)["source_name"].nunique() > 1 for role in OBJECT_LAYERS):
        return None
    return "no role was given by two sources"


def _reach(context: Context) -> float:
    """How far a change can alter who is whose nearest, and whether both sources cover the place, metres."""
    far = max(context.number(f"accuracy.{grade}", "pipes") for grade in GRADES)
    apart = max(2 * far, *(context.number("D08.match_tol_m", role) for role in OBJECT_LAYERS))
    within = max(context.number("D08.shared_within_m", role) for role in OBJECT_LAYERS)
    return within + 4 * apart


def _edit_reach_m(context: Context, edit: Edit) -> Optional[float]:
    """Around records of classes that two sources hold."""
    held = context.once(_sources)
    classes = {name for table in edit.tables for name in class_codes(edit.role, table)}
    several = any(
        len(sources) > 1 for (role, name), sources in held.items() if role == edit.role and name in classes
    )
    return _reach(context) if several else None


Sources = Mapping[tuple[str, str], frozenset[str]]


def _carry_sources(held: Sources, change: Change) -> After[Sources]:
    new = _sources_of(change.now, change.role)
    return After({**held, **{pair: held.get(pair, frozenset()) | names for pair, names in new.items()}})


@statistic(*OBJECT_LAYERS, carry=_carry_sources)
def _sources(context: Context) -> Sources:
    """Sources of the records of each role and class; after edits at least those."""
    return {pair: names for role in OBJECT_LAYERS for pair, names in _sources_of(context, role).items()}


def _sources_of(context: Context, role: str) -> Sources:
    table = context.city.table(role)
    names = pd.DataFrame({"class": class_codes(role, table), "source": table["source_name"].astype(object)})
    held = names.dropna().drop_duplicates().groupby("class")["source"]
    return {(role, word): frozenset(sources) for word, sources in held}


CONFLICTING_SOURCES = Rule(
    "D08",
    find_conflicting_sources,
    _missing,
    roles=(*OBJECT_LAYERS, "units"),
    reach_m=_reach,
    edit_reach_m=_edit_reach_m,
    is_of_its_own=True,
)
