"""Plates of every mainland kind, drawn: for kinds of which no photograph with its truth may be kept.

Measures follow GA 36-2018: 440 x 140 mm (one row), 440 x 220 mm (two rows), 480 x 140 mm (new energy), characters of
45 x 90 mm. The letters are OpenCV's built-in font (`cv2.FontFace("uni")`, OpenCV 5), squeezed to those measures: near
the stamped letters, not the same. A figure measured on drawn plates says how a kind is handled, not how often a
camera's picture of it is read.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]

WHITE: Final = (240, 240, 240)
BLACK: Final = (25, 25, 25)
RED: Final = (30, 30, 200)
GROUND: Final[dict[str, tuple[tuple[int, int, int], tuple[int, int, int]]]] = {
    "blue": ((150, 70, 20), WHITE),
    "yellow": ((20, 170, 235), BLACK),
    "yellow-double": ((20, 170, 235), BLACK),
    "green": ((140, 205, 110), BLACK),
    "white": ((235, 235, 235), BLACK),
    "white-double": ((235, 235, 235), BLACK),
    "black": ((35, 30, 30), WHITE),
}
"""Kind -> the colours of its ground and of its letters, blue green red."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A plate to draw: what it says and of which kind it is."""

    text: str
    kind: str


EXAMPLES: Final = (
    Drawn("琼B7K219", "blue"),
    Drawn("粤E90M36", "blue"),
    Drawn("沪C4827学", "yellow"),
    Drawn("桂A5308学", "yellow"),
    Drawn("湘F61J24", "yellow"),
    Drawn("琼A26815", "yellow-double"),
    Drawn("粤B3471挂", "yellow-double"),
    Drawn("冀J9C52挂", "yellow-double"),
    Drawn("豫G80673", "yellow-double"),
    Drawn("琼AD30518", "green"),
    Drawn("粤BF47296", "green"),
    Drawn("京A06271D", "green"),
    Drawn("浙CDK6803", "green"),
    Drawn("苏E2381警", "white"),
    Drawn("鲁B6904警", "white"),
    Drawn("WJ粤4073B", "white"),
    Drawn("粤Z6T82港", "black"),
    Drawn("粤Z19K5澳", "black"),
    Drawn("沪A1094领", "black"),
    Drawn("粤A2653领", "black"),
)


