"""What a report wrote and lost, in sentences for screen and terminal."""

from __future__ import annotations

from typing import Any

from .words import sentence

_BY_COLUMN = (
    "texts_shortened",
    "texts_normalised",
    "numbers_rounded",
    "times_unreadable",
    "columns_left_out",
)
_NAMED = ("geometry_unreadable", "photos_missing")
_COUNTED = (
    "private_notes",
    "photos_over_three",
    "photos_left_out",
    "positions_generalised",
    "crs_not_recognised",
)
_SHOWN = 5
"""So many names stand in a sentence; the rest is in ``report.json``."""


def loss_lines(report: dict[str, Any], language: str = "en") -> list[str]:
    """Readable sentences: first what was written, then each loss, last the read-back.

    Parameters
    ----------
    report : dict
        What `write_report` returned, or the content of ``report.json``.
    language : {"en", "zh"}
    """
    losses = report["losses"]
    lines = [_written(report, language)]
    for key in _BY_COLUMN:
        if total := sum(losses[key].values()):
            what = _listed(losses[key], language)
            lines.append(sentence(key, language).format(n=_number(total), what=what))
    if any(losses["geometries_changed"].values()):
        words = {sentence(name, language): count for name, count in losses["geometries_changed"].items()}
        lines.append(sentence("geometries_changed", language).format(what=_listed(words, language)))
    for key in _NAMED:
        if names := losses[key]:
            what = ", ".join(names[:_SHOWN])
            lines.append(sentence(key, language).format(n=_number(len(names)), what=what))
    for key in _COUNTED:
        if losses[key]:
            lines.append(sentence(key, language).format(n=_number(losses[key])))
    return [*lines, _proof(report["read_back"], language)]


def _number(value: int) -> str:
    return f"{value:,}"


def _listed(counts: dict[str, int], language: str) -> str:
    between = "、" if language == "zh" else ", "
    return between.join(f"{name} {_number(count)}" for name, count in counts.items() if count)


def _written(report: dict[str, Any], language: str) -> str:
    files = report["files"]
    rows = {
        "points": files["gap_report_pt.shp"]["rows"],
        "lines": files["gap_report_ln.shp"]["rows"],
        "areas": files["gap_report_pg.shp"]["rows"],
        "none": files["gap_report_none.csv"]["rows"],
    }
    counts = {name: _number(count) for name, count in rows.items()}
    return sentence("written", language).format(n=_number(report["gaps"]), **counts)


def _proof(proof: dict[str, Any], language: str) -> str:
    key = "read_equal" if proof["equal"] else "read_unequal"
    bad = _number(proof["differences_count"])
    return sentence(key, language).format(reader=proof["reader"], n=_number(proof["values"]), bad=bad)
