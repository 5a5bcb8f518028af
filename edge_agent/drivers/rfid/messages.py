"""LLRP messages read: header, parameters, tags and events. Pure. EPCglobal LLRP 1.0.1 and 1.1, chapters 16 and 17.

A message is a 10-byte header (3 reserved bits, 3 of version, 10 of type; length with the header; id) and parameters. A
parameter is TV (first bit set, 7 bits of type, a length known by type) or TLV (6 reserved bits, 10 of type, length).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from edge_agent.model.lane_readings import TagSeen

HEADER = 10
VERSIONS = (1, 2)
"""1 is LLRP 1.0.1, 2 is 1.1."""

RO_ACCESS_REPORT, KEEPALIVE, READER_EVENT_NOTIFICATION, ERROR_MESSAGE, CUSTOM_MESSAGE = 61, 62, 63, 100, 1023

NAMES: dict[int, str] = {
    1: "GET_READER_CAPABILITIES",
    2: "GET_READER_CONFIG",
    3: "SET_READER_CONFIG",
    4: "CLOSE_CONNECTION_RESPONSE",
    11: "GET_READER_CAPABILITIES_RESPONSE",
    12: "GET_READER_CONFIG_RESPONSE",
    13: "SET_READER_CONFIG_RESPONSE",
    14: "CLOSE_CONNECTION",
    20: "ADD_ROSPEC",
    21: "DELETE_ROSPEC",
    22: "START_ROSPEC",
    23: "STOP_ROSPEC",
    24: "ENABLE_ROSPEC",
    25: "DISABLE_ROSPEC",
    26: "GET_ROSPECS",
    30: "ADD_ROSPEC_RESPONSE",
    31: "DELETE_ROSPEC_RESPONSE",
    32: "START_ROSPEC_RESPONSE",
    33: "STOP_ROSPEC_RESPONSE",
    34: "ENABLE_ROSPEC_RESPONSE",
    35: "DISABLE_ROSPEC_RESPONSE",
    36: "GET_ROSPECS_RESPONSE",
    40: "ADD_ACCESSSPEC",
    41: "DELETE_ACCESSSPEC",
    42: "ENABLE_ACCESSSPEC",
    43: "DISABLE_ACCESSSPEC",
    44: "GET_ACCESSSPECS",
    45: "CLIENT_REQUEST_OP",
    46: "GET_SUPPORTED_VERSION",
    47: "SET_PROTOCOL_VERSION",
    50: "ADD_ACCESSSPEC_RESPONSE",
    51: "DELETE_ACCESSSPEC_RESPONSE",
    52: "ENABLE_ACCESSSPEC_RESPONSE",
    53: "DISABLE_ACCESSSPEC_RESPONSE",
    54: "GET_ACCESSSPECS_RESPONSE",
    55: "CLIENT_REQUEST_OP_RESPONSE",
    56: "GET_SUPPORTED_VERSION_RESPONSE",
    57: "SET_PROTOCOL_VERSION_RESPONSE",
    60: "GET_REPORT",
    RO_ACCESS_REPORT: "RO_ACCESS_REPORT",
    KEEPALIVE: "KEEPALIVE",
    READER_EVENT_NOTIFICATION: "READER_EVENT_NOTIFICATION",
    64: "ENABLE_EVENTS_AND_REPORTS",
    72: "KEEPALIVE_ACK",
    ERROR_MESSAGE: "ERROR_MESSAGE",
    CUSTOM_MESSAGE: "CUSTOM_MESSAGE",
}

_OF_PARAMETERS = frozenset(
    {11, 12, *range(30, 37), 13, *range(50, 55), 4, RO_ACCESS_REPORT, READER_EVENT_NOTIFICATION, ERROR_MESSAGE}
)
"""Messages from a reader whose body is nothing but parameters: the only ones looked into."""

_TV_LENGTHS = {1: 2, 2: 8, 3: 8, 4: 8, 5: 8, 6: 1, 7: 2, 8: 2, 9: 4, 10: 2, 11: 2, 12: 2, 13: 12, 14: 2, 15: 2}
_TV_LENGTHS |= {16: 4, 17: 2, 18: 4, 19: 2, 20: 2}
"""Bytes after the type byte of each TV parameter (1.1, 17.2.7)."""

_TV_LIMIT = 0x80
_ANTENNA, _FIRST_SEEN, _PEAK_RSSI, _COUNT, _EPC_96 = 1, 2, 6, 8, 13
_UTC, _TAG_REPORT, _EPC_DATA, _EVENTS, _STATUS = 128, 240, 241, 246, 287
_ANTENNA_EVENT, _CONNECTION_ATTEMPT, _CONNECTION_CLOSE = 255, 256, 257

CONNECTION_STATUS = (
    "Success",
    "Failed_A_Reader_Initiated_Connection_Already_Exists",
    "Failed_A_Client_Initiated_Connection_Already_Exists",
    "Failed_Reason_Other_Than_A_Connection_Already_Exists",
    "Another_Connection_Attempted",
)
"""ConnectionAttemptEvent, status 0 to 4 (1.0.1, 15.2.1.17.10)."""

_EVENTS_BY_TYPE = {
    247: "hopping",
    248: "gpi",
    249: "rospec",
    250: "report_buffer_level_warning",
    251: "report_buffer_overflow",
    252: "reader_exception",
    253: "rf_survey",
    254: "aispec",
    _ANTENNA_EVENT: "antenna",
    _CONNECTION_ATTEMPT: "connection_attempt",
    _CONNECTION_CLOSE: "connection_close",
}


class NotLlrpError(ValueError):
    """Bytes that are no LLRP message; the text says why."""


@dataclass(frozen=True, slots=True)
class LlrpMessage:
    """One message. What its kind does not carry is None or empty.

    Attributes:
        connection_status: of a connection attempt event, the standard's own word.
        status: code of an LLRPStatus; 0 is success.
        status_text: the reader's own words about it.
        events: names of other reader events, e.g. "antenna 2 disconnected".
        reader_time_us: UTC of the event by the reader's clock, microseconds since 1970.
    """

    kind: int
    message_id: int
    length: int
    tags: tuple[TagSeen, ...] = ()
    connection_status: str | None = None
    status: int | None = None
    status_text: str = ""
    events: tuple[str, ...] = ()
    reader_time_us: int | None = None

    @property
    def name(self) -> str:
        """The standard's name of its type."""
        return NAMES[self.kind]


