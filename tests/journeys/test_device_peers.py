"""Devices against programs of others: pymodbus's server, llrpkit's emulator, socat and ser2net."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
from contextlib import suppress
from functools import reduce
from operator import xor
from pathlib import Path

import pytest

from edge_agent.errors import LinkError
from edge_agent.model.readings import DeviceState
from edge_agent.simulate.ports import free_port
from tests.journeys.device_peers import Gate, answers, modbus_server, needs, pty_pair, running, table, until, write_all

OCCUPANCY = (
    b"GB,000386,000391,000423,000419\r\nGS,000080,000081,000082,000083\r\n"
    b"GA,000180,000181,000182,000183\r\nGX,000017,001250,000000,000000\r\n"
)


def changes(gate: Gate, device_id: str) -> list[tuple[str, bool, bool]]:
    return [(each.input.name, each.input.active, each.input.initial) for each in gate.of(device_id)]


def test_inputs_over_modbus_tcp_become_readings_and_outputs_are_set_on_command_only() -> None:
    port = free_port()
    io = table(
        id="lane-io",
        profile="io/modbus",
        port=f"tcp://127.0.0.1:{port}",
        lane="out-1",
        inputs={"loop-in": "discrete:0", "curtain": "discrete:2 inverted"},
        outputs={"barrier": "coil:3"},
    )
    with modbus_server("tcp", str(port), "1") as server, Gate([io]) as gate:
        until(lambda: len(gate.readings) == 2, "the first states")
        assert sorted(changes(gate, "lane-io")) == [("curtain", True, True), ("loop-in", False, True)]
        assert gate.readings[0].lane_id == "out-1"

        server.set(1, "di 0", 1)
        until(lambda: ("loop-in", True, False) in changes(gate, "lane-io"), "the loop's edge")
        assert server.get(1, "co 3") == 0

        gate.station().write("barrier", active=True)
        assert server.get(1, "co 3") == 1
        with pytest.raises(LinkError, match="no output 'barier'"):
            gate.station().write("barier", active=True)
        assert gate.station().state is DeviceState.OK


def test_a_modbus_device_that_is_switched_off_is_told_and_comes_back() -> None:
    port = free_port()
    io = table(id="lane-io", profile="io/modbus", port=f"tcp://127.0.0.1:{port}", inputs={"loop-in": "discrete:0"})
    with Gate([io]) as gate:
        gate.reaches(DeviceState.UNPLUGGED)
        assert "refuses connections" in gate.events[-1].text
        with modbus_server("tcp", str(port), "1"):
            gate.reaches(DeviceState.OK)
            until(lambda: changes(gate, "lane-io") == [("loop-in", False, True)], "its state")
        gate.reaches(DeviceState.UNPLUGGED)
        with modbus_server("tcp", str(port), "1") as server:
            server.set(1, "di 0", 1)
            gate.reaches(DeviceState.OK)
            until(lambda: len(changes(gate, "lane-io")) == 2, "its state anew, as no edge was seen")
            assert changes(gate, "lane-io")[1][2] is True


def test_an_address_that_the_device_has_not_is_told_with_how_to_count() -> None:
    port = free_port()
    io = table(id="lane-io", profile="io/modbus", port=f"tcp://127.0.0.1:{port}", inputs={"loop-in": "discrete:10001"})
    with modbus_server("tcp", str(port), "1"), Gate([io]) as gate:
        gate.reaches(DeviceState.UNREADABLE)
        assert "10001 is discrete:0" in gate.events[-1].text


def test_two_units_share_one_rtu_line_and_take_turns(tmp_path: Path) -> None:
    with pty_pair(tmp_path) as (ours, theirs), modbus_server("rtu", str(theirs), "1", "2") as server:
        server.set(1, "di 5", 1)
        server.set(2, "ir 0", 10_000)
        port = str(ours)
        devices = [
            table(id="loops", profile="io/modbus", port=port, unit=1, inputs={"loop": "discrete:5"}),
            table(id="empty-1", profile="ultrasonic/modbus-analogue", port=port, unit=2),
        ]
        with Gate(devices) as gate:
            until(lambda: changes(gate, "loops") == [("loop", True, True)], "the loop of unit 1")
            until(lambda: gate.of("empty-1"), "the distance of unit 2")
            assert gate.of("empty-1")[0].distance.millimetres == "1169.7750000"
            assert gate.of("empty-1")[0].distance.occupied
            server.set(2, "ir 0", 60_000)
            until(lambda: len(gate.of("empty-1")) == 2, "the place is empty again")
            assert not gate.of("empty-1")[1].distance.occupied


def test_an_rtu_unit_that_does_not_answer_is_silent_and_an_adapter_that_is_pulled_out_is_told(tmp_path: Path) -> None:
    with pty_pair(tmp_path) as (ours, _nobody):
        device = table(id="loops", profile="io/modbus", port=str(ours), inputs={"loop": "discrete:5"})
        with Gate([device]) as gate:
            gate.reaches(DeviceState.SILENT)
            assert "Unit 1" in gate.events[-1].text
            ours.unlink()
            until(lambda: gate.station().state is DeviceState.UNPLUGGED, "the port is gone")
            assert "does not exist" in gate.events[-1].text


def test_tags_of_an_independent_reader_arrive_once_and_the_reader_may_restart() -> None:
    port = free_port()
    command = (needs("llrpkit"), "emulate", "--port", str(port), "--tags", "5", "--rate", "40")
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    reader = table(id="tags", profile="rfid/llrp", port=f"socket://127.0.0.1:{port}")
    with Gate([reader]) as gate:
        gate.reaches(DeviceState.UNPLUGGED)
        with running(*command, **quiet):
            until(lambda: len(gate.readings) == 5, "all five tags")
            gate.reaches(DeviceState.OK)
        gate.reaches(DeviceState.UNPLUGGED)
        with running(*command, **quiet):
            gate.reaches(DeviceState.OK)
    epcs = [reading.tag.epc for reading in gate.readings]
    assert len(set(epcs)) == len(epcs) == 5
    assert {reading.tag.antenna for reading in gate.readings} <= {1, 2, 3, 4}
    assert gate.faults == []
    assert gate.garbled == []


def test_a_second_client_of_a_tag_reader_is_told_who_is_in_the_way() -> None:
    port = free_port()
    command = (needs("llrpkit"), "emulate", "--port", str(port), "--tags", "1")
    reader = table(id="tags", profile="rfid/llrp", port=f"socket://127.0.0.1:{port}")
    with running(*command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL), Gate([reader]) as first:
        until(lambda: first.readings, "the first gate's tag")
        with Gate([reader]) as second:
            until(lambda: second.faults, "the second gate's fault")
            assert second.faults[0] == ("tags session", "device-refuses")
        assert second.readings == []


def test_a_portal_behind_a_converter_of_socat_is_read(tmp_path: Path) -> None:
    port = free_port()
    stream = tmp_path / "stream"
    os.mkfifo(stream)
    listen = f"tcp-listen:{port},bind=127.0.0.1,reuseaddr"
    portal = table(id="rpm", profile="radiation/tsa-rapiscan-rpm", port=f"socket://127.0.0.1:{port}", lane="out-1")
    with (
        Gate([portal]) as gate,
        running(needs("socat"), "-u", f"open:{stream}", listen),
        stream.open("wb", buffering=0) as sender,
    ):
        until(gate.is_open, "the link is open")
        sender.write(b"ID-0042 " + OCCUPANCY)
        until(lambda: gate.readings, "the occupancy")
        reading = gate.readings[0]
        assert reading.radiation.gamma_alarm
        assert not reading.radiation.neutron_alarm
        assert (reading.radiation.number, reading.radiation.complete, reading.lane_id) == (17, True, "out-1")
        assert reading.raw == b"GX,000017,001250,000000,000000\r\n"
    assert [raw for _, raw, _ in gate.garbled] == [b"ID-0042 "]


@pytest.mark.filterwarnings("ignore:setDaemon:DeprecationWarning", "ignore:setName:DeprecationWarning")  # pyserial's
def test_a_receiver_behind_ser2net_is_read_over_rfc_2217(tmp_path: Path) -> None:
    port = free_port()
    with pty_pair(tmp_path) as (server_side, device_side):
        config = tmp_path / "ser2net.yaml"
        config.write_text(
            f"connection: &gnss\n  accepter: telnet(rfc2217),tcp,127.0.0.1,{port}\n"
            f"  connector: serialdev,{server_side},9600n81,local\n"
        )
        receiver = table(id="gnss", profile="gnss/nmea0183", port=f"rfc2217://127.0.0.1:{port}?ign_set_control")
        ser2net = running(needs("ser2net"), "-d", "-n", "-c", str(config), stderr=subprocess.DEVNULL)
        with ser2net:
            until(lambda: answers(port), "ser2net listens")
            with Gate([receiver]) as gate:
                gate.reaches(DeviceState.SILENT)
                for second in range(3):
                    write_all(device_side, _gga(second))
                until(lambda: gate.readings, "a position")
                gate.reaches(DeviceState.OK)
                assert gate.readings[0].position.latitude_degrees == "20.050000000"
                assert gate.readings[0].position.time == "06:01:00"


def _gga(second: int) -> bytes:
    body = b"GPGGA,0601%02d,2003.000,N,11009.600,E,1,08,1.1,12.3,M,-9.4,M,," % second
    checksum = 0
    for byte in body:
        checksum ^= byte
    return b"$%s*%02X\r\n" % (body, checksum)


XRAY = (Path(__file__).parents[2] / "firmware_configs" / "xray" / "line-delimited.toml").read_text(encoding="utf-8")
POLLED = """
mode = "poll"
hello = "44 54 55 0d 0a"
address = { at = 0, first = "A", last = "Z" }

