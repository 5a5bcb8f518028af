"""Alarms: what does not fit and a person must know. Each is logged when it is raised and kept, once, in `alarms`.

What is kept has an entry in the ledger, so that the audit misses an alarm that somebody has taken out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy import ColumnElement, Connection, func, insert, select

from collector.ledger.log import FORMAT, Ledger
from collector.store import schema
from gate_contract.v1.ledger_pb2 import AlarmKept, LedgerEntry

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
"""Alarms of one kind of one journal that are kept; beyond, they are only logged. Readings of personal data all are."""

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


def raise_alarm(connection: Connection, ledger: Ledger, alarm: Alarm, now_ns: int) -> None:
    """Log it and keep it in the caller's write transaction."""
    log_alarm(alarm)
    keep_alarm(connection, ledger, alarm, now_ns)


def log_alarm(alarm: Alarm) -> None:
    """Log it; this does not depend on the database."""
    _log.error(f"alarm: {alarm.detail}", kind=alarm.kind, origin=alarm.origin, record_index=alarm.record_index)


def keep_alarm(connection: Connection, ledger: Ledger, alarm: Alarm, now_ns: int) -> None:
    """Keep it in the caller's write transaction; once, however often it is raised."""
    table = schema.alarms.c
    of_kind = (table.origin == alarm.origin, table.kind == alarm.kind)
    known = select(table.alarm_id).where(*of_kind, table.detail == alarm.detail).limit(1)
    if connection.scalars(known).one_or_none() is not None:
        return
    if alarm.kind != PERSONAL_DATA_READ and _rows(connection, of_kind) >= MOST_KEPT:
        return
    enter_alarm(connection, ledger, alarm, now_ns)
    row = {
        "origin": alarm.origin,
        "at_ns": now_ns,
        "kind": alarm.kind,
        "detail": alarm.detail,
        "record_index": alarm.record_index,
    }
    connection.execute(insert(schema.alarms), row)


def enter_alarm(connection: Connection, ledger: Ledger, alarm: Alarm, now_ns: int, body_sha256: bytes = b"") -> None:
    """Enter in the ledger that it is kept, in the caller's write transaction; `body_sha256` of a batch kept with it."""
    kept = AlarmKept(
        origin=alarm.origin,
        kind=alarm.kind,
        detail=alarm.detail,
        record_index=alarm.record_index,
        body_sha256=body_sha256,
    )
    ledger.append(connection, [LedgerEntry(format=FORMAT, entered_unix_ns=now_ns, alarm=kept)])


def count_alarms(connection: Connection) -> int:
    """How many are kept; readings of personal data are none."""
    return _rows(connection, [schema.alarms.c.kind != PERSONAL_DATA_READ])


def _rows(connection: Connection, which: Sequence[ColumnElement[bool]]) -> int:
    return connection.scalars(select(func.count()).select_from(schema.alarms).where(*which)).one()
