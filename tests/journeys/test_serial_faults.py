"""Serial faults as they happen at a gate, over real pseudo-terminals and sockets, with real time measured.

Each lane joins a link with a watch as the agent does, around the simplest of protocols: a frame is a line that begins
with "w", a reading a frame with digits. A symbolic link stands for the name udev gives an adapter.
"""

from __future__ import annotations

import os
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import serial
from serial.rfc2217 import PortManager

from edge_agent.links.serial_link import SerialLink
from edge_agent.links.watch import DeviceWatch
from edge_agent.model.moment import Moment, MonoNs, WallNs
from edge_agent.model.readings import DeviceEvent, DeviceState

TOLD_WITHIN_S = 20.0  # promised are 5 s; a test machine that is busy gets more
READ_AGAIN_WITHIN_S = 20.0
WEIGHT = b"w 12340 kg\n"

pytestmark = pytest.mark.timeout(60)


def real_clock() -> Moment:
    mono = MonoNs(time.clock_gettime_ns(time.CLOCK_BOOTTIME))
    return Moment(WallNs(time.time_ns()), mono, bytes(16), synchronised=True)


def seconds_until(true: Callable[[], bool], limit_s: float) -> float:
    """Polls; how long it took. Fails when it takes longer than the limit."""
    began = time.monotonic()
    while not true():
        waited = time.monotonic() - began
        assert waited < limit_s, f"not within {limit_s} s"
        time.sleep(0.005)
    return time.monotonic() - began


