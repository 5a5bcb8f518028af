"""Container numbers from lines of text: owner and serial joined by where they stand. Pure.

Painted numbers come in one line, in two parts with a door bar between, with the serial below the owner, and as columns
of upright or turned characters; the check digit often stands apart in a frame of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from math import prod

from edge_agent.vision.containers.lines import ACROSS, STACKED, TURNED, Glyph, Line
from edge_agent.vision.containers.slots import CATEGORY, DIGITS, KINDS, LETTERS, WHOLE, Slot, slot
from gate_contract.iso6346 import is_size_type

OWNER = 4
SERIAL = 6
# Distances are in heights of a character, between the centres of two characters.
SAME_ROW = 0.85  # across the reading direction
FARTHEST_RIGHT = 6.0  # along it: a door bar and its brackets lie between the parts of a number
NEXT_ROW = (0.55, 2.8)
FARTHEST_ASIDE = (-2.5, 5.0)  # where the row below may begin, against the owner's first character
STACKED_ASIDE = (0.55, 4.0)  # the next column
SIZE_TYPE_BELOW = (-1.2, 4.0)
SIZE_TYPE_ALONG = (-11.0, 9.0)
HEIGHTS_ALIKE = 1.7
SAME_WAY = (
    0.85  # cosine between two lines: some 30 degrees, for the box of a single character is hardly longer than wide
)
SAME_PLACE = 0.56  # half the step of a column
MOST_NEXT = 4  # lines tried as the next part, nearest first
MOST_PARTS = 5
MOST_CANDIDATES = 200  # a picture full of text holds no more that matter
UNSURE = 0.6  # a surplus character below this may be a frame or a rivet
MOST_COERCED = 2  # characters read as another kind, a letter for a digit: of four letters one, of the digits two


@dataclass(frozen=True, slots=True)
class Candidate:
    """Ten or eleven characters that stand as a container number's would.

    Attributes:
        glyphs: owner, category, serial, and the check digit if one was seen.
        lines: what they were read from, in order.
        layout: as in ContainerRead.
    """

    glyphs: tuple[Glyph, ...]
    lines: tuple[Line, ...]
    layout: str

    @property
    def row(self) -> tuple[Slot, ...]:
        """What each place may hold."""
        return tuple(slot(glyph.character, kind) for glyph, kind in zip(self.glyphs, KINDS, strict=False))

    @property
    def whole(self) -> bool:
        """Whether a check digit was seen."""
        return len(self.glyphs) == WHOLE

    @property
    def likelihood(self) -> float:
        """How well its characters were read, 0..1: the geometric mean; a missing one counts as a poor one."""
        chances = [choices[0][1] if choices else 0.01 for choices in self.row]
        return float(prod([*chances, *[0.3] * (WHOLE - len(chances))]) ** (1 / WHOLE))


def candidates(lines: Sequence[Line]) -> list[Candidate]:
    """All numbers that the lines may hold, whole ones first, then the best read."""
    found: dict[tuple[tuple[float, float], ...], Candidate] = {}
    for candidate in islice(_all(lines), MOST_CANDIDATES):
        found.setdefault(tuple(glyph.centre for glyph in candidate.glyphs), candidate)
    return sorted(found.values(), key=lambda each: (not each.whole, -each.likelihood))


def _all(lines: Sequence[Line]) -> Iterator[Candidate]:
    for line in lines:
        for start in range(len(line.glyphs) - OWNER + 1):
            if starts_word(line, start) and is_owner(line.glyphs[start : start + OWNER]):
                yield from _from_owner(line, start, lines)


def is_owner(glyphs: Sequence[Glyph]) -> bool:
    """Whether four characters may be an owner code and category."""
    if len(glyphs) != OWNER or not slot(glyphs[-1].character, CATEGORY):
        return False
    letters = sum(glyph.character.text in LETTERS for glyph in glyphs)
    return letters >= OWNER - 1 and all(slot(glyph.character, LETTERS) for glyph in glyphs[:-1])


def starts_word(line: Line, start: int) -> bool:
    """Whether no letter goes before: an owner code stands by itself, MAX GROSS holds none. One speck may go before."""
    before = line.glyphs[start - 1].character if start else None
    return before is None or before.text not in LETTERS or (start == 1 and before.confidence < UNSURE)


def is_serial(glyphs: Sequence[Glyph], *, coerced: int = MOST_COERCED) -> bool:
    """Whether six or seven characters may be a serial number, with its check digit when seven.

    At most `coerced` of them were read as letters.
    """
    if len(glyphs) not in {SERIAL, SERIAL + 1} or not all(_digit(glyph) for glyph in glyphs):
        return False
    return sum(glyph.character.text not in DIGITS for glyph in glyphs) <= coerced


def serials(lines: Sequence[Line]) -> list[Line]:
    """Lines that are a serial number and nothing else, the surest first: their owner code was not found."""
    alone = [line for line in lines if is_serial(line.glyphs)]
    return sorted(alone, key=lambda line: -min(glyph.character.confidence for glyph in line.glyphs))


def size_type_of(candidate: Candidate, lines: Sequence[Line]) -> str:
    """The size-type code that stands below the number, behind it or in the next column; empty where there is none."""
    best, nearest = "", float("inf")
    first, last = candidate.glyphs[0], candidate.glyphs[-1]
    frame = candidate.lines[0]
    for line in (each for each in lines if _alike(frame, each)):
        for start in range(len(line.glyphs) - 3):
            glyphs = line.glyphs[start : start + 4]
            code = _size_type(glyphs)
            if not code or any(_is_on(frame, one, other) for one in glyphs for other in candidate.glyphs):
                continue
            along, below = _offset(frame, last, glyphs[0])
            if frame.way == STACKED:
                below = abs(below)
            distance = abs(below) + 0.3 * abs(_offset(frame, first, glyphs[0])[0])
            near = SIZE_TYPE_BELOW[0] < below < SIZE_TYPE_BELOW[1] and SIZE_TYPE_ALONG[0] < along < SIZE_TYPE_ALONG[1]
            if near and distance < nearest:
                best, nearest = code, distance
    return best


def _size_type(glyphs: Sequence[Glyph]) -> str:
    kinds = (LETTERS + DIGITS, LETTERS + DIGITS, LETTERS, LETTERS + DIGITS)
    choices = [slot(glyph.character, kind) for glyph, kind in zip(glyphs, kinds, strict=True)]
    if not all(choices) or min(choice[0][1] for choice in choices) < UNSURE * UNSURE:
        return ""
    code = "".join(choice[0][0] for choice in choices)
    return code if is_size_type(code) else ""


def _from_owner(line: Line, start: int, lines: Sequence[Line]) -> Iterator[Candidate]:
    owner = line.glyphs[start : start + OWNER]
    rest = line.glyphs[start + OWNER :]
    for digits in _runs(rest):
        if len(digits) >= SERIAL:
            yield from _candidate(owner, digits, (line,), joined="horizontal")
        if len(digits) <= SERIAL:
            for more, parts in _extended(line, owner, digits, lines, (line,)):
                yield from _candidate(owner, more, parts, joined=_joined(parts))


def _candidate(
    owner: Sequence[Glyph], digits: Sequence[Glyph], parts: tuple[Line, ...], joined: str
) -> Iterator[Candidate]:
    glyphs = (*owner, *digits)
    coerced = sum(glyph.character.text not in kind for glyph, kind in zip(glyphs, KINDS, strict=False))
    if is_serial(digits) and coerced <= MOST_COERCED:
        layout = joined if parts[0].way in {ACROSS, TURNED} else "vertical"
        yield Candidate(glyphs, parts, layout)


def _joined(parts: tuple[Line, ...]) -> str:
    first, second = parts[0], parts[1]
    below = abs(_offset(first, first.glyphs[-1], second.glyphs[0])[1])
    return "two-part" if below <= SAME_ROW else "two-line"


def _runs(glyphs: Sequence[Glyph]) -> Iterator[tuple[Glyph, ...]]:
    """The digits a line goes on with, at most seven; of eight, one that was read unsurely may be none."""
    run: list[Glyph] = []
    for glyph in glyphs:
        if not _digit(glyph):
            break
        run.append(glyph)
    yield tuple(run[: SERIAL + 1])
    if len(run) == SERIAL + 1:
        yield tuple(run[:SERIAL])
    if len(run) > SERIAL + 1:
        for surplus, glyph in enumerate(run[: SERIAL + 2]):
            if glyph.character.confidence < UNSURE:
                yield tuple(run[:surplus] + run[surplus + 1 : SERIAL + 2])


def _extended(
    owner_line: Line, owner: Sequence[Glyph], digits: tuple[Glyph, ...], lines: Sequence[Line], parts: tuple[Line, ...]
) -> Iterator[tuple[tuple[Glyph, ...], tuple[Line, ...]]]:
    """Digits that lines to the right, or below the owner, go on with: six or seven in all."""
    if len(parts) >= MOST_PARTS:
        return
    for line in _next_lines(owner_line, owner, digits, lines, parts):
        run = next(_runs(line.glyphs))
        room = SERIAL + 1 - len(digits)
        # a line that goes on with something else is a serial only when it fills the number
        if not run or len(run) > room or (len(run) < len(line.glyphs) and len(run) not in {room, room - 1}):
            continue
        more, longer = (*digits, *run), (*parts, line)
        if len(more) >= SERIAL:
            yield more, longer
        if len(more) <= SERIAL:
            yield from _extended(owner_line, owner, more, lines, longer)


def _next_lines(
    owner_line: Line, owner: Sequence[Glyph], digits: Sequence[Glyph], lines: Sequence[Line], parts: Sequence[Line]
) -> list[Line]:
    last = (digits or owner)[-1]
    near: list[tuple[float, Line]] = []
    for line in lines:
        if not line.glyphs or line in parts or not _alike(owner_line, line):
            continue
        first = line.glyphs[0]
        right, down = _offset(owner_line, last, first)
        if 0 < right < FARTHEST_RIGHT and abs(down) <= SAME_ROW:
            near.append((right + abs(down), line))
        elif not digits and _is_below(owner_line, owner[0], first):
            near.append((FARTHEST_RIGHT + abs(down), line))
    return [line for _, line in sorted(near, key=lambda each: each[0])[:MOST_NEXT]]


def _is_below(owner_line: Line, first: Glyph, other: Glyph) -> bool:
    along, down = _offset(owner_line, first, other)
    if not FARTHEST_ASIDE[0] < along < FARTHEST_ASIDE[1]:
        return False
    if owner_line.way not in {ACROSS, TURNED}:  # the next column stands on either side
        return STACKED_ASIDE[0] < abs(down) < STACKED_ASIDE[1]
    return NEXT_ROW[0] < down < NEXT_ROW[1]


def _offset(line: Line, start: Glyph, end: Glyph) -> tuple[float, float]:
    x, y = end.centre[0] - start.centre[0], end.centre[1] - start.centre[1]
    height = max(1.0, line.height)
    return (x * line.along[0] + y * line.along[1]) / height, (x * line.across[0] + y * line.across[1]) / height


def _is_on(line: Line, glyph: Glyph, other: Glyph) -> bool:
    return max(abs(distance) for distance in _offset(line, glyph, other)) < SAME_PLACE


def _alike(line: Line, other: Line) -> bool:
    """Whether two lines run the same way and are about equally high; a slope of 45 degrees is across and down alike."""
    if (line.way == STACKED) != (other.way == STACKED):
        return False
    same_way = line.along[0] * other.along[0] + line.along[1] * other.along[1] > SAME_WAY
    return same_way and 1 / HEIGHTS_ALIKE < line.height / max(1.0, other.height) < HEIGHTS_ALIKE


def _digit(glyph: Glyph) -> bool:
    return bool(slot(glyph.character, DIGITS))
