"""One connection after the collector's welcome: what goes up next, and what the collector owes. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from edge_agent.uplink.live import LiveLane
from edge_agent.uplink.window import RecordRate, Window

MAX_RECORDS = 8192
"""Records in one batch: enough to spread a signature thin, few enough to stay live."""

MAX_LIVE = 32
"""Live records that are sent together."""

FEW = 64
"""With so few records before it, a record goes with the next batch just as soon as ahead of it."""

ENVELOPE_BYTES = 4096
"""What a batch has beside its records."""

IDLE_S = 1.0
"""How long the sender sleeps when nothing wakes it; only a lost wake-up would need it."""


@dataclass(frozen=True, slots=True)
class SendLive:
    """These records go up as live ones."""

    indices: list[int]


@dataclass(frozen=True, slots=True)
class SendBatch:
    """Records from an index on go up, within these bounds (one commit may exceed them)."""

    first_index: int
    max_records: int
    max_bytes: int


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing goes up for so long, unless something happens."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Terms:
    """What the collector's welcome says.

    Attributes:
        size: records it holds: it wants those from there on.
        window_bytes: unanswered bytes it is willing to hold.
        max_batch_bytes: largest batch it accepts.
        takes_live: whether it takes live records.
    """

    size: int
    window_bytes: int
    max_batch_bytes: int
    takes_live: bool


class Session:
    """What is sent and answered on one connection. Times are seconds of a clock that never jumps."""

    def __init__(self, terms: Terms, live: LiveLane, rate: RecordRate | None, now: float) -> None:
        """`live` and `rate` belong to the journal and outlive the connection; without `rate` nothing is held back."""
        self._terms, self._live, self._rate = terms, live, rate
        self._window = Window(terms.size, terms.window_bytes)
        self._heard = now
        live.begin()

    @property
    def answered(self) -> int:
        """Records that a receipt of this connection, or its welcome, covers."""
        return self._window.answered

    @property
    def moved(self) -> bool:
        """Whether it brought a receipt for something new."""
        return self._window.answered > self._terms.size

    def step(self, size: int, now: float) -> SendLive | SendBatch | Wait:
        """What to do next, with `size` records in the journal."""
        window = self._window
        waiting = size - window.next_index
        held_back_s = self._rate.wait_s(waiting, now) if self._rate is not None and waiting else 0.0
        ready = waiting > 0 and window.open and not held_back_s
        if self._terms.takes_live and not (ready and waiting <= FEW):
            due = self._live.due(window.next_index, MAX_LIVE)
            if due:
                return SendLive(due)
        if not ready:
            return Wait(min(held_back_s or IDLE_S, IDLE_S))
        records = MAX_RECORDS if self._rate is None else min(MAX_RECORDS, self._rate.allowance(now))
        most_bytes = min(window.batch_bytes, self._terms.max_batch_bytes - ENVELOPE_BYTES)
        return SendBatch(window.next_index, records, most_bytes)

    def sent_batch(self, end: int, records: int, size_bytes: int, now: float) -> None:
        """A batch of so many records went up."""
        self._window.sent(end, size_bytes, now)
        self._spend(records)

    def sent_live(self, records: int) -> None:
        """So many live records went up."""
        self._spend(records)

    def receipt(self, size: int, now: float) -> None:
        """A receipt came. ValueError when it covers more than was sent."""
        self._window.receipt(size, now)
        self._live.covered(size)
        self._heard = now

    def silent_s(self, now: float) -> float:
        """For how long the collector has owed a receipt and given none; 0 while it owes none."""
        since = self._window.waits_since()
        return 0.0 if since is None else now - max(since, self._heard)

    def _spend(self, records: int) -> None:
        if self._rate is not None:
            self._rate.spent(records)
