"""Space on the disk that only records may use: a ballast file that shrinks when the disk is full.

Pictures are shed while less than the reserve is free beside the ballast. When nothing is free at all, the journal asks
for the ballast step by step, so that records are captured long after the last picture was. When there is room again the
ballast grows back.
"""

from __future__ import annotations

import errno
import os
import threading
from contextlib import suppress
from pathlib import Path

from edge_agent import sqlite_errors

SHARE = 20  # one twentieth of the file system …
MOST_BYTES = 64 * 1024 * 1024  # … but not more than this: days of a busy lane …
LEAST_BYTES = 16 * 1024 * 1024  # … nor, where that is a quarter or less, less than this
STEPS = 16


def default_size(directory: Path) -> int:
    """Bytes that are set aside on the file system of `directory`; 0 when it cannot be asked."""
    try:
        disk = os.statvfs(directory)
    except OSError:
        return 0
    total = disk.f_blocks * disk.f_frsize
    return min(MOST_BYTES, max(total // SHARE, min(LEAST_BYTES, total // 4)))


def is_full(error: Exception) -> bool:
    """Whether an error says that the disk, or this user's share of it, is full."""
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    return sqlite_errors.is_full(error)


class Reserve:
    """The ballast. Safe to use from several threads."""

    def __init__(self, path: Path, size: int | None = None) -> None:
        """At `path`, `size` bytes when full; by default as `default_size` says. Makes nothing yet: see `restore`."""
        self._path = path
        self._size = default_size(path.parent) if size is None else size
        self._step = max(1, self._size // STEPS)
        self._lock = threading.Lock()

    @property
    def size(self) -> int:
        """Bytes when it is full."""
        return self._size

    @property
    def held(self) -> int:
        """Bytes held now."""
        try:
            return self._path.stat().st_size
        except OSError:
            return 0

    @property
    def is_low(self) -> bool:
        """Whether what is free beside the ballast is less than the reserve: no time for pictures."""
        try:
            return self._free() < self._size
        except OSError:
            return True

    def give(self, *, for_receipt: bool = False) -> bool:
        """Free one step; whether there was anything left to give.

        The last step is for receipts alone: without them nothing could ever be pruned, and the disk stay full for ever.
        """
        with self._lock:
            held = self.held
            if held <= (0 if for_receipt else self._step):
                return False
            try:
                os.truncate(self._path, max(0, held - self._step))
            except OSError:
                with suppress(OSError):
                    self._path.unlink()  # a disk that is too full to shorten a file may still forget one
            return self.held < held

    def restore(self) -> bool:
        """Take back what may be taken back: only while twice the reserve would stay free; whether it is full.

        Never fails: a disk that has no room gets another chance the next time.
        """
        with self._lock, suppress(OSError):
            held = self.held
            room = self._free() - 2 * self._size
            target = self._size if held + room >= self._size else held
            if target > held:
                descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
                try:
                    os.posix_fallocate(descriptor, held, target - held)
                    os.fsync(descriptor)
                finally:
                    os.close(descriptor)
        return self.held >= self._size

    def _free(self) -> int:
        disk = os.statvfs(self._path.parent)
        return disk.f_bavail * disk.f_frsize
