"""Alarms: what does not fit and a person must know. Each is logged when it is raised and kept, once, in `alarms`."""

from __future__ import annotations

from dataclasses import dataclass

import structlog
from sqlalchemy import Connection, func, insert, select

from collector.store import schema

RESTORED_COLLECTOR = "restored-collector"
"""An agent shows our own receipt over more than we hold."""

SHORT_JOURNAL = "short-journal"
"""A journal is shorter than its receipt."""

FOREIGN_RECEIPT = "foreign-receipt"
"""An agent shows a receipt that we did not give."""

LOST = "lost-records"
"""Records whose bytes the gate has no more."""

TOLD_TWICE = "passage-of-two-journals"
"""A journal speaks of a passage that another has spoken of before: only the first one's is judged."""

PERSONAL_DATA_READ = "personal-data-read"
"""Somebody opened what is sealed of a traveller. Nothing is wrong: it is listed beside the alarms and not counted."""

MOST_KEPT = 10_000
"""Alarms of one kind of one journal that are kept; beyond, they are only logged."""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Alarm:
    """What happened.

    Attributes:
        origin: of the journal concerned.
        kind: one of this module's.
        detail: in words, with sizes.
        record_index: the first record concerned; None when it is none.
    """

    origin: str
    kind: str
    detail: str
    record_index: int | None = None


def raise_alarm(connection: Connection, alarm: Alarm, now_ns: int) -> None:
    """Log it and keep it in the caller's write transaction."""
    log_alarm(alarm)
    keep_alarm(connection, alarm, now_ns)


def log_alarm(alarm: Alarm) -> None:
    """Log it; this does not depend on the database."""
    _log.error(f"alarm: {alarm.detail}", kind=alarm.kind, origin=alarm.origin, record_index=alarm.record_index)


def keep_alarm(connection: Connection, alarm: Alarm, now_ns: int) -> None:
    """Keep it in the caller's write transaction; once, however often it is raised."""
    table = schema.alarms.c
    of_kind = (table.origin == alarm.origin, table.kind == alarm.kind)
    known = select(table.alarm_id).where(*of_kind, table.detail == alarm.detail).limit(1)
    if connection.scalars(known).one_or_none() is not None:
        return
    if connection.scalars(select(func.count()).where(*of_kind)).one() >= MOST_KEPT:
        return
    row = {
        "origin": alarm.origin,
        "at_ns": now_ns,
        "kind": alarm.kind,
        "detail": alarm.detail,
        "record_index": alarm.record_index,
    }
    connection.execute(insert(schema.alarms), row)
