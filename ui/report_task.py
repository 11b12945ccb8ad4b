"""The report without a worker, by GDAL's own bindings, beside the window."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Optional

from qgis.core import QgsTask
from qgis.PyQt.QtCore import pyqtSignal

from ..model.errors import Cancelled, CityGapError
from ..reports.report import report_from_store
from ..store.database import open_store


class ReportTask(QgsTask):
    """Writes the report of a store in a thread, through a connection of its own.

    Parameters
    ----------
    store_path, out : Path
    options : dict
        where, encoding and language of `report_from_store`.
    title : str
        What the task manager shows.
    """

    succeeded = pyqtSignal(object)
    """The content of ``report.json``."""
    failed = pyqtSignal(object)
    """CityGapError."""
    cancelled = pyqtSignal()

    def __init__(self, store_path: Path, out: Path, options: dict[str, Any], title: str) -> None:
        super().__init__(title, QgsTask.Flag.CanCancel)
        self._store_path = store_path
        self._out = out
        self._options = options
        self._report: dict[str, Any] = {}
        self._error: Optional[CityGapError] = None

    def run(self) -> bool:
        """Write the report; False if it failed or was cancelled."""
        try:
            with open_store(self._store_path) as store:
                self._report = report_from_store(
                    store,
                    self._out,
                    on_progress=lambda share: self.setProgress(share * 100),
                    is_cancelled=self.isCanceled,
                    **self._options,
                )
        except Cancelled:
            return False
        except CityGapError as error:
            self._error = error
            return False
        except OSError as error:
            self._error = CityGapError("write_failed", str(error), file=str(self._out))
            return False
        return True

    def finished(self, ok: bool) -> None:
        """Tell the outcome, on the main thread."""
        if ok:
            self.succeeded.emit(self._report)
        elif self._error is not None:
            self.failed.emit(self._error)
        else:
            self.cancelled.emit()
