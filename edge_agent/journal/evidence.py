"""Blobs beside the journal, named by their SHA-256: pictures, weight curves.

A blob is on disk, synced, before anything refers to it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
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

FULL = "the gate's disk was full"
"""Why a blob is not kept."""


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
        self._named: set[Path] = set()
        """Directories of blobs whose own names are known to be durable."""
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
        """Make a blob durable and queue it for delivery: see `keep_all`."""
        return self.keep_all([(data, media_type, role)])[0]

    def keep_all(self, blobs: Sequence[tuple[bytes, str, str]]) -> list[EvidenceRef]:
        """Make blobs (bytes, media type, role) durable and queue them for delivery; the same bytes are kept once.

        What came together is synced together: each file once, then each directory once, then the list. A blob for
        which the disk has no room is not kept: its reference says so, and what it would have been; without room for
        the list that goes for all. JournalError when the disk fails otherwise; nothing is promised then. What failed in
        the list's own sync may stand in it all the same, so those blobs stay: they are kept again, or listed anew.
        """
        references = [EvidenceRef(sha256(data).digest(), len(data), media, role) for data, media, role in blobs]
        new: set[bytes] = set()
        there: dict[bytes, Blob] = {}
        touched: set[Path] = set()
        try:
            for (data, media, _), reference in zip(blobs, references, strict=True):
                digest = reference.sha256
                if digest not in there and self._is_kept(digest, data, touched, new):
                    there[digest] = (digest, len(data), media)
            self._list_all(there, touched)
        except OSError as error:
            self._take_back(new)
            if not is_full(error):
                raise JournalError(
                    f"the evidence in {self._directory} cannot be written",
                    cause=str(error),
                    fix="look at the disk's health",
                ) from error
            there, new = {}, set()
        self.kept_bytes += sum(there[digest][1] for digest in new)
        self.shed += sum(reference.sha256 not in there for reference in references)
        return [each if each.sha256 in there else replace(each, not_kept=FULL) for each in references]

    def _is_kept(self, digest: bytes, data: bytes, touched: set[Path], new: set[bytes]) -> bool:
        """Whether the blob is on disk, written now if it has to be; `touched` directories are to be synced still."""
        path = self._path(digest)
        if not path.exists():
            if self._room_is_low():
                return False
            try:
                self._write(path, data)
            except OSError as error:
                if is_full(error):
                    return False
                raise
            new.add(digest)
        touched.add(path.parent)  # also of one that is there: whoever wrote it may have failed just here
        return True

    def _list_all(self, there: Mapping[bytes, Blob], touched: set[Path]) -> None:
        """OSError when there is no room for the list; a blob that nobody would deliver must not stay."""
        for directory in sorted(touched):
            synced(directory)
        if not touched <= self._named:  # a directory's own name is made durable once
            synced(self._directory)
            self._named |= touched
        try:
            self._list.expect_all(there.values())
        except JournalError as error:
            if isinstance(error.__cause__, Exception) and is_full(error.__cause__):
                raise OSError(ENOSPC, "no room for the list of evidence") from error
            raise

    def _take_back(self, digests: Iterable[bytes]) -> None:
        for digest in digests:
            self._path(digest).unlink(missing_ok=True)

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
        """The file is durable then; its name once its directory is synced."""
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

    def _blobs(self) -> Iterator[Blob]:
        """What is here, from the directory alone: whatever is delivered is not here any more."""
        return blobs_in(self._directory)
