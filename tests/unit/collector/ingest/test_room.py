from __future__ import annotations

import asyncio

from collector.ingest.room import Room, Share

SETTLE = 5  # turns of the loop in which everything that can go on does


async def settle() -> None:
    for _ in range(SETTLE):
        await asyncio.sleep(0)


def taking(share: Share, size: int) -> asyncio.Task[None]:
    return asyncio.create_task(share.take(size))


def test_an_agent_waits_for_itself_when_its_share_is_full() -> None:
    async def story() -> list[bool]:
        share = Room(1000).share(100)
        await share.take(60)
        second, third = taking(share, 60), taking(share, 10)
        await settle()
        before = [second.done(), third.done()]
        share.give(60)
        await asyncio.wait_for(second, 60)
        await asyncio.wait_for(third, 60)
        return [*before, share.held == 70]

    assert asyncio.run(story()) == [False, True, True]


def test_one_message_alone_is_let_in_however_large() -> None:
    async def story() -> int:
        room = Room(100)
        share = room.share(10)
        await asyncio.wait_for(share.take(5000), 60)
        share.give(5000)
        return room.held

    assert asyncio.run(story()) == 0


def test_all_together_hold_no_more_than_the_room() -> None:
    async def story() -> tuple[list[bool], int]:
        room = Room(100)
        shares = [room.share(100) for _ in range(3)]
        tasks = [taking(share, 40) for share in shares]
        await settle()
        before = [task.done() for task in tasks]
        shares[0].give(40)
        await asyncio.wait_for(tasks[2], 60)
        return before, room.held

    assert asyncio.run(story()) == ([True, True, False], 80)


def test_while_others_wait_nobody_gets_more_than_an_even_share() -> None:
    async def story() -> list[bool]:
        room = Room(100)
        flood, other = room.share(100), room.share(100)
        await flood.take(30)
        await flood.take(60)  # alone, it may hold what it likes
        newcomer, more = taking(other, 20), taking(flood, 5)
        await settle()
        before = [newcomer.done(), more.done()]
        flood.give(60)
        await settle()
        after = [newcomer.done(), more.done()]
        return [*before, *after]

    assert asyncio.run(story()) == [False, False, True, True]


def test_who_holds_least_is_next() -> None:
    async def story() -> list[str]:
        room = Room(100)
        flood, other = room.share(100), room.share(100)
        await flood.take(40)
        await flood.take(40)
        order: list[str] = []
        tasks = [taking(flood, 30), taking(other, 30)]
        for name, task in zip(("flood", "other"), tasks, strict=True):
            task.add_done_callback(lambda _task, name=name: order.append(name))  # type: ignore[misc]  # bound now
        await settle()
        flood.give(40)
        flood.give(40)
        await asyncio.gather(*tasks)
        await settle()
        return order

    assert asyncio.run(story()) == ["other", "flood"]


def test_a_large_message_is_not_passed_by_for_ever() -> None:
    async def story() -> list[bool]:
        room = Room(100)
        holder, large, small = (room.share(100) for _ in range(3))
        await holder.take(30)
        tasks = [taking(large, 90), taking(small, 10)]
        await settle()
        before = [task.done() for task in tasks]
        holder.give(30)
        await asyncio.gather(*tasks)
        return before

    assert asyncio.run(story()) == [False, False]


def test_who_gives_up_leaves_no_trace() -> None:
    async def story() -> tuple[int, int]:
        room = Room(100)
        share, other = room.share(100), room.share(100)
        await share.take(100)
        waiting = taking(other, 50)
        await settle()
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        late = taking(other, 50)
        await settle()
        share.give(100)  # lets `late` in, and it is cancelled before it can go on
        late.cancel()
        await asyncio.gather(late, return_exceptions=True)
        await asyncio.wait_for(share.take(100), 60)
        return room.held, len(room._shares)

    assert asyncio.run(story()) == (100, 1)
