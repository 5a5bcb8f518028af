"""The agent's metrics over HTTP."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from edge_agent.app.metrics import AGE, METRICS, SnapshotCollector
from edge_agent.app.metrics_server import MetricsServer
from edge_agent.errors import ConfigError

SNAPSHOT: dict[str, Any] = {
    "version": "0.1.0",
    "site": "xiuying",
    "origin": "test.example/agent/gate-1/ab",
    "started_unix_ns": 1_760_000_000_500_000_000,
    "written_awake_ns": 7_000_000_000,
    "level": 1,
    "red": True,
    "reasons": ["device-silent", "device-silent", "no-progress"],
    "device_states": ["starting", "ok", "silent"],
    "devices": [
        {"id": "scale-1", "kind": "scale", "state": "silent", "age_s": 61},
        {"id": "plate-1", "kind": "camera", "state": "starting", "age_s": None},
    ],
    "lanes": [{"id": "L1", "decided_by_action": {"release": 3, "review": 0, "inspect": 1, "hold": 0}}],
    "journal": {
        "captured": 105,
        "acknowledged": 99,
        "pending": 5,
        "dead_lettered": 1,
        "imbalanced": False,
        "oldest_pending_age_s": 75,
        "last_receipt_age_s": None,
    },
    "uplink": {
        "connected": True,
        "stalled_s": 70.5,
        "records_per_s": 12.5,
        "live_waiting": 2,
        "collector_behind": 0,
        "sent_bytes": {"batches": 500, "live": 20, "evidence": 4000},
    },
    "evidence": {"waiting": 4, "kept_bytes": 12_345, "shed": 3},
    "disk": {"used_bytes": 10, "free_bytes": 90, "reserve_bytes": 5, "level": 0},
    "incidents_open": 2,
    "clock": {"synchronised": True, "error_bound_ns": 2_500_000, "before_certificate": False},
    "certificate": {"ends_unix_ns": 1_770_000_000_000_000_000},
    "reference": {"declarations": 40, "age_s": None},
}


def shown(snapshot: dict[str, Any] | None = SNAPSHOT) -> str:
    registry, collector = CollectorRegistry(), SnapshotCollector(lambda _: 0.25)
    registry.register(collector)
    if snapshot is not None:
        collector.show(snapshot)
    return generate_latest(registry).decode()


def test_the_figures_of_the_snapshot_are_shown_in_base_units() -> None:
    lines = shown().splitlines()
    for line in (
        'tidegate_edge_info{origin="test.example/agent/gate-1/ab",site="xiuying",version="0.1.0"} 1.0',
        "tidegate_edge_started_timestamp_seconds 1.7600000005e+09",
        "tidegate_edge_health_level 1.0",
        "tidegate_edge_health_red 1.0",
        'tidegate_edge_health_reason{code="no-progress"} 1.0',
        "tidegate_edge_records_captured_total 105.0",
        "tidegate_edge_records_acknowledged_total 99.0",
        "tidegate_edge_records_dead_lettered_total 1.0",
        "tidegate_edge_records_pending 5.0",
        'tidegate_edge_uplink_sent_bytes_total{kind="batches"} 500.0',
        'tidegate_edge_uplink_sent_bytes_total{kind="evidence"} 4000.0',
        "tidegate_edge_evidence_shed_total 3.0",
        "tidegate_edge_journal_imbalanced 0.0",
        "tidegate_edge_stalled_seconds 70.5",
        "tidegate_edge_uplink_up 1.0",
        'tidegate_edge_device_state{device="scale-1",kind="scale",state="silent"} 1.0',
        'tidegate_edge_device_state{device="scale-1",kind="scale",state="ok"} 0.0',
        'tidegate_edge_passages_decided_total{action="inspect",lane="L1"} 1.0',
        "tidegate_edge_clock_error_bound_seconds 0.0025",
        "tidegate_edge_certificate_ends_timestamp_seconds 1.77e+09",
        "tidegate_edge_status_age_seconds 0.25",
    ):
        assert line in lines, line


def test_what_is_not_known_is_absent_and_not_zero() -> None:
    text = shown()
    assert "\ntidegate_edge_last_receipt_age_seconds" not in text
    assert "\ntidegate_edge_reference_age_seconds" not in text
    assert 'tidegate_edge_device_last_reading_age_seconds{device="plate-1"' not in text


def test_before_the_first_snapshot_nothing_is_claimed() -> None:
    assert shown(None) == ""


def test_every_metric_is_named_as_prometheus_wants_it_and_says_what_it_is() -> None:
    families = (*METRICS, AGE)
    assert len({family.name for family in families}) == len(families)
    for family in families:
        assert family.name.startswith("tidegate_edge_")
        assert not family.name.endswith("_total"), "the library adds it"
        assert family.help.endswith(".")


def test_promtool_finds_nothing_to_complain_of() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (Debian: prometheus)")
    done = subprocess.run(
        [promtool, "check", "metrics"], input=shown(), capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@contextmanager
def served(listen: str = "127.0.0.1:0") -> Iterator[MetricsServer]:
    collector = SnapshotCollector(lambda _: 0.0)
    collector.show(SNAPSHOT)
    server = MetricsServer(listen, collector)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def scrape(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
        return str(answer.read().decode())


def test_a_scrape_is_answered_with_the_agents_figures_and_the_process_own() -> None:
    with served() as server:
        text = scrape(server.port)
    assert "tidegate_edge_records_captured_total 105.0" in text
    assert "process_resident_memory_bytes" in text


def test_a_port_that_is_taken_is_an_error_that_names_it() -> None:
    with served() as server, pytest.raises(ConfigError, match=rf"127\.0\.0\.1:{server.port}.*in use.*\[metrics\]"):
        MetricsServer(f"127.0.0.1:{server.port}", SnapshotCollector(lambda _: 0.0))


def test_it_can_be_served_on_ipv6() -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6")
    with served("[::1]:0") as server, socket.create_connection(("::1", server.port), timeout=30) as peer:
        peer.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        assert peer.recv(12) == b"HTTP/1.0 200"


def test_a_scraper_that_says_nothing_or_drips_is_dropped_and_the_next_is_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("edge_agent.app.metrics_server.PEER_S", 0.3)
    with served() as server, socket.create_connection(("127.0.0.1", server.port), timeout=30) as peer:
        began = time.monotonic()
        peer.sendall(b"GET /metrics HTTP/1.0\r\nA: ")
        assert peer.recv(1) == b""
        assert time.monotonic() - began < 30
        assert "tidegate_edge_info" in scrape(server.port)


def test_garbage_for_a_request_harms_nothing() -> None:
    with served() as server:
        for garbage in (b"\x16\x03\x01\x02\x00\x01", b"GET " + b"A" * 100_000 + b"\r\n\r\n", b"\r\n\r\n", b""):
            with socket.create_connection(("127.0.0.1", server.port), timeout=30) as peer:
                try:
                    peer.sendall(garbage)
                    peer.shutdown(socket.SHUT_WR)
                    peer.recv(100)
                except OSError:
                    pass  # it may well be cut off
        assert "tidegate_edge_info" in scrape(server.port)
