"""Whose passage is judged next: live ones before backlog, and no agent's flood before another agent's truck.

A waiting passage has a *turn*, a number; the lowest is judged first. A live passage's turn is the time it came, but
never less than `STEP_NS` after the turn before it of the same journal: an agent that brings more than it is due waits
for itself. Passages of a backlog come after all live ones, among themselves by the same rule.
"""

from __future__ import annotations

STEP_NS = 2_000_000
"""What one passage costs its journal's next one, nanoseconds: 500 passages a second an agent are no flood."""

BACKLOG = 1 << 62
"""Added to the turn of what is not live; nanoseconds since 1970 stay below it until 2116."""


class Turns:
    """Gives turns; used by one thread. What it remembers is of no consequence after a restart."""

    def __init__(self) -> None:
        self._last: dict[tuple[int, bool], int] = {}

    def next(self, journal_id: int, now_ns: int, *, live: bool) -> int:
        """The turn of the journal's next passage; `now_ns` is when it came."""
        own = now_ns if live else BACKLOG + now_ns
        turn = max(own, self._last.get((journal_id, live), 0) + STEP_NS)
        self._last[journal_id, live] = turn
        return turn
