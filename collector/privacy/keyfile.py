"""The file behind the key store: SQLite that forgets what is deleted, and the master key beside it.

Without a write-ahead log, with `secure_delete` (deleted rows are overwritten). Several programs may use it at once.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Self

from collector.errors import CollectorError, StoreError
from collector.privacy.master import MasterKeys, load_master, own_like_parent

_BUSY_S: Final = 30.0
_SCHEMA: Final = (
    """
    CREATE TABLE IF NOT EXISTS master (only_one INTEGER PRIMARY KEY CHECK (only_one = 1), check_bytes BLOB NOT NULL)
    """,
    """
    CREATE TABLE IF NOT EXISTS keys (
        key_id TEXT PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL, fingerprint BLOB UNIQUE,
        wrapped BLOB NOT NULL, expires_ns INTEGER NOT NULL, UNIQUE (kind, name)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE IF NOT EXISTS owed (
        key_id TEXT PRIMARY KEY, kind TEXT NOT NULL, actor TEXT NOT NULL, reason TEXT NOT NULL
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE IF NOT EXISTS clock (
        only_one INTEGER PRIMARY KEY CHECK (only_one = 1), wall_ns INTEGER NOT NULL, boot_ns INTEGER NOT NULL,
        boot_id TEXT NOT NULL, steady_ns INTEGER NOT NULL, wait_ns INTEGER NOT NULL
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS pictures (
        sha256 TEXT PRIMARY KEY, passage_id TEXT NOT NULL, expires_ns INTEGER NOT NULL
    ) WITHOUT ROWID
    """,
    "CREATE INDEX IF NOT EXISTS pictures_by_passage ON pictures (passage_id)",
    "CREATE INDEX IF NOT EXISTS pictures_by_term ON pictures (expires_ns)",
    "CREATE TABLE IF NOT EXISTS noted (origin TEXT PRIMARY KEY, next_index INTEGER NOT NULL) WITHOUT ROWID",
)


class KeyFile:
    """Usable from several threads and programs; each transaction is durable when it ends.

    Raises StoreError when the file cannot be used, CollectorError when the master key cannot.
    """

    def __init__(self, path: Path) -> None:
        """Open the store at `path`, or make it with its master key beside it (`path` with the ending ".master")."""
        self.path = path
        """Of the file."""
        self._lock = threading.RLock()
        with self._translated():
            _make_file(path)
            self._connection = sqlite3.connect(
                path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False, cached_statements=32
            )
        try:
            self.master = self._prepare()
            """What its rows are encrypted and found under."""
        except BaseException:
            self._connection.close()
            raise

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, *_exception: object) -> None:
        """Close."""
        self.close()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def select(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Rows of a query."""
        with self._lock, self._translated():
            return self._connection.execute(query, values).fetchall()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction; durable when it ends, undone by an exception. One within another is part of that."""
        with self._lock, self._translated():
            if self._connection.in_transaction:
                yield self._connection
                return
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def _prepare(self) -> MasterKeys:
        """Pragmas, tables and the master key; in one transaction, so that two programs make one store."""
        with self._lock, self._translated():
            # TRUNCATE: a write-ahead log would keep pages with deleted rows until somebody checkpoints it.
            for pragma in ("journal_mode=TRUNCATE", "secure_delete=ON", "synchronous=FULL"):
                self._connection.execute(f"PRAGMA {pragma}")
        with self.writing() as connection:
            for statement in _SCHEMA:
                connection.execute(statement)
            row = connection.execute("SELECT check_bytes FROM master").fetchone()
            file = self.path.with_suffix(".master")
            master = load_master(file, may_make=row is None)
            if row is None:
                connection.execute("INSERT INTO master VALUES (1, ?)", (master.check,))
            elif row[0] != master.check:
                raise CollectorError(
                    f"{file} is not the master key of {self.path.name}",
                    cause="one of the two was replaced or restored without the other",
                    fix="restore both from the same backup",
                )
        return master

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise StoreError(
                f"the key store {self.path} could not do what was asked",
                cause=str(error),
                fix="check that this user may write it and its directory, and that its disk has room",
            ) from error


def _make_file(path: Path) -> None:
    """With mode 0600 from its first moment on; SQLite gives its journal the same."""
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        return
    own_like_parent(path)
