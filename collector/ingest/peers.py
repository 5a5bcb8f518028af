"""Who calls on the mutual TLS port, and whether it may: answered off the event loop, refused in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NoReturn, TypeAlias, TypeVar

import grpc
import structlog
from sqlalchemy import Connection, select

from collector.agents.identity import PeerIdentity, authorise, identity_of
from collector.errors import EnrolmentError, StoreError
from collector.ingest.verifying import VerifyingThread
from collector.ledger.journal import JournalHead, head_by_id
from collector.reconcile.queue import AT_ONCE, portions
from collector.store import schema
from collector.store.engine import Store

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
T = TypeVar("T")

_log = structlog.get_logger()


class Peers:
    """Looks callers up in the database, in the thread `reading`, ahead of what is to be verified there."""

    def __init__(self, store: Store, reading: VerifyingThread) -> None:
        self._store = store
        self._reading = reading

    async def identify(self, context: Context) -> PeerIdentity:
        """What the caller's certificate says; the call ends when it names no journal."""
        try:
            return identity_of(context)
        except EnrolmentError as error:
            await _refuse(context, error)

    async def head(self, peer: PeerIdentity, context: Context) -> JournalHead:
        """Head of the peer's journal; the call ends with PERMISSION_DENIED when it may not send."""

        def look(connection: Connection) -> JournalHead:
            return head_by_id(connection, authorise(connection, peer).journal_id)

        try:
            return await self._read(look)
        except EnrolmentError as error:
            await _refuse(context, error)
        except StoreError as error:
            _log.error("a journal cannot be read", origin=peer.origin, cause=str(error))
            await abort(context, grpc.StatusCode.UNAVAILABLE, "the collector's database cannot be read; try later")

    async def revoked(self, origins: Sequence[str]) -> dict[str, str]:
        """Those journals whose key is revoked, with the operator's reason; StoreError when it cannot be read."""
        table = schema.journals.c
        query = select(table.origin, table.revoked_reason).where(table.revoked_ns.is_not(None))

        def look(connection: Connection) -> dict[str, str]:
            found: dict[str, str] = {}
            for some in portions(origins, AT_ONCE):
                for row in connection.execute(query.where(table.origin.in_(some))):
                    found[row.origin] = row.revoked_reason or ""
            return found

        return await self._read(look)

    async def _read(self, look: Callable[[Connection], T]) -> T:
        def read() -> T:
            with self._store.read() as connection:
                return look(connection)

        return await self._reading.run(None, 0, read, urgent=True)


async def abort(context: Context, code: grpc.StatusCode, text: str) -> NoReturn:
    """End the call."""
    await context.abort(code, text)


async def _refuse(context: Context, error: EnrolmentError) -> NoReturn:
    _log.warning("agent refused", peer=context.peer(), reason=str(error))
    await abort(context, grpc.StatusCode.PERMISSION_DENIED, str(error))
