"""The sealed journal."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.errors import JournalError
from edge_agent.journal.journal import MAX_COMMIT_BYTES, MAX_COMMIT_RECORDS, Counts, Journal
from gate_contract.checkpoint import COSIGNATURE, Checkpoint, Note, Receipt, Signer, open_checkpoint
from gate_contract.envelope import MAX_RECORD_BYTES, open_batch, seal
from gate_contract.merkle import Frontier, leaf_hash

KEY = Ed25519PrivateKey.generate()
SIGNER = Signer("test/agent/gate-01/0011223344556677", KEY)
COLLECTOR = Signer("test/collector", Ed25519PrivateKey.generate(), COSIGNATURE)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


def receipt_for(journal: Journal, size: int) -> tuple[Receipt, bytes]:
    stretch = journal.stretch(0, size, 1 << 30)
    assert stretch is not None
    assert stretch.end == size
    checkpoint = open_checkpoint(stretch.note, SIGNER.verifier)
    return Receipt(checkpoint, 1), COLLECTOR.cosign(Note.parse(stretch.note), 1).to_bytes()


def acknowledge(journal: Journal, size: int, dead: int = 0) -> None:
    receipt, note = receipt_for(journal, size)
    journal.acknowledge(receipt, note, dead, 42)


def test_what_was_appended_is_there_after_reopening(path: Path) -> None:
    journal = Journal(path, SIGNER)
    assert journal.append([b"a", b"b"]) == 0
    assert journal.append([b"c"]) == 2
    journal.close()
    again = Journal(path, SIGNER)
    assert again.size == 3
    assert [again.record(i) for i in range(4)] == [b"a", b"b", b"c", None]
    assert again.append([b"d"]) == 3
    again.close()


def test_every_commit_is_signed_over_the_whole_tree(path: Path) -> None:
    journal = Journal(path, SIGNER)
    for body in (b"a", b"b", b"c"):
        journal.append([body])
    stretch = journal.stretch(1, 10, 1 << 20)
    assert stretch is not None
    assert stretch.records == [b"b", b"c"]
    opened = open_batch(
        seal(1, stretch.records, stretch.note),
        Frontier().grown([leaf_hash(b"a")]),
        SIGNER.verifier,
        lambda *_: [],
    )
    assert opened.records == (b"b", b"c")
    journal.close()


def test_a_stretch_ends_at_a_checkpoint_within_the_bounds(path: Path) -> None:
    journal = Journal(path, SIGNER)
    journal.append([b"x" * 100] * 3)
    journal.append([b"x" * 100] * 3)
    journal.append([b"x" * 100] * 3)
    assert [s.end for s in [journal.stretch(0, 7, 10_000)] if s] == [6]
    assert [s.end for s in [journal.stretch(0, 100, 700)] if s] == [6]
    assert [s.end for s in [journal.stretch(0, 1, 1)] if s] == [3], "one commit is the least there is"
    assert [s.end for s in [journal.stretch(4, 100, 10_000)] if s] == [9]
    assert journal.stretch(9, 100, 10_000) is None
    journal.close()


def test_a_large_append_is_sealed_in_groups_that_can_be_sent(path: Path) -> None:
    journal = Journal(path, SIGNER)
    journal.append([b"x"] * (2 * MAX_COMMIT_RECORDS + 1))
    journal.append([b"x" * 200_000] * 4)
    sizes, at = [], 0
    while (stretch := journal.stretch(at, 1, 1)) is not None:
        sizes.append(len(stretch.records))
        assert sum(map(len, stretch.records)) <= MAX_COMMIT_BYTES
        at = stretch.end
    assert sizes == [2048, 2048, 1, 2, 2]
    journal.close()


def test_a_record_that_is_too_large_is_refused_whole(path: Path) -> None:
    journal = Journal(path, SIGNER)
    with pytest.raises(JournalError, match="262144"):
        journal.append([b"ok", b"x" * (MAX_RECORD_BYTES + 1)])
    assert journal.size == 0
    journal.close()


def test_the_counts_always_balance(path: Path) -> None:
    journal = Journal(path, SIGNER)
    journal.append([b"a", b"b", b"c"])
    journal.append([b"d"])
    acknowledge(journal, 3, dead=1)
    assert journal.counts() == Counts(captured=4, acknowledged=2, pending=1, dead_lettered=1)
    journal.close()


def test_an_older_receipt_changes_nothing(path: Path) -> None:
    journal = Journal(path, SIGNER)
    journal.append([b"a"])
    journal.append([b"b"])
    acknowledge(journal, 2)
    acknowledge(journal, 1)
    assert journal.receipt()[0] == 2
    journal.close()


def test_only_what_a_receipt_covers_is_pruned(path: Path) -> None:
    journal = Journal(path, SIGNER)
    for number in range(10):
        journal.append([bytes([number])])
    assert journal.prune(keep=0) == 0
    acknowledge(journal, 6)
    assert journal.prune(keep=2) == 4
    assert [journal.record(i) for i in (3, 4)] == [None, b"\x04"]
    assert journal.prune(keep=0) == 2
    assert journal.prune(keep=0) == 0
    journal.close()
    again = Journal(path, SIGNER)
    assert again.size == 10
    again.append([b"next"])
    assert again.kept() == 5
    again.close()


def test_a_receipt_for_more_than_was_captured_is_refused(path: Path) -> None:
    journal = Journal(path, SIGNER)
    journal.append([b"a"])
    with pytest.raises(JournalError, match="older copy"):
        journal.acknowledge(Receipt(Checkpoint(SIGNER.name, 5, bytes(32)), 1), b"", 0, 1)
    with pytest.raises(JournalError, match="another root"):
        journal.acknowledge(Receipt(Checkpoint(SIGNER.name, 1, bytes(32)), 1), b"", 0, 1)
    assert journal.receipt() == (0, b"")
    journal.close()


def test_a_spooled_message_waits_until_it_is_consumed_and_repetitions_are_recognised(path: Path) -> None:
    journal = Journal(path, SIGNER)
    first = journal.spool.keep("camera-1", "e1", b"one")
    assert first is not None
    assert journal.spool.keep("camera-1", "e1", b"one again") is None
    assert journal.spool.keep("camera-2", "e1", b"other camera") is not None
    journal.close()
    again = Journal(path, SIGNER)
    assert [(e.device_id, e.body) for e in again.spool.inbox()] == [("camera-1", b"one"), ("camera-2", b"other camera")]
    again.append([b"record"], consumed=[first], in_flight={"L1": b"state"})
    assert [e.device_id for e in again.spool.inbox()] == ["camera-2"]
    assert again.in_flight() == {"L1": b"state"}
    assert again.spool.keep("camera-1", "e1", b"one once more") is None
    again.close()


def test_evidence_waits_until_it_is_delivered(path: Path) -> None:
    journal = Journal(path, SIGNER)
    journal.spool.expect_delivery(b"h" * 32, 5, "image/jpeg")
    journal.spool.expect_delivery(b"h" * 32, 5, "image/jpeg")
    assert journal.spool.evidence_waiting() == [(b"h" * 32, 5, "image/jpeg")]
    journal.spool.expect_no_delivery(b"h" * 32)
    assert journal.spool.evidence_waiting() == []
    journal.close()


def test_another_keys_journal_is_refused(path: Path) -> None:
    Journal(path, SIGNER).close()
    with pytest.raises(JournalError, match="belongs to"):
        Journal(path, Signer("test/agent/gate-02/ffff", KEY))


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE head SET peaks = x'00'",
        "UPDATE head SET size = 1",
        "UPDATE head SET peaks = zeroblob(64)",
        "DELETE FROM checkpoints",
        "UPDATE checkpoints SET note = x'00'",
        "DELETE FROM records WHERE record_index = 2",
    ],
)
def test_a_journal_whose_head_does_not_fit_is_not_continued(path: Path, damage: str) -> None:
    journal = Journal(path, SIGNER)
    journal.append([b"a", b"b", b"c"])
    journal.close()
    with sqlite3.connect(path) as connection:
        connection.execute(damage)
    connection.close()
    with pytest.raises(JournalError):
        Journal(path, SIGNER)


def test_a_record_missing_in_the_middle_is_named_when_it_is_to_be_sent(path: Path) -> None:
    journal = Journal(path, SIGNER)
    journal.append([b"a", b"b", b"c"])
    with sqlite3.connect(path) as connection:
        connection.execute("DELETE FROM records WHERE record_index = 1")
    connection.close()
    with pytest.raises(JournalError, match="lacks records between 0 and 3"):
        journal.stretch(0, 10, 1000)
    journal.close()


def test_a_newer_agents_journal_is_refused(path: Path) -> None:
    Journal(path, SIGNER).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(JournalError, match="newer agent"):
        Journal(path, SIGNER)


def test_a_directory_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="nowhere"):
        Journal(tmp_path / "nowhere" / "journal.db", SIGNER)


def test_a_copy_taken_at_any_moment_opens_with_whole_commits(path: Path, tmp_path: Path) -> None:
    journal = Journal(path, SIGNER)
    journal.append([b"a"])
    journal.append([b"b", b"c"])
    copy = tmp_path / "copy"
    copy.mkdir()
    for file in tmp_path.glob("journal.db*"):
        shutil.copy(file, copy / file.name)
    journal.close()
    again = Journal(copy / "journal.db", SIGNER)
    assert again.size == 3
    again.close()


@settings(deadline=None, max_examples=25)
@given(st.lists(st.lists(st.binary(max_size=50), min_size=1, max_size=5), max_size=8), st.integers(1, 9))
def test_the_journal_read_back_in_any_steps_is_what_was_appended(
    tmp_path_factory: pytest.TempPathFactory, commits: list[list[bytes]], step: int
) -> None:
    journal = Journal(tmp_path_factory.mktemp("journal") / "j.db", SIGNER)
    for commit in commits:
        journal.append(commit)
    read: list[bytes] = []
    known = Frontier()
    while (stretch := journal.stretch(len(read), step, 1 << 20)) is not None:
        opened = open_batch(
            seal(stretch.first_index, stretch.records, stretch.note), known, SIGNER.verifier, lambda *_: []
        )
        known = opened.frontier
        read += opened.records
    journal.close()
    assert read == [body for commit in commits for body in commit]


def test_a_journal_that_was_closed_says_so_in_words(path: Path) -> None:
    journal = Journal(path, SIGNER)
    journal.close()
    with pytest.raises(JournalError, match="cannot be written"):
        journal.append([b"record"])
    with pytest.raises(JournalError, match="cannot be read"):
        journal.counts()


def test_why_nothing_can_be_written_is_known_until_something_can(path: Path) -> None:
    journal = Journal(path, SIGNER)
    assert journal.problem == ""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("CREATE TRIGGER full BEFORE INSERT ON records BEGIN SELECT RAISE(ABORT, 'disk full'); END")
        with pytest.raises(JournalError):
            journal.append([b"record"])
        assert journal.problem == "disk full"
        other.execute("DROP TRIGGER full")
    journal.append([b"record"])
    assert (journal.problem, journal.size) == ("", 1)
    journal.close()
