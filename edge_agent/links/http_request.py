"""HTTP/1.x requests without I/O: head and body from bytes, within bounds (RFC 9112). Pure.

Made for devices that push: a request line, fields, and a body with Content-Length or in chunks. What cannot be
understood without doubt is refused: two ways to read a request are two different requests.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from edge_agent.errors import LinkError

MAX_CHUNK_LINE_BYTES = 256  # a size in hexadecimal, and perhaps an extension
MAX_TRAILER_BYTES = 4 * 1024

_HEAD_END = re.compile(rb"\r?\n\r?\n")
_REQUEST_LINE = re.compile(r"([A-Z]{1,16}) (\S+) HTTP/(\d)\.(\d)")
_FIELD_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_ORIGIN = re.compile(r"\Ahttps?://[^/]*", re.IGNORECASE)
_LENGTH = re.compile(r"[0-9]{1,15}")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,12})[ \t]*(?:;[^\r\n]*)?\r?\n")


class RefusedRequestError(LinkError):
    """A request that gets no 200. `what` may be told to the peer; `cause` is for the gate's own people.

    Attributes:
        status: the answer's status.
        fields: further fields of the answer.
        expected: part of an orderly conversation (a first question without credentials), and no fault.
    """

    def __init__(
        self,
        status: HTTPStatus,
        what: str,
        *,
        cause: str = "",
        fields: Mapping[str, str] | None = None,
        expected: bool = False,
    ) -> None:
        """As EdgeAgentError, with the answer's status."""
        super().__init__(what, cause=cause)
        self.status, self.fields, self.expected = status, dict(fields or {}), expected


@dataclass(frozen=True, slots=True)
class Head:
    """A request without its body.

    `path` has no query; the fields' names are lower case, and the values of a repeated one are joined by ", ".
    """

    method: str
    path: str
    minor_version: int
    fields: Mapping[str, str]

    @property
    def keeps_alive(self) -> bool:
        """Whether the peer wants to send another request on this connection."""
        connection = self.fields.get("connection", "").lower()
        return "close" not in connection if self.minor_version else "keep-alive" in connection

    @property
    def expects_continue(self) -> bool:
        """Whether the peer waits for "100 Continue" before it sends the body."""
        return self.minor_version > 0 and self.fields.get("expect", "").lower() == "100-continue"


def head_end(received: bytes | bytearray, searched: int) -> int | None:
    """Where the head ends, its empty line included; None when it is not all there.

    `searched` bytes were looked at before, without success.
    """
    found = _HEAD_END.search(received, max(0, searched - 3))
    return found.end() if found else None


def parse_head(raw: bytes) -> Head:
    """Understand a head that ends in an empty line.

    Raises:
        RefusedRequestError: 400, or 505 for a version that is not 1.x.
    """
    first, *lines = raw.decode("latin-1").strip("\r\n").replace("\r\n", "\n").split("\n")
    request = _REQUEST_LINE.fullmatch(first)
    if request is None:
        raise RefusedRequestError(
            HTTPStatus.BAD_REQUEST, "This is no HTTP request", cause=f"it begins with {first[:40]!r}"
        )
    if request[3] != "1":
        raise RefusedRequestError(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, "Only HTTP/1.0 and HTTP/1.1 are spoken here")
    fields: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not _FIELD_NAME.fullmatch(name):  # also a folded line (RFC 9112 section 5.2 lets us refuse it)
            raise RefusedRequestError(HTTPStatus.BAD_REQUEST, f"The header field {line[:40]!r} is malformed")
        name, value = name.lower(), value.strip(" \t")
        fields[name] = f"{fields[name]}, {value}" if name in fields else value
    path = _ORIGIN.sub("", request[2]).partition("?")[0]
    return Head(request[1], path or "/", int(request[4]), fields)


class SizedBody:
    """A body of known length. Feed it until it returns what is left over."""

    def __init__(self, length: int) -> None:
        self.length = length
        self._content = bytearray()

    def feed(self, received: bytes) -> bytes | None:
        """What is left of `received` after the body's end; None: more is needed."""
        missing = self.length - len(self._content)
        self._content += received[:missing]
        return received[missing:] if len(received) >= missing else None

    @property
    def size(self) -> int:
        """Bytes of content so far."""
        return len(self._content)

    def content(self) -> bytes:
        """The content so far."""
        return bytes(self._content)


