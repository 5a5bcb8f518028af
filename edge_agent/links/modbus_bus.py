"""A Modbus line, TCP or RTU: one request at a time, shared by the devices on it; pymodbus's oddities stay in here.

Modbus Application Protocol V1.1b3; Modbus over Serial Line V1.02. pymodbus is in the extra `devices`.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from threading import Lock
from typing import Literal
from urllib.parse import urlsplit

import serial
from pymodbus import FramerType
from pymodbus.client import ModbusSerialClient, ModbusTcpClient
from pymodbus.exceptions import ModbusException
from pymodbus.pdu import ModbusPDU

from edge_agent.errors import LinkError
from edge_agent.links.serial_causes import PORT_ERRORS, explain
from edge_agent.model.points import Point, PointTable
from edge_agent.model.readings import DeviceState

MOST_AT_ONCE = 100
"""Registers or bits of one request; the protocol allows 125 and 2000."""

MODBUS_TCP_PORT = 502

logging.getLogger("pymodbus").addHandler(logging.NullHandler())  # what it has to say comes as ModbusError

_REASONS = {
    1: "it does not know this function",
    2: "it has no such address",
    3: "it does not take this count or value",
    4: "it failed while doing it",
    6: "it is busy",
    10: "the gateway has no path to the unit",
    11: "the unit behind the gateway does not answer",
}
"""Exception codes (V1.1b3, 7)."""

_CHECKS = {
    "": "Check its power, its address, A and B of the line, and baud rate and format",
    "socket": "Check its power, its address, A and B of the line, and the converter's baud rate and format",
    "tcp": (
        "Check its power and its unit number (a device of its own often takes 1, 0 or 255); behind a gateway, the "
        "wires of its line and the gateway's baud rate and format"
    ),
}
"""What to look at when nothing comes back, by the scheme of the port."""

_NO_SUCH_ADDRESS = 2
_COUNT_FROM_0 = "Addresses count from 0: a manual's 10001 is discrete:0, its 30001 input:0, its 40001 holding:0"

_HOLDING: PointTable = "holding"


class ModbusError(LinkError):
    """A request failed. `state`: UNPLUGGED no line, SILENT no answer, UNREADABLE refused by the device."""

    def __init__(self, state: DeviceState, what: str, *, cause: str = "", fix: str = "") -> None:
        """`state` is what a technician needs to know of the device."""
        super().__init__(what, cause=cause, fix=fix)
        self.state = state


class ModbusBus:
    """One line. Opens it when first needed, and again after it was lost; safe to call from several threads.

    Args:
        port: tcp://HOST[:PORT] for Modbus TCP, socket://HOST:PORT for RTU through a converter, or a serial port's path.
        baud: of a serial port.
        data_format: of a serial port, e.g. "8N1".
        timeout_s: how long an answer may take.
    """

    def __init__(self, port: str, baud: int, data_format: str, timeout_s: float) -> None:
        self.port = port
        self._lock = Lock()
        self._line = f"{baud} {data_format}"
        self._timeout_s = timeout_s
        self._client = _client(port, baud, data_format, timeout_s)

    def read(self, unit: int, points: Iterable[Point]) -> dict[Point, int]:
        """The state of each point: 0 or 1 for bits (1: active), the count for a register. ModbusError if any fails."""
        values: dict[tuple[PointTable, int], int] = {}
        wanted = list(points)
        with self._lock:
            for table, first, count in _stretches(wanted):
                answer = self._ask(unit, self._reader(table), first, count=count)
                found = answer.bits if table in {"coil", "discrete"} else answer.registers
                if len(found) < count:
                    what = f"Unit {unit} on {self.port} answered {len(found)} values instead of {count}"
                    raise ModbusError(DeviceState.UNREADABLE, what, fix="Two units may have one address")
                values |= {(table, first + at): int(value) for at, value in enumerate(found[:count])}
        return {point: _state(point, values[point.table, point.address]) for point in wanted}

    def write(self, unit: int, point: Point, active: bool) -> None:
        """Switch a coil, or set a holding register to 1 or 0. ModbusError when the device did not confirm it."""
        value = active != point.inverted
        with self._lock:
            if point.table == _HOLDING:
                self._ask(unit, self._client.write_register, point.address, value=int(value))
            else:
                self._ask(unit, self._client.write_coil, point.address, value=value)

    def close(self) -> None:
        """Close the line; it opens again when needed."""
        with self._lock:
            self._shut()

    def _reader(self, table: PointTable) -> Callable[..., ModbusPDU]:
        readers: Mapping[str, Callable[..., ModbusPDU]] = {
            "coil": self._client.read_coils,
            "discrete": self._client.read_discrete_inputs,
            "holding": self._client.read_holding_registers,
            "input": self._client.read_input_registers,
        }
        return readers[table]

    def _ask(self, unit: int, request: Callable[..., ModbusPDU], address: int, **rest: int) -> ModbusPDU:
        try:
            if not self._client.connect():
                raise ModbusError(DeviceState.UNPLUGGED, self._why_closed())
            answer = request(address, device_id=unit, **rest)
        except (ModbusException, *PORT_ERRORS) as error:
            self._shut()  # what arrives late must not be taken for the next answer
            what = f"Unit {unit} on {self.port} does not answer"
            raise ModbusError(DeviceState.SILENT, what, cause=str(error), fix=_CHECKS[_scheme(self.port)]) from error
        if answer.isError():
            code = answer.exception_code
            cause = _REASONS.get(code, f"exception {code}")
            what = f"Unit {unit} on {self.port} refuses address {address}: {cause}"
            fix = _COUNT_FROM_0 if code == _NO_SUCH_ADDRESS else "Look this up in the device's manual"
            raise ModbusError(DeviceState.UNREADABLE, what, fix=fix)
        return answer

    def _shut(self) -> None:
        with suppress(*PORT_ERRORS):
            self._client.close()  # type: ignore[no-untyped-call]  # pymodbus has not typed it

    def _why_closed(self) -> str:
        """The client swallows why it could not open: try once more by hand."""
        try:
            if isinstance(self._client, ModbusTcpClient):
                parts = urlsplit(self.port)
                address = (parts.hostname or "", parts.port or MODBUS_TCP_PORT)
                socket.create_connection(address, timeout=self._timeout_s).close()
            else:
                serial.serial_for_url(self.port, exclusive=True).close()
        except PORT_ERRORS as error:
            return explain(self.port, self._line, error)
        return f"{self.port} could not be opened. It is tried again"


def _scheme(port: str) -> Literal["", "tcp", "socket"]:
    """Of a serial port, which has none, ""."""
    if port.startswith("tcp://"):
        return "tcp"
    return "socket" if "://" in port else ""


def _client(port: str, baud: int, data_format: str, timeout_s: float) -> ModbusTcpClient | ModbusSerialClient:
    if scheme := _scheme(port):
        parts = urlsplit(port)
        framer = FramerType.SOCKET if scheme == "tcp" else FramerType.RTU
        host, number = parts.hostname or "", parts.port or MODBUS_TCP_PORT
        return ModbusTcpClient(host, port=number, framer=framer, timeout=timeout_s, retries=0)
    return ModbusSerialClient(
        port,
        baudrate=baud,
        bytesize=int(data_format[0]),
        parity=data_format[1],
        stopbits=int(data_format[2]),
        timeout=timeout_s,
        retries=0,
    )


def _stretches(points: Iterable[Point]) -> Iterator[tuple[PointTable, int, int]]:
    """(table, first address, count) of neighbours; nothing between them is asked for: a device may refuse it."""
    addresses = sorted({(point.table, point.address) for point in points})
    first = last = None
    for table, address in addresses:
        if first and last and (table, address) == (last[0], last[1] + 1) and address - first[1] < MOST_AT_ONCE:
            last = (table, address)
            continue
        if first and last:
            yield first[0], first[1], last[1] - first[1] + 1
        first = last = (table, address)
    if first and last:
        yield first[0], first[1], last[1] - first[1] + 1


def _state(point: Point, value: int) -> int:
    if point.is_register:
        return value
    if point.bit is not None:
        value = value >> point.bit & 1
    return value ^ point.inverted
