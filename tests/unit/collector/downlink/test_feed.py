"""Following: what comes, when, and what it costs the database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest
from sqlalchemy import update

from collector.downlink import feed as module
from collector.downlink.contents import next_contents
from collector.downlink.feed import Feed
from collector.downlink.slices import DAY_NS
from collector.errors import EnrolmentError, StoreError
from collector.privacy.keystore import KeyEntry
from collector.registers.intake import NewItem, enter
from collector.store import schema
from gate_contract.reference import check_keys, open_slice
from gate_contract.v1 import register_pb2 as pb
from gate_contract.v1.reference_pb2 import FollowResponse, SailingKey, Slice
from tests.unit.collector.reconcile.island import NOON, SITE, Island, a_declaration

T = TypeVar("T")
DEADLINE_S = 60.0
ORIGIN = "hainan.example/agent/gate-1/0000000000000000"


@dataclass
class Keys:
    """A key store with one key."""

    entries: dict[str, KeyEntry] = field(default_factory=dict)

    @contextmanager
    def opened(self) -> Iterator[Keys]:
        yield self

    def key(self, key_id: str) -> bytes | None:
        return bytes(32) if key_id in self.entries else None

    def entry(self, key_id: str) -> KeyEntry | None:
        return self.entries.get(key_id)


@dataclass
class World:
    """A collector's feed and its clock."""

    island: Island
    keys: Keys = field(default_factory=Keys)
    now_ns: int = NOON

    def feed(self) -> Feed:
        config, keys = self.island.config, self.island.keys
        return Feed(self.island.store, config.deployment, keys.receipts, self.keys.opened, lambda: self.now_ns)

    def opened(self, response: FollowResponse, site: str = SITE) -> Slice:
        verifier = self.island.keys.receipts.verifier
        return open_slice(response.slice, response.note, self.island.config.deployment, site, verifier)

    def put(self, *items: NewItem) -> None:
        with self.island.store.write() as connection:
            enter(connection, self.island.ledger, items, NOON)


@pytest.fixture
def world(island: Island) -> World:
    return World(island)


def carrier(key: str, site: str = SITE) -> NewItem:
    return NewItem.of(pb.ITEM_KIND_CARRIER, key, pb.VehicleCarrier(plate=key, carrier_id="C-1"), site_id=site)


Stream = AsyncGenerator[FollowResponse, None]


async def following(feed: Feed, position: int = 0, origin: str = ORIGIN, site: str = SITE) -> Stream:
    async with feed.following(origin):
        async for response in feed.steps(origin, site, position):
            yield response


async def to_the_end(stream: Stream) -> None:
    async for _ in stream:
        pass


def run(story: Callable[[], Awaitable[T]]) -> T:
    async def bounded() -> T:
        return await asyncio.wait_for(story(), DEADLINE_S)

    return asyncio.run(bounded())


def test_all_there_is_comes_at_once_then_news_and_between_them_slices_that_say_that_this_is_all(world: World) -> None:
    world.island.declare(a_declaration("D-1"))
    world.put(carrier("A"))

    async def story() -> None:
        async with aclosing(following(world.feed())) as stream:
            first = world.opened(await anext(stream))
            assert (len(first.declarations), len(first.items), first.complete, first.from_position) == (1, 1, True, 0)
            quiet = world.opened(await anext(stream))
            assert (len(quiet.declarations), len(quiet.items), quiet.complete) == (0, 0, True)
            assert quiet.from_position == quiet.position == first.position
            await asyncio.to_thread(world.put, carrier("B"))
            news = world.opened(await anext(stream))
            while not news.items:
                news = world.opened(await anext(stream))
            assert [pb.RegisterItem.FromString(body).key for body in news.items] == ["B"]
            assert news.from_position == first.position < news.position

    run(story)


def test_a_gate_goes_on_where_it_was(world: World) -> None:
    world.put(carrier("A"))

    async def story() -> None:
        feed = world.feed()
        async with aclosing(following(feed)) as stream:
            position = world.opened(await anext(stream)).position
        await asyncio.to_thread(world.put, carrier("B"))
        async with aclosing(following(feed, position)) as stream:
            again = world.opened(await anext(stream))
            assert again.from_position == position
            assert [pb.RegisterItem.FromString(body).key for body in again.items] == ["B"]

    run(story)


