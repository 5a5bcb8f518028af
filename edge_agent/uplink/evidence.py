"""Delivery of evidence: its own calls, resumable, rate-limited, never in the way of records."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Event
from typing import Protocol

import grpc

from edge_agent.errors import UplinkError
from edge_agent.uplink.pace import Pace
from gate_contract.checkpoint import NoteError
from gate_contract.v1 import uplink_pb2 as pb
from gate_contract.v1.uplink_pb2_grpc import UplinkServiceStub

CHUNK = 65_536
ANSWER_TIMEOUT_S = 120.0
"""For one piece of at most 1 MiB; on a line that is slower the next try goes on with what had arrived."""


class Blobs(Protocol):
    """What delivery needs of the evidence store."""

    def read(self, digest: bytes) -> bytes:
        """A blob's bytes."""

    def delivered(self, digest: bytes) -> None:
        """The collector confirmed it."""

    def lost(self, digest: bytes) -> None:
        """It is gone or altered here: it is not to be delivered any more."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """Of one piece: how much the collector has now, and whether that is all of it and durable, promised in `note`."""

    held: int
    complete: bool
    note: bytes = b""


class Courier:
    """Delivers blobs, one at a time, piece by piece. Used by one thread."""

    def __init__(
        self,
        blobs: Blobs,
        busy: Callable[[], bool],
        check_kept: Callable[[bytes, bytes, int], None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`busy` says whether records wait: then evidence takes a small part of the line.

        `check_kept` checks the collector's note that it keeps a blob of this SHA-256 and size; it raises NoteError.
        """
        self._blobs, self._busy, self._check_kept, self._monotonic = blobs, busy, check_kept, monotonic
        self._pace = Pace()
        self.sent_bytes = 0
        """Bytes of blobs that went up since the start, those sent again too."""

    def deliver(self, channel: grpc.Channel, item: tuple[bytes, int, str], stop: Event) -> None:
        """Deliver one blob, given as (sha256, size, media type); it may be forgotten at the gate afterwards.

        Returns early when `stop` is set. Raises grpc.RpcError when the connection breaks (the next try resumes),
        UplinkError when the collector does not confirm, EvidenceLostError when the blob is gone or altered,
        JournalError when the disk fails.
        """
        digest, size, media_type = item
        data = memoryview(self._blobs.read(digest))
        offer = pb.EvidenceOffer(sha256=digest, size=size, media_type=media_type)
        held = -1
        while not stop.is_set():
            answer = self._piece(channel, offer, data, stop)
            if answer.complete:
                self._check(answer.note, digest, size)
                self._blobs.delivered(digest)
                return
            if answer.held <= held:
                raise UplinkError(f"the collector did not confirm evidence {digest.hex()}")
            held = answer.held

    def _check(self, note: bytes, digest: bytes, size: int) -> None:
        try:
            self._check_kept(note, digest, size)
        except NoteError as error:
            raise UplinkError(
                f"the collector did not confirm evidence {digest.hex()} under its signature; it stays here",
                cause=str(error) if note else "it said so without one",
                fix="upgrade the collector first; if it is as new as this agent, somebody stands in between",
            ) from error

    def _piece(self, channel: grpc.Channel, offer: pb.EvidenceOffer, data: memoryview, stop: Event) -> _Answer:
        """Offer the blob, and send as much as one piece may hold of what the collector lacks."""
        requests: SimpleQueue[pb.PutEvidenceRequest | None] = SimpleQueue()
        requests.put(pb.PutEvidenceRequest(offer=offer))
        offered = answered = self._monotonic()
        piece: memoryview | None = None
        answer = _Answer(0, complete=False)
        try:
            for response in UplinkServiceStub(channel).PutEvidence(iter(requests.get, None), timeout=ANSWER_TIMEOUT_S):
                if response.complete:
                    answer = _Answer(response.offset, complete=True, note=response.note)
                elif piece is None:
                    answered = self._monotonic()
                    piece = data[response.offset : response.offset + self._pace.piece_bytes]
                    answer = _Answer(response.offset + len(piece), complete=False)
                    for start in range(0, len(piece), CHUNK):
                        requests.put(pb.PutEvidenceRequest(chunk=bytes(piece[start : start + CHUNK])))
                    self.sent_bytes += len(piece)
                    requests.put(None)  # what came is kept, and the next piece goes on there
        finally:
            requests.put(None)
        if piece is not None:
            took_s = self._monotonic() - answered
            self._pace.took(len(piece), answered - offered, took_s)
            stop.wait(self._pace.pause_s(len(piece), took_s, busy=self._busy()))
        return answer
