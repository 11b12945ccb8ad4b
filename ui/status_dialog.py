"""Asks why a gap is accepted or a false alarm, and until when it is accepted."""

from __future__ import annotations

from typing import Any, Optional

from qgis.PyQt.QtCore import QDate, Qt
from qgis.PyQt.QtWidgets import QDialog, QDialogButtonBox

from .forms import load_form

FIRST_UNTIL_MONTHS = 12


class StatusDialog(QDialog):
    """Reason, and with `asks_until` the end of an exception; Save waits for a reason.

    Parameters
    ----------
    status_word : str
        The status as people read it.
    count : int
        How many gaps it is for.
    asks_until : bool
    """

    def __init__(self, status_word: str, count: int, asks_until: bool, parent: Any = None) -> None:
        super().__init__(parent)
        load_form(self, __file__)
        self._asks_until = asks_until
        self.setWindowTitle(status_word)
        self.ask_label.setText(self.tr("Gaps: {}").format(f"{count:,}"))
        self.until_label.setVisible(asks_until)
        self.until_edit.setVisible(asks_until)
        today = QDate.currentDate()
        self.until_edit.setMinimumDate(today.addDays(1))
        self.until_edit.setDate(today.addMonths(FIRST_UNTIL_MONTHS))
        self.save_button = self.button_box.button(QDialogButtonBox.StandardButton.Save)
        self.save_button.setText(self.tr("Save"))
        self.button_box.button(QDialogButtonBox.StandardButton.Cancel).setText(self.tr("Cancel"))
        self.save_button.setEnabled(False)
        self.why_edit.textChanged.connect(lambda: self.save_button.setEnabled(bool(self.why())))
        self.button_box.accepted.connect(self.accept)
        self.button_box.rejected.connect(self.reject)
        self.why_edit.setFocus()

    def why(self) -> str:
        """The reason."""
        return self.why_edit.toPlainText().strip()

    def until(self) -> Optional[str]:
        """The end of the exception as an ISO date; None if none was asked for."""
        return self.until_edit.date().toString(Qt.DateFormat.ISODate) if self._asks_until else None
