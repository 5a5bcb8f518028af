"""Health never lies: real programs with something wrong inside, asked as operators ask them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc  # type: ignore[import-untyped]  # ships no types

from edge_agent.keys import AgentKeys
from edge_agent.simulate.programs import wait_until
from tests.journeys.watched_gate import DEADLINE_S, WatchedGate

SERVING, NOT_SERVING = 1, 2

pytestmark = [pytest.mark.timeout(240), pytest.mark.xdist_group("health")]


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[WatchedGate]:
    made = WatchedGate(tmp_path)
    with made.open():
        made.start_agent()
        made.wait_for("it is healthy", lambda status: status["level"] == "healthy")
        yield made


def health(gate: WatchedGate, service: str = "") -> int:
    """What gRPC's health service says; asked as the machine that was enrolled."""
    keys = AgentKeys.load(gate.state_dir)
    credentials = grpc.ssl_channel_credentials(keys.ca_pem, keys.tls_key_pem, keys.certificate_pem)
    with grpc.secure_channel(gate.uplink_address, credentials) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        answer = stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=DEADLINE_S)
    return int(answer.status)


def test_a_commit_that_vanishes_under_the_agent_is_a_loss_that_is_told_and_the_balance_holds(
    gate: WatchedGate,
) -> None:
    before = gate.drained()
    segment = max((gate.state_dir / "journal").glob("*.db"))
    with closing(sqlite3.connect(segment, timeout=30, isolation_level=None)) as connection:
        # As a disk that takes what it is given and keeps nothing of it.
        connection.execute(
            "CREATE TRIGGER lies AFTER INSERT ON commits BEGIN "
            "DELETE FROM commits WHERE first_index = new.first_index; END"
        )
        gate.push("琼A12345")
        status = gate.wait_for("it is told", lambda status: status["journal"]["dead_lettered"] > 0)
        with suppress(sqlite3.Error):  # the file may have been put aside meanwhile
            connection.execute("DROP TRIGGER lies")
    assert status["journal"]["captured"] > before["captured"]
    gate.push("琼A54321")
    gate.wait_for("capture goes on", lambda status: status["lanes"][0]["decided"] == 2)
    journal = gate.drained()
    assert journal["captured"] == journal["acknowledged"] + journal["dead_lettered"]
    samples = gate.scrape(gate.agent_port)
    assert samples["tidegate_edge_journal_imbalanced"] == 0
    assert samples["tidegate_edge_records_dead_lettered_total"] == journal["dead_lettered"]
    wait_until("the loss is a record", lambda: any("loss" in each["record"] for each in gate.records()), DEADLINE_S)


def test_records_that_wait_without_a_receipt_are_counted_until_one_comes(gate: WatchedGate) -> None:
    gate.drained()
    gate.collector.stop()
    gate.push("琼A12345")
    waiting = gate.wait_for("they wait", lambda status: status["uplink"]["stalled_s"] > 3)
    assert waiting["journal"]["pending"] > 0
    assert gate.scrape(gate.agent_port)["tidegate_edge_stalled_seconds"] > 3
    gate.start_collector()
    gate.drained()
    gate.wait_for("it goes on", lambda status: status["uplink"]["stalled_s"] == 0 and status["level"] == "healthy")


def test_a_collector_whose_stock_does_not_add_up_is_red_and_goes_on_taking_records(gate: WatchedGate) -> None:
    gate.drained()
    assert (health(gate), health(gate, "gate_contract.v1.UplinkService")) == (SERVING, SERVING)
    with closing(sqlite3.connect(gate.directory / "collector" / "collector.db", timeout=30)) as connection, connection:
        connection.execute("UPDATE journals SET dead_lettered = dead_lettered + 1")
    wait_until("it is red", lambda: health(gate) == NOT_SERVING, DEADLINE_S)
    assert health(gate, "gate_contract.v1.UplinkService") == SERVING
    log = gate.collector.log_tail(1 << 20)
    assert "alarm: what is stored does not add up" in log
    assert "1 dead letters are told of, 0 are there" in log
    wait_until(
        "it is a metric",
        lambda: gate.scrape(gate.collector_port)["tidegate_collector_imbalanced_journals"] == 1,
        DEADLINE_S,
    )
    captured = gate.status()["journal"]["captured"]
    gate.push("琼A54321")
    gate.wait_for("it is captured", lambda status: status["journal"]["captured"] > captured)
    gate.drained()


def test_a_collector_that_cannot_write_says_so_while_it_lasts(gate: WatchedGate) -> None:
    gate.drained()
    database = gate.directory / "collector" / "collector.db"
    with closing(sqlite3.connect(database, timeout=30, isolation_level=None)) as connection:
        # As a disk does that fails: whatever is written into batches is refused.
        connection.execute(
            "CREATE TRIGGER broken BEFORE INSERT ON batches BEGIN SELECT RAISE(ABORT, 'the disk fails'); END"
        )
        gate.push("琼A12345")
        wait_until("it is not serving", lambda: health(gate) == NOT_SERVING, DEADLINE_S)
        connection.execute("DROP TRIGGER broken")
    gate.drained()
    wait_until("it serves again", lambda: health(gate) == SERVING, DEADLINE_S)
    with suppress(KeyError):
        assert gate.scrape(gate.collector_port)["tidegate_collector_writer_failing"] == 0
