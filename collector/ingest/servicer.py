"""The uplink: hello and welcome, batches up, receipts down. What blocks happens in other threads."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress

import grpc
import structlog
from sqlalchemy import Connection, update

from collector.agents.identity import PeerIdentity, note_used
from collector.errors import StoreError
from collector.ingest.accept import Stored, Taken
from collector.ingest.evidence import EvidenceStore
from collector.ingest.greeting import misfits
from collector.ingest.intake import Intake
from collector.ingest.peers import Context, Peers, abort
from collector.ingest.room import Room
from collector.ingest.session import Ending, Session, revoked
from collector.ingest.uploads import Uploads
from collector.ingest.verifying import VerifyingThread
from collector.ingest.writer import Writer
from collector.store import schema
from collector.store.alarms import keep_alarm, log_alarm
from collector.store.engine import Store
from gate_contract.checkpoint import Verifier
from gate_contract.v1.uplink_pb2 import (
    Hello,
    LiveTaken,
    PutEvidenceRequest,
    PutEvidenceResponse,
    Receipt,
    Refusal,
    StreamRequest,
    StreamResponse,
    Welcome,
)
from gate_contract.v1.uplink_pb2_grpc import UplinkServiceServicer

PROTOCOL = 1
"""Highest version of the uplink protocol spoken here."""

REVOCATION_CHECK_S = 1.0
"""How often open streams are checked against revocations, seconds."""

TAKEOVER_S = 5.0
"""How long a newer stream waits for the older one to end, seconds."""

MOST_STREAMS = 8
"""Streams of one agent at once: one serves, others are on their way in or out."""

SHORT_BACKLOG = 1000
"""An agent that has no more records than these to send has no backlog: its passages are judged with the live ones."""

HELLO_S = 30.0
"""How long a stream may take to say hello, seconds."""

_log = structlog.get_logger()

_REPLACED = Ending("a newer stream of this journal took over", status=grpc.StatusCode.ABORTED)
_STOPPING = Ending("the collector is stopping", status=grpc.StatusCode.UNAVAILABLE)
_FAULT = Ending("a fault in the collector; see its log", status=grpc.StatusCode.INTERNAL)
_NOT_A_BATCH = Ending("only batches and live records follow the hello", status=grpc.StatusCode.INVALID_ARGUMENT)
_DONE = Ending("")


class UplinkServicer(UplinkServiceServicer):
    """Serves agents on the mutual TLS port."""

    def __init__(
        self,
        store: Store,
        writer: Writer,
        evidence: EvidenceStore,
        receipts: Verifier,
        *,
        window_bytes: int,
        max_batch_bytes: int,
    ) -> None:
        """`receipts` is the public half of the cosigning key: a receipt that an agent shows is checked with it."""
        self._writer = writer
        self._receipts = receipts
        self._window_bytes = window_bytes
        self._max_batch_bytes = max_batch_bytes
        self._sessions: dict[str, Session] = {}
        self._open: Counter[str] = Counter()
        self._stopping = False
        self._room = Room()
        self._verifying = VerifyingThread()
        self._peers = Peers(store, self._verifying)
        self._intake = Intake(store, writer, self._verifying, max_batch_bytes=max_batch_bytes)
        self._uploads = Uploads(evidence, writer)

    # --- streams ------------------------------------------------------------------------------------------------

    async def Stream(  # noqa: N802 - gRPC's name
        self, request_iterator: AsyncIterator[StreamRequest], context: Context
    ) -> AsyncIterator[StreamResponse]:
        """One agent's stream."""
        peer = await self._peers.identify(context)
        if self._open[peer.origin] >= MOST_STREAMS:
            text = f"{MOST_STREAMS} streams of this agent are open already"
            _log.warning("stream refused", origin=peer.origin, reason=text)
            await abort(context, grpc.StatusCode.RESOURCE_EXHAUSTED, text)
        self._open[peer.origin] += 1
        try:
            hello = await self._hello(request_iterator, peer, context)
            async for response in self._serve(peer, hello, request_iterator, context):
                yield response
        finally:
            self._open[peer.origin] -= 1
            self._open += Counter()  # forget agents that have none

    async def _serve(
        self, peer: PeerIdentity, hello: Hello, requests: AsyncIterator[StreamRequest], context: Context
    ) -> AsyncIterator[StreamResponse]:
        """The stream after its hello."""
        session = await self._take_over(peer, hello, context)
        reading = asyncio.create_task(self._read(session, requests))
        in_order = False
        try:
            self._greet(session, peer, hello)
            yield self._welcome(session, hello)
            async for answer in session.answers():
                yield _response(answer)
            ending = session.ending or _DONE
            tell = _log.info if ending.refusal is None else _log.warning
            tell("stream ended", origin=peer.origin, size=session.durable.size, reason=ending.text)
            in_order = True
            if ending.refusal is not None:
                refusal = Refusal(code=ending.refusal, text=ending.text, size=session.durable.size)
                yield StreamResponse(refusal=refusal)
            elif ending.status is not grpc.StatusCode.OK:
                await abort(context, ending.status, ending.text)
        finally:
            if not in_order:
                # gRPC reads no message beyond twice the largest batch, ends the call, and does not say why.
                reason = f"the connection was lost, or a message has more than {2 * self._max_batch_bytes} bytes"
                _log.warning("stream broke off", origin=peer.origin, size=session.durable.size, reason=reason)
            reading.cancel()
            if self._sessions.get(peer.origin) is session:
                del self._sessions[peer.origin]
            session.over.set()

    async def _hello(self, requests: AsyncIterator[StreamRequest], peer: PeerIdentity, context: Context) -> Hello:
        try:
            first = await asyncio.wait_for(anext(aiter(requests), None), HELLO_S)
        except TimeoutError:
            await abort(context, grpc.StatusCode.DEADLINE_EXCEEDED, f"no hello within {HELLO_S:.0f} s")
        if first is None or first.WhichOneof("body") != "hello":
            await abort(context, grpc.StatusCode.INVALID_ARGUMENT, "a stream begins with a hello")
        hello = first.hello
        if hello.protocol < PROTOCOL:
            text = f"the agent speaks uplink protocol {hello.protocol}; this collector speaks {PROTOCOL}"
            await abort(context, grpc.StatusCode.FAILED_PRECONDITION, text)
        if hello.origin != peer.origin:
            text = f"the certificate is for the journal {peer.origin}, the hello says {hello.origin[:200]}"
            _log.warning("stream refused", peer=context.peer(), reason=text)
            await abort(context, grpc.StatusCode.PERMISSION_DENIED, text)
        return hello

    async def _take_over(self, peer: PeerIdentity, hello: Hello, context: Context) -> Session:
        """A session over the journal as it is durable; an older stream of it is ended first."""
        while True:
            await self._end_older(peer.origin)
            head = await self._peers.head(peer, context)
            if self._stopping:
                await abort(context, _STOPPING.status, _STOPPING.text)
            if peer.origin not in self._sessions:
                break
        is_backlog = hello.size - head.frontier.size > SHORT_BACKLOG
        session = self._sessions[peer.origin] = Session(head, backlog_end=hello.size if is_backlog else 0)
        return session

    async def _end_older(self, origin: str) -> None:
        older = self._sessions.get(origin)
        if older is None:
            return
        older.end(_REPLACED)
        # One that hangs on a dead connection is left behind: the writer refuses what does not fit the journal.
        with suppress(TimeoutError):
            await asyncio.wait_for(older.over.wait(), TAKEOVER_S)
        if self._sessions.get(origin) is older:
            del self._sessions[origin]

    async def _read(self, session: Session, requests: AsyncIterator[StreamRequest]) -> None:
        """Take messages off the stream until it or the session ends."""
        share = self._room.share(self._window_bytes)
        try:
            async for request in requests:
                kind = request.WhichOneof("body")
                if session.ending is None and kind == "batch":
                    await self._intake.receive(session, share, request.batch)
                elif session.ending is None and kind == "live":
                    await self._intake.receive_live(session, share, request.live)
                else:
                    session.end(_NOT_A_BATCH)
                await session.until_few_are_unanswered()
                if session.ending is not None:
                    return
            session.end(_DONE)
        except grpc.aio.BaseError:  # the call ended while its next message was awaited
            session.end(_DONE)
        except Exception:  # noqa: BLE001 - supervisor of this task: a fault must end its stream, not hang it
            _log.exception("the uplink met a fault", origin=session.head.origin)
            session.end(_FAULT)

    def _greet(self, session: Session, peer: PeerIdentity, hello: Hello) -> None:
        """Note who came, and raise an alarm when one of the two has lost something."""
        head = session.head
        alarms = list(misfits(head, hello, self._receipts))
        for alarm in alarms:
            log_alarm(alarm)
        seen = update(schema.journals).where(schema.journals.c.journal_id == head.journal_id)

        def note(connection: Connection, now_ns: int) -> None:
            connection.execute(seen.values(last_seen_ns=now_ns))
            note_used(connection, peer, now_ns)
            for alarm in alarms:
                keep_alarm(connection, self._writer.ledger, alarm, now_ns)

        self._writer.run(note)
        _log.info(
            "stream begun",
            origin=head.origin,
            agent_version=hello.agent_version[:100],
            size=hello.size,
            held=head.frontier.size,
        )

    def _welcome(self, session: Session, hello: Hello) -> StreamResponse:
        return StreamResponse(
            welcome=Welcome(
                protocol=min(PROTOCOL, hello.protocol),
                size=session.durable.size,
                receipt=session.durable.receipt,
                window_bytes=self._window_bytes,
                max_batch_bytes=self._max_batch_bytes,
                dead_lettered=session.durable.dead_lettered,
                takes_live=True,
            )
        )

    async def PutEvidence(  # noqa: N802 - gRPC's name
        self, request_iterator: AsyncIterator[PutEvidenceRequest], context: Context
    ) -> AsyncIterator[PutEvidenceResponse]:
        """One blob of evidence."""
        peer = await self._peers.identify(context)
        await self._peers.head(peer, context)
        async for response in self._uploads.receive(peer.origin, request_iterator, context):
            yield response

    # --- the server's side --------------------------------------------------------------------------------------

    async def watch(self) -> None:
        """End the streams of keys that are revoked while they send; runs until it is cancelled."""
        while True:
            await asyncio.sleep(REVOCATION_CHECK_S)
            try:
                found = await self._peers.revoked(list(self._sessions))
            except StoreError as error:
                _log.error("revocations could not be checked", cause=str(error))
                continue
            for origin, reason in found.items():
                if origin in self._sessions:
                    self._sessions[origin].end(revoked(reason))

    async def drain(self) -> None:
        """Answer what was received, then end all streams; no new ones are taken."""
        self._stopping = True
        sessions = list(self._sessions.values())
        for session in sessions:
            session.end(_STOPPING)
        await asyncio.gather(*(session.over.wait() for session in sessions))

    def close(self) -> None:
        """Release the threads."""
        self._verifying.close()
        self._uploads.close()


def _response(answer: Stored | Taken) -> StreamResponse:
    if isinstance(answer, Taken):
        return StreamResponse(live=LiveTaken(indices=answer.indices))
    return StreamResponse(receipt=Receipt(note=answer.receipt, dead_lettered=answer.dead_lettered))
