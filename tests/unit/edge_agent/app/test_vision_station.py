"""A [[video]] at work, with eyes that remember: what is gated, what waits, how the camera's picture is told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_agent.app import vision_station
from edge_agent.app.devices import DeviceOutputs
from edge_agent.app.vision_keep import VideoKeeper, VideoStores
from edge_agent.app.vision_source import camera_of
from edge_agent.app.vision_station import VideoStation
from edge_agent.config_video import VideoTable
from edge_agent.errors import EdgeAgentError
from edge_agent.links.camera.camera import Camera, CameraRules
from edge_agent.links.camera.frames import Picture
from edge_agent.links.camera.source import Feed
from edge_agent.model.moment import Moment
from edge_agent.model.readings import DeviceEvent, DeviceState, EvidenceRef
from edge_agent.vision.exposure import ExposureRules
from gate_contract.v1.reading_pb2 import Reading
from tests.unit.edge_agent.links.camera.parts import jpeg, picture, real_clock, until


class FakeEye:
    """Remembers what it was shown."""

    def __init__(self, *, gated: bool = True, refuses: int = 0) -> None:
        self.gated, self._refuses = gated, refuses
        self.images: list[Picture] = []
        self.quiets = self.ticks_without_models = 0
        self.broken = False
        self.wait = threading.Event()
        self.wait.set()

    def load(self) -> None:
        if self._refuses:
            self._refuses -= 1
            raise EdgeAgentError("the model was tampered with")

    def look(self, image: Picture, at: Moment) -> None:
        del at
        self.wait.wait(60)
        self.images.append(image)
        if self.broken:
            raise RuntimeError("inside a library")

    def tick(self, now: Moment) -> None:
        del now
        self.ticks_without_models += bool(self._refuses)

    def quiet(self, at: Moment) -> None:
        del at
        self.quiets += 1


class NoEvidence:
    def keep(self, data: bytes, media_type: str, role: str) -> EvidenceRef:
        raise AssertionError((data, media_type, role))


class NoSpool:
    def keep(self, device_id: str, event_id: str, body: bytes) -> int | None:
        raise AssertionError((device_id, event_id, body))


class Scripted:
    """A live camera that shows what it is told to."""

    name, live, changes = "the camera", True, True

    def __init__(self, show: Callable[[int], Picture]) -> None:
        self._show = show

    def run(self, feed: Feed) -> None:
        feed.opened()
        number = 0
        while not feed.stopping.wait(0.01):
            feed.picture(self._show(number), real_clock())
            number += 1

    def abort(self) -> None:
        """Nothing waits."""


class Bench:
    """A station that runs, and what it says."""

    def __init__(self, table: VideoTable, eyes: list[FakeEye], show: Callable[[int], Picture] | None) -> None:
        self.events: list[DeviceEvent] = []
        self.faults: list[tuple[str, str]] = []
        self.over: list[str] = []
        self.readings: list[Reading] = []
        outputs = DeviceOutputs(
            record=self.readings.append,
            event=self.events.append,
            garbled=lambda *_: None,
            began=lambda subject, code, _text, _at, _device: self.faults.append((subject, code)),
            ended=lambda subject, _at: self.over.append(subject),
        )
        stop = threading.Event()
        stores = VideoStores(NoSpool(), NoEvidence(), self.readings.append, lambda *_: None)
        keeper = VideoKeeper(table, stores, stop)

        def make(on_event: Callable[[DeviceEvent], None]) -> Camera:
            if show is None:
                return camera_of(table, real_clock, on_event)
            return Camera(table.id, Scripted(show), CameraRules(60, 0, 1000), real_clock, on_event)

        self.station = VideoStation(table, make, eyes, keeper, real_clock, outputs, stop)
        self.station.start()


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Bench]]:
    monkeypatch.setattr(vision_station, "HEALTH_EVERY_S", 0.0)
    monkeypatch.setattr(vision_station, "RELOAD_S", 0.01)
    monkeypatch.setattr(vision_station, "STILL_QUIET_S", 0.1)
    started: list[Bench] = []

    def begin(eyes: list[FakeEye], show: Callable[[int], Picture] | None = None, **changes: object) -> Bench:
        table = VideoTable.model_validate({"id": "cam", "source": "rtsp://10.0.0.2/1", "lane": "in-1", **changes})
        started.append(Bench(table, eyes, show))
        return started[-1]

    yield begin
    for bench in started:
        bench.station.stop()


def lane(number: int) -> Picture:
    """A lane with marks, and something small that moves in every picture."""
    image = np.full((90, 160, 3), 100, np.uint8)
    image[:, 40:60], image[:, 100:104] = 30, 200
    image[40:60, 7 * number % 140 : 7 * number % 140 + 20] = 180
    return image


@pytest.fixture
def video(tmp_path: Path) -> Path:
    path = tmp_path / "lane.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 10, (160, 90))
    for number in range(60):
        writer.write(lane(min(number, 20)))
    writer.release()
    return path


def test_a_file_is_read_to_its_end_and_what_does_not_move_is_not_looked_at(
    start: Callable[..., Bench], video: Path
) -> None:
    gated, other = FakeEye(), FakeEye(gated=False)
    bench = start([gated, other], source=str(video), paced=False)
    until(lambda: bench.station.finished)

    assert len(other.images) == 60
    assert 35 <= len(gated.images) <= 46  # 20 that move, 2 s more, and a look now and then
    assert (gated.quiets, other.quiets) == (1, 1)
    assert not any(image.flags.writeable for image in other.images)


def test_a_slow_eye_keeps_neither_the_camera_nor_another_eye_waiting(start: Callable[..., Bench]) -> None:
    slow, quick = FakeEye(), FakeEye()
    slow.wait.clear()
    bench = start([slow, quick], lane)
    until(lambda: len(quick.images) >= 20)
    assert slow.images == []
    slow.wait.set()
    until(lambda: slow.images)

    assert bench.station.camera.counts.kept >= 20


def test_only_the_region_is_read(start: Callable[..., Bench], tmp_path: Path) -> None:
    (tmp_path / "snap.jpg").write_bytes(jpeg(rows=100, columns=200))
    eye = FakeEye()
    start([eye], source=str(tmp_path / "snap.jpg"), region=(0.5, 0.2, 0.25, 0.8))
    until(lambda: eye.images)

    assert eye.images[0].shape == (80, 50, 3)
    assert eye.images[0].flags.c_contiguous


def test_a_single_picture_is_told_without_another_one(start: Callable[..., Bench], tmp_path: Path) -> None:
    (tmp_path / "snap.jpg").write_bytes(jpeg())
    eye = FakeEye()
    start([eye], source=str(tmp_path / "snap.jpg"))
    until(lambda: eye.quiets)

    assert len(eye.images) == 1


def test_a_picture_that_a_library_stumbles_over_ends_nothing(start: Callable[..., Bench]) -> None:
    eye = FakeEye()
    eye.broken = True
    start([eye], lane)

    until(lambda: len(eye.images) >= 3)


def test_models_that_are_refused_are_told_and_tried_again(start: Callable[..., Bench]) -> None:
    eye = FakeEye(refuses=2)
    bench = start([eye], lane)
    until(lambda: eye.images)

    assert ("cam models", "models-refused") in bench.faults
    assert "cam models" in bench.over
    assert "cam models" in bench.station.subjects
    assert eye.ticks_without_models  # what must be destroyed at its hour is, with or without models


def test_a_picture_too_dark_to_read_by_is_told_recorded_and_taken_back(
    start: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vision_station, "ExposureRules", lambda: ExposureRules(after_s=0.1))
    is_dark = threading.Event()
    bench = start([], lambda number: picture(number) // 30 if is_dark.is_set() else picture(number))
    until(lambda: bench.station.state is DeviceState.OK)
    is_dark.set()
    until(lambda: bench.station.state is DeviceState.UNREADABLE and bench.readings)
    told = bench.events[-1]
    assert told.state is DeviceState.UNREADABLE
    assert "too dark" in told.text
    assert "过暗" in told.text
    assert bench.readings[0].camera.condition == "dark"
    assert bench.readings[0].camera.brightness < 20
    is_dark.clear()
    until(lambda: bench.station.state is DeviceState.OK and len(bench.readings) == 2)

    assert bench.events[-1].state is DeviceState.OK
    assert bench.readings[1].camera.condition == ""


def test_a_station_that_is_stopped_tells_what_was_under_way(start: Callable[..., Bench]) -> None:
    eye = FakeEye()
    bench = start([eye], lane)
    until(lambda: eye.images)
    bench.station.stop()

    assert eye.quiets >= 1
