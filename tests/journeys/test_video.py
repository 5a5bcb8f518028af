"""A camera that does not read by itself beside the real agent: its plate in a passage at the gate, its faults told."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edge_agent.simulate import programs
from edge_agent.simulate.camera_server import CameraServer
from edge_agent.simulate.ports import free_ports
from edge_agent.simulate.programs import Program, ask, run_command, running
from edge_agent.vision.models.directory import ModelDirectory
from tests.unit.edge_agent.vision import conftest

COLLECTOR_FILE = """\
deployment = "test.example"
state_dir = "collector"
listen = "127.0.0.1:{}"
enrol_listen = "127.0.0.1:{}"
hostnames = ["127.0.0.1"]
"""

SITE_FILE = """\
site = "xiuying"

[agent]
state_dir = "state"
runtime_dir = "run"

[vision]
models = "{models}"

[[video]]
id = "lane-cam"
source = "{url}/video.mjpeg"
user = "gate"
password_file = "camera.password"
reads = ["plate"]
lane = "L1"
most_per_s = 4
stale_after = "20 s"

[[lane]]
id = "L1"
kind = "vehicle"
"""

PLATE, PICTURE = "皖AT022C", "plates/ccpd_2.jpg"
STREAM = "multipart/x-mixed-replace; boundary=--frame"

pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("video")]


models = conftest.models  # the fixture: built once, shared with the tests of the readers


def wait_until(what: str, true: Callable[[], bool]) -> None:
    """Ask until it is true; a busy machine takes its time."""
    programs.wait_until(what, true, 120.0)


@contextmanager
def streaming(camera: CameraServer, image: np.ndarray[Any, np.dtype[np.uint8]]) -> Iterator[None]:
    """The vehicle rolls on a little in every picture."""
    over = threading.Event()
    parts = []
    for number in range(8):
        jpeg = cv2.imencode(".jpg", np.roll(image, 6 * number, axis=0))[1].tobytes()
        parts.append(f"--frame\r\nContent-Length: {len(jpeg)}\r\n\r\n".encode() + jpeg + b"\r\n")

    def send() -> None:
        number = 0
        while not over.wait(0.25):
            camera.send(parts[number % len(parts)])
            number += 1

    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(10)


class Gate:
    """An enrolled gate machine with one camera whose pictures it reads itself."""

    def __init__(self, directory: Path, models_at: Path, url: str) -> None:
        config = directory / "collector.toml"
        config.write_text(COLLECTOR_FILE.format(*free_ports(2)))
        self.site_file = directory / "site.toml"
        self.site_file.write_text(SITE_FILE.format(models=models_at, url=url), encoding="utf-8")
        (directory / "camera.password").write_text("s3cret\n")
        self.collector = Program(directory / "collector.log", "gate-collector", "serve", "--config", config)
        self.agent = Program(directory / "agent.log", "edge-agent", "run", "--config", self.site_file)
        self.collector.start_until("serving ")
        invite = ("gate-collector", "agents", "invite", "gate-1", "--site", "xiuying", "--config", config)
        run_command(*invite, "-o", directory / "invitation.json")
        run_command("edge-agent", "enrol", "--invite", directory / "invitation.json", "--config", self.site_file)

    def start(self) -> None:
        self.agent.start()
        wait_until("the agent runs", lambda: self.status()["agent"]["pid"] == self.agent.pid is not None)

    def status(self) -> dict[str, Any]:
        status: dict[str, Any] = ask("gatectl", "--config", self.site_file, "status")
        return status

    def device(self) -> dict[str, Any]:
        return next(each for each in self.status()["devices"] if each["id"] == "lane-cam")

    def records(self, kind: str) -> list[dict[str, Any]]:
        done = run_command("gatectl", "--config", self.site_file, "tail", "-n", "1000", "--json")
        records = [json.loads(line)["record"] for line in done.stdout.splitlines()]
        return [record[kind] for record in records if kind in record]

    def has_incident(self, code: str, *, over: bool = False) -> bool:
        return any(each["code"] == code and ("closed" in each or not over) for each in self.records("incident"))


def test_a_plate_in_a_camera_s_pictures_makes_a_passage_and_a_lost_camera_is_told(
    tmp_path: Path,
    models: ModelDirectory,
    shared: Callable[[str], Path],
) -> None:
    image = np.asarray(cv2.imread(str(shared(PICTURE))), np.uint8)
    with CameraServer(lambda _path, _body: None, stream_type=STREAM) as camera, streaming(camera, image):
        gate = Gate(tmp_path, models.path, camera.url)
        with running(gate.collector, gate.agent):
            gate.start()
            wait_until("the plate is in a passage", lambda: bool(gate.records("passage")))
            passage = gate.records("passage")[0]
            (plate,) = passage["plates"]
            assert (plate["text"], plate["device_id"]) == (PLATE, "lane-cam")
            assert plate["confidence"] > 0.5
            assert [picture["role"] for picture in plate["pictures"]] == ["plate", "vehicle", "characters"]
            wait_until("the status shows it", lambda: gate.device()["last_reading"] == PLATE)
            wait_until("the camera is well", lambda: gate.device()["state"] == "ok")

            camera.stop()
            wait_until("the lost camera is told", lambda: gate.has_incident("device-unplugged"))
            wait_until("the status shows it, too", lambda: gate.device()["state"] == "unplugged")
            camera.start()
            wait_until("it is over", lambda: gate.has_incident("device-unplugged", over=True))
    assert len(gate.records("passage")) == 1  # the same vehicle, standing there all the time
