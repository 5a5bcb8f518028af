"""Records counted commit by commit."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge_agent.journal.journal import Journal
from edge_agent.status.counting import CommitCount
from gate_contract.checkpoint import Signer

SIGNER = Signer("test/agent/gate-01/0011223344556677", Ed25519PrivateKey.from_private_bytes(b"k" * 32))


def newest(directory: Path) -> Path:
    return max(directory.glob("*.db"))


def change(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement)


def test_what_is_appended_is_counted_across_the_segments(tmp_path: Path) -> None:
    directory = tmp_path / "journal"
    journal = Journal(directory, SIGNER, segment_bytes=300_000)
    count = CommitCount(directory)
    assert count.look() == 0
    for number in range(40):
        journal.append([b"%d" % number * 10_000, b"x"])
        if number % 7 == 0:
            assert count.look() == journal.size
    assert len(list(directory.glob("*.db"))) > 2, "it rolled"
    assert count.look() == journal.size == 80
    journal.close()
    assert CommitCount(directory).look() == 80, "a count that begins later comes to the same"


def test_a_journal_may_roll_more_than_once_between_two_looks(tmp_path: Path) -> None:
    directory = tmp_path / "journal"
    journal = Journal(directory, SIGNER, segment_bytes=300_000)
    count = CommitCount(directory)
    assert count.look() == 0
    for _ in range(100):
        journal.append([b"x" * 10_000])
    began = sorted(int(path.stem) for path in directory.glob("*.db"))
    assert len(began) > 3, "it rolled more than once"
    assert count.look() == 100
    journal.close()


def test_what_is_missing_in_a_segment_between_two_looks_is_missed(tmp_path: Path) -> None:
    directory = tmp_path / "journal"
    journal = Journal(directory, SIGNER, segment_bytes=300_000)
    count = CommitCount(directory)
    assert count.look() == 0
    for _ in range(100):
        journal.append([b"x" * 10_000])
    journal.close()
    began = sorted(directory.glob("*.db"))
    change(began[1], "DELETE FROM commits WHERE first_index = (SELECT max(first_index) FROM commits)")
    change(began[2], "DELETE FROM commits WHERE first_index = (SELECT min(first_index) + 1 FROM commits)")
    assert count.look() == 98


def test_segments_that_were_pruned_between_two_looks_are_no_gap(tmp_path: Path) -> None:
    directory = tmp_path / "journal"
    journal = Journal(directory, SIGNER, segment_bytes=300_000)
    count = CommitCount(directory)
    assert count.look() == 0
    for _ in range(100):
        journal.append([b"x" * 10_000])
    journal.close()
    for path in sorted(directory.glob("*.db"))[:2]:
        path.unlink()
    assert count.look() == 100
    assert count.look() == 100, "and it goes on"


def test_a_segment_whose_beginning_was_undone_is_no_gap(tmp_path: Path) -> None:
    directory = tmp_path / "journal"
    journal = Journal(directory, SIGNER)
    journal.append([b"a"])
    count = CommitCount(directory)
    begun = directory / f"{1:020}.db"
    with closing(sqlite3.connect(newest(directory))) as there, closing(sqlite3.connect(begun)) as new, new:
        for (statement,) in there.execute("SELECT sql FROM sqlite_master WHERE name IN ('commits', 'lost')"):
            new.execute(statement)
    assert count.look() == 1
    begun.unlink()
    journal.append([b"b"])
    assert count.look() == 2
    journal.close()


def test_commits_that_are_gone_are_missed(tmp_path: Path) -> None:
    directory = tmp_path / "journal"
    journal = Journal(directory, SIGNER)
    for _ in range(5):
        journal.append([b"a", b"b"])
    journal.close()
    change(newest(directory), "DELETE FROM commits WHERE first_index = 4")
    assert CommitCount(directory).look() == 8
    change(newest(directory), "INSERT INTO lost VALUES (4, NULL), (5, NULL)")
    assert CommitCount(directory).look() == 10, "what is known to be lost is accounted for"
    change(newest(directory), "DELETE FROM commits WHERE first_index = 8")
    assert CommitCount(directory).look() == 8


def test_what_cannot_be_read_is_not_counted_and_is_no_error(tmp_path: Path) -> None:
    assert CommitCount(tmp_path / "not-there").look() is None
    (tmp_path / f"{0:020}.db").write_bytes(b"not a database at all" * 100)
    assert CommitCount(tmp_path).look() is None
