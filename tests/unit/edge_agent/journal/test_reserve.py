"""The ballast on the journal's disk."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from types import SimpleNamespace
from typing import NoReturn

import pytest

from edge_agent.journal.reserve import LEAST_BYTES, MOST_BYTES, STEPS, Reserve, default_size

KIB = 1024
SIZE = 64 * KIB


def disk(monkeypatch: pytest.MonkeyPatch, *, free: int, total: int = 1 << 40) -> None:
    """From here on the file system says so; the ballast is not deducted."""
    said = SimpleNamespace(f_frsize=1, f_blocks=total, f_bavail=free)
    monkeypatch.setattr(os, "statvfs", lambda _path: said)


def refuse(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    def fail(*_: object) -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, name, fail)


def test_it_is_made_where_there_is_room_and_takes_its_space(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path / "reserve", SIZE)
    assert (reserve.size, reserve.held) == (SIZE, 0)
    assert reserve.restore()
    assert (tmp_path / "reserve").stat().st_blocks * 512 >= SIZE, "a sparse file would hold no space"
    assert reserve.restore(), "again changes nothing"
    assert reserve.held == SIZE


def test_it_is_given_back_step_by_step_and_the_last_one_for_receipts_alone(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path / "reserve", SIZE)
    reserve.restore()
    for step in range(STEPS - 1):
        assert reserve.held == SIZE - step * SIZE // STEPS
        assert reserve.give()
    assert not reserve.give()
    assert reserve.held == SIZE // STEPS
    assert reserve.give(for_receipt=True)
    assert not reserve.give(for_receipt=True)
    assert reserve.held == 0


def test_what_was_given_grows_back_only_while_twice_the_reserve_stays_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reserve = Reserve(tmp_path / "reserve", SIZE)
    disk(monkeypatch, free=3 * SIZE - 1)
    assert not reserve.restore()
    assert reserve.held == 0
    disk(monkeypatch, free=3 * SIZE)
    assert reserve.restore()
    reserve.give()
    disk(monkeypatch, free=2 * SIZE)
    assert not reserve.restore()
    disk(monkeypatch, free=2 * SIZE + SIZE // STEPS)
    assert reserve.restore()


def test_pictures_are_shed_while_less_than_the_reserve_is_free_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reserve = Reserve(tmp_path / "reserve", SIZE)
    disk(monkeypatch, free=SIZE)
    assert not reserve.is_low
    disk(monkeypatch, free=SIZE - 1)
    assert reserve.is_low


def test_a_disk_that_does_not_answer_is_taken_for_a_full_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reserve = Reserve(tmp_path / "reserve", SIZE)
    reserve.restore()
    refuse(monkeypatch, "statvfs")
    assert reserve.is_low
    reserve.give()
    assert not reserve.restore()


def test_a_disk_too_full_to_shorten_the_ballast_forgets_it_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reserve = Reserve(tmp_path / "reserve", SIZE)
    reserve.restore()
    refuse(monkeypatch, "truncate")
    assert reserve.give()
    assert not (tmp_path / "reserve").exists()


def test_a_disk_that_has_no_room_after_all_gets_another_chance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reserve = Reserve(tmp_path / "reserve", SIZE)
    with monkeypatch.context() as full:
        refuse(full, "posix_fallocate")
        assert not reserve.restore()
    assert reserve.restore()


@pytest.mark.parametrize(
    ("total", "size"),
    [
        (1 << 40, MOST_BYTES),
        (1 << 30, (1 << 30) // 20),
        (100 << 20, LEAST_BYTES),
        (32 << 20, 8 << 20),
    ],
)
def test_its_size_follows_the_file_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, total: int, size: int
) -> None:
    disk(monkeypatch, free=total, total=total)
    assert default_size(tmp_path) == size
    assert Reserve(tmp_path / "reserve").size == size
