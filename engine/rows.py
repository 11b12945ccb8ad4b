"""Findings as rows for the store."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Optional

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from ..model.gap import FindingRow
from .city import City, usable
from .findings import params_text
from .index import CityIndex, hashes_of, source_names
from .texts import is_among

_CHUNK = 20_000


def to_rows(
    findings: gpd.GeoDataFrame, city: City, index: Optional[CityIndex] = None
) -> Iterator[FindingRow]:
    """The findings as rows for the store, without pandas' nulls.

    Parameters
    ----------
    index : CityIndex, optional
        Of the city and the edits made since: quicker for a few findings.
    """
    sources = SourcesByObject(city, findings["objects"], index)
    for begin in range(0, len(findings), _CHUNK):
        yield from _rows(findings.iloc[begin : begin + _CHUNK], sources)


def _rows(findings: gpd.GeoDataFrame, sources: SourcesByObject) -> Iterator[FindingRow]:
    shapes = findings.geometry.to_numpy()
    placed = usable(findings.geometry)
    spots = findings["anchor"].to_numpy()
    columns: dict[str, Iterable[Any]] = {
        name: _plain(findings[name]) for name in FindingRow._fields if name in findings.columns
    }
    columns["params_json"] = map(params_text, findings["params"])
    columns["wkb"] = _where(placed, shapely.to_wkb(shapes, output_dimension=2))
    columns["bounds"] = _where(placed, map(tuple, shapely.bounds(shapes).tolist()))
    places = np.column_stack([shapely.get_x(spots), shapely.get_y(spots)])
    columns["anchor"] = _where(~shapely.is_missing(spots), map(tuple, places.tolist()))
    columns["sources"] = map(sources.of, findings["objects"])
    return map(FindingRow._make, zip(*(columns[name] for name in FindingRow._fields)))


def _where(known: np.ndarray, values: Iterable[Any]) -> Iterator[Any]:
    """The values, None where they are not known."""
    return (value if is_known else None for is_known, value in zip(known.tolist(), values))


class SourcesByObject:
    """From which sources the objects of findings came, for the roles that several sources gave."""

    def __init__(
        self, city: City, objects: Iterable[Sequence[str]], index: Optional[CityIndex] = None
    ) -> None:
        self._names: dict[str, dict[str, tuple[str, ...]]] = {}
        asked = pd.Series([text for names in objects for text in names], dtype=object).unique()
        for role, table in city.tables.items():
            key = "code" if role == "units" else "id"
            ids = [text.partition(":")[2] for text in asked if text.startswith(f"{role}:")]
            if key not in table or not ids:
                continue
            names = source_names(table) if index is None else index.source_names(role)
            if len(names) > 1:
                pairs = table[[key, "source_name"]] if index is None else _pairs(index, role, key, ids)
                self._names[role] = _sources_of(pairs.dropna(), key, ids)

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


def _pairs(index: CityIndex, role: str, key: str, ids: Sequence[str]) -> pd.DataFrame:
    """Key and source of the records of some ids."""
    rows = index.sharing(role, (key,), hashes_of(pd.Series(ids, dtype=object)))
    return pd.DataFrame({name: index.column(role, name, rows) for name in (key, "source_name")})


def _sources_of(pairs: pd.DataFrame, key: str, ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Sorted names of the sources of each of some ids."""
    mine = pairs[is_among(pairs[key], ids)].drop_duplicates().sort_values("source_name")
    shared = mine[mine[key].duplicated(keep=False)]
    names = dict(zip(mine[key], zip(mine["source_name"])))
    return names | shared.groupby(key)["source_name"].agg(tuple).to_dict()


def _plain(column: pd.Series) -> list[Any]:
    """The values of a column with None for null."""
    return column.astype(object).where(column.notna(), None).tolist()
