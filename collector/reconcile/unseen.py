"""D01: declared, and not seen in time. Findings about declarations, opened and closed as passages come and go."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator
from typing import Any, Final

from sqlalchemy import Connection, exists, func, insert, or_, select, update

from collector.reconcile.queue import AT_ONCE, portions
from collector.store import schema
from collector.store.engine import Store
from gate_contract.rules import Policy, unseen
from gate_contract.rules.bookings import HOUR
from gate_contract.v1.decision_pb2 import Finding
from gate_contract.v1.declaration_pb2 import Declaration

DECLARATION: Final = "declaration"
"""Finding.subject_kind of what concerns a declaration without a passage."""
NOT_SEEN: Final = "D01"
SET_BACK: Final = 60_000_000_000
"""Nanoseconds that the clock may go back without anything being looked at again: it was corrected a little."""
GIVE_WAY_S: Final = 0.02
"""Between two write transactions: whoever waits for the database polls for it, and would starve without a pause."""


class UnseenWatch:
    """Finds declarations whose time is over. Looks at all of them once, then only at what became due or came."""

    def __init__(self, policy: Policy) -> None:
        """`policy` says how long after departure a vehicle may still be seen."""
        self._policy = policy
        self._due_before = 0  # departures before this were looked at
        self._next_index: int | None = None  # versions before this were looked at; None: nothing was yet

    def run(self, store: Store, now_unix_ns: int) -> None:
        """Open and close findings as of now."""
        deadline = now_unix_ns - self._policy.D01.grace_hours * HOUR
        if deadline < self._due_before - SET_BACK:  # what was looked at with a clock that was ahead counts no more
            self._due_before, self._next_index = 0, None
        with store.read() as connection:
            due, next_index = self._due(connection, deadline)
        for number, portion in enumerate(portions(due, AT_ONCE)):
            if number:
                time.sleep(GIVE_WAY_S)
            with store.write() as connection:
                settle(connection, portion, self._policy, now_unix_ns)
        self._due_before, self._next_index = max(deadline, self._due_before), next_index

    def _due(self, connection: Connection, deadline: int) -> tuple[list[str], int]:
        """Ids of declarations that may need a finding opened or closed, and the next version to look at."""
        table = schema.declarations.c
        unmatched = ~exists().where(schema.matches.c.declaration_id == table.declaration_id)
        finding = schema.findings.c
        told = exists().where(
            finding.subject == table.declaration_id,
            finding.latest,
            finding.code == NOT_SEEN,
            finding.sequence == table.version,
        )
        after = max(self._due_before, 1)  # 0 is a departure that is not known
        departed = select(table.declaration_id).where(
            table.latest, table.departure_ns >= after, table.departure_ns < deadline, unmatched, ~told
        )
        due = set(connection.scalars(departed))
        if self._next_index is None:
            due |= self._to_close(connection, deadline)
            last = connection.scalar(select(func.max(table.ledger_index)))
            return sorted(due), 0 if last is None else last + 1
        query = select(table.declaration_id, table.departure_ns, table.version, table.ledger_index)
        next_index = self._next_index
        for row in connection.execute(query.where(table.ledger_index >= next_index).order_by(table.ledger_index)):
            next_index = row.ledger_index + 1
            if row.version > 1 or 0 < row.departure_ns < deadline:
                due.add(row.declaration_id)
        return sorted(due), next_index

    def _to_close(self, connection: Connection, deadline: int) -> set[str]:
        """Findings that stand and should not: seen meanwhile, another version, or not due under this policy.

        Told apart by the database: thousands stand for ever, and reading each at every start would hold up the rest.
        """
        finding, table = schema.findings.c, schema.declarations.c
        seen = exists().where(schema.matches.c.declaration_id == finding.subject)
        holds = exists().where(
            table.declaration_id == finding.subject,
            table.latest,
            table.version == finding.sequence,
            table.departure_ns < deadline,
        )
        standing = select(finding.subject).where(finding.latest, finding.code == NOT_SEEN)
        return set(connection.scalars(standing.where(or_(seen, ~holds))))


def settle(connection: Connection, declaration_ids: Iterable[str], policy: Policy, now_unix_ns: int) -> None:
    """Make the D01 findings of these declarations true as of now, in the caller's write transaction."""
    for ids in portions(sorted(declaration_ids), AT_ONCE):
        due = {
            declaration.declaration_id: (declaration.version, finding)
            for declaration, finding in unseen(_latest(connection, ids), _seen(connection, ids), now_unix_ns, policy)
        }
        standing = _standing(connection, ids)
        closed = [each for each, (_, version) in standing.items() if due.get(each, (0, None))[0] != version]
        if closed:
            numbers = [standing[each][0] for each in closed]
            connection.execute(
                update(schema.findings).where(schema.findings.c.finding_id.in_(numbers)).values(latest=False)
            )
        opened = [
            _row(each, version, finding, now_unix_ns)
            for each, (version, finding) in due.items()
            if each not in standing or each in closed
        ]
        if opened:
            connection.execute(insert(schema.findings), opened)


def _latest(connection: Connection, ids: Collection[str]) -> Iterator[Declaration]:
    """All versions; the rule takes the latest of each."""
    table = schema.declarations.c
    for body in connection.scalars(select(table.body).where(table.declaration_id.in_(ids))):
        yield Declaration.FromString(body)


def _seen(connection: Connection, ids: Collection[str]) -> set[str]:
    table = schema.matches.c
    return set(connection.scalars(select(table.declaration_id).where(table.declaration_id.in_(ids))))


def _standing(connection: Connection, ids: Collection[str]) -> dict[str, tuple[int, int]]:
    """Open D01 findings: (finding id, version of the declaration) by declaration id."""
    table = schema.findings.c
    query = select(table.finding_id, table.subject, table.subject_kind, table.sequence, table.code, table.latest)
    return {
        row.subject: (row.finding_id, row.sequence)
        for row in connection.execute(query.where(table.subject.in_(ids)))
        if row.latest and row.subject_kind == DECLARATION and row.code == NOT_SEEN
    }


def _row(declaration_id: str, version: int, finding: Finding, now_unix_ns: int) -> dict[str, Any]:
    return {
        "subject": declaration_id,
        "subject_kind": DECLARATION,
        "sequence": version,
        "code": finding.code,
        "action": finding.action,
        "severity": finding.severity,
        "at_ns": now_unix_ns,
        "latest": True,
        "body": finding.SerializeToString(deterministic=True),
    }
