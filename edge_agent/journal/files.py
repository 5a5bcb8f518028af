"""Files that are durable when a function returns."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

PART = ".part"
"""How the names of unfinished files end."""


def synced(path: Path) -> None:
    """Make a file's content, or a directory's entries, durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_synced(path: Path, data: bytes) -> None:
    """Write a file whole, or leave what was there."""
    part = path.with_name(f"{path.name}{PART}")
    try:
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.rename(path)
    except OSError:
        part.unlink(missing_ok=True)  # on a full disk, what is left of each try would fill it more
        raise
    synced(path.parent)


def link_or_copy(source: Path, target: Path) -> None:
    """The same bytes under a second name: without more space where the file system can."""
    try:
        target.hardlink_to(source)
    except OSError:
        shutil.copyfile(source, target)
        synced(target)
