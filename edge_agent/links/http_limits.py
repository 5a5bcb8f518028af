"""What the peers of the push listener may cost, and the counting of it."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from types import TracebackType
from typing import Self


@dataclass(frozen=True, slots=True)
class Limits:
    """What a peer may cost.

    Attributes:
        max_body_bytes: of one push; more is answered with 413.
        max_bytes_in_flight: of all bodies being received or kept; more is answered with 503.
        max_head_bytes: request line and fields; more is answered with 431.
        max_connections: at once, one thread each; the next gets 503. Peers that no route admits share a quarter, and
            one address has three quarters at most, so that no camera keeps the others out.
        head_seconds: until a head's first byte, and from there to its end.
        body_seconds: from the head until the body is there, in whatever pieces it comes.
        idle_seconds: how long a connection is kept open between two requests.
    """

    max_body_bytes: int = 8 * 1024 * 1024
    max_bytes_in_flight: int = 16 * 1024 * 1024
    max_head_bytes: int = 16 * 1024
    max_connections: int = 16
    head_seconds: float = 10.0
    body_seconds: float = 30.0
    idle_seconds: float = 15.0

    @property
    def strangers(self) -> int:
        """Connections of peers that no route admits, together."""
        return max(1, self.max_connections // 4)

    @property
    def of_one_address(self) -> int:
        """Connections of one address."""
        return self.max_connections - self.max_connections // 4


class Budget:
    """A number of things that may be held at once, by all threads together."""

    def __init__(self, limit: int) -> None:
        self._left = limit
        self._lock = threading.Lock()

    def take(self, count: int) -> bool:
        """Take `count` if there are as many left; whether they were."""
        with self._lock:
            if count > self._left:
                return False
            self._left -= count
            return True

    def give_back(self, count: int) -> None:
        """Return what was taken."""
        with self._lock:
            self._left += count


class Hold:
    """What one holder has of a budget; given back when the `with` block ends."""

    def __init__(self, budget: Budget) -> None:
        self._budget, self._count = budget, 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._budget.give_back(self._count)

    def take(self, count: int) -> bool:
        """Take `count` more, if there are as many left; whether they were."""
        taken = self._budget.take(count)
        self._count += count if taken else 0
        return taken
