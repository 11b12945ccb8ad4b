"""What a check found, rule by rule."""

from __future__ import annotations

from typing import Any, NamedTuple

from qgis.PyQt.QtCore import QAbstractTableModel, QModelIndex, Qt
from qgis.PyQt.QtGui import QBrush, QPalette
from qgis.PyQt.QtWidgets import QApplication

from ..model.catalogue import title
from ..model.words import word
from ._compat import flag_value
from .icons import icon
from .reason_text import lacking_text

SHOWN_SEVERITIES = ("high", "medium", "low", "info")


class RuleResult(NamedTuple):
    """One rule of a run: status, why it did not run, present gaps by severity, what is new or gone.

    `untested`: what a rule that ran could not look at; empty if it looked at everything.
    """

    rule_id: str
    status: str
    reason: str
    by_severity: dict[str, int]
    new: int
    gone: int
    untested: str = ""


def rule_results(
    rules: dict[str, dict[str, Any]], counts: list[tuple[str, str, str, int]], language: str
) -> list[RuleResult]:
    """Rows by rule id from the ``rules`` of a check's result and the store's counts.

    Parameters
    ----------
    rules : dict
        Rule id to status, reason, new, gone as ``check --json`` gives them.
    counts : list of tuple
        rule_id, severity, run_state and how many gaps the store has of them.
    language : str
        ``zh`` or ``en``.
    """
    present: dict[str, dict[str, int]] = {}
    for rule_id, severity, run_state, count in counts:
        if run_state != "gone":
            found = present.setdefault(rule_id, {})
            found[severity] = found.get(severity, 0) + count
    return [
        RuleResult(
            rule_id,
            result["status"],
            _reason(result, language),
            present.get(rule_id, {}),
            result.get("new", 0),
            result.get("gone", 0),
            _untested(result, language),
        )
        for rule_id, result in sorted(rules.items())
    ]


def _reason(result: dict[str, Any], language: str) -> str:
    if result["status"] == "run":
        return ""
    reason = result.get("reason") or {}
    text = lacking_text(reason.get("text") or "", language)
    said = word("reason_code", reason.get("code") or "", language)
    parts = [word("rule_status", result["status"], language), said, text]
    return (": " if language == "en" else "：").join(part for part in parts if part)


def _untested(result: dict[str, Any], language: str) -> str:
    text = (result.get("reason") or {}).get("text") or ""
    return lacking_text(text, language) if result["status"] == "run" else ""


class RuleResultModel(QAbstractTableModel):
    """Rules of the last check; one that did not run gives its reason in a second line, in place of numbers.

    Parameters
    ----------
    language : str
        ``zh`` or ``en``, for titles.
    """

    TITLE = 0
    FIRST_NUMBER = 1

    def __init__(self, language: str, parent: Any = None) -> None:
        super().__init__(parent)
        self._language = language
        self._results: list[RuleResult] = []
        self._icons = [icon(f"severity_{name}") for name in SHOWN_SEVERITIES]
        self._headings = (self.tr("Rule"), "", "", "", "", self.tr("New"), self.tr("Gone"))

    def show_results(self, results: list[RuleResult]) -> None:
        """Show these in place of the ones before."""
        self.beginResetModel()
        self._results = results
        self.endResetModel()

    def result(self, row: int) -> RuleResult:
        """The result in a row."""
        return self._results[row]

    def rowCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008, N802
        """Rows shown."""
        return 0 if parent.isValid() else len(self._results)

    def columnCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008, N802
        """Columns shown."""
        return 0 if parent.isValid() else len(self._headings)

    def headerData(  # noqa: N802
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Headings: severities by their shapes."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        severity = section - self.FIRST_NUMBER
        if 0 <= severity < len(SHOWN_SEVERITIES):
            if role == Qt.ItemDataRole.DecorationRole:
                return self._icons[severity]
            if role == Qt.ItemDataRole.ToolTipRole:
                return word("severity", SHOWN_SEVERITIES[severity], self._language)
        return self._headings[section] if role == Qt.ItemDataRole.DisplayRole else None

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Cell contents."""
        if not index.isValid() or index.row() >= len(self._results):
            return None
        result = self._results[index.row()]
        if role == Qt.ItemDataRole.TextAlignmentRole and index.column() != self.TITLE and not result.reason:
            return flag_value(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._tip(result)
        if role == Qt.ItemDataRole.ForegroundRole and result.reason:
            return QBrush(QApplication.palette().color(QPalette.ColorRole.PlaceholderText))
        return self._text(result, index.column()) if role == Qt.ItemDataRole.DisplayRole else None

    def _text(self, result: RuleResult, column: int) -> str:
        if column == self.TITLE:
            name = title(result.rule_id, self._language)
            if result.untested:
                name = f"{name} ({word('rule_status', 'partly', self._language)})"
            return f"{name}\n{result.reason}" if result.reason else name
        if result.reason:
            return ""
        numbers = [result.by_severity.get(name, 0) for name in SHOWN_SEVERITIES] + [result.new, result.gone]
        number = numbers[column - self.FIRST_NUMBER]
        return f"{number:,}" if number else "–"

    def _tip(self, result: RuleResult) -> str:
        head = f"{result.rule_id} {title(result.rule_id, self._language)}"
        return "\n".join(part for part in (head, result.reason, result.untested) if part)
