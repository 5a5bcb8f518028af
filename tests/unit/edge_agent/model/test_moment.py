"""Time between two moments."""

from __future__ import annotations

from edge_agent.model.moment import SECOND, Moment, MonoNs, WallNs


def moment(wall_s: float, mono_s: float, boot: bytes = b"a") -> Moment:
    return Moment(WallNs(round(wall_s * SECOND)), MonoNs(round(mono_s * SECOND)), boot * 16, synchronised=False)


def test_within_one_boot_a_clock_that_is_set_changes_nothing() -> None:
    assert moment(5_000, 12).seconds_since(moment(90_000, 10)) == 2


def test_across_boots_the_wall_clock_is_all_there_is() -> None:
    assert moment(1_000_100, 30, b"b").seconds_since(moment(1_000_000, 9_000)) == 100


def test_a_machine_that_boots_in_1970_knows_that_its_boot_was_after_what_it_remembers() -> None:
    assert moment(45, 45, b"b").seconds_since(moment(1_790_000_000, 9_000)) == 45
