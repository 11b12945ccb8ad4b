"""What the detail panel says of a gap, as HTML; every value is escaped."""

from __future__ import annotations

from html import escape, unescape
from typing import Any

from qgis.PyQt.QtCore import QCoreApplication

from ..layers.classes import class_words
from ..layers.labels import label
from ..layers.reasons import raised, reason, told
from ..model.catalogue import catalogue, title
from ..model.gap import STATUSES
from ..model.words import word
from .choices import note_results


def _tr(text: str) -> str:
    return QCoreApplication.translate("GapText", text)


def headline(gap: dict[str, Any], language: str) -> str:
    """What a gap is called: a planner's flag by the first line of its own text, any other by its rule."""
    said = (gap.get("text") or "").strip().partition("\n")[0]
    if gap.get("origin") == "planner" and said:
        return said
    return title(gap["rule_id"], language)


def basis_text(basis: str, language: str) -> str:
    """The standard a gap rests on; where it is the project's own default, in the screen's language."""
    return basis.replace("project default", label("basis.default", language))


def gap_html(gap: dict[str, Any], notes: list[dict[str, Any]], language: str) -> str:
    """Headline, reason, basis, since when, body, people's words and notes of a gap.

    Parameters
    ----------
    gap : dict
        A record of `store.gaps.read_gap`, titled in the language.
    notes : list of dict
        Records of `store.notes.read_notes`.
    language : str
        ``zh`` or ``en``.
    """
    parts = [
        f"<h4 style='margin:0'>{escape(headline(gap, language))}</h4>",
        *(f"<p style='margin:2px 0 0'>{said}</p>" for said in _paragraphs(gap, language) if said),
        "<table cellspacing='0' cellpadding='1' style='margin-top:6px'>",
    ]
    parts += [_line(name, value) for name, value in _facts(gap, language) if value]
    parts.append("</table>")
    parts += [_note_html(note, language) for note in notes]
    return "".join(parts)


def _paragraphs(gap: dict[str, Any], language: str) -> list[str]:
    """Why this is a gap and why that matters; of a planner's flag all it says beyond its first line."""
    if gap.get("origin") == "planner":
        more = (gap.get("text") or "").strip().partition("\n")[2].strip()
        kind = _tr("Planner's flag")
        if gap.get("rule_id"):
            kind = f"{kind} · {title(gap['rule_id'], language)}"
        return [escape(more).replace("\n", "<br>"), _muted(kind)]
    row = catalogue().get(gap.get("rule_id") or "")
    why = (row.why_zh if language == "zh" else row.why_en) if row else ""
    return [told(gap, reason(language)), _muted(why) if why else ""]


def _facts(gap: dict[str, Any], language: str) -> list[tuple[str, str]]:
    status = word("status", gap["status"], language) if gap["status"] in STATUSES else gap["status"]
    severity = word("severity", gap["severity"], language)
    run_state = gap.get("run_state") or "none"
    seen = "" if run_state == "none" else f" · {word('run_state', run_state, language)}"
    role = word("role", gap.get("object_role") or "", language)
    until = f" → {gap['until'][:10]}" if gap.get("until") else ""
    return [
        (_tr("Severity"), severity),
        (_tr("Raised because"), unescape(told(gap, raised(language)))),
        (_tr("Status"), f"{status}{until}{seen}"),
        (_tr("Reason"), gap.get("why") or ""),
        (_tr("Object"), f"{role} {gap.get('object_id') or ''}".strip()),
        (_tr("Class"), _class_words(gap, language)),
        (_tr("Unit"), gap.get("area_code") or ""),
        (_tr("Cell"), gap.get("cell_code") or ""),
        (_tr("Body"), gap.get("body") or _tr("none on record")),
        (_tr("Basis"), basis_text(gap.get("basis") or "", language)),
        (_tr("Since"), (gap.get("found_at") or "")[:10]),
        (_tr("Due"), (gap.get("due_at") or "")[:10]),
        (_tr("Text"), (gap.get("text") or "") if gap.get("origin") != "planner" else ""),
    ]


def _class_words(gap: dict[str, Any], language: str) -> str:
    """Classes of a gap, such as ``JS|PS``, in words; empty if its role says the same."""
    codes = gap.get("class_code") or ""
    if codes == gap.get("object_role"):
        return ""
    words = class_words(language)
    said = label("list.comma", language).join(words.get(code, code) for code in codes.split("|") if code)
    return said[:1].upper() + said[1:]


def _muted(text: str) -> str:
    """Text that reads as beside on light and dark grounds alike."""
    return f"<span style='color:gray'>{escape(text)}</span>"


def _line(name: str, value: str) -> str:
    style = "padding-right:10px; white-space:nowrap"
    return f"<tr><td style='{style}'>{_muted(name)}</td><td>{escape(str(value))}</td></tr>"


def _note_html(note: dict[str, Any], language: str) -> str:
    head = [(note.get("at") or "")[:16].replace("T", " "), note.get("author") or ""]
    if note.get("result"):
        head.append(dict(note_results(language)).get(note["result"], note["result"]))
    if note.get("photos"):
        head.append(_tr("photos: {}").format(len(note["photos"])))
    said = escape(note.get("text") or "").replace("\n", "<br>")
    return f"<hr><p style='margin:0'><b>{escape(' · '.join(part for part in head if part))}</b><br>{said}</p>"
