"""Asks the worker, one request after the other, and survives its crashes."""

from __future__ import annotations

import time
from collections import deque
from typing import Any, Callable, NamedTuple, Optional

from qgis.core import Qgis, QgsMessageLog
from qgis.PyQt.QtCore import QObject, QTimer, pyqtSignal

from ..model.errors import CityGapError
from . import finder
from .finder import Candidate
from .lines import encode, read_result, refusal
from .process import WorkerProcess

LOG_TAG = "CityGap"
CANCEL_MS = 1_000
CRASHES_ALLOWED = 3
CRASH_SPAN_S = 600.0


class Request(NamedTuple):
    """What is asked under an id."""

    id: int
    do: str
    args: dict[str, Any]


class WorkerClient(QObject):
    """The worker as QGIS sees it. No method waits; every request ends with exactly one signal.

    Requests wait here, not in the worker: so a crash or a kill takes only the one that ran.

    Signals
    -------
    started : dict
        The worker is there; its hello.
    progress : int, dict
        Request id; stage, rule, done, of and share (0 to 1, never falling).
    finished : int, object
        Request id; what the command's ``--json`` gives.
    failed : int, CityGapError
    cancelled : int
    closed
        After `shutdown`: the process is gone.
    """

    started = pyqtSignal(dict)
    progress = pyqtSignal(int, dict)
    finished = pyqtSignal(int, object)
    failed = pyqtSignal(int, object)
    cancelled = pyqtSignal(int)
    closed = pyqtSignal()

    def __init__(
        self,
        parent: Optional[QObject] = None,
        candidates: Callable[[], list[Candidate]] = finder.candidates,
    ) -> None:
        super().__init__(parent)
        self._candidates = candidates
        self._to_try: list[Candidate] = []
        self._refusals: list[str] = []
        self._chosen: Optional[Candidate] = None
        self._process: Optional[WorkerProcess] = None
        self._is_ready = False
        self._queue: deque[Request] = deque()
        self._current: Optional[Request] = None
        self._last_id = 0
        self._crashes: deque[float] = deque(maxlen=CRASHES_ALLOWED)
        self._cancel_timer = QTimer(self)
        self._cancel_timer.setSingleShot(True)
        self._cancel_timer.timeout.connect(self._on_cancel_overdue)

    @property
    def is_off(self) -> bool:
        """Whether the worker crashed three times in ten minutes, so that it is not started again."""
        full = len(self._crashes) == CRASHES_ALLOWED
        return full and self._crashes[-1] - self._crashes[0] <= CRASH_SPAN_S

    def request(self, do: str, args: dict[str, Any]) -> int:
        """Ask for a command; its end comes as a signal with the id that is returned.

        Parameters
        ----------
        do : str
            A command of the console, or open, close, secret.
        args : dict
            Its long options and positionals by lower-case name, dashes as underscores.
        """
        self._last_id += 1
        self._queue.append(Request(self._last_id, do, args))
        QTimer.singleShot(0, self._advance)
        return self._last_id

    def cancel(self, request_id: int) -> None:
        """Cancel a request: at once if it waits, within a second if it runs."""
        for request in self._queue:
            if request.id == request_id:
                self._queue.remove(request)
                self.cancelled.emit(request_id)
                return
        if self._process and self._current and self._current.id == request_id:
            self._process.send(encode({"cancel": request_id}))
            self._cancel_timer.start(CANCEL_MS)

    def shutdown(self) -> None:
        """End the worker: a word, one second, then a kill. Requests under way are cancelled."""
        requests = [self._current] if self._current else []
        requests.extend(self._queue)
        self._queue.clear()
        process = self._let_go()
        if process:
            process.ended.connect(self.closed)
            process.close_down(encode({"id": 0, "do": "shutdown", "args": {}}))
        for request in requests:
            self.cancelled.emit(request.id)
        if not process:
            QTimer.singleShot(0, self.closed.emit)

    def reset(self) -> None:
        """Forget crashes and the Python in use, after the settings were changed."""
        self._crashes.clear()
        self._chosen = None
        self._to_try = []
        if not self._current:
            self.shutdown()

    def _advance(self) -> None:
        if self._current or not self._queue:
            return
        if self.is_off:
            self._fail_waiting(_off_error())
        elif self._process is None:
            self._refusals = []
            self._to_try = [self._chosen] if self._chosen else self._candidates()
            self._try_next()
        elif self._is_ready:
            self._send(self._queue.popleft())

    def _send(self, request: Request) -> None:
        try:
            line = encode({"id": request.id, "do": request.do, "args": request.args})
        except CityGapError as error:
            self.failed.emit(request.id, error)
            self._advance()
            return
        self._current = request
        self._process.send(line)

    def _try_next(self) -> None:
        if not self._to_try:
            self._chosen = None
            self._fail_waiting(_no_worker_error(self._refusals))
            return
        self._process = WorkerProcess(self._to_try.pop(0), self)
        self._process.received.connect(self._on_message)
        self._process.ended.connect(self._on_ended)
        self._process.start()

    def _on_message(self, message: dict[str, Any]) -> None:
        if "hello" in message:
            self._on_hello(message["hello"])
        elif self._current and message.get("id") == self._current.id:
            if "progress" in message:
                self.progress.emit(self._current.id, message["progress"])
            else:
                self._on_end(message)

    def _on_hello(self, hello: dict[str, Any]) -> None:
        candidate = self._process.candidate
        why = refusal(hello)
        if why:
            self._refusals.append(f"{candidate.python}: {why.line()}")
            self._drop_process()
            self._try_next()
            return
        self._chosen = candidate
        self._is_ready = True
        self.started.emit(hello)
        self._advance()

    def _on_end(self, message: dict[str, Any]) -> None:
        request_id = self._current.id
        self._current = None
        self._cancel_timer.stop()
        if "error" in message:
            error = CityGapError.from_dict(message["error"])
            if error.code == "internal":
                self._log_last_words(self._process)
            self.failed.emit(request_id, error)
        elif message.get("cancelled"):
            self.cancelled.emit(request_id)
        else:
            self.finished.emit(request_id, read_result(message))
        self._advance()

    def _on_ended(self, why: str) -> None:
        was_ready, current = self._is_ready, self._current
        process = self._let_go()
        self._log_last_words(process)
        process.deleteLater()
        if not was_ready:
            self._refusals.append(f"{process.candidate.python}: {why}")
            self._try_next()
            return
        self._crashes.append(time.monotonic())
        if current:
            self.failed.emit(current.id, _stopped_error(why))
        self._advance()

    def _on_cancel_overdue(self) -> None:
        if self._current:
            request_id = self._current.id
            self._drop_process()
            self.cancelled.emit(request_id)
            self._advance()

    def _let_go(self) -> Optional[WorkerProcess]:
        """Stop listening to the process and forget it with the request it was at."""
        process = self._process
        if process:
            process.received.disconnect(self._on_message)
            process.ended.disconnect(self._on_ended)
        self._process, self._current, self._is_ready = None, None, False
        self._cancel_timer.stop()
        return process

    def _drop_process(self) -> None:
        process = self._let_go()
        if process:
            process.ended.connect(process.deleteLater)
            process.kill()

    def _fail_waiting(self, error: CityGapError) -> None:
        while self._queue:
            self.failed.emit(self._queue.popleft().id, error)

    def _log_last_words(self, process: WorkerProcess) -> None:
        if process.last_words:
            text = "\n".join(process.last_words)
            QgsMessageLog.logMessage(text, LOG_TAG, Qgis.MessageLevel.Warning, False)


def _stopped_error(why: str) -> CityGapError:
    return CityGapError(
        "worker_stopped",
        f"the worker stopped ({why})",
        remedy="Its last words are in the log, under CityGap. Nothing was changed; try again.",
    )


def _off_error() -> CityGapError:
    return CityGapError(
        "worker_off",
        "the worker crashed three times in ten minutes and stays off",
        remedy="Read the log under CityGap, then restart QGIS or choose another Python in the settings.",
    )


def _no_worker_error(refusals: list[str]) -> CityGapError:
    tried = "; ".join(refusals) or "none was found"
    return CityGapError("no_worker", f"no Python can run the worker ({tried})", remedy=finder.remedy())
