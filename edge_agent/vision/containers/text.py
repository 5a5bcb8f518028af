"""PP-OCR with its characters kept: where text is in a picture, and what one line of it says, character by character.

The two networks are PP-OCRv6's, as the package rapidocr ships them; what is done before and after each follows that
package's `ch_ppocr_det` and `ch_ppocr_rec`. Here every character keeps its confidence and what else it may have been.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edge_agent.vision.characters import Character, weakest
from edge_agent.vision.extra import importing_vision
from edge_agent.vision.image import Image
from edge_agent.vision.models import Model, ModelDirectory
from edge_agent.vision.models.tasks import Task

Quad = npt.NDArray[np.float32]  # (4, 2): x, y of top left, top right, bottom right, bottom left

LONGEST = 1280  # pixels of the longest side the detector sees by default
MULTIPLE = 32  # the detector's strides
TEXT_PIXEL = 0.3  # probability above which a pixel belongs to text (rapidocr: Det.thresh)
TEXT_BOX = 0.5  # mean probability above which a box is text (rapidocr: Det.box_thresh)
UNCLIP = 1.6  # the network learns shrunken boxes; how far they grow back (rapidocr: Det.unclip_ratio)
SMALLEST_SIDE = 12  # pixels: no line of text fits into less
MOST_STRETCHED = 50  # sides: what is longer is a thread, and its smaller copies have no pixels left
SMALLEST = 3.0  # pixels of the detector's map: shorter sides are specks
MOST_BOXES = 400  # a picture of noise gives thousands; the largest are kept
LINE_HEIGHT = 48  # pixels of a line the reader sees
NARROWEST, WIDEST = 160, 1600  # pixels of a line's width the reader sees; narrower ones are padded, wider ones squeezed
ALTERNATIVES = 5
LEAST_ALTERNATIVE = 0.001
LEAST_OF_ALPHABET = 0.02
BLANK = 0  # the reader's class for "no character here"


@dataclass(frozen=True, slots=True)
class TextRead:
    """One line of text.

    Attributes:
        text: the characters in order, spaces left out.
        characters: each with its confidence and alternatives.
        confidence: the weakest character's, 0..1; 0 for an empty text.
        positions: each character's place along the line, 0 its left end and 1 its right.
    """

    text: str
    characters: tuple[Character, ...]
    confidence: float
    positions: tuple[float, ...] = ()


def has_room(image: Image) -> bool:
    """Whether text can be in a picture of this shape: neither a line nor a thread of pixels."""
    short, long = sorted(image.shape[:2])
    return bool(short >= SMALLEST_SIDE and long <= short * MOST_STRETCHED)


class TextReader:
    """Finds and reads text with the networks `text-detector` and `text-reader` of a model directory."""

    def __init__(self, directory: ModelDirectory, threads: int = 1) -> None:
        """Load both networks; `threads` is how many one inference may use."""
        with importing_vision("Reading text", "opencv-python"):
            import cv2  # noqa: PLC0415 - an extra; and it takes a tenth of a second
        self._cv2: Any = cv2
        self._detector = _Network(directory, Task.TEXT_DETECTOR, threads)
        self._reader = _Network(directory, Task.TEXT_READER, threads)
        self._letters = directory.model(Task.TEXT_READER).labels()
        self._folds: dict[str, tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], str]] = {}

    def find(self, image: Image, *, longest: int = LONGEST) -> list[Quad]:
        """Where text is.

        Args:
            image: uint8 (height, width, 3), blue green red.
            longest: the picture is made smaller or larger so that its longest side has this many pixels. Text of some
                15 to 60 pixels' height there is found best. Memory grows with its square: some 350 MB at 1280.

        Returns:
            quads (4, 2) float32 in the picture's pixels, clockwise from the top left corner, from top to bottom.
        """
        height, width = image.shape[:2]
        if not has_room(image):
            return []
        seen = self._resized(image, longest)
        chances = self._detector.run(self._detector.normal(seen))[0, 0]
        scale = np.array([width / seen.shape[1], height / seen.shape[0]], np.float32)
        limit = np.array([width - 1, height - 1], np.float32)
        quads = [np.clip(quad * scale, 0, limit).astype(np.float32) for quad in self._boxes(chances)]
        return sorted(quads, key=lambda quad: (float(quad[:, 1].min()), float(quad[:, 0].min())))

    def straighten(self, image: Image, quad: Quad) -> Image:
        """What a quad holds, upright: uint8 (height, width, 3), the quad's own size, at most WIDEST x WIDEST."""
        sides = np.linalg.norm(quad - np.roll(quad, -1, axis=0), axis=1)
        width = int(np.clip(round(max(sides[0], sides[2])), 1, WIDEST))
        height = int(np.clip(round(max(sides[1], sides[3])), 1, WIDEST))
        # only the quad's neighbourhood is handed to the warp: it counts pixels in 16 bits
        last = np.array([image.shape[1] - 1, image.shape[0] - 1])
        corner = np.floor(quad.min(axis=0)).astype(int).clip(0, last)
        far = np.ceil(quad.max(axis=0)).astype(int).clip(corner, last) + 1
        part = image[corner[1] : far[1], corner[0] : far[0]]
        target = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
        matrix = self._cv2.getPerspectiveTransform((quad - corner).astype(np.float32), target)
        straight = self._cv2.warpPerspective(
            part, matrix, (width, height), flags=self._cv2.INTER_CUBIC, borderMode=self._cv2.BORDER_REPLICATE
        )
        return np.ascontiguousarray(straight, dtype=np.uint8)

    def read_line(self, crop: Image, *, alphabet: str = "") -> TextRead:
        """What one upright line says.

        Args:
            crop: uint8 (height, width, 3), blue green red: the line and little else.
            alphabet: only these characters are read, as whatever of them is likeliest at each place; a lower-case
                letter counts for its capital when only the capital is in the alphabet. Empty: all the network knows.
                Probabilities stay what the network gave them: what is read against its judgement has a low confidence.

        Returns:
            the text; empty where nothing is read.
        """
        if min(crop.shape[:2]) < 2:  # noqa: PLR2004 - a line of pixels holds no text
            return TextRead("", (), 0.0)
        height, width = crop.shape[:2]
        wide = int(np.clip(math.ceil(LINE_HEIGHT * width / height), 1, WIDEST))
        line = self._cv2.resize(crop, (wide, LINE_HEIGHT), interpolation=self._cv2.INTER_LINEAR)
        blob = np.zeros((1, 3, LINE_HEIGHT, max(wide, NARROWEST)), np.float32)
        blob[:, :, :, :wide] = self._reader.normal(line)
        chances = self._reader.run(blob)[0]
        letters: Sequence[str] = self._letters
        if alphabet:
            chances, letters = self._folded(chances, alphabet)
        return decode(chances, letters, padding=wide / blob.shape[3])

    def _resized(self, image: Image, longest: int) -> Image:
        height, width = image.shape[:2]
        ratio = longest / max(height, width)
        size = [max(MULTIPLE, round(side * ratio / MULTIPLE) * MULTIPLE) for side in (width, height)]
        way = self._cv2.INTER_AREA if ratio < 1 else self._cv2.INTER_CUBIC
        resized: Image = self._cv2.resize(image, size, interpolation=way)
        return resized

    def _boxes(self, chances: npt.NDArray[np.float32]) -> Iterable[Quad]:
        cv2 = self._cv2
        mask = cv2.dilate((chances > TEXT_PIXEL).astype(np.uint8), np.ones((2, 2), np.uint8))
        contours, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
        for contour in sorted(contours, key=cv2.contourArea, reverse=True)[:MOST_BOXES]:
            centre, (width, height), angle = cv2.minAreaRect(contour)
            if min(width, height) < SMALLEST:
                continue
            if self._mean(chances, cv2.boxPoints((centre, (width, height), angle))) < TEXT_BOX:
                continue
            # an offset polygon's smallest rectangle is the rectangle grown by the offset on each side
            grow = UNCLIP * width * height / (width + height)
            yield in_order(cv2.boxPoints((centre, (width + grow, height + grow), angle)))

    def _mean(self, chances: npt.NDArray[np.float32], points: Quad) -> float:
        limit = np.array([chances.shape[1] - 1, chances.shape[0] - 1])
        low = np.clip(np.floor(points.min(axis=0)), 0, limit).astype(int)
        high = np.clip(np.ceil(points.max(axis=0)), 0, limit).astype(int)
        mask = np.zeros((high[1] - low[1] + 1, high[0] - low[0] + 1), np.uint8)
        self._cv2.fillPoly(mask, [(points - low).astype(np.int32)], 1)
        return float(self._cv2.mean(chances[low[1] : high[1] + 1, low[0] : high[0] + 1], mask)[0])

    def _folded(self, chances: npt.NDArray[np.float32], alphabet: str) -> tuple[npt.NDArray[np.float32], str]:
        if alphabet not in self._folds:
            kept = "".join(dict.fromkeys(alphabet))
            pairs = [
                (number, kept.index(letter if letter in kept else letter.upper()) + 1)
                for number, letter in enumerate(self._letters)
                if number != BLANK and len(letter) == 1 and (letter in kept or letter.upper() in kept)
            ]
            sources, targets = (np.array(column, np.intp) for column in zip(*pairs, strict=True))
            self._folds[alphabet] = sources, targets, "\0" + kept
        sources, targets, letters = self._folds[alphabet]
        folded = np.zeros((len(chances), len(letters)), np.float32)
        np.add.at(folded.T, targets, chances[:, sources].T)
        # where hardly any of the alphabet was seen stands something else, such as a hyphen
        folded[:, BLANK] = np.where(folded.max(axis=1) < LEAST_OF_ALPHABET, 1, chances[:, BLANK])
        return folded, letters


