"""Which texts a mainland plate can have, and the likeliest of them among what readers saw; pure.

Sources: GA 36-2018 for civilian plates (as in `gate_contract.rules.plates`, which judges the text afterwards), the
armed police's numbering of 2012 for WJ, and the forces' of 2012 (two letters, five digits) for military plates.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from edge_agent.vision.characters import Character
from edge_agent.vision.plates.slots import ABSENT, Slot
from gate_contract.rules.plates import PROVINCES

DIGITS: Final = "0123456789"
LETTERS: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ"
SERIAL: Final = LETTERS + DIGITS
AUTHORITY: Final = LETTERS + "O"
SIGNS: Final = "挂学警港澳领使"
"""What stands at a plate's end, or in front, and says whose it is."""

FLOOR: Final = 1e-4
"""Probability of a character that a reader did not name."""
LEAST: Final = 0.02
"""A path with a character less likely than this, or that leaves out one less likely to be nothing, is no reading: then
the text stands as it was read."""
LEAST_ALTERNATIVE: Final = 0.001
"""Probability of an alternative worth keeping."""
FOLDED: Final = {"O": "0", "I": "1"}
"""Serial numbers have no O and no I (GA 36-2018): a reader that says so saw the digit."""
FOLDING: Final = 0.8
"""What a folded character's probability is worth: the grammar changed what the reader said."""
COLOUR_PRIOR: Final = 0.05
"""What a layout is worth on a ground of another colour than its own."""


@dataclass(frozen=True, slots=True)
class Layout:
    """One order of characters.

    Attributes:
        name: as in `gate_contract.rules.plates.GRAMMAR`, and "military".
        places: the characters allowed at each place.
        colours: grounds that carry it.
    """

    name: str
    places: tuple[str, ...]
    colours: frozenset[str]


def _layout(name: str, colours: str, *places: str) -> Layout:
    return Layout(name, places, frozenset(colours.split()))


_P, _A, _S, _D = PROVINCES, AUTHORITY, SERIAL, DIGITS

LAYOUTS: Final = (
    _layout("ordinary", "blue yellow black", _P, _A, _S, _S, _S, _S, _S),
    _layout("small new energy", "green", _P, _A, "ABCDEFGHJK", _S, _D, _D, _D, _D),
    _layout("large new energy", "green", _P, _A, _D, _D, _D, _D, _D, "DF"),
    _layout("trailer", "yellow", _P, _A, _S, _S, _S, _S, "挂"),
    _layout("driving school", "yellow", _P, _A, _S, _S, _S, _S, "学"),
    _layout("police", "white", _P, _A, _S, _S, _S, _S, "警"),
    _layout("consulate", "black", _P, _A, _D, _D, _D, _D, "领"),
    _layout("embassy", "black", _D, _D, _D, _D, _D, _D, "使"),
    _layout("embassy", "black", "使", _D, _D, _D, _D, _D, _D),
    _layout("Hong Kong or Macao", "black", "粤", "Z", _S, _S, _S, _S, "港澳"),
    _layout("armed police", "white", "W", "J", _P, _D, _D, _D, _D, _D + "BDHJSTX"),
    _layout("armed police", "white", "W", "J", _D, _D, _D, _D, _D + "BDHJSTX"),
    _layout("military", "white", LETTERS, LETTERS, _D, _D, _D, _D, _D),
)


@dataclass(frozen=True, slots=True)
class Choice:
    """The text chosen from slots.

    Attributes:
        characters: with pooled probabilities as confidences, and the alternatives of their places.
        layout: None when no layout fits what was read; then the characters are simply the likeliest ones.
        likelihood: mean probability of the characters, geometric; for comparing choices of one plate.
    """

    characters: tuple[Character, ...]
    layout: Layout | None
    likelihood: float

    @property
    def text(self) -> str:
        """The characters in order."""
        return "".join(character.text for character in self.characters)

    @property
    def weakest(self) -> float:
        """The least probability of a character; 0 without characters."""
        return min((character.confidence for character in self.characters), default=0.0)