class Lane:
    """A link and a watch, joined; `events` are those the watch lets through, `heard` are all bytes."""

    def __init__(self, port: str) -> None:
        self.events: list[DeviceEvent] = []
        self.heard = b""
        self._pending = b""
        self._watch = DeviceWatch("scale-1")
        self._turn = threading.Lock()
        self._stop = threading.Event()
        self.is_open = threading.Event()
        self.link = SerialLink("scale-1", port, 9600, "8N1", real_clock)
        self._threads = [
            threading.Thread(target=self.link.run, args=(self._on_bytes, self._on_link, self._stop)),
            threading.Thread(target=self._tick),
        ]
        for thread in self._threads:
            thread.start()

    @property
    def state(self) -> DeviceState:
        return self._watch.state

    @property
    def text(self) -> str:
        return self.events[-1].text

    def close(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive()

    def _publish(self, event: DeviceEvent | None) -> None:
        if event is not None:
            self.events.append(event)

    def _on_bytes(self, chunk: bytes, now: Moment) -> None:
        with self._turn:
            self.heard += chunk
            self._watch.bytes_seen(len(chunk), now)
            *lines, self._pending = (self._pending + chunk).split(b"\n")
            for line in lines:
                if line.startswith(b"w"):
                    self._watch.frame_seen(now)
                    if any(byte in b"0123456789" for byte in line):
                        self._publish(self._watch.reading_seen(now))

    def _on_link(self, event: DeviceEvent) -> None:
        with self._turn:
            if event.state is DeviceState.UNPLUGGED:
                self._publish(self._watch.link_down(event.text, event.at, event.attempts))
            else:
                self._publish(self._watch.link_up(event.at, event.attempts))
                self.is_open.set()

    def _tick(self) -> None:
        while not self._stop.wait(0.5):
            with self._turn:
                self._publish(self._watch.tick(real_clock()))


class Device:
    """The far side of a pseudo-terminal that says the same thing 20 times a second until it is unplugged."""

    def __init__(self, says: bytes = WEIGHT) -> None:
        self.says = says
        self._master, slave = os.openpty()
        self.node = os.ttyname(slave)
        os.close(slave)
        os.set_blocking(self._master, False)
        self._unplugged = threading.Event()
        self._thread = threading.Thread(target=self._talk)
        self._thread.start()

    def unplug(self) -> None:
        if not self._unplugged.is_set():
            self._unplugged.set()
            self._thread.join()
            os.close(self._master)

    def _talk(self) -> None:
        while not self._unplugged.wait(0.05):
            if select.select([], [self._master], [], 0)[1]:  # else nobody reads
                os.write(self._master, self.says)


class Converter:
    """A serial-to-TCP converter: one client at a time is told a weight 20 times a second."""

    def __init__(self, number: int = 0) -> None:
        self._server = socket.create_server(("127.0.0.1", number))
        self._server.settimeout(0.05)
        self.number: int = self._server.getsockname()[1]
        self._off = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def switch_off(self) -> None:
        if not self._off.is_set():
            self._off.set()
            self._thread.join()
            self._server.close()

    def _serve(self) -> None:
        while not self._off.is_set():
            try:
                client, _ = self._server.accept()
            except TimeoutError:
                continue
            with client, suppress(OSError):  # a client may go at any time
                while not self._off.wait(0.05):
                    client.sendall(WEIGHT)


@pytest.fixture
def lane() -> Iterator[Callable[[str], Lane]]:
    lanes: list[Lane] = []

    def open_lane(port: str) -> Lane:
        lanes.append(Lane(port))
        return lanes[-1]

    yield open_lane
    for opened in lanes:
        opened.close()


@pytest.fixture
def plug_in() -> Iterator[Callable[..., Device]]:
    devices: list[Device] = []

    def plug(says: bytes = WEIGHT) -> Device:
        devices.append(Device(says))
        return devices[-1]

    yield plug
    for device in devices:
        device.unplug()


def name_for(by_id: Path, device: Device) -> None:
    """As udev does it: the new link takes the place of the old in one step."""
    fresh = by_id.with_suffix(".new")
    fresh.symlink_to(device.node)
    fresh.rename(by_id)


def test_an_unplugged_device_is_told_and_read_again_under_another_number(
    tmp_path: Path, lane: Callable[[str], Lane], plug_in: Callable[..., Device]
) -> None:
    by_id, device = tmp_path / "usb-scale", plug_in()
    name_for(by_id, device)
    scale = lane(str(by_id))
    seconds_until(lambda: scale.state is DeviceState.OK, READ_AGAIN_WITHIN_S)

    replaced = plug_in()  # before the other goes, whose number it would get
    device.unplug()
    by_id.unlink()
    seconds_until(lambda: scale.state is DeviceState.UNPLUGGED, TOLD_WITHIN_S)
    seconds_until(lambda: f"{by_id} does not exist" in scale.text, TOLD_WITHIN_S)
    seconds_until(lambda: scale.link.failures >= 5, 10.0)  # attempts are as far apart as they get

    assert replaced.node != device.node
    heard = len(scale.heard)
    name_for(by_id, replaced)
    seconds_until(lambda: len(scale.heard) > heard and scale.state is DeviceState.OK, READ_AGAIN_WITHIN_S)
    assert scale.events[-2].state is DeviceState.STARTING
    assert scale.events[-2].attempts >= 5


def test_a_renumbered_device_is_followed_though_the_old_number_still_answers(
    tmp_path: Path, lane: Callable[[str], Lane], plug_in: Callable[..., Device]
) -> None:
    by_id, old, new = tmp_path / "usb-scale", plug_in(b"w 1 kg\n"), plug_in(b"w 2 kg\n")
    name_for(by_id, old)
    scale = lane(str(by_id))
    seconds_until(lambda: b"w 1 kg" in scale.heard, READ_AGAIN_WITHIN_S)

    name_for(by_id, new)
    seconds_until(lambda: b"w 2 kg" in scale.heard, READ_AGAIN_WITHIN_S)
    told = [event.text for event in scale.events if event.state is DeviceState.UNPLUGGED]
    assert [f"{by_id} is now {new.node}" in text for text in told] == [True]


def test_silent_babbling_and_unreadable_devices_are_told_apart_and_ok_at_once_afterwards(
    lane: Callable[[str], Lane], plug_in: Callable[..., Device]
) -> None:
    devices = [plug_in(), plug_in(), plug_in()]
    scales = [lane(device.node) for device in devices]
    seconds_until(lambda: all(scale.state is DeviceState.OK for scale in scales), READ_AGAIN_WITHIN_S)

    faults = {b"": DeviceState.SILENT, b"\x8f\x13\x92": DeviceState.BABBLING, b"w ????? kg\n": DeviceState.UNREADABLE}
    for device, says in zip(devices, faults, strict=True):
        device.says = says
    seconds_until(lambda: [scale.state for scale in scales] == list(faults.values()), TOLD_WITHIN_S)

    for device in devices:
        device.says = b"\n" + WEIGHT
    seconds_until(lambda: all(scale.state is DeviceState.OK for scale in scales), 1.0)
    for scale, fault in zip(scales, faults.values(), strict=True):
        assert [event.state for event in scale.events] == [DeviceState.OK, fault, DeviceState.OK]


def test_a_fast_stream_is_delivered_whole_and_soon(lane: Callable[[str], Lane]) -> None:
    master, slave = os.openpty()
    scale = lane(os.ttyname(slave))
    os.close(slave)
    frames = [b"w %05d kg\n" % number for number in range(50)]
    delays = []
    try:
        seconds_until(scale.is_open.is_set, READ_AGAIN_WITHIN_S)
        for frame in frames:
            os.write(master, frame)
            delays.append(seconds_until(partial(has_heard, scale, frame), 1.0))
            time.sleep(0.02)  # 50 Hz: the pace is what is tested
    finally:
        scale.close()
        os.close(master)
    assert scale.heard == b"".join(frames)
    assert sorted(delays)[len(delays) // 2] < 0.5


def test_a_port_held_by_another_program_names_it_and_is_read_once_it_is_free(
    lane: Callable[[str], Lane], plug_in: Callable[..., Device]
) -> None:
    device = plug_in()
    hold = "import serial, sys; port = serial.Serial(sys.argv[1], exclusive=True); print('held', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", hold, device.node], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        scale = lane(device.node)
        seconds_until(lambda: scale.state is DeviceState.UNPLUGGED, TOLD_WITHIN_S)
        assert f"{device.node} is busy. process {holder.pid} (" in scale.text
        holder.communicate(b"\n")
    seconds_until(lambda: scale.state is DeviceState.OK, READ_AGAIN_WITHIN_S)


def test_a_converter_that_dies_is_told_and_read_again_after_its_return(lane: Callable[[str], Lane]) -> None:
    converter = Converter()
    scale = lane(f"socket://127.0.0.1:{converter.number}")
    try:
        seconds_until(lambda: scale.state is DeviceState.OK, READ_AGAIN_WITHIN_S)
    finally:
        converter.switch_off()
    seconds_until(lambda: scale.state is DeviceState.UNPLUGGED, TOLD_WITHIN_S)
    seconds_until(lambda: "refuses connections" in scale.text, TOLD_WITHIN_S)

    heard = len(scale.heard)
    converter = Converter(converter.number)
    try:
        seconds_until(lambda: len(scale.heard) > heard and scale.state is DeviceState.OK, READ_AGAIN_WITHIN_S)
    finally:
        converter.switch_off()


def test_a_peer_whose_cable_is_cut_is_given_up_within_five_seconds() -> None:
    """A connection no one closes: in a network of its own, whose only interface goes down in mid-stream."""
    alone = ["unshare", "-rn"]
    try:
        subprocess.run([*alone, "ip", "link", "set", "lo", "up"], capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no network namespace of its own to be had here: {error}")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    result = subprocess.run(
        [*alone, sys.executable, __file__], capture_output=True, text=True, timeout=30, check=False, env=environment
    )
    assert result.returncode == 0, result.stderr
    assert float(result.stdout) < TOLD_WITHIN_S


@pytest.mark.filterwarnings("ignore:setDaemon:DeprecationWarning", "ignore:setName:DeprecationWarning")
def test_a_port_behind_rfc2217_is_read_and_told_when_its_server_goes(lane: Callable[[str], Lane]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        off = threading.Event()
        thread = threading.Thread(target=serve_rfc2217, args=(server, off))
        thread.start()
        scale = lane(f"rfc2217://127.0.0.1:{server.getsockname()[1]}?ign_set_control")
        try:
            seconds_until(lambda: scale.state is DeviceState.OK, READ_AGAIN_WITHIN_S)
        finally:
            off.set()
            thread.join(5)
    seconds_until(lambda: scale.state is DeviceState.UNPLUGGED, TOLD_WITHIN_S)


def has_heard(scale: Lane, frame: bytes) -> bool:
    return scale.heard.endswith(frame)


def serve_rfc2217(server: socket.socket, off: threading.Event) -> None:
    """One client; pyserial's own server side over a looped port that is told a weight 20 times a second."""
    connection, _ = server.accept()
    port: Any = serial.serial_for_url("loop://", timeout=0)  # PortManager is typed for clients and serves any port

    class Wire:
        def write(self, data: bytes) -> None:
            connection.sendall(data)

    wire: Any = Wire()
    manager = PortManager(port, wire)
    with connection:
        while not off.is_set():
            if select.select([connection], [], [], 0.05)[0]:
                for byte in manager.filter(connection.recv(1024)):
                    port.write(byte)
            connection.sendall(b"".join(manager.escape(WEIGHT)))
    port.close()


def cut_the_cable() -> None:
    """Run alone in a network namespace: prints the seconds from the cut to UNPLUGGED."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    converter = Converter()
    scale = Lane(f"socket://127.0.0.1:{converter.number}")
    try:
        seconds_until(lambda: scale.state is DeviceState.OK, READ_AGAIN_WITHIN_S)
        subprocess.run(["ip", "link", "set", "lo", "down"], check=True)
        sys.stdout.write(f"{seconds_until(lambda: scale.state is DeviceState.UNPLUGGED, TOLD_WITHIN_S)}\n")
    finally:
        scale.close()
        converter.switch_off()


if __name__ == "__main__":
    cut_the_cable()
