"""One segment of the journal: a SQLite file with one row a commit, and the state beside the records.

The state tables count in the newest segment only; a roll copies them. Everything that is not proved by the tree carries
a checksum of its own, so that a changed bit is told from what was written.
"""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from zlib import crc32

from edge_agent.errors import JournalError
from gate_contract.merkle import Frontier, ProofError

PAGE_BYTES = 4096
FORMAT = 2
"""Version of what the tables mean. In format 1 the events seen stood there in words, without a checksum."""

APPLICATION_ID = 0x54494447
"""Says in the file's header that it is ours: "TIDG"."""

SCHEMA = (
    # `body` is the records as they go on the wire, encoded once; those in `lost` are left out of it.
    """CREATE TABLE commits (first_index INTEGER PRIMARY KEY, end_index INTEGER NOT NULL, crc INTEGER NOT NULL,
    body BLOB NOT NULL, note BLOB NOT NULL)""",
    # Records whose bytes are gone, with their leaf hash where that is known.
    "CREATE TABLE lost (record_index INTEGER PRIMARY KEY, leaf BLOB)",
    """CREATE TABLE head (only INTEGER PRIMARY KEY CHECK (only = 1), version INTEGER NOT NULL, origin TEXT NOT NULL,
    base BLOB, size INTEGER NOT NULL, peaks BLOB NOT NULL, receipt_size INTEGER NOT NULL, receipt BLOB NOT NULL,
    receipt_ns INTEGER NOT NULL, dead_lettered INTEGER NOT NULL, inbox_count INTEGER NOT NULL,
    inbox_last INTEGER NOT NULL, in_flight_count INTEGER NOT NULL, seal BLOB NOT NULL)""",
    # What devices were told is captured and no passage has taken yet.
    """CREATE TABLE inbox (inbox_id INTEGER PRIMARY KEY, device_id TEXT NOT NULL, body BLOB NOT NULL,
    sha256 BLOB NOT NULL)""",
    # Passages under way, by lane.
    """CREATE TABLE in_flight (lane INTEGER PRIMARY KEY, body BLOB NOT NULL, lane_id TEXT NOT NULL,
    sha256 BLOB NOT NULL)""",
    # What recovery found to be gone and no record tells yet: serialised Loss messages.
    "CREATE TABLE losses (loss_id INTEGER PRIMARY KEY, body BLOB NOT NULL, sha256 BLOB NOT NULL)",
    # Recent messages of devices that repeat theirs until answered: see edge_agent.journal.seen.
    "CREATE TABLE seen (seen_id INTEGER PRIMARY KEY, crc INTEGER NOT NULL, event BLOB NOT NULL)",
)
SEEN_EVENTS = """CREATE TABLE seen_events (seen_id INTEGER PRIMARY KEY, device_id TEXT NOT NULL, event_id TEXT NOT NULL,
    UNIQUE (device_id, event_id))"""
SCHEMA_1 = (*SCHEMA[:4], SEEN_EVENTS, *SCHEMA[4:-1])
"""Of format 1."""

ROW_WEIGHT = 1024
"""Bytes that checking a row costs as much as."""

STATE_TABLES = ("inbox", "seen", "in_flight", "losses")
"""What a roll copies beside the head."""


class DamagedError(JournalError):
    """A file of the journal is not what was written; `what` says where, `tail` whether only its end is missing."""

    def __init__(self, what: str, *, cause: str = "", tail: bool = False) -> None:
        """As JournalError."""
        super().__init__(what, cause=cause)
        self.tail = tail


@dataclass(frozen=True, slots=True)
class Head:
    """The journal's state in one row.

    Attributes:
        origin: of the journal's checkpoints.
        base: the tree where this segment begins; None when it is not known (what an older agent had pruned).
        frontier: the tree now.
        version: rises with every change: of two heads the higher one is newer.
        receipt_size: records that the latest receipt covers.
        receipt: its signed note.
        receipt_ns: when it came, wall clock.
        dead_lettered: how many of the receipt's records the collector could not understand.
        inbox_count: rows of `inbox`.
        inbox_last: the highest inbox id that was ever given.
        in_flight_count: rows of `in_flight`.
    """

    origin: str
    base: Frontier | None
    frontier: Frontier
    version: int = 0
    receipt_size: int = 0
    receipt: bytes = b""
    receipt_ns: int = 0
    dead_lettered: int = 0
    inbox_count: int = 0
    inbox_last: int = 0
    in_flight_count: int = 0

    def to_row(self) -> tuple[object, ...]:
        """The row in `head`, its seal included."""
        row = (
            self.version,
            self.origin,
            None if self.base is None else self.base.to_bytes(),
            self.frontier.size,
            self.frontier.to_bytes(),
            self.receipt_size,
            self.receipt,
            self.receipt_ns,
            self.dead_lettered,
            self.inbox_count,
            self.inbox_last,
            self.in_flight_count,
        )
        return (1, *row, _head_seal(row))

    @classmethod
    def from_row(cls, first_index: int, row: tuple[object, ...]) -> Head:
        """The head of the segment that begins at `first_index`; DamagedError unless `to_row` wrote it."""
        if row[-1] != _head_seal(row[1:-1]):
            raise DamagedError("the head does not fit its seal")
        _, version, origin, base, size, peaks, *rest, _ = row
        try:
            at_base = None if base is None else Frontier.from_bytes(first_index, base)  # type: ignore[arg-type] # sealed
            frontier = Frontier.from_bytes(size, peaks)  # type: ignore[arg-type] # sealed, so what to_row wrote
        except ProofError as error:
            raise DamagedError("the head belongs to another segment", cause=str(error)) from error
        return cls(origin, at_base, frontier, version, *rest)  # type: ignore[arg-type] # the same


