"""What persons do with cases. The commands use these functions, and so will the console; they print and ask nothing.

Each act is one transaction: the event in the ledger, the case's row, and what an outcome does to credit. Who acts must
be in the register of officers, in office, and of the authority in charge. (That they are who they say is the caller's
business: at the collector's own machine it is who may run its commands.)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection, select

from collector.cases import store as stored
from collector.cases import words
from collector.cases.asking import new_deadline, next_event
from collector.cases.core import SUBJECT_KINDS, Case, CaseError, draw_subject
from collector.cases.feedback import note_outcome
from collector.cases.policy import CasePolicy
from collector.draws import seeds
from collector.draws.days import day_of
from collector.draws.roster import on_duty
from collector.errors import CollectorError
from collector.ledger.log import Ledger, read_head
from collector.reconcile.accounts import evidence_in
from collector.registers.officers import acting
from collector.registers.reading import officers
from collector.store import schema
from collector.store.engine import Store
from gate_contract.acts import ActError, open_act
from gate_contract.draws import TEN_THOUSAND, draw
from gate_contract.v1 import case_pb2 as pb

OUTCOMES = {
    "unfounded": pb.CASE_OUTCOME_UNFOUNDED,
    "error": pb.CASE_OUTCOME_ERROR,
    "violation": pb.CASE_OUTCOME_VIOLATION,
    "grave-violation": pb.CASE_OUTCOME_GRAVE_VIOLATION,
}
"""Outcomes by the word a person writes, mildest first."""

LEAST_PREFIX = 4
AFTER_HEX = "g"  # sorts after every hexadecimal digit


@dataclass(frozen=True, slots=True)
class CaseLine:
    """One case in a list. Times are nanoseconds since 1970; `assignee` is "" when nobody has it."""

    case_id: str
    subject: str
    subject_kind: str
    authority: str
    severity: int
    state: str
    outcome: int
    assignee: str
    level: int
    opened_ns: int
    deadline_ns: int
    decided_ns: int | None

    @property
    def overdue(self) -> bool:
        """Whether it is open and a deadline of it has gone by."""
        return self.state == "open" and self.level > 0


@dataclass(frozen=True, slots=True)
class Told:
    """One event of a case's story. `text` is what a person wrote; "" for nothing, None when its key was destroyed."""

    event: pb.CaseEvent
    ledger_index: int
    text: str | None


@dataclass(frozen=True, slots=True)
class GateAct:
    """What an officer did about the passage at the gate, as their machine recorded it.

    `refused`: why it does not count (its signature, its officer); "" when it does. `photos` are hashes of evidence.
    """

    kind: str
    officer_id: str
    authority: str
    at_ns: int
    reason: str
    refused: str
    photos: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Story:
    """A case with everything that happened to it.

    Attributes:
        case: as it stands.
        events: in order.
        acts: at the gate, in order of time.
        stored: hashes of its evidence, and of the photos of acts, that is durable here.
    """

    case: Case
    events: Sequence[Told]
    acts: Sequence[GateAct]
    stored: frozenset[bytes]


def list_cases(
    connection: Connection, *, is_open: bool = False, officer: str = "", overdue: bool = False, most: int = 200
) -> list[CaseLine]:
    """Open cases first by deadline, then decided ones, the newest first; at most so many.

    Args:
        connection: in a transaction.
        is_open: only open ones.
        officer: only those that this officer has and that are open.
        overdue: only open ones of which a deadline has gone by.
        most: at most so many.
    """
    table = schema.cases.c
    columns = [table[name] for name in CaseLine.__dataclass_fields__]
    waiting = select(*columns).where(table.state == "open")
    if officer:
        waiting = waiting.where(table.assignee == officer)
    if overdue:
        waiting = waiting.where(table.level > 0)
    found = connection.execute(waiting.order_by(table.deadline_ns, table.case_id).limit(most)).all()
    if not (is_open or officer or overdue) and len(found) < most:
        decided = select(*columns).where(table.state == "decided")
        newest = decided.order_by(table.decided_ns.desc(), table.case_id).limit(most - len(found))
        found = [*found, *connection.execute(newest).all()]
    return [CaseLine(*row) for row in found]


