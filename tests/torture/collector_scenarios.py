"""What a collector writes to its disk, as small programs."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from alembic import command
from alembic.config import Config
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select

from collector.agents import registry
from collector.errors import CollectorError
from collector.ingest.accept import Arrival, LiveArrival, Stored, Taken, store_batches
from collector.ingest.evidence import EvidenceStore, record_evidence
from collector.ingest.prepare import prepare, prepare_live
from collector.ingest.quarantine import FORK, Refused, quarantine
from collector.keys import CollectorKeys
from collector.ledger.audit import Trust, audit
from collector.ledger.journal import head_of
from collector.ledger.log import Ledger
from collector.store import schema
from collector.store.engine import MIGRATIONS, Store, open_store
from gate_contract.checkpoint import Checkpoint, Receipt, Signer, journal_origin, open_receipt
from gate_contract.envelope import leaf_hashes, seal
from gate_contract.merkle import Frontier, growth_proof
from gate_contract.v1.record_pb2 import Record
from gate_contract.v1.uplink_pb2 import EvidenceOffer, LiveRecords
from tests.torture.reader import held_journals
from tests.torture.scenario import Promise, Scenario, Teller

DEPLOYMENT = "torture.example"
HOSTS = ("127.0.0.1",)
NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)
NOW_NS = registry.nanoseconds(NOW)
GATE = Ed25519PrivateKey.from_private_bytes(b"g" * 32)
ORIGIN = journal_origin(DEPLOYMENT, "gate-1", GATE.public_key().public_bytes_raw())
BLOB = b"".join(sha256(b"%d" % number).digest() for number in range(600))


PASSAGES = 10


def _keys(state: Path) -> CollectorKeys:
    return CollectorKeys.load_or_create(state, DEPLOYMENT, HOSTS, NOW)


def _store(state: Path) -> Store:
    return open_store(f"sqlite:///{state / 'collector.db'}")


def record(number: int) -> bytes:
    """A record: the first ones are passages; more of them would only be more of the same pages."""
    made = Record(format=1, site_id="haikou")
    if number >= PASSAGES:
        made.probe.payload = b"%d" % number
        return made.SerializeToString()
    passage = made.passage
    passage.passage_id, passage.revision, passage.lane_id = f"passage-{number}", 1, "L1"
    passage.opened.wall_unix_ns = passage.decided.wall_unix_ns = NOW_NS
    passage.plates.add(device_id="plate-1", text=f"粤B{number:05}", event_id=f"event-{number}")
    return made.SerializeToString()


RECORDS = [record(number) for number in range(280)]
"""Enough for a whole tile of the tree."""


def note(end: int) -> bytes:
    """The gate's checkpoint over the first `end` records."""
    frontier = Frontier().grown(leaf_hashes(RECORDS[:end]))
    return Signer(ORIGIN, GATE).sign(Checkpoint.of(ORIGIN, frontier).body()).to_bytes()


def batch(start: int, end: int) -> bytes:
    """Records [start, end) under the gate's checkpoint."""
    return seal(start, RECORDS[start:end], note(end))


def live(index: int, end: int) -> LiveRecords:
    """A record by itself, ahead of those before it, proved under the checkpoint of `end` records."""
    message = LiveRecords(checkpoint=note(end))
    proof = growth_proof(Frontier(), leaf_hashes(RECORDS[:end]), index)
    message.records.add(index=index, body=RECORDS[index], proof=proof)
    return message


def _admitted(state: Path) -> None:
    """A collector that knows one gate."""
    keys = _keys(state)
    with closing(_store(state)) as store:
        _admit(store, Ledger(keys.ledger), "gate-1", GATE)


def _admit(store: Store, ledger: Ledger, agent_id: str, key: Ed25519PrivateKey) -> str:
    public = key.public_key().public_bytes_raw()
    with store.write() as connection:
        token = registry.invite(connection, agent_id, "haikou", timedelta(hours=1), NOW)
        return registry.redeem(connection, token, public, DEPLOYMENT, NOW, append_entries=ledger.append).origin


