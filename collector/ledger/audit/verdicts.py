"""Verdicts, their findings and matches, against the ledger entries they were entered with."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, RowMapping, func, select

from collector.ledger.audit.declarations import Chain, portions
from collector.ledger.audit.log import entries_at
from collector.ledger.audit.problems import Problems
from collector.store import schema
from gate_contract.v1.ledger_pb2 import LedgerEntry, Verdict

PASSAGE = "passage"
"""Finding.subject_kind of what a verdict found."""


class VerdictAudit:
    """Checks all verdicts and what hangs on them."""

    def __init__(self, connection: Connection, origins: Mapping[int, str], problems: Problems) -> None:
        """`origins` are the journals' by journal id."""
        self.count = 0
        """Verdicts found."""
        self._connection = connection
        self._origins = origins
        self._problems = problems
        self._findings = 0
        self._matches = 0
        self._named = 0

    def run(self) -> None:
        """All of them, in the order of their passages."""
        chain = Chain("verdict", self._problems)
        with self._problems.reading("verdicts"):
            order = (schema.verdicts.c.passage_id, schema.verdicts.c.sequence)
            for rows in portions(self._connection, schema.verdicts, order):
                self._check(rows)
                for row in rows:
                    chain.follow(row["passage_id"], row["sequence"], row["latest"])
                self.count += len(rows)
                self._problems.progress(len(rows))
            chain.finish()
            self._check_counts()

    def _check(self, rows: Sequence[RowMapping]) -> None:
        entries = entries_at(self._connection, [row["ledger_index"] for row in rows], self._problems)
        passages = {row["passage_id"] for row in rows}
        findings, matches = self._findings_of(passages), self._matches_of(passages)
        records, named = self._records_of(passages), self._named_by(passages)
        for row in rows:
            where = f"verdict {row['passage_id']} {row['sequence']}"
            verdict = self._verdict(where, row, entries.get(row["ledger_index"]))
            if verdict is None:
                continue
            key = (verdict.passage_id, verdict.revision, row["journal_id"])
            if records.get(key) != verdict.record_index:
                self._problems.add(where, f"record {verdict.origin}#{verdict.record_index} holds no such passage")
            self._check_findings(where, row, verdict, findings[row["passage_id"], row["sequence"]])
            self._check_named(where, verdict, named[row["passage_id"], row["sequence"]])
            if row["latest"]:
                self._check_matches(where, verdict, matches[verdict.passage_id])

    def _verdict(self, where: str, row: RowMapping, entry: LedgerEntry | None) -> Verdict | None:
        """The verdict as the ledger has it; None when that is none."""
        if entry is None or entry.WhichOneof("body") != "verdict":
            self._problems.add(where, f"ledger entry {row['ledger_index']} is no verdict")
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
        self._problems.compare(where, f"ledger entry {row['ledger_index']}", row, expected)
        if self._origins.get(row["journal_id"]) != verdict.origin:
            self._problems.add(where, f"column journal_id is not that of {verdict.origin}")
        return verdict

    def _check_findings(self, where: str, row: RowMapping, verdict: Verdict, found: Sequence[RowMapping]) -> None:
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
        self._findings += len(expected)
        if len(expected) != len(found):
            self._problems.add(where, f"{len(found)} findings are stored of it, it has {len(expected)}")
            return
        for number, (finding, right) in enumerate(zip(found, expected, strict=True), 1):
            self._problems.compare(f"finding {number} of {where}", "the verdict", finding, right)

    def _check_matches(self, where: str, verdict: Verdict, matched: set[str]) -> None:
        named = {reference.declaration_id for reference in verdict.decision.declarations}
        self._matches += len(named)
        if matched != named:
            self._problems.add(where, "its rows in matches are not the declarations it was judged against")

    def _check_named(self, where: str, verdict: Verdict, found: set[str]) -> None:
        named = {reference.declaration_id for reference in verdict.decision.declarations}
        self._named += len(named)
        if found != named:
            self._problems.add(where, "its rows in verdict_declarations are not the declarations it was judged against")

    def _check_counts(self) -> None:
        """Rows that belong to no verdict."""
        of_passages = select(func.count()).where(schema.findings.c.subject_kind == PASSAGE)
        of_matches = select(func.count()).select_from(schema.matches)
        of_named = select(func.count()).select_from(schema.verdict_declarations)
        for table, query, right in (
            ("findings", of_passages, self._findings),
            ("matches", of_matches, self._matches),
            ("verdict_declarations", of_named, self._named),
        ):
            stored = self._connection.scalar(query)
            if stored != right:
                self._problems.add(table, f"{stored} are stored of passages, the verdicts have {right}")

    def _findings_of(self, passages: set[str]) -> dict[tuple[str, int], list[RowMapping]]:
        """(passage id, sequence) -> findings, in their order."""
        table = schema.findings.c
        query = select(*table).where(table.subject.in_(passages), table.subject_kind == PASSAGE)
        found: dict[tuple[str, int], list[RowMapping]] = defaultdict(list)
        for finding in self._connection.execute(query.order_by(table.finding_id)).mappings():
            found[finding["subject"], finding["sequence"]].append(finding)
        return found

    def _matches_of(self, passages: set[str]) -> dict[str, set[str]]:
        """Passage id -> ids of the declarations it is noted to be matched with."""
        table = schema.matches.c
        matched: dict[str, set[str]] = defaultdict(set)
        query = select(table.passage_id, table.declaration_id).where(table.passage_id.in_(passages))
        for row in self._connection.execute(query):
            matched[row.passage_id].add(row.declaration_id)
        return matched

    def _named_by(self, passages: set[str]) -> dict[tuple[str, int], set[str]]:
        """(passage id, sequence) -> ids of the declarations that the verdict is noted to name."""
        table = schema.verdict_declarations
        named: dict[tuple[str, int], set[str]] = defaultdict(set)
        for row in self._connection.execute(select(table).where(table.c.passage_id.in_(passages))):
            named[row.passage_id, row.sequence].add(row.declaration_id)
        return named

    def _records_of(self, passages: set[str]) -> dict[tuple[str, int, int], int]:
        """(passage id, revision, journal id) -> index of the record."""
        table = schema.passages.c
        query = select(table.passage_id, table.revision, table.journal_id, table.record_index)
        found = self._connection.execute(query.where(table.passage_id.in_(passages)))
        return {(row.passage_id, row.revision, row.journal_id): row.record_index for row in found}
