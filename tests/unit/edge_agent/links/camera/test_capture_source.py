"""What OpenCV reads: a real RTSP server of our own, video files, and devices that are not there."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_agent.links.camera import capture_source, rtsp_causes
from edge_agent.links.camera.capture_source import RtspSource, V4l2Source, VideoFileSource, v4l2_cause
from edge_agent.links.camera.frames import Picture
from edge_agent.links.camera.rtsp_causes import rtsp_cause
from edge_agent.links.camera.source import CameraError
from edge_agent.model.moment import SECOND
from edge_agent.model.readings import DeviceState
from tests.unit.edge_agent.links.camera.parts import FakeFeed, real_clock, until
from tests.unit.edge_agent.links.camera.rtsp_server import RtspServer

GREYS = (40, 200)


def flat(number: int) -> Picture:
    return np.full((240, 320, 3), GREYS[number % 2], np.uint8)


def flat_jpeg(number: int) -> bytes:
    return cv2.imencode(".jpg", flat(number))[1].tobytes()


def rtsp(url: str, user: str = "", password: str = "", silent_s: float = 30.0) -> RtspSource:
    return RtspSource(url, user, password, silent_s, real_clock)


def fault_of(source: RtspSource, feed: FakeFeed | None = None) -> CameraError:
    with pytest.raises(CameraError) as caught:
        source.run(feed or FakeFeed())
    return caught.value


@pytest.fixture
def video(tmp_path: Path) -> Callable[..., Path]:
    def make(pictures: int = 20, per_s: int = 10) -> Path:
        path = tmp_path / "lane.mp4"
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), per_s, (320, 240))
        for number in range(pictures):
            writer.write(flat(number))
        writer.release()
        return path

    return make


def test_an_rtsp_stream_gives_its_pictures() -> None:
    feed = FakeFeed(stop_after=4)
    with RtspServer(flat_jpeg) as server:
        rtsp(server.url).run(feed)

    assert feed.opens == 1
    assert {image.shape for image, _ in feed.pictures} == {(240, 320, 3)}
    assert {min(GREYS, key=lambda grey: abs(grey - image.mean())) for image, _ in feed.pictures} == set(GREYS)


def test_an_rtsp_camera_is_given_user_and_password_and_neither_is_told_to_anyone_else() -> None:
    feed = FakeFeed(stop_after=1)
    with RtspServer(flat_jpeg, user="gate:p@ss/w:rd") as server:
        source = rtsp(server.url, "gate", "p@ss/w:rd")
        source.run(feed)

    assert feed.pictures
    assert "p@ss" not in source.name


def test_a_wrong_rtsp_password_is_told_with_a_pause() -> None:
    with RtspServer(flat_jpeg, user="gate:right") as server:
        fault = fault_of(rtsp(server.url, "gate", "wrong"))

    assert "refuses the user or the password" in str(fault)
    assert fault.pause_s >= 60
    assert "wrong" not in str(fault)


def test_an_rtsp_stream_that_ends_is_told() -> None:
    def jpeg(number: int) -> bytes:
        if number > 30:
            raise EOFError
        return flat_jpeg(number)

    feed = FakeFeed()
    with RtspServer(jpeg) as server:
        fault = fault_of(rtsp(server.url), feed)

    assert "ended its stream" in str(fault)
    assert feed.pictures


def test_an_rtsp_stream_that_falls_silent_is_told_as_that() -> None:
    with RtspServer(lambda number: flat_jpeg(number) if number < 30 else None) as server:
        fault = fault_of(rtsp(server.url, silent_s=1.0))

    assert fault.state is DeviceState.SILENT


@pytest.mark.parametrize(
    ("status", "says"),
    [(404, "no such stream"), (401, "asks for a user"), (453, "no further stream"), (503, "no further"), (500, "500")],
)
def test_an_rtsp_camera_that_refuses_is_asked_why(status: int, says: str) -> None:
    with RtspServer(flat_jpeg, status=status) as server:
        fault = rtsp_cause(server.url, has_user=False)

    assert says in str(fault)
    assert fault.fix


def test_where_nothing_listens_or_nothing_speaks_rtsp_that_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rtsp_causes, "ANSWER_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"rtsp://127.0.0.1:{listening.getsockname()[1]}/x"
        assert "does not answer" in str(rtsp_cause(url, has_user=False))

        def lie() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        listening.accept()[0].close()  # of the first question
        monkeypatch.setattr(rtsp_causes, "ANSWER_S", 60.0)
        thread = threading.Thread(target=lie)
        thread.start()
        assert "does not speak RTSP" in str(rtsp_cause(url, has_user=False))
        thread.join(10)
    assert "refuses the connection" in str(rtsp_cause(url, has_user=False))
    assert "name is not known" in str(rtsp_cause("rtsp://camera.invalid/x", has_user=False))


def test_a_video_file_gives_all_its_pictures_stamped_by_their_place(video: Callable[..., Path]) -> None:
    feed = FakeFeed()
    VideoFileSource(video(20, per_s=10), real_clock, paced=False).run(feed)

    assert len(feed.pictures) == 20
    first, last = feed.pictures[0][1], feed.pictures[-1][1]
    assert last.mono - first.mono == pytest.approx(1.9 * SECOND, abs=SECOND / 100)


def test_a_video_file_is_played_at_its_own_speed(video: Callable[..., Path]) -> None:
    feed = FakeFeed()
    began = real_clock()
    VideoFileSource(video(6, per_s=10), real_clock).run(feed)

    assert real_clock().seconds_since(began) >= 0.5


def test_what_is_not_wanted_of_a_video_is_skipped(video: Callable[..., Path]) -> None:
    feed = FakeFeed(wanted=False)
    VideoFileSource(video(5), real_clock, paced=False).run(feed)

    assert (feed.skips, feed.pictures) == (5, [])


@pytest.mark.parametrize("content", [b"", b"not a video", b"\0" * 100_000, b"RIFF\xff\xff\xff\x7fAVI LIST"])
def test_what_is_no_video_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.avi"
    path.write_bytes(content)
    with pytest.raises(CameraError, match="no video that can be read"):
        VideoFileSource(path, real_clock).run(FakeFeed())


def test_a_video_that_is_cut_short_gives_what_is_there_or_is_told(video: Callable[..., Path]) -> None:
    path = video(20)
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(CameraError, match="cut short"):
        VideoFileSource(path, real_clock, paced=False).run(FakeFeed())


def test_a_video_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(CameraError, match="no such file"):
        VideoFileSource(tmp_path / "none.mp4", real_clock).run(FakeFeed())


def test_a_picture_of_too_many_dots_is_refused_before_it_is_taken(
    video: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_agent.links.camera.capture.MOST_PIXELS", 1000)
    with pytest.raises(CameraError, match="million dots"):
        VideoFileSource(video(2), real_clock, paced=False).run(FakeFeed())


def test_a_device_that_is_not_there_is_told_with_the_name_that_lasts() -> None:
    with pytest.raises(CameraError, match="/dev/v4l/by-id"):
        V4l2Source(Path("/dev/video99"), None, 25.0, real_clock).run(FakeFeed())


def test_a_device_that_is_no_camera_or_may_not_be_opened_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "another program uses it" in str(v4l2_cause(Path("/dev/null")))
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert "group video" in str(v4l2_cause(Path("/dev/null")))


class FakeCapture:
    """In place of an open device: what was set, and pictures until it is unplugged."""

    ok = True
    made: list[FakeCapture]

    def __init__(self, where: str, backend: str, properties: dict[str, float]) -> None:
        self.opened, self.settings, self.left, self.closed = (where, backend, properties), dict[str, float](), 3, False
        self.made.append(self)

    def set(self, name: str, value: float) -> None:
        self.settings[name] = value

    def get(self, name: str) -> float:
        assert name == "POS_MSEC"
        return (real_clock().mono - SECOND // 5) / 1e6  # the driver stamped it 0.2 s ago

    def check_size(self, name: str) -> None:
        assert name == "/dev/null"

    def grab(self) -> bool:
        self.left -= 1
        return self.left >= 0

    def retrieve(self, name: str) -> Picture | None:
        assert name == "/dev/null"
        return flat(0) if self.left else None

    def close(self) -> None:
        self.closed = True


def test_a_usb_camera_is_asked_for_motion_jpeg_and_stamped_by_its_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    FakeCapture.made = []
    monkeypatch.setattr(capture_source, "Capture", FakeCapture)
    feed, before = FakeFeed(), real_clock()
    with pytest.raises(CameraError, match="sends no picture") as caught:
        V4l2Source(Path("/dev/null"), (1280, 720), 25.0, real_clock).run(feed)

    (capture,) = FakeCapture.made
    assert capture.opened[:2] == ("/dev/null", "V4L2")
    assert capture.settings == {
        "FOURCC": int.from_bytes(b"MJPG", "little"), "FRAME_WIDTH": 1280, "FRAME_HEIGHT": 720, "FPS": 25.0,
        "BUFFERSIZE": 1,
    }  # fmt: skip
    assert capture.closed
    assert caught.value.state is DeviceState.SILENT
    assert (len(feed.pictures), len(feed.spoils)) == (2, 1)
    assert feed.pictures[0][1].mono < before.mono + SECOND  # and not the moment it was handed over


def test_a_stream_ends_soon_when_it_is_aborted(video: Callable[..., Path]) -> None:
    feed = FakeFeed()
    source = VideoFileSource(video(100, per_s=10), real_clock)
    thread = threading.Thread(target=source.run, args=(feed,))
    thread.start()
    until(lambda: feed.pictures)
    source.abort()

    until(lambda: not thread.is_alive())
    assert len(feed.pictures) < 100
