"""A real collector in a process of its own, and a small gate that speaks to it; for journeys."""

from __future__ import annotations

import copy
import json
import queue
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import grpc
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from collector.agents import registry
from collector.config import load_config
from collector.keys import CollectorKeys
from collector.store.engine import open_store
from edge_agent.simulate.programs import run_command
from gate_contract.checkpoint import Checkpoint, Receipt, Signer, Verifier, open_receipt
from gate_contract.envelope import leaf_hashes, seal
from gate_contract.merkle import Frontier, growth_proof, leaf_hash
from gate_contract.v1.enrolment_pb2 import EnrolRequest, RenewRequest
from gate_contract.v1.enrolment_pb2_grpc import EnrolmentServiceStub
from gate_contract.v1.record_pb2 import Record
from gate_contract.v1.uplink_pb2 import Hello, LiveRecords, Refusal, StreamRequest, StreamResponse
from gate_contract.v1.uplink_pb2_grpc import UplinkServiceStub

DEADLINE_S = 60.0
GATE_COLLECTOR = [sys.executable, "-c", "from collector.cli import main; main()"]


class CollectorProcess:
    """`gate-collector serve` on ports of the system's choice."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.config = directory / "collector.toml"
        self.config.write_text(
            'deployment = "test.example"\nstate_dir = "state"\nlisten = "127.0.0.1:0"\nenrol_listen = "127.0.0.1:0"\n'
        )
        self.state = directory / "state"
        self.log = directory / "log"
        self.uplink = self.enrolment = ""
        self._vkeys: list[str] = []
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start, and wait until it says where it listens."""
        with self.log.open("a") as log:
            self._process = subprocess.Popen(
                [*GATE_COLLECTOR, "serve", "--config", str(self.config)], stdout=subprocess.PIPE, stderr=log, text=True
            )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line.startswith("serving test.example "), self.log.read_text()
        self.uplink, self.enrolment = (word.partition("=")[2] for word in line.split()[2:])

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Signal it and wait; the exit code."""
        assert self._process is not None
        self._process.send_signal(number)
        try:
            return self._process.wait(DEADLINE_S)
        finally:
            self._process.kill()
            self._process.wait()
            assert self._process.stdout is not None
            self._process.stdout.close()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run another gate-collector command with this configuration."""
        return run_command("gate-collector", *arguments, "--config", self.config, check=False)

    def json(self, *arguments: str) -> Any:
        """What a command prints with --json."""
        done = self.command(*arguments, "--json")
        assert done.stdout, done.stderr
        return json.loads(done.stdout)

    def events(self) -> list[dict[str, Any]]:
        """Its log."""
        lines = self.log.read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def logged(self, part: str) -> list[dict[str, Any]]:
        """Events whose text contains `part`."""
        return [event for event in self.events() if part in event["event"]]

    def invite(self, agent_id: str) -> tuple[bytes, str]:
        """Certificate of the authority and a token; `agents invite` wants fixed ports, a test wants free ones."""
        config, now = load_config(self.config), datetime.now(UTC)
        keys = CollectorKeys.load_or_create(config.state_dir, config.deployment, config.hostnames, now)
        store = open_store(config.database_url)
        with store.write() as connection:
            token = registry.invite(connection, agent_id, "haikou", timedelta(hours=1), now)
        store.close()
        return keys.ca_pem, token

    def vkey(self, name: str) -> Verifier:
        """A verifier key as `gate-collector keys` prints it."""
        self._vkeys = self._vkeys or self.command("keys").stdout.splitlines()
        return next(Verifier.from_vkey(line) for line in self._vkeys if line.startswith(f"test.example/{name}+"))


