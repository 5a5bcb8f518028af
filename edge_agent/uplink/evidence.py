"""Delivery of evidence: its own calls, resumable, rate-limited, never in the way of records."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Protocol

import grpc

from edge_agent.errors import UplinkError
from gate_contract.v1 import uplink_pb2 as pb
from gate_contract.v1.uplink_pb2_grpc import UplinkServiceStub

CHUNK = 131_072
RATE_BYTES_S = 4_000_000
"""Pictures of a busy lane come to far less; records keep the rest of the line."""

ANSWER_TIMEOUT_S = 60.0


class Blobs(Protocol):
    """What delivery needs of the evidence store."""

    def read(self, digest: bytes) -> bytes:
        """A blob's bytes."""

    def delivered(self, digest: bytes) -> None:
        """The collector confirmed it."""

    def lost(self, digest: bytes) -> None:
        """It is gone or altered here: it is not to be delivered any more."""


def deliver(channel: grpc.Channel, blobs: Blobs, item: tuple[bytes, int, str], stop: threading.Event) -> None:
    """Deliver one blob, given as (sha256, size, media type); it may be forgotten at the gate afterwards.

    Raises grpc.RpcError when the connection breaks (the next try resumes), UplinkError when the collector does not
    confirm, EvidenceLostError when the blob is gone or altered, JournalError when the disk fails.
    """
    digest, size, media_type = item
    data = blobs.read(digest)
    resume = threading.Event()
    offset = 0

    def requests() -> Iterator[pb.PutEvidenceRequest]:
        yield pb.PutEvidenceRequest(offer=pb.EvidenceOffer(sha256=digest, size=size, media_type=media_type))
        if not resume.wait(ANSWER_TIMEOUT_S):
            return
        for start in range(offset, size, CHUNK):
            yield pb.PutEvidenceRequest(chunk=data[start : start + CHUNK])
            if stop.wait(CHUNK / RATE_BYTES_S):
                return

    complete = False
    for response in UplinkServiceStub(channel).PutEvidence(requests(), timeout=ANSWER_TIMEOUT_S + size / RATE_BYTES_S):
        offset, complete = response.offset, response.complete
        resume.set()
        if complete:
            break
    if not complete:
        raise UplinkError(f"the collector did not confirm evidence {digest.hex()}")
    blobs.delivered(digest)
