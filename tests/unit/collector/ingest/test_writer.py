from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Queue

import pytest
from sqlalchemy import Connection, func, insert, select

from collector.errors import StoreDownError, StoreError
from collector.ingest import writer as writer_module
from collector.ingest.accept import Arrival, Moved, Outcome, Stored
from collector.ingest.prepare import prepare
from collector.ingest.writer import Writer
from collector.store import schema
from collector.store.engine import Store
from tests.unit.collector.collected import Agent, Collected, passage, probes

WAIT_S = 10


class FailingStore(Store):
    """A store whose write transactions fail while `broken` says so."""

    def __init__(self, real: Store) -> None:
        self._real = real
        self.broken: Callable[[], bool] = lambda: False
        self.away = False
        self.writes = 0

    @contextmanager
    def write(self) -> Iterator[Connection]:
        self.writes += 1
        if self.away:
            raise StoreDownError("the database could not do what was asked", cause="database is locked")
        with self._real.write() as connection:
            yield connection
            if self.broken():
                raise StoreError("the database could not do what was asked", cause="database or disk is full")


@pytest.fixture
def store(collected: Collected) -> FailingStore:
    return FailingStore(collected.store)


@pytest.fixture
def woken() -> threading.Event:
    return threading.Event()


@pytest.fixture
def writer(collected: Collected, store: FailingStore, woken: threading.Event) -> Iterator[Writer]:
    made = Writer(store, collected.ledger, collected.receipts, lambda: collected.now_ns, woken.set)
    yield made
    if made.is_alive:
        made.stop(WAIT_S)
    assert not made.is_alive


def arrivals(collected: Collected, agent: Agent, *ends: int) -> list[Arrival]:
    """Batches one after another, none of them stored yet."""
    head, start = collected.head(agent), 0
    known, made = head.frontier, []
    for end in ends:
        batch = prepare(agent.batch(start, end), known, head.verifier, lambda _start, _end: ())
        made.append(Arrival(head.journal_id, batch))
        known, start = batch.frontier, end
    return made


def size_of(outcome: Outcome) -> int:
    assert isinstance(outcome, Stored)
    return outcome.size


def test_what_waits_is_committed_together(collected: Collected, store: FailingStore, writer: Writer) -> None:
    agent = collected.admit("gate-1")
    agent.records += probes(6)
    futures = [writer.submit(arrival) for arrival in arrivals(collected, agent, 1, 2, 6)]
    job = writer.run(lambda _connection, now_ns: now_ns)
    writer.start()
    outcomes = [future.result(WAIT_S) for future in futures]
    assert [size_of(outcome) for outcome in outcomes] == [6, 6, 6]
    assert job.result(WAIT_S) == collected.now_ns
    assert store.writes == 1


def test_a_future_is_resolved_only_after_the_commit(collected: Collected, writer: Writer) -> None:
    agent = collected.admit("gate-1")
    agent.records += probes(1)
    (future,) = [writer.submit(arrival) for arrival in arrivals(collected, agent, 1)]
    seen: Queue[int] = Queue()

    def look(_future: object) -> None:
        with collected.store.read() as connection:
            seen.put(connection.scalars(select(func.count()).select_from(schema.batches)).one())

    future.add_done_callback(look)
    writer.start()
    assert seen.get(timeout=WAIT_S) == 1


def test_passages_wake_the_judge_and_other_records_do_not(
    collected: Collected, writer: Writer, woken: threading.Event
) -> None:
    agent = collected.admit("gate-1")
    agent.records += [*probes(1), passage("p1")]
    first, second = arrivals(collected, agent, 1, 2)
    writer.start()
    writer.submit(first).result(WAIT_S)
    assert not woken.is_set()
    writer.submit(second).result(WAIT_S)
    assert woken.wait(WAIT_S)


def test_a_full_disk_loses_nothing_and_the_batch_may_come_again(
    collected: Collected, store: FailingStore, writer: Writer
) -> None:
    agent = collected.admit("gate-1")
    agent.records += probes(1)
    (arrival,) = arrivals(collected, agent, 1)
    store.broken = lambda: True
    writer.start()
    with pytest.raises(StoreError, match="disk is full"):
        writer.submit(arrival).result(WAIT_S)
    assert writer.failing
    assert collected.head(agent).frontier.size == 0
    store.broken = lambda: False
    assert size_of(writer.submit(arrival).result(WAIT_S)) == 1
    assert not writer.failing


