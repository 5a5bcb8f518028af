from __future__ import annotations

from typing import Any

import pytest

from edge_agent.model.readings import DeviceState
from edge_agent.status.disk import DiskUse
from edge_agent.status.health import (
    RED,
    SECOND,
    Found,
    Health,
    Level,
    Now,
    Reason,
    Waiting,
    age_s,
    assess,
    since_written_s,
    waited,
)

NOW = Now(unix_ns=1_760_000_000 * SECOND, boot_ns=9000 * SECOND, awake_ns=5000 * SECOND, boot_id="aa")
YEAR = 365 * 86_400 * SECOND


def snapshot(**changes: Any) -> dict[str, Any]:
    """What an agent says that is well, a moment ago."""
    return {
        "running": True,
        "written_unix_ns": NOW.unix_ns,
        "written_boottime_ns": NOW.boot_ns,
        "written_awake_ns": NOW.awake_ns,
        "boot_id": NOW.boot_id,
        "clock": {"date": "2025-10-09", "before_certificate": False},
        "devices": [],
        "journal": {"pending": 0, "imbalance": "", "problem": ""},
        "uplink": {"connected": True, "problem": "", "stalled_s": 0.0},
        "certificate": {"days_left": 60, "life_days": 90},
    } | changes


def journal(**changes: Any) -> dict[str, Any]:
    """A journal that is well: 100 records, all acknowledged but one that was."""
    return {
        "captured": 100,
        "acknowledged": 99,
        "pending": 0,
        "dead_lettered": 1,
        "oldest_pending_age_s": None,
        "days_of_disk_left": None,
    } | changes


def ago(seconds: float) -> dict[str, Any]:
    """What an agent said so long ago, on a machine that was never suspended."""
    span = round(seconds * SECOND)
    return {
        "written_unix_ns": NOW.unix_ns - span,
        "written_boottime_ns": NOW.boot_ns - span,
        "written_awake_ns": NOW.awake_ns - span,
    }


def uplink(**changes: Any) -> dict[str, Any]:
    return {"connected": True, "problem": "", "stalled_s": 0.0} | changes


def judge(
    said: dict[str, Any] | None,
    kept: dict[str, Any] | None,
    *,
    now: Now = NOW,
    disk: DiskUse | None = None,
    **problems: str,
) -> Health:
    return assess(Found(said, kept, disk=disk, **problems), now)


def codes(health: Health) -> list[str]:
    return [reason.code for reason in health.reasons]


def test_a_gate_on_which_nothing_speaks_is_healthy() -> None:
    assert judge(snapshot(), journal()) == Health(Level.HEALTHY, ())


def test_levels_are_exit_codes() -> None:
    assert [int(level) for level in (Level.HEALTHY, Level.DEGRADED, Level.DOWN)] == [0, 1, 2]


# --- down -----------------------------------------------------------------------------------------------------------


def test_without_a_snapshot_the_agent_never_ran_and_a_missing_journal_is_no_surprise() -> None:
    assert judge(None, None) == Health(Level.DOWN, (Reason("agent-never-ran", {}),))


def test_an_agent_that_said_goodbye_was_stopped() -> None:
    said = snapshot(running=False, **ago(3700))
    assert judge(said, journal()) == Health(Level.DOWN, (Reason("agent-stopped", {"age_s": 3700}),))


def test_an_agent_is_silent_only_after_more_than_five_seconds() -> None:
    assert judge(snapshot(**ago(5)), journal()).level is Level.HEALTHY
    late = judge(snapshot(**ago(5.001)), journal())
    assert late == Health(Level.DOWN, (Reason("agent-silent", {"age_s": 5}),))


@pytest.mark.parametrize("jump", [-10 * YEAR, 10 * YEAR, -NOW.unix_ns, -6 * SECOND, 6 * SECOND])
def test_a_wall_clock_that_was_set_makes_no_agent_silent_and_nothing_old(jump: int) -> None:
    now = Now(NOW.unix_ns + jump, NOW.boot_ns, NOW.awake_ns, NOW.boot_id)
    assert judge(snapshot(**ago(1)), journal(), now=now) == Health(Level.HEALTHY, ())
    assert since_written_s(snapshot(**ago(1)), now) == 1


def test_hours_of_suspension_are_no_silence_and_are_part_of_an_age() -> None:
    woken = Now(NOW.unix_ns + 3 * 3600 * SECOND, NOW.boot_ns + 3 * 3600 * SECOND, NOW.awake_ns + SECOND, NOW.boot_id)
    assert judge(snapshot(), journal(), now=woken).level is Level.HEALTHY
    stopped = judge(snapshot(running=False), journal(), now=woken)
    assert stopped.reasons == (Reason("agent-stopped", {"age_s": 3 * 3600}),)


def test_what_an_agent_said_before_the_machine_was_switched_on_again_is_silence() -> None:
    booted = Now(0, 20 * SECOND, 20 * SECOND, "bb")
    assert judge(snapshot(), journal(), now=booted).reasons == (Reason("agent-silent", {"age_s": 20}),)


