"""Where a picture ends in a stream of bytes. Pure.

At its Content-Length, if that leads to the picture's own end mark or to a boundary line; before that, where its own end
mark is followed by a boundary line. Any other Content-Length is a lie, and the next boundary line decides.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_PICTURE_BYTES = 8 * 1024 * 1024  # a full frame of a 12 megapixel camera has about 4 MiB

_ENDS = (b"\xff\xd9", b"IEND\xaeB`\x82")
_UNFRAMED_END = re.compile(rb"\xff\xd9\s{0,8}(?=--|<[A-Za-z?]|\{|Code=|HTTP/1|POST )")
_LINE_ENDS, _LINE_ENDS_ALL = re.compile(rb"(?:--)?[ \t]{0,8}\r?\n"), re.compile(rb"(?:--)?[ \t]{0,8}\r?(?:\n|\Z)")
_CARRIAGE_RETURN = ord("\r")
_LINE_BYTES = 24  # what a boundary line has beside the boundary, and an end mark before it


@dataclass(frozen=True, slots=True)
class PictureEnd:
    """One past the picture's last byte. `whole`: nothing of it is missing. `lies`: its Content-Length does."""

    at: int
    whole: bool
    lies: bool = False


class BoundaryLine:
    """Looks for the next line that is the boundary, in a buffer that loses its begin; never twice at the same bytes."""

    def __init__(self, boundary: bytes) -> None:
        """`boundary` of the message, b"" for none."""
        self.boundary = boundary
        self.begins = b"\n--" + boundary
        self._at = 0  # none begins before it

    def find(self, buffer: bytearray, *, final: bool) -> int | None:
        """Where it begins, the line feed before it included; None when there is none yet, or no boundary at all."""
        if not self.boundary:
            return None
        found = self.after(buffer, self._at, final=final)
        self._at = self.unseen(buffer, self._at) if found is None else found
        return found

    def after(self, buffer: bytearray, at: int, *, final: bool) -> int | None:
        """The first that begins at `at` or after it."""
        ends = _LINE_ENDS_ALL if final else _LINE_ENDS
        while (at := buffer.find(self.begins, at)) >= 0:
            if ends.match(buffer, at + len(self.begins)):
                return at
            at += 1
        return None

    def begun(self, buffer: bytearray) -> int:
        """Where one may begin whose end has not come yet; the buffer's length for none."""
        at = buffer.rfind(b"\n", max(0, len(buffer) - len(self.begins) - _LINE_BYTES)) if self.boundary else -1
        is_one = at >= 0 and self.begins.startswith(buffer[at : at + len(self.begins)])
        return at if is_one else len(buffer)

    def unseen(self, buffer: bytearray, at: int) -> int:
        """From where to look again when more bytes have come, as none was found from `at` on."""
        return max(at, len(buffer) - len(self.boundary) - _LINE_BYTES)

    def lost(self, count: int) -> None:
        """The buffer has lost so many bytes of its begin."""
        self._at = max(0, self._at - count)


class PictureExtent:
    """Finds the end of one picture in a growing buffer that begins with it."""

    def __init__(self, line: BoundaryLine, said: int) -> None:
        """`line` of the message; `said` is the Content-Length, 0 for none."""
        self._line, self._said = line, said
        self._length = said if said <= MAX_PICTURE_BYTES else 0
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
        if not self._line.boundary and (marked := self._marked_end(buffer)) is not None:
            return PictureEnd(marked, whole=True, lies=lies)
        line = self._line.find(buffer, final=final)
        if line is None:
            return PictureEnd(len(buffer), whole=_has_end(buffer, len(buffer)), lies=lies) if final else None
        return PictureEnd(_before(buffer, line), whole=True, lies=lies)

    def _marked_end(self, buffer: bytearray) -> int | None:
        """Where the picture's own end mark is followed by a boundary line; without a boundary, by what may follow."""
        line = self._line
        if not line.boundary:
            found = _UNFRAMED_END.search(buffer, self._at)
            if found is not None:
                return found.start() + 2
        else:
            at = line.after(buffer, self._at, final=False)
            while at is not None:
                end = _before(buffer, at)
                if buffer[max(0, end - 2) : end] == b"\xff\xd9":
                    self._at = at
                    return end
                self._at = at + 1
                at = line.after(buffer, self._at, final=False)
        self._at = line.unseen(buffer, self._at)
        return None

    def _sees_beyond(self, buffer: bytearray) -> bool:
        """Whether a boundary line that begins at the length would be there."""
        return len(buffer) >= self._length + len(self._line.boundary) + _LINE_BYTES

    def _is_boundary(self, buffer: bytearray, *, final: bool) -> bool:
        """Whether a boundary line begins at the length, or what a cut has left of one."""
        rest = bytes(buffer[self._length : self._length + len(self._line.boundary) + 8])
        dashed = b"--" + self._line.boundary
        lines = (b"\r\n" + dashed, b"\n" + dashed, dashed)
        return any(rest.startswith(line) or (final and line.startswith(rest)) for line in lines)


def plain_end(buffer: bytearray, at: int, line: BoundaryLine, said: int) -> int | None:
    """The end of a picture at `at` where its end mark, the next boundary line and what it `said` agree, None elsewhere.

    It is what PictureExtent would find, too.
    """
    end = at + said
    if not 0 < said <= MAX_PICTURE_BYTES or not line.boundary or not _has_end(buffer, end):
        return None
    begins = end + 1 if buffer[end : end + 1] == b"\r" else end
    is_line = buffer.startswith(line.begins, begins) and _LINE_ENDS.match(buffer, begins + len(line.begins))
    return end if is_line and buffer.find(line.begins, at, end) < 0 else None


def _before(buffer: bytearray, line: int) -> int:
    """Where the boundary line at `line` begins, its carriage return included."""
    return line - 1 if line and buffer[line - 1] == _CARRIAGE_RETURN else line


def _has_end(buffer: bytearray, end: int) -> bool:
    return buffer.endswith(_ENDS, max(0, end - 8), end)
