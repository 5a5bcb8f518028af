"""The disk that the journal is on: how full it is, and what that means for what comes. Standard library only."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

RESERVE = "reserve"
"""Name of the ballast in the state directory that is given back to the journal when the disk is full."""

FILLING_PERCENT = 80
SHEDDING_PERCENT = 95

ALARMS = {0: "", FILLING_PERCENT: "disk-80", SHEDDING_PERCENT: "disk-95", 100: "disk-full"}
"""Reasons, by level."""

LEAST_BYTES = 1024 * 1024
"""With less than this a commit and its log may not fit: nothing more can be captured."""

_BLOCK = 512
"""Unit of st_blocks, bytes (stat(2))."""


@dataclass(frozen=True, slots=True)
class DiskUse:
    """A disk, in bytes.

    Attributes:
        used_bytes: used by everything, the reserve too.
        free_bytes: free for the agent's user.
        reserve_bytes: held back for the journal, and counted as used.
    """

    used_bytes: int
    free_bytes: int
    reserve_bytes: int

    @property
    def percent(self) -> int:
        """How full it is, rounded down, of what the agent's user may have at all (as `df` counts)."""
        return 100 * self.used_bytes // max(1, self.used_bytes + self.free_bytes)

    @property
    def level(self) -> int:
        """100 when nothing more can be captured, else the highest of 95, 80 and 0 percent that is reached."""
        if self.free_bytes + self.reserve_bytes < LEAST_BYTES:
            return 100
        return next((each for each in (SHEDDING_PERCENT, FILLING_PERCENT) if self.percent >= each), 0)

    @property
    def alarm(self) -> str:
        """The reason's code for its level; "" when there is none."""
        return ALARMS[self.level]


def disk_use(state_dir: Path) -> DiskUse | None:
    """The disk of the state directory, now; None when it cannot be asked."""
    try:
        disk = os.statvfs(state_dir)
        reserve = _occupied(state_dir / RESERVE)
    except OSError:
        return None
    return DiskUse((disk.f_blocks - disk.f_bfree) * disk.f_frsize, disk.f_bavail * disk.f_frsize, reserve)


def _occupied(path: Path) -> int:
    """Bytes that a file really has on the disk; 0 when there is none."""
    try:
        return path.stat().st_blocks * _BLOCK
    except FileNotFoundError:
        return 0
