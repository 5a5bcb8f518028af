"""A reference file that is damaged: nothing else is believed than what was kept, and all that is missing is told."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from edge_agent.errors import EdgeAgentError
from edge_agent.reference.cache import ReferenceCache
from edge_agent.reference.file import Changes, ReferenceFile
from tests.unit.edge_agent.reference.test_cache import NOW, at, declaration
from tests.unit.edge_agent.reference.test_take import a_slice, held, item

BODIES = {"A": b"body of A", "B": b"body of B", "C": b"body of C"}
ITEMS = [item(key, 2, body=body) for key, body in BODIES.items()]
SINCE_1970_S = NOW // 10**9 + 5
"""By five seconds after NOW: a gate of which nobody knows what is missing asks a person (K05)."""

DECLARATIONS = (declaration(1), declaration(2), declaration(3))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file with three items and three declarations, at position 7."""
    made = tmp_path / "r.db"
    cache = ReferenceCache(made)
    cache.take(a_slice(0, 7, *ITEMS, declarations=DECLARATIONS), at())
    cache.close()
    return made


@pytest.fixture
def altered(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


def test_what_is_sound_is_no_damage(path: Path) -> None:
    cache = ReferenceCache(path)
    assert (cache.damage, cache.followed, len(cache), held(cache)) == ("", 7, 3, {"A": 2, "B": 2, "C": 2})
    cache.close()


def test_a_damaged_declaration_costs_itself_alone_and_all_is_fetched_anew(
    path: Path, altered: sqlite3.Connection
) -> None:
    altered.execute("UPDATE declarations SET body = replace(body, x'31', x'32') WHERE declaration_id = 'D-1'")
    cache = ReferenceCache(path)
    assert cache.damage == "1 declarations and 0 other entries are damaged"
    assert (cache.followed, cache.position, len(cache), len(held(cache))) == (0, 0, 2, 3)
    assert (cache.age_s(at(5)), cache.made_unix_ns) == (5, NOW), "who holds no declaration goes to a person anyway"
    cache.close()
    again = ReferenceCache(path)
    assert (again.damage, len(again)) == ("", 2), "it is told once"
    again.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE items SET body = zeroblob(9) WHERE item_key = 'A'",
        "UPDATE items SET version = 3 WHERE item_key = 'A'",
        "UPDATE items SET item_key = 'Z' WHERE item_key = 'A'",
        "UPDATE items SET kind = 3 WHERE item_key = 'A'",
        "UPDATE items SET crc = crc + 1 WHERE item_key = 'A'",
        "UPDATE items SET crc = NULL WHERE item_key = 'A'",
        "UPDATE items SET body = 'text' WHERE item_key = 'A'",
        "DELETE FROM items WHERE item_key = 'A'",
    ],
)
def test_where_an_order_may_be_missing_nobody_can_say_that_this_is_all(
    path: Path, altered: sqlite3.Connection, statement: str
) -> None:
    altered.execute(statement)
    cache = ReferenceCache(path)
    assert "damaged" in cache.damage
    assert (held(cache), len(cache), cache.followed, cache.age_s(at(5))) == ({"B": 2, "C": 2}, 3, 0, SINCE_1970_S)
    cache.take(a_slice(0, 7, *ITEMS, made=NOW + 5 * 10**9), at(5))
    assert (len(held(cache)), cache.age_s(at(6))) == (3, 1)
    cache.close()


@pytest.mark.parametrize("column", ["position", "followed", "made_ns", "wall_ns", "mono_ns", "count", "mixed", "crc"])
def test_a_damaged_head_leaves_the_entries_and_no_age(path: Path, altered: sqlite3.Connection, column: str) -> None:
    altered.execute(f"UPDATE head SET {column} = {column} + 1")  # noqa: S608 - of this test
    cache = ReferenceCache(path)
    assert cache.damage == "0 declarations and 0 other entries, or more, are damaged"
    assert (len(held(cache)), len(cache), cache.followed, cache.age_s(at(5))) == (3, 3, 0, SINCE_1970_S)
    cache.close()


