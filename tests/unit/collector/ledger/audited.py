"""A collector with something in every table, for tests of its audit."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from collector.agents import registry
from collector.agents.authority import Authority
from collector.config import CollectorConfig
from collector.declarations.intake import import_declarations
from collector.ingest.evidence import EvidenceStore, record_evidence
from collector.ingest.quarantine import FORK, Refused, quarantine
from collector.ledger.audit import AuditReport, Trust, audit
from collector.reconcile.service import Reconciler
from collector.store.engine import Store
from gate_contract.v1.declaration_pb2 import Declaration
from gate_contract.v1.passage_pb2 import DIRECTION_OUTBOUND
from gate_contract.v1.uplink_pb2 import EvidenceOffer
from tests.unit.collector.collected import DEPLOYMENT, START, Agent, Collected, incident, passage, probes
from tests.unit.collector.ledger.samples import SAMPLES

BLOB = b"a picture"


class Place:
    """A collector's state on disk, and its audit."""

    def __init__(self, directory: Path, trust: Trust, store: Store) -> None:
        self.directory = directory
        self.trust = trust
        self.database = directory / "collector.db"
        self._store = store

    def audit(self) -> AuditReport:
        try:
            return audit(self._store, self.trust, self.directory / "evidence")
        finally:
            self._store.close()

    def execute(self, statement: str, values: tuple[Any, ...] = ()) -> list[Any]:
        """On the database directly, behind the collector's back."""
        connection = sqlite3.connect(self.database)
        try:
            rows = connection.execute(statement, values).fetchall()
            connection.commit()
        finally:
            connection.close()
        return rows

    def problems(self) -> str:
        report = self.audit()
        assert not report.holds
        return "\n".join(f"{problem.where}: {problem.what}" for problem in report.problems)


def declaration(number: int, plate: str) -> Declaration:
    departure = registry.nanoseconds(START + timedelta(hours=4))
    return Declaration(
        declaration_id=f"D-{number:03}",
        site_id="haikou",
        direction=DIRECTION_OUTBOUND,
        lodged_unix_ns=registry.nanoseconds(START - timedelta(hours=2)),
        departure_unix_ns=departure,
        vehicle_plate=plate,
        trailer_plate="琼A1234挂",
        vehicle_tare_kilograms="8000",
        box_tare_kilograms="0",
        cargo_kilograms="4000",
        persons=1,
    )


def build(directory: Path) -> Trust:
    """Something in every table, and enough of it for tiles."""
    collected = Collected(directory)
    authority = Authority.make(DEPLOYMENT, START)
    agent, other = collected.admit("gate-1"), collected.admit("gate-2", b"b")
    certify(collected, authority, agent)
    declared = [declaration(number, f"琼B{number:05}") for number in range(300)]
    declared[0].vehicle_plate = "琼A12345"
    import_all(collected, declared)
    declared[1].cargo_kilograms = "4001"
    import_all(collected, declared[:2])
    collected.accept(agent, *probes(300), passage("p1"), incident("i1"), b"\xff\xff", passage("p1"))
    collected.accept(agent, passage("p2", plate="琼Z99999"))
    collected.accept(agent, incident("i2", closed=False))
    collected.accept(other, *probes(2), passage("p3", plate="琼B00002"))
    for fill in SAMPLES:
        fill(collected)
    config = CollectorConfig(deployment=DEPLOYMENT, state_dir=directory)
    reconciler = Reconciler(collected.store, collected.ledger, config)
    while reconciler.run_once(collected.now_ns):
        pass
    collected.accept(agent, passage("p1", 2, kilograms="22340"))
    go_ahead(collected, agent)
    collected.revoke(other)
    with collected.store.write() as connection:
        forked = Refused(agent.origin, FORK, "record 301 is other here", b"a forked batch", 301)
        quarantine(connection, collected.ledger, forked, collected.now_ns)
    keep_evidence(collected)
    # A day later D-003 was declared and not seen.
    while reconciler.run_once(collected.now_ns + 40 * 3600 * 1_000_000_000):
        pass
    trust = Trust(DEPLOYMENT, collected.ledger.verifier, collected.receipts.verifier, authority.certificate_pem)
    collected.store.close()
    return trust


def go_ahead(collected: Collected, agent: Agent) -> None:
    """Live records of which the backlog has reached two: one is settled, one is not, and three are ahead."""
    start = len(agent.records)
    agent.records += [*probes(3, 900), passage("p5"), passage("p6"), *probes(3, 910), passage("p7"), passage("p1", 2)]
    collected.take_live(agent, agent.live(start + 3, size=start + 4))
    collected.take_live(agent, agent.live(start + 4, start + 8, size=start + 9))
    collected.take_live(agent, agent.live(start + 6, start + 9, size=start + 10))
    collected.take(agent, agent.batch(start, start + 6, lost=[start + 1, start + 2]))


def certify(collected: Collected, authority: Authority, agent: Agent) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
    csr = request.public_bytes(serialization.Encoding.DER)
    issued = authority.issue_client(csr, agent.agent_id, agent.origin, 90, START)
    with collected.store.write() as connection:
        journal = registry.find_journal(connection, agent.origin)
        assert journal is not None
        registry.record_certificate(connection, journal, issued)


def import_all(collected: Collected, declared: list[Declaration]) -> None:
    copies = [Declaration.FromString(each.SerializeToString()) for each in declared]
    report = import_declarations(collected.store, collected.ledger, enumerate(copies, 1), collected.now_ns)
    assert report.stored


def keep_evidence(collected: Collected) -> None:
    offer = EvidenceOffer(sha256=sha256(BLOB).digest(), size=len(BLOB), media_type="image/jpeg")
    with EvidenceStore(collected.state_dir).begin(offer, "gate-1") as upload:
        upload.open()
        upload.write(BLOB)
        upload.finish()
    with collected.store.write() as connection:
        record_evidence(connection, collected.ledger, offer, "gate-1", collected.now_ns)


@dataclass(frozen=True)
class Built:
    """What every test starts from; `store` is of the database in `copy`, closed between tests.

    Each store compiles every statement anew, a third of what it costs to audit so little: one is enough.
    """

    original: Path
    trust: Trust
    copy: Path
    store: Store
