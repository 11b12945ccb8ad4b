"""What can be chosen in the dialogs, from the tables that ship: values with their words."""

from __future__ import annotations

from ..model.catalogue import catalogue
from ..model.tables import read_table
from ..model.vocabulary import pipe_classes

Choices = list[tuple[str, str]]
"""Value and the word people read."""

NOT_A_GAPS_CLASS = ("*", "old_housing")


def _spelled(value: str) -> str:
    return value.replace("_", " ").capitalize()


def note_results(language: str) -> Choices:
    """Results a note can have."""
    rows = [row for row in read_table("vocabulary") if row["field"] == "notes.result"]
    return [(row["value"], row["zh"] if language == "zh" else _spelled(row["value"])) for row in rows]


def rule_choices(language: str) -> Choices:
    """Rules of the catalogue."""
    return [(row.rule_id, row.title_zh if language == "zh" else row.title_en) for row in catalogue().values()]


def class_choices(language: str) -> Choices:
    """Classes a gap can be about: housing, neglected places, roads, water, pipe classes, components."""
    pipes = pipe_classes()
    choices = []
    for row in read_table("vocabulary"):
        value = row["value"]
        if row["field"] not in ("class_code", "components.class_code") or value in NOT_A_GAPS_CLASS:
            continue
        if value.startswith("("):
            continue
        english = f"{value} {pipes[value]['class_en']}" if value in pipes else _spelled(value)
        choices.append((value, row["zh"] if language == "zh" else english))
    return choices
