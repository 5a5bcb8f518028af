"""The uplink: hello and welcome, batches up, receipts down. Everything that blocks happens in other threads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import grpc
import structlog
from sqlalchemy import update

from collector.agents.identity import PeerIdentity
from collector.errors import StoreError
from collector.ingest.evidence import EvidenceStore, Upload, UploadError, record_evidence
from collector.ingest.intake import Intake
from collector.ingest.peers import Context, Peers, abort
from collector.ingest.session import REVOKED, Ending, Session
from collector.ingest.window import MAX_WAITING_BYTES, Window
from collector.ingest.writer import Writer
from collector.store import schema
from collector.store.engine import Store
from gate_contract.checkpoint import NoteError, Verifier, open_receipt
from gate_contract.v1.uplink_pb2 import (
    Hello,
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

_log = structlog.get_logger()

_REPLACED = Ending("a newer stream of this journal took over", status=grpc.StatusCode.ABORTED)
_STOPPING = Ending("the collector is stopping", status=grpc.StatusCode.UNAVAILABLE)
_FAULT = Ending("a fault in the collector; see its log", status=grpc.StatusCode.INTERNAL)
_NOT_A_BATCH = Ending("only batches follow the hello", status=grpc.StatusCode.INVALID_ARGUMENT)
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
        self._evidence = evidence
        self._receipts = receipts
        self._window_bytes = window_bytes
        self._max_batch_bytes = max_batch_bytes
        self._sessions: dict[str, Session] = {}
        self._stopping = False
        # One thread: verification is bound by the interpreter, more would only take turns.
        self._verifying = ThreadPoolExecutor(1, "verify")
        self._peers = Peers(store, self._verifying)
        self._intake = Intake(
            store, writer, self._verifying, Window(MAX_WAITING_BYTES), max_batch_bytes=max_batch_bytes
        )

    # --- streams ------------------------------------------------------------------------------------------------

    async def Stream(  # noqa: N802 - gRPC's name
        self, request_iterator: AsyncIterator[StreamRequest], context: Context
    ) -> AsyncIterator[StreamResponse]:
        """One agent's stream."""
        peer = await self._peers.identify(context)
        hello = await self._hello(request_iterator, peer, context)
        session = await self._take_over(peer, context)
        reading = asyncio.create_task(self._read(session, request_iterator))
        try:
            self._greet(session, hello)
            yield self._welcome(session, hello)
            async for durable in session.receipts():
                yield StreamResponse(receipt=Receipt(note=durable.receipt, dead_lettered=durable.dead_lettered))
            ending = session.ending or _DONE
            _log.info("stream ended", origin=peer.origin, size=session.durable.size, reason=ending.text)
            if ending.refusal is not None:
                refusal = Refusal(code=ending.refusal, text=ending.text, size=session.durable.size)
                yield StreamResponse(refusal=refusal)
            elif ending.status is not grpc.StatusCode.OK:
                await abort(context, ending.status, ending.text)
        finally:
            reading.cancel()
            if self._sessions.get(peer.origin) is session:
                del self._sessions[peer.origin]
            session.over.set()

    async def _hello(self, requests: AsyncIterator[StreamRequest], peer: PeerIdentity, context: Context) -> Hello:
        first = await anext(aiter(requests), None)
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

    async def _take_over(self, peer: PeerIdentity, context: Context) -> Session:
        """A session over the journal as it is durable; an older stream of it is ended first."""
        while True:
            await self._end_older(peer.origin)
            head = await self._peers.head(peer, context)
            if self._stopping:
                await abort(context, _STOPPING.status, _STOPPING.text)
            if peer.origin not in self._sessions:
                break
        session = self._sessions[peer.origin] = Session(head)
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
        """Take batches off the stream until it or the session ends."""
        window = Window(self._window_bytes)
        try:
            async for request in requests:
                if request.WhichOneof("body") != "batch":
                    session.end(_NOT_A_BATCH)
                elif session.ending is None:
                    await self._intake.receive(session, window, request.batch)
                if session.ending is not None:
                    return
            session.end(_DONE)
        except grpc.aio.BaseError:  # the call ended while its next message was awaited
            session.end(_DONE)
        except Exception:  # noqa: BLE001 - supervisor of this task: a fault must end its stream, not hang it
            _log.exception("the uplink met a fault", origin=session.head.origin)
            session.end(_FAULT)

    def _greet(self, session: Session, hello: Hello) -> None:
        """Log who came, and alarm when one of the two has lost something."""
        head, held = session.head, session.head.frontier.size
        seen = update(schema.journals).where(schema.journals.c.journal_id == head.journal_id)
        self._writer.run(lambda connection, now_ns: connection.execute(seen.values(last_seen_ns=now_ns)))
        _log.info(
            "stream begun", origin=head.origin, agent_version=hello.agent_version[:100], size=hello.size, held=held
        )
        if hello.size < held:
            _log.error(
                "alarm: a journal is shorter than its receipt; its machine lost records or was restored",
                origin=head.origin,
                size=hello.size,
                held=held,
            )
        if not hello.receipt:
            return
        try:
            receipted = open_receipt(hello.receipt, self._receipts, head.origin).checkpoint.size
        except NoteError as error:
            _log.error("alarm: an agent shows a receipt that is not ours", origin=head.origin, reason=str(error))
            return
        if receipted > held:
            _log.error(
                "alarm: this collector gave a receipt for more than it holds; it was restored from an old backup",
                origin=head.origin,
                receipted=receipted,
                held=held,
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
            )
        )

    # --- evidence -----------------------------------------------------------------------------------------------

    async def PutEvidence(  # noqa: N802 - gRPC's name
        self, request_iterator: AsyncIterator[PutEvidenceRequest], context: Context
    ) -> AsyncIterator[PutEvidenceResponse]:
        """One blob of evidence."""
        peer = await self._peers.identify(context)
        await self._peers.head(peer, context)
        requests = aiter(request_iterator)
        first = await anext(requests, None)
        if first is None or first.WhichOneof("body") != "offer":
            await abort(context, grpc.StatusCode.INVALID_ARGUMENT, "evidence begins with an offer")
        offer = first.offer
        try:
            with self._evidence.begin(offer, peer.origin) as upload:
                await asyncio.to_thread(upload.open)
                if not upload.is_whole:
                    yield PutEvidenceResponse(offset=upload.offset)
                    await _receive(requests, upload)
                if not upload.is_whole:
                    return  # the agent broke off; what came is kept
                await asyncio.to_thread(upload.finish)
            await asyncio.wrap_future(self._writer.run(lambda conn, now_ns: record_evidence(conn, offer, now_ns)))
            yield PutEvidenceResponse(offset=offer.size, complete=True)
        except UploadError as error:
            _log.warning("evidence refused", origin=peer.origin, reason=str(error))
            await abort(context, error.status, str(error))
        except (OSError, StoreError) as error:
            _log.error("evidence could not be stored", origin=peer.origin, cause=str(error))
            await abort(context, grpc.StatusCode.UNAVAILABLE, "the collector cannot store evidence now; try later")

    # --- the server's side --------------------------------------------------------------------------------------

    async def watch(self) -> None:
        """End the streams of keys that are revoked while they send; runs until it is cancelled."""
        while True:
            await asyncio.sleep(REVOCATION_CHECK_S)
            try:
                revoked = await self._peers.revoked(list(self._sessions))
            except StoreError as error:
                _log.error("revocations could not be checked", cause=str(error))
                continue
            for origin in revoked:
                if origin in self._sessions:
                    self._sessions[origin].end(REVOKED)

    async def drain(self) -> None:
        """Answer what was received, then end all streams; no new ones are taken."""
        self._stopping = True
        sessions = list(self._sessions.values())
        for session in sessions:
            session.end(_STOPPING)
        await asyncio.gather(*(session.over.wait() for session in sessions))

    def close(self) -> None:
        """Release the verifying thread."""
        self._verifying.shutdown(cancel_futures=True)


async def _receive(requests: AsyncIterator[PutEvidenceRequest], upload: Upload) -> None:
    """Write what comes until the blob is whole or the agent breaks off."""
    while not upload.is_whole:
        request = await anext(requests, None)
        if request is None:
            return
        if request.WhichOneof("body") != "chunk":
            raise UploadError("only chunks follow the offer", status=grpc.StatusCode.INVALID_ARGUMENT)
        await asyncio.to_thread(upload.write, request.chunk)
