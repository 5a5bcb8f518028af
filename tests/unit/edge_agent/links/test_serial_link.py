"""The supervisor of a port: what it delivers, what it tells, how it stops. Longer faults are in the journeys."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edge_agent.errors import LinkError
from edge_agent.links import serial_link
from edge_agent.links.serial_link import SerialLink
from edge_agent.links.serial_port import PortSettings, SerialPort
from edge_agent.model.moment import Moment, MonoNs, WallNs
from edge_agent.model.readings import DeviceEvent, DeviceState

STOPS_WITHIN_S = 1.0


def real_clock() -> Moment:
    mono = MonoNs(time.clock_gettime_ns(time.CLOCK_BOOTTIME))
    return Moment(WallNs(time.time_ns()), mono, bytes(16), synchronised=True)


def until(true: Callable[[], bool], within_s: float = 5.0) -> bool:
    deadline = time.monotonic() + within_s
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


class Heard:
    """A link that runs in its thread, and all it said."""

    def __init__(self, port: str, data_format: str = "8N1") -> None:
        self.link = SerialLink("scale-1", port, 9600, data_format, real_clock, read_timeout=0.1)
        self.bytes = b""
        self.moments: list[Moment] = []
        self.events: list[DeviceEvent] = []
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.link.run, args=(self.hear, self.events.append, self.stop))
        self.thread.start()

    def hear(self, chunk: bytes, moment: Moment) -> None:
        self.bytes += chunk
        self.moments.append(moment)

    @property
    def states(self) -> list[DeviceState]:
        return [event.state for event in self.events]

    def end(self) -> float:
        """Seconds it took to stop."""
        began = time.monotonic()
        self.stop.set()
        self.thread.join(10)
        assert not self.thread.is_alive()
        return time.monotonic() - began


@pytest.fixture
def listen() -> Iterator[Callable[..., Heard]]:
    running: list[Heard] = []

    def start(port: str, data_format: str = "8N1") -> Heard:
        running.append(Heard(port, data_format))
        return running[-1]

    yield start
    for heard in running:
        heard.end()


@pytest.fixture
def pty() -> Iterator[tuple[int, str]]:
    master, slave = os.openpty()
    name = os.ttyname(slave)
    os.close(slave)
    yield master, name
    os.close(master)


def test_bytes_come_with_the_moment_they_were_read(pty: tuple[int, str], listen: Callable[..., Heard]) -> None:
    master, name = pty
    heard = listen(name)
    assert until(lambda: heard.states == [DeviceState.STARTING])
    before = real_clock()
    os.write(master, b"\x02+012345031\x03")
    assert until(lambda: heard.bytes == b"\x02+012345031\x03")
    after = real_clock()
    assert all(before.mono <= moment.mono <= after.mono for moment in heard.moments)


def test_an_open_port_is_told_with_its_settings_and_waits_for_bytes(
    pty: tuple[int, str], listen: Callable[..., Heard]
) -> None:
    heard = listen(pty[1], "7E1")
    assert until(lambda: bool(heard.events))
    event = heard.events[0]
    assert (event.device_id, event.state, event.attempts) == ("scale-1", DeviceState.STARTING, 1)
    assert event.text.startswith(f"{pty[1]} is open at 9600 7E1")
    assert "parity bits stay in the bytes" in event.text


def test_a_port_that_is_missing_is_told_once_while_attempts_go_on_and_are_counted(
    tmp_path: Path, listen: Callable[..., Heard], pty: tuple[int, str]
) -> None:
    by_id = tmp_path / "usb-scale"
    heard = listen(str(by_id))
    assert until(lambda: heard.link.failures >= 3)
    assert heard.states == [DeviceState.UNPLUGGED]
    by_id.symlink_to(pty[1])
    assert until(lambda: len(heard.events) == 2)
    assert heard.events[1].state is DeviceState.STARTING
    assert heard.events[1].attempts >= 3
    assert heard.link.failures == 0


def test_a_new_cause_is_told_while_the_port_stays_closed(tmp_path: Path, listen: Callable[..., Heard]) -> None:
    node = tmp_path / "ttyUSB0"
    heard = listen(str(node))
    assert until(lambda: len(heard.events) == 1)
    node.touch()
    assert until(lambda: len(heard.events) == 2)
    assert "does not exist" in heard.events[0].text
    assert "is no serial port" in heard.events[1].text
    assert heard.states == [DeviceState.UNPLUGGED, DeviceState.UNPLUGGED]


@pytest.mark.parametrize("port", ["loop://", "/dev/ttyUSB-that-is-not-there"])
def test_it_stops_within_a_second(port: str, listen: Callable[..., Heard]) -> None:
    heard = listen(port)
    assert until(lambda: bool(heard.events))
    assert heard.end() < STOPS_WITHIN_S


def test_it_stops_within_a_second_while_a_peer_does_not_answer(
    listen: Callable[..., Heard], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serial_link, "ANSWER_WITHIN_S", 0.2)
    with socket.socket() as server, socket.socket() as first:
        server.bind(("127.0.0.1", 0))
        server.listen(0)  # a queue of one: the kernel drops the handshakes of those who come after
        first.connect(server.getsockname())
        number = server.getsockname()[1]
        heard = listen(f"socket://127.0.0.1:{number}")
        assert until(lambda: heard.states == [DeviceState.UNPLUGGED])
        assert f"127.0.0.1 does not answer on TCP port {number}" in heard.events[0].text
        assert heard.end() < STOPS_WITHIN_S


def test_a_port_that_opens_only_after_the_stop_is_closed_again(
    monkeypatch: pytest.MonkeyPatch, listen: Callable[..., Heard]
) -> None:
    opening, may_open, closed = threading.Event(), threading.Event(), threading.Event()

    class SlowPort(SerialPort):
        def __init__(self, settings: PortSettings, read_timeout: float) -> None:
            opening.set()
            may_open.wait(10)
            super().__init__(settings, read_timeout)

        def close(self) -> None:
            super().close()
            closed.set()

    monkeypatch.setattr(serial_link, "SerialPort", SlowPort)
    heard = listen("loop://")
    assert opening.wait(5)
    assert heard.end() < STOPS_WITHIN_S
    may_open.set()
    assert closed.wait(5)
    assert heard.events == []


def test_a_listener_that_fails_ends_the_run_and_frees_the_port(pty: tuple[int, str]) -> None:
    master, name = pty
    failures: list[RuntimeError] = []

    def fail(_chunk: bytes, _moment: Moment) -> None:
        raise RuntimeError("the stage behind is broken")

    def run() -> None:
        try:
            SerialLink("scale-1", name, 9600, "8N1", real_clock).run(fail, lambda _: opened.set(), threading.Event())
        except RuntimeError as error:
            failures.append(error)

    opened = threading.Event()
    thread = threading.Thread(target=run)
    thread.start()
    assert opened.wait(5)
    os.write(master, b"x")
    thread.join(5)
    assert [str(error) for error in failures] == ["the stage behind is broken"]
    SerialPort(PortSettings.read(name, 9600, "8N1"), 0.1).close()


def test_settings_that_can_never_work_are_refused_before_any_thread_starts() -> None:
    with pytest.raises(LinkError, match="is no URL"):
        SerialLink("scale-1", "tcp://10.0.0.9:4001", 9600, "8N1", real_clock)
    with pytest.raises(LinkError, match="Data format '8N9'"):
        SerialLink("scale-1", "/dev/ttyUSB0", 9600, "8N9", real_clock)
