"""The sample city: one quarter of Shanghai, made up, for the demo, the docs and the tests."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Union

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyogrio

from ..model.errors import CityGapError
from ..model.roles import ROLES
from .days import SAMPLE_AS_OF, TZ
from .town import as_role, build_sample, draw_registers

_OLDER = {"VERSION": "1.2"}
"""What every GDAL that QGIS 3.22 and later come with reads without a warning."""

__all__ = ["SAMPLE_AS_OF", "make_city_tables", "write_sample"]


def make_city_tables(buildings: int = 1500, seed: int = 1) -> dict[str, gpd.GeoDataFrame]:
    """The tables of the sample city by role, as `engine.city.city_from_tables` takes them.

    Parameters
    ----------
    buildings : int
        Number of rows of the housing table, at least 200.
    seed : int
        The same number and seed give the same tables, byte for byte.

    Returns
    -------
    dict of str to GeoDataFrame
        Every role, with the fields of `model.roles` (source_name where a role has two sources), in EPSG:4549
        around People's Square. Numbers and years are float64, dates (end of their day in Shanghai)
        and times datetime64 in UTC, flags nullable booleans; geometry is None where a row has no place.

    Raises
    ------
    CityGapError
        ``too_small`` below 200 buildings.
    """
    return build_sample(buildings, seed).tables


def write_sample(path: Union[str, Path], buildings: int = 1500, seed: int = 1) -> dict[str, Any]:
    """Write the sample city as one GeoPackage and beside it its truth table.

    Both are written under other names first and renamed when whole; nothing is overwritten.

    Parameters
    ----------
    path : str or Path
        The GeoPackage; the truth table becomes ``<stem>_truth.csv`` (`sample.truth.TRUTH_COLUMNS`).

    Returns
    -------
    dict
        ``path``, ``truth`` (file names), ``roles`` (role to rows), ``rules`` (rule to a dict of
        ``planted`` and ``decoys``).

    Raises
    ------
    CityGapError
        ``exists`` if one of the files is there already, ``missing_folder``, ``not_a_geopackage`` if the
        name does not end in .gpkg, ``too_small`` below 200 buildings, ``cannot_write``.
    """
    target = Path(path)
    truth_file = target.with_name(f"{target.stem}_truth.csv")
    _check_targets(target, truth_file)
    tables, truth = draw_registers(buildings, seed)
    rows = {role: len(table) for role, table in tables.items()}
    beside = target.with_name(f".{target.stem}.{os.getpid()}.part.gpkg")
    truth_beside = beside.with_suffix(".csv")
    try:
        for role in ROLES:
            _write_layer(beside, role, as_role(role, tables.pop(role)))
        truth.to_csv(truth_beside, index=False, encoding="utf-8", lineterminator="\n")
        truth_beside.replace(truth_file)
        beside.replace(target)
    except (OSError, pyogrio.errors.DataSourceError) as error:
        raise CityGapError(
            "cannot_write",
            f"the sample could not be written ({error})",
            file=str(target),
            remedy="Name a folder with space that you may write to.",
        ) from error
    finally:
        beside.unlink(missing_ok=True)
        truth_beside.unlink(missing_ok=True)
    counts = truth.groupby(["rule_id", "expected"]).size().unstack(fill_value=0)
    return {
        "path": str(target),
        "truth": str(truth_file),
        "as_of": SAMPLE_AS_OF.isoformat(),
        "roles": {role: rows[role] for role in ROLES},
        "rules": {
            str(rule): {"planted": int(row["yes"]), "decoys": int(row["no"])}
            for rule, row in counts.iterrows()
        },
    }


def _check_targets(target: Path, truth_file: Path) -> None:
    if target.suffix.lower() != ".gpkg":
        raise CityGapError(
            "not_a_geopackage",
            "the sample is a GeoPackage",
            file=str(target),
            remedy="Give a name that ends in .gpkg.",
        )
    if not target.parent.is_dir():
        raise CityGapError(
            "missing_folder",
            "there is no such folder",
            file=str(target.parent),
            remedy="Make the folder first.",
        )
    for file in (target, truth_file):
        if file.exists():
            raise CityGapError(
                "exists",
                "the file is there already",
                file=str(file),
                remedy="Give another name, or delete it first.",
            )


def _write_layer(path: Path, role: str, table: gpd.GeoDataFrame) -> None:
    """Append one layer: dates as dates, whole numbers as integers."""
    data = pd.DataFrame(
        {
            field.name: _plain(table[field.name], field.kind)
            for field in ROLES[role].fields
            if field.name in table
        }
    )
    if not table.geometry.notna().any():
        pyogrio.write_dataframe(data, path, layer=role, driver="GPKG", use_arrow=True, dataset_options=_OLDER)
        return
    kinds = sorted(set(table.geom_type.dropna()))
    layer = gpd.GeoDataFrame(data, geometry=table.geometry, crs=table.crs)
    pyogrio.write_dataframe(
        layer,
        path,
        layer=role,
        driver="GPKG",
        use_arrow=True,
        geometry_type=kinds[0] if len(kinds) == 1 else "Unknown",
        dataset_options=_OLDER,
    )


def _plain(column: pd.Series, kind: str) -> pd.Series:
    if kind == "date":
        return column.dt.tz_convert(TZ).dt.tz_localize(None).dt.normalize().astype(pd.ArrowDtype(pa.date32()))
    if kind in ("number", "year"):
        known = column.dropna()
        return column.astype("Int64") if np.array_equal(known, np.floor(known)) else column
    return column
