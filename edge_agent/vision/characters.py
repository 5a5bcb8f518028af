"""One character as a reader saw it: what plates and container numbers are made of."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Character:
    """A character that was read, and what else it may have been.

    Attributes:
        text: the character; one letter, digit or Chinese character.
        confidence: the model's own probability for it, 0..1.
        alternatives: other characters with their probabilities, likeliest first; never `text` itself. They are kept
            for the rule book, which compares a plate that was read with one that was declared.
    """

    text: str
    confidence: float
    alternatives: tuple[tuple[str, float], ...] = ()


def weakest(characters: tuple[Character, ...]) -> float:
    """The confidence of the least sure character, 0 where there is none: a text is as good as its worst character."""
    return min((character.confidence for character in characters), default=0.0)
