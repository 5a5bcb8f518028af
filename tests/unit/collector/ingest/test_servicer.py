"""What goes up one stream, and what comes down."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import grpc
import pytest
from sqlalchemy import delete, select

from collector.reconcile.turns import BACKLOG
from collector.store import schema
from gate_contract.v1 import uplink_pb2 as uplink
from tests.unit.collector.collected import Agent, Collected, passage
from tests.unit.collector.ingest.stories import Database, alarms, ended, refusal, told
from tests.unit.collector.ingest.uplink import Uplink


def test_batches_are_receipted_and_live_records_taken_on_one_stream(collected: Collected, gate: Agent) -> None:
    async def story(running: Uplink) -> tuple[list[str | None], int]:
        call = await running.begun(gate)
        gate.records.append(passage("p1"))
        call.send_live(gate.live(6))
        seen: list[str | None] = [(await call.next()).WhichOneof("body")]
        for batch in (gate.batch(0, 4), gate.batch(0, 4), gate.batch(2)):
            call.send(batch)
            seen.append((await call.next()).WhichOneof("body"))
        call.finish()
        with pytest.raises(StopAsyncIteration):
            await call.next()
        return seen, running.woken

    seen, woken = told(collected, story)
    assert seen == ["live", "receipt", "receipt", "receipt"]
    assert woken >= 1
    assert collected.head(gate).frontier.size == 7
    assert alarms(collected) == []


@pytest.mark.parametrize(("waiting", "is_live"), [(1000, True), (1001, False)])
def test_passages_of_a_short_backlog_are_judged_with_the_live_ones(
    collected: Collected, gate: Agent, waiting: int, is_live: bool
) -> None:
    gate.records.append(passage("p1"))

    async def story(running: Uplink) -> None:
        call = await running.begun(gate, size=waiting)
        call.send(gate.batch())
        await call.next()
        await call.close()

    told(collected, story)
    with collected.store.read() as connection:
        (turn,) = connection.scalars(select(schema.to_judge.c.turn))
    assert (turn < BACKLOG) == is_live


def test_a_batch_that_overlaps_with_one_on_its_way_waits_for_it_alone(collected: Collected, gate: Agent) -> None:
    async def story(running: Uplink) -> int:
        call = await running.begun(gate)
        call.send(gate.batch(0, 4))
        call.send(gate.batch(2))
        while (size := len(gate.records)) and b"\n%d\n" % size not in (await call.next()).receipt.note:
            pass
        await call.close()
        return size

    assert told(collected, story) == 6


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (lambda gate: gate.batch(2), uplink.REFUSAL_CODE_GAP),
        (lambda _gate: b"\xff", uplink.REFUSAL_CODE_MALFORMED),
        (lambda gate: gate.batch(0)[:-1] + b"x", uplink.REFUSAL_CODE_BAD_SEAL),
        (lambda _gate: b"x" * (1 << 21), uplink.REFUSAL_CODE_TOO_LARGE),
    ],
)
def test_a_batch_that_is_refused_ends_the_stream_with_the_reason(
    collected: Collected, gate: Agent, message: Callable[[Agent], bytes], code: int
) -> None:
    async def story(running: Uplink) -> uplink.Refusal:
        call = await running.begun(gate)
        call.send(message(gate))
        return await refusal(call)

    answer = told(collected, story)
    assert (answer.code, answer.size) == (code, 0)
    assert answer.text


def test_live_records_that_are_refused_end_the_stream_with_the_reason(collected: Collected, gate: Agent) -> None:
    unproved, huge = gate.live(3), gate.live(3)
    unproved.records[0].body = b"another"
    huge.records[0].body = b"x" * (1 << 21)
    found = []
    for message in (unproved, huge, uplink.LiveRecords()):

        async def story(running: Uplink, message: uplink.LiveRecords = message) -> uplink.Refusal:
            call = await running.begun(gate)
            call.send_live(message)
            return await refusal(call)

        found.append(told(collected, story).code)
    assert found == [
        uplink.REFUSAL_CODE_BAD_PROOF,
        uplink.REFUSAL_CODE_TOO_LARGE,
        uplink.REFUSAL_CODE_MALFORMED,
    ]


def test_a_fork_is_refused_whether_it_is_seen_before_or_within_the_transaction(
    collected: Collected, gate: Agent
) -> None:
    async def story(running: Uplink) -> Sequence[int]:
        call = await running.begun(gate)
        call.send(gate.batch(0, 4))
        await call.next()
        call.send_live(gate.live(5))
        await call.next()
        honest = list(gate.records)
        gate.records[5] = b"another"
        call.send(gate.batch(4))
        found = [(await refusal(call)).code]
        gate.records = honest
        gate.records[1] = b"another"
        call = await running.begun(gate)
        call.send(gate.batch(0))
        found.append((await refusal(call)).code)
        return found

    assert told(collected, story) == [uplink.REFUSAL_CODE_FORK] * 2
    with collected.store.read() as connection:
        rows = connection.execute(select(schema.quarantine.c.kind, schema.quarantine.c.record_index)).all()
    assert [tuple(row) for row in rows] == [("fork", 5), ("fork", 1)]


def test_what_cannot_be_stored_or_read_is_refused_as_unavailable(
    collected: Collected, gate: Agent, database: Database
) -> None:
    async def story(running: Uplink) -> Sequence[int]:
        found = []
        call = await running.begun(gate)
        call.send(gate.batch(0, 4))
        await call.next()
        database.writes = False
        call.send_live(gate.live(5))
        found.append((await refusal(call)).code)
        call = await running.begun(gate)
        call.send(gate.batch(4))
        found.append((await refusal(call)).code)
        call = await running.begun(gate)
        call.send(gate.batch(0)[:-1] + b"x")  # what is quarantined cannot be kept; the alarm is in the log
        found.append((await refusal(call)).code)
        database.writes = True
        call = await running.begun(gate)
        database.reads = False
        call.send(gate.batch(0))  # overlaps with what must be read
        found.append((await refusal(call)).code)
        call = running.call(running.certificate(gate))
        call.hello(gate)
        assert (await ended(call)).code is grpc.StatusCode.UNAVAILABLE
        return found

    assert told(collected, story, database) == [
        uplink.REFUSAL_CODE_UNAVAILABLE,
        uplink.REFUSAL_CODE_UNAVAILABLE,
        uplink.REFUSAL_CODE_BAD_SEAL,
        uplink.REFUSAL_CODE_UNAVAILABLE,
    ]


def test_records_that_are_gone_from_the_database_are_refused_as_unavailable(collected: Collected, gate: Agent) -> None:
    collected.take(gate, gate.batch(0, 4))
    with collected.store.write() as connection:
        connection.execute(delete(schema.batches))

    async def story(running: Uplink) -> uplink.Refusal:
        call = await running.begun(gate)
        call.send(gate.batch(0))
        return await refusal(call)

    answer = told(collected, story)
    assert answer.code == uplink.REFUSAL_CODE_UNAVAILABLE
    assert "cannot be read back" in answer.text
