"""The collector's metrics."""

from __future__ import annotations

import shutil
import socket
import subprocess
import urllib.request
from pathlib import Path

import pytest
from prometheus_client import generate_latest

from collector.errors import CollectorError
from collector.metrics import (
    FAILING,
    METRICS,
    OLDEST,
    WAITING,
    JournalStock,
    Metrics,
    Stock,
    StockCollector,
    take_stock,
)
from collector.metrics_server import MetricsServer
from tests.unit.collector.collected import Collected, passage, probes

STOCK = Stock(
    judge_queue=3,
    open_cases=5,
    overdue_cases=2,
    quarantined=1,
    alarms=3,
    ledger=44,
    imbalanced=0,
    journals=[
        JournalStock("gate-1", "haikou", "d.example/agent/gate-1/ab", 100, 2, 1_760_000_000_500_000_000),
        JournalStock("gate-2", "haikou", "d.example/agent/gate-2/cd", 0, 0, None),
    ],
    looked_s=10.0,
)


def everything() -> Metrics:
    """All metrics, each with something to show."""
    metrics, stock = Metrics(), StockCollector(lambda: 12.5, {"d.example/agent/gate-2/cd": 1})
    stock.stock = STOCK
    metrics.registry.register(stock)
    for family in (WAITING, OLDEST, FAILING):
        metrics.show(family, lambda: 0)
    metrics.calls.labels("Stream", "OK").inc()
    metrics.refusals.labels("fork").inc()
    metrics.intake.labels("batch").observe(0.002)
    metrics.store.labels("live").observe(0.03)
    metrics.judge.observe(0.1)
    return metrics


def shown(metrics: Metrics) -> str:
    return generate_latest(metrics.registry).decode()


def test_what_is_held_is_shown_for_each_journal() -> None:
    lines = shown(everything()).splitlines()
    of_gate = '{agent="gate-1",journal="d.example/agent/gate-1/ab",site="haikou"}'
    for line in (
        "tidegate_collector_stock_age_seconds 2.5",
        "tidegate_collector_judge_queue 3.0",
        "tidegate_collector_open_cases 5.0",
        "tidegate_collector_overdue_cases 2.0",
        "tidegate_collector_quarantined_total 1.0",
        "tidegate_collector_alarms_total 3.0",
        "tidegate_collector_ledger_entries_total 44.0",
        "tidegate_collector_imbalanced_journals 0.0",
        f"tidegate_collector_records_stored_total{of_gate} 100.0",
        f"tidegate_collector_records_dead_lettered_total{of_gate} 2.0",
        f"tidegate_collector_agent_last_seen_timestamp_seconds{of_gate} 1.7600000005e+09",
        'tidegate_collector_store_seconds_bucket{kind="live",le="0.05"} 1.0',
        'tidegate_collector_refusals_total{code="fork"} 1.0',
        "tidegate_collector_writer_failing 0.0",
        f"tidegate_collector_agent_connected{of_gate} 0.0",
    ):
        assert line in lines, line
    assert not [line for line in lines if "last_seen" in line and "gate-2" in line], "it never came"


def test_before_the_database_was_read_nothing_is_claimed_of_it() -> None:
    metrics = Metrics()
    metrics.registry.register(StockCollector(lambda: 0.0, {}))
    assert "tidegate_collector_judge_queue" not in shown(metrics)


def test_every_metric_that_is_shown_is_in_the_table_the_manual_is_made_from_and_no_other() -> None:
    text = shown(everything())
    named = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE tidegate_")}
    named = {name for name in named if not name.endswith("_created")}
    table = {f"{family.name}_total" if family.kind == "counter" else family.name for family in METRICS}
    assert named == table
    for family in METRICS:
        assert f"# HELP {family.name}{'_total' if family.kind == 'counter' else ''} {family.help}" in text


def test_promtool_finds_nothing_to_complain_of() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (Debian: prometheus)")
    text = shown(everything())
    done = subprocess.run(
        [promtool, "check", "metrics"], input=text, capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_stock_is_taken_from_the_database(tmp_path: Path) -> None:
    collected = Collected(tmp_path)
    try:
        agent, gone = collected.admit("gate-1"), collected.admit("gate-2", b"b")
        collected.accept(agent, *probes(2), passage("p1"), b"\xff\xff")
        collected.revoke(gone)
        with collected.store.read() as connection:
            stock = take_stock(connection, 0, 7.0)
    finally:
        collected.store.close()
    assert (stock.judge_queue, stock.quarantined, stock.looked_s) == (1, 0, 7.0)
    assert stock.ledger >= 3
    (journal,) = stock.journals
    assert (journal.agent_id, journal.size, journal.dead_lettered) == ("gate-1", 4, 1)


def test_a_scrape_is_answered_and_a_taken_port_is_an_error_that_names_it() -> None:
    server = MetricsServer("127.0.0.1", 0, everything().registry)
    server.start()
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/metrics", timeout=30) as answer:
            text = answer.read().decode()
        with pytest.raises(CollectorError, match=rf"127\.0\.0\.1:{server.port}.*in use.*\[metrics\]"):
            MetricsServer("127.0.0.1", server.port, Metrics().registry)
    finally:
        server.stop()
    assert "tidegate_collector_ledger_entries_total 44.0" in text
    assert "process_resident_memory_bytes" in text


def test_a_scraper_that_drips_is_dropped_and_the_next_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("collector.metrics_server.PEER_S", 0.3)
    server = MetricsServer("127.0.0.1", 0, everything().registry)
    server.start()
    try:
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as peer:
            peer.sendall(b"GET /metrics HTTP/1.0\r\nA: ")
            assert peer.recv(1) == b""
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/metrics", timeout=30) as answer:
            assert answer.status == 200
    finally:
        server.stop()
