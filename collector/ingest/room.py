"""What bounds the memory of unanswered messages: bytes, for each agent and for all of them together, shared fairly."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

OVERHEAD_BYTES = 4096
"""What a message costs beside its bytes: a window of tiny batches is bounded too."""

MAX_WAITING_BYTES = 128 * 1024 * 1024
"""Unanswered messages of all agents together; beyond, streams are not read until some are stored."""


class Room:
    """So many bytes for all agents. Used from one event loop.

    While agents wait, none of them gets more than an even share, and who holds least is next: a newcomer does not wait
    for those who were there before to be done.
    """

    def __init__(self, limit: int = MAX_WAITING_BYTES) -> None:
        """`limit` in bytes."""
        self._limit = limit
        self._shares: set[Share] = set()
        self._waiting: list[_Waiting] = []
        self.held = 0
        """Bytes held now, by all."""

    def share(self, limit: int) -> Share:
        """One agent's part, at most `limit` bytes of it."""
        return Share(self, limit)

    async def take(self, share: Share, size: int) -> None:
        """See Share.take."""
        waiting = _Waiting(share, size, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._shares.add(share)
        self._admit()
        try:
            await waiting.admitted
        except asyncio.CancelledError:
            if waiting in self._waiting:
                self._waiting.remove(waiting)
            else:  # it was admitted at the same moment
                self.give(share, size)
            self._forget(share)
            raise

    def give(self, share: Share, size: int) -> None:
        """See Share.give."""
        share.held -= size
        self.held -= size
        self._forget(share)
        self._admit()

    def _forget(self, share: Share) -> None:
        if not share.held and all(each.share is not share for each in self._waiting):
            self._shares.discard(share)

    def _admit(self) -> None:
        """Let in whom there is room for, who holds least first."""
        fair = self._limit // max(len(self._shares), 1)
        for waiting in sorted(self._waiting, key=lambda each: each.share.held):
            share, size = waiting.share, waiting.size
            if share.held and share.held + size > min(share.limit, fair):
                continue  # it waits for itself
            if self.held and self.held + size > self._limit:
                return  # nobody passes it by, or a large message would wait for ever
            self._waiting.remove(waiting)
            share.held += size
            self.held += size
            waiting.admitted.set_result(None)


class Share:
    """What one agent holds of a Room."""

    def __init__(self, room: Room, limit: int) -> None:
        """Use Room.share."""
        self._room = room
        self.limit = limit
        self.held = 0
        """Bytes held now."""

    async def take(self, size: int) -> None:
        """Wait until there is room for `size` bytes, and take it; one message alone is let in however large."""
        await self._room.take(self, size)

    def give(self, size: int) -> None:
        """Give room back."""
        self._room.give(self, size)


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    share: Share
    size: int
    admitted: asyncio.Future[None]
