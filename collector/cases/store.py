"""Cases in the database: events are entered into the ledger and stored, and the case's row follows from them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Connection, insert, select, update

from collector.cases.core import Case, CaseError, apply
from collector.errors import StoreError
from collector.ledger.log import FORMAT, Ledger
from collector.reconcile.queue import AT_ONCE, portions
from collector.store import schema
from gate_contract.v1.case_pb2 import CaseEvent
from gate_contract.v1.ledger_pb2 import LedgerEntry


def load(connection: Connection, case_ids: Collection[str]) -> dict[str, Case]:
    """Cases by id, from their events, those that there are. StoreError when stored events make no case."""
    cases: dict[str, Case] = {}
    table = schema.case_events.c
    for ids in portions(sorted(set(case_ids)), AT_ONCE):
        query = select(table.case_id, table.body).where(table.case_id.in_(ids))
        for row in connection.execute(query.order_by(table.case_id, table.sequence)):
            try:
                cases[row.case_id] = apply(cases.get(row.case_id), CaseEvent.FromString(row.body))
            except CaseError as error:
                raise StoreError(
                    "the stored events make no case", cause=str(error), fix="run `gate-collector audit`"
                ) from None
    return cases


def events_of(connection: Connection, case_id: str) -> list[tuple[CaseEvent, int]]:
    """(event, its ledger index) of a case, in order."""
    table = schema.case_events.c
    query = select(table.body, table.ledger_index).where(table.case_id == case_id).order_by(table.sequence)
    return [(CaseEvent.FromString(row.body), row.ledger_index) for row in connection.execute(query)]


def append(
    connection: Connection, ledger: Ledger, known: dict[str, Case], events: Sequence[CaseEvent], now_unix_ns: int
) -> dict[str, Case]:
    """Store events, each with its ledger entry, in the caller's write transaction.

    Args:
        connection: in a write transaction, in which `known` was loaded.
        ledger: receives one entry an event.
        known: the cases that the events are of, as they stand; one that is opened is not there.
        events: of any cases, those of one case in order.
        now_unix_ns: nanoseconds since 1970-01-01T00:00:00Z.

    Returns:
        The cases that changed, as they are now.

    Raises:
        CaseError: an event cannot follow; the caller's transaction must not be committed.
    """
    if not events:
        return {}
    changed: dict[str, Case] = {}
    for event in events:
        changed[event.case_id] = apply(changed.get(event.case_id) or known.get(event.case_id), event)
    entries = [LedgerEntry(format=FORMAT, entered_unix_ns=now_unix_ns, case_event=event) for event in events]
    first = ledger.append(connection, entries)
    table = schema.cases
    if opened := [case_row(case) for case_id, case in changed.items() if case_id not in known]:
        connection.execute(insert(table), opened)
    for case_id in changed.keys() & known.keys():
        connection.execute(update(table).where(table.c.case_id == case_id).values(case_row(changed[case_id])))
    connection.execute(insert(schema.case_events), [event_row(event, at) for at, event in enumerate(events, first)])
    return changed


def case_row(case: Case) -> dict[str, Any]:
    """Its row in `cases`."""
    return {
        "case_id": case.case_id,
        "subject": case.subject,
        "subject_kind": case.subject_kind,
        "authority": case.authority,
        "severity": case.severity,
        "state": case.state,
        "outcome": case.outcome,
        "assignee": case.assignee,
        "level": case.level,
        "opened_ns": case.opened_ns,
        "deadline_ns": case.deadline_ns,
        "decided_ns": case.decided_ns,
        "last_sequence": case.last_sequence,
    }


def event_row(event: CaseEvent, ledger_index: int) -> dict[str, Any]:
    """Its row in `case_events`."""
    return {
        "case_id": event.case_id,
        "sequence": event.sequence,
        "at_ns": event.at_unix_ns,
        "ledger_index": ledger_index,
        "body": event.SerializeToString(deterministic=True),
    }
