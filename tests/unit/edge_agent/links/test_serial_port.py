"""One open port, over real pseudo-terminals and sockets."""

from __future__ import annotations

import os
import select
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edge_agent.errors import LinkError
from edge_agent.links.serial_causes import PORT_ERRORS
from edge_agent.links.serial_port import DEAD_PEER_MS, READ_AT_MOST, PortSettings, SerialPort


@pytest.fixture
def pty() -> Iterator[tuple[int, str]]:
    master, slave = os.openpty()
    name = os.ttyname(slave)
    os.close(slave)
    yield master, name
    os.close(master)


@pytest.mark.parametrize(
    ("text", "bits", "parity", "stop_bits"),
    [("8N1", 8, "N", 1), ("7E1", 7, "E", 1), ("7O2", 7, "O", 2), ("8M1.5", 8, "M", 1.5)],
)
def test_a_data_format_is_read_as_devices_write_it(text: str, bits: int, parity: str, stop_bits: float) -> None:
    settings = PortSettings.read("/dev/ttyUSB0", 9600, text)
    assert (settings.bits, settings.parity, settings.stop_bits) == (bits, parity, stop_bits)
    assert settings.line == f"9600 {text}"


@pytest.mark.parametrize("text", ["", "8N", "9N1", "8n1", "8X1", "8N3", "8-N-1", "8N1 "])
def test_what_is_no_data_format_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(LinkError, match='Write it like "8N1" or "7E1"'):
        PortSettings.read("/dev/ttyUSB0", 9600, text)


def test_a_baud_rate_of_nothing_is_refused() -> None:
    with pytest.raises(LinkError, match="Baud rate 0"):
        PortSettings.read("/dev/ttyUSB0", 0, "8N1")


@pytest.mark.parametrize(
    "url", ["socket://host", "socket://:4001", "socket://h:99999", "socket://h:x", "http://h:1", "spy:///dev/x"]
)
def test_a_url_that_can_never_work_is_refused(url: str) -> None:
    with pytest.raises(LinkError, match="is no URL this link opens"):
        PortSettings.read(url, 9600, "8N1")


@pytest.mark.parametrize(
    "url", ["socket://h:4001", "rfc2217://h:4001?ign_set_control&timeout=2", "RFC2217://h:1", "loop://"]
)
def test_urls_of_known_kinds_are_taken_with_their_options(url: str) -> None:
    assert PortSettings.read(url, 9600, "8N1").port == url


def test_what_waits_is_read_at_once_and_bounded(pty: tuple[int, str]) -> None:
    master, name = pty
    port = SerialPort(PortSettings.read(name, 9600, "8N1"), 0.05)
    try:
        os.write(master, b"ww00012.34kg\r\n")
        assert port.read() == b"ww00012.34kg\r\n"
        assert port.read() == b""
        os.set_blocking(master, False)
        written = os.write(master, b"x" * 3 * READ_AT_MOST)
        first = port.read()
        assert 0 < len(first) <= READ_AT_MOST
        rest = len(first)
        while rest < written and (chunk := port.read()):
            rest += len(chunk)
        assert rest == written
    finally:
        port.close()


def test_every_byte_value_comes_through_unchanged(pty: tuple[int, str]) -> None:
    master, name = pty
    port = SerialPort(PortSettings.read(name, 9600, "8N1"), 0.05)
    try:
        os.write(master, bytes(range(256)))
        assert port.read() == bytes(range(256))
    finally:
        port.close()


def test_a_pseudo_terminal_takes_7e1_and_admits_that_it_keeps_eight_bits(pty: tuple[int, str]) -> None:
    master, name = pty
    port = SerialPort(PortSettings.read(name, 9600, "7E1"), 0.05)
    try:
        assert port.drops_parity
        os.write(master, b"\x82\xb1")  # STX and 1 with their even parity bits, as a port without parity delivers them
        assert port.read() == b"\x82\xb1"
    finally:
        port.close()


