from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from hashlib import sha256
from typing import Any

import grpc
import pytest
from sqlalchemy import Connection, delete, select

from collector.errors import StoreDownError
from collector.ingest import servicer as servicer_module
from collector.ingest import uploads as uploads_module
from collector.reconcile.turns import BACKLOG
from collector.store import schema
from collector.store.engine import Store
from gate_contract.v1 import uplink_pb2 as uplink
from gate_contract.v1.uplink_pb2 import PutEvidenceRequest, StreamRequest
from tests.unit.collector.collected import Agent, Collected, passage, probes
from tests.unit.collector.ingest.uplink import Call, Context, EndedError, Uplink, offer


class Database(Store):
    """The real one, until the test says that it is away."""

    def __init__(self, real: Store) -> None:
        self._real = real
        self.reads = self.writes = True

    @contextmanager
    def read(self) -> Iterator[Connection]:
        if not self.reads:
            raise StoreDownError("the database is away")
        with self._real.read() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        if not self.writes:
            raise StoreDownError("the database is away")
        with self._real.write() as connection:
            yield connection


@pytest.fixture
def gate(collected: Collected) -> Agent:
    gate = collected.admit("gate-1")
    gate.records += probes(6)
    return gate


@pytest.fixture
def database(collected: Collected) -> Database:
    return Database(collected.store)


def told(collected: Collected, story: Callable[[Uplink], Any], store: Store | None = None, **settings: int) -> Any:
    """What a story gives that is played against a running uplink."""

    async def play() -> Any:
        with Uplink(collected, store, **settings) as running:
            return await story(running)

    return asyncio.run(play())


async def refusal(call: Call) -> uplink.Refusal:
    response = await call.next()
    assert response.WhichOneof("body") == "refusal", response
    with pytest.raises(StopAsyncIteration):
        await call.next()
    return response.refusal


async def ended(call: Call) -> EndedError:
    with pytest.raises(EndedError) as error:
        await call.next()
    return error.value


def alarms(collected: Collected) -> list[str]:
    with collected.store.read() as connection:
        return list(connection.scalars(select(schema.alarms.c.kind).order_by(schema.alarms.c.alarm_id)))


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


