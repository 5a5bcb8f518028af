"""How large the journal's files are made on a disk, and when that disk counts as full."""

from __future__ import annotations

import os
from pathlib import Path

SEGMENT_BYTES = 16 << 20
"""Weight of the commits in a segment: what is checked at every start, and what a roll frees at a time."""

LEAST_SEGMENT_BYTES = 256 << 10
MOST_OF_DISK = 16
"""A segment takes at most this part of its file system."""

FULL_FROM = 0.8
"""Share of the disk in use from which on acknowledged segments are not kept."""


def segment_bytes(directory: Path) -> int:
    """Weight at which a segment is full on the disk of `directory`."""
    try:
        disk = os.statvfs(directory)
    except OSError:
        return SEGMENT_BYTES  # opening says what is wrong
    return max(LEAST_SEGMENT_BYTES, min(SEGMENT_BYTES, disk.f_blocks * disk.f_frsize // MOST_OF_DISK))


def is_full(directory: Path) -> bool:
    """Whether FULL_FROM of the disk or more is in use; OSError goes to the caller."""
    disk = os.statvfs(directory)
    return disk.f_bavail < disk.f_blocks * (1 - FULL_FROM)
