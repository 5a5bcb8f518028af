"""Which records go up next, and how many at once."""

from __future__ import annotations

from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.uplink.window import LEAST_BYTES, PARTS, TARGET_S, RecordRate, Window

MOST = 16 << 20


class Line:
    """A line with a rate and a round trip, and a collector behind it, in made-up time; full all the time."""

    def __init__(self, bytes_s: float, round_trip_s: float, most: int = MOST, smallest: int = 1) -> None:
        self.window = Window(0, most)
        self.now = 0.0
        self.delays: list[float] = []
        self._bytes_s, self._round_trip_s, self._smallest = bytes_s, round_trip_s, smallest
        self._free = 0.0
        self._on_the_way: deque[tuple[float, int, float]] = deque()
        self.delivered = 0

    def run(self, seconds: float) -> None:
        end = self.now + seconds
        while self.now < end:
            while self.window.open:
                size = max(self.window.batch_bytes, self._smallest)
                self._free = max(self._free, self.now) + size / self._bytes_s
                self.window.sent(self.window.next_index + size, size, self.now)
                self._on_the_way.append((self._free + self._round_trip_s, self.window.next_index, self.now))
            self.now, index, sent = self._on_the_way.popleft()
            self.window.receipt(index, self.now)
            self.delays.append(self.now - sent)
            self.delivered = index


def test_the_window_closes_when_enough_is_unanswered_and_opens_with_a_receipt() -> None:
    window = Window(10, MOST)
    window.sent(20, 10_000, 0.0)
    assert window.open
    window.sent(30, 10_000, 0.0)
    assert not window.open
    window.receipt(20, 10.0)
    assert window.open
    assert (window.next_index, window.answered) == (30, 20)


def test_a_batch_larger_than_the_window_may_go_alone() -> None:
    window = Window(0, 10)
    assert window.open
    window.sent(1, 1_000_000, 0.0)
    assert not window.open
    window.receipt(1, 0.1)
    assert window.open


def test_one_receipt_may_answer_several_batches() -> None:
    window = Window(0, 100)
    for end in (1, 2, 3):
        window.sent(end, 50, 0.0)
    assert not window.open
    window.receipt(3, 1.0)
    assert window.open
    assert window.waits_since() is None


def test_an_old_receipt_changes_nothing() -> None:
    window = Window(5, 100)
    window.sent(9, 50, 1.0)
    window.receipt(5, 2.0)
    assert (window.answered, window.waits_since()) == (5, 1.0)


def test_a_receipt_for_more_than_was_sent_is_refused() -> None:
    window = Window(0, 100)
    window.sent(5, 1, 0.0)
    with pytest.raises(ValueError, match="only 5 were sent"):
        window.receipt(6, 0.0)


def test_a_batch_must_continue() -> None:
    window = Window(5, 100)
    with pytest.raises(ValueError, match="does not continue from 5"):
        window.sent(5, 1, 0.0)


def test_on_a_fast_line_it_is_as_wide_as_the_collector_allows_within_a_second() -> None:
    line = Line(bytes_s=100e6, round_trip_s=0.02)
    line.run(1.0)
    assert line.window.size_bytes == MOST


