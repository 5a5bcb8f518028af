from __future__ import annotations

import asyncio

from collector.ingest.window import Window


def test_who_finds_no_room_waits_until_some_is_given_back() -> None:
    async def story() -> list[str]:
        window, events = Window(100), []

        async def take(name: str, size: int) -> None:
            await window.take(size)
            events.append(name)

        await take("first", 60)
        waiting = asyncio.create_task(take("second", 50))
        await asyncio.sleep(0)
        events.append("still waiting")
        window.give(60)
        await waiting
        assert window.held == 50
        return events

    assert asyncio.run(story()) == ["first", "still waiting", "second"]


def test_a_batch_larger_than_the_window_is_let_in_alone() -> None:
    async def story() -> int:
        window = Window(100)
        await window.take(250)
        return window.held

    assert asyncio.run(story()) == 250
