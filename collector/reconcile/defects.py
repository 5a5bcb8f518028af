"""K03: what quarantine and alarms say of journals becomes findings; forks are a part of their passages' context."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Column, Connection, Row, Table, insert, select

from collector.ingest.quarantine import FORK
from collector.reconcile.core import JOURNAL_BROKEN, defect_of, journal_finding
from collector.reconcile.queue import AT_ONCE, advance, position, queue_again
from collector.store import schema
from collector.store.alarms import LOST
from collector.store.engine import Store
from gate_contract.rules import JournalDefect
from gate_contract.v1.decision_pb2 import Finding

JOURNAL: Final = "journal"
"""Finding.subject_kind of what concerns a whole journal."""


def note_defects(store: Store, now_unix_ns: int) -> None:
    """A finding for each fork quarantined and each loss told since the last call.

    What a forked journal said from there on is queued to be judged again. What stands beside a loss is as good as it
    was, so no passage is: it is the sailing of which nobody can say that all was seen.
    """
    with store.read() as connection:
        forks, losses = _new(connection, FORKS), _new(connection, LOSSES)
    if not forks and not losses:
        return
    with store.write() as connection:
        for row in forks:
            _note_fork(
                connection, JournalDefect("fork", row.origin, row.record_index or 0, row.detail), row, now_unix_ns
            )
        for row in losses:
            _insert(connection, JournalDefect("gap", row.origin, row.record_index or 0, row.detail), row, now_unix_ns)
        for source, rows in ((FORKS, forks), (LOSSES, losses)):
            if rows:
                advance(connection, source.cursor, rows[-1].number + 1)


@dataclass(frozen=True, slots=True)
class _Source:
    """Where defects are told: rows of one kind in a table, with a number that rises."""

    cursor: str
    table: Table
    number: Column[int]
    kind: str


FORKS: Final = _Source("reconcile/quarantine", schema.quarantine, schema.quarantine.c.quarantine_id, FORK)
LOSSES: Final = _Source("reconcile/alarms", schema.alarms, schema.alarms.c.alarm_id, LOST)


def _new(connection: Connection, source: _Source) -> Sequence[Row[Any, Any, Any, Any]]:
    """Rows since the cursor."""
    table = source.table.c
    start = position(connection, source.cursor)
    query = select(source.number.label("number"), table.origin, table.detail, table.record_index)
    return connection.execute(
        query.where(source.number >= start, table.kind == source.kind).order_by(source.number).limit(AT_ONCE)
    ).all()


def _note_fork(connection: Connection, defect: JournalDefect, row: Row[Any, Any, Any, Any], now_unix_ns: int) -> None:
    known = defects_of(connection, [defect.origin]).get(defect.origin, ())
    if any(each.index <= defect.index for each in known):
        return  # all that this one puts in doubt is in doubt already
    _insert(connection, defect, row, now_unix_ns)
    passages, journals = schema.passages.c, schema.journals.c
    doubtful = (
        select(passages.passage_id)
        .join(schema.journals, journals.journal_id == passages.journal_id)
        .where(journals.origin == defect.origin, passages.record_index >= defect.index)
        .distinct()
    )
    reason = f"the journal forked at record {defect.index}"
    queue_again(connection, dict.fromkeys(connection.scalars(doubtful), reason), now_unix_ns)


def _insert(connection: Connection, defect: JournalDefect, row: Row[Any, Any, Any, Any], now_unix_ns: int) -> None:
    finding = journal_finding(defect)
    connection.execute(
        insert(schema.findings),
        {
            "subject": defect.origin,
            "subject_kind": JOURNAL,
            "sequence": row.number,
            "code": finding.code,
            "action": finding.action,
            "severity": finding.severity,
            "at_ns": now_unix_ns,
            "latest": True,
            "body": finding.SerializeToString(deterministic=True),
        },
    )


def defects_of(
    connection: Connection, origins: Collection[str], until_ns: int | None = None
) -> dict[str, tuple[JournalDefect, ...]]:
    """Forks of the journals, by origin; those without are not there. Those found until then; None for all."""
    table = schema.findings.c
    query = select(table.subject, table.subject_kind, table.code, table.latest, table.body).order_by(table.finding_id)
    if until_ns is not None:
        query = query.where(table.at_ns <= until_ns)
    rows = connection.execute(query.where(table.subject.in_(list(origins))))
    defects: dict[str, tuple[JournalDefect, ...]] = {}
    for row in rows:
        if row.subject_kind == JOURNAL and row.code == JOURNAL_BROKEN and row.latest:
            defect = defect_of(Finding.FromString(row.body))
            if defect.kind == "fork":
                defects[row.subject] = (*defects.get(row.subject, ()), defect)
    return defects
