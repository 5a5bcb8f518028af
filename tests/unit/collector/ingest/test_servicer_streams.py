"""Streams of agents: who may begin one, which of two stays, and how they end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any

import grpc
import pytest
from sqlalchemy import delete

from collector.ingest import servicer as servicer_module
from collector.store import schema
from gate_contract.v1 import uplink_pb2 as uplink
from gate_contract.v1.uplink_pb2 import StreamRequest
from tests.unit.collector.collected import Agent, Collected
from tests.unit.collector.ingest.stories import Database, alarms, ended, told
from tests.unit.collector.ingest.uplink import Call, Context, EndedError, Uplink


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
