"""Delivery of evidence, against a collector made up for each test."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from hashlib import sha256

import grpc
import pytest

from edge_agent.errors import EvidenceLostError, UplinkError
from edge_agent.uplink import pace
from edge_agent.uplink.evidence import Courier
from gate_contract.kept import check_kept, sign_kept
from gate_contract.v1 import uplink_pb2 as pb
from tests.unit.edge_agent.uplink.fakes import AGENT, COLLECTOR, collector, connect

PICTURE = bytes(range(256)) * 1000
ITEM = (sha256(PICTURE).digest(), len(PICTURE), "image/jpeg")

PROMISE = sign_kept(*ITEM[:2], AGENT.name, COLLECTOR, 17)

Offers = Iterator[pb.PutEvidenceRequest]


class FakeBlobs:
    """One picture, or what is left of it."""

    def __init__(self) -> None:
        self.done: list[bytes] = []
        self.gone = False

    def read(self, digest: bytes) -> bytes:
        assert digest == ITEM[0]
        if self.gone:
            raise EvidenceLostError("it is gone")
        return PICTURE

    def delivered(self, digest: bytes) -> None:
        self.done.append(digest)

    def lost(self, digest: bytes) -> None:
        raise AssertionError(f"{digest!r} is not lost")


class Shelf:
    """A collector's side: keeps what comes, and goes on there."""

    def __init__(self, held: bytes = b"", note: bytes = PROMISE) -> None:
        self.held, self.note = held, note
        self.calls: list[int] = []
        self.breaks_after: int | None = None

    def __call__(self, requests: Offers, context: grpc.ServicerContext) -> Iterator[pb.PutEvidenceResponse]:
        offer = next(requests).offer
        assert (offer.sha256, offer.size, offer.media_type) == ITEM
        self.calls.append(len(self.held))
        if len(self.held) < offer.size:
            yield pb.PutEvidenceResponse(offset=len(self.held))
            for request in requests:
                self.held += request.chunk
                if self.breaks_after is not None and len(self.held) >= self.breaks_after:
                    self.breaks_after = None
                    context.abort(grpc.StatusCode.UNAVAILABLE, "reset")
                if len(self.held) == offer.size:
                    break
        if len(self.held) == offer.size:
            yield pb.PutEvidenceResponse(offset=offer.size, complete=True, note=self.note)


@pytest.fixture
def blobs() -> FakeBlobs:
    return FakeBlobs()


@pytest.fixture
def courier(blobs: FakeBlobs) -> Courier:
    return Courier(blobs, lambda: False, check)


def check(note: bytes, digest: bytes, size: int) -> None:
    check_kept(note, digest, size, AGENT.name, COLLECTOR.verifier)


def deliver(courier: Courier, shelf: Callable[..., Iterator[pb.PutEvidenceResponse]]) -> None:
    with collector(lambda _: iter(()), shelf) as address, connect(address) as channel:
        courier.deliver(channel, ITEM, threading.Event())


def test_a_picture_goes_up_in_pieces_that_grow_with_the_line(courier: Courier, blobs: FakeBlobs) -> None:
    shelf = Shelf()
    deliver(courier, shelf)
    assert shelf.held == PICTURE
    assert blobs.done == [ITEM[0]]
    assert len(shelf.calls) > 1
    assert shelf.calls[1] == pace.LEAST_BYTES
    assert courier.sent_bytes == len(PICTURE)


def test_it_goes_on_where_a_connection_broke(courier: Courier, blobs: FakeBlobs) -> None:
    shelf = Shelf()
    shelf.breaks_after = 1
    with pytest.raises(grpc.RpcError):
        deliver(courier, shelf)
    assert blobs.done == []
    deliver(courier, shelf)
    assert shelf.held == PICTURE
    assert shelf.calls[1] > 0


def test_what_is_there_already_is_not_sent_again(courier: Courier, blobs: FakeBlobs) -> None:
    shelf = Shelf(PICTURE)
    deliver(courier, shelf)
    assert (shelf.calls, blobs.done) == ([len(PICTURE)], [ITEM[0]])


def test_a_collector_that_keeps_nothing_is_not_asked_for_ever(courier: Courier, blobs: FakeBlobs) -> None:
    def forgetful(requests: Offers, _context: grpc.ServicerContext) -> Iterator[pb.PutEvidenceResponse]:
        next(requests)
        yield pb.PutEvidenceResponse(offset=0)
        yield pb.PutEvidenceResponse(offset=0)  # says it twice: only the first time counts
        list(requests)

    with pytest.raises(UplinkError, match="did not confirm evidence"):
        deliver(courier, forgetful)
    assert blobs.done == []


def test_a_collector_that_says_nothing_has_not_confirmed(courier: Courier, blobs: FakeBlobs) -> None:
    with pytest.raises(UplinkError, match="did not confirm evidence"):
        deliver(courier, lambda _requests, _context: iter(()))
    assert blobs.done == []


@pytest.mark.parametrize(
    ("note", "cause"),
    [(b"", "without one"), (sign_kept(bytes(32), ITEM[1], AGENT.name, COLLECTOR, 17), "another blob")],
)
def test_a_picture_stays_until_its_own_promise_comes(
    courier: Courier, blobs: FakeBlobs, note: bytes, cause: str
) -> None:
    with pytest.raises(UplinkError, match=f"under its signature; it stays here.*{cause}"):
        deliver(courier, Shelf(PICTURE, note))
    assert blobs.done == []


def test_evidence_that_is_gone_is_told_before_anybody_is_asked(courier: Courier, blobs: FakeBlobs) -> None:
    blobs.gone = True
    with pytest.raises(EvidenceLostError):
        deliver(courier, Shelf())


def test_it_stops_between_two_pieces(blobs: FakeBlobs) -> None:
    stop, shelf = threading.Event(), Shelf()

    def busy() -> bool:
        stop.set()
        return True

    with collector(lambda _: iter(()), shelf) as address, connect(address) as channel:
        Courier(blobs, busy, check).deliver(channel, ITEM, stop)
    assert (shelf.calls, blobs.done) == ([0], [])