def test_who_may_not_begin_is_told_why(collected: Collected, gate: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    other = collected.admit("gate-2", b"b")

    async def story(running: Uplink) -> list[grpc.StatusCode]:
        found = []
        pem = running.certificate(gate)
        found.append((await ended(running.call(None))).code)
        silent = running.call(pem)
        silent.finish()
        found.append((await ended(silent)).code)
        for hello in ({"protocol": 0}, {"origin": other.origin}):
            call = running.call(pem)
            call.hello(gate, **hello)
            found.append((await ended(call)).code)
        monkeypatch.setattr(servicer_module, "HELLO_S", 0.01)
        found.append((await ended(running.call(pem))).code)
        stranger = collected.admit("gate-3", b"c")
        pem = running.certificate(stranger)
        with collected.store.write() as connection:
            connection.execute(delete(schema.certificates))
            connection.execute(delete(schema.journals).where(schema.journals.c.origin == stranger.origin))
        call = running.call(pem)
        call.hello(stranger)
        found.append((await ended(call)).code)
        return found

    assert told(collected, story) == [
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.FAILED_PRECONDITION,
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.PERMISSION_DENIED,
    ]


def test_an_agent_has_so_many_streams_and_no_more(collected: Collected, gate: Agent) -> None:
    async def story(running: Uplink) -> grpc.StatusCode:
        pem = running.certificate(gate)
        calls = [running.call(pem) for _ in range(servicer_module.MOST_STREAMS)]
        waiting = [asyncio.create_task(call.next()) for call in calls]
        await asyncio.sleep(0.01)
        found = await ended(running.call(pem))
        for call in calls:
            call.finish()
        await asyncio.gather(*waiting, return_exceptions=True)
        again = running.call(pem)
        again.hello(gate)
        assert (await again.next()).WhichOneof("body") == "welcome"
        await again.close()
        return found.code

    assert told(collected, story) is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_only_batches_and_live_records_follow_the_hello(collected: Collected, gate: Agent) -> None:
    async def story(running: Uplink) -> EndedError:
        call = await running.begun(gate)
        call.hello(gate)
        return await ended(call)

    assert told(collected, story).code is grpc.StatusCode.INVALID_ARGUMENT


def test_a_fault_ends_its_stream_and_no_other(
    collected: Collected, gate: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(running: Uplink) -> EndedError:
        async def broken(*_: object) -> None:
            raise RuntimeError("a mistake in the program")

        call = await running.begun(gate)
        monkeypatch.setattr(running.servicer._intake, "receive", broken)
        call.send(gate.batch(0))
        return await ended(call)

    assert told(collected, story).code is grpc.StatusCode.INTERNAL


def test_a_connection_that_breaks_ends_the_stream(collected: Collected, gate: Agent) -> None:
    async def story(running: Uplink) -> list[str | None]:
        async def breaking() -> AsyncIterator[StreamRequest]:
            yield StreamRequest(hello=uplink.Hello(protocol=1, origin=gate.origin))
            raise grpc.aio.UsageError("the call is over")

        context: Any = Context(running.certificate(gate))
        responses = running.servicer.Stream(breaking(), context)
        return [response.WhichOneof("body") async for response in responses]

    assert told(collected, story) == ["welcome"]


def test_a_newer_stream_takes_over_also_from_one_that_hangs(
    collected: Collected, gate: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(servicer_module, "TAKEOVER_S", 0.05)

    async def story(running: Uplink) -> EndedError:
        older = await running.begun(gate)
        newer = await running.begun(gate)  # `older` is not read any more: its end goes nowhere
        newer.send(gate.batch(0))
        assert (await newer.next()).WhichOneof("body") == "receipt"
        found = await ended(older)
        await newer.close()
        return found

    assert told(collected, story).code is grpc.StatusCode.ABORTED


def test_of_two_streams_that_begin_at_once_one_stays(collected: Collected, gate: Agent) -> None:
    async def story(running: Uplink) -> list[grpc.StatusCode]:
        pem = running.certificate(gate)
        calls = [running.call(pem), running.call(pem)]
        for call in calls:
            call.hello(gate)
        found, welcomed = [], asyncio.Semaphore(0)

        async def until_it_ends(call: Call) -> None:
            assert (await call.next()).WhichOneof("body") == "welcome"
            welcomed.release()
            found.append((await ended(call)).code)

        tasks = [asyncio.create_task(until_it_ends(call)) for call in calls]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for _ in calls:
            await asyncio.wait_for(welcomed.acquire(), 60)
        assert [task.done() for task in tasks].count(True) == 1
        await running.servicer.drain()
        await asyncio.gather(*tasks)
        return found

    assert told(collected, story) == [grpc.StatusCode.ABORTED, grpc.StatusCode.UNAVAILABLE]


def test_what_an_agent_says_that_does_not_fit_raises_an_alarm(collected: Collected, gate: Agent) -> None:
    note = collected.take(gate, gate.batch()).receipt  # type: ignore[union-attr]  # it is stored
    with collected.store.write() as connection:
        connection.execute(delete(schema.batches))
        connection.execute(schema.journals.update().values(size=0, peaks=b"", receipt=b""))

    async def story(running: Uplink) -> None:
        for hello in ({"receipt": note}, {"receipt": b"not ours"}, {"receipt": note}):
            await (await running.begun(gate, **hello)).close()

    told(collected, story)
    assert alarms(collected) == ["restored-collector", "foreign-receipt"]

    async def short(running: Uplink) -> None:
        call = await running.begun(gate)
        call.send(gate.batch())
        await call.next()
        await call.close()
        await (await running.begun(gate, size=2, receipt=note)).close()

    told(collected, short)
    assert alarms(collected)[2:] == ["short-journal"]


def test_a_revocation_ends_the_stream_with_the_operators_reason(
    collected: Collected, gate: Agent, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(servicer_module, "REVOCATION_CHECK_S", 0.01)

    async def story(running: Uplink) -> EndedError:
        watching = asyncio.create_task(running.servicer.watch())
        call = await running.begun(gate)
        database.reads = False
        await asyncio.sleep(0.05)  # what cannot be looked up is looked up again
        database.reads = True
        collected.revoke(gate, "stolen at night")
        found = await ended(call)
        watching.cancel()
        return found

    found = told(collected, story, database)
    assert found.code is grpc.StatusCode.PERMISSION_DENIED
    assert found.text == "the journal's key was revoked: stolen at night"


def test_a_stream_that_ends_while_its_revocation_is_looked_up_is_none_to_end(
    collected: Collected, gate: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(servicer_module, "REVOCATION_CHECK_S", 0.001)

    async def story(running: Uplink) -> None:
        looked_up = asyncio.Event()

        async def all_are(_origins: Sequence[str]) -> dict[str, str]:
            looked_up.set()
            return {gate.origin: "stolen"}

        monkeypatch.setattr(running.servicer._peers, "revoked", all_are)
        watching = asyncio.create_task(running.servicer.watch())
        await asyncio.wait_for(looked_up.wait(), 60)
        await asyncio.sleep(0)
        assert not watching.done()
        watching.cancel()

    told(collected, story)


def test_a_revocation_is_seen_by_the_writer_too(collected: Collected, gate: Agent) -> None:
    async def story(running: Uplink) -> EndedError:
        call = await running.begun(gate)
        collected.revoke(gate, "")
        call.send(gate.batch())
        return await ended(call)

    assert told(collected, story).text == "the journal's key was revoked"


def test_a_stop_answers_what_came_and_takes_nobody_new(collected: Collected, gate: Agent) -> None:
    async def story(running: Uplink) -> list[grpc.StatusCode]:
        call = await running.begun(gate)
        draining = asyncio.create_task(running.servicer.drain())
        found = [(await ended(call)).code]
        await draining
        late = running.call(running.certificate(gate))
        late.hello(gate)
        found.append((await ended(late)).code)
        return found

    assert told(collected, story) == [grpc.StatusCode.UNAVAILABLE] * 2


def test_an_old_certificate_is_over_once_a_newer_one_was_used(collected: Collected, gate: Agent) -> None:
    async def story(running: Uplink) -> EndedError:
        old = running.certificate(gate)
        collected.now += timedelta(days=30)
        new = running.certificate(gate)
        for pem in (old, new):
            call = running.call(pem)
            call.hello(gate)
            assert (await call.next()).WhichOneof("body") == "welcome"
            await call.close()
        await asyncio.wrap_future(running.writer.run(lambda _connection, _now: None))  # the use is noted
        thief = running.call(old)
        thief.hello(gate)
        return await ended(thief)

    found = told(collected, story)
    assert found.code is grpc.StatusCode.PERMISSION_DENIED
    assert "was replaced by certificate" in found.text


BLOB = b"a picture" * 1000
DIGEST = sha256(BLOB).digest()


def chunk(data: bytes) -> PutEvidenceRequest:
    return PutEvidenceRequest(chunk=data)


def test_a_blob_is_taken_resumed_and_known_when_it_comes_again(collected: Collected, gate: Agent) -> None:
    async def story(running: Uplink) -> list[list[tuple[int, bool]]]:
        pem = running.certificate(gate)
        answers = [
            await running.put(pem, offer(DIGEST, len(BLOB)), chunk(BLOB[:4000])),
            await running.put(pem, offer(DIGEST, len(BLOB)), chunk(BLOB[4000:])),
            await running.put(pem, offer(DIGEST, len(BLOB))),
        ]
        return [[(answer.offset, answer.complete) for answer in each] for each in answers]

    size = len(BLOB)
    assert told(collected, story) == [[(0, False)], [(4000, False), (size, True)], [(size, True)]]


def test_an_upload_that_is_no_blob_is_refused(
    collected: Collected, gate: Agent, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(running: Uplink) -> list[grpc.StatusCode]:
        pem = running.certificate(gate)
        found = []
        for requests in (
            (),
            (chunk(BLOB),),
            (offer(DIGEST, len(BLOB)), offer(DIGEST, len(BLOB))),
            (offer(DIGEST, 3), chunk(b"abc")),
        ):
            with pytest.raises(EndedError) as error:
                await running.put(pem, *requests)
            found.append(error.value.code)
        database.writes = False
        with pytest.raises(EndedError) as error:
            await running.put(pem, offer(DIGEST, len(BLOB)), chunk(BLOB))
        found.append(error.value.code)
        monkeypatch.setattr(uploads_module, "MOST_OF_AN_AGENT", 0)
        with pytest.raises(EndedError) as error:
            await running.put(pem, offer(DIGEST, len(BLOB)))
        found.append(error.value.code)
        return found

    assert told(collected, story, database) == [
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.DATA_LOSS,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
    ]


def test_an_upload_of_which_nothing_comes_makes_room(
    collected: Collected, gate: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads_module, "SILENCE_S", 0.01)

    async def story(running: Uplink) -> list[int]:
        async def silent() -> AsyncIterator[PutEvidenceRequest]:
            yield offer(DIGEST, len(BLOB))
            await asyncio.sleep(3600)

        context: Any = Context(running.certificate(gate))
        return [answer.offset async for answer in running.servicer.PutEvidence(silent(), context)]

    assert told(collected, story) == [0]
