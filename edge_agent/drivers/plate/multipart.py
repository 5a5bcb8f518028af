"""Multipart bodies (form-data and mixed) as plate cameras send them. Pure; every bound is a constant of this module.

RFC 2046 section 5.1 and RFC 7578, with what cameras make of them: lengths that lie, header lines that end in LF, no
final boundary, no Content-Type, a bare XML document instead of a multipart body.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from edge_agent.errors import EdgeAgentError

MAX_PARTS = 16  # a camera sends one document and up to five pictures
MAX_PART_HEADER_BYTES = 8 * 1024  # real ones have about 200 bytes
MAX_BOUNDARY_CHARS = 200  # RFC 2046 allows 70; some senders exceed it

_DECLARED = re.compile(
    rf"""boundary\s*=\s*(?:"([^"]{{1,{MAX_BOUNDARY_CHARS}}})"|([^\s;,"]{{1,{MAX_BOUNDARY_CHARS}}}))""", re.IGNORECASE
)
_FIRST_LINE = re.compile(rb"\A\s{0,16}--([^\r\n]{1,%d}?)(?:--)?[ \t]{0,16}\r?\n" % MAX_BOUNDARY_CHARS)
_PARAMETER = r"""(?:^|;)\s*%s\s*=\s*(?:"([^"]*)"|([^;\s]*))"""
_NAME = re.compile(_PARAMETER % "name", re.IGNORECASE)
_FILE_NAME = re.compile(_PARAMETER % "filename", re.IGNORECASE)
_LENGTH = re.compile(r"\d{1,12}")


class MultipartError(EdgeAgentError):
    """The body cannot be taken apart; `str()` says why."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a message.

    Attributes:
        name: of the form field; the Content-ID where there is none; else "".
        filename: "" when not given.
        content_type: as written, e.g. 'text/xml; charset="UTF-8"'; "" when not given.
        body: the content, without the line break that belongs to the boundary.
        complete: False when the message ended before the part was known to be whole.
    """

    name: str
    filename: str
    content_type: str
    body: bytes
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Multipart:
    """A message taken apart.

    Attributes:
        parts: in the order sent.
        truncated: the message has no final boundary: it may have been cut.
        faults: what is wrong with the message, in words; () for a sound one.
    """

    parts: tuple[Part, ...]
    truncated: bool = False
    faults: tuple[str, ...] = ()


def parse_multipart(content_type: str, body: bytes, max_parts: int = MAX_PARTS) -> Multipart:
    """Take a body apart.

    Where a part ends: its Content-Length decides if, counted from the part's first byte, it leads exactly to a boundary
    line, whatever the content looks like in between. It also decides if it leads to where the message was cut, unless
    a boundary line comes before that. Any other Content-Length is a lie, and the next boundary line decides. A boundary
    line begins a line, and holds nothing but the boundary.

    The boundary is the declared one; if that never occurs, the one that the body itself begins with. A body that is one
    XML document gives one part without a name.

    Raises:
        MultipartError: the body is empty, has no boundary and is no XML, or exceeds a bound.
    """
    if not body:
        raise MultipartError("The body is empty")
    boundary, faults = _boundary(content_type, body)
    if boundary is None:
        return _bare_document(content_type, body)
    return _Reader(body, boundary, max_parts, faults).read()


def _boundary(content_type: str, body: bytes) -> tuple[bytes | None, list[str]]:
    """The boundary that occurs in the body, and what is wrong with its declaration."""
    candidates: list[tuple[bytes, str]] = []
    if declared := _DECLARED.search(content_type):
        text = (declared[1] or declared[2]).encode("utf-8", "replace")
        candidates.append((text, ""))
        if text.startswith(b"--"):  # a well-known mistake: the dashes of the boundary line are declared with it
            candidates.append((text[2:], "the declared boundary includes the dashes of the boundary line"))
    if first := _FIRST_LINE.match(body):
        fault = "the declared boundary never occurs" if declared else "no boundary is declared"
        candidates.append((first[1], f"{fault}; the body's own is used"))
    for candidate, fault in candidates:
        if candidate and _line(candidate).search(body):
            return candidate, [fault] if fault else []
    return None, []


