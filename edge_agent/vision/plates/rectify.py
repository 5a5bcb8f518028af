"""A plate seen at an angle, made flat; and a plate of two rows, taken apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from edge_agent.vision.image import Image
from edge_agent.vision.plates.detector import Corners

WIDEST: Final = 480
"""Pixels of a flat plate's width at most: ten a stroke is more than any reader needs."""
NARROWEST: Final = 160
ONE_ROW, TWO_ROWS = 140 / 440, 220 / 440
"""Height over width of the plate (GA 36-2018); new energy plates are 140 / 480, and read as well at 140 / 440."""
NEVER_TWO_ROWS: Final = 2.75
"""A find this many times wider than high is a plate of one row; one seen from the side looks narrower."""
ABOVE: Final = 0.65
"""Height of what is above the lower row, as a part of the lower row's."""
UPPER_ROW, LOWER_ROW = (0.0, 0.44), (0.38, 1.0)
"""The rows of a plate of two, as parts of its height: characters of 60 and 110 mm of 220 (GA 36-2018), and a margin."""


@dataclass(frozen=True, slots=True)
class Margins:
    """How much more than the corners is taken, as parts of the plate's width and height; negative takes less."""

    left: float = 0.0
    top: float = 0.0
    right: float = 0.0
    bottom: float = 0.0

    @classmethod
    def even(cls, across: float, down: float) -> Margins:
        """The same on both sides."""
        return cls(across, down, across, down)


TIGHT: Final = Margins()


def proportion(corners: Corners) -> float:
    """Width over height of a plate by its corners, in the picture's plane."""
    top, right, bottom, left = (float(np.linalg.norm(corners[i] - corners[(i + 1) % 4])) for i in range(4))
    return (top + bottom) / max(left + right, 1e-3)


def raised(corners: Corners) -> Corners:
    """The corners of a plate of two rows of which only the lower row was found."""
    top_left, top_right, bottom_right, bottom_left = corners
    up_left, up_right = (top_left - bottom_left) * ABOVE, (top_right - bottom_right) * ABOVE
    return np.stack([top_left + up_left, top_right + up_right, bottom_right, bottom_left]).astype(np.float32)


def flatten(cv2: Any, image: Image, corners: Corners, shape: float = ONE_ROW, margins: Margins = TIGHT) -> Image:
    """The plate flat and upright.

    Args:
        cv2: the module, imported by the caller.
        image: uint8 (height, width, 3).
        corners: the plate's.
        shape: height over width of the flat plate.
        margins: what is taken around the corners.

    Returns:
        uint8, between NARROWEST and WIDEST pixels wide, about as wide as the plate is in the picture.
    """
    whole_width, whole_height = 1 + margins.left + margins.right, 1 + margins.top + margins.bottom
    seen = max(float(np.linalg.norm(corners[0] - corners[1])), float(np.linalg.norm(corners[3] - corners[2])))
    width = int(np.clip(round(seen * whole_width), NARROWEST, WIDEST))
    height = max(8, round(width / whole_width * shape * whole_height))
    left, top = margins.left / whole_width * width, margins.top / whole_height * height
    right, bottom = width - margins.right / whole_width * width, height - margins.bottom / whole_height * height
    target = np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)
    part, moved, shrunk = _neighbourhood(cv2, image, corners, width / max(seen * whole_width, 1.0))
    turn = cv2.getPerspectiveTransform(((corners - moved) * shrunk).astype(np.float32), target)
    flat = cv2.warpPerspective(part, turn, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.ascontiguousarray(flat, np.uint8)


def _neighbourhood(cv2: Any, image: Image, corners: Corners, scale: float) -> tuple[Image, Corners, float]:
    """The picture around the plate, made smaller where the flat plate will be, so that no pixel is stepped over."""
    low, high = corners.min(0), corners.max(0)
    reach = (high - low) * 0.5 + 4
    limit = np.array([image.shape[1], image.shape[0]])
    first = np.clip(np.floor(low - reach), 0, limit - 1).astype(int)
    last = np.clip(np.ceil(high + reach), first + 1, limit).astype(int)
    part = image[first[1] : last[1], first[0] : last[0]]
    if scale < 1:
        part = cv2.resize(part, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return part, first.astype(np.float32), min(1.0, scale)


def rows_of(flat: Image) -> tuple[Image, Image]:
    """The upper and the lower row of a flat plate of two rows."""
    height = flat.shape[0]
    upper = flat[round(UPPER_ROW[0] * height) : round(UPPER_ROW[1] * height)]
    lower = flat[round(LOWER_ROW[0] * height) : round(LOWER_ROW[1] * height)]
    return np.ascontiguousarray(upper), np.ascontiguousarray(lower)


def in_one_row(cv2: Any, upper: Image, lower: Image) -> Image:
    """Both rows behind one another, at one height: the upper one's middle, which holds its two characters."""
    height = lower.shape[0]
    across = upper.shape[1]
    middle = upper[:, round(0.18 * across) : round(0.82 * across)]
    first = cv2.resize(middle, (round(0.36 * across), height), interpolation=cv2.INTER_LINEAR)
    return np.ascontiguousarray(np.hstack([first, lower]), np.uint8)
