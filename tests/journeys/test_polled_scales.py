"""Scales over a real pty or TCP: asked, alone or several on one line by address; sending; printing tickets."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from decimal import Decimal
from pathlib import Path

import pytest

from edge_agent.app.line import lines_of
from edge_agent.app.scale import ScaleOutputs, ScaleStation
from edge_agent.clock import SystemClock
from edge_agent.config import LaneTable, ScaleTable
from edge_agent.errors import ConfigError
from edge_agent.journal.evidence import EvidenceStore
from edge_agent.model.observation import LaneReading
from edge_agent.model.readings import DeviceEvent, DeviceState, StableWeight, WeightSample
from edge_agent.simulate.ports import free_port
from tests.journeys.device_peers import needs, running

DEADLINE_S = 60.0
A9 = "scale/yaohua-xk3190-a9-command"
TICKETS = Path(__file__).parents[1] / "captures" / "scale" / "axle-pt300-ticket"

pytestmark = pytest.mark.timeout(120)


def wait_for(what: str, true: Callable[[], bool]) -> None:
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < DEADLINE_S, f"not in {DEADLINE_S} s: {what}"
        time.sleep(0.02)


def xor(data: bytes) -> bytes:
    """X1 X2 of the XK3190-A9 manual: the XOR of all bytes as two hexadecimal characters."""
    total = 0
    for byte in data:
        total ^= byte
    return b"%02X" % total


class A9Bus(threading.Thread):
    """Indicators in command mode on one line, from the manual's frame table. `loads` maps address to kilograms.

    Echoes what it hears when `echo`: cheap RS-485 converters do.
    """

    def __init__(self, loads: dict[str, int], *, echo: bool = False) -> None:
        super().__init__(daemon=True)
        self.loads, self._echo = loads, echo
        self._master, slave = os.openpty()
        self.port = os.ttyname(slave)
        self._slave = slave
        self.asked: list[bytes] = []
        self.heard = b""

    def run(self) -> None:
        heard = b""
        while True:
            try:
                received = os.read(self._master, 256)
            except OSError:
                return
            self.heard += received
            heard += received
            while (start := heard.find(b"\x02")) >= 0 and len(heard) >= start + 6:
                request, heard = heard[start : start + 6], heard[start + 6 :]
                self.asked.append(request)
                if self._echo:
                    os.write(self._master, request)
                self._answer(request)

    def _answer(self, request: bytes) -> None:
        address, command = request[1:2], request[2:3]
        if request[3:5] != xor(request[1:3]) or address.decode() not in self.loads or command != b"B":
            return
        body = address + command + b"+%06d0" % self.loads[address.decode()]
        os.write(self._master, b"\x02" + body + xor(body) + b"\x03")

    def close(self) -> None:
        os.close(self._slave)
        os.close(self._master)


class Site:
    """Stations over their lines, and what they said."""

    def __init__(self, directory: Path, *tables: ScaleTable) -> None:
        self.samples: dict[str, list[Decimal]] = {table.id: [] for table in tables}
        self.stable: list[StableWeight] = []
        self.events: list[DeviceEvent] = []
        self.garbled: list[bytes] = []
        evidence = EvidenceStore(directory)
        lane = LaneTable(id="L1", kind="vehicle", scales=tuple(table.id for table in tables))
        clock = SystemClock()
        lines = lines_of(tables, clock)
        outputs = ScaleOutputs(self._reading, self.events.append, lambda _id, raw, *_: self.garbled.append(raw))
        self.stations = [ScaleStation(table, lane, lines[table.id], evidence, clock, outputs) for table in tables]

    def _reading(self, reading: LaneReading) -> None:
        if isinstance(reading, WeightSample):
            self.samples[reading.device_id].append(reading.weight.value)
        elif isinstance(reading, StableWeight):
            self.stable.append(reading)

    def state(self, device_id: str) -> DeviceState:
        return next(station.state for station in self.stations if station.table.id == device_id)

    @contextmanager
    def running(self) -> Iterator[None]:
        for station in self.stations:
            station.start()
        try:
            yield
        finally:
            for station in self.stations:
                station.halt()
            for station in self.stations:
                station.stop()


def scale(name: str, port: str, profile: str = A9, **more: object) -> ScaleTable:
    return ScaleTable.model_validate({"id": name, "profile": profile, "port": port, "division": "20 kg", **more})


@pytest.fixture
def bus() -> Iterator[A9Bus]:
    made = A9Bus({"A": 12340, "B": 560})
    made.start()
    yield made
    with suppress(OSError):
        made.close()


def test_an_indicator_in_command_mode_is_asked_and_read(bus: A9Bus, tmp_path: Path) -> None:
    site = Site(tmp_path, scale("one", bus.port))
    with site.running():
        wait_for("weights come", lambda: len(site.samples["one"]) > 3)
        assert site.state("one") is DeviceState.OK
    assert set(site.samples["one"]) == {Decimal(12340)}
    assert set(bus.asked) == {b"\x02AB03\x03"}, "nothing but reading the gross weight is ever sent"


def test_two_indicators_share_a_line_by_address_and_each_is_read_for_itself(bus: A9Bus, tmp_path: Path) -> None:
    site = Site(tmp_path, scale("one", bus.port, address="A"), scale("two", bus.port, address="B"))
    with site.running():
        wait_for("both are read", lambda: min(map(len, site.samples.values())) > 3)
    assert set(site.samples["one"]) == {Decimal(12340)}
    assert set(site.samples["two"]) == {Decimal(560)}


def test_one_that_is_switched_off_is_told_by_name_and_the_other_goes_on(bus: A9Bus, tmp_path: Path) -> None:
    del bus.loads["B"]
    site = Site(tmp_path, scale("one", bus.port, address="A"), scale("two", bus.port, address="B"))
    with site.running():
        wait_for("the silent one is told", lambda: site.state("two") is DeviceState.SILENT)
        before = len(site.samples["one"])
        wait_for("the other goes on", lambda: len(site.samples["one"]) > before + 2)
        assert site.state("one") is DeviceState.OK
        (told,) = [event for event in site.events if event.state is DeviceState.SILENT]
        assert told.device_id == "two"
        assert "address" in told.text
        bus.loads["B"] = 777
        wait_for("it is read again", lambda: bool(site.samples["two"]) and site.state("two") is DeviceState.OK)


def test_a_converter_that_echoes_what_is_asked_makes_no_reading_of_it(tmp_path: Path) -> None:
    bus = A9Bus({"A": 40}, echo=True)
    bus.start()
    site = Site(tmp_path, scale("one", bus.port))
    with site.running():
        wait_for("weights come", lambda: len(site.samples["one"]) > 3)
    bus.close()
    assert set(site.samples["one"]) == {Decimal(40)}
    assert site.garbled == []


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        ((scale("a", "/dev/x", ask=("zero_it",)),), "it can be asked: gross, handshake"),
        ((scale("a", "/dev/x", "scale/mt-sics", ask=("tare",)),), "changes the device (tare)"),
        ((scale("a", "/dev/x", address="A"), scale("b", "/dev/x")), "has no `address`"),
        ((scale("a", "/dev/x", address="A"), scale("b", "/dev/x", address="B", baud=4800)), "4800 8N1 and 9600 8N1"),
        ((scale("a", "/dev/x", address="A"), scale("b", "/dev/x", "scale/mt-sics")), "has no address"),
        ((scale("a", "/dev/x", address="7"),), "Choose one from A to Z"),
    ],
)
def test_what_cannot_be_asked_is_told_before_anything_is_opened(tables: tuple[ScaleTable, ...], said: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(said)):
        lines_of(tables, SystemClock())


@contextmanager
def mtsics_emulator(port: int, control: int) -> Iterator[None]:
    """An independent MT-SICS device: the package mt-sics-emulator."""
    program = shutil.which("mtsics-tcp", path=f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}")
    if program is None:
        pytest.skip("mt-sics-emulator is not installed")
    arguments = ("--host", "127.0.0.1", "--port", str(port), "--profile", "mt-ind570", "--control-port", str(control))
    peer = subprocess.Popen([program, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for("the emulator listens", lambda: _listens(port))
        yield
    finally:
        peer.terminate()
        peer.wait(10)


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def test_an_independent_mt_sics_device_is_asked_over_tcp_and_read(tmp_path: Path) -> None:
    port = free_port()
    with mtsics_emulator(port, free_port()):
        site = Site(tmp_path, scale("one", f"socket://127.0.0.1:{port}", "scale/mt-sics"))
        with site.running():
            wait_for("weights come", lambda: len(site.samples["one"]) > 3)
            assert site.state("one") is DeviceState.OK


def test_an_independent_weighbridge_on_a_pty_is_read_and_comes_to_rest(tmp_path: Path) -> None:
    """The package weighbridge-simulator: 012.345 goes out as 543.210=, so the frame's end is the next one's start."""
    weights = tmp_path / "weights.txt"
    weights.write_text("000.000\n005.660\n" + "012.340\n" * 30)
    program = needs("wb-simulator")
    with running(program, "-d", str(weights), "-l", "0", "-i", "0.1", stdout=subprocess.PIPE) as peer:
        assert peer.stdout is not None
        port = peer.stdout.readline().removeprefix("Created PTY: ").strip()
        site = Site(
            tmp_path / "evidence", scale("one", port, "scale/yaohua-equals-reversed", division="1 kg", unit="t")
        )
        with site.running():
            wait_for("it stood still", lambda: bool(site.stable))
        assert site.state("one") is DeviceState.OK
    assert set(site.samples["one"]) <= {Decimal("0.000"), Decimal("5.660"), Decimal("12.340")}
    assert site.stable[0].kilograms == Decimal(12340)


def test_a_printed_ticket_is_a_stable_weight_and_silence_between_tickets_no_fault(tmp_path: Path) -> None:
    tickets = (TICKETS / "two_groups.bin").read_bytes()
    master, slave = os.openpty()
    site = Site(tmp_path, scale("pads", os.ttyname(slave), "scale/axle-pt300-ticket", silent_after="500 ms"))
    with site.running():
        wait_for("the port is open", lambda: site.stations[0]._watch._seen.bytes_at is not None)
        time.sleep(1.5)  # three times as long as a scale that sends by itself may be silent
        os.write(master, tickets)
        wait_for("both tickets are read", lambda: len(site.stable) > 1)
    os.close(master)
    os.close(slave)

    assert [(weight.kilograms, weight.samples) for weight in site.stable] == [(Decimal(16300), 1), (Decimal(35720), 1)]
    assert site.samples["pads"] == [Decimal(16300), Decimal(35720)]
    assert site.stable[1].goes_on
    assert list(map(int, site.stable[1].axles)) == [6240, 10060, 9820, 9600]
    assert [event.state for event in site.events] == [DeviceState.OK]