def test_a_clock_that_is_set_back_sends_again_what_was_left_out_under_the_gates_position(world: World) -> None:
    world.island.declare(a_declaration("D-1"))
    world.now_ns = NOON + 365 * DAY_NS

    async def story() -> None:
        feed = world.feed()
        async with aclosing(following(feed)) as stream:
            ahead = world.opened(await anext(stream))
            assert (list(ahead.declarations), ahead.complete) == ([], True)
            world.now_ns = NOON
            back = world.opened(await anext(stream))
            assert back.from_position == ahead.position
            assert len(back.declarations) == 1

    run(story)


def test_many_gates_cost_the_database_as_much_as_one(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.put(carrier("A"))
    reads = []

    def counted(*arguments: Any) -> Any:
        reads.append(arguments)
        return next_contents(*arguments)

    monkeypatch.setattr(module, "next_contents", counted)

    async def story() -> None:
        feed, came = world.feed(), asyncio.Queue[bytes]()

        async def gate(number: int) -> None:
            async with aclosing(following(feed, origin=f"gate-{number}")) as stream:
                async for response in stream:
                    for body in world.opened(response).items:
                        came.put_nowait(body)

        gates = [asyncio.create_task(gate(number)) for number in range(100)]
        for _ in gates:
            await came.get()
        await asyncio.to_thread(world.put, carrier("B"))
        for _ in gates:
            await came.get()
        for each in gates:
            each.cancel()

    run(story)
    assert len(reads) <= 4, "one for all of them, and one for what came later; now and then a gate is late"


def test_news_of_other_sites_wake_nobody_more_than_silence_does(world: World) -> None:
    world.put(carrier("A"))

    async def story() -> list[Slice]:
        async with aclosing(following(world.feed())) as stream:
            found = [world.opened(await anext(stream))]
            for number in range(3):
                await asyncio.to_thread(world.put, carrier(f"X-{number}", "elsewhere"))
            found.append(world.opened(await anext(stream)))
            return found

    first, second = run(story)
    assert first.position < second.position
    assert second.made_unix_ns
    assert (list(second.items), second.complete) == ([], True)


def test_a_gate_that_is_revoked_is_cut_off(world: World) -> None:
    journal = world.island.journal("gate-1")

    async def story() -> None:
        async with aclosing(following(world.feed(), origin=journal.origin)) as stream:
            await anext(stream)
            with world.island.store.write() as connection:
                revoked = {"revoked_ns": NOON, "revoked_reason": "stolen"}
                connection.execute(update(schema.journals).values(revoked))
            with pytest.raises(EnrolmentError, match=r"was revoked\. stolen"):
                await to_the_end(stream)

    run(story)


def test_a_database_that_cannot_be_read_tells_no_gate_that_it_has_all(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:
        feed = world.feed()
        async with aclosing(following(feed)) as stream:
            await anext(stream)

            def broken(_connection: object) -> int:
                raise StoreError("the disk is gone")

            monkeypatch.setattr(module, "reference_end", broken)
            with pytest.raises(StoreError, match="the disk is gone"):
                await to_the_end(stream)
        monkeypatch.undo()
        async with aclosing(following(feed)) as stream:
            assert world.opened(await anext(stream)).complete

    run(story)


def test_the_key_of_a_sailing_goes_beside_its_manifest_for_as_long_as_both_last(world: World) -> None:
    world.keys.entries["K-1"] = KeyEntry("K-1", "sailing", "S-1", NOON + 7 * DAY_NS)
    manifests = [pb.SailingManifest(sailing_id=f"S-{number}", key_id=f"K-{number}") for number in (1, 2)]
    world.put(
        *(
            NewItem.of(pb.ITEM_KIND_MANIFEST, each.sailing_id, each, site_id=SITE, expires_unix_ns=NOON + 3 * DAY_NS)
            for each in manifests
        )
    )

    async def story() -> FollowResponse:
        async with aclosing(following(world.feed())) as stream:
            return await anext(stream)

    response = run(story)
    found = world.opened(response)
    assert len(found.items) == 2
    check_keys(found, response.keys)
    assert list(response.keys) == [
        SailingKey(key_id="K-1", sailing_id="S-1", key=bytes(32), expires_unix_ns=NOON + 3 * DAY_NS)
    ]


def test_nobody_looks_when_nobody_follows(world: World) -> None:
    async def story() -> None:
        feed = world.feed()
        async with aclosing(following(feed)) as stream:
            await anext(stream)
        looking = feed._looking
        assert looking is not None
        await looking

    run(story)
