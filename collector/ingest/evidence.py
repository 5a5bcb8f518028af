"""Evidence on disk: blobs named by their SHA-256, received in pieces, resumed where they broke off.

A blob lives at <state directory>/evidence/ab/<hex>; while it arrives, at <state directory>/evidence/partial/. It is
complete when its bytes are fsynced under their name, their hash holds, and its row is committed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import file_digest, sha256
from pathlib import Path
from typing import BinaryIO

import grpc
from sqlalchemy import Connection, insert, select

from collector.durable import sync_directory
from collector.errors import CollectorError
from collector.ledger.log import FORMAT, Ledger
from collector.store import schema
from gate_contract.v1.ledger_pb2 import EvidenceKept, LedgerEntry
from gate_contract.v1.uplink_pb2 import EvidenceOffer

MAX_BLOB_BYTES = 64 * 1024 * 1024
MAX_CHUNK_BYTES = 256 * 1024
MAX_MEDIA_TYPE = 127
"""Characters of a media type (RFC 6838, 4.2)."""

ABANDONED_S = 30 * 86_400
"""A blob that broke off and did not go on for so long, seconds, will not: its agent has no journal here any more."""

_HASH_BYTES = 32


class UploadError(CollectorError):
    """A blob that is not taken; `status` is what the agent is told with the text."""

    def __init__(self, what: str, *, status: grpc.StatusCode, cause: str = "", fix: str = "") -> None:
        """See CollectorError."""
        super().__init__(what, cause=cause, fix=fix)
        self.status = status


class EvidenceStore:
    """The directory of blobs. Used from one event loop; only an Upload's own methods may run in other threads."""

    def __init__(self, state_dir: Path) -> None:
        """Blobs live below `state_dir`/evidence, which is made when the first one comes."""
        self._directory = state_dir / "evidence"
        self._busy: set[Path] = set()

    def path(self, digest: bytes) -> Path:
        """Where the blob with this SHA-256 is, or would be."""
        return self._directory / digest.hex()[:2] / digest.hex()

    def forget_abandoned(self, now_unix_s: float) -> None:
        """Delete what broke off ABANDONED_S ago or more."""
        for partial in (self._directory / "partial").glob("*"):
            if now_unix_s - partial.stat().st_mtime >= ABANDONED_S:
                partial.unlink()

    @contextmanager
    def begin(self, offer: EvidenceOffer, sender: str) -> Iterator[Upload]:
        """Take up an offer; `sender` is the origin of the agent's journal. Does not block.

        Raises UploadError when the offer cannot be taken, or the same blob is on its way from this sender already.
        """
        _check(offer)
        partial = self._directory / "partial" / f"{offer.sha256.hex()}-{sha256(sender.encode()).hexdigest()[:16]}"
        if partial in self._busy:
            raise UploadError("this blob is being sent already", status=grpc.StatusCode.ABORTED)
        self._busy.add(partial)
        upload = Upload(offer, partial, self.path(offer.sha256))
        try:
            yield upload
        finally:
            try:
                upload.close()
            finally:  # a full disk fails to close, too
                self._busy.remove(partial)


class Upload:
    """One blob on its way in. Its methods block, and raise OSError when the disk cannot."""

    def __init__(self, offer: EvidenceOffer, partial: Path, path: Path) -> None:
        """Use EvidenceStore.begin."""
        self._offer = offer
        self._partial = partial
        self._path = path
        self._file: BinaryIO | None = None
        self.offset = 0
        """Bytes that are there."""

    def open(self) -> None:
        """Find out how much is there."""
        if self._path.exists():  # came before, perhaps without the row that makes it complete
            self.offset = self._offer.size
            return
        self._partial.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = self._partial.open("ab")
        self.offset = self._file.tell()
        if self.offset > self._offer.size:
            self._file.truncate(0)
            self.offset = 0

    def close(self) -> None:
        """Leave what came for the next time."""
        if self._file is not None:
            self._file.close()

    @property
    def is_whole(self) -> bool:
        """Whether as many bytes are there as were offered."""
        return self.offset == self._offer.size

    def write(self, chunk: bytes) -> None:
        """Append the next bytes; UploadError when they are more than were offered or than one message may hold."""
        if len(chunk) > MAX_CHUNK_BYTES or self.offset + len(chunk) > self._offer.size:
            raise UploadError(
                f"{len(chunk)} bytes at {self.offset} of {self._offer.size}",
                cause=f"a message holds at most {MAX_CHUNK_BYTES} bytes, all together what was offered",
                status=grpc.StatusCode.INVALID_ARGUMENT,
            )
        if self._file is not None:
            self._file.write(chunk)
        self.offset += len(chunk)

    def finish(self) -> None:
        """Make the whole blob durable under its name; UploadError when its hash does not hold (it begins anew)."""
        if self._file is None:
            self._check_held()
            return
        self._file.flush()
        os.fsync(self._file.fileno())
        if _digest(self._partial) != self._offer.sha256:
            self._partial.unlink()
            raise UploadError(
                f"the bytes received are not those of {self._offer.sha256.hex()}",
                fix="send the blob again from its beginning",
                status=grpc.StatusCode.DATA_LOSS,
            )
        self._path.parent.mkdir(mode=0o700, exist_ok=True)
        self._partial.rename(self._path)
        self._sync_names()

    def _sync_names(self) -> None:
        evidence = self._path.parent.parent
        for directory in (self._path.parent, evidence, evidence.parent):
            sync_directory(directory)

    def _check_held(self) -> None:
        """A file that was damaged here makes room for the agent's good bytes; one whose sync failed is synced."""
        if _digest(self._path) != self._offer.sha256:
            self._path.unlink()
            raise UploadError(
                f"the copy of {self._offer.sha256.hex()} held here was damaged",
                fix="send the blob again from its beginning",
                status=grpc.StatusCode.DATA_LOSS,
            )
        self._sync_names()


def record_evidence(connection: Connection, ledger: Ledger, offer: EvidenceOffer, origin: str, now_ns: int) -> None:
    """Note a durable blob in the caller's write transaction, once, and enter that it came: one taken out is missed.

    `origin` is that of the journal whose agent sent it.
    """
    table = schema.evidence
    if connection.scalars(select(table.c.size).where(table.c.sha256 == offer.sha256)).one_or_none() is None:
        kept = EvidenceKept(sha256=offer.sha256, size=offer.size, media_type=offer.media_type, origin=origin)
        ledger.append(connection, [LedgerEntry(format=FORMAT, entered_unix_ns=now_ns, evidence=kept)])
        row = {"sha256": offer.sha256, "size": offer.size, "media_type": offer.media_type, "received_ns": now_ns}
        connection.execute(insert(table), row)


def _check(offer: EvidenceOffer) -> None:
    problem = ""
    if len(offer.sha256) != _HASH_BYTES:
        problem = f"a name of {len(offer.sha256)} bytes is no SHA-256"
    elif not 0 < offer.size <= MAX_BLOB_BYTES:
        problem = f"a blob of {offer.size} bytes; 1 to {MAX_BLOB_BYTES} are taken"
    elif not offer.media_type or len(offer.media_type) > MAX_MEDIA_TYPE or not offer.media_type.isprintable():
        problem = f"{offer.media_type[:MAX_MEDIA_TYPE]!r} is no media type"
    if problem:
        raise UploadError(problem, status=grpc.StatusCode.INVALID_ARGUMENT)


def _digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return file_digest(file, "sha256").digest()
