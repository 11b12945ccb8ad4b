"""QGIS expressions that give a feature's values as HTML text.

Data are untrusted: every value is escaped inside the expression; QGIS 3.22 has no function for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from qgis.core import QgsExpression

_ENTITIES = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"), ("'", "&#39;"))


def quoted(text: str) -> str:
    """A text as an expression."""
    return QgsExpression.quotedString(text)


def value(column: str) -> str:
    """An expression for a column; null where the layer lacks it (a plain name would be an error)."""
    return f"attribute($currentfeature, {quoted(column)})"


def escaped(expression: str) -> str:
    """An expression for a value as HTML text: null stays null, ``<`` becomes ``&lt;``."""
    text = f"to_string({expression})"
    for plain, entity in _ENTITIES:
        text = f"replace({text}, {quoted(plain)}, {quoted(entity)})"
    return text


def filled(column: str) -> str:
    """An expression for a column's escaped value; null where it is empty or blank."""
    name = value(column)
    return f"CASE WHEN trim(to_string({name})) <> '' THEN {escaped(name)} END"


def pairs(words: Mapping[str, str]) -> str:
    """Keys and words as the arguments of the function ``map``."""
    return ", ".join(f"{quoted(key)}, {quoted(text)}" for key, text in words.items())


def looked_up(expression: str, words: Mapping[str, str]) -> str:
    """An expression for the words of a code; an unknown code is shown as it is, null stays null."""
    if not words:
        return escaped(expression)
    safe = {code: escape(text) for code, text in words.items()}
    return f"coalesce(map_get(map({pairs(safe)}), to_string({expression})), {escaped(expression)})"


def worded(column: str, words: Mapping[str, str]) -> str:
    """An expression for a coded column's words; null where it is empty or blank."""
    name = value(column)
    return f"CASE WHEN trim(to_string({name})) <> '' THEN {looked_up(name, words)} END"


def sentence(template: str, **parts: str) -> str:
    """An expression for a text with ``{name}`` replaced by expressions; null if one of them is null."""
    pieces: list[str] = []
    rest = template
    while "{" in rest:
        before, _, rest = rest.partition("{")
        name, _, rest = rest.partition("}")
        pieces += [quoted(escape(before)), f"({parts[name]})"]
    return " || ".join([*pieces, quoted(escape(rest))])
