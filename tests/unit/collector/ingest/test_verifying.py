from __future__ import annotations

import asyncio
import threading

import pytest

from collector.ingest.verifying import VerifyingThread


def test_what_a_call_returns_or_raises_comes_back() -> None:
    async def story() -> int:
        thread = VerifyingThread()
        with pytest.raises(ValueError, match="not this"):
            await thread.run("a", 1, lambda: int("not this"))
        found = await thread.run("a", 1, lambda: 7)
        thread.close()
        return found

    assert asyncio.run(story()) == 7


def test_what_is_urgent_is_done_before_what_waits_and_what_nobody_wants_any_more_is_not() -> None:
    async def story() -> list[str]:
        thread, busy, order = VerifyingThread(), threading.Event(), list[str]()
        first = asyncio.create_task(thread.run("a", 1, lambda: busy.wait(60)))
        await asyncio.sleep(0)
        tasks = [
            asyncio.create_task(thread.run("a", 1, lambda: order.append("batch"))),
            asyncio.create_task(thread.run("b", 1, lambda: order.append("given up"))),
            asyncio.create_task(thread.run(None, 0, lambda: order.append("urgent"), urgent=True)),
        ]
        await asyncio.sleep(0)
        tasks[1].cancel()
        await asyncio.sleep(0)
        busy.set()
        await asyncio.gather(first, tasks[0], tasks[2])
        thread.close()
        return order

    assert asyncio.run(story()) == ["urgent", "batch"]
