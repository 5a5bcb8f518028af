"""Motion JPEG over HTTP: pictures from the bytes of a multipart stream (RFC 2046 section 5.1), within bounds. Pure.

The boundary is taken from the stream's own first line: cameras write one into Content-Type and another one into the
stream (with the two dashes, without, in quotes). Content-Length of a part is believed only where a JPEG ends there;
else the part ends where the next boundary begins.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from edge_agent.links.camera.source import CameraError, unreadable
from edge_agent.model.moment import Moment

MOST_PART_BYTES = 16 * 1024 * 1024
MOST_HEAD_BYTES = 8 * 1024
MOST_BOUNDARY_BYTES = 200
SHOWN_BYTES = 40

JPEG_START, JPEG_END = b"\xff\xd8", b"\xff\xd9"
_LENGTH = re.compile(rb"^content-length:[ \t]*([0-9]{1,9})[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_PADDING = b"\r\n\0"


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the stream: its bytes, and when its first ones came."""

    data: bytes
    at: Moment


class MjpegParser:
    """A stream's bytes in, parts out. Keeps at most one part, with its head, and one chunk."""

    def __init__(self) -> None:
        self._received = bytearray()
        self._boundary = b""
        self._began: Moment | None = None  # of the part under way
        self._body_at: int | None = None  # where its body begins; None while its head is not whole
        self._length: int | None = None
        self._searched = 0

    def feed(self, chunk: bytes, now: Moment) -> list[Part]:
        """The parts that this chunk completes.

        Raises:
            CameraError: the stream is none of pictures, or exceeds a bound; nothing more can be made of it.
        """
        self._received += chunk
        parts: list[Part] = []
        while True:
            if self._body_at is None and not self._head(now):
                break
            data = self._body()
            if data is None:
                break
            if data.strip(_PADDING):
                parts.append(Part(data, self._began or now))
            self._began = None
        if len(self._received) > MOST_PART_BYTES + MOST_HEAD_BYTES:
            raise unreadable(
                f"A picture of the stream has more than {MOST_PART_BYTES // 1024 // 1024} MiB",
                cause="the camera never ends it, or this is no camera",
                fix="Choose a smaller picture in the camera's menu",
            )
        return parts

    def _head(self, now: Moment) -> bool:
        """Whether the next part's head is whole."""
        if not self._boundary and not self._first_boundary():
            return False
        if self._began is None and self._received:
            self._began = now
        begin = self._received.find(self._boundary, 0, MOST_HEAD_BYTES)
        end = _HEAD_END.search(self._received, begin, begin + MOST_HEAD_BYTES) if begin >= 0 else None
        if end is None:
            if len(self._received) > MOST_HEAD_BYTES:
                raise self._no_stream("a part of it has no end of its head")
            return False
        found = _LENGTH.search(self._received, begin, end.end())
        self._length = int(found[1]) if found else None
        self._body_at = self._searched = end.end()
        return True

    def _first_boundary(self) -> bool:
        """Find the stream's boundary in its first line that is not empty."""
        del self._received[: len(self._received) - len(self._received.lstrip(b"\r\n"))]
        end = self._received.find(b"\n", 0, MOST_BOUNDARY_BYTES)
        if end < 0:
            if self._received.startswith(JPEG_START):
                raise self._no_stream("it is one picture, not a stream", 'Write every = "1 s" to have it asked again')
            if len(self._received) >= MOST_BOUNDARY_BYTES:
                raise self._no_stream("it does not begin with a boundary")
            return False
        line = bytes(self._received[:end]).strip()
        if self._received.startswith(JPEG_START):
            raise self._no_stream("it is one picture, not a stream", 'Write every = "1 s" to have it asked again')
        if not line.startswith(b"--") or len(line) < len(b"--x"):
            raise self._no_stream(f"it begins with {line[:SHOWN_BYTES]!r}")
        self._boundary = line
        return True

    def _body(self) -> bytes | None:
        """The part's body when it is whole; what it took is then forgotten."""
        at = self._body_at or 0
        if self._length is not None and self._length <= MOST_PART_BYTES:
            end = at + self._length
            if len(self._received) < end:
                return self._up_to_boundary(at) if self._lies(at, end) else None
            if bytes(self._received[max(at, end - 64) : end]).rstrip(_PADDING).endswith(JPEG_END):
                return self._cut(at, end)
            self._length = None  # it lies
        return self._up_to_boundary(at)

    def _lies(self, at: int, end: int) -> bool:
        """Whether the part ended before its length said: the next boundary stands inside, after a picture's end."""
        found = self._received.find(b"\n" + self._boundary, max(at, self._searched - len(self._boundary) - 1), end)
        if found < 0:
            self._searched = len(self._received)
            return False
        ended = bytes(self._received[max(at, found - 64) : found]).rstrip(_PADDING).endswith(JPEG_END)
        self._searched = found if ended else found + 1
        return ended

    def _up_to_boundary(self, at: int) -> bytes | None:
        found = self._received.find(b"\n" + self._boundary, max(at - 1, self._searched - len(self._boundary) - 1))
        if found < 0:
            self._searched = len(self._received)
            return None
        return self._cut(at, found + 1)

    def _cut(self, at: int, end: int) -> bytes:
        data = bytes(self._received[at:end])
        del self._received[:end]
        self._body_at, self._length, self._searched = None, None, 0
        return data

    @staticmethod
    def _no_stream(cause: str, fix: str = "") -> CameraError:
        fix = fix or "Compare the path in `source` with the camera's manual: it must be the one of its MJPEG stream"
        return unreadable("What the camera sends is no motion JPEG stream", cause=cause, fix=fix)
