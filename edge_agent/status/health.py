"""Is the gate well? (what was found, time) -> level and reasons. Pure; standard library only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

SECOND = 1_000_000_000
MEGABYTE = 1_000_000

STALE_S = 5
"""The agent writes its snapshot twice a second; one that is older was left by an agent that died or hangs."""

OLDEST_PENDING_S = 60
DISK_DAYS = 2.0
DISK_FREE_BYTES = 200 * MEGABYTE
"""Below this a gate with pictures has minutes, and the journal's own log may need some of it."""

CERTIFICATE_DAYS = 10
CERTIFICATE_SHARE = 6
"""A certificate is renewed in the last third of its life: in the last sixth something keeps it from being."""


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


@dataclass(frozen=True, slots=True)
class Found:
    """What there is to judge.

    Attributes:
        snapshot: the agent's last words about itself; None when there are none.
        snapshot_problem: why they cannot be read; empty when they can, or when there are none.
        journal: the journal's balance; None when there is no journal.
        journal_problem: why it cannot be read; empty when it can, or when there is none.
    """

    snapshot: dict[str, Any] | None
    journal: dict[str, Any] | None
    snapshot_problem: str = ""
    journal_problem: str = ""


def assess(found: Found, now_unix_ns: int) -> Health:
    """Judge a gate. Down: its agent does not work, or nobody can say. Degraded: it works, and something is wrong."""
    down = list(_why_down(found, now_unix_ns))
    reasons = [*_journal(found, running=not down), *_backlog(found.journal, now_unix_ns)]
    if found.snapshot is None or down:
        return Health(Level.DOWN, (*down, *reasons))
    reasons = [*_devices(found.snapshot), *_connection(found.snapshot), *reasons, *_certificate(found.snapshot)]
    return Health(Level.DEGRADED if reasons else Level.HEALTHY, tuple(reasons))


def age_s(unix_ns: int | None, now_unix_ns: int) -> int | None:
    """Whole seconds since; None when it never was. A clock that was set back gives 0."""
    return None if unix_ns is None else max(0, (now_unix_ns - unix_ns) // SECOND)


def _why_down(found: Found, now_unix_ns: int) -> Iterator[Reason]:
    snapshot = found.snapshot
    if found.snapshot_problem:
        yield Reason("status-unreadable", {"text": found.snapshot_problem})
    elif snapshot is None:
        yield Reason("agent-never-ran", {})
    elif not snapshot["running"]:
        yield Reason("agent-stopped", {"age_s": age_s(snapshot["written_unix_ns"], now_unix_ns)})
    elif abs(now_unix_ns - snapshot["written_unix_ns"]) > STALE_S * SECOND:
        yield Reason("agent-silent", {"age_s": age_s(snapshot["written_unix_ns"], now_unix_ns)})


def _devices(snapshot: dict[str, Any]) -> Iterator[Reason]:
    """A device that only speaks when something happens (a camera) stays "starting" until then: that is no fault."""
    for device in snapshot["devices"]:
        if device["state"] not in ("ok", "starting"):
            yield Reason(f"device-{device['state']}", {"device": device["id"], "text": device["text"]})


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
    else:
        yield from _disk(journal, running=running)
        balance = {name: journal[name] for name in ("captured", "acknowledged", "pending", "dead_lettered")}
        if 2 * balance["captured"] != sum(balance.values()) or min(balance.values()) < 0:
            yield Reason("imbalance", balance)


def _disk(journal: dict[str, Any], *, running: bool) -> Iterator[Reason]:
    days = journal.get("days_of_disk_left")
    if journal["disk_free_bytes"] < DISK_FREE_BYTES:
        yield Reason("disk-full", {"megabytes": journal["disk_free_bytes"] // MEGABYTE})
    elif running and days is not None and days < DISK_DAYS:
        yield Reason("disk", {"days": days})


def _backlog(journal: dict[str, Any] | None, now_unix_ns: int) -> Iterator[Reason]:
    if journal is None or journal["pending"] <= 0:
        return
    age = age_s(journal["oldest_pending_unix_ns"], now_unix_ns)
    if age is not None and age > OLDEST_PENDING_S:
        yield Reason("backlog", {"pending": journal["pending"], "age_s": age})


def _certificate(snapshot: dict[str, Any]) -> Iterator[Reason]:
    days, life = snapshot["certificate"]["days_left"], snapshot["certificate"]["life_days"]
    if days < 0:
        yield Reason("certificate-ended", {"days": -days})
    elif days < min(CERTIFICATE_DAYS, life // CERTIFICATE_SHARE):
        yield Reason("certificate", {"days": days})
