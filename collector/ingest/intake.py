"""What happens to one batch that arrived: room for it, verification, and on to the writer, or a refusal."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import Executor

import structlog

from collector.errors import StoreError
from collector.ingest.accept import Arrival, Prepared, prepare
from collector.ingest.quarantine import BAD_SEAL, FORK, Refused, quarantine
from collector.ingest.session import Ending, Session
from collector.ingest.window import OVERHEAD_BYTES, Window
from collector.ingest.writer import Writer
from collector.ledger.journal import stored_records
from collector.store.engine import Store
from gate_contract.envelope import BadSealError, BatchError, ForkError, GapError
from gate_contract.v1.uplink_pb2 import (
    REFUSAL_CODE_BAD_SEAL,
    REFUSAL_CODE_FORK,
    REFUSAL_CODE_GAP,
    REFUSAL_CODE_MALFORMED,
    REFUSAL_CODE_TOO_LARGE,
    REFUSAL_CODE_UNAVAILABLE,
    RefusalCode,
)

_log = structlog.get_logger()


class Intake:
    """Takes batches off the streams. Used from the event loop; verifies in `verifying`'s thread."""

    def __init__(
        self, store: Store, writer: Writer, verifying: Executor, waiting: Window, *, max_batch_bytes: int
    ) -> None:
        """`waiting` bounds the unanswered bytes of all agents together."""
        self._store = store
        self._writer = writer
        self._verifying = verifying
        self._waiting = waiting
        self._max_batch_bytes = max_batch_bytes

    async def receive(self, session: Session, window: Window, data: bytes) -> None:
        """Verify a batch and hand it to the writer; a batch that is refused ends the session.

        Waits while the agent's window or the room for all agents is full, which stops the reading of its stream.
        """
        if len(data) > self._max_batch_bytes:
            text = f"a batch of {len(data)} bytes; the largest that is accepted has {self._max_batch_bytes}"
            session.end(Ending(text, refusal=REFUSAL_CODE_TOO_LARGE))
            return
        size = len(data) + OVERHEAD_BYTES
        await window.take(size)
        await self._waiting.take(size)

        def give_back(_: object = None) -> None:
            window.give(size)
            self._waiting.give(size)

        batch = await self._verified(session, data)
        if batch is None or batch.is_known:
            give_back()
        if batch is None:
            return
        if batch.is_known:
            session.received_again()
            return
        stored = session.received(batch, self._writer.submit(Arrival(session.head.journal_id, batch)))
        stored.add_done_callback(give_back)

    async def _verified(self, session: Session, data: bytes) -> Prepared | None:
        """The batch, verified and decoded; None when the session ends because of it."""
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._verifying, self._verify, session, data)
        except ForkError as error:
            await self._quarantine(session, Refused(session.head.origin, FORK, str(error), data))
            session.end(Ending(str(error), refusal=REFUSAL_CODE_FORK))
        except BadSealError as error:
            await self._quarantine(session, Refused(session.head.origin, BAD_SEAL, str(error), data))
            session.end(Ending(str(error), refusal=REFUSAL_CODE_BAD_SEAL))
        except BatchError as error:
            code: RefusalCode.ValueType = REFUSAL_CODE_MALFORMED
            if isinstance(error, GapError):
                code = REFUSAL_CODE_GAP
            _log.warning("batch refused", origin=session.head.origin, reason=str(error))
            session.end(Ending(str(error), refusal=code))
        except StoreError as error:
            session.end(Ending(str(error), refusal=REFUSAL_CODE_UNAVAILABLE))
        return None

    def _verify(self, session: Session, data: bytes) -> Prepared:
        def stored(start: int, end: int) -> Sequence[bytes]:
            session.wait_until_stored()
            with self._store.read() as connection:
                records = stored_records(connection, session.head.journal_id, start, end)
            if len(records) != end - start:
                raise StoreError(
                    f"records {start} to {end} of {session.head.origin} cannot be read back",
                    fix="run `gate-collector audit`",
                )
            return records

        return prepare(data, session.known, session.head.verifier, stored)

    async def _quarantine(self, session: Session, refused: Refused) -> None:
        """Raise the alarm and keep what was refused; the alarm does not depend on the disk."""
        _log.error("alarm: batch quarantined", kind=refused.kind, origin=refused.origin, reason=refused.detail)
        # What came before it on this stream is stored before it, so that the record shows the order.
        kept = self._writer.run(lambda connection, now_ns: quarantine(connection, refused, now_ns))
        try:
            await asyncio.wrap_future(kept)
        except StoreError as error:
            _log.error("the quarantined batch could not be kept", origin=session.head.origin, cause=str(error))
