"""What the profile of a scanner says: how lines are cut into fields and what words mean, or that it drops files.

No maker's line protocol is public, so a profile describes what one installation's scanner was seen to send.
"""

from __future__ import annotations

import codecs
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StrictInt, model_validator
from pydantic_core import PydanticCustomError

from edge_agent.drivers.layer import Layer
from edge_agent.drivers.schema import DeviceLayer
from edge_agent.drivers.stream import StreamLink

Verdict = Literal["clear", "suspect", "alarm"]

FIELDS = ("scan_id", "verdict", "class", "confidence", "image")


def _span(span: tuple[int, int]) -> tuple[int, int]:
    if not 0 <= span[0] < span[1]:
        raise PydanticCustomError("span", "a span is [first, one past the last], counted from 0")
    return span


Span = Annotated[tuple[StrictInt, StrictInt], AfterValidator(_span)]


def _encoding(name: str) -> str:
    """One in which line ends are the bytes that they are in ASCII: lines are cut before they are read."""
    try:
        codecs.lookup(name)
    except LookupError:
        raise PydanticCustomError("encoding", "not an encoding that Python knows") from None
    try:
        ascii_stays = "A,|\r\n".encode(name) == b"A,|\r\n"
    except LookupError:  # Python has codecs that are none of text
        ascii_stays = False
    if not ascii_stays:
        raise PydanticCustomError("encoding", "lines of text cannot be cut in it; write utf-8, gb18030, latin-1 …")
    return name


def _verdict_words(words: dict[str, Verdict]) -> dict[str, Verdict]:
    """As they are compared: capital letters are the same as small ones."""
    plain = {word.casefold(): verdict for word, verdict in words.items()}
    for word, verdict in words.items():
        if plain[word.casefold()] != verdict:
            what = f"{word} stands for two verdicts: capital letters are the same as small ones"
            raise PydanticCustomError("verdict", "{what}", {"what": what})
    return plain


class LineChecksum(Layer):
    """Two hexadecimal digits at the end of a line, after `mark`, over everything before it from `start` on."""

    algorithm: Literal["xor8", "sum8"]
    mark: Annotated[str, Field(min_length=1, max_length=1)]


class LineField(Layer):
    """Where a field stands: `column` counts from 0 in a delimited line, `at` is a span of characters in a fixed one."""

    column: Annotated[StrictInt, Field(ge=0, lt=64)] | None = None
    at: Span | None = None


class LineLayer(Layer):
    """`[line]`: how a line looks. It ends with CR, LF or both; `start` and `end` stand around its fields (STX, ETX).

    Behind `end` the line end may be missing, unless a checksum stands there. `columns`: how many fields a delimited
    line has, exactly. `quote`: a mark around a field that may hold the separator; doubled inside, it stands for itself.
    `longest`: bytes with the line end.
    """

    form: Literal["delimited", "fixed"]
    separator: Annotated[str, Field(min_length=1, max_length=4)] | None = None
    quote: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    columns: Annotated[StrictInt, Field(ge=1, le=64)] | None = None
    start: str = ""
    end: str = ""
    encoding: Annotated[str, AfterValidator(_encoding)] = "utf-8"
    longest: Annotated[StrictInt, Field(ge=8, le=4096)] = 512
    checksum: LineChecksum | None = None

    @property
    def marks(self) -> tuple[bytes, bytes]:
        """`start` and `end` as they are sent; UnicodeEncodeError when they cannot be."""
        return self.start.encode(self.encoding), self.end.encode(self.encoding)

    @model_validator(mode="after")
    def _form_is_whole(self) -> Self:
        try:
            _ = self.marks
        except UnicodeEncodeError:
            what = f"start or end has a character that {self.encoding} does not have"
            raise PydanticCustomError("mark", "{what}", {"what": what}) from None
        if (self.form == "delimited") != (self.separator is not None and self.columns is not None):
            what = "a delimited line needs separator and columns, a fixed one has neither"
            raise PydanticCustomError("form", "{what}", {"what": what})
        if self.quote is not None and len(self.separator or "") != 1:
            raise PydanticCustomError("quote", "quote is for a delimited line whose separator is one character")
        return self


class FieldsLayer(Layer):
    """`[field.*]`: which of them the scanner sends; only the scan's name is needed."""

    scan_id: LineField
    verdict: LineField | None = None
    object_class: Annotated[LineField | None, Field(alias="class")] = None
    confidence: LineField | None = None
    image: LineField | None = None

    def present(self) -> dict[str, LineField]:
        """Those that are sent, by name."""
        known = {
            "scan_id": self.scan_id,
            "verdict": self.verdict,
            "object_class": self.object_class,
            "confidence": self.confidence,
            "image": self.image,
        }
        return {name: field for name, field in known.items() if field is not None}


class ImageLayer(Layer):
    """`[image]`: the picture's file. `wait_seconds`: how long after the line it may come.

    `complete`: "renamed" (a file has its final name only when whole) or "stable" (its size stands still for
    `stable_seconds`).
    """

    complete: Literal["renamed", "stable"]
    stable_seconds: Annotated[StrictInt, Field(ge=1, le=60)] = 2
    wait_seconds: Annotated[StrictInt, Field(ge=1, le=600)]
    most_bytes: Annotated[StrictInt, Field(ge=1, le=256 * 1024 * 1024)]


class DicosLayer(Layer):
    """`[dicos]`: the scanner drops DICOS (DICOM) files; each is a scan. `suffixes`: of their names, lower case."""

    suffixes: Annotated[tuple[str, ...], Field(min_length=1)]


class XrayProfile(Layer):
    """`xray/*`: a scanner that sends a line for each scan, or drops DICOS files."""

    name: str
    device: DeviceLayer
    link: StreamLink | None = None
    line: LineLayer | None = None
    field: FieldsLayer | None = None
    verdict: Annotated[dict[str, Verdict], AfterValidator(_verdict_words)] = Field(default_factory=dict)
    confidence_full: Annotated[StrictInt, Field(ge=1, le=1000)] = 1
    image: ImageLayer
    dicos: DicosLayer | None = None

    @model_validator(mode="after")
    def _is_one_of_both(self) -> Self:
        lines = (self.link, self.line, self.field)
        if (self.dicos is None) == any(each is None for each in lines) or (self.dicos and any(lines)):
            raise PydanticCustomError("kind", "write link, line and field for a line protocol, or dicos instead")
        if self.line and self.field:
            _fits(self.line, self.field)
        return self


def _fits(line: LineLayer, fields: FieldsLayer) -> None:
    for name, place in fields.present().items():
        if line.form == "fixed" and place.at is None:
            raise PydanticCustomError("place", "field.{name} of a fixed line needs at = [first, end]", {"name": name})
        if line.form == "delimited" and (place.column is None or place.column >= (line.columns or 0)):
            raise PydanticCustomError(
                "place", "field.{name} needs a column below {columns}", {"name": name, "columns": line.columns}
            )
