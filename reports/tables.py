"""CSV files that spreadsheets open rightly and take no cell of for a formula."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from .texts import BadText, encoding_error, guarded, unguarded


def write_table(path: Path, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[list[str]]:
    """Write a CSV in UTF-8 with BOM; None is an empty cell, numbers stay numbers.

    Returns
    -------
    list of list of str
        The cells as `read_table` is to give them back.

    Raises
    ------
    CityGapError
        ``bad_encoding`` for a text UTF-8 can't hold (a lone surrogate).
    """
    written = []
    with open(path, "w", encoding="utf-8-sig", newline="") as file:
        table = csv.writer(file)
        table.writerow(names)
        for row in rows:
            _check(path, names, row)
            table.writerow([guarded(value) if isinstance(value, str) else value for value in row])
            written.append(["" if value is None else str(value) for value in row])
    return written


def read_table(path: Path) -> tuple[list[str], list[list[str]]]:
    """Names and rows of a table `write_table` wrote, the marks against formulas taken off."""
    with open(path, encoding="utf-8-sig", newline="") as file:
        names, *rows = csv.reader(file)
    return names, [[unguarded(cell) for cell in row] for row in rows]


def _check(path: Path, names: Sequence[str], row: Sequence[Any]) -> None:
    for name, value in zip(names, row):
        if not isinstance(value, str):
            continue
        try:
            value.encode("utf-8")
        except UnicodeEncodeError as error:
            bad = BadText(str(row[0]), name, value[error.start])
            raise encoding_error([bad], "UTF-8", path.name) from error
