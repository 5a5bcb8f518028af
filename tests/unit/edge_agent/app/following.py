"""A collector that says what a test puts in, and a gate that follows it."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import grpc
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge_agent.app.reference import ReferenceDesk
from edge_agent.model.moment import Moment, MonoNs, WallNs
from gate_contract.checkpoint import COSIGNATURE, Signer
from gate_contract.reference import key_digest, sign_slice, slice_origin
from gate_contract.v1 import register_pb2 as pb
from gate_contract.v1.record_pb2 import Incident
from gate_contract.v1.reference_pb2 import (
    FetchDeclarationsRequest,
    FetchDeclarationsResponse,
    FollowRequest,
    FollowResponse,
    SailingKey,
    Slice,
)
from gate_contract.v1.reference_pb2_grpc import ReferenceServiceServicer, add_ReferenceServiceServicer_to_server
from tests.unit.gate_contract.test_orders import NOON, an_officer, an_order, signed

DEADLINE_S = 60.0
SECOND = 10**9
SITE = "haikou"
KEY = Ed25519PrivateKey.generate()
RECEIPTS = Signer("hainan.example/collector", KEY, COSIGNATURE)
NOT_FOLLOWED = "This gate does not follow control order"
versions = count(1)


def item(kind: int, key: str, body: Any, **fields: Any) -> bytes:
    return pb.RegisterItem(
        format=1,
        kind=kind,  # type: ignore[arg-type]  # any number
        key=key,
        version=next(versions),
        body=body.SerializeToString(),
        **fields,
    ).SerializeToString()


OFFICERS = [item(pb.ITEM_KIND_OFFICER, name, an_officer(name)) for name in ("wang", "li")]


def order(order_id: str = "O-1", *, author: str = "wang", **fields: Any) -> bytes:
    return item(pb.ITEM_KIND_ORDER, order_id, signed(an_order(order_id=order_id, **fields), author))


@dataclass
class Collector(ReferenceServiceServicer):
    """Says to the next follower what the test put in, and ends the stream."""

    said: list[FollowResponse] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)
    position: int = 0
    site: str = SITE

    def say(
        self,
        *items: bytes,
        complete: bool = True,
        start: int | None = None,
        keys: Sequence[SailingKey] = (),
        **more: Any,
    ) -> None:
        """A slice that goes on from the one before, made a nanosecond after it."""
        made = Slice(
            site_id=self.site,
            from_position=self.position if start is None else start,
            position=self.position + 1,
            items=items,
            complete=complete,
            key_digests=map(key_digest, keys),
            **{"made_unix_ns": NOON + next(versions)} | more,
        )
        self.position += 1
        data = made.SerializeToString()
        note = sign_slice(data, made.position, slice_origin("hainan.example", self.site), RECEIPTS, 1)
        self.said.append(FollowResponse(slice=data, note=note, keys=keys))

    def FetchDeclarations(  # noqa: N802 - gRPC's name
        self, _request: FetchDeclarationsRequest, _context: Any
    ) -> Iterator[FetchDeclarationsResponse]:
        raise NotImplementedError  # whoever follows does not fetch

    def Follow(self, request: FollowRequest, _context: Any) -> Iterator[FollowResponse]:  # noqa: N802 - gRPC's name
        self.asked.append(request.position)
        said, self.said = self.said, []
        yield from said


@dataclass
class Gate:
    """A desk, its collector, and what it told."""

    desk: ReferenceDesk
    collector: Collector
    channel: grpc.Channel
    incidents: list[Incident]
    now: list[Moment]
    over: threading.Event = field(default_factory=threading.Event)

    def keep(self) -> None:
        """Take all that was said, to the stream's end."""
        self.desk.keep(self.channel, self.over)

    def told(self) -> list[tuple[str, str]]:
        return [(each.code, each.text) for each in self.incidents]


def moment(wall: int = NOON, mono: int = 10**15) -> Moment:
    return Moment(WallNs(wall), MonoNs(mono), bytes(16), synchronised=True)


@contextmanager
def serving(servicer: ReferenceServiceServicer) -> Iterator[grpc.Channel]:
    server = grpc.server(futures.ThreadPoolExecutor(4))
    add_ReferenceServiceServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield channel
    server.stop(None)