def test_a_status_nobody_can_read_is_down_with_the_cause() -> None:
    health = judge(None, None, snapshot_problem="Permission denied", journal_problem="Permission denied")
    assert health.level is Level.DOWN
    assert health.reasons == (
        Reason("status-unreadable", {"text": "Permission denied"}),
        Reason("journal-unreadable", {"text": "Permission denied"}),
    )


def test_an_agent_that_is_down_is_not_blamed_for_what_it_said_before() -> None:
    said = snapshot(
        running=False,
        devices=[{"id": "scale-1", "state": "silent", "text": ""}],
        uplink=uplink(connected=False, problem="refused"),
        certificate={"days_left": 0, "life_days": 90},
    )
    assert codes(judge(said, journal(days_of_disk_left=0.1))) == ["agent-stopped"]


def test_what_waits_in_the_journal_of_an_agent_that_is_down_is_told() -> None:
    kept = journal(acknowledged=96, pending=3, oldest_pending_age_s=61)
    assert judge(snapshot(running=False), kept).reasons[1] == Reason("backlog", {"pending": 3, "age_s": 61})
    assert codes(judge(None, kept)) == ["agent-never-ran", "backlog"]


# --- degraded -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "state", [state for state in DeviceState if state not in (DeviceState.OK, DeviceState.STARTING)]
)
def test_a_device_with_a_fault_degrades_the_gate_and_is_named_with_its_cause(state: DeviceState) -> None:
    health = judge(snapshot(devices=[{"id": "scale-1", "state": state.value, "text": "Plug it in"}]), journal())
    reason = Reason(f"device-{state.value}", {"device": "scale-1", "text": "Plug it in"})
    assert health == Health(Level.DEGRADED, (reason,))


def test_a_camera_that_nothing_has_passed_yet_stays_starting_and_is_no_fault() -> None:
    said = snapshot(devices=[{"id": "plate-1", "state": "starting", "text": "no push yet"}, {"id": "s", "state": "ok"}])
    assert judge(said, journal()).level is Level.HEALTHY


def test_a_gate_without_its_collector_is_degraded_not_down() -> None:
    health = judge(snapshot(uplink=uplink(connected=False, problem="nobody listens there")), journal())
    assert health == Health(Level.DEGRADED, (Reason("uplink-down", {"text": "nobody listens there"}),))


def test_records_may_wait_for_a_minute_and_no_longer() -> None:
    kept = journal(captured=105, pending=5, oldest_pending_age_s=60)
    assert judge(snapshot(), kept).level is Level.HEALTHY
    kept["oldest_pending_age_s"] += 1
    assert judge(snapshot(), kept) == Health(Level.DEGRADED, (Reason("backlog", {"pending": 5, "age_s": 61}),))


def test_pending_records_of_unknown_age_are_not_called_old() -> None:
    assert judge(snapshot(), journal(captured=105, pending=5)).level is Level.HEALTHY


@pytest.mark.parametrize(
    ("life_days", "last_good"),
    [(90, 10), (60, 10), (30, 5), (7, 1), (2, 0), (1, 0)],
)
def test_a_certificate_is_a_worry_only_when_its_renewal_is_overdue(life_days: int, last_good: int) -> None:
    good = snapshot(certificate={"days_left": last_good, "life_days": life_days})
    assert judge(good, journal()).level is Level.HEALTHY
    late = judge(snapshot(certificate={"days_left": last_good - 1, "life_days": life_days}), journal())
    assert late.level is Level.DEGRADED


def test_a_certificate_that_ended_is_told_as_that() -> None:
    certificate = {"days_left": 0, "life_days": 90}
    assert codes(judge(snapshot(certificate=certificate), journal())) == ["certificate"]
    certificate = {"days_left": -3, "life_days": 90}
    assert judge(snapshot(certificate=certificate), journal()).reasons == (
        Reason("certificate-ended", {"days": 3, "date": "2025-10-09"}),
    )


def test_fewer_than_two_days_of_disk_degrade_a_running_gate() -> None:
    assert judge(snapshot(), journal(days_of_disk_left=2.0)).level is Level.HEALTHY
    health = judge(snapshot(), journal(days_of_disk_left=1.9))
    assert health == Health(Level.DEGRADED, (Reason("disk", {"days": 1.9}),))


@pytest.mark.parametrize(
    ("used", "free", "reserve", "codes_told"),
    [
        (79, 21, 5, []),
        (80, 20, 5, ["disk-80"]),
        (94, 6, 5, ["disk-80"]),
        (95, 5, 5, ["disk-95"]),
        (100, 0, 5, ["disk-95"]),  # the journal still has its reserve
        (100, 0, 0, ["disk-full"]),
    ],
)
def test_a_disk_turns_health_red_at_80_95_and_100_percent(
    used: int, free: int, reserve: int, codes_told: list[str]
) -> None:
    megabyte = 1_000_000
    disk = DiskUse(used * megabyte, free * megabyte, reserve * megabyte)
    health = judge(snapshot(), journal(days_of_disk_left=0.1) if codes_told else journal(), disk=disk)
    assert codes(health) == codes_told
    assert health.red == bool(codes_told)
    assert codes(judge(snapshot(running=False), journal(), disk=disk)) == ["agent-stopped", *codes_told]