[[link.command]]
name = "last"
bytes = "41 3f 0d"
interval = 0.05
reads = true

[line]
"""


class ScannerBus:
    """Scanner controllers on one RS-485 line behind a TCP converter that says "DTU" first and cuts where it likes."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError), self._server.accept()[0] as connection:
            connection.sendall(b"DTU\r\n")
            while question := connection.recv(3):
                line = b"scan-%s,PASS,,,*" % question[:1]
                checksum = b"%02X" % reduce(xor, line[:-1])
                connection.sendall(line[:5])
                connection.sendall(line[5:] + checksum + b"\r\n")

    def close(self) -> None:
        self._server.close()


def test_scanners_share_a_line_by_address_behind_a_converter_that_names_itself_first(tmp_path: Path) -> None:
    profile = tmp_path / "xray" / "polled.toml"
    profile.parent.mkdir()
    profile.write_text(XRAY.replace("\n[line]\n", POLLED), encoding="utf-8")
    bus = ScannerBus()
    keys = {"profile": "xray/polled", "profile_dir": tmp_path, "port": f"socket://127.0.0.1:{bus.port}"}
    with Gate([table(id="left", address="A", **keys), table(id="right", address="B", **keys)]) as gate:
        until(lambda: gate.of("left") and gate.of("right"), "both scanners are read")
    bus.close()

    assert {scan.scan.scan_id for scan in gate.of("left")} == {"scan-A"}
    assert {scan.scan.scan_id for scan in gate.of("right")} == {"scan-B"}
    assert not any(b"DTU" in raw for _, raw, _ in gate.garbled)
