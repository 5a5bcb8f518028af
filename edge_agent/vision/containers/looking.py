"""From a picture, or a part of it, to lines of text: which boxes are read, which way, and cut how."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from edge_agent.vision.containers.columns import columns, read_column
from edge_agent.vision.containers.lines import (
    ACROSS,
    DOWN,
    STACKED,
    TURNED,
    UP,
    Line,
    earlier,
    grown,
    is_tall,
    laid,
    longer,
    sides,
)
from edge_agent.vision.containers.slots import DIGITS, LETTERS
from edge_agent.vision.containers.text import Quad, TextReader
from edge_agent.vision.extra import importing_vision
from edge_agent.vision.image import Image

ALPHABET = LETTERS + DIGITS
MOST_BOXES = 60  # boxes read a look; the largest first
LOWEST_BOX = 8  # pixels: lower text is not readable
# How many quarter turns anticlockwise put a line upright
TURNS = {ACROSS: 0, DOWN: 1, TURNED: 2, UP: 3}

Part = tuple[int, int, int, int]  # x, y, width, height


class Looker:
    """Finds and reads the lines of a picture."""

    def __init__(self, reader: TextReader) -> None:
        self._reader = reader

    def lines(self, image: Image, part: Part, longest: int, *, turned: bool = False, clear: bool = False) -> list[Line]:
        """Every line in a part of the picture, in the picture's coordinates.

        Args:
            image: the whole picture.
            part: where to look.
            longest: as in TextReader.find, of the part.
            turned: also upside down.
            clear: even out light and shade before looking for text.
        """
        x, y, width, height = part
        view = np.ascontiguousarray(image[y : y + height, x : x + width])
        scale = 1.0
        if clear:
            scale = min(1.0, longest / max(width, height))
            view = cleared(scaled(view, scale))
        offset = np.array([x, y], np.float32)
        quads = [(quad / scale + offset).astype(np.float32) for quad in self._reader.find(view, longest=longest)]
        quads = [quad for quad in quads if min(sides(quad)) >= LOWEST_BOX]
        quads.sort(key=lambda quad: -min(sides(quad)))
        return list(self._read(image, quads[:MOST_BOXES], turned=turned))

    def again(self, image: Image, lines: Iterable[Line], *, by: float, clear: bool = False) -> list[Line]:
        """The same lines, cut wider by `by` of their height; `clear` evens out light and shade first."""
        read = []
        for line in lines:
            other = self._one(image, grown(line.box, by), line.way, clear=clear)
            if other is not None:
                # the box stays the one that was found: a third look is cut from it, not from the second's
                read.append(replace(other, box=line.box, height=line.height))
        return read

    def beyond(self, image: Image, line: Line, *, before: float = 0.0, behind: float = 0.0) -> Line | None:
        """The line with what stands up to so many heights before its beginning and behind its end.

        An owner code that was not found, or a check digit in a frame of its own.
        """
        height, width = image.shape[:2]
        limit = np.array([width - 1, height - 1], np.float32)
        longer_box = longer(earlier(line.box, line.way, before), line.way, behind)
        return self._one(image, np.clip(longer_box, 0, limit).astype(np.float32), line.way)

    def read(self, image: Image, quad: Quad, way: str = ACROSS, *, clear: bool = False) -> Line:
        """One box read one way."""
        crop = np.rot90(self._reader.straighten(image, quad), TURNS[way])
        if clear:
            crop = cleared(crop)
        return laid(self._reader.read_line(np.ascontiguousarray(crop), alphabet=ALPHABET), quad, way)

    def _read(self, image: Image, quads: Sequence[Quad], *, turned: bool) -> Iterator[Line]:
        for quad in quads:
            ways = (DOWN, UP) if is_tall(quad) else (ACROSS, TURNED) if turned else (ACROSS,)
            for way in ways:
                line = self.read(image, quad, way)
                if line.glyphs:
                    yield line
        for column in columns(quads):
            stack = self._one(image, column, STACKED)
            if stack is not None:
                yield stack

    def _one(self, image: Image, quad: Quad, way: str, *, clear: bool = False) -> Line | None:
        if way == STACKED:
            return read_column(self._reader, image, quad, ALPHABET)
        return self.read(image, quad, way, clear=clear)


def scaled(image: Image, scale: float) -> Image:
    """The picture made smaller; itself at a scale of 1."""
    with importing_vision("Reading text", "opencv-python"):
        import cv2  # noqa: PLC0415 - an extra; and it takes a tenth of a second
    if scale >= 1:
        return image
    return np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)


def cleared(crop: Any) -> Image:
    """The crop with its contrast evened out: darkness, shade, glare and faded paint."""
    with importing_vision("Reading text", "opencv-python"):
        import cv2  # noqa: PLC0415 - an extra; and it takes a tenth of a second
    grey = cv2.cvtColor(np.ascontiguousarray(crop), cv2.COLOR_BGR2GRAY)
    # squares of some 120 pixels for a picture, a few for a line
    squares = (max(4, grey.shape[1] // 120), max(2, grey.shape[0] // 120))
    even = cv2.createCLAHE(clipLimit=3.0, tileGridSize=squares).apply(cv2.GaussianBlur(grey, (3, 3), 0))
    return np.ascontiguousarray(cv2.cvtColor(even, cv2.COLOR_GRAY2BGR), dtype=np.uint8)
