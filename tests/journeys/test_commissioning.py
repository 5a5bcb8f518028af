"""What an installer does with a device: find its port and profile, look at it, record it, play it back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import pytest

from edge_agent.commands.devices._attempts import asking
from edge_agent.commands.devices._source import Asked, Source
from edge_agent.commands.devices.probe import Prober
from edge_agent.model.moment import Moment
from edge_agent.model.readings import DeviceEvent
from edge_agent.simulate.frames import ToledoContinuousFrames, YaohuaA9Frames
from edge_agent.simulate.indicator import Indicator
from edge_agent.simulate.ports import free_port
from edge_agent.simulate.programs import run_command
from tests.journeys.device_peers import modbus_server
from tests.journeys.test_polled_scales import A9Bus

PROGRAM = Path(sys.executable).with_name("edge-agent")
YAOHUA = "scale/yaohua-xk3190-a9-tf0"

pytestmark = pytest.mark.timeout(180)


def run(*arguments: object, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = run_command("edge-agent", *map(str, arguments), check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done


def answer(*arguments: object, code: int = 0) -> Any:
    return json.loads(run(*arguments, "--json", code=code).stdout)


def wait_for(what: str, true: Callable[[], bool]) -> None:
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < 30, f"not in 30 s: {what}"
        time.sleep(0.02)


@pytest.fixture
def scale(tmp_path: Path) -> Iterator[Path]:
    """A Yaohua A9 that sends 12,340 kg, on a pty."""
    with Indicator(YaohuaA9Frames(Decimal(20)), tmp_path / "scale", lambda: Decimal(12340), 20):
        yield tmp_path / "scale"


def test_the_ports_are_listed_for_a_person_and_for_a_script() -> None:
    listed = answer("devices", "scan")
    assert set(listed) == {"ports", "gpio_chips", "videos"}
    assert all(port["device"].startswith("/dev/") for port in listed["ports"])
    assert run("devices", "scan").stdout


def test_a_scale_that_sends_is_found_with_the_evidence(scale: Path) -> None:
    found = answer("devices", "probe", "--port", scale, "--seconds", "1")
    (best,) = [each for each in found["fits"]["profiles"] if each["profile"] == YAOHUA]
    assert best == found["fits"]["profiles"][0]
    assert best["fits"]
    assert best["sample"]["reading"]["weight"] == "12340"
    assert f'profile = "{YAOHUA}"' in found["site_file"]


def test_another_maker_is_told_apart(tmp_path: Path) -> None:
    with Indicator(ToledoContinuousFrames(Decimal(20)), tmp_path / "scale", lambda: Decimal(560), 20):
        found = answer("devices", "probe", "--port", tmp_path / "scale", "--seconds", "1")
    assert found["fits"]["profiles"][0]["profile"].startswith("scale/mettler-toledo-continuous")


def test_a_scale_that_must_be_asked_is_found_and_nothing_that_changes_it_is_sent() -> None:
    bus = A9Bus({"A": 40})
    bus.start()
    found = answer("devices", "probe", "--port", bus.port, "--seconds", "0.3")
    bus.close()
    assert found["fits"]["asked"] == "scale/yaohua-xk3190-a9-command"
    assert found["fits"]["profiles"][0]["sample"]["reading"]["weight"] == "40"
    # MT-SICS T and Z, Toledo and NCI Z: what would tare or zero.
    assert not any(command in bus.heard for command in (b"T\r\n", b"Z\r\n", b"Z\r"))


def test_listening_only_sends_nothing() -> None:
    bus = A9Bus({"A": 40})
    bus.start()
    found = answer("devices", "probe", "--port", bus.port, "--seconds", "0.2", "--listen-only", code=1)
    bus.close()
    assert bus.heard == b""
    assert found["fits"] is None
    assert found["advice"].startswith("No bytes at any speed")


def test_a_port_that_is_not_there_is_told_at_once(tmp_path: Path) -> None:
    found = answer("devices", "probe", "--port", tmp_path / "nothing", code=1)
    assert len(found["tried"]) == 1
    assert "does not exist" in found["advice"]


def test_a_device_of_the_site_file_is_watched_by_its_name(scale: Path, tmp_path: Path) -> None:
    site = tmp_path / "site.toml"
    site.write_text(
        f'site = "xiuying"\n[[scale]]\nid = "scale-1"\nprofile = "{YAOHUA}"\nport = "{scale}"\ndivision = "20 kg"\n'
        '[[lane]]\nid = "L1"\nkind = "vehicle"\nscales = ["scale-1"]\n',
        encoding="utf-8",
    )
    done = run("devices", "watch", "scale-1", "--config", site, "--seconds", "2")
    assert "weight=12340" in done.stdout
    assert "starting" in done.stderr.lower()
    assert "did you mean 'scale-1'" in run("devices", "watch", "scale1", "--config", site, code=1).stderr.lower()


def test_a_recording_decodes_replays_and_is_never_overwritten(scale: Path, tmp_path: Path) -> None:
    capture, asked = tmp_path / "capture.bin", ("--port", scale, "--profile", YAOHUA)
    run("devices", "record", *asked, "--seconds", "2", "-o", capture)
    assert "exists" in run("devices", "record", *asked, "-o", capture, code=1).stderr
    decoded = run("decode", "--profile", YAOHUA, capture)
    weights = [json.loads(line) for line in decoded.stdout.splitlines()]
    assert sum("reading" in line for line in weights) > 20
    head, *chunks = [json.loads(line) for line in Path(f"{capture}.times.jsonl").read_text().splitlines()]
    assert (head["profile"], head["baud"]) == (YAOHUA, 9600)
    assert sum(count for _, count in chunks) == capture.stat().st_size
    played = tmp_path / "played"
    player = subprocess.Popen([PROGRAM, "devices", "replay", capture, "--port", played, "--loop"])
    try:
        wait_for("the port is there", lambda: os.path.lexists(played))
        watched = run("devices", "watch", "--port", played, "--profile", YAOHUA, "--seconds", "2", "--json")
    finally:
        player.terminate()
        player.wait(10)
    assert not os.path.lexists(played), "a port left behind would keep the next player from its name"
    assert any(json.loads(line).get("reading", {}).get("weight") == "12340" for line in watched.stdout.splitlines())


def test_a_capture_cut_short_is_not_played_with_times_that_are_not_its_own(scale: Path, tmp_path: Path) -> None:
    capture = tmp_path / "capture.bin"
    run("devices", "record", "--port", scale, "--profile", YAOHUA, "--seconds", "1", "-o", capture)
    capture.write_bytes(capture.read_bytes()[:-5])
    done = run("devices", "replay", capture, "--port", tmp_path / "played", code=1)
    assert "does not belong" in done.stderr
    assert not (tmp_path / "played").exists()


def test_neither_a_name_nor_a_port_is_a_question_back() -> None:
    assert "--port and --profile" in run("devices", "watch", code=2).stderr


def test_a_device_at_another_address_is_found_by_asking_at_every_one() -> None:
    bus = A9Bus({"D": 40})
    bus.start()
    (attempt, questions) = next(
        each
        for each in asking(bus.port, None, everywhere=True, every_speed=False)
        if each[0].asked.endswith("a9-command")
    )
    Prober(bus.port, 1.0).listen(attempt, questions)
    bus.close()
    assert len(questions) == 26
    assert (attempt.address, attempt.fit is not None) == ("D", True)


class Watched:
    """A source of the site file, listened to in a thread; the lines it comes to."""

    def __init__(self, source: Source) -> None:
        self.events: list[DeviceEvent] = []
        self.lines: list[dict[str, object]] = []
        self._decoder, self._source, self._stop = source.decoder(), source, threading.Event()
        self._thread = threading.Thread(target=lambda: source.listen(self._take, self.events.append, self._stop))

    def _take(self, chunk: bytes, _now: Moment) -> None:
        self.lines += [*self._decoder.feed(chunk), *self._decoder.pause()]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(timeout=30)
        assert not self._thread.is_alive()


def named(name: str, site: Path, text: str) -> Source:
    """The source of this name in a site file with this table."""
    site.write_text(f'site = "xiuying"\n{text}', encoding="utf-8")
    return Asked(name, site).source()


LANE = '[[lane]]\nid = "L1"\nkind = "vehicle"\ncameras = ["plate-in"]\n'
PUSHED = (
    b"--boundary\r\nContent-Type: application/xml\r\n\r\n<EventNotificationAlert><eventType>ANPR</eventType>"
    b"<ANPR><licensePlate>EL123AB</licensePlate></ANPR></EventNotificationAlert>\r\n--boundary--\r\n"
)


def test_a_camera_that_pushes_is_watched_by_listening_in_the_agent_s_place(tmp_path: Path) -> None:
    port = free_port()
    camera = (
        f'[[camera]]\nid = "plate-in"\nprofile = "plate/hikvision-isapi-push"\nlisten = "127.0.0.1:{port}"\n'
        'allow = ["127.0.0.1"]\n'
    )
    with Watched(named("plate-in", tmp_path / "site.toml", camera + LANE)) as watched:
        wait_for("it listens", lambda: bool(watched.events))
        connection = HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("POST", "/push/plate-in", PUSHED, {"Content-Type": "multipart/form-data; boundary=boundary"})
        assert connection.getresponse().status == 200
        connection.close()
        wait_for("the push is shown", lambda: bool(watched.lines))
    assert [(line["kind"], line["plate"]) for line in watched.lines] == [("plate", "EL123AB")]


class Asking(BaseHTTPRequestHandler):
    """A camera that is asked for its plates, and has one."""

    def do_POST(self) -> None:
        asked = self.rfile.read(int(self.headers["Content-Length"]))
        plate = b"<Plate><plateNumber>DK18HVX</plateNumber><picName>202004241616278800</picName></Plate>"
        body = b"<Plates>" + plate * (b"<picTime>0<" in asked) + b"</Plates>"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


def test_a_camera_that_is_asked_is_watched_and_what_was_shown_is_not_shown_again(tmp_path: Path) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Asking)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    camera = f'[[camera]]\nid = "plate-in"\nprofile = "plate/hikvision-isapi-poll"\nurl = "{url}"\n'
    try:
        with Watched(named("plate-in", tmp_path / "site.toml", camera + LANE)) as watched:
            wait_for("its history is shown", lambda: bool(watched.lines))
            time.sleep(1.5)
    finally:
        server.shutdown()
        server.server_close()
    assert [line["plate"] for line in watched.lines] == ["DK18HVX"]


def test_inputs_are_watched_as_the_lines_that_decode_reads(tmp_path: Path) -> None:
    port = free_port()
    device = (
        f'[[device]]\nid = "io"\nprofile = "io/modbus"\nport = "tcp://127.0.0.1:{port}"\n'
        f'inputs = {{ loop = "discrete:0" }}\n[[scale]]\nid = "scale-1"\nprofile = "{YAOHUA}"\nport = "/dev/ttyS9"\n'
        'division = "20 kg"\n[[lane]]\nid = "L1"\nkind = "vehicle"\nscales = ["scale-1"]\n'
    )
    with modbus_server("tcp", str(port), "1"), Watched(named("io", tmp_path / "site.toml", device)) as watched:
        wait_for("the first state is told", lambda: any(line.get("changes") for line in watched.lines))
    first = next(line for line in watched.lines if line.get("changes"))
    assert first["changes"] == [{"name": "loop", "active": False, "initial": True}]
