"""Where the rest of a number must be, when only a part of it was found. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from edge_agent.vision.containers.joining import OWNER, is_owner, is_serial
from edge_agent.vision.containers.lines import ACROSS, Line
from edge_agent.vision.containers.looking import Part
from edge_agent.vision.containers.slots import DIGITS

MOST_PLACES = 3
AROUND = 5.0  # heights above and below a part; a number's other line and its size-type code are within
BESIDE = 12.0  # heights before and behind it


def places(lines: Sequence[Line], width: int, height: int) -> list[Part]:
    """Parts of the picture to look at closely: around owner codes and serial numbers, the surest first."""
    parts = [_around(line, width, height) for line in _partial(lines)]
    kept: list[Part] = []
    for part in parts:
        if not any(_inside(part, other) for other in kept):
            kept.append(part)
    return kept[:MOST_PLACES]


def _partial(lines: Sequence[Line]) -> Iterator[Line]:
    scored: list[tuple[int, float, int, Line]] = []
    for line in lines:
        owners = any(is_owner(line.glyphs[at : at + OWNER]) for at in range(len(line.glyphs) - OWNER + 1))
        digits = sum(glyph.character.text in DIGITS for glyph in line.glyphs)
        serial = is_serial(line.glyphs[:7], coerced=1) or is_serial(line.glyphs[-7:], coerced=1)
        score = 2 * (owners and digits >= 3) + 2 * serial + owners * (len(line.glyphs) == OWNER)  # noqa: PLR2004 - half of the serial
        if score:
            scored.append((-score, -min(glyph.character.confidence for glyph in line.glyphs), len(scored), line))
    return (entry[-1] for entry in sorted(scored, key=lambda entry: entry[:3]))


def _around(line: Line, width: int, height: int) -> Part:
    corners = line.box
    size = line.height
    if line.way == ACROSS:
        reach = np.array([[-BESIDE, -AROUND], [BESIDE, AROUND]]) * size
    else:
        reach = np.array([[-AROUND, -BESIDE], [AROUND, BESIDE]]) * size
    low = np.floor(corners.min(axis=0) + reach[0]).clip(0).astype(int)
    high = np.minimum(np.ceil(corners.max(axis=0) + reach[1]).astype(int), [width, height])
    return int(low[0]), int(low[1]), max(1, int(high[0] - low[0])), max(1, int(high[1] - low[1]))


def _inside(part: Part, other: Part) -> bool:
    width = min(part[0] + part[2], other[0] + other[2]) - max(part[0], other[0])
    height = min(part[1] + part[3], other[1] + other[3]) - max(part[1], other[1])
    return width > 0 and height > 0 and width * height > 0.7 * part[2] * part[3]