def find(connection: Connection, name: str) -> str:
    """Case id of what a person wrote: the id, its first characters if no other begins so, or the case's subject.

    Raises:
        CollectorError: there is none, or more than one.
    """
    table = schema.cases.c
    about = table.subject_kind.in_(sorted(SUBJECT_KINDS)) & (table.subject == name)
    found = connection.scalars(select(table.case_id).where((table.case_id == name) | about)).all()
    if not found and len(name) >= LEAST_PREFIX:
        beginning = table.case_id.between(name, name + AFTER_HEX)  # as a range it needs no look at every case
        found = connection.scalars(select(table.case_id).where(beginning).order_by(table.case_id).limit(3)).all()
    if len(found) == 1:
        return str(found[0])
    if not found:
        raise CollectorError(f"there is no case {name!r}", fix="`gate-collector cases list` lists them")
    raise CollectorError(f"{name!r} is more than one case", fix=f"write more of it: {', '.join(sorted(found))} ...")


def story(connection: Connection, keys: words.CaseKeys, case_id: str) -> Story:
    """A case with everything that happened to it; `case_id` is there, see `find`."""
    case = stored.load(connection, [case_id])[case_id]
    told = [Told(event, at, words.read(keys, event)) for event, at in stored.events_of(connection, case_id)]
    acts = _acts(connection, case)
    named = {*case.evidence, *(photo for act in acts for photo in act.photos)}
    evidence = schema.evidence.c.sha256
    durable = connection.scalars(select(evidence).where(evidence.in_(named))) if named else ()
    return Story(case, told, acts, frozenset(durable))


def _acts(connection: Connection, case: Case) -> list[GateAct]:
    if case.subject_kind != "passage":
        return []
    table = schema.officer_acts.c
    rows = connection.execute(
        select(table.act_id, table.kind, table.officer_id, table.authority, table.at_ns, table.body)
        .where(table.passage_id == case.subject)
        .order_by(table.at_ns, table.act_id)
    )
    known = officers(connection)
    acts: dict[str, GateAct] = {}  # the same act told twice counts once
    for row in rows:
        reason, refused = "", ""
        photos: tuple[bytes, ...] = ()
        try:
            act = open_act(row.body, known).act
            reason = act.reason
            photos = tuple(each.sha256 for each in evidence_in(act))
        except ActError as error:
            refused = error.reason
        done = GateAct(row.kind, row.officer_id, row.authority, row.at_ns, reason, refused, photos)
        acts.setdefault(row.act_id, done)
    return list(acts.values())


