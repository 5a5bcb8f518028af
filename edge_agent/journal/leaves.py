"""Leaf files: 32 bytes a record beside each segment.

Written after the commit, so a leaf file is never longer than its segment, whatever happened: when it is, the segment
has lost its end. It stays when a segment is pruned: what was captured can be named for ever.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from edge_agent.journal.files import synced, write_synced
from gate_contract.merkle import HASH_SIZE


class LeafFile:
    """The leaf hashes of the records from `first_index` on. OSError goes to the caller."""

    def __init__(self, path: Path, first_index: int) -> None:
        """`path` need not exist: then it holds none."""
        self.path, self.first_index = path, first_index
        self._descriptor: int | None = None

    @property
    def end(self) -> int:
        """Index after the last record whose leaf is here whole."""
        try:
            return self.first_index + self.path.stat().st_size // HASH_SIZE
        except FileNotFoundError:
            return self.first_index

    def read(self, start: int, end: int) -> bytes:
        """Leaf hashes of [start, end), one after the other; fewer where the file ends before."""
        with suppress(FileNotFoundError), self.path.open("rb") as file:
            file.seek((start - self.first_index) * HASH_SIZE)
            data = file.read((end - start) * HASH_SIZE)
            return data[: len(data) // HASH_SIZE * HASH_SIZE]
        return b""

    def write(self, start: int, leaves: bytes) -> None:
        """Put leaf hashes at `start`, which must not be beyond the end. Not synced."""
        if self._descriptor is None:
            self._descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o640)
        os.pwrite(self._descriptor, leaves, (start - self.first_index) * HASH_SIZE)

    def replace(self, leaves: bytes) -> None:
        """Put a whole new file in the place of what is there, synced."""
        self.close()
        write_synced(self.path, leaves)

    def sync(self) -> None:
        """Make what was written durable."""
        if self._descriptor is not None:
            os.fsync(self._descriptor)
            synced(self.path.parent)

    def close(self) -> None:
        """Close the file; it may be used again."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
