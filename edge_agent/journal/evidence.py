"""Blobs beside the journal, named by their SHA-256: pictures, weight curves.

A blob is on disk, synced, before anything refers to it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from errno import ENOSPC
from hashlib import sha256
from pathlib import Path
from threading import get_ident

from edge_agent.errors import EvidenceLostError, JournalError
from edge_agent.journal.evidence_list import Blob, EvidenceList, blobs_in
from edge_agent.journal.files import PART, synced
from edge_agent.journal.quarantine import Quarantined
from edge_agent.journal.reserve import is_full
from edge_agent.model.readings import EvidenceRef

LOST = ".lost"
"""How the names of blobs end that are not what they were."""


class EvidenceStore:
    """The evidence directory of a state directory, and the list of what is still to be delivered.

    `kept_bytes` is what was written since the start.
    """

    def __init__(self, state_dir: Path, room_is_low: Callable[[], bool] = lambda: False) -> None:
        """Makes state_dir/evidence and state_dir/evidence.db; JournalError when they cannot be used.

        While `room_is_low` no blob is kept: what is left of the disk is for records.
        """
        self._room_is_low = room_is_low
        self.shed = 0
        """Blobs that were not kept for want of room, since the start."""
        self._directory = state_dir / "evidence"
        self.kept_bytes = 0
        try:
            if not self._directory.is_dir():
                self._directory.mkdir(parents=True)
                synced(state_dir)
            for unfinished in self._directory.glob(f"*/*{PART}"):
                unfinished.unlink()  # an agent was killed while it wrote
        except OSError as error:
            raise JournalError(
                f"the evidence directory {self._directory} cannot be used",
                cause=error.strerror or str(error),
                fix="check that it belongs to the agent's user",
            ) from error
        self._list = EvidenceList(state_dir / "evidence.db", self._blobs)

    @property
    def mended(self) -> list[Quarantined]:
        """Damaged lists that were put aside since the start, and made again."""
        return self._list.quarantined

    def close(self) -> None:
        """Close the list; nothing is pending in memory."""
        self._list.close()

    def keep(self, data: bytes, media_type: str, role: str) -> EvidenceRef:
        """Make a blob durable and queue it for delivery; the same bytes are kept once.

        On a full disk it is not kept: the reference says so, and what it would have been. JournalError when the disk
        fails otherwise.
        """
        digest = sha256(data).digest()
        path = self._path(digest)
        try:
            if path.exists():
                self._sync_names(path)  # whoever wrote it may have failed just there
                self._list.expect(digest, len(data), media_type)
            elif self._room_is_low():
                return self._not_kept(digest, data, media_type, role)
            else:
                self._write(path, data)
                self.kept_bytes += len(data)
                self._expect(path, digest, len(data), media_type)
        except OSError as error:
            if is_full(error):
                return self._not_kept(digest, data, media_type, role)
            raise JournalError(
                f"the evidence {path} cannot be written", cause=str(error), fix="look at the disk's health"
            ) from error
        return EvidenceRef(digest, len(data), media_type, role)

    def _expect(self, path: Path, digest: bytes, size: int, media_type: str) -> None:
        """A blob that nobody would deliver must not stay; OSError when there is no room for the list."""
        try:
            self._list.expect(digest, size, media_type)
        except JournalError as error:
            path.unlink(missing_ok=True)
            if isinstance(error.__cause__, Exception) and is_full(error.__cause__):
                raise OSError(ENOSPC, "no room for the list of evidence") from error
            raise

    def _not_kept(self, digest: bytes, data: bytes, media_type: str, role: str) -> EvidenceRef:
        self.shed += 1
        return EvidenceRef(digest, len(data), media_type, role, not_kept="the gate's disk was full")

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

    def waiting(self, limit: int = 16) -> list[Blob]:
        """(SHA-256, size, media type) of blobs not yet delivered, at most `limit`."""
        return self._list.waiting(limit)

    def delivered(self, digest: bytes) -> None:
        """The collector has it: it may go from here."""
        self._list.expect_no_more(digest)
        with suppress(OSError):  # nobody waits for it any more; what is left costs space, and no evidence
            self._path(digest).unlink(missing_ok=True)

    def lost(self, digest: bytes) -> None:
        """It cannot be delivered, ever. What is left of it stays where it is, under a name that says so."""
        self._list.expect_no_more(digest)
        with suppress(OSError):  # gone altogether, or the disk takes nothing: it is of no use to anybody
            self._path(digest).rename(self._path(digest).with_suffix(LOST))

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
        self._sync_names(path)

    def _sync_names(self, path: Path) -> None:
        for directory in (path.parent, self._directory):
            synced(directory)

    def _blobs(self) -> Iterator[Blob]:
        """What is here, from the directory alone: whatever is delivered is not here any more."""
        return blobs_in(self._directory)