@pytest.mark.parametrize("damage", [b"", b"not a database" * 100, None])
def test_a_file_of_which_nothing_can_be_read_is_made_anew(path: Path, damage: bytes | None) -> None:
    path.write_bytes(path.read_bytes()[:5000] if damage is None else damage)
    cache = ReferenceCache(path)
    assert (cache.damage != "") == (damage != b""), "an empty file is a new one"
    assert (cache.followed, cache.age_s(at(5))) == (0, SINCE_1970_S if damage != b"" else None)
    cache.take(a_slice(0, 7, *ITEMS), at())
    assert len(held(cache)) == 3
    cache.close()


def test_bytes_that_are_no_text_any_more_do_not_keep_the_agent_from_starting(
    path: Path, altered: sqlite3.Connection
) -> None:
    altered.execute("UPDATE items SET item_key = cast(x'ff' AS TEXT) WHERE item_key = 'A'")
    cache = ReferenceCache(path)
    assert "cannot be read" in cache.damage
    cache.close()


@pytest.mark.parametrize("offset", range(0, 20_480, 509))
def test_no_flipped_bit_becomes_something_else(path: Path, offset: int) -> None:
    data = bytearray(path.read_bytes())
    data[offset % len(data)] ^= 1 << offset % 8
    path.write_bytes(data)
    cache = ReferenceCache(path)
    for (_kind, key), each in cache.items().items():
        assert (each.version, each.body) == (2, BODIES[key])
    assert all(each.vehicle_plate == "粤B12345" for each in cache.index().exact("粤B12345"))
    if (len(held(cache)), len(cache), cache.followed) != (3, 3, 7):
        assert cache.damage
        assert cache.followed == 0
    cache.close()


def test_a_file_that_is_damaged_while_it_is_used_is_made_anew_from_what_is_known(
    path: Path, altered: sqlite3.Connection
) -> None:
    cache = ReferenceCache(path)
    altered.execute("DROP TABLE items")
    cache.take(a_slice(7, 8, item("D")), at(1))
    assert (len(held(cache)), cache.followed) == (4, 8)
    cache.close()
    again = ReferenceCache(path)
    assert (again.damage, len(held(again)), len(again), again.followed) == ("", 4, 3, 8)
    again.close()


def test_a_file_of_before_there_were_checksums_is_taken_as_it_is(path: Path, altered: sqlite3.Connection) -> None:
    altered.executescript("""
        ALTER TABLE declarations DROP COLUMN crc;
        ALTER TABLE items DROP COLUMN crc;
        CREATE TABLE state (only INTEGER PRIMARY KEY, position INTEGER, fetched_ns INTEGER);
        CREATE TABLE fetched (only INTEGER PRIMARY KEY, mono_ns INTEGER, boot_id BLOB);
        CREATE TABLE followed (only INTEGER PRIMARY KEY, position INTEGER, made_ns INTEGER);
        INSERT INTO state SELECT 1, position, wall_ns FROM head;
        INSERT INTO fetched SELECT 1, mono_ns, boot_id FROM head;
        INSERT INTO followed SELECT 1, followed, made_ns FROM head;
        DROP TABLE head;
    """)
    for _ in range(2):
        cache = ReferenceCache(path)
        assert (cache.damage, cache.followed, cache.position, len(cache), len(held(cache))) == ("", 7, 7, 3, 3)
        assert (cache.age_s(at(5)), cache.made_unix_ns) == (5, NOW)
        cache.close()


def test_a_closed_file_is_closed(path: Path) -> None:
    file = ReferenceFile(path)
    head = file.load().head
    file.close()
    with pytest.raises(EdgeAgentError, match="the cache is closed"):
        file.write(Changes(), head)
