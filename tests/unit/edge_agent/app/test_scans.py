"""Scanners: a scan is recorded at once, its picture follows; DICOS files are durable before they are moved away."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from edge_agent.app import scans
from edge_agent.app.devices import DeviceOutputs
from edge_agent.app.scans import FileStation, ScanStation, media_type
from edge_agent.app.stations import Parts, device_problems, make_stations
from edge_agent.config_devices import DeviceTable
from edge_agent.errors import ConfigError, JournalError
from edge_agent.journal.evidence import EvidenceStore
from edge_agent.links.folder import TAKEN
from edge_agent.model.moment import Moment, MonoNs, WallNs
from edge_agent.model.readings import DeviceState
from gate_contract.v1.reading_pb2 import Reading

WITHIN_S = 30.0
CAPTURES = Path(__file__).resolve().parents[3] / "captures" / "xray"
LINE = b"A-0001,PASS,,,A-0001.jpg*42\r\n"


def real_clock() -> Moment:
    return Moment(WallNs(time.time_ns()), MonoNs(time.monotonic_ns()), bytes(16), synchronised=True)


def until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


class Bench:
    """Makes stations and hears them."""

    def __init__(self, directory: Path) -> None:
        self.readings: list[Reading] = []
        self.evidence = EvidenceStore(directory / "state")
        self.folder = directory / "scans"
        self.folder.mkdir()
        self.station: Any = None
        nothing = lambda *_: None  # noqa: E731 - an output that no test here looks at
        self.outputs = DeviceOutputs(self.readings.append, nothing, nothing, nothing, nothing)

    def start(self, **keys: Any) -> Any:
        table = DeviceTable.model_validate({"id": "xray-1", "folder": self.folder, **keys})
        (self.station,) = make_stations([table], Parts(self.evidence, real_clock, self.outputs))
        self.station.start()
        return self.station


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    if made.station is not None:
        made.station.stop()
    made.evidence.close()


@pytest.fixture
def scanner() -> Iterator[socket.socket]:
    """A converter with a scanner behind it; accept() is the gate."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def is_open(station: Any) -> bool:
    """Before that, pyserial throws away what arrives."""
    return station._watch._seen.bytes_at is not None


def port_of(server: socket.socket) -> str:
    return f"socket://127.0.0.1:{server.getsockname()[1]}"


def test_a_scan_is_recorded_at_once_and_again_with_its_picture(bench: Bench, scanner: socket.socket) -> None:
    station = bench.start(profile="xray/line-delimited", port=port_of(scanner))
    with scanner.accept()[0] as connection:
        until(lambda: is_open(station))
        connection.sendall(LINE)
        until(lambda: len(bench.readings) == 1)
        assert not bench.readings[0].scan.HasField("image")
        picture = b"\xff\xd8\xff\xe0 picture"
        (bench.folder / "A-0001.jpg.part").write_bytes(picture)
        (bench.folder / "A-0001.jpg.part").rename(bench.folder / "A-0001.jpg")
        until(lambda: len(bench.readings) == 2)
    image = bench.readings[1].scan.image
    assert isinstance(station, ScanStation)
    assert (image.media_type, image.role, image.size) == ("image/jpeg", "scan", len(picture))
    assert bench.evidence.read(image.sha256) == picture
    assert bench.readings[1].raw == LINE


def test_a_picture_with_a_path_in_its_name_is_told_and_not_read(bench: Bench, scanner: socket.socket) -> None:
    station = bench.start(profile="xray/line-fixed", port=port_of(scanner))
    with scanner.accept()[0] as connection:
        until(lambda: is_open(station))
        fields = b"000018".ljust(12) + b"OK".ljust(4) + b"".ljust(8) + b"   " + b"../state/evidence.db".ljust(32)
        connection.sendall(b"\x02" + fields + b"\x03\r\n")
        until(lambda: len(bench.readings) == 2)
    scan = bench.readings[1].scan
    assert "is refused" in scan.image_problem
    assert not scan.HasField("image")


def test_without_a_folder_only_the_line_is_recorded(bench: Bench, scanner: socket.socket) -> None:
    station = bench.start(profile="xray/line-delimited", port=port_of(scanner), folder=None)
    with scanner.accept()[0] as connection:
        until(lambda: is_open(station))
        connection.sendall(LINE)
        until(lambda: bench.readings)
    station.stop()
    assert len(bench.readings) == 1


def test_a_dicos_file_is_a_scan_and_is_put_away(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scans, "rules_of", _at_once(scans.rules_of))
    data = (CAPTURES / "dicos" / "alarm.dcs").read_bytes()
    (bench.folder / "alarm.dcs").write_bytes(data)
    station = bench.start(profile="xray/dicos")
    until((bench.folder / TAKEN / "alarm.dcs").exists)

    assert isinstance(station, FileStation)
    (reading,) = bench.readings
    assert (reading.scan.scan_id, reading.scan.verdict, reading.scan.image_name) == ("OOI-0007", "alarm", "alarm.dcs")
    assert reading.scan.image.media_type == "application/dicom"
    assert bench.evidence.read(reading.scan.image.sha256) == data
    assert station.state is DeviceState.OK


