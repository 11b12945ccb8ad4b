"""The check page: sources, the run, and what each rule found."""

from __future__ import annotations

from typing import Any, Optional

from qgis.PyQt.QtCore import pyqtSignal
from qgis.PyQt.QtGui import QGuiApplication
from qgis.PyQt.QtWidgets import QHeaderView, QMenu, QWidget

from .forms import load_form
from .icons import icon
from .rule_result_model import RuleResult, RuleResultModel
from .source_model import RoleDelegate, SourceModel

ROLE_COLUMN = 130


class CheckPage(QWidget):
    """Emits what the user wants; shows what the controller says.

    Parameters
    ----------
    language : str
        ``zh`` or ``en``, for roles and rules.
    """

    files_requested = pyqtSignal()
    layer_menu_opened = pyqtSignal()
    layer_requested = pyqtSignal(str)
    run_requested = pyqtSignal()
    cancel_requested = pyqtSignal()
    python_requested = pyqtSignal()
    rule_requested = pyqtSignal(str)

    def __init__(self, language: str, parent: Any = None) -> None:
        super().__init__(parent)
        load_form(self, __file__)
        self.sources = SourceModel(language, self)
        self.results = RuleResultModel(language, self)
        self._layer_menu = QMenu(self)
        self._is_possible = True
        self._runs = False
        self._set_up_sources()
        self._set_up_results()
        for button, name in (
            (self.add_file_button, "add_file"),
            (self.add_layer_button, "add_layer"),
            (self.remove_button, "remove"),
            (self.run_button, "run"),
            (self.cancel_button, "cancel"),
        ):
            button.setIcon(icon(name))
        self.missing_panel.hide()
        self.result_view.hide()
        self.stage_label.hide()
        self.progress_bar.hide()
        self._connect()

    def _set_up_sources(self) -> None:
        self.add_layer_button.setMenu(self._layer_menu)
        self._layer_menu.aboutToShow.connect(self.layer_menu_opened)
        view = self.source_view
        view.setModel(self.sources)
        view.setItemDelegateForColumn(SourceModel.ROLE, RoleDelegate(view))
        view.verticalHeader().hide()
        view.verticalHeader().setDefaultSectionSize(view.fontMetrics().height() + 12)
        view.horizontalHeader().setSectionResizeMode(SourceModel.SOURCE, QHeaderView.ResizeMode.Stretch)
        view.setColumnWidth(SourceModel.ROLE, ROLE_COLUMN)

    def _set_up_results(self) -> None:
        view = self.result_view
        view.setModel(self.results)
        view.verticalHeader().hide()
        view.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header = view.horizontalHeader()
        header.setMinimumSectionSize(24)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(RuleResultModel.TITLE, QHeaderView.ResizeMode.Stretch)

    def _connect(self) -> None:
        self.add_file_button.clicked.connect(self.files_requested)
        self.remove_button.clicked.connect(self._on_remove)
        self.run_button.clicked.connect(self.run_requested)
        self.cancel_button.clicked.connect(self.cancel_requested)
        self.copy_button.clicked.connect(self._on_copy)
        self.python_button.clicked.connect(self.python_requested)
        self.result_view.doubleClicked.connect(
            lambda index: self.rule_requested.emit(self.results.result(index.row()).rule_id)
        )

    def show_layers(self, layers: list[tuple[str, str]]) -> None:
        """Offer these layers of the project: id and name."""
        self._layer_menu.clear()
        for layer_id, name in layers:
            self._layer_menu.addAction(name, lambda layer_id=layer_id: self.layer_requested.emit(layer_id))
        if not layers:
            self._layer_menu.addAction(self.tr("The project has no vector layer")).setEnabled(False)

    def show_missing(self, sentence: str, line: str) -> None:
        """Say what is missing for a check, with the line that gets it; empty: nothing is."""
        self.missing_panel.setVisible(bool(sentence))
        self.missing_label.setText(sentence)
        self.missing_line.setText(line)
        self.missing_line.setCursorPosition(0)
        self._is_possible = not sentence
        self._allow_run()

    def show_progress(self, share: Optional[float], stage: str = "") -> None:
        """Show how far a check is, 0 to 1; None: none runs."""
        self._runs = share is not None
        self._allow_run()
        self.cancel_button.setEnabled(self._runs)
        self.progress_bar.setVisible(self._runs)
        self.progress_bar.setValue(round((share or 0) * 100))
        self.show_stage(stage)

    def show_stage(self, text: str) -> None:
        """Say in a line what goes on, or what the last check came to."""
        self.stage_label.setVisible(bool(text))
        self.stage_label.setText(text)

    def show_results(self, results: list[RuleResult]) -> None:
        """List the rules of a run; a reason takes the place of the numbers."""
        view = self.result_view
        view.clearSpans()
        self.results.show_results(results)
        view.setVisible(bool(results))
        for row, result in enumerate(results):
            if result.reason:
                view.setSpan(row, RuleResultModel.TITLE, 1, self.results.columnCount())

    def _allow_run(self) -> None:
        self.run_button.setEnabled(self._is_possible and not self._runs)

    def _on_remove(self) -> None:
        self.sources.remove([index.row() for index in self.source_view.selectionModel().selectedRows()])

    def _on_copy(self) -> None:
        QGuiApplication.clipboard().setText(self.missing_line.text())