def decode(chances: npt.NDArray[np.float32], letters: Sequence[str], *, padding: float = 1.0) -> TextRead:
    """Characters from a CTC network's output: runs of one class are one character, blanks part them.

    Args:
        chances: float32 (places, classes): the probability of each class at each place along the line.
        letters: the character of each class; class BLANK is none.
        padding: the part of the places that belongs to the line; the rest is padding behind it.

    Returns:
        the text without spaces; a character's confidence is its class's highest probability in its run, and its
        alternatives are what else was likely there.
    """
    classes = chances.argmax(axis=1)
    starts = np.flatnonzero(np.diff(classes, prepend=-1))
    characters: list[Character] = []
    positions: list[float] = []
    for start, end in zip(starts, [*starts[1:], len(classes)], strict=True):
        number = int(classes[start])
        if number == BLANK or letters[number].isspace():
            continue
        peak = int(start + chances[start:end, number].argmax())
        characters.append(_character(chances[peak], number, letters))
        positions.append(min(1.0, (peak + 0.5) / len(classes) / padding))
    found = tuple(characters)
    return TextRead("".join(each.text for each in found), found, weakest(found), tuple(positions))


def in_order(points: npt.NDArray[Any]) -> Quad:
    """A rectangle's corners, clockwise from the top left one, however it is tilted.

    Of the four ways to name the corners, the one whose upper side runs most to the right: a tall box that leans stays a
    tall box.
    """
    spokes = points - points.mean(axis=0)
    around = points[np.argsort(np.arctan2(spokes[:, 1], spokes[:, 0]), kind="stable")]
    ways = [np.roll(around, -start, axis=0) for start in range(4)]

    def to_the_right(way: npt.NDArray[Any]) -> float:
        upper = way[1] - way[0]
        return float(upper[0] / max(1e-6, float(np.linalg.norm(upper))))

    return np.asarray(max(ways, key=to_the_right), np.float32)


