"""What is remembered of repeating devices, and what damage does to it."""

from __future__ import annotations

import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from edge_agent.journal.fsck import examine
from edge_agent.journal.journal import Journal
from edge_agent.journal.seen import EVENT_BYTES, ID_BITS, Row, event_of, fits, row_of, set_right
from edge_agent.journal.segment import FORMAT, SCHEMA, SCHEMA_1, SEEN_EVENTS
from tests.unit.edge_agent.journal.journals import SIGNER, opened

EVENTS = [f"event {number}" for number in range(40)]
ROW = row_of(7, event_of("camera-1", "event 7"))


def flipped(row: Row, bit: int) -> Row:
    """One bit of the event, the checksum or the row id altered."""
    seen_id, crc, event = row
    if bit < 8 * EVENT_BYTES:
        return seen_id, crc, (int.from_bytes(event) ^ 1 << bit).to_bytes(EVENT_BYTES)
    bit -= 8 * EVENT_BYTES
    return (seen_id, crc ^ 1 << bit, event) if bit < 32 else (seen_id ^ 1 << bit - 32, crc, event)


@pytest.mark.parametrize("bit", [*range(0, 8 * EVENT_BYTES, 37), *range(256, 288, 7), *range(288, 288 + ID_BITS, 11)])
def test_a_row_with_one_altered_bit_is_found_and_set_right(bit: int) -> None:
    altered = flipped(ROW, bit)
    assert not fits(altered)
    assert set_right(altered) == ROW


def test_a_row_of_which_more_was_altered_is_given_up() -> None:
    dice = random.Random(5)
    for row in ((7, ROW[1], dice.randbytes(EVENT_BYTES)), (7, ROW[1], b"short"), (-1, ROW[1], ROW[2])):
        assert set_right(row) is None
    assert set_right(ROW) == ROW


def keep_all(directory: Path) -> None:
    with opened(directory) as journal:
        for event in EVENTS:
            assert journal.spool.keep("camera-1", event, b"message") is not None


def spoil(directory: Path, old: bytes, new: bytes) -> None:
    """Change bytes of the active segment, which stand there once."""
    (path,) = directory.glob("*.db")
    data = path.read_bytes()
    assert data.count(old) == 1
    path.write_bytes(data.replace(old, new))


@pytest.mark.parametrize("bit", [3, 255])
def test_after_a_flipped_bit_every_repetition_is_known_and_every_new_event_is_taken(tmp_path: Path, bit: int) -> None:
    directory = tmp_path / "journal"
    keep_all(directory)
    event = event_of("camera-1", EVENTS[20])
    altered = flipped(row_of(21, event), bit)[2]
    spoil(directory, event, altered)
    (finding,) = examine(tmp_path, SIGNER).findings
    assert "remembered against repetition" in finding.damage
    with opened(directory) as journal:
        (loss,) = journal.losses
        assert "remembered against repetition" in loss.text
        assert (loss.records.count, len(journal.spool.inbox())) == (0, len(EVENTS))
        assert [journal.spool.keep("camera-1", each, b"again") for each in EVENTS] == [None] * len(EVENTS)
        assert journal.spool.keep("camera-1", "a new one", b"message") is not None
    assert examine(tmp_path, SIGNER).findings == []


def test_an_event_that_is_gone_makes_no_other_one_a_repetition(tmp_path: Path) -> None:
    directory = tmp_path / "journal"
    keep_all(directory)
    spoil(directory, event_of("camera-1", EVENTS[20]), event_of("camera-1", "the next one")[::-1])
    with opened(directory) as journal:
        known = [each for each in EVENTS if journal.spool.keep("camera-1", each, b"again") is None]
        assert known == [each for each in EVENTS if each != EVENTS[20]]
        assert journal.spool.keep("camera-1", "the next one", b"message") is not None


def test_what_is_altered_while_the_agent_runs_neither_loses_nor_doubles_anything(tmp_path: Path) -> None:
    with opened(tmp_path / "journal") as journal:
        journal.spool.keep("camera-1", "e1", b"message")
        journal._store.write(lambda step: step.connection.execute("UPDATE seen SET event = zeroblob(32)"))
        assert journal.spool.keep("camera-1", "e1", b"again") is None
        assert journal.spool.keep("camera-1", "e2", b"message") is not None


def as_format_1(directory: Path, events: list[str]) -> None:
    """Make the active segment one of the agent before, which remembers these events of camera-1."""
    (path,) = directory.glob("*.db")
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        # The tables stand in the order in which they were made.
        for statement in (SEEN_EVENTS, *SCHEMA_1[5:]):
            table = statement.split()[2]
            if statement == SEEN_EVENTS:
                connection.execute(statement)
            else:
                connection.execute(f"ALTER TABLE {table} RENAME TO was")
                connection.execute(statement)
                connection.execute(f"INSERT INTO {table} SELECT * FROM was")  # noqa: S608 - our own table names
                connection.execute("DROP TABLE was")
        connection.execute("DROP TABLE seen")
        for event in events:
            connection.execute("INSERT INTO seen_events (device_id, event_id) VALUES ('camera-1', ?)", (event,))
        connection.execute("PRAGMA user_version=1")


def test_a_journal_of_the_format_before_goes_on_with_what_it_remembers(tmp_path: Path) -> None:
    directory = tmp_path / "journal"
    keep_all(directory)
    as_format_1(directory, EVENTS)
    assert examine(tmp_path, SIGNER).findings == []
    with opened(directory) as journal:
        assert journal.losses == []
        assert [journal.spool.keep("camera-1", each, b"again") for each in EVENTS] == [None] * len(EVENTS)
        assert journal.spool.keep("camera-1", "a new one", b"message") == len(EVENTS) + 1
    (path,) = directory.glob("*.db")
    with closing(sqlite3.connect(path)) as connection:
        tables = connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid").fetchall()
        assert tuple(sql for (sql,) in tables) == SCHEMA
        assert connection.execute("PRAGMA user_version").fetchone() == (FORMAT,)
    assert SEEN_EVENTS not in SCHEMA


def test_a_damaged_journal_of_the_format_before_keeps_what_it_remembers(tmp_path: Path) -> None:
    directory = tmp_path / "journal"
    keep_all(directory)
    with opened(directory) as journal:
        journal.append([b"a record of some length, to be found again"])
    as_format_1(directory, EVENTS)
    shutil.copytree(tmp_path, tmp_path / "copy")
    spoil(directory, b"a record of some length, to be found again", b"A record of some length, to be found again")
    with opened(directory) as journal:
        assert [loss.records.count for loss in journal.losses] == [1]
        assert [journal.spool.keep("camera-1", each, b"again") for each in EVENTS] == [None] * len(EVENTS)


def test_events_are_remembered_over_a_roll(tmp_path: Path) -> None:
    with closing(Journal(tmp_path / "journal", SIGNER, segment_bytes=1)) as journal:
        journal.spool.keep("camera-1", "e1", b"message")
        journal.append([b"one"])
        journal.append([b"two"])
        assert journal.segments > 1
    with opened(tmp_path / "journal") as journal:
        assert journal.spool.keep("camera-1", "e1", b"again") is None
