"""The uplink's servicer in this process, without a network: calls with a context of the tests' own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any, NoReturn, Self

import grpc
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from collector.agents import registry
from collector.agents.authority import Authority
from collector.ingest.evidence import EvidenceStore
from collector.ingest.servicer import UplinkServicer
from collector.ingest.writer import Writer
from collector.store.engine import Store
from gate_contract.v1.uplink_pb2 import (
    EvidenceOffer,
    Hello,
    LiveRecords,
    PutEvidenceRequest,
    PutEvidenceResponse,
    StreamRequest,
    StreamResponse,
)
from tests.unit.collector.collected import DEPLOYMENT, START, Agent, Collected

WAIT_S = 60


class EndedError(Exception):
    """A call that was ended with a status."""

    def __init__(self, code: grpc.StatusCode, text: str) -> None:
        super().__init__(f"{code.name}: {text}")
        self.code, self.text = code, text


class Context:
    """A call from the machine with this certificate; none: a client without one."""

    def __init__(self, pem: bytes | None) -> None:
        self._pem = pem

    def auth_context(self) -> Mapping[str, Iterable[bytes]]:
        return {} if self._pem is None else {"x509_pem_cert": [self._pem]}

    def peer(self) -> str:
        return "ipv4:192.0.2.1:1234"

    async def abort(self, code: grpc.StatusCode, text: str) -> NoReturn:
        raise EndedError(code, text)


class Call:
    """One stream of an agent; what it sends and what it gets."""

    def __init__(self, servicer: UplinkServicer, context: Context) -> None:
        self._requests: asyncio.Queue[StreamRequest | None] = asyncio.Queue()
        self._responses = servicer.Stream(self._sent(), context)  # type: ignore[arg-type]  # a context of the tests' own

    async def _sent(self) -> AsyncIterator[StreamRequest]:
        while (request := await self._requests.get()) is not None:
            yield request

    def hello(self, agent: Agent, **fields: Any) -> None:
        all_fields: dict[str, Any] = {"protocol": 1, "origin": agent.origin, "size": len(agent.records)} | fields
        self._requests.put_nowait(StreamRequest(hello=Hello(**all_fields)))

    def send(self, batch: bytes) -> None:
        self._requests.put_nowait(StreamRequest(batch=batch))

    def send_live(self, message: LiveRecords) -> None:
        self._requests.put_nowait(StreamRequest(live=message))

    def finish(self) -> None:
        self._requests.put_nowait(None)

    async def next(self) -> StreamResponse:
        return await asyncio.wait_for(self._responses.__anext__(), WAIT_S)

    async def close(self) -> None:
        """As gRPC does when the call is over for whatever reason."""
        await self._responses.aclose()  # type: ignore[attr-defined]  # it is an async generator


class Uplink:
    """The servicer with its writer; a context manager within a running loop."""

    def __init__(
        self,
        collected: Collected,
        store: Store | None = None,
        authority: Authority | None = None,
        **settings: int,
    ) -> None:
        self._collected = collected
        self._authority = authority or Authority.make(DEPLOYMENT, START)
        self.woken = 0
        self.store = store or collected.store
        self.writer = Writer(self.store, collected.ledger, collected.receipts, lambda: collected.now_ns, self._wake)
        sizes = {"window_bytes": 1 << 20, "max_batch_bytes": 1 << 20} | settings
        self.servicer = UplinkServicer(
            self.store,
            self.writer,
            EvidenceStore(collected.state_dir),
            collected.receipts.verifier,
            window_bytes=sizes["window_bytes"],
            max_batch_bytes=sizes["max_batch_bytes"],
        )

    def _wake(self) -> None:
        self.woken += 1

    def __enter__(self) -> Self:
        self.writer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.servicer.close()
        self.writer.stop(WAIT_S)

    def certificate(self, agent: Agent) -> bytes:
        """A certificate of this agent, recorded as issued."""
        key = ec.generate_private_key(ec.SECP256R1())
        request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
        csr = request.public_bytes(serialization.Encoding.DER)
        issued = self._authority.issue_client(csr, agent.agent_id, agent.origin, 90, self._collected.now)
        with self._collected.store.write() as connection:
            journal = registry.find_journal(connection, agent.origin)
            assert journal is not None
            registry.record_certificate(connection, journal, issued)
        return issued.chain_pem

    def call(self, pem: bytes | None) -> Call:
        return Call(self.servicer, Context(pem))

    async def begun(self, agent: Agent, **hello: Any) -> Call:
        """A stream past its welcome."""
        call = self.call(self.certificate(agent))
        call.hello(agent, **hello)
        assert (await call.next()).WhichOneof("body") == "welcome"
        return call

    async def put(self, pem: bytes, *requests: PutEvidenceRequest) -> list[PutEvidenceResponse]:
        async def sent() -> AsyncIterator[PutEvidenceRequest]:
            for request in requests:
                yield request

        responses = self.servicer.PutEvidence(sent(), Context(pem))  # type: ignore[arg-type]  # a context of the tests'
        return [response async for response in responses]


def offer(digest: bytes, size: int) -> PutEvidenceRequest:
    """The first message of an upload."""
    return PutEvidenceRequest(offer=EvidenceOffer(sha256=digest, size=size, media_type="image/jpeg"))
