r"""NMEA 0183 sentences: lines in, checked sentences and garbled bytes out. Sans-IO; for AIS and GNSS.

A sentence is `$` or `!`, an address, fields after commas, `*`, and two hexadecimal digits: the XOR of everything
between `$` and `*` (NMEA 0183 v4.10, 5.3; IEC 61162-1, 7.2). A sentence without the checksum, which the standard
allows, is refused here: nothing would tell a flipped digit. A tag block (`\s:…*hh\`, v4.10, 7) in front belongs to the
sentence, and so does what a network or a recorder wrote behind it after a comma or blank (station, time; as coast
guards do), which is not read and has no second `*`: that would be a sentence whose bytes are damaged.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from edge_agent.drivers.engine import WRONG_CHECKSUM, Garbled
from edge_agent.drivers.stream import Line, LineSplitter

LONGEST = 512
"""Bytes of a line: 82 by the standard, more with a tag block and in practice."""

_SENTENCE = re.compile(rb"[$!]([A-Z][A-Z0-9]{2,7}(?:,[ -)+-~]*)?)\*([0-9A-Fa-f]{2})(?:[,;\t ][\t -)+-~]*)?[\r\n]*")
_STARTS = (b"$", b"!")
_START = re.compile(rb"[$!]")
_TAG_BLOCK = re.compile(rb"\\([ -~]*)\*([0-9A-Fa-f]{2})\\\Z")
_BLANK = b" \r\n"


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence whose checksum is right. `talker` is "GP", "GN", "AI" …; of a proprietary sentence "P"."""

    offset: int
    raw: bytes
    talker: str
    kind: str
    fields: tuple[str, ...]
    text: bytes
    """From `$` or `!` to the checksum, without tag block and line end."""


class SentenceParser:
    """Bytes in, sentences and garbled bytes out; blank lines are passed over. Holds at most one line."""

    def __init__(self) -> None:
        self._lines = LineSplitter(LONGEST)

    def feed(self, chunk: bytes) -> list[Sentence | Garbled]:
        """What these bytes complete, in the order of the stream."""
        return self._read(self._lines.feed(chunk))

    def flush(self) -> list[Sentence | Garbled]:
        """The rest, when no more bytes come."""
        return self._read(self._lines.flush())

    @staticmethod
    def _read(lines: list[Line | Garbled]) -> list[Sentence | Garbled]:
        items: list[Sentence | Garbled] = []
        for line in lines:
            if isinstance(line, Garbled):
                items.append(line)
            else:
                _read_line(line, items.append)
        return items


def _read_line(line: Line, hand_out: Callable[[Sentence | Garbled], None]) -> None:
    """A sentence that lost its line end, or has noise in front, costs nothing but itself: each start is tried."""
    raw = line.raw
    if raw[:1] in _STARTS and raw.count(b"$") + raw.count(b"!") == 1:  # as nearly every line is
        hand_out(_sentence(line.offset, raw, raw, ended=line.ended))
        return
    starts = [found.start() for found in _START.finditer(raw)]
    first = starts[0] if starts else len(raw)
    begin = 0
    if prefix := raw[:first].strip(_BLANK):
        if not (starts and _tag_block_is_right(prefix)):
            hand_out(Garbled(line.offset, raw[:first], "no start of a sentence ($ or !)"))
            begin = first
    else:
        begin = first
    for start, end in pairwise([*starts, len(raw)]):
        hand_out(_sentence(line.offset + begin, raw[begin:end], raw[start:end], ended=line.ended))
        begin = end


def _sentence(offset: int, raw: bytes, text: bytes, *, ended: bool) -> Sentence | Garbled:
    found = _SENTENCE.fullmatch(text)
    if found is None:
        return Garbled(offset, raw, _why_not(text, ended=ended))
    content, told = found[1], int(found[2], 16)
    if (computed := _xor(content)) != told:
        return Garbled(
            offset, raw, f"{WRONG_CHECKSUM}: the sentence says {told:02X}, its characters give {computed:02X}"
        )
    address, *fields = content.decode("ascii").split(",")
    talker, kind = (address[0], address[1:]) if address[0] == "P" else (address[:2], address[2:])
    return Sentence(offset, raw, talker, kind, tuple(fields), text[: found.end(2)])


def _xor(content: bytes) -> int:
    """The XOR of all bytes: halves laid over each other until one byte is left."""
    bits = 8 << max(0, len(content) - 1).bit_length()
    folded = int.from_bytes(content)
    while bits > 8:  # noqa: PLR2004 - bits of a byte
        bits >>= 1
        folded ^= folded >> bits
    return folded & 0xFF


def _why_not(text: bytes, *, ended: bool) -> str:
    if b"*" not in text:
        return "the sentence has no checksum" if ended else "the input ended inside a sentence"
    return "not the form of a sentence"


def _tag_block_is_right(prefix: bytes) -> bool:
    found = _TAG_BLOCK.fullmatch(prefix)
    return found is not None and _xor(found[1]) == int(found[2], 16)
