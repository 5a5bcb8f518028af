"""The file that reference data is kept in: SQLite, and of no worth by itself. What is lost is fetched again.

A flipped bit must not become another declaration, order or position: each row has a checksum (CRC-32), and the head has
one over the state, the number of rows, and their checksums by exclusive or. What does not fit is left out, and told.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from google.protobuf.message import DecodeError

from edge_agent.errors import EdgeAgentError
from edge_agent.model.moment import Moment, MonoNs, WallNs
from edge_agent.reference.rows import DECLARATIONS, ITEMS, checksum, mixed
from edge_agent.sqlite_errors import is_of_the_system, is_read_only
from gate_contract.v1.declaration_pb2 import Declaration
from gate_contract.v1.register_pb2 import RegisterItem

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS declarations (declaration_id TEXT PRIMARY KEY, version INTEGER NOT NULL, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS items (
    kind INTEGER NOT NULL, item_key TEXT NOT NULL, version INTEGER NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (kind, item_key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS head (
    position INTEGER, followed INTEGER, made_ns INTEGER, wall_ns INTEGER, mono_ns INTEGER, boot_id BLOB,
    count INTEGER, mixed INTEGER, crc INTEGER
);
"""
"""Checksums of rows were added later (`_prepare`)."""

_OLDER: Final = (
    "SELECT state.position, followed.position, made_ns, fetched_ns, mono_ns, boot_id"
    " FROM state JOIN fetched USING (only) JOIN followed USING (only)"
)
"""The head, as it was before."""

_LONG_AGO: Final = Moment(WallNs(1), MonoNs(0), b"", synchronised=False)

Key = tuple[int, str]
"""Of a register item: kind and key."""