def _bare_document(content_type: str, body: bytes) -> Multipart:
    begins_like_xml = body.lstrip(b"\xef\xbb\xbf \t\r\n\0").startswith(b"<")
    is_multipart = content_type.lstrip().lower().startswith("multipart/")
    if not begins_like_xml and (is_multipart or "xml" not in content_type.lower()):
        raise MultipartError(
            f"The body begins with {body[:16]!r}: no boundary line and no XML", cause=f"Content-Type {content_type!r}"
        )
    faults = ("a bare XML document is declared as multipart",) if is_multipart else ()
    return Multipart((Part("", "", content_type, body),), faults=faults)


def _line(boundary: bytes) -> re.Pattern[bytes]:
    """A boundary line at the beginning of a line; group 1 is there when it is the final one."""
    return re.compile(rb"(?:\A|(?<=\n))--" + re.escape(boundary) + rb"(--)?[ \t]*\r?(?:\n|\Z)")


class _Reader:
    """One pass over one body."""

    def __init__(self, body: bytes, boundary: bytes, max_parts: int, faults: list[str]) -> None:
        self._body, self._max_parts, self._faults = body, max_parts, faults
        self._line = _line(boundary)
        # After a length, the line break before the boundary may be counted in or missing.
        self._line_here = re.compile(rb"(?:\r?\n)?--" + re.escape(boundary) + rb"(--)?[ \t]*\r?(?:\n|\Z)")
        self._cut_lines = (b"\r\n--" + boundary + b"--\r\n", b"\n--" + boundary + b"--\n")

    def read(self) -> Multipart:
        parts: list[Part] = []
        line = self._line.search(self._body)
        while line is not None and not line[1]:
            if len(parts) == self._max_parts:
                raise MultipartError(f"The message has more than {self._max_parts} parts")
            number = len(parts) + 1
            headers, start = self._headers(line.end(), number)
            if start is None:
                return self._cut(parts, f"the message ends inside the headers of part {number}")
            end, line, complete = self._end(start, headers.get("content-length", ""), number)
            parts.append(_part(headers, self._body[start:end], complete=complete))
        if line is None:
            state = "complete" if parts[-1].complete else "perhaps not complete"
            return self._cut(parts, f"no final boundary; part {len(parts)} is {state}")
        return Multipart(tuple(parts), faults=tuple(self._faults))

    def _cut(self, parts: list[Part], why: str) -> Multipart:
        return Multipart(tuple(parts), truncated=True, faults=(*self._faults, why))

    def _headers(self, at: int, number: int) -> tuple[dict[str, str], int | None]:
        """The header fields from `at`, and where the content begins; None when the message ends before."""
        headers: dict[str, str] = {}
        limit = at + MAX_PART_HEADER_BYTES
        while (end := self._body.find(b"\n", at, limit)) >= 0:
            text = self._body[at:end].decode("utf-8", "replace").strip()
            at = end + 1
            if not text:
                return headers, at
            name, _, value = text.partition(":")
            headers.setdefault(name.strip().lower(), value.strip())
        if len(self._body) >= limit:
            raise MultipartError(f"The headers of part {number} exceed {MAX_PART_HEADER_BYTES} bytes")
        return headers, None

    def _end(self, start: int, length: str, number: int) -> tuple[int, re.Match[bytes] | None, bool]:
        """Where the part's content ends, the boundary line after it (None: there is none), and whether it is whole."""
        following = self._line.search(self._body, start)
        if _LENGTH.fullmatch(length):
            end = start + int(length)
            if right := self._line_here.match(self._body, end):
                return end, right, True
            if following is None and end <= len(self._body) and self._is_cut_line(self._body[end:]):
                return end, None, True
        if following is None:
            return len(self._body), None, False
        end = self._without_line_break(start, following.start())
        if length and length != str(end - start):
            self._faults.append(f"part {number} says Content-Length {length[:20]} and has {end - start} bytes")
        return end, following, True

    def _is_cut_line(self, rest: bytes) -> bool:
        return any(line.startswith(rest) for line in self._cut_lines)

    def _without_line_break(self, start: int, end: int) -> int:
        """The line break before a boundary line belongs to that line (RFC 2046 section 5.1.1)."""
        if end > start and self._body[end - 1 : end] == b"\n":
            end -= 1
            if end > start and self._body[end - 1 : end] == b"\r":
                end -= 1
        return end


def _part(headers: Mapping[str, str], body: bytes, *, complete: bool) -> Part:
    disposition = headers.get("content-disposition", "")
    name = _first_group(_NAME, disposition) or headers.get("content-id", "").strip("<>")
    return Part(name, _first_group(_FILE_NAME, disposition), headers.get("content-type", ""), body, complete)


def _first_group(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return (found[1] or found[2] or "") if found else ""
