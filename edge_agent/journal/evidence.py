"""Blobs beside the journal, named by their SHA-256: pictures, weight curves.

A blob is on disk, synced, before anything refers to it.
"""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path
from threading import get_ident

from edge_agent.errors import JournalError
from edge_agent.journal.journal import Journal
from edge_agent.model.readings import EvidenceRef


class EvidenceStore:
    """The evidence directory; knows from the journal what is still to be delivered.

    `kept_bytes` is what was written since the start.
    """

    def __init__(self, directory: Path, journal: Journal) -> None:
        """Makes the directory."""
        self._directory, self._journal = directory, journal
        self.kept_bytes = 0
        directory.mkdir(parents=True, exist_ok=True)

    def keep(self, data: bytes, media_type: str, role: str) -> EvidenceRef:
        """Make a blob durable and queue it for delivery; the same bytes are kept once.

        Raises JournalError when the disk cannot take it.
        """
        digest = sha256(data)
        path = self._path(digest.digest())
        try:
            if not path.exists():
                self._write(path, data)
                self.kept_bytes += len(data)
        except OSError as error:
            raise JournalError(
                f"the evidence {path} cannot be written", cause=str(error), fix="free space on its disk"
            ) from error
        self._journal.spool.expect_delivery(digest.digest(), len(data), media_type)
        return EvidenceRef(digest.digest(), len(data), media_type, role)

    def read(self, digest: bytes) -> bytes:
        """A blob's bytes; JournalError when they are gone or are not what they were."""
        try:
            data = self._path(digest).read_bytes()
        except OSError as error:
            raise JournalError(f"evidence {digest.hex()} cannot be read", cause=str(error)) from error
        if sha256(data).digest() != digest:
            raise JournalError(f"evidence {digest.hex()} was altered on disk")
        return data

    def delivered(self, digest: bytes) -> None:
        """The collector has it: it may go from here."""
        self._journal.spool.evidence_delivered(digest)
        self._path(digest).unlink(missing_ok=True)

    def _path(self, digest: bytes) -> Path:
        name = digest.hex()
        return self._directory / name[:2] / name

    def _write(self, path: Path, data: bytes) -> None:
        path.parent.mkdir(exist_ok=True)
        temporary = path.with_suffix(f".{get_ident()}.part")  # two cameras may send the same picture at once
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path)
        for directory in (path.parent, self._directory):
            descriptor = os.open(directory, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
