"""The eleven places of a container number: what each may hold, and what the check digit can choose among. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from math import prod
from types import MappingProxyType

from edge_agent.vision.characters import Character
from gate_contract import iso6346

Choice = tuple[str, float]
Slot = tuple[Choice, ...]  # likeliest first

LETTERS = iso6346.LETTERS
DIGITS = "0123456789"
CATEGORY = "".join(iso6346.CATEGORIES)
KINDS: tuple[str, ...] = (LETTERS,) * 3 + (CATEGORY,) + (DIGITS,) * 7
WHOLE = len(KINDS)
BODY = WHOLE - 1

# What a character of the wrong kind may be instead, and how far it is believed: shapes that are nearly one.
LOOKALIKES: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {
        "0": {"O": 0.7, "D": 0.2, "U": 0.2, "Q": 0.1},
        "1": {"I": 0.8, "L": 0.3, "J": 0.3},
        "2": {"Z": 0.7},
        "4": {"A": 0.3},
        "5": {"S": 0.7},
        "6": {"G": 0.6},
        "8": {"B": 0.7},
        "O": {"0": 0.9, "U": 0.2},
        "D": {"0": 0.6},
        "Q": {"0": 0.6},
        "C": {"0": 0.2},
        "I": {"1": 0.9, "J": 0.2},
        "L": {"1": 0.4, "U": 0.2},
        "J": {"1": 0.3},
        "Z": {"2": 0.7},
        "A": {"4": 0.4},
        "S": {"5": 0.7},
        "G": {"6": 0.6},
        "B": {"8": 0.7},
        "T": {"7": 0.4},
        "V": {"U": 0.4},
        "W": {"U": 0.2},
    }
)
MOST_CHOICES = 4
LEAST_CHOICE = 0.005
MOST_CHANGES = 1  # characters that the check digit may turn: with two, one number in five has a valid neighbour
CLEARLY = 4.0  # how many times likelier the best valid number must be than the second
PLAUSIBLE = 0.02  # and how likely against the number as it was read
LEAST_CHANGED = 0.15  # a character of which less was seen is not chosen: it would be invented


@dataclass(frozen=True, slots=True)
class Chosen:
    """A number chosen for a row of slots.

    Attributes:
        text: one character a slot.
        confidences: each chosen character's.
        valid: the check digit is right.
        changed: how many characters are not the likeliest of their slot: the check digit chose them.
    """

    text: str
    confidences: tuple[float, ...]
    valid: bool
    changed: int


def slot(character: Character, kind: str) -> Slot:
    """What a character may be where only those of `kind` may stand: its own readings first, then lookalikes."""
    chances: dict[str, float] = {}
    for text, chance in ((character.text, character.confidence), *character.alternatives):
        if text in kind:
            chances[text] = max(chance, chances.get(text, 0.0))
        for other, belief in LOOKALIKES.get(text, {}).items():
            if other in kind and text not in kind:
                chances[other] = max(chance * belief, chances.get(other, 0.0))
    likely = sorted(chances.items(), key=lambda choice: -choice[1])[:MOST_CHOICES]
    return tuple(choice for choice in likely if choice[1] >= LEAST_CHOICE)


def slots(characters: Sequence[Character]) -> tuple[Slot, ...]:
    """The slots of ten or eleven characters, owner first; one of them is empty when nothing of its kind was seen."""
    return tuple(slot(character, kind) for character, kind in zip(characters, KINDS, strict=False))


def mixed(rows: Sequence[Sequence[Slot]]) -> tuple[Slot, ...]:
    """Several looks at one number as one: each choice's mean over the looks. All rows have one length."""
    together = []
    for column in zip(*rows, strict=True):
        chances: dict[str, float] = {}
        for text, chance in (choice for each in column for choice in each):
            chances[text] = chances.get(text, 0.0) + chance / len(rows)
        together.append(tuple(sorted(chances.items(), key=lambda choice: -choice[1])[:MOST_CHOICES]))
    return tuple(together)


def choose(row: Sequence[Slot]) -> Chosen:
    """The number that ten or eleven slots say; the check digit chooses only when one valid number is clearly likeliest.

    The number as it was read stays when its check digit is right, when no check digit was seen, and when the valid
    numbers near it are as likely as one another or hardly likely at all.
    """
    read = _chosen(row, (0,) * len(row), changed=0)
    if read.valid or len(row) < WHOLE or not all(row):
        return read
    near = sorted(
        (each for each in _near(row) if each.valid and min(each.confidences) >= LEAST_CHANGED),
        key=lambda each: -prod(each.confidences),
    )
    if not near:
        return read
    best, second = prod(near[0].confidences), prod(near[1].confidences) if near[1:] else 0.0
    clear = best >= CLEARLY * second and best >= PLAUSIBLE * prod(read.confidences)
    return near[0] if clear else read


def _near(row: Sequence[Slot]) -> Iterator[Chosen]:
    for changed in range(1, MOST_CHANGES + 1):
        for places in combinations(range(len(row)), changed):
            for numbers in product(*(range(1, len(row[place])) for place in places)):
                picks = dict(zip(places, numbers, strict=True))
                yield _chosen(row, [picks.get(place, 0) for place in range(len(row))], changed)


def _chosen(row: Sequence[Slot], picks: Sequence[int], changed: int) -> Chosen:
    picked = [each[pick] if each else ("?", 0.0) for each, pick in zip(row, picks, strict=True)]
    text = "".join(choice[0] for choice in picked)
    return Chosen(text, tuple(choice[1] for choice in picked), iso6346.is_valid(text), changed)


def described(row: Sequence[Slot], chosen: Chosen) -> tuple[Character, ...]:
    """The chosen characters with what else stood in their slots."""
    return tuple(
        Character(text, confidence, tuple(choice for choice in each if choice[0] != text))
        for text, confidence, each in zip(chosen.text, chosen.confidences, row, strict=True)
    )
