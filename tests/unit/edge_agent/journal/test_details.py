"""Corners of recovery, each as small as it can be."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from edge_agent.errors import JournalError
from edge_agent.journal import closed, evidence_list, segment, verify
from edge_agent.journal.chain import Chain
from edge_agent.journal.evidence import EvidenceStore
from edge_agent.journal.files import PART
from edge_agent.journal.journal import Journal
from edge_agent.journal.losses import MOST_RANGES, ranges
from edge_agent.journal.mend import tree_before
from edge_agent.journal.reading import read_stretch, root_at
from edge_agent.journal.segment import Commit, DamagedError, Head, commits_from, connect
from gate_contract.checkpoint import Checkpoint, Signer
from gate_contract.envelope import encode_records
from gate_contract.merkle import Frontier, leaf_hash
from tests.unit.edge_agent.journal.damaging import RECORDS, change, leaves, lost_in, make, sql
from tests.unit.edge_agent.journal.damaging import segment as file_of
from tests.unit.edge_agent.journal.journals import KEY, SIGNER, acknowledge, collected, opened


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "journal"


def log_of(directory: Path) -> Path:
    return directory / f"{file_of(directory).name}-wal"


def insert(path: Path, commit: Commit) -> None:
    with closing(connect(path)) as connection:
        connection.execute(
            "INSERT INTO commits (first_index, end_index, crc, body, note) VALUES (?,?,?,?,?)", commit.to_row()
        )


# --- transactions without records ------------------------------------------------------------------------------------


def killed_after_a_message(directory: Path) -> tuple[Path, int]:
    """A copy of a journal whose newest transaction is a captured message, and how long its log was before that."""
    with closing(Journal(directory, SIGNER)) as journal:
        journal.append(RECORDS[:2])
        journal.spool.keep("camera-1", "e1", b"the first message")
        before = log_of(directory).stat().st_size
        journal.spool.keep("camera-1", "e2", b"the newest message")
        shutil.copytree(directory, directory.parent / "killed" / "journal")
    return directory.parent / "killed" / "journal", before


def test_a_captured_message_that_is_cut_off_is_told(directory: Path) -> None:
    copy, before = killed_after_a_message(directory)
    log = log_of(copy)
    log.write_bytes(log.read_bytes()[:before])
    with opened(copy) as journal:
        assert [entry.body for entry in journal.spool.inbox()] == [b"the first message"]
        (loss,) = journal.losses
        assert loss.HasField("inbox")
        assert "its newest transactions are gone" in loss.text
        assert loss.quarantined.endswith("-wal")


def test_a_captured_message_behind_a_damaged_frame_is_kept(directory: Path) -> None:
    copy, _ = killed_after_a_message(directory)
    log = log_of(copy)
    data = bytearray(log.read_bytes())
    data[32 + 4120 + 8] ^= 1  # in a frame's header, long before the newest message
    log.write_bytes(data)
    with opened(copy) as journal:
        assert [entry.body for entry in journal.spool.inbox()] == [b"the first message", b"the newest message"]


def test_what_a_power_cut_left_of_an_unfinished_transaction_does_not_count(directory: Path) -> None:
    """Its frames are there in part, behind a torn one; the file is damaged elsewhere, so that it is salvaged."""
    with closing(Journal(directory, SIGNER)) as journal:
        journal.append(RECORDS[:2])
        shutil.copytree(directory, directory.parent / "before")
        journal.spool.keep("camera-1", "e1", b"never told to be captured")
        log = log_of(directory).read_bytes()
    copy = directory.parent / "before"
    whole = log_of(copy).stat().st_size
    torn = bytearray(log)
    torn[whole + 2000] ^= 1
    log_of(copy).write_bytes(torn)
    change(log_of(copy), RECORDS[1], b"")
    with opened(copy) as journal:
        assert journal.spool.inbox() == []
        there, lost, _ = collected(journal)
        assert (there, sorted(lost)) == ({0: RECORDS[0]}, [1])
        assert [loss.HasField("inbox") for loss in journal.losses] == [False]


def test_a_frame_with_a_page_number_that_cannot_be_is_left_out(directory: Path) -> None:
    copy, _ = killed_after_a_message(directory)
    log = log_of(copy)
    data = bytearray(log.read_bytes())
    data[32] ^= 0x80
    log.write_bytes(data)
    with opened(copy) as journal:
        assert journal.size == 2


# --- rows ------------------------------------------------------------------------------------------------------------


def test_a_commit_over_another_is_left_out(directory: Path) -> None:
    make(directory)
    insert(file_of(directory), Commit(1, 2, encode_records([RECORDS[1]]), b"no note"))
    with opened(directory) as journal:
        assert lost_in(journal) == []


def test_a_commit_that_ends_before_it_begins_is_left_out(directory: Path) -> None:
    make(directory)
    sql(file_of(directory), "UPDATE commits SET end_index = 0 WHERE first_index = 4")
    with opened(directory) as journal:
        assert lost_in(journal) == []


@pytest.mark.parametrize("root", [bytes(32), None])
def test_a_newest_checkpoint_that_does_not_hold_is_signed_again(directory: Path, root: bytes | None) -> None:
    make(directory)
    with closing(connect(file_of(directory))) as connection:
        commit = next(commits_from(connection, 6))
        note = b"signed by nobody" if root is None else SIGNER.sign(Checkpoint(SIGNER.name, 8, root).body()).to_bytes()
        forged = Commit(6, 8, commit.body, note).to_row()
        connection.execute("UPDATE commits SET crc = ?, note = ? WHERE first_index = 6", (forged[2], note))
    with opened(directory) as journal:
        assert "checkpoint" in journal.losses[0].text
        assert lost_in(journal) == []
    with opened(directory) as journal:
        assert len(journal.losses) == 1, "once is enough"


def test_leaves_that_a_power_cut_left_as_zeros_are_written_again(directory: Path) -> None:
    make(directory)
    leaves(directory).write_bytes(leaves(directory).read_bytes()[:64] + bytes(6 * 32))
    with opened(directory) as journal:
        assert (lost_in(journal), journal.losses) == ([], [])
    assert not (directory.parent / "quarantine").exists()
    assert leaves(directory).read_bytes() == b"".join(leaf_hash(record) for record in RECORDS)


def test_many_records_are_checked_in_parts(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "GATHERED", 3)
    make(directory)
    with opened(directory) as journal:
        assert (lost_in(journal), journal.losses) == ([], [])


def test_another_keys_damaged_journal_is_told_from_ones_own(directory: Path) -> None:
    make(directory)
    with file_of(directory).open("r+b") as file:
        file.write(b"no header of SQLite's")
    with pytest.raises(JournalError, match="belongs to"):
        Journal(directory, Signer("test/agent/gate-02/ffff", KEY))


def test_a_head_of_another_segment_is_damage() -> None:
    row = Head(SIGNER.name, Frontier(), Frontier()).to_row()
    with pytest.raises(DamagedError, match="belongs to another segment"):
        Head.from_row(1, row)


def test_a_closed_segment_that_is_an_older_copy_is_damage(directory: Path) -> None:
    with closing(Journal(directory, SIGNER)) as journal:
        journal.append(RECORDS[:2])
    shutil.copy(file_of(directory), directory.parent / "older")
    with opened(directory) as journal:
        journal.append(RECORDS[2:4])
    with closing(Journal(directory, SIGNER, segment_bytes=1)) as journal:
        journal.append(RECORDS[4:])
        assert journal.segments == 2
    shutil.copy(directory.parent / "older", file_of(directory))
    leaves(directory).write_bytes(leaves(directory).read_bytes()[:64])
    with opened(directory) as journal:
        assert journal.scrub() == 0
        assert {index for loss in journal.losses for index in range(loss.records.first_index, 4)} == {2, 3}
        assert journal.record(2) is None
        assert lost_in(journal) == [2, 3], "with their hashes, which costs the tree but not the uplink"


# --- reading ---------------------------------------------------------------------------------------------------------


def test_a_live_record_that_was_damaged_goes_with_the_backlog(directory: Path) -> None:
    with closing(Journal(directory, SIGNER)) as journal:
        journal.append(RECORDS[:2])
        assert journal.live(1) is not None
        journal._store._active.writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        change(file_of(directory), RECORDS[1], b"")
        assert journal.live(1) is None


def test_a_commit_that_is_gone_behind_the_back_of_the_agent_is_lost(directory: Path) -> None:
    make(directory)
    with opened(directory) as journal:
        sql(file_of(directory), "PRAGMA secure_delete=ON", "DELETE FROM commits WHERE first_index >= 6")
        assert journal.record(7) is None
        assert lost_in(journal) == [6, 7]


def test_a_root_is_known_only_where_a_commit_ends(directory: Path) -> None:
    make(directory)
    with opened(directory) as journal:
        known = [root_at(journal._store, SIGNER.verifier, size) is not None for size in range(10)]
        assert known == [False, False, True, False, True, False, True, False, True, False]


def test_where_the_tree_is_not_known_no_root_is_and_nothing_goes_up(directory: Path) -> None:
    make(directory)
    forged = Commit(6, 8, encode_records(RECORDS[6:8]), b"")
    with opened(directory) as journal:
        journal._store.write(lambda step: step.connection.execute("DELETE FROM commits WHERE first_index = 6"))
        journal._store.write(
            lambda step: step.connection.execute(
                "INSERT INTO commits (first_index, end_index, crc, body, note) VALUES (?,?,?,?,?)", forged.to_row()
            )
        )
        assert root_at(journal._store, SIGNER.verifier, 8) is None
        with pytest.raises(JournalError, match="the tree behind record 6 is not known"):
            journal.stretch(6, 2, 1 << 20)
        stretch = journal.stretch(2, 8, 1 << 20)
        assert stretch is not None
        assert (stretch.end, stretch.record_count) == (6, 4)


def test_what_was_pruned_meanwhile_is_told(directory: Path) -> None:
    make(directory, segment_bytes=1)
    with opened(directory) as journal:
        acknowledge(journal, 4)
        journal.prune(keep=0)
        with pytest.raises(JournalError, match="record 0 was pruned"):
            read_stretch(journal._store, 0, 1, 1)


# --- what fails ------------------------------------------------------------------------------------------------------


def test_what_another_thread_has_just_mended_is_not_mended_again(directory: Path) -> None:
    make(directory)
    with opened(directory) as journal:
        journal._store._mend(0, DamagedError("damaged"), mended=-1)
        assert journal.losses == []


def test_a_closed_segment_that_cannot_be_read_is_told(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(directory, segment_bytes=1)

    def fail(*_: object) -> None:
        raise OSError(5, "Input/output error")

    with opened(directory) as journal:
        monkeypatch.setattr(closed, "check_closed", fail)
        with pytest.raises(JournalError, match=r"0\.db cannot be read.*Input/output error"):
            journal.scrub()


def test_a_segment_that_cannot_be_made_whole_is_not_left(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(Journal(directory, SIGNER, segment_bytes=1)) as journal:
        with monkeypatch.context() as patch:
            patch.setattr(segment, "SCHEMA", ("CREATE NONSENSE",))
            journal.append(RECORDS[:1])
            assert journal.append(RECORDS[1:2]) == 1
        assert journal.segments == 1
        assert list(directory.glob(f"*{PART}*")) == []


def test_two_segments_that_go_on_at_the_same_record_never_are(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(5, "Input/output error")

    with closing(Journal(directory, SIGNER, segment_bytes=1)) as journal:
        journal.append(RECORDS[:1])
        with monkeypatch.context() as patch:
            patch.setattr(os, "rename", fail)
            patch.setattr(os, "unlink", fail)
            with pytest.raises(JournalError, match="can begin no new segment"):
                journal.append(RECORDS[1:2])
        assert journal.append(RECORDS[1:2]) == 1


def test_of_very_many_lost_ranges_the_last_one_goes_to_the_end() -> None:
    assert ranges([]) == []
    assert ranges([3, 4, 5, 9]) == [(3, 3), (9, 1)]
    every_other = range(0, 4 * MOST_RANGES, 2)
    told = ranges(every_other)
    assert len(told) == MOST_RANGES
    assert told[0] == (0, 1)
    assert sum(told[-1]) == every_other[-1] + 1


def test_the_tree_before_a_segment_is_had_from_leaf_files_or_not_at_all(directory: Path) -> None:
    make(directory, segment_bytes=1)
    expected = Frontier().grown([leaf_hash(record) for record in RECORDS[:6]])
    assert tree_before(Chain(directory), 6) == expected
    file_of(directory, 4).write_bytes(b"damaged")
    assert tree_before(Chain(directory), 6) == expected
    leaves(directory, 4).write_bytes(b"")
    assert tree_before(Chain(directory), 6) is None
    leaves(directory, 2).write_bytes(bytes(32))
    assert tree_before(Chain(directory), 6) is None


# --- evidence --------------------------------------------------------------------------------------------------------


def test_what_is_left_of_a_lost_blob_is_not_offered_again(tmp_path: Path) -> None:
    with closing(EvidenceStore(tmp_path)) as evidence:
        kept = evidence.keep(b"picture", "image/jpeg", "plate")
        other = evidence.keep(b"<message/>", "application/xml", "message")
        evidence.lost(kept.sha256)
        evidence.lost(kept.sha256)
    (tmp_path / "evidence.db").write_bytes(b"no database at all" * 300)
    with closing(EvidenceStore(tmp_path)) as evidence:
        assert [digest for digest, *_ in evidence.waiting()] == [other.sha256]
    assert (tmp_path / "evidence" / kept.sha256.hex()[:2] / f"{kept.sha256.hex()}.lost").read_bytes() == b"picture"


def test_a_directory_of_blobs_that_cannot_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store_ = EvidenceStore(tmp_path)
    store_.keep(b"picture", "image/jpeg", "plate")
    shutil.copytree(tmp_path, tmp_path / "killed")
    store_.close()

    def fail(*_: object, **__: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Path, "glob", lambda *_: iter(()))
    monkeypatch.setattr(EvidenceStore, "_blobs", fail)
    with pytest.raises(JournalError, match="Input/output error"):
        EvidenceStore(tmp_path / "killed")


def test_a_list_that_stays_damaged_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(EvidenceStore(tmp_path)) as evidence:

        def fail(*_: object) -> None:
            raise evidence_list._corrupt("still damaged")

        monkeypatch.setattr(evidence_list, "rows", fail)
        with pytest.raises(JournalError, match="still damaged"):
            evidence.waiting()


def test_a_page_of_the_list_that_is_damaged_is_found(tmp_path: Path) -> None:
    with closing(EvidenceStore(tmp_path)) as evidence:
        kept = sorted(evidence.keep(b"\xff\xd8\xff%d" % number, "image/jpeg", "plate").sha256 for number in range(200))
    path = tmp_path / "evidence.db"
    data = bytearray(path.read_bytes())
    assert data[4096] == 0x02, "the table is more than a page"
    data[4096 + 2 * 4096 + 5] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(sqlite3.DatabaseError):
        evidence_list.listed(path)
    with closing(EvidenceStore(tmp_path)) as evidence:
        assert sorted(digest for digest, *_ in evidence.waiting(1000)) == kept
