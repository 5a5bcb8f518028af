"""What is believed of a candidate that was looked at several times, and when no person need look. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from edge_agent.vision.containers.joining import Candidate, size_type_of
from edge_agent.vision.containers.lines import Line
from edge_agent.vision.containers.number import ContainerRead
from edge_agent.vision.containers.slots import Chosen, Slot, choose, described, mixed
from gate_contract.iso6346 import unseen_by_check_digit

UNATTENDED = 0.6  # the weakest character, the mean of all looks; docs/vision/containers.md says where it comes from
UNATTENDED_ZERO = 0.95
"""The same where the check digit is 0: it stands for two remainders of eleven, and misses a wrong digit more often."""

TWIN = 0.9  # a letter less sure than this is in doubt when a letter that counts the same was also seen
SEEN = 0.02
AGREEING = 2  # looks that say the same number by themselves
MOST_READS = 8
ALIKE = 7  # places of eleven: two reads of one number


def judged(looks: Sequence[Candidate], lines: Sequence[Line]) -> ContainerRead:
    """One read of several looks at one candidate, the first as it was found.

    Args:
        looks: at least one; all have the same number of characters.
        lines: all lines of the picture, among which the size-type code is.
    """
    candidate = looks[0]
    row = mixed([look.row for look in looks])
    chosen = choose(row)
    return ContainerRead(
        text=chosen.text,
        check_digit_ok=chosen.valid,
        confidence=min(chosen.confidences),
        box=box_of(candidate),
        size_type=size_type_of(candidate, lines),
        layout=candidate.layout,
        characters=described(row, chosen),
        unattended=is_sure(chosen, [choose(look.row) for look in looks]) and not has_twin(row, chosen),
    )


def is_sure(chosen: Chosen, looks: Sequence[Chosen]) -> bool:
    """Whether a number may be used without a person looking.

    The check digit is right for the characters as they were read, at least two looks say the same number by themselves
    and none says another number whose check digit is right, and no character is unsure.
    """
    agreeing = sum(look.text == chosen.text and not look.changed for look in looks)
    against = any(look.valid and look.text != chosen.text for look in looks)
    sure = min(chosen.confidences) >= (UNATTENDED_ZERO if chosen.text.endswith("0") else UNATTENDED)
    return chosen.valid and not chosen.changed and agreeing >= AGREEING and not against and sure


def has_twin(row: Sequence[Slot], chosen: Chosen) -> bool:
    """Whether a letter was also seen as one that the check digit cannot tell from it, and is not sure by itself."""
    for choices, letter, confidence in zip(row, chosen.text[:4], chosen.confidences, strict=False):
        twins = unseen_by_check_digit(letter) if letter.isalpha() else frozenset()
        if confidence < TWIN and any(other in twins and chance >= SEEN for other, chance in choices):
            return True
    return False


def distinct(reads: Sequence[ContainerRead]) -> list[ContainerRead]:
    """One read a number, best first; a failed read of what another read has right is left out."""
    codes = {read.text: read.size_type for read in sorted(reads, key=_worse, reverse=True) if read.size_type}
    kept: list[ContainerRead] = []
    for read in sorted(reads, key=_worse):
        if any(other.text == read.text or _same_place(other.box, read.box) for other in kept):
            continue
        if not read.check_digit_ok and any(_nearly(other.text, read.text) for other in kept):
            continue
        # the code may stand beside the same number on another side
        kept.append(replace(read, size_type=read.size_type or codes.get(read.text, "")))
    return kept[:MOST_READS]


def box_of(candidate: Candidate) -> tuple[int, int, int, int]:
    """The box around a candidate's characters: x, y, width, height."""
    centres = np.array([glyph.centre for glyph in candidate.glyphs])
    half = max(line.height for line in candidate.lines) / 2
    low, high = np.floor(centres.min(axis=0) - half).clip(0), np.ceil(centres.max(axis=0) + half)
    return int(low[0]), int(low[1]), int(high[0] - low[0]), int(high[1] - low[1])


def _same_place(box: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> bool:
    width = min(box[0] + box[2], other[0] + other[2]) - max(box[0], other[0])
    height = min(box[1] + box[3], other[1] + other[3]) - max(box[1], other[1])
    return width > 0 and height > 0 and width * height > 0.5 * min(box[2] * box[3], other[2] * other[3])


def _nearly(text: str, other: str) -> bool:
    return sum(one == two for one, two in zip(text, other, strict=False)) >= ALIKE


def _worse(read: ContainerRead) -> tuple[bool, bool, int, float]:
    return not read.check_digit_ok, not read.unattended, -len(read.text), -read.confidence
