"""Which records go up next."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.uplink.window import Window


def test_the_window_closes_when_enough_is_unanswered_and_opens_with_a_receipt() -> None:
    window = Window(10, 1000)
    window.sent(20, 600)
    assert window.open
    window.sent(30, 600)
    assert not window.open
    window.receipt(20)
    assert window.open
    assert (window.next_index, window.answered) == (30, 20)


def test_a_batch_larger_than_the_window_may_go_alone() -> None:
    window = Window(0, 10)
    assert window.open
    window.sent(1, 1_000_000)
    assert not window.open
    window.receipt(1)
    assert window.open


def test_one_receipt_may_answer_several_batches() -> None:
    window = Window(0, 100)
    for end in (1, 2, 3):
        window.sent(end, 50)
    assert not window.open
    window.receipt(3)
    assert window.open


def test_a_receipt_for_more_than_was_sent_is_refused() -> None:
    window = Window(0, 100)
    window.sent(5, 1)
    with pytest.raises(ValueError, match="only 5 were sent"):
        window.receipt(6)


def test_a_batch_must_continue() -> None:
    window = Window(5, 100)
    with pytest.raises(ValueError, match="does not continue from 5"):
        window.sent(5, 1)


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 400)), max_size=80))
def test_unanswered_bytes_never_exceed_the_window_by_more_than_one_batch(steps: list[tuple[bool, int]]) -> None:
    window, limit = Window(0, 1000), 1000
    unanswered: list[tuple[int, int]] = []
    for send, size in steps:
        if send and window.open:
            end = window.next_index + 1
            window.sent(end, size)
            unanswered.append((end, size))
        elif not send and unanswered:
            end, _ = unanswered.pop(0)
            window.receipt(end)
        assert sum(size for _, size in unanswered) < limit + 400
        assert window.open == (not unanswered or sum(size for _, size in unanswered) < limit)
