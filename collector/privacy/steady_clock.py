"""Whether a wall clock may be believed to say that a term is over. Pure.

What is destroyed cannot be taken back, so nothing is destroyed by a clock that has just jumped. The wall clock is held
against CLOCK_BOOTTIME, which nobody sets (docs/clocks.md). It is believed once it has gone on for a day without a
jump; after one of more than a day, back or ahead, only after a week, which is time to notice the alarm in the log.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

SECOND: Final = 10**9
DAY: Final = 86_400 * SECOND
WEEK: Final = 7 * DAY

ALLOWED: Final = 60 * SECOND
"""Between two looks a clock may be off by so much: a time service that steps it, a leap second."""


@dataclass(frozen=True, slots=True)
class Instant:
    """Both clocks at once: `wall_ns` since 1970, `boot_ns` since the machine's start, which `boot_id` names."""

    wall_ns: int
    boot_ns: int
    boot_id: str


@dataclass(frozen=True, slots=True)
class Steadiness:
    """What is known of the clock.

    Attributes:
        seen: when it was looked at last.
        steady_ns: how long it has gone on without a jump, in looks.
        wait_ns: how long it must, to be believed.
    """

    seen: Instant
    steady_ns: int
    wait_ns: int

    @property
    def believed(self) -> bool:
        """Whether terms may end by this clock."""
        return self.steady_ns >= self.wait_ns

    @property
    def left_ns(self) -> int:
        """How much longer it must go on without a jump."""
        return max(self.wait_ns - self.steady_ns, 0)


def look(before: Steadiness | None, now: Instant) -> Steadiness:
    """What is known of the clock after one more look; `before` is None at the first."""
    if before is None:
        return Steadiness(now, 0, DAY)
    lasted_ns, jump_ns = _between(before.seen, now)
    if abs(jump_ns) <= ALLOWED:
        return replace(before, seen=now, steady_ns=before.steady_ns + lasted_ns)
    return Steadiness(now, 0, max(WEEK if abs(jump_ns) > DAY else DAY, before.left_ns))


def _between(before: Instant, now: Instant) -> tuple[int, int]:
    """How long it surely was, and by how much the wall clock says otherwise.

    Of two boots nobody knows how long the machine was off. That the wall clock went on by up to a day meanwhile is
    nothing to wonder at; what is beyond counts as a jump.
    """
    wall_ns = now.wall_ns - before.wall_ns
    if now.boot_id == before.boot_id:
        lasted_ns = now.boot_ns - before.boot_ns
        return lasted_ns, wall_ns - lasted_ns
    if 0 <= wall_ns <= DAY:
        return min(wall_ns, now.boot_ns), 0
    return 0, wall_ns
