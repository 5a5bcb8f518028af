"""Networks as they are: half-open, far, lossy, slow, cut in the middle of a message. Real programs on both ends."""

from __future__ import annotations

import json
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from random import Random

import pytest

from edge_agent.simulate.programs import running
from tests.journeys.lossy_link import LossyLink
from tests.journeys.network_harness import Collector, Gate, picture, plate, until
from tests.journeys.network_proxy import NetworkProxy

pytestmark = [pytest.mark.timeout(240), pytest.mark.xdist_group("networks")]

NOTICED_S = 45.0
"""A half-open connection is noticed within 25 s; the rest is for a busy machine. With gRPC's own settings: 60 s."""

SOON_S = 30.0
"""Far beyond what a verdict takes on these lines; a test machine may be slow."""


@pytest.fixture(scope="module")
def collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    made = Collector(tmp_path_factory.mktemp("collector"))
    with running(made.program):
        made.start()
        yield made
        made.audit()
        assert made.stats()["quarantined"] == 0


@pytest.fixture
def proxy(collector: Collector) -> Iterator[NetworkProxy]:
    with NetworkProxy(collector.address) as made:
        yield made


@pytest.fixture
def gate(tmp_path: Path, collector: Collector, proxy: NetworkProxy) -> Iterator[Gate]:
    """Behind the proxy; not started."""
    made = Gate(tmp_path / "gate", collector, proxy.address)
    with running(made.agent):
        yield made


@pytest.mark.slow
def test_a_half_open_connection_is_noticed_and_nothing_is_lost(gate: Gate, proxy: NetworkProxy) -> None:
    gate.start()
    gate.judged_after(plate(1))
    proxy.freeze()
    begun = time.monotonic()
    gate.push(plate(2))
    until("it has connected anew", lambda: proxy.accepted >= 2)
    assert time.monotonic() - begun < NOTICED_S
    until("it is judged", lambda: plate(2) in gate.collector.judged(gate.origin))
    gate.settle()


def test_resets_in_the_middle_of_a_message_cost_time_and_nothing_else(gate: Gate, proxy: NetworkProxy) -> None:
    gate.fill(20_000)
    random = Random(3)
    proxy.reset_after = 2_000  # within the TLS handshake
    gate.start()
    for connections in range(2, 7):
        until("it was reset", lambda: proxy.reset_after is None)
        proxy.reset_after = random.randrange(5_000, 1_500_000)
        until("it has connected anew", lambda wanted=connections: proxy.accepted >= wanted)  # type: ignore[misc]  # mypy infers no lambda with defaults
    proxy.reset_after = None
    proxy.reset()
    assert gate.judged_after(plate(3)) < SOON_S
    gate.settle()


def test_on_a_slow_line_new_passages_do_not_wait_behind_megabytes(gate: Gate, proxy: NetworkProxy) -> None:
    proxy.bytes_s = 150_000
    gate.fill(8_000, commit=20)
    gate.start()
    until("the backlog drains", lambda: gate.collector.held(gate.origin) > 1_000)
    took = [gate.judged_after(plate(10 + number)) for number in range(4)]
    assert gate.collector.held(gate.origin) < 8_000, "the backlog was over before it could be in the way"
    assert max(took) < SOON_S
    assert gate.resident_mb() < 250
    proxy.bytes_s = None
    gate.settle()


def test_a_backlog_of_pictures_is_not_in_the_way_of_a_verdict(gate: Gate, proxy: NetworkProxy) -> None:
    proxy.bytes_s = 1_000_000
    gate.start()
    for number in range(12):
        gate.push(plate(20 + number), picture(500_000))
    took = [gate.judged_after(plate(40 + number), picture(500_000)) for number in range(4)]
    held = gate.collector.directory / "collector" / "evidence"
    pictures = gate.directory / "state" / "evidence"
    assert any(path.stat().st_size == 500_000 for path in pictures.glob("*/*")), "the pictures were there already"
    assert max(took) < SOON_S
    proxy.bytes_s = None
    until("the pictures are delivered", lambda: sum(p.stat().st_size == 500_000 for p in held.glob("*/*")) >= 16)
    gate.settle()


