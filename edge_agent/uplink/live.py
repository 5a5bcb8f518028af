"""Which new records go ahead of the backlog. Pure.

A passage that was just decided is worth most now. While older records still wait, it goes up at once as a live record
and comes again, in its place, with the backlog.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

MOST = 1000
"""Live records that are not known to be at the collector. Of more, the oldest go with the backlog alone: over a line
that does not get on with the newest, they are no news any more."""


class LiveLane:
    """The live records of one journal, over all its connections: `begin` is called for each."""

    def __init__(self) -> None:
        self._kept: dict[int, None] = {}  # not known to be at the collector, by rising index
        self._waiting: deque[int] = deque(maxlen=MOST)  # those of them not sent on this connection

    def __len__(self) -> int:
        """Live records that are not known to be at the collector."""
        return len(self._kept)

    def add(self, first_index: int, count: int) -> None:
        """These records are to go ahead; from call to call the indices rise."""
        for index in range(max(first_index, first_index + count - MOST), first_index + count):
            self._kept[index] = None
            self._waiting.append(index)
        while len(self._kept) > MOST:
            del self._kept[next(iter(self._kept))]

    def begin(self) -> None:
        """A new connection: what was sent on the one before and not confirmed is sent again."""
        self._waiting = deque(self._kept, maxlen=MOST)

    def due(self, next_index: int, limit: int) -> list[int]:
        """The next ones to send, at most `limit`, each once a connection; none that a batch up to `next_index` brought.

        By rising index.
        """
        found: list[int] = []
        while self._waiting and len(found) < limit:
            index = self._waiting.popleft()
            if index >= next_index:
                found.append(index)
        return found

    def settled(self, indices: Iterable[int]) -> None:
        """The collector has them, or they are not to be had as live records: they go with the backlog alone."""
        for index in indices:
            self._kept.pop(index, None)

    def covered(self, size: int) -> None:
        """A receipt covers everything below `size`."""
        while self._kept and (oldest := next(iter(self._kept))) < size:
            del self._kept[oldest]
