"""Follows one request to the worker in QGIS's task manager."""

from __future__ import annotations

import threading
from typing import Any, Optional

from qgis.core import QgsApplication, QgsTask
from qgis.PyQt.QtCore import QThreadPool, pyqtSignal

from ..link.client import WorkerClient
from ..model.errors import CityGapError

STEP_S = 0.1


def _task_pool() -> QThreadPool:
    """The threads that tasks run in: the task manager's own, or the application's (QGIS 3.22)."""
    manager = QgsApplication.taskManager()
    return manager.threadPool() if hasattr(manager, "threadPool") else QThreadPool.globalInstance()


class RequestTask(QgsTask):
    """A request to the worker that the task manager shows and can cancel.

    The request is sent when the task is made, on the main thread; `run` only waits for its end.
    Keep a reference until one of the signals has come, and ask the task nothing afterwards.

    Signals
    -------
    succeeded : object
        What the command's ``--json`` gives.
    failed : CityGapError
    cancelled

    All three come on the main thread.
    """

    succeeded = pyqtSignal(object)
    failed = pyqtSignal(object)
    cancelled = pyqtSignal()

    def __init__(self, client: WorkerClient, do: str, args: dict[str, Any], description: str) -> None:
        super().__init__(description, QgsTask.Flag.CanCancel)
        self._client = client
        self._ended = threading.Event()
        self._share = 0.0
        self._result: Any = None
        self._error: Optional[CityGapError] = None
        client.progress.connect(self._on_progress)
        client.finished.connect(self._on_finished)
        client.failed.connect(self._on_failed)
        client.cancelled.connect(self._on_cancelled)
        self._request_id = client.request(do, args)

    def run(self) -> bool:
        """Wait for the end of the request, off the main thread.

        The thread pool is told that this thread only waits, so that neither other tasks nor drawing
        the map is held up.
        """
        pool = _task_pool()
        pool.releaseThread()
        try:
            while not self._ended.wait(STEP_S):
                self.setProgress(self._share * 100)
        finally:
            pool.reserveThread()
        return self._error is None and not self.isCanceled()

    def cancel(self) -> None:
        """Cancel the request too; its end then ends the task."""
        super().cancel()
        self._client.cancel(self._request_id)

    def finished(self, ok: bool) -> None:
        """Tell the outcome, on the main thread."""
        if ok:
            self.succeeded.emit(self._result)
        elif self._error is not None:
            self.failed.emit(self._error)
        else:
            self.cancelled.emit()

    def _on_progress(self, request_id: int, progress: dict[str, Any]) -> None:
        if request_id == self._request_id:
            self._share = float(progress.get("share", self._share))

    def _on_finished(self, request_id: int, result: Any) -> None:
        if request_id == self._request_id:
            self._result = result
            self._end()

    def _on_failed(self, request_id: int, error: CityGapError) -> None:
        if request_id == self._request_id:
            self._error = error
            self._end()

    def _on_cancelled(self, request_id: int) -> None:
        if request_id == self._request_id:
            self._end()

    def _end(self) -> None:
        self._client.progress.disconnect(self._on_progress)
        self._client.finished.disconnect(self._on_finished)
        self._client.failed.disconnect(self._on_failed)
        self._client.cancelled.disconnect(self._on_cancelled)
        self._ended.set()
