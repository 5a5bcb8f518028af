"""Nothing ends by a clock that jumped."""

from __future__ import annotations

from dataclasses import replace

from collector.privacy.steady_clock import DAY, SECOND, WEEK, Instant, Steadiness, look

HOUR = 3600 * SECOND
START = Instant(1_772_337_600 * SECOND, 5 * HOUR, "boot-1")


def later(instant: Instant, lasted_ns: int, jump_ns: int = 0) -> Instant:
    return replace(instant, wall_ns=instant.wall_ns + lasted_ns + jump_ns, boot_ns=instant.boot_ns + lasted_ns)


def watched(clock: Steadiness | None, start: Instant, hours: int) -> Steadiness:
    """Looked at every hour, `hours` times."""
    for hour in range(hours):
        clock = look(clock, later(start, hour * HOUR))
    assert clock is not None
    return clock


def test_a_clock_is_believed_after_a_day_without_a_jump() -> None:
    clock = watched(None, START, 24)
    assert not clock.believed
    assert clock.left_ns == HOUR
    assert look(clock, later(clock.seen, HOUR)).believed


def test_a_clock_that_was_set_is_believed_a_day_later_and_one_set_far_a_week_later() -> None:
    steady = watched(None, START, 26)
    for jump, wait in ((2 * HOUR, DAY), (-2 * HOUR, DAY), (3650 * DAY, WEEK), (-3650 * DAY, WEEK)):
        clock = look(steady, later(steady.seen, HOUR, jump))
        assert clock.left_ns == wait
        assert not watched(clock, clock.seen, wait // HOUR).believed
        assert watched(clock, clock.seen, wait // HOUR + 1).believed


def test_a_small_step_is_no_jump_and_the_way_back_shortens_no_wait() -> None:
    steady = watched(None, START, 26)
    assert look(steady, later(steady.seen, HOUR, 59 * SECOND)).believed
    ahead = look(steady, later(steady.seen, HOUR, 3650 * DAY))
    back = look(ahead, later(ahead.seen, HOUR, -HOUR))
    assert back.left_ns == WEEK


def test_a_restart_goes_on_when_the_machine_was_off_for_up_to_a_day() -> None:
    steady = watched(None, START, 26)
    off = Instant(steady.seen.wall_ns + 10 * HOUR, HOUR, "boot-2")
    assert look(steady, off).believed
    assert look(steady, off).steady_ns == steady.steady_ns + HOUR
    for wall in (2 * DAY, -HOUR, -3650 * DAY):
        assert not look(steady, replace(off, wall_ns=steady.seen.wall_ns + wall)).believed
