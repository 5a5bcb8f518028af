"""A camera that is asked, at work beside a real journal and an emulated camera."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import patch

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge_agent.app.camera_keep import CameraKeeper, KeeperStores
from edge_agent.app.camera_pull import CameraPuller, PullOutputs
from edge_agent.clock import SystemClock
from edge_agent.config import CameraTable
from edge_agent.errors import JournalError
from edge_agent.journal.evidence import EvidenceStore
from edge_agent.journal.journal import Journal
from edge_agent.model.moment import Moment
from edge_agent.model.readings import DeviceEvent, DeviceState, PlateSeen
from edge_agent.simulate.anpr import CameraDetails, PlateEvent, plate_event
from edge_agent.simulate.camera_bodies import PlateList, alert_stream_event
from edge_agent.simulate.camera_server import CameraServer, Misbehaviour
from gate_contract.checkpoint import Signer

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PATIENCE = 30.0
DETAILS = CameraDetails("DS-1")
POLL, STREAM = "hikvision-isapi-poll", "hikvision-isapi-alertstream"


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def seen(plate: str, minute: int) -> PlateEvent:
    return plate_event(DETAILS, minute, datetime(2026, 3, 2, 8, minute, tzinfo=UTC), plate, "blue")


class Bench:
    """A journal on disk, and what comes of a camera."""

    def __init__(self, directory: Path) -> None:
        self.journal = Journal(directory / "journal", Signer("test/agent/gate-01/0011223344556677", KEY))
        self.evidence = EvidenceStore(directory)
        self.plates: list[str] = []
        self.events: list[DeviceEvent] = []
        self.garbled: list[bytes] = []
        self.clock = SystemClock()

    def close(self) -> None:
        self.journal.close()
        self.evidence.close()

    @property
    def states(self) -> list[DeviceState]:
        return [event.state for event in self.events]

    @contextmanager
    def asking(self, camera: CameraServer, profile: str = POLL) -> Iterator[CameraPuller]:
        table = CameraTable.model_validate({"id": "plate-1", "profile": f"plate/{profile}", "url": camera.url})
        stores = KeeperStores(self.journal, self.evidence, lambda _, item: self._take(item.reading))
        outputs = PullOutputs(self._keep_garbled, self.events.append)
        puller = CameraPuller(CameraKeeper(table, stores), self.journal, self.clock, outputs)
        puller.start(self.journal.in_flight())
        try:
            yield puller
        finally:
            puller.stop()

    def _take(self, reading: object) -> None:
        assert isinstance(reading, PlateSeen)
        self.plates.append(reading.text)

    def _keep_garbled(self, _device: str, raw: bytes, _length: int, _reason: str, _at: Moment) -> None:
        self.garbled.append(raw)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.close()


def polled(plates: PlateList) -> CameraServer:
    return CameraServer(lambda _path, body: plates.after(body), scheme="none")


def test_what_the_camera_saw_before_there_was_a_gate_is_passed_over_once(bench: Bench) -> None:
    plates = PlateList()
    plates.see(seen("A0", 0))
    with polled(plates) as camera:
        with bench.asking(camera):
            until(lambda: DeviceState.OK in bench.states)
            plates.see(seen("A1", 1))
            until(lambda: bench.plates == ["A1"])
        plates.see(seen("A2", 2))
        with bench.asking(camera):  # after a restart it goes on after the last one
            until(lambda: bench.plates == ["A1", "A2"])
    assert len(bench.journal.spool.inbox()) == 2


def test_a_camera_that_has_seen_nothing_yet_has_no_history(bench: Bench) -> None:
    plates = PlateList()
    with polled(plates) as camera:
        with bench.asking(camera):
            until(lambda: DeviceState.OK in bench.states)
        plates.see(seen("A1", 1))
        with bench.asking(camera):
            until(lambda: bench.plates == ["A1"])


def test_a_camera_that_answers_with_its_whole_list_every_time_gives_each_plate_once(bench: Bench) -> None:
    plates = PlateList()
    with CameraServer(lambda _path, _body: plates.after(b""), scheme="none") as camera, bench.asking(camera):
        until(lambda: DeviceState.OK in bench.states)
        plates.see(seen("A1", 1))
        until(lambda: bench.plates == ["A1"])
        asked = len(camera.requests)
        until(lambda: len(camera.requests) > asked + 1)
    assert bench.plates == ["A1"]


def test_while_the_disk_takes_nothing_a_poll_does_not_move_on(bench: Bench) -> None:
    plates = PlateList()
    with polled(plates) as camera, bench.asking(camera):
        until(lambda: DeviceState.OK in bench.states)
        with patch.object(bench.journal.spool, "keep", side_effect=JournalError("full")) as keep:
            plates.see(seen("A1", 1))
            until(lambda: keep.call_count >= 2)
            assert bench.plates == []
        until(lambda: bench.plates == ["A1"])


def test_an_answer_that_is_no_list_is_garbage_and_an_incident_until_it_is_one(bench: Bench) -> None:
    answer = [b"<html>Login</html>"]
    with CameraServer(lambda _path, _body: answer[0], scheme="none") as camera, bench.asking(camera) as puller:
        until(lambda: puller.state is DeviceState.UNREADABLE)
        assert "edge-agent decode" in puller.text
        assert puller.heard is None
        answer[0] = b"<Plates/>"
        until(lambda: puller.state is DeviceState.OK)
        assert puller.heard is not None
    assert b"".join(bench.garbled).startswith(b"<html>Login</html>")


def test_a_cut_answer_gives_nothing_and_the_next_one_gives_all(bench: Bench) -> None:
    plates = PlateList()
    with polled(plates) as camera, bench.asking(camera) as puller:
        until(lambda: puller.state is DeviceState.OK)
        camera.fault = Misbehaviour(length="short")
        plates.see(seen("A1", 1))
        until(lambda: puller.state is not DeviceState.OK)
        camera.fault = Misbehaviour()
        until(lambda: bench.plates == ["A1"])


def test_an_event_of_a_stream_is_kept_when_no_more_pictures_come(bench: Bench) -> None:
    with (
        CameraServer(lambda _path, _body: None, scheme="none") as camera,
        bench.asking(camera, STREAM) as puller,
    ):
        until(lambda: camera.streams == 1)
        camera.send(alert_stream_event(DETAILS, seen("A1", 1)))

        def kept() -> bool:
            puller.tick(bench.clock())
            return bench.plates == ["A1"]

        until(kept)
        assert puller.state is DeviceState.OK


def test_an_event_that_still_waits_for_pictures_at_the_end_is_kept(bench: Bench) -> None:
    with CameraServer(lambda _path, _body: None, scheme="none") as camera:
        with bench.asking(camera, STREAM) as puller:
            until(lambda: camera.streams == 1)
            camera.send(alert_stream_event(DETAILS, seen("A1", 1)))
            until(lambda: puller._reader.waits)
        assert bench.plates == ["A1"]


def test_a_fault_of_our_own_is_told_and_the_camera_is_asked_again(bench: Bench) -> None:
    plates = PlateList()
    with polled(plates) as camera, bench.asking(camera) as puller:
        until(lambda: puller.state is DeviceState.OK)
        with patch.object(puller._keeper, "keep", side_effect=RuntimeError("a bug")):
            plates.see(seen("A1", 1))
            until(lambda: "a bug" in puller.text)
        until(lambda: bench.plates == ["A1"])


def test_an_event_that_still_waited_for_pictures_when_the_stream_broke_is_kept(bench: Bench) -> None:
    with CameraServer(lambda _path, _body: None, scheme="none") as camera, bench.asking(camera, STREAM) as puller:
        until(lambda: camera.streams == 1)
        camera.send(alert_stream_event(DETAILS, seen("A1", 1)))
        until(lambda: puller._reader.waits)
        camera.stop()
        until(lambda: bench.plates == ["A1"])
        until(lambda: DeviceState.UNPLUGGED in bench.states)
