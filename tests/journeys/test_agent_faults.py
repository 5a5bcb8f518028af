"""An agent that is killed, cheated and cut off: the real program, on real ports, beside a real collector."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import serial
from serial.rfc2217 import PortManager

from edge_agent.simulate.frames import IndicatorFrames, ToledoContinuousFrames, YaohuaA9Frames
from edge_agent.simulate.indicator import Indicator
from edge_agent.simulate.ports import free_ports
from edge_agent.simulate.programs import run_command, running, wait_until
from tests.journeys.gate_program import CollectorProgram, GateProgram

YAOHUA = "scale/yaohua-xk3190-a9-tf0"
TOLEDO = "scale/mettler-toledo-continuous"

SITE_FILE = """\
site = "xiuying"

[agent]
state_dir = "state"
runtime_dir = "run"

[[scale]]
id = "scale-1"
profile = "{profile}"
port = "{port}"
division = "20 kg"
stable_window = "300 ms"

[[camera]]
id = "plate-1"
profile = "plate/hikvision-isapi-push"
listen = "127.0.0.1:{http}"
allow = ["127.0.0.1"]

[[lane]]
id = "L1"
kind = "vehicle"
scales = ["scale-1"]
cameras = ["plate-1"]
grace = "1 s"
"""

STOPS_WITHIN_S = 20.0
"""Far beyond what it takes: only a stop that hangs, or waits for a timeout of its own, exceeds it."""

pytestmark = [pytest.mark.timeout(120), pytest.mark.xdist_group("agent-faults")]


class Gate(GateProgram):
    """A gate machine that was enrolled, with a scale on a pty unless `port` says otherwise."""

    def __init__(self, directory: Path, collector: CollectorProgram, profile: str = YAOHUA, port: str = "") -> None:
        self.load, (http,) = Decimal(0), free_ports(1)
        super().__init__(
            directory, SITE_FILE.format(profile=profile, port=port or directory / "scale", http=http), http
        )
        frames: IndicatorFrames = {YAOHUA: YaohuaA9Frames, TOLEDO: ToledoContinuousFrames}[profile](Decimal(20))
        self.scale = Indicator(frames, directory / "scale", lambda: self.load, 20)
        self.enrol(collector.config)

    def wait_for_scale(self, state: str = "ok") -> None:
        wait_until(f"the scale is {state}", lambda: self.status()["devices"][0]["state"] == state)

    def wait_for(self, kind: str, number: int) -> list[dict[str, Any]]:
        """That many records of a kind."""
        wait_until(f"{number} records of a {kind}", lambda: len(self.records(kind)) >= number)
        found = self.records(kind)
        assert len(found) == number, found
        return found


@pytest.fixture(scope="module")
def collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CollectorProgram]:
    made = CollectorProgram(tmp_path_factory.mktemp("collector"))
    with running(made.program):
        made.start()
        yield made


@pytest.fixture
def gate(tmp_path: Path, collector: CollectorProgram) -> Iterator[Gate]:
    made = Gate(tmp_path / "gate", collector)
    with running(made.agent), made.scale:
        made.start()
        made.wait_for_scale()
        yield made


def plates(passage: dict[str, Any]) -> list[str]:
    return [plate.get("text", "") for plate in passage.get("plates", [])]


def kilograms(passage: dict[str, Any]) -> list[str]:
    return [weighing["kilograms"] for weighing in passage.get("weighings", [])]


def test_a_truck_that_took_anothers_place_while_the_agent_was_dead_is_another_passage(gate: Gate) -> None:
    gate.load = Decimal(20000)
    assert gate.push("琼A11111") == 200
    gate.wait_for("passage", 1)
    gate.agent.kill()
    gate.load = Decimal(9000)
    gate.start()
    assert gate.push("粤B22222") == 200
    first, second = gate.wait_for("passage", 2)
    assert (plates(first), kilograms(first), first["revision"]) == (["琼A11111"], ["20000"], 1)
    assert (plates(second), kilograms(second), second["revision"]) == (["粤B22222"], ["9000"], 1)


def test_a_truck_that_stood_there_all_the_time_is_the_same_passage(gate: Gate) -> None:
    gate.load = Decimal(20000)
    assert gate.push("琼A11111") == 200
    gate.wait_for("passage", 1)
    gate.agent.kill()
    gate.start()
    gate.wait_for_scale()
    gate.load = Decimal(0)
    wait_until("it has left", lambda: gate.status()["lanes"][0]["passage"] is None)
    gate.wait_for("passage", 1)


def test_a_plate_that_was_answered_survives_what_comes_right_after(gate: Gate) -> None:
    for number in range(4):
        assert gate.push(f"琼A{number}{number}{number}{number}{number}") == 200
        gate.agent.kill()
        gate.start()
    gate.load = Decimal(20000)
    passages = gate.wait_for("passage", 4)
    assert sorted(text for passage in passages for text in plates(passage)) == [
        "琼A00000",
        "琼A11111",
        "琼A22222",
        "琼A33333",
    ]


def test_an_incident_that_was_open_when_the_agent_was_killed_is_closed_by_the_next_one(gate: Gate) -> None:
    gate.scale.unplug()
    (begun,) = gate.wait_for("incident", 1)
    gate.agent.kill()
    gate.start()
    gate.scale.replug()
    gate.wait_for_scale()
    _, ended = gate.wait_for("incident", 2)
    assert (begun["code"], "closed" in begun) == ("device-unplugged", False)
    assert (ended["incident_id"], "closed" in ended) == (begun["incident_id"], True)


def test_a_port_that_keeps_eight_bits_is_read_again_after_a_restart(
    tmp_path: Path, collector: CollectorProgram
) -> None:
    gate = Gate(tmp_path / "gate", collector, profile=TOLEDO)
    with running(gate.agent), gate.scale:
        for _ in range(2):
            gate.start()
            gate.wait_for_scale()
            gate.agent.kill()


def test_refused_pushes_are_one_incident_until_one_is_kept(gate: Gate) -> None:
    assert [gate.push("琼A11111", "/wrong") for _ in range(3)] == [404, 404, 404]
    (begun,) = gate.wait_for("incident", 1)
    assert begun["code"] == "push-refused"
    assert "127.0.0.1" in begun["text"]
    assert "/push/plate-1" in begun["text"]
    assert gate.push("琼A11111") == 200
    _, ended = gate.wait_for("incident", 2)
    assert (ended["incident_id"], ended["count"]) == (begun["incident_id"], "3")


def test_a_lost_picture_is_recorded_and_does_not_keep_the_others(tmp_path: Path) -> None:
    collector = CollectorProgram(tmp_path)
    with ExitStack() as stack:
        stack.enter_context(running(collector.program))
        collector.start()
        gate = Gate(tmp_path / "gate", collector)
        collector.program.stop()
        stack.enter_context(running(gate.agent))
        gate.start()
        for number in range(3):
            assert gate.push(f"琼A{number}{number}{number}{number}{number}") == 200
        evidence = gate.directory / "state" / "evidence"
        lost, *others = sorted(evidence.glob("*/*"))
        lost.write_bytes(b"not what it was")
        collector.start()
        wait_until("the others are delivered", lambda: not any(other.exists() for other in others))
        held = {path.name for path in (tmp_path / "collector" / "evidence").glob("*/*")}
        assert held >= {other.name for other in others}
        wait_until("its loss is known", lambda: any(i["code"] == "evidence-lost" for i in gate.records("incident")))
        (loss,) = [incident for incident in gate.records("incident") if incident["code"] == "evidence-lost"]
        assert lost.name in loss["text"]
        assert "closed" in loss


class BrokenConverter(threading.Thread):
    """Speaks RFC 2217, one connection at a time; after a second of frames it ends a telnet option that never began."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        self._connection = self._listening

    def run(self) -> None:
        while True:
            try:
                with closing(self._listening.accept()[0]) as self._connection:
                    self._serve()
            except OSError:
                if self._listening.fileno() < 0:
                    return

    def write(self, data: bytes) -> None:
        """What the port manager answers."""
        self._connection.sendall(data)

    def _serve(self) -> None:
        port: Any = serial.serial_for_url("loop://", timeout=0)
        this: Any = self  # PortManager is typed for clients, and takes whatever has what it uses
        manager = PortManager(port, this)
        frame = YaohuaA9Frames(Decimal(20)).encode(Decimal(0), in_motion=False)
        self._connection.settimeout(0.05)
        for number in count():
            with suppress(TimeoutError):
                if not (data := self._connection.recv(1024)):
                    return
                list(manager.filter(data))
            self.write(b"\xff\xf0" if number == 20 else frame)  # IAC SE

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self.join(5)


