"""Reading what the agent keeps, read-only, also when it is down. Imports little: `gatectl` answers within 300 ms."""

from __future__ import annotations

import os
import sqlite3
import tomllib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_agent.errors import ConfigError, JournalError

STATE_DIR = "/var/lib/tidegate-edge"
RUNTIME_DIR = "/run/tidegate-edge"

BUSY_S = 0.2
"""How long to wait for the agent's lock on the journal: it takes one for a moment only when it opens the file."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where the agent keeps things."""

    state_dir: Path
    runtime_dir: Path


def places(config: Path) -> Places:
    """From the site file; only its [agent] table is read. ConfigError when it cannot be."""
    check = f"run: edge-agent check-config --config {config}"
    try:
        site = tomllib.loads(config.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"the site file {config} cannot be read", cause=error.strerror or str(error), fix="name it with --config"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{config} is not TOML: {error}", fix=check) from error
    table = site.get("agent", {})
    if not isinstance(table, dict):
        raise ConfigError(f"{config}: agent is no table", fix=check)
    base = config.resolve().parent
    directories = [table.get("state_dir", STATE_DIR), table.get("runtime_dir", RUNTIME_DIR)]
    if not all(isinstance(directory, str) for directory in directories):
        raise ConfigError(f"{config}: state_dir and runtime_dir in [agent] are texts", fix=check)
    state_dir, runtime_dir = (base / directory for directory in directories)
    return Places(state_dir, runtime_dir)


def journal_balance(state_dir: Path) -> dict[str, Any] | None:
    """Counts of the journal from one moment, when its oldest pending record was captured, and the disk's free bytes.

    None when there is no journal; JournalError when this user may not read it or it is damaged.
    """
    if not _exists(state_dir):
        return None
    with _reading(state_dir) as connection:
        head = connection.execute("SELECT size, receipt_size, receipt_ns, dead_lettered FROM head").fetchone()
        size, receipt_size, receipt_ns, dead = head or (0, 0, 0, 0)  # no row: made, and not yet opened by an agent
        oldest = connection.execute("SELECT body FROM records WHERE record_index = ?", (receipt_size,)).fetchone()
    disk = os.statvfs(state_dir)
    return {
        "captured": size,
        "acknowledged": receipt_size - dead,
        "pending": size - receipt_size,
        "dead_lettered": dead,
        "oldest_pending_unix_ns": captured_unix_ns(bytes(oldest[0])) if oldest else None,
        "last_receipt_unix_ns": receipt_ns or None,
        "disk_free_bytes": disk.f_bavail * disk.f_frsize,
    }


def journal_size(state_dir: Path) -> int:
    """Records captured; JournalError when there is no journal or it cannot be read."""
    with _reading(state_dir) as connection:
        head = connection.execute("SELECT size FROM head").fetchone()
    return 0 if head is None else int(head[0])


def records(state_dir: Path, first: int, limit: int) -> list[tuple[int, bytes]]:
    """(index, bytes) of the records from index `first` on, at most `limit`; JournalError when it cannot be read.

    Few at a time: a reader that lingers keeps the agent from tidying its write-ahead log.
    """
    with _reading(state_dir) as connection:
        rows = connection.execute(
            "SELECT record_index, body FROM records WHERE record_index >= ? ORDER BY record_index LIMIT ?",
            (first, limit),
        ).fetchall()
    return [(int(index), bytes(body)) for index, body in rows]


def captured_unix_ns(body: bytes) -> int | None:
    """When a record was captured; None when it cannot be decoded."""
    # Imported here: most calls find nothing pending and need no protobuf.
    from google.protobuf.message import DecodeError  # noqa: PLC0415 - see above

    from gate_contract.v1.record_pb2 import Record  # noqa: PLC0415 - see above

    try:
        return Record.FromString(body).captured.wall_unix_ns
    except DecodeError:
        return None


def _exists(state_dir: Path) -> bool:
    try:
        return (state_dir / "journal.db").exists()
    except OSError as error:
        raise _unreadable(state_dir, error.strerror or str(error)) from error


@contextmanager
def _reading(state_dir: Path) -> Iterator[sqlite3.Connection]:
    """One moment of the journal; every failure becomes JournalError."""
    path = state_dir / "journal.db"
    if not _exists(state_dir):
        raise JournalError(
            f"there is no journal in {state_dir}", fix="the agent makes it when it runs for the first time"
        )
    try:
        # Without a write-ahead log nobody has the file open. To read it like any other one would have to make a log
        # and an index beside it; opened as immutable it is read even by those who may not write there.
        how = "mode=ro" if path.with_name("journal.db-wal").exists() else "mode=ro&immutable=1"
        uri = f"{path.absolute().as_uri()}?{how}"
        with closing(sqlite3.connect(uri, uri=True, isolation_level=None, timeout=BUSY_S)) as connection:
            connection.execute("BEGIN")
            yield connection
    except OSError as error:
        raise _unreadable(state_dir, error.strerror or str(error)) from error
    except sqlite3.Error as error:
        raise _unreadable(state_dir, str(error)) from error


def _unreadable(state_dir: Path, cause: str) -> JournalError:
    return JournalError(
        f"the journal in {state_dir} cannot be read",
        cause=cause,
        fix="use the agent's user: sudo -u tidegate-edge gatectl …",
    )