Parameter = tuple[int, bytes]
"""Type (TV below 128) and value, without the parameter's own header."""


def read_message(raw: bytes) -> LlrpMessage:
    """A whole message, header included; NotLlrpError when its parameters do not fill it exactly."""
    kind, length, message_id = struct.unpack_from(">HII", raw)
    kind &= 0x3FF
    if kind not in _OF_PARAMETERS:
        return LlrpMessage(kind, message_id, length)
    parameters = list(_parameters(raw[HEADER:]))
    if kind == RO_ACCESS_REPORT:
        tags = tuple(_tag(value) for what, value in parameters if what == _TAG_REPORT)
        return LlrpMessage(kind, message_id, length, tags)
    if kind == READER_EVENT_NOTIFICATION:
        return _events(message_id, length, parameters)
    code, text = next((_status(value) for what, value in parameters if what == _STATUS), (None, ""))
    return LlrpMessage(kind, message_id, length, status=code, status_text=text)


def _parameters(body: bytes) -> Iterator[Parameter]:
    at, end = 0, len(body)
    while at < end:
        first = body[at]
        if first >= _TV_LIMIT:
            kind = first & 0x7F
            if kind not in _TV_LENGTHS:
                raise NotLlrpError(f"there is no TV parameter {kind}")
            start, after = at + 1, at + 1 + _TV_LENGTHS[kind]
        else:
            if at + 4 > end:
                raise NotLlrpError("a parameter's header is cut short")
            kind, length = struct.unpack_from(">HH", body, at)
            if length < 4 or kind > 0x3FF:  # noqa: PLR2004 - its own header; 10 bits of type
                raise NotLlrpError("a parameter's header is none")
            start, after = at + 4, at + length
        if after > end:
            raise NotLlrpError(f"parameter {kind} reaches beyond its message")
        yield kind, body[start:after]
        at = after


def _tag(body: bytes) -> TagSeen:
    epc: str | None = None
    antenna = rssi = first_seen = count = None
    for kind, value in _parameters(body):
        if kind == _EPC_96:
            epc = value.hex()
        elif kind == _EPC_DATA:
            epc = _epc(value)
        elif kind == _ANTENNA:
            antenna = int.from_bytes(value)
        elif kind == _PEAK_RSSI:
            rssi = int.from_bytes(value, signed=True)
        elif kind == _FIRST_SEEN:
            first_seen = int.from_bytes(value)
        elif kind == _COUNT:
            count = int.from_bytes(value)
    if epc is None:
        raise NotLlrpError("a tag without an EPC")
    return TagSeen(epc, antenna, rssi, first_seen, count)


def _epc(value: bytes) -> str:
    """EPCData: how many bits, and then the bits, filled up to bytes."""
    if len(value) < 2 or len(value) - 2 != (int.from_bytes(value[:2]) + 7) // 8:  # noqa: PLR2004 - the count's bytes
        raise NotLlrpError("an EPC's length is not that of its bytes")
    return value[2:].hex()


def _events(message_id: int, length: int, parameters: list[Parameter]) -> LlrpMessage:
    data = next((value for kind, value in parameters if kind == _EVENTS), None)
    if data is None:
        raise NotLlrpError("an event notification without data")
    time = status = None
    events: list[str] = []
    for kind, value in _parameters(data):
        if kind == _UTC and len(value) == 8:  # noqa: PLR2004 - u64
            time = int.from_bytes(value)
        elif kind == _CONNECTION_ATTEMPT:
            code = int.from_bytes(value)
            status = CONNECTION_STATUS[code] if code < len(CONNECTION_STATUS) else f"status {code}"
        elif kind == _ANTENNA_EVENT and len(value) == 3:  # noqa: PLR2004 - u8 event, u16 antenna
            events.append(f"antenna {int.from_bytes(value[1:])} {'connected' if value[0] else 'disconnected'}")
        elif kind in _EVENTS_BY_TYPE:
            events.append(_EVENTS_BY_TYPE[kind])
    return LlrpMessage(
        READER_EVENT_NOTIFICATION,
        message_id,
        length,
        connection_status=status,
        events=tuple(events),
        reader_time_us=time,
    )


def _status(value: bytes) -> tuple[int, str]:
    if len(value) < 4 or len(value) < 4 + int.from_bytes(value[2:4]):  # noqa: PLR2004 - u16 code, u16 length
        raise NotLlrpError("a status is cut short")
    return int.from_bytes(value[:2]), value[4 : 4 + int.from_bytes(value[2:4])].decode("utf-8", "replace")