def test_a_file_that_is_no_dicos_is_kept_all_the_same_with_the_reason(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scans, "rules_of", _at_once(scans.rules_of))
    (bench.folder / "x.dcm").write_bytes(b"\x89PNG\r\n\x1a\n and so on")
    bench.start(profile="xray/dicos")
    until(lambda: bench.readings)

    assert bench.readings[0].scan.image_problem.startswith("its tags cannot be read: no DICOM file")
    assert bench.readings[0].scan.image.media_type == "image/png"


def test_a_file_stays_where_it_is_while_the_disk_takes_nothing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scans, "rules_of", _at_once(scans.rules_of))
    monkeypatch.setattr(scans, "RETRY_S", 0.02)
    tried, keep = threading.Event(), bench.evidence.keep

    def full(*_: object) -> None:
        tried.set()
        raise JournalError("the disk is full")

    monkeypatch.setattr(bench.evidence, "keep", full)
    (bench.folder / "alarm.dcs").write_bytes((CAPTURES / "dicos" / "alarm.dcs").read_bytes())
    bench.start(profile="xray/dicos")
    assert tried.wait(WITHIN_S)
    assert (bench.folder / "alarm.dcs").exists()
    monkeypatch.setattr(bench.evidence, "keep", keep)
    until((bench.folder / TAKEN / "alarm.dcs").exists)
    assert len(bench.readings) == 1


def _at_once(rules_of: Callable[..., Any]) -> Callable[..., Any]:
    """The folder's rules, with files that are whole as soon as they are there."""

    def rules(table: DeviceTable, image: Any) -> Any:
        return rules_of(table, image.model_copy(update={"complete": "renamed"}))

    return rules


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"II*\0rest", "image/tiff"),
        (b"\0" * 128 + b"DICM", "application/dicom"),
        (b"", "application/octet-stream"),
    ],
)
def test_what_a_picture_is_comes_from_its_first_bytes(data: bytes, expected: str) -> None:
    assert media_type(data) == expected


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"profile": "radiation/none", "port": "socket://127.0.0.1:1"}, "There is no device profile 'radiation/none'"),
        ({"profile": "io/modbus", "port": "tcp://127.0.0.1"}, "has neither inputs nor outputs"),
        ({"profile": "xray/line-fixed", "folder": Path("/tmp")}, "its port is missing"),
        ({"profile": "xray/dicos", "port": "socket://127.0.0.1:1"}, "its folder is missing"),
        (
            {"profile": "ultrasonic/modbus-analogue", "port": "tcp://127.0.0.1", "occupied_below_mm": 9000},
            "occupied_below_mm is more than empty_above_mm",
        ),
    ],
)
def test_a_device_that_cannot_work_is_told_before_the_agent_starts(
    tmp_path: Path, keys: dict[str, Any], told: str
) -> None:
    bench = Bench(tmp_path)
    table = DeviceTable.model_validate({"id": "d", **keys})
    with pytest.raises(ConfigError, match=told):
        make_stations([table], Parts(bench.evidence, real_clock, bench.outputs))
    bench.evidence.close()


def test_what_keeps_a_device_from_running_is_told_with_its_key_and_nothing_is_opened() -> None:
    good = DeviceTable.model_validate({"id": "rpm", "profile": "radiation/tsa-rapiscan-rpm", "port": "/dev/none"})
    bad = DeviceTable.model_validate({"id": "io", "profile": "io/modbus", "port": "tcp://127.0.0.1"})

    assert list(device_problems([good])) == []
    (problem,) = device_problems([good, bad])
    assert problem.startswith('device "io": ')
    assert "has neither inputs nor outputs" in problem


def test_a_scanner_that_is_asked_gets_its_question_again_after_each_answer(
    bench: Bench, scanner: socket.socket, tmp_path: Path
) -> None:
    shipped = (Path(__file__).resolve().parents[4] / "firmware_configs/xray/line-delimited.toml").read_text("utf-8")
    command = '\n[[link.command]]\nname = "result"\nbytes = "02 30 31 52 0d"\ninterval = "0.05"\nreads = true\n'
    asked = shipped.replace(
        "[link]\n", '[link]\nmode = "poll"\ntimeout = "20"\naddress = { at = 1, first = "01", last = "31" }\n'
    )
    (tmp_path / "profiles" / "xray").mkdir(parents=True)
    (tmp_path / "profiles" / "xray" / "asked.toml").write_text(asked.replace("\n[line]\n", f"{command}\n[line]\n"))
    bench.start(
        profile="xray/asked", profile_dir=tmp_path / "profiles", port=port_of(scanner), address="07", folder=None
    )
    with scanner.accept()[0] as connection:
        connection.settimeout(WITHIN_S)
        for _ in range(3):
            assert connection.recv(64) == b"\x0207R\r"
            connection.sendall(LINE)
        until(lambda: len(bench.readings) == 3)
