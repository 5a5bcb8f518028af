"""Pictures to try a network with: the same bytes on every machine and with every version of numpy."""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]


def noise(height: int, width: int) -> Picture:
    """Every pixel by chance, uint8 (height, width, 3): excites every filter, and looks like nothing."""
    data = hashlib.shake_256(f"tidegate {height} {width}".encode()).digest(height * width * 3)
    return np.frombuffer(data, np.uint8).reshape(height, width, 3)


def shapes(height: int, width: int) -> Picture:
    """Smooth shades with dark discs and bright bars, uint8 (height, width, 3): edges and areas, as pictures have."""
    y, x = np.mgrid[0:height, 0:width].astype(np.int64)
    picture = np.stack(
        [x * 255 // width, y * 255 // height, (x * height + y * width) * 127 // (height * width)], axis=2
    )
    for row, column, radius in ((2, 1, 6), (2, 3, 6), (4, 2, 5)):
        inside = (y * 6 - row * height) ** 2 + (x * 4 - column * width) ** 2 < (min(height, width) * 6 // radius) ** 2
        picture[inside] = (40, 30, 60)
    bars = (x * 12 // width % 4 == 0) & (y * 8 // height == 6)  # noqa: PLR2004 - the seventh eighth
    picture[bars] = (230, 240, 210)
    return picture.astype(np.uint8)
