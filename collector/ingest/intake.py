"""What happens to one message that arrived: room for it, verification, and on to the writer, or a refusal."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

import structlog

from collector.errors import StoreError
from collector.ingest.accept import Arrival, Forked, LiveArrival, Outcome
from collector.ingest.prepare import Prepared, prepare, prepare_live
from collector.ingest.quarantine import BAD_PROOF, BAD_SEAL, FORK, Refused, quarantine
from collector.ingest.room import OVERHEAD_BYTES, Share
from collector.ingest.session import Ending, Session
from collector.ingest.verifying import VerifyingThread
from collector.ingest.writer import Writer
from collector.ledger.journal import stored_leaves
from collector.store.engine import Store
from gate_contract.envelope import BadProofError, BadSealError, BatchError, ForkError, GapError
from gate_contract.v1.uplink_pb2 import (
    REFUSAL_CODE_BAD_PROOF,
    REFUSAL_CODE_BAD_SEAL,
    REFUSAL_CODE_FORK,
    REFUSAL_CODE_GAP,
    REFUSAL_CODE_MALFORMED,
    REFUSAL_CODE_TOO_LARGE,
    REFUSAL_CODE_UNAVAILABLE,
    LiveRecords,
    RefusalCode,
)

T = TypeVar("T")

_log = structlog.get_logger()

_CODES: dict[type[BatchError], RefusalCode.ValueType] = {
    ForkError: REFUSAL_CODE_FORK,
    BadSealError: REFUSAL_CODE_BAD_SEAL,
    BadProofError: REFUSAL_CODE_BAD_PROOF,
    GapError: REFUSAL_CODE_GAP,
}
_QUARANTINED: dict[type[BatchError], str] = {ForkError: FORK, BadSealError: BAD_SEAL, BadProofError: BAD_PROOF}


class _NotYetStoredError(Exception):
    """A batch overlaps with one that is on its way to the disk."""


class Intake:
    """Takes messages off the streams. Used from the event loop."""

    def __init__(self, store: Store, writer: Writer, verifying: VerifyingThread, *, max_batch_bytes: int) -> None:
        """`max_batch_bytes` bounds batches and messages of live records."""
        self._store = store
        self._writer = writer
        self._verifying = verifying
        self._max_batch_bytes = max_batch_bytes

    async def receive(self, session: Session, room: Share, data: bytes) -> None:
        """Verify a batch and hand it to the writer; a batch that is refused ends the session.

        Waits while the agent's share of the room is full, which stops the reading of its stream.
        """
        if self._too_large(session, "batch", len(data)):
            return
        size = len(data) + OVERHEAD_BYTES
        await room.take(size)
        batch = await self._verified(session, len(data), lambda: self._verify(session, data), lambda: data)
        if batch is None or batch.is_known:
            room.give(size)
        if batch is None:
            return
        if batch.is_known:
            session.received_again()
            return
        arrival = Arrival(session.head.journal_id, batch, session.backlog_end)
        self._watch(session, room, size, session.received(batch, self._writer.submit(arrival)))

    async def receive_live(self, session: Session, room: Share, message: LiveRecords) -> None:
        """Verify live records and hand them to the writer; like `receive`."""
        length = message.ByteSize()
        if self._too_large(session, "message of live records", length):
            return
        size = length + OVERHEAD_BYTES
        await room.take(size)
        verifier = session.head.verifier
        live = await self._verified(
            session, length, lambda: prepare_live(message, verifier), message.SerializeToString, "live"
        )
        if live is None:
            room.give(size)
            return
        arrival = LiveArrival(session.head.journal_id, live)
        self._watch(session, room, size, session.received_live(self._writer.submit(arrival)))

    def _too_large(self, session: Session, what: str, size: int) -> bool:
        if size <= self._max_batch_bytes:
            return False
        text = f"a {what} of {size} bytes; the largest that is accepted has {self._max_batch_bytes}"
        self._refuse(session, text, REFUSAL_CODE_TOO_LARGE)
        return True

    def _refuse(self, session: Session, text: str, code: RefusalCode.ValueType) -> None:
        _log.warning("refused", origin=session.head.origin, code=RefusalCode.Name(code), reason=text)
        session.end(Ending(text, refusal=code))

    def _watch(self, session: Session, room: Share, size: int, stored: asyncio.Future[Outcome]) -> None:
        """Give the room back when it is stored or not, and tell of a fork that was seen on the way."""

        def settled(future: asyncio.Future[Outcome]) -> None:
            room.give(size)
            outcome = None if future.cancelled() or future.exception() else future.result()
            if isinstance(outcome, Forked):
                _alarm(session, FORK, outcome.text)

        stored.add_done_callback(settled)

    async def _verified(
        self,
        session: Session,
        size: int,
        verify: Callable[[], T],
        as_it_came: Callable[[], bytes],
        flow: str = "batches",
    ) -> T | None:
        """What `verify` gives, verified and decoded; None when the session ends because of it."""
        try:
            return await self._run(session, (session.head.journal_id, flow), size, verify)
        except BatchError as error:
            kind = _QUARANTINED.get(type(error))
            if kind is not None:
                _alarm(session, kind, str(error))
                index = error.index if isinstance(error, ForkError) else None
                await self._quarantine(Refused(session.head.origin, kind, str(error), as_it_came(), index))
            self._refuse(session, str(error), _CODES.get(type(error), REFUSAL_CODE_MALFORMED))
        except StoreError as error:
            self._refuse(session, str(error), REFUSAL_CODE_UNAVAILABLE)
        return None

    async def _run(self, session: Session, flow: tuple[int, str], size: int, verify: Callable[[], T]) -> T:
        """Verify, in the other thread; once more when records were needed that were still on their way to the disk."""
        while True:
            try:
                return await self._verifying.run(flow, size, verify)
            except _NotYetStoredError:  # the thread is for everybody: it must not wait for this agent's records
                await session.until_stored()

    def _verify(self, session: Session, data: bytes) -> Prepared:
        def stored(start: int, end: int) -> Sequence[bytes]:
            if not session.all_is_stored:
                raise _NotYetStoredError
            with self._store.read() as connection:
                leaves = stored_leaves(connection, session.head.journal_id, start, end)
            if len(leaves) != end - start:
                raise StoreError(
                    f"records {start} to {end} of {session.head.origin} cannot be read back",
                    fix="run `gate-collector audit`",
                )
            return leaves

        return prepare(data, session.known, session.head.verifier, stored)

    async def _quarantine(self, refused: Refused) -> None:
        """Keep what was refused; the alarm does not depend on the disk."""
        # What came before it on this stream is stored before it, so that the record shows the order.
        kept = self._writer.run(lambda connection, now_ns: quarantine(connection, self._writer.ledger, refused, now_ns))
        try:
            await asyncio.wrap_future(kept)
        except StoreError as error:
            _log.error("what was quarantined could not be kept", origin=refused.origin, cause=str(error))


def _alarm(session: Session, kind: str, reason: str) -> None:
    _log.error("alarm: batch quarantined", kind=kind, origin=session.head.origin, reason=reason)
