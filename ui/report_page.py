"""The report page: where, which gaps, in which encoding; and what the format could not hold."""

from __future__ import annotations

from html import escape
from typing import Any, Optional

from qgis.PyQt.QtCore import pyqtSignal
from qgis.PyQt.QtWidgets import QWidget

from .forms import load_form
from .icons import icon

ENCODINGS = ("UTF-8", "GBK")


class ReportPage(QWidget):
    """Emits what the user wants; shows what the controller says."""

    folder_requested = pyqtSignal()
    export_requested = pyqtSignal()
    cancel_requested = pyqtSignal()
    open_folder_requested = pyqtSignal()

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        load_form(self, __file__)
        self.encoding_combo.addItems(ENCODINGS)
        self.folder_button.setIcon(icon("folder"))
        self.export_button.setIcon(icon("report"))
        self.cancel_button.setIcon(icon("cancel"))
        self.open_folder_button.setIcon(icon("folder"))
        self.progress_bar.hide()
        self.engine_label.hide()
        self.result_view.hide()
        self.folder_button.clicked.connect(self.folder_requested)
        self.export_button.clicked.connect(self.export_requested)
        self.cancel_button.clicked.connect(self.cancel_requested)
        self.open_folder_button.clicked.connect(self.open_folder_requested)

    def show_listed(self, shown: Optional[int]) -> None:
        """Say how many gaps the list shows; None: no list."""
        text = self.tr("What the list shows")
        self.listed_radio.setText(text if shown is None else f"{text} ({shown:,})")

    def show_engine(self, sentence: str) -> None:
        """Say by what the report is written, if it is not the worker."""
        self.engine_label.setVisible(bool(sentence))
        self.engine_label.setText(sentence)

    def show_progress(self, share: Optional[float]) -> None:
        """Show how far an export is, 0 to 1; None: none runs."""
        runs = share is not None
        self.export_button.setEnabled(not runs)
        self.cancel_button.setEnabled(runs)
        self.progress_bar.setVisible(runs)
        self.progress_bar.setValue(round((share or 0) * 100))

    def show_result(self, headline: str, losses: list[str]) -> None:
        """Say what was written and, line by line, what the format could not hold."""
        items = "".join(f"<li>{escape(line)}</li>" for line in losses)
        self.result_view.setHtml(f"<p><b>{escape(headline)}</b></p><ul>{items}</ul>")
        self.result_view.show()
        self.open_folder_button.setEnabled(True)
