"""Plates in a picture: found, made flat, read by two readers, judged by the grammar."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from edge_agent.vision.containers.text import TextReader
from edge_agent.vision.extra import importing_vision
from edge_agent.vision.image import Image
from edge_agent.vision.models.directory import ModelDirectory
from edge_agent.vision.models.tasks import Task
from edge_agent.vision.plates.colour import ground_of, has_red_letters, is_grey
from edge_agent.vision.plates.detector import Corners, Found, PlateDetector
from edge_agent.vision.plates.elsewhere import BoxReader, corners_of
from edge_agent.vision.plates.looks import Judged, Looker
from edge_agent.vision.plates.read import UNATTENDED, PlateRead, read_of
from edge_agent.vision.plates.rectify import NEVER_TWO_ROWS, flatten, proportion, raised
from edge_agent.vision.plates.segfree import PlateNetwork

LONGEST: Final = 2560
"""Pixels of a picture's longest side that are worked on; larger ones are reduced first, whatever they hold."""
SMALLEST: Final = 16
"""Pixels of the shortest side in which there may be a plate."""
SIDE: Final = 640
"""Pixels of the longest side as the detector sees it: 98.1 % of toll-lane frames were read, at 480 96.2 %."""
CLOSER, FARTHER = 1280, 320
"""Where nothing is found: twice the size for small plates, half of it for a plate that fills the picture."""
FAIR_FIND: Final = 0.5
"""The detector's score from which a text that breaks the grammar is reported; below, it is lettering of some kind."""
LIKELY: Final = 0.3
"""Confidence from which a plate is reported though the detector's score is below its threshold."""
LENGTHS: Final = range(5, 9)
LOWER_ROW_ALONE: Final = 6
"""Characters, and no province: this may be the lower row of two, its five characters and a bolt."""
LEGIBLE: Final = 0.05
"""A character less likely than this was not read; a text with one is not reported."""


@dataclass(frozen=True, slots=True)
class _View:
    """One way to show a picture to the detector."""

    image: Image
    side: int


