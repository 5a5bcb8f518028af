"""Machine-readable zones out of a reader's bytes: lines are put together until they are a zone. Sans-IO.

No byte of a document leaves here except in the zone itself. What is garbled may be half a document: it comes out with
its length and line ends, and everything else covered.

Forms of the lines: ICAO Doc 9303, parts 4 to 7 (2 lines of 44 or 36 characters, 3 of 30), and the 18 characters of a
citizen's number (GB 11643). That readers send them as text, each line ended by CR, LF or both, or a zone as one line,
is inferred.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from edge_agent.drivers.document.schema import ZoneLayer
from edge_agent.drivers.engine import Garbled
from edge_agent.drivers.stream import Heard
from gate_contract.travel_documents import DocumentError, TravelDocument, read_citizen_number, read_document

LONGEST: Final = 128
"""Bytes of a line without its end; a whole zone as one line has 90 characters."""

_LINES: Final = {30: 3, 36: 2, 44: 2}
"""Characters of a line, and how many such lines a zone has."""

_CITIZEN: Final = 18
"""Characters of a citizen's number, which comes alone."""

_JOINED: Final = {width * lines: width for width, lines in _LINES.items()}
"""Characters of a zone that comes as one line, and the width of its lines."""

_FIRST: Final = {
    30: re.compile(r"[ACI][A-Z<][A-Z<]{3}"),
    36: re.compile(r"[ACIPV][A-Z<][A-Z<]{3}[A-Z<]{31}"),
    44: re.compile(r"[ACIPV][A-Z<][A-Z<]{3}[A-Z<]{39}"),
}
"""Beginnings of a zone: document code and issuer, and in two-line zones a name without digits."""

_NAME: Final = re.compile(r"[A-Z<]{30}")
"""The last line of three."""

_DATES: Final = r"(?=.*[0-9]).{9}[0-9<][A-Z<]{3}[0-9<]{7}[MFX<][0-9<]{7}"
_LATER: Final = {
    30: re.compile(rf"[0-9<]{{7}}[MFX<][0-9<]{{7}}|{_NAME.pattern}"),
    36: re.compile(_DATES),
    44: re.compile(_DATES),
}
"""Lines that no zone begins with: dates and sex at their places, or in three-line zones the name."""

_END: Final = re.compile(rb"[\r\n]")
_SPACE, _TILDE = ord(" "), ord("~")  # the first and last character that is printed
_COVER: Final = bytes(each if each < _SPACE else ord("x") if each <= _TILDE else 0xFF for each in range(256))
"""Control characters stay, other bytes become x, and those that are no text 0xFF: enough to see a wrong baud rate."""

_ANY_DAY: Final = date(2026, 1, 1)


@dataclass(frozen=True, slots=True)
class Zone:
    """A zone, or a citizen's number, whose form holds; check digits may still be wrong.

    `text` is personal data, its lines ended by LF.
    """

    text: str = field(repr=False)

    def document(self, today: date) -> TravelDocument:
        """What it says; `today` chooses the century of the last day."""
        if len(self.text) == _CITIZEN:
            return read_citizen_number(self.text)
        return read_document(self.text, today)


@dataclass(frozen=True, slots=True)
class _Line:
    """One line: where it began, its bytes with their end, and its characters."""

    offset: int
    raw: bytes
    text: str


