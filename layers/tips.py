"""Map tips: what a thing is, why it is a gap, since when and whose it is.

Data are untrusted: every value is escaped inside the template's expressions; QGIS 3.22 has no function
for it.
"""

from __future__ import annotations

from html import escape

from ..model.catalogue import catalogue
from ..model.tables import read_table
from .labels import field_label, label, labels_under, vocabulary_words

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
    start = f'<tr><td style="color:#666;padding-right:8px">{escape(caption)}</td><td>'
    return f"[% coalesce({quoted(start)} || ({expression}) || '</td></tr>', '') %]"


def _known(expression: str, language: str) -> str:
    """The expression, with null spelled out as unrecorded."""
    word = quoted(f"<i>{escape(label('unrecorded', language))}</i>")
    return f"coalesce({expression}, {word})"


def _framed(heading: str, rows: list[str]) -> str:
    return f'<div style="max-width:360px"><b>{heading}</b><table>{"".join(rows)}</table></div>'


def gap_tip(language: str) -> str:
    """The template for a gap: what, how severe, why, measured against what, since when, whose."""
    zh = language == "zh"
    titles = {row.rule_id: row.title_zh if zh else row.title_en for row in catalogue().values()}
    reasons = {row.rule_id: row.why_zh if zh else row.why_en for row in catalogue().values()}
    title = worded("rule_id", titles)
    severity = worded("severity", labels_under("severity", language))
    paint = f'map_get(map({pairs(_SEVERITY_COLOURS)}), "severity")'
    reason_pairs = pairs({rule: escape(text) for rule, text in reasons.items()})
    heading = (
        f"[% coalesce({title}, {quoted(escape(label('tip.flagged', language)))}) %] "
        f"<span style=\"color:[% coalesce({paint}, '#444') %]\">[% {severity} %]</span>"
    )
    against = quoted(f" {label('tip.reference', language)} ")
    told = """coalesce("measured", "reference") IS NOT NULL OR "data_state" = 'unrecorded'"""
    measured = (
        f"CASE WHEN {told} THEN {_known(_amount('measured', language), language)} "
        f"|| coalesce({against} || {_amount('reference', language)}, '') END"
    )
    rows = [
        f'<tr><td colspan="2">[% coalesce(map_get(map({reason_pairs}), "rule_id"), \'\') %]</td></tr>',
        _row(field_label("text", language), filled("text")),
        _row(label("tip.class", language), worded("class_code", class_words(language))),
        _row(label("tip.measured", language), measured),
        _row(label("tip.basis", language), filled("basis")),
        _row(label("tip.since", language), 'left(to_string("found_at"), 10)'),
        _row(label("tip.body", language), _known(filled("body"), language)),
        _row(label("tip.status", language), worded("status", labels_under("status", language))),
        _row(label("tip.notes", language), 'to_string("notes")'),
    ]
    return _framed(heading, rows)


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
