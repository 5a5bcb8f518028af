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
from collections.abc import Callable, Mapping
from typing import ClassVar

from edge_agent.drivers.plate.beginnings import BEGIN, EXTENTS, MAGIC
from edge_agent.drivers.plate.parts import NO_PART, Document, Form, Picture, Token, media_type_of, part_of
from edge_agent.drivers.plate.pictures import BoundaryLine, plain_end
from edge_agent.drivers.plate.steps import Found, Steps

PLAIN_BYTES = 32 * 1024  # documents up to here are taken at once, longer ones as they come


class BodyReader(Steps):
    """Bytes in, tokens out. `feed` what comes, `flush` when nothing more does."""

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
        self._line_ahead = BoundaryLine(b"")
        self._enter(NO_PART)
        self._go(self._outside)
        return tokens

    def _run(self, *, final: bool) -> list[Token]:
        tokens: list[Token] = []
        while self._buffer and (found := self._state(final)) is not None:
            tokens.extend(found)
        return tokens

    def _outside(self, final: bool) -> Found:
        """All that stands here whole and plain, at once; what does not is left to a step."""
        at, tokens = 0, list[Token]()
        while begins := BEGIN.match(self._buffer, at):
            end = self._whole[begins.lastgroup or ""](self, begins, tokens)
            if end is None:
                return tokens
            at = end
        if not at:
            return self._neither(final)
        self._drop(at)
        return tokens

    def _whole_document(self, begins: re.Match[bytes], tokens: list[Token]) -> int | None:
        form: Form = begins.lastgroup  # type: ignore[assignment] # as `_whole` has it
        start = begins.start(form)
        end = EXTENTS[form](start).find(self._buffer, min(len(self._buffer), start + PLAIN_BYTES))
        if not isinstance(end, int) or self._buffer.find(self._line_ahead.begins, start, end) >= 0:
            self._form, self._extent = form, EXTENTS[form](0)
            self._leave(self._document, start)
            return None
        tokens.append(Document(form, bytes(self._buffer[start:end].rstrip())))
        return end

    def _whole_head(self, begins: re.Match[bytes], _: list[Token]) -> int | None:
        boundary, before, length, after = begins.group("boundary", "before", "length", "after")
        self._bound_by(boundary)
        part = part_of(before + after)
        self._enter(part, part.length if length is None else int(length))
        if self._part.is_picture and not MAGIC.match(self._buffer, begins.end()):
            self._leave(self._part_begins, begins.end())
            return None
        return begins.end()

    def _whole_picture(self, begins: re.Match[bytes], tokens: list[Token]) -> int | None:
        start = begins.start("picture")
        end = plain_end(self._buffer, start, self._line_ahead, self._said)
        if end is None:
            self._leave(self._picture, start)
            return None
        body = bytes(self._buffer[start:end])
        tokens.append(Picture(self._part.name, media_type_of(body), body))
        self._enter(NO_PART)
        return end

    def _whole_word(self, begins: re.Match[bytes], tokens: list[Token]) -> int:
        tokens.append(Document("word", begins["word"].strip()))
        return begins.end()

    def _final_line(self, begins: re.Match[bytes], _: list[Token]) -> int | None:
        if begins["final"] == self._line_ahead.boundary:  # it only ends like one
            self._leave(self._boundary_line, begins.start("final") - len("--"))
            return None
        self._enter(NO_PART)  # what follows, if anything, is another message
        return begins.end()

    def _leave(self, state: Callable[[bool], Found], at: int) -> None:
        """To the step for what begins at `at`."""
        self._drop(at)
        self._go(state)

    _whole: ClassVar[Mapping[str, Callable[[BodyReader, re.Match[bytes], list[Token]], int | None]]] = {
        "xml": _whole_document,
        "json": _whole_document,
        "dahua": _whole_document,
        "head": _whole_head,
        "picture": _whole_picture,
        "word": _whole_word,
        "final": _final_line,
    }
    """Takes what BEGIN has found and says where it ends; None when it is not whole and plain: a step must take it."""


def read_all(data: bytes) -> list[Token]:
    """Everything in a whole body."""
    reader = BodyReader()
    return reader.feed(data) + reader.flush()
