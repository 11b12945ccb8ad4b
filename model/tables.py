"""Reads the tables that ship as CSV, every column as text."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

STANDARDS_DIR = Path(__file__).resolve().parent.parent / "standards"


@cache
def read_table(name: str) -> tuple[dict[str, str], ...]:
    """Rows of ``standards/<name>.csv``: column to text, an empty cell is ``""``.

    Codes keep their leading zeros. The result is shared: treat it as read-only.
    """
    with open(STANDARDS_DIR / f"{name}.csv", encoding="utf-8-sig", newline="") as file:
        return tuple({key: value or "" for key, value in row.items()} for row in csv.DictReader(file))
