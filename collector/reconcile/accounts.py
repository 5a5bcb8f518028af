"""What is known of passages and findings, read together for people and programs that ask."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from google.protobuf.message import Message
from rapidfuzz import process
from sqlalchemy import Connection, and_, exists, false, func, or_, select

from collector.errors import CollectorError
from collector.reconcile.acts import acts_of
from collector.reconcile.passed import decisions_before
from collector.reconcile.source import Source, select_sources
from collector.reconcile.uses import standing_of
from collector.registers.reading import officers
from collector.store import schema
from gate_contract.acts import ActError, OpenedAct, open_act
from gate_contract.holds import Standing
from gate_contract.rules.plates import normalise
from gate_contract.v1.decision_pb2 import Decision, Finding
from gate_contract.v1.declaration_pb2 import Declaration
from gate_contract.v1.evidence_pb2 import Evidence
from gate_contract.v1.ledger_pb2 import Verdict
from gate_contract.v1.passage_pb2 import Passage

MOST_COMPARED = 20_000
"""Newest passages whose ids are compared with one that is not known."""


@dataclass(frozen=True, slots=True)
class PassageLine:
    """One passage in a list: its latest revision and the verdict that stands; None when not judged yet.

    `is_second_voice`: another journal spoke of this passage first; that one's word is judged, this one's never.
    """

    source: Source
    opened_ns: int
    lane_id: str
    plate: str
    kilograms: str
    verdict: Verdict | None
    is_second_voice: bool
    action: int = 0
    """What stands of the verdict after what officers did; 0 when it was not judged."""


@dataclass(frozen=True, slots=True)
class PassageFilter:
    """Which passages; what is empty or 0 does not restrict. `plate` is a part of one."""

    site_id: str = ""
    since_ns: int = 0
    plate: str = ""
    action: int = 0


@dataclass(frozen=True, slots=True)
class StandingFinding:
    """A finding that stands; `subject_kind` is "passage", "declaration", "sailing" or "journal"."""

    subject: str
    subject_kind: str
    sequence: int
    at_ns: int
    finding: Finding


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision of a passage as it came; `source.revision` is its number."""

    source: Source
    passage: Passage


@dataclass(frozen=True, slots=True)
class Account:
    """All about one passage.

    Attributes:
        revisions: of the journal that spoke of it first, in order; the last one counts.
        verdicts: (verdict, its ledger index) in order; the last one stands. Empty while it was not judged.
        declarations: what the standing verdict was judged against, in the versions it named.
        latest_versions: of those declarations, by id.
        stored_evidence: hashes of the evidence that is durable here.
        waiting: why it is to be judged (again); None when it does not wait.
        standing: what stands of the last verdict after what officers did; None while it was not judged.
        acts: what officers did about it, as far as it counts, in order of time.
        refused_acts: of those that do not count, why.
    """

    revisions: Sequence[Revision]
    verdicts: Sequence[tuple[Verdict, int]]
    declarations: Sequence[Declaration]
    latest_versions: dict[str, int]
    stored_evidence: frozenset[bytes]
    waiting: str | None
    standing: Standing | None = None
    acts: Sequence[OpenedAct] = ()
    refused_acts: Sequence[ActError] = ()


def passage_lines(connection: Connection, which: PassageFilter, most: int) -> list[PassageLine]:
    """The newest passages first, at most so many."""
    table, later, verdicts = schema.passages.c, schema.passages.alias("later"), schema.verdicts.c
    superseded = exists().where(
        later.c.passage_id == table.passage_id,
        later.c.journal_id == table.journal_id,
        later.c.revision > table.revision,
    )
    first = schema.passages.alias("first")
    second_voice = exists().where(
        first.c.passage_id == table.passage_id,
        or_(
            first.c.received_ns < table.received_ns,
            and_(first.c.received_ns == table.received_ns, first.c.journal_id < table.journal_id),
        ),
        first.c.journal_id != table.journal_id,
    )
    query = (
        select_sources()
        .add_columns(
            table.opened_ns,
            table.lane_id,
            table.plate,
            table.kilograms,
            verdicts.body.label("verdict"),
            second_voice.label("second_voice"),
        )
        .outerjoin(
            schema.verdicts,
            # As an expression `latest` is no reason to prefer the index that begins with it, in SQLite.
            (verdicts.passage_id == table.passage_id)
            & (verdicts.journal_id == table.journal_id)
            & func.coalesce(verdicts.latest, false()),
        )
        .where(~superseded)
        .order_by(table.opened_ns.desc(), table.passage_id)
        .limit(most)
    )
    if which.site_id:
        query = query.where(table.site_id == which.site_id)
    if which.since_ns:
        query = query.where(table.opened_ns >= which.since_ns)
    if which.plate:
        query = query.where(table.plate.contains(normalise(which.plate), autoescape=True))
    if which.action:
        query = query.where(verdicts.action == which.action)
    lines = [
        PassageLine(
            source=Source.of(row),
            opened_ns=row.opened_ns,
            lane_id=row.lane_id,
            plate=row.plate,
            kilograms=row.kilograms,
            verdict=None if row.verdict is None else Verdict.FromString(row.verdict),
            is_second_voice=row.second_voice,
        )
        for row in connection.execute(query)
    ]
    return _with_acts(connection, lines)


