"""Drawn faces, random templates and moments for the tests of faces."""

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from edge_agent.model.moment import SECOND, Moment, MonoNs, WallNs
from edge_agent.vision.faces.geometry import ARCFACE_POINTS
from edge_agent.vision.faces.quality import LIMITS, Measure, Quality
from edge_agent.vision.image import Image

BOOT = bytes(16)
SKIN, DARK = (150, 175, 215), (40, 40, 45)


def draw_face(eyes: float = 80.0, width: int = 640, height: int = 480) -> tuple[Image, npt.NDArray[np.float64]]:
    """A face upright in the middle of a picture, `eyes` pixels between the eyes, and its landmarks."""
    scale = eyes / (ARCFACE_POINTS[1, 0] - ARCFACE_POINTS[0, 0])
    points = (ARCFACE_POINTS - [56.0, 66.0]) * scale + [width / 2, height / 2]
    picture = np.full((height, width, 3), 120, np.uint8)
    cv2.ellipse(picture, _at(width / 2, height / 2), _at(44 * scale, 58 * scale), 0, 0, 360, SKIN, -1)
    for x, y in points[:2]:
        cv2.ellipse(picture, _at(x, y), _at(7 * scale, 3.5 * scale), 0, 0, 360, (235, 235, 235), -1)
        cv2.circle(picture, _at(x, y), max(1, round(2.6 * scale)), DARK, -1)
        cv2.line(
            picture, _at(x - 8 * scale, y - 7 * scale), _at(x + 8 * scale, y - 7 * scale), DARK, max(1, round(scale))
        )
    cv2.line(picture, _at(*points[3]), _at(*points[4]), (70, 70, 130), max(2, round(3 * scale)))
    cv2.line(
        picture, _at(points[2, 0], points[2, 1] - 14 * scale), _at(*points[2]), (120, 140, 180), max(1, round(scale))
    )
    # light from one side, as faces have it: most of a face's contrast is in its shading, not in its edges
    shade = np.interp(np.arange(width), [width / 2 - 40 * scale, width / 2 + 40 * scale], [1.15, 0.55])
    return np.clip(picture * shade[None, :, None], 0, 255).astype(np.uint8), points


def _at(x: float, y: float) -> tuple[int, int]:
    return round(x), round(y)


@pytest.fixture
def draw() -> Callable[..., tuple[Image, npt.NDArray[np.float64]]]:
    return draw_face


def unit_vector(seed: int, size: int = 128) -> npt.NDArray[np.float32]:
    vector = np.random.default_rng(seed).standard_normal(size)
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


@pytest.fixture
def template() -> Callable[..., npt.NDArray[np.float32]]:
    """A random template by its seed."""
    return unit_vector


@pytest.fixture
def near() -> Callable[[npt.NDArray[np.float32], float, int], npt.NDArray[np.float32]]:
    """A template with exactly this cosine to another."""

    def make(base: npt.NDArray[np.float32], cosine: float, seed: int = 99) -> npt.NDArray[np.float32]:
        other = unit_vector(seed, base.size).astype(np.float64)
        other -= float(other @ base) * base
        other /= np.linalg.norm(other)
        return np.asarray(cosine * base + np.sqrt(1 - cosine**2) * other, np.float32)

    return make


@pytest.fixture
def moment() -> Callable[..., Moment]:
    """A moment: seconds of wall clock and of monotonic clock."""

    def make(wall: float, mono: float, boot: bytes = BOOT, *, synchronised: bool = True) -> Moment:
        return Moment(WallNs(round(wall * SECOND)), MonoNs(round(mono * SECOND)), boot, synchronised=synchronised)

    return make


GOOD = {
    "in_frame": 1.0,
    "faces": 1.0,
    "size": 90.0,
    "yaw": 3.0,
    "pitch": 2.0,
    "roll": 1.0,
    "brightness": 130.0,
    "contrast": 40.0,
    "glare": 0.0,
    "sharpness": 0.05,
    "mouth": 0.8,
    "eyes": 0.9,
}


@pytest.fixture
def quality() -> Callable[..., Quality]:
    """A good quality; keywords change single measures."""

    def make(**changed: float) -> Quality:
        values = GOOD | changed
        return Quality(tuple(Measure(name, values[name], limit) for name, limit in LIMITS.items()))

    return make
