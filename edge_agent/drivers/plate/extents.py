"""Where a document ends in a stream of bytes that only it can tell: XML, JSON, and Dahua's events. Pure.

An extent is fed a growing buffer in which its document begins at `start`. It never looks twice at what it has passed,
and what it finds does not depend on how the buffer grew.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

MAX_HEAD_BYTES = 16 * 1024  # an XML prolog and the tag of its root; the line of a Dahua event before its data
MAX_JSON_DEPTH = 40

_CONTROL = rb"\x00-\x08\x0e-\x1f"  # no text has them, and pictures are full of them
# "~" stands for the characters that no text has.
_PROLOG = re.compile(
    (
        rb"(?:\s+|<\?[^>~]{0,512}\?>|<!--(?:(?!-->)[^~]){0,4096}-->"
        rb"|<!DOCTYPE[^\[>~]{0,512}(?:\[[^\]~]{0,4096}\][^>~]{0,64})?>)*"
    ).replace(b"~", _CONTROL)
)
_ROOT = re.compile(
    rb"""<([A-Za-z_][\w:.-]{0,127})(?=[\s/>])((?:[^<>"'~]++|"[^"~]*"|'[^'~]*')*)>""".replace(b"~", _CONTROL)
)
_STRING = rb'"[^"\\' + _CONTROL + rb"]*+(?:\\[^" + _CONTROL + rb"][^\"\\" + _CONTROL + rb']*+)*+"'
_FLAT = rb"[\s,:0-9A-Za-z+.\-]*+(?:" + _STRING + rb"[\s,:0-9A-Za-z+.\-]*+)*+"
# What stands between two brackets goes at once; a string without an end stops at its quote.
_JSON_TOKEN = re.compile(_FLAT + rb"([\"{}\[\]]|[^\s,:0-9A-Za-z+.\-])")
# A whole one that is not deep, as nearly all are, goes at once.
_INSIDE = _FLAT
for _ in range(6):
    _INSIDE = _FLAT + rb"(?:[{\[]" + _INSIDE + rb"[}\]]" + _FLAT + rb")*+"
_JSON_WHOLE = re.compile(rb"[{\[]" + _INSIDE + rb"[}\]]")
_IN_STRING = re.compile(rb'[^"\\' + _CONTROL + rb"]*+(?:\\[^" + _CONTROL + rb"][^\"\\" + _CONTROL + rb"]*+)*+")
_QUOTE, _BACKSLASH = ord('"'), ord("\\")
_CONTROLS = bytes.maketrans(bytes(range(9)) + bytes(range(14, 32)), bytes([1, *[0] * 26]))
_DATA = re.compile(rb";[ \t]*data[ \t]*=[ \t]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Broken:
    """There is no document: the bytes up to `at` are none, for `reason`."""

    at: int
    reason: str


End = int | Broken | None
"""One past the document's last byte; or that it is none; or that more bytes are needed."""


class Extent(Protocol):
    """Finds the end of one document."""

    def find(self, buffer: bytearray, limit: int) -> End:
        """Look at the buffer up to `limit`."""
        ...


class XmlExtent:
    """From the prolog to the root's closing tag.

    A root never holds an element of its own name, nor an XML declaration: where one begins, the document was cut.
    """

    def __init__(self, start: int = 0) -> None:
        self._start = self._at = start
        self._name = b""
        self._window = 4096

    def find(self, buffer: bytearray, limit: int) -> End:
        """See Extent."""
        if not self._name:
            end = self._open(buffer, limit)
            if end is not None or not self._name:
                return end
        while True:
            stop = min(limit, self._at + self._window)
            end = self._look(buffer, stop)
            if end is not None:
                return end
            self._at = max(self._at, stop - len(self._name) - 80)
            if stop == limit:
                return None
            self._window *= 2

    def _open(self, buffer: bytearray, limit: int) -> End:
        prolog = _PROLOG.match(buffer, self._at, limit)
        root = _ROOT.match(buffer, prolog.end() if prolog else self._at, limit)
        if root is None:
            is_none = limit - self._start > MAX_HEAD_BYTES or _has_controls(buffer[self._start : limit])
            return (
                Broken(self._start + 1, "this is no XML") if is_none else None
            )  # the first tag can become one no more
        if root[2].endswith(b"/"):
            return root.end()
        self._name, self._at = root[1], root.end()
        return None

    def _look(self, buffer: bytearray, stop: int) -> End:
        """From where it stands up to `stop`: quickly where nothing is odd, else by what comes first."""
        at, name = self._at, self._name
        named = buffer.find(name, at, stop)  # one search, where nothing else has the root's name
        before = stop if named < 0 else named - len("</")
        if buffer.find(b"<?", at, before) < 0 and not _has_controls(buffer[at:before]):
            end = named + len(name) + 1
            if named < 0:
                return None
            if before >= at and buffer[before:named] == b"</" and buffer[end - 1 : min(end, stop)] == b">":
                return end
        found = _what_ends(name).search(buffer, at, stop)
        if found is None or found[0].startswith(b"</"):
            return found and found.end()
        return Broken(max(self._start + 1, found.start()), "the document breaks off, and something else begins")


@lru_cache(maxsize=64)
def _what_ends(name: bytes) -> re.Pattern[bytes]:
    name = re.escape(name)
    return re.compile(rb"</" + name + rb"\s{0,64}>|<" + name + rb"[\s/>]|<\?xml\s|[" + _CONTROL + rb"]")


class JsonExtent:
    """An object or list, up to the bracket that closes it."""

    def __init__(self, start: int = 0) -> None:
        self._start = self._at = start
        self._depth = 0
        self._is_new = True
        self._in_string = False

    def find(self, buffer: bytearray, limit: int) -> End:
        """See Extent."""
        if self._is_new:
            self._is_new = False
            if whole := _JSON_WHOLE.match(buffer, self._at, limit):
                return whole.end()
        return self._go_on(buffer, limit)

    def _go_on(self, buffer: bytearray, limit: int) -> End:
        while self._at < limit:  # beyond it is what a boundary line, known by now, has cut off
            if self._in_string:
                ended = self._string(buffer, limit)
                if not isinstance(ended, int):
                    return ended
                self._at, self._in_string = ended, False
            token = _JSON_TOKEN.match(buffer, self._at, limit)
            if token is None:
                self._at = limit
                return None
            self._at = token.end()
            match token[1]:
                case b'"':
                    self._in_string = True
                case b"{" | b"[":
                    self._depth += 1
                    if self._depth > MAX_JSON_DEPTH:
                        return Broken(token.start(1), "the document is too deep")
                case b"}" | b"]":
                    self._depth -= 1
                    if self._depth == 0:
                        return token.end()
                case _:
                    return Broken(max(self._start + 1, token.start(1)), "this is no JSON")
        return None

    def _string(self, buffer: bytearray, limit: int) -> End:
        """One past the end of the string under way."""
        inside = _IN_STRING.match(buffer, self._at, limit)
        at = self._at = inside.end() if inside else self._at
        if at == limit or (buffer[at] == _BACKSLASH and at + 1 == limit):
            return None
        if buffer[at] != _QUOTE:
            return Broken(max(self._start + 1, at), "this is no JSON")
        return at + 1


class DahuaExtent:
    """`Code=…;action=…;index=…` up to the end of the line, or to the end of the JSON after `data=`."""

    def __init__(self, start: int = 0) -> None:
        self._start = start
        self._json: JsonExtent | None = None

    @property
    def is_line(self) -> bool:
        """Whether the end of the line ends it, as no data was found so far."""
        return self._json is None

    def find(self, buffer: bytearray, limit: int) -> End:
        """See Extent."""
        if self._json is not None:
            return self._json.find(buffer, limit)
        line_end = buffer.find(b"\n", self._start, limit)
        data = _DATA.search(buffer, self._start, line_end if line_end >= 0 else limit)
        if data is None:
            if line_end < 0 and limit - self._start > MAX_HEAD_BYTES:
                return Broken(limit, "the line of an event has no end")
            return line_end if line_end >= 0 else None
        if bytes(buffer[data.end() : min(data.end() + 1, limit)]) not in (b"{", b"["):
            return line_end if line_end >= 0 else None
        self._json = JsonExtent(data.end())
        return self._json.find(buffer, limit)


def _has_controls(data: bytes | bytearray) -> bool:
    """Whether there are characters that no text has."""
    return data.translate(_CONTROLS) != data  # twice as fast as looking for them
