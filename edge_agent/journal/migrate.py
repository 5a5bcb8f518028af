"""The journal of an older agent, one SQLite file with a row a record, is taken over once and kept beside."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from edge_agent.errors import JournalError
from edge_agent.journal.evidence_list import blobs_in, write_list
from edge_agent.journal.files import synced
from edge_agent.journal.leaves import LeafFile
from edge_agent.journal.old import read_old_remains
from edge_agent.journal.quarantine import put_aside
from edge_agent.journal.salvage.wal import read_frames, sound_length
from edge_agent.journal.salvage_old import pieces, salvage_old
from edge_agent.journal.sealing import INSERT as INSERT_COMMIT
from edge_agent.journal.sealing import MAX_COMMIT_BYTES, MAX_COMMIT_RECORDS, signed
from edge_agent.journal.seen import INSERT as INSERT_SEEN
from edge_agent.journal.seen import rows_of
from edge_agent.journal.segment import Commit, DamagedError, Head, connect_to_read, create, entry_hash, finish
from edge_agent.sqlite_errors import is_of_the_system
from gate_contract.checkpoint import Checkpoint, Note, Signer, open_checkpoint
from gate_contract.envelope import encode_records, leaf_hashes
from gate_contract.merkle import Frontier

OLD_FORMAT = 1
COMMITS_AT_ONCE = 64
"""Commits in one transaction: what they take is twice on the disk meanwhile."""

OLD_TABLES = frozenset({"records", "checkpoints", "head"})


def migrate(directory: Path, signer: Signer) -> None:
    """Take state_dir/journal.db over into `directory`, if it is there; it is then called journal.db.migrated.

    Of a damaged one what can be proved is taken over, what is gone is told by losses, and the files as they were found
    have a second name in quarantine. Killed anywhere, it is done or can be done again. OSError and sqlite3.Error go to
    the caller, JournalError tells of a file that cannot be taken over.
    """
    old = directory.with_name("journal.db")
    if not old.exists():
        return
    if not directory.exists():
        made = directory.with_name(f"{directory.name}.migrating")
        try:
            _begin(made)
            _check_log(old)
            with closing(connect_to_read(old)) as connection:
                _take_over(connection, old, made, signer)
        except (sqlite3.Error, ValueError, TypeError, DamagedError) as error:
            if is_of_the_system(error):
                raise
            _salvage(old, made, signer, str(error))
        else:
            with closing(sqlite3.connect(old, isolation_level=None)) as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        synced(made)
        made.rename(directory)
        synced(directory.parent)
    for end in ("-wal", "-shm"):
        old.with_name(f"{old.name}{end}").unlink(missing_ok=True)  # played in above, or in quarantine
    old.rename(old.with_name(f"{old.name}.migrated"))
    synced(directory.parent)


def _check_log(old: Path) -> None:
    """DamagedError when SQLite would leave out what stands in the log: it does so without a word."""
    log = old.with_name(f"{old.name}-wal")
    frames = read_frames(log.read_bytes()) if log.exists() else []
    if any(frame.ends for frame in frames[sound_length(frames) :]):
        raise DamagedError("its log is damaged")


def _begin(made: Path) -> None:
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(mode=0o750)


def _salvage(old: Path, made: Path, signer: Signer, damage: str) -> None:
    _begin(made)
    state_dir = old.parent
    beside = (old, old.with_name(f"{old.name}-wal"))
    aside = put_aside(state_dir, old.name, [path for path in beside if path.exists()])
    salvage_old(read_old_remains(old), made, signer, aside[0], damage)
    write_list(state_dir / "evidence.db", blobs_in(state_dir / "evidence"))


def _take_over(old: sqlite3.Connection, path: Path, directory: Path, signer: Signer) -> None:
    version = int(old.execute("PRAGMA user_version").fetchone()[0])
    tables = {name for (name,) in old.execute("SELECT name FROM sqlite_master")}
    if version != OLD_FORMAT and not tables >= OLD_TABLES:
        raise JournalError(
            f"the journal {path} is of no known release (schema {version})", fix="keep it, and move it away"
        )
    row = old.execute(
        "SELECT origin, size, peaks, receipt_size, receipt, receipt_ns, dead_lettered, pruned FROM head"
    ).fetchone()
    if row is None:
        raise DamagedError("its head is gone")
    origin, size, peaks, receipt_size, receipt, receipt_ns, dead, pruned = row
    inbox = old.execute("SELECT inbox_id, device_id, body FROM inbox").fetchall()
    in_flight = old.execute("SELECT lane_id, body FROM in_flight").fetchall()
    frontier = Frontier.from_bytes(size, peaks)
    if not 0 <= pruned <= receipt_size <= size:
        raise DamagedError(f"its head says that of {size} records {receipt_size} have a receipt and {pruned} are gone")
    # The tree where the kept records begin cannot be had from what is left of it.
    base = Frontier() if pruned == 0 else None
    head = Head(origin, base, frontier, 1, receipt_size, receipt, receipt_ns, dead)
    last = max((inbox_id for inbox_id, *_ in inbox), default=0)
    if pruned < size:
        _write_records(old, directory, head, pruned, signer)
    head = Head(
        origin, frontier, frontier, 2, receipt_size, receipt, receipt_ns, dead, len(inbox), last, len(in_flight)
    )
    with closing(create(directory / f"{size:020}.db", head)) as new:
        new.executemany("INSERT INTO inbox VALUES (?, ?, ?, ?)", [(*each, entry_hash(*each)) for each in inbox])
        for lane_id, body in in_flight:
            row = (body, lane_id, entry_hash(body, lane_id))
            new.execute("INSERT INTO in_flight (body, lane_id, sha256) VALUES (?, ?, ?)", row)
        events = old.execute("SELECT seen_id, device_id, event_id FROM seen_events ORDER BY seen_id")
        new.executemany(INSERT_SEEN, rows_of(events))
        finish(new)
    synced(directory / f"{size:020}.db")
    waiting = old.execute("SELECT sha256, size, media_type FROM evidence WHERE delivered = 0")
    write_list(directory.with_name("evidence.db"), waiting)


def _write_records(old: sqlite3.Connection, directory: Path, head: Head, first_index: int, signer: Signer) -> None:
    """All records that are kept, as one closed segment."""
    path = directory / f"{first_index:020}.db"
    leaves = LeafFile(directory / f"{first_index:020}.leaves", first_index)
    with closing(create(path, head)) as new, closing(leaves):
        proof = _Proof(head.frontier, first_index, signer)
        for number, (commit, hashes) in enumerate(_merged(_commits(old, first_index)), start=1):
            new.execute(INSERT_COMMIT, proof.proved(commit, hashes).to_row())
            leaves.write(commit.first_index, b"".join(hashes))
            if number % COMMITS_AT_ONCE == 0:
                new.execute("COMMIT")
                new.execute("BEGIN")
        proof.finish()
        finish(new)
        leaves.sync()
    synced(path)


class _Proof:
    """Grows the tree from where it is known, and holds it against every note and the last tree."""

    def __init__(self, frontier: Frontier, first_index: int, signer: Signer) -> None:
        """`frontier` is the tree at the end of the records that begin at `first_index`."""
        self._last, self._signer = frontier, signer
        starts = [base for _, _, base, _ in pieces(frontier, first_index) if base is not None]
        self._known = starts[0] if starts else frontier
        self._end = first_index

    def proved(self, commit: Commit, hashes: Sequence[bytes]) -> Commit:
        """A commit with a note that holds; DamagedError when it does not lead to what its own note says."""
        self._end = commit.end_index
        if commit.end_index <= self._known.size:
            open_checkpoint(commit.note, self._signer.verifier)
            return commit
        self._known = self._known.grown(hashes[max(0, self._known.size - commit.first_index) :])
        if Checkpoint.parse(Note.parse(commit.note).text).root != self._known.root():
            raise DamagedError(f"the records before {commit.end_index} are not those that were signed")
        return replace(commit, note=signed(self._signer, self._known))  # the same bytes, if none was altered

    def finish(self) -> None:
        """DamagedError when it is not the last tree."""
        if self._end != self._last.size or self._known != self._last:
            raise DamagedError("its records do not lead to the tree in its head")


def _commits(old: sqlite3.Connection, first_index: int) -> Iterator[tuple[int, list[bytes], bytes]]:
    """(where it ends, records, note) of each commit; DamagedError where one lacks records."""
    start = first_index
    for size, note in old.execute("SELECT size, note FROM checkpoints WHERE size > ? ORDER BY size", (first_index,)):
        rows = old.execute(
            "SELECT body FROM records WHERE record_index >= ? AND record_index < ? ORDER BY record_index", (start, size)
        )
        records = [bytes(body) for (body,) in rows]
        if len(records) != size - start:
            raise DamagedError(f"it lacks records between {start} and {size}")
        yield size, records, bytes(note)
        start = size


def _merged(commits: Iterable[tuple[int, list[bytes], bytes]]) -> Iterator[tuple[Commit, list[bytes]]]:
    """Commits and their leaf hashes: as many as may be made one, for each signature takes its time."""
    gathered: list[bytes] = []
    end, last = 0, b""
    for size, records, note in commits:
        weight = sum(map(len, gathered)) + sum(map(len, records))
        if gathered and (len(gathered) + len(records) > MAX_COMMIT_RECORDS or weight > MAX_COMMIT_BYTES):
            yield Commit(end - len(gathered), end, encode_records(gathered), last), leaf_hashes(gathered)
            gathered = []
        gathered += records
        end, last = size, note
    if gathered:
        yield Commit(end - len(gathered), end, encode_records(gathered), last), leaf_hashes(gathered)
