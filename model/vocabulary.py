"""The coded values CityGap uses, and the spellings that mean them."""

from __future__ import annotations

from functools import cache
from typing import Optional

from .tables import read_table

UNKNOWN_MARK = "null"


def _fold(text: str) -> str:
    return " ".join(text.replace("_", " ").casefold().split())


@cache
def spellings(field: str) -> dict[str, Optional[str]]:
    """Folded spelling to value, for a field of the vocabulary such as ``housing.use``.

    A value of None means that the spelling stands for "unrecorded".
    """
    words: dict[str, Optional[str]] = {}
    for row in read_table("vocabulary"):
        if row["field"] != field or row["value"].startswith("("):
            continue
        value = row["value"] or None
        for word in (row["value"], row["zh"], *row["aliases"].split("|")):
            if word:
                words.setdefault(_fold(word), value)
    return words


def canonical(field: str, text: str) -> Optional[str]:
    """The value a spelling stands for; the text itself if the vocabulary does not know it."""
    return spellings(field).get(_fold(text), text)


@cache
def maps_to(field: str) -> dict[str, str]:
    """Value to what it maps to, for a field of the vocabulary (empty value: ``""``)."""
    return {row["value"]: row["maps_to"] for row in read_table("vocabulary") if row["field"] == field}


@cache
def walking() -> dict[str, str]:
    """Value of `highway` to ``walked``, ``not walked`` or ``not walked if bridge``."""
    return {
        row["value"]: row["note"].split("; ")[2]
        for row in read_table("vocabulary")
        if row["field"] == "highway"
    }


@cache
def street_ranks() -> dict[str, str]:
    """Value of `highway` to ``main`` or ``other``."""
    return {
        row["value"]: row["note"].split("; ")[1]
        for row in read_table("vocabulary")
        if row["field"] == "highway"
    }


@cache
def component_classes() -> dict[str, str]:
    """Four-digit component code to the class word it belongs to, where there is one."""
    return {row["code"]: row["our_class"] for row in read_table("component_codes") if row["our_class"]}


@cache
def component_pipe_classes() -> dict[str, str]:
    """Four-digit component code to the class of the pipe it belongs to (``PS``), where there is one."""
    named = {row["code"]: row["pipe_object_class"] for row in read_table("component_codes")}
    return {code: name.split(":")[1].split("/")[0] for code, name in named.items() if name}


@cache
def pipe_classes() -> dict[str, dict[str, str]]:
    """Pipe class code to its row (class_zh, class_en, rgb_hex): JS PS RQ RL DL TX GY QT HY."""
    classes: dict[str, dict[str, str]] = {}
    for row in read_table("pipe_classes"):
        classes.setdefault(row["class_code"], row)
    return classes


@cache
def class_of_kind() -> dict[str, str]:
    """Pipe kind code (``WS``) to its class code (``PS``)."""
    return {row["kind_code"]: row["class_code"] for row in read_table("pipe_classes")}
