"""Damage between two runs of the agent: what is mended, what is lost, and how that is told."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from edge_agent.errors import JournalError
from edge_agent.journal.journal import Journal
from edge_agent.journal.segment import Commit, commits_from
from gate_contract.checkpoint import Signer
from gate_contract.envelope import encode_records, leaf_hashes
from gate_contract.merkle import leaf_hash
from tests.unit.edge_agent.journal.damaging import RECORDS, change, leaves, lost_in, make, segment, sql
from tests.unit.edge_agent.journal.journals import KEY, SIGNER, acknowledge, collected, opened


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE head SET peaks = x'00'",
        "UPDATE head SET size = 1",
        "UPDATE head SET peaks = zeroblob(32)",
        "UPDATE head SET receipt_size = 8",
        "DELETE FROM head",
        "UPDATE commits SET note = x'00'",
        "UPDATE commits SET end_index = 3 WHERE first_index = 2",
        "DELETE FROM in_flight",
        "PRAGMA user_version = 99",
        "PRAGMA application_id = 1",
        "CREATE TABLE other (a)",
        "UPDATE in_flight SET body = x'00'",
    ],
)
def test_whatever_is_changed_in_the_tables_no_record_is_lost(directory: Path, damage: str) -> None:
    make(directory)
    sql(segment(directory), damage)
    with opened(directory) as journal:
        assert lost_in(journal) == []
        assert journal.receipt() == (0, b"")
        assert len(journal.losses) == 1
        assert journal.append([b"next"]) == 8
        assert journal.spool.inbox() == []


@pytest.mark.parametrize("damage", ["DELETE FROM commits WHERE first_index = 2", "DELETE FROM commits"])
def test_commits_that_are_gone_are_lost_by_their_leaf_hashes(directory: Path, damage: str) -> None:
    make(directory)
    sql(segment(directory), "PRAGMA secure_delete=ON", damage)
    with opened(directory) as journal:
        expected = [2, 3] if "=" in damage else list(range(8))
        assert lost_in(journal) == expected
        assert [(loss.records.first_index, loss.records.count) for loss in journal.losses] == [
            (expected[0], len(expected))
        ]


def test_a_record_that_was_altered_with_its_checksum_is_found_by_the_tree(directory: Path) -> None:
    make(directory)
    with closing(sqlite3.connect(segment(directory), isolation_level=None)) as connection:
        (commit,) = [each for each in commits_from(connection, 0) if each.first_index == 2]
        forged = Commit(2, 4, encode_records([RECORDS[2], b"forged"]), commit.note)
        connection.execute("DELETE FROM commits WHERE first_index = 2")
        connection.execute(
            "INSERT INTO commits (first_index, end_index, crc, body, note) VALUES (?,?,?,?,?)", forged.to_row()
        )
    with opened(directory) as journal:
        assert lost_in(journal) == [3], "the record beside it is as it was"


def test_a_commit_that_holds_other_than_as_many_records_as_it_says_is_not_trusted(directory: Path) -> None:
    make(directory)
    with closing(sqlite3.connect(segment(directory), isolation_level=None)) as connection:
        (commit,) = [each for each in commits_from(connection, 0) if each.first_index == 2]
        forged = Commit(2, 4, encode_records([RECORDS[2], RECORDS[3], b"and more"]), commit.note)
        connection.execute("DELETE FROM commits WHERE first_index = 2")
        connection.execute(
            "INSERT INTO commits (first_index, end_index, crc, body, note) VALUES (?,?,?,?,?)", forged.to_row()
        )
    with opened(directory) as journal:
        assert lost_in(journal) == []


def test_a_file_that_is_no_database_is_put_aside(directory: Path) -> None:
    make(directory)
    garbage = b"no database at all" * 500
    segment(directory).write_bytes(garbage)
    with opened(directory) as journal:
        assert lost_in(journal) == list(range(8))
        (records, inbox) = journal.losses
        assert (directory.parent / records.quarantined).read_bytes() == garbage
        assert inbox.inbox.count == 0
        assert "may be lost" in inbox.text


def test_quarantine_keeps_every_damaged_file_apart(directory: Path) -> None:
    make(directory)
    for index in (0, 2, 4):
        change(segment(directory), RECORDS[index], b"")
        with opened(directory):
            pass
    rooms = [path.name for path in (directory.parent / "quarantine").iterdir()]
    assert len(rooms) == len(set(rooms)) == 3


def test_records_and_leaves_damaged_at_different_places_cost_only_the_records(directory: Path) -> None:
    make(directory)
    change(segment(directory), RECORDS[2], b"")
    change(leaves(directory), leaf_hash(RECORDS[5]), b"altered")
    with opened(directory) as journal:
        assert lost_in(journal) == [2]
    with opened(directory) as journal:
        assert journal.append([b"next"]) == 8


def test_damaged_at_the_same_place_capture_goes_on_and_what_the_collector_asks_for_can_be_proved(
    directory: Path,
) -> None:
    make(directory)
    change(segment(directory), RECORDS[2], b"")
    change(leaves(directory), leaf_hash(RECORDS[2]), b"altered")
    with opened(directory) as journal:
        assert journal.append([b"next"]) == 8
        assert journal.record(2) is None
        stretch = journal.stretch(0, 2, 1)
        assert stretch is not None
        stretch = journal.stretch(4, 8, 1 << 20)
        assert stretch is not None, "a collector that has the first four needs nothing sealed anew"
        assert [loss.records.count for loss in journal.losses] == [1]
        there, lost, _ = collected(journal)
        assert (sorted(there), sorted(lost)) == ([0, 1, 3, 4, 5, 6, 7, 8], [2])
        assert [loss.records.count for loss in journal.losses] == [1, 0]
    with opened(directory) as journal:
        assert (journal.size, journal.record(8)) == (9, b"next")


def test_when_not_even_the_tree_can_be_had_the_files_are_named(directory: Path) -> None:
    make(directory)
    segment(directory).write_bytes(b"")
    with leaves(directory).open("r+b") as file:
        file.seek(64)
        file.write(bytes(32))
    with pytest.raises(JournalError, match=r"cannot go on.*0\.db.*enrol this machine again"):
        Journal(directory, SIGNER)
    assert list((directory.parent / "quarantine").glob("*/*.leaves"))


def test_a_journal_without_any_segment_is_made_again_from_its_leaves(directory: Path) -> None:
    make(directory, segment_bytes=1)
    for path in directory.glob("*.db"):
        path.unlink()
    with opened(directory) as journal:
        assert lost_in(journal) == list(range(8)) or journal.size == 8


def test_a_damaged_journal_of_another_key_is_not_mended(directory: Path) -> None:
    make(directory)
    change(segment(directory), RECORDS[2], b"")
    before = {path.name: path.read_bytes() for path in directory.iterdir()}
    with pytest.raises(JournalError, match="belongs to"):
        Journal(directory, Signer("test/agent/gate-02/ffff", KEY))
    assert {path.name: path.read_bytes() for path in directory.iterdir()} == before


def test_a_closed_segment_is_mended_when_it_is_read(directory: Path) -> None:
    make(directory, segment_bytes=1)
    change(segment(directory, 2), RECORDS[3], b"")
    with opened(directory) as journal:
        assert journal.losses == []
        assert lost_in(journal) == [3]
        (loss,) = journal.losses
        assert (loss.records.first_index, loss.records.count) == (3, 1)
        assert loss.quarantined.endswith(segment(directory, 2).name)
        assert journal.record(3) is None
        assert journal.record(2) == RECORDS[2]
    with opened(directory) as journal:
        assert len(journal.losses) == 1


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(path.read_bytes()[:5000]),
        lambda path: path.write_bytes(b"no database at all" * 1000),
        lambda path: sql(path, "DELETE FROM commits"),
        lambda path: path.unlink(),
    ],
)
def test_a_closed_segment_may_be_damaged_in_any_way(directory: Path, damage: Callable[[Path], None]) -> None:
    make(directory, segment_bytes=1)
    damage(segment(directory, 2))
    with opened(directory) as journal:
        assert set(lost_in(journal)) <= {2, 3}
        assert journal.in_flight() == {"L1": b"state"}


def test_closed_segments_are_looked_at_in_turn(directory: Path) -> None:
    make(directory, segment_bytes=1)
    change(segment(directory, 4), RECORDS[4], b"")
    with opened(directory) as journal:
        assert [journal.scrub() for _ in range(4)] == [0, 2, 4, 0]
        assert [loss.records.first_index for loss in journal.losses] == [4]
        assert lost_in(journal) == [4]


def test_without_closed_segments_there_is_nothing_to_look_at(directory: Path) -> None:
    make(directory)
    with opened(directory) as journal:
        assert journal.scrub() is None


def test_an_altered_leaf_file_is_put_aside_and_made_again(directory: Path) -> None:
    make(directory, segment_bytes=1)
    for first in (2, 6):  # a closed one, and the active one
        change(leaves(directory, first), leaf_hash(RECORDS[first + 1]), b"altered")
    with opened(directory) as journal:
        assert journal.scrub() == 0
        assert journal.scrub() == 2
        assert [loss.records.count for loss in journal.losses] == [0, 0]
        kept = [(directory.parent / loss.quarantined).read_bytes() for loss in journal.losses]
        assert all(b"altered" in each for each in kept)
        assert lost_in(journal) == []
    for first in (2, 6):
        assert leaves(directory, first).read_bytes() == b"".join(leaf_hashes(RECORDS[first : first + 2]))


def test_a_segment_that_was_pruned_while_it_was_looked_at_is_nothing_to_tell(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(directory, segment_bytes=1)
    with opened(directory) as journal:
        acknowledge(journal, 4)

        def prune_meanwhile(*_: object) -> None:
            journal.prune(keep=0)
            raise DamagedError("gone")

        from edge_agent.journal import closed
        from edge_agent.journal.segment import DamagedError

        monkeypatch.setattr(closed, "check_closed", prune_meanwhile)
        assert journal.scrub() == 0
        assert journal.losses == []


def test_a_segment_that_no_receipt_covers_was_not_pruned_but_is_gone(directory: Path) -> None:
    make(directory, segment_bytes=1)
    segment(directory, 0).unlink()
    with opened(directory) as journal:
        (loss,) = journal.losses
        assert (loss.records.first_index, loss.records.count) == (0, 2)
        assert lost_in(journal) == [0, 1]


def test_the_active_segment_may_be_gone_just_after_a_roll(directory: Path) -> None:
    make(directory, segment_bytes=1)
    with closing(Journal(directory, SIGNER, segment_bytes=1)) as journal:
        journal.append([b"in a segment of its own"])
    segment(directory, 8).write_bytes(b"")
    leaves(directory, 8).unlink()
    (directory / "newest").unlink()
    with opened(directory) as journal:
        assert journal.size == 8, "nothing is left that would tell of one more"
        assert lost_in(journal) == []
