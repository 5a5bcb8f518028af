"""Which blobs of evidence are still to be delivered: a SQLite file of its own.

It can be made again from the directory of blobs, because a blob leaves that when it is delivered.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import TypeVar

from edge_agent.errors import JournalError
from edge_agent.journal.files import PART, synced
from edge_agent.journal.quarantine import Quarantined, put_aside
from edge_agent.journal.segment import connect, connect_to_read, entry_hash
from edge_agent.sqlite_errors import is_read_only, says_damaged

T = TypeVar("T")

MEDIA_TYPES = ((b"\xff\xd8\xff", "image/jpeg"), (b"\x89PNG", "image/png"), (b"<", "application/xml"))
"""How blobs begin, for when the list with their media types is gone; weight curves are the rest."""

TABLE = (
    "CREATE TABLE IF NOT EXISTS evidence (sha256 BLOB PRIMARY KEY, size INTEGER NOT NULL, media_type TEXT NOT NULL,"
    " seal BLOB NOT NULL) WITHOUT ROWID"
)
INSERT = "INSERT OR REPLACE INTO evidence VALUES (?, ?, ?, ?)"
Blob = tuple[bytes, int, str]
"""SHA-256, size in bytes, media type."""


class EvidenceList:
    """Safe to use from several threads. A damaged file is put aside and made again."""

    def __init__(self, path: Path, blobs: Callable[[], Iterable[Blob]]) -> None:
        """`blobs` tells what is in the evidence directory; it is asked only when the list is damaged."""
        self._path, self._blobs = path, blobs
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._closed = False
        self.quarantined: list[Quarantined] = []
        """Damaged files that were put aside since the start."""
        killed = path.with_name(f"{path.name}-wal").exists()
        try:
            forget_part(path)  # an agent was killed while it made the list again
            self._do(lambda: self._begin(killed=killed))
        except OSError as error:
            raise self._unusable(error) from error

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._disconnect()
            self._closed = True

    def expect_all(self, blobs: Collection[Blob]) -> None:
        """Remember that blobs are to be delivered; they are durable in the evidence directory already."""
        if blobs:
            self._do(lambda: self._add_at_once(blobs))

    def expect_no_more(self, sha256: bytes) -> None:
        """The collector has confirmed a blob, or it is lost. When the same bytes come again they are expected anew."""
        self._do(lambda: self._use().execute("DELETE FROM evidence WHERE sha256 = ?", (sha256,)))

    def waiting(self, limit: int) -> list[Blob]:
        """Blobs not yet delivered, at most `limit`."""
        return self._do(lambda: rows(self._use(), limit))

    def _begin(self, *, killed: bool) -> None:
        self._use()
        if killed:  # what a damaged log does not give is in the directory all the same
            self._add(blob for blob in self._blobs() if not self._has(blob[0]))

    def _use(self) -> sqlite3.Connection:
        """The list, open; sqlite3.Error when it cannot be opened, or was closed for good."""
        if self._closed:
            raise sqlite3.ProgrammingError("Cannot operate on a closed database.")
        if self._connection is None:
            self._connection = connect(self._path)
            self._connection.execute(TABLE)
            check(self._connection)
        return self._connection

    def _disconnect(self) -> None:
        """Close what is open; whatever is done next opens it anew."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _add(self, blobs: Iterable[Blob]) -> None:
        self._use().executemany(INSERT, ((*blob, entry_hash(*blob)) for blob in blobs))

    def _add_at_once(self, blobs: Iterable[Blob]) -> None:
        """All or none of them: whatever fails, `_after` closes the connection, and with it the transaction."""
        connection = self._use()
        connection.execute("BEGIN IMMEDIATE")
        self._add(blobs)
        connection.execute("COMMIT")

    def _has(self, sha256: bytes) -> bool:
        return self._use().execute("SELECT 1 FROM evidence WHERE sha256 = ?", (sha256,)).fetchone() is not None

    def _do(self, work: Callable[[], T]) -> T:
        with self._lock:
            try:
                return work()
            except (sqlite3.Error, UnicodeDecodeError) as error:
                self._after(error)
            try:
                return work()
            except sqlite3.Error as error:
                self._disconnect()
                raise self._unusable(error) from error

    def _after(self, error: Exception) -> None:
        """Make the list again where the error means that it is damaged, open it anew where that helps."""
        self._disconnect()
        if is_read_only(error):
            return
        if not says_damaged(error):
            raise self._unusable(error) from error
        try:
            self._make_again()
        except (OSError, sqlite3.Error) as again:
            raise self._unusable(again) from error

    def _make_again(self) -> None:
        beside = [self._path.with_name(f"{self._path.name}{end}") for end in ("", "-wal")]
        self.quarantined += put_aside(self._path.parent, self._path.name, [path for path in beside if path.exists()])
        write_list(self._path, self._blobs())
        self._use()

    def _unusable(self, error: Exception) -> JournalError:
        return JournalError(
            f"the list of evidence {self._path} cannot be used",
            cause=str(error),
            fix="free space on its disk, or look at the disk's health",
        )


