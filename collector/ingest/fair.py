"""A queue that is fair among senders: who sends little never waits behind what one sender piled up."""

from __future__ import annotations

import heapq
import threading
from typing import Generic, TypeVar

Item = TypeVar("Item")

_FORGET_ABOVE = 1024


class FairQueue(Generic[Item]):
    """Items of many senders, each sender's in its order; start-time fair queueing by size. Thread-safe.

    Urgent items go first. Of the others, the next is the one whose sender has been given least since it began to wait:
    a sender's item is due `size` after that sender's item before it, and not before what is being served now.

    It has no bound of its own: those who put must have one (each says which).
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._heap: list[tuple[int, int, Item]] = []
        self._last: dict[object, int] = {}
        self._served = 0
        self._count = 0
        self._ended = False

    def put(self, sender: object, size: int, item: Item, *, urgent: bool = False) -> None:
        """Add an item; `size` is what it costs, in any unit that all items share."""
        with self._changed:
            # 0 is before every due time, so urgent items are first, among themselves in their order.
            due = 0 if urgent else self._due(sender, size)
            self._count += 1
            heapq.heappush(self._heap, (due, self._count, item))
            self._changed.notify()

    def _due(self, sender: object, size: int) -> int:
        due = max(self._served, self._last.get(sender, 0)) + max(size, 1)
        self._last[sender] = due
        if len(self._last) > _FORGET_ABOVE:
            self._last = {each: at for each, at in self._last.items() if at > self._served}
        return due

    def end(self) -> None:
        """What waits is still given; then `get` says that nothing more comes."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def get(self) -> Item | None:
        """The next item, waited for; None when the queue was ended and nothing waits any more."""
        with self._changed:
            while not self._heap:
                if self._ended:
                    return None
                self._changed.wait()
            return self._take()

    def get_nowait(self) -> Item | None:
        """The next item; None when nothing waits."""
        with self._changed:
            return self._take() if self._heap else None

    def __len__(self) -> int:
        """How many wait."""
        return len(self._heap)

    def _take(self) -> Item:
        due, _, item = heapq.heappop(self._heap)
        self._served = max(self._served, due)
        return item
