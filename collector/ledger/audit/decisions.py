"""Declarations, verdicts and findings, against the ledger entries they were entered with."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, Table, func, select

from collector.declarations.intake import content_hash
from collector.ledger.audit.log import entries_at
from collector.ledger.audit.problems import Problems
from collector.store import schema
from gate_contract.v1.declaration_pb2 import Declaration
from gate_contract.v1.ledger_pb2 import LedgerEntry, Verdict

_AT_ONCE = 256

PASSAGE = "passage"
"""Finding.subject_kind of what a verdict found."""


class _Chain:
    """Versions of one thing after another: dense from 1, and only the last one `latest`."""

    def __init__(self, what: str, problems: Problems) -> None:
        self._what = what
        self._problems = problems
        self._last: tuple[str, int, bool] = ("", 0, True)

    def follow(self, name: str, number: int, latest: bool) -> None:
        """The next row, ordered by name and number."""
        before, last_number, was_latest = self._last
        if name != before:
            self.finish()
            last_number = 0
        elif was_latest:
            self._problems.add(f"{self._what} {name} {last_number}", "column latest is True; it is not the last one")
        if number != last_number + 1:
            self._problems.add(f"{self._what} {name} {number}", f"it follows {last_number}")
        self._last = (name, number, latest)

    def finish(self) -> None:
        """No more rows of this name."""
        name, number, latest = self._last
        if not latest:
            self._problems.add(f"{self._what} {name} {number}", "column latest is False; it is the last one")


def audit_declarations(connection: Connection, problems: Problems) -> int:
    """Each version against its ledger entry; returns how many there are."""
    count = 0
    chain = _Chain("declaration", problems)
    with problems.reading("declarations"):
        order = (schema.declarations.c.declaration_id, schema.declarations.c.version)
        for rows in _portions(connection, schema.declarations, order):
            entries = entries_at(connection, [row["ledger_index"] for row in rows], problems)
            for row in rows:
                where = f"declaration {row['declaration_id']} {row['version']}"
                entry = entries.get(row["ledger_index"])
                if entry is None or entry.WhichOneof("body") != "declaration":
                    problems.add(where, f"ledger entry {row['ledger_index']} is no declaration")
                else:
                    expected = _declaration_columns(entry.declaration)
                    problems.compare(where, f"ledger entry {row['ledger_index']}", row, expected)
                chain.follow(row["declaration_id"], row["version"], row["latest"])
            count += len(rows)
            problems.progress(len(rows))
        chain.finish()
    return count


def _declaration_columns(declaration: Declaration) -> dict[str, Any]:
    return {
        "declaration_id": declaration.declaration_id,
        "version": declaration.version,
        "content_sha256": content_hash(declaration),
        "site_id": declaration.site_id,
        "vehicle_plate": declaration.vehicle_plate,
        "trailer_plate": declaration.trailer_plate,
        "lodged_ns": declaration.lodged_unix_ns,
        "departure_ns": declaration.departure_unix_ns,
        "received_ns": declaration.received_unix_ns,
        "body": declaration.SerializeToString(deterministic=True),
    }


def audit_verdicts(connection: Connection, origins: Mapping[int, str], problems: Problems) -> int:
    """Each verdict against its ledger entry, its passage and its findings; returns how many verdicts there are.

    `origins` are the journals' by journal id.
    """
    count = findings = 0
    chain = _Chain("verdict", problems)
    with problems.reading("verdicts"):
        order = (schema.verdicts.c.passage_id, schema.verdicts.c.sequence)
        for rows in _portions(connection, schema.verdicts, order):
            entries = entries_at(connection, [row["ledger_index"] for row in rows], problems)
            found = _findings_of(connection, rows)
            records = _records_of(connection, rows)
            for row in rows:
                where = f"verdict {row['passage_id']} {row['sequence']}"
                verdict = _verdict(where, row, entries.get(row["ledger_index"]), origins, problems)
                chain.follow(row["passage_id"], row["sequence"], row["latest"])
                if verdict is None:
                    continue
                key = (verdict.passage_id, verdict.revision, row["journal_id"])
                if records.get(key) != verdict.record_index:
                    problems.add(where, f"record {verdict.origin}#{verdict.record_index} holds no such passage")
                own = found[row["passage_id"], row["sequence"]]
                _audit_findings(where, row, verdict, own, problems)
                findings += len(own)
            count += len(rows)
            problems.progress(len(rows))
        chain.finish()
        table = schema.findings.c
        stored = connection.scalar(select(func.count()).where(table.subject_kind == PASSAGE))
        if stored != findings:
            problems.add("findings", f"{stored} are stored of passages, the verdicts have {findings}")
    return count


def _verdict(
    where: str, row: RowMapping, entry: LedgerEntry | None, origins: Mapping[int, str], problems: Problems
) -> Verdict | None:
    """The verdict as the ledger has it; None when that is none."""
    if entry is None or entry.WhichOneof("body") != "verdict":
        problems.add(where, f"ledger entry {row['ledger_index']} is no verdict")
        return None
    verdict = entry.verdict
    expected = {
        "passage_id": verdict.passage_id,
        "sequence": verdict.sequence,
        "revision": verdict.revision,
        "action": verdict.decision.action,
        "decided_ns": verdict.decision.decided_unix_ns,
        "body": verdict.SerializeToString(deterministic=True),
    }
    problems.compare(where, f"ledger entry {row['ledger_index']}", row, expected)
    if origins.get(row["journal_id"]) != verdict.origin:
        problems.add(where, f"column journal_id is not that of {verdict.origin}")
    return verdict


def _audit_findings(
    where: str, row: RowMapping, verdict: Verdict, found: Sequence[RowMapping], problems: Problems
) -> None:
    expected = [
        {
            "code": finding.code,
            "action": finding.action,
            "severity": finding.severity,
            "at_ns": verdict.decision.decided_unix_ns,
            "latest": row["latest"],
            "body": finding.SerializeToString(deterministic=True),
        }
        for finding in verdict.decision.findings
    ]
    if len(expected) != len(found):
        problems.add(where, f"{len(found)} of its {len(expected)} findings are stored")
        return
    for number, (finding, right) in enumerate(zip(found, expected, strict=True), 1):
        problems.compare(f"finding {number} of {where}", "the verdict", finding, right)


def _findings_of(connection: Connection, rows: Sequence[RowMapping]) -> dict[tuple[str, int], list[RowMapping]]:
    """Findings of passages by (passage id, sequence), in their order."""
    table = schema.findings.c
    subjects = {row["passage_id"] for row in rows}
    query = select(*table).where(table.subject.in_(subjects), table.subject_kind == PASSAGE).order_by(table.finding_id)
    found: dict[tuple[str, int], list[RowMapping]] = defaultdict(list)
    for finding in connection.execute(query).mappings():
        found[finding["subject"], finding["sequence"]].append(finding)
    return found


def _records_of(connection: Connection, rows: Sequence[RowMapping]) -> dict[tuple[str, int, int], int]:
    """(passage id, revision, journal id) -> index of the record."""
    table = schema.passages.c
    query = select(table.passage_id, table.revision, table.journal_id, table.record_index)
    found = connection.execute(query.where(table.passage_id.in_({row["passage_id"] for row in rows})))
    return {(row.passage_id, row.revision, row.journal_id): row.record_index for row in found}


def _portions(connection: Connection, table: Table, order: Sequence[Any]) -> Iterator[Sequence[RowMapping]]:
    query = select(*table.c).order_by(*order)
    result = connection.execute(query.execution_options(yield_per=_AT_ONCE)).mappings()
    yield from result.partitions()
