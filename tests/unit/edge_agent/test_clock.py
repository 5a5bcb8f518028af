"""The machine's clocks."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from edge_agent.clock import Kernel, Opinion, SystemClock
from edge_agent.model.moment import SECOND
from edge_agent.model.wire import stamp_of
from gate_contract.v1.stamp_pb2 import CLOCK_STATE_SYNCHRONISED, CLOCK_STATE_UNSYNCHRONISED

MILLISECOND = 1_000_000
YEAR = 365 * 86_400 * SECOND


class Machine(Kernel):
    """Clocks that a test sets."""

    def __init__(self) -> None:
        self.wall, self.boot, self.awake = 1_760_000_000 * SECOND, 100 * SECOND, 100 * SECOND
        self.synchronised, self.max_error_ns, self.asked = True, 20 * MILLISECOND, 0

    def wall_ns(self) -> int:
        return self.wall

    def boot_ns(self) -> int:
        return self.boot

    def awake_ns(self) -> int:
        return self.awake

    def opinion(self) -> Opinion:
        self.asked += 1
        return Opinion(self.synchronised, self.max_error_ns)

    def run(self, seconds: float, *, smear: float = 0.0) -> None:
        """Time goes by; the bound grows as the kernel lets it, by 500 µs a second."""
        span = round(seconds * SECOND)
        self.wall += span + round(span * smear)
        self.boot += span
        self.awake += span
        self.max_error_ns += round(seconds * 500_000)

    def suspend(self, seconds: float) -> None:
        """As `run`, asleep."""
        span = round(seconds * SECOND)
        self.wall += span
        self.boot += span

    def set(self, wall: int) -> None:
        """As settimeofday(2) does: the kernel no longer holds the clock to be synchronised."""
        self.wall, self.synchronised = wall, False

    def discipline(self) -> None:
        """The time service has spoken."""
        self.synchronised, self.max_error_ns = True, 3 * MILLISECOND


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


def test_the_kernel_is_asked_for_its_opinion_once_a_second() -> None:
    machine = Machine()
    clock = SystemClock(machine)
    for _ in range(100):
        clock()
        machine.run(0.05)
    assert machine.asked == 5


@pytest.mark.parametrize("says", [0, 1_760_000_000 * SECOND - 10 * YEAR, 1_760_000_000 * SECOND + 10 * YEAR, 1 << 62])
def test_a_clock_that_was_set_is_worth_nothing_from_the_same_moment_on_and_order_holds(says: int) -> None:
    machine = Machine()
    clock = SystemClock(machine)
    before = clock()
    assert (before.synchronised, before.error_bound_ns) == (True, 20 * MILLISECOND)
    machine.run(0.01)
    machine.set(says)
    after = clock()
    assert (after.wall, after.synchronised, after.error_bound_ns) == (says, False, None)
    assert after.seconds_since(before) == 0.01
    stamp = stamp_of(after)
    assert (stamp.clock, stamp.HasField("error_bound_ns"), stamp.wall_unix_ns) == (
        CLOCK_STATE_UNSYNCHRONISED,
        False,
        says,
    )


def test_2038_is_a_day_like_any_other() -> None:
    machine = Machine()
    machine.wall = (2**31 - 1) * SECOND
    clock = SystemClock(machine)
    before = clock()
    machine.run(2)
    after = clock()
    assert after.wall > 2**31 * SECOND > before.wall
    assert (after.seconds_since(before), after.synchronised) == (2.0, True)
    assert stamp_of(after).wall_unix_ns == after.wall


@pytest.mark.parametrize("rate", [1 / 86_400, -1 / 86_400, 1 / 2000])
def test_a_leap_second_that_is_smeared_is_no_step(rate: float) -> None:
    """Smears run over 10 to 24 hours; the kernel slews by 500 ppm at most."""
    machine = Machine()
    clock = SystemClock(machine)
    for _ in range(1000):
        machine.run(0.5, smear=rate)
        assert clock().synchronised
    assert machine.asked == 500, "not once more than a second"


def test_a_leap_second_that_the_kernel_inserts_is_a_step_and_harms_nothing() -> None:
    machine = Machine()
    clock = SystemClock(machine)
    before = clock()
    machine.run(0.5)
    machine.wall -= SECOND
    after = clock()
    assert (after.seconds_since(before), after.synchronised) == (0.5, True), "the kernel stays synchronised over it"
    assert machine.asked == 2


def test_after_a_suspension_a_clock_is_worth_nothing_until_its_time_service_has_spoken() -> None:
    machine = Machine()
    clock = SystemClock(machine)
    before = clock()
    machine.suspend(8 * 3600)
    woken = clock()
    assert woken.seconds_since(before) == 8 * 3600
    assert (woken.synchronised, woken.error_bound_ns) == (False, None)
    machine.run(600)
    assert not clock().synchronised, "the kernel's own bound only grows"
    machine.run(2)
    machine.discipline()
    again = clock()
    assert (again.synchronised, again.error_bound_ns) == (True, 3 * MILLISECOND)
    assert stamp_of(again).clock == CLOCK_STATE_SYNCHRONISED


def test_a_machine_that_is_only_busy_was_not_suspended() -> None:
    machine = Machine()
    clock = SystemClock(machine)
    clock()
    machine.run(3600)
    assert clock().synchronised
