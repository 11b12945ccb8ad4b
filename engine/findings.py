"""What rules return: one table of findings, with keys that last over runs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Optional, Union

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from ..model.gap import SEVERITIES
from ..model.identity import gap_key
from .classes import class_codes_at

COLUMNS = (
    "rule_id",
    "key",
    "severity",
    "data_state",
    "object_role",
    "object_id",
    "class_code",
    "area_code",
    "cell_code",
    "body",
    "measured",
    "reference",
    "unit",
    "basis",
    "confidence",
    "params",
    "objects",
    "anchor",
    "steps",
)
"""Columns of a findings table besides `geometry`.

`params` holds dicts, `objects` tuples of ``role:id``, `anchor` shapely points (None: no place),
`steps` is True where the project's severity step of the catalogue (general rule 2) applies.
"""

Values = Union[Sequence[Any], np.ndarray, pd.Series, str, float, None]


def make_findings(
    rule_id: str,
    *,
    object_role: Values,
    object_id: Values,
    severity: Values,
    geometry: Any,
    crs: Any,
    objects: Optional[Sequence[tuple[str, ...]]] = None,
    anchor_geometry: Any = None,
    discriminator: Values = "",
    class_code: Values = None,
    measured: Values = None,
    reference: Values = None,
    unit: Values = None,
    basis: Values = None,
    confidence: Values = None,
    params: Optional[Sequence[dict[str, Any]]] = None,
    data_state: Values = "known",
    body: Values = None,
    steps: Values = True,
    evidence: Sequence[str] = (),
) -> gpd.GeoDataFrame:
    """A findings table; each argument is a column or one value for all rows.

    Parameters
    ----------
    geometry : array of shapely geometries, shape (n,)
        In the city CRS; its length is the number of findings. None where a finding has no place.
    objects : sequence of tuple of str, optional
        ``role:id`` of each object of the finding; by default the one of object_role and object_id.
    anchor_geometry : array of shapely geometries, optional
        Geometry of the object that owns the finding (the first of the pair); by default `geometry`.
    evidence : sequence of str, optional
        Further roles the finding rests on, named ``role:*`` in `objects` but not in the key: a run
        that did not read all of them again has not looked whether the gap is closed.
    """
    shapes = np.asarray(geometry, dtype=object)
    count = len(shapes)
    if not count:
        return no_findings(crs)
    owners = shapes if anchor_geometry is None else np.asarray(anchor_geometry, dtype=object)

    def column(value: Values) -> list[Any]:
        if value is None or isinstance(value, (str, float, int, bool)):
            return [value] * count
        return _without_nulls(value)

    roles, ids, words = column(object_role), column(object_id), column(discriminator)
    rest = tuple(f"{role}:*" for role in evidence)
    members = list(objects) if objects is not None else [(f"{r}:{i}",) for r, i in zip(roles, ids)]
    data = {
        "rule_id": [rule_id] * count,
        "key": [gap_key(rule_id, member, word or "") for member, word in zip(members, words)],
        "severity": column(severity),
        "data_state": column(data_state),
        "object_role": roles,
        "object_id": ids,
        "class_code": column(class_code),
        "area_code": [None] * count,
        "cell_code": [None] * count,
        "body": column(body),
        "measured": _numbers(measured, count),
        "reference": _numbers(reference, count),
        "unit": column(unit),
        "basis": column(basis),
        "confidence": column(confidence),
        "params": list(params) if params is not None else [{} for _ in range(count)],
        "objects": [(*member, *rest) for member in members] if rest else members,
        "anchor": anchors(owners),
        "steps": np.array(column(steps), dtype=bool),
    }
    frame = pd.DataFrame(
        {
            name: pd.Series(values, dtype=None if isinstance(values, np.ndarray) else object)
            for name, values in data.items()
        }
    )
    return gpd.GeoDataFrame(frame, geometry=gpd.array.from_shapely(shapes, crs=crs))


def objects_at(role: str, table: gpd.GeoDataFrame, rows: np.ndarray) -> dict[str, Any]:
    """The arguments of `make_findings` that say which rows of a role's table (by place) findings are of."""
    return {
        "object_role": role,
        "object_id": table["id"].iloc[rows],
        "geometry": table.geometry.to_numpy()[rows],
        "crs": table.crs,
        "class_code": class_codes_at(role, table, rows),
    }


def _numbers(values: Values, count: int) -> np.ndarray:
    if values is None or isinstance(values, (float, int)):
        return np.full(count, np.nan if values is None else values, dtype="float64")
    return np.asarray(pd.to_numeric(pd.Series(values)), dtype="float64")


def _without_nulls(values: Union[Sequence[Any], np.ndarray, pd.Series]) -> list[Any]:
    """The values as Python objects, None for every kind of null."""
    column = pd.Series(values, dtype=None if isinstance(values, (np.ndarray, pd.Series)) else object)
    items = column.tolist()
    for place in np.flatnonzero(column.isna().to_numpy()).tolist():
        items[place] = None
    return items


