"""Which new records go ahead of the backlog."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from edge_agent.uplink.live import MOST, LiveLane


def test_each_goes_once_a_connection_and_again_on_the_next_until_it_is_confirmed() -> None:
    lane = LiveLane()
    lane.add(100, 3)
    assert lane.due(10, 2) == [100, 101]
    assert lane.due(10, 2) == [102]
    assert lane.due(10, 2) == []
    lane.settled([101])
    lane.begin()
    assert lane.due(10, 9) == [100, 102]


def test_what_a_batch_has_brought_does_not_go_ahead_unless_that_connection_broke() -> None:
    lane = LiveLane()
    lane.add(100, 2)
    assert lane.due(101, 9) == [101]
    lane.begin()
    assert lane.due(100, 9) == [100, 101]


def test_a_receipt_ends_the_matter() -> None:
    lane = LiveLane()
    lane.add(100, 3)
    lane.covered(102)
    assert len(lane) == 1
    lane.begin()
    assert lane.due(0, 9) == [102]


def test_only_the_newest_are_kept() -> None:
    lane = LiveLane()
    lane.add(0, MOST)
    lane.add(MOST, 1)
    lane.add(MOST + 1, 3 * MOST)
    assert len(lane) == MOST
    assert lane.due(0, 1) == [3 * MOST + 1]
    lane.begin()
    assert lane.due(0, 2) == [3 * MOST + 1, 3 * MOST + 2]


class AnyOrder(RuleBasedStateMachine):
    """Against the plain sets that it is to be."""

    def __init__(self) -> None:
        super().__init__()
        self.lane = LiveLane()
        self.size = self.next_index = 0
        self.kept: set[int] = set()
        self.sent: set[int] = set()

    @rule(gap=st.integers(0, 5), count=st.integers(0, 700))
    def appended(self, gap: int, count: int) -> None:
        self.size += gap
        self.lane.add(self.size, count)
        self.kept |= set(range(self.size, self.size + count))
        self.size += count
        self.kept = set(sorted(self.kept)[-MOST:])

    @rule(share=st.floats(0, 1))
    def batch(self, share: float) -> None:
        self.next_index += int((self.size - self.next_index) * share)

    @rule(limit=st.integers(1, 300))
    def send(self, limit: int) -> None:
        due = self.lane.due(self.next_index, limit)
        waiting = {index for index in self.kept - self.sent if index >= self.next_index}
        assert due == sorted(waiting)[:limit]
        self.sent |= set(due)

    @rule(data=st.data())
    def confirmed(self, data: st.DataObject) -> None:
        if self.sent:
            index = data.draw(st.sampled_from(sorted(self.sent)))
            self.lane.settled([index])
            self.kept.discard(index)

    @rule(share=st.floats(0, 1))
    def receipt(self, share: float) -> None:
        size = int(self.next_index * share)
        self.lane.covered(size)
        self.kept = {index for index in self.kept if index >= size}

    @rule(share=st.floats(0, 1))
    def reconnected(self, share: float) -> None:
        self.next_index = int(self.next_index * share)
        self.sent = set()
        self.lane.begin()

    @invariant()
    def nothing_else_is_kept(self) -> None:
        assert len(self.lane) == len(self.kept)


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
