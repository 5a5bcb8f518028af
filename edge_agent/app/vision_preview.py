"""A camera's picture for whoever aims it: what is read drawn in, its sharpness and light told. Nothing is kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from edge_agent.config_video import ReadKind, VideoTable
from edge_agent.links.camera.frames import Frame, Picture
from edge_agent.vision.containers.reader import ContainerReader
from edge_agent.vision.exposure import Exposure, ExposureRules, judge, measure, words
from edge_agent.vision.extra import importing_vision
from edge_agent.vision.faces.reader import FaceReader
from edge_agent.vision.models.directory import ModelDirectory
from edge_agent.vision.motion import MotionGate
from edge_agent.vision.plates.reader import PlateReader

Colour = tuple[int, int, int]
GREEN, AMBER, WHITE, BLACK = (80, 200, 60), (0, 170, 255), (255, 255, 255), (0, 0, 0)
EDGES = ((-1, 0), (1, 0), (0, -1), (0, 1))
LINES_A_PICTURE = 40
"""So many lines of text are as high as the picture."""


@dataclass(frozen=True, slots=True)
class Box:
    """Something that was found: where (x, y, width, height), what to call it, how sure, and whether it is good."""

    place: tuple[int, int, int, int]
    text: str
    confidence: float
    good: bool


Finder = Callable[[Picture], list[Box]]


@dataclass(frozen=True, slots=True)
class Preview:
    """An annotated picture, and the same in words, one line each."""

    image: Picture
    lines: tuple[str, ...] = field(default=())


class Annotator:
    """Draws into copies of one camera's frames. Not thread-safe."""

    def __init__(self, table: VideoTable, directory: ModelDirectory | None, threads: int) -> None:
        """Loads the models for what the camera reads; without a directory nothing is read. ModelError as of them."""
        self._table = table
        self._finders = [_FINDERS[kind](directory, threads) for kind in table.reads] if directory else []
        self._gate = MotionGate()

    def annotate(self, frame: Frame) -> Preview:
        """One frame with everything that can be said of it."""
        left, top, width, height = region_of(self._table, frame.image)
        part = np.ascontiguousarray(frame.image[top : top + height, left : left + width])
        self._gate.opens(part, frame.at)
        boxes = [_moved(box, left, top) for find in self._finders for box in find(part)]
        lines = [*_state_lines(measure(part), self._gate.share, frame), *(_said(box) for box in boxes)]
        image = drawn(frame.image, boxes, (left, top, width, height), lines)
        return Preview(image, tuple(lines))


def region_of(table: VideoTable, image: Picture) -> tuple[int, int, int, int]:
    """The part that is read, in pixels: x, y, width, height."""
    rows, columns = image.shape[:2]
    left, top, width, height = table.region or (0.0, 0.0, 1.0, 1.0)
    x, y = round(left * columns), round(top * rows)
    return x, y, max(1, round((left + width) * columns) - x), max(1, round((top + height) * rows) - y)


def drawn(image: Picture, boxes: Sequence[Box], region: tuple[int, int, int, int], lines: Sequence[str]) -> Picture:
    """A copy of the picture with boxes, region and text."""
    with importing_vision("Drawing", "opencv-python"):
        import cv2  # noqa: PLC0415 - an extra; and it takes a tenth of a second
    copy = np.array(image)
    size = max(12, copy.shape[0] // LINES_A_PICTURE)
    thick = max(1, size // 12)
    write = _writer(cv2, copy, size)
    if region != (0, 0, copy.shape[1], copy.shape[0]):
        cv2.rectangle(copy, region, WHITE, thick)
    for box in boxes:
        colour = GREEN if box.good else AMBER
        cv2.rectangle(copy, box.place, colour, 2 * thick)
        write(f"{box.text} {box.confidence:.2f}", (box.place[0], max(size, box.place[1] - size // 2)), colour)
    for number, line in enumerate(lines, start=1):
        write(line, (size // 2, round(size * 1.4 * number)), WHITE)
    return copy


def _writer(cv2: Any, image: Picture, size: int) -> Callable[[str, tuple[int, int], Colour], None]:
    """Writes text with a dark edge. OpenCV 4 draws ASCII only: there other characters become "*"."""

    def write(text: str, at: tuple[int, int], colour: Colour) -> None:
        for (right, down), paint in (*((edge, BLACK) for edge in EDGES), ((0, 0), colour)):
            place = at[0] + right, at[1] + down
            if hasattr(cv2, "FontFace"):
                cv2.putText(image, text, place, paint, cv2.FontFace("uni"), size)
            else:
                cv2.putText(image, _ascii(text), place, cv2.FONT_HERSHEY_SIMPLEX, size / 32, paint, max(1, size // 16))

    return write


def _state_lines(exposure: Exposure, moved: float, frame: Frame) -> list[str]:
    rows, columns = frame.image.shape[:2]
    light = f"brightness {exposure.brightness:.0f}  white {exposure.blown_out:.0%}  contrast {exposure.contrast:.0f}"
    shown = [
        f"{columns} x {rows}  picture {frame.number}  motion {moved:.1%}",
        f"{light}  sharpness {exposure.sharpness:.4f}",
    ]
    condition = judge(exposure, ExposureRules())
    return shown if condition is None else [*shown, *words(condition, exposure).split(" / ")]


def _said(box: Box) -> str:
    return f"{box.text}  {box.confidence:.3f}  at {box.place[0]},{box.place[1]} ({box.place[2]} x {box.place[3]})"


def _moved(box: Box, left: int, top: int) -> Box:
    x, y, width, height = box.place
    return Box((x + left, y + top, width, height), box.text, box.confidence, box.good)


def _ascii(text: str) -> str:
    return "".join(letter if letter.isascii() else "*" for letter in text)


def _plates(directory: ModelDirectory, threads: int) -> Finder:
    reader = PlateReader(directory, threads)
    return lambda image: [
        Box(read.box, f"{read.text} ({read.kind})", read.confidence, read.unattended)
        for read in reader.read(image, thorough=False)
    ]


def _containers(directory: ModelDirectory, threads: int) -> Finder:
    reader = ContainerReader(directory, threads)
    return lambda image: [
        Box(read.box, f"{read.text} {read.size_type}".strip(), read.confidence, read.unattended)
        for read in reader.read(image, thorough=False)
    ]


def _faces(directory: ModelDirectory, threads: int) -> Finder:
    reader = FaceReader(directory, threads)

    def find(image: Picture) -> list[Box]:
        faces = reader.find(image)
        return [Box(face.box, "face" + _advice(face.quality.advice), face.score, face.quality.ok) for face in faces]

    return find


def _advice(advice: object) -> str:
    english = getattr(advice, "en", "")
    return f": {english}" if english else ""


_FINDERS: dict[ReadKind, Callable[[ModelDirectory, int], Finder]] = {
    "plate": _plates,
    "container": _containers,
    "face": _faces,
}