def _act_accepting(state: Path, teller: Teller) -> None:
    """Batches are accepted, and receipts given."""
    keys = teller.step(_keys, state)
    store = teller.step(_store, state)
    ledger = Ledger(keys.ledger)
    teller.step(_accept_live, store, ledger, keys, live(6, 8))
    teller.promised("live", 6)
    for start, end in ((0, 3), (3, 4), (4, 280)):
        stored = teller.step(_accept, store, ledger, keys, batch(start, end))
        receipt: Receipt = open_receipt(stored.receipt, keys.receipts.verifier, ORIGIN)
        teller.promised("receipt", receipt.checkpoint.size)
    teller.step(store.close)


def _accept(store: Store, ledger: Ledger, keys: CollectorKeys, data: bytes) -> Stored:
    with store.read() as connection:
        head = head_of(connection, ORIGIN)
    assert head is not None

    def stored(start: int, end: int) -> Sequence[bytes]:
        return leaf_hashes(RECORDS[start:end])

    arrival = Arrival(head.journal_id, prepare(data, head.frontier, head.verifier, stored))
    if arrival.batch.is_known:  # an earlier try, said to have failed, has stored it
        return Stored(head.frontier.size, head.receipt, head.dead_lettered)
    with store.write() as connection:
        (outcome,) = store_batches(connection, ledger, keys.receipts, [arrival], NOW_NS)
    assert isinstance(outcome, Stored), outcome
    return outcome


def _accept_live(store: Store, ledger: Ledger, keys: CollectorKeys, message: LiveRecords) -> None:
    with store.write() as connection:
        head = head_of(connection, ORIGIN)
        assert head is not None
        arrival = LiveArrival(head.journal_id, prepare_live(message, head.verifier))
        (outcome,) = store_batches(connection, ledger, keys.receipts, [arrival], NOW_NS)
    assert isinstance(outcome, Taken), outcome


def _act_quarantining(state: Path, teller: Teller) -> None:
    """A fork is kept for a person to look at."""
    store = teller.step(_store, state)
    ledger = Ledger(teller.step(_keys, state).ledger)
    refused = Refused(ORIGIN, FORK, "record 0 is another", batch(0, 2))

    def keep() -> None:
        with store.write() as connection:
            quarantine(connection, ledger, refused, NOW_NS)

    teller.step(keep)
    teller.promised("quarantined", refused.detail)
    teller.step(store.close)


def _act_receiving_evidence(state: Path, teller: Teller) -> None:
    """A blob comes in two pieces, and is said to be durable."""
    store = teller.step(_store, state)
    ledger = Ledger(teller.step(_keys, state).ledger)
    evidence = EvidenceStore(state)
    offer = EvidenceOffer(sha256=sha256(BLOB).digest(), size=len(BLOB), media_type="image/jpeg")
    teller.step(_upload, evidence, store, ledger, offer)
    teller.promised("evidence", offer.sha256.hex())
    teller.step(store.close)


def _upload(evidence: EvidenceStore, store: Store, ledger: Ledger, offer: EvidenceOffer) -> None:
    try:
        with evidence.begin(offer, ORIGIN) as upload:
            upload.open()
            while not upload.is_whole:
                upload.write(BLOB[upload.offset : upload.offset + 16_000])
            upload.finish()
        with store.write() as connection:
            record_evidence(connection, ledger, offer, ORIGIN, NOW_NS)
    except OSError as error:  # as the servicer does
        raise CollectorError("the collector cannot store evidence now", cause=str(error)) from error


def _act_admitting(state: Path, teller: Teller) -> None:
    """A first start: keys, tables; then a gate is invited, admitted, gets a certificate, and is revoked."""
    keys = teller.step(_keys, state)
    teller.promised("keys", *keys.vkeys())
    store = teller.step(_store, state)
    ledger = Ledger(keys.ledger)
    other = Ed25519PrivateKey.from_private_bytes(b"o" * 32)
    for agent_id, key in (("gate-1", GATE), ("gate-2", other)):
        origin = teller.step(_admit, store, ledger, agent_id, key)
        teller.promised("admitted", origin)
    teller.step(_certify, store, keys)
    teller.promised("certificates", 1)

    def revoke() -> None:
        with store.write() as connection, suppress(CollectorError):  # an earlier try may have revoked it
            registry.revoke(connection, "gate-2", "stolen", NOW, append_entries=ledger.append)

    teller.step(revoke)
    teller.promised("revoked", "gate-2")
    teller.step(store.close)


