"""A picture as a model's manifest wants it: the one preparation that every model's contract is written in."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from edge_agent.vision.extra import importing_vision
from edge_agent.vision.image import Image
from edge_agent.vision.models.manifest import Input

USUAL_SIDE = 320  # pixels, where a size is free and nobody says


def input_size(given: Input, height: int = USUAL_SIDE, width: int = USUAL_SIDE) -> tuple[int, int]:
    """Height and width that the model takes: its own where they are fixed, else the wished ones rounded up."""
    made = []
    for wished, fixed in ((height, given.shape[2]), (width, given.shape[3])):
        rounded = max(given.multiple, -(-wished // given.multiple) * given.multiple)
        made.append(fixed if isinstance(fixed, int) else rounded)
    return made[0], made[1]


def prepare(image: Image, given: Input, height: int = USUAL_SIDE, width: int = USUAL_SIDE) -> npt.NDArray[np.float32]:
    """One picture stretched to the model's size, its channels ordered and scaled: float32 (1, 3, height, width).

    Args:
        image: blue green red.
        given: the manifest's input.
        height: wished, where the model's is free.
        width: wished, where the model's is free.
    """
    with importing_vision("Preparing pictures", "opencv-python"):
        import cv2  # noqa: PLC0415 - an extra; and it takes a tenth of a second
    height, width = input_size(given, height, width)
    resized = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    ordered = resized[:, :, ::-1] if given.colour == "RGB" else resized
    scaled = (ordered.astype(np.float32) - np.array(given.mean, np.float32)) * np.array(given.scale, np.float32)
    return np.ascontiguousarray(scaled.transpose(2, 0, 1)[None], np.float32)
