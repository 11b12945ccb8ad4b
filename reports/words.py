"""Reads the tables of words that lie beside this package: columns and sentences, Chinese and English."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path


@cache
def read_words(name: str) -> tuple[dict[str, str], ...]:
    """Rows of ``<name>.csv`` of this package; the result is shared: treat it as read-only."""
    with open(Path(__file__).resolve().parent / f"{name}.csv", encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))


@cache
def sentence(key: str, language: str) -> str:
    """A sentence in ``zh`` or ``en``, with places for `str.format`."""
    row = next(row for row in read_words("sentences") if row["key"] == key)
    return row["zh" if language == "zh" else "en"]
