from __future__ import annotations

import os
from pathlib import Path

import pytest

from edge_agent.status.disk import LEAST_BYTES, RESERVE, DiskUse, disk_use

MB = 1_000_000


def test_percent_is_of_what_this_user_may_have_rounded_down() -> None:
    assert DiskUse(799, 201, 0).percent == 79
    assert DiskUse(0, 0, 0).percent == 0


@pytest.mark.parametrize(
    ("disk", "level", "alarm"),
    [
        (DiskUse(799 * MB, 201 * MB, 0), 0, ""),
        (DiskUse(800 * MB, 200 * MB, 0), 80, "disk-80"),
        (DiskUse(949 * MB, 51 * MB, 0), 80, "disk-80"),
        (DiskUse(950 * MB, 50 * MB, 0), 95, "disk-95"),
        (DiskUse(1000 * MB, 0, LEAST_BYTES), 95, "disk-95"),
        (DiskUse(1000 * MB, LEAST_BYTES - 1, 0), 100, "disk-full"),
        (DiskUse(1000 * MB, 0, LEAST_BYTES - 1), 100, "disk-full"),
    ],
)
def test_levels_are_reached_at_their_percentage_and_100_when_nothing_more_fits(
    disk: DiskUse, level: int, alarm: str
) -> None:
    assert (disk.level, disk.alarm) == (level, alarm)


def test_the_disk_of_a_directory_is_asked_with_its_reserve(tmp_path: Path) -> None:
    (tmp_path / RESERVE).write_bytes(os.urandom(300_000))
    disk = disk_use(tmp_path)
    assert disk is not None
    system = os.statvfs(tmp_path)
    assert abs(disk.free_bytes - system.f_bavail * system.f_frsize) < 2_000 * MB, "others write to this disk, too"
    assert disk.used_bytes > 0
    assert 0 <= disk.reserve_bytes <= 400_000


def test_a_directory_that_is_not_there_has_no_disk(tmp_path: Path) -> None:
    assert disk_use(tmp_path / "not-there") is None
