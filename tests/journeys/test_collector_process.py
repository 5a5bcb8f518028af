"""The collector as a program: killed, stopped, started twice, restored, on a full disk, under systemd."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from gate_contract.v1 import uplink_pb2 as uplink
from tests.journeys.collector_harness import (
    DEADLINE_S,
    CollectorProcess,
    Stream,
    enrolled,
    passage,
    probes,
    status_of,
)


@pytest.fixture
def own_collector(tmp_path: Path) -> Iterator[CollectorProcess]:
    """A collector that the test may stop."""
    process = CollectorProcess(tmp_path)
    process.start()
    yield process
    process.stop(signal.SIGKILL)


def test_a_receipt_survives_a_kill(own_collector: CollectorProcess) -> None:
    gate = enrolled(own_collector, "gate-1")
    gate.write(*probes(50), passage("p1"))
    with Stream(gate) as stream:
        stream.next()
        stream.send(gate.batch(0))
        receipt = stream.receipt()
        own_collector.stop(signal.SIGKILL)
    own_collector.start()
    with Stream(gate) as stream:
        welcome = stream.next().welcome
        assert welcome.size == receipt.checkpoint.size == 51
        gate.write(*probes(1, 50))
        stream.send(gate.batch(51))
        stream.until(52)
    assert own_collector.json("audit")["holds"]


def test_a_stop_answers_what_came_and_ends_in_order(own_collector: CollectorProcess) -> None:
    gate = enrolled(own_collector, "gate-1")
    gate.write(*probes(50))
    with Stream(gate) as stream:
        stream.next()
        stream.send(gate.batch(0))
        stream.until(50)
        start = time.monotonic()
        assert own_collector.stop() == 0
        assert time.monotonic() - start < 30
        code, text = status_of(stream.next)
    assert (code, text) == (grpc.StatusCode.UNAVAILABLE, "the collector is stopping")
    assert [event for event in own_collector.events() if event["level"] not in {"info", "warning"}] == []


def test_a_collector_restored_from_an_old_backup_raises_an_alarm(
    own_collector: CollectorProcess, tmp_path: Path
) -> None:
    gate = enrolled(own_collector, "gate-1")
    assert own_collector.stop() == 0
    shutil.copytree(own_collector.state, tmp_path / "backup")
    own_collector.start()
    gate.write(*probes(5))
    with Stream(gate) as stream:
        stream.next()
        stream.send(gate.batch(0))
        receipt = stream.next().receipt.note
    assert own_collector.stop() == 0
    shutil.rmtree(own_collector.state)
    (tmp_path / "backup").rename(own_collector.state)
    own_collector.start()
    with Stream(gate, receipt=receipt) as stream:
        assert stream.next().welcome.size == 0
        (alarm,) = own_collector.logged("restored from an old backup")
        assert (alarm["kind"], alarm["record_index"]) == ("restored-collector", 0)
        assert "gave a receipt for 5 records and holds 0" in alarm["event"]
        stream.send(gate.batch(0))
        stream.until(5)


def test_a_full_disk_refuses_and_loses_nothing(own_collector: CollectorProcess) -> None:
    gate = enrolled(own_collector, "gate-1")
    gate.write(*(bytes([number % 251]) * 200_000 for number in range(12)))
    with Stream(gate) as stream:
        stream.next()
        # Files that the process writes may not grow beyond this, as on a disk without room.
        resource.prlimit(own_collector.pid, resource.RLIMIT_FSIZE, (1_000_000, resource.RLIM_INFINITY))
        stream.send(gate.batch(0))
        answer = stream.refusal()
    assert (answer.code, answer.size) == (uplink.REFUSAL_CODE_UNAVAILABLE, 0)
    resource.prlimit(own_collector.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    with Stream(gate) as stream:
        assert stream.next().welcome.size == 0
        stream.send(gate.batch(0))
        stream.until(12)
    assert own_collector.json("audit")["holds"]


def test_a_second_collector_on_the_same_state_is_refused(own_collector: CollectorProcess) -> None:
    done = own_collector.command("serve")
    assert done.returncode == 1
    assert f"another collector serves from {own_collector.state}" in done.stderr


def test_a_port_that_is_taken_is_an_error_that_names_it(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        process = CollectorProcess(tmp_path)
        process.config.write_text(
            process.config.read_text().replace('listen = "127.0.0.1:0"', f'listen = "127.0.0.1:{port}"', 1)
        )
        done = process.command("serve")
    assert done.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in done.stderr
    assert f"sport = :{port}" in done.stderr


def test_systemd_is_told_of_the_start_the_life_and_the_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
        notified.bind(str(tmp_path / "notify"))
        notified.settimeout(DEADLINE_S)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "300000")
        process = CollectorProcess(tmp_path / "c")
        process.start()
        said = [notified.recv(100).decode() for _ in range(4)]
        assert said == ["READY=1", "WATCHDOG=1", "WATCHDOG=1", "WATCHDOG=1"]
        os.kill(process.pid, signal.SIGTERM)
        while (word := notified.recv(100).decode()) == "WATCHDOG=1":
            pass
        assert word == "STOPPING=1"
        assert process.stop() == 0
