"""Lines of text in a picture with the place of every character: read across, down, up, or stacked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from edge_agent.vision.characters import Character
from edge_agent.vision.containers.text import Quad, TextRead

Point: TypeAlias = npt.NDArray[np.float32]

ACROSS, DOWN, UP, STACKED, TURNED = "across", "down", "up", "stacked", "turned"
TALL = 1.5  # a box this many times taller than wide is read along its height


@dataclass(frozen=True, slots=True)
class Glyph:
    """One character and where it stands: its centre in the picture's pixels."""

    character: Character
    centre: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Line:
    """Characters in reading order.

    Attributes:
        glyphs: the characters.
        way: ACROSS left to right, DOWN and UP turned by a quarter, STACKED upright characters below one another, TURNED
            upside down.
        along: unit vector of the reading direction.
        height: of a character, pixels.
        box: the quad the line was read from.
    """

    glyphs: tuple[Glyph, ...]
    way: str
    along: tuple[float, float]
    height: float
    box: Quad = field(compare=False)

    @property
    def text(self) -> str:
        """The characters in one piece."""
        return "".join(glyph.character.text for glyph in self.glyphs)

    @property
    def across(self) -> tuple[float, float]:
        """Unit vector to the next line below, for one who reads this line upright."""
        return (-self.along[1], self.along[0])


def is_tall(quad: Quad) -> bool:
    """Whether a box is read along its height."""
    width, height = sides(quad)
    return height >= TALL * width


def sides(quad: Quad) -> tuple[float, float]:
    """Width and height of a quad: the longer of each two opposite sides."""
    lengths = np.linalg.norm(quad - np.roll(quad, -1, axis=0), axis=1)
    return float(max(lengths[0], lengths[2])), float(max(lengths[1], lengths[3]))


def grown(quad: Quad, by: float) -> Quad:
    """The quad with each side moved out by `by` times its shorter side; negative moves in."""
    width, height = sides(quad)
    step = by * min(width, height)
    right = (quad[1] + quad[2] - quad[0] - quad[3]) / 2
    down = (quad[3] + quad[2] - quad[0] - quad[1]) / 2
    right, down = right / max(1e-6, float(np.linalg.norm(right))), down / max(1e-6, float(np.linalg.norm(down)))
    return np.asarray(quad + step * np.stack([-right - down, right - down, right + down, down - right]), np.float32)


def longer(quad: Quad, way: str, by: float) -> Quad:
    """The quad with its end, for one who reads it this way, moved on by `by` times a character's height."""
    right, down = quad[1] - quad[0], quad[3] - quad[0]
    corners, vector = {
        ACROSS: ([1, 2], right),
        TURNED: ([0, 3], -right),
        DOWN: ([2, 3], down),
        STACKED: ([2, 3], down),
        UP: ([0, 1], -down),
    }[way]
    width, height = sides(quad)
    size = height if way in {ACROSS, TURNED} else width
    moved = quad.copy()
    moved[corners] += np.array(unit(vector), np.float32) * by * size
    return moved


def earlier(quad: Quad, way: str, by: float) -> Quad:
    """The quad with its beginning, for one who reads it this way, moved back by `by` times a character's height."""
    return longer(quad, {ACROSS: TURNED, TURNED: ACROSS, DOWN: UP, STACKED: UP, UP: DOWN}[way], by)


def laid(read: TextRead, quad: Quad, way: str) -> Line:
    """A line of what was read in one box, each character put where it stands along the box."""
    top_left, top_right, bottom_right, bottom_left = quad
    starts = {
        ACROSS: ((top_left + bottom_left) / 2, (top_right + bottom_right) / 2),
        TURNED: ((top_right + bottom_right) / 2, (top_left + bottom_left) / 2),
        DOWN: ((top_left + top_right) / 2, (bottom_left + bottom_right) / 2),
        UP: ((bottom_left + bottom_right) / 2, (top_left + top_right) / 2),
    }
    start, end = starts[way]
    glyphs = [
        Glyph(character, _pair(start + place * (end - start)))
        for character, place in zip(read.characters, read.positions, strict=True)
    ]
    width, height = sides(quad)
    return Line(tuple(glyphs), way, unit(end - start), height if way in {ACROSS, TURNED} else width, quad)


def stacked(characters: Sequence[Character], centres: Sequence[tuple[float, float]], column: Quad) -> Line:
    """A line of upright characters below one another, given the centre of each."""
    height = float(np.median(np.diff([centre[1] for centre in centres]))) if centres[1:] else sides(column)[0]
    along = unit(np.subtract(centres[-1], centres[0]).astype(np.float32)) if centres[1:] else (0.0, 1.0)
    glyphs = tuple(Glyph(character, centre) for character, centre in zip(characters, centres, strict=True))
    return Line(glyphs, STACKED, along, height, column)


def unit(vector: Point) -> tuple[float, float]:
    """The vector at length 1."""
    return _pair(vector / max(1e-6, float(np.linalg.norm(vector))))


def _pair(point: Point) -> tuple[float, float]:
    return float(point[0]), float(point[1])
