"""One connection's record stream, against a collector made up for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge_agent.errors import JournalError, UplinkError
from edge_agent.journal.journal import Journal
from edge_agent.uplink.stream import RecordStream
from gate_contract.checkpoint import COSIGNATURE, Note, Signer
from gate_contract.v1 import uplink_pb2 as pb
from gate_contract.v1.batch_pb2 import Batch

AGENT = Signer("test/agent/a/0011223344556677", Ed25519PrivateKey.generate())
SERVICE = "gate_contract.v1.UplinkService"
COLLECTOR = Signer("test/collector", Ed25519PrivateKey.generate(), COSIGNATURE)

Requests = Iterator[pb.StreamRequest]
Answers = Callable[[Requests], Iterator[pb.StreamResponse]]


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    made = Journal(tmp_path / "journal.db", AGENT)
    yield made
    made.close()


@pytest.fixture
def stream(journal: Journal) -> RecordStream:
    return RecordStream(journal, COLLECTOR.verifier, "test", lambda: 7, lambda _size: None)


@contextmanager
def collector(answers: Answers) -> Iterator[grpc.Channel]:
    """A channel to a collector that answers so."""

    def serve(requests: Requests, _context: grpc.ServicerContext) -> Iterator[pb.StreamResponse]:
        return answers(requests)

    handler = grpc.stream_stream_rpc_method_handler(
        serve, pb.StreamRequest.FromString, pb.StreamResponse.SerializeToString
    )
    server = grpc.server(ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(SERVICE, {"Stream": handler})])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield channel
    finally:
        server.stop(None).wait()


def welcome(window_bytes: int = 1 << 20, max_batch_bytes: int = 1 << 20) -> pb.StreamResponse:
    return pb.StreamResponse(welcome=pb.Welcome(protocol=1, window_bytes=window_bytes, max_batch_bytes=max_batch_bytes))


def receipt(journal: Journal) -> pb.StreamResponse:
    """Over everything in the journal."""
    stretch = journal.stretch(0, 1 << 20, 1 << 20)
    assert stretch is not None
    note = COLLECTOR.cosign(Note.parse(stretch.note), 1).to_bytes()
    return pb.StreamResponse(receipt=pb.Receipt(note=note))


def test_records_go_up_until_the_collector_has_them_all(journal: Journal, stream: RecordStream) -> None:
    journal.append([b"one", b"two"])
    arrived: list[bytes] = []

    def answers(requests: Requests) -> Iterator[pb.StreamResponse]:
        assert next(requests).hello.size == 2
        yield welcome()
        arrived.extend(Batch.FromString(next(requests).batch).records)
        yield receipt(journal)

    with collector(answers) as channel:
        stream.run(channel, on_welcome=lambda: None)
    assert arrived == [b"one", b"two"]
    assert (journal.counts().acknowledged, journal.counts().pending) == (2, 0)


def test_a_receipt_for_what_was_never_sent_is_refused_in_words(journal: Journal, stream: RecordStream) -> None:
    journal.append([b"one"])
    journal.append([b"two"])

    def answers(requests: Requests) -> Iterator[pb.StreamResponse]:
        next(requests)
        answer = welcome(window_bytes=0, max_batch_bytes=1)  # room for the first record alone
        answer.welcome.receipt = receipt(journal).receipt.note
        yield answer
        list(requests)

    with collector(answers) as channel, pytest.raises(UplinkError, match="a receipt that cannot be"):
        stream.run(channel, on_welcome=lambda: None)


def test_records_that_are_not_there_any_more_end_the_stream_with_the_reason(
    journal: Journal, stream: RecordStream
) -> None:
    journal.append([b"one"])
    journal.append([b"two"])
    with journal._file.writing() as connection:
        connection.execute("DELETE FROM records WHERE record_index = 0")
        connection.execute("COMMIT")

    def answers(requests: Requests) -> Iterator[pb.StreamResponse]:
        next(requests)
        yield welcome()
        list(requests)

    with collector(answers) as channel, pytest.raises(JournalError, match="lacks records between 0 and 2"):
        stream.run(channel, on_welcome=lambda: None)


def test_a_stream_that_was_closed_before_it_began_never_begins(stream: RecordStream) -> None:
    stream.close()
    with collector(lambda _requests: iter(())) as channel:
        stream.run(channel, on_welcome=lambda: pytest.fail("it began"))


def test_each_connection_has_a_sender_of_its_own(journal: Journal, stream: RecordStream) -> None:
    """A sender that still waits when its connection has ended must not take what the next one has to send."""
    batches: list[int] = []

    def answers(requests: Requests) -> Iterator[pb.StreamResponse]:
        next(requests)
        yield welcome()
        if batches:
            journal.append([b"late"])
            stream.wake()
            next(requests)
            yield receipt(journal)
        batches.append(1)

    with collector(answers) as channel:
        for _ in range(2):
            stream.run(channel, on_welcome=lambda: None)
    assert journal.counts().pending == 0
