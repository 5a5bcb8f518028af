"""The machine's clocks, asked in one place: everything else is given Moments."""

from __future__ import annotations

import ctypes
import time
from pathlib import Path

from edge_agent.model.moment import Moment, MonoNs, WallNs

STA_UNSYNC = 0x0040
"""adjtimex(2): the clock is not synchronised."""

REFRESH_NS = 1_000_000_000
"""The kernel's opinion of its clock changes slowly: asked once a second."""


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


class SystemClock:
    """Calling it gives the moment."""

    def __init__(self) -> None:
        self._boot_id = bytes.fromhex(Path("/proc/sys/kernel/random/boot_id").read_text().strip().replace("-", ""))
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._asked = -REFRESH_NS
        self._synchronised = False
        self._error_bound_ns: int | None = None

    def __call__(self) -> Moment:
        """Now, by the wall clock and by CLOCK_BOOTTIME, with what the kernel says the wall clock is worth."""
        mono = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        if mono - self._asked >= REFRESH_NS:
            self._asked = mono
            self._ask()
        return Moment(WallNs(time.time_ns()), MonoNs(mono), self._boot_id, self._synchronised, self._error_bound_ns)

    def _ask(self) -> None:
        state = _Timex()
        if self._libc.adjtimex(ctypes.byref(state)) < 0:  # reading (modes = 0) needs no privilege
            self._synchronised, self._error_bound_ns = False, None
            return
        self._synchronised = not state.status & STA_UNSYNC
        self._error_bound_ns = state.maxerror * 1000 if self._synchronised else None
