"""Which segments there are: their names, their order, and what an interrupted step left between them.

A segment is named by the index of its first record. The one with the highest name is active; every other one ends where
the next begins. `.leaves` without a segment tell of one that was pruned.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from pathlib import Path
from zlib import crc32

from edge_agent.journal.files import PART, synced
from edge_agent.journal.leaves import LeafFile

MENDED = ".mended"
"""How the name of a segment ends that is whole, and about to take the place of the damaged one."""


class Witness:
    """How many transactions there were, kept beside the segments.

    Written after each commit and never before it, so it is never ahead of the active segment: when it is, that has lost
    its newest transactions, and not to a power cut. Behind is what a killed agent leaves.
    """

    def __init__(self, path: Path) -> None:
        """`path` need not exist."""
        self._path = path
        self._descriptor: int | None = None

    def read(self) -> int:
        """The newest version; 0 when it is not known."""
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return 0
        version, crc = data[:8], data[8:]
        return int.from_bytes(version) if crc == crc32(version).to_bytes(4) else 0

    def write(self, version: int) -> None:
        """Put another in its place. Not synced."""
        if self._descriptor is None:
            self._descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o640)
        data = version.to_bytes(8)
        os.pwrite(self._descriptor, data + crc32(data).to_bytes(4), 0)

    def close(self) -> None:
        """Close the file; it may be used again."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def tidy(directory: Path) -> None:
    """Make the directory; finish or undo what was under way when an agent was killed. OSError goes to the caller."""
    if not directory.exists():
        directory.mkdir(mode=0o750)
        synced(directory.parent)
    for unfinished in directory.glob(f"*{PART}*"):
        unfinished.unlink()
    for mended in directory.glob(f"*.db{MENDED}"):
        put_in_place(mended)


def put_in_place(mended: Path) -> None:
    """Let a mended segment take the damaged one's place; the damaged files have a second name in quarantine."""
    target = mended.with_name(mended.name.removesuffix(MENDED))
    for stale in ("-wal", "-shm"):
        target.with_name(f"{target.name}{stale}").unlink(missing_ok=True)
    synced(mended.parent)  # the old log must be gone before the new file is there: it would be played into it
    mended.rename(target)
    synced(mended.parent)


class Chain:
    """The journal's directory as it is. OSError goes to the caller."""

    def __init__(self, directory: Path) -> None:
        """Changes nothing."""
        self.directory = directory
        self.witness = Witness(directory / "newest")
        self.segments = sorted(int(path.stem) for path in directory.glob("*.db"))
        self.ledgers = sorted(int(path.stem) for path in directory.glob("*.leaves"))
        if (
            self.ledgers
            and self.ledgers[-1] not in self.segments
            and self.leaves(self.ledgers[-1]).end > self.ledgers[-1]
        ):
            self.segments = sorted({*self.segments, self.ledgers[-1]})  # the active one is gone: see `adopt_ledgers`

    def adopt_ledgers(self, receipt_size: int) -> None:
        """Count ledgers of records that no receipt covers as segments: their files were not pruned, they are gone."""
        gone = [
            first
            for first in self.ledgers
            if first not in self.segments and receipt_size < (self.end_of(first) or self.leaves(first).end)
        ]
        self.segments = sorted([*self.segments, *gone])

    def segment(self, first_index: int) -> Path:
        """The file of the segment that begins there."""
        return self.directory / f"{first_index:020}.db"

    def leaves(self, first_index: int) -> LeafFile:
        """Its leaf file."""
        return LeafFile(self.directory / f"{first_index:020}.leaves", first_index)

    def holding(self, index: int) -> int | None:
        """First index of the kept segment that holds a record, or would; None when it was before all that are kept."""
        place = bisect_right(self.segments, index)
        return self.segments[place - 1] if place else None

    def since(self, index: int) -> list[int]:
        """First indices of the kept segments from the one that holds a record on."""
        first = self.holding(index)
        return [each for each in self.segments if first is None or each >= first]

    def end_of(self, first_index: int) -> int | None:
        """Where a closed segment or a pruned one's ledger ends; None for the active one."""
        firsts = sorted({*self.segments, *self.ledgers})
        later = firsts[bisect_right(firsts, first_index) :]
        return later[0] if later else None

    def add(self, part: Path, first_index: int) -> None:
        """Let a finished file be the active segment: from here on, whatever happens, it is."""
        synced(part)
        part.rename(self.segment(first_index))
        synced(self.directory)
        self.segments.append(first_index)
        self.ledgers.append(first_index)

    def forget(self, first_index: int) -> None:
        """Unlink a closed segment. Its leaves stay."""
        self.segment(first_index).unlink()
        self.segments.remove(first_index)
