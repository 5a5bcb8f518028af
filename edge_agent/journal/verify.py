"""Whether a segment is what was written: its SQLite file with its write-ahead log, its leaves, its signed tree.

Nothing on the disk is changed here, so that what is damaged can be salvaged as it is.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from edge_agent.errors import JournalError
from edge_agent.journal.leaves import LeafFile
from edge_agent.journal.seen import fits
from edge_agent.journal.segment import (
    APPLICATION_ID,
    FORMAT,
    PAGE_BYTES,
    SCHEMA,
    SCHEMA_1,
    Commit,
    DamagedError,
    Head,
    commits_from,
    connect_to_read,
    entry_hash,
    lost_between,
    read_head,
)
from edge_agent.sqlite_errors import is_of_the_system
from gate_contract.checkpoint import NoteError, Verifier, open_checkpoint
from gate_contract.envelope import leaf_hashes
from gate_contract.merkle import HASH_SIZE
from gate_contract.v1.batch_pb2 import Batch

HEADER = (
    (0, b"SQLite format 3\x00"),
    (16, PAGE_BYTES.to_bytes(2)),
    (18, b"\x02\x02\x00\x40\x20\x20"),  # write-ahead log, nothing reserved, the fixed payload fractions
    (44, b"\x00\x00\x00\x04"),  # schema format
    (56, b"\x00\x00\x00\x01"),  # UTF-8
    (68, APPLICATION_ID.to_bytes(4)),
)
"""What stands at fixed offsets of every segment's first page (https://sqlite.org/fileformat2.html, 1.3)."""

GATHERED = 4096
"""Leaves that are gathered before the tree grows: many at once cost less."""


class Leaves(Enum):
    """How a leaf file fits a segment that is sound."""

    FIT = "fit"
    SHORT = "short"
    """Ends early: an agent was killed between a commit and its leaves."""
    UNSYNCED = "unsynced"
    """Holds zeros: the power was cut before they were on the disk."""
    DAMAGED = "damaged"


@dataclass(frozen=True, slots=True)
class Sound:
    """What a sound segment holds: its head, bytes of commits, and how its leaf file fits."""

    head: Head
    weight: int
    leaves: Leaves


def check_segment(path: Path, leaves: LeafFile, verifier: Verifier) -> Sound:
    """Check everything; DamagedError says what does not hold, JournalError that the file is not this agent's.

    OSError and sqlite3.Error when the disk does not let it be checked.
    """
    check_header(path)
    kept = leaves.read(leaves.first_index, leaves.end)  # before the records: beside an agent that runs, it grows
    try:
        with closing(connect_to_read(path)) as connection:
            connection.execute("BEGIN")
            version = _check_schema(connection, path)
            head = read_head(connection, leaves.first_index)
            if head.origin != verifier.name:
                raise belongs_to_another(path, head.origin, verifier.name)
            _check_structure(connection)
            _check_state(connection, head)
            if version == FORMAT and not all(map(fits, connection.execute("SELECT seen_id, crc, event FROM seen"))):
                raise DamagedError("a message that is remembered against repetition does not fit its checksum")
            return _Walk(connection, head, leaves.first_index, kept, verifier).done()
    except (sqlite3.Error, UnicodeDecodeError) as error:  # sqlite3 decodes damaged texts, also those of its own errors
        if is_of_the_system(error):
            raise
        raise DamagedError(f"{path.name} cannot be read", cause=str(error)) from error


def belongs_to_another(path: Path, origin: str, own: str) -> JournalError:
    """A segment of another key's journal."""
    return JournalError(
        f"the journal {path} belongs to {origin}, this agent's key to {own}",
        fix="give the agent an empty state directory, or restore the key that belongs to this journal",
    )


def check_header(path: Path) -> None:
    """Look at the file before SQLite does, which deletes the log of a file that it takes for a new one."""
    try:
        with path.open("rb") as file:
            header = file.read(100)
    except FileNotFoundError:
        raise DamagedError(f"{path.name} is gone") from None
    for offset, expected in HEADER:
        if header[offset : offset + len(expected)] != expected:
            raise DamagedError(f"{path.name} does not begin as a segment does")


def _check_schema(connection: sqlite3.Connection, path: Path) -> int:
    """The format of a segment that has the tables of one."""
    found = tuple(
        sql for (sql,) in connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid")
    )
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if (found, version) in ((SCHEMA, FORMAT), (SCHEMA_1, 1)):
        return version
    if version > FORMAT and found != SCHEMA:
        raise JournalError(
            f"the journal {path} was written by a newer agent (format {version}, this one knows {FORMAT})",
            fix="install that release again",
        )
    raise DamagedError(f"{path.name} has other tables than a segment has")


