"""Outcomes of cases and clean years → versions of credit records, in the transaction that they follow from."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from sqlalchemy import Connection, select

from collector.cases.core import Case
from collector.cases.credit import OUTCOMES, Because, because, class_of, is_clean
from collector.cases.policy import CasePolicy
from collector.ledger.log import Ledger
from collector.reconcile.verdicts import PASSAGE
from collector.registers.intake import NewItem, enter
from collector.registers.reading import latest, versions
from collector.store import schema
from gate_contract.v1 import case_pb2 as pb_case
from gate_contract.v1 import register_pb2 as pb
from gate_contract.v1.declaration_pb2 import Declaration
from gate_contract.v1.ledger_pb2 import Verdict

DECLARATION = "declaration"


def history(connection: Connection, declarant_id: str) -> list[Because]:
    """Why each version of a declarant's credit record was made, in order; withdrawn ones say nothing."""
    found: list[Because] = []
    for _, item in versions(connection, pb.ITEM_KIND_CREDIT, declarant_id):
        record = pb.CreditRecord.FromString(item.body)
        if item.withdrawn:
            found = []  # what was taken back as a whole is not known any more
        else:
            found.append(because(record.credit_class, record.reason, item.received_unix_ns))
    return found


def set_by_hand(
    connection: Connection, ledger: Ledger, declarant_id: str, credit_class: str, words: str, now_unix_ns: int
) -> None:
    """A person says which class a declarant has; what cases made of it before counts no more."""
    said = Because("hand", now_unix_ns, credit_class=credit_class, words=words)
    _enter(connection, ledger, {declarant_id: (credit_class, said)}, now_unix_ns)


def note_outcome(connection: Connection, ledger: Ledger, case: Case, policy: CasePolicy, now_unix_ns: int) -> list[str]:
    """What a decision does to credit, in the caller's write transaction; the declarants whose records it changed.

    An outcome that touches credit is noted; one that had been noted and does not hold any more, because the case was
    opened again, is taken back. A passage about which nothing was wrong may end a clean year: the goods of who is
    trusted least are never released without a look, and else nothing would ever end theirs.
    """
    current, ever = declarants_of(connection, case)
    entered: dict[str, tuple[str, Because]] = {}
    for declarant_id in sorted(ever | current):
        before = history(connection, declarant_id)
        if declarant_id in current and case.outcome in OUTCOMES:
            new = Because("outcome", now_unix_ns, case_id=case.case_id, outcome=OUTCOMES[case.outcome])
        elif _noted(before, case.case_id):
            new = Because("taken back", now_unix_ns, case_id=case.case_id)
        else:
            continue
        entered[declarant_id] = class_of([*before, new], policy), new
    _enter(connection, ledger, entered, now_unix_ns)
    if case.subject_kind == PASSAGE and case.outcome == pb_case.CASE_OUTCOME_UNFOUNDED:
        entered |= note_clean(connection, ledger, sorted(current), policy, now_unix_ns)
    return sorted(entered)


def clean_declarants(
    connection: Connection, released: Sequence[Verdict], policy: CasePolicy, now_unix_ns: int
) -> list[str]:
    """Declarants of released passages whose class a clean year makes one better now."""
    declarants = _declarants(connection, _named(released))
    known = latest(connection, pb.ITEM_KIND_CREDIT, declarants) if declarants else {}
    return [each for each in sorted(known) if is_clean(history(connection, each), policy, now_unix_ns)]


def note_clean(
    connection: Connection, ledger: Ledger, declarant_ids: Sequence[str], policy: CasePolicy, now_unix_ns: int
) -> dict[str, tuple[str, Because]]:
    """Make the class of each one better, in the caller's write transaction, if its year is still clean.

    Returns class and reason of those that became better, by declarant.
    """
    entered: dict[str, tuple[str, Because]] = {}
    for declarant_id in declarant_ids:
        before = history(connection, declarant_id)
        if is_clean(before, policy, now_unix_ns):
            new = Because("clean", now_unix_ns)
            entered[declarant_id] = class_of([*before, new], policy), new
    _enter(connection, ledger, entered, now_unix_ns)
    return entered


def declarants_of(connection: Connection, case: Case) -> tuple[set[str], set[str]]:
    """Who declared what the case is about: by the verdict that stands, and by all that ever stood.

    Of a declaration everybody counts who ever lodged a version of it: nobody gets rid of an outcome by amending who
    declared. Nobody for what was not declared, for sailings and for journals.
    """
    if case.subject_kind == DECLARATION:
        told = [_declarants(connection, [case.subject])]
    elif case.subject_kind == PASSAGE:
        table = schema.verdicts.c
        query = select(table.body).where(table.passage_id == case.subject).order_by(table.sequence)
        verdicts = [Verdict.FromString(body) for body in connection.scalars(query)]
        told = [_declarants(connection, _named([each])) for each in verdicts]
    else:
        told = []
    return (told[-1], set().union(*told)) if told else (set(), set())


def _named(verdicts: Iterable[Verdict]) -> set[str]:
    """Declarations that these were judged against."""
    return {each.declaration_id for verdict in verdicts for each in verdict.decision.declarations}


def _declarants(connection: Connection, declaration_ids: Collection[str]) -> set[str]:
    """Who lodged any version of these declarations."""
    if not declaration_ids:
        return set()
    table = schema.declarations.c
    bodies = connection.scalars(select(table.body).where(table.declaration_id.in_(declaration_ids)))
    return {Declaration.FromString(body).declarant_id for body in bodies} - {""}


def _noted(before: Iterable[Because], case_id: str) -> bool:
    """Whether an outcome of the case stands in the record."""
    of_case = [each for each in before if each.case_id == case_id]
    return bool(of_case) and of_case[-1].kind == "outcome"


def _enter(connection: Connection, ledger: Ledger, entered: dict[str, tuple[str, Because]], now_unix_ns: int) -> None:
    items = [
        NewItem.of(
            pb.ITEM_KIND_CREDIT,
            declarant_id,
            pb.CreditRecord(declarant_id=declarant_id, credit_class=credit_class, reason=why.reason),
        )
        for declarant_id, (credit_class, why) in sorted(entered.items())
    ]
    enter(connection, ledger, items, now_unix_ns)
