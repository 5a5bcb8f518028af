"""What a file has around a camera's bytes, taken off: HTTP's chunks, and an editor's UTF-16. Pure; memory is bounded.

A recorded connection has its answers as they were on the wire: under `Transfer-Encoding: chunked` (RFC 9112, 7.1)
the body comes in chunks, each with its length before it, cut anywhere. The agent's own connections never show them.
Tools that print an answer with its head mostly have joined the chunks already; then nothing is taken off.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable

MAX_HEAD_BYTES = 8 * 1024  # a longer one is no head

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_START = re.compile(rb"(?:\A|(?<=\n))(?:HTTP/1\.[01] \d{3}|(?:POST|PUT) [^\r\n]{1,2000} HTTP/1\.[01]\r?\n)")
_PERHAPS = re.compile(
    rb"(?:\A|(?<=\n))(?:H|HT|HTT|HTTP|HTTP/[ 0-9.]{0,7}|P|PO|POS|PU|(?:POST|PUT)(?: [^\r\n]{0,2000})?)\Z"
)
_CHUNKED = re.compile(rb"\ntransfer-encoding:[^\n]*\bchunked\b", re.IGNORECASE)
_HEAD_END = re.compile(rb"\n\r?\n")
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,7})[ \t]*(?:;[^\r\n]{0,200})?\r?\n")
_SIZE_BYTES = 220  # by then it is a size, or none
_LINE_END = re.compile(rb"\r?\n")


class Recording:
    """Bytes of a file in, bytes as the camera meant them out. `flush` at its end."""

    def __init__(self) -> None:
        self._buffer = b""
        self._text: codecs.IncrementalDecoder | None = None
        self._state: Callable[[bool], bytes | None] = self._beginning
        self._left = 0  # of the chunk
        self._in_line = 0  # 1: the buffer begins inside a line

    def feed(self, data: bytes) -> bytes:
        """What these bytes complete."""
        return self._run(data, final=False)

    def flush(self) -> bytes:
        """What was held back."""
        return self._run(b"", final=True)

    def _run(self, data: bytes, *, final: bool) -> bytes:
        if self._text is not None:
            data = self._text.decode(data, final).encode()
        self._buffer += data
        done: list[bytes] = []
        while self._buffer and (taken := self._state(final)) is not None:
            done.append(taken)
        return b"".join(done)

    def _beginning(self, final: bool) -> bytes | None:
        """Each state gives what it takes from the buffer, perhaps nothing; None: more bytes are needed."""
        if len(self._buffer) < len(_UTF16[0]) and not final:
            return None
        self._state = self._plain
        if self._buffer.startswith(_UTF16):
            self._text = codecs.getincrementaldecoder("utf-16")("replace")
            self._buffer = self._text.decode(self._buffer, final).encode()
        return b""

    def _plain(self, final: bool) -> bytes | None:
        start = _START.search(self._buffer, self._in_line)
        if start is None:
            perhaps = None if final else _PERHAPS.search(self._buffer, max(self._in_line, len(self._buffer) - 2_100))
            return self._take(perhaps.start() if perhaps else len(self._buffer)) or None
        if start.start():
            return self._take(start.start())
        end = _HEAD_END.search(self._buffer, 0, MAX_HEAD_BYTES)
        if end is None and not final and len(self._buffer) < MAX_HEAD_BYTES:
            return None
        head = self._take(end.end() if end else start.end())
        if end and _CHUNKED.search(head):
            self._state = self._size
        return head

    def _size(self, final: bool) -> bytes | None:
        """The line before a chunk. Without one there are no chunks any more."""
        size = _SIZE.match(self._buffer)
        if size is None:
            if not final and len(self._buffer) < _SIZE_BYTES and b"\n" not in self._buffer:
                return None
            self._state = self._plain
            return b""
        self._take(size.end())
        self._left = int(size[1], 16)
        self._state = self._chunk if self._left else self._trailer
        return b""

    def _chunk(self, final: bool) -> bytes:
        del final  # what is there of a chunk is taken
        taken = self._take(self._left)
        self._left -= len(taken)
        if not self._left:
            self._state = self._chunk_end
        return taken

    def _chunk_end(self, final: bool) -> bytes | None:
        if self._buffer == b"\r" and not final:
            return None
        if end := _LINE_END.match(self._buffer):
            self._take(end.end())
        self._state = self._size
        return b""

    def _trailer(self, final: bool) -> bytes | None:
        """The blank line after the last chunk."""
        if self._buffer == b"\r" and not final:
            return None
        if end := _LINE_END.match(self._buffer):
            self._take(end.end())
        self._state, self._in_line = self._plain, 0
        return b""

    def _take(self, count: int) -> bytes:
        taken, self._buffer = self._buffer[:count], self._buffer[count:]
        self._in_line = int(not taken.endswith(b"\n")) if taken else self._in_line
        return taken
