"""The colour of a plate's ground, from its own pixels; the letters and what is around it do not count."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from edge_agent.vision.image import Image

COLOURS: Final = ("blue", "yellow", "green", "white", "black", "unknown")

INNER: Final = (0.12, 0.06)
"""Part of the height and of the width left out at each edge: the frame, and corners found wrong."""
HUES: Final = (("yellow", 9, 37), ("green", 38, 92), ("blue", 93, 135))
"""OpenCV's hue, 0..179. New energy green and the edge of blue meet near 90."""
LEVELS: Final = ((55, 35, 0.30), (28, 70, 0.50))
"""A saturation and a brightness (0..255), and the share of pixels that must have both and one hue. The ground is over
half of a plate; dust and glare pale it, and then nearly all of it must agree, because noise has every hue."""
LEAST_COLOURED: Final = 0.15
"""Share of coloured pixels below which the ground is white or black."""
AMBIGUOUS: Final = 0.6
"""When the second hue has this share of the first, neither is the plate's."""
DARK, CONTRAST = 70, 25
GREY: Final = 8
"""Mean saturation of a picture below which it has no colours."""
RED: Final = (8, 172)
RED_SATURATION: Final = 110
RED_SHARE: Final = 0.08
"""Letters cover about a third of their part of the plate; blurred, their edges are no longer red."""


def ground_of(cv2: Any, flat: Image) -> str:
    """One of COLOURS.

    Args:
        cv2: the module, imported by the caller.
        flat: the flat plate, uint8 (height, width, 3), blue green red.

    Returns:
        the hue that most pixels share; white or black when there is none, by whether the letters are darker or brighter
        than the ground; unknown where neither can be told, as in infra-red pictures, in which every plate is grey.
    """
    height, width = flat.shape[:2]
    down, across = round(INNER[0] * height), round(INNER[1] * width)
    inner = cv2.GaussianBlur(flat[down : height - down, across : width - across], (3, 3), 0)
    hsv = cv2.cvtColor(inner, cv2.COLOR_BGR2HSV)
    for saturation, brightness, share in LEVELS:
        if name := _hue(hsv, saturation, brightness, share):
            return name
    coloured = float(np.mean(hsv[..., 1] >= LEVELS[0][0]))
    return _grey(hsv[..., 2]) if coloured < LEAST_COLOURED else "unknown"


def _hue(hsv: Image, saturation: int, brightness: int, share: float) -> str:
    """The hue that at least `share` of the pixels have, at least so saturated and bright; "" for none."""
    coloured = (hsv[..., 1] >= saturation) & (hsv[..., 2] >= brightness)
    shares = sorted(
        ((float(np.mean(coloured & (hsv[..., 0] >= low) & (hsv[..., 0] <= high))), name) for name, low, high in HUES),
        reverse=True,
    )
    (first, name), (second, _) = shares[0], shares[1]
    return name if first >= share and second < AMBIGUOUS * first else ""


def _grey(values: Image) -> str:
    """White or black by which side of the middle most pixels are on: letters cover less than the ground."""
    low, high = np.percentile(values, (5, 95))
    if high - low < CONTRAST:
        return "unknown"
    dark = float(np.mean(values < (low + high) / 2))
    if dark > 0.6 and np.median(values) < DARK:  # noqa: PLR2004 - more than letters cover
        return "black"
    return "white" if dark < 0.4 and np.median(values) > 2 * DARK else "unknown"  # noqa: PLR2004 - less than that


def is_grey(cv2: Any, image: Image) -> bool:
    """The picture has no colours at all, as infra-red cameras give it."""
    small = cv2.resize(image, (64, 64), interpolation=cv2.INTER_AREA)
    return float(np.mean(cv2.cvtColor(small, cv2.COLOR_BGR2HSV)[..., 1])) < GREY


def has_red_letters(cv2: Any, flat: Image) -> bool:
    """The first letters of a flat plate are red: the forces' and the armed police's are."""
    height, width = flat.shape[:2]
    letters = flat[round(0.15 * height) : round(0.85 * height), round(0.04 * width) : round(0.28 * width)]
    hsv = cv2.cvtColor(letters, cv2.COLOR_BGR2HSV)
    red = ((hsv[..., 0] <= RED[0]) | (hsv[..., 0] >= RED[1])) & (hsv[..., 1] >= RED_SATURATION)
    return float(np.mean(red)) >= RED_SHARE
