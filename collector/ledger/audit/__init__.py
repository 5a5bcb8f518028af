"""The audit: everything stored, verified from bytes to checkpoints, as if nobody had verified it before.

It runs beside a serving collector: all of it is read in one transaction, so it sees one moment. Memory is bounded: a
few batches, the keys, the first problems.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Table, func, select

from collector.ledger.audit.admission import audit_admission, audit_certificates
from collector.ledger.audit.alarms import KeptAlarms
from collector.ledger.audit.cases import audit_cases
from collector.ledger.audit.declarations import audit_declarations
from collector.ledger.audit.draws import audit_seeds
from collector.ledger.audit.evidence import KeptEvidence, audit_evidence
from collector.ledger.audit.journals import JournalAudit
from collector.ledger.audit.keeping import audit_database, audit_digests, audit_quarantine
from collector.ledger.audit.log import LedgerContents, audit_ledger
from collector.ledger.audit.problems import Problem, Problems
from collector.ledger.audit.registers import audit_registers
from collector.ledger.audit.verdicts import VerdictAudit
from collector.ledger.log import TREE
from collector.privacy.audit import DestroyedKeys
from collector.privacy.keystore import FILE as KEY_STORE
from collector.store import schema
from collector.store.engine import Store
from gate_contract.checkpoint import Verifier

__all__ = ["AuditReport", "Problem", "Trust", "audit", "work"]

_BY_JOURNAL = (
    schema.batches,
    schema.passages,
    schema.incidents,
    schema.dead_letters,
    schema.live_records,
    schema.verdicts,
    schema.officer_acts,
    schema.actuations,
)

# What is in the ledger itself, by the kind of its entries: the table that holds it, and its audit, which returns how
# many entries of that kind the rows stand for.
_ENTERED: Mapping[str, tuple[Table, Callable[[Connection, Problems], int]]] = {
    "declaration": (schema.declarations, audit_declarations),
    "item": (schema.register_items, audit_registers),
    "case_event": (schema.case_events, audit_cases),
    "draw_seed": (schema.draw_seeds, audit_seeds),
}


@dataclass(frozen=True, slots=True)
class Trust:
    """What the audit trusts: the collector's public keys.

    Attributes:
        deployment: begins every origin.
        ledger: key of the ledger's checkpoints.
        receipts: key of the receipts.
        ca_pem: certificate of the authority.
    """

    deployment: str
    ledger: Verifier
    receipts: Verifier
    ca_pem: bytes


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What was verified, and what does not fit.

    Attributes:
        records: records of all journals.
        journals: journals.
        ledger: entries of the ledger.
        declarations: declaration versions.
        items: versions of register items.
        verdicts: verdicts.
        evidence: blobs.
        problems: the first hundred, in the order they were found.
        problem_count: all of them.
    """

    records: int
    journals: int
    ledger: int
    declarations: int
    items: int
    verdicts: int
    evidence: int
    problems: tuple[Problem, ...]
    problem_count: int

    @property
    def holds(self) -> bool:
        """Whether everything fits."""
        return self.problem_count == 0


def work(store: Store) -> int:
    """How much an audit will check, in the unit of its progress; for a progress bar."""
    with store.read() as connection:
        records = connection.scalar(select(func.sum(schema.journals.c.size))) or 0
        tables = (schema.ledger_entries, schema.verdicts, schema.certificates, schema.evidence)
        entered = (table for table, _ in _ENTERED.values())
        return int(records) + sum(_rows(connection, table) for table in (*tables, *entered, *_digested()))


