"""Container numbers in one picture: looked for once, and more closely as long as none is sure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from math import ceil

import numpy as np

from edge_agent.vision.containers.joining import SERIAL, Candidate, candidates, serials
from edge_agent.vision.containers.judging import distinct, judged
from edge_agent.vision.containers.lines import Line
from edge_agent.vision.containers.looking import Looker, Part
from edge_agent.vision.containers.number import ContainerRead
from edge_agent.vision.containers.partial import places
from edge_agent.vision.containers.text import LONGEST, TextReader, has_room
from edge_agent.vision.image import Image
from edge_agent.vision.models import ModelDirectory

MOST_JUDGED = 4  # candidates looked at again
MOST_COMPLETED = 2
BEHIND = (1.6, 2.4)  # heights behind a serial where its check digit is looked for
BEFORE = (3.2, 5.5)  # heights before a serial where its owner code is looked for
LEAST_SHOWN = 0.05  # a read that failed and holds a character less sure is noise
LOOKS = ((0.08, False), (0.02, True))  # further looks: how much wider the cut, and evened out or not
CLOSE = 960  # the longest side of a part that is looked at closely
TILE = 1000  # pixels of a tile's side in the picture
OVERLAP = 0.4  # of a tile: a number is rarely longer
MOST_TILES = 12
MOST_LINES = 250  # a picture with more is a page of text, or noise
ZOOM = 2.2  # how much a tile is enlarged, at most


class ContainerReader:
    """Reads ISO 6346 numbers with PP-OCR from a model directory."""

    def __init__(self, directory: ModelDirectory, threads: int = 1) -> None:
        """Load the networks; `threads` is how many one inference may use."""
        self._looker = Looker(TextReader(directory, threads))

    def read(self, image: Image, *, thorough: bool = True) -> list[ContainerRead]:
        """The container numbers in a picture, best first.

        Args:
            image: uint8 (height, width, 3), blue green red.
            thorough: look more closely where the first look finds no number that is sure: around parts of a number,
                evened out and upside down, and in enlarged tiles. Costs some four times as much where nothing is to be
                found; leave it out for the frames of a video, of which another comes soon.

        Returns:
            one read a number, those with a right check digit first. A number painted on several sides of a container
            and seen more than once is one read.
        """
        height, width = image.shape[:2]
        if not has_room(image):
            return []
        lines = self._looker.lines(image, (0, 0, width, height), LONGEST)
        reads = self._reads(image, lines)
        if thorough and not _sure(reads):
            lines.extend(self._closely(image, lines))
            reads = self._reads(image, lines)
        if thorough and not _sure(reads):
            lines.extend(self._looker.lines(image, (0, 0, width, height), CLOSE, turned=True, clear=True))
            reads = self._reads(image, lines)
        if thorough and not any(read.check_digit_ok for read in reads):
            self._add_tiles(image, lines)
            reads = self._reads(image, lines)
        return reads

    def _closely(self, image: Image, lines: Sequence[Line]) -> list[Line]:
        height, width = image.shape[:2]
        return [line for part in places(lines, width, height) for line in self._looker.lines(image, part, CLOSE)]

    def _add_tiles(self, image: Image, lines: list[Line]) -> None:
        height, width = image.shape[:2]
        for part in tiles(width, height):
            if len(lines) >= MOST_LINES:
                return
            lines.extend(self._looker.lines(image, part, closer(part)))

    def _reads(self, image: Image, lines: Sequence[Line]) -> list[ContainerRead]:
        likely = candidates(lines)[:MOST_JUDGED]
        if not any(candidate.whole for candidate in likely):
            likely = [*self._with_check_digit(image, likely), *self._with_owner(image, lines), *likely]
        reads = [judged(self._looks(image, candidate), lines) for candidate in likely[:MOST_JUDGED]]
        return distinct([read for read in reads if read.check_digit_ok or read.confidence >= LEAST_SHOWN])

    def _looks(self, image: Image, candidate: Candidate) -> list[Candidate]:
        """The candidate, and how it reads when cut otherwise; a look that sees fewer places is no look."""
        looks = [candidate]
        for by, clear in LOOKS:
            again = self._looker.again(image, candidate.lines, by=by, clear=clear)
            looks.extend([each for each in candidates(again) if len(each.glyphs) == len(candidate.glyphs)][:1])
        return looks

    def _with_check_digit(self, image: Image, found: Sequence[Candidate]) -> Iterator[Candidate]:
        """Numbers whose check digit the detector missed, with what stands behind them."""
        for candidate, behind in product(found[:MOST_COMPLETED], BEHIND):
            *others, last = candidate.lines
            line = self._looker.beyond(image, last, behind=behind)
            if line is not None:
                yield from (each for each in candidates([*others, line]) if each.whole)

    def _with_owner(self, image: Image, lines: Sequence[Line]) -> Iterator[Candidate]:
        """Serial numbers whose owner code the detector missed, with what stands before them."""
        for serial, before in product(serials(lines)[:MOST_COMPLETED], BEFORE):
            behind = BEHIND[0] if len(serial.glyphs) == SERIAL else 0.0
            line = self._looker.beyond(image, serial, before=before, behind=behind)
            if line is not None:
                yield from candidates([line])


def tiles(width: int, height: int) -> list[Part]:
    """Overlapping parts that cover a picture: two at least, MOST_TILES at most, larger where the picture is larger."""
    size = TILE
    while tiles_along(width, size) * tiles_along(height, size) > MOST_TILES:
        size = ceil(size * 1.25)
    columns, rows = tiles_along(width, size), tiles_along(height, size)
    if columns * rows == 1:
        columns, rows = (2, 1) if width >= height else (1, 2)
    part = [ceil(side / (count * (1 - OVERLAP) + OVERLAP)) for side, count in ((width, columns), (height, rows))]
    lefts, tops = (
        [round(place) for place in np.linspace(0, side - size, count)]
        for side, size, count in ((width, part[0], columns), (height, part[1], rows))
    )
    return [(left, top, part[0], part[1]) for top in tops for left in lefts]


def tiles_along(side: int, size: int) -> int:
    """How many overlapping tiles of `size` pixels cover a side."""
    return max(1, ceil((side - OVERLAP * size) / ((1 - OVERLAP) * size)))


def closer(part: Part) -> int:
    """The longest side at which a tile is looked at."""
    return min(LONGEST, ceil(ZOOM * max(part[2:])))


def _sure(reads: Sequence[ContainerRead]) -> bool:
    return any(read.unattended for read in reads)
