"""Runs work side by side in processes that share what this one has computed."""

from __future__ import annotations

import gc
import multiprocessing
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, TypeVar

from .threads import use_threads

K = TypeVar("K")
T = TypeVar("T")

CAN_FORK = sys.platform.startswith("linux")
"""Elsewhere a new process would have to be sent the whole city: that costs more than it saves."""

_LOOK_S = 0.1


class ProcessEnded(Exception):
    """Where an error came up in another process, or that one ended without a word: of lack of memory, say."""


def side_by_side(
    items: Sequence[K], work: Callable[[K], Any], processes: int, on_wait: Callable[[], None]
) -> Iterator[tuple[K, Any]]:
    """Each item and what `work` gives for it, as it is done: each in a process of its own.

    So what one item needed of memory is not kept for the next.

    Parameters
    ----------
    processes : int
        How many work at a time; they share the processors.
    work : callable
        Reads what this process has in memory; gives what can be pickled.
    on_wait : callable
        Called several times a second; what it raises ends all processes.
    """
    waiting = list(reversed(items))
    with _begun() as begun:
        while waiting or begun:
            while waiting and len(begun) < processes:
                item = waiting.pop()
                begun[_start(work, item, processes)] = item
            done = wait([answer for _, answer in begun], timeout=_LOOK_S)
            on_wait()
            for key in [key for key in begun if key[1] in done]:
                yield begun.pop(key), _answer(*key)


@contextmanager
def meanwhile(work: Callable[[], T], on_wait: Callable[[], None]) -> Iterator[Callable[[], T]]:
    """Have one more process do some work; gives what waits for it, `on_wait` as for `side_by_side`."""
    with _begun() as begun:
        process = _start(lambda _: work(), None, 2)
        begun[process] = None

        def result() -> T:
            while not wait([process[1]], timeout=_LOOK_S):
                on_wait()
            del begun[process]
            return _answer(*process)

        yield result


_Begun = tuple[BaseProcess, "Connection[Any, Any]"]


@contextmanager
def _begun() -> Iterator[dict[_Begun, Any]]:
    """The processes that are at work, to be kept up to date; they end with the block."""
    begun: dict[_Begun, Any] = {}
    # What a collection touches would be copied in every process.
    gc.freeze()
    try:
        yield begun
    finally:
        gc.unfreeze()
        for process, answer in begun:
            process.terminate()
            process.join()
            answer.close()


def _start(work: Callable[[K], Any], item: K, processes: int) -> _Begun:
    fork = multiprocessing.get_context("fork")
    answer, tell = fork.Pipe(duplex=False)
    process = fork.Process(target=_perform, args=(work, item, tell, processes), daemon=True)
    process.start()
    tell.close()
    return process, answer


def _perform(work: Callable[[K], Any], item: K, tell: Connection[Any, Any], processes: int) -> None:
    use_threads(max(1, (os.cpu_count() or 1) // processes))
    said: tuple[Any, str | None]
    try:
        said = work(item), None
    except Exception as error:
        said = error, traceback.format_exc()
    tell.send(said)
    tell.close()


def _answer(process: BaseProcess, answer: Connection[Any, Any]) -> Any:
    """What a process that has something to say gives; raises what it raised."""
    try:
        said, where = answer.recv()
    except EOFError as error:
        process.join()
        raise ProcessEnded(f"a process ended with {process.exitcode}") from error
    finally:
        answer.close()
    process.join()
    if where is not None:
        raise said from ProcessEnded(where)
    return said
