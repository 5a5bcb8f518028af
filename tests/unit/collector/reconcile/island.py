"""A collector on disk without its server: declarations are imported and journals ingested as they are in earnest."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import func, insert, select

from collector.config import CollectorConfig, load_config
from collector.declarations.intake import ImportReport, import_declarations
from collector.ingest.accept import Arrival, Stored, store_batches
from collector.ingest.prepare import prepare
from collector.ingest.quarantine import FORK, Refused, quarantine
from collector.keys import CollectorKeys
from collector.ledger.log import Ledger
from collector.reconcile.service import Reconciler
from collector.registers.intake import NewItem, enter
from collector.store import schema
from collector.store.engine import Store
from gate_contract.checkpoint import Checkpoint, Signer, journal_origin
from gate_contract.envelope import leaf_hashes, seal
from gate_contract.merkle import Frontier
from gate_contract.v1.decision_pb2 import Decision, Finding
from gate_contract.v1.declaration_pb2 import Declaration
from gate_contract.v1.ledger_pb2 import Admission, LedgerEntry, Verdict
from gate_contract.v1.passage_pb2 import (
    DIRECTION_OUTBOUND,
    LANE_KIND_VEHICLE,
    PASSAGE_CLOSING_COMPLETE,
    PASSAGE_OPENING_WEIGHT,
    STABILITY_INFERRED,
    WEIGHT_KIND_GROSS,
    Passage,
    PlateRead,
    Weighing,
)
from gate_contract.v1.record_pb2 import Record
from gate_contract.v1.stamp_pb2 import CLOCK_STATE_SYNCHRONISED, ClockState, Stamp
from tests.migrated import open_new

SECOND = 1_000_000_000
HOUR = 3600 * SECOND
NOON = 1_772_337_600 * SECOND
"""2026-03-01T12:00:00+08:00: trucks pass about now."""
SITE = "xinhai"
PLATE = "琼A12345"

CONFIG = """
deployment = "hainan.example"
state_dir = "state"
listen = "127.0.0.1:0"
enrol_listen = "127.0.0.1:0"
hostnames = ["localhost"]

[sites.xinhai.lanes.first-line]
goods = "free"
"""


def a_declaration(
    declaration_id: str = "D-1",
    *,
    plate: str = PLATE,
    trailer: str = "",
    site: str = SITE,
    departure: int = NOON + HOUR,
    lodged: int = NOON - 5 * HOUR,
    cargo: str = "13000",
    persons: int = 2,
    sailing: str = "",
) -> Declaration:
    """12,000 kg empty, 13,000 kg of goods, two persons: 25,150 kg."""
    return Declaration(
        declaration_id=declaration_id,
        lodged_unix_ns=lodged,
        site_id=site,
        direction=DIRECTION_OUTBOUND,
        departure_unix_ns=departure,
        sailing_id=sailing,
        vehicle_plate=plate,
        trailer_plate=trailer,
        vehicle_tare_kilograms="12000",
        box_tare_kilograms="0",
        persons=persons,
        cargo_kilograms=cargo,
    )


def a_passage(
    passage_id: str = "P-1",
    *,
    revision: int = 1,
    plates: Sequence[str] = (PLATE,),
    kilograms: str = "25150",
    at: int = NOON,
    lane: str = "lane-1",
    clock: ClockState.ValueType = CLOCK_STATE_SYNCHRONISED,
    revision_reason: str = "",
    gate: Decision | None = None,
) -> Passage:
    stamp = Stamp(wall_unix_ns=at, clock=clock)
    return Passage(
        passage_id=passage_id,
        revision=revision,
        lane_id=lane,
        lane_kind=LANE_KIND_VEHICLE,
        direction=DIRECTION_OUTBOUND,
        opened=stamp,
        decided=stamp,
        opened_by=PASSAGE_OPENING_WEIGHT,
        closed_by=PASSAGE_CLOSING_COMPLETE,
        plates=[PlateRead(device_id="camera-1", at=stamp, text=text, confidence=0.95) for text in plates],
        weighings=[
            Weighing(
                device_id="scale-1",
                at=stamp,
                kilograms=kilograms,
                device_weight=kilograms,
                device_unit="kg",
                kind=WEIGHT_KIND_GROSS,
                stability=STABILITY_INFERRED,
                uncertainty_kilograms="20",
                sample_count=12,
                span_ms=1200,
            )
        ],
        revision_reason=revision_reason,
        local_decision=gate,
    )


class Journal:
    """One agent's journal, signed with its own key."""

    def __init__(self, deployment: str, agent: str) -> None:
        key = Ed25519PrivateKey.generate()
        self.origin = journal_origin(deployment, agent, key.public_key().public_bytes_raw())
        self.signer = Signer(self.origin, key)
        self.frontier = Frontier()

    def batch(self, records: Sequence[bytes]) -> bytes:
        first, self.frontier = self.frontier.size, self.frontier.grown(leaf_hashes(records))
        note = self.signer.sign(Checkpoint.of(self.origin, self.frontier).body()).to_bytes()
        return seal(first, records, note)


