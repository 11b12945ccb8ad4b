"""Which records of two sources are one object, and which only one of the sources has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Optional

import numpy as np
import pandas as pd
import shapely

from .accuracy import stated_accuracy
from .city import usable
from .classes import class_codes
from .context import Context
from .coverage import SLACK_M, covered_length, straight_pieces
from .likeness import Pairs, common_box, meeting, near_bounds, shared_area, thin_crowds, valid_areas
from .standards import Standard
from .texts import shared

"""Grades of accuracy that records state."""
_SHARE_SLACK = 1e-9


@dataclass(frozen=True)
class Shared:
    """The records of a role whose class at least two sources hold, in k rows.

    Attributes
    ----------
    role : str
    rows : ndarray of int64, shape (k,)
        In the table of the role.
    shapes : ndarray of shapely geometries, shape (k,)
        Areas made valid, None where unusable.
    dimension : ndarray of int64, shape (k,)
        0 point, 1 line, 2 area, -1 unusable.
    source, kind : ndarray of int64, shape (k,)
        Number of the source, in the order of their names, and of the class.
    names : list of str
        Of the sources.
    ids : ndarray of str, shape (k,)
    accuracy : ndarray of float64, shape (k,)
        As stated, metres; 0 where none is.
    tolerance, overlap : Standard
        How far apart points and lines of one object may lie (metres), and which share of the
        larger its outlines have in common.
    """

    role: str
    rows: np.ndarray
    shapes: np.ndarray
    dimension: np.ndarray
    source: np.ndarray
    kind: np.ndarray
    names: list[str]
    ids: np.ndarray
    accuracy: np.ndarray
    tolerance: Standard
    overlap: Standard

    def alike(self, first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """How alike the places of each pair are, shape (p,) each.

        Returns
        -------
        measured : ndarray of float64
            Share of the larger that two areas have in common; of two lines the Hausdorff
            distance, else the distance, metres; NaN where one has no place.
        limit : ndarray of float64
            The least share or the largest distance of one object: the parameter, or the sum of
            both stated accuracies if that is more.
        is_share : ndarray of bool
        """
        one, other = self.shapes[first], self.shapes[second]
        is_share = (self.dimension[first] == 2) & (self.dimension[second] == 2)
        lines = (self.dimension[first] == 1) & (self.dimension[second] == 1)
        measured = shapely.distance(one, other)
        measured[lines] = shapely.hausdorff_distance(one[lines], other[lines])
        both = shared_area(self.shapes, first[is_share], second[is_share])
        larger = np.maximum(shapely.area(one[is_share]), shapely.area(other[is_share]))
        with np.errstate(invalid="ignore", divide="ignore"):
            measured[is_share] = np.minimum(both / larger, 1)
        far = np.maximum(self.tolerance.number(), self.accuracy[first] + self.accuracy[second])
        return measured, np.where(is_share, self.overlap.number(), far), is_share


def fits(measured: np.ndarray, limit: np.ndarray, is_share: np.ndarray) -> np.ndarray:
    """Whether places that alike may be those of one object, shape (p,); False for NaN."""
    return np.where(is_share, measured >= limit - _SHARE_SLACK, measured <= limit + SLACK_M)


def shared_records(role: str, context: Context) -> Optional[Shared]:
    """The records of a role that two sources may both hold; None if there are none."""
    table, values = context.city.table(role), context.subject(role).rows
    kinds = pd.Series(class_codes(role, values), index=values.index, dtype=object)
    named = pd.DataFrame(
        {"source": shared(values["source_name"]), "kind": kinds}, index=values.index
    ).dropna()
    named = named[(named.groupby("kind")["source"].transform("nunique") > 1).to_numpy(dtype=bool)]
    if not len(named):
        return None
    rows = named.index.to_numpy(dtype="int64")
    geometry = table.geometry.iloc[rows]
    shapes = geometry.to_numpy().copy()
    shapes[~usable(geometry)] = None
    areas = shapely.get_dimensions(shapes) == 2
    shapes[areas] = valid_areas(shapes[areas])
    names = sorted(named["source"].unique())
    return Shared(
        role,
        rows,
        shapes,
        shapely.get_dimensions(shapes).astype("int64"),
        named["source"].map({name: at for at, name in enumerate(names)}).to_numpy(dtype="int64"),
        pd.factorize(named["kind"], sort=True)[0].astype("int64"),
        names,
        table["id"].iloc[rows].fillna("").astype(object).to_numpy(),
        stated_accuracy(role, context)[rows],
        context.standards.parameter("D08.match_tol_m", role),
        context.standards.parameter("D08.min_overlap", role),
    )


def equal_ids(records: Shared) -> Pairs:
    """Pairs of records of one id and class in two sources, that of the source named first first.

    Of several records of an id in one source the westernmost and southernmost stands for all.
    """
    frame = pd.DataFrame({"kind": records.kind, "id": records.ids, "source": records.source})
    frame = frame[frame["id"] != ""]
    frame = frame[(frame.groupby(["kind", "id"])["source"].transform("nunique") > 1).to_numpy(dtype=bool)]
    at = frame.index.to_numpy(dtype="int64")
    x, y = shapely.bounds(records.shapes[at]).T[:2]
    frame = frame.assign(at=at, x=x, y=y, wkb=shapely.to_wkb(records.shapes[at]))
    frame = frame.sort_values(["source", "x", "y", "wkb"]).drop_duplicates(["kind", "id", "source"])
    pairs = frame.merge(frame, on=["kind", "id"], suffixes=("", "_2"))
    pairs = pairs[pairs["source"] < pairs["source_2"]]
    return pairs["at"].to_numpy(dtype="int64"), pairs["at_2"].to_numpy(dtype="int64")


def have_id_in(records: Shared) -> np.ndarray:
    """Whether another source holds a record of each one's id and class, shape (k, sources)."""
    key = pd.Series(list(zip(records.kind.tolist(), records.ids)))
    code = pd.factorize(key)[0]
    has = np.zeros((len(code), len(records.names)), dtype=bool)
    shared = pd.Series(records.source).groupby(code).transform("nunique").to_numpy() > 1
    known = np.flatnonzero(shared & (records.ids != ""))
    holds = np.zeros((int(code.max()) + 1, len(records.names)), dtype=bool)
    holds[code[known], records.source[known]] = True
    has[known] = holds[code[known]]
    has[np.arange(len(code)), records.source] = False
    return has