def test_a_picture_goes_on_where_the_line_broke(gate: Gate, proxy: NetworkProxy) -> None:
    proxy.bytes_s = 400_000
    gate.start()
    gate.push(plate(50), photo := picture(2_000_000))
    evidence = gate.collector.directory / "collector" / "evidence"
    for _ in range(2):
        until("a part has come", lambda: any(p.stat().st_size > 200_000 for p in (evidence / "partial").glob("*")))
        proxy.reset()
    proxy.bytes_s = None
    until("all of it has come", lambda: any(p.read_bytes() == photo for p in evidence.glob("??/*")))
    gate.settle()


def test_a_collector_that_cannot_store_slows_the_agent_and_loses_nothing(gate: Gate, proxy: NetworkProxy) -> None:
    """Its database is locked: batches come, nothing becomes durable. What waits, waits in the journal."""
    del proxy
    database = gate.collector.directory / "collector" / "collector.db"
    gate.fill(40_000)
    gate.start()
    with closing(sqlite3.connect(database, isolation_level=None)) as locking:
        locking.execute("BEGIN IMMEDIATE")
        held = gate.collector.held(gate.origin)
        gate.push(plate(60))
        until("it stands still", lambda: gate.status()["uplink"]["stalled_s"] >= 2, 0.3)
        assert gate.collector.held(gate.origin) == held
        assert gate.resident_mb() < 250
        locking.execute("ROLLBACK")
    assert gate.judged_after(plate(61)) < SOON_S
    gate.settle()


def test_a_journal_that_was_replaced_by_an_older_copy_is_told_and_capture_goes_on(gate: Gate) -> None:
    gate.start()
    gate.judged_after(plate(70))
    gate.settle()
    gate.agent.stop()
    state, copy = gate.directory / "state", gate.directory / "copy"
    shutil.copytree(state, copy)
    gate.start()
    for number in range(71, 73):
        gate.push(plate(number))
    gate.judged_after(plate(73))
    gate.settle()
    gate.agent.kill()
    shutil.rmtree(state)
    copy.rename(state)
    gate.start()
    until("it is told", lambda: "replaced by an older copy" in gate.status()["uplink"]["problem"], 0.5)
    gate.push(plate(77))
    status = gate.status()
    assert status["level"] == "degraded"
    assert status["journal"]["pending"] > 0


@pytest.mark.slow
def test_far_away_with_every_twentieth_packet_lost(tmp_path: Path) -> None:
    """200 ms each way; TCP, TLS and HTTP/2 are the real ones."""
    with LossyLink(delay_s=0.2, loss=0.05) as link, ExitStack() as stack:
        collector = Collector(tmp_path / "collector", link.far, link.within)
        stack.enter_context(running(collector.program))
        collector.start()
        gate = Gate(tmp_path / "gate", collector, collector.address)
        stack.enter_context(running(gate.agent))
        gate.fill(400, commit=20)
        gate.start()
        for number in range(80, 83):
            assert gate.judged_after(plate(number)) < SOON_S
        gate.settle()
        assert link.dropped > 0
        gate.agent.stop()
        collector.audit()


@pytest.mark.slow
def test_a_collector_restored_from_an_old_backup_gets_again_what_it_lost(tmp_path: Path) -> None:
    collector = Collector(tmp_path / "collector")
    with running(collector.program), ExitStack() as stack:
        collector.start()
        gate = Gate(tmp_path / "gate", collector, collector.address)
        stack.enter_context(running(gate.agent))
        gate.start()
        gate.judged_after(plate(90))
        gate.settle()
        collector.program.stop()
        state, backup = collector.directory / "collector", collector.directory / "backup"
        shutil.copytree(state, backup)
        collector.start()
        for number in range(91, 93):
            gate.judged_after(plate(number))
        gate.settle()
        promised = gate.status()["journal"]["acknowledged"]
        collector.program.stop()
        shutil.rmtree(state)
        backup.rename(state)
        assert collector.held(gate.origin) < promised
        collector.start()
        everything = {plate(number) for number in range(90, 93)}
        until("all are judged again", lambda: collector.judged(gate.origin) == everything)
        gate.settle()
        log = [json.loads(line) for line in gate.agent.log_tail(1 << 20).splitlines() if line.startswith("{")]
        (behind,) = [event for event in log if event["event"] == "collector.behind"]
        assert behind["held"] < behind["promised"] == promised
        collector.audit()
