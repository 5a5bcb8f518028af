"""A collector that was set up long ago, and machines with certificates of all kinds; for the journey of enrolment."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import grpc
import pytest
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from collector.agents.authority import Authority, key_pem
from collector.cli import cli as gate_collector
from collector.config import CollectorConfig, load_config
from collector.keys import CollectorKeys
from collector.ledger.log import read_entries
from collector.store.engine import open_store
from edge_agent.enrol import Invitation, explain_tls
from edge_agent.keys import AgentKeys
from edge_agent.simulate.ports import free_ports
from gate_contract.v1.ledger_pb2 import LedgerEntry
from gate_contract.v1.uplink_pb2 import Hello, StreamRequest, StreamResponse
from gate_contract.v1.uplink_pb2_grpc import UplinkServiceStub

DEADLINE_S = 60.0


class Collector:
    """A running `gate-collector serve`, set up 200 days ago."""

    def __init__(self, directory: Path) -> None:
        uplink, enrolment = free_ports(2)
        self.file = directory / "collector.toml"
        self.file.write_text(
            'deployment = "hainan.example"\nstate_dir = "state"\nhostnames = ["127.0.0.1"]\n'
            f'listen = "127.0.0.1:{uplink}"\nenrol_listen = "127.0.0.1:{enrolment}"\n'
        )
        self.config: CollectorConfig = load_config(self.file)
        long_ago = datetime.now(UTC) - timedelta(days=200)
        self.keys = CollectorKeys.load_or_create(self.config.state_dir, "hainan.example", ["127.0.0.1"], long_ago)
        self._log = directory / "log"

    @contextmanager
    def running(self) -> Iterator[Collector]:
        main = "from collector.cli import main; main()"
        serve = [sys.executable, "-c", main, "serve", "--config", str(self.file)]
        with (
            self._log.open("w") as log,
            subprocess.Popen(serve, stdout=subprocess.PIPE, stderr=log, text=True) as process,
        ):
            try:
                assert process.stdout is not None
                line = process.stdout.readline()
                assert line.startswith("serving "), self._log.read_text()
                yield self
            finally:
                process.terminate()

    def run(self, *arguments: str) -> str:
        """Output of a gate-collector command that succeeds, beside the running collector."""
        done = CliRunner().invoke(gate_collector, [*arguments, "--config", str(self.file)], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.stdout

    def invite(self, agent: str) -> Invitation:
        return Invitation.parse(self.run("agents", "invite", agent, "--site", "haikou"))

    def agents(self, agent: str) -> list[dict[str, Any]]:
        return [each for each in json.loads(self.run("agents", "list", "--json")) if each["agent_id"] == agent]

    def logged(self, *parts: str) -> dict[str, Any]:
        """The log line with these words; waits for it."""
        end = time.monotonic() + DEADLINE_S
        while time.monotonic() < end:
            for line in self._log.read_text().splitlines():
                if all(part in line for part in parts) and line.endswith("}"):
                    event: dict[str, Any] = json.loads(line)
                    return event
            time.sleep(0.02)
        raise AssertionError(f"no log line has {parts}:\n{self._log.read_text()}")

    def ledger(self) -> list[LedgerEntry]:
        store = open_store(self.config.database_url)
        with store.read() as conn:
            entries = [LedgerEntry.FromString(body) for _, body in read_entries(conn, 0)]
        store.close()
        return entries


def request_for(key: ec.EllipticCurvePrivateKey) -> bytes:
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
    return request.public_bytes(serialization.Encoding.DER)


def showing(keys: AgentKeys, authority: Authority, days: int = 90, at: datetime | None = None) -> AgentKeys:
    """The machine as it would be with a certificate from this authority, made out then."""
    key = ec.generate_private_key(ec.SECP256R1())
    identity = keys.identity
    made = at or datetime.now(UTC)
    issued = authority.issue_client(request_for(key), identity.agent_id, identity.origin, days, made)
    return replace(keys, tls_key_pem=key_pem(key), certificate_pem=issued.chain_pem)


@contextmanager
def uplink(keys: AgentKeys) -> Iterator[Iterator[StreamResponse]]:
    """An open record stream; what the collector says on it."""
    credentials = grpc.ssl_channel_credentials(keys.ca_pem, keys.tls_key_pem, keys.certificate_pem)
    requests: SimpleQueue[StreamRequest | None] = SimpleQueue()
    requests.put(StreamRequest(hello=Hello(protocol=1, origin=keys.identity.origin, agent_version="test")))
    with grpc.secure_channel(keys.identity.uplink_address, credentials) as channel:
        call = UplinkServiceStub(channel).Stream(iter(requests.get, None), timeout=DEADLINE_S)
        try:
            yield call
        finally:
            requests.put(None)
            call.cancel()


def refusal(keys: AgentKeys) -> tuple[grpc.StatusCode, str]:
    with uplink(keys) as answers, pytest.raises(grpc.RpcError) as caught:
        next(answers)
    return caught.value.code(), caught.value.details() or ""


def words(keys: AgentKeys) -> str:
    code, details = refusal(keys)
    assert code is grpc.StatusCode.UNAVAILABLE
    return explain_tls(details, keys.certificate_pem, keys.ca_pem, datetime.now(UTC))