def listed(path: Path) -> list[bytes]:
    """SHA-256 of the blobs to be delivered, without changing anything; sqlite3.Error when the list is damaged."""
    if not path.exists():
        return []
    with closing(connect_to_read(path)) as connection:
        check(connection)
        return [digest for digest, *_ in rows(connection, -1)]


def check(connection: sqlite3.Connection) -> None:
    """Whether every page of the list is as it should be; a DatabaseError as SQLite raises it when not."""
    answer = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if answer != "ok":
        raise _corrupt(str(answer).replace("\n", " "))


def rows(connection: sqlite3.Connection, limit: int) -> list[Blob]:
    """At most `limit` blobs of the list, all for -1; a DatabaseError as SQLite raises it when one was altered."""
    found = connection.execute("SELECT sha256, size, media_type, seal FROM evidence LIMIT ?", (limit,)).fetchall()
    for *blob, seal in found:
        if entry_hash(*blob) != seal:
            raise _corrupt("an entry does not fit its checksum")
    return [(sha256, size, media_type) for sha256, size, media_type, _ in found]


def _corrupt(text: str) -> sqlite3.DatabaseError:
    error = sqlite3.DatabaseError(text)
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    return error


def blobs_in(directory: Path) -> Iterator[Blob]:
    """What an evidence directory holds: whatever is delivered is not there any more. OSError goes to the caller."""
    for path in sorted(directory.glob("*/*")):
        if path.suffix:
            continue
        with path.open("rb") as file:
            start = file.read(16)
        media_type = next((name for begin, name in MEDIA_TYPES if start.startswith(begin)), "text/csv")
        yield bytes.fromhex(path.name), path.stat().st_size, media_type


def write_list(path: Path, blobs: Iterable[Blob]) -> None:
    """Put a new list in the place of what is there, or leave that; OSError and sqlite3.Error go to the caller."""
    part = path.with_name(f"{path.name}{PART}")
    forget_part(path)
    try:
        with closing(sqlite3.connect(part, isolation_level=None)) as connection:
            connection.execute("BEGIN")
            connection.execute(TABLE)
            connection.executemany(INSERT, ((*blob, entry_hash(*blob)) for blob in blobs))
            connection.execute("COMMIT")
        for stale in ("-wal", "-shm"):
            path.with_name(f"{path.name}{stale}").unlink(missing_ok=True)
        synced(part)
        synced(path.parent)
        part.rename(path)
    except (OSError, sqlite3.Error):
        with suppress(OSError):  # or at the next start
            forget_part(path)
        raise
    synced(path.parent)


def forget_part(path: Path) -> None:
    """Remove what is left of a list that was begun and never came into its place, its rollback journal too."""
    for each in (f"{path.name}{PART}", f"{path.name}{PART}-journal"):
        path.with_name(each).unlink(missing_ok=True)
