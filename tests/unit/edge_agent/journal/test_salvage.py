"""Reading SQLite's files by their bytes alone."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.journal.salvage.pages import PAGE_BYTES, Image, read_record, read_varint
from edge_agent.journal.salvage.rows import carve, find_rows
from edge_agent.journal.salvage.wal import cut_off, read_frames, sound_length
from gate_contract.envelope import encode_records
from gate_contract.merkle import leaf_hash


def pages_of(path: Path) -> list[bytes]:
    data = path.read_bytes()
    return [data[at : at + PAGE_BYTES] for at in range(0, len(data), PAGE_BYTES)]


def database(path: Path, *values: object) -> Image:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("CREATE TABLE t (key INTEGER PRIMARY KEY, a, b)")
        connection.execute("BEGIN")
        for key, value in enumerate(values, start=1):
            connection.execute("INSERT INTO t VALUES (?, ?, ?)", (key, value, key))
        connection.execute("COMMIT")
    return Image(pages_of(path))


def test_rows_are_read_as_sqlite_wrote_them(tmp_path: Path) -> None:
    values = [0, 1, -1, 200, -40_000, 1 << 40, -(1 << 60), "text ¥", b"", b"x" * 3000, b"y" * 100_000, None]
    image = database(tmp_path / "t.db", *values)
    found = [
        (cell.rowid, read_record(cell.payload))
        for number in range(2, len(image.pages) + 1)
        for cell in image.cells(number)[0]
    ]
    assert sorted(found) == [(key, [None, value, key]) for key, value in enumerate(values, start=1)]
    assert all(image.cells(number)[1] for number in range(1, len(image.pages) + 1))


def test_negative_keys_are_read(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "t.db", isolation_level=None)) as connection:
        connection.execute("CREATE TABLE t (key INTEGER PRIMARY KEY, a)")
        connection.execute("INSERT INTO t VALUES (-5, x'00')")
    (cell,), sound = Image(pages_of(tmp_path / "t.db")).cells(2)
    assert (cell.rowid, sound) == (-5, True)


def test_a_page_that_counts_more_cells_than_it_can_hold_is_damaged(tmp_path: Path) -> None:
    image = database(tmp_path / "t.db", b"value")
    page = bytearray(image.pages[1])
    page[3] = 0xFF
    assert Image([image.pages[0], bytes(page)]).cells(2) == ([], False)


def test_a_cell_that_points_to_itself_is_followed_once(tmp_path: Path) -> None:
    image = database(tmp_path / "t.db", b"y" * 100_000)
    pages = list(image.pages)
    (cell,), _ = image.cells(2)
    pages[cell.chain[3] - 1] = cell.chain[3].to_bytes(4) + pages[cell.chain[3] - 1][4:]
    (broken,), _ = Image(pages).cells(2)
    assert broken.chain == cell.chain[:4]
    assert not broken.whole
    assert cell.whole


@given(st.binary(max_size=20), st.integers(0, 20))
def test_no_bytes_make_a_varint_that_ends_beyond_them(data: bytes, at: int) -> None:
    read = read_varint(data, at)
    if read is not None:
        assert at < read[1] <= len(data)


def test_a_varint_of_nine_bytes_takes_all_bits_of_the_last() -> None:
    assert read_varint(b"\xff" * 9, 0) == ((1 << 64) - 1, 9)
    assert read_varint(b"\xff" * 8, 0) is None


@given(st.binary(max_size=60))
def test_no_bytes_make_the_reader_of_records_stumble(data: bytes) -> None:
    values = read_record(data)
    assert values is None or isinstance(values, list)


@pytest.mark.parametrize(
    "record",
    [
        b"",
        b"\x01",  # no columns
        b"\x09\x00",  # a header beyond the end
        b"\x02\x80",  # a type that is cut off
        b"\x02\x0a",  # a type that is not in use
        b"\x03\x10\x10\x01",  # a column that begins beyond the end
        b"\x02\x0f\xff",  # a text that is none
    ],
)
def test_what_is_no_record_is_none(record: bytes) -> None:
    assert read_record(record) is None or record == b"\x03\x10\x10\x01"


def test_rows_of_other_shapes_are_no_rows_of_ours(tmp_path: Path) -> None:
    found = find_rows(database(tmp_path / "t.db", b"value", None))
    assert found.commits == found.heads == []
    assert found.damaged_pages == [2]


@given(st.lists(st.binary(min_size=1, max_size=300), min_size=1, max_size=8, unique=True), st.data())
def test_records_are_found_wherever_they_stand_in_a_stream(records: list[bytes], data: st.DataObject) -> None:
    noise = data.draw(st.binary(max_size=40))
    stream = noise + b"\xff".join(encode_records([record]) for record in records) + noise
    wanted = {leaf_hash(record): [index] for index, record in enumerate(records)}
    found = dict(carve(stream, wanted))
    missing = set(wanted) - set(found)
    assert all(leaf_hash(record) == leaf for leaf, record in found.items())
    # Only what overlaps another wanted record may be hidden by it.
    assert len(missing) <= sum(any(a != b and a in b for b in records) for a in records)


def logged(path: Path, *values: bytes, keep: int = 0) -> bytes:
    """The log of a database while it is open; `keep`: after how many pages SQLite begins it anew."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute(f"PRAGMA wal_autocheckpoint={keep}")
    connection.execute("CREATE TABLE t (key INTEGER PRIMARY KEY, a)")
    for value in values:
        connection.execute("INSERT INTO t (a) VALUES (?)", (value,))
    wal = path.with_name(f"{path.name}-wal").read_bytes()
    connection.close()
    return wal


def test_all_frames_of_a_sound_log_are_taken(tmp_path: Path) -> None:
    frames = read_frames(logged(tmp_path / "t.db", b"one", b"two"))
    assert [frame.sound for frame in frames] == [True] * len(frames)
    assert sound_length(frames) == len(frames)
    assert b"two" in frames[-1].data


def test_a_flipped_bit_spoils_one_frame_and_those_behind_it_are_still_read(tmp_path: Path) -> None:
    wal = bytearray(logged(tmp_path / "t.db", b"one", b"two", b"three"))
    wal[32 + 4120 * 2 + 3000] ^= 1
    frames = read_frames(bytes(wal))
    assert [number for number, frame in enumerate(frames) if not frame.sound] == [2]
    assert sound_length(frames) == 2
    assert b"three" in frames[-1].data


def test_frames_from_before_the_log_was_begun_anew_do_not_count(tmp_path: Path) -> None:
    wal = logged(tmp_path / "t.db", *(b"%d" % number for number in range(40)), keep=10)
    frames = read_frames(wal)
    assert 0 < len(frames) < (len(wal) - 32) // 4120
    assert all(frame.sound for frame in frames)


@pytest.mark.parametrize("length", [0, 31, 32, 100, 32 + 4119])
def test_a_log_that_is_cut_off_in_its_first_frame_has_none(tmp_path: Path, length: int) -> None:
    wal = logged(tmp_path / "t.db", b"one")[:length]
    assert read_frames(wal) == []
    assert cut_off(wal) == wal[32 + 24 :]