def _check_structure(connection: sqlite3.Connection) -> None:
    answer = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if answer != "ok":
        raise DamagedError("a page is damaged", cause=str(answer).replace("\n", " "))


def _check_state(connection: sqlite3.Connection, head: Head) -> None:
    inbox = connection.execute("SELECT inbox_id, device_id, body, sha256 FROM inbox").fetchall()
    in_flight = connection.execute("SELECT body, lane_id, sha256 FROM in_flight").fetchall()
    losses = connection.execute("SELECT body, sha256 FROM losses").fetchall()
    for *columns, digest in (*inbox, *in_flight, *losses):
        if entry_hash(*columns) != digest:
            raise DamagedError("a captured message or a passage under way does not fit its checksum")
    if (len(inbox), len(in_flight)) != (head.inbox_count, head.in_flight_count):
        raise DamagedError("captured messages or passages under way are missing")


class _Walk:
    """All commits in order, against the leaf file and the signed tree."""

    def __init__(
        self, connection: sqlite3.Connection, head: Head, first_index: int, kept: bytes, verifier: Verifier
    ) -> None:
        self._connection, self._head, self._verifier = connection, head, verifier
        self._first, self._kept = first_index, kept
        self._lost = lost_between(connection, 0, head.frontier.size)
        self._base = None if None in self._lost.values() else head.base  # where a hash is gone, the tree is not known
        self._fit = Leaves.FIT

    def done(self) -> Sound:
        head, first = self._head, self._first
        frontier, gathered, weight, end, note = self._base, list[bytes](), 0, first, b""
        for commit in commits_from(self._connection, first):
            if commit.first_index != end:
                raise DamagedError(f"the commit at record {end} is gone")
            hashes = merged_leaves(commit, self._lost)
            self._compare(commit, hashes)
            end, note = commit.end_index, commit.note
            weight += commit.weight
            gathered += hashes
            if frontier is not None and len(gathered) >= GATHERED:
                frontier, gathered = frontier.grown(gathered), []
        if end != head.frontier.size:
            raise DamagedError(f"it ends at record {end}, its head says {head.frontier.size}")
        if frontier is not None and frontier.grown(gathered) != head.frontier:
            raise DamagedError("the records have another root than the head says")
        if note:
            self._check_note(note)
        leaf_end = first + len(self._kept) // HASH_SIZE
        if leaf_end > end:
            raise DamagedError(f"it ends at record {end}, {leaf_end - end} records before its leaves do", tail=True)
        if self._fit is Leaves.FIT and leaf_end < end:
            self._fit = Leaves.SHORT
        return Sound(head, weight, self._fit)

    def _compare(self, commit: Commit, hashes: Sequence[bytes]) -> None:
        start = (commit.first_index - self._first) * HASH_SIZE
        made = b"".join(hashes)
        kept = self._kept[start : start + len(made)]
        if not made.startswith(kept):
            stale = [kept[at : at + HASH_SIZE] for at in range(0, len(kept), HASH_SIZE)]
            unsynced = all(leaf in (own, bytes(HASH_SIZE)) for leaf, own in zip(stale, hashes, strict=False))
            if not unsynced:
                self._fit = Leaves.DAMAGED
            elif self._fit is Leaves.FIT:
                self._fit = Leaves.UNSYNCED

    def _check_note(self, note: bytes) -> None:
        try:
            signed = open_checkpoint(note, self._verifier)
        except NoteError as error:
            raise DamagedError("the newest signed checkpoint does not hold", cause=str(error)) from error
        if (signed.size, signed.root) != (self._head.frontier.size, self._head.frontier.root()):
            raise DamagedError("the newest signed checkpoint is for another tree than the head's")


def merged_leaves(commit: Commit, lost: dict[int, bytes | None]) -> list[bytes]:
    """Leaf hashes of a commit's records, lost ones too; DamagedError when there are not as many as it says."""
    records = Batch.FromString(commit.body).records
    gone = [index for index in range(commit.first_index, commit.end_index) if index in lost] if lost else []
    if len(records) + len(gone) != commit.end_index - commit.first_index:
        raise DamagedError(f"the commit at record {commit.first_index} holds {len(records)} records")
    if not gone:
        return leaf_hashes(records)
    hashes = iter(leaf_hashes(records))
    return [
        lost[index] or bytes(HASH_SIZE) if index in lost else next(hashes)
        for index in range(commit.first_index, commit.end_index)
    ]
