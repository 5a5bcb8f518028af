"""Damage beyond a single bit: several files, closed segments, altered records, a segment that is gone, at run time."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from edge_agent.errors import JournalError
from edge_agent.journal import mend as mending
from edge_agent.journal.journal import Journal
from edge_agent.journal.segment import Commit, commits_from
from gate_contract.checkpoint import Signer
from gate_contract.envelope import encode_records, leaf_hashes
from gate_contract.merkle import leaf_hash
from tests.unit.edge_agent.journal.journals import KEY, SIGNER, acknowledge, collected, opened

RECORDS = [b"%d" % number * 100 for number in range(8)]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "journal"


def segment(directory: Path, first_index: int = 0) -> Path:
    return directory / f"{first_index:020}.db"


def leaves(directory: Path, first_index: int = 0) -> Path:
    return directory / f"{first_index:020}.leaves"


def make(directory: Path, segment_bytes: int | None = None) -> None:
    """RECORDS, two in each commit."""
    with closing(Journal(directory, SIGNER, segment_bytes=segment_bytes)) as journal:
        for at in range(0, len(RECORDS), 2):
            journal.append(RECORDS[at : at + 2], in_flight={"L1": b"state"})


def change(path: Path, old: bytes, new: bytes) -> None:
    data = path.read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new.ljust(len(old), b"\x00")))


def lost_in(journal: Journal) -> list[int]:
    there, lost, _ = collected(journal)
    assert there == {index: RECORDS[index] for index in range(len(RECORDS)) if index not in lost}
    return sorted(lost)


def sql(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


# --- one file --------------------------------------------------------------------------------------------------------


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


# --- two files -------------------------------------------------------------------------------------------------------


def test_records_and_leaves_damaged_at_different_places_cost_only_the_records(directory: Path) -> None:
    make(directory)
    change(segment(directory), RECORDS[2], b"")
    change(leaves(directory), leaf_hash(RECORDS[5]), b"altered")
    with opened(directory) as journal:
        assert lost_in(journal) == [2]
    with opened(directory) as journal:
        assert journal.append([b"next"]) == 8


def test_damaged_at_the_same_place_capture_goes_on_and_says_what_cannot(directory: Path) -> None:
    make(directory)
    change(segment(directory), RECORDS[2], b"")
    change(leaves(directory), leaf_hash(RECORDS[2]), b"altered")
    with opened(directory) as journal:
        assert journal.append([b"next"]) == 8
        assert journal.record(2) is None
        stretch = journal.stretch(0, 2, 1)
        assert stretch is not None
        with pytest.raises(JournalError, match="record 2 is lost, and so is its hash"):
            journal.stretch(2, 8, 1 << 20)
        stretch = journal.stretch(4, 8, 1 << 20)
        assert stretch is not None
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


# --- closed segments -------------------------------------------------------------------------------------------------


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

        from edge_agent.journal import store
        from edge_agent.journal.segment import DamagedError

        monkeypatch.setattr(store, "check_closed", prune_meanwhile)
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


# --- while the agent runs --------------------------------------------------------------------------------------------


def spoil(directory: Path, record: bytes) -> None:
    """Overwrite pages of the active segment and its log behind SQLite's back."""
    for path in (segment(directory), directory / f"{segment(directory).name}-wal"):
        data = path.read_bytes()
        at = data.find(record)
        if at >= 0:
            with path.open("r+b") as file:
                file.seek(at)
                file.write(bytes(len(record)))


def test_a_record_damaged_while_the_agent_runs_is_found_when_it_is_read(directory: Path) -> None:
    make(directory)
    with opened(directory) as journal:
        spoil(directory, RECORDS[3])
        assert lost_in(journal) == [3]
        assert [loss.records.first_index for loss in journal.losses] == [3]
        assert journal.append([b"next"]) == 8
        assert journal.in_flight() == {"L1": b"state"}


def test_a_file_that_sqlite_finds_damaged_at_an_append_is_mended_in_its_place(directory: Path) -> None:
    make(directory)
    with opened(directory) as journal:
        with segment(directory).open("r+b") as file:
            for page in range(1, segment(directory).stat().st_size // 4096):
                file.seek(page * 4096)
                file.write(b"\xff" * 8)
        journal._store._writer.execute("PRAGMA cache_size=0")
        journal._store._writer.execute("PRAGMA shrink_memory")
        inbox_id = journal.spool.keep("camera-1", "e1", b"message")
        assert inbox_id is not None
        assert journal.append([b"next"], consumed=[inbox_id]) == 8
        assert lost_in_first(journal) == []
        assert [loss.quarantined.endswith(".db") for loss in journal.losses] == [True] * len(journal.losses)
        assert journal.losses
    with opened(directory) as journal:
        assert journal.size == 9


def lost_in_first(journal: Journal) -> list[int]:
    return [index for index in collected(journal)[1] if index < len(RECORDS)]


def test_a_repair_that_fails_is_told_and_tried_again(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(directory)
    with opened(directory) as journal:
        spoil(directory, RECORDS[3])

        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(mending, "put_aside", full)
            with pytest.raises(JournalError, match="cannot be read"):
                collected(journal)
            with pytest.raises(JournalError, match="No space left"):
                journal.append([b"next"])
        assert journal.append([b"next"]) == 8
        assert journal.problem == ""
        assert lost_in_first(journal) == [3]


def test_a_closed_segment_that_cannot_be_mended_is_told(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(directory, segment_bytes=1)
    with opened(directory) as journal:
        change(segment(directory, 2), RECORDS[3], b"")

        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(mending, "put_aside", full)
        journal.scrub()
        with pytest.raises(JournalError, match=r"2\.db cannot be mended.*No space left"):
            journal.scrub()


def test_a_file_system_without_hard_links_gets_copies(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(directory)
    change(segment(directory), RECORDS[3], b"")

    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    before = segment(directory).read_bytes()
    with opened(directory) as journal:
        assert (directory.parent / journal.losses[0].quarantined).read_bytes() == before


def test_what_lies_in_the_directory_and_is_not_the_journals_does_not_matter(directory: Path) -> None:
    make(directory)
    shutil.copy(segment(directory), directory / "notes.txt")
    with opened(directory) as journal:
        assert journal.size == 8
