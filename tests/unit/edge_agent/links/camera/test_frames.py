"""The newest frame waits, one at a time, and what was dropped is counted."""

from __future__ import annotations

import threading

from edge_agent.links.camera.frames import Frame, Newest
from tests.unit.edge_agent.links.camera.parts import at, picture, until


def frame(number: int) -> Frame:
    return Frame(picture(number), at(number), number)


def test_a_newer_frame_takes_the_place_of_one_that_nobody_took() -> None:
    newest = Newest()
    for number in range(1, 6):
        newest.put(frame(number))

    taken = newest.take(0)

    assert taken is not None
    assert taken.number == 5
    assert newest.dropped == 4
    assert newest.take(0) is None  # once


def test_a_frame_is_handed_over_as_the_same_array() -> None:
    newest, one = Newest(), frame(1)
    newest.put(one)

    taken = newest.take(0)

    assert taken is not None
    assert taken.image is one.image


def test_a_source_that_may_drop_nothing_waits_for_the_taker() -> None:
    newest, stop = Newest(), threading.Event()
    newest.put(frame(1))
    thread = threading.Thread(target=newest.put_after, args=(frame(2), stop))
    thread.start()

    first = newest.take(1)
    second = newest.take(10)
    thread.join(10)

    assert [each.number for each in (first, second) if each] == [1, 2]
    assert newest.dropped == 0


def test_a_source_that_waits_ends_when_it_is_stopped() -> None:
    newest, stop = Newest(), threading.Event()
    newest.put(frame(1))
    thread = threading.Thread(target=newest.put_after, args=(frame(2), stop))
    thread.start()
    stop.set()

    until(lambda: not thread.is_alive())
    assert newest.waits


def test_who_waits_for_a_frame_is_told_that_none_comes_any_more() -> None:
    newest = Newest()
    taken: list[Frame | None] = []
    thread = threading.Thread(target=lambda: taken.append(newest.take(1000)))
    thread.start()

    newest.close()

    until(lambda: taken == [None])
