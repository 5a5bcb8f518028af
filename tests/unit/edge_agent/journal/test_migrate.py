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
from gate_contract.envelope import leaf_hashes, open_batch
from gate_contract.merkle import Frontier
from tests.unit.edge_agent.journal.journals import SIGNER, collected, opened, records_of, sealed
from tests.unit.edge_agent.journal.old_journals import RECORDS, old_journal


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


@pytest.mark.parametrize("pruned", [0, 5])
def test_many_commits_are_taken_over_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pruned: int) -> None:
    monkeypatch.setattr("edge_agent.journal.migrate.COMMITS_AT_ONCE", 2)
    monkeypatch.setattr("edge_agent.journal.migrate.MAX_COMMIT_RECORDS", 1)
    old_journal(tmp_path / "journal.db", range(1, 13), receipt_size=pruned, pruned=pruned)
    with opened(tmp_path / "journal") as journal:
        known, read = Frontier().grown(leaf_hashes(RECORDS[:pruned])), list[bytes]()
        while (stretch := journal.stretch(known.size, 1, 1)) is not None:
            known = open_batch(sealed(stretch), known, SIGNER.verifier, lambda *_: []).frontier
            read += records_of(stretch)
        assert read == RECORDS[pruned:12]
        assert journal.losses == []


def test_records_of_small_commits_are_put_under_one_signature(tmp_path: Path) -> None:
    old_journal(tmp_path / "journal.db", range(1, 13))
    with opened(tmp_path / "journal") as journal:
        assert [s.end for s in [journal.stretch(0, 1, 1)] if s] == [12]


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (("PRAGMA user_version = 9", "DROP TABLE checkpoints"), "of no known release"),
        (("DELETE FROM head", "DELETE FROM records WHERE record_index = 0"), "its tree can be had neither"),
    ],
)
def test_an_old_journal_that_cannot_be_taken_over_stays_as_it_is(
    tmp_path: Path, damage: Sequence[str], words: str
) -> None:
    old_journal(tmp_path / "journal.db", (1, 5))
    with closing(sqlite3.connect(tmp_path / "journal.db", isolation_level=None)) as connection:
        for statement in damage:
            connection.execute(statement)
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