def _certify(store: Store, keys: CollectorKeys) -> None:
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    csr = request.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    issued = keys.issue(csr.public_bytes(serialization.Encoding.DER), "gate-1", ORIGIN, 90, NOW)
    with store.write() as connection:
        journal = registry.find_journal(connection, ORIGIN)
        assert journal is not None
        registry.record_certificate(connection, journal, issued)


def _first_schema(state: Path) -> None:
    """A database as the first release made it."""
    _keys(state)
    url = f"sqlite:///{state / 'collector.db'}"
    with closing(open_store(url, migrate=False)) as store, store.write() as connection:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")


def _act_migrating(state: Path, teller: Teller) -> None:
    """The first start of this release on a database of the first one."""
    store = teller.step(_store, state)
    ledger = Ledger(teller.step(_keys, state).ledger)
    teller.promised("admitted", teller.step(_admit, store, ledger, "gate-1", GATE))
    teller.step(store.close)


def check_collector(state: Path, promises: Sequence[Promise]) -> list[str]:
    """Open it as the collector does: the audit holds, and so does every promise."""
    try:
        keys = _keys(state)
        with closing(_store(state)) as store:
            trust = Trust(DEPLOYMENT, keys.ledger.verifier, keys.receipts.verifier, keys.ca_pem)
            report = audit(store, trust, state / "evidence")
            problems = [f"audit: {problem.where}: {problem.what}" for problem in report.problems]
            for promise in promises:
                problems += _broken(promise, store, keys)
    except CollectorError as error:
        return [f"the collector cannot start: {error}"]
    return problems + _misheld(state, promises)


def _broken(promise: Promise, store: Store, keys: CollectorKeys) -> list[str]:
    """What is wrong with one promise."""
    what, *about = promise
    if what == "keys":
        return [] if keys.vkeys() == about else ["the collector has other keys now"]
    tables = schema.journals.c
    queries = {
        "live": select(schema.passages.c.record_index),
        "quarantined": select(schema.quarantine.c.detail),
        "evidence": select(schema.evidence.c.sha256),
        "admitted": select(tables.origin),
        "revoked": select(tables.agent_id).where(tables.revoked_ns.is_not(None)),
        "certificates": select(schema.certificates.c.serial),
    }
    if what not in queries:
        return []
    with store.read() as connection:
        found = [each.hex() if isinstance(each, bytes) else each for each in connection.scalars(queries[what])]
    there = len(found) if what == "certificates" else found.count(about[0])
    wanted = about[0] if what == "certificates" else 1
    return [] if there == wanted else [f"{what} {about}: there are {there}, not {wanted}"]


def _misheld(state: Path, promises: Sequence[Promise]) -> list[str]:
    """The records, by other eyes: a prefix of what the gate sent, at least as long as the receipts say."""
    promised = max((promise[1] for promise in promises if promise[0] == "receipt"), default=0)
    held = held_journals(state / "collector.db")
    problems = [problem for each in held for problem in each.problems]
    records = next((each.records for each in held if each.origin == ORIGIN), [])
    if records != RECORDS[: len(records)]:
        problems.append("the records are not those that the gate sent")
    if len(records) < promised:
        problems.append(f"a receipt was given for {promised} records; {len(records)} are there")
    return problems


COLLECTOR_SCENARIOS = (
    Scenario("accepting", _admitted, _act_accepting, check_collector),
    Scenario("quarantining", _admitted, _act_quarantining, check_collector),
    Scenario("receiving-evidence", _admitted, _act_receiving_evidence, check_collector),
    Scenario("admitting", lambda _state: None, _act_admitting, check_collector),
    Scenario("migrating-the-store", _first_schema, _act_migrating, check_collector),
)
