"""How fast evidence goes, so that records hardly notice. Pure: durations are arguments.

A blob goes in pieces; the next one is offered when the collector has the one before. So never more than a piece stands
on the line before a record, and a piece is what the line takes in about PIECE_S.
"""

from __future__ import annotations

PIECE_S = 0.1
"""How long the bytes of one piece may take."""

LEAST_BYTES = 16 * 1024
MOST_BYTES = 1024 * 1024

RATE_BYTES_S = 4_000_000
"""Pictures of a busy lane come to far less; records keep the rest of the line."""

BUSY_SHARE = 4
"""While records wait, evidence takes one part in so many of the line's time."""


class Pace:
    """Sizes of pieces and pauses between them, over all blobs and connections."""

    def __init__(self) -> None:
        self.piece_bytes = LEAST_BYTES
        """How large the next piece may be."""

    def took(self, size_bytes: int, round_trip_s: float, took_s: float) -> None:
        """A piece was answered `took_s` after its first byte; `round_trip_s` is what an empty answer takes."""
        line_s = max(took_s - round_trip_s, 0.0)
        if line_s > PIECE_S:
            self._set(int(size_bytes * PIECE_S / line_s))
        elif line_s < PIECE_S / 2 and size_bytes >= self.piece_bytes:
            self._set(2 * size_bytes)

    def pause_s(self, size_bytes: int, took_s: float, *, busy: bool) -> float:
        """How long to wait after a piece; `busy` while records wait."""
        within_rate = size_bytes / RATE_BYTES_S - took_s
        return max(within_rate, (BUSY_SHARE - 1) * took_s if busy else 0.0, 0.0)

    def _set(self, size_bytes: int) -> None:
        self.piece_bytes = min(max(size_bytes, LEAST_BYTES), MOST_BYTES)
