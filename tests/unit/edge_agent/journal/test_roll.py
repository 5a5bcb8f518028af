"""Killed at every step of a roll, a prune, a migration or a repair; and a disk that is full."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from edge_agent.errors import JournalError
from edge_agent.journal import active, sizes, verify
from edge_agent.journal.journal import Journal
from edge_agent.journal.reserve import Reserve
from edge_agent.journal.segment import Head, connect, create, finish
from gate_contract.merkle import Frontier
from tests.unit.edge_agent.journal.journals import SIGNER, acknowledge, collected, make_sample, opened

RECORDS = [b"%d" % number * 100 for number in range(12)]


class Killer:
    """Copies a state directory before every step that changes what is in it: what a kill at that moment leaves."""

    STEPS = ("rename", "fsync", "unlink", "pwrite", "mkdir", "link", "open")

    def __init__(self, state: Path, copies: Path) -> None:
        self.state, self.copies = state, copies
        self.captured = 0
        self._busy = False
        self.taken: list[tuple[int, Path]] = []
        copies.mkdir()

    def snapshot(self) -> None:
        """As it is now, and how many records were captured by now."""
        copy = self.copies / f"{len(self.taken)}"
        shutil.copytree(self.state, copy)
        self.taken.append((self.captured, copy))

    @contextmanager
    def watching(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        with monkeypatch.context() as patch:
            for name in self.STEPS:
                patch.setattr(os, name, self._before(getattr(os, name)))
            patch.setattr(sqlite3, "connect", self._before(sqlite3.connect))
            yield
        self.snapshot()

    def _before(self, step: Callable[..., Any]) -> Callable[..., Any]:
        def taken(*args: Any, **kwargs: Any) -> Any:
            if not self._busy:
                self._busy = True  # copying takes steps, too
                self.snapshot()
                self._busy = False
            return step(*args, **kwargs)

        return taken


@pytest.fixture
def killer(tmp_path: Path) -> Killer:
    state = tmp_path / "state"
    state.mkdir()
    return Killer(state, tmp_path / "copies")


def check_all(killer: Killer, records: list[bytes]) -> None:
    """Whenever it was killed: what was captured is there, nothing twice, no loss told, and it goes on."""
    assert len(killer.taken) > 10
    for captured, copy in killer.taken:
        with opened(copy / "journal") as journal:
            assert journal.losses == [], copy
            there, lost, _ = collected(journal)
            assert lost == {}
            assert len(there) >= captured, copy
            assert list(there.values()) == records[: len(there)], copy
            journal.append([b"goes on"])


def test_a_roll_can_be_cut_off_anywhere(killer: Killer, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(Journal(killer.state / "journal", SIGNER, segment_bytes=2500)) as journal:
        with killer.watching(monkeypatch):
            for record in RECORDS[:6]:
                journal.append([record])
                killer.captured += 1
        assert journal.segments > 1
    check_all(killer, RECORDS)


def test_the_first_start_can_be_cut_off_anywhere(killer: Killer, monkeypatch: pytest.MonkeyPatch) -> None:
    with killer.watching(monkeypatch):
        Journal(killer.state / "journal", SIGNER).close()
    check_all(killer, RECORDS)


def test_pruning_can_be_cut_off_anywhere(killer: Killer, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(Journal(killer.state / "journal", SIGNER, segment_bytes=1)) as journal:
        for record in RECORDS:
            journal.append([record])
        acknowledge(journal, 11)
        with killer.watching(monkeypatch):
            assert journal.prune(keep=0) > 0
    for _, copy in killer.taken:
        with opened(copy / "journal") as journal:
            assert journal.losses == []
            there, lost, _ = collected(journal)
            assert sorted({*there, *lost}) == list(range(12))
            assert 11 in there


def test_a_repair_can_be_cut_off_anywhere(killer: Killer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    sample = make_sample(tmp_path / "sample", killed=True)
    shutil.rmtree(killer.state)
    directory = sample.copy(killer.state)
    log = next(directory.glob("*.db-wal"))
    log.write_bytes(log.read_bytes().replace(sample.records[20][100:200], bytes(100)))
    with killer.watching(monkeypatch):
        Journal(directory, SIGNER).close()
    assert len(killer.taken) > 10
    for _, copy in killer.taken:
        with opened(copy / "journal") as journal:
            assert [(loss.records.first_index, loss.records.count) for loss in journal.losses] == [(20, 1)], copy
            assert (copy / journal.losses[0].quarantined).exists()
            there, lost, _ = collected(journal)
            assert sorted(lost) == [20]
            assert there == {index: record for index, record in enumerate(sample.records) if index != 20}
            assert [entry.body for entry in journal.spool.inbox()] == [body for _, body in sample.inbox]


def test_a_closed_segments_repair_can_be_cut_off_anywhere(killer: Killer, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(Journal(killer.state / "journal", SIGNER, segment_bytes=1)) as journal:
        for record in RECORDS[:4]:
            journal.append([record])
        path = killer.state / "journal" / f"{1:020}.db"
        path.write_bytes(path.read_bytes().replace(RECORDS[1], bytes(len(RECORDS[1]))))
        with killer.watching(monkeypatch):
            assert journal.scrub() == 0
            assert journal.scrub() == 1
    for _, copy in killer.taken:
        with opened(copy / "journal") as journal:
            for _ in range(journal.segments):
                journal.scrub()
            assert {(loss.records.first_index, loss.records.count) for loss in journal.losses} == {(1, 1)}, copy
            there, lost, _ = collected(journal)
            assert (sorted(lost), len(there)) == ([1], 3)


# --- a full disk -----------------------------------------------------------------------------------------------------


def no_space(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_leaves_nothing_half_done(tmp_path: Path) -> None:
    with closing(Journal(tmp_path / "journal", SIGNER)) as journal:
        journal.append([b"before"])
        connection = journal._store._active.writer
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count={pages}")  # SQLite then says what it says on a full disk
        inbox_id = journal.spool.keep("camera-1", "e1", b"message")
        assert inbox_id is not None
        with pytest.raises(JournalError, match="database or disk is full"):
            journal.append([bytes(9000)], consumed=[inbox_id], in_flight={"L1": b"state"})
        assert journal.problem == "database or disk is full"
        assert (journal.size, journal.in_flight()) == (1, {})
        assert [entry.inbox_id for entry in journal.spool.inbox()] == [inbox_id]
        connection.execute("PRAGMA max_page_count=1000000")
        assert journal.append([bytes(9000)], consumed=[inbox_id]) == 1
        assert journal.problem == ""
    with opened(tmp_path / "journal") as journal:
        assert (journal.size, journal.losses, journal.spool.inbox()) == (2, [], [])


def test_a_disk_that_takes_no_new_segment_lets_the_old_one_grow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(Journal(tmp_path / "journal", SIGNER, segment_bytes=4000)) as journal:
        with monkeypatch.context() as patch:
            patch.setattr(os, "rename", no_space)
            for record in RECORDS:
                journal.append([record])
        assert (journal.segments, journal.size) == (1, 12)
        for record in RECORDS:
            journal.append([record])
        assert journal.segments > 1
    assert list((tmp_path / "journal").glob("*.part*")) == []
    with opened(tmp_path / "journal") as journal:
        assert len(collected(journal)[0]) == 24


def test_leaves_that_a_full_disk_did_not_take_are_made_up_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(Journal(tmp_path / "journal", SIGNER)) as journal:
        journal.append(RECORDS[:2])
        with monkeypatch.context() as patch:
            patch.setattr(os, "pwrite", no_space)
            journal.append(RECORDS[2:4])
        leaves = tmp_path / "journal" / f"{0:020}.leaves"
        assert leaves.stat().st_size == 2 * 32
        journal.append(RECORDS[4:6])
        assert leaves.stat().st_size == 6 * 32
    with opened(tmp_path / "journal") as journal:
        assert (collected(journal)[0], journal.losses) == (dict(enumerate(RECORDS[:6])), [])


def test_what_a_full_disk_left_of_a_leaf_file_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(Journal(tmp_path / "journal", SIGNER)) as journal:
        journal.append(RECORDS)
    leaves = tmp_path / "journal" / f"{0:020}.leaves"
    leaves.write_bytes(bytes(32) + leaves.read_bytes()[32:])
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", no_space)
        with pytest.raises(JournalError, match="No space left on device"):
            Journal(tmp_path / "journal", SIGNER)
    with opened(tmp_path / "journal") as journal:
        assert journal.losses == [], "zeros are what a power cut leaves"
        assert leaves.read_bytes()[:32] != bytes(32)


def test_a_new_segment_that_cannot_be_opened_is_opened_with_the_next_append(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Path) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    with closing(Journal(tmp_path / "journal", SIGNER, segment_bytes=1)) as journal:
        journal.append(RECORDS[:1])
        with monkeypatch.context() as patch:
            patch.setattr(active, "connect", fail)
            for _ in range(3):
                with pytest.raises(JournalError, match="disk I/O error"):
                    journal.append(RECORDS[1:2])
        assert (journal.segments, journal.size) == (2, 1)
        assert journal.append(RECORDS[1:2]) == 1
        assert journal.problem == ""
    with opened(tmp_path / "journal") as journal:
        assert (collected(journal)[0], journal.losses) == (dict(enumerate(RECORDS[:2])), [])


def test_a_new_segment_that_is_not_whole_in_its_file_does_not_count(tmp_path: Path) -> None:
    """SQLite says nothing when a file is closed and its log cannot be brought in."""

    class Busy:
        def execute(self, statement: str) -> Busy:
            self.statement = statement
            return self

        def fetchone(self) -> tuple[int, int, int]:
            return (1, 5, 0)

    with pytest.raises(sqlite3.OperationalError, match="in use by somebody else"):
        finish(Busy())  # type: ignore[arg-type] # all that is used of a connection
    connection = create(tmp_path / "part", Head(SIGNER.name, Frontier(), Frontier()))
    finish(connection)
    shutil.copy(tmp_path / "part", tmp_path / "alone.db")
    connection.close()
    with closing(sqlite3.connect(tmp_path / "alone.db")) as alone:
        assert alone.execute("SELECT origin FROM head").fetchone() == (SIGNER.name,)


def test_a_connection_that_only_reads_is_opened_again(tmp_path: Path) -> None:
    with closing(Journal(tmp_path / "journal", SIGNER)) as journal:
        journal._store._active.writer.execute("PRAGMA query_only=ON")
        assert journal.append(RECORDS[:1]) == 0
        assert (journal.problem, journal.losses) == ("", [])


def test_a_roll_from_a_file_that_sqlite_only_reads_is_done_again_with_one_that_it_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        error = sqlite3.OperationalError("attempt to write a readonly database")
        error.sqlite_errorcode = sqlite3.SQLITE_READONLY
        raise error

    with closing(Journal(tmp_path / "journal", SIGNER, segment_bytes=1)) as journal:
        journal.append(RECORDS[:1])
        with monkeypatch.context() as patch:
            patch.setattr("edge_agent.journal.store.begin_segment", fail)
            before = journal._store._active.writer
            journal.append(RECORDS[1:2])
            assert journal._store._active.writer is not before
        journal.append(RECORDS[2:3])
        assert (journal.size, journal.segments, journal.problem) == (3, 2, "")


def test_a_file_system_that_takes_no_log_is_told() -> None:
    with pytest.raises(sqlite3.OperationalError, match="only memory"):
        connect(Path(":memory:"))


def test_a_disk_that_does_not_let_the_journal_be_read_is_no_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(Journal(tmp_path / "journal", SIGNER)) as journal:
        journal.append(RECORDS)

    def fail(_: Path) -> None:
        error = sqlite3.OperationalError("unable to open database file")
        error.sqlite_errorcode = sqlite3.SQLITE_CANTOPEN
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(verify, "connect_to_read", fail)
        with pytest.raises(JournalError, match="unable to open database file"):
            Journal(tmp_path / "journal", SIGNER)
    assert not (tmp_path / "quarantine").exists()
    with opened(tmp_path / "journal") as journal:
        assert (journal.size, journal.losses) == (12, [])


def test_the_reserve_is_given_to_records_when_the_disk_is_full(tmp_path: Path) -> None:
    with closing(Journal(tmp_path / "journal", SIGNER)) as journal:
        journal._store.reserve = Reserve(tmp_path / "reserve", 64 * 1024)
        assert journal.restore_reserve()
        assert not journal.room_is_low
        connection = journal._store._active.writer
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count={pages}")
        with pytest.raises(JournalError, match="database or disk is full"):
            journal.append([bytes(9000)])
        assert journal._store.reserve.held == 4096, "all but the last step, which is for receipts"


def test_on_a_full_disk_an_active_segment_that_is_acknowledged_is_closed_to_be_pruned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(Journal(tmp_path / "journal", SIGNER)) as journal:
        journal.append(RECORDS)
        acknowledge(journal, len(RECORDS))
        assert journal.prune(keep=0) == 0
        monkeypatch.setattr(sizes, "is_full", lambda _: True)
        assert journal.prune() > 0
        assert (journal.kept(), journal.size) == (0, len(RECORDS))
        assert journal.prune() == 0
