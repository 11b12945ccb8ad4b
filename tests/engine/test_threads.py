"""Chunks in threads: everything once, in order, and an error ends the job."""

import gc
import threading

import pytest

from citygap.engine.threads import in_chunks


def test_every_row_once_and_in_order():
    parts = list(in_chunks(lambda chunk: list(range(chunk.start, chunk.stop)), 1003, 10, lambda: None))
    assert [row for part in parts for row in part] == list(range(1003)) and len(parts) == 101
    assert list(in_chunks(lambda chunk: chunk, 0, 10, lambda: None)) == []


def test_an_error_of_the_work_reaches_the_caller():
    def work(chunk):
        raise ValueError(chunk.start)

    with pytest.raises(ValueError, match="0"):
        list(in_chunks(work, 100, 10, lambda: None))


def test_the_caller_can_stop_it_and_little_more_is_begun():
    begun = []
    lock = threading.Lock()

    def work(chunk):
        with lock:
            begun.append(chunk.start)

    def stop():
        raise InterruptedError

    with pytest.raises(InterruptedError):
        list(in_chunks(work, 100_000, 10, stop))
    assert len(begun) < 100


def test_garbage_is_collected_again_after_the_last_chunk_and_after_a_stop():
    def stop():
        raise InterruptedError

    assert list(in_chunks(lambda chunk: gc.isenabled(), 5, 1, lambda: None)) == [False] * 5
    assert gc.isenabled()
    with pytest.raises(InterruptedError):
        list(in_chunks(lambda chunk: chunk, 5, 1, stop))
    assert gc.isenabled()
    list(zip([0], in_chunks(lambda chunk: chunk, 5, 1, lambda: None)))
    assert gc.isenabled()
