"""LLRP: bytes in, messages and garbled bytes out. Sans-IO."""

from __future__ import annotations

import struct

from edge_agent.drivers.engine import MAX_GARBLED, Garbled
from edge_agent.drivers.rfid.messages import HEADER, NAMES, VERSIONS, LlrpMessage, NotLlrpError, read_message
from edge_agent.drivers.stream import Heard

LONGEST = 65_536
"""Bytes of a message: over a thousand tags in one report. No more is ever held, whatever a length field says."""

_RESERVED = 0xE000


class LlrpParser:
    """Holds at most one longest message and one piece of garbled bytes.

    A message that cannot be read costs its first byte, not its supposed length: what begins inside it is found.
    """

    def __init__(self) -> None:
        self._pending = bytearray()
        self._base = 0  # offset of the first byte held
        self._at = 0  # the next position to judge
        self._reason: str | None = None  # of the garbled bytes before it

    def feed(self, chunk: bytes) -> list[Heard[LlrpMessage] | Garbled]:
        """What these bytes complete, in the order of the stream."""
        self._pending += chunk
        return self._scan(ended=False)

    def flush(self) -> list[Heard[LlrpMessage] | Garbled]:
        """The rest, when no more bytes come: it is no message."""
        return self._scan(ended=True)

    def _scan(self, *, ended: bool) -> list[Heard[LlrpMessage] | Garbled]:
        items: list[Heard[LlrpMessage] | Garbled] = []
        while self._at < len(self._pending):
            verdict = self._judge(ended=ended)
            if verdict is None:
                break
            if isinstance(verdict, LlrpMessage):
                self._close_garbled(items)
                raw = bytes(self._pending[: verdict.length])
                items.append(Heard(self._base, raw, verdict))
                self._forget(verdict.length)
            else:
                self._reason = self._reason or verdict
                self._at += 1
                if self._at == MAX_GARBLED:
                    self._close_garbled(items)
        if ended:
            self._close_garbled(items)
        return items

    def _judge(self, *, ended: bool) -> LlrpMessage | str | None:
        """The message that begins here; why none does; or None when it cannot be told yet."""
        held = len(self._pending) - self._at
        if held < HEADER:
            return f"the input ended inside a header ({held} of {HEADER} bytes)" if ended else None
        first, length = struct.unpack_from(">HI", self._pending, self._at)
        kind = first & 0x3FF
        if first & _RESERVED or (first >> 10) & 7 not in VERSIONS or kind not in NAMES:
            return "no LLRP message begins here"
        if not HEADER <= length <= LONGEST:
            return f"a message of {length} bytes is none (at most {LONGEST})"
        if held < length:
            return f"the input ended inside a message ({held} of {length} bytes)" if ended else None
        try:
            return read_message(bytes(self._pending[self._at : self._at + length]))
        except NotLlrpError as error:
            return f"{NAMES[kind]}: {error}"

    def _close_garbled(self, items: list[Heard[LlrpMessage] | Garbled]) -> None:
        if self._at and self._reason is not None:
            items.append(Garbled(self._base, bytes(self._pending[: self._at]), self._reason))
            self._forget(self._at)
        self._reason = None

    def _forget(self, count: int) -> None:
        del self._pending[:count]
        self._base += count
        self._at = 0
