from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import Future

import grpc
import pytest

from collector.errors import StoreError
from collector.ingest import session as session_module
from collector.ingest.accept import Forked, Moved, Outcome, Revoked, Stored, Taken
from collector.ingest.prepare import Prepared, prepare
from collector.ingest.session import Ending, Session, revoked
from gate_contract.v1.uplink_pb2 import REFUSAL_CODE_FORK, REFUSAL_CODE_UNAVAILABLE
from tests.unit.collector.collected import Agent, Collected, probes

DONE = Ending("")


@pytest.fixture
def agent(collected: Collected) -> Agent:
    agent = collected.admit("gate-1")
    agent.records += probes(3)
    return agent


def batches(agent: Agent, session: Session) -> Iterator[Prepared]:
    for index in range(3):
        yield prepare(agent.batch(index, index + 1), session.known, agent.signer.verifier, lambda _start, _end: ())


def receive(session: Session, batch: Prepared, future: Future[Outcome]) -> None:
    settled = session.received(batch, future)
    assert not settled.done()


async def all_of(session: Session) -> list[int]:
    return [answer.size async for answer in session.answers() if isinstance(answer, Stored)]


def test_one_receipt_answers_all_that_one_commit_stored(collected: Collected, agent: Agent) -> None:
    async def story() -> list[int]:
        session = Session(collected.head(agent))
        futures: list[Future[Outcome]] = [Future() for _ in range(3)]
        for batch, future in zip(batches(agent, session), futures, strict=True):
            receive(session, batch, future)
        for future in futures[:2]:
            future.set_result(Stored(2, b"over 2", 0))
        await asyncio.sleep(0)
        receipts = session.answers()
        first = await anext(receipts)
        futures[2].set_result(Stored(3, b"over 3", 0))
        session.end(DONE)
        return [answer.size for answer in (first, *[each async for each in receipts]) if isinstance(answer, Stored)]

    assert asyncio.run(story()) == [2, 3]


def test_a_batch_that_was_known_is_answered_with_the_receipt_there_is(collected: Collected, agent: Agent) -> None:
    collected.take(agent, agent.batch())

    async def story() -> list[int]:
        session = Session(collected.head(agent))
        session.received_again()
        session.end(DONE)
        return await all_of(session)

    assert asyncio.run(story()) == [3]


@pytest.mark.parametrize(
    ("outcome", "ending"),
    [
        (Revoked(0, "stolen"), revoked("stolen")),
        (Moved(0), Ending("", REFUSAL_CODE_UNAVAILABLE)),
        (Forked(0, "two histories"), Ending("", REFUSAL_CODE_FORK)),
        (StoreError("disk full"), Ending("", REFUSAL_CODE_UNAVAILABLE)),
    ],
)
def test_a_batch_that_was_not_stored_ends_the_stream(
    collected: Collected, agent: Agent, outcome: Outcome | StoreError, ending: Ending
) -> None:
    async def story() -> Session:
        session = Session(collected.head(agent))
        future: Future[Outcome] = Future()
        receive(session, next(batches(agent, session)), future)
        if isinstance(outcome, StoreError):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)
        assert await all_of(session) == []
        return session

    found = asyncio.run(story()).ending
    assert found is not None
    assert (found.refusal, found.status) == (ending.refusal, ending.status)


def test_what_was_received_is_answered_before_the_refusal_of_what_came_after(
    collected: Collected, agent: Agent
) -> None:
    async def story() -> tuple[list[int], Ending | None]:
        session = Session(collected.head(agent))
        future: Future[Outcome] = Future()
        receive(session, next(batches(agent, session)), future)
        session.end(Ending("a fork", REFUSAL_CODE_FORK))
        session.end(Ending("too late", status=grpc.StatusCode.ABORTED))
        answers = asyncio.create_task(all_of(session))
        await asyncio.sleep(0)
        assert not answers.done()
        future.set_result(Stored(1, b"over 1", 0))
        return await answers, session.ending

    assert asyncio.run(story()) == ([1], Ending("a fork", REFUSAL_CODE_FORK))


def test_known_runs_ahead_of_what_is_durable(collected: Collected, agent: Agent) -> None:
    async def story() -> tuple[int, int, bool, bool]:
        session = Session(collected.head(agent))
        await session.until_stored()
        future: Future[Outcome] = Future()
        receive(session, next(batches(agent, session)), future)
        found = session.known.size, session.durable.size, session.all_is_stored
        future.set_result(Stored(1, b"", 0))
        await session.until_stored()
        return *found, session.all_is_stored

    assert asyncio.run(story()) == (1, 0, False, True)


def test_live_records_are_answered_before_a_batch_that_waits_for_the_disk(collected: Collected, agent: Agent) -> None:
    async def story() -> list[Stored | Taken]:
        session = Session(collected.head(agent))
        batch: Future[Outcome] = Future()
        live: Future[Outcome] = Future()
        receive(session, next(batches(agent, session)), batch)
        assert not session.received_live(live).done()
        answers = session.answers()
        live.set_result(Taken([7]))
        found = [await anext(answers)]
        batch.set_result(Stored(1, b"over 1", 0))
        session.end(DONE)
        return [*found, *[answer async for answer in answers]]

    assert asyncio.run(story()) == [Taken([7]), Stored(1, b"over 1", 0)]


def test_a_stream_whose_answers_nobody_reads_is_not_read_either(
    collected: Collected, agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_module, "MOST_UNANSWERED", 3)

    async def story() -> list[bool]:
        session = Session(collected.head(agent))
        for _ in range(2):
            session.received_again()
        await session.until_few_are_unanswered()
        session.received_again()
        waiting = asyncio.create_task(session.until_few_are_unanswered())
        await asyncio.sleep(0)
        found = [waiting.done()]
        answers = session.answers()
        await anext(answers)
        reading = asyncio.create_task(all_of(session))
        await asyncio.wait_for(waiting, 60)
        for _ in range(3):
            session.received_again()
        session.end(DONE)
        await asyncio.wait_for(session.until_few_are_unanswered(), 60)
        await reading
        return found

    assert asyncio.run(story()) == [False]


def test_a_live_message_and_a_known_batch_on_an_idle_stream_are_answered(collected: Collected, agent: Agent) -> None:
    async def story() -> list[int]:
        session = Session(collected.head(agent))
        reading = asyncio.create_task(all_of(session))
        live: Future[Outcome] = Future()
        assert not session.received_live(live).done()
        await asyncio.sleep(0)
        session.received_again()
        live.set_result(Taken([1]))
        session.end(DONE)
        return await reading

    assert asyncio.run(story()) == [0]
