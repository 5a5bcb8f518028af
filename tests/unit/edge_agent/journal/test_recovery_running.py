"""Damage that is found while the agent runs, and repairs that fail."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from edge_agent.errors import JournalError
from edge_agent.journal import mend as mending
from edge_agent.journal.journal import Journal
from tests.unit.edge_agent.journal.damaging import RECORDS, change, lost_in, make, segment
from tests.unit.edge_agent.journal.journals import collected, opened


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
        journal._store._active.writer.execute("PRAGMA cache_size=0")
        journal._store._active.writer.execute("PRAGMA shrink_memory")
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
