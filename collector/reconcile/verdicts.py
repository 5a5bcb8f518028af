"""Passages that wait → verdicts: read together, judged, written in one transaction with their ledger entries."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, NamedTuple

from sqlalchemy import Connection, delete, insert, select, update

from collector.ledger.log import FORMAT, Ledger
from collector.reconcile.contexts import Contexts, Prepared
from collector.reconcile.core import Waiting, judge
from collector.reconcile.looks import Asked
from collector.reconcile.source import Source, select_sources
from collector.store import schema
from gate_contract.v1.decision_pb2 import Decision
from gate_contract.v1.ledger_pb2 import LedgerEntry, Verdict

PASSAGE = "passage"
"""Finding.subject_kind of what a verdict found."""


class Queued(NamedTuple):
    """A row of `to_judge`."""

    passage_id: str
    queued_ns: int
    reason: str


@dataclass(frozen=True, slots=True)
class Case:
    """One passage that waits. `source` and `prepared` are None when there is no such passage."""

    queued: Queued
    source: Source | None
    prepared: Prepared | None


@dataclass(frozen=True, slots=True)
class Judged:
    """A case with its decision; None when it would repeat the verdict that stands."""

    case: Case
    decision: Decision | None


def next_in_turn(connection: Connection, most: int) -> list[Queued]:
    """The passages whose turn it is, at most so many."""
    table = schema.to_judge.c
    query = select(table.passage_id, table.queued_ns, table.reason).order_by(table.turn, table.passage_id)
    return [Queued(*row) for row in connection.execute(query.limit(most))]


def decide_all(connection: Connection, queue: Sequence[Queued], contexts: Contexts, now_unix_ns: int) -> list[Judged]:
    """Judge the waiting passages one after the other, in the caller's transaction."""
    ids = [queued.passage_id for queued in queue]
    sources, earlier = _sources(connection, ids), standing_verdicts(connection, ids)
    # Nothing is decided before it came, whatever the clock did meanwhile.
    now = max((now_unix_ns, *(queued.queued_ns for queued in queue)))
    known = [queued for queued in queue if queued.passage_id in sources]
    asked = [Asked(sources[each.passage_id], earlier.get(each.passage_id), each.reason, now) for each in known]
    batch = contexts.read(connection, asked)
    judged = [Judged(Case(each, None, None), None) for each in queue if each.passage_id not in sources]
    for number, queued in enumerate(known):
        source, prepared = asked[number].source, batch.prepared(number)
        decision = judge(prepared.waiting, prepared.policy)
        if decision is not None:
            batch.given(number, _verdict(source, prepared.waiting, decision))
        judged.append(Judged(Case(queued, source, prepared), decision))
    return judged


def _sources(connection: Connection, passage_ids: Collection[str]) -> dict[str, Source]:
    """The highest revision of each, in the journal that spoke of the passage first: no other may speak for it."""
    table = schema.passages.c
    order = (table.passage_id, table.received_ns, table.journal_id, table.revision)
    query = select_sources().where(table.passage_id.in_(passage_ids)).order_by(*order)
    sources: dict[str, Source] = {}
    for row in connection.execute(query):
        source = Source.of(row)
        known = sources.setdefault(source.passage_id, source)
        if source.journal_id == known.journal_id and source.revision > known.revision:
            sources[source.passage_id] = source
    return sources


def standing_verdicts(connection: Connection, passage_ids: Collection[str]) -> dict[str, Verdict]:
    """The verdict that stands on each passage that has one."""
    table = schema.verdicts.c
    # Ordered, the last one wins: asked for `latest` too, SQLite prefers the index that begins with it.
    query = select(table.passage_id, table.body).where(table.passage_id.in_(passage_ids)).order_by(table.sequence)
    bodies = {row.passage_id: row.body for row in connection.execute(query)}
    return {passage_id: Verdict.FromString(body) for passage_id, body in bodies.items()}


def still_waiting(connection: Connection, judged: Sequence[Judged]) -> list[Judged]:
    """Those whose queue row is as it was when they were judged, up to the first that changed since.

    It is judged again, and so are those after it, which may have been judged in the knowledge of its verdict.
    """
    table = schema.to_judge.c
    ids = [each.case.queued.passage_id for each in judged]
    rows = connection.execute(select(table.passage_id, table.queued_ns, table.reason).where(table.passage_id.in_(ids)))
    now = {row.passage_id: Queued(*row) for row in rows}
    return list(takewhile(lambda each: now.get(each.case.queued.passage_id) == each.case.queued, judged))


