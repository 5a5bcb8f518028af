"""Characters of a text as a reader saw them, each with how sure it was and what else it may have been."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Final

from gate_contract.v1 import reading_pb2

MOST_CHARACTERS: Final = 64
"""No plate or container number has more; a text of more has no characters that are looked at."""

MOST_ALTERNATIVES: Final = 8


@dataclass(frozen=True, slots=True)
class CharacterFact:
    """One character of a text, by its place: chances are 0 to 1, alternatives in the reader's order."""

    confidence: float
    alternatives: tuple[tuple[str, float], ...] = ()


def characters_of(
    text: str, characters: Iterable[reading_pb2.CharacterRead], normalise: Callable[[str], str]
) -> tuple[CharacterFact, ...]:
    """Take over what can be used: none where they do not make up the normalised text one by one."""
    found = list(islice(characters, MOST_CHARACTERS + 1))
    names = [normalise(each.text) for each in found]
    usable = all(len(name) == 1 for name in names) and all(0 <= each.confidence <= 1 for each in found)
    if not usable or "".join(names) != text:
        return ()
    return tuple(
        CharacterFact(
            each.confidence,
            tuple(
                (name, other.confidence)
                for other in each.alternatives[:MOST_ALTERNATIVES]
                if len(name := normalise(other.text)) == 1 and 0 <= other.confidence <= 1
            ),
        )
        for each in found
    )
