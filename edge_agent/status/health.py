"""Is the gate well? (snapshot, journal, time) -> level and reasons. Pure; standard library only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

SECOND = 1_000_000_000

STALE_S = 5
"""The agent writes its snapshot twice a second; one that is older was left by an agent that died or hangs."""

OLDEST_PENDING_S = 60
CERTIFICATE_DAYS = 10
DISK_DAYS = 2.0


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


def assess(snapshot: dict[str, Any] | None, journal: dict[str, Any] | None, now_unix_ns: int) -> Health:
    """Judge the last snapshot (None: there is none) and the journal (None: it cannot be read)."""
    down = list(_why_down(snapshot, now_unix_ns))
    if snapshot is None or down:
        pending = list(_backlog(journal, now_unix_ns))
        return Health(Level.DOWN, (*down, *pending))
    reasons = [
        *_devices(snapshot),
        *_connection(snapshot),
        *_backlog(journal, now_unix_ns),
        *_limits(snapshot, journal),
    ]
    if journal is None:
        reasons.append(Reason("journal-unreadable", {}))
    return Health(Level.DEGRADED if reasons else Level.HEALTHY, tuple(reasons))


def age_s(unix_ns: int | None, now_unix_ns: int) -> int | None:
    """Whole seconds since; None when it never was. A clock that was set back gives 0."""
    return None if unix_ns is None else max(0, (now_unix_ns - unix_ns) // SECOND)


def _why_down(snapshot: dict[str, Any] | None, now_unix_ns: int) -> Iterator[Reason]:
    if snapshot is None:
        yield Reason("agent-never-ran", {})
    elif not snapshot["running"]:
        yield Reason("agent-stopped", {"age_s": age_s(snapshot["written_unix_ns"], now_unix_ns)})
    elif abs(now_unix_ns - snapshot["written_unix_ns"]) > STALE_S * SECOND:
        yield Reason("agent-silent", {"age_s": age_s(snapshot["written_unix_ns"], now_unix_ns)})


def _devices(snapshot: dict[str, Any]) -> Iterator[Reason]:
    for device in snapshot["devices"]:
        if device["state"] not in ("ok", "starting"):
            yield Reason(f"device-{device['state']}", {"device": device["id"], "text": device["text"]})


def _connection(snapshot: dict[str, Any]) -> Iterator[Reason]:
    if not snapshot["uplink"]["connected"]:
        yield Reason("uplink-down", {"text": snapshot["uplink"]["problem"]})


def _backlog(journal: dict[str, Any] | None, now_unix_ns: int) -> Iterator[Reason]:
    if journal is None or not journal["pending"]:
        return
    age = age_s(journal.get("oldest_pending_unix_ns"), now_unix_ns)
    if age is not None and age > OLDEST_PENDING_S:
        yield Reason("backlog", {"pending": journal["pending"], "age_s": age})


def _limits(snapshot: dict[str, Any], journal: dict[str, Any] | None) -> Iterator[Reason]:
    days = snapshot["certificate"]["days_left"]
    if days < CERTIFICATE_DAYS:
        yield Reason("certificate", {"days": days})
    disk = (journal or {}).get("days_of_disk_left")
    if disk is not None and disk < DISK_DAYS:
        yield Reason("disk", {"days": disk})
    if journal is not None and journal["captured"] != (
        journal["acknowledged"] + journal["pending"] + journal["dead_lettered"]
    ):
        yield Reason("imbalance", dict(journal))
