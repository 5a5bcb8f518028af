"""The journal of an older agent, one SQLite file with a row a record, is taken over once and kept beside."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from edge_agent.errors import JournalError
from edge_agent.journal.evidence_list import write_list
from edge_agent.journal.files import synced
from edge_agent.journal.leaves import LeafFile
from edge_agent.journal.segment import Commit, Head, create, entry_hash, finish
from gate_contract.envelope import encode_records, leaf_hashes
from gate_contract.merkle import Frontier, ProofError

OLD_FORMAT = 1
COMMITS_AT_ONCE = 512
"""Commits in one transaction: what they take is twice on the disk meanwhile."""


KEEP = "keep the state directory as evidence, and enrol again with an empty one"


def migrate(directory: Path) -> None:
    """Take state_dir/journal.db over into `directory`, if it is there; it is then called journal.db.migrated.

    Killed anywhere, it is done or can be done again. OSError and sqlite3.Error go to the caller, JournalError tells of
    a file that cannot be taken over.
    """
    old = directory.with_name("journal.db")
    if not old.exists():
        return
    if not directory.exists():
        made = directory.with_name(f"{directory.name}.migrating")
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir(mode=0o750)
        with closing(sqlite3.connect(old, isolation_level=None)) as connection:
            _take_over(connection, old, made)
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        synced(made)
        made.rename(directory)
        synced(directory.parent)
    for end in ("-wal", "-shm"):
        old.with_name(f"{old.name}{end}").unlink(missing_ok=True)  # played in above
    old.rename(old.with_name(f"{old.name}.migrated"))
    synced(directory.parent)


def _take_over(old: sqlite3.Connection, path: Path, directory: Path) -> None:
    version = int(old.execute("PRAGMA user_version").fetchone()[0])
    if version != OLD_FORMAT:
        raise JournalError(
            f"the journal {path} is of no known release (schema {version})", fix="keep it, and move it away"
        )
    row = old.execute(
        "SELECT origin, size, peaks, receipt_size, receipt, receipt_ns, dead_lettered, pruned FROM head"
    ).fetchone()
    if row is None:
        raise JournalError(f"the journal {path} is empty", fix="move it away")
    origin, size, peaks, receipt_size, receipt, receipt_ns, dead, pruned = row
    inbox = old.execute("SELECT inbox_id, device_id, body FROM inbox").fetchall()
    in_flight = old.execute("SELECT lane_id, body FROM in_flight").fetchall()
    try:
        frontier = Frontier.from_bytes(size, peaks)
    except ProofError as error:
        raise JournalError(f"the journal {path} is damaged at its head", cause=str(error), fix=KEEP) from error
    # The tree where the kept records begin cannot be had from what is left of it.
    base = Frontier() if pruned == 0 else None
    head = Head(origin, base, frontier, 1, receipt_size, receipt, receipt_ns, dead)
    last = max((inbox_id for inbox_id, *_ in inbox), default=0)
    if pruned < size:
        _write_records(old, directory, head, pruned)
    head = Head(
        origin, frontier, frontier, 2, receipt_size, receipt, receipt_ns, dead, len(inbox), last, len(in_flight)
    )
    with closing(create(directory / f"{size:020}.db", head)) as new:
        new.executemany("INSERT INTO inbox VALUES (?, ?, ?, ?)", [(*each, entry_hash(*each)) for each in inbox])
        for lane_id, body in in_flight:
            row = (body, lane_id, entry_hash(body, lane_id))
            new.execute("INSERT INTO in_flight (body, lane_id, sha256) VALUES (?, ?, ?)", row)
        new.executemany("INSERT INTO seen_events VALUES (?, ?, ?)", old.execute("SELECT * FROM seen_events"))
        finish(new)
    synced(directory / f"{size:020}.db")
    waiting = old.execute("SELECT sha256, size, media_type FROM evidence WHERE delivered = 0")
    write_list(directory.with_name("evidence.db"), waiting)


def _write_records(old: sqlite3.Connection, directory: Path, head: Head, first_index: int) -> None:
    """All records that are kept, as one closed segment."""
    path = directory / f"{first_index:020}.db"
    leaves = LeafFile(directory / f"{first_index:020}.leaves", first_index)
    with closing(create(path, head)) as new, closing(leaves):
        for number, (commit, hashes) in enumerate(_commits(old, first_index), start=1):
            new.execute(
                "INSERT INTO commits (first_index, end_index, crc, body, note) VALUES (?, ?, ?, ?, ?)", commit.to_row()
            )
            leaves.write(commit.first_index, b"".join(hashes))
            if number % COMMITS_AT_ONCE == 0:
                new.execute("COMMIT")
                new.execute("BEGIN")
        finish(new)
        leaves.sync()
    synced(path)


def _commits(old: sqlite3.Connection, first_index: int) -> Iterator[tuple[Commit, list[bytes]]]:
    start = first_index
    for size, note in old.execute("SELECT size, note FROM checkpoints WHERE size > ? ORDER BY size", (first_index,)):
        rows = old.execute(
            "SELECT body FROM records WHERE record_index >= ? AND record_index < ? ORDER BY record_index", (start, size)
        )
        records = [bytes(body) for (body,) in rows]
        if len(records) != size - start:
            raise JournalError(
                f"the journal {old} of an older agent lacks records between {start} and {size}",
                fix=KEEP,
            )
        yield Commit(start, size, encode_records(records), note), leaf_hashes(records)
        start = size
