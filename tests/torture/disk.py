"""A disk as it may look after a power cut: what was synced is there; the rest is there, or not, or in part.

Of a file's unsynced writes each 512-byte sector is as it was after some of them, in order: none, a few, or all; its
size is as it was at some moment since the sync, so that a tail may be missing or zero. Of a directory's unsynced
changes a first part is there: file systems keep them in order, but one directory may be ahead of another. A rename is
all or nothing. That a file was synced says nothing about its name: only a sync of its directory does.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.torture.recording import ROOT, MakeDirectory, Recording, Relink, Resize, Sync, Write

SECTOR = 512

Change = Write | Resize


@dataclass(frozen=True, slots=True)
class Chance:
    """How much of what was not synced is there after the power cut.

    Attributes:
        names: of each directory's changes: a share of them; None draws for each directory.
        sizes: whether files have their latest size; None draws a moment for each file.
        sectors: likelihood that a sector has all of its writes; else it draws how many.
    """

    name: str
    names: float | None
    sizes: bool | None
    sectors: float


CHANCES = (
    Chance("nothing that was not synced", 0, sizes=False, sectors=0),
    Chance("names and sizes, no content", 1, sizes=True, sectors=0),
    Chance("content, no names", 0, sizes=True, sectors=1),
    Chance("most", None, sizes=None, sectors=0.9),
    Chance("some", None, sizes=None, sectors=0.4),
    Chance("all names, some content", 1, sizes=None, sectors=0.5),
)
_EXTREMES = (0, 1)


@dataclass(slots=True)
class _Pending:
    """A file: what is durable of it, and what came since."""

    durable: bytearray
    changes: list[Change] = field(default_factory=list)


class Disk:
    """The disk while events happen to it."""

    def __init__(self, recording: Recording) -> None:
        """As it was before the first event; all of that is durable."""
        self._files = defaultdict(lambda: _Pending(bytearray()))
        for inode, content in recording.files.items():
            self._files[inode] = _Pending(bytearray(content))
        self._directories = {inode: dict(entries) for inode, entries in recording.directories.items()}
        self._relinks: list[Relink] = []

    def apply(self, event: Write | Resize | MakeDirectory | Relink | Sync) -> None:
        """Let something happen."""
        match event:
            case Write() | Resize():
                self._files[event.inode].changes.append(event)
            case MakeDirectory():
                self._directories[event.inode] = {}
            case Relink():
                self._relinks.append(event)
            case Sync():
                self._sync(event.inode)

    def after_power_cut(self, chance: Chance, rng: random.Random) -> dict[str, bytes]:
        """The files that are there, by path; directories without files are there as "path/"."""
        directories = self._drawn_directories(chance, rng)
        image: dict[str, bytes] = {}

        def walk(directory: int, prefix: str) -> None:
            for name, inode in sorted(directories.get(directory, {}).items()):
                if inode in self._directories:
                    image[f"{prefix}{name}/"] = b""
                    walk(inode, f"{prefix}{name}/")
                elif not name.endswith("-shm"):  # shared memory: SQLite makes it anew
                    image[prefix + name] = _drawn(self._files[inode], chance, rng)

        walk(ROOT, "")
        return image

    def _sync(self, inode: int) -> None:
        if inode not in self._directories:
            pending = self._files[inode]
            for change in pending.changes:
                _change(pending.durable, change)
            pending.changes.clear()
            return
        left: list[Relink] = []
        for relink in self._relinks:
            if any(directory == inode for directory, _, _ in relink.entries):
                _rename(self._directories, relink)
            else:
                left.append(relink)
        self._relinks = left

    def _drawn_directories(self, chance: Chance, rng: random.Random) -> dict[int, dict[str, int]]:
        directories = {inode: dict(entries) for inode, entries in self._directories.items()}
        by_directory: defaultdict[int, list[Relink]] = defaultdict(list)
        for relink in self._relinks:
            by_directory[relink.entries[-1][0]].append(relink)
        for relinks in by_directory.values():
            share = rng.random() if chance.names is None else chance.names
            for relink in relinks[: round(share * len(relinks))]:
                _rename(directories, relink)
        return directories


def _rename(directories: dict[int, dict[str, int]], relink: Relink) -> None:
    for directory, name, inode in relink.entries:
        if inode is None:
            directories[directory].pop(name, None)
        else:
            directories[directory][name] = inode


def _drawn(file: _Pending, chance: Chance, rng: random.Random) -> bytes:
    """A file's content after the power cut."""
    content = bytearray(file.durable)
    if not file.changes:
        return bytes(content)
    until = _moment_of_size(file.changes, chance, rng)
    cuts: dict[int, int] = {}
    for number, change in enumerate(file.changes):
        if isinstance(change, Resize):
            if number >= until:
                break  # what was written after it went to sectors that are not the file's
            _change(content, change)
        else:
            _write_sectors(content, change, number, cuts, chance, rng, len(file.changes))
    size = _size(file, until)
    del content[size:]
    content += bytes(size - len(content))
    return bytes(content)


def _moment_of_size(changes: Sequence[Change], chance: Chance, rng: random.Random) -> int:
    """How many of the changes count for the size."""
    if chance.sizes is None:
        return rng.randint(0, len(changes))
    return len(changes) if chance.sizes else 0


def _size(file: _Pending, until: int) -> int:
    size = len(file.durable)
    for change in file.changes[:until]:
        size = change.size if isinstance(change, Resize) else max(size, change.offset + len(change.data))
    return size


def _write_sectors(
    content: bytearray,
    write: Write,
    number: int,
    cuts: dict[int, int],
    chance: Chance,
    rng: random.Random,
    changes: int,
) -> None:
    """Write those sectors that are to have this change."""
    end = write.offset + len(write.data)
    for sector in range(write.offset // SECTOR, -(-end // SECTOR)):
        if sector not in cuts:
            cuts[sector] = _cut(chance, rng, changes)
        if number < cuts[sector]:
            begin, stop = max(write.offset, sector * SECTOR), min(end, (sector + 1) * SECTOR)
            _change(content, Write(write.inode, begin, write.data[begin - write.offset : stop - write.offset]))


def _cut(chance: Chance, rng: random.Random, changes: int) -> int:
    """How many of the file's changes a sector has."""
    if chance.sectors in _EXTREMES:
        return round(changes * chance.sectors)
    return changes if rng.random() < chance.sectors else rng.randint(0, changes)


def _change(content: bytearray, change: Change) -> None:
    if isinstance(change, Resize):
        del content[change.size :]
        content += bytes(change.size - len(content))
        return
    if change.offset > len(content):
        content += bytes(change.offset - len(content))
    content[change.offset : change.offset + len(change.data)] = change.data


def write_image(image: dict[str, bytes], directory: Path) -> None:
    """Put an image's files into an empty directory, for their owner only."""
    for name, content in image.items():
        path = directory / name
        if name.endswith("/"):
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        else:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.write_bytes(content)
            path.chmod(0o600)
