"""The scanner driver: lines in, scans and garbled bytes out, as the profile describes them. Sans-IO."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from decimal import Decimal
from functools import reduce
from itertools import pairwise
from operator import xor

from edge_agent.drivers.engine import WRONG_CHECKSUM, Garbled
from edge_agent.drivers.stream import Heard, Line, LineSplitter
from edge_agent.drivers.xray.schema import FieldsLayer, LineChecksum, LineLayer, XrayProfile
from edge_agent.errors import ConfigError
from edge_agent.model.lane_readings import Scan

_BLANK = b" \r\n"
_BYTE_ORDER_MARK = "\ufeff"
_NOTHING = frozenset({"", "-", "--", "n/a", "null", "none"})
"""What controllers write where they have nothing to say."""


class _NotALineError(ValueError):
    """The line is not as the profile describes it; the text says why."""


class XrayDriver:
    """Reads one scanner's lines; holds at most one line.

    Raises:
        ConfigError: the profile is of a scanner that sends no lines.
    """

    def __init__(self, profile: XrayProfile) -> None:
        if profile.line is None or profile.field is None:
            raise ConfigError(f"{profile.name} describes no lines", fix="Its scans come as files")
        self._layer: LineLayer = profile.line
        self._fields: FieldsLayer = profile.field
        self._verdicts = profile.verdict
        self._full = profile.confidence_full
        self._start, self._end = profile.line.marks
        self._lines = LineSplitter(self._layer.longest, b"" if profile.line.checksum else self._end)

    def feed(self, chunk: bytes) -> list[Heard[Scan] | Garbled]:
        """What these bytes complete, in the order of the stream; blank lines are passed over."""
        return self._read(self._lines.feed(chunk))

    def flush(self) -> list[Heard[Scan] | Garbled]:
        """The rest: without its end a line may have been cut, and is not used."""
        return self._read(self._lines.flush())

    def _read(self, lines: list[Line | Garbled]) -> list[Heard[Scan] | Garbled]:
        items: list[Heard[Scan] | Garbled] = []
        for line in lines:
            if isinstance(line, Garbled):
                items.append(line)
            elif line.raw.strip(_BLANK):
                items += map(self._line, self._lines_in(line))
        return items

    def _lines_in(self, line: Line) -> Iterator[Line]:
        """Where a line begins with a mark: what stands in front of it, and each one whose end was lost, by itself."""
        at = [found.start() for found in re.finditer(re.escape(self._start), line.raw)] if self._start else []
        for first, last in pairwise([*([0] if 0 not in at else []), *at, len(line.raw)]):
            yield Line(line.offset + first, line.raw[first:last], ended=line.ended)

    def _line(self, line: Line) -> Heard[Scan] | Garbled:
        if not line.ended and not (self._end and line.raw.endswith(self._end)):
            return Garbled(line.offset, line.raw, "the input ended inside a line")
        try:
            return Heard(line.offset, line.raw, self._scan(self._body(line.raw.rstrip(b"\r\n"))))
        except _NotALineError as error:
            return Garbled(line.offset, line.raw, str(error))

    def _body(self, raw: bytes) -> str:
        """The text between start, and end or checksum."""
        layer = self._layer
        if layer.checksum is not None:
            raw = _checked(raw, layer.checksum)
        try:
            text = raw.decode(layer.encoding)
        except UnicodeDecodeError as error:
            raise _NotALineError(f"not {layer.encoding}: byte {error.start}") from None
        text = text.removeprefix(_BYTE_ORDER_MARK)
        if not text.startswith(layer.start) or not text.endswith(layer.end):
            raise _NotALineError("the line does not begin or end as the profile says")
        return text[len(layer.start) : len(text) - len(layer.end)]

    def _scan(self, text: str) -> Scan:
        values = self._values(text)
        scan_id = values.get("scan_id")
        if scan_id is None:
            raise _NotALineError("the line names no scan")
        word = values.get("verdict")
        return Scan(
            scan_id=scan_id,
            verdict=None if word is None else self._verdicts.get(word.casefold()),
            device_verdict=word,
            object_class=values.get("object_class"),
            confidence=self._confidence(values.get("confidence")),
            image_name=values.get("image"),
        )

    def _values(self, text: str) -> dict[str, str | None]:
        """Each field's text without the blanks around it; None when it is empty, or a mark that stands for nothing."""
        layer = self._layer
        if layer.separator is not None:
            columns = self._columns(text, layer.separator)
            if len(columns) != layer.columns:
                raise _NotALineError(f"{len(columns)} columns, the profile says {layer.columns}")
            found = {name: columns[place.column or 0] for name, place in self._fields.present().items()}
        else:
            found = {}
            for name, place in self._fields.present().items():
                start, end = place.at or (0, 0)
                if len(text) < end:
                    raise _NotALineError(f"{len(text)} characters, {name} reaches to {end}")
                found[name] = text[start:end]
        plain = {name: value.strip("\0").strip() for name, value in found.items()}
        return {name: None if value.casefold() in _NOTHING else value for name, value in plain.items()}

    def _columns(self, text: str, separator: str) -> list[str]:
        if self._layer.quote is None:
            return text.split(separator)
        try:
            return next(csv.reader([text], delimiter=separator, quotechar=self._layer.quote, strict=True), [])
        except csv.Error:
            raise _NotALineError("its quotes do not close where a field ends") from None

    def _confidence(self, text: str | None) -> Decimal | None:
        """0 to 1, exact."""
        if text is None:
            return None
        if not re.fullmatch(r"\d{1,4}(?:\.\d{1,6})?%?", text):
            raise _NotALineError(f"confidence {text!r} is no number")
        value = Decimal(text.removesuffix("%")) / (100 if text.endswith("%") else self._full)
        if value > 1:
            raise _NotALineError(f"confidence {text} is more than {self._full}")
        return value


def _checked(raw: bytes, checksum: LineChecksum) -> bytes:
    """The line before its checksum."""
    found = re.fullmatch(rb"(.*)" + re.escape(checksum.mark.encode()) + rb"([0-9A-Fa-f]{2}) *", raw, re.DOTALL)
    if found is None:
        raise _NotALineError("the line has no checksum")
    over, told = found[1], int(found[2], 16)
    computed = reduce(xor, over, 0) if checksum.algorithm == "xor8" else sum(over) & 0xFF
    if computed != told:
        raise _NotALineError(f"{WRONG_CHECKSUM}: the line says {told:02X}, its bytes give {computed:02X}")
    return over
