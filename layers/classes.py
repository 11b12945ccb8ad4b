"""The words for the classes of objects."""

from __future__ import annotations

from functools import cache

from ..model.tables import read_table
from ..model.vocabulary import pipe_classes
from .labels import labels_under


@cache
def class_words(language: str) -> dict[str, str]:
    """Class code to words: pipe classes, component codes, neglected kinds, whole roles."""
    side = "zh" if language == "zh" else "en"
    words = {
        row["value"]: row["zh"] if side == "zh" else row["value"].replace("_", " ") for row in _components()
    }
    words.update((code, row[f"class_{side}"]) for code, row in pipe_classes().items())
    words.update((row["code"], row[f"name_{side}"]) for row in read_table("component_codes"))
    words.update(labels_under("neglected", language))
    words.update(labels_under("role", language))
    return words


def _components() -> list[dict[str, str]]:
    rows = [row for row in read_table("vocabulary") if row["field"] == "components.class_code"]
    return [row for row in rows if not row["value"].startswith(("(", "*"))]
