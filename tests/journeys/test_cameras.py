"""Plate cameras beside the real agent: asked, polled, pushing in several packets; switched off, silent, lying."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from edge_agent.simulate import programs
from edge_agent.simulate.anpr import CameraDetails, PlateEvent, plate_event
from edge_agent.simulate.camera_bodies import (
    DAHUA_BOUNDARY,
    PlateList,
    alert_stream_event,
    alert_stream_heartbeat,
    dahua_event,
    dahua_heartbeat,
)
from edge_agent.simulate.camera_server import CameraServer, Misbehaviour
from edge_agent.simulate.ports import free_ports
from edge_agent.simulate.programs import running
from tests.journeys.gate_program import CollectorProgram, GateProgram

SITE_FILE = """\
site = "xiuying"

[agent]
state_dir = "state"
runtime_dir = "run"

[[camera]]
id = "plate-1"
profile = "plate/{profile}"
{camera}

[[lane]]
id = "L1"
kind = "vehicle"
cameras = ["plate-1"]
"""

ASKED = """\
url = "{url}"
user = "gate"
password_file = "camera.password"
zone = "Asia/Shanghai"
silent_after = "3 s"
"""

DETAILS = CameraDetails("DS-1")
CHINA = timezone(timedelta(hours=8))
BEGAN = datetime(2026, 3, 2, 8, 15, 30, tzinfo=CHINA)
numbers = count(1)

pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("cameras")]


def wait_until(what: str, true: Callable[[], bool]) -> None:
    """Ask until it is true; a busy machine takes its time."""
    programs.wait_until(what, true, 60.0)


def seen(plate: str) -> PlateEvent:
    """A vehicle, each a minute after the one before."""
    number = next(numbers)
    return plate_event(DETAILS, number, BEGAN + timedelta(minutes=number), plate, "blue")


def alert_stream() -> CameraServer:
    heartbeat = alert_stream_heartbeat(DETAILS, seen(""))
    return CameraServer(lambda _path, _body: None, heartbeat=heartbeat)


class Gate(GateProgram):
    """An enrolled gate machine with one camera."""

    def __init__(self, directory: Path, enrolled: Path, profile: str, camera: str) -> None:
        super().__init__(directory, SITE_FILE.format(profile=profile, camera=camera), 0)
        (directory / "camera.password").write_text("s3cret\n")
        self.enrol(enrolled)

    def plates(self) -> list[str]:
        return [plate.get("text", "") for passage in self.records("passage") for plate in passage.get("plates", [])]

    def wait_for_plates(self, *plates: str) -> None:
        wait_until(f"the plates are {plates}", lambda: sorted(self.plates()) == sorted(plates))

    def wait_for_incident(self, code: str, *, over: bool = False) -> dict[str, Any]:
        """An incident about the camera, in its last words."""

        def found() -> list[dict[str, Any]]:
            known = [one for one in self.records("incident") if (one["code"] == code and "closed" in one) or not over]
            return [one for one in known if one["code"] == code and one.get("device_id") == "plate-1"]

        wait_until(f"there is an incident {code}{' that is over' if over else ''}", lambda: bool(found()))
        return found()[-1]


@pytest.fixture(scope="module")
def collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A collector's configuration; it serves."""
    made = CollectorProgram(tmp_path_factory.mktemp("collector"))
    with running(made.program):
        made.start()
        yield made.config


def test_a_stream_with_digest_gives_plates_with_pictures_and_survives_the_cameras_reboot(
    tmp_path: Path, collector: Path
) -> None:
    with alert_stream() as camera:
        gate = Gate(tmp_path, collector, "hikvision-isapi-alertstream", ASKED.format(url=camera.url))
        with running(gate.agent):
            gate.start()
            wait_until("the stream is open", lambda: camera.streams == 1)
            camera.send(alert_stream_event(DETAILS, seen("粤B12345")))
            gate.wait_for_plates("粤B12345")
            (plate,) = gate.records("passage")[0]["plates"]
            assert [picture["role"] for picture in plate["pictures"]] == ["plate", "vehicle", "message"]
            assert plate["confidence"] == 0.96

            camera.stop()
            off = gate.wait_for_incident("device-unplugged")
            assert camera.url in off["text"]
            camera.start()
            wait_until("the stream is open again", lambda: camera.streams == 1)
            camera.send(alert_stream_event(DETAILS, seen("粤B67890")))
            gate.wait_for_plates("粤B12345", "粤B67890")
            gate.wait_for_incident("device-unplugged", over=True)
    assert camera.refused == 0


