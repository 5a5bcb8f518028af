"""What the device journeys share: a station that runs, with all it says; and programs of others beside it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self, cast

import pytest

from edge_agent.app.devices import DeviceOutputs
from edge_agent.app.stations import AnyStation, Parts, make_stations
from edge_agent.config_devices import DeviceTable
from edge_agent.journal.evidence import EvidenceStore
from edge_agent.model.moment import Moment, MonoNs, WallNs
from edge_agent.model.readings import DeviceEvent, DeviceState
from gate_contract.v1.reading_pb2 import Reading

WITHIN_S = 45.0
"""No test waits longer; it only takes so long when something is wrong."""

MODBUS_SERVER = Path(__file__).with_name("modbus_server.py")


def real_clock() -> Moment:
    mono = MonoNs(time.clock_gettime_ns(time.CLOCK_BOOTTIME))
    return Moment(WallNs(time.time_ns()), mono, bytes(16), synchronised=True)


def until(true: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not true():
        assert time.monotonic() < deadline, f"not within {WITHIN_S:g} s: {what}"
        time.sleep(0.02)


class Gate:
    """Stations as the agent runs them, with their outputs in lists."""

    def __init__(self, tables: Sequence[DeviceTable], evidence: EvidenceStore | None = None) -> None:
        self.readings: list[Reading] = []
        self.events: list[DeviceEvent] = []
        self.garbled: list[tuple[str, bytes, str]] = []
        self.faults: list[tuple[str, str]] = []
        outputs = DeviceOutputs(
            record=self.readings.append,
            event=self.events.append,
            garbled=lambda device, raw, _length, reason, _at: self.garbled.append((device, raw, reason)),
            began=lambda subject, code, _text, _at, _device: self.faults.append((subject, code)),
            ended=lambda _subject, _at: None,
        )
        self.stations = make_stations(tables, Parts(cast("EvidenceStore", evidence), real_clock, outputs))

    def __enter__(self) -> Self:
        for station in self.stations:
            station.start()
        return self

    def __exit__(self, *_: object) -> None:
        for station in self.stations:
            station.halt()
        for station in self.stations:
            station.stop()

    def station(self, at: int = 0) -> AnyStation:
        return self.stations[at]

    def is_open(self, at: int = 0) -> bool:
        """Whether a listening device's link is open: pyserial throws away what came before it was done opening."""
        watch = self.stations[at]._watch
        return watch is not None and watch._seen.bytes_at is not None

    def of(self, device_id: str) -> list[Reading]:
        return [reading for reading in self.readings if reading.device_id == device_id]

    def reaches(self, state: DeviceState, at: int = 0) -> None:
        until(lambda: self.stations[at].state is state, f"{self.stations[at].table.id} is {state.value}")


def table(**keys: Any) -> DeviceTable:
    return DeviceTable.model_validate(keys)


def needs(program: str) -> str:
    """Its path; the test is skipped where it is not installed."""
    beside = Path(sys.executable).with_name(program)
    found = str(beside) if beside.exists() else shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed")
    return found


@contextmanager
def running(*command: str, **options: Any) -> Iterator[subprocess.Popen[str]]:
    """A program, ended with the block."""
    with subprocess.Popen(command, text=True, **options) as process:
        try:
            yield process
        finally:
            process.terminate()
            process.wait(10)


class ModbusServer:
    """pymodbus's server; its points are set and read from outside."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._commands, self._answers = process.stdin, process.stdout
        assert self._answers.readline() == "ready\n"

    def set(self, unit: int, point: str, value: int) -> None:
        self._commands.write(f"{unit} {point} {value}\n")
        self._commands.flush()

    def get(self, unit: int, point: str) -> int:
        self._commands.write(f"{unit} {point}\n")
        self._commands.flush()
        return int(self._answers.readline().strip() in {"True", "1"})


@contextmanager
def modbus_server(*arguments: str) -> Iterator[ModbusServer]:
    """Arguments as of modbus_server.py; ended with the block."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with running(sys.executable, str(MODBUS_SERVER), *arguments, **pipes) as process:
        yield ModbusServer(process)


def answers(port: int) -> bool:
    """Whether something listens there; not for peers that take one client only."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def pty_pair(folder: Path) -> Iterator[tuple[Path, Path]]:
    """Two serial ports wired to each other, by socat."""
    ours, theirs = folder / "ours", folder / "theirs"
    with running(needs("socat"), f"pty,raw,echo=0,link={ours}", f"pty,raw,echo=0,link={theirs}"):
        until(lambda: ours.exists() and theirs.exists(), "socat made both ports")
        yield ours, theirs


def write_all(port: Path, data: bytes) -> None:
    descriptor = os.open(port, os.O_WRONLY | os.O_NOCTTY)
    try:
        os.write(descriptor, data)
    finally:
        os.close(descriptor)
