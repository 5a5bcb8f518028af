"""The sealed journal."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.errors import JournalError
from edge_agent.journal.journal import Counts, Journal
from edge_agent.journal.recent import RECENT_COMMITS
from edge_agent.journal.sealing import MAX_COMMIT_BYTES, MAX_COMMIT_RECORDS, seal
from gate_contract.checkpoint import Checkpoint, Note, Receipt, Signer
from gate_contract.envelope import MAX_RECORD_BYTES, leaf_hashes, open_batch
from gate_contract.merkle import Frontier, leaf_hash, verify_inclusion
from tests.unit.edge_agent.journal.journals import KEY, SIGNER, acknowledge, collected, records_of, sealed

INCIDENTS = "/incidents"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal"


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
    assert records_of(stretch) == [b"b", b"c"]
    opened = open_batch(
        sealed(stretch),
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
    journal.append([b"x" * 1000] * 100)
    journal.append([b"x" * 200_000] * 2)
    sizes, at = [], 0
    while (stretch := journal.stretch(at, 1, 1)) is not None:
        sizes.append(stretch.record_count)
        assert stretch.record_count == 1 or sum(map(len, records_of(stretch))) <= MAX_COMMIT_BYTES
        at = stretch.end
    assert sizes == [2048, 2048, 1, 32, 32, 32, 4, 1, 1]
    journal.close()


def test_what_a_live_record_may_have_to_wait_for_takes_less_than_a_second_on_a_slow_line(path: Path) -> None:
    journal = Journal(path, SIGNER)
    journal.append([bytes(500)] * 1000)  # half a megabyte at once
    stretch = journal.stretch(0, 8192, 1)
    assert stretch is not None
    assert len(sealed(stretch)) < 40_000
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


def test_a_receipt_is_there_after_reopening(path: Path) -> None:
    with closing(Journal(path, SIGNER)) as journal:
        journal.append([b"a", b"b", b"c"])
        acknowledge(journal, 3, dead=1)
        receipt = journal.receipt()
    with closing(Journal(path, SIGNER)) as journal:
        assert (journal.receipt(), journal.receipt_unix_ns()) == (receipt, 42)
        assert journal.counts() == Counts(captured=3, acknowledged=2, pending=0, dead_lettered=1)


def test_an_older_receipt_changes_nothing(path: Path) -> None:
    journal = Journal(path, SIGNER)
    journal.append([b"a"])
    journal.append([b"b"])
    acknowledge(journal, 2)
    acknowledge(journal, 1)
    assert journal.receipt()[0] == 2
    journal.close()


def test_only_what_a_receipt_covers_is_pruned(path: Path) -> None:
    journal = Journal(path, SIGNER, segment_bytes=1)  # a segment a commit
    for number in range(10):
        journal.append([bytes([number])])
    assert journal.prune(keep=0) == 0
    acknowledge(journal, 6)
    freed = journal.prune(keep=2 * (path / f"{0:020}.db").stat().st_size)
    assert freed == 4 * (path / f"{5:020}.db").stat().st_size
    assert [journal.record(i) for i in (3, 4)] == [None, b"\x04"]
    assert journal.prune(keep=0) == freed // 2
    assert journal.prune(keep=0) == 0
    journal.close()
    again = Journal(path, SIGNER)
    assert again.size == 10
    again.append([b"next"])
    assert again.kept() == 5
    assert (path / f"{0:020}.leaves").read_bytes() == leaf_hash(b"\x00"), "what was captured can still be named"
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


def test_inbox_ids_are_given_once(path: Path) -> None:
    with closing(Journal(path, SIGNER, segment_bytes=1)) as journal:
        first = journal.spool.keep("camera-1", "e1", b"one")
        assert first is not None
        journal.append([b"record"], consumed=[first])
        journal.append([b"into the next segment"])
    with closing(Journal(path, SIGNER)) as journal:
        second = journal.spool.keep("camera-1", "e2", b"two")
        assert second is not None
        assert second > first


def test_only_so_many_events_are_remembered(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge_agent.journal.seen.KEPT_EVENTS", 2)
    with closing(Journal(path, SIGNER)) as journal:
        for number in range(4):
            assert journal.spool.keep("camera-1", f"e{number}", b"") is not None
        assert journal.spool.keep("camera-1", "e3", b"") is None
        assert journal.spool.keep("camera-1", "e0", b"") is not None


def test_state_beside_the_records_changes_without_a_record(path: Path) -> None:
    with closing(Journal(path, SIGNER)) as journal:
        assert journal.append([], in_flight={"L1": b"state", INCIDENTS: b"[]"}) == 0
        assert journal.append([], in_flight={"L1": b"later"}) == 0
    with closing(Journal(path, SIGNER)) as journal:
        assert journal.in_flight() == {"L1": b"later", INCIDENTS: b"[]"}
        assert (journal.size, journal.losses) == (0, [])


def test_another_keys_journal_is_refused(path: Path) -> None:
    Journal(path, SIGNER).close()
    with pytest.raises(JournalError, match="belongs to"):
        Journal(path, Signer("test/agent/gate-02/ffff", KEY))


def test_a_record_appended_lately_is_proved_by_itself(path: Path) -> None:
    with closing(Journal(path, SIGNER, segment_bytes=3000)) as journal:
        sizes = (1, 3, 1, 20, 2)
        for number, size in enumerate(sizes):
            journal.append([b"%d/%d" % (number, each) for each in range(size)])
        for index in range(sum(sizes)):
            item = journal.live(index)
            assert item is not None
            assert (item.index, item.body) == (index, journal.record(index))
            checkpoint = Checkpoint.parse(Note.parse(item.note).text)
            SIGNER.verifier.check(Note.parse(item.note))
            verify_inclusion(index, checkpoint.size, leaf_hash(item.body), item.proof, checkpoint.root)
        assert journal.live(sum(sizes)) is None
    with closing(Journal(path, SIGNER)) as journal:
        assert journal.live(0) is None, "by this process only"


def test_only_so_many_commits_are_remembered_for_proofs(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert RECENT_COMMITS == 4096
    monkeypatch.setattr("edge_agent.journal.recent.RECENT_COMMITS", 2)
    with closing(Journal(path, SIGNER)) as journal:
        for body in (b"a", b"b", b"c"):
            journal.append([body])
        assert journal.live(0) is None
        assert [item.body for item in (journal.live(1), journal.live(2)) if item] == [b"b", b"c"]


def test_a_record_is_proved_only_under_a_checkpoint_of_the_tree_that_it_was_added_to(path: Path) -> None:
    with closing(Journal(path, SIGNER)) as journal:
        journal.append([b"a", b"b"])
        journal._recent.add([(Frontier().grown([bytes(32)] * 2), 3)])
        journal._store.write(lambda step: seal(step, [b"c"], SIGNER))
        assert journal.live(2) is None


def test_a_stretch_may_begin_within_a_commit(path: Path) -> None:
    with closing(Journal(path, SIGNER)) as journal:
        journal.append([b"a", b"b", b"c"])
        stretch = journal.stretch(2, 10, 1 << 20)
        assert stretch is not None
        assert (stretch.first_index, stretch.end, records_of(stretch)) == (2, 3, [b"c"])


def test_pruned_records_go_up_as_lost_ones_so_that_the_log_goes_on(path: Path) -> None:
    """A collector restored from an old backup asks for what was forgotten upon its receipt."""
    with closing(Journal(path, SIGNER, segment_bytes=1)) as journal:
        records = [b"%d" % number for number in range(9)]
        for record in records:
            journal.append([record])
        acknowledge(journal, 6)
        journal.prune(keep=0)
        kept, lost, frontier = collected(journal, step=4)
        assert lost == dict(enumerate(leaf_hashes(records[:6])))
        assert kept == {index: records[index] for index in range(6, 9)}
        assert frontier.size == 9
        again = journal.stretch(1, 2, 1 << 20)
        assert again is not None
        assert [index for index, _ in again.lost] == [1], "a stretch ends where its segment did"
        assert journal.record(3) is None
        journal.acknowledge(Receipt(Checkpoint(SIGNER.name, 2, bytes(32)), 1), b"", 0, 1)  # nothing to compare with


@pytest.mark.parametrize("damage", ["altered", "gone"])
def test_leaves_of_pruned_records_that_do_not_fit_are_never_signed(path: Path, damage: str) -> None:
    with closing(Journal(path, SIGNER, segment_bytes=1)) as journal:
        for number in range(4):
            journal.append([b"%d" % number])
        acknowledge(journal, 3)
        journal.prune(keep=0)
    ledger = path / f"{1:020}.leaves"
    if damage == "gone":
        ledger.unlink()
    else:
        ledger.write_bytes(bytes(32))
    with (
        closing(Journal(path, SIGNER)) as journal,
        pytest.raises(JournalError, match=r"leaf files of the records before 3|leaf hash of record 1"),
    ):
        journal.stretch(0, 10, 1 << 20)


def test_acknowledged_segments_are_not_kept_on_a_full_disk(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(Journal(path, SIGNER, segment_bytes=1)) as journal:
        for number in range(4):
            journal.append([b"%d" % number])
        acknowledge(journal, 3)
        assert journal.prune() == 0
        real = os.statvfs(path)
        nearly_full = os.statvfs_result((*real[:2], 1000, 250, 199, *real[5:]))
        monkeypatch.setattr(os, "statvfs", lambda _: nearly_full)
        assert journal.prune() > 0
        assert journal.kept() == 1


def test_a_segment_takes_a_small_part_of_a_small_disk(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.statvfs(path.parent)
    small = os.statvfs_result((real[0], 4096, 4096, *real[3:]))  # 16 MiB
    monkeypatch.setattr(os, "statvfs", lambda _: small)
    with closing(Journal(path, SIGNER)) as journal:
        for _ in range(6):
            journal.append([bytes(250_000)])
        assert journal.segments == 2


def test_segments_that_cannot_be_removed_are_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(Journal(path, SIGNER, segment_bytes=1)) as journal:
        journal.append([b"a"])
        journal.append([b"b"])
        acknowledge(journal, 1)

        def refuse(_: Path) -> None:
            raise PermissionError(1, "Operation not permitted")

        monkeypatch.setattr(Path, "unlink", refuse)
        with pytest.raises(JournalError, match=r"cannot be removed\. Operation not permitted"):
            journal.prune(keep=0)


def test_a_newer_agents_journal_is_refused(path: Path) -> None:
    Journal(path, SIGNER).close()
    with closing(sqlite3.connect(path / f"{0:020}.db")) as connection:
        connection.execute("PRAGMA user_version = 99")
        connection.execute("CREATE TABLE something_new (a)")
    with pytest.raises(JournalError, match="newer agent"):
        Journal(path, SIGNER)


def test_a_directory_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="nowhere"):
        Journal(tmp_path / "nowhere" / "journal", SIGNER)


def test_a_copy_taken_at_any_moment_opens_with_whole_commits(path: Path, tmp_path: Path) -> None:
    journal = Journal(path, SIGNER)
    journal.append([b"a"])
    journal.append([b"b", b"c"])
    shutil.copytree(path, tmp_path / "copy")
    journal.close()
    again = Journal(tmp_path / "copy", SIGNER)
    assert again.size == 3
    again.close()


@settings(deadline=None, max_examples=25)
@given(st.lists(st.lists(st.binary(max_size=50), min_size=1, max_size=5), max_size=8), st.integers(1, 9))
def test_the_journal_read_back_in_any_steps_is_what_was_appended(
    tmp_path_factory: pytest.TempPathFactory, commits: list[list[bytes]], step: int
) -> None:
    journal = Journal(tmp_path_factory.mktemp("state") / "journal", SIGNER, segment_bytes=step * 2000)
    for commit in commits:
        journal.append(commit)
    read: list[bytes] = []
    known = Frontier()
    while (stretch := journal.stretch(len(read), step, 1 << 20)) is not None:
        opened = open_batch(sealed(stretch), known, SIGNER.verifier, lambda *_: [])
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
        journal.in_flight()


def test_why_nothing_can_be_written_is_known_until_something_can(path: Path) -> None:
    journal = Journal(path, SIGNER)
    assert journal.problem == ""
    with closing(sqlite3.connect(path / f"{0:020}.db", isolation_level=None)) as other:
        other.execute("CREATE TRIGGER full BEFORE INSERT ON commits BEGIN SELECT RAISE(ABORT, 'disk full'); END")
        with pytest.raises(JournalError):
            journal.append([b"record"])
        assert journal.problem == "disk full"
        other.execute("DROP TRIGGER full")
    journal.append([b"record"])
    assert (journal.problem, journal.size) == ("", 1)
    journal.close()
