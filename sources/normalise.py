"""From a layer as read to a table of its role: field names, dtypes, coded values, ids, metres."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Optional
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyproj
import shapely

from ..engine._compat import TEXT_DTYPE
from ..engine.city import DTYPES
from ..model.errors import CityGapError
from ..model.identity import place_id
from ..model.roles import ROLES, Field
from .coded import fill_pipe_classes, to_code
from .parts import Part
from .place import fit_kinds, placed
from .recognise import class_from_name
from .values import Converted, text_of, to_flag, to_number, to_time, to_year

_METRES_BELOW = 10.0
"""No pipe is thinner than this many millimetres: a column of smaller numbers is in metres."""


@dataclass
class Table:
    """A part as a table of its role, with a column `geometry` in the city CRS (shapely objects)."""

    part: Part
    frame: pd.DataFrame
    source_name: str


def normalised(part: Part, source_name: str, crs: pyproj.CRS, zone: ZoneInfo) -> Table:
    """The table of a part; what reading had to leave out or could not read is added to its warnings.

    Raises
    ------
    CityGapError
        ``no_geometry``: the role needs a place and no row has one.
    """
    spec, raw = ROLES[part.role], part.raw
    if spec.needs_geometry and raw.shapes is None:
        raise CityGapError(
            "no_geometry",
            f"the layer has no geometry and role {part.role} needs one",
            file=raw.path,
            layer=raw.layer,
            remedy="Give columns lon and lat or a WKT column, or join it with a layer that has geometry.",
        )
    shapes = placed(raw, crs)
    keep = np.ones(len(shapes), dtype=bool)
    if spec.geometries:
        shapes, keep = fit_kinds(raw, shapes, spec.geometries, part.role)
    else:
        shapes = np.full(len(shapes), None, dtype=object)
    if not keep.any():
        raise CityGapError(
            "no_geometry",
            f"no row has a geometry that role {part.role} takes ({', '.join(spec.geometries)})",
            file=raw.path,
            layer=raw.layer,
            remedy="Give the layer another role.",
        )
    frame = _columns(part, zone)
    if not keep.all():
        frame, shapes = frame.loc[keep].reset_index(drop=True), shapes[keep]
    frame["geometry"] = shapes
    missing = int((shapely.is_missing(shapes) | shapely.is_empty(shapes)).sum())
    if spec.needs_geometry and missing:
        raw.warnings.append(f"{missing} rows have no place")
    if spec.needs_geometry and missing == len(shapes):
        raise CityGapError(
            "no_geometry",
            "no row has a place",
            file=raw.path,
            layer=raw.layer,
            remedy="Look at its coordinates.",
        )
    if "id" in spec.field_names:
        _fill_ids(frame, part.role)
    if "source_name" in frame:
        frame["source_name"] = frame["source_name"].fillna(source_name)
    else:
        frame["source_name"] = _same_text(source_name, len(frame))
    return Table(part, frame, source_name)


def _same_text(text: str, count: int) -> pd.Series:
    """A text for each of many rows, in one chunk: to take a few rows of many chunks reads them all."""
    return pd.Series(pd.array(pa.repeat(pa.scalar(text, pa.large_string()), count), dtype=TEXT_DTYPE))


def dated(table: Table) -> Optional[str]:
    """Date of a source: that of its header, else the newest in its date columns, else of its file."""
    if table.part.raw.dated:
        return table.part.raw.dated
    kinds = {field.name: field.kind for field in ROLES[table.part.role].fields}
    newest = [
        table.frame[name].max()
        for name in table.frame.columns
        if kinds.get(name) in ("date", "time") and name not in ("valid_from", "valid_to", "due_at")
    ]
    known = [moment for moment in newest if not pd.isna(moment)]
    if known:
        return max(known).isoformat()
    modified = Path(table.part.spec.path).expanduser().stat().st_mtime
    return datetime.fromtimestamp(modified, tz=timezone.utc).isoformat(timespec="seconds")


def _columns(part: Part, zone: ZoneInfo) -> pd.DataFrame:
    """Fields by their names, then further columns under their own, made unlike any field."""
    role, raw = part.role, part.raw
    data: dict[str, pd.Series] = {}
    lossy: set[str] = set()
    written: Optional[pd.Series] = None
    for field in ROLES[role].fields:
        guess = part.fields.get(field.name)
        if guess is None:
            continue
        converted = as_field(raw.frame[guess.column], field, zone)
        if converted.unread:
            raw.warnings.append(
                f"{converted.unread} cells of {guess.column} cannot be read as {field.name}: unrecorded"
            )
        if field.kind != "text" and not pd.api.types.is_numeric_dtype(raw.frame[guess.column].dtype):
            lossy |= {guess.column} if _changed(raw.frame[guess.column], converted.values, field) else set()
        if field.kind == "text":
            written = converted.values if field.name == "class_code" else written
            data[field.name] = to_code(converted.values, role, field.name)
        else:
            data[field.name] = converted.values
    frame = pd.DataFrame(data, index=raw.frame.index)
    named = class_from_name(role, part.fields, part.guess.class_word if part.guess else None)
    if named is not None and part.guess is not None:
        frame[named] = pd.Series(part.guess.class_word, index=frame.index, dtype="str")
        raw.warnings.append(f"{named} is {part.guess.class_word} by the layer's name")
    if role == "pipes":
        fill_pipe_classes(frame, written)
        _metres_to_millimetres(part, frame)
    mapped = {guess.column for guess in part.fields.values()} - lossy
    rest = raw.frame[[name for name in raw.frame.columns if name not in mapped]]
    return pd.concat([frame, rest.rename(columns=_free_names(list(rest.columns), role))], axis="columns")


def as_field(column: pd.Series, field: Field, zone: ZoneInfo) -> Converted:
    """A column as the kind of a field; times without a zone are read in `zone`."""
    if field.kind in ("number", "int"):
        return to_number(column, field.name)
    if field.kind == "year":
        return to_year(column)
    if field.kind == "bool":
        return to_flag(column, field.name)
    if field.kind in ("date", "time"):
        return to_time(column, zone)
    return Converted(text_of(column), 0)


def _changed(column: pd.Series, values: pd.Series, field: Field) -> bool:
    """Whether the text said more than the value keeps, such as ``1930s`` or ``约1900``."""
    if field.kind not in ("year", "number", "int"):
        return False
    text = text_of(column)
    plain = pd.to_numeric(text, errors="coerce")
    return bool((text.notna() & (plain != values)).any())


def _metres_to_millimetres(part: Part, frame: pd.DataFrame) -> None:
    if "diameter_mm" not in frame or "diameter_mm" in part.spec.columns_for("pipes"):
        return
    positive = frame["diameter_mm"][frame["diameter_mm"] > 0]
    if len(positive) and positive.max() < _METRES_BELOW:
        frame["diameter_mm"] = (frame["diameter_mm"] * 1000).round(3)
        column = part.fields["diameter_mm"].column
        part.raw.warnings.append(f"{column} is in metres by its numbers: diameter_mm is 1000 times as much")


def _free_names(columns: list[str], role: str) -> dict[str, str]:
    """New names for columns that are called like a field, like `fid`, or alike but for case."""
    taken = {name.casefold() for name in ROLES[role].field_names} | {"geometry", "geom", "fid", "ogc_fid"}
    renamed: dict[str, str] = {}
    for name in columns:
        new, number = str(name), 0
        while new.casefold() in taken:
            number += 1
            new = f"{name}_{number}"
        taken.add(new.casefold())
        renamed[name] = new
    return renamed


def _fill_ids(frame: pd.DataFrame, role: str) -> None:
    """An id made of role and place for rows without one; without a place, of what the row says."""
    if "id" not in frame:
        frame.insert(0, "id", pd.Series(pd.NA, index=frame.index, dtype=DTYPES.get("text", "str")))
    lacking = frame["id"].isna().to_numpy()
    if not lacking.any():
        return
    shapes = frame["geometry"].to_numpy()[lacking]
    wkt = shapely.to_wkt(shapely.normalize(shapes), rounding_precision=2, trim=False)
    said = frame.loc[lacking].drop(columns=["geometry", "id"]).astype("str").fillna("").agg("|".join, axis=1)
    texts = np.where(shapely.is_missing(shapes), said.to_numpy(dtype=object), wkt)
    frame.loc[lacking, "id"] = [place_id(role, str(text)) for text in texts]
