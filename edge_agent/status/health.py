"""Is the gate well? (what was found, time) -> level and reasons. Pure; standard library only.

Ages are taken from clocks that nobody sets: the wall clock of a gate may say 1970, or jump by ten years.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from edge_agent.status.disk import DiskUse

SECOND = 1_000_000_000

STALE_S = 5
"""The agent writes its snapshot twice a second; one that is older was left by an agent that died or hangs."""

STALLED_S = 60
"""Records that wait while no receipt comes for so long do not go up, whatever the connection seems to be."""

OLDEST_PENDING_S = 60
DISK_DAYS = 2.0

CERTIFICATE_DAYS = 10
CERTIFICATE_SHARE = 6
"""A certificate is renewed in the last third of its life: in the last sixth something keeps it from being."""

RED = frozenset(
    {
        "agent-never-ran",
        "agent-stopped",
        "agent-silent",
        "status-unreadable",
        "journal-missing",
        "journal-unreadable",
        "journal-not-written",
        "imbalance",
        "no-progress",
        "disk-80",
        "disk-95",
        "disk-full",
        "clock-wrong",
        "certificate-ended",
    }
)
"""Reasons that nobody may wait with: capture, or what was captured, is in danger, or it cannot be told."""


class Level(IntEnum):
    """How the gate is; the value is gatectl's exit code."""

    HEALTHY = 0
    DEGRADED = 1
    DOWN = 2


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a gate is not healthy: a stable code, and the values its sentence is made with."""

    code: str
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Health:
    """A level and everything that speaks against a better one."""

    level: Level
    reasons: tuple[Reason, ...]

    @property
    def red(self) -> bool:
        """Whether one of the reasons is RED."""
        return any(reason.code in RED for reason in self.reasons)


@dataclass(frozen=True, slots=True)
class Now:
    """This moment by the machine's clocks.

    Attributes:
        unix_ns: wall clock.
        boot_ns: CLOCK_BOOTTIME: since the boot, nanoseconds; nobody sets it, and it goes on while suspended.
        awake_ns: CLOCK_MONOTONIC: the same without the time suspended.
        boot_id: which boot, hexadecimal; the two are comparable only within one.
    """

    unix_ns: int
    boot_ns: int
    awake_ns: int
    boot_id: str


@dataclass(frozen=True, slots=True)
class Found:
    """What there is to judge.

    Attributes:
        snapshot: the agent's last words about itself; None when there are none.
        snapshot_problem: why they cannot be read; empty when they can, or when there are none.
        journal: the journal's balance with `oldest_pending_age_s`; None when there is no journal.
        journal_problem: why it cannot be read; empty when it can, or when there is none.
        disk: the journal's disk; None when it cannot be asked.
    """

    snapshot: dict[str, Any] | None
    journal: dict[str, Any] | None
    snapshot_problem: str = ""
    journal_problem: str = ""
    disk: DiskUse | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """How long records wait without a receipt: `receipted` records had one when it was last looked, `seconds` since."""

    receipted: int = 0
    seconds: float = 0.0


def waited(before: Waiting, *, receipted: int, pending: int, step_s: float) -> Waiting:
    """One look further: `step_s` after the last one, `receipted` records have a receipt and `pending` have none.

    Of a step only STALE_S count: in a longer one the machine was suspended or the agent did not run.
    """
    if pending <= 0 or receipted != before.receipted:
        return Waiting(receipted)
    return Waiting(receipted, before.seconds + min(max(step_s, 0.0), STALE_S))


def assess(found: Found, now: Now) -> Health:
    """Judge a gate. Down: its agent does not work, or nobody can say. Degraded: it works, and something is wrong."""
    down = list(_why_down(found, now))
    reasons = [*_journal(found, running=not down), *_disk(found, running=not down)]
    if found.snapshot is None or down:
        return Health(Level.DOWN, (*down, *reasons, *_backlog(found.journal)))
    reasons = [
        *_devices(found.snapshot),
        *_not_written(found.snapshot),
        *_clock(found.snapshot),
        *_connection(found.snapshot),
        *reasons,
        *(_stalled(found.snapshot) or _backlog(found.journal)),
        *_certificate(found.snapshot),
    ]
    return Health(Level.DEGRADED if reasons else Level.HEALTHY, tuple(reasons))


def age_s(unix_ns: int | None, now_unix_ns: int) -> int | None:
    """Whole seconds since, by the wall clock; None when it never was. A clock that was set back gives 0."""
    return None if unix_ns is None else max(0, (now_unix_ns - unix_ns) // SECOND)


def since_written_s(snapshot: dict[str, Any], now: Now) -> int:
    """Whole seconds since the snapshot was written; by the wall clock only where the machine was booted in between."""
    if snapshot["boot_id"] == now.boot_id:
        return int(max(0, now.boot_ns - snapshot["written_boottime_ns"]) // SECOND)
    return int(max(0, now.unix_ns - snapshot["written_unix_ns"], now.boot_ns) // SECOND)


def _why_down(found: Found, now: Now) -> Iterator[Reason]:
    snapshot = found.snapshot
    if found.snapshot_problem:
        yield Reason("status-unreadable", {"text": found.snapshot_problem})
    elif snapshot is None:
        yield Reason("agent-never-ran", {})
    elif not snapshot["running"]:
        yield Reason("agent-stopped", {"age_s": since_written_s(snapshot, now)})
    elif _is_silent(snapshot, now):
        yield Reason("agent-silent", {"age_s": since_written_s(snapshot, now)})


def _is_silent(snapshot: dict[str, Any], now: Now) -> bool:
    """Whether the agent had time to write and did not: while the machine is suspended nothing can."""
    awake_ns = now.awake_ns - snapshot["written_awake_ns"]
    return snapshot["boot_id"] != now.boot_id or not 0 <= awake_ns <= STALE_S * SECOND


def _devices(snapshot: dict[str, Any]) -> Iterator[Reason]:
    """A device that only speaks when something happens (a camera) stays "starting" until then: that is no fault."""
    for device in snapshot["devices"]:
        if device["state"] not in ("ok", "starting"):
            yield Reason(f"device-{device['state']}", {"device": device["id"], "text": device["text"]})


def _clock(snapshot: dict[str, Any]) -> Iterator[Reason]:
    """A clock that says a day before the certificate was made cannot be right, whoever keeps it."""
    clock = snapshot["clock"]
    if clock["before_certificate"]:
        yield Reason("clock-wrong", {"date": clock["date"]})


def _connection(snapshot: dict[str, Any]) -> Iterator[Reason]:
    if not snapshot["uplink"]["connected"]:
        yield Reason("uplink-down", {"text": snapshot["uplink"]["problem"]})


def _journal(found: Found, *, running: bool) -> Iterator[Reason]:
    journal = found.journal
    if found.journal_problem:
        yield Reason("journal-unreadable", {"text": found.journal_problem})
    elif journal is None:
        if running:
            yield Reason("journal-missing", {})
    elif text := _imbalance(found.snapshot, journal):
        yield Reason("imbalance", {"text": text})


def _not_written(snapshot: dict[str, Any]) -> Iterator[Reason]:
    """Whatever the disk looks like: what was captured last was not taken."""
    if snapshot["journal"]["problem"]:
        yield Reason("journal-not-written", {"text": snapshot["journal"]["problem"]})


def _imbalance(snapshot: dict[str, Any] | None, journal: dict[str, Any]) -> str:
    """What does not balance: in the file as it is now, or by what the agent counted beside it; "" when all does."""
    captured = journal["captured"]
    parts = [journal[name] for name in ("acknowledged", "pending", "dead_lettered")]
    if captured != sum(parts) or min(parts) < 0:
        return f"{captured} captured are not {' + '.join(map(str, parts))} acknowledged, pending, dead-lettered"
    return str(snapshot["journal"]["imbalance"]) if snapshot is not None else ""


def _disk(found: Found, *, running: bool) -> Iterator[Reason]:
    disk = found.disk
    if disk is not None and (code := disk.alarm):
        yield Reason(code, {"percent": disk.percent, "megabytes": disk.free_bytes // 1_000_000})
        return
    days = None if found.journal is None else found.journal["days_of_disk_left"]
    if running and days is not None and days < DISK_DAYS:
        yield Reason("disk", {"days": days})


def _stalled(snapshot: dict[str, Any]) -> list[Reason]:
    seconds, pending = snapshot["uplink"]["stalled_s"], snapshot["journal"]["pending"]
    return [Reason("no-progress", {"pending": pending, "age_s": int(seconds)})] if seconds > STALLED_S else []


def _backlog(journal: dict[str, Any] | None) -> list[Reason]:
    if journal is None or journal["pending"] <= 0:
        return []
    age = journal["oldest_pending_age_s"]
    late = age is not None and age > OLDEST_PENDING_S
    return [Reason("backlog", {"pending": journal["pending"], "age_s": age})] if late else []


def _certificate(snapshot: dict[str, Any]) -> Iterator[Reason]:
    days, life = snapshot["certificate"]["days_left"], snapshot["certificate"]["life_days"]
    if days < 0:
        yield Reason("certificate-ended", {"days": -days, "date": snapshot["clock"]["date"]})
    elif days < min(CERTIFICATE_DAYS, life // CERTIFICATE_SHARE):
        yield Reason("certificate", {"days": days})
