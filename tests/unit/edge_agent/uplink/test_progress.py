"""Does the uplink get on?"""

from __future__ import annotations

from edge_agent.model.moment import SECOND, Moment, MonoNs, WallNs
from edge_agent.uplink.progress import NO_PROGRESS_S, Progress, UplinkState


def at(seconds: float) -> Moment:
    return Moment(
        WallNs(1_800_000_000 * SECOND + int(seconds * SECOND)), MonoNs(int(seconds * SECOND)), b"b" * 16, True
    )


def wall(seconds: float) -> int:
    return at(seconds).wall


def test_at_first_it_is_not_connected_and_nothing_is_known() -> None:
    state = Progress(10, at(0)).state(10, 0, at(1))
    assert state == UplinkState(problem="not connected yet")
    assert not state.no_progress


def test_it_says_since_when_it_is_connected_or_not() -> None:
    progress = Progress(0, at(0))
    progress.connected(at(1))
    state = progress.state(0, 0, at(5))
    assert (state.connected, state.problem, state.since_unix_ns) == (True, "", wall(1))
    progress.disconnected("nobody listens", at(6))
    progress.disconnected("no route", at(7))
    state = progress.state(0, 0, at(8))
    assert (state.connected, state.problem, state.since_unix_ns) == (False, "no route", wall(6))


def test_a_backlog_without_progress_for_a_minute_is_red_though_the_line_is_up() -> None:
    progress = Progress(100, at(0))
    progress.connected(at(1))
    assert not progress.state(150, 0, at(59)).no_progress
    assert progress.state(150, 0, at(NO_PROGRESS_S)).no_progress
    progress.receipt(100, at(61))
    assert progress.state(150, 0, at(62)).no_progress, "a receipt that covers nothing new is no progress"
    progress.receipt(101, at(63))
    state = progress.state(150, 0, at(64))
    assert (state.no_progress, state.stalled_s, state.backlog, state.last_receipt_unix_ns) == (False, 1.0, 49, wall(63))


def test_a_record_that_comes_after_hours_of_quiet_has_its_minute() -> None:
    progress = Progress(100, at(0))
    for hour in range(1, 9):
        assert progress.state(100, 0, at(3600 * hour)).stalled_s == 0.0
    assert progress.state(101, 0, at(3600 * 8 + 30)).stalled_s == 30.0


def test_a_clock_that_jumps_ten_years_stalls_nothing() -> None:
    progress = Progress(100, at(0))
    later = at(5)
    jumped = Moment(WallNs(later.wall + 10 * 365 * 86_400 * SECOND), later.mono, later.boot_id, False)
    assert progress.state(101, 0, jumped).stalled_s == 5.0


def test_the_rate_is_of_the_last_seconds() -> None:
    progress = Progress(0, at(0))
    for tick in range(1, 301):
        progress.receipt(100 * tick, at(tick / 10))
    assert 990 <= progress.state(50_000, 0, at(30)).records_per_s <= 1010
    assert progress.state(50_000, 0, at(35)).records_per_s < 700
    assert progress.state(50_000, 0, at(50)).records_per_s == 0.0


def test_one_receipt_is_no_rate() -> None:
    progress = Progress(0, at(0))
    progress.receipt(10, at(1))
    assert progress.state(10, 0, at(1)).records_per_s == 0.0


def test_a_collector_that_lost_records_is_behind_until_it_has_them_again() -> None:
    progress = Progress(100, at(0))
    progress.lost(40)
    state = progress.state(110, 3, at(1))
    assert (state.collector_behind, state.backlog, state.live_waiting) == (60, 70, 3)
    progress.receipt(99, at(2))
    assert progress.behind
    progress.receipt(105, at(3))
    assert not progress.behind
    assert progress.state(110, 0, at(4)).collector_behind == 0


def test_the_snapshot_shows_every_attribute_by_name() -> None:
    shown = Progress(0, at(0)).state(1, 2, at(90)).as_dict()
    assert shown == {
        "connected": False,
        "problem": "not connected yet",
        "since_unix_ns": None,
        "last_receipt_unix_ns": None,
        "backlog": 1,
        "records_per_s": 0.0,
        "stalled_s": 90.0,
        "collector_behind": 0,
        "live_waiting": 2,
        "sent": {"batches": 0, "live": 0, "evidence": 0},
        "no_progress": True,
    }
