"""One agent's stream: what was received and is not yet answered, in order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from concurrent.futures import Future
from dataclasses import dataclass

import grpc

from collector.errors import StoreError
from collector.ingest.accept import Outcome, Prepared, Revoked, Stored
from collector.ledger.journal import JournalHead
from gate_contract.v1.uplink_pb2 import REFUSAL_CODE_UNAVAILABLE, RefusalCode


@dataclass(frozen=True, slots=True)
class Ending:
    """How a stream ends: with a refusal of a batch, or (when `refusal` is None) with a status."""

    text: str
    refusal: RefusalCode.ValueType | None = None
    status: grpc.StatusCode = grpc.StatusCode.OK


class _NotStoredError(Exception):
    """A batch that was on its way to the disk did not get there."""

    def __init__(self, ending: Ending) -> None:
        super().__init__(ending.text)
        self.ending = ending


_MOVED = Ending(
    "the journal grew through another stream in the meantime; begin again where the welcome says",
    refusal=REFUSAL_CODE_UNAVAILABLE,
)
REVOKED = Ending("the journal's key was revoked", status=grpc.StatusCode.PERMISSION_DENIED)


class Session:
    """The state of one stream; used from one event loop.

    Attributes:
        head: the journal as it was when the stream began.
        known: frontier that the next batch is verified against; ahead of what is durable by what waits for the disk.
        durable: what the latest commit of this journal gave.
        ending: how the stream ends; None while it goes on.
        over: set when the stream has ended.
    """

    def __init__(self, head: JournalHead) -> None:
        """Begin with the journal as it is durable."""
        self.head = head
        self.known = head.frontier
        self.durable = Stored(head.frontier.size, head.receipt, head.dead_lettered)
        self.ending: Ending | None = None
        self.over = asyncio.Event()
        self._last: Future[Outcome] | None = None
        # Batches in order; None stands for one that was stored before and wants the receipt there is.
        self._unanswered: deque[asyncio.Future[Outcome] | None] = deque()
        self._changed = asyncio.Event()

    def received(self, batch: Prepared, stored: Future[Outcome]) -> asyncio.Future[Outcome]:
        """A batch is on its way to the disk; the future is resolved in the event loop when it is there or failed."""
        self.known, self._last = batch.frontier, stored
        settled = asyncio.wrap_future(stored)
        settled.add_done_callback(lambda future: future.exception())  # a stream that is over asks no more
        self._unanswered.append(settled)
        self._changed.set()
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

    def wait_until_stored(self) -> None:
        """Block until all that was received is durable; off the event loop. StoreError when it could not be stored."""
        if self._last is not None:
            self._last.result()

    async def receipts(self) -> AsyncIterator[Stored]:
        """What became durable, once a commit, until the stream is to end as `ending` says."""
        while await self._something_to_answer():
            try:
                await self._settle(self._unanswered.popleft())
                while self._unanswered and _is_settled(self._unanswered[0]):
                    await self._settle(self._unanswered.popleft())
            except _NotStoredError as error:
                self.ending = error.ending
                return
            yield self.durable

    async def _something_to_answer(self) -> bool:
        while not self._unanswered:
            if self.ending is not None:
                return False
            self._changed.clear()
            await self._changed.wait()
        return True

    async def _settle(self, answered: asyncio.Future[Outcome] | None) -> None:
        if answered is None:
            return
        try:
            outcome = await asyncio.shield(answered)
        except StoreError as error:
            raise _NotStoredError(Ending(str(error), refusal=REFUSAL_CODE_UNAVAILABLE)) from error
        if not isinstance(outcome, Stored):
            raise _NotStoredError(REVOKED if isinstance(outcome, Revoked) else _MOVED)
        self.durable = outcome


def _is_settled(answered: asyncio.Future[Outcome] | None) -> bool:
    return answered is None or answered.done()
