"""Streams of lines and messages: what a driver of one hands out, and the cutting of bytes into lines. Sans-IO."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Generic, Literal, Protocol, TypeVar

from pydantic import Field, StrictInt

from edge_agent.drivers.asking import LinkLayer
from edge_agent.drivers.engine import Garbled

Said = TypeVar("Said")

_LINE_END = rb"[\r\n](?:(?<=\n)|(?=[^\r\n]))"
"""A last CR is no end yet: LF may follow."""


class StreamLink(LinkLayer):
    """`[link]` of a device that sends lines or messages, by itself or when asked as a scale is.

    Attributes:
        silent_after: for how many seconds it may be silent before that is a fault; 0: it is silent by nature.
    """

    mode: Literal["listen", "poll"] = "listen"
    silent_after: Annotated[StrictInt, Field(ge=0, le=86_400)]


@dataclass(frozen=True, slots=True)
class Heard(Generic[Said]):
    """One whole message: its bytes as received, and what it says. `offset` counts from the first byte fed."""

    offset: int
    raw: bytes
    said: Said


class StreamDriver(Protocol[Said]):
    """A device's bytes in, what it says and garbled bytes out; the same however the bytes are cut into chunks."""

    def feed(self, chunk: bytes) -> list[Heard[Said] | Garbled]:
        """What these bytes complete, in the order of the stream."""
        ...

    def flush(self) -> list[Heard[Said] | Garbled]:
        """The rest, when no more bytes come: end of input, or a silence longer than any pause inside a message."""
        ...


@dataclass(frozen=True, slots=True)
class Line:
    """One line with its end; `ended` is False for the rest of an input that stopped without one."""

    offset: int
    raw: bytes
    ended: bool = True


class LineSplitter:
    """Bytes in, lines out: each ends with LF, or with a CR that no LF follows. Holds at most one longest line.

    Args:
        longest: bytes of a line with its end. What is longer comes out as Garbled, in pieces of so many bytes.
        mark: ends a line, too, with the line end behind it if there is one.
    """

    def __init__(self, longest: int, mark: bytes = b"") -> None:
        self._longest = longest
        marked = re.escape(mark) + rb"(?:\r?\n|\r(?=[^\n])|(?=[^\r\n]))|"
        self._find_end = re.compile(marked + _LINE_END if mark else _LINE_END).search
        self._pending = bytearray()
        self._base = 0  # offset of the first byte held
        self._overlong = False

    def feed(self, chunk: bytes) -> list[Line | Garbled]:
        """The lines that these bytes end."""
        self._pending += chunk
        items: list[Line | Garbled] = []
        start = 0
        while found := self._find_end(self._pending, start):
            self._line(start, found.end(), items)
            start = found.end()
        while len(self._pending) - start > self._longest:
            items.append(self._too_long(start, start + self._longest))
            self._overlong = True
            start += self._longest
        del self._pending[:start]
        self._base += start
        return items

    def flush(self) -> list[Line | Garbled]:
        """The rest, if any; then begin anew."""
        items: list[Line | Garbled] = []
        if self._pending:
            rest = bytes(self._pending)
            line = Line(self._base, rest, ended=rest.endswith(b"\r"))
            items.append(Garbled(self._base, rest, self._reason()) if self._overlong else line)
            self._base += len(rest)
            self._pending.clear()
        self._overlong = False
        return items

    def _line(self, start: int, end: int, items: list[Line | Garbled]) -> None:
        while end - start > self._longest:
            items.append(self._too_long(start, start + self._longest))
            self._overlong = True
            start += self._longest
        if self._overlong:
            items.append(self._too_long(start, end))
            self._overlong = False
        else:
            items.append(Line(self._base + start, bytes(self._pending[start:end])))

    def _too_long(self, start: int, end: int) -> Garbled:
        return Garbled(self._base + start, bytes(self._pending[start:end]), self._reason())

    def _reason(self) -> str:
        return f"no line end within {self._longest} bytes"
