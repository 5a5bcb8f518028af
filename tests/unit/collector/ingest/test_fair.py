from __future__ import annotations

import threading

from collector.ingest.fair import FairQueue


def drained(queue: FairQueue[str]) -> list[str]:
    found = []
    while (item := queue.get_nowait()) is not None:
        found.append(item)
    return found


def test_the_items_of_one_sender_stay_in_their_order() -> None:
    queue: FairQueue[str] = FairQueue()
    for number, size in enumerate((500, 1, 70, 0)):
        queue.put("a", size, f"a{number}")
    assert drained(queue) == ["a0", "a1", "a2", "a3"]


def test_a_newcomer_does_not_wait_behind_what_another_piled_up() -> None:
    queue: FairQueue[str] = FairQueue()
    for number in range(50):
        queue.put("flood", 4_000_000, f"flood{number}")
    assert [queue.get_nowait() for _ in range(3)] == ["flood0", "flood1", "flood2"]
    queue.put("small", 300, "small")
    assert queue.get_nowait() == "small"
    assert queue.get_nowait() == "flood3"


def test_two_that_pile_up_take_turns_by_size() -> None:
    queue: FairQueue[str] = FairQueue()
    for number in range(4):
        queue.put("a", 100, f"a{number}")
    for number in range(2):
        queue.put("b", 200, f"b{number}")
    assert drained(queue) == ["a0", "a1", "b0", "a2", "a3", "b1"]


def test_who_paused_is_owed_nothing() -> None:
    queue: FairQueue[str] = FairQueue()
    queue.put("a", 1, "a0")
    assert queue.get_nowait() == "a0"
    for number in range(3):
        queue.put("b", 100, f"b{number}")
    assert queue.get_nowait() == "b0"
    for number in range(1, 4):
        queue.put("a", 100, f"a{number}")
    assert drained(queue) == ["b1", "a1", "b2", "a2", "a3"]


def test_what_is_urgent_goes_first_in_its_order() -> None:
    queue: FairQueue[str] = FairQueue()
    queue.put("a", 1, "a")
    queue.put("b", 9, "first", urgent=True)
    queue.put("b", 1, "second", urgent=True)
    assert len(queue) == 3
    assert drained(queue) == ["first", "second", "a"]


def test_senders_that_are_gone_are_forgotten() -> None:
    queue: FairQueue[str] = FairQueue()
    for number in range(5000):
        queue.put(number, 1, "x")
        queue.get_nowait()
    assert len(queue._last) <= 1100


def test_a_queue_that_was_ended_gives_what_it_has_and_then_says_so() -> None:
    queue: FairQueue[str] = FairQueue()
    queue.put("a", 1, "a0")
    queue.end()
    assert [queue.get(), queue.get()] == ["a0", None]


def test_who_waits_is_woken_by_an_item_and_by_the_end() -> None:
    queue: FairQueue[str] = FairQueue()
    seen: list[str | None] = []

    def take() -> None:
        seen.append(queue.get())
        seen.append(queue.get())

    thread = threading.Thread(target=take)
    thread.start()
    queue.put("a", 1, "a0")
    queue.end()
    thread.join(60)
    assert seen == ["a0", None]
