"""CenterFace: maps of a network -> boxes and five landmarks (arXiv 1911.03599). Decoding and overlaps in numpy.

The network gives four maps at a quarter of its input: a heat map of faces' centres, the logarithm of their height and
width, the centre's offset within its cell, and the landmarks within the box.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from edge_agent.vision.extra import importing_vision
from edge_agent.vision.image import Image
from edge_agent.vision.models.directory import Session
from edge_agent.vision.models.manifest import Manifest

Floats = npt.NDArray[np.float32]

STRIDE = 4
OVERLAP = 0.3
"""Of two boxes that share more (intersection over union) the less sure one goes: as CenterFace's authors do."""

MOST_FACES = 200
"""Candidates that are decoded; a picture with more sure ones is a crowd, not a traveller."""

_LARGEST_SCALE = 12.0  # e^12 * 4 pixels is beyond any picture: keeps a broken model's boxes finite


def decode(heat: Floats, scale: Floats, offset: Floats, points: Floats, threshold: float) -> tuple[Floats, Floats]:
    """What the maps say, in pixels of the network's input.

    Args:
        heat: (1, 1, h, w), 0..1.
        scale: (1, 2, h, w), logarithms of height and width in strides.
        offset: (1, 2, h, w), y and x in strides.
        points: (1, 10, h, w), y and x of five landmarks, in heights and widths of the box from its corner.
        threshold: of the heat map.

    Returns:
        Boxes (n, 5): left, top, right, bottom, score, surest first; and landmarks (n, 5, 2) as x, y.
    """
    scores = heat[0, 0]
    rows, columns = np.nonzero(scores > threshold)
    found = scores[rows, columns]
    order = np.argsort(found)[::-1][:MOST_FACES]
    rows, columns, found = rows[order], columns[order], found[order]
    heights, widths = np.exp(np.minimum(scale[0][:, rows, columns], _LARGEST_SCALE)) * STRIDE
    tops = (rows + offset[0, 0, rows, columns] + 0.5) * STRIDE - heights / 2
    lefts = (columns + offset[0, 1, rows, columns] + 0.5) * STRIDE - widths / 2
    marks = points[0][:, rows, columns].T.reshape(-1, 5, 2)[:, :, ::-1]  # (n, 5, (x, y)) in boxes
    size = np.stack([widths, heights], axis=1)
    corner = np.stack([lefts, tops], axis=1)
    boxes = np.concatenate([corner, corner + size, found[:, None]], axis=1).astype(np.float32)
    landmarks = (marks * size[:, None, :] + corner[:, None, :]).astype(np.float32)
    keep = suppress(boxes)
    return boxes[keep], landmarks[keep]


def suppress(boxes: Floats, overlap: float = OVERLAP) -> list[int]:
    """Which of (n, 5) boxes, surest first, remain when each that overlaps a surer one is left out."""
    corners, areas = boxes[:, :4], np.prod(boxes[:, 2:4] - boxes[:, :2], axis=1)
    left = list(range(len(boxes)))
    keep = []
    while left:
        best, *rest = left
        keep.append(best)
        if not rest:
            break
        low = np.maximum(corners[best, :2], corners[rest, :2])
        high = np.minimum(corners[best, 2:], corners[rest, 2:])
        shared = np.prod(np.maximum(high - low, 0), axis=1)
        union = areas[best] + areas[rest] - shared
        left = [index for index, share in zip(rest, shared / np.maximum(union, 1e-9), strict=True) if share < overlap]
    return keep


class CenterFace:
    """CenterFace as insightface's FaceAnalysis takes a detector: `taskname`, `prepare`, `detect`.

    Args:
        session: the network.
        manifest: names of input and outputs, colour, mean and scale.
        pixels: the longer side of the picture as the network sees it; 480 unless small faces matter.
    """

    taskname = "detection"

    def __init__(self, session: Session, manifest: Manifest, pixels: int) -> None:
        self._session = session
        self._input, self._outputs = manifest.input, list(manifest.output.names)
        self._threshold = 0.5 if manifest.threshold is None else manifest.threshold
        self.pixels = pixels

    def prepare(self, ctx_id: int = -1, *, input_size: tuple[int, int] | None = None, **_: Any) -> None:
        """The way insightface sets the size; `ctx_id` (a graphics card) has no meaning here."""
        del ctx_id
        if input_size is not None:
            self.pixels = max(input_size)

    def detect(
        self, img: Image, input_size: tuple[int, int] | None = None, max_num: int = 0, metric: str = "default"
    ) -> tuple[Floats, Floats]:
        """Faces of a picture: boxes (n, 5) left, top, right, bottom, score and landmarks (n, 5, 2), in its pixels.

        Args:
            img: blue green red.
            input_size: the longer of the two is the network's longer side; None for the detector's own.
            max_num: the surest so many; 0 for all.
            metric: insightface's; the surest come first in every case.
        """
        del metric
        height, width = img.shape[:2]
        longest = max(input_size) if input_size is not None else self.pixels
        maps, factors = self._run(img, longest / max(height, width))
        heat, scale, offset, points = maps
        boxes, landmarks = decode(heat, scale, offset, points, self._threshold)
        boxes[:, :4] /= np.tile(factors, 2)
        landmarks /= factors
        return (boxes[:max_num], landmarks[:max_num]) if max_num else (boxes, landmarks)

    def _run(self, img: Image, factor: float) -> tuple[list[Floats], Floats]:
        with importing_vision("Finding faces", "opencv-python"):
            import cv2  # noqa: PLC0415 - an extra; and it takes a tenth of a second
        height, width = img.shape[:2]
        step = max(self._input.multiple, 32)  # the network halves its input five times
        wide, high = (max(step, round(side * factor / step) * step) for side in (width, height))
        # area: a large picture made small by points alone would lose thin edges
        how = cv2.INTER_AREA if wide < width else cv2.INTER_LINEAR
        small = cv2.resize(img, (wide, high), interpolation=how)
        if self._input.colour == "RGB":
            small = small[:, :, ::-1]
        values = (small - np.array(self._input.mean, np.float32)) * np.array(self._input.scale, np.float32)
        blob = np.ascontiguousarray(values.transpose(2, 0, 1)[None], dtype=np.float32)
        maps = self._session.run(self._outputs, {self._input.name: blob})
        return maps, np.array([wide / width, high / height], np.float32)
