"""What is on record of pipes and old stock, by kind, decade and unit: tables whose parts add up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from ..model.tables import read_table
from .areas import EVERYWHERE, areas_of
from .city import usable

if TYPE_CHECKING:
    from .context import Context

ATTRIBUTES = ("material_code", "diameter_mm", "depth_m", "laid_year", "burial_method", "owner", "assessed_on")
"""Attributes of pipes whose known share of length the matrix tells."""

UNRECORDED = "unrecorded"


def pipe_matrix(context: Context) -> pd.DataFrame:
    """Length of pipes by class, kind and unit, and how much of it is known.

    Returns
    -------
    DataFrame
        `level` (``*``: the whole city), `area_code` (``*``: in no unit of the level), `class_code`,
        `kind_code` (``unrecorded``: none), `paper_kind` (1 to 23, the kinds the city counts; NaN: none of
        them), `records`, `length_m`, ``known_<attribute>`` (share of the length, 0-1, NaN without any),
        `mean_age_a` (weighted by length, over known years) and `newest` (latest updated_on or
        captured_on). Of the 23 kinds those of which nothing is on record stand with 0 records, for the whole city.
    """
    rows = context.subject("pipes").rows
    lines = context.city.table("pipes").geometry
    length = np.where(usable(lines), shapely.length(lines.to_numpy()), 0.0)
    facts = pd.DataFrame(
        {
            "class_code": rows["class_code"].astype(object).where(rows["class_code"].notna(), UNRECORDED),
            "kind_code": rows["kind_code"].astype(object).where(rows["kind_code"].notna(), UNRECORDED),
            "records": 1,
            "length_m": length,
            "aged_m": np.where(np.isnan(context.age("pipes")), 0.0, length),
            "age_m": np.nan_to_num(context.age("pipes")) * length,
            "newest": _newest(rows),
            **{f"known_{name}": np.where(rows[name].notna(), length, 0.0) for name in ATTRIBUTES},
        }
    )
    parts = [_summed(facts, level, codes) for level, codes in areas_of("pipes", context).items()]
    table = pd.concat([*parts, _nothing_recorded(facts)], ignore_index=True)
    whole = table["length_m"].where(table["length_m"] > 0)
    for name in ATTRIBUTES:
        table[f"known_{name}"] = table[f"known_{name}"] / whole
    table["mean_age_a"] = table.pop("age_m") / table["aged_m"].where(table.pop("aged_m") > 0)
    table = table.merge(_kinds(), how="left", on=["class_code", "kind_code"])
    return table.sort_values(["level", "area_code", "class_code", "kind_code"], ignore_index=True)


def _newest(rows: pd.DataFrame) -> pd.Series:
    fields = [rows[name] for name in ("updated_on", "captured_on") if name in rows]
    return pd.concat(fields, axis=1).max(axis=1) if fields else pd.Series(pd.NaT, index=rows.index)


def _summed(facts: pd.DataFrame, level: str, codes: pd.Series) -> pd.DataFrame:
    grouped = facts.groupby([codes.rename("area_code"), "class_code", "kind_code"], sort=True)
    sums = dict.fromkeys(facts.columns.difference(["class_code", "kind_code", "newest"]), "sum")
    return grouped.agg({**sums, "newest": "max"}).reset_index().assign(level=level)


def _kinds() -> pd.DataFrame:
    """Class and kind codes, and which of the 23 kinds each is (NaN: outside them)."""
    kinds = pd.DataFrame(read_table("pipe_classes"))
    number = pd.to_numeric(kinds["paper_kind_no"], errors="coerce")
    return (
        kinds[["class_code", "kind_code"]]
        .assign(paper_kind=number)
        .drop_duplicates(["class_code", "kind_code"])
    )


def _nothing_recorded(facts: pd.DataFrame) -> pd.DataFrame:
    """Codes of the 23 kinds of which the city has no record at all."""
    there = pd.MultiIndex.from_frame(facts[["class_code", "kind_code"]].drop_duplicates())
    kinds = _kinds().dropna(subset=["paper_kind"])[["class_code", "kind_code"]]
    absent = kinds[~pd.MultiIndex.from_frame(kinds).isin(there)]
    zeros = dict.fromkeys(facts.columns.difference(["class_code", "kind_code", "newest"]), 0.0)
    newest = pd.Series(pd.NaT, index=absent.index, dtype=facts["newest"].dtype)
    return absent.assign(level=EVERYWHERE, area_code=EVERYWHERE, newest=newest, **zeros)


def stock_by_decade(context: Context) -> pd.DataFrame:
    """Housing and pipes by the decade they were made in, and by unit; what is unrecorded stands apart.

    Returns
    -------
    DataFrame
        `level`, `area_code`, `role`, `class_code`, `decade` (``1980``; ``unrecorded``), `records`,
        `floor_area_m2` of housing with `estimated_m2`, the part of it that is outline times floors
        (one floor where none is recorded: a lower bound), and `length_m` of pipes.
    """
    parts = []
    for role, field in (("housing", "built_year"), ("pipes", "laid_year")):
        rows = context.subject(role).rows
        if not len(rows):
            continue
        year = rows[field].to_numpy(dtype="float64")
        decade = np.where(
            np.isnan(year), UNRECORDED, (np.nan_to_num(year) // 10 * 10).astype("int64").astype(str)
        )
        code = rows["class_code"] if role == "pipes" else pd.Series(role, index=rows.index)
        facts = pd.DataFrame(
            {
                "class_code": code.astype(object).where(code.notna(), UNRECORDED),
                "decade": decade,
                "records": 1,
                **(_floor_area(context) if role == "housing" else _length(context)),
            }
        )
        for level, codes in areas_of(role, context).items():
            grouped = facts.groupby([codes.rename("area_code"), "class_code", "decade"], sort=True)
            parts.append(grouped.sum().reset_index().assign(level=level, role=role))
    if not parts:
        return pd.DataFrame(columns=["level", "area_code", "role", "class_code", "decade", "records"])
    return pd.concat(parts, ignore_index=True)


def _length(context: Context) -> dict[str, np.ndarray]:
    lines = context.city.table("pipes").geometry
    return {"length_m": np.where(usable(lines), shapely.length(lines.to_numpy()), 0.0)}


def _floor_area(context: Context) -> dict[str, np.ndarray]:
    area, estimated = floor_area(context)
    return {"floor_area_m2": area, "estimated_m2": np.where(estimated, area, 0.0)}


def floor_area(context: Context) -> tuple[np.ndarray, np.ndarray]:
    """Floor area of each building in m², and whether it is outline times floors (indicators 3)."""
    rows = context.subject("housing").rows
    outlines = context.city.table("housing").geometry
    outline = np.where(usable(outlines), shapely.area(outlines.to_numpy()), 0.0)
    floors = rows["floors"].fillna(1).to_numpy(dtype="float64")
    stated = rows["floor_area_m2"].to_numpy(dtype="float64")
    return np.where(np.isnan(stated), outline * floors, stated), np.isnan(stated)