class CaseDesk:
    """Acts of persons on cases."""

    def __init__(self, store: Store, ledger: Ledger, keys: words.CaseKeys, policy: CasePolicy) -> None:
        """`keys` seal what is written; `policy` has deadlines and what outcomes do to credit."""
        self._store, self._ledger, self._keys, self._policy = store, ledger, keys, policy

    def assign(self, name: str, officer: str, actor: str, now_unix_ns: int) -> Case:
        """Give a case to an officer of the authority in charge; CollectorError when that cannot be."""
        with self._acting(name, actor, now_unix_ns) as (connection, case):
            _must_be_in_office(connection, officer, case.authority, now_unix_ns)
            assigned = next_event(case, pb.CASE_EVENT_KIND_ASSIGNED, now_unix_ns, actor, assignee=officer)
            return self._enter(connection, case, assigned, now_unix_ns)

    def draw(self, name: str, actor: str, now_unix_ns: int) -> Case:
        """Draw an officer on duty with the day's seed: once in each opening; CollectorError when that cannot be."""
        with self._acting(name, actor, now_unix_ns) as (connection, case):
            drawn = next_event(case, pb.CASE_EVENT_KIND_ASSIGNED, now_unix_ns)
            seed = seeds.commit(connection, self._ledger, day_of(drawn.at_unix_ns), now_unix_ns)
            roster = on_duty(officers(connection).values(), case.authority, drawn.at_unix_ns)
            if seed.published or not roster:
                why = "the seed of this day is public" if seed.published else f"nobody of {case.authority!r} is on duty"
                raise CollectorError(
                    f"case {case.case_id}: nobody can be drawn",
                    cause=why,
                    fix=f"name somebody: `gate-collector cases assign {case.case_id} OFFICER`",
                )
            drawn.assignee = draw(seed.seed, draw_subject(case.case_id, case.openings), TEN_THOUSAND, roster).officer
            return self._enter(connection, case, drawn, now_unix_ns)

    def comment(self, name: str, text: str, actor: str, now_unix_ns: int) -> Case:
        """Write something, sealed; CollectorError when that cannot be."""
        with self._acting(name, actor, now_unix_ns) as (connection, case):
            sealed = words.seal(self._keys, case.case_id, text)
            commented = next_event(case, pb.CASE_EVENT_KIND_COMMENTED, now_unix_ns, actor, **sealed)
            return self._enter(connection, case, commented, now_unix_ns)

    def decide(self, name: str, outcome: str, reason: str, actor: str, now_unix_ns: int) -> tuple[Case, list[str]]:
        """Decide a case that the actor has; also returns the declarants whose credit record it changed.

        `outcome` is a word of OUTCOMES. CollectorError when that cannot be.
        """
        with self._acting(name, actor, now_unix_ns) as (connection, case):
            sealed = words.seal(self._keys, case.case_id, reason)
            decided = next_event(
                case, pb.CASE_EVENT_KIND_DECIDED, now_unix_ns, actor, outcome=OUTCOMES[outcome], **sealed
            )
            after = self._enter(connection, case, decided, now_unix_ns)
            return after, note_outcome(connection, self._ledger, after, self._policy, now_unix_ns)

    def reopen(self, name: str, reason: str, actor: str, now_unix_ns: int) -> Case:
        """Open a decided case again: nobody has it, and what its outcome did to credit is taken back."""
        with self._acting(name, actor, now_unix_ns) as (connection, case):
            sealed = words.seal(self._keys, case.case_id, reason)
            deadline = new_deadline(case, self._policy, now_unix_ns)
            reopened = next_event(
                case, pb.CASE_EVENT_KIND_REOPENED, now_unix_ns, actor, deadline_unix_ns=deadline, **sealed
            )
            after = self._enter(connection, case, reopened, now_unix_ns)
            note_outcome(connection, self._ledger, after, self._policy, now_unix_ns)
            return after

    @contextmanager
    def _acting(self, name: str, actor: str, now_unix_ns: int) -> Iterator[tuple[Connection, Case]]:
        """A write transaction in which the actor may do something with a case."""
        with self._store.write() as connection:
            read_head(connection, lock=True)  # on PostgreSQL two acts on one case take turns
            case_id = find(connection, name)
            case = stored.load(connection, [case_id])[case_id]
            _must_be_in_office(connection, actor, case.authority, now_unix_ns)
            try:
                yield connection, case
            except CaseError as error:
                raise CollectorError(
                    str(error), fix=f"`gate-collector cases show {case_id}` shows how it stands"
                ) from None

    def _enter(self, connection: Connection, case: Case, event: pb.CaseEvent, now_unix_ns: int) -> Case:
        return stored.append(connection, self._ledger, {case.case_id: case}, [event], now_unix_ns)[case.case_id]


def _must_be_in_office(connection: Connection, officer_id: str, authority: str, now_unix_ns: int) -> None:
    officer = acting(connection, officer_id, now_unix_ns)
    if officer.authority != authority:
        raise CollectorError(
            f"officer {officer_id} acts for {officer.authority!r}",
            cause=f"this case is in the charge of {authority!r}",
            fix="an officer of that authority must do it",
        )
