"""The client's side of LLRP: what to send a reader, and when. Sans-IO. EPCglobal LLRP 1.0.1, chapters 10 to 14.

A reader greets a client with a connection attempt event. Then the gate asks for keepalives, puts one ROSpec of its own
(inventory on all configured antennas, a report for each tag), enables and starts it. ROSpecs of others are left alone.
"""

from __future__ import annotations

import struct

from edge_agent.drivers.rfid.messages import KEEPALIVE, LlrpMessage
from edge_agent.drivers.rfid.schema import RfidProfile

_SET_READER_CONFIG, _ADD_ROSPEC, _DELETE_ROSPEC, _START_ROSPEC, _ENABLE_ROSPEC, _KEEPALIVE_ACK = 3, 20, 21, 22, 24, 72
_CLOSE_CONNECTION = 14
_VERSION = 1
"""Version 1.0.1: every reader speaks it, and nothing of 1.1 is needed."""

_ANTENNA_EVENT = 8
_GEN2 = 1
_EACH_TAG = 1
_CONTENT = 1 << 12 | 1 << 10 | 1 << 9 | 1 << 7
"""What a report shall carry: antenna, peak RSSI, first seen, count (bits of TagReportContentSelector)."""


class LlrpSession:
    """One connection's conversation; make a new one for each connection.

    Attributes:
        running: the reader has said that it reads tags for us.
        problem: what the reader refused and what to do; "" while nothing is wrong.
    """

    def __init__(self, profile: RfidProfile) -> None:
        rospec = profile.inventory.rospec_id
        which = struct.pack(">I", rospec)
        self._steps: list[tuple[int, bytes]] = [
            (_SET_READER_CONFIG, _reader_config(profile.link.keepalive_seconds)),
            (_DELETE_ROSPEC, which),
            (_ADD_ROSPEC, _rospec(rospec, profile.inventory.antennas)),
            (_ENABLE_ROSPEC, which),
            (_START_ROSPEC, which),
        ]
        self._asked: tuple[int, int] | None = None  # message id, type
        self._next_id = 0
        self.running = False
        self.problem = ""

    def take(self, message: LlrpMessage) -> bytes:
        """What to send after this message of the reader; b"" for nothing."""
        if message.kind == KEEPALIVE:
            return _message(_KEEPALIVE_ACK, message.message_id, b"")
        if message.connection_status is not None:
            if message.connection_status == "Success":
                return self._step()
            self.problem = (
                f"The reader takes no connection now ({message.connection_status}). Another program reads it: stop "
                "that, or wait until it is done"
            )
            return b""
        if self._asked is None or message.message_id != self._asked[0] or message.status is None:
            return b""
        return self._answered(self._asked[1], message)

    def close(self) -> bytes:
        """What to send before the connection is closed in order."""
        return self._ask(_CLOSE_CONNECTION, b"")

    def _answered(self, asked: int, message: LlrpMessage) -> bytes:
        """A ROSpec of ours may be there from before, or not: deleting it may fail."""
        self._asked = None
        if message.status and asked != _DELETE_ROSPEC:
            self.problem = (
                f"The reader refuses what it was asked ({message.name}: {message.status} {message.status_text}). "
                "Compare antennas with the reader's own, then look this status up in its manual"
            )
            return b""
        if not self._steps:
            self.running = True
            return b""
        return self._step()

    def _step(self) -> bytes:
        if not self._steps:
            return b""
        kind, body = self._steps.pop(0)
        return self._ask(kind, body)

    def _ask(self, kind: int, body: bytes) -> bytes:
        self._next_id += 1
        self._asked = (self._next_id, kind)
        return _message(kind, self._next_id, body)


def _message(kind: int, message_id: int, body: bytes) -> bytes:
    return struct.pack(">HII", _VERSION << 10 | kind, 10 + len(body), message_id) + body


def _parameter(kind: int, *parts: bytes) -> bytes:
    value = b"".join(parts)
    return struct.pack(">HH", kind, 4 + len(value)) + value


def _reader_config(keepalive_seconds: int) -> bytes:
    """Keep what the reader is set to; only ask for keepalives and for word of antennas that come loose."""
    notify = _parameter(244, _parameter(245, struct.pack(">HB", _ANTENNA_EVENT, 0x80)))
    keepalive = _parameter(220, struct.pack(">BI", 1, keepalive_seconds * 1000))
    return b"\0" + notify + keepalive


def _rospec(rospec: int, antennas: tuple[int, ...]) -> bytes:
    """ROSpec (177) that starts when told and runs until deleted, with one AISpec (183) and its report (237)."""
    boundary = _parameter(178, _parameter(179, b"\0"), _parameter(182, struct.pack(">BI", 0, 0)))
    ids = struct.pack(f">H{len(antennas)}H", len(antennas), *antennas)
    stop = _parameter(184, struct.pack(">BI", 0, 0))
    inventory = _parameter(183, ids, stop, _parameter(186, struct.pack(">HB", 1, _GEN2)))
    report = _parameter(237, struct.pack(">BH", 1, _EACH_TAG), _parameter(238, struct.pack(">H", _CONTENT)))
    return _parameter(177, struct.pack(">IBB", rospec, 0, 0), boundary, inventory, report)
