"""Which records go up next, and how many may be unanswered. Pure: time is an argument.

The collector says from where it wants them and how much it is willing to hold. Within that the window follows the line:
as much is unanswered as the line and the collector turn into a receipt within about TARGET_S, so that a record that
must go ahead never waits behind megabytes, and a fast line is still full.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

TARGET_S = 0.5
"""How long a receipt may take; on a line where it takes long in any case, half as long beyond that."""

LEAST_BYTES = 16 * 1024
"""The window at the start, and on the slowest line: less would not pay for its signature."""

PARTS = 4
"""A window is so many batches: while one is answered the next are on their way."""


@dataclass(frozen=True, slots=True)
class _Sent:
    """A batch that is unanswered: where it ends, its size, when it went up."""

    end: int
    size_bytes: int
    at: float


class Window:
    """The state of one connection: what was sent, what of it is answered, and how much the line takes.

    Times are seconds of a clock that never jumps.
    """

    def __init__(self, start: int, most_bytes: int) -> None:
        """`start` is the size that the collector holds; `most_bytes` bounds what is unanswered, whatever the line."""
        self.next_index = start
        self.answered = start
        self._most_bytes = most_bytes
        self._bytes = min(LEAST_BYTES, most_bytes)
        self._unanswered: deque[_Sent] = deque()
        self._unanswered_bytes = 0
        self._empty_s = float("inf")
        self._narrowed_at = float("-inf")

    @property
    def open(self) -> bool:
        """Whether a batch may go up now. One batch is always allowed, whatever its size."""
        return not self._unanswered or self._unanswered_bytes < self._bytes

    @property
    def size_bytes(self) -> int:
        """How many bytes may be unanswered now."""
        return self._bytes

    @property
    def batch_bytes(self) -> int:
        """How large the next batch should be at most."""
        return max(self._bytes // PARTS, LEAST_BYTES // PARTS)

    def waits_since(self) -> float | None:
        """When the oldest unanswered batch went up; None when all is answered."""
        return self._unanswered[0].at if self._unanswered else None

    def sent(self, end: int, size_bytes: int, now: float) -> None:
        """A batch up to index `end` went up."""
        if end <= self.next_index:
            raise ValueError(f"a batch that ends at {end} does not continue from {self.next_index}")
        self._unanswered.append(_Sent(end, size_bytes, now))
        self._unanswered_bytes += size_bytes
        self.next_index = end

    def receipt(self, size: int, now: float) -> None:
        """Everything below `size` is durable at the collector. Receipts may cover several batches; old ones do nothing.

        ValueError when it covers more than was sent.
        """
        if size > self.next_index:
            raise ValueError(f"a receipt for {size} records; only {self.next_index} were sent")
        self.answered = max(self.answered, size)
        filled = 2 * self._unanswered_bytes >= self._bytes
        newest, answered_bytes = None, 0
        while self._unanswered and self._unanswered[0].end <= size:
            newest = self._unanswered.popleft()
            answered_bytes += newest.size_bytes
        self._unanswered_bytes -= answered_bytes
        if newest is not None:
            self._follow(newest, answered_bytes, now, filled=filled)

    def _follow(self, batch: _Sent, answered_bytes: int, now: float, *, filled: bool) -> None:
        """Widen or narrow by how long `batch` took; a window that was not filled has shown nothing of the line."""
        took_s = now - batch.at
        empty_s = self._empty_s = self._emptiest(batch, took_s)
        room_s = max(TARGET_S - empty_s, TARGET_S / 2)
        queued_s = took_s - empty_s
        if queued_s > room_s:
            if batch.at >= self._narrowed_at:  # what was sent into the wider window says nothing of the narrower one
                self._set(int(self._bytes * max(0.5, (empty_s + room_s) / took_s)))
                self._narrowed_at = now
        elif filled:
            # Doubled with each round trip while the line is far from full, then felt out.
            self._set(self._bytes + (answered_bytes if queued_s <= room_s / 2 else answered_bytes // 8))

    def _emptiest(self, batch: _Sent, took_s: float) -> float:
        """What a receipt takes on this line when nothing else is on it: the shortest time of all.

        The line may have become a longer one. What the least window takes cannot be due to what we have sent.
        """
        if batch.at >= self._narrowed_at and max(self._bytes, batch.size_bytes) <= LEAST_BYTES:
            return took_s
        return min(took_s, self._empty_s)

    def _set(self, size_bytes: int) -> None:
        self._bytes = min(max(size_bytes, LEAST_BYTES), self._most_bytes)


class RecordRate:
    """A bound on records a second: a bucket that fills with time, from which records are taken.

    What must go at once is taken all the same (`spent` may leave less than nothing), and what can wait waits longer.
    """

    LUMP_S = 0.125
    """Records go in lumps of so much time: one at a time would cost a signature each."""

    def __init__(self, records_per_s: int, now: float) -> None:
        """Begins with one lump."""
        self._per_s = records_per_s
        self._lump = max(1.0, records_per_s * self.LUMP_S)
        self._tokens, self._at = self._lump, now

    def wait_s(self, waiting: int, now: float) -> float:
        """Seconds until a lump of the `waiting` records may go; 0 when it may now."""
        self._fill(now)
        return max(0.0, min(self._lump, waiting) - self._tokens) / self._per_s

    def allowance(self, now: float) -> int:
        """How many may go now: at least one, after `wait_s` was 0."""
        self._fill(now)
        return max(1, int(self._tokens))

    def spent(self, records: int) -> None:
        """So many went."""
        self._tokens -= records

    def _fill(self, now: float) -> None:
        self._tokens = min(self._tokens + (now - self._at) * self._per_s, 2 * self._lump)
        self._at = now