def test_dahuas_stream_is_read_though_its_lengths_lie_and_a_silent_camera_is_told(
    tmp_path: Path, collector: Path
) -> None:
    content_type = f"multipart/x-mixed-replace; boundary={DAHUA_BOUNDARY}"
    answer = lambda _path, _body: None  # noqa: E731 - what a stream's server answers
    with CameraServer(answer, heartbeat=dahua_heartbeat(), stream_type=content_type) as camera:
        gate = Gate(tmp_path, collector, "dahua-event-stream", ASKED.format(url=camera.url))
        with running(gate.agent):
            gate.start()
            wait_until("the stream is open", lambda: camera.streams == 1)
            event = seen("琼A33333")
            camera.send(dahua_event(event, 7))
            gate.wait_for_plates("琼A33333")
            (plate,) = gate.records("passage")[0]["plates"]
            utc = event.at.astimezone(UTC)
            assert (plate["camera_lane"], plate["device_time"]) == ("1", f"{utc:%Y-%m-%dT%H:%M:%SZ}")
            camera.heartbeat = b""
            assert "has said nothing for 3 s" in gate.wait_for_incident("device-silent")["text"]
            camera.heartbeat = dahua_heartbeat()
            gate.wait_for_incident("device-silent", over=True)
    (path, _), *_ = camera.requests
    assert path.startswith("/cgi-bin/eventManager.cgi?action=attach&codes=[TrafficJunction")


def test_a_poll_takes_each_plate_once_also_those_of_the_time_in_which_the_agent_was_dead(
    tmp_path: Path, collector: Path
) -> None:
    plates = PlateList()
    plates.see(seen("琼A00000"))  # before there was a gate
    with CameraServer(lambda _path, body: plates.after(body)) as camera:
        gate = Gate(tmp_path, collector, "hikvision-isapi-poll", ASKED.format(url=camera.url) + "channel = 2\n")
        with running(gate.agent):
            gate.start()
            wait_until("the camera is well", lambda: len(camera.requests) >= 3)
            plates.see(seen("琼A11111"))
            gate.wait_for_plates("琼A11111")
            gate.agent.kill()
            plates.see(seen("琼A22222"))
            plates.see(seen("琼A33333"))
            gate.start()
            gate.wait_for_plates("琼A11111", "琼A22222", "琼A33333")
            polls = len(camera.requests)
            wait_until("it was asked again", lambda: len(camera.requests) >= polls + 3)
            assert sorted(gate.plates()) == ["琼A11111", "琼A22222", "琼A33333"]
            (_, plate, *_) = [one["plates"][0] for one in gate.records("passage")]
            assert plate["device_time"].endswith("+08:00")
    assert camera.requests[0][0] == "/ISAPI/Traffic/channels/2/vehicleDetect/plates"


def test_a_wrong_password_and_a_redirect_are_incidents_with_what_to_do(tmp_path: Path, collector: Path) -> None:
    with CameraServer(lambda _path, _body: b"<Plates/>", fault=Misbehaviour(head="redirect")) as camera:
        gate = Gate(tmp_path, collector, "hikvision-isapi-poll", ASKED.format(url=camera.url))
        with running(gate.agent):
            gate.start()
            assert "redirects are not followed" in gate.wait_for_incident("device-unplugged")["text"]
            camera.fault = Misbehaviour()
            gate.wait_for_incident("device-unplugged", over=True)
            camera.password = "changed"
            camera.stop()
            camera.start()
            told = "Correct user and password_file"
            wait_until("it is told", lambda: told in gate.wait_for_incident("device-unplugged")["text"])
            assert camera.refused <= 2


AXIS = (
    '{{"carID":"7","carState":"{state}","plateUTF8":"{plate}","plateConfidence":"{sure}","packetCounter":"{number}"}}'
)


def test_several_packets_of_a_vehicle_are_one_plate_though_the_agent_is_killed_between_them(
    tmp_path: Path, collector: Path
) -> None:
    (port,) = free_ports(1)
    gate = Gate(tmp_path, collector, "axis-lpv", f'listen = "127.0.0.1:{port}"\nallow = ["127.0.0.1"]\n')

    def push(state: str, plate: str, sure: str, number: int) -> None:
        body = AXIS.format(state=state, plate=plate, sure=sure, number=number).encode()
        url = f"http://127.0.0.1:{port}/push/plate-1"
        request = urllib.request.Request(url, body, {"Content-Type": "application/json"}, method="POST")
        with urllib.request.urlopen(request, timeout=20) as answer:
            assert answer.status == 200

    with running(gate.agent):
        gate.start()
        push("new", "粤B1234S", "0.61", 1)
        gate.agent.kill()
        gate.start()
        gate.wait_for_plates("粤B1234S")  # it was answered, so it is there
        push("new", "", "0.0", 2)
        push("update", "粤B12345", "0.93", 3)
        push("lost", "粤B12345", "0.93", 4)
        push("lost", "粤B12345", "0.93", 4)  # not heard that it was answered
        # The vehicle was decided meanwhile: the better read is its next revision, once, and no second vehicle.
        wait_until("the better read came, too", lambda: "粤B12345" in gate.plates())
        assert gate.plates() == ["粤B1234S", "粤B1234S", "粤B12345"]
        assert gate.records("orphan") == []
