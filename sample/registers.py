"""Writing into registers: many changes of single cells at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from .days import day_column


def write_changes(table: pd.DataFrame, changes: Iterable[tuple[int, Mapping[str, Any]]]) -> None:
    """Write values into rows of a table, in place; of several values of one cell the last one stays.

    Parameters
    ----------
    changes : iterable of (row, fields)
        None is no value; a date or datetime64 is a day in Shanghai.
    """
    cells: dict[str, dict[int, Any]] = {}
    for row, fields in changes:
        for field, value in fields.items():
            cells.setdefault(field, {})[int(row)] = value
    for field, values in cells.items():
        column = table[field].copy()
        rows = np.fromiter(values, dtype="int64")
        column.iloc[rows] = _as_like(list(values.values()), column)
        table[field] = column


def packed(table: pd.DataFrame) -> pd.DataFrame:
    """The table with its text columns as categories, all but ids and names: many rows share few words."""
    own = ("id", "name", "address", "from_node", "to_node")
    words = [
        name for name in table.columns if isinstance(table[name].dtype, pd.StringDtype) and name not in own
    ]
    return table.astype(dict.fromkeys(words, "category"))


def _as_like(values: list[Any], column: pd.Series) -> Any:
    if any(isinstance(value, (date, np.datetime64)) for value in values):
        return day_column(np.array(values, dtype="datetime64[D]")).to_numpy()
    if column.dtype == "float64":
        return np.array([np.nan if value is None else value for value in values], dtype="float64")
    return pd.array([pd.NA if value is None else value for value in values], dtype=column.dtype)