def choose(slots: Sequence[Slot], colour: str = "unknown", *, military: bool = False) -> Choice:
    """The likeliest text that a plate can have; what was read as it stands where no such text is likely at all.

    A layout that belongs to another colour of ground must be that much likelier: colours are misjudged at night. The
    military layout is tried only when `military`: anywhere else two letters and five digits are a plate whose province
    was not read, or a foreign one.
    """
    best: tuple[float, Choice] | None = None
    for layout in LAYOUTS:
        path = _best_path(slots, layout) if military or layout.name != "military" else None
        if path is None:
            continue
        score, characters = path
        fits = colour == "unknown" or colour in layout.colours
        weighted = score + (0.0 if fits else math.log(COLOUR_PRIOR))
        if best is None or weighted > best[0]:
            best = weighted, Choice(characters, layout, math.exp(score / max(1, len(slots))))
    if best is not None and best[1].weakest >= LEAST:
        return best[1]
    return as_read(slots)


def fold(slots: Sequence[Slot]) -> tuple[Slot, ...]:
    """The slots with most of an O's and an I's probability given to the digits they stand for in a serial number."""
    return tuple(_folded(slot) for slot in slots)


def _folded(slot: Slot) -> Slot:
    folded = dict(slot)
    for letter, digit in FOLDED.items():
        if letter in slot:
            folded[digit] = slot.get(digit, 0.0) + FOLDING * slot[letter]
            folded[letter] = (1 - FOLDING) * slot[letter]
    return folded


def as_read(slots: Sequence[Slot]) -> Choice:
    """The likeliest character of each place, whatever the grammar says."""
    tops = [max(slot, key=slot.__getitem__) for slot in slots]
    characters = tuple(_character(slot, top, slot[top]) for slot, top in zip(slots, tops, strict=True) if top != ABSENT)
    total = sum(math.log(max(FLOOR, slot[top])) for slot, top in zip(slots, tops, strict=True))
    return Choice(characters, None, math.exp(total / len(slots)) if slots else 0.0)


def _best_path(slots: Sequence[Slot], layout: Layout) -> tuple[float, tuple[Character, ...]] | None:
    """The likeliest way through the slots, in which some are passed over; None when there are too few slots."""
    length = len(layout.places)
    if len(slots) < length:
        return None
    # ways[p]: the best way that has filled p places with the slots seen so far
    ways: list[tuple[float, tuple[Character, ...]] | None] = [(0.0, ()), *[None] * length]
    for slot in slots:
        nothing = slot.get(ABSENT, 0.0)
        passed = math.log(nothing) if nothing >= LEAST else -math.inf  # what was clearly read is not passed over
        following: list[tuple[float, tuple[Character, ...]] | None] = []
        for place in range(length + 1):
            here, before = ways[place], ways[place - 1] if place else None
            over = (here[0] + passed, here[1]) if here and passed > -math.inf else None
            into = _fill(before, slot, layout.places[place - 1]) if before else None
            following.append(max((way for way in (over, into) if way), key=lambda way: way[0], default=None))
        ways = following
    return ways[length]


def _fill(way: tuple[float, tuple[Character, ...]], slot: Slot, allowed: str) -> tuple[float, tuple[Character, ...]]:
    fitting = ((mass, each) for each, mass in slot.items() if each and each in allowed)
    probability, text = max(fitting, default=(0.0, allowed[0]))
    return way[0] + math.log(max(FLOOR, probability)), (*way[1], _character(slot, text, probability))


def _character(slot: Slot, text: str, probability: float) -> Character:
    others = [(each, mass) for each, mass in slot.items() if each not in (ABSENT, text) and mass >= LEAST_ALTERNATIVE]
    return Character(text, min(1.0, probability), tuple(sorted(others, key=lambda pair: -pair[1])))
