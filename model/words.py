"""The words people read for coded values of the gap record, in Chinese and English."""

from __future__ import annotations

from functools import cache

from .tables import read_table


@cache
def words(field: str) -> dict[str, dict[str, str]]:
    """Value to its row (zh, en), for a field of ``standards/words.csv``, in the order of the table."""
    return {row["value"]: row for row in read_table("words") if row["field"] == field}


def word(field: str, value: str, language: str) -> str:
    """The word for a value in ``zh`` or ``en``; the value itself if the table does not know it.

    Examples
    --------
    >>> word("severity", "high", "en")
    'High'
    """
    row = words(field).get(value)
    return row["zh" if language == "zh" else "en"] if row else value
