from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

import grpc
import pytest

from collector.errors import StoreError
from collector.ingest.accept import Moved, Outcome, Prepared, Revoked, Stored, prepare
from collector.ingest.session import REVOKED, Ending, Session
from gate_contract.v1.uplink_pb2 import REFUSAL_CODE_FORK, REFUSAL_CODE_UNAVAILABLE
from tests.unit.collector.collected import Agent, Collected, probes

DONE = Ending("")


@pytest.fixture
def collected(tmp_path: Path) -> Iterator[Collected]:
    made = Collected(tmp_path)
    yield made
    made.store.close()


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
    return [stored.size async for stored in session.receipts()]


def test_one_receipt_answers_all_that_one_commit_stored(collected: Collected, agent: Agent) -> None:
    async def story() -> list[int]:
        session = Session(collected.head(agent))
        futures: list[Future[Outcome]] = [Future() for _ in range(3)]
        for batch, future in zip(batches(agent, session), futures, strict=True):
            receive(session, batch, future)
        for future in futures[:2]:
            future.set_result(Stored(2, b"over 2", 0))
        await asyncio.sleep(0)
        receipts = session.receipts()
        first = await anext(receipts)
        futures[2].set_result(Stored(3, b"over 3", 0))
        session.end(DONE)
        return [first.size, *[stored.size async for stored in receipts]]

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
        (Revoked(0), REVOKED),
        (Moved(0), Ending("", REFUSAL_CODE_UNAVAILABLE)),
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
    async def story() -> tuple[int, int]:
        session = Session(collected.head(agent))
        future: Future[Outcome] = Future()
        receive(session, next(batches(agent, session)), future)
        sizes = session.known.size, session.durable.size
        future.set_result(Stored(1, b"", 0))
        session.wait_until_stored()
        return sizes

    assert asyncio.run(story()) == (1, 0)