def test_one_that_cannot_be_stored_does_not_keep_the_others_out(collected: Collected, writer: Writer) -> None:
    agent = collected.admit("gate-1")
    agent.records += probes(1)

    def bad(connection: Connection, _now_ns: int) -> None:
        rows = [{"name": "twice", "position": 1}, {"name": "twice", "position": 1}]
        connection.execute(insert(schema.cursors), rows)

    failed = writer.run(bad)
    (stored,) = [writer.submit(arrival) for arrival in arrivals(collected, agent, 1)]
    writer.start()
    assert size_of(stored.result(WAIT_S)) == 1
    with pytest.raises(StoreError, match="UNIQUE"):
        failed.result(WAIT_S)


def test_a_fault_in_one_job_leaves_the_writer_running(collected: Collected, writer: Writer) -> None:
    def fault(_connection: Connection, _now_ns: int) -> None:
        raise RuntimeError("a mistake in the program")

    writer.start()
    with pytest.raises(StoreError, match=r"a fault in the collector.*a mistake in the program"):
        writer.run(fault).result(WAIT_S)
    assert writer.run(lambda _connection, _now_ns: "still here").result(WAIT_S) == "still here"
    assert collected.now_ns


def test_batches_on_top_of_one_that_was_not_stored_are_not_stored_either(
    collected: Collected, store: FailingStore, writer: Writer
) -> None:
    agent = collected.admit("gate-1")
    agent.records += probes(3)
    first, second, third = arrivals(collected, agent, 1, 2, 3)
    store.broken = lambda: store.writes <= 2  # the group, then the first batch alone
    futures = [writer.submit(arrival) for arrival in (first, second, third)]
    writer.start()
    with pytest.raises(StoreError):
        futures[0].result(WAIT_S)
    assert [future.result(WAIT_S) for future in futures[1:]] == [Moved(0), Moved(0)]


def test_a_stop_writes_what_waits(collected: Collected, writer: Writer) -> None:
    agent = collected.admit("gate-1")
    agent.records += probes(2)
    futures = [writer.submit(arrival) for arrival in arrivals(collected, agent, 1, 2)]
    writer.start()
    writer.stop(WAIT_S)
    assert [future.done() for future in futures] == [True, True]
    assert collected.head(agent).frontier.size == 2


def test_a_database_that_is_away_is_asked_once_for_all_that_waits(
    collected: Collected, store: FailingStore, writer: Writer
) -> None:
    agent = collected.admit("gate-1")
    agent.records += probes(3)
    store.away = True
    futures = [writer.submit(arrival) for arrival in arrivals(collected, agent, 1, 2, 3)]
    writer.start()
    for future in futures:
        with pytest.raises(StoreDownError, match="is locked"):
            future.result(WAIT_S)
    assert store.writes == 1
    assert writer.failing


def test_more_jobs_than_there_is_room_for_are_refused(writer: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "MAX_JOBS", 2)
    waiting = [writer.run(lambda _connection, _now_ns: "done") for _ in range(3)]
    with pytest.raises(StoreDownError, match="2 jobs wait for the database"):
        waiting[2].result(WAIT_S)
    writer.start()
    assert [future.result(WAIT_S) for future in waiting[:2]] == ["done", "done"]


def test_a_small_agent_is_written_before_the_pile_of_another(collected: Collected, writer: Writer) -> None:
    pile, small = collected.admit("gate-1"), collected.admit("gate-2", b"b")
    pile.records += [bytes([number]) * 200_000 for number in range(60)]
    small.records += probes(1)
    order: Queue[str] = Queue()
    for number, arrival in enumerate(arrivals(collected, pile, *range(1, 61))):
        writer.submit(arrival).add_done_callback(lambda _future, number=number: order.put(f"pile {number}"))  # type: ignore[misc]  # bound now
    (arrival,) = arrivals(collected, small, 1)
    writer.submit(arrival).add_done_callback(lambda _future: order.put("small"))
    writer.start()
    done = [order.get(timeout=WAIT_S) for _ in range(61)]
    assert done.index("small") < 30  # it came last, and is in the first group
    assert [each for each in done if each != "small"] == [f"pile {number}" for number in range(60)]