def places_to_compare(records: Shared, context: Context) -> np.ndarray:
    """Records with a place; of a crowd with the same bounds in one source and class only one, shape (k,)."""
    key = records.kind * len(records.names) + records.source
    bounds = shapely.bounds(records.shapes)
    stays = thin_crowds(bounds, key, pd.Series(records.ids), context.number("D04.crowd", records.role))[0]
    return stays & (records.dimension >= 0)


def near_pairs(records: Shared, compared: np.ndarray, context: Context) -> Pairs:
    """Pairs of one class and two sources that may be one object by place.

    Points and lines with nearly equal bounds, areas that meet, areas beside points.
    """
    farthest = max(records.tolerance.number(), 2 * float(records.accuracy.max()))
    bounds = shapely.bounds(records.shapes)
    found = []
    for dimension in (0, 1):
        mine = np.flatnonzero(compared & (records.dimension == dimension))
        one, other = near_bounds(bounds[mine], records.kind[mine], farthest)
        found.append((mine[one], mine[other]))
    areas, points = (np.flatnonzero(compared & (records.dimension == kind)) for kind in (2, 0))
    for one, other in meeting(records.shapes[areas], records.shapes[areas], context.check_cancelled):
        maybe = (one < other) & (common_box(bounds[areas], one, other) > 0)
        found.append((areas[one[maybe]], areas[other[maybe]]))
    tree = shapely.STRtree(records.shapes[areas])
    point, area = tree.query(records.shapes[points], predicate="dwithin", distance=farthest + SLACK_M)
    found.append((points[point], areas[area]))
    first, second = (np.concatenate(column) for column in zip(*found))
    rivals = (records.kind[first] == records.kind[second]) & (records.source[first] != records.source[second])
    return first[rivals], second[rivals]


