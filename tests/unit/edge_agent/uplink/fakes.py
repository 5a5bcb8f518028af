"""A journal in memory and a collector made up for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge_agent.errors import JournalError
from edge_agent.model.sealed import LiveItem, Stretch
from gate_contract.checkpoint import COSIGNATURE, Checkpoint, Note, Receipt, Signer
from gate_contract.envelope import encode_records, leaf_hashes
from gate_contract.merkle import Frontier, growth_proof
from gate_contract.v1 import uplink_pb2 as pb

AGENT = Signer("test/agent/a/0011223344556677", Ed25519PrivateKey.generate())
COLLECTOR = Signer("test/collector", Ed25519PrivateKey.generate(), COSIGNATURE)
SERVICE = "gate_contract.v1.UplinkService"

Requests = Iterator[pb.StreamRequest]
Answers = Callable[[Requests], Iterator[pb.StreamResponse]]


class FakeJournal:
    """What RecordStream needs of a journal, with a commit for each append."""

    def __init__(self) -> None:
        self.records: list[bytes] = []
        self.commits: list[tuple[int, int]] = []
        self.lost: set[int] = set()
        self.damaged = False
        self.forgets_live = False
        self.promised = (0, b"")

    @property
    def origin(self) -> str:
        return AGENT.name

    @property
    def size(self) -> int:
        return len(self.records)

    def append(self, *records: bytes) -> int:
        first = len(self.records)
        self.records += records
        self.commits.append((first, len(self.records)))
        return first

    def frontier(self, size: int) -> Frontier:
        return Frontier().grown(leaf_hashes(self.records[:size]))

    def note(self, size: int) -> bytes:
        return AGENT.sign(Checkpoint.of(AGENT.name, self.frontier(size)).body()).to_bytes()

    def stretch(self, first_index: int, max_records: int, max_bytes: int) -> Stretch | None:
        del max_bytes
        if self.damaged:
            raise JournalError("the journal cannot be read")
        ends = [end for _, end in self.commits if end > first_index]
        if not ends:
            return None
        end = max([each for each in ends if each - first_index <= max_records] or ends[:1])
        indices = range(first_index, end)
        bodies = [encode_records([self.records[index] for index in indices if index not in self.lost])]
        lost = tuple((index, leaf_hashes([self.records[index]])[0]) for index in indices if index in self.lost)
        return Stretch(first_index, end, bodies, lost, self.note(end))

    def live(self, index: int) -> LiveItem | None:
        if self.forgets_live:
            return None
        first, end = next(commit for commit in self.commits if commit[0] <= index < commit[1])
        leaves = leaf_hashes(self.records[first:end])
        proof = growth_proof(self.frontier(first), leaves, index - first)
        return LiveItem(index, self.records[index], proof, self.note(end))

    def receipt(self) -> tuple[int, bytes]:
        return self.promised

    def acknowledge(self, receipt: Receipt, note: bytes, dead_lettered: int, received_ns: int) -> None:
        del dead_lettered, received_ns
        if receipt.checkpoint.size >= self.promised[0]:
            self.promised = (receipt.checkpoint.size, note)


def receipt_note(journal: FakeJournal, size: int) -> bytes:
    """The collector's receipt over the first `size` records."""
    return COLLECTOR.cosign(Note.parse(journal.note(size)), 1).to_bytes()


def receipt(journal: FakeJournal, size: int) -> pb.StreamResponse:
    return pb.StreamResponse(receipt=pb.Receipt(note=receipt_note(journal, size)))


def welcome(size: int = 0, *, takes_live: bool = True, window_bytes: int = 1 << 20) -> pb.StreamResponse:
    return pb.StreamResponse(
        welcome=pb.Welcome(
            protocol=1, size=size, window_bytes=window_bytes, max_batch_bytes=1 << 20, takes_live=takes_live
        )
    )


@contextmanager
def collector(
    answers: Answers, evidence: Callable[..., Iterator[pb.PutEvidenceResponse]] | None = None
) -> Iterator[str]:
    """The address of a collector that answers so."""

    def serve(requests: Requests, _context: grpc.ServicerContext) -> Iterator[pb.StreamResponse]:
        return answers(requests)

    def take(
        requests: Iterator[pb.PutEvidenceRequest], context: grpc.ServicerContext
    ) -> Iterator[pb.PutEvidenceResponse]:
        assert evidence is not None
        return evidence(requests, context)

    methods: dict[str, grpc.RpcMethodHandler[Any, Any]] = {
        "Stream": grpc.stream_stream_rpc_method_handler(
            serve, pb.StreamRequest.FromString, pb.StreamResponse.SerializeToString
        ),
        "PutEvidence": grpc.stream_stream_rpc_method_handler(
            take, pb.PutEvidenceRequest.FromString, pb.PutEvidenceResponse.SerializeToString
        ),
    }
    server = grpc.server(ThreadPoolExecutor(8))
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(SERVICE, methods)])
    port = server.add_secure_port("127.0.0.1:0", grpc.local_server_credentials())
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None).wait()


def connect(address: str) -> grpc.Channel:
    """A channel to it."""
    return grpc.secure_channel(address, grpc.local_channel_credentials())