@lru_cache(maxsize=8)
def no_findings(crs: Any) -> gpd.GeoDataFrame:
    """A findings table without rows; all that ask for one share it."""
    dtypes = dict.fromkeys(COLUMNS, object) | {"measured": float, "reference": float, "steps": bool}
    columns = {name: pd.Series([], dtype=dtype) for name, dtype in dtypes.items()}
    return gpd.GeoDataFrame(columns, geometry=gpd.GeoSeries([], crs=crs), crs=crs)


def join_findings(parts: Sequence[gpd.GeoDataFrame], crs: Any) -> gpd.GeoDataFrame:
    """The findings of all parts in one table."""
    filled = [part for part in parts if len(part)]
    if not filled:
        return no_findings(crs)
    return gpd.GeoDataFrame(pd.concat(filled, ignore_index=True), crs=crs)


def packed(findings: gpd.GeoDataFrame) -> pd.DataFrame:
    """A findings table in a form that is quick to send to another process: geometry as WKB."""
    spots = findings["anchor"].to_numpy()
    return pd.DataFrame(findings).assign(
        geometry=shapely.to_wkb(findings.geometry.to_numpy()), anchor=shapely.to_wkb(spots)
    )


def unpacked(table: pd.DataFrame, crs: Any) -> gpd.GeoDataFrame:
    """The findings table that `packed` made this of."""
    table = table.assign(anchor=shapely.from_wkb(table["anchor"].to_numpy(dtype=object)))
    shapes = shapely.from_wkb(table.pop("geometry").to_numpy(dtype=object))
    return gpd.GeoDataFrame(table, geometry=gpd.GeoSeries(shapes, crs=crs), crs=crs)


def merge_equal_keys(findings: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Findings of one key as one finding with a multi-part geometry.

    The parts come from objects that share an id. The finding keeps the columns of its severest
    part, among equals of the one with the smallest measure (null last), then the westernmost and
    southernmost, so that row order decides nothing.
    """
    again = findings["key"].duplicated(keep=False).to_numpy()
    if not again.any():
        return findings
    parts = findings[again]
    spots = parts["anchor"].to_numpy()
    order = np.lexsort(
        (
            shapely.get_y(spots),
            shapely.get_x(spots),
            parts["measured"].to_numpy(dtype="float64"),
            -parts["severity"].map(SEVERITIES.index).to_numpy(dtype="int64"),
        )
    )
    parts = parts.iloc[order]
    shapes = parts.geometry.groupby(parts["key"].to_numpy()).agg(lambda same: _as_one(same.to_numpy()))
    kept = parts.drop_duplicates("key").copy()
    kept.geometry = gpd.GeoSeries(shapes[kept["key"]].to_numpy(), index=kept.index, crs=findings.crs)
    return join_findings([findings[~again], kept], findings.crs)


def _as_one(shapes: np.ndarray) -> Optional[shapely.Geometry]:
    """The parts of all geometries as one multi-part geometry; None if none has any."""
    parts = shapely.get_parts(shapes[~shapely.is_missing(shapes)])
    if len(parts) < 2:
        return parts[0] if len(parts) else None
    makers = {0: shapely.multipoints, 1: shapely.multilinestrings, 2: shapely.multipolygons}
    dimensions = set(shapely.get_dimensions(parts).tolist())
    make = makers[dimensions.pop()] if len(dimensions) == 1 else shapely.geometrycollections
    return make(parts)


def anchors(shapes: np.ndarray) -> np.ndarray:
    """Anchor of each geometry: centre of its bounds, floored to millimetres; None without a place.

    Returns
    -------
    ndarray of shapely Point or None, shape (n,)
    """
    centre = anchor_places(shapely.bounds(shapes))
    points = np.full(len(shapes), None, dtype=object)
    finite = np.isfinite(centre).all(axis=1)
    points[finite] = shapely.points(centre[finite])
    return points


def anchor_places(bounds: np.ndarray) -> np.ndarray:
    """Centre of bounds (west, south, east, north), floored to millimetres, shape (n, 2)."""
    return np.asarray(np.floor((bounds[:, :2] + bounds[:, 2:]) / 2 * 1000) / 1000)


def raise_severity(severity: Sequence[str], steps: np.ndarray) -> list[str]:
    """Severities one step up where `steps`; info stays info and high stays high."""
    top = len(SEVERITIES) - 1
    raised = []
    for word, step in zip(severity, steps):
        rank = SEVERITIES.index(word)
        raised.append(SEVERITIES[min(rank + 1, top)] if step and rank > 0 else word)
    return raised


_JSON = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)


def params_text(params: dict[str, Any]) -> str:
    """Compact JSON of a finding's parameters, keys sorted, so that equal findings are equal bytes."""
    return _JSON.encode(params) if params else "{}"
