"""Runs one job on many rows in a few threads: numpy and GEOS let others run while they work."""

from __future__ import annotations

import gc
import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")
_MOST_THREADS = 8
_given: list[int] = []


def use_threads(most: int) -> None:
    """Let jobs of this process use so many threads, for it shares the processors with others."""
    _given[:] = [most]


def _threads() -> int:
    return _given[0] if _given else min(_MOST_THREADS, os.cpu_count() or 1)


def in_chunks(work: Callable[[slice], T], count: int, size: int, on_chunk: Callable[[], None]) -> Iterator[T]:
    """What `work` gives for each run of `size` rows of `count`, in order.

    A few chunks are worked on at a time, each in a thread: `work` changes nothing that another chunk
    reads, and shares no prepared geometry with it (GEOS crashes).

    Parameters
    ----------
    on_chunk : callable
        Called in the caller's thread before each chunk's result is waited for; what it raises ends
        the job.
    """
    threads = _threads()
    slices = (slice(begin, min(begin + size, count)) for begin in range(0, count, size))
    if threads == 1:
        for chunk in slices:
            on_chunk()
            yield work(chunk)
        return
    waiting: deque[Future[T]] = deque()
    with _uncollected(), ThreadPoolExecutor(threads) as pool:
        try:
            for chunk in slices:
                waiting.append(pool.submit(work, chunk))
                if len(waiting) > threads:
                    on_chunk()
                    yield waiting.popleft().result()
            while waiting:
                on_chunk()
                yield waiting.popleft().result()
        finally:
            for job in waiting:
                job.cancel()


@contextmanager
def _uncollected() -> Iterator[None]:
    """No collection of garbage meanwhile: it would walk the whole city, for shapes that go when let go of."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