def _with_acts(connection: Connection, lines: Sequence[PassageLine]) -> list[PassageLine]:
    """Each with what stands of its verdict."""
    ids = {each.source.passage_id for each in lines if each.verdict}
    acts = acts_of(connection, ids, officers(connection))
    before = decisions_before(connection, acts.keys(), None)
    found = []
    for line in lines:
        key, action = line.source.passage_id, 0
        if line.verdict:
            action = line.verdict.decision.action
            if done := acts.get(key):
                passage = Passage.FromString(line.source.body)
                action = standing_of(passage, line.verdict.decision, done, before.get(key, ())).action
        found.append(replace(line, action=action))
    return found


def standing_findings(
    connection: Connection, codes: Sequence[str], action: int, since_ns: int, most: int
) -> list[StandingFinding]:
    """The newest first, at most so many; empty `codes`, 0 `action` and 0 `since_ns` do not restrict."""
    table = schema.findings.c
    query = select(table.subject, table.subject_kind, table.sequence, table.at_ns, table.body).where(table.latest)
    if codes:
        query = query.where(table.code.in_(codes))
    if action:
        query = query.where(table.action == action)
    if since_ns:
        query = query.where(table.at_ns >= since_ns)
    rows = connection.execute(query.order_by(table.at_ns.desc(), table.finding_id.desc()).limit(most))
    return [
        StandingFinding(row.subject, row.subject_kind, row.sequence, row.at_ns, Finding.FromString(row.body))
        for row in rows
    ]


def account_of(connection: Connection, passage_id: str) -> Account:
    """All about one passage.

    Raises:
        CollectorError: there is none; names those with the closest ids.
    """
    table = schema.passages.c
    query = select_sources().where(table.passage_id == passage_id)
    sources = [Source.of(row) for row in connection.execute(query.order_by(table.received_ns, table.journal_id))]
    if not sources:
        raise _unknown(connection, passage_id)
    own = sorted((each for each in sources if each.journal_id == sources[0].journal_id), key=lambda each: each.revision)
    revisions = [Revision(each, Passage.FromString(each.body)) for each in own]
    verdicts = _verdicts(connection, passage_id)
    named = verdicts[-1][0].decision.declarations if verdicts else ()
    declarations, latest = _declared(connection, {each.declaration_id: each.version for each in named})
    waiting = connection.scalar(select(schema.to_judge.c.reason).where(schema.to_judge.c.passage_id == passage_id))
    return Account(
        revisions=revisions,
        verdicts=verdicts,
        declarations=declarations,
        latest_versions=latest,
        stored_evidence=_stored(connection, evidence_of(revisions[-1].passage)),
        waiting=waiting,
        **_standing(connection, passage_id, revisions[-1].passage, [each.decision for each, _ in verdicts]),
    )


def _standing(
    connection: Connection, passage_id: str, passage: Passage, decisions: Sequence[Decision]
) -> dict[str, Any]:
    """What officers did, and what it leaves of the last decision."""
    table = schema.officer_acts.c
    bodies = connection.scalars(
        select(table.body).where(table.passage_id == passage_id).order_by(table.at_ns, table.act_id)
    )
    known, acts, refused = officers(connection), [], []
    for body in bodies:
        try:
            acts.append(open_act(body, known))
        except ActError as error:
            refused.append(error)
    standing = standing_of(passage, decisions[-1], acts, decisions[:-1]) if decisions else None
    return {"standing": standing, "acts": acts, "refused_acts": refused}


def evidence_of(passage: Passage) -> list[Evidence]:
    """Every picture, curve and scan it names, each once: of plates, of weighings, then of all other readings."""
    named = [each for part in (*passage.plates, *passage.weighings, *passage.readings) for each in evidence_in(part)]
    return list({each.sha256: each for each in named}.values())


def evidence_in(message: Message) -> Iterator[Evidence]:
    """The evidence in a message, wherever it stands there: a new kind of reading is not forgotten."""
    for field, value in message.ListFields():
        if field.message_type is not None:
            for part in value if field.is_repeated else [value]:
                yield from [part] if isinstance(part, Evidence) else evidence_in(part)


def _verdicts(connection: Connection, passage_id: str) -> list[tuple[Verdict, int]]:
    table = schema.verdicts.c
    query = select(table.body, table.ledger_index).where(table.passage_id == passage_id).order_by(table.sequence)
    return [(Verdict.FromString(row.body), row.ledger_index) for row in connection.execute(query)]


def _declared(connection: Connection, named: dict[str, int]) -> tuple[list[Declaration], dict[str, int]]:
    """The versions named, and the latest version of each, by id."""
    table = schema.declarations.c
    query = select(table.declaration_id, table.version, table.body).where(table.declaration_id.in_(named))
    declarations, latest = [], {}
    for row in connection.execute(query.order_by(table.declaration_id, table.version)):
        latest[row.declaration_id] = row.version
        if row.version == named[row.declaration_id]:
            declarations.append(Declaration.FromString(row.body))
    return declarations, latest


def _stored(connection: Connection, evidence: Sequence[Evidence]) -> frozenset[bytes]:
    table = schema.evidence.c
    return frozenset(
        connection.scalars(select(table.sha256).where(table.sha256.in_([each.sha256 for each in evidence])))
    )


def _unknown(connection: Connection, passage_id: str) -> CollectorError:
    table = schema.passages.c
    newest = select(table.passage_id).order_by(table.received_ns.desc()).limit(MOST_COMPARED)
    known = set(connection.scalars(newest))
    close = [found for found, _score, _at in process.extract(passage_id, known, limit=3, score_cutoff=60)]
    return CollectorError(
        f"there is no passage {passage_id!r}",
        fix=f"did you mean {', '.join(sorted(close))}?" if close else "`gate-collector passages` lists them",
    )
