"""A container number as it was read."""

from __future__ import annotations

from dataclasses import dataclass

from edge_agent.vision.characters import Character


@dataclass(frozen=True, slots=True)
class ContainerRead:
    """One container number in one picture, or voted from several.

    Attributes:
        text: owner, category, serial and check digit in one piece: eleven characters, ten when no check digit was seen.
            A check digit is never computed.
        check_digit_ok: eleven characters whose check digit is right (ISO 6346, annex A).
        confidence: the weakest character's, 0..1.
        box: x, y, width, height in the picture's pixels, around all parts of the number.
        size_type: the size-type code beside the number; empty when none was read.
        layout: "horizontal", "two-part", "two-line" or "vertical".
        characters: each with what else it may have been.
        unattended: the number may be used without a person looking: the check digit is right for the characters as they
            were read, two differently cut looks agree, and every character is sure enough.
    """

    text: str
    check_digit_ok: bool
    confidence: float
    box: tuple[int, int, int, int]
    size_type: str
    layout: str
    characters: tuple[Character, ...]
    unattended: bool