@pytest.mark.parametrize(
    "counts",
    [{"captured": 101}, {"captured": 99}, {"acknowledged": -1, "dead_lettered": 101}, {"pending": -1, "captured": 99}],
)
def test_a_journal_that_does_not_balance_is_told_with_its_counts(counts: dict[str, int]) -> None:
    kept = journal(**counts)
    health = judge(snapshot(), kept)
    text = (
        f"{kept['captured']} captured are not {kept['acknowledged']} + {kept['pending']} + {kept['dead_lettered']} "
        "acknowledged, pending, dead-lettered"
    )
    assert health == Health(Level.DEGRADED, (Reason("imbalance", {"text": text}),))
    assert health.red


def test_a_breach_that_the_agent_found_is_told_though_the_counts_in_the_file_fit() -> None:
    said = snapshot(journal={"pending": 0, "problem": "", "imbalance": "captured went back from 9 to 8"})
    assert judge(said, journal()).reasons == (Reason("imbalance", {"text": "captured went back from 9 to 8"}),)


def test_a_running_agent_without_a_journal_is_told_and_one_that_cannot_be_read_with_the_cause() -> None:
    assert judge(snapshot(), None) == Health(Level.DEGRADED, (Reason("journal-missing", {}),))
    unreadable = judge(snapshot(), None, journal_problem="file is not a database")
    assert unreadable == Health(Level.DEGRADED, (Reason("journal-unreadable", {"text": "file is not a database"}),))


def test_all_that_is_wrong_is_told_devices_first() -> None:
    said = snapshot(
        devices=[{"id": "scale-1", "state": "silent", "text": ""}, {"id": "scale-2", "state": "babbling", "text": ""}],
        uplink=uplink(connected=False, problem="x"),
        certificate={"days_left": 1, "life_days": 90},
    )
    assert codes(judge(said, journal(days_of_disk_left=1.0))) == [
        "device-silent",
        "device-babbling",
        "uplink-down",
        "disk",
        "certificate",
    ]


def test_a_journal_that_cannot_be_written_is_red_whatever_the_disk_looks_like() -> None:
    said = snapshot(journal={"pending": 0, "imbalance": "", "problem": "disk I/O error"})
    health = judge(said, journal())
    assert health == Health(Level.DEGRADED, (Reason("journal-not-written", {"text": "disk I/O error"}),))
    assert health.red


# --- progress -------------------------------------------------------------------------------------------------------


def test_a_backlog_that_gets_no_receipt_for_more_than_a_minute_is_red_even_while_connected() -> None:
    kept = journal(captured=105, pending=5, oldest_pending_age_s=300)
    moves = snapshot(journal={"pending": 5, "imbalance": "", "problem": ""}, uplink=uplink(stalled_s=60.0))
    slow = judge(moves, kept)
    assert (codes(slow), slow.red) == (["backlog"], False)
    stands = judge({**moves, "uplink": uplink(stalled_s=60.5)}, kept)
    assert stands == Health(Level.DEGRADED, (Reason("no-progress", {"pending": 5, "age_s": 60}),))
    assert stands.red


def test_waiting_is_counted_from_the_last_receipt_and_only_while_something_waits() -> None:
    waiting = Waiting()
    for _ in range(10):
        waiting = waited(waiting, receipted=0, pending=3, step_s=0.5)
    assert waiting.seconds == 5.0
    assert waited(waiting, receipted=1, pending=2, step_s=0.5) == Waiting(1, 0.0)
    assert waited(waiting, receipted=0, pending=0, step_s=0.5) == Waiting(0, 0.0)


def test_a_night_of_suspension_is_no_waiting() -> None:
    assert waited(Waiting(7, 3.0), receipted=7, pending=1, step_s=9 * 3600.0) == Waiting(7, 8.0)
    assert waited(Waiting(7, 3.0), receipted=7, pending=1, step_s=-1.0) == Waiting(7, 3.0)


# --- the clock ------------------------------------------------------------------------------------------------------


def test_a_clock_that_cannot_be_right_is_told_with_what_it_says() -> None:
    said = snapshot(clock={"date": "1970-01-01", "before_certificate": True})
    health = judge(said, journal())
    assert health == Health(Level.DEGRADED, (Reason("clock-wrong", {"date": "1970-01-01"}),))
    assert health.red


def test_every_red_reason_is_one_that_is_given() -> None:
    from edge_agent.status.words import REASONS

    assert set(REASONS) > RED


# --- ages -----------------------------------------------------------------------------------------------------------


def test_an_age_is_whole_seconds_and_never_negative() -> None:
    now = NOW.unix_ns
    assert age_s(now - 1_999_999_999, now) == 1
    assert age_s(now + SECOND, now) == 0
    assert age_s(None, now) is None
