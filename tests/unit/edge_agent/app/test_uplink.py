"""The uplink joined with journal, incidents and status."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from queue import SimpleQueue

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge_agent.app.incidents import IncidentBook
from edge_agent.app.reference import ReferenceDesk, Reporting
from edge_agent.app.uplink import Carried, UplinkDesk
from edge_agent.clock import SystemClock
from edge_agent.errors import EvidenceLostError
from edge_agent.journal.evidence import EvidenceStore
from edge_agent.journal.journal import Journal
from edge_agent.keys import AgentKeys, Identity, journal_key_for, tls_pem
from edge_agent.uplink.progress import UplinkState
from gate_contract.checkpoint import COSIGNATURE, Signer, journal_origin
from gate_contract.rules import Policy
from gate_contract.v1.record_pb2 import Incident

RECEIPTS = Signer("hainan.example/collector", Ed25519PrivateKey.generate(), COSIGNATURE).verifier
DEADLINE_S = 60.0


def enrolled(state_dir: Path, address: str) -> AgentKeys:
    origin_key = journal_key_for(state_dir, "hainan.example", "gate-1").public_key().public_bytes_raw()
    key, name, now = ec.generate_private_key(ec.SECP256R1()), x509.Name([]), datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=90))
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )
    identity = Identity(
        deployment="hainan.example",
        agent_id="gate-1",
        site_id="haikou",
        origin=journal_origin("hainan.example", "gate-1", origin_key),
        uplink_address=address,
        enrol_address="127.0.0.1:1",
        collector_keys=(RECEIPTS.vkey(),),
    )
    return AgentKeys.create(state_dir, identity, certificate, tls_pem(key, certificate))


@dataclass
class Joined:
    """A desk and what it told."""

    desk: UplinkDesk
    journal: Journal
    told: SimpleQueue[tuple[str, bool]]

    def next(self) -> tuple[str, bool]:
        """Code of the next incident it told, and whether it was over then."""
        return self.told.get(timeout=DEADLINE_S)


@contextmanager
def joined(directory: Path, address: str = "127.0.0.1:1") -> Iterator[Joined]:
    keys = enrolled(directory, address)
    journal = Journal(directory / "journal", keys.signer)
    evidence, incidents, clock = EvidenceStore(directory), IncidentBook(), SystemClock()
    told: SimpleQueue[tuple[str, bool]] = SimpleQueue()

    def tell(incidents: list[Incident]) -> None:
        for incident in incidents:
            told.put((incident.code, incident.HasField("closed")))

    reference = ReferenceDesk(directory, keys, "haikou", Policy.default(), Reporting(clock, incidents, tell))
    desk = UplinkDesk(Carried(journal, evidence, reference), keys, None, clock, incidents, tell)
    try:
        yield Joined(desk, journal, told)
    finally:
        desk.stop()
        reference.close()
        evidence.close()
        journal.close()


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Joined]:
    """With a journal of ten records, whose uplink was not started."""
    with joined(tmp_path) as made:
        made.journal.append([b"%d" % number for number in range(10)])
        yield made


def test_being_cut_off_is_one_incident_from_its_beginning_to_its_end(gate: Joined) -> None:
    gate.desk._on_state(UplinkState(connected=False, problem="nobody listens"))
    gate.desk._on_state(UplinkState(connected=False, problem="nobody listens"))
    gate.desk._on_state(UplinkState(connected=True))
    assert [gate.next(), gate.next()] == [("uplink-down", False), ("uplink-down", True)]
    assert gate.told.empty()
    state = gate.desk.state
    assert (state.connected, state.problem, state.backlog) == (True, "", 10)


def test_a_collector_that_lost_records_is_an_incident_until_it_has_them_again(gate: Joined) -> None:
    gate.desk._on_receipt(8)
    gate.desk._on_behind(3, 8)
    assert gate.next() == ("collector-behind", False)
    assert gate.desk.state.collector_behind == 5
    gate.desk._on_receipt(7)
    assert gate.told.empty()
    gate.desk._on_receipt(9)
    assert gate.next() == ("collector-behind", True)
    assert (gate.desk.state.collector_behind, gate.desk.state.backlog) == (0, 1)


def test_lost_evidence_is_an_incident_that_is_over_at_once(gate: Joined) -> None:
    gate.desk._on_lost_evidence(EvidenceLostError("it was altered on disk"))
    assert gate.next() == ("evidence-lost", True)


def test_passages_that_wait_are_shown(gate: Joined) -> None:
    gate.desk.stream.live(8, 2)
    assert gate.desk.state.live_waiting == 2


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("no-such-host.invalid:7443", "the host name is not known"),
        ("127.0.0.1:1", "nobody listens there"),
    ],
)
def test_why_there_is_no_connection_is_told_in_words(tmp_path: Path, address: str, words: str) -> None:
    with joined(tmp_path, address) as gate:
        gate.desk.start()
        assert gate.next() == ("uplink-down", False)
        assert gate.desk.state.problem.startswith(words)


@pytest.mark.parametrize(
    ("answer", "words"),
    [(b"HTTP/1.1 400 Bad Request\r\n\r\n", "what answers there does not speak TLS"), (b"", "the collector closed")],
    ids=["another service", "one that hangs up"],
)
def test_what_is_no_collector_is_told_in_words(tmp_path: Path, answer: bytes, words: str) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        with joined(tmp_path, f"127.0.0.1:{listening.getsockname()[1]}") as gate:
            gate.desk.start()
            assert gate.next() == ("uplink-down", False)
            assert gate.desk.state.problem.startswith(words)


def test_a_line_that_died_is_not_taken_for_a_certificate_that_is_refused(gate: Joined) -> None:
    explain = gate.desk.connector.explain
    assert explain("Stream removed (ping timeout)", was_up=True).startswith("the line is dead")
    assert explain("Stream removed (Socket closed)", was_up=True).startswith("the connection to the collector was cut")
    assert explain("Socket closed", was_up=False).startswith("the collector closed the connection while TLS")