def test_a_port_that_keeps_eight_bits_can_be_opened_again(pty: tuple[int, str]) -> None:
    settings = PortSettings.read(pty[1], 9600, "7E1")
    for _ in range(3):
        port = SerialPort(settings, 0.05)
        port.close()
        assert port.drops_parity


def test_8n1_drops_nothing(pty: tuple[int, str]) -> None:
    port = SerialPort(PortSettings.read(pty[1], 9600, "8N1"), 0.05)
    port.close()
    assert not port.drops_parity


def test_a_port_is_ours_alone_and_free_again_after_closing(pty: tuple[int, str]) -> None:
    settings = PortSettings.read(pty[1], 9600, "8N1")
    port = SerialPort(settings, 0.05)
    with pytest.raises(PORT_ERRORS):
        SerialPort(settings, 0.05)
    port.close()
    SerialPort(settings, 0.05).close()


def test_a_path_that_leads_elsewhere_now_has_moved(pty: tuple[int, str], tmp_path: Path) -> None:
    by_id = tmp_path / "usb-scale"
    by_id.symlink_to(pty[1])
    other_master, other_slave = os.openpty()
    port = SerialPort(PortSettings.read(str(by_id), 9600, "8N1"), 0.05)
    try:
        assert port.moved(quiet=True) == ""
        by_id.unlink()
        by_id.symlink_to(os.ttyname(other_slave))
        assert f"{by_id} is now {os.ttyname(other_slave)}" in port.moved(quiet=False)
    finally:
        port.close()
        os.close(other_master)
        os.close(other_slave)


def test_a_path_that_is_gone_counts_only_when_the_device_is_quiet(pty: tuple[int, str], tmp_path: Path) -> None:
    by_id = tmp_path / "usb-scale"
    by_id.symlink_to(pty[1])
    port = SerialPort(PortSettings.read(str(by_id), 9600, "8N1"), 0.05)
    by_id.unlink()
    try:
        assert port.moved(quiet=False) == ""
        assert f"{by_id} does not exist" in port.moved(quiet=True)
    finally:
        port.close()


def test_a_connection_is_watched_by_keepalive_probes() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = SerialPort(PortSettings.read(f"socket://127.0.0.1:{server.getsockname()[1]}", 9600, "8N1"), 0.05)
        try:
            connection = port._connection()
            assert connection is not None
            assert connection.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == DEAD_PEER_MS
        finally:
            port.close()
        assert connection.fileno() == -1


def test_bytes_of_a_connection_are_read_in_one_piece() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = SerialPort(PortSettings.read(f"socket://127.0.0.1:{server.getsockname()[1]}", 9600, "8N1"), 1.0)
        peer, _ = server.accept()
        try:
            peer.sendall(b"\x02+012345031\x03" * 10)
            assert port.read() == b"\x02+012345031\x03" * 10
        finally:
            port.close()
            peer.close()


def test_what_a_peer_says_before_the_port_is_open_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        connect = socket.create_connection

        def greeted(*arguments: Any, **options: Any) -> socket.socket:
            connection = connect(*arguments, **options)
            peer, _ = server.accept()
            with peer:
                peer.sendall(b"ww00012.34kg\r\n")
            select.select([connection], [], [], 60)
            return connection

        monkeypatch.setattr(socket, "create_connection", greeted)
        port = SerialPort(PortSettings.read(f"socket://127.0.0.1:{server.getsockname()[1]}", 9600, "8N1"), 1.0)
        try:
            assert port.read() == b"ww00012.34kg\r\n"
        finally:
            port.close()


def test_a_loop_is_open_and_empty() -> None:
    port = SerialPort(PortSettings.read("loop://", 9600, "8N1"), 0.01)
    try:
        assert port.read() == b""
        assert port.moved(quiet=True) == ""
    finally:
        port.close()
