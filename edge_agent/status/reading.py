"""Reading what the agent keeps, read-only, also when it is down. Imports little: `gatectl` answers within 300 ms."""

from __future__ import annotations

import sqlite3
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_agent.errors import ConfigError

STATE_DIR = "/var/lib/tidegate-edge"
RUNTIME_DIR = "/run/tidegate-edge"


@dataclass(frozen=True, slots=True)
class Places:
    """Where the agent keeps things."""

    state_dir: Path
    runtime_dir: Path


def places(config: Path) -> Places:
    """From the site file; only its [agent] table is read. ConfigError when it cannot be."""
    try:
        table = tomllib.loads(config.read_text(encoding="utf-8")).get("agent", {})
    except OSError as error:
        raise ConfigError(
            f"the site file {config} cannot be read", cause=error.strerror or str(error), fix="name it with --config"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{config} is not TOML: {error}", fix="run edge-agent check-config") from error
    base = config.resolve().parent
    return Places(base / table.get("state_dir", STATE_DIR), base / table.get("runtime_dir", RUNTIME_DIR))


def journal_balance(state_dir: Path) -> dict[str, Any] | None:
    """Counts of the journal from one moment, and when its oldest pending record was captured.

    None when there is no journal or this user may not read it.
    """
    try:
        with _open(state_dir) as connection:
            connection.execute("BEGIN")
            size, receipt_size, receipt_ns, dead = connection.execute(
                "SELECT size, receipt_size, receipt_ns, dead_lettered FROM head"
            ).fetchone()
            oldest = connection.execute("SELECT body FROM records WHERE record_index = ?", (receipt_size,)).fetchone()
    except (sqlite3.Error, TypeError):
        return None
    return {
        "captured": size,
        "acknowledged": receipt_size - dead,
        "pending": size - receipt_size,
        "dead_lettered": dead,
        "oldest_pending_unix_ns": captured_unix_ns(bytes(oldest[0])) if oldest else None,
        "last_receipt_unix_ns": receipt_ns or None,
    }


def last_records(state_dir: Path, count: int, after: int | None = None) -> list[tuple[int, bytes]]:
    """(index, bytes) of the newest `count` records, or of those after an index, oldest first; [] when unreadable."""
    try:
        with _open(state_dir) as connection:
            rows = connection.execute(
                "SELECT record_index, body FROM records WHERE record_index > ? ORDER BY record_index DESC LIMIT ?",
                (-1 if after is None else after, count),
            ).fetchall()
    except sqlite3.Error:
        return []
    return [(int(index), bytes(body)) for index, body in reversed(rows)]


def captured_unix_ns(body: bytes) -> int | None:
    """When a record was captured; None when it cannot be decoded."""
    # Imported here: most calls find nothing pending and need no protobuf.
    from google.protobuf.message import DecodeError  # noqa: PLC0415 - see above

    from gate_contract.v1.record_pb2 import Record  # noqa: PLC0415 - see above

    try:
        return Record.FromString(body).captured.wall_unix_ns
    except DecodeError:
        return None


def _open(state_dir: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{state_dir / 'journal.db'}?mode=ro", uri=True, timeout=0.1)
