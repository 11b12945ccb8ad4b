"""Why a gap is one, in a sentence: what was measured and found lacking, against which standard."""

from __future__ import annotations

from functools import cache
from typing import Any

from qgis.core import NULL, QgsExpression, QgsExpressionContext, QgsFeature, QgsField, QgsFields
from qgis.PyQt.QtCore import QVariant

from ..model.gap import NUMERIC_COLUMNS
from ..model.tables import read_table
from .classes import class_words
from .expressions import looked_up, pairs, quoted, sentence, value
from .labels import field_label, label, labels_under, vocabulary_words

READ = ("rule_id", "measured", "reference", "unit", "basis", "data_state", "class_code", "params_json")
"""Columns a reason is made of."""

_FIRST_YEAR = 1000
"""A reference of years above this is a date (built by 2000), one below it an age."""

_PARAMS = f"from_json({value('params_json')})"


def reason(language: str) -> str:
    """An expression for the sentence as HTML; null where nothing was measured and no rule says more."""
    rules = {
        "A02": _aged,
        "D01": _attributes,
        "I02": _visits,
        "I05": _repairs,
        "N02": _near_miss,
        "N05": _street,
        "R01": _duties,
        "S01": _service,
    }
    cases = " ".join(
        f"WHEN {value('rule_id')} = '{rule}' THEN {make(language)}" for rule, make in rules.items()
    )
    return f"coalesce(CASE {cases} END, {_measure(language)})"


def raised(language: str) -> str:
    """An expression for why the severity was raised; null where it was not."""
    return _listed("step", labels_under("step", language), language)


@cache
def _fields() -> QgsFields:
    fields = QgsFields()
    for name in READ:
        fields.append(QgsField(name, QVariant.Double if name in NUMERIC_COLUMNS else QVariant.String))
    return fields


def told(gap: dict[str, Any], expression: str) -> str:
    """An expression of this module for a gap record, as HTML; empty where it is null."""
    feature = QgsFeature(_fields())
    for name in READ:
        feature.setAttribute(name, gap.get(name))
    context = QgsExpressionContext()
    context.setFeature(feature)
    context.setFields(_fields())
    text = QgsExpression(expression).evaluate(context)
    return "" if text is None or text == NULL else str(text)


def _say(key: str, language: str, **parts: str) -> str:
    return sentence(label(f"reason.{key}", language), **parts)


def _number(column: str) -> str:
    return f"to_string(round({value(column)}, 2))"


def _whole(column: str) -> str:
    return f"to_string(round({value(column)}))"


def _either(*expressions: str) -> str:
    return f"coalesce({', '.join(expressions)})"


def _when(condition: str, expression: str) -> str:
    return f"CASE WHEN {condition} THEN {expression} END"


def _is_unrecorded() -> str:
    return f"{value('data_state')} = 'unrecorded'"


def _param(name: str) -> str:
    return f"map_get({_PARAMS}, '{name}')"


def _listed(name: str, words: dict[str, str], language: str, element: str = "") -> str:
    """An expression for a list among the parameters in words; null where it is missing or empty."""
    each = f"array_foreach({_param(name)}, {element or looked_up('@element', words)})"
    joined = f"array_to_string({each}, {quoted(label('list.comma', language))})"
    return _when(f"array_length({_param(name)}) > 0", joined)


def _measure(language: str) -> str:
    unit = looked_up(value("unit"), labels_under("unit", language))
    amount = {name: f"{_number(name)} || coalesce(' ' || {unit}, '')" for name in NUMERIC_COLUMNS}
    return _either(
        _say("measured", language, **amount),
        _when(_is_unrecorded(), _say("unmeasured", language, reference=amount["reference"])),
        amount["measured"],
    )


def _aged(language: str) -> str:
    grades = {
        row["standard_id"]: label(f"grade.{row['value']}", language)
        for row in read_table("ageing")
        if row["attribute"] == "danger_grade" and row["use"] == "rule"
    }
    grade = f"map_get(map({pairs(grades)}), regexp_substr({value('basis')}, '^([^@ ]+)'))"
    years = {"measured": _whole("measured"), "reference": _whole("reference")}
    return _either(
        _when(f"{value('reference')} >= {_FIRST_YEAR}", _say("built_by", language, **years)),
        _say("aged", language, **years),
        _say("graded", language, grade=grade),
        _when(_is_unrecorded(), _say("year_unrecorded", language)),
    )


def _attributes(language: str) -> str:
    names = {name: field_label(name, language) for name in _attribute_names()}
    column = f"regexp_replace({_param('lacking_column')}, '^[^.]*[.]', '')"
    return _either(
        _say("empty", language, fields=_listed("empty", names, language)),
        _say("lacking_column", language, field=looked_up(column, names), measured=_whole("measured")),
    )


def _attribute_names() -> list[str]:
    """Columns of the roles whose attributes are required."""
    names = [name for name in labels_under("field", "en") if name not in READ]
    return [*names, "class_code"]


def _visits(language: str) -> str:
    due = _listed("due", vocabulary_words("activity", language), language)
    return _either(
        _say("never_visited_every", language, due=due, reference=_whole("reference")),
        _say("never_visited", language, due=due),
    )


def _repairs(language: str) -> str:
    years = {"measured": _whole("measured"), "reference": _whole("reference")}
    kind = _param("kind")
    return _either(
        _when(f"{kind} = 'none'", _say("no_repair", language, **years)),
        _when(f"{kind} = 'open'", _say("defect_open", language, **years)),
        _when(f"{kind} = 'open'", _say("defect_open_undated", language)),
    )


def _near_miss(language: str) -> str:
    words = looked_up(value("class_code"), class_words(language))
    return _say(
        "near_miss", language, kind=words, measured=_number("measured"), reference=_number("reference")
    )


def _street(language: str) -> str:
    words = class_words(language)
    share = f"to_string(round(100 * map_get({_param('share')}, @element)))"
    part = _say("share", language, share=share)
    some = f"CASE WHEN map_get({_param('share')}, @element) >= 0.005 THEN {part} ELSE '' END"
    missing = f"{looked_up('@element', words)} || coalesce({some}, '')"
    return _either(
        _say(
            "street",
            language,
            missing=_listed("missing", words, language, missing),
            expected=_listed("expected", words, language),
        ),
        _say("street_missing", language, missing=_listed("missing", words, language)),
    )


def _duties(language: str) -> str:
    return _say("lacking", language, duties=_listed("lacking", labels_under("duty", language), language))


def _service(language: str) -> str:
    words = looked_up(value("class_code"), class_words(language))
    reach = _number("reference")
    return _either(
        _when(
            f"{_param('unknown_kind')} = true",
            _say("served_by_unknown", language, kind=words, reference=reach),
        ),
        _say("not_served", language, kind=words, measured=_number("measured"), reference=reach),
        _say("none_near", language, kind=words, reference=reach),
    )
