"""Work side by side: every answer once, few processes at a time, and none that outlives the work."""

import multiprocessing
import os
import threading
import time

import pytest

from citygap.engine.processes import CAN_FORK, ProcessEnded, meanwhile, side_by_side
from citygap.engine.threads import in_chunks

pytestmark = pytest.mark.skipif(not CAN_FORK, reason="this system can't fork")


def nothing():
    pass


def test_every_answer_once_and_each_from_a_process_of_its_own():
    told = dict(side_by_side(range(5), lambda number: (number**2, os.getpid()), 2, nothing))
    assert {number: square for number, (square, _) in told.items()} == {n: n**2 for n in range(5)}
    assert len({process for _, process in told.values()} | {os.getpid()}) == 6


def test_no_more_work_at_a_time_than_asked_for(tmp_path):
    def work(number):
        (tmp_path / str(number)).touch()
        at_once = len(list(tmp_path.iterdir()))
        time.sleep(0.05)
        (tmp_path / str(number)).unlink()
        return at_once

    assert max(at_once for _, at_once in side_by_side(range(6), work, 2, nothing)) <= 2


def test_a_large_answer_does_not_wait_for_ever():
    assert [len(text) for _, text in side_by_side("ab", lambda letter: letter * 10_000_000, 2, nothing)] == [
        10_000_000
    ] * 2


def test_an_error_is_raised_here_and_says_where_it_came_up():
    def work(number):
        raise KeyError(number)

    with pytest.raises(KeyError) as caught:
        list(side_by_side([7], work, 2, nothing))
    assert caught.value.args == (7,) and "in work" in str(caught.value.__cause__)


def test_a_process_that_is_killed_ends_the_work():
    with pytest.raises(ProcessEnded, match="-9"):
        list(side_by_side([9], lambda signal: os.kill(os.getpid(), signal), 2, nothing))


def test_who_waits_can_end_it_and_nothing_goes_on():
    def stop():
        raise InterruptedError

    begun = time.monotonic()
    with pytest.raises(InterruptedError):
        list(side_by_side(range(3), lambda _: time.sleep(30), 2, stop))
    assert not multiprocessing.active_children() and time.monotonic() - begun < 10


def test_one_works_meanwhile():
    with meanwhile(os.getpid, nothing) as found:
        here = os.getpid()
        assert found() != here
    assert not multiprocessing.active_children()


def test_processes_that_share_the_processors_start_no_more_threads_each():
    def threads(_):
        return max(in_chunks(lambda chunk: threading.active_count(), 8, 1, nothing))

    assert dict(side_by_side([0], threads, 64, nothing)) == {0: 1}