class Island:
    """The collector with its database, keys and reconciliation, and the journals that were admitted."""

    def __init__(self, directory: Path, url: str = "") -> None:
        self.config_file = directory / "collector.toml"
        storage = f'storage_url = "{url}"\n' if url else ""
        self.config_file.write_text(f"{storage}{CONFIG}", encoding="utf-8")
        self.config: CollectorConfig = load_config(self.config_file)
        now = datetime.now(UTC)
        self.keys = CollectorKeys.load_or_create(
            self.config.state_dir, self.config.deployment, self.config.hostnames, now
        )
        self.store: Store = open_new(self.config.database_url)
        self.ledger = Ledger(self.keys.ledger)
        self.reconciler = Reconciler(self.store, self.ledger, self.config)
        self._journals: dict[str, tuple[int, Journal]] = {}

    def close(self) -> None:
        self.store.close()

    def declare(self, *declarations: Declaration, at: int = NOON) -> ImportReport:
        return import_declarations(self.store, self.ledger, enumerate(declarations, 1), at)

    def journal(self, agent: str = "gate-1", site: str = SITE) -> Journal:
        if agent not in self._journals:
            journal = Journal(self.config.deployment, agent)
            row = {
                "origin": journal.origin,
                "agent_id": agent,
                "site_id": site,
                "verifier_key": journal.signer.verifier.vkey(),
            }
            entry = LedgerEntry(format=1, entered_unix_ns=NOON - HOUR, admission=Admission(**row))
            with self.store.write() as connection:
                index = self.ledger.append(connection, [entry])
                row_id = connection.execute(
                    insert(schema.journals).returning(schema.journals.c.journal_id),
                    {**row, "admitted_ns": NOON - HOUR, "admission_index": index},
                )
                self._journals[agent] = row_id.scalar_one(), journal
        return self._journals[agent][1]

    def enter(self, *items: NewItem, at: int = NOON) -> None:
        """What is entered into registers."""
        with self.store.write() as connection:
            enter(connection, self.ledger, items, at)

    def receive(self, *passages: Passage, agent: str = "gate-1", site: str = SITE, at: int = NOON) -> None:
        """What an agent's journal brings, accepted as the ingest accepts it."""
        records = [Record(format=1, captured=passage.decided, site_id=site, passage=passage) for passage in passages]
        self.bring(*records, agent=agent, site=site, at=at)

    def bring(self, *records: Record, agent: str = "gate-1", site: str = SITE, at: int = NOON) -> None:
        """Any records of an agent's journal."""
        journal = self.journal(agent, site)
        known = journal.frontier
        bodies = [each.SerializeToString() for each in records]
        batch = prepare(journal.batch(bodies), known, journal.signer.verifier, lambda _start, _end: [])
        with self.store.write() as connection:
            arrival = Arrival(self._journals[agent][0], batch)
            [outcome] = store_batches(connection, self.ledger, self.keys.receipts, [arrival], at)
        assert isinstance(outcome, Stored)

    def fork(self, index: int, *, agent: str = "gate-1", at: int = NOON) -> None:
        """A batch that was refused because it says something else at `index`."""
        detail = f"record {index} is 00aa here and 11bb in what was accepted before: two histories under one key"
        with self.store.write() as connection:
            quarantine(
                connection,
                self.ledger,
                Refused(self.journal(agent).origin, FORK, detail, b"batch %d" % index, index),
                at,
            )

    def reconcile(self, at: int = NOON) -> int:
        """Judge until nothing waits; how many passages."""
        total = 0
        while judged := self.reconciler.run_once(at):
            total += judged
        return total

    def verdicts(self, passage_id: str = "P-1") -> list[Verdict]:
        table = schema.verdicts.c
        query = select(table.body).where(table.passage_id == passage_id).order_by(table.sequence)
        with self.store.read() as connection:
            return [Verdict.FromString(body) for body in connection.scalars(query)]

    def standing(self, code: str) -> dict[str, Finding]:
        """Standing findings of one code by their subject."""
        table = schema.findings.c
        query = select(table.subject, table.body).where(table.latest, table.code == code)
        with self.store.read() as connection:
            return {row.subject: Finding.FromString(row.body) for row in connection.execute(query)}

    def alarms(self) -> list[tuple[str, str]]:
        """(kind, detail) in the order they were raised."""
        table = schema.alarms.c
        with self.store.read() as connection:
            return [tuple(row) for row in connection.execute(select(table.kind, table.detail).order_by(table.alarm_id))]

    def count(self, table: str) -> int:
        """Rows of a table."""
        with self.store.read() as connection:
            return connection.scalar(select(func.count()).select_from(schema.metadata.tables[table])) or 0

    def waiting(self) -> dict[str, str]:
        """Reason by id of the passages that wait."""
        with self.store.read() as connection:
            table = schema.to_judge.c
            return {row.passage_id: row.reason for row in connection.execute(select(table.passage_id, table.reason))}

    def ledger_kinds(self) -> list[str]:
        """What each ledger entry is about, in order."""
        table = schema.ledger_entries.c
        with self.store.read() as connection:
            bodies = connection.scalars(select(table.body).order_by(table.entry_index)).all()
        return [LedgerEntry.FromString(body).WhichOneof("body") or "" for body in bodies]


def codes(verdict: Verdict) -> list[str]:
    return [finding.code for finding in verdict.decision.findings]
