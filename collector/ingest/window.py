"""What bounds the memory of unanswered batches: bytes, counted for each agent and for all of them together."""

from __future__ import annotations

import asyncio

OVERHEAD_BYTES = 4096
"""What a batch costs beside its bytes: a window of tiny batches is bounded too."""

MAX_WAITING_BYTES = 128 * 1024 * 1024
"""Unanswered batches of all agents together; beyond, streams are not read until some are stored."""


class Window:
    """So many bytes at a time; who wants more waits. Used from one event loop."""

    def __init__(self, limit: int) -> None:
        """`limit` in bytes; a single batch beyond it is let in when nothing else is held."""
        self._limit = limit
        self._free = asyncio.Event()
        self.held = 0
        """Bytes held now."""

    async def take(self, size: int) -> None:
        """Wait until there is room for `size` bytes, and take it."""
        while self.held and self.held + size > self._limit:
            self._free.clear()
            await self._free.wait()
        self.held += size

    def give(self, size: int) -> None:
        """Give room back."""
        self.held -= size
        self._free.set()