def write(connection: Connection, ledger: Ledger, judged: Sequence[Judged], now_unix_ns: int) -> set[str]:
    """Enter the verdicts and take their passages off the queue, in the caller's write transaction.

    Returns the ids of declarations that are matched now and were not, or were and are not.
    """
    done = [each.case.queued.passage_id for each in judged]
    connection.execute(delete(schema.to_judge).where(schema.to_judge.c.passage_id.in_(done)))
    new = [
        (each.case.source, _verdict(each.case.source, each.case.prepared.waiting, each.decision))
        for each in judged
        if each.case.source and each.case.prepared and each.decision
    ]
    if not new:
        return set()
    entries = [LedgerEntry(format=FORMAT, entered_unix_ns=now_unix_ns, verdict=verdict) for _, verdict in new]
    first = ledger.append(connection, entries)
    ids = [verdict.passage_id for _, verdict in new]
    _supersede(connection, ids)
    connection.execute(
        insert(schema.verdicts), [_verdict_row(verdict, source, at) for at, (source, verdict) in enumerate(new, first)]
    )
    if rows := [row for _, verdict in new for row in _finding_rows(verdict)]:
        connection.execute(insert(schema.findings), rows)
    if named := [row for _, verdict in new for row in declaration_rows(verdict)]:
        connection.execute(insert(schema.verdict_declarations), named)
    return _match(connection, {verdict.passage_id: verdict.decision for _, verdict in new})


def _supersede(connection: Connection, passage_ids: Collection[str]) -> None:
    verdicts, findings = schema.verdicts, schema.findings
    connection.execute(update(verdicts).where(verdicts.c.passage_id.in_(passage_ids)).values(latest=False))
    of_passages = findings.c.subject_kind == PASSAGE
    connection.execute(update(findings).where(findings.c.subject.in_(passage_ids), of_passages).values(latest=False))


def _verdict(source: Source, waiting: Waiting, decision: Decision) -> Verdict:
    return Verdict(
        passage_id=source.passage_id,
        revision=source.revision,
        origin=source.origin,
        record_index=source.record_index,
        sequence=waiting.earlier.sequence + 1 if waiting.earlier else 1,
        reason=waiting.reason if waiting.earlier else "",
        decision=decision,
    )


def _verdict_row(verdict: Verdict, source: Source, ledger_index: int) -> dict[str, Any]:
    return {
        "passage_id": verdict.passage_id,
        "sequence": verdict.sequence,
        "revision": verdict.revision,
        "journal_id": source.journal_id,
        "action": verdict.decision.action,
        "decided_ns": verdict.decision.decided_unix_ns,
        "latest": True,
        "ledger_index": ledger_index,
        "body": verdict.SerializeToString(deterministic=True),
    }


def _finding_rows(verdict: Verdict) -> list[dict[str, Any]]:
    return [
        {
            "subject": verdict.passage_id,
            "subject_kind": PASSAGE,
            "sequence": verdict.sequence,
            "code": finding.code,
            "action": finding.action,
            "severity": finding.severity,
            "at_ns": verdict.decision.decided_unix_ns,
            "latest": True,
            "body": finding.SerializeToString(deterministic=True),
        }
        for finding in verdict.decision.findings
    ]


def declaration_rows(verdict: Verdict) -> list[dict[str, Any]]:
    """Its rows in `verdict_declarations`."""
    named = sorted({reference.declaration_id for reference in verdict.decision.declarations})
    return [{"declaration_id": each, "passage_id": verdict.passage_id, "sequence": verdict.sequence} for each in named]


def _match(connection: Connection, decisions: Mapping[str, Decision]) -> set[str]:
    """Note what each passage was judged against, instead of what is noted; ids whose match changed."""
    table = schema.matches
    rows = connection.execute(select(table).where(table.c.passage_id.in_(list(decisions))))
    before = {(row.declaration_id, row.passage_id) for row in rows}
    after = {
        (reference.declaration_id, passage_id)
        for passage_id, decision in decisions.items()
        for reference in decision.declarations
    }
    if before:
        connection.execute(delete(table).where(table.c.passage_id.in_(list(decisions))))
    if after:
        columns = ("declaration_id", "passage_id")
        connection.execute(insert(table), [dict(zip(columns, pair, strict=True)) for pair in sorted(after)])
    return {declaration_id for declaration_id, _ in before ^ after}
