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
