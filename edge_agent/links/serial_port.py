"""One serial port, open: what of pyserial the link needs, with pyserial's oddities kept in here (version 3.5).

Opening a real port raises DTR and RTS and closing it drops them: Linux does that. Some adapters and level converters
are powered from these lines, so they stay raised; a device that restarts or prints on an edge does so at each opening.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import select
import socket
import termios
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import serial
from serial.urlhandler import protocol_socket

from edge_agent.errors import LinkError
from edge_agent.links.serial_causes import PORT_ERRORS, explain_path_gone, explain_renumbered

READ_AT_MOST = 4096
"""Bytes of one read: four seconds of a full 9600 baud line, and the size of Linux's own tty buffer."""

KEEPALIVE_S = 1
WRITE_WITHIN_S = 1.0
"""A question is a few bytes: a line that does not take them in this time is blocked."""

DEAD_PEER_MS = 3000
"""A peer that acknowledges nothing for so long is given up, by tcp(7) TCP_USER_TIMEOUT: half-open connections end."""

_BITS = {"5": serial.FIVEBITS, "6": serial.SIXBITS, "7": serial.SEVENBITS, "8": serial.EIGHTBITS}
_STOP_BITS = {"1": serial.STOPBITS_ONE, "1.5": serial.STOPBITS_ONE_POINT_FIVE, "2": serial.STOPBITS_TWO}
_TERMIOS_BITS = {5: termios.CS5, 6: termios.CS6, 7: termios.CS7, 8: termios.CS8}


@dataclass(frozen=True, slots=True)
class PortSettings:
    """What the site file and the profile say of a port. `parity` as pyserial writes it: "N", "E", "O", "M" or "S"."""

    port: str
    baud: int
    bits: int
    parity: str
    stop_bits: float

    @classmethod
    def read(cls, port: str, baud: int, data_format: str) -> PortSettings:
        """Checked; `data_format` as on a device's menu, "8N1" or "7E1". LinkError when it can never work."""
        if baud <= 0:
            raise LinkError(f"Baud rate {baud} is none", fix="Write the device's own, e.g. 9600")
        if "://" in port:
            _check_url(port)
        found = re.fullmatch(r"([5-8])([NEOMS])(1|1\.5|2)", data_format)
        if not found:
            raise LinkError(
                f"Data format {data_format!r} is none",
                cause="It is data bits 5 to 8, parity N, E, O, M or S, and stop bits 1, 1.5 or 2",
                fix='Write it like "8N1" or "7E1"',
            )
        return cls(port, baud, _BITS[found[1]], found[2], _STOP_BITS[found[3]])

    @property
    def scheme(self) -> str:
        """The URL's: "socket", "rfc2217" or "loop"; "" for a path on this machine."""
        return self.port.partition("://")[0].lower() if "://" in self.port else ""

    @property
    def line(self) -> str:
        """Speed and format for a person: "9600 7E1"."""
        return f"{self.baud} {self.bits}{self.parity}{self.stop_bits:g}"


