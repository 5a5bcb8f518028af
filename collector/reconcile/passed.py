"""Other passages, as they had been judged at a moment: what of them counts for a passage that is judged then.

A passage counts for others from its first verdict on, in the order of the ledger. So what a decision rested on can be
found again for every moment of the past: `before` is how many entries the ledger had then, None for now.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, Select, exists, select

from collector.reconcile.queue import AT_ONCE, portions
from collector.store import schema
from gate_contract.rules.bookings import HOUR
from gate_contract.rules.facts import PassageFacts, believed
from gate_contract.rules.visits import Pass
from gate_contract.v1.decision_pb2 import Decision
from gate_contract.v1.ledger_pb2 import Verdict
from gate_contract.v1.passage_pb2 import LANE_KIND_OBSERVATION, PASSAGE_CLOSING_BACKED_OUT, Passage

SIGHTED_FOR: Final = 31 * 24 * HOUR
"""How far back a sighting of a plate lies at most, nanoseconds: what was longer ago says nothing of this journey."""

LONGEST_JOURNEY: Final = 24 * HOUR
"""Nothing takes longer from one site to another (policy V04 allows no more)."""


@dataclass(frozen=True)
class Passed:
    """Another passage with the verdict that stood."""

    passage_id: str
    site_id: str
    received_ns: int
    body: bytes
    verdict_body: bytes

    @cached_property
    def passage(self) -> Passage:
        """In the revision that was judged."""
        return Passage.FromString(self.body)

    @cached_property
    def decision(self) -> Decision:
        """What had been decided."""
        return Verdict.FromString(self.verdict_body).decision

    @cached_property
    def facts(self) -> PassageFacts:
        """As the rules see it."""
        return PassageFacts.of(self.passage)

    @cached_property
    def at_unix_ns(self) -> int:
        """When it was; where its gate's time cannot be believed, when it came."""
        at = believed(self.passage.opened)
        return self.received_ns if at is None else at

    @property
    def passes(self) -> bool:
        """Whether anything passed the gate; what went back the way it came counts for nobody."""
        return self.passage.closed_by != PASSAGE_CLOSING_BACKED_OUT

    @property
    def only_seen(self) -> bool:
        """Nothing passes an observation point: it sees what is on its way."""
        return self.passage.lane_kind == LANE_KIND_OBSERVATION

    @property
    def way(self) -> Pass:
        """As a pass of a lane."""
        return Pass(self.site_id, self.passage.lane_id, self.passage.direction, self.at_unix_ns)

    def order(self) -> tuple[int, str]:
        """Passages stand in this order in time."""
        return self.at_unix_ns, self.passage_id


MOST_READ: Final = 20_000
"""Passages of some plates that are read, the newest first: a camera that repeats one plate for ever costs no more."""


def with_plates(
    connection: Connection, plates: Collection[str], first_ns: int, last_ns: int, before: int | None
) -> dict[str, list[Passed]]:
    """By plate as it was read best, those opened between two times."""
    table = schema.passages.c
    found: dict[str, list[Passed]] = defaultdict(list)
    for some in portions(sorted(plates), AT_ONCE):
        query = _judged(before).add_columns(table.plate.label("key"))
        query = query.where(table.plate.in_(some), table.opened_ns.between(first_ns, last_ns))
        query = query.order_by(table.opened_ns.desc()).limit(MOST_READ)
        _gather(found, connection.execute(query))
    return found


def with_documents(
    connection: Connection, pseudonyms: Collection[bytes], before: int | None
) -> dict[bytes, list[Passed]]:
    """By the pseudonym of a document shown."""
    shown = schema.passage_documents.c
    found: dict[bytes, list[Passed]] = defaultdict(list)
    for some in portions(sorted(pseudonyms), AT_ONCE):
        query = _judged(before).add_columns(shown.pseudonym.label("key"))
        query = query.join(schema.passage_documents, shown.passage_id == schema.passages.c.passage_id)
        _gather(found, connection.execute(query.where(shown.pseudonym.in_(some))))
    return found


def with_declarations(
    connection: Connection, declaration_ids: Collection[str], before: int | None
) -> dict[str, list[Passed]]:
    """By the id of a declaration that the standing verdict names."""
    named, verdicts = schema.verdict_declarations.c, schema.verdicts.c
    found: dict[str, list[Passed]] = defaultdict(list)
    for some in portions(sorted(declaration_ids), AT_ONCE):
        query = _judged(before).add_columns(named.declaration_id.label("key"))
        query = query.join(
            schema.verdict_declarations,
            (named.passage_id == verdicts.passage_id) & (named.sequence == verdicts.sequence),
        )
        _gather(found, connection.execute(query.where(named.declaration_id.in_(some))))
    return found


def decisions_before(
    connection: Connection, passage_ids: Collection[str], before: int | None
) -> dict[str, list[Decision]]:
    """All decisions on some passages that were superseded, oldest first."""
    table = schema.verdicts.c
    found: dict[str, list[Decision]] = defaultdict(list)
    for some in portions(sorted(passage_ids), AT_ONCE):
        query = select(table.passage_id, table.body).where(table.passage_id.in_(some)).order_by(table.sequence)
        if before is not None:
            query = query.where(table.ledger_index < before)
        for row in connection.execute(query):
            found[row.passage_id].append(Verdict.FromString(row.body).decision)
    return {passage_id: decisions[:-1] for passage_id, decisions in found.items()}


def _judged(before: int | None) -> Select[Any]:
    """Each passage once: in the revision, and by the journal, that the verdict standing then was on."""
    passages, verdicts = schema.passages.c, schema.verdicts.c
    columns = (
        passages.passage_id,
        passages.site_id,
        passages.received_ns,
        passages.body,
        verdicts.body.label("verdict"),
    )
    return (
        select(*columns)
        .join(
            schema.verdicts,
            (verdicts.passage_id == passages.passage_id)
            & (verdicts.revision == passages.revision)
            & (verdicts.journal_id == passages.journal_id),
        )
        .where(*stood(before))
    )


def stood(before: int | None) -> list[ColumnElement[bool]]:
    """Conditions on `verdicts`: the ones that stood when the ledger had so many entries."""
    verdicts, later = schema.verdicts.c, schema.verdicts.alias("later").c
    superseded = [later.passage_id == verdicts.passage_id, later.sequence > verdicts.sequence]
    known: list[ColumnElement[bool]] = []
    if before is not None:
        superseded.append(later.ledger_index < before)
        known.append(verdicts.ledger_index < before)
    return [*known, ~exists().where(*superseded)]


def _gather(found: dict[Any, list[Passed]], rows: Iterable[Row[Any]]) -> None:
    for row in rows:
        each = Passed(row.passage_id, row.site_id, row.received_ns, row.body, row.verdict)
        if each.passes:
            found[row.key].append(each)
