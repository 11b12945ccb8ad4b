"""Map tips: what a thing is, why it is a gap, since when and whose it is; every value is escaped."""

from __future__ import annotations

from html import escape

from ..model.catalogue import catalogue
from ..model.tables import read_table
from .classes import class_words
from .expressions import filled, looked_up, pairs, quoted, worded
from .labels import field_label, label, labels_under, vocabulary_words
from .reasons import raised, reason

_SEVERITY_COLOURS = {"high": "#C2132B", "medium": "#9A6500", "low": "#0072B2", "info": "#6B7280"}

_FIELDS = {
    "housing": (
        "name", "address", "use", "built_year", "danger_grade", "structure", "floors", "households",
        "last_repair_date", "owner", "maintainer", "source_name",
    ),
    "pipes": (
        "class_code", "material_code", "diameter_mm", "depth_m", "laid_year", "use_status", "owner",
        "maintainer", "source_name",
    ),
    "neglected": ("kind", "name", "width_m", "owner", "maintainer", "updated_on", "source_name"),
    "components": ("class_code", "name", "condition", "owner", "maintainer", "updated_on", "source_name"),
    "units": ("level", "name", "code", "population"),
}  # fmt: skip


def _row(caption: str, expression: str) -> str:
    """A line of the tip, left out where the expression is null."""
    style = "color:#666;padding-right:8px;white-space:nowrap;vertical-align:top"
    start = f'<tr><td style="{style}">{escape(caption)}</td><td>'
    return f"[% coalesce({quoted(start)} || ({expression}) || '</td></tr>', '') %]"


def _known(expression: str, language: str) -> str:
    """The expression, with null spelled out as unrecorded."""
    word = quoted(f"<i>{escape(label('unrecorded', language))}</i>")
    return f"coalesce({expression}, {word})"


def _framed(heading: str, rows: list[str]) -> str:
    # QGIS's tip window takes no font into a table by itself, and without a width breaks after each word.
    style = "width:340px;font-family:sans-serif;font-size:13px"
    table = f'<table style="font:inherit;width:100%">{"".join(rows)}</table>'
    return f'<div style="{style}"><b>{heading}</b>{table}</div>'


def gap_tip(language: str) -> str:
    """The template for a gap: what, how severe, why, since when, whose, and how far it is."""
    zh = language == "zh"
    titles = {row.rule_id: row.title_zh if zh else row.title_en for row in catalogue().values()}
    flagged = quoted(escape(label("tip.flagged", language)))
    severity = worded("severity", labels_under("severity", language))
    paint = f'map_get(map({pairs(_SEVERITY_COLOURS)}), "severity")'
    heading = (
        f"[% coalesce({worded('rule_id', titles)}, {flagged}) %] "
        f"<span style=\"color:[% coalesce({paint}, '#444') %]\">[% {severity} %]</span>"
    )
    rows = [
        f"<tr><td colspan=\"2\">[% coalesce({reason(language)}, '') %]</td></tr>",
        _row(field_label("text", language), filled("text")),
        _row(label("tip.class", language), _classes(language)),
        _row(label("tip.raised", language), raised(language)),
        _row(label("tip.basis", language), _basis(language)),
        _row(label("tip.since", language), 'left(to_string("found_at"), 10)'),
        _row(label("tip.body", language), _known(filled("body"), language)),
        _row(label("tip.status", language), worded("status", labels_under("status", language))),
        _row(label("tip.notes", language), 'CASE WHEN "notes" > 0 THEN to_string("notes") END'),
    ]
    return _framed(heading, rows)


def _basis(language: str) -> str:
    """The standard a gap rests on; where it is the project's own default, in the language."""
    default = quoted(escape(label("basis.default", language)))
    return f"replace({filled('basis')}, 'project default', {default})"


def _classes(language: str) -> str:
    """Classes of a gap, such as ``JS|PS``, in words."""
    word = looked_up("@element", class_words(language))
    listed = f"array_foreach(string_to_array(\"class_code\", '|'), {word})"
    return f"array_to_string({listed}, {quoted(label('list.comma', language))})"


def _field_words(role: str, name: str, language: str) -> dict[str, str]:
    """Words for the coded columns of a role; none for a column that holds its own words."""
    if name == "class_code":
        return class_words(language)
    if name == "kind" and role == "neglected":
        return labels_under("neglected", language)
    if name == "danger_grade":
        return labels_under("grade", language)
    if name == "level":
        return labels_under("level", language)
    if name == "material_code":
        side = "material_zh" if language == "zh" else "material_en"
        return {row["material_code"]: row[side] for row in read_table("materials")}
    return vocabulary_words(f"{role}.{name}", language)


def object_tip(role: str, language: str) -> str:
    """The template for an object of a role: what is recorded of it, and what is not."""
    name = _known(filled("code" if role == "units" else "id"), language)
    heading = f"{escape(label(f'role.{role}', language))} [% {name} %]"
    rows = [
        _row(field_label(name, language), _known(worded(name, _field_words(role, name, language)), language))
        for name in _FIELDS[role]
    ]
    return _framed(heading, rows)


def duty_tip(language: str) -> str:
    """The template for a duty: which body answers, for what, where."""
    rows = [
        _row(field_label("duty", language), worded("duty", vocabulary_words("duties.duty", language))),
        _row(field_label("object_class", language), _known(filled("object_class"), language)),
        _row(field_label("area_code", language), filled("area_code")),
    ]
    return _framed(f"[% {_known(filled('body'), language)} %]", rows)
