"""Findings as rows for the store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from ..model.gap import FindingRow
from .city import City, usable
from .findings import params_text


def to_rows(findings: gpd.GeoDataFrame, city: City) -> Iterator[FindingRow]:
    """The findings as rows for the store, without pandas' nulls."""
    sources = SourcesByObject(city)
    shapes = findings.geometry.to_numpy()
    placed = usable(findings.geometry)
    bounds = shapely.bounds(shapes)
    blobs = shapely.to_wkb(shapes, output_dimension=2)
    spots = findings["anchor"].to_numpy()
    anchors = np.column_stack([shapely.get_x(spots), shapely.get_y(spots)])
    names = [name for name in FindingRow._fields if name in findings.columns and name != "anchor"]
    columns: dict[str, list[Any]] = {name: _plain(findings[name]) for name in names}
    params = [params_text(item) for item in findings["params"]]
    for row in range(len(findings)):
        yield FindingRow(
            **{name: columns[name][row] for name in names},
            params_json=params[row],
            wkb=bytes(blobs[row]) if placed[row] else None,
            bounds=tuple(bounds[row].tolist()) if placed[row] else None,
            anchor=tuple(anchors[row].tolist()) if spots[row] is not None else None,
            sources=sources.of(columns["objects"][row]),
        )


class SourcesByObject:
    """From which sources objects came, for the roles that several sources gave."""

    def __init__(self, city: City) -> None:
        self._names: dict[str, dict[str, tuple[str, ...]]] = {}
        for role, table in city.tables.items():
            if table["source_name"].nunique() > 1:
                key = "code" if role == "units" else "id"
                if key in table:
                    pairs = table[[key, "source_name"]].dropna().drop_duplicates().sort_values("source_name")
                    shared = pairs[pairs[key].duplicated(keep=False)]
                    names = dict(zip(pairs[key], zip(pairs["source_name"])))
                    names.update(shared.groupby(key)["source_name"].agg(tuple).to_dict())
                    self._names[role] = names

    def of(self, objects: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """Role to source names of ``role:id`` objects; a role is left out where one of them is not known."""
        if not self._names:
            return {}
        found: dict[str, tuple[str, ...]] = {}
        unknown = set()
        for text in objects:
            role, _, object_id = text.partition(":")
            names = self._names.get(role, {}).get(object_id)
            if names is None:
                unknown.add(role)
            else:
                found[role] = tuple(sorted({*found.get(role, ()), *names}))
        return {role: names for role, names in found.items() if role not in unknown}


def _plain(column: pd.Series) -> list[Any]:
    """The values of a column with None for null."""
    return column.astype(object).where(column.notna(), None).tolist()