@dataclass(slots=True)
class Changes:
    """What a transaction changes, by name or key; None: it is forgotten."""

    declarations: dict[str, Declaration | None] = field(default_factory=dict)
    items: dict[Key, RegisterItem | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Head:
    """What is known of the whole.

    Attributes:
        position: up to where declarations came.
        followed: up to where everything did; by a collector that knows no Follow only `position` moves.
        made_ns: when the newest slice was made, Unix nanoseconds by the collector's clock; 0: none was taken.
        fetched: when the collector last said that this is all; None: it never did. 1970 when some of it may be missing.
    """

    position: int = 0
    followed: int = 0
    made_ns: int = 0
    fetched: Moment | None = None


@dataclass(frozen=True, slots=True)
class Loaded:
    """What is in the file. `damage` says what was damaged, and is to be fetched anew; "" when all is sound."""

    head: Head = field(default_factory=Head)
    declarations: dict[str, Declaration] = field(default_factory=dict)
    items: dict[Key, RegisterItem] = field(default_factory=dict)
    damage: str = ""


class DamagedError(EdgeAgentError):
    """The file is none that SQLite can write: it must be made anew."""


class ReferenceFile:
    """The open file. Used by one thread at a time."""

    def __init__(self, path: Path) -> None:
        """Opened at the first use."""
        self._path = path
        self.connection: sqlite3.Connection | None = None
        self._closed = False

    def load(self) -> Loaded:
        """Everything that is sound; where something is not, the file is made anew with the rest.

        sqlite3.Error, OSError or EdgeAgentError: there can be no such file here.
        """
        try:
            found = self._load()
        except (sqlite3.Error, DecodeError, ValueError, TypeError, IndexError) as error:
            self.disconnect()
            if not is_damage(error) and not is_read_only(error):  # a flipped bit in its header can make it so
                raise
            found = Loaded(Head(fetched=_LONG_AGO), damage=f"it cannot be read ({error})")
        if found.damage:
            self.remove()
            self.write(Changes(dict(found.declarations), dict(found.items)), found.head)
        return found

    def write(self, changes: Changes, head: Head) -> None:
        """One transaction; undone, and told in words, when anything in it fails: DamagedError, or EdgeAgentError."""
        with self._writing() as connection:
            count, sums = connection.execute("SELECT count, mixed FROM head").fetchone()
            changed = [DECLARATIONS.write(connection, (name,), each) for name, each in changes.declarations.items()]
            changed += [ITEMS.write(connection, key, each) for key, each in changes.items.items()]
            for more, mark in changed:
                count, sums = count + more, sums ^ mark
            _write_head(connection, head, count, sums)

    def disconnect(self) -> None:
        """Close what is open, which undoes what was not committed; the next use opens it anew."""
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def close(self) -> None:
        """Close it for good."""
        self.disconnect()
        self._closed = True

    def remove(self) -> None:
        """Delete it and what SQLite keeps beside it."""
        self.disconnect()
        for name in (self._path.name, f"{self._path.name}-wal", f"{self._path.name}-shm"):
            self._path.with_name(name).unlink(missing_ok=True)

    def _load(self) -> Loaded:
        connection = self._use()
        marks: list[int] = []
        declarations, lost = DECLARATIONS.sound(connection, marks)
        items, lost_items = ITEMS.sound(connection, marks)
        rows = connection.execute("SELECT * FROM head").fetchall()
        *values, crc = rows[0] if len(rows) == 1 else (0, 0)
        is_whole = crc == checksum(values) and values[-2:] == [len(marks), mixed(marks)]
        head = _head(values) if is_whole else Head()
        damage = ""
        if lost or lost_items or not is_whole:
            # What may be missing besides a few declarations is an order: a person looks until all is here again (K05).
            head = Head(made_ns=head.made_ns, fetched=_LONG_AGO if lost_items or not is_whole else head.fetched)
            damage = f"{lost} declarations and {lost_items} other entries{'' if is_whole else ', or more,'} are damaged"
        return Loaded(
            head,
            {each.declaration_id: each for each in declarations},
            {(each.kind, each.key): each for each in items},
            damage,
        )

    def _use(self) -> sqlite3.Connection:
        if self._closed:
            raise sqlite3.ProgrammingError("the cache is closed")
        if self.connection is None:
            connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
            self.connection = connection
            connection.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;")
            _prepare(connection)
        return self.connection

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction.

        When it fails the file is opened anew for the next one: SQLite goes on only reading what it could not open for
        writing once.
        """
        try:
            connection = self._use()
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            self.disconnect()
            if is_damage(error):
                raise DamagedError(f"the reference cache {self._path} is damaged", cause=str(error)) from error
            raise EdgeAgentError(
                f"the reference cache {self._path} cannot be written",
                cause=str(error),
                fix="free space on its disk; until then this gate decides with what it has",
            ) from error


def _prepare(connection: sqlite3.Connection) -> None:
    """Make what is missing. What a file has from before there were checksums is taken as it is, once."""
    connection.execute("BEGIN IMMEDIATE")
    for statement in filter(str.strip, _SCHEMA.split(";")):
        connection.execute(statement)
    if not connection.execute("SELECT count(*) FROM head").fetchone()[0]:
        older = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'followed'").fetchone()
        head = _head(connection.execute(_OLDER).fetchone()) if older else Head()
        marks = DECLARATIONS.marked(connection) + ITEMS.marked(connection)
        connection.execute("INSERT INTO head DEFAULT VALUES")
        _write_head(connection, head, len(marks), mixed(marks))
    connection.execute("COMMIT")


def _write_head(connection: sqlite3.Connection, head: Head, count: int, sums: int) -> None:
    at = head.fetched
    moment = (at.wall, at.mono, at.boot_id) if at else (0, 0, b"")
    values = [head.position, head.followed, head.made_ns, *moment, count, sums]
    connection.execute(
        "UPDATE head SET position = ?, followed = ?, made_ns = ?, wall_ns = ?, mono_ns = ?, boot_id = ?, count = ?,"
        " mixed = ?, crc = ?",
        (*values, checksum(values)),
    )


def _head(values: Iterable[Any]) -> Head:
    position, followed, made_ns, wall_ns, mono_ns, boot_id, *_ = values
    fetched = Moment(WallNs(wall_ns), MonoNs(mono_ns), boot_id, synchronised=False) if wall_ns else None
    return Head(position, followed, made_ns, fetched)


def is_damage(error: Exception) -> bool:
    """Whether it is the file's fault, not the disk's or the system's."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:  # a value that is none, or a text that is no UTF-8; not that the file was closed
        return not isinstance(error, sqlite3.ProgrammingError)
    return code == sqlite3.SQLITE_IOERR_SHORT_READ or not is_of_the_system(error)
