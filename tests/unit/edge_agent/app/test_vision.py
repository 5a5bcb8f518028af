"""[[video]] tables as stations: what keeps one from working is told before anything is opened."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from edge_agent.app import vision
from edge_agent.app.devices import DeviceOutputs
from edge_agent.app.vision import VideoParts, VideoStores, make_videos, video_problems
from edge_agent.app.vision_source import source_of
from edge_agent.config import SiteFile, VideoTable
from edge_agent.errors import ConfigError
from edge_agent.links.camera.capture_source import RtspSource, V4l2Source, VideoFileSource
from edge_agent.links.camera.file_source import FolderSource, ImageFileSource
from edge_agent.links.camera.http_source import MjpegSource, SnapshotSource
from edge_agent.links.camera.pi_source import PiSource
from edge_agent.model.readings import DeviceState, EvidenceRef
from edge_agent.vision.models.directory import ModelDirectory
from tests.unit.edge_agent.links.camera.parts import real_clock


def site(tmp_path: Path, **video: Any) -> SiteFile:
    return SiteFile.model_validate(
        {
            "site": "x",
            "vision": {"models": str(tmp_path / "models")},
            "video": [{"id": "cam", "source": "rtsp://10.0.0.2/1", "lane": "in-1", **video}],
            "scale": [
                {"id": "s", "profile": "scale/yaohua-xk3190-a9-tf0", "port": "/dev/null", "division": "20 kg"},
            ],
            "lane": [{"id": "in-1", "kind": "vehicle", "scales": ["s"]}],
        }
    )


def problems(tmp_path: Path, **video: Any) -> str:
    return "\n".join(video_problems(site(tmp_path, **video)))


def test_a_camera_that_reads_nothing_needs_no_models(tmp_path: Path) -> None:
    assert problems(tmp_path) == ""


@pytest.mark.parametrize("kind", ["plate", "container", "face"])
def test_models_that_are_not_there_are_told_with_the_command_that_makes_them(tmp_path: Path, kind: str) -> None:
    told = problems(tmp_path, reads=[kind])

    assert told.startswith('video "cam", reads: ')
    assert "edge-agent models build" in told


def test_a_calibration_that_is_none_is_told_before_the_agent_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ModelDirectory, "has", lambda *_: True)
    monkeypatch.setattr(vision, "read_model", lambda _: SimpleNamespace(sha256="ab" * 32))
    file = tmp_path / "site.json"
    assert "calibration: " + str(file) in problems(tmp_path, reads=["face"], calibration=str(file))
    file.write_text("{}")
    assert "is no calibration that can be used" in problems(tmp_path, reads=["face"], calibration=str(file))


def test_a_password_file_that_is_not_there_or_empty_is_told(tmp_path: Path) -> None:
    file = tmp_path / "cam.password"
    assert "cannot be read" in problems(tmp_path, user="gate", password_file=str(file))
    file.write_text("\n")
    assert "is empty" in problems(tmp_path, user="gate", password_file=str(file))
    file.write_text("s3cret\n")
    assert problems(tmp_path, user="gate", password_file=str(file)) == ""


def test_a_pi_camera_without_its_library_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise ConfigError("A camera of the Raspberry Pi cannot be read here", fix="apt install python3-picamera2")

    monkeypatch.setattr(vision, "pi_library", missing)
    assert "apt install python3-picamera2" in problems(tmp_path, source="picamera2:0")


@pytest.mark.parametrize(
    ("source", "more", "kind"),
    [
        ("rtsp://10.0.0.2/1", {}, RtspSource),
        ("http://10.0.0.2/video", {}, MjpegSource),
        ("http://10.0.0.2/snap", {"every": "1 s"}, SnapshotSource),
        ("/dev/video0", {"size": [1280, 720]}, V4l2Source),
        ("picamera2:1", {}, PiSource),
        ("lane.mp4", {}, VideoFileSource),
        ("snap.jpg", {}, ImageFileSource),
        ("uploads", {}, FolderSource),
    ],
)
def test_each_kind_of_source_has_its_own_link(source: str, more: dict[str, Any], kind: type) -> None:
    table = VideoTable.model_validate({"id": "cam", "source": source, **more})

    assert isinstance(source_of(table, real_clock), kind)


def test_a_station_shows_what_the_status_shows_of_a_device(tmp_path: Path) -> None:
    def nothing(*_: object) -> None:
        raise AssertionError

    class Stores:
        def keep(self, data: Any, kind: Any, role: Any) -> Any:
            return EvidenceRef(data, kind, role, "")

    stores = VideoStores(Stores(), Stores(), nothing, nothing)
    outputs = DeviceOutputs(nothing, nothing, nothing, nothing, nothing)
    (station,) = make_videos(site(tmp_path, reads=["plate"]), VideoParts(stores, real_clock, outputs, tmp_path))

    assert station.state is DeviceState.STARTING
    assert (station.last, station.event) == (None, None)
    assert station.subjects == {"cam", "cam models"}
    station.stop()  # one that never started