@pytest.mark.parametrize("round_trip_s", [0.001, 0.05, 0.4, 1.2])
@pytest.mark.parametrize("bytes_s", [20_000, 125_000, 1_000_000, 15_000_000])
def test_a_line_is_filled_and_a_receipt_takes_about_half_a_second(bytes_s: float, round_trip_s: float) -> None:
    line = Line(bytes_s, round_trip_s)
    line.run(20.0)
    line.delays.clear()
    before = line.delivered
    line.run(20.0)
    # Half a second, or half as long beyond what the emptiest trip takes; never less than the least window takes.
    least_s = round_trip_s + LEAST_BYTES / bytes_s
    expected_s = max(TARGET_S, least_s + TARGET_S / 2)
    assert sorted(line.delays)[len(line.delays) // 2] <= expected_s * 1.3
    assert line.delivered - before >= 20.0 * 0.6 * min(bytes_s, MOST / expected_s)


def test_it_narrows_within_seconds_when_the_line_becomes_slow() -> None:
    line = Line(bytes_s=15e6, round_trip_s=0.02)
    line.run(10.0)
    line._bytes_s = 1e6
    line.run(20.0)
    line.delays.clear()
    line.run(5.0)
    assert max(line.delays) < 1.0


def test_it_goes_on_when_the_line_becomes_a_longer_one() -> None:
    line = Line(bytes_s=1e6, round_trip_s=0.02)
    line.run(10.0)
    line._round_trip_s = 0.9
    line.run(20.0)
    before = line.delivered
    line.run(10.0)
    assert line.delivered - before >= 0.6 * 10.0 * 1e6


def test_what_was_sent_into_the_wide_window_narrows_it_once() -> None:
    window = Window(0, MOST)
    for end in range(1, 20):
        window.sent(end, LEAST_BYTES, 0.0)
    window.receipt(10, 0.1)
    wide = window.size_bytes
    for end in range(11, 20):
        window.receipt(end, 5.0 + end)
    assert window.size_bytes == wide // 2


def test_a_window_that_is_hardly_used_does_not_grow() -> None:
    window = Window(0, MOST)
    for end in range(1, 100):
        window.sent(end, 10, float(end))
        window.receipt(end, end + 0.01)
    assert window.size_bytes == LEAST_BYTES


def test_a_batch_is_a_part_of_the_window() -> None:
    assert Window(0, MOST).batch_bytes == LEAST_BYTES // PARTS
    assert Window(0, 10).batch_bytes == LEAST_BYTES // PARTS


@given(
    st.lists(st.tuples(st.booleans(), st.integers(1, 100_000), st.floats(0, 3)), max_size=80),
    st.integers(0, 1_000_000),
)
def test_unanswered_bytes_never_exceed_the_window_by_more_than_one_batch(
    steps: list[tuple[bool, int, float]], most: int
) -> None:
    window, now = Window(0, most), 0.0
    unanswered: list[tuple[int, int]] = []
    for send, size, pause in steps:
        now += pause
        if send and window.open:
            assert sum(size for _, size in unanswered) < window.size_bytes or not unanswered
            end = window.next_index + 1
            window.sent(end, size, now)
            unanswered.append((end, size))
        elif not send and unanswered:
            end, _ = unanswered.pop(0)
            window.receipt(end, now)
        assert window.size_bytes <= max(most, 0)
        assert window.open == (not unanswered or sum(size for _, size in unanswered) < window.size_bytes)


def test_records_go_in_lumps_at_the_rate() -> None:
    rate = RecordRate(2000, 0.0)
    now, sent, lumps = 0.0, 0, 0
    while now < 10.0:
        wait_s = rate.wait_s(1_000_000, now)
        if wait_s:
            now += wait_s
            continue
        count = rate.allowance(now)
        rate.spent(count)
        sent, lumps = sent + count, lumps + 1
    assert 19_000 <= sent <= 20_600
    assert lumps <= 90


def test_a_single_record_need_not_wait_for_a_lump() -> None:
    rate = RecordRate(2000, 0.0)
    rate.spent(250)
    assert rate.wait_s(1, 0.0) == pytest.approx(0.0005)
    assert rate.wait_s(1_000_000, 0.0) == pytest.approx(0.125)


def test_what_went_all_the_same_is_waited_for() -> None:
    rate = RecordRate(100, 0.0)
    rate.spent(512)
    assert rate.wait_s(1, 0.0) > 4.9
    assert rate.wait_s(1, 6.0) == 0.0


@given(st.integers(1, 1_000_000), st.lists(st.tuples(st.floats(0, 5), st.integers(1, 4096)), max_size=60))
def test_no_more_goes_than_the_rate_and_two_lumps(per_s: int, steps: list[tuple[float, int]]) -> None:
    rate, now, sent = RecordRate(per_s, 0.0), 0.0, 0
    for pause, waiting in steps:
        now += pause
        if rate.wait_s(waiting, now) == 0.0:
            count = min(waiting, rate.allowance(now))
            assert count >= 1
            rate.spent(count)
            sent += count
    assert sent <= now * per_s * (1 + 1e-9) + 2 * max(1.0, per_s * RecordRate.LUMP_S) + 1
