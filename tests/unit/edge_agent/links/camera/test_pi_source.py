"""The Raspberry Pi's camera, with picamera2's interface played by a test: no such camera is here."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

import pytest

from edge_agent.errors import ConfigError
from edge_agent.links.camera import pi_source
from edge_agent.links.camera.frames import Picture
from edge_agent.links.camera.pi_source import PiSource, captured_at, pi_library
from edge_agent.links.camera.source import CameraError
from edge_agent.model.moment import SECOND
from edge_agent.model.readings import DeviceState
from tests.unit.edge_agent.links.camera.parts import FakeFeed, at, picture, real_clock

IMAGE = picture(1)


class FakePi:
    """Behaves as Picamera2 does: a request is held until it is released, a job may time out."""

    def __init__(self, *, pictures: int = 3, age_ns: int = SECOND // 10) -> None:
        self.left, self.age_ns = pictures, age_ns
        self.calls: list[str] = []
        self.held = 0
        self.configuration: dict[str, Any] = {}

    def create_video_configuration(self, **wanted: Any) -> dict[str, Any]:
        return wanted

    def configure(self, configuration: dict[str, Any]) -> None:
        self.configuration = configuration

    def start(self) -> None:
        self.calls.append("start")

    def stop(self) -> None:
        self.calls.append("stop")

    def close(self) -> None:
        self.calls.append("close")

    def capture_request(self, *, wait: bool) -> FakePi:
        assert not wait
        return self

    def get_result(self, timeout: float) -> FakePi:
        if not self.left:
            raise TimeoutError(timeout)
        self.left -= 1
        self.held += 1
        return self

    def get_metadata(self) -> dict[str, int]:
        return {"SensorTimestamp": real_clock().mono - self.age_ns}

    def make_array(self, name: str) -> Picture:
        assert name == "main"
        return IMAGE

    def release(self) -> None:
        self.held -= 1


def test_pictures_are_stamped_with_the_moment_of_their_exposure() -> None:
    camera, feed = FakePi(), FakeFeed(stop_after=2)
    before = real_clock()
    PiSource(0, (1280, 720), 25.0, real_clock, lambda _: camera).run(feed)

    assert [image is IMAGE for image, _ in feed.pictures] == [True, True]
    assert feed.pictures[0][1].mono < before.mono  # 0.1 s before it was handed over
    assert camera.configuration["main"] == {"size": (1280, 720), "format": "RGB888"}
    assert camera.calls == ["start", "stop", "close"]
    assert camera.held == 0  # else libcamera runs out of buffers


def test_a_picture_that_is_not_wanted_is_given_back_unread() -> None:
    camera, feed = FakePi(), FakeFeed(stop_after=2, wanted=False)
    PiSource(0, None, 25.0, real_clock, lambda _: camera).run(feed)

    assert (feed.skips, feed.pictures, camera.held) == (2, [], 0)


def test_a_camera_that_sends_nothing_is_silent_and_closed() -> None:
    camera = FakePi(pictures=0)
    with pytest.raises(CameraError, match="ribbon cable") as caught:
        PiSource(0, None, 25.0, real_clock, lambda _: camera).run(FakeFeed())

    assert caught.value.state is DeviceState.SILENT
    assert camera.calls[-1] == "close"


def test_a_camera_that_is_not_there_is_told() -> None:
    def none(number: int) -> Any:
        raise IndexError(f"list index {number} out of range")

    with pytest.raises(CameraError, match="rpicam-hello"):
        PiSource(1, None, 25.0, real_clock, none).run(FakeFeed())


def test_a_camera_that_does_not_start_is_closed_again() -> None:
    camera = FakePi()

    def busy() -> None:
        raise RuntimeError("Camera __init__ sequence did not complete")

    camera.start = busy  # type: ignore[method-assign]  # it is busy
    with pytest.raises(CameraError, match="did not complete"):
        PiSource(0, None, 25.0, real_clock, lambda _: camera).run(FakeFeed())

    assert camera.calls == ["close"]


def test_where_picamera2_is_missing_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> ModuleType:
        raise ModuleNotFoundError(f"No module named '{name}'")

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(ConfigError, match="apt install python3-picamera2"):
        pi_library()


def test_a_timestamp_of_another_clock_is_not_believed() -> None:
    now = at(1000)
    assert captured_at(now.mono - SECOND, now) == at(999)
    assert captured_at(None, now) == now
    assert captured_at(now.mono + SECOND, now) == now
    assert captured_at(now.mono - 60 * SECOND, now) == now
    assert pi_source.OLDEST_NS < 60 * SECOND
