"""Exports the gap report: by the worker, or by GDAL where there is none."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Optional

from qgis.PyQt.QtCore import QObject, QUrl
from qgis.PyQt.QtGui import QDesktopServices
from qgis.PyQt.QtWidgets import QFileDialog

from ..model.errors import CityGapError
from ..reports.summary import loss_lines
from .desk import Desk
from .gaps_controller import GapsController
from .messages import guarded
from .report_page import ReportPage
from .report_task import ReportTask


class ReportController(QObject):
    """Between the report page, the worker and the gap list's filter.

    Parameters
    ----------
    desk : Desk
    page : ReportPage
    gaps : GapsController
    """

    def __init__(self, desk: Desk, page: ReportPage, gaps: GapsController) -> None:
        super().__init__()
        self.desk = desk
        self._page = page
        self._gaps = gaps
        self._task: Optional[Any] = None
        self._out: Optional[Path] = None

    def load(self) -> None:
        """Connect page, desk and list."""
        for signal, slot in self._connections():
            signal.connect(slot)
        self._page.encoding_combo.setCurrentText(self.desk.preferences.encoding)
        self._show_engine()

    def unload(self) -> None:
        """Undo `load`."""
        for signal, slot in reversed(self._connections()):
            signal.disconnect(slot)

    def _connections(self) -> tuple[tuple[Any, Any], ...]:
        page, desk = self._page, self.desk
        return (
            (page.folder_requested, self._on_folder),
            (page.export_requested, self._on_export),
            (page.cancel_requested, self._on_cancel),
            (page.open_folder_requested, self._on_open_folder),
            (desk.store_opened, self._on_store),
            (desk.worker_known, self._show_engine),
            (self._gaps.list_changed, page.show_listed),
        )

    def _on_store(self) -> None:
        path = self.desk.store_path
        if path is not None:
            parent = Path(self.desk.preferences.report_folder or path.parent)
            self._page.folder_edit.setText(str(parent / f"{path.stem}_report"))

    def _on_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(
            self._page, self.tr("Folder for the report"), self._page.folder_edit.text()
        )
        if folder:
            self._page.folder_edit.setText(folder)

    @guarded
    def _on_export(self) -> None:
        store = self.desk.needed_store()
        folder = self._page.folder_edit.text().strip()
        if not folder:
            raise CityGapError("no_folder", "no folder is chosen for the report", remedy="Choose a folder.")
        self._out = Path(folder)
        where = self._gaps.where() if self._page.listed_radio.isChecked() else ""
        self._remember()
        task = self._start(store.path, where)
        task.progressChanged.connect(self._on_progress)
        task.succeeded.connect(self._on_done)
        task.failed.connect(self._on_failed)
        task.cancelled.connect(self._end)
        self._task = task
        self._page.show_progress(0.0)

    def _start(self, store: Path, where: str) -> Any:
        title = self.tr("CityGap: report of {}").format(store.stem)
        encoding = self._page.encoding_combo.currentText()
        if self.desk.missing is None:
            args = {"store": str(store), "out": str(self._out), "where": where, "encoding": encoding}
            return self.desk.ask("report", args, title)
        options = {"where": where, "encoding": encoding, "language": self.desk.language}
        return self.desk.start(ReportTask(store, self._out, options, title))

    def _remember(self) -> None:
        preferences = self.desk.preferences
        preferences.encoding = self._page.encoding_combo.currentText()
        preferences.report_folder = str(self._out.parent)
        preferences.save()

    def _on_progress(self, percent: float) -> None:
        if self._task is not None:
            self._page.show_progress(percent / 100)

    def _on_cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    @guarded
    def _on_done(self, report: dict[str, Any]) -> None:
        self._end()
        headline, *losses = loss_lines(report, self.desk.language)
        self._page.show_result(headline, losses)
        self.desk.messages.offer(
            self.tr("The report is written."), self.tr("Open folder"), self._on_open_folder
        )

    def _on_failed(self, error: CityGapError) -> None:
        self._end()
        self.desk.messages.error(error)

    def _end(self) -> None:
        self._task = None
        self._page.show_progress(None)

    def _on_open_folder(self) -> None:
        if self._out is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._out)))

    def _show_engine(self) -> None:
        missing = self.desk.missing is not None
        self._page.show_engine(
            self.tr("Written by QGIS's own GDAL, as there is no worker.") if missing else ""
        )