class ChunkedBody:
    """A body in chunks (RFC 9112 section 7.1) with at most `max_bytes` of content; the trailer is dropped."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._content = bytearray()
        self._pending = b""  # less than one line
        self._chunk_left = 0
        self._awaits_line_end = False
        self._trailer_bytes: int | None = None  # None until the last chunk

    def feed(self, received: bytes) -> bytes | None:
        """What is left of `received` after the body's end; None: more is needed.

        Raises:
            RefusedRequestError: 400 for broken chunks, 413 beyond the bound.
        """
        data, at = self._pending + received, 0
        self._pending = b""
        while at < len(data):
            if self._chunk_left:
                piece = data[at : at + self._chunk_left]
                self._content += piece
                self._chunk_left -= len(piece)
                at += len(piece)
                continue
            end = data.find(b"\n", at, at + MAX_CHUNK_LINE_BYTES) + 1
            if not end:
                self._keep(data[at:])
                return None
            line, at = data[at:end], end
            if self._line(line):
                return data[at:]
        return None

    @property
    def size(self) -> int:
        """Bytes of content so far."""
        return len(self._content)

    def content(self) -> bytes:
        """The content so far."""
        return bytes(self._content)

    def _keep(self, rest: bytes) -> None:
        if len(rest) >= MAX_CHUNK_LINE_BYTES:
            raise RefusedRequestError(HTTPStatus.BAD_REQUEST, "A line between the chunks is too long")
        self._pending = rest

    def _line(self, line: bytes) -> bool:
        """One line between chunks; True when it was the body's last."""
        if self._trailer_bytes is not None:
            self._trailer_bytes += len(line)
            if self._trailer_bytes > MAX_TRAILER_BYTES:
                raise RefusedRequestError(HTTPStatus.BAD_REQUEST, "The trailer is too long")
            return not line.strip()
        if self._awaits_line_end:
            if line.strip():
                raise RefusedRequestError(HTTPStatus.BAD_REQUEST, "A chunk is longer than its size says")
            self._awaits_line_end = False
            return False
        self._begin_chunk(line)
        return False

    def _begin_chunk(self, line: bytes) -> None:
        size = _CHUNK_SIZE.fullmatch(line)
        if size is None:
            raise RefusedRequestError(HTTPStatus.BAD_REQUEST, f"The chunk size {line[:20]!r} is malformed")
        self._chunk_left = int(size[1], 16)
        if len(self._content) + self._chunk_left > self._max_bytes:
            raise too_large(self._max_bytes)
        if self._chunk_left:
            self._awaits_line_end = True
        else:
            self._trailer_bytes = 0


def body_of(head: Head, max_bytes: int) -> SizedBody | ChunkedBody:
    """The body that follows a head.

    Raises:
        RefusedRequestError: 411 without a length, 413 beyond `max_bytes`, 400 for contradictions, 501 for a coding
            other than chunked.
    """
    coding, length = head.fields.get("transfer-encoding"), head.fields.get("content-length")
    if coding is not None:
        if length is not None or head.minor_version == 0:
            raise RefusedRequestError(
                HTTPStatus.BAD_REQUEST, "The body's length is given in two ways, or in one too new"
            )
        if coding.lower() != "chunked":
            raise RefusedRequestError(HTTPStatus.NOT_IMPLEMENTED, "The only transfer coding understood here is chunked")
        return ChunkedBody(max_bytes)
    if length is None:
        raise RefusedRequestError(HTTPStatus.LENGTH_REQUIRED, "The request does not say how long its body is")
    lengths = {text.strip() for text in length.split(",")}
    if len(lengths) > 1 or not _LENGTH.fullmatch(one := lengths.pop()):
        raise RefusedRequestError(HTTPStatus.BAD_REQUEST, f"The Content-Length {length[:40]!r} is no number")
    if int(one) > max_bytes:
        raise too_large(max_bytes)
    return SizedBody(int(one))


def too_large(max_bytes: int) -> RefusedRequestError:
    """413: the body exceeds the bound."""
    return RefusedRequestError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"The body has more than {max_bytes} bytes")
