"""The declarations this gate decides on, kept across restarts and outages, with their age."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from google.protobuf.message import DecodeError

from edge_agent.errors import EdgeAgentError
from edge_agent.model.moment import SECOND, Moment, MonoNs, WallNs
from gate_contract.rules import BookingIndex
from gate_contract.v1.declaration_pb2 import Declaration

KEPT_NS = 3 * 86_400 * SECOND
"""Nothing at a gate is judged by a declaration whose sailing left longer ago."""

SET_NS = 86_400 * SECOND
"""A wall clock that moved so much against the monotonic one was set: what left "long ago" by it may not have left."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS declarations (declaration_id TEXT PRIMARY KEY, version INTEGER NOT NULL, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS state (
    only INTEGER PRIMARY KEY CHECK (only = 1), position INTEGER NOT NULL, fetched_ns INTEGER NOT NULL
);
INSERT OR IGNORE INTO state VALUES (1, 0, 0);
CREATE TABLE IF NOT EXISTS fetched (
    only INTEGER PRIMARY KEY CHECK (only = 1), mono_ns INTEGER NOT NULL, boot_id BLOB NOT NULL
);
INSERT OR IGNORE INTO fetched VALUES (1, 0, x'');
"""


class ReferenceCache:
    """Latest version of each declaration for this site. May be deleted at any time: it is fetched again."""

    def __init__(self, path: Path) -> None:
        """Open or make the cache; one that is damaged is made anew. EdgeAgentError when there can be none."""
        self._path = path
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._closed = False
        try:
            try:
                self._load()
            except sqlite3.OperationalError:
                raise  # the disk's fault, or the system's; not the file's
            except (sqlite3.DatabaseError, DecodeError):  # all of it is fetched again; capture must not wait for people
                for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
                    path.with_name(name).unlink(missing_ok=True)
                self._load()
        except (sqlite3.Error, OSError) as error:
            raise EdgeAgentError(
                f"the reference cache {path} cannot be used",
                cause=str(error),
                fix="check that its directory belongs to the agent's user and has space",
            ) from error
        self._index: BookingIndex | None = None
        self._doubted = False

    def _load(self) -> None:
        try:
            connection = self._use()
            self._position, wall_ns, mono_ns, boot_id = connection.execute(
                "SELECT position, fetched_ns, mono_ns, boot_id FROM state JOIN fetched USING (only)"
            ).fetchone()
            self._fetched = Moment(WallNs(wall_ns), MonoNs(mono_ns), boot_id, synchronised=False) if wall_ns else None
            rows = connection.execute("SELECT body FROM declarations").fetchall()
            self._latest = {d.declaration_id: d for d in (Declaration.FromString(body) for (body,) in rows)}
        except (sqlite3.Error, DecodeError):
            self._disconnect()
            raise

    def _use(self) -> sqlite3.Connection:
        """The file, open; sqlite3.Error when it cannot be opened, or was closed for good."""
        if self._closed:
            raise sqlite3.ProgrammingError("the cache is closed")
        if self._connection is None:
            connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
            self._connection = connection
            connection.executescript(f"PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; {_SCHEMA}")
        return self._connection

    def _disconnect(self) -> None:
        """Close what is open, which undoes what was not committed; the next use opens it anew."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @property
    def position(self) -> int:
        """Up to where everything was fetched."""
        return int(self._position)

    def age_s(self, now: Moment) -> int | None:
        """Seconds since the collector last said that this is all; None when it never did."""
        return max(0, int(now.seconds_since(self._fetched))) if self._fetched else None

    def __len__(self) -> int:
        """Declarations held."""
        return len(self._latest)

    def index(self) -> BookingIndex:
        """Today's bookings, for the rule book."""
        with self._lock:
            if self._index is None:
                self._index = BookingIndex(self._latest.values())
            return self._index

    def add(self, bodies: Iterable[bytes], position: int) -> None:
        """Take declarations that were fetched, up to `position`; a lower version never replaces a higher one.

        EdgeAgentError when the disk cannot take them: then the gate goes on with what it had.
        """
        with self._lock:
            with self._writing() as connection:
                fresh = [
                    declaration
                    for declaration in map(Declaration.FromString, bodies)
                    if (known := self._latest.get(declaration.declaration_id)) is None
                    or known.version < declaration.version
                ]
                connection.executemany(
                    "INSERT OR REPLACE INTO declarations VALUES (?, ?, ?)",
                    [(d.declaration_id, d.version, d.SerializeToString()) for d in fresh],
                )
                connection.execute("UPDATE state SET position = ?", (position,))
            self._latest.update((d.declaration_id, d) for d in fresh)
            self._position = position
            if fresh:
                self._index = None

    def confirmed(self, now: Moment) -> None:
        """The collector has said that this is all, now. What departed long ago is forgotten.

        When the wall clock was set since the last time, everything is fetched anew: what was forgotten by a wrong clock
        comes again. Until a time service keeps the clock nothing more is forgotten.

        EdgeAgentError when the disk cannot take that.
        """
        with self._lock:
            was_set = self._fetched is not None and _was_set(self._fetched, now)
            self._doubted = (self._doubted or was_set) and not now.synchronised
            position = 0 if was_set else self._position
            over = [
                declaration.declaration_id
                for declaration in self._latest.values()
                if 0 < declaration.departure_unix_ns < now.wall - KEPT_NS and not self._doubted
            ]
            with self._writing() as connection:
                connection.execute("UPDATE state SET position = ?, fetched_ns = ?", (position, now.wall))
                connection.execute("UPDATE fetched SET mono_ns = ?, boot_id = ?", (now.mono, now.boot_id))
                connection.executemany("DELETE FROM declarations WHERE declaration_id = ?", [(each,) for each in over])
            self._position, self._fetched = position, now
            for each in over:
                del self._latest[each]
            if over:
                self._index = None

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._disconnect()
            self._closed = True

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction; undone, and told in words, when anything in it fails.

        Then the file is opened anew for the next one: SQLite goes on only reading what it could not open for writing
        once.
        """
        try:
            connection = self._use()
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")
        except (sqlite3.Error, DecodeError) as error:
            self._disconnect()
            raise EdgeAgentError(
                f"the reference cache {self._path} cannot be written",
                cause=str(error),
                fix="free space on its disk; until then this gate decides with the declarations it has",
            ) from error


def _was_set(before: Moment, now: Moment) -> bool:
    """Whether the wall clock was set in between; across a boot only a step back can be told."""
    if now.boot_id != before.boot_id:
        return now.wall < before.wall
    return abs((now.wall - before.wall) - (now.mono - before.mono)) >= SET_NS
