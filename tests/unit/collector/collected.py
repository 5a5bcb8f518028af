"""A small collector's state without a server: a database, keys, and agents that seal batches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from collector.agents import registry
from collector.ingest.accept import Arrival, LiveArrival, Outcome, store_batches
from collector.ingest.prepare import Prepared, prepare, prepare_live
from collector.ledger.journal import JournalHead, head_of, stored_leaves
from collector.ledger.log import Ledger
from gate_contract.checkpoint import COSIGNATURE, Checkpoint, Signer, journal_origin
from gate_contract.envelope import leaf_hashes, seal
from gate_contract.merkle import Frontier, growth_proof, leaf_hash
from gate_contract.v1.record_pb2 import Record
from gate_contract.v1.uplink_pb2 import LiveRecords
from tests.migrated import open_new

DEPLOYMENT = "d.example"
START = datetime(2026, 3, 1, 8, tzinfo=UTC)


@dataclass
class Agent:
    """A gate machine: its key and its journal."""

    agent_id: str
    key: Ed25519PrivateKey
    records: list[bytes] = field(default_factory=list)

    @property
    def signer(self) -> Signer:
        public = self.key.public_key().public_bytes_raw()
        return Signer(journal_origin(DEPLOYMENT, self.agent_id, public), self.key)

    @property
    def origin(self) -> str:
        return self.signer.name

    def note(self, end: int | None = None) -> bytes:
        """Signed checkpoint over the first `end` records."""
        frontier = Frontier().grown(leaf_hashes(self.records[:end]))
        return self.signer.sign(Checkpoint.of(self.origin, frontier).body()).to_bytes()

    def batch(self, start: int = 0, end: int | None = None, lost: Iterable[int] = ()) -> bytes:
        end = len(self.records) if end is None else end
        gone: Mapping[int, bytes] = {index: leaf_hash(self.records[index]) for index in lost}
        kept = [self.records[index] for index in range(start, end) if index not in gone]
        return seal(start, kept, self.note(end), gone)

    def live(self, *indices: int, size: int | None = None) -> LiveRecords:
        """Records ahead of the backlog, proved under the checkpoint of `size` records."""
        size = len(self.records) if size is None else size
        message = LiveRecords(checkpoint=self.note(size))
        leaves = leaf_hashes(self.records[:size])
        for index in indices:
            proof = growth_proof(Frontier(), leaves, index)
            message.records.add(index=index, body=self.records[index], proof=proof)
        return message


class Collected:
    """The database and the keys; time is what the test says."""

    def __init__(self, state_dir: Path, url: str | None = None) -> None:
        self.state_dir = state_dir
        self.store = open_new(url or f"sqlite:///{state_dir / 'collector.db'}")
        self.ledger = Ledger(Signer(f"{DEPLOYMENT}/ledger", Ed25519PrivateKey.from_private_bytes(b"l" * 32)))
        self.receipts = Signer(f"{DEPLOYMENT}/collector", Ed25519PrivateKey.from_private_bytes(b"c" * 32), COSIGNATURE)
        self.now = START

    @property
    def now_ns(self) -> int:
        return registry.nanoseconds(self.now)

    def admit(self, agent_id: str, seed: bytes = b"a") -> Agent:
        agent = Agent(agent_id, Ed25519PrivateKey.from_private_bytes(seed * 32))
        public = agent.key.public_key().public_bytes_raw()
        with self.store.write() as connection:
            token = registry.invite(connection, agent_id, "haikou", timedelta(hours=1), self.now)
            registry.redeem(connection, token, public, DEPLOYMENT, self.now, append_entries=self.ledger.append)
        return agent

    def revoke(self, agent: Agent, reason: str = "stolen") -> None:
        with self.store.write() as connection:
            registry.revoke(connection, agent.origin, reason, self.now, append_entries=self.ledger.append)

    def head(self, agent: Agent) -> JournalHead:
        with self.store.read() as connection:
            head = head_of(connection, agent.origin)
        assert head is not None
        return head

    def prepare(self, agent: Agent, data: bytes) -> Prepared:
        head = self.head(agent)

        def stored(start: int, end: int) -> Sequence[bytes]:
            with self.store.read() as connection:
                return stored_leaves(connection, head.journal_id, start, end)

        return prepare(data, head.frontier, head.verifier, stored)

    def accept(self, agent: Agent, *records: bytes) -> Outcome:
        """Write records into the agent's journal and take them in as one batch."""
        start = len(agent.records)
        agent.records += records
        return self.take(agent, agent.batch(start))

    def take(self, agent: Agent, data: bytes) -> Outcome:
        self.now += timedelta(seconds=1)
        arrival = Arrival(self.head(agent).journal_id, self.prepare(agent, data))
        with self.store.write() as connection:
            return store_batches(connection, self.ledger, self.receipts, [arrival], self.now_ns)[0]

    def take_live(self, agent: Agent, message: LiveRecords) -> Outcome:
        """Take live records in."""
        self.now += timedelta(seconds=1)
        head = self.head(agent)
        arrival = LiveArrival(head.journal_id, prepare_live(message, head.verifier))
        with self.store.write() as connection:
            return store_batches(connection, self.ledger, self.receipts, [arrival], self.now_ns)[0]


def probes(count: int, start: int = 0) -> list[bytes]:
    """Records without meaning, all different."""
    records = []
    for number in range(start, start + count):
        record = Record(format=1, site_id="haikou")
        record.probe.payload = b"%d" % number
        records.append(record.SerializeToString())
    return records


def passage(passage_id: str, revision: int = 1, plate: str = "琼A12345", kilograms: str = "12340") -> bytes:
    """A record of a passage."""
    record = Record(format=1, site_id="haikou")
    record.passage.passage_id = passage_id
    record.passage.revision = revision
    record.passage.lane_id = "lane-1"
    record.passage.opened.wall_unix_ns = registry.nanoseconds(START)
    record.passage.decided.wall_unix_ns = registry.nanoseconds(START + timedelta(seconds=9))
    record.passage.plates.add(device_id="cam-1", text=plate, confidence=0.9)
    record.passage.weighings.add(device_id="scale-1", kilograms=kilograms)
    return record.SerializeToString()


def incident(incident_id: str, *, closed: bool = True) -> bytes:
    """A record of an incident."""
    record = Record(format=1, site_id="haikou")
    record.incident.incident_id = incident_id
    record.incident.code = "device-silent"
    record.incident.device_id = "scale-1"
    record.incident.text = "no bytes for 5 s; check the cable"
    record.incident.opened.wall_unix_ns = registry.nanoseconds(START)
    if closed:
        record.incident.closed.wall_unix_ns = registry.nanoseconds(START + timedelta(seconds=5))
    return record.SerializeToString()
