"""What the console prints of a result for people: tables and sentences, in Chinese or English."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from typing import Any

from .model.catalogue import catalogue
from .model.gap import SEVERITIES
from .model.words import word

COUNTS = ("found", "new", "persisting", "gone", "returned")

_HEADINGS = {
    "rule": ("规则", "Rule"),
    "title": ("名称", "Title"),
    "rule_status": ("状态", "Status"),
    "found": ("发现", "Found"),
    "new": ("新增", "New"),
    "persisting": ("仍在", "Persisting"),
    "gone": ("消失", "Gone"),
    "returned": ("重现", "Returned"),
    "gap": ("缺口", "Gap"),
    "severity": ("严重程度", "Severity"),
    "status": ("状态", "Status"),
    "object": ("对象", "Object"),
    "measured": ("实测", "Measured"),
    "reference": ("参考", "Reference"),
}


def as_text(command: str, result: Any, args: dict[str, Any]) -> str:
    """The result of a command for people.

    Parameters
    ----------
    command : str
    result : dict or list
        What `run_command` gave.
    args : dict
        Its arguments; `lang` is ``zh`` or ``en``.
    """
    return _SHOWN[command](result, args)


def table(rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> str:
    """Rows as columns of even width, Chinese characters counted as two; `right` are set to the right."""
    widths = [max(_width(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = []
        for column, (text, width) in enumerate(zip(row, widths)):
            blanks = " " * (width - _width(text))
            cells.append(blanks + text if column in right else text + blanks)
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def _is_zh(args: dict[str, Any]) -> bool:
    return bool(args["lang"] == "zh")


def _headings(names: Sequence[str], zh: bool) -> list[str]:
    return [_HEADINGS[name][0 if zh else 1] for name in names]


def _word(field: str, value: str, zh: bool) -> str:
    return word(field, value, "zh" if zh else "en")


def _check(result: dict[str, Any], args: dict[str, Any]) -> str:
    zh = _is_zh(args)
    rows = [_headings(("rule", "title", "rule_status", *COUNTS), zh)]
    reasons = []
    for rule_id, rule in result["rules"].items():
        row = catalogue()[rule_id]
        counts = [f"{rule[name]:,}" if rule["status"] == "run" else "" for name in COUNTS]
        rows.append(
            [rule_id, row.title_zh if zh else row.title_en, _word("rule_status", rule["status"], zh), *counts]
        )
        if rule["reason"]:
            reasons.append(f"{rule_id}: {_reason(rule['reason'], zh)}")
    found = sum(rule["found"] - rule["info"] for rule in result["rules"].values())
    store, seconds = result["store"], result["seconds"]
    if zh:
        last = [
            f"{seconds:.1f} 秒，{found:,} 个缺口，存于 {store}"
            f"（坐标系 {result['crs']}，截至 {result['as_of']}）。",
            f"下一步：citygap gaps {store}，或 citygap report {store} --out DIR",
        ]
    else:
        last = [
            f"{found:,} gaps in {seconds:.1f} s, kept in {store} ({result['crs']}, as of {result['as_of']}).",
            f"Next: citygap gaps {store}, or citygap report {store} --out DIR",
        ]
    return "\n".join([table(rows, right=range(3, 8)), *reasons, *result["warnings"], *last])


def _reason(reason: dict[str, Any], zh: bool) -> str:
    return f"{_word('reason_code', reason['code'], zh)}: {reason['text'] or ''}".rstrip(": ")


def _card(result: Any, args: dict[str, Any]) -> str:
    from .sources.card import card_text

    return card_text(result, args["lang"])


def _gaps(result: list[dict[str, Any]], args: dict[str, Any]) -> str:
    zh = _is_zh(args)
    counts = {name: sum(record["severity"] == name for record in result) for name in reversed(SEVERITIES)}
    listed = ", ".join(f"{_word('severity', name, zh)} {count:,}" for name, count in counts.items() if count)
    total = f"{len(result):,} 个缺口" if zh else f"{len(result):,} gaps"
    if not result:
        return total
    rows = [_headings(("gap", "severity", "status", "title", "object", "measured", "reference"), zh)]
    for record in result:
        role, object_id = record["object_role"], record["object_id"]
        rows.append(
            [
                record["gap_id"],
                _word("severity", record["severity"], zh),
                _word("status", record["status"], zh),
                _one_line(record["title"]),
                _one_line(f"{role}:{object_id}") if object_id else "",
                _number(record["measured"]),
                _number(record["reference"]),
            ]
        )
    return f"{table(rows, right=(5, 6))}\n{total}: {listed}"


def _history(result: Any, args: dict[str, Any]) -> str:
    if isinstance(result, dict):
        intact = "记录完整" if _is_zh(args) else "The history is whole: no event was removed or altered."
        return "\n".join(result["problems"]) or intact
    if not result:
        return "没有记录" if _is_zh(args) else "No events."
    columns = ("event_id", "at", "edited_by", "table", "key", "column", "was", "is")
    rows = [list(columns), *([_one_line(event.get(name)) for name in columns] for event in result)]
    return table(rows, right=(0,))


def _report(result: dict[str, Any], args: dict[str, Any]) -> str:
    from .reports.summary import loss_lines

    return "\n".join([*loss_lines(result, args["lang"]), args["out"]])


def _status(result: dict[str, Any], args: dict[str, Any]) -> str:
    return f"{result['gap_id']}: {_word('status', result['status'], _is_zh(args))}"


def _sample(result: dict[str, Any], args: dict[str, Any]) -> str:
    path, truth = result["path"], result["truth"]
    check = f"citygap check {path} --store S.gpkg --as-of {result['as_of']}"
    if _is_zh(args):
        return f"示例城市已写入 {path}，植入的缺口见 {truth}\n下一步：{check}"
    return f"The sample city is in {path}, the gaps planted in it in {truth}\nNext: {check}"


def _undo(result: dict[str, Any], args: dict[str, Any]) -> str:
    return f"已撤销 {result['undone']}" if _is_zh(args) else f"Undone: {result['undone']}"


def _one_line(value: Any) -> str:
    text = " ".join(str("" if value is None else value).split())
    return text if len(text) <= 60 else f"{text[:59]}…"


def _number(value: Any) -> str:
    return "" if value is None else f"{value:g}"


_SHOWN: dict[str, Callable[[Any, dict[str, Any]], str]] = {
    "sample": _sample,
    "card": _card,
    "check": _check,
    "flag": lambda result, _: str(result["gap_id"]),
    "note": lambda result, _: str(result["note_id"]),
    "gaps": _gaps,
    "status": _status,
    "history": _history,
    "undo": _undo,
    "report": _report,
}