class PlateReader:
    """Reads mainland plates, and plates of other regions as far as they are found. Keeps nothing between pictures."""

    def __init__(self, directory: ModelDirectory, threads: int = 1) -> None:
        """Load plate-detector, plate-reader and text-reader, and plate-detector-western when there is one.

        Raises:
            ModelError: a model is missing or not in order.
            ConfigError: a library of the extra `vision` is missing.
        """
        with importing_vision("Reading plates", "opencv-python"):
            import cv2  # noqa: PLC0415 - an extra; and it takes a tenth of a second
        self._cv2: Any = cv2
        text = TextReader(directory, threads)
        network = PlateNetwork(cv2, directory, threads)
        self._unattended = UNATTENDED if network.threshold is None else network.threshold
        self._looker = Looker(cv2, network, text)
        self._boxes = BoxReader(cv2, text)
        self._detector = PlateDetector(directory, threads=threads)
        western = Task.PLATE_DETECTOR_WESTERN
        self._western = PlateDetector(directory, western, threads) if directory.has(western) else None

    def read(self, image: Image, *, thorough: bool = True) -> list[PlateRead]:
        """The plates in a picture, likeliest find first.

        Args:
            image: uint8 (height, width, 3), blue green red. More than LONGEST pixels a side are reduced first.
            thorough: for still pictures: other scales where nothing is found, other crops where a plate is unsure.
                False is for frames of a passage, of which there are others.

        Returns:
            reads with boxes in the given picture's pixels; empty when there is no plate. A find on which nothing can
            be read is left out.
        """
        if min(image.shape[:2]) < SMALLEST:
            return []
        seen, scale = self._reduced(image)
        reads = self._mainland(seen, thorough)
        reads += self._elsewhere(seen, reads)
        return [_scaled(read, scale, image) for read in reads]

    def read_box(self, image: Image, box: tuple[int, int, int, int]) -> PlateRead | None:
        """The plate of any region inside a given upright box (x, y, width, height, pixels); None where none is read.

        No grammar is applied: `kind` is "western", `grammar_ok` and `unattended` are False.
        """
        return self._boxes.read(image, box)

    def _reduced(self, image: Image) -> tuple[Image, float]:
        scale = min(1.0, LONGEST / max(image.shape[:2]))
        if scale == 1.0:
            return image, 1.0
        size = [max(1, round(side * scale)) for side in image.shape[1::-1]]
        return np.ascontiguousarray(self._cv2.resize(image, size, interpolation=self._cv2.INTER_AREA)), scale

    def _mainland(self, image: Image, thorough: bool) -> list[PlateRead]:
        grey = is_grey(self._cv2, image)
        for number, view in enumerate(self._views(image)):
            finds = self._detector.find(view.image, view.side)
            reads = [self._plate(image, found, grey=grey, thorough=thorough) for found in finds]
            first = number == 0
            kept = [read for read, found in zip(reads, finds, strict=True) if read and self._worth(read, found, first)]
            if kept or not thorough:
                return kept
        return []

    def _views(self, image: Image) -> Iterator[_View]:
        yield _View(image, SIDE)
        yield _View(image, CLOSER if max(image.shape[:2]) > SIDE else FARTHER)
        yield _View(self._evened(image), SIDE)

    def _evened(self, image: Image) -> Image:
        """The picture with its contrast brought out region by region: plates in the dark, in fog, against the sun."""
        cv2 = self._cv2
        lab = cv2.cvtColor(image, cv2.COLOR_BGR2LAB)
        lab[..., 0] = cv2.createCLAHE(clipLimit=4.0, tileGridSize=(8, 8)).apply(lab[..., 0])
        evened: Image = cv2.cvtColor(lab, cv2.COLOR_LAB2BGR)
        return evened

    def _plate(self, image: Image, found: Found, *, grey: bool, thorough: bool) -> PlateRead | None:
        flat = flatten(self._cv2, image, found.corners)
        ground = ground_of(self._cv2, flat)
        colour = "unknown" if grey and ground in ("white", "black") else ground
        military = colour == "white" and has_red_letters(self._cv2, flat)
        judged = self._looker.one_row(image, found.corners, colour, thorough=thorough, military=military)
        if not judged.agreed and proportion(found.corners) < NEVER_TWO_ROWS:
            judged = _better(judged, self._looker.two_rows(image, found.corners, colour, thorough=thorough))
        elif thorough and judged.choice.layout is None and len(judged.choice.text) <= LOWER_ROW_ALONE:
            whole = self._looker.two_rows(image, raised(found.corners), colour, thorough=False)
            judged = whole if whole.choice.layout and whole.choice.weakest >= LIKELY else judged
        if judged.choice.weakest < LEGIBLE or not judged.choice.characters:
            return None
        read = read_of(
            judged.choice,
            box=found.box(image.shape[1], image.shape[0]),
            colour=colour,
            double=judged.double,
            trusted=judged.agreed and not judged.double,
            threshold=self._unattended,
        )
        return self._boxes.as_western(read) if judged.foreign else read

    def _worth(self, read: PlateRead, found: Found, first_look: bool) -> bool:
        """Whether a read is worth reporting: a text that can be a plate's, the surer the less sure the find is."""
        if read.grammar_ok:
            return read.confidence >= LIKELY or (first_look and found.score >= self._detector.threshold)
        readable = len(read.text) in LENGTHS and any(map(str.isdigit, read.text)) and read.confidence >= LIKELY
        return readable and first_look and found.score >= FAIR_FIND

    def _elsewhere(self, image: Image, known: list[PlateRead]) -> list[PlateRead]:
        if self._western is None:
            return []
        reads = []
        for found in self._western.find(image, SIDE):
            box = found.box(image.shape[1], image.shape[0])
            if found.score < self._western.threshold or any(_overlap(box, other.box) for other in known):
                continue
            if read := self.read_box(image, box):
                reads.append(read)
        return reads


def _better(one_row: Judged, two_rows: Judged) -> Judged:
    if two_rows.choice.layout is None:
        return one_row
    surer = two_rows.choice.weakest > one_row.choice.weakest or one_row.choice.layout is None
    return two_rows if surer else one_row


def _overlap(a: tuple[int, int, int, int], b: tuple[int, int, int, int]) -> bool:
    return a[0] < b[0] + b[2] and b[0] < a[0] + a[2] and a[1] < b[1] + b[3] and b[1] < a[1] + a[3]


def _scaled(read: PlateRead, scale: float, image: Image) -> PlateRead:
    if scale == 1.0:
        return read
    corners: Corners = corners_of(read.box) / np.float32(scale)
    return read.moved(Found(1.0, corners).box(image.shape[1], image.shape[0]))
