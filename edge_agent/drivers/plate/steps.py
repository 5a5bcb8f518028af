"""The steps of taking a camera's bytes apart, one line, head, document or picture at a time. Pure; memory is bounded.

Each step looks at what the buffer begins with and takes it, or asks for more bytes. What stands there whole and plain
does not come here (`edge_agent.drivers.plate.body`).
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

from edge_agent.drivers.plate.beginnings import (
    BEGIN,
    BLANKS,
    EXTENTS,
    HEAD,
    HEADER,
    MAGIC,
    PAIR,
    PERHAPS,
    START,
    WORD,
)
from edge_agent.drivers.plate.extents import Broken, DahuaExtent, Extent
from edge_agent.drivers.plate.parts import (
    NO_PART,
    Document,
    Fault,
    Form,
    Noise,
    Part,
    Picture,
    Token,
    media_type_of,
    part_of,
)
from edge_agent.drivers.plate.pictures import MAX_PICTURE_BYTES, BoundaryLine, PictureEnd, PictureExtent

MAX_DOCUMENT_BYTES = 4 * 1024 * 1024  # real ones have 0.2 to 8 KiB; with pictures in Base64 up to 2 MiB
MAX_HEADER_BYTES = 8 * 1024  # of one part; real ones have about 200 bytes
MAX_NOISE_BYTES = 1024  # one piece of noise
MAX_BOUNDARY_BYTES = 200  # RFC 2046 allows 70; some senders exceed it
LOOK_BYTES = 64  # by then, or by the end of the line, what begins is known

_RESYNC = re.compile(rb"\n(?=[<{\[]|Code=|--)")
_RESYNC_XML = re.compile(rb"\n(?=<\?xml|Code=|--)")  # lines of XML begin with "<"

Found = Sequence[Token] | None
"""What a step found, perhaps nothing, having taken its bytes; None: more bytes are needed."""


class Steps(ABC):
    """What is held back, and the step that what it begins with is for."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._state: Callable[[bool], Found] = self._outside
        self._part, self._said = NO_PART, 0  # and its Content-Length, 0 for none
        self._head = b""  # as far as it has come
        self._extent: Extent | None = None
        self._picture_extent: PictureExtent | None = None
        self._line_ahead = BoundaryLine(b"")
        self._form: Form = "xml"
        self._at = 0  # up to here the buffer was looked at without success

    @abstractmethod
    def _outside(self, final: bool) -> Found:
        """Between documents and pictures."""

    def _neither(self, final: bool) -> Found:
        """Blanks, or something that is told by its line."""
        blanks = BLANKS.match(self._buffer)
        if blanks and blanks.end():
            self._drop(blanks.end())
            return ()
        if final or len(self._buffer) >= LOOK_BYTES or (b"\n" in self._buffer and not PERHAPS.match(self._buffer)):
            return self._line(final)
        return None

    def _line(self, final: bool) -> Found:
        """What is told by a whole line, or by as much of it as is needed."""
        if self._buffer.startswith(b"--"):
            return self._boundary_line(final)
        if HEAD.match(self._buffer):
            self._head = b""
            return self._go(self._headers)
        if PAIR.match(self._buffer):
            return self._go(self._pairs)
        if word := WORD.match(self._buffer):
            return (Document("word", self._take(word.end()).strip()),)
        return self._noise(final)

    def _go(self, state: Callable[[bool], Found]) -> tuple[Token, ...]:
        self._state, self._at, self._picture_extent = state, 0, None
        return ()

    def _noise(self, final: bool) -> Found:
        """One line that is nothing, or the part of it before something that could be."""
        end = self._buffer.find(b"\n", 0, MAX_NOISE_BYTES) + 1
        if not end and not final and len(self._buffer) < MAX_NOISE_BYTES:
            return None
        end = end or min(len(self._buffer), MAX_NOISE_BYTES)
        if start := START.search(self._buffer, 1, end):
            end = start.start()
        return (Noise(self._take(end), "neither a document nor a picture"),)

    # --- multipart -----------------------------------------------------------------------------------------------

    def _boundary_line(self, final: bool) -> Found:
        end = self._buffer.find(b"\n", 0, MAX_BOUNDARY_BYTES + 8) + 1
        if not end and not final:
            return None if len(self._buffer) < MAX_BOUNDARY_BYTES + 8 else self._noise(final)
        line = self._take(end or len(self._buffer)).rstrip()[2:]
        self._enter(NO_PART)
        if line.endswith(b"--") and line != self._line_ahead.boundary:
            return self._go(self._outside)  # the final one; what follows, if anything, is another message
        self._bound_by(line)
        self._head = b""
        return self._go(self._headers)

    def _bound_by(self, boundary: bytes) -> None:
        if boundary != self._line_ahead.boundary:
            self._line_ahead = BoundaryLine(boundary)

    def _enter(self, part: Part, said: int = 0) -> None:
        """What comes next is in this part, which `said` its length."""
        if part.boundary:
            self._bound_by(part.boundary)
        self._part, self._said = (NO_PART, 0) if part.type.startswith("multipart/") else (part, said)

    def _headers(self, final: bool) -> Found:
        """One line of a part's or message's head."""
        end = self._buffer.find(b"\n", 0, MAX_HEADER_BYTES) + 1
        if not end:
            if not final and len(self._buffer) < MAX_HEADER_BYTES:
                return None
            self._end_headers(body_follows=False)
            return (Noise(self._take(min(len(self._buffer), MAX_NOISE_BYTES)), "a head that is cut off"),)
        line = bytes(self._buffer[:end]).strip()
        self._head += self._buffer[:end]
        if line and (len(self._head) > MAX_HEADER_BYTES or not (HEADER.fullmatch(line) or HEAD.match(line))):
            return self._end_headers(body_follows=False)
        self._drop(end)
        return () if line else self._end_headers(body_follows=True)

    def _end_headers(self, *, body_follows: bool) -> tuple[Token, ...]:
        part = part_of(self._head)
        self._enter(part, part.length)
        if not body_follows:
            self._part, self._said = NO_PART, 0
        if not self._part.is_picture:
            return self._go(self._outside)
        return self._go(self._picture if MAGIC.match(self._buffer) else self._part_begins)

    def _part_begins(self, final: bool) -> Found:
        """Whether a picture follows the headers that say so; its first bytes say more than they do."""
        part = self._part
        if MAGIC.match(self._buffer):
            return self._go(self._picture)
        if not final and len(self._buffer) < LOOK_BYTES:
            return None
        begins = bytes(self._buffer[:LOOK_BYTES]).lstrip()
        if begins.startswith(b"--" + self._line_ahead.boundary):
            self._go(self._outside)
            return (Fault(f"{part.called} is empty"),)
        known = BEGIN.match(begins)
        is_document = known is not None and any(known.start(form) == 0 for form in EXTENTS)
        return self._go(self._outside if is_document else self._picture)

    # --- documents -----------------------------------------------------------------------------------------------

    def _document(self, final: bool) -> Found:
        """A document in the language of the extent, up to its own end; before it, a boundary line cuts it off."""
        cut = self._line_ahead.find(self._buffer, final=final)
        if cut is None and not final:  # what may become a boundary line is not looked at yet
            limit = min(self._line_ahead.begun(self._buffer) + 1, len(self._buffer), MAX_DOCUMENT_BYTES)
        else:
            limit = min(len(self._buffer) if cut is None else cut + 1, MAX_DOCUMENT_BYTES)
        end = self._extent.find(self._buffer, limit) if self._extent else None
        if end is None and not (final or cut is not None or limit == MAX_DOCUMENT_BYTES):
            return None
        if end is None and isinstance(self._extent, DahuaExtent) and self._extent.is_line:
            end = limit  # the last line of all has no line end
        if end is None:
            end = Broken(limit, "the document is too long" if limit == MAX_DOCUMENT_BYTES else "the document is cut")
        self._go(self._outside)
        if isinstance(end, Broken):
            resync = (_RESYNC_XML if self._form == "xml" else _RESYNC).search(self._buffer, 1, end.at)
            return (Noise(self._take(resync.start() if resync else max(1, end.at)), end.reason),)
        return (Document(self._form, self._take(end).rstrip()),)

    def _pairs(self, final: bool) -> Found:
        """Lines of `key=value` up to a line that is none, or that has the first one's key: the next answer.

        A last line without its end may be cut, a plate in the middle of it: it is left out, unless the part ends there.
        """
        key = self._buffer[: self._buffer.find(b"=") + 1]
        while end := self._buffer.find(b"\n", self._at) + 1:
            line = self._buffer[self._at : end]
            if not PAIR.match(line) or end > MAX_DOCUMENT_BYTES or (self._at and line.startswith(key)):
                break
            self._at = end
        else:
            if not final and len(self._buffer) < MAX_DOCUMENT_BYTES:
                return None
            self._at = len(self._buffer) if len(self._buffer) == self._said else self._at
            if not self._at:
                return (*self._go(self._outside), Noise(self._take(MAX_NOISE_BYTES), "a line that is cut"))
        whole = Document("pairs", self._take(self._at).rstrip())
        self._go(self._outside)
        if end or not PAIR.match(self._buffer):
            return (whole,)
        self._drop(len(self._buffer))
        return (whole, Fault("The last line has no end and is left out"))

    # --- pictures ------------------------------------------------------------------------------------------------

    def _picture(self, final: bool) -> Found:
        if self._picture_extent is None:
            self._picture_extent = PictureExtent(self._line_ahead, self._said)
        end = self._picture_extent.find(self._buffer, final=final)
        if end is not None:
            return self._finished(end)
        if len(self._buffer) < MAX_PICTURE_BYTES:
            return None
        self._enter(NO_PART)
        self._go(self._outside)
        return (Noise(self._take(MAX_NOISE_BYTES), f"a picture of more than {MAX_PICTURE_BYTES} bytes"),)

    def _finished(self, end: PictureEnd) -> tuple[Token, ...]:
        part, said = self._part, self._said
        self._enter(NO_PART)
        body = self._take(end.at)
        self._go(self._outside)
        faults: tuple[Token, ...] = ()
        if end.lies:
            faults = (Fault(f"{part.called} says Content-Length {said} and has {len(body)} bytes"),)
        if not end.whole:
            return (*faults, Fault(f"{part.called} was cut and is left out"))
        if not (media_type := media_type_of(body)):
            return (*faults, Noise(body[:MAX_NOISE_BYTES], f"{part.called} is neither a document nor JPEG nor PNG"))
        return (*faults, Picture(part.name, media_type, body))

    def _take(self, count: int) -> bytes:
        taken = bytes(self._buffer[:count])
        self._drop(count)
        return taken

    def _drop(self, count: int) -> None:
        del self._buffer[:count]
        if self._line_ahead.boundary:
            self._line_ahead.lost(count)
