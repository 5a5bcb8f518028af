"""The journal of an older agent, one file with a row a record."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest

from edge_agent.errors import JournalError
from edge_agent.journal.evidence import EvidenceStore
from edge_agent.journal.journal import Counts, Journal
from gate_contract.checkpoint import Checkpoint
from gate_contract.envelope import leaf_hashes, open_batch
from gate_contract.merkle import Frontier
from tests.unit.edge_agent.journal.journals import SIGNER, collected, opened, records_of, sealed

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


def test_everything_is_taken_over_and_the_old_file_is_kept(tmp_path: Path) -> None:
    old_journal(tmp_path / "journal.db", (1, 5, 6, 12), receipt_size=5)
    with opened(tmp_path / "journal") as journal:
        assert journal.counts() == Counts(captured=12, acknowledged=4, pending=7, dead_lettered=1)
        assert (journal.receipt(), journal.receipt_unix_ns()) == ((5, b"\x00"), 42)
        assert [(each.inbox_id, each.device_id, each.body) for each in journal.spool.inbox()] == [
            (7, "camera-1", b"AB")
        ]
        assert journal.spool.keep("camera-1", "e1", b"AB") is None
        assert journal.in_flight() == {"L1": b"CD"}
        assert collected(journal)[0] == dict(enumerate(RECORDS[:12]))
        journal.append(RECORDS[12:14], consumed=[7])
        assert journal.spool.inbox() == []
        assert journal.scrub() == 0
        assert journal.losses == []
    with opened(tmp_path / "journal") as journal:
        assert collected(journal)[0] == dict(enumerate(RECORDS[:14]))
    store = EvidenceStore(tmp_path)
    assert store.waiting() == [(sha256(b"a").digest(), 2, "image/jpeg")]
    store.close()
    assert {path.name for path in tmp_path.iterdir()} == {"journal", "journal.db.migrated", "evidence.db", "evidence"}
    with closing(sqlite3.connect(tmp_path / "journal.db.migrated")) as connection:
        assert connection.execute("SELECT count(*) FROM records").fetchone() == (12,)


def test_a_pruned_journal_goes_on_though_the_tree_before_it_is_not_known(tmp_path: Path) -> None:
    old_journal(tmp_path / "journal.db", (3, 7, 11), receipt_size=7, pruned=5)
    with opened(tmp_path / "journal") as journal:
        journal.append(RECORDS[11:13])
        known, read = Frontier().grown(leaf_hashes(RECORDS[:7])), []
        while (stretch := journal.stretch(known.size, 5, 1 << 20)) is not None:
            known = open_batch(sealed(stretch), known, SIGNER.verifier, lambda *_: []).frontier
            read += records_of(stretch)
        assert read == RECORDS[7:13]
        assert journal.kept() == 8
        assert (journal.record(4), journal.record(5)) == (None, RECORDS[5])
        with pytest.raises(JournalError, match="leaf hash of record 0 is gone"):
            journal.stretch(0, 5, 1 << 20)
        assert journal.prune(keep=0) == 0, "its last records are not acknowledged"


@pytest.mark.parametrize("what", ["record", "note"])
def test_damage_in_what_was_taken_over_costs_only_what_it_hits(tmp_path: Path, what: str) -> None:
    old_journal(tmp_path / "journal.db", (3, 7, 11), receipt_size=7, pruned=5)
    with opened(tmp_path / "journal"):
        pass
    path = tmp_path / "journal" / f"{5:020}.db"
    target = RECORDS[8] if what == "record" else SIGNER.name.encode() + b"\n7\n"
    path.write_bytes(path.read_bytes().replace(target, bytes(len(target))))
    with opened(tmp_path / "journal") as journal:
        assert journal.scrub() == 5
        known = Frontier().grown(leaf_hashes(RECORDS[:7]))
        stretch = journal.stretch(7, 10, 1 << 20)
        assert stretch is not None
        batch = open_batch(sealed(stretch), known, SIGNER.verifier, lambda *_: [])
        assert list(batch.records) == [each for each in RECORDS[7:11] if each != RECORDS[8] or what == "note"]


def test_an_acknowledged_journal_that_was_pruned_whole_goes_on(tmp_path: Path) -> None:
    old_journal(tmp_path / "journal.db", (3, 7), receipt_size=7, pruned=7)
    with opened(tmp_path / "journal") as journal:
        assert (journal.size, journal.kept()) == (7, 0)
        assert journal.append([b"next"]) == 7


def test_many_commits_are_taken_over_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge_agent.journal.migrate.COMMITS_AT_ONCE", 2)
    old_journal(tmp_path / "journal.db", range(1, 13))
    with opened(tmp_path / "journal") as journal:
        assert collected(journal)[0] == dict(enumerate(RECORDS[:12]))


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        ("DELETE FROM records WHERE record_index = 4", "lacks records between 1 and 5"),
        ("PRAGMA user_version = 9", "of no known release"),
        ("DELETE FROM head", "is empty"),
        ("UPDATE head SET peaks = x'00'", "bytes of peaks"),
        ("DROP TABLE inbox", "no such table"),
    ],
)
def test_an_old_journal_that_cannot_be_taken_over_stays_as_it_is(tmp_path: Path, damage: str, words: str) -> None:
    old_journal(tmp_path / "journal.db", (1, 5))
    with closing(sqlite3.connect(tmp_path / "journal.db", isolation_level=None)) as connection:
        connection.execute(damage)
    before = (tmp_path / "journal.db").read_bytes()
    with pytest.raises(JournalError, match=words):
        Journal(tmp_path / "journal", SIGNER)
    assert not (tmp_path / "journal").exists()
    assert (tmp_path / "journal.db").read_bytes() == before


def test_a_takeover_that_was_cut_off_is_done_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old_journal(tmp_path / "journal.db", (1, 5))

    def cut_off(*_: object) -> None:
        raise OSError(5, "Input/output error")

    for name in ("edge_agent.journal.migrate.write_list", "pathlib.Path.rename"):
        with monkeypatch.context() as patch:
            patch.setattr(name, cut_off)
            with pytest.raises(JournalError, match="Input/output error"):
                Journal(tmp_path / "journal", SIGNER)
    with opened(tmp_path / "journal") as journal:
        assert collected(journal)[0] == dict(enumerate(RECORDS[:5]))
    (tmp_path / "journal.db.migrated").rename(tmp_path / "journal.db")  # killed before the last step
    with opened(tmp_path / "journal") as journal:
        assert journal.size == 5
    assert not (tmp_path / "journal.db").exists()
