"""Where a picture ends in a stream of bytes. Pure.

At its Content-Length, if that leads to the picture's own end mark or to a boundary line; before that, where its own end
mark is followed by a boundary line. Any other Content-Length is a lie, and the next boundary line decides.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

MAX_PICTURE_BYTES = 8 * 1024 * 1024  # a full frame of a 12 megapixel camera has about 4 MiB

_ENDS = (b"\xff\xd9", b"IEND\xaeB`\x82")
_UNFRAMED_END = re.compile(rb"\xff\xd9\s{0,8}(?=--|<[A-Za-z?]|\{|Code=|HTTP/1|POST )")
_LINE_BYTES = 24  # what a boundary line has beside the boundary, and an end mark before it


@dataclass(frozen=True, slots=True)
class PictureEnd:
    """One past the picture's last byte. `whole`: nothing of it is missing. `lies`: its Content-Length does."""

    at: int
    whole: bool
    lies: bool = False


class BoundaryLine:
    """Looks for the next line that is the boundary; never twice at the same bytes."""

    def __init__(self, boundary: bytes) -> None:
        self._boundary, self._at = boundary, 0

    def find(self, buffer: bytearray, *, final: bool) -> int | None:
        """Where it begins, the line feed before it included; None when there is none yet, or no boundary at all."""
        if not self._boundary:
            return None
        found = _line(self._boundary, final=final).search(buffer, self._at)
        if found is None:
            self._at = max(self._at, len(buffer) - len(self._boundary) - _LINE_BYTES)
            return None
        return found.start()


class PictureExtent:
    """Finds the end of one picture in a growing buffer that begins with it."""

    def __init__(self, boundary: bytes, said: int) -> None:
        """`boundary` of the message, b"" for none; `said` is the Content-Length, 0 for none."""
        self._boundary, self._said = boundary, said
        self._length = said if said <= MAX_PICTURE_BYTES else 0
        self._line = BoundaryLine(boundary)
        self._marked = _marked_line(boundary) if boundary else _UNFRAMED_END
        self._at = 0

    def find(self, buffer: bytearray, *, final: bool) -> PictureEnd | None:
        """The end; None when more bytes are needed, and then there are at most MAX_PICTURE_BYTES so far."""
        if not self._length:
            return self._unmeasured(buffer, final=final)
        if (end := self._marked_end(buffer)) is not None and end < self._length:
            return PictureEnd(end, whole=True)
        there, ends = len(buffer) >= self._length, _has_end(buffer, self._length)
        if not final and not (there and (ends or self._sees_beyond(buffer))):
            return None
        if there and (ends or self._is_boundary(buffer, final=final)):
            return PictureEnd(self._length, whole=True)
        self._length = self._at = 0
        return self._unmeasured(buffer, final=final)

    def _unmeasured(self, buffer: bytearray, *, final: bool) -> PictureEnd | None:
        """No length, or one that lies: the next boundary line ends the picture, or the end of everything."""
        lies = self._said > 0
        if not self._boundary and (marked := self._marked_end(buffer)) is not None:
            return PictureEnd(marked, whole=True, lies=lies)
        line = self._line.find(buffer, final=final)
        if line is None:
            return PictureEnd(len(buffer), whole=_has_end(buffer, len(buffer)), lies=lies) if final else None
        end = line - 1 if line and buffer[line - 1 : line] == b"\r" else line
        return PictureEnd(end, whole=True, lies=lies)

    def _marked_end(self, buffer: bytearray) -> int | None:
        """Where the picture's own end mark is followed by a boundary line."""
        found = self._marked.search(buffer, self._at)
        if found is None:
            self._at = max(self._at, len(buffer) - len(self._boundary) - _LINE_BYTES)
            return None
        return found.start() + 2

    def _sees_beyond(self, buffer: bytearray) -> bool:
        """Whether a boundary line that begins at the length would be there."""
        return len(buffer) >= self._length + len(self._boundary) + _LINE_BYTES

    def _is_boundary(self, buffer: bytearray, *, final: bool) -> bool:
        """Whether a boundary line begins at the length, or what a cut has left of one."""
        rest = bytes(buffer[self._length : self._length + len(self._boundary) + 8])
        lines = (b"\r\n--" + self._boundary, b"\n--" + self._boundary, b"--" + self._boundary)
        return any(rest.startswith(line) or (final and line.startswith(rest)) for line in lines)


@lru_cache(maxsize=64)
def _line(boundary: bytes, *, final: bool) -> re.Pattern[bytes]:
    line = rb"\n--" + re.escape(boundary) + rb"(?:--)?[ \t]{0,8}\r?"
    return re.compile(line + (rb"(?:\n|\Z)" if final else rb"\n"))


@lru_cache(maxsize=64)
def _marked_line(boundary: bytes) -> re.Pattern[bytes]:
    return re.compile(rb"\xff\xd9\r?\n--" + re.escape(boundary) + rb"(?:--)?[ \t]{0,8}\r?\n")


def _has_end(buffer: bytearray, end: int) -> bool:
    return bytes(buffer[max(0, end - 8) : end]).endswith(_ENDS)
