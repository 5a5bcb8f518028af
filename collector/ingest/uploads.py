"""Evidence on its way in: so much at once that records never wait for pictures."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import grpc
import structlog
from sqlalchemy import Connection

from collector.errors import StoreError
from collector.ingest.evidence import EvidenceStore, Upload, UploadError, record_evidence
from collector.ingest.peers import Context, abort
from collector.ingest.writer import Writer
from gate_contract.kept import sign_kept
from gate_contract.v1.uplink_pb2 import EvidenceOffer, PutEvidenceRequest, PutEvidenceResponse

MOST_OF_AN_AGENT = 4
"""Uploads of one agent at once; more are refused."""

MOST_AT_ONCE = 16
"""Uploads of all agents that are received at once; others wait for their turn, with nothing but their offer read."""

SILENCE_S = 60.0
"""An upload of which nothing comes for so long, seconds, makes room for the next; what came is kept."""

T = TypeVar("T")

_log = structlog.get_logger()


class Uploads:
    """Receives blobs. Used from one event loop; the disk is used in threads of its own."""

    def __init__(self, evidence: EvidenceStore, writer: Writer) -> None:
        self._evidence = evidence
        self._writer = writer
        self._turn = asyncio.Semaphore(MOST_AT_ONCE)
        self._of_agent: Counter[str] = Counter()
        self._disk = ThreadPoolExecutor(2, "evidence")

    def close(self) -> None:
        """Release the threads."""
        self._disk.shutdown(wait=False, cancel_futures=True)

    async def receive(
        self, origin: str, requests: AsyncIterator[PutEvidenceRequest], context: Context
    ) -> AsyncIterator[PutEvidenceResponse]:
        """One blob from the agent whose journal `origin` is: the answers to send."""
        if self._of_agent[origin] >= MOST_OF_AN_AGENT:
            text = f"{MOST_OF_AN_AGENT} uploads of this agent are on their way already"
            _log.warning("evidence refused", origin=origin, reason=text)
            await abort(context, grpc.StatusCode.RESOURCE_EXHAUSTED, text)
        self._of_agent[origin] += 1
        try:
            async for response in self._answers(origin, aiter(requests)):
                yield response
        except UploadError as error:
            _log.warning("evidence refused", origin=origin, reason=str(error))
            await abort(context, error.status, str(error))
        except (OSError, StoreError) as error:
            _log.error("evidence could not be stored", origin=origin, cause=str(error))
            await abort(context, grpc.StatusCode.UNAVAILABLE, "the collector cannot store evidence now; try later")
        finally:
            self._of_agent[origin] -= 1
            self._of_agent += Counter()  # forget agents that have none

    async def _answers(
        self, origin: str, requests: AsyncIterator[PutEvidenceRequest]
    ) -> AsyncIterator[PutEvidenceResponse]:
        first = await _next(requests)
        if first is None or first.WhichOneof("body") != "offer":
            raise UploadError("evidence begins with an offer", status=grpc.StatusCode.INVALID_ARGUMENT)
        offer: EvidenceOffer = first.offer
        async with self._turn:
            with self._evidence.begin(offer, origin) as upload:
                await self._on_disk(upload.open)
                if not upload.is_whole:
                    yield PutEvidenceResponse(offset=upload.offset)
                    await self._receive(requests, upload)
                if not upload.is_whole:
                    return  # the agent broke off; what came is kept
                await self._on_disk(upload.finish)
        ledger = self._writer.ledger

        def note(connection: Connection, now_ns: int) -> int:
            record_evidence(connection, ledger, offer, origin, now_ns)
            return now_ns

        noted_ns = await asyncio.wrap_future(self._writer.run(note))
        promise = sign_kept(offer.sha256, offer.size, origin, self._writer.receipts, noted_ns // 10**9)
        yield PutEvidenceResponse(offset=offer.size, complete=True, note=promise)

    async def _receive(self, requests: AsyncIterator[PutEvidenceRequest], upload: Upload) -> None:
        """Write what comes until the blob is whole or the agent breaks off."""
        while not upload.is_whole:
            request = await _next(requests)
            if request is None:
                return
            if request.WhichOneof("body") != "chunk":
                raise UploadError("only chunks follow the offer", status=grpc.StatusCode.INVALID_ARGUMENT)
            chunk = request.chunk
            await self._on_disk(lambda chunk=chunk: upload.write(chunk))  # type: ignore[misc]  # bound now

    async def _on_disk(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._disk, work)


async def _next(requests: AsyncIterator[PutEvidenceRequest]) -> PutEvidenceRequest | None:
    """The agent's next message; None when there is none, or none in time."""
    try:
        return await asyncio.wait_for(anext(requests, None), SILENCE_S)
    except TimeoutError:
        return None
