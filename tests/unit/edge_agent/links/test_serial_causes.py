"""Every failure of a port becomes a cause and a next step; most are provoked for real."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import stat
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest
import serial

from edge_agent.links import serial_causes
from edge_agent.links.serial_causes import PORT_ERRORS, explain
from edge_agent.links.serial_port import PortSettings, SerialPort

LINE = "9600 8N1"


def why(port: str) -> str:
    """What is said of a port that does not open."""
    with pytest.raises(PORT_ERRORS) as failure:
        SerialPort(PortSettings.read(port, 9600, "8N1"), 0.01).close()
    return explain(port, LINE, failure.value)


@pytest.fixture
def pty() -> Iterator[str]:
    master, slave = os.openpty()
    name = os.ttyname(slave)
    os.close(slave)
    yield name
    os.close(master)


def test_a_missing_path_is_told_with_the_ports_that_exist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serial_causes, "serial_ports_here", lambda: ["/dev/ttyUSB1"])
    text = why(str(tmp_path / "ttyUSB0"))
    assert f"{tmp_path}/ttyUSB0 does not exist" in text
    assert "serial ports here: /dev/ttyUSB1. " in text


def test_a_machine_without_any_serial_port_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serial_causes, "serial_ports_here", list)
    assert "serial ports here: none. " in why("/dev/ttyUSB77")


def test_a_machine_with_many_ports_lists_eight_and_counts_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serial_causes, "serial_ports_here", lambda: [f"/dev/ttyS{n}" for n in range(32)])
    text = why("/dev/ttyUSB77")
    assert "/dev/ttyS7 and 24 more" in text
    assert "/dev/ttyS8" not in text


def test_a_locked_port_names_the_process_that_holds_it(pty: str) -> None:
    descriptor = os.open(pty, os.O_RDWR | os.O_NOCTTY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        text = why(pty)
    finally:
        os.close(descriptor)
    assert f"{pty} is busy. process {os.getpid()} (" in text
    assert f"Stop process {os.getpid()}" in text


def test_a_busy_port_whose_holder_is_hidden_says_how_to_find_it(pty: str) -> None:
    text = explain(pty, LINE, OSError(errno.EBUSY, "Device or resource busy"))
    assert "Another program that this user may not see holds it" in text
    assert f"sudo fuser -v {pty}" in text


def test_a_file_is_no_serial_port(tmp_path: Path) -> None:
    (tmp_path / "log.txt").touch()
    assert "is no serial port" in why(str(tmp_path / "log.txt"))


def test_a_directory_is_no_serial_port(tmp_path: Path) -> None:
    assert "is no serial port" in why(str(tmp_path))


def test_a_forbidden_port_of_a_group_says_which_group_to_join(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    node = tmp_path / "ttyUSB0"
    node.touch()
    node.chmod(0o660)
    monkeypatch.setattr(serial_causes, "_name_of", lambda _look_up, number: f"id-{number}")
    monkeypatch.setattr(Path, "stat", _owned_by_group(20, 0o660))
    text = explain(str(node), LINE, PermissionError(errno.EACCES, "Permission denied"))
    assert "belongs to group id-20, mode 0660" in text
    assert f"usermod -a -G id-20 id-{os.geteuid()}" in text


def test_a_port_that_only_root_may_use_asks_for_a_udev_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "stat", _owned_by_group(0, 0o600))
    text = explain("/dev/ttyUSB0", LINE, PermissionError(errno.EACCES, "Permission denied"))
    assert "belongs to group root, mode 0600" in text
    assert "udev rule (docs/serial.md)" in text


def test_a_port_the_sandbox_withholds_points_to_the_unit(pty: str) -> None:
    text = explain(pty, LINE, PermissionError(errno.EPERM, "Operation not permitted"))
    assert "DeviceAllow=" in text


def test_a_port_in_a_closed_directory_says_so(tmp_path: Path) -> None:
    text = explain(str(tmp_path / "no" / "port"), LINE, PermissionError(errno.EACCES, "Permission denied"))
    assert "may not look into its directory" in text


def test_an_account_without_a_name_is_given_as_its_number() -> None:
    def nobody() -> str:
        raise KeyError("uid not found")

    assert serial_causes._name_of(nobody, 65432) == "65432"


@pytest.mark.parametrize("number", [errno.EIO, errno.ENODEV, errno.ENXIO])
def test_a_port_that_hangs_up_is_unplugged_or_without_power(pty: str, number: int) -> None:
    assert "unplugged, lost power" in explain(pty, LINE, OSError(number, os.strerror(number)))


def test_a_port_that_hangs_up_and_is_gone_is_told_as_missing() -> None:
    assert "/dev/ttyUSB77 does not exist" in explain("/dev/ttyUSB77", LINE, OSError(errno.EIO, "I/O error"))


def test_pyserials_words_for_a_hang_up_are_understood(pty: str) -> None:
    error = serial.SerialException("device reports readiness to read but returned no data (device disconnected or …)")
    assert "another program reads the same port" in explain(pty, LINE, error)
    assert "/dev/ttyUSB77 does not exist" in explain("/dev/ttyUSB77", LINE, error)


@pytest.mark.parametrize(
    "error", [ValueError("Failed to set custom baud rate (12345): …"), termios.error(errno.EINVAL, "Invalid argument")]
)
def test_settings_the_adapter_cannot_do_are_told_with_the_settings(pty: str, error: Exception) -> None:
    text = explain(pty, "12345 7E1", error)
    assert f"{pty} does not take 12345 7E1" in text
    assert "`baud`" in text


def test_a_refused_connection_names_host_and_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        number = server.getsockname()[1]
    text = why(f"socket://127.0.0.1:{number}")
    assert f"127.0.0.1 refuses connections on TCP port {number}" in text
    assert "TCP server mode" in text


def test_an_unknown_host_is_told_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert "The host name moxa-1.gate is unknown" in why("socket://moxa-1.gate:4001")
    assert "The host name moxa-1.gate is unknown" in why("rfc2217://moxa-1.gate:4001")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (TimeoutError("timed out"), "10.0.0.9 does not answer on TCP port 4001"),
        (TimeoutError(errno.ETIMEDOUT, "Connection timed out"), "10.0.0.9 does not answer on TCP port 4001"),
        (OSError(errno.EHOSTUNREACH, "No route to host"), "10.0.0.9 cannot be reached"),
        (OSError(errno.ENETUNREACH, "Network is unreachable"), "10.0.0.9 cannot be reached"),
        (ConnectionResetError(errno.ECONNRESET, "reset"), "10.0.0.9 closed the connection on TCP port 4001"),
        (serial.SerialException("socket disconnected"), "10.0.0.9 closed the connection on TCP port 4001"),
        (serial.SerialException("connection failed (reader thread died)"), "10.0.0.9 closed the connection"),
        (
            serial.SerialException("Remote does not seem to support RFC2217 or BINARY mode []"),
            "does not speak RFC 2217",
        ),
        (ValueError("remote rejected value for option 'control'"), "?ign_set_control"),
        (serial.SerialException("timeout while waiting for option 'purge'"), "?ign_set_control"),
    ],
)
def test_network_failures_are_told_apart(error: Exception, expected: str) -> None:
    assert expected in explain("rfc2217://10.0.0.9:4001", LINE, error)


def test_an_error_inside_pyserials_own_is_found() -> None:
    wrapped = serial.SerialException("read failed: [Errno 113] No route to host")
    wrapped.__context__ = OSError(errno.EHOSTUNREACH, "No route to host")
    assert "10.0.0.9 cannot be reached" in explain("socket://10.0.0.9:4001", LINE, wrapped)


def test_an_unknown_failure_keeps_its_own_words() -> None:
    text = explain("rfc2217://10.0.0.9:4001?zork", LINE, serial.SerialException("unknown option: 'zork'"))
    assert "unknown option: 'zork'" in text
    assert "docs/serial.md" in text


def _owned_by_group(group: int, mode: int) -> object:
    def stat_result(_path: Path, *, follow_symlinks: bool = True) -> os.stat_result:  # noqa: ARG001 - Path.stat's own
        return os.stat_result((stat.S_IFCHR | mode, 1, 1, 1, 0, group, 0, 0, 0, 0))

    return stat_result
