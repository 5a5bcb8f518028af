"""The reference service, called as gRPC calls it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager
from types import SimpleNamespace
from typing import Any, NoReturn

import grpc
import pytest
from sqlalchemy import update

from collector.agents.identity import PeerIdentity
from collector.downlink import feed as feed_module
from collector.downlink import servicer
from collector.downlink.feed import Feed, SailingKeys
from collector.downlink.servicer import ReferenceServicer
from collector.downlink.slices import DAY_NS
from collector.errors import CollectorError, StoreError
from collector.store import schema
from gate_contract.v1.declaration_pb2 import Declaration
from gate_contract.v1.reference_pb2 import FetchDeclarationsRequest, FollowRequest, FollowResponse, Slice
from tests.unit.collector.reconcile.island import NOON, SITE, Island, a_declaration


class CallEndedError(Exception):
    """The call was ended with this status."""


class Caller:
    """A gRPC context, as far as it is asked."""

    def peer(self) -> str:
        return "ipv4:192.0.2.1:5000"

    async def abort(self, code: grpc.StatusCode, text: str) -> NoReturn:
        raise CallEndedError(code.name, text)


def no_keys() -> AbstractContextManager[SailingKeys]:
    raise CollectorError("there is no key store")


def test_a_gate_is_told_a_new_position_when_the_clock_was_set_and_there_is_nothing_to_send(
    island: Island, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(servicer, "identity_of", lambda _: None)
    monkeypatch.setattr(servicer, "authorise", lambda *_: SimpleNamespace(site_id=SITE))
    now = [NOON + 30 * DAY_NS]
    feed = Feed(island.store, island.config.deployment, island.keys.receipts, no_keys, lambda: now[0])
    reference = ReferenceServicer(island.store, feed, lambda: now[0])
    context: Any = None

    async def fetch(position: int) -> tuple[list[str], int]:
        came: list[str] = []
        async for response in reference.FetchDeclarations(FetchDeclarationsRequest(position=position), context):
            came += [Declaration.FromString(body).declaration_id for body in response.declarations]
            position = response.position
        return came, position

    island.declare(a_declaration("D-1"))
    came, ahead = asyncio.run(fetch(0))
    assert came == []
    now[0] += DAY_NS
    came, further = asyncio.run(fetch(ahead))
    assert (came, further > ahead) == ([], True)
    assert asyncio.run(fetch(further)) == ([], further)
    now[0] = NOON
    came, back = asyncio.run(fetch(further))
    assert came == ["D-1"]
    assert asyncio.run(fetch(back)) == ([], back)


@pytest.fixture
def reference(island: Island, monkeypatch: pytest.MonkeyPatch) -> ReferenceServicer:
    """Of a collector that one gate of SITE calls, whose certificate is good."""
    journal = island.journal("gate-1")
    identity = PeerIdentity(journal.origin, "gate-1", "00")
    monkeypatch.setattr(servicer, "identity_of", lambda _: identity)
    return ReferenceServicer(
        island.store, Feed(island.store, island.config.deployment, island.keys.receipts, no_keys, lambda: NOON)
    )


def follow(reference: ReferenceServicer) -> AsyncIterator[FollowResponse]:
    context: Any = Caller()
    return reference.Follow(FollowRequest(), context)


def revoke(island: Island) -> None:
    with island.store.write() as connection:
        connection.execute(update(schema.journals).values(revoked_ns=NOON, revoked_reason="stolen"))


def test_who_follows_gets_what_is_for_its_site_and_is_cut_off_when_it_is_revoked(
    island: Island, reference: ReferenceServicer
) -> None:
    island.declare(a_declaration("D-1"), a_declaration("D-2", site="elsewhere"))

    async def story() -> None:
        slices = follow(reference)
        first = Slice.FromString((await anext(slices)).slice)
        assert [Declaration.FromString(body).declaration_id for body in first.declarations] == ["D-1"]
        revoke(island)
        with pytest.raises(CallEndedError, match=r"PERMISSION_DENIED.*was revoked"):
            async for _ in slices:
                pass

    asyncio.run(asyncio.wait_for(story(), 60))


def test_who_was_revoked_is_told_nothing(island: Island, reference: ReferenceServicer) -> None:
    revoke(island)

    async def story() -> None:
        with pytest.raises(CallEndedError, match=r"PERMISSION_DENIED.*was revoked on"):
            await anext(follow(reference))

    asyncio.run(story())


def test_a_database_that_cannot_be_read_is_unavailable(
    reference: ReferenceServicer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_connection: object) -> int:
        raise StoreError("the disk is gone")

    monkeypatch.setattr(feed_module, "reference_end", broken)

    async def story() -> None:
        with pytest.raises(CallEndedError, match=r"UNAVAILABLE.*try later"):
            await anext(follow(reference))

    asyncio.run(story())
