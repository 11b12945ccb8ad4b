"""Runs work side by side in processes that share what this one has computed."""

from __future__ import annotations

import gc
import multiprocessing
import sys
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from typing import Any, TypeVar

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")

CAN_FORK = sys.platform.startswith("linux")
"""Elsewhere a new process would have to be sent the whole city: that costs more than it saves."""

_LOOK_S = 0.1
_work: dict[int, Callable[[Any], Any]] = {}
"""What the processes that were forked last do; they find it in the memory they share."""


def side_by_side(
    items: Sequence[K], work: Callable[[K], Any], processes: int, on_wait: Callable[[], None]
) -> Iterator[tuple[K, Any]]:
    """Each item and what `work` gives for it, as it is done.

    Parameters
    ----------
    work : callable
        Reads what this process has in memory; gives what can be pickled.
    on_wait : callable
        Called several times a second; what it raises ends all processes.
    """
    with _begun(items, work, processes) as waiting:
        while waiting:
            done, _ = wait(waiting, timeout=_LOOK_S, return_when=FIRST_COMPLETED)
            on_wait()
            for future in done:
                yield waiting.pop(future), future.result()


@contextmanager
def meanwhile(work: Callable[[], T], on_wait: Callable[[], None]) -> Iterator[Callable[[], T]]:
    """Have one more process do some work; gives what waits for it, `on_wait` as for `side_by_side`."""

    def result() -> T:
        while wait([future], timeout=_LOOK_S).not_done:
            on_wait()
        return future.result()

    with _begun([None], lambda _: work(), 1) as waiting:
        future: Future[T] = next(iter(waiting))
        yield result


@contextmanager
def _begun(items: Sequence[K], work: Callable[[K], Any], processes: int) -> Iterator[dict[Future[Any], K]]:
    """What processes are doing; they end with the block."""
    number = len(_work)
    _work[number] = work
    pool = ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("fork"))
    # What a collection touches would be copied in every process.
    gc.freeze()
    try:
        yield {pool.submit(_perform, number, item): item for item in items}
    finally:
        gc.unfreeze()
        del _work[number]
        for process in list((pool._processes or {}).values()):
            process.terminate()
        pool.shutdown(wait=True, cancel_futures=True)


def _perform(number: int, item: Any) -> Any:
    return _work[number](item)
