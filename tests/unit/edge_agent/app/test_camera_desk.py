"""Cameras that push, at their desk: kept, then answered; listened for where they have a heartbeat."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge_agent.app.camera import CameraDesk, CameraOutputs
from edge_agent.clock import SystemClock
from edge_agent.config import CameraTable
from edge_agent.journal.evidence import EvidenceStore
from edge_agent.journal.journal import Journal
from edge_agent.model.moment import Moment
from edge_agent.model.readings import DeviceEvent, DeviceState
from edge_agent.simulate.ports import free_ports
from edge_agent.simulate.programs import wait_until
from gate_contract.checkpoint import Signer

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
EVENT = b"<E><eventType>ANPR</eventType><dateTime>2026-03-02T08:15:30</dateTime><licensePlate>AB123</licensePlate></E>"


class Bench:
    """A desk for one camera, and what comes of it."""

    def __init__(self, directory: Path, **more: object) -> None:
        (port,) = free_ports(1)
        fields = {"id": "plate-1", "profile": "plate/hikvision-isapi-push", "listen": f"127.0.0.1:{port}"}
        table = CameraTable.model_validate({**fields, "allow": ("127.0.0.1",), **more})
        self.journal = Journal(directory / "journal", Signer("test/agent/gate-01/0011223344556677", KEY))
        self.evidence = EvidenceStore(directory)
        self.events: list[DeviceEvent] = []
        self.garbled: list[tuple[bytes, str]] = []
        outputs = CameraOutputs(
            lambda _device, _item: None, self._garble, self.events.append, lambda _reason, _peer: None, lambda: None
        )
        self.desk = CameraDesk([table], self.journal, self.evidence, SystemClock(), outputs)
        self.url = f"http://127.0.0.1:{port}/push/plate-1"

    def _garble(self, _device: str, raw: bytes, _length: int, reason: str, _at: Moment) -> None:
        self.garbled.append((raw, reason))

    def push(self, body: bytes) -> int:
        request = urllib.request.Request(self.url, body, {"Content-Type": "application/xml"}, method="POST")
        with urllib.request.urlopen(request, timeout=20) as answer:
            return int(answer.status)

    def close(self) -> None:
        self.desk.stop()
        self.journal.close()
        self.evidence.close()


@pytest.fixture
def bench(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Bench]:
    made = Bench(tmp_path, **getattr(request, "param", {}))
    made.desk.start()
    yield made
    made.close()


def test_a_push_is_kept_before_it_is_answered(bench: Bench) -> None:
    assert bench.desk.look("plate-1")[0] is DeviceState.STARTING
    assert bench.push(EVENT) == 200
    assert len(bench.journal.spool.inbox()) == 1
    assert bench.desk.last["plate-1"].text == "AB123"
    assert bench.desk.look("plate-1") == (DeviceState.OK, "")
    assert [event.state for event in bench.events] == [DeviceState.OK]


def test_a_push_that_means_nothing_is_kept_with_its_reason(bench: Bench) -> None:
    assert bench.push(b"<html>hello</html>") == 200
    assert bench.garbled == [(b"<html>hello</html>", "<html> has no type of event and no plate")]


@pytest.mark.parametrize("bench", [{"silent_after": "300 ms"}], indirect=True)
def test_a_camera_that_is_not_heard_from_is_silent_until_it_is(bench: Bench) -> None:
    wait_until("it is silent", lambda: bench.desk.look("plate-1")[0] is DeviceState.SILENT)
    assert "No push has come for 0.3 s" in bench.desk.look("plate-1")[1]
    assert bench.push(b"<E><eventType>heartbeat</eventType></E>") == 200
    wait_until("it was well", lambda: DeviceState.OK in [event.state for event in bench.events])
    wait_until("it is silent again", lambda: len(bench.events) >= 3)
    assert [event.state for event in bench.events[:3]] == [DeviceState.SILENT, DeviceState.OK, DeviceState.SILENT]