@dataclass(frozen=True, slots=True)
class Commit:
    """Records under one signed checkpoint: [first_index, end_index), encoded, without those that are lost."""

    first_index: int
    end_index: int
    body: bytes
    note: bytes

    @property
    def weight(self) -> int:
        """What it counts for when a segment is filled: its bytes, and what a row costs at every start."""
        return len(self.body) + len(self.note) + ROW_WEIGHT

    def to_row(self) -> tuple[int, int, int, bytes, bytes]:
        """The row in `commits`."""
        crc = body_crc(self.first_index, self.end_index, self.body) | note_crc(self.note)
        return self.first_index, self.end_index, crc, self.body, self.note

    @classmethod
    def from_row(cls, row: tuple[int, int, int, bytes, bytes]) -> Commit:
        """A row of `commits`; DamagedError unless both checksums fit."""
        first, end, crc, body, note = row
        if not first < end or crc & BODY_BITS != body_crc(first, end, body):
            raise DamagedError(f"the commit at record {first} does not fit its checksum")
        if crc & ~BODY_BITS != note_crc(note):
            raise DamagedError(f"the signed checkpoint of {end} records does not fit its checksum")
        return cls(first, end, body, note)


BODY_BITS = 0xFFFFFFFF
"""The part of a commit's checksum that is over its place and records; what is above them is over its note."""


def body_crc(first_index: int, end_index: int, body: bytes) -> int:
    """Checksum of a commit's place and records."""
    return crc32(body, crc32(struct.pack(">qq", first_index, end_index)))


def note_crc(note: bytes) -> int:
    """Checksum of a commit's note, where it stands in the whole."""
    return (crc32(note) & 0x7FFFFFFF) << 32


def entry_hash(*parts: object) -> bytes:
    """SHA-256 that a row of the state carries over its other columns."""
    return sha256(repr(parts).encode()).digest()


def _head_seal(row: tuple[object, ...]) -> bytes:
    return sha256(repr(row).encode()).digest()


# --- files -----------------------------------------------------------------------------------------------------------


def connect(path: Path) -> sqlite3.Connection:
    """A connection with the durability the journal promises: WAL, synchronous=FULL; sqlite3.Error when it fails."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
    try:
        _use_log(connection)
        # What was deleted is overwritten: salvage must not find what was taken long ago.
        for pragma in ("synchronous=FULL", "cache_size=-4000", "temp_store=MEMORY", "secure_delete=ON"):
            connection.execute(f"PRAGMA {pragma}")
        # A file that SQLite could not open for writing it opens for reading, without a word.
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _use_log(connection: sqlite3.Connection) -> None:
    (mode,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
    if mode != "wal":  # and no error
        raise sqlite3.OperationalError(f"the write-ahead log cannot be used, only {mode}")


def connect_to_read(path: Path) -> sqlite3.Connection:
    """A connection that changes nothing on the disk, the write-ahead log included; sqlite3.Error when it fails."""
    wal = path.with_name(f"{path.name}-wal")
    # Without a log nobody writes the file, and then no lock and no index beside it is needed.
    how = "mode=ro" if wal.exists() and wal.stat().st_size else "mode=ro&immutable=1"
    uri = f"{path.absolute().as_uri()}?{how}"
    return sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False, timeout=10)


def create(path: Path, head: Head) -> sqlite3.Connection:
    """A new segment, in one transaction that the caller ends; `path` must not be in use."""
    for each in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
        each.unlink(missing_ok=True)
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute(f"PRAGMA page_size={PAGE_BYTES}")
        _use_log(connection)
        connection.execute("BEGIN IMMEDIATE")
        for statement in SCHEMA:
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version={FORMAT}")
        write_head(connection, head)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def finish(connection: sqlite3.Connection) -> None:
    """End the transaction of a new segment and bring all of it from its log into the file; sqlite3.Error when it fails.

    Closing alone would do that, too, and would not say when it could not.
    """
    connection.execute("COMMIT")
    busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:
        raise sqlite3.OperationalError("a new segment is in use by somebody else")


def write_head(connection: sqlite3.Connection, head: Head) -> None:
    """Put the head's row in the place of the one before."""
    row = head.to_row()
    connection.execute("INSERT OR REPLACE INTO head VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)


def read_head(connection: sqlite3.Connection, first_index: int) -> Head:
    """The head; DamagedError when there is none, or it does not fit its seal."""
    row = connection.execute("SELECT * FROM head").fetchone()
    if row is None:
        raise DamagedError("the head is gone")
    return Head.from_row(first_index, row)


def commits_from(connection: sqlite3.Connection, index: int) -> Iterator[Commit]:
    """Commits from the one that holds record `index` on, in order; DamagedError at one that does not fit."""
    rows = connection.execute(
        "SELECT first_index, end_index, crc, body, note FROM commits WHERE first_index >= "
        "ifnull((SELECT max(first_index) FROM commits WHERE first_index <= ?), 0) ORDER BY first_index",
        (index,),
    )
    with closing(rows):
        for row in rows:
            yield Commit.from_row(row)


def lost_between(connection: sqlite3.Connection, start: int, end: int) -> dict[int, bytes | None]:
    """Leaf hashes of the records of [start, end) whose bytes are gone; None where not even that is known."""
    rows = connection.execute(
        "SELECT record_index, leaf FROM lost WHERE record_index >= ? AND record_index < ? ORDER BY record_index",
        (start, end),
    )
    return dict(rows.fetchall())
