"""gRPC servicer of the reference data."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import TypeVar

import grpc
import structlog
from sqlalchemy import Connection

from collector.agents.identity import authorise, identity_of
from collector.downlink.feed import Feed
from collector.downlink.slices import Page, Position, end_index, next_page
from collector.errors import EnrolmentError, StoreError
from collector.ingest.peers import Context, abort
from collector.store.engine import Store
from gate_contract.v1.reference_pb2 import (
    FetchDeclarationsRequest,
    FetchDeclarationsResponse,
    FollowRequest,
    FollowResponse,
)
from gate_contract.v1.reference_pb2_grpc import ReferenceServiceServicer

T = TypeVar("T")

_log = structlog.get_logger()


class ReferenceServicer(ReferenceServiceServicer):
    """Gives each gate what is for its own site, and no other's."""

    def __init__(self, store: Store, feed: Feed, clock: Callable[[], int] = time.time_ns) -> None:
        """Reads from `store`, off the event loop; `feed` reads the same. `clock` gives Unix nanoseconds."""
        self._store, self._feed, self._clock = store, feed, clock

    async def Follow(self, request: FollowRequest, context: Context) -> AsyncIterator[FollowResponse]:  # noqa: N802 - gRPC's name
        """Slices for the caller's site from a position on; ends when the caller leaves, or is revoked."""
        try:
            identity = identity_of(context)
            site_id = await self._read(lambda connection: authorise(connection, identity).site_id)
            steps = self._feed.steps(identity.origin, site_id, request.position)
            async with self._feed.following(identity.origin), aclosing(steps) as responses:
                async for response in responses:
                    yield response
        except EnrolmentError as error:
            _log.warning("agent refused", peer=context.peer(), reason=str(error))
            await abort(context, grpc.StatusCode.PERMISSION_DENIED, str(error))
        except StoreError as error:
            _log.error("reference data cannot be read", cause=str(error))
            await abort(context, grpc.StatusCode.UNAVAILABLE, "the collector's database cannot be read; try later")

    async def FetchDeclarations(  # noqa: N802 - gRPC's name
        self, request: FetchDeclarationsRequest, context: Context
    ) -> AsyncIterator[FetchDeclarationsResponse]:
        """Declarations of the caller's site from a position on."""
        try:
            identity = identity_of(context)
            site_id, end = await self._read(
                lambda connection: (authorise(connection, identity).site_id, end_index(connection))
            )
            known = Position.parse(request.position)
            position = known.resumed(end, self._clock())
            if position != known and position.index == end:
                yield FetchDeclarationsResponse(position=position.pack())  # another day; nothing to send
            while position.index < end:
                page = await self._read(self._page(site_id, position, end))
                position = page.position
                yield FetchDeclarationsResponse(declarations=page.bodies, position=position.pack())
        except EnrolmentError as error:
            _log.warning("agent refused", peer=context.peer(), reason=str(error))
            await abort(context, grpc.StatusCode.PERMISSION_DENIED, str(error))
        except StoreError as error:
            _log.error("declarations cannot be read", cause=str(error))
            await abort(context, grpc.StatusCode.UNAVAILABLE, "the collector's database cannot be read; try later")

    def _page(self, site_id: str, position: Position, end: int) -> Callable[[Connection], Page]:
        return lambda connection: next_page(connection, site_id, position, end)

    async def _read(self, look: Callable[[Connection], T]) -> T:
        def read() -> T:
            with self._store.read() as connection:
                return look(connection)

        return await asyncio.to_thread(read)
