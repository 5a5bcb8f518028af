"""The status writer with a whole agent that is not started."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from prometheus_client import CollectorRegistry, generate_latest

from edge_agent.app.agent import Agent
from edge_agent.app.lane import LastDecision
from edge_agent.app.metrics import SnapshotCollector
from edge_agent.app.status import StatusWriter
from edge_agent.config import load_site
from edge_agent.errors import JournalError
from edge_agent.keys import AgentKeys, Identity, journal_key_for, tls_pem
from edge_agent.model.moment import SECOND, Moment, MonoNs, WallNs
from edge_agent.status.snapshot import read_snapshot
from gate_contract.checkpoint import COSIGNATURE, Signer, journal_origin
from gate_contract.v1.decision_pb2 import ACTION_HOLD, Decision, Finding, Input
from gate_contract.v1.record_pb2 import Record
from tests.unit.edge_agent.assemble.lanes import Lane, plate

MADE = datetime(2026, 11, 22, 12, tzinfo=UTC)
SITE = """\
site = "xiuying"
[agent]
state_dir = "state"
runtime_dir = "run"
[[camera]]
id = "plate-1"
profile = "plate/hikvision-isapi-push"
listen = "127.0.0.1:18080"
allow = ["127.0.0.1"]
[[lane]]
id = "L1"
kind = "vehicle"
cameras = ["plate-1"]
"""


class Clock:
    """Says what it is told."""

    def __init__(self) -> None:
        self.wall, self.mono = round(MADE.timestamp()) * SECOND + SECOND, 1000 * SECOND

    def __call__(self) -> Moment:
        return Moment(WallNs(self.wall), MonoNs(self.mono), b"b" * 16, synchronised=True, error_bound_ns=1000)


def keys(state_dir: Path) -> AgentKeys:
    """Of a machine that was enrolled."""
    state_dir.mkdir(mode=0o700)
    journal_key = journal_key_for(state_dir, "test.example", "gate-1")
    receipts = Signer("test.example/collector", Ed25519PrivateKey.from_private_bytes(b"c" * 32), COSIGNATURE)
    tls_key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gate-1")])
    certificate = (
        x509.CertificateBuilder(name, name, tls_key.public_key(), 1)
        .not_valid_before(MADE)
        .not_valid_after(MADE + timedelta(days=90))
        .sign(tls_key, hashes.SHA256())
        .public_bytes(Encoding.PEM)
    )
    identity = Identity(
        deployment="test.example",
        agent_id="gate-1",
        site_id="xiuying",
        origin=journal_origin("test.example", "gate-1", journal_key.public_key().public_bytes_raw()),
        uplink_address="127.0.0.1:1",
        enrol_address="127.0.0.1:2",
        collector_keys=(receipts.verifier.vkey(),),
    )
    return AgentKeys.create(state_dir, identity, certificate, tls_pem(tls_key, certificate))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def agent(tmp_path: Path, clock: Clock) -> Iterator[Agent]:
    (tmp_path / "site.toml").write_text(SITE, encoding="utf-8")
    made = Agent(load_site(tmp_path / "site.toml"), keys(tmp_path / "state"), clock)
    yield made
    made.close()


@pytest.fixture
def writer(agent: Agent) -> StatusWriter:
    return StatusWriter(agent)


def incidents(agent: Agent) -> list[str]:
    bodies = [agent.journal.record(index) for index in range(agent.journal.size)]
    return [Record.FromString(body or b"").incident.code for body in bodies]


def test_a_gate_with_nothing_captured_balances_and_waits_for_nothing(writer: StatusWriter) -> None:
    snapshot = writer.snapshot(running=True)
    assert snapshot["journal"]["imbalance"] == ""
    assert (snapshot["uplink"]["stalled_s"], snapshot["incidents_open"]) == (0.0, 0)
    assert snapshot["clock"] == {
        "synchronised": True,
        "error_bound_ns": 1000,
        "date": "2026-11-22",
        "before_certificate": False,
    }


def test_a_count_that_is_short_is_told_in_the_status_and_once_in_a_record(
    agent: Agent, writer: StatusWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent.journal.append([Record(format=1, site_id="xiuying").SerializeToString()] * 3)
    writer.snapshot(running=True)
    monkeypatch.setattr(writer._watch._commits, "look", lambda: 2)
    told = writer.snapshot(running=True)["journal"]["imbalance"]
    assert told == "3 were captured and 2 are there"
    for _ in range(3):
        assert writer.snapshot(running=True)["journal"]["imbalance"] == told
    assert incidents(agent).count("journal-imbalance") == 1


def test_a_camera_that_nobody_listens_for_yet_is_unplugged_and_named_with_where_it_pushes(writer: StatusWriter) -> None:
    (device,) = writer.snapshot(running=True)["devices"]
    assert (device["id"], device["kind"], device["port"]) == ("plate-1", "camera", "127.0.0.1:18080/push/plate-1")
    assert (device["state"], device["last_reading"], device["age_s"]) == ("unplugged", None, None)


def test_of_each_lane_its_kind_is_told_and_what_was_found_there_in_chinese_too(
    agent: Agent, writer: StatusWriter
) -> None:
    (lane,) = agent.lanes
    assembled = Lane()
    assembled.give(plate("琼A12345", 0))
    passage = assembled.state.passage
    assert passage is not None
    read = Input(name="plate_read", value="琼A12345")
    finding = Finding(code="D02", severity=3, explanation="None is its declaration.", inputs=[read])
    lane.last = LastDecision(passage, Decision(action=ACTION_HOLD, findings=[finding]))
    (shown,) = writer.snapshot(running=True)["lanes"]
    assert (shown["id"], shown["kind"], shown["last"]["plate"]) == ("L1", "vehicle", "琼A12345")
    assert shown["last"]["findings"][0]["zh"] == "该车道的货物须申报，未找到对应申报单（识别车牌 琼A12345）"


def test_a_status_is_written_though_something_in_it_cannot_be_read(
    agent: Agent, writer: StatusWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise JournalError("the journal cannot be read", cause="disk I/O error")

    agent.journal.append([Record(format=1, site_id="xiuying").SerializeToString()])
    for owner, name in ((agent.journal, "record"), (agent.journal, "in_flight"), (agent.evidence, "waiting")):
        monkeypatch.setattr(owner, name, fail)
    snapshot = writer.snapshot(running=True)
    assert (snapshot["evidence"]["waiting"], snapshot["incidents_open"]) == (None, None)
    assert (snapshot["journal"]["pending"], snapshot["journal"]["oldest_pending_age_s"]) == (1, None)


def test_a_clock_before_the_certificate_is_wrong_and_one_a_little_before_is_not(
    writer: StatusWriter, clock: Clock
) -> None:
    clock.wall -= 23 * 3600 * SECOND
    assert not writer.snapshot(running=True)["clock"]["before_certificate"]
    clock.wall = 5 * SECOND
    shown = writer.snapshot(running=True)["clock"]
    assert (shown["date"], shown["before_certificate"]) == ("1970-01-01", True)


def test_what_is_written_can_be_read_and_what_metrics_show_is_the_same(
    agent: Agent, writer: StatusWriter, tmp_path: Path
) -> None:
    agent.journal.append([Record(format=1, site_id="xiuying").SerializeToString()] * 2)
    writer._write(running=True)
    snapshot: dict[str, Any] | None = read_snapshot(tmp_path / "run")
    assert snapshot is not None
    assert snapshot["journal"]["captured"] == 2
    registry, collector = CollectorRegistry(), SnapshotCollector(lambda _: 0.5)
    registry.register(collector)
    collector.show({**snapshot, **writer._judged(snapshot)})
    text = generate_latest(registry).decode()
    assert "tidegate_edge_records_pending 2.0" in text
    assert 'tidegate_edge_health_reason{code="uplink-down"} 1.0' in text
    assert "tidegate_edge_health_level 1.0" in text
    assert 'tidegate_edge_passages_decided_total{action="release",lane="L1"} 0.0' in text
