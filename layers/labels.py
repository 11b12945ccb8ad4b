"""The words on map layers, in Chinese and English."""

from __future__ import annotations

from functools import cache

from ..model.tables import read_table


@cache
def _labels() -> dict[str, dict[str, str]]:
    """Key to its words; the gap record's coded values come from the table of words as ``field.value``."""
    labels = {f"{row['field']}.{row['value']}": row for row in read_table("words")}
    labels.update((row["key"], row) for row in read_table("labels"))
    return labels


def label(key: str, language: str) -> str:
    """The words for a key of ``labels.csv`` or ``words.csv`` (``severity.high``); else the key itself."""
    row = _labels().get(key)
    return key if row is None else row["zh" if language == "zh" else "en"]


def labels_under(prefix: str, language: str) -> dict[str, str]:
    """Value to words, for every key ``<prefix>.<value>``, in the order of the tables."""
    start = f"{prefix}."
    return {key[len(start) :]: label(key, language) for key in _labels() if key.startswith(start)}


def vocabulary_words(field: str, language: str) -> dict[str, str]:
    """Value to words for a field of the vocabulary (``duties.duty``); its values are the English words."""
    rows = [row for row in read_table("vocabulary") if row["field"] == field and row["value"]]
    return {row["value"]: row["zh"] if language == "zh" else row["value"].replace("_", " ") for row in rows}


def field_label(name: str, language: str) -> str:
    """The words for a column, or its own name."""
    text = label(f"field.{name}", language)
    return name if text.startswith("field.") else text
