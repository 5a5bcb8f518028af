from __future__ import annotations

from typing import Any

import pytest

from edge_agent.model.readings import DeviceState
from edge_agent.status.health import DISK_FREE_BYTES, SECOND, Found, Health, Level, Reason, age_s, assess

NOW = 1_760_000_000 * SECOND


def snapshot(**changes: Any) -> dict[str, Any]:
    """What an agent says that is well, a moment ago."""
    return {
        "running": True,
        "written_unix_ns": NOW,
        "devices": [],
        "uplink": {"connected": True, "problem": ""},
        "certificate": {"days_left": 60, "life_days": 90},
    } | changes


def journal(**changes: Any) -> dict[str, Any]:
    """A journal that is well: 100 records, all acknowledged but one that was."""
    return {
        "captured": 100,
        "acknowledged": 99,
        "pending": 0,
        "dead_lettered": 1,
        "oldest_pending_unix_ns": None,
        "disk_free_bytes": 10**12,
        "days_of_disk_left": None,
    } | changes


def judge(said: dict[str, Any] | None, kept: dict[str, Any] | None, **problems: str) -> Health:
    return assess(Found(said, kept, **problems), NOW)


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
    said = snapshot(running=False, written_unix_ns=NOW - 3700 * SECOND)
    assert judge(said, journal()) == Health(Level.DOWN, (Reason("agent-stopped", {"age_s": 3700}),))


def test_an_agent_is_silent_only_after_more_than_five_seconds() -> None:
    assert judge(snapshot(written_unix_ns=NOW - 5 * SECOND), journal()).level is Level.HEALTHY
    late = judge(snapshot(written_unix_ns=NOW - 5 * SECOND - 1), journal())
    assert late == Health(Level.DOWN, (Reason("agent-silent", {"age_s": 5}),))


def test_a_snapshot_from_the_future_is_as_stale_as_an_old_one() -> None:
    assert judge(snapshot(written_unix_ns=NOW + 5 * SECOND), journal()).level is Level.HEALTHY
    assert codes(judge(snapshot(written_unix_ns=NOW + 6 * SECOND), journal())) == ["agent-silent"]


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
        uplink={"connected": False, "problem": "refused"},
        certificate={"days_left": 0, "life_days": 90},
    )
    assert codes(judge(said, journal(days_of_disk_left=0.1))) == ["agent-stopped"]


def test_what_waits_in_the_journal_of_an_agent_that_is_down_is_told() -> None:
    kept = journal(acknowledged=96, pending=3, oldest_pending_unix_ns=NOW - 61 * SECOND)
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
    health = judge(snapshot(uplink={"connected": False, "problem": "nobody listens there"}), journal())
    assert health == Health(Level.DEGRADED, (Reason("uplink-down", {"text": "nobody listens there"}),))


def test_records_may_wait_for_a_minute_and_no_longer() -> None:
    kept = journal(captured=105, pending=5, oldest_pending_unix_ns=NOW - 60 * SECOND)
    assert judge(snapshot(), kept).level is Level.HEALTHY
    kept["oldest_pending_unix_ns"] -= SECOND
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
    assert judge(snapshot(certificate=certificate), journal()).reasons == (Reason("certificate-ended", {"days": 3}),)


def test_fewer_than_two_days_of_disk_degrade_a_running_gate() -> None:
    assert judge(snapshot(), journal(days_of_disk_left=2.0)).level is Level.HEALTHY
    health = judge(snapshot(), journal(days_of_disk_left=1.9))
    assert health == Health(Level.DEGRADED, (Reason("disk", {"days": 1.9}),))


def test_a_disk_that_is_nearly_full_is_told_once_whether_the_agent_runs_or_not() -> None:
    assert judge(snapshot(), journal(disk_free_bytes=DISK_FREE_BYTES)).level is Level.HEALTHY
    kept = journal(disk_free_bytes=DISK_FREE_BYTES - 1, days_of_disk_left=0.0)
    assert judge(snapshot(), kept).reasons == (Reason("disk-full", {"megabytes": 199}),)
    assert codes(judge(snapshot(running=False), kept)) == ["agent-stopped", "disk-full"]


@pytest.mark.parametrize(
    "counts",
    [{"captured": 101}, {"captured": 99}, {"acknowledged": -1, "dead_lettered": 101}, {"pending": -1, "captured": 99}],
)
def test_a_journal_that_does_not_balance_is_told_with_its_counts(counts: dict[str, int]) -> None:
    kept = journal(**counts)
    health = judge(snapshot(), kept)
    expected = {name: kept[name] for name in ("captured", "acknowledged", "pending", "dead_lettered")}
    assert health == Health(Level.DEGRADED, (Reason("imbalance", expected),))


def test_a_running_agent_without_a_journal_is_told_and_one_that_cannot_be_read_with_the_cause() -> None:
    assert judge(snapshot(), None) == Health(Level.DEGRADED, (Reason("journal-missing", {}),))
    unreadable = judge(snapshot(), None, journal_problem="file is not a database")
    assert unreadable == Health(Level.DEGRADED, (Reason("journal-unreadable", {"text": "file is not a database"}),))


def test_all_that_is_wrong_is_told_devices_first() -> None:
    said = snapshot(
        devices=[{"id": "scale-1", "state": "silent", "text": ""}, {"id": "scale-2", "state": "babbling", "text": ""}],
        uplink={"connected": False, "problem": "x"},
        certificate={"days_left": 1, "life_days": 90},
    )
    assert codes(judge(said, journal(days_of_disk_left=1.0))) == [
        "device-silent",
        "device-babbling",
        "uplink-down",
        "disk",
        "certificate",
    ]


# --- ages -----------------------------------------------------------------------------------------------------------


def test_an_age_is_whole_seconds_and_never_negative() -> None:
    assert age_s(NOW - 1_999_999_999, NOW) == 1
    assert age_s(NOW + SECOND, NOW) == 0
    assert age_s(None, NOW) is None
