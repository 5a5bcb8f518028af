"""What goes up next on one connection."""

from __future__ import annotations

from edge_agent.uplink.live import LiveLane
from edge_agent.uplink.session import FEW, IDLE_S, MAX_LIVE, MAX_RECORDS, SendBatch, SendLive, Session, Terms, Wait
from edge_agent.uplink.window import RecordRate

MIB = 1 << 20


def session(
    size: int = 0, *, live: LiveLane | None = None, rate: RecordRate | None = None, takes: bool = True
) -> Session:
    lane = LiveLane() if live is None else live
    return Session(Terms(size, 16 * MIB, 4 * MIB, takes), lane, rate, 0.0)


def test_records_go_in_order_from_where_the_collector_wants_them() -> None:
    up = session(10)
    step = up.step(20, 0.0)
    assert isinstance(step, SendBatch)
    assert (step.first_index, step.max_records) == (10, MAX_RECORDS)
    up.sent_batch(20, 10, 500, 0.0)
    assert up.step(20, 0.0) == Wait(IDLE_S)
    assert up.answered == 10


def test_no_batch_goes_while_the_window_is_full_and_the_next_one_after_a_receipt() -> None:
    up = session()
    up.sent_batch(10, 10, MIB, 0.0)
    assert isinstance(up.step(20, 0.0), Wait)
    up.receipt(10, 0.1)
    assert isinstance(up.step(20, 0.1), SendBatch)


def test_a_batch_fits_the_collectors_largest() -> None:
    up = Session(Terms(0, 16 * MIB, 1, takes_live=False), LiveLane(), None, 0.0)
    step = up.step(20, 0.0)
    assert isinstance(step, SendBatch)
    assert step.max_bytes <= 1


def test_live_records_go_ahead_of_a_backlog() -> None:
    lane = LiveLane()
    up = session(live=lane)
    lane.add(1_000_000, MAX_LIVE + 1)
    assert up.step(1_100_000, 0.0) == SendLive(list(range(1_000_000, 1_000_000 + MAX_LIVE)))
    assert up.step(1_100_000, 0.0) == SendLive([1_000_000 + MAX_LIVE])
    assert isinstance(up.step(1_100_000, 0.0), SendBatch)


def test_live_records_do_not_wait_for_the_window_or_the_rate() -> None:
    lane, rate = LiveLane(), RecordRate(1000, 0.0)
    up = session(live=lane, rate=rate)
    up.sent_batch(5000, 5000, 10 * MIB, 0.0)
    lane.add(9000, 1)
    assert up.step(9001, 0.0) == SendLive([9000])
    up.sent_live(1)
    up.receipt(5000, 0.1)
    assert isinstance(up.step(9001, 0.1), Wait)


def test_with_few_records_before_it_a_record_goes_with_the_next_batch() -> None:
    lane = LiveLane()
    up = session(live=lane)
    lane.add(FEW - 1, 1)
    assert isinstance(up.step(FEW, 0.0), SendBatch)


def test_a_collector_that_takes_no_live_records_gets_none() -> None:
    lane = LiveLane()
    up = session(live=lane, takes=False)
    lane.add(9000, 1)
    assert isinstance(up.step(9001, 0.0), SendBatch)


def test_a_new_connection_sends_again_what_was_not_confirmed() -> None:
    lane = LiveLane()
    first = session(live=lane)
    lane.add(9000, 2)
    assert first.step(9002, 0.0) == SendLive([9000, 9001])
    lane.settled([9000])
    assert session(live=lane).step(9002, 0.0) == SendLive([9001])


def test_the_rate_bounds_a_batch_and_what_follows_waits_for_it() -> None:
    rate = RecordRate(800, 0.0)
    up = session(rate=rate)
    step = up.step(1000, 0.0)
    assert isinstance(step, SendBatch)
    assert step.max_records == 100
    up.sent_batch(100, 100, 100, 0.0)
    assert up.step(1000, 0.0) == Wait(0.125)
    assert isinstance(up.step(1000, 0.125), SendBatch)
    up.sent_batch(2000, 1900, 100, 0.125)
    assert up.step(3000, 0.125) == Wait(IDLE_S)


def test_the_collector_owes_a_receipt_from_the_oldest_unanswered_batch_or_its_last_answer() -> None:
    up = session()
    assert up.silent_s(100.0) == 0.0
    up.sent_batch(5, 5, 10, 100.0)
    up.sent_batch(9, 4, 10, 110.0)
    assert up.silent_s(130.0) == 30.0
    up.receipt(5, 140.0)
    assert up.silent_s(150.0) == 10.0
    up.receipt(9, 151.0)
    assert up.silent_s(999.0) == 0.0
