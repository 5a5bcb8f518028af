"""The machine's clocks, asked in one place: everything else is given Moments.

What the wall clock is worth is the kernel's opinion (adjtimex(2)), asked once a second, and at once when the wall clock
was set: the kernel then says that it is not synchronised (kernel/time/timekeeping.c, do_settimeofday64: ntp_clear). A
machine that was suspended takes its time from a clock chip with seconds only, and the kernel's bound knows nothing of
that: until the time service has spoken again the clock is not held to be synchronised.
"""

from __future__ import annotations

import ctypes
import time
from dataclasses import dataclass
from pathlib import Path

from edge_agent.model.moment import SECOND, Moment, MonoNs, WallNs

STA_UNSYNC = 0x0040
"""adjtimex(2): the clock is not synchronised."""

REFRESH_NS = SECOND
"""The kernel's opinion of its clock changes slowly: asked once a second."""

STEP_NS = SECOND // 10
"""The wall clock moved so much against the others: it was set. Slewing, for a leap second too, is 0.05 % at most."""

SLEPT_NS = SECOND
"""CLOCK_BOOTTIME gained so much on CLOCK_MONOTONIC: the machine was suspended."""


def awake_ns() -> int:
    """CLOCK_MONOTONIC, nanoseconds: since the boot, without the time that the machine was suspended."""
    return time.monotonic_ns()


@dataclass(frozen=True, slots=True)
class Opinion:
    """What the kernel thinks of its wall clock; `max_error_ns` bounds its error while it is synchronised."""

    synchronised: bool
    max_error_ns: int


class _Timex(ctypes.Structure):
    """struct timex of adjtimex(2) on 64-bit Linux, as far as it is read; padded generously to its 208 bytes."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),
    )


class Kernel:
    """The clocks themselves."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)

    def wall_ns(self) -> int:
        """CLOCK_REALTIME, nanoseconds since 1970."""
        return time.time_ns()

    def boot_ns(self) -> int:
        """CLOCK_BOOTTIME: since the boot, with the time suspended."""
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME)

    def awake_ns(self) -> int:
        """CLOCK_MONOTONIC: since the boot, without it."""
        return awake_ns()

    def opinion(self) -> Opinion:
        """Of adjtimex(2); reading (modes = 0) needs no privilege. Without an answer the clock is worth nothing."""
        state = _Timex()
        if self._libc.adjtimex(ctypes.byref(state)) < 0:
            return Opinion(synchronised=False, max_error_ns=0)
        return Opinion(not state.status & STA_UNSYNC, state.maxerror * 1000)


class SystemClock:
    """Calling it gives the moment. Safe to use from several threads."""

    def __init__(self, kernel: Kernel | None = None) -> None:
        """`kernel` is this machine's when None."""
        self._boot_id = bytes.fromhex(Path("/proc/sys/kernel/random/boot_id").read_text().strip().replace("-", ""))
        self._kernel = kernel or Kernel()
        self._asked = -REFRESH_NS
        self._offset: int | None = None
        self._slept: int | None = None
        self._doubted: int | None = None
        self._worth = Opinion(synchronised=False, max_error_ns=0)

    def __call__(self) -> Moment:
        """Now, by the wall clock and by CLOCK_BOOTTIME, with what the wall clock is worth."""
        mono, wall = self._kernel.boot_ns(), self._kernel.wall_ns()
        was_set = self._offset is not None and abs(wall - mono - self._offset) >= STEP_NS
        if was_set or mono - self._asked >= REFRESH_NS:
            self._asked, self._offset = mono, wall - mono
            self._worth = self._opinion(mono)
        worth = self._worth
        return Moment(
            WallNs(wall),
            MonoNs(mono),
            self._boot_id,
            worth.synchronised,
            worth.max_error_ns if worth.synchronised else None,
        )

    def _opinion(self, mono: int) -> Opinion:
        """The kernel's, and after a suspension none until its bound has fallen: only a time service lowers it."""
        opinion, slept = self._kernel.opinion(), mono - self._kernel.awake_ns()
        if self._slept is not None and slept - self._slept >= SLEPT_NS:
            self._doubted = opinion.max_error_ns
        self._slept = slept
        if self._doubted is not None:
            if opinion.max_error_ns >= self._doubted:
                self._doubted = opinion.max_error_ns
                return Opinion(synchronised=False, max_error_ns=0)
            self._doubted = None
        return opinion
