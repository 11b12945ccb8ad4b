"""One worker process: starting it, its pipes, its last words and its end."""

from __future__ import annotations

from collections import deque
from typing import Optional

from qgis.PyQt.QtCore import QObject, QProcess, QTimer, pyqtSignal

from .finder import Candidate, environment, working_folder
from .lines import LineBuffer, decode

ARGUMENTS = ("-u", "-X", "utf8", "-m", "citygap.worker")
HELLO_MS = 15_000
GRACE_MS = 1_000
KEPT_LINES = 50

_LEAVING: set[WorkerProcess] = set()
"""Processes that end by themselves, held until they have: nobody else refers to them."""


class WorkerProcess(QObject):
    """A worker behind a QProcess. Nothing here waits.

    Signals
    -------
    received : dict
        A message of the worker; the first is its hello.
    ended : str
        Why the process is no more, once.
    """

    received = pyqtSignal(dict)
    ended = pyqtSignal(str)

    def __init__(self, candidate: Candidate, parent: Optional[QObject] = None) -> None:
        super().__init__(parent)
        self.candidate = candidate
        self.last_words: deque[str] = deque(maxlen=KEPT_LINES)
        self._out, self._err = LineBuffer(), LineBuffer()
        self._why = ""
        self._process = QProcess(self)
        self._process.setProgram(candidate.python)
        self._process.setArguments(list(ARGUMENTS))
        self._process.setProcessEnvironment(environment(candidate))
        self._process.setWorkingDirectory(working_folder(candidate))
        self._process.readyReadStandardOutput.connect(self._on_output)
        self._process.readyReadStandardError.connect(self._on_words)
        self._process.errorOccurred.connect(self._on_error)
        self._process.finished.connect(self._on_finished)
        self._hello_timer = QTimer(self)
        self._hello_timer.setSingleShot(True)
        self._hello_timer.timeout.connect(self._on_silence)

    def start(self) -> None:
        """Start the process; its hello or its end follows as a signal."""
        self._hello_timer.start(HELLO_MS)
        self._process.start()

    def send(self, line: bytes) -> None:
        """Write a line to the worker."""
        self._process.write(line)

    def kill(self) -> None:
        """End the process at once."""
        self._process.kill()

    def close_down(self, farewell: bytes) -> None:
        """Say the last line, leave the process a second, then kill it."""
        self._hello_timer.stop()
        if self._process.state() == QProcess.ProcessState.NotRunning:
            return
        self._process.write(farewell)
        self._process.closeWriteChannel()
        self._outlive()

    def _outlive(self) -> None:
        """Let the process end by itself after its owner is gone.

        It must not be freed while its QProcess is still telling of the end: so it is held until
        the event loop has deleted it.
        """
        self.setParent(None)
        _LEAVING.add(self)
        self.destroyed.connect(lambda *_: _LEAVING.discard(self))
        self._process.finished.connect(self.deleteLater)
        killer = QTimer(self._process)
        killer.setSingleShot(True)
        killer.timeout.connect(self._process.kill)
        killer.start(GRACE_MS)

    def _on_output(self) -> None:
        for line in self._out.feed(bytes(self._process.readAllStandardOutput())):
            self._on_line(line)
        if self._out.is_too_long:
            self._why = "it wrote a line of more than 1 MiB"
            self._process.kill()

    def _on_line(self, line: bytes) -> None:
        message = decode(line)
        if message is None:
            self.last_words.append(line.decode("utf-8", "replace"))
            return
        self._hello_timer.stop()
        self.received.emit(message)

    def _on_words(self) -> None:
        for line in self._err.feed(bytes(self._process.readAllStandardError())):
            self.last_words.append(line.decode("utf-8", "replace").rstrip())

    def _on_silence(self) -> None:
        self._why = "it said nothing for 15 seconds"
        self._process.kill()

    def _on_error(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            self._hello_timer.stop()
            self.ended.emit(f"it could not be started: {self._process.errorString()}")

    def _on_finished(self, code: int, status: QProcess.ExitStatus) -> None:
        self._hello_timer.stop()
        self._on_output()
        self._on_words()
        if self._err.rest.strip():
            self.last_words.append(self._err.rest.decode("utf-8", "replace").rstrip())
        crashed = status == QProcess.ExitStatus.CrashExit
        self.ended.emit(self._why or (f"signal {code}" if crashed else f"exit {code}"))
