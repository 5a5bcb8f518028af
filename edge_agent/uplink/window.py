"""Which records go up next, and how many may be unanswered. Pure.

The collector says from where it wants them and how much it is willing to hold; receipts open the window again.
"""

from __future__ import annotations

from collections import deque


class Window:
    """The state of one connection: what was sent and what of it is answered."""

    def __init__(self, start: int, window_bytes: int) -> None:
        """`start` is the size that the collector holds; `window_bytes` bounds what is unanswered."""
        self.next_index = start
        self.answered = start
        self._window_bytes = window_bytes
        self._unanswered: deque[tuple[int, int]] = deque()
        self._unanswered_bytes = 0

    @property
    def open(self) -> bool:
        """Whether a batch may go up now. One batch is always allowed, whatever its size."""
        return not self._unanswered or self._unanswered_bytes < self._window_bytes

    def sent(self, end: int, size_bytes: int) -> None:
        """A batch up to index `end` went up."""
        if end <= self.next_index:
            raise ValueError(f"a batch that ends at {end} does not continue from {self.next_index}")
        self._unanswered.append((end, size_bytes))
        self._unanswered_bytes += size_bytes
        self.next_index = end

    def receipt(self, size: int) -> None:
        """Everything below `size` is durable at the collector. Receipts may cover several batches; old ones do nothing.

        ValueError when it covers more than was sent.
        """
        if size > self.next_index:
            raise ValueError(f"a receipt for {size} records; only {self.next_index} were sent")
        self.answered = max(self.answered, size)
        while self._unanswered and self._unanswered[0][0] <= size:
            self._unanswered_bytes -= self._unanswered.popleft()[1]
