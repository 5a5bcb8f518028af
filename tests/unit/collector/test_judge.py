from __future__ import annotations

import threading

from collector.errors import StoreError
from collector.judge import Judge

WAIT_S = 10


def test_it_goes_on_at_once_while_there_is_work() -> None:
    left = [3, 2, 1, 0]
    done = threading.Event()
    seen: list[int] = []

    def run_once(now_ns: int) -> int:
        seen.append(now_ns)
        if len(seen) == len(left):
            done.set()
        return left[len(seen) - 1] if len(seen) <= len(left) else 0

    judge = Judge(run_once, lambda: 17)
    judge.start()
    assert done.wait(WAIT_S)
    judge.stop(WAIT_S)
    assert seen[:4] == [17, 17, 17, 17]


def test_it_is_woken_by_passages() -> None:
    calls = threading.Semaphore(0)

    def run_once(_now_ns: int) -> int:
        calls.release()
        return 0

    judge = Judge(run_once, lambda: 17)
    judge.start()
    assert calls.acquire(timeout=WAIT_S)
    judge.wake()
    # By itself it would look again only after a second.
    assert calls.acquire(timeout=0.9)
    judge.stop(WAIT_S)


def test_what_goes_wrong_once_is_tried_again() -> None:
    errors: list[Exception] = [StoreError("disk full"), RuntimeError("a mistake in the program")]
    done = threading.Event()

    def run_once(_now_ns: int) -> int:
        if errors:
            raise errors.pop()
        done.set()
        return 0

    judge = Judge(run_once, lambda: 17)
    judge.start()
    for _ in range(20):
        judge.wake()
        if done.wait(0.2):
            break
    judge.stop(WAIT_S)
    assert done.is_set()


def test_what_goes_on_beside_it_has_its_turn_also_when_the_judging_fails() -> None:
    done = threading.Event()

    def fails(_now_ns: int) -> int:
        raise StoreError("the disk is full")

    def beside(now_ns: int) -> int:
        assert now_ns == 17
        done.set()
        return 0

    judge = Judge(fails, lambda: 17, beside=(fails, beside))
    judge.start()
    assert done.wait(WAIT_S)
    judge.stop(WAIT_S)