def _letter(character: str, width: int, height: int) -> npt.NDArray[np.float32]:
    """One character as coverage 0..1, stretched to (height, width); narrow ones keep their strokes' width."""
    canvas = np.zeros((160, 200, 3), np.uint8)
    cv2.putText(canvas, character, (30, 120), (255, 255, 255), cv2.FontFace("uni"), 90, 700)
    rows, columns = np.nonzero(canvas[:, :, 0])
    glyph = canvas[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1, 0]
    wide = width if character != "1" else width // 2
    stretched = cv2.resize(glyph, (wide, height), interpolation=cv2.INTER_AREA)
    box = np.zeros((height, width), np.float32)
    box[:, (width - wide) // 2 : (width - wide) // 2 + wide] = stretched / np.float32(255.0)
    return box


def _row(plate: Image, text: str, place: tuple[int, int, int, int], ink: tuple[int, int, int], gap: int = 0) -> None:
    """Draw `text` evenly into place (x, y, width, height); `gap` is the wider space after the second character."""
    x, y, width, height = place
    advance = (width - gap) / len(text)
    for index, character in enumerate(text):
        left = round(x + index * advance + (gap if index > 1 else 0))
        letter = _letter(character, max(8, round(advance - 12)), height)
        colour = RED if character in "警领使" and ink == BLACK else ink
        target = plate[y : y + height, left : left + letter.shape[1]].astype(np.float32)
        drawn = target * (1 - letter[..., None]) + np.asarray(colour, np.float32) * letter[..., None]
        plate[y : y + height, left : left + letter.shape[1]] = drawn.astype(np.uint8)


def draw_plate(drawn: Drawn) -> Image:
    """The flat plate, one pixel a millimetre."""
    ground, ink = GROUND[drawn.kind]
    double = drawn.kind.endswith("-double")
    width, height = (480, 140) if drawn.kind == "green" else (440, 220 if double else 140)
    plate = np.full((height, width, 3), ground, np.uint8)
    if drawn.kind == "green":  # fades from white at the top
        fade = np.linspace(1, 0, height, dtype=np.float32)[:, None, None]
        plate = (np.float32(240) * fade + np.asarray(ground, np.float32) * (1 - fade)).repeat(width, 1).astype(np.uint8)
    cv2.rectangle(plate, (4, 4), (width - 5, height - 5), ink, 3)
    if double:
        _row(plate, drawn.text[:2], (100, 15, 240, 60), ink)
        _row(plate, drawn.text[2:], (20, 90, 408, 110), ink)
    else:
        _row(plate, drawn.text, (17, 25, width - 24, 90), ink, gap=22)
        if drawn.kind != "green":
            cv2.circle(plate, (17 + round((width - 46) / len(drawn.text) * 2) + 5, 70), 5, ink, -1)
    return plate


def place_plate(scene: Image, drawn: Drawn, corners: npt.NDArray[np.float32], blur: float = 0.6) -> Image:
    """The scene with the plate hung at four corners (top left, top right, bottom right, bottom left), in pixels."""
    plate = draw_plate(drawn)
    height, width = plate.shape[:2]
    flat = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    turn = cv2.getPerspectiveTransform(flat, corners.astype(np.float32))
    size = (scene.shape[1], scene.shape[0])
    # as a lens does, the plate is made small without stepping over pixels
    shrink = float(np.linalg.norm(corners[1] - corners[0])) / width
    soft = cv2.GaussianBlur(plate, (0, 0), max(0.1, 0.5 / max(shrink, 0.05)))
    hung = cv2.GaussianBlur(cv2.warpPerspective(soft, turn, size), (0, 0), blur)
    mask = cv2.warpPerspective(np.full((height, width), 255, np.uint8), turn, size)
    mixed = np.where(mask[..., None] > 127, hung, scene)
    return np.ascontiguousarray(mixed, np.uint8)


def street(width: int = 1280, height: int = 720, seed: int = 1) -> Image:
    """A plain scene without a plate: a dark vehicle's front on a grey road, with the noise of a sensor."""
    scene = np.full((height, width, 3), (120, 120, 118), np.uint8)
    cv2.rectangle(scene, (width // 5, height // 6), (width * 4 // 5, height * 5 // 6), (60, 55, 50), -1)
    cv2.rectangle(scene, (width // 4, height // 5), (width * 3 // 4, height * 2 // 5), (90, 85, 70), -1)
    noise = np.random.default_rng(seed).normal(0, 4, scene.shape)
    return np.clip(scene + noise, 0, 255).astype(np.uint8)


def worn(image: Image, draw: random.Random, level: int) -> Image:
    """The picture made worse in two ways that `draw` picks; `level` 0 (a little) to 2 (hardly legible)."""
    for name in draw.sample(sorted(WEAR), k=2):
        image = WEAR[name](image, draw, level)
    return np.ascontiguousarray(image)


def _blur(image: Image, draw: random.Random, level: int) -> Image:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), 0.6 + 0.5 * level * draw.random()), np.uint8)


def _motion(image: Image, draw: random.Random, level: int) -> Image:
    size = 3 + 2 * level
    line = np.zeros((size, size), np.float32)
    line[size // 2] = 1
    turn = cv2.getRotationMatrix2D((size / 2 - 0.5, size / 2 - 0.5), draw.uniform(0, 180), 1)
    line = np.asarray(cv2.warpAffine(line, turn, (size, size)), np.float32)
    return np.asarray(cv2.filter2D(image, -1, line / line.sum()), np.uint8)


def _noise(image: Image, draw: random.Random, level: int) -> Image:
    noise = np.random.default_rng(draw.getrandbits(32)).normal(0, 6 + 6 * level, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


def _dark(image: Image, _draw: random.Random, level: int) -> Image:
    return np.asarray(image * (0.5 - 0.13 * level), np.uint8)


def _glare(image: Image, _draw: random.Random, level: int) -> Image:
    return np.asarray(cv2.convertScaleAbs(image, alpha=1.3, beta=30 * level), np.uint8)


def _pale(image: Image, _draw: random.Random, level: int) -> Image:
    share = 0.6 - 0.1 * level
    return np.asarray(cv2.convertScaleAbs(image, alpha=share, beta=128 * (1 - share)), np.uint8)


def _small(image: Image, draw: random.Random, level: int) -> Image:
    scale = 0.85 - 0.15 * level * draw.random()
    return np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)


def _compressed(image: Image, _draw: random.Random, level: int) -> Image:
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 45 - 15 * level])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def _aslant(image: Image, draw: random.Random, level: int) -> Image:
    height, width = image.shape[:2]
    reach = 0.03 + 0.05 * level
    flat = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    moved = flat + np.array([[draw.uniform(-reach, reach) * width, draw.uniform(-reach, reach) * height] for _ in flat])
    turn = cv2.getPerspectiveTransform(flat, moved.astype(np.float32))
    return np.asarray(cv2.warpPerspective(image, turn, (width, height), borderMode=cv2.BORDER_REPLICATE), np.uint8)


WEAR: Final[dict[str, Callable[[Image, random.Random, int], Image]]] = {
    "blur": _blur,
    "motion": _motion,
    "noise": _noise,
    "dark": _dark,
    "glare": _glare,
    "pale": _pale,
    "small": _small,
    "compressed": _compressed,
    "aslant": _aslant,
}
"""What makes a picture worse: by name."""