class SerialPort:
    """An open port. Opening and reading raise one of PORT_ERRORS.

    Opening a path takes milliseconds; opening a URL many seconds when the peer does not answer (pyserial: 5 s for each
    address, 3 s for each step of an RFC 2217 negotiation).

    Attributes:
        drops_parity: the driver took the format but keeps 8 bits without parity, as pseudo-terminals do.
    """

    def __init__(self, settings: PortSettings, read_timeout: float) -> None:
        """Open it; a read will wait `read_timeout` seconds for the first byte."""
        self._settings = settings
        self._read_timeout = read_timeout
        self._is_exclusive = False
        # rfc2217:// and loop:// have a queue behind them and no descriptor to wait for: they wait themselves.
        self._waits_itself = settings.scheme in {"rfc2217", "loop"}
        self._port = _unopened(
            settings,
            baudrate=settings.baud,
            bytesize=settings.bits,
            parity=settings.parity,
            stopbits=settings.stop_bits,
            timeout=read_timeout if self._waits_itself else 0,
            write_timeout=None if settings.scheme == "rfc2217" else WRITE_WITHIN_S,  # pyserial has none there
            exclusive=None if settings.scheme else True,
        )
        try:
            self._open()
            self._keep_to_ourselves()
            self._notice_dead_peer()
            self.drops_parity = self._drops_parity()
        except PORT_ERRORS:
            self.close()  # pyserial leaves a socket:// half open when the peer hangs up at once
            raise

    def read(self) -> bytes:
        """What has come, at most READ_AT_MOST bytes; b"" when nothing came for `read_timeout`."""
        if self._waits_itself:
            first = self._port.read(1)
            return first + self._port.read(min(self._port.in_waiting, READ_AT_MOST - 1)) if first else b""
        ready, _, _ = select.select([self._port.fileno()], [], [], self._read_timeout)
        return self._port.read(READ_AT_MOST) if ready else b""

    def write(self, data: bytes) -> None:
        """Ask the device something. What it says comes with `read`."""
        self._port.write(data)

    def moved(self, *, quiet: bool) -> str:
        """Why what is open is no longer the device at the port's path; "" while it is.

        A path that is gone counts only when `quiet`, no byte came lately: udev may rename a port that works.
        """
        if self._settings.scheme:
            return ""
        try:
            there = Path(self._settings.port).stat()
        except FileNotFoundError:
            return explain_path_gone(self._settings.port) if quiet else ""
        except OSError:
            return ""  # it cannot be told, and what is open works
        return "" if os.path.samestat(there, os.fstat(self._port.fileno())) else explain_renumbered(self._settings.port)

    def _open(self) -> None:
        """Linux refuses settings that change nothing: what takes 7E1 once and keeps 8N1 says EINVAL the next time."""
        try:
            self._port.open()
        except termios.error as error:
            if error.args[0] != errno.EINVAL:
                raise
            self._port.bytesize, self._port.parity, self._port.stopbits = serial.EIGHTBITS, serial.PARITY_NONE, 1
            self._port.open()

    def _drops_parity(self) -> bool:
        if self._settings.scheme:
            return False
        flags = termios.tcgetattr(self._port.fileno())[2]
        has_bits = flags & termios.CSIZE == _TERMIOS_BITS[self._settings.bits]
        has_parity = bool(flags & termios.PARENB) == (self._settings.parity != serial.PARITY_NONE)
        return not (has_bits and has_parity)

    def close(self) -> None:
        """Close, in whatever state it is. Takes 0.3 s for a URL."""
        connection = self._connection()
        with suppress(*PORT_ERRORS):  # of a port that is gone: nothing is left to free
            if self._is_exclusive:
                fcntl.ioctl(self._port.fileno(), termios.TIOCNXCL)  # else it stays while any other process has it open
        with suppress(*PORT_ERRORS):
            self._port.close()
        if connection is not None:
            connection.close()  # pyserial does not when the peer is gone

    def _keep_to_ourselves(self) -> None:
        """The lock pyserial takes keeps out those who ask for one; TIOCEXCL those who do not, unless they are root.

        Not on a pseudo-terminal: there TIOCEXCL outlives us until the other side closes, and would lock us out too.
        """
        if not self._settings.scheme and not os.path.realpath(self._settings.port).startswith("/dev/pts/"):
            fcntl.ioctl(self._port.fileno(), termios.TIOCEXCL)
            self._is_exclusive = True

    def _notice_dead_peer(self) -> None:
        """Have the kernel find out that a peer went without a word (cable, power), though we never send it anything."""
        connection = self._connection()
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEPALIVE_S)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, KEEPALIVE_S)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, DEAD_PEER_MS)

    def _connection(self) -> socket.socket | None:
        connection = getattr(self._port, "_socket", None)  # pyserial has no public name for it
        return connection if isinstance(connection, socket.socket) else None


class _WholeSocket(protocol_socket.Serial):
    """A `socket://` that keeps what the device says first: pyserial would throw away what is there when it opens."""

    def reset_input_buffer(self) -> None:
        """Nothing: of a new connection nothing is stale."""


def _unopened(settings: PortSettings, **options: Any) -> serial.Serial:
    if settings.scheme != "socket":
        return serial.serial_for_url(settings.port, do_not_open=True, **options)
    port: Any = _WholeSocket(None, **options)  # pyserial's kinds of ports are alike, and related in name only
    port.port = settings.port
    opened: serial.Serial = port
    return opened


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        known = parts.scheme == "loop" or (parts.scheme in {"socket", "rfc2217"} and parts.hostname and parts.port)
    except ValueError:  # its TCP port is no number, or too large
        known = False
    if not known:
        raise LinkError(
            f"Port {url} is no URL this link opens",
            cause="It needs a known kind of connection, a host and a TCP port",
            fix="Write socket://HOST:PORT or rfc2217://HOST:PORT, or a path under /dev/serial/by-id",
        )
