"""What a camera sends, taken apart as it comes: documents, pictures, and what is neither. Pure; memory is bounded.

One reader for all that plate cameras and their captures send: multipart bodies and streams (RFC 2046 section 5.1, RFC
7578), with or without their HTTP head, bare documents, and logs with several of them.

Where things end, in the order of trust:

* A document ends where its own language says: XML at its root's closing tag, JSON at its closing bracket. So it is
  known as soon as it is whole, whatever its Content-Length says (some cameras say 0), before the next part comes.
* A picture ends at its Content-Length, if that leads to the picture's own end mark or to a boundary line; before that,
  where its own end mark is followed by a boundary line. Any other Content-Length is a lie, and the next boundary line
  decides.

Nothing found depends on how the bytes were cut into chunks. Documents are bounded by MAX_DOCUMENT_BYTES, pictures by
MAX_PICTURE_BYTES; what exceeds them is noise.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from edge_agent.drivers.plate.beginnings import (
    BEGIN,
    BLANKS,
    EXTENTS,
    HEAD,
    HEADER,
    JSON_PERHAPS,
    MAGIC,
    PAIR,
    START,
    WORD,
)
from edge_agent.drivers.plate.extents import Broken, DahuaExtent, Extent
from edge_agent.drivers.plate.parts import Document, Fault, Form, Noise, Part, Picture, Token, media_type_of
from edge_agent.drivers.plate.pictures import MAX_PICTURE_BYTES, BoundaryLine, PictureEnd, PictureExtent, ends_well

MAX_DOCUMENT_BYTES = 4 * 1024 * 1024  # real ones have 0.2 to 8 KiB; with pictures in Base64 up to 2 MiB
MAX_HEADER_BYTES = 8 * 1024  # of one part; real ones have about 200 bytes
MAX_NOISE_BYTES = 1024  # one piece of noise
MAX_BOUNDARY_BYTES = 200  # RFC 2046 allows 70; some senders exceed it
LOOK_BYTES = 64  # by then, or by the end of the line, what begins is known

_RESYNC = re.compile(rb"\n(?=[<{\[]|Code=|--)")
_RESYNC_XML = re.compile(rb"\n(?=<\?xml|Code=|--)")  # lines of XML begin with "<"
_DECLARED = re.compile(r"""boundary\s*=\s*(?:"([^"]{1,200})"|([^\s;,"]{1,200}))""", re.IGNORECASE)


_Found = tuple[Token, ...] | None
"""What a step found, perhaps nothing, having taken its bytes; None: more bytes are needed."""


class BodyReader:
    """Bytes in, tokens out. `feed` what comes, `flush` when nothing more does."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._state: Callable[[bool], _Found] = self._outside
        self._part: Part | None = None
        self._head = b""  # as far as it has come
        self._extent: Extent | None = None
        self._picture_extent: PictureExtent | None = None
        self._line_ahead = BoundaryLine(b"")
        self._form: Form = "xml"
        self._at = 0  # up to here the buffer was looked at without success

    @property
    def pending(self) -> int:
        """Bytes held back."""
        return len(self._buffer)

    def feed(self, data: bytes) -> list[Token]:
        """What these bytes complete."""
        self._buffer += data
        return self._run(final=False)

    def flush(self) -> list[Token]:
        """What was held back, now that no more bytes come; the reader is then as new."""
        tokens = self._run(final=True)
        self._line_ahead, self._part = BoundaryLine(b""), None
        self._go(self._outside)
        return tokens

    def _run(self, *, final: bool) -> list[Token]:
        tokens: list[Token] = []
        while self._buffer and (found := self._state(final)) is not None:
            tokens.extend(found)
        return tokens

    # --- between documents ---------------------------------------------------------------------------------------

    def _outside(self, final: bool) -> _Found:
        begins = BEGIN.match(self._buffer)
        if begins is not None and not (begins["boundary"] or b"").endswith(b"--"):
            return self._begun(begins, final)
        blanks = BLANKS.match(self._buffer)
        if blanks and blanks.end():
            self._drop(blanks.end())
            return ()
        if not (final or len(self._buffer) >= LOOK_BYTES) and (
            b"\n" not in self._buffer or JSON_PERHAPS.match(self._buffer)
        ):
            return None
        return self._line(final)

    def _begun(self, begins: re.Match[bytes], final: bool) -> _Found:
        """A picture, document or part, told by its first bytes."""
        match begins.lastgroup:
            case "head":
                boundary, head = begins["boundary"], begins["head"]  # of the buffer as it is now
                self._drop(begins.end())
                self._bound_by(boundary)
                return self._end_headers(head, body_follows=True)
            case "picture":
                self._drop(begins.start("picture"))
                return self._go(self._picture)
            case "xml" | "json" | "dahua" as form:
                self._drop(begins.start(form))
                self._form, self._extent = form, EXTENTS[form]()
                self._go(self._document)
                return self._document(final)
        raise AssertionError

    def _line(self, final: bool) -> _Found:
        """What is told by a whole line, or by as much of it as is needed."""
        if self._buffer.startswith(b"--"):
            return self._boundary_line(final)
        if HEAD.match(self._buffer):
            return self._begin_headers()
        if PAIR.match(self._buffer):
            return self._go(self._pairs)
        if word := WORD.match(self._buffer):
            return (Document("word", self._take(word.end()).strip()),)
        return self._noise(final)

    def _go(self, state: Callable[[bool], _Found]) -> tuple[Token, ...]:
        self._state, self._at, self._picture_extent = state, 0, None
        return ()

    def _noise(self, final: bool) -> _Found:
        """One line that is nothing, or the part of it before something that could be."""
        end = self._buffer.find(b"\n", 0, MAX_NOISE_BYTES) + 1
        if not end and not final and len(self._buffer) < MAX_NOISE_BYTES:
            return None
        end = end or min(len(self._buffer), MAX_NOISE_BYTES)
        if start := START.search(self._buffer, 1, end):
            end = start.start()
        return (Noise(self._take(end), "neither a document nor a picture"),)

    # --- multipart -----------------------------------------------------------------------------------------------

    def _boundary_line(self, final: bool) -> _Found:
        end = self._buffer.find(b"\n", 0, MAX_BOUNDARY_BYTES + 8) + 1
        if not end and not final and len(self._buffer) < MAX_BOUNDARY_BYTES + 8:
            return None
        if not end and not final:
            return self._noise(final)
        line = self._take(end or len(self._buffer)).rstrip()[2:]
        self._part = None
        if line == self._boundary + b"--" or (line.endswith(b"--") and line != self._boundary):
            return ()  # the final one; what follows, if anything, is another message
        self._bound_by(line)
        return self._begin_headers()

    @property
    def _boundary(self) -> bytes:
        return self._line_ahead.boundary

    def _bound_by(self, boundary: bytes) -> None:
        if boundary != self._boundary:
            self._line_ahead = BoundaryLine(boundary)

    def _begin_headers(self) -> tuple[Token, ...]:
        self._head = b""
        return self._go(self._headers)

    def _headers(self, final: bool) -> _Found:
        """One line of a part's or message's head."""
        end = self._buffer.find(b"\n", 0, MAX_HEADER_BYTES) + 1
        if not end:
            if not final and len(self._buffer) < MAX_HEADER_BYTES:
                return None
            self._end_headers(self._head, body_follows=False)
            return (Noise(self._take(min(len(self._buffer), MAX_NOISE_BYTES)), "a head that is cut off"),)
        line = bytes(self._buffer[:end]).strip()
        self._head += self._buffer[:end]
        if line and (len(self._head) > MAX_HEADER_BYTES or not (HEADER.fullmatch(line) or HEAD.match(line))):
            return self._end_headers(self._head, body_follows=False)
        self._drop(end)
        return () if line else self._end_headers(self._head, body_follows=True)

    def _end_headers(self, head: bytes, *, body_follows: bool) -> tuple[Token, ...]:
        part = Part.of(head)
        kind = part.type
        if kind.startswith("multipart/"):
            if declared := _DECLARED.search(part.header(b"type")):
                self._bound_by((declared[1] or declared[2]).encode("utf-8", "replace"))
            body_follows = False
        self._part = part if body_follows else None
        if not (body_follows and kind.startswith(("image/", "application/octet-stream"))):
            return self._go(self._outside)
        return self._go(self._picture if MAGIC.match(self._buffer) else self._part_begins)

    def _part_begins(self, final: bool) -> _Found:
        """Whether a picture follows the headers that say so; its first bytes say more than they do."""
        part = self._part or Part()
        if MAGIC.match(self._buffer):
            return self._go(self._picture)
        if not final and len(self._buffer) < LOOK_BYTES:
            return None
        begins = bytes(self._buffer[:LOOK_BYTES]).lstrip()
        if begins.startswith(b"--" + self._boundary):
            self._go(self._outside)
            return (Fault(f"{part.called} is empty"),)
        known = BEGIN.match(begins)
        is_document = known is not None and any(known.start(form) == 0 for form in EXTENTS)
        return self._go(self._outside if is_document else self._picture)

    # --- documents -----------------------------------------------------------------------------------------------

    def _document(self, final: bool) -> _Found:
        """A document in the language of the extent, up to its own end; before it, a boundary line cuts it off."""
        cut = self._line_ahead.find(self._buffer, final=final)
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

    def _pairs(self, final: bool) -> _Found:
        """Lines of `key=value` up to a line that is none."""
        while (end := self._buffer.find(b"\n", self._at) + 1) or final:
            line = self._buffer[self._at : end or len(self._buffer)]
            if not (line.strip() and PAIR.match(line)) or end > MAX_DOCUMENT_BYTES:
                break
            self._at = end or len(self._buffer)
            if not end:
                break
        else:
            return None if len(self._buffer) < MAX_DOCUMENT_BYTES else self._noise(final=True)
        end = self._at
        self._go(self._outside)
        return (Document("pairs", self._take(end).rstrip()),)

    # --- pictures ------------------------------------------------------------------------------------------------

    def _picture(self, final: bool) -> _Found:
        if self._picture_extent is None:
            said = self._part.length if self._part else 0
            if said and ends_well(self._buffer, self._line_ahead.find(self._buffer, final=final), said):
                return self._finished(PictureEnd(said, whole=True))
            self._picture_extent = PictureExtent(self._line_ahead, said)
        end = self._picture_extent.find(self._buffer, final=final)
        if end is not None:
            return self._finished(end)
        if len(self._buffer) < MAX_PICTURE_BYTES:
            return None
        self._part = None
        self._go(self._outside)
        return (Noise(self._take(MAX_NOISE_BYTES), f"a picture of more than {MAX_PICTURE_BYTES} bytes"),)

    def _finished(self, end: PictureEnd) -> tuple[Token, ...]:
        part, self._part = self._part or Part(), None
        body = self._take(end.at)
        self._go(self._outside)
        faults: tuple[Token, ...] = ()
        if end.lies:
            faults = (Fault(f"{part.called} says Content-Length {part.length} and has {len(body)} bytes"),)
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


def read_all(data: bytes) -> list[Token]:
    """Everything in a whole body."""
    reader = BodyReader()
    return reader.feed(data) + reader.flush()
