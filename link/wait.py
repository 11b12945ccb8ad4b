"""Asking a worker of one's own and waiting for it, for callers that may wait."""

from __future__ import annotations

from typing import Any, Callable

from qgis.PyQt.QtCore import QEventLoop, QTimer

from ..model.errors import Cancelled
from .client import WorkerClient

STEP_MS = 100
CLOSE_MS = 3_000
"""Longer than a worker is left to end by itself: its result is here, so nobody waits for more."""


def ask_worker(
    do: str,
    args: dict[str, Any],
    *,
    is_cancelled: Callable[[], bool],
    on_progress: Callable[[dict[str, Any]], None],
) -> Any:
    """What a command gives, from a worker started for it and ended after it.

    Events go on being handled; `is_cancelled` is looked at ten times a second.

    Raises
    ------
    CityGapError
        What the command raised, or ``no_worker``.
    Cancelled
    """
    client = WorkerClient()
    loop = QEventLoop()
    end: list[Any] = []

    def finish(outcome: Any) -> None:
        end.append(outcome)
        loop.quit()

    client.finished.connect(lambda _, result: finish(("result", result)))
    client.failed.connect(lambda _, error: finish(("error", error)))
    client.cancelled.connect(lambda _: finish(("error", Cancelled())))
    client.progress.connect(lambda _, progress: on_progress(progress))
    request_id = client.request(do, args)

    def look() -> None:
        if is_cancelled():
            timer.stop()
            client.cancel(request_id)

    timer = QTimer()
    timer.timeout.connect(look)
    timer.start(STEP_MS)
    loop.exec()
    timer.stop()
    client.closed.connect(loop.quit)
    QTimer.singleShot(CLOSE_MS, loop.quit)
    client.shutdown()
    loop.exec()
    kind, outcome = end[0]
    if kind == "error":
        raise outcome
    return outcome
