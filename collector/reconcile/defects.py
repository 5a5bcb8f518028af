"""K03: what quarantine says of journals becomes findings, and a part of the context of their passages."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from sqlalchemy import Connection, insert, select

from collector.reconcile.core import JOURNAL_BROKEN, defect_of, fork_of, journal_finding
from collector.reconcile.queue import advance, position, queue_again
from collector.store import schema
from collector.store.engine import Store
from gate_contract.rules import JournalDefect
from gate_contract.v1.decision_pb2 import Finding

CURSOR: Final = "reconcile/quarantine"
JOURNAL: Final = "journal"
"""Finding.subject_kind of what concerns a whole journal."""
_FORK: Final = "fork"


def note_forks(store: Store, now_unix_ns: int) -> None:
    """A finding for each fork quarantined since the last call; what its journal said from there on is queued."""
    table = schema.quarantine.c
    with store.read() as connection:
        start = position(connection, CURSOR)
        query = select(table.quarantine_id, table.origin, table.kind, table.detail)
        rows = connection.execute(query.where(table.quarantine_id >= start).order_by(table.quarantine_id)).all()
    if not rows:
        return
    with store.write() as connection:
        for row in rows:
            if row.kind == _FORK:
                _note(connection, fork_of(row.origin, row.detail), row.quarantine_id, now_unix_ns)
        advance(connection, CURSOR, rows[-1].quarantine_id + 1)


def _note(connection: Connection, defect: JournalDefect, quarantine_id: int, now_unix_ns: int) -> None:
    known = defects_of(connection, [defect.origin]).get(defect.origin, ())
    if any(each.index <= defect.index for each in known):
        return  # all that this one puts in doubt is in doubt already
    finding = journal_finding(defect)
    connection.execute(
        insert(schema.findings),
        {
            "subject": defect.origin,
            "subject_kind": JOURNAL,
            "sequence": quarantine_id,
            "code": finding.code,
            "action": finding.action,
            "severity": finding.severity,
            "at_ns": now_unix_ns,
            "latest": True,
            "body": finding.SerializeToString(deterministic=True),
        },
    )
    passages, journals = schema.passages.c, schema.journals.c
    doubtful = (
        select(passages.passage_id)
        .join(schema.journals, journals.journal_id == passages.journal_id)
        .where(journals.origin == defect.origin, passages.record_index >= defect.index)
        .distinct()
    )
    reason = f"the journal forked at record {defect.index}"
    queue_again(connection, dict.fromkeys(connection.scalars(doubtful), reason), now_unix_ns)


def defects_of(connection: Connection, origins: Collection[str]) -> dict[str, tuple[JournalDefect, ...]]:
    """What is known to be wrong with the journals, by origin; those with nothing wrong are not there."""
    table = schema.findings.c
    query = select(table.subject, table.subject_kind, table.code, table.latest, table.body)
    rows = connection.execute(query.where(table.subject.in_(list(origins))))
    defects: dict[str, tuple[JournalDefect, ...]] = {}
    for row in rows:
        if row.subject_kind == JOURNAL and row.code == JOURNAL_BROKEN and row.latest:
            defects[row.subject] = (*defects.get(row.subject, ()), defect_of(Finding.FromString(row.body)))
    return defects
