"""Cases and their events, against the ledger entries they were entered with."""

from __future__ import annotations

from sqlalchemy import Connection, RowMapping, func, select

from collector.cases.core import Case, CaseError, apply
from collector.cases.store import case_row, event_row
from collector.ledger.audit.declarations import portions
from collector.ledger.audit.log import entries_at
from collector.ledger.audit.problems import Problems
from collector.store import schema
from gate_contract.v1.case_pb2 import CaseEvent


def audit_cases(connection: Connection, problems: Problems) -> int:
    """Each event against its ledger entry, and each case against its events; returns how many events there are."""
    check = _Cases(connection, problems)
    with problems.reading("case_events"):
        table = schema.case_events.c
        for rows in portions(connection, schema.case_events, (table.case_id, table.sequence)):
            entries = entries_at(connection, [row["ledger_index"] for row in rows], problems)
            for row in rows:
                where = f"case event {row['case_id']} {row['sequence']}"
                entry = entries.get(row["ledger_index"])
                if entry is None or entry.WhichOneof("body") != "case_event":
                    problems.add(where, f"ledger entry {row['ledger_index']} is no case event")
                    continue
                expected = event_row(entry.case_event, row["ledger_index"])
                problems.compare(where, f"ledger entry {row['ledger_index']}", row, expected)
                check.follow(where, entry.case_event)
            check.count += len(rows)
            problems.progress(len(rows))
        check.finish()
    return check.count


class _Cases:
    """Replays the events, case by case."""

    def __init__(self, connection: Connection, problems: Problems) -> None:
        self.count = 0
        self._connection, self._problems = connection, problems
        self._case_id = ""
        self._case: Case | None = None
        self._broken = False
        self._cases = 0

    def follow(self, where: str, event: CaseEvent) -> None:
        """The next event, ordered by case and number."""
        if event.case_id != self._case_id:
            self._settle()
            self._case_id, self._case, self._broken = event.case_id, None, False
            self._cases += 1
        if self._broken:
            return  # what follows an event that cannot be is not told again
        try:
            self._case = apply(self._case, event)
        except CaseError as error:
            self._problems.add(where, f"it cannot follow the events before it: {error}")
            self._broken = True

    def finish(self) -> None:
        """No more events."""
        self._settle()
        stored = self._connection.scalar(select(func.count()).select_from(schema.cases))
        if stored != self._cases:
            self._problems.add("cases", f"{stored} are stored, the events make {self._cases}")

    def _settle(self) -> None:
        if self._case is None or self._broken:
            return
        where = f"case {self._case_id}"
        row = self._row()
        if row is None:
            self._problems.add(where, "it is missing; there are events of it")
        else:
            self._problems.compare(where, "what its events make", row, case_row(self._case))

    def _row(self) -> RowMapping | None:
        query = select(schema.cases).where(schema.cases.c.case_id == self._case_id)
        return self._connection.execute(query).mappings().one_or_none()
