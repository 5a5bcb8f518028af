"""Moments. Wall and monotonic time have different types; code is given a Moment and never asks a clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NewType

WallNs = NewType("WallNs", int)
"""Nanoseconds since 1970-01-01T00:00:00Z."""

MonoNs = NewType("MonoNs", int)
"""Nanoseconds of CLOCK_BOOTTIME: it never jumps, and counts while the machine is suspended."""

SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Moment:
    """One moment on this machine.

    Attributes:
        wall: what the wall clock said.
        mono: what the monotonic clock said; comparable only within one boot.
        boot_id: the kernel's boot id, 16 bytes.
        synchronised: whether the kernel says that the wall clock is disciplined.
        error_bound_ns: bound on the wall clock's error; None when not known.
    """

    wall: WallNs
    mono: MonoNs
    boot_id: bytes
    synchronised: bool
    error_bound_ns: int | None = None

    def seconds_since(self, earlier: Moment) -> float:
        """Seconds from `earlier` to here: monotonic within one boot, wall across boots.

        Across boots at least as long as this boot lasts: the wall clock may begin in 1970.
        """
        if self.boot_id == earlier.boot_id:
            return (self.mono - earlier.mono) / SECOND
        return max(self.wall - earlier.wall, self.mono) / SECOND
