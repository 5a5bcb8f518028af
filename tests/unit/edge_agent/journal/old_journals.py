"""A journal as an older agent wrote it."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from hashlib import sha256
from pathlib import Path

from gate_contract.checkpoint import Checkpoint
from gate_contract.envelope import leaf_hashes
from gate_contract.merkle import Frontier
from tests.unit.edge_agent.journal.journals import SIGNER

RECORDS = [b"record %d" % number for number in range(20)]

OLD_TABLES = """
CREATE TABLE records (record_index INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE checkpoints (size INTEGER PRIMARY KEY, note BLOB NOT NULL);
CREATE TABLE head (only INTEGER PRIMARY KEY CHECK (only = 1), origin TEXT NOT NULL, size INTEGER NOT NULL,
    peaks BLOB NOT NULL, receipt_size INTEGER NOT NULL, receipt BLOB NOT NULL, receipt_ns INTEGER NOT NULL,
    dead_lettered INTEGER NOT NULL, pruned INTEGER NOT NULL);
CREATE TABLE inbox (inbox_id INTEGER PRIMARY KEY AUTOINCREMENT, device_id TEXT NOT NULL, body BLOB NOT NULL);
CREATE TABLE seen_events (seen_id INTEGER PRIMARY KEY AUTOINCREMENT, device_id TEXT NOT NULL, event_id TEXT NOT NULL,
    UNIQUE (device_id, event_id));
CREATE TABLE in_flight (lane_id TEXT PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE evidence (sha256 BLOB PRIMARY KEY, size INTEGER NOT NULL, media_type TEXT NOT NULL,
    delivered INTEGER NOT NULL) WITHOUT ROWID;
PRAGMA user_version = 1;
"""


def old_journal(path: Path, sizes: Sequence[int], receipt_size: int = 0, pruned: int = 0) -> None:
    """As the release before left it: a commit ends at each of `sizes`."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript(f"PRAGMA journal_mode=WAL; {OLD_TABLES}")
        for start, size in zip((0, *sizes), sizes, strict=False):
            grown = Frontier().grown(leaf_hashes(RECORDS[:size]))
            note = SIGNER.sign(Checkpoint.of(SIGNER.name, grown).body()).to_bytes()
            connection.executemany("INSERT INTO records VALUES (?, ?)", enumerate(RECORDS[start:size], start=start))
            connection.execute("INSERT INTO checkpoints VALUES (?, ?)", (size, note))
        size = sizes[-1]
        peaks = Frontier().grown(leaf_hashes(RECORDS[:size])).to_bytes()
        connection.execute(
            "INSERT INTO head VALUES (1, ?, ?, ?, ?, x'00', 42, 1, ?)", (SIGNER.name, size, peaks, receipt_size, pruned)
        )
        connection.execute("DELETE FROM records WHERE record_index < ?", (pruned,))
        connection.execute("DELETE FROM checkpoints WHERE size < ?", (pruned,))
        connection.execute("INSERT INTO inbox VALUES (7, 'camera-1', x'4142')")
        connection.execute("INSERT INTO seen_events VALUES (3, 'camera-1', 'e1')")
        connection.execute("INSERT INTO in_flight VALUES ('L1', x'4344')")
        connection.execute("INSERT INTO evidence VALUES (?, 2, 'image/jpeg', 0)", (sha256(b"a").digest(),))
        connection.execute("INSERT INTO evidence VALUES (?, 2, 'image/jpeg', 1)", (sha256(b"b").digest(),))
