"""Does the uplink get on? What it is doing, for status, health and metrics. Pure: time is an argument."""

from __future__ import annotations

from collections import deque
from dataclasses import asdict, dataclass
from typing import Any

from edge_agent.model.moment import Moment

NO_PROGRESS_S = 60.0
"""A backlog of which nothing was acknowledged for so long is a fault, whatever the connection looks like."""

RATE_OVER_S = 10.0
"""The rate is the mean of so many seconds."""

MOST_POINTS = 64
"""Receipts that the rate is made of; the collector gives one a commit, so they are thinned to one each 0.2 s."""


@dataclass(frozen=True, slots=True)
class SentBytes:
    """Bytes of each kind that went up since the agent started, those sent again too; without what TLS adds."""

    batches: int = 0
    live: int = 0
    evidence: int = 0


NOTHING = SentBytes()


@dataclass(frozen=True, slots=True)
class UplinkState:
    """The uplink at one moment.

    Attributes:
        connected: whether the collector has said welcome on the present connection.
        problem: why it is not connected, with the next step; "" when it is.
        since_unix_ns: when it last became connected or ceased to be; None before the first try has ended.
        last_receipt_unix_ns: when the latest receipt came since the agent started; None when none did.
        backlog: records that no receipt covers yet.
        records_per_s: records acknowledged a second, over the last RATE_OVER_S.
        stalled_s: for how long a backlog has been waiting of which nothing was acknowledged, seconds; 0 without one.
        collector_behind: records that the collector has lost: it was restored from an old backup, and is being sent
            them again; 0 as a rule.
        live_waiting: records that go ahead of the backlog and are not known to be at the collector.
        sent: bytes that went up.
    """

    connected: bool = False
    problem: str = ""
    since_unix_ns: int | None = None
    last_receipt_unix_ns: int | None = None
    backlog: int = 0
    records_per_s: float = 0.0
    stalled_s: float = 0.0
    collector_behind: int = 0
    live_waiting: int = 0
    sent: SentBytes = NOTHING

    @property
    def no_progress(self) -> bool:
        """Whether a backlog has not got on for NO_PROGRESS_S: red, also while the connection looks well."""
        return self.stalled_s >= NO_PROGRESS_S

    def as_dict(self) -> dict[str, Any]:
        """The attributes by name, and `no_progress`: how the status snapshot shows it."""
        return {**asdict(self), "no_progress": self.no_progress}


class Progress:
    """What is seen of an uplink over time. Used by one thread at a time."""

    def __init__(self, acknowledged: int, now: Moment) -> None:
        """Begins with `acknowledged` records under a receipt; for what waits since before, time counts from here."""
        self._connected = False
        self._problem = "not connected yet"
        self._since: Moment | None = None
        self._receipt: Moment | None = None
        self._held = self._promised = acknowledged
        self._moved = now
        self._points: deque[tuple[Moment, int]] = deque(maxlen=MOST_POINTS)

    @property
    def behind(self) -> bool:
        """Whether the collector holds less than it gave a receipt for."""
        return self._held < self._promised

    def connected(self, now: Moment) -> None:
        """The collector said welcome."""
        self._connected, self._problem, self._since = True, "", now

    def disconnected(self, problem: str, now: Moment) -> None:
        """There is no connection, for this reason; tries that fail again are no change."""
        if self._connected or self._since is None:
            self._since = now
        self._connected, self._problem = False, problem

    def receipt(self, size: int, now: Moment) -> None:
        """A receipt over `size` records came. One that covers nothing new is no progress."""
        self._receipt = now
        if size <= self._held:
            return
        self._held, self._promised, self._moved = size, max(size, self._promised), now
        if not self._points or now.seconds_since(self._points[-1][0]) >= RATE_OVER_S / MOST_POINTS:
            self._points.append((now, size))

    def lost(self, size: int) -> None:
        """The collector holds only `size` records: what it acknowledges beyond is progress again."""
        self._held = size
        self._points.clear()

    def state(self, size: int, live_waiting: int, now: Moment, sent: SentBytes = NOTHING) -> UplinkState:
        """How it is, with `size` records in the journal. To be asked every second or so: see `stalled_s`."""
        backlog = max(0, size - self._held)
        if not backlog:
            self._moved = now  # what comes next begins to wait from here
        return UplinkState(
            connected=self._connected,
            problem=self._problem,
            since_unix_ns=None if self._since is None else self._since.wall,
            last_receipt_unix_ns=None if self._receipt is None else self._receipt.wall,
            backlog=backlog,
            records_per_s=round(self._rate(now), 1),
            stalled_s=round(now.seconds_since(self._moved), 1),
            collector_behind=self._promised - self._held,
            live_waiting=live_waiting,
            sent=sent,
        )

    def _rate(self, now: Moment) -> float:
        while self._points and now.seconds_since(self._points[0][0]) > RATE_OVER_S:
            self._points.popleft()
        if not self._points:
            return 0.0
        first, size = self._points[0]
        elapsed_s = now.seconds_since(first)
        return (self._held - size) / elapsed_s if elapsed_s > 0 else 0.0
