"""A journal as release 0.1 kept it: one SQLite file, a row a record. Written out here, for that code is gone."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from edge_agent.keys import AgentKeys
from gate_contract.checkpoint import Checkpoint, Signer
from gate_contract.envelope import leaf_hashes
from gate_contract.merkle import Frontier
from gate_contract.v1.passage_pb2 import Passage, PlateRead
from gate_contract.v1.record_pb2 import Record

WAITING = 3
"""Captured messages that no passage has taken yet."""

SCHEMA = """
CREATE TABLE records (record_index INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE checkpoints (size INTEGER PRIMARY KEY, note BLOB NOT NULL);
CREATE TABLE head (
    only INTEGER PRIMARY KEY CHECK (only = 1), origin TEXT NOT NULL, size INTEGER NOT NULL, peaks BLOB NOT NULL,
    receipt_size INTEGER NOT NULL, receipt BLOB NOT NULL, receipt_ns INTEGER NOT NULL, dead_lettered INTEGER NOT NULL,
    pruned INTEGER NOT NULL
);
CREATE TABLE inbox (inbox_id INTEGER PRIMARY KEY AUTOINCREMENT, device_id TEXT NOT NULL, body BLOB NOT NULL);
CREATE TABLE seen_events (
    seen_id INTEGER PRIMARY KEY AUTOINCREMENT, device_id TEXT NOT NULL, event_id TEXT NOT NULL,
    UNIQUE (device_id, event_id)
);
CREATE TABLE in_flight (lane_id TEXT PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE evidence (
    sha256 BLOB PRIMARY KEY, size INTEGER NOT NULL, media_type TEXT NOT NULL, delivered INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX evidence_waiting ON evidence (delivered) WHERE delivered = 0;
PRAGMA user_version = 1;
"""


def furnish(state: Path, camera: str, count: int) -> list[str]:
    """Give an enrolled machine a journal of release 0.1 with passages and captured messages; their plates, in order."""
    plates = [f"琼Z{number:05}" for number in range(count)]
    messages = [PlateRead(device_id=camera, text=plate, event_id=f"old-{plate}") for plate in plates]
    passages = [
        Record(
            format=1,
            site_id="xiuying",
            passage=Passage(passage_id=f"old-{number}", revision=1, lane_id="L1", plates=[message]),
        ).SerializeToString()
        for number, message in enumerate(messages[:-WAITING])
    ]
    inbox = [(camera, message.event_id, message.SerializeToString()) for message in messages[-WAITING:]]
    write_old_journal(state / "journal.db", AgentKeys.load(state).signer, passages, inbox)
    return plates


def write_old_journal(
    path: Path, signer: Signer, records: Sequence[bytes], inbox: Sequence[tuple[str, str, bytes]]
) -> None:
    """A journal with these records, each under a checkpoint, and these inbox entries (device, event, body)."""
    frontier = Frontier()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript(f"PRAGMA journal_mode=WAL; BEGIN; {SCHEMA} COMMIT;")
        connection.execute("BEGIN")
        for index, body in enumerate(records):
            frontier = frontier.grown(leaf_hashes([body]))
            note = signer.sign(Checkpoint.of(signer.name, frontier).body()).to_bytes()
            connection.execute("INSERT INTO records VALUES (?, ?)", (index, body))
            connection.execute("INSERT INTO checkpoints VALUES (?, ?)", (index + 1, note))
        for device_id, event_id, body in inbox:
            connection.execute("INSERT INTO seen_events (device_id, event_id) VALUES (?, ?)", (device_id, event_id))
            connection.execute("INSERT INTO inbox (device_id, body) VALUES (?, ?)", (device_id, body))
        head = (1, signer.name, frontier.size, frontier.to_bytes(), 0, b"", 0, 0, 0)
        connection.execute("INSERT INTO head VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", head)
        connection.execute("COMMIT")
