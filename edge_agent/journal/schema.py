"""The journal's tables, and how older files are brought up to date. Migrations are data, applied in order."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from sqlite_utils import Database

from edge_agent.errors import JournalError

MIGRATIONS: tuple[str, ...] = (
    """
    -- The journal proper: exact bytes by index, the signed checkpoint of every commit, and the tree's peaks.
    CREATE TABLE records (record_index INTEGER PRIMARY KEY, body BLOB NOT NULL);
    CREATE TABLE checkpoints (size INTEGER PRIMARY KEY, note BLOB NOT NULL);
    CREATE TABLE head (
        only INTEGER PRIMARY KEY CHECK (only = 1),
        origin TEXT NOT NULL,
        size INTEGER NOT NULL,
        peaks BLOB NOT NULL,
        receipt_size INTEGER NOT NULL,
        receipt BLOB NOT NULL,
        receipt_ns INTEGER NOT NULL,
        dead_lettered INTEGER NOT NULL,
        pruned INTEGER NOT NULL
    );
    -- What devices were told is captured and no passage has taken yet.
    CREATE TABLE inbox (
        inbox_id INTEGER PRIMARY KEY AUTOINCREMENT, device_id TEXT NOT NULL, body BLOB NOT NULL
    );
    -- Recent messages of devices that repeat theirs until answered.
    CREATE TABLE seen_events (
        seen_id INTEGER PRIMARY KEY AUTOINCREMENT, device_id TEXT NOT NULL, event_id TEXT NOT NULL,
        UNIQUE (device_id, event_id)
    );
    -- Passages under way, by lane.
    CREATE TABLE in_flight (lane_id TEXT PRIMARY KEY, body BLOB NOT NULL);
    -- Blobs in the evidence directory that the collector has not confirmed yet.
    CREATE TABLE evidence (
        sha256 BLOB PRIMARY KEY, size INTEGER NOT NULL, media_type TEXT NOT NULL, delivered INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX evidence_waiting ON evidence (delivered) WHERE delivered = 0;
    """,
)


def connect(path: Path) -> sqlite3.Connection:
    """A connection with the durability the journal promises: WAL, synchronous=FULL.

    Raises JournalError when the file cannot be opened.
    """
    try:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "cache_size=-8000", "temp_store=MEMORY"):
            connection.execute(f"PRAGMA {pragma}")
    except sqlite3.Error as error:
        fix = "check that its directory exists, belongs to this user and has space"
        if "malformed" in str(error) or "not a database" in str(error):
            fix = "it is damaged: keep a copy of the state directory as evidence, move it away, and enrol again"
        raise JournalError(f"the journal {path} cannot be opened", cause=str(error), fix=fix) from error
    return connection


def migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Bring the tables up to date; JournalError for a file that a newer agent has written."""
    # No plug-ins: what a journal does must not depend on what else is installed.
    database = Database(connection, execute_plugins=False)
    version = int(database.conn.execute("PRAGMA user_version").fetchone()[0])
    if version > len(MIGRATIONS):
        raise JournalError(
            f"the journal {path} was written by a newer agent (schema {version}, this one knows {len(MIGRATIONS)})",
            fix="install that release again",
        )
    for number, script in enumerate(MIGRATIONS[version:], start=version + 1):
        # One transaction for tables and version: a migration that was cut off has not happened.
        database.conn.executescript(f"BEGIN IMMEDIATE; {script}; PRAGMA user_version = {number}; COMMIT;")