class ZoneParser:
    """Bytes in, zones and garbled bytes out; holds at most one zone and one line.

    Args:
        layer: the profile's `[zone]`.
        reveal: bytes come out as they are, for a person who asked for it; never in a running agent.
    """

    def __init__(self, layer: ZoneLayer, *, reveal: bool = False) -> None:
        self._dropped = bytes.fromhex(layer.dropped or "")
        self._reveal = reveal
        self._pending = bytearray()
        self._base = 0  # offset of the first byte held
        self._overlong = False
        self._lines: list[_Line] = []

    def feed(self, chunk: bytes) -> list[Heard[Zone] | Garbled]:
        """What these bytes complete, in the order of the stream."""
        self._pending += chunk
        items: list[Heard[Zone] | Garbled] = []
        while found := _END.search(self._pending):
            items += self._line(found.end())
        while len(self._pending) > LONGEST:
            items += self._too_long(LONGEST)
        return items

    def flush(self) -> list[Heard[Zone] | Garbled]:
        """The rest, when no more bytes come: a last line without an end is taken as it is."""
        items = list(self._line(len(self._pending))) if self._pending else []
        self._overlong = False
        return [*items, *self._cut_off()]

    def _line(self, end: int) -> Iterator[Heard[Zone] | Garbled]:
        while end > LONGEST + 1:
            yield from self._too_long(LONGEST)
            end -= LONGEST
        if self._overlong:
            yield from self._too_long(end)
            self._overlong = False
            return
        line = self._taken(end)
        if not line.text:
            return
        yield from self._fitted(line)

    def _fitted(self, line: _Line) -> Iterator[Heard[Zone] | Garbled]:
        """A line among those that wait."""
        width = len(line.text)
        if not line.text.isascii() or width not in {*_LINES, *_JOINED, _CITIZEN}:
            yield from self._cut_off()
            reason = f"a line of {width} characters: those of a machine-readable zone have 30, 36 or 44"
            yield self._garbled([line], reason if line.text.isascii() else "bytes that are not text")
            return
        if width not in _LINES:
            yield from self._cut_off()
            yield self._zone([line], _JOINED.get(width, width))
            return
        if self._lines and not self._goes_on(line.text):
            yield from self._cut_off()
        if not self._lines and _LATER[width].match(line.text) and not _FIRST[width].match(line.text):
            yield self._garbled([line], "the beginning of the machine-readable zone is missing")
            return
        self._lines.append(line)
        if len(self._lines) == _LINES[width]:
            lines, self._lines = self._lines, []
            yield self._zone(lines, width)

    def _goes_on(self, text: str) -> bool:
        """Whether this can follow the lines that wait: as wide, no beginning, and no last line that comes too early."""
        width = len(text)
        if width != len(self._lines[0].text) or (_FIRST[width].match(text) and not _LATER[width].match(text)):
            return False
        return not (_LINES[width] - len(self._lines) > 1 and _NAME.fullmatch(text))

    def _zone(self, lines: list[_Line], width: int) -> Heard[Zone] | Garbled:
        joined = "".join(line.text for line in lines)
        zone = Zone("\n".join(joined[at : at + width] for at in range(0, len(joined), width)))
        try:
            zone.document(_ANY_DAY)  # for its form; the day does not matter
        except DocumentError as error:
            return self._garbled(lines, str(error))
        return Heard(lines[0].offset, self._shown(lines), zone)

    def _cut_off(self) -> Iterator[Garbled]:
        """Lines that wait for a line which did not come."""
        lines, self._lines = self._lines, []
        if lines:
            yield self._garbled(lines, f"the machine-readable zone was cut off after line {len(lines)}")

    def _too_long(self, end: int) -> Iterator[Garbled]:
        yield from self._cut_off()
        self._overlong = True
        yield self._garbled([self._taken(end)], f"no line end within {LONGEST} bytes")

    def _taken(self, end: int) -> _Line:
        raw = bytes(self._pending[:end])
        del self._pending[:end]
        offset, self._base = self._base, self._base + end
        text = "".join(raw.translate(None, self._dropped).decode("latin-1").split()).upper()
        return _Line(offset, raw, text)

    def _garbled(self, lines: list[_Line], reason: str) -> Garbled:
        return Garbled(lines[0].offset, self._shown(lines), reason)

    def _shown(self, lines: list[_Line]) -> bytes:
        raw = b"".join(line.raw for line in lines)
        return raw if self._reveal else raw.translate(_COVER)