def _character(chances: npt.NDArray[np.float32], number: int, letters: Sequence[str]) -> Character:
    likely = np.argpartition(chances, -min(len(chances), ALTERNATIVES + 3))[-(ALTERNATIVES + 3) :]
    others = [
        (letters[other], float(chances[other]))
        for other in sorted(likely, key=lambda each: -chances[each])
        if other not in (number, BLANK) and not letters[other].isspace() and chances[other] >= LEAST_ALTERNATIVE
    ]
    return Character(letters[number], min(1.0, float(chances[number])), tuple(others[:ALTERNATIVES]))


class _Network:
    """A network of one input and one output, and how its manifest says that pixels become numbers."""

    def __init__(self, directory: ModelDirectory, task: Task, threads: int) -> None:
        model: Model = directory.model(task)
        self._input, self._output = model.manifest.input, model.manifest.output.names[0]
        self._session = directory.session(task, threads=threads)
        self._mean, self._scale = (np.array(values, np.float32) for values in (self._input.mean, self._input.scale))

    def run(self, blob: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        output: npt.NDArray[np.float32] = self._session.run([self._output], {self._input.name: blob})[0]
        return output

    def normal(self, image: Image) -> npt.NDArray[np.float32]:
        """(1, 3, height, width)."""
        normal = image.astype(np.float32)
        if self._input.colour == "RGB":
            normal = normal[:, :, ::-1].copy()
        normal -= self._mean
        normal *= self._scale
        return np.ascontiguousarray(normal.transpose(2, 0, 1)[None])
