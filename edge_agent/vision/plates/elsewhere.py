"""Plates of other regions: no grammar, no own reader; PP-OCR on a box that somebody else found."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np

from edge_agent.vision.characters import Character, weakest
from edge_agent.vision.containers.text import TextRead, TextReader
from edge_agent.vision.image import Image
from edge_agent.vision.plates.detector import Corners
from edge_agent.vision.plates.grammar import Choice
from edge_agent.vision.plates.read import PlateRead, read_of

ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.:· "
LONGEST: Final = 640
"""Pixels of a crop's longest side in which lines are sought."""
TALL: Final = 0.34
"""A plate's number is at least this part of the plate's height; slogans and the state's name are smaller."""
FEWEST: Final = 3
SURE, UNSURE = 0.8, 0.45


class BoxReader:
    """Reads the number inside an upright box around a plate of any region."""

    def __init__(self, cv2: Any, text: TextReader) -> None:
        self._cv2, self._text = cv2, text

    def read(self, image: Image, box: tuple[int, int, int, int]) -> PlateRead | None:
        """See `PlateReader.read_box`."""
        x, y, width, height = box
        left, top = max(0, x), max(0, y)
        crop = np.ascontiguousarray(image[top : max(0, y + height), left : max(0, x + width)])
        if min(crop.shape[:2]) < 2:  # noqa: PLR2004 - a line of pixels holds no text
            return None
        reads = [self._text.read_line(crop, alphabet=ALPHABET), *self._lines(crop)]
        characters = max((_number(read) for read in reads), key=_merit, default=())
        if len(characters) < FEWEST:
            return None
        choice = Choice(characters, None, 0.0)
        here = (left, top, crop.shape[1], crop.shape[0])
        return self.as_western(read_of(choice, box=here, colour="unknown", double=False, trusted=False))

    @staticmethod
    def as_western(read: PlateRead) -> PlateRead:
        """The read as one of another region, which no mainland grammar judges."""
        return replace(read, kind="western", grammar_ok=False, unattended=False, layout="")

    def _lines(self, crop: Image) -> list[TextRead]:
        """The lines of text in the crop that are tall enough for a number."""
        scale = LONGEST / max(crop.shape[:2])
        way = self._cv2.INTER_AREA if scale < 1 else self._cv2.INTER_CUBIC
        large = np.ascontiguousarray(self._cv2.resize(crop, None, fx=scale, fy=scale, interpolation=way))
        straight = [self._text.straighten(large, quad) for quad in self._text.find(large, longest=LONGEST)]
        tall = [line for line in straight if line.shape[0] >= TALL * large.shape[0]]
        return [self._text.read_line(line, alphabet=ALPHABET) for line in tall[:4]]


def corners_of(box: tuple[int, int, int, int]) -> Corners:
    """The corners of an upright box."""
    x, y, width, height = box
    return np.array([[x, y], [x + width, y], [x + width, y + height], [x, y + height]], np.float32)


def _number(read: TextRead) -> tuple[Character, ...]:
    """The letters and digits, without an unsure one at either end of a sure rest: a band, a bolt, a sticker."""
    found = tuple(character for character in read.characters if character.text.isalnum())
    for rest in (found[1:], found[:-1]):
        if len(rest) > FEWEST and weakest(rest) >= SURE > UNSURE >= weakest(found):
            return rest
    return found


def _merit(characters: tuple[Character, ...]) -> float:
    """Longer and surer is better; a number of fewer than FEWEST characters is none."""
    if len(characters) < FEWEST:
        return 0.0
    return float(np.mean([character.confidence for character in characters])) * min(len(characters), 7)
