"""Connections that come and go leave nothing behind."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import grpc
import pytest

from edge_agent.uplink import supervisor
from gate_contract.v1 import uplink_pb2 as pb
from tests.unit.edge_agent.uplink.fakes import Requests, collector, welcome
from tests.unit.edge_agent.uplink.supervised import Gate

WARM = 100
MORE = 300
GROWTH_MB = 6.0
"""20 MB in 10,000 (measured: below 1 MB) would be 0.6 MB; the rest is what an allocator keeps."""


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "BACKOFF_S", (0.0,))


def resident_mb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def grown_by(gate: Gate) -> tuple[float, int, int]:
    """MB, file descriptors and threads that MORE connections leave behind."""
    gate.refresh = lambda _channel: None
    gate.uplink.start()
    try:
        ends(gate, WARM)
        memory, files, threads = resident_mb(), open_files(), threading.active_count()
        ends(gate, MORE)
        return resident_mb() - memory, open_files() - files, threading.active_count() - threads
    finally:
        gate.uplink.stop()


def ends(gate: Gate, count: int) -> None:
    while count:
        count -= not gate.state().connected


def assert_little(grown: tuple[float, int, int]) -> None:
    memory, files, threads = grown
    assert memory < GROWTH_MB
    assert files < 20
    assert threads < 20


def test_those_that_are_dropped_before_tls_is_up() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:

        def drop() -> None:
            while True:
                try:
                    listening.accept()[0].close()
                except OSError:
                    return

        threading.Thread(target=drop, daemon=True).start()
        assert_little(grown_by(Gate(f"127.0.0.1:{listening.getsockname()[1]}", grpc.ssl_channel_credentials)))
        listening.shutdown(socket.SHUT_RDWR)


def test_those_that_end_after_the_welcome() -> None:
    def answers(requests: Requests) -> Iterator[pb.StreamResponse]:
        next(requests)
        yield welcome()

    with collector(answers) as address:
        assert_little(grown_by(Gate(address)))
