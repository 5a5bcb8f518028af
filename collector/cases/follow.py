"""Verdicts and findings that came → cases. Beside the reconciliation, some at a time, so that judging never waits.

What is new is read along two orders that never change: the ledger's (verdicts) and the findings' numbers (those of
declarations, sailings and journals). Each step is one transaction together with its cursor. What it costs depends on
what is new and on open cases, not on how much there ever was.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Row, select, tuple_

from collector.cases import store as stored
from collector.cases.asking import Asked, escalate, follow, for_a_person
from collector.cases.core import case_id_of
from collector.cases.feedback import clean_declarants, note_clean
from collector.cases.policy import CasePolicy
from collector.ledger.log import Ledger, read_entries
from collector.reconcile.accounts import evidence_of
from collector.reconcile.queue import advance, position
from collector.reconcile.verdicts import PASSAGE, standing_verdicts
from collector.store import schema
from collector.store.engine import Store
from gate_contract.holds import authority_of
from gate_contract.rules.findings import RELEASE
from gate_contract.v1.case_pb2 import CaseEvent
from gate_contract.v1.decision_pb2 import Finding
from gate_contract.v1.ledger_pb2 import LedgerEntry, Verdict
from gate_contract.v1.passage_pb2 import Passage

LEDGER_CURSOR: Final = "cases/ledger"
FINDINGS_CURSOR: Final = "cases/findings"

ENTRIES_AT_ONCE: Final = 1000
"""Ledger entries read in one step."""
SUBJECTS_AT_ONCE: Final = 50
"""Cases looked at in one transaction; others wait for the database meanwhile."""
LOOK_EVERY_NS: Final = 5_000_000_000
"""How often deadlines, and findings that ended without a word, are looked for."""

Subject = tuple[str, str]
"""Kind and id of what a case is about."""


class CaseFollower:
    """Keeps cases true to what was found. Used by one thread."""

    def __init__(self, store: Store, ledger: Ledger, policy: CasePolicy) -> None:
        """`policy` has deadlines and what clean years do."""
        self._store, self._ledger, self._policy = store, ledger, policy
        self._looked_ns = 0
        self._after: tuple[int, str] = (0, "")
        self._seen: dict[str, int] = {}
        """How far was read by cursor; ahead of what is stored where there was nothing to write. After a restart that
        is read again, and comes to nothing again."""

    def run_once(self, now_unix_ns: int) -> int:
        """One step of each kind; how much was done. Call it again while it is not 0. Blocking."""
        done = self._verdicts(now_unix_ns) + self._findings(now_unix_ns)
        if done == 0 and not 0 <= now_unix_ns - self._looked_ns < LOOK_EVERY_NS:
            done = self._deadlines(now_unix_ns)
            self._ended(now_unix_ns)
            if not done:
                self._looked_ns = now_unix_ns
        return done

    def _verdicts(self, now_unix_ns: int) -> int:
        """What the next entries of the ledger say."""
        with self._store.read() as connection:
            start = self._position(connection, LEDGER_CURSOR)
            passages, end = _judged(connection, start)
            if end == start:
                return 0
            standing = standing_verdicts(connection, passages) if passages else {}
            asked = _asked_of_passages(connection, standing)
            released = [each for each in standing.values() if each.decision.action == RELEASE]
            clean = clean_declarants(connection, released, self._policy, now_unix_ns)
        if asked or clean or end - start >= ENTRIES_AT_ONCE:
            with self._store.write() as connection:
                self._follow(connection, asked, now_unix_ns)
                note_clean(connection, self._ledger, clean, self._policy, now_unix_ns)
                advance(connection, LEDGER_CURSOR, end)
        self._seen[LEDGER_CURSOR] = end
        return end - start

    def _findings(self, now_unix_ns: int) -> int:
        """Findings of declarations, sailings and journals."""
        table = schema.findings.c
        with self._store.read() as connection:
            start = self._position(connection, FINDINGS_CURSOR)
            query = select(table.finding_id, table.subject_kind, table.subject).where(table.finding_id >= start)
            rows = connection.execute(query.order_by(table.finding_id).limit(SUBJECTS_AT_ONCE)).all()
            if not rows:
                return 0
            subjects = {(row.subject_kind, row.subject) for row in rows if row.subject_kind != PASSAGE}
            asked = _asked_of_others(connection, subjects)
        end = rows[-1].finding_id + 1
        if asked or len(rows) >= SUBJECTS_AT_ONCE:
            with self._store.write() as connection:
                self._follow(connection, asked, now_unix_ns)
                advance(connection, FINDINGS_CURSOR, end)
        self._seen[FINDINGS_CURSOR] = end
        return len(rows)

    def _position(self, connection: Connection, cursor: str) -> int:
        return max(position(connection, cursor), self._seen.get(cursor, 0))

    def _ended(self, now_unix_ns: int) -> None:
        """Open cases of which the findings ended: some of them, in turn; no row comes when a finding ends."""
        table = schema.cases.c
        key = tuple_(table.deadline_ns, table.case_id)
        with self._store.read() as connection:
            query = select(table.subject_kind, table.subject, table.deadline_ns, table.case_id)
            query = query.where(table.state == "open", table.subject_kind != PASSAGE, key > self._after)
            rows = connection.execute(query.order_by(table.deadline_ns, table.case_id).limit(SUBJECTS_AT_ONCE)).all()
            self._after = (rows[-1].deadline_ns, rows[-1].case_id) if len(rows) == SUBJECTS_AT_ONCE else (0, "")
            asked = _asked_of_others(connection, {(row.subject_kind, row.subject) for row in rows})
        over = [each for each in asked if not for_a_person(each.findings)]
        if over:
            with self._store.write() as connection:
                self._follow(connection, over, now_unix_ns)

    def _deadlines(self, now_unix_ns: int) -> int:
        """Escalate cases whose deadline has gone by; how many."""
        table = schema.cases.c
        late = select(table.case_id).where(
            table.state == "open", table.deadline_ns <= now_unix_ns, table.level < self._policy.levels
        )
        late = late.order_by(table.deadline_ns).limit(SUBJECTS_AT_ONCE)
        with self._store.read() as connection:
            if not connection.scalars(late.limit(1)).all():
                return 0
        with self._store.write() as connection:
            cases = stored.load(connection, connection.scalars(late).all())
            events = [event for case in cases.values() if (event := escalate(case, self._policy, now_unix_ns))]
            stored.append(connection, self._ledger, cases, events, now_unix_ns)
        return len(events)

    def _follow(self, connection: Connection, asked: Sequence[Asked], now_unix_ns: int) -> None:
        """Enter what changes of the cases, in the caller's write transaction."""
        ids = {case_id_of(each.subject_kind, each.subject): each for each in asked}
        known = stored.load(connection, _known(connection, ids))
        events: list[CaseEvent] = []
        for case_id, each in ids.items():
            events += follow(known.get(case_id), each, self._policy, now_unix_ns)
        stored.append(connection, self._ledger, known, events, now_unix_ns)


