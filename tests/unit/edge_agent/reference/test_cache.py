"""The declarations a gate decides on."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from edge_agent.errors import EdgeAgentError
from edge_agent.model.moment import SECOND, Moment, MonoNs, WallNs
from edge_agent.reference.cache import KEPT_NS, ReferenceCache
from gate_contract.v1.declaration_pb2 import Declaration

NOW = 1_790_000_000_000_000_000
YEARS = 10 * 365 * 86_400


def at(
    seconds: float = 0, *, wall_s: float | None = None, boot: bytes = b"b" * 16, synchronised: bool = True
) -> Moment:
    """So long after NOW by the monotonic clock; by the wall clock, too, unless that says something else."""
    mono = 10**15 + round(seconds * SECOND)
    wall = NOW + round((seconds if wall_s is None else wall_s) * SECOND)
    return Moment(WallNs(wall), MonoNs(mono), boot, synchronised=synchronised)


def declaration(number: int, version: int = 1, plate: str = "粤B12345", departure: int = 0) -> bytes:
    return Declaration(
        declaration_id=f"D-{number}", version=version, vehicle_plate=plate, departure_unix_ns=departure
    ).SerializeToString()


@contextmanager
def on_a_full_disk(cache: ReferenceCache) -> Iterator[None]:
    """The file cannot grow until something has failed for it, and is opened anew."""
    connection = cache._file.connection
    assert connection is not None
    connection.execute(f"PRAGMA max_page_count = {connection.execute('PRAGMA page_count').fetchone()[0]}")
    yield


def test_what_was_fetched_is_there_after_a_restart(tmp_path: Path) -> None:
    cache = ReferenceCache(tmp_path / "r.db")
    assert (cache.position, len(cache), cache.age_s(at())) == (0, 0, None)
    cache.add([declaration(1), declaration(2)], 7)
    cache.confirmed(at())
    cache.close()
    again = ReferenceCache(tmp_path / "r.db")
    assert (again.position, len(again), again.age_s(at(90))) == (7, 2, 90)
    again.close()


def test_a_lower_version_never_replaces_a_higher_one(tmp_path: Path) -> None:
    cache = ReferenceCache(tmp_path / "r.db")
    cache.add([declaration(1, 2, "琼A67890")], 1)
    cache.add([declaration(1, 1, "粤B12345")], 2)
    assert [each.vehicle_plate for each in cache.index().exact("琼A67890")] == ["琼A67890"]
    assert cache.index().exact("粤B12345") == []
    cache.close()


def test_the_index_knows_what_came_since_it_was_asked(tmp_path: Path) -> None:
    cache = ReferenceCache(tmp_path / "r.db")
    assert len(cache.index()) == 0
    cache.add([declaration(1)], 1)
    assert len(cache.index()) == 1
    cache.close()


def test_what_departed_long_ago_is_forgotten_for_good(tmp_path: Path) -> None:
    cache = ReferenceCache(tmp_path / "r.db")
    cache.add([declaration(1, departure=NOW - KEPT_NS - 1), declaration(2, departure=NOW), declaration(3)], 3)
    cache.confirmed(at())
    assert len(cache.index()) == len(cache) == 2
    cache.close()
    again = ReferenceCache(tmp_path / "r.db")
    assert len(again) == 2
    again.close()


def test_a_clock_set_back_gives_no_negative_age(tmp_path: Path) -> None:
    cache = ReferenceCache(tmp_path / "r.db")
    cache.confirmed(at())
    assert cache.age_s(at(-90)) == 0
    cache.close()


def test_a_damaged_cache_is_made_anew_and_fetched_again(tmp_path: Path) -> None:
    path = tmp_path / "r.db"
    path.write_bytes(b"not a database" * 100)
    cache = ReferenceCache(path)
    assert (cache.position, len(cache)) == (0, 0)
    cache.add([declaration(1)], 1)
    cache.close()


def test_a_cache_with_a_declaration_that_cannot_be_read_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "r.db"
    ReferenceCache(path).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("INSERT INTO declarations VALUES ('D-1', 1, x'ffff', 1)")
        other.execute("UPDATE head SET position = 9")
    cache = ReferenceCache(path)
    assert (cache.position, len(cache)) == (0, 0)
    cache.close()


def test_a_place_where_no_cache_can_be_is_named(tmp_path: Path) -> None:
    with pytest.raises(EdgeAgentError, match=r"the reference cache .* cannot be used"):
        ReferenceCache(tmp_path / "nowhere" / "r.db")


def test_a_disk_that_takes_nothing_is_told_and_the_gate_keeps_what_it_had(tmp_path: Path) -> None:
    cache = ReferenceCache(tmp_path / "r.db")
    cache.add([declaration(1)], 1)
    with on_a_full_disk(cache), pytest.raises(EdgeAgentError, match=r"cannot be written\. database or disk is full"):
        cache.add([declaration(2, plate="琼A" * 9_000)], 2)
    assert (cache.position, len(cache), cache.age_s(at())) == (1, 1, None)
    cache.add([declaration(2)], 2)
    assert (cache.position, len(cache)) == (2, 2)
    cache.close()


def test_a_declaration_that_cannot_be_read_is_told_and_changes_nothing(tmp_path: Path) -> None:
    cache = ReferenceCache(tmp_path / "r.db")
    with pytest.raises(EdgeAgentError, match="an entry of 2 bytes in it is no Declaration"):
        cache.add([declaration(1), b"\xff\xff"], 5)
    assert (cache.position, len(cache)) == (0, 0)
    cache.close()


def test_the_age_of_declarations_is_not_that_of_a_wall_clock_that_was_set(tmp_path: Path) -> None:
    cache = ReferenceCache(tmp_path / "r.db")
    cache.confirmed(at())
    assert cache.age_s(at(30, wall_s=YEARS)) == cache.age_s(at(30, wall_s=-YEARS)) == 30
    cache.close()
    again = ReferenceCache(tmp_path / "r.db")
    assert again.age_s(at(60, wall_s=-YEARS)) == 60, "after a restart of the agent, too"
    assert again.age_s(at(60, boot=b"c" * 16)) == (10**15 + 60 * SECOND) // SECOND, "at least this boot"
    again.close()


@pytest.mark.parametrize("years", [YEARS, -YEARS])
def test_a_clock_that_jumps_makes_a_gate_forget_nothing_and_fetch_everything_anew(tmp_path: Path, years: int) -> None:
    cache = ReferenceCache(tmp_path / "r.db")
    cache.add([declaration(1, departure=NOW), declaration(2)], 7)
    cache.confirmed(at())
    cache.confirmed(at(2, wall_s=years, synchronised=False))
    assert (len(cache), cache.position) == (2, 0)
    cache.add([declaration(1, departure=NOW), declaration(2)], 7)
    cache.confirmed(at(4, wall_s=years + 2, synchronised=False))
    assert (len(cache), cache.position) == (2, 7), "once is enough"
    cache.confirmed(at(6, synchronised=True))
    assert (len(cache), cache.position) == (2, 0), "the clock was set right: once more"
    cache.close()


def test_what_was_forgotten_by_a_clock_that_was_kept_wrong_comes_again_when_it_is_right(
    tmp_path: Path,
) -> None:
    cache = ReferenceCache(tmp_path / "r.db")
    cache.add([declaration(1, departure=NOW)], 7)
    cache.confirmed(at())
    cache.confirmed(at(2, wall_s=YEARS))
    assert (len(cache), cache.position) == (0, 0)
    cache.add([], 7)
    cache.confirmed(at(4, wall_s=YEARS + 2))
    cache.confirmed(at(6))
    assert cache.position == 0
    cache.close()


def test_a_machine_that_boots_in_1970_fetches_everything_anew(tmp_path: Path) -> None:
    cache = ReferenceCache(tmp_path / "r.db")
    cache.add([declaration(1)], 7)
    cache.confirmed(at())
    cache.confirmed(at(0, wall_s=-NOW / SECOND, boot=b"c" * 16))
    assert (len(cache), cache.position) == (1, 0)
    cache.close()


def test_a_file_that_sqlite_only_reads_is_opened_anew_for_the_next_try(tmp_path: Path) -> None:
    cache = ReferenceCache(tmp_path / "r.db")
    assert cache._file.connection is not None
    cache._file.connection.close()
    cache._file.connection = sqlite3.connect(
        f"{(tmp_path / 'r.db').as_uri()}?mode=ro", uri=True, isolation_level=None, check_same_thread=False
    )  # as after one open(2) that failed
    with pytest.raises(EdgeAgentError, match="readonly database"):
        cache.add([declaration(1)], 5)
    cache.add([declaration(1)], 5)
    assert (cache.position, len(cache)) == (5, 1)
    cache.close()


def test_a_cache_that_was_closed_says_so_in_words(tmp_path: Path) -> None:
    cache = ReferenceCache(tmp_path / "r.db")
    cache.close()
    with pytest.raises(EdgeAgentError, match="the cache is closed"):
        cache.add([declaration(1)], 5)
