"""Reading what the agent keeps, read-only, also when it is down. Imports little: `gatectl` answers within 300 ms."""

from __future__ import annotations

import os
import sqlite3
import tomllib
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import islice
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
            f"the site file {config} cannot be read",
            cause=error.strerror or str(error),
            fix="name it with --config FILE",
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
    segments = _segments(state_dir)
    if not segments:
        return None
    with _reading(state_dir, segments[-1]) as connection:
        head = connection.execute("SELECT size, receipt_size, receipt_ns, dead_lettered FROM head").fetchone()
    size, receipt_size, receipt_ns, dead = head
    oldest = records(state_dir, receipt_size, 1)
    disk = os.statvfs(state_dir)
    return {
        "captured": size,
        "acknowledged": receipt_size - dead,
        "pending": size - receipt_size,
        "dead_lettered": dead,
        "oldest_pending_unix_ns": captured_unix_ns(oldest[0][1]) if oldest else None,
        "last_receipt_unix_ns": receipt_ns or None,
        "disk_free_bytes": disk.f_bavail * disk.f_frsize,
    }


def journal_size(state_dir: Path) -> int:
    """Records captured; JournalError when there is no journal or it cannot be read."""
    with _reading(state_dir, _there(state_dir)[-1]) as connection:
        return int(connection.execute("SELECT size FROM head").fetchone()[0])


def records(state_dir: Path, first: int, limit: int) -> list[tuple[int, bytes]]:
    """(index, bytes) of the records from index `first` on, at most `limit`; JournalError when it cannot be read.

    Records that were pruned or are lost are left out. Few at a time: a reader that lingers keeps the agent from tidying
    its write-ahead log.
    """
    segments = _there(state_dir)
    place = max(0, bisect_right(segments, first) - 1)
    found: list[tuple[int, bytes]] = []
    for segment in segments[place:]:
        with _reading(state_dir, segment) as connection:
            found += islice(_records_of(connection, first), limit - len(found))
        if len(found) == limit:
            break
    return found


def _records_of(connection: sqlite3.Connection, first: int) -> Iterator[tuple[int, bytes]]:
    # Imported here: most calls find nothing pending and need no protobuf.
    from gate_contract.v1.batch_pb2 import Batch  # noqa: PLC0415 - see above

    commits = connection.execute(
        "SELECT first_index, end_index, body FROM commits WHERE end_index > ? ORDER BY first_index", (first,)
    )
    for start, end, body in commits:
        gone = connection.execute(
            "SELECT record_index FROM lost WHERE record_index >= ? AND record_index < ?", (start, end)
        ).fetchall()
        lost = {index for (index,) in gone}
        here = (index for index in range(start, end) if index not in lost)
        for index, record in zip(here, Batch.FromString(body).records, strict=True):
            if index >= first:
                yield index, record


def captured_unix_ns(body: bytes) -> int | None:
    """When a record was captured; None when it cannot be decoded."""
    # Imported here: most calls find nothing pending and need no protobuf.
    from google.protobuf.message import DecodeError  # noqa: PLC0415 - see above

    from gate_contract.v1.record_pb2 import Record  # noqa: PLC0415 - see above

    try:
        return Record.FromString(body).captured.wall_unix_ns
    except DecodeError:
        return None


def _segments(state_dir: Path) -> list[int]:
    """First indices of the journal's segments, rising; the last one is active."""
    try:
        return sorted(int(path.stem) for path in (state_dir / "journal").iterdir() if path.suffix == ".db")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise _unreadable(state_dir, error.strerror or str(error)) from error


def _there(state_dir: Path) -> list[int]:
    segments = _segments(state_dir)
    if not segments:
        raise JournalError(
            f"there is no journal in {state_dir}", fix="the agent makes it when it runs for the first time"
        )
    return segments


@contextmanager
def _reading(state_dir: Path, segment: int) -> Iterator[sqlite3.Connection]:
    """One moment of a segment; every failure becomes JournalError."""
    path = state_dir / "journal" / f"{segment:020}.db"
    try:
        # Without a write-ahead log nobody has the file open. To read it like any other one would have to make a log
        # and an index beside it; opened as immutable it is read even by those who may not write there.
        how = "mode=ro" if path.with_name(f"{path.name}-wal").exists() else "mode=ro&immutable=1"
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