def _judged(connection: Connection, start: int) -> tuple[set[str], int]:
    """Passages on which the next entries of the ledger decide, few enough for one step, and where the step ends."""
    passages: set[str] = set()
    end = start
    for index, body in read_entries(connection, start, start + ENTRIES_AT_ONCE):
        if len(passages) >= SUBJECTS_AT_ONCE:
            break
        entry = LedgerEntry.FromString(body)
        if entry.WhichOneof("body") == "verdict":
            passages.add(entry.verdict.passage_id)
        end = index + 1
    return passages, end


def _known(connection: Connection, case_ids: Collection[str]) -> list[str]:
    table = schema.cases.c
    return list(connection.scalars(select(table.case_id).where(table.case_id.in_(case_ids)))) if case_ids else []


def _asked_of_passages(connection: Connection, standing: Mapping[str, Verdict]) -> list[Asked]:
    """What stands about passages that may need a case, or have one."""
    ids = {case_id_of(PASSAGE, passage_id): passage_id for passage_id in standing}
    having = {ids[case_id] for case_id in _known(connection, ids)}
    concerned = [
        each for each in standing.values() if each.passage_id in having or for_a_person(each.decision.findings)
    ]
    names = [each.passage_id for each in concerned]
    evidence = _evidence(connection, concerned)
    acts = schema.officer_acts.c.passage_id
    acted = set(connection.scalars(select(acts).where(acts.in_(names)))) if names else set()
    return [
        Asked(
            each.passage_id,
            PASSAGE,
            _authority(each.decision.findings),
            each.decision.findings,
            evidence.get(each.passage_id, ()),
            each.passage_id in acted,
        )
        for each in concerned
    ]


def _evidence(connection: Connection, verdicts: Sequence[Verdict]) -> dict[str, list[bytes]]:
    """Pictures and curves, by passage, of the revision that was judged."""
    revisions = {(each.passage_id, each.revision) for each in verdicts}
    if not revisions:
        return {}
    table, judged = schema.passages.c, schema.verdicts.c
    query = (
        select(table.passage_id, table.revision, table.body)
        .join(schema.verdicts, (judged.passage_id == table.passage_id) & (judged.journal_id == table.journal_id))
        .where(table.passage_id.in_([each.passage_id for each in verdicts]), judged.revision == table.revision)
    )
    return {
        row.passage_id: [each.sha256 for each in evidence_of(Passage.FromString(row.body)) if each.sha256]
        for row in connection.execute(query)
        if (row.passage_id, row.revision) in revisions
    }


def _asked_of_others(connection: Connection, subjects: Iterable[Subject]) -> list[Asked]:
    """What stands about declarations, sailings and journals."""
    found: dict[Subject, list[Finding]] = {each: [] for each in subjects}
    if not found:
        return []
    table = schema.findings.c
    query = select(table.subject_kind, table.subject, table.latest, table.body)
    rows: Iterable[Row[Any]] = connection.execute(query.where(table.subject.in_({subject for _, subject in found})))
    for row in rows:
        if row.latest and (row.subject_kind, row.subject) in found:
            found[row.subject_kind, row.subject].append(Finding.FromString(row.body))
    return [Asked(subject, kind, _authority(each), each) for (kind, subject), each in found.items()]


def _authority(findings: Iterable[Finding]) -> str:
    """Of the gravest finding; whoever is in charge of it is in charge of the case."""
    asking = for_a_person(findings)
    return authority_of(asking[0]) if asking else ""
