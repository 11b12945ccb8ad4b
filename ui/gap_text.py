"""What the detail panel says of a gap, as HTML; every value is escaped."""

from __future__ import annotations

from html import escape
from typing import Any

from qgis.PyQt.QtCore import QCoreApplication

from ..model.catalogue import catalogue, title
from ..model.gap import STATUSES
from ..model.words import word
from .choices import class_choices, note_results


def _tr(text: str) -> str:
    return QCoreApplication.translate("GapText", text)


def _number(value: float) -> str:
    return f"{value:,.2f}".rstrip("0").rstrip(".")


def measure_line(gap: dict[str, Any], language: str) -> str:
    """Measured against reference with the unit: ``61 years against 20``; empty if nothing was measured."""
    if gap.get("measured") is None:
        return ""
    unit = word("unit", gap.get("unit") or "", language)
    measured = f"{_number(gap['measured'])} {unit}".strip()
    if gap.get("reference") is None:
        return measured
    return _tr("{} against {}").format(measured, f"{_number(gap['reference'])} {unit}".strip())


def gap_html(gap: dict[str, Any], notes: list[dict[str, Any]], language: str) -> str:
    """Title, why, measure, basis, since when, body, people's words and notes of a gap.

    Parameters
    ----------
    gap : dict
        A record of `store.gaps.read_gap`, titled in the language.
    notes : list of dict
        Records of `store.notes.read_notes`.
    language : str
        ``zh`` or ``en``.
    """
    row = catalogue().get(gap.get("rule_id") or "")
    why = ((row.why_zh if language == "zh" else row.why_en) if row else gap.get("text")) or ""
    parts = [
        f"<h3 style='margin:0'>{escape(title(gap['rule_id'], language))}</h3>",
        f"<p style='margin:2px 0 6px'>{escape(why)}</p>",
    ]
    parts.append("<table cellspacing='0' cellpadding='1'>")
    parts += [_line(label, value) for label, value in _facts(gap, language, row is not None) if value]
    parts.append("</table>")
    parts += [_note_html(note, language) for note in notes]
    return "".join(parts)


def _facts(gap: dict[str, Any], language: str, from_rule: bool) -> list[tuple[str, str]]:
    status = word("status", gap["status"], language) if gap["status"] in STATUSES else gap["status"]
    severity = word("severity", gap["severity"], language)
    run_state = word("run_state", gap.get("run_state") or "none", language)
    role = word("role", gap.get("object_role") or "", language)
    until = f" → {gap['until'][:10]}" if gap.get("until") else ""
    return [
        (_tr("Severity"), severity),
        (_tr("Measured"), measure_line(gap, language)),
        (_tr("Basis"), gap.get("basis") or ""),
        (_tr("Status"), f"{status}{until} · {run_state}"),
        (_tr("Reason"), gap.get("why") or ""),
        (_tr("Object"), f"{role} {gap.get('object_id') or ''}".strip()),
        (_tr("Class"), _class_words(gap, language)),
        (_tr("Unit"), " · ".join(gap[name] for name in ("area_code", "cell_code") if gap.get(name))),
        (_tr("Body"), gap.get("body") or _tr("none on record")),
        (_tr("Since"), (gap.get("found_at") or "")[:10]),
        (_tr("Due"), (gap.get("due_at") or "")[:10]),
        (_tr("Text"), (gap.get("text") or "") if from_rule else ""),
    ]


def _class_words(gap: dict[str, Any], language: str) -> str:
    """Classes of a gap, such as ``JS|PS``, in words; empty if its role says the same."""
    codes = gap.get("class_code") or ""
    if codes == gap.get("object_role"):
        return ""
    words = dict(class_choices(language))
    return ", ".join(words.get(code, code) for code in codes.split("|") if code)


def _line(label: str, value: str) -> str:
    style = "padding-right:10px; white-space:nowrap"
    return f"<tr><td style='{style}'><i>{escape(label)}</i></td><td>{escape(str(value))}</td></tr>"


def _note_html(note: dict[str, Any], language: str) -> str:
    head = [(note.get("at") or "")[:16].replace("T", " "), note.get("author") or ""]
    if note.get("result"):
        head.append(dict(note_results(language)).get(note["result"], note["result"]))
    if note.get("photos"):
        head.append(_tr("photos: {}").format(len(note["photos"])))
    said = escape(note.get("text") or "").replace("\n", "<br>")
    return f"<hr><p style='margin:0'><b>{escape(' · '.join(part for part in head if part))}</b><br>{said}</p>"
