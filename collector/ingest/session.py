"""One agent's stream: what was received and is not yet answered, in order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from concurrent.futures import Future
from dataclasses import dataclass

import grpc

from collector.errors import StoreError
from collector.ingest.accept import Forked, Outcome, Revoked, Stored, Taken
from collector.ingest.prepare import Prepared
from collector.ledger.journal import JournalHead
from gate_contract.v1.uplink_pb2 import REFUSAL_CODE_FORK, REFUSAL_CODE_UNAVAILABLE, RefusalCode

MOST_UNANSWERED = 4096
"""Messages that wait to be answered on one stream; beyond, it is not read. An agent that reads no receipts waits."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a stream ends: with a refusal of what came, or (when `refusal` is None) with a status."""

    text: str
    refusal: RefusalCode.ValueType | None = None
    status: grpc.StatusCode = grpc.StatusCode.OK


class _NotStoredError(Exception):
    """What was on its way to the disk did not get there."""

    def __init__(self, ending: Ending) -> None:
        super().__init__(ending.text)
        self.ending = ending


_MOVED = Ending(
    "the journal grew through another stream in the meantime; begin again where the welcome says",
    refusal=REFUSAL_CODE_UNAVAILABLE,
)


def revoked(reason: str) -> Ending:
    """The end of a stream whose key was revoked; `reason` is the operator's."""
    text = "the journal's key was revoked"
    return Ending(f"{text}: {reason}" if reason else text, status=grpc.StatusCode.PERMISSION_DENIED)


class Session:
    """The state of one stream; used from one event loop.

    Attributes:
        head: the journal as it was when the stream began.
        backlog_end: records that the agent held when the stream began; what it has from there on is live.
        known: frontier that the next batch is verified against; ahead of what is durable by what waits for the disk.
        durable: what the latest commit of this journal gave.
        ending: how the stream ends; None while it goes on.
        over: set when the stream has ended.
    """

    def __init__(self, head: JournalHead, backlog_end: int = 0) -> None:
        """Begin with the journal as it is durable."""
        self.head = head
        self.backlog_end = backlog_end
        self.known = head.frontier
        self.durable = Stored(head.frontier.size, head.receipt, head.dead_lettered)
        self.ending: Ending | None = None
        self.over = asyncio.Event()
        self._last: Future[Outcome] | None = None
        # Batches in order; None stands for one that was stored before and wants the receipt there is.
        self._unanswered: deque[asyncio.Future[Outcome] | None] = deque()
        self._live: deque[asyncio.Future[Outcome]] = deque()
        self._changed = asyncio.Event()
        self._answered = asyncio.Event()

    async def until_few_are_unanswered(self) -> None:
        """Wait while MOST_UNANSWERED messages wait to be answered, or until the stream is to end."""
        while self.ending is None and len(self._unanswered) + len(self._live) >= MOST_UNANSWERED:
            self._answered.clear()
            await self._answered.wait()

    def received(self, batch: Prepared, stored: Future[Outcome]) -> asyncio.Future[Outcome]:
        """A batch is on its way to the disk; the future is resolved in the event loop when it is there or failed."""
        self.known, self._last = batch.frontier, stored
        settled = self._watched(stored)
        self._unanswered.append(settled)
        return settled

    def received_live(self, stored: Future[Outcome]) -> asyncio.Future[Outcome]:
        """Live records are on their way to the disk; they are answered as soon as they are there."""
        settled = self._watched(stored)
        self._live.append(settled)
        return settled

    def received_again(self) -> None:
        """A batch came that was stored before."""
        self._unanswered.append(None)
        self._changed.set()

    def end(self, ending: Ending) -> None:
        """Answer what was received, then end so. The first ending counts."""
        if self.ending is None:
            self.ending = ending
        self._changed.set()
        self._answered.set()

    @property
    def all_is_stored(self) -> bool:
        """Whether nothing of what was received is on its way to the disk."""
        return self._last is None or self._last.done()

    async def until_stored(self) -> None:
        """Wait for that; StoreError when it could not be stored."""
        if self._last is not None:
            await asyncio.shield(asyncio.wrap_future(self._last))

    async def answers(self) -> AsyncIterator[Stored | Taken]:
        """What became durable, until the stream is to end as `ending` says.

        Live records as soon as they are, of batches one answer a commit.
        """
        while True:
            self._changed.clear()
            self._answered.set()
            try:
                while self._live and self._live[0].done():
                    yield _settled(self._live.popleft())
                if _is_settled(self._unanswered):
                    while _is_settled(self._unanswered):
                        self._settle(self._unanswered.popleft())
                    yield self.durable
                    continue
            except _NotStoredError as error:
                self.ending = error.ending
                return
            if self.ending is not None and not self._unanswered and not self._live:
                return
            await self._changed.wait()

    def _watched(self, stored: Future[Outcome]) -> asyncio.Future[Outcome]:
        settled = asyncio.wrap_future(stored)
        settled.add_done_callback(self._wake)
        return settled

    def _wake(self, settled: asyncio.Future[Outcome]) -> None:
        settled.exception()  # a stream that is over asks no more
        self._changed.set()

    def _settle(self, answered: asyncio.Future[Outcome] | None) -> None:
        outcome = None if answered is None else _settled(answered)
        if isinstance(outcome, Stored):
            self.durable = outcome


def _is_settled(unanswered: deque[asyncio.Future[Outcome] | None]) -> bool:
    """Whether the first one wants its answer now."""
    return bool(unanswered) and (unanswered[0] is None or unanswered[0].done())


def _settled(answered: asyncio.Future[Outcome]) -> Stored | Taken:
    try:
        outcome = answered.result()
    except StoreError as error:
        raise _NotStoredError(Ending(str(error), refusal=REFUSAL_CODE_UNAVAILABLE)) from error
    if isinstance(outcome, Stored | Taken):
        return outcome
    if isinstance(outcome, Revoked):
        raise _NotStoredError(revoked(outcome.reason))
    if isinstance(outcome, Forked):
        raise _NotStoredError(Ending(outcome.text, refusal=REFUSAL_CODE_FORK))
    raise _NotStoredError(_MOVED)
