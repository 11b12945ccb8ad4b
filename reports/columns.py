"""The fixed columns of the shapefile report: same name, same meaning, every year."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Optional

from .words import read_words

TEXT_LIMIT = 254
"""Bytes a dBase text field holds (GDAL, shapefile driver)."""

NUMBER_WIDTH, NUMBER_DECIMALS = 19, 3
NUMBER_LIMIT = 1e14
"""A number of this size or more, with its sign, does not fit the width."""

COUNT_WIDTH = 9
"""Widest dBase number that every reader takes for a 32-bit integer."""

TIME_WIDTH = 25
DATE_WIDTH = 8


class Column(NamedTuple):
    """A column: its name, its kind, the gap column it comes from, and what it says to people.

    `kind` is text, time, date, number, count or flag.
    """

    name: str
    kind: str
    source: Optional[str]
    title_zh: str
    title_en: str
    meaning_zh: str
    meaning_en: str


class FieldSpec(NamedTuple):
    """A dBase field: `width` in bytes, `decimals` only of numbers."""

    name: str
    kind: str
    width: int
    decimals: int = 0


COLUMNS = tuple(Column(**row)._replace(source=row["source"] or None) for row in read_words("columns"))
"""Columns of each shapefile and of ``gap_report_none.csv``, in order."""

NAMES = tuple(column.name for column in COLUMNS)
NUMBERS = tuple(column.name for column in COLUMNS if column.kind == "number")


def field_specs(rows: Sequence[Sequence[Any]], encoding: str) -> tuple[FieldSpec, ...]:
    """The dBase fields that hold these rows, text no wider than the longest value needs.

    Parameters
    ----------
    rows : sequence of rows
        Values in the order of `COLUMNS`, texts already cut to `TEXT_LIMIT` bytes.
    encoding : str
        Encoding whose bytes count.
    """
    return tuple(
        _spec(column, (row[place] for row in rows), encoding) for place, column in enumerate(COLUMNS)
    )


def _spec(column: Column, values: Iterable[Any], encoding: str) -> FieldSpec:
    if column.kind == "number":
        return FieldSpec(column.name, "number", NUMBER_WIDTH, NUMBER_DECIMALS)
    if column.kind == "count":
        return FieldSpec(column.name, "count", COUNT_WIDTH)
    if column.kind == "date":
        return FieldSpec(column.name, "date", DATE_WIDTH)
    widest = max((len(value.encode(encoding)) for value in values if value), default=1)
    return FieldSpec(column.name, "text", max(widest, TIME_WIDTH) if column.kind == "time" else widest)