def each_others_nearest(records: Shared, first: np.ndarray, second: np.ndarray) -> Pairs:
    """Of fitting pairs those of which each is the nearest of the other, the source named first first.

    Ties go to the smaller id, then the westernmost and southernmost.
    """
    measured, _, is_share = records.alike(first, second)
    apart = np.where(is_share, 1 - measured, measured)
    one, other = np.concatenate([first, second]), np.concatenate([second, first])
    x, y = shapely.bounds(records.shapes[other]).T[:2]
    both = pd.DataFrame({"one": one, "other": other, "apart": np.tile(apart, 2), "x": x, "y": y})
    both = both.assign(id=records.ids[other], source=records.source[other])
    best = both.sort_values(["apart", "id", "x", "y"]).drop_duplicates(["one", "source"])
    back = best[["other", "one"]].set_axis(["one", "other"], axis=1)
    pairs = best[["one", "other"]].merge(back, on=["one", "other"])
    first, second = pairs["one"].to_numpy(dtype="int64"), pairs["other"].to_numpy(dtype="int64")
    ordered = records.source[first] < records.source[second]
    return first[ordered], second[ordered]


def only_in_one(
    records: Shared, has: np.ndarray, compared: np.ndarray, pairs: Pairs, context: Context
) -> Iterator[tuple[np.ndarray, int]]:
    """Records that a source lacks though it covers the place, and the number of that source.

    It covers the place if within `D08.shared_within_m` some object of the class is in both; it
    does not lack a record of which its lines or areas cover `D08.min_share`.

    Parameters
    ----------
    has : ndarray of bool, shape (k, sources)
        Whether a record has a counterpart in each source.
    """
    least = context.number("D08.min_share", records.role) - _SHARE_SLACK
    covered = _covered_areas(records, pairs)
    within = context.number("D08.shared_within_m", records.role)
    for kind, own, other in _common_sources(records, has):
        mine = (records.kind == kind) & (records.source == own)
        met = records.shapes[mine & has[:, other]]
        rows = np.flatnonzero(mine & compared & ~has[:, other] & (covered[:, other] < least))
        near, distance = shapely.STRtree(met).query_nearest(
            records.shapes[rows], max_distance=within + 2 * SLACK_M, return_distance=True, all_matches=False
        )
        rows = rows[np.sort(near[0][distance <= within + SLACK_M])]
        theirs = (records.kind == kind) & (records.source == other) & (records.dimension == 1)
        yield rows[~_runs_along(records, rows, records.shapes[theirs], least, context)], other


def _common_sources(records: Shared, has: np.ndarray) -> Iterator[tuple[int, int, int]]:
    """Class, source and other source that have an object in common."""
    for other in range(len(records.names)):
        met = np.flatnonzero(has[:, other])
        for kind, own in np.unique(np.column_stack([records.kind[met], records.source[met]]), axis=0):
            yield int(kind), int(own), other


def _covered_areas(records: Shared, pairs: Pairs) -> np.ndarray:
    """Share of each area that those of each source cover, shape (k, sources); 0 for lines and points."""
    first, second = pairs
    areas = (records.dimension[first] == 2) & (records.dimension[second] == 2)
    first, second = first[areas], second[areas]
    both = shared_area(records.shapes, first, second)
    shape = (len(records.rows), len(records.names))
    one, other = np.concatenate([first, second]), np.concatenate([second, first])
    place = one * shape[1] + records.source[other]
    order = np.lexsort((np.tile(both, 2), place))  # the same sum whatever the order of rows
    total = np.bincount(place[order], weights=np.tile(both, 2)[order], minlength=shape[0] * shape[1])
    size = shapely.area(records.shapes)[:, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        share = total.reshape(shape) / size
    return np.asarray(np.nan_to_num(share))


def _runs_along(
    records: Shared, rows: np.ndarray, lines: np.ndarray, least: float, context: Context
) -> np.ndarray:
    """Whether the other source's lines run along each line, cut otherwise; True where it has no length."""
    along = np.zeros(len(rows), dtype=bool)
    mine = np.flatnonzero(records.dimension[rows] == 1)
    length = shapely.length(records.shapes[rows[mine]])
    along[mine[~(length > 0)]] = True
    mine = mine[length > 0]
    pieces = straight_pieces(records.shapes[rows[mine]])
    begin, end = pieces.extents(len(mine))
    covered = covered_length(pieces, (begin, end), lines, records.tolerance.number(), context.check_cancelled)
    along[mine] = (covered + SLACK_M) / (end - begin) >= least
    return along
