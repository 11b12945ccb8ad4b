"""Asks what a flag is about."""

from __future__ import annotations

from typing import Any, NamedTuple, Optional

from qgis.PyQt.QtWidgets import QButtonGroup, QDialog, QDialogButtonBox, QRadioButton

from ..model.gap import SEVERITIES
from ..model.words import word
from .choices import class_choices, rule_choices
from .forms import fill, load_form
from .icons import icon

FIRST_SEVERITY = "medium"


class FlagWords(NamedTuple):
    """What a planner says of a place: rule it resembles (None: another), severity, class, text."""

    rule_id: Optional[str]
    severity: str
    class_code: Optional[str]
    text: str


class FlagDialog(QDialog):
    """Type, severity, class and text of a flag; Save waits for a text.

    Parameters
    ----------
    language : str
        ``zh`` or ``en``.
    """

    def __init__(self, language: str, parent: Any = None) -> None:
        super().__init__(parent)
        load_form(self, __file__)
        fill(self.rule_combo, [("", self.tr("Other")), *rule_choices(language)])
        fill(self.class_combo, [("", self.tr("Not said")), *class_choices(language)])
        self.severities = QButtonGroup(self)
        self.severity_buttons: dict[str, QRadioButton] = {}
        for severity in reversed(SEVERITIES):
            button = QRadioButton(word("severity", severity, language), self)
            button.setIcon(icon(f"severity_{severity}"))
            button.setChecked(severity == FIRST_SEVERITY)
            self.severities.addButton(button)
            self.severity_buttons[severity] = button
            self.severity_row.addWidget(button)
        self.severity_row.addStretch(1)
        self.save_button = self.button_box.button(QDialogButtonBox.StandardButton.Save)
        self.save_button.setText(self.tr("Flag"))
        self.button_box.button(QDialogButtonBox.StandardButton.Cancel).setText(self.tr("Cancel"))
        self.save_button.setEnabled(False)
        self.text_edit.textChanged.connect(lambda: self.save_button.setEnabled(bool(self._text())))
        self.button_box.accepted.connect(self.accept)
        self.button_box.rejected.connect(self.reject)
        self.text_edit.setFocus()

    def words(self) -> FlagWords:
        """What was said."""
        severity = next(name for name, button in self.severity_buttons.items() if button.isChecked())
        return FlagWords(
            self.rule_combo.currentData() or None,
            severity,
            self.class_combo.currentData() or None,
            self._text(),
        )

    def _text(self) -> str:
        return self.text_edit.toPlainText().strip()
