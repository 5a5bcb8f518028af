"""Who calls on the mutual TLS port, and whether it may: answered off the event loop, refused in words."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Any, NoReturn, TypeAlias, TypeVar

import grpc
import structlog
from sqlalchemy import Connection

from collector.agents.identity import PeerIdentity, authorise, identity_of
from collector.agents.registry import is_revoked
from collector.errors import EnrolmentError, StoreError
from collector.ledger.journal import JournalHead, head_of
from collector.store.engine import Store

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
T = TypeVar("T")

_log = structlog.get_logger()


class Peers:
    """Looks callers up in the database, in the thread of `reading`."""

    def __init__(self, store: Store, reading: Executor) -> None:
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

        def look(connection: Connection) -> JournalHead | None:
            authorise(connection, peer)
            return head_of(connection, peer.origin)

        try:
            head = await self._read(look)
        except EnrolmentError as error:
            await _refuse(context, error)
        except StoreError as error:
            _log.error("a journal cannot be read", origin=peer.origin, cause=str(error))
            await abort(context, grpc.StatusCode.UNAVAILABLE, "the collector's database cannot be read; try later")
        if head is None:
            raise AssertionError("an authorised journal has a head")
        return head

    async def revoked(self, origins: Sequence[str]) -> list[str]:
        """Those journals whose key is revoked; StoreError when the database cannot be read."""
        return await self._read(lambda connection: [origin for origin in origins if is_revoked(connection, origin)])

    async def _read(self, look: Callable[[Connection], T]) -> T:
        def read() -> T:
            with self._store.read() as connection:
                return look(connection)

        return await asyncio.get_running_loop().run_in_executor(self._reading, read)


async def abort(context: Context, code: grpc.StatusCode, text: str) -> NoReturn:
    """End the call."""
    await context.abort(code, text)
    raise AssertionError("abort does not return")


async def _refuse(context: Context, error: EnrolmentError) -> NoReturn:
    _log.warning("agent refused", peer=context.peer(), reason=str(error))
    await abort(context, grpc.StatusCode.PERMISSION_DENIED, str(error))