class Gate:
    """A gate machine: a key, a certificate, a journal in memory."""

    def __init__(self, collector: CollectorProcess, agent_id: str) -> None:
        self.collector = collector
        self.agent_id = agent_id
        self._key = Ed25519PrivateKey.generate()
        self._tls = ec.generate_private_key(ec.SECP256R1())
        self._certificate = b""
        self._ca = b""
        self.origin = ""
        self.size = 0
        self.records: list[bytes] = []

    def enrol(self) -> None:
        """Be invited, then enrol."""
        self._ca, token = self.collector.invite(self.agent_id)
        builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
        csr = builder.sign(self._tls, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
        request = EnrolRequest(
            token=token,
            csr_der=csr,
            journal_key=self._key.public_key().public_bytes_raw(),
            signature=self._key.sign(b"tidegate/enrol/v1\n" + token.encode() + b"\n" + csr),
        )
        with grpc.secure_channel(self.collector.enrolment, grpc.ssl_channel_credentials(self._ca)) as channel:
            response = EnrolmentServiceStub(channel).Enrol(request, timeout=DEADLINE_S)
        self.origin, self._certificate = response.origin, response.certificate_pem

    def renew(self) -> Gate:
        """Get a new certificate; returns a gate with the key and the old certificate, as a thief would have them."""
        thief = copy.copy(self)
        self._tls = ec.generate_private_key(ec.SECP256R1())
        builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
        csr = builder.sign(self._tls, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
        signature = self._key.sign(b"tidegate/renew/v1\n" + self.origin.encode() + b"\n" + csr)
        request = RenewRequest(origin=self.origin, csr_der=csr, signature=signature)
        with grpc.secure_channel(self.collector.enrolment, grpc.ssl_channel_credentials(self._ca)) as channel:
            self._certificate = EnrolmentServiceStub(channel).Renew(request, timeout=DEADLINE_S).certificate_pem
        return thief

    @property
    def signer(self) -> Signer:
        return Signer(self.origin, self._key)

    def write(self, *records: bytes) -> None:
        """Append to the journal."""
        self.records += records

    def note(self, end: int | None = None) -> bytes:
        """Signed checkpoint over the first `end` records."""
        frontier = Frontier().grown(leaf_hashes(self.records[:end]))
        return self.signer.sign(Checkpoint.of(self.origin, frontier).body()).to_bytes()

    def batch(self, start: int, end: int | None = None, lost: Iterable[int] = ()) -> bytes:
        """The records [start, end) under a signed checkpoint; of the `lost` ones the hashes alone."""
        end = len(self.records) if end is None else end
        gone = {index: leaf_hash(self.records[index]) for index in lost}
        kept = [self.records[index] for index in range(start, end) if index not in gone]
        return seal(start, kept, self.note(end), gone)

    def live(self, *indices: int, size: int | None = None) -> LiveRecords:
        """Records ahead of the backlog, proved under the checkpoint of the first `size` records."""
        leaves = leaf_hashes(self.records[:size])
        message = LiveRecords(checkpoint=self.note(size))
        for index in indices:
            proof = growth_proof(Frontier(), leaves, index)
            message.records.add(index=index, body=self.records[index], proof=proof)
        return message

    def channel(self) -> grpc.Channel:
        """To the uplink, with the certificate."""
        key = self._tls.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return grpc.secure_channel(
            self.collector.uplink, grpc.ssl_channel_credentials(self._ca, key, self._certificate)
        )

    def anonymous_channel(self, address: str) -> grpc.Channel:
        """To a port of the collector, without a certificate."""
        return grpc.secure_channel(address, grpc.ssl_channel_credentials(self._ca))


class Stream:
    """One open uplink stream; a context manager."""

    def __init__(self, gate: Gate, **hello: Any) -> None:
        self._gate = gate
        fields: dict[str, Any] = {"protocol": 1, "origin": gate.origin, "size": len(gate.records)} | hello
        self._hello = Hello(**fields)
        self._requests: queue.SimpleQueue[StreamRequest | None] = queue.SimpleQueue()
        self._channel = gate.channel()
        self._call: Any = None

    def __enter__(self) -> Self:
        self._requests.put(StreamRequest(hello=self._hello))
        requests: Iterator[StreamRequest] = iter(self._requests.get, None)
        self._call = UplinkServiceStub(self._channel).Stream(requests, timeout=DEADLINE_S)
        return self

    def __exit__(self, *_: object) -> None:
        self._requests.put(None)
        self._call.cancel()
        self._channel.close()

    def send(self, batch: bytes) -> None:
        self._requests.put(StreamRequest(batch=batch))

    def send_live(self, message: LiveRecords) -> None:
        self._requests.put(StreamRequest(live=message))

    def taken(self) -> list[int]:
        """The next message, which says which live records were taken."""
        response = self.next()
        assert response.WhichOneof("body") == "live", response
        return list(response.live.indices)

    def refusal(self) -> Refusal:
        """The next message, which is a refusal, and the last."""
        response = self.next()
        assert response.WhichOneof("body") == "refusal", response
        assert next(self._call, None) is None
        return response.refusal

    def finish(self) -> None:
        """Say that nothing more comes."""
        self._requests.put(None)

    def next(self) -> StreamResponse:
        response: StreamResponse = next(self._call)
        return response

    def receipt(self) -> Receipt:
        """The next message, which is a receipt, verified."""
        response = self.next()
        assert response.WhichOneof("body") == "receipt", response
        return open_receipt(response.receipt.note, self._gate.collector.vkey("collector"), self._gate.origin)

    def until(self, size: int) -> None:
        """Read receipts until one covers `size` records."""
        while True:
            response = self.next()
            assert response.WhichOneof("body") == "receipt", response
            if b"\n%d\n" % size in response.receipt.note:
                return


def enrolled(collector: CollectorProcess, agent_id: str) -> Gate:
    """A gate that was invited and has enrolled."""
    gate = Gate(collector, agent_id)
    gate.enrol()
    return gate


def status_of(work: Callable[[], object]) -> tuple[grpc.StatusCode, str]:
    """Status and text that a call ends with."""
    try:
        work()
    except grpc.RpcError as error:
        return error.code(), error.details() or ""
    raise AssertionError("the call did not fail")


def eventually(holds: Callable[[], bool]) -> None:
    """Wait for something that another process does."""
    end = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def probe(payload: bytes) -> bytes:
    """A record without meaning."""
    record = Record(format=1, site_id="haikou")
    record.probe.payload = payload
    return record.SerializeToString()


def probes(count: int, start: int = 0) -> Sequence[bytes]:
    """Records without meaning, all different."""
    return [probe(b"%d" % number) for number in range(start, start + count)]


def passage(passage_id: str, revision: int = 1, plate: str = "琼A12345", kilograms: str = "12340") -> bytes:
    """A record of a passage."""
    record = Record(format=1, site_id="haikou")
    record.passage.passage_id = passage_id
    record.passage.revision = revision
    record.passage.lane_id = "lane-1"
    record.passage.opened.wall_unix_ns = 1_760_000_000_000_000_000
    record.passage.decided.wall_unix_ns = 1_760_000_010_000_000_000
    record.passage.plates.add(device_id="cam-1", text=plate, confidence=0.9)
    record.passage.weighings.add(device_id="scale-1", kilograms=kilograms)
    return record.SerializeToString()


def incident(incident_id: str) -> bytes:
    """A record of an incident that opened and closed."""
    record = Record(format=1, site_id="haikou")
    record.incident.incident_id = incident_id
    record.incident.code = "device-silent"
    record.incident.device_id = "scale-1"
    record.incident.text = "no bytes for 5 s; check the cable"
    record.incident.opened.wall_unix_ns = 1_760_000_000_000_000_000
    record.incident.closed.wall_unix_ns = 1_760_000_005_000_000_000
    record.incident.count = 1
    return record.SerializeToString()
