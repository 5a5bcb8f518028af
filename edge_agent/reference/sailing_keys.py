"""Keys of sailings at this gate, for as long as the sailing lasts; a key that was destroyed is in no file any more.

An SQLite file of its own: deleted rows are overwritten (`secure_delete`), and there is no log in which they would go on
(no write-ahead log; the rollback journal is kept in memory). A file that a power cut leaves damaged is made anew, and
the keys come again with everything else. What a flash disk keeps of overwritten sectors is out of reach.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from edge_agent.errors import EdgeAgentError
from edge_agent.reference.file import is_damage
from gate_contract.reference import key_digest
from gate_contract.v1.reference_pb2 import SailingKey

KEY_BYTES = 32

_SCHEMA = """
PRAGMA journal_mode=MEMORY;
PRAGMA secure_delete=ON;
PRAGMA synchronous=FULL;
CREATE TABLE IF NOT EXISTS sailing_keys (
    key_id TEXT PRIMARY KEY, sailing_id TEXT NOT NULL, key BLOB NOT NULL, expires_ns INTEGER NOT NULL,
    digest BLOB NOT NULL
) WITHOUT ROWID;
"""


class SailingKeys:
    """Keys by their ids. Safe to use from several threads; each change is durable when it returns."""

    def __init__(self, path: Path, on_lost: Callable[[], None] = lambda: None) -> None:
        """Open or make the file; `on_lost` is called when it was damaged and made anew.

        EdgeAgentError when there can be none.
        """
        self._path = path
        self._lock = threading.Lock()
        try:
            try:
                self._connection, keys = _open(path)
            except (sqlite3.Error, ValueError, TypeError) as error:
                if not is_damage(error):
                    raise
                path.write_bytes(bytes(path.stat().st_size))
                path.unlink()
                self._connection, keys = _open(path)
                on_lost()
            self._keys = {key.key_id: key for key in keys}
        except (sqlite3.Error, OSError) as error:
            raise EdgeAgentError(
                f"the keys of sailings in {path} cannot be used",
                cause=str(error),
                fix="check that its directory belongs to the agent's user and has space",
            ) from error

    def key(self, key_id: str) -> bytes | None:
        """The key, 32 bytes; None when this gate does not have it (any more)."""
        found = self._keys.get(key_id)
        return found.key if found else None

    def of_sailing(self, sailing_id: str) -> tuple[str, bytes] | None:
        """Key id and key of a sailing; None when this gate does not have it (any more)."""
        return next(((each.key_id, each.key) for each in self._all() if each.sailing_id == sailing_id), None)

    def __len__(self) -> int:
        """Keys held."""
        return len(self._keys)

    def take(self, keys: Iterable[SailingKey]) -> None:
        """Keep keys that came beside a slice; what is none is left out. EdgeAgentError when the disk cannot."""
        fresh = [each for each in keys if len(each.key) == KEY_BYTES and self._keys.get(each.key_id) != each]
        if not fresh:
            return
        with self._lock, self._writing() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO sailing_keys VALUES (?, ?, ?, ?, ?)",
                [(each.key_id, each.sailing_id, each.key, each.expires_unix_ns, key_digest(each)) for each in fresh],
            )
            self._keys = self._keys | {each.key_id: each for each in fresh}

    def destroy_over(self, now_unix_ns: int | None, wanted: Collection[str]) -> int:
        """Destroy keys whose time is over and those that no manifest here names; how many.

        Args:
            now_unix_ns: nanoseconds since 1970-01-01T00:00:00Z; None when the clock cannot be believed: then none is
                held to be over.
            wanted: ids that manifests name.
        """
        over = [
            each.key_id
            for each in self._all()
            if each.key_id not in wanted or (now_unix_ns is not None and 0 < each.expires_unix_ns <= now_unix_ns)
        ]
        if over:
            with self._lock, self._writing() as connection:
                connection.executemany("DELETE FROM sailing_keys WHERE key_id = ?", [(each,) for each in over])
                self._keys = {name: each for name, each in self._keys.items() if name not in over}
        return len(over)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def _all(self) -> list[SailingKey]:
        return list(self._keys.values())

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except sqlite3.Error:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise EdgeAgentError(
                f"the keys of sailings in {self._path} cannot be written",
                cause=str(error),
                fix="free space on its disk; until then this gate goes by those it has",
            ) from error


def _open(path: Path) -> tuple[sqlite3.Connection, list[SailingKey]]:
    """The file and what is in it; sqlite3.Error or ValueError when it cannot be used."""
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        connection.executescript(_SCHEMA)
        rows = connection.execute("SELECT key_id, sailing_id, key, expires_ns, digest FROM sailing_keys")
        return connection, [_key(*row) for row in rows]
    except BaseException:
        connection.close()
        raise


def _key(key_id: str, sailing_id: str, key: bytes, expires_ns: int, digest: bytes) -> SailingKey:
    """One that was kept; ValueError when it is another by now: under a wrong key nobody is found."""
    found = SailingKey(key_id=key_id, sailing_id=sailing_id, key=key, expires_unix_ns=expires_ns)
    if key_digest(found) != digest:
        raise ValueError(f"the key {key_id} is damaged")
    return found
