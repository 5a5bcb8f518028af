"""The machine's clocks."""

from __future__ import annotations

import time
from pathlib import Path

from edge_agent.clock import SystemClock


def test_a_moment_is_now_by_both_clocks_and_of_this_boot() -> None:
    before = time.time_ns(), time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    moment = SystemClock()()
    after = time.time_ns(), time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    assert before[0] <= moment.wall <= after[0]
    assert before[1] <= moment.mono <= after[1]
    boot_id = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    assert moment.boot_id.hex() == boot_id.replace("-", "")


def test_an_error_bound_is_given_only_by_a_synchronised_clock() -> None:
    moment = SystemClock()()
    assert (moment.error_bound_ns is not None) == moment.synchronised


def test_moments_of_one_boot_are_compared_by_the_monotonic_clock() -> None:
    clock = SystemClock()
    first, second = clock(), clock()
    assert second.seconds_since(first) == (second.mono - first.mono) / 1e9
