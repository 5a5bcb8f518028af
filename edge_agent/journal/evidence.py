"""Blobs beside the journal, named by their SHA-256: pictures, weight curves.

A blob is on disk, synced, before anything refers to it.
"""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path
from threading import get_ident

from edge_agent.errors import EvidenceLostError, JournalError
from edge_agent.journal.journal import Journal
from edge_agent.model.readings import EvidenceRef

PART = ".part"
"""How the names of unfinished files end."""


class EvidenceStore:
    """The evidence directory; knows from the journal what is still to be delivered.

    `kept_bytes` is what was written since the start.
    """

    def __init__(self, directory: Path, journal: Journal) -> None:
        """Makes the directory; JournalError when it cannot be used."""
        self._directory, self._journal = directory, journal
        self.kept_bytes = 0
        try:
            directory.mkdir(parents=True, exist_ok=True)
            for unfinished in directory.glob(f"*/*{PART}"):
                unfinished.unlink()  # an agent was killed while it wrote
        except OSError as error:
            raise JournalError(
                f"the evidence directory {directory} cannot be used",
                cause=error.strerror or str(error),
                fix="check that it belongs to the agent's user",
            ) from error

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
        """A blob's bytes; EvidenceLostError when they are gone or are not what they were, JournalError for the rest."""
        path = self._path(digest)
        try:
            data = path.read_bytes()
        except FileNotFoundError as error:
            raise EvidenceLostError(f"the evidence {path} is gone", cause="somebody deleted it") from error
        except OSError as error:
            raise JournalError(f"the evidence {path} cannot be read", cause=error.strerror or str(error)) from error
        if sha256(data).digest() != digest:
            raise EvidenceLostError(
                f"the evidence {path} was altered on disk", fix="keep the file, and look at the disk's health"
            )
        return data

    def delivered(self, digest: bytes) -> None:
        """The collector has it: it may go from here."""
        self._journal.spool.expect_no_delivery(digest)
        self._path(digest).unlink(missing_ok=True)

    def lost(self, digest: bytes) -> None:
        """It cannot be delivered, ever. What is left of it stays where it is."""
        self._journal.spool.expect_no_delivery(digest)

    def _path(self, digest: bytes) -> Path:
        name = digest.hex()
        return self._directory / name[:2] / name

    def _write(self, path: Path, data: bytes) -> None:
        path.parent.mkdir(exist_ok=True)
        temporary = path.with_suffix(f".{get_ident()}{PART}")  # two cameras may send the same picture at once
        try:
            with temporary.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.rename(path)
        except OSError:
            temporary.unlink(missing_ok=True)  # on a full disk, what is left of each try would fill it more
            raise
        for directory in (path.parent, self._directory):
            descriptor = os.open(directory, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
