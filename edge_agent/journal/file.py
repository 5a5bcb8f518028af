"""The journal's file: two connections, one for the writer's turn and one for readers, and their transactions."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from edge_agent.errors import JournalError
from edge_agent.journal.schema import connect, migrate


class JournalFile:
    """One SQLite file. Safe to use from several threads; writers take turns, readers never keep them waiting."""

    def __init__(self, path: Path) -> None:
        """Open or make it, up to date; JournalError when that cannot be."""
        self.path = path
        self.problem = ""
        """Why the last write failed; "" when it did not."""
        self._write_lock = threading.Lock()
        self._writer = connect(path)
        migrate(self._writer, path)
        self._read_lock = threading.Lock()
        self._reader = connect(path)

    def close(self) -> None:
        """Close it. Nothing is pending in memory: every commit was durable when it returned."""
        with self._write_lock, self._read_lock:
            self._writer.close()
            self._reader.close()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A write transaction that the block ends with COMMIT; undone when it does not get there."""
        with self._write_lock:
            try:
                self._writer.execute("BEGIN IMMEDIATE")
                yield self._writer
                self.problem = ""
            except sqlite3.Error as error:
                self.problem = str(error)
                raise JournalError(
                    f"the journal {self.path} cannot be written",
                    cause=str(error),
                    fix="free space on its disk, or look at the disk's health; nothing that was captured is affected",
                ) from error
            finally:
                _undo(self._writer)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A read transaction: all of it is from one moment."""
        with self._read_lock:
            try:
                self._reader.execute("BEGIN")
                yield self._reader
            except sqlite3.Error as error:
                raise JournalError(f"the journal {self.path} cannot be read", cause=str(error)) from error
            finally:
                _undo(self._reader)


def _undo(connection: sqlite3.Connection) -> None:
    """End a transaction that is still open; whatever failed before has been told."""
    with suppress(sqlite3.Error):  # the disk is gone, or the file was closed meanwhile
        if connection.in_transaction:
            connection.execute("ROLLBACK")
