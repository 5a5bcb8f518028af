"""Acts that were made while the agent did not run: files beside the journal, taken one by one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from edge_agent.model.handed_act import ACT_SUFFIX, Handed, HandedError, read_handed

REFUSED_SUFFIX = ".refused"
MODE = 0o1770
"""Whoever is in the agent's group may put an act in; the sticky bit keeps them from taking another's out."""

MOST_AT_ONCE = 64
MOST_BYTES = 64 << 20
"""A larger file is no act."""


class ActSpool:
    """The directory of acts that wait. OSError where the disk or its rights fail."""

    def __init__(self, directory: Path) -> None:
        """Makes the directory where it can."""
        self._directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        if directory.stat().st_uid == os.geteuid():
            directory.chmod(MODE)

    def waiting(self) -> Iterator[tuple[Path, Handed | HandedError]]:
        """Some of what waits, the oldest first; what is no act comes with the reason."""
        for path in sorted(self._directory.glob(f"*{ACT_SUFFIX}"), key=_changed)[:MOST_AT_ONCE]:
            yield path, _read(path)

    def taken(self, path: Path) -> None:
        """It is recorded."""
        path.unlink(missing_ok=True)

    def refused(self, path: Path, why: str) -> None:
        """It cannot be recorded: it stays, under a name that says so, with the reason beside it."""
        path.with_suffix(".txt").write_text(why + "\n", encoding="utf-8")
        path.rename(path.with_suffix(REFUSED_SUFFIX))


def _changed(path: Path) -> tuple[float, str]:
    return path.lstat().st_mtime, path.name


def _read(path: Path) -> Handed | HandedError:
    """A file's act. Links are not followed: whoever may put a file here must not have others read for them."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            if os.fstat(descriptor).st_size > MOST_BYTES:
                return HandedError("it is too large for an act")
            data = BytesIO(file.read())
        return read_handed(data.read)
    except HandedError as error:
        return error
    except OSError as error:
        return HandedError(f"it cannot be read: {error.strerror or error}")