def test_a_converter_that_breaks_the_protocol_does_not_end_the_agent(
    tmp_path: Path, collector: CollectorProgram
) -> None:
    with closing(BrokenConverter()) as converter:
        converter.start()
        gate = Gate(tmp_path / "gate", collector, port=f"rfc2217://127.0.0.1:{converter.port}?ign_set_control")
        with running(gate.agent):
            gate.start()
            gate.wait_for_scale()
            begun = gate.agent.pid
            wait_until("it has broken the protocol", lambda: "reader_died" in gate.agent.log_tail(1 << 20))
            wait_until("the fault is told", lambda: len(gate.records("incident")) >= 2)
            gate.wait_for_scale()
            assert gate.agent.pid == begun


@pytest.mark.parametrize("state", ["standing truck", "babbling", "unplugged", "half a push"])
def test_it_stops_soon_and_in_order_in_every_state(gate: Gate, state: str) -> None:
    if state == "standing truck":
        gate.load = Decimal(20000)
        wait_until("a passage is under way", lambda: gate.status()["lanes"][0]["passage"] is not None)
    elif state == "babbling":
        gate.scale.babble()
        gate.wait_for_scale("babbling")
    elif state == "unplugged":
        gate.scale.unplug()
        gate.wait_for_scale("unplugged")
    with socket.create_connection(("127.0.0.1", gate.http)) as camera:
        if state == "half a push":
            camera.sendall(b"POST /push/plate-1 HTTP/1.1\r\nContent-Length: 1000\r\n\r\nabc")
        began = time.monotonic()
        assert gate.agent.stop() == 0
        assert time.monotonic() - began < STOPS_WITHIN_S
    assert [event["event"] for event in gate.records("lifecycle")] == [
        "LIFECYCLE_EVENT_STARTED",
        "LIFECYCLE_EVENT_STOPPED",
    ]


def test_what_keeps_it_from_running_is_one_paragraph(gate: Gate) -> None:
    second = run_command("edge-agent", "run", "--config", gate.site_file, check=False)
    assert second.returncode == 1
    assert second.stderr.startswith("edge-agent: another agent uses ")
    gate.agent.stop()
    text = gate.site_file.read_text(encoding="utf-8")
    gate.site_file.write_text(text.replace('runtime_dir = "run"', f'runtime_dir = "{gate.site_file}/run"'))
    nowhere = run_command("edge-agent", "run", "--config", gate.site_file, check=False)
    assert nowhere.returncode == 1
    assert nowhere.stderr.startswith("edge-agent: the runtime directory ")
    assert "Traceback" not in nowhere.stderr
