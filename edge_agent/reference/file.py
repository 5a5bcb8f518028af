"""The file that reference data is kept in: SQLite, and of no worth by itself. What is lost is fetched again."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from google.protobuf.message import DecodeError

from edge_agent.errors import EdgeAgentError
from edge_agent.model.moment import Moment
from gate_contract.v1.declaration_pb2 import Declaration
from gate_contract.v1.register_pb2 import RegisterItem

_SCHEMA = """
CREATE TABLE IF NOT EXISTS declarations (declaration_id TEXT PRIMARY KEY, version INTEGER NOT NULL, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS items (
    kind INTEGER NOT NULL, item_key TEXT NOT NULL, version INTEGER NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (kind, item_key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS state (
    only INTEGER PRIMARY KEY CHECK (only = 1), position INTEGER NOT NULL, fetched_ns INTEGER NOT NULL
);
INSERT OR IGNORE INTO state VALUES (1, 0, 0);
CREATE TABLE IF NOT EXISTS fetched (
    only INTEGER PRIMARY KEY CHECK (only = 1), mono_ns INTEGER NOT NULL, boot_id BLOB NOT NULL
);
INSERT OR IGNORE INTO fetched VALUES (1, 0, x'');
CREATE TABLE IF NOT EXISTS followed (
    only INTEGER PRIMARY KEY CHECK (only = 1), position INTEGER NOT NULL, made_ns INTEGER NOT NULL
);
INSERT OR IGNORE INTO followed VALUES (1, 0, 0);
"""
"""`state.position` is up to where declarations came, `followed.position` up to where everything did; by a collector
that knows no Follow only the first moves."""


Key = tuple[int, str]
"""Of a register item: kind and key."""


@dataclass(slots=True)
class Changes:
    """What a transaction changes, by name or key; None: it is forgotten."""

    declarations: dict[str, Declaration | None] = field(default_factory=dict)
    items: dict[Key, RegisterItem | None] = field(default_factory=dict)


class ReferenceFile:
    """The open file. Used by one thread at a time."""

    def __init__(self, path: Path) -> None:
        """Opened at the first use."""
        self._path = path
        self.connection: sqlite3.Connection | None = None
        self._closed = False

    def use(self) -> sqlite3.Connection:
        """The file, open; sqlite3.Error when it cannot be opened, or was closed for good."""
        if self._closed:
            raise sqlite3.ProgrammingError("the cache is closed")
        if self.connection is None:
            connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
            self.connection = connection
            connection.executescript(f"PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; {_SCHEMA}")
        return self.connection

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

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction; undone, and told in words, when anything in it fails.

        Then the file is opened anew for the next one: SQLite goes on only reading what it could not open for writing
        once.
        """
        try:
            connection = self.use()
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")
        except (sqlite3.Error, DecodeError) as error:
            self.disconnect()
            raise EdgeAgentError(
                f"the reference cache {self._path} cannot be written",
                cause=str(error),
                fix="free space on its disk; until then this gate decides with what it has",
            ) from error


def write_changes(connection: sqlite3.Connection, changes: Changes) -> None:
    """Declarations and items, in the caller's transaction, as all that follow."""
    connection.executemany(
        "INSERT OR REPLACE INTO declarations VALUES (?, ?, ?)",
        [(name, each.version, each.SerializeToString()) for name, each in changes.declarations.items() if each],
    )
    connection.executemany(
        "DELETE FROM declarations WHERE declaration_id = ?",
        [(name,) for name, each in changes.declarations.items() if each is None],
    )
    connection.executemany(
        "INSERT OR REPLACE INTO items VALUES (?, ?, ?, ?)",
        [(*key, each.version, each.SerializeToString()) for key, each in changes.items.items() if each],
    )
    connection.executemany(
        "DELETE FROM items WHERE kind = ? AND item_key = ?",
        [key for key, each in changes.items.items() if each is None],
    )


def write_state(connection: sqlite3.Connection, position: int, followed: int, made_ns: int) -> None:
    """Positions, and when the last slice was made by the collector's clock."""
    connection.execute("UPDATE state SET position = ?", (position,))
    connection.execute("UPDATE followed SET position = ?, made_ns = ?", (followed, made_ns))


def write_fetched(connection: sqlite3.Connection, now: Moment) -> None:
    """When the collector last said that this is all."""
    connection.execute("UPDATE state SET fetched_ns = ?", (now.wall,))
    connection.execute("UPDATE fetched SET mono_ns = ?, boot_id = ?", (now.mono, now.boot_id))
