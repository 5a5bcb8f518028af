"""Slices that a gate takes: all of one or nothing, the latest version wins, what is over is forgotten."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from edge_agent.errors import EdgeAgentError
from edge_agent.reference.cache import ReferenceCache, SliceRefusedError
from gate_contract.v1.reference_pb2 import Slice
from gate_contract.v1.register_pb2 import ITEM_KIND_CARRIER, RegisterItem
from tests.unit.edge_agent.reference.test_cache import NOW, YEARS, at, declaration, on_a_full_disk

SECOND = 10**9
DAY_NS = 86_400 * SECOND
HOUR_S = 3600


def item(key: str, version: int = 1, *, body: bytes = b"", expires: int = 0, withdrawn: bool = False) -> bytes:
    return RegisterItem(
        format=1,
        kind=ITEM_KIND_CARRIER,
        key=key,
        version=version,
        body=body,
        expires_unix_ns=expires,
        withdrawn=withdrawn,
    ).SerializeToString()


def a_slice(
    start: int, end: int, *items: bytes, declarations: tuple[bytes, ...] = (), complete: bool = True, made: int = NOW
) -> Slice:
    return Slice(
        site_id="xinhai",
        from_position=start,
        position=end,
        declarations=declarations,
        items=items,
        complete=complete,
        made_unix_ns=made,
    )


def held(cache: ReferenceCache) -> dict[str, int]:
    return {key: each.version for (_kind, key), each in cache.items().items()}


def test_a_slice_is_there_after_a_restart_and_the_next_one_goes_on_from_it(tmp_path: Path) -> None:
    cache = ReferenceCache(tmp_path / "r.db")
    taken = cache.take(a_slice(0, 7, item("A"), declarations=(declaration(1),)), at())
    assert [key for _kind, key in taken.items] == ["A"]
    cache.close()
    again = ReferenceCache(tmp_path / "r.db")
    assert (again.followed, len(again), held(again), again.age_s(at(5))) == (7, 1, {"A": 1}, 5)
    assert again.made_unix_ns == NOW
    again.take(a_slice(7, 9, item("A", 2)), at(6))
    assert (again.followed, held(again)) == (9, {"A": 2})
    again.close()


def test_a_slice_that_does_not_begin_where_the_last_one_ended_is_refused(tmp_path: Path) -> None:
    cache = ReferenceCache(tmp_path / "r.db")
    cache.take(a_slice(0, 7, item("A")), at())
    for start in (0, 6, 8):
        with pytest.raises(SliceRefusedError, match=f"from position {start}, and this gate is at 7"):
            cache.take(a_slice(start, 9, item("B")), at())
    assert (cache.followed, held(cache)) == (7, {"A": 1})
    cache.refetch()
    cache.take(a_slice(0, 9, item("A"), item("B")), at())
    assert held(cache) == {"A": 1, "B": 1}
    cache.close()


def test_the_latest_version_of_a_key_wins_within_a_slice_and_across(tmp_path: Path) -> None:
    cache = ReferenceCache(tmp_path / "r.db")
    cache.take(a_slice(0, 1, item("A", 2), item("A", 3), item("A", 1)), at())
    assert held(cache) == {"A": 3}
    assert cache.take(a_slice(1, 2, item("A", 2)), at()).items == {}
    assert held(cache) == {"A": 3}
    cache.close()


def test_what_comes_again_as_it_is_is_no_news(tmp_path: Path) -> None:
    cache = ReferenceCache(tmp_path / "r.db")
    cache.take(a_slice(0, 1, item("A")), at())
    assert cache.take(a_slice(1, 2, item("A")), at()).items == {}
    assert len(cache.take(a_slice(2, 3, item("A", body=b"\x0a\x01B")), at()).items) == 1, "the collector was restored"
    cache.close()


def test_what_is_withdrawn_is_gone_for_good(tmp_path: Path) -> None:
    cache = ReferenceCache(tmp_path / "r.db")
    cache.take(a_slice(0, 1, item("A"), item("B")), at())
    taken = cache.take(a_slice(1, 2, item("A", 2, withdrawn=True), item("X", withdrawn=True)), at())
    assert dict(taken.items) == {(ITEM_KIND_CARRIER, "A"): None}
    cache.close()
    again = ReferenceCache(tmp_path / "r.db")
    assert held(again) == {"B": 1}
    again.close()


def test_what_expired_is_forgotten_and_told(tmp_path: Path) -> None:
    cache = ReferenceCache(tmp_path / "r.db")
    cache.take(a_slice(0, 1, item("A", expires=NOW + 10), item("B", expires=NOW + DAY_NS)), at())
    taken = cache.take(a_slice(1, 1), at(120))
    assert dict(taken.items) == {(ITEM_KIND_CARRIER, "A"): None}
    assert held(cache) == {"B": 1}
    cache.close()


def test_what_expires_is_forgotten_while_nobody_can_be_reached_unless_the_clock_was_set(tmp_path: Path) -> None:
    cache = ReferenceCache(tmp_path / "r.db")
    cache.take(a_slice(0, 1, item("A", expires=NOW + DAY_NS)), at())
    assert cache.sweep(at(100, wall_s=YEARS, synchronised=False)).items == {}
    assert cache.sweep(at(100)).items == {}
    assert list(cache.sweep(at(86_400)).items.values()) == [None]
    assert (held(cache), cache.age_s(at(86_400))) == ({}, 86_400)
    cache.close()


def test_nothing_is_forgotten_by_a_clock_that_was_set_and_all_is_fetched_anew(tmp_path: Path) -> None:
    cache = ReferenceCache(tmp_path / "r.db")
    cache.take(a_slice(0, 1, item("A", expires=NOW + DAY_NS)), at())
    taken = cache.take(a_slice(1, 1), at(100, wall_s=YEARS, synchronised=False))
    assert (taken.again, cache.followed, held(cache)) == (True, 0, {"A": 1})
    taken = cache.take(a_slice(0, 1, item("A", expires=NOW + DAY_NS)), at(200, wall_s=YEARS + 100, synchronised=False))
    assert (taken.again, cache.followed, held(cache)) == (False, 1, {"A": 1})
    cache.close()


def test_a_machine_that_boots_in_1970_keeps_what_it_has_and_fetches_it_anew(tmp_path: Path) -> None:
    cache = ReferenceCache(tmp_path / "r.db")
    cache.take(a_slice(0, 5, item("A", expires=NOW + DAY_NS)), at())
    boot = at(0, wall_s=-NOW / 10**9, boot=b"c" * 16, synchronised=False)
    assert cache.take(a_slice(5, 5), boot).again
    assert (cache.followed, held(cache), cache.made_unix_ns) == (0, {"A": 1}, NOW)
    cache.close()


def test_a_part_of_what_there_is_makes_the_gate_no_younger(tmp_path: Path) -> None:
    cache = ReferenceCache(tmp_path / "r.db")
    cache.take(a_slice(0, 5, item("A"), complete=False), at())
    assert cache.age_s(at(1)) is None
    cache.take(a_slice(5, 9, item("B"), made=NOW + 2 * SECOND), at(2))
    assert cache.age_s(at(5)) == 3
    cache.close()


def test_silence_keeps_the_gate_young_and_the_disk_quiet(tmp_path: Path) -> None:
    path = tmp_path / "r.db"
    cache = ReferenceCache(path)
    cache.take(a_slice(0, 5, item("A")), at())
    with closing(sqlite3.connect(path, isolation_level=None)) as other:

        def written() -> int:
            return int(other.execute("PRAGMA data_version").fetchone()[0])

        before = written()
        for second in range(1, 9):
            cache.take(a_slice(4 + second, 5 + second, made=NOW + second * SECOND), at(second))
        assert written() == before
        assert (cache.age_s(at(9)), cache.followed) == (1, 13)
        cache.take(a_slice(13, 14, made=NOW + 11 * SECOND), at(11))
        assert written() > before
    cache.close()


def test_a_disk_that_takes_nothing_leaves_the_gate_with_what_it_had(tmp_path: Path) -> None:
    cache = ReferenceCache(tmp_path / "r.db")
    cache.take(a_slice(0, 1, item("A")), at())
    with on_a_full_disk(cache), pytest.raises(EdgeAgentError, match=r"cannot be written\. database or disk is full"):
        cache.take(a_slice(1, 2, item("B", body=bytes(40_000)), declarations=(declaration(1),)), at())
    assert (cache.followed, held(cache), len(cache)) == (1, {"A": 1}, 0)
    cache.take(a_slice(1, 2, item("B"), declarations=(declaration(1),)), at())
    assert (cache.followed, held(cache), len(cache), len(cache.index())) == (2, {"A": 1, "B": 1}, 1, 1)
    cache.close()


def test_declarations_that_were_fetched_by_an_older_collector_do_not_move_where_slices_go_on(tmp_path: Path) -> None:
    cache = ReferenceCache(tmp_path / "r.db")
    cache.take(a_slice(0, 5, item("A")), at())
    cache.add([declaration(1)], 9)
    cache.confirmed(at(1))
    assert (cache.position, cache.followed) == (9, 5)
    cache.close()


def test_a_slice_that_is_played_again_makes_the_gate_no_younger(tmp_path: Path) -> None:
    cache = ReferenceCache(tmp_path / "r.db")
    cache.take(a_slice(0, 5, item("A")), at())
    quiet = a_slice(5, 5, made=NOW + SECOND)
    cache.take(quiet, at(1))
    for seconds in range(2, 100):
        cache.take(quiet, at(seconds, synchronised=False))
    assert cache.age_s(at(100, synchronised=False)) == 99
    cache.take(a_slice(5, 5, made=NOW + 100 * SECOND), at(100))
    assert cache.age_s(at(101)) == 1
    cache.close()


def test_slices_that_are_all_held_back_are_as_old_as_a_clock_that_is_kept_says(tmp_path: Path) -> None:
    cache = ReferenceCache(tmp_path / "r.db")
    day = 86_400
    for seconds in range(5):
        cache.take(a_slice(5 * (seconds > 0), 5, made=NOW + seconds * SECOND), at(day + seconds))
    assert cache.age_s(at(day + 5)) == day + 1
    assert cache.age_s(at(day + 5, synchronised=False)) == 1, "without a time service nobody can tell"
    cache.close()


def test_slices_of_long_ago_are_refused_and_bring_nothing_back(tmp_path: Path) -> None:
    cache = ReferenceCache(tmp_path / "r.db")
    old = a_slice(0, 5, item("A"))
    cache.take(old, at())
    later = 3 * HOUR_S
    cache.take(a_slice(5, 9, item("A", 2, withdrawn=True), made=NOW + later * SECOND), at(later))
    cache.refetch()
    with pytest.raises(SliceRefusedError, match=r"long before the newest one that this gate has.*played again"):
        cache.check(old, at(later))
    for synchronised in (True, False):
        with pytest.raises(SliceRefusedError, match="made at 2026-09-21T14:13:20Z"):
            cache.take(old, at(later, synchronised=synchronised))
    assert (held(cache), cache.followed) == ({}, 0)
    cache.close()
    again = ReferenceCache(tmp_path / "r.db")
    with pytest.raises(SliceRefusedError):
        again.take(old, at(later))
    again.close()


def test_a_collector_whose_clock_had_been_ahead_is_believed_again_when_ours_agrees(tmp_path: Path) -> None:
    cache = ReferenceCache(tmp_path / "r.db")
    cache.take(a_slice(0, 5, made=NOW + YEARS * SECOND), at())
    cache.take(a_slice(5, 6, item("A"), made=NOW + 10 * SECOND), at(10))
    assert (cache.made_unix_ns, cache.age_s(at(11)), held(cache)) == (NOW + 10 * SECOND, 1, {"A": 1})
    cache.close()


def test_a_collector_whose_clock_steps_back_a_little_is_taken_and_makes_nobody_younger(tmp_path: Path) -> None:
    cache = ReferenceCache(tmp_path / "r.db")
    cache.take(a_slice(0, 5), at())
    cache.take(a_slice(5, 6, item("A"), made=NOW - 50 * SECOND), at(1))
    assert (cache.age_s(at(2)), held(cache)) == (2, {"A": 1})
    cache.take(a_slice(6, 7, made=NOW + SECOND), at(61))
    assert cache.age_s(at(62)) == 61, "by the clock that is kept"
    cache.close()


def test_a_clock_that_was_set_while_old_slices_come_is_one_reason_to_fetch_all_and_not_for_ever(tmp_path: Path) -> None:
    cache = ReferenceCache(tmp_path / "r.db")
    cache.take(a_slice(0, 5), at())
    assert cache.take(a_slice(5, 5), at(100, wall_s=YEARS, synchronised=False)).again
    assert not cache.take(a_slice(0, 5), at(101, wall_s=YEARS + 1, synchronised=False)).again
    assert cache.age_s(at(102, wall_s=YEARS + 2, synchronised=False)) == 102
    cache.close()


def test_an_entry_that_cannot_be_read_is_no_slice_of_a_collector(tmp_path: Path) -> None:
    cache = ReferenceCache(tmp_path / "r.db")
    with pytest.raises(SliceRefusedError, match="an entry of 2 bytes in it is no RegisterItem"):
        cache.take(a_slice(0, 5, item("A"), b"\xff\xff"), at())
    assert (held(cache), cache.followed) == ({}, 0)
    cache.close()


def test_what_comes_anew_while_the_one_before_it_expires_is_kept(tmp_path: Path) -> None:
    cache = ReferenceCache(tmp_path / "r.db")
    cache.take(a_slice(0, 1, item("A", expires=NOW + 10)), at())
    taken = cache.take(a_slice(1, 2, item("A", 2, expires=NOW + DAY_NS), made=NOW + SECOND), at(120))
    assert [each and each.version for each in taken.items.values()] == [2]
    assert held(cache) == {"A": 2}
    cache.close()