def audit(
    store: Store, trust: Trust, evidence: Path, on_progress: Callable[[int], None] = lambda _checked: None
) -> AuditReport:
    """Verify everything stored; `evidence` is the directory of the blobs.

    `on_progress` is told how much was checked so far, in the unit of `work`. What cannot be read is a problem in the
    report, not an exception.
    """
    problems = Problems(on_progress)
    with store.read() as connection:
        audit_database(connection, problems)
        destroyed = DestroyedKeys(evidence.parent / KEY_STORE, problems)
        alarms = KeptAlarms(connection, problems)
        kept = KeptEvidence(connection, problems)
        told = {
            "key_destroyed": (destroyed.entered, kept.destroyed),
            "alarm": (alarms.entered,),
            "evidence": (kept.entered,),
        }
        ledger = audit_ledger(connection, trust.ledger, problems, told)
        for each in (destroyed, alarms, kept):
            each.finish()
        records, origins = _audit_journals(connection, trust, ledger, problems)
        counted = {kind: check(connection, problems) for kind, (_, check) in _ENTERED.items()}
        verdicts = VerdictAudit(connection, origins, problems)
        verdicts.run()
        for kind, found in (*counted.items(), ("verdict", verdicts.count)):
            if ledger.kinds[kind] != found:
                problems.add(f"{kind}s", f"{found} are stored, the ledger has {ledger.kinds[kind]}")
        _audit_waiting(connection, problems)
        audit_certificates(connection, trust.ca_pem, problems)
        audit_digests(connection, problems)
        audit_quarantine(connection, problems)
        blobs = audit_evidence(connection, evidence, problems)
    return AuditReport(
        records=records,
        journals=len(origins),
        ledger=ledger.size,
        declarations=counted["declaration"],
        items=counted["item"],
        verdicts=verdicts.count,
        evidence=blobs,
        problems=tuple(problems.kept),
        problem_count=problems.count,
    )


def _audit_journals(
    connection: Connection, trust: Trust, ledger: LedgerContents, problems: Problems
) -> tuple[int, dict[int, str]]:
    """All journals; returns how many records they have, and their origins by id."""
    records = batches = 0
    origins: dict[int, str] = {}
    with problems.reading("journals"):
        for journal in connection.execute(select(schema.journals).order_by(schema.journals.c.journal_id)).mappings():
            origins[journal["journal_id"]] = journal["origin"]
            with problems.reading(f"journal {journal['origin']}"):
                admitted = audit_admission(journal, ledger, trust.deployment, problems)
                if admitted is not None:
                    checked = JournalAudit(connection, journal, admitted, trust.receipts, problems)
                    checked.run()
                    batches += checked.batches
                    records += checked.records
    for origin in sorted(ledger.admissions.keys() - set(origins.values())):
        problems.add(f"journal {origin}", f"it is missing; ledger entry {ledger.admissions[origin][0]} admits it")
    if ledger.kinds["journal"] != batches:
        problems.add("batches", f"{batches} are stored, the ledger has {ledger.kinds['journal']}")
    _audit_strays(connection, origins, problems)
    return records, origins


def _audit_strays(connection: Connection, origins: dict[int, str], problems: Problems) -> None:
    """Rows and tiles that belong to no journal."""
    for table in _BY_JOURNAL:
        with problems.reading(table.name):
            strays = set(connection.scalars(select(table.c.journal_id).distinct())) - origins.keys()
            for journal_id in sorted(strays):
                problems.add(table.name, f"there are rows of a journal {journal_id}, which does not exist")
    with problems.reading("tiles"):
        trees = set(connection.scalars(select(schema.tiles.c.tree).distinct())) - {TREE, *origins.values()}
        for tree in sorted(trees):
            problems.add("tiles", f"there are tiles of a tree {tree}, which does not exist")


def _audit_waiting(connection: Connection, problems: Problems) -> None:
    """Every passage was judged or waits for it."""
    passages, verdicts, waiting = schema.passages.c, schema.verdicts.c, schema.to_judge.c
    with problems.reading("passages"):
        forgotten = select(passages.passage_id).where(
            ~select(verdicts.passage_id).where(verdicts.passage_id == passages.passage_id).exists(),
            ~select(waiting.passage_id).where(waiting.passage_id == passages.passage_id).exists(),
        )
        for passage_id in connection.scalars(forgotten.distinct()):
            problems.add(f"passage {passage_id}", "it has no verdict and does not wait for one")


def _digested() -> list[Table]:
    return [schema.metadata.tables[name] for name in schema.DIGESTED]


def _rows(connection: Connection, table: Table) -> int:
    return connection.scalar(select(func.count()).select_from(table)) or 0
