"""Mainland vehicle plates: making valid ones, and reading them wrongly in known ways. Pure.

Source: GA 36 (motor vehicle plates): a province, a letter for the issuing office and five characters, or six for new
energy vehicles; no I and no O among them.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable

from rapidfuzz.distance import OSA

from edge_agent.simulate.anpr import PlateColour

PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
FERRY_PROVINCES = "琼粤桂湘闽"  # most trucks on an island's ferry come from near by
OFFICES = "ABCDEFGHJK"
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
SHAPES: dict[PlateColour, re.Pattern[str]] = {
    "blue": re.compile(f"[{PROVINCES}][{LETTERS}][{LETTERS}0-9]{{5}}"),
    "yellow": re.compile(f"[{PROVINCES}][{LETTERS}][{LETTERS}0-9]{{5}}"),
    "newEnergyGreen": re.compile(f"[{PROVINCES}][{LETTERS}][A-HJK][{LETTERS}0-9]\\d{{4}}"),
    "newEnergyYellowGreen": re.compile(f"[{PROVINCES}][{LETTERS}]\\d{{5}}[DF]"),
}
SERIAL_STARTS_AT = 2  # after province and issuing office
# What machines that read plates take for each other.
LOOKALIKES = ("0ODQ", "1I", "2Z", "5S", "8B", "6G")
_FOLDING = str.maketrans({twin: group[0] for group in LOOKALIKES for twin in group[1:]})


def valid(plate: str, colour: PlateColour) -> bool:
    """Whether a plate of this colour can read so."""
    return SHAPES[colour].fullmatch(plate) is not None


def edits_apart(one: str, other: str) -> int:
    """Edits between two plates (insert, delete, replace, swap neighbours), lookalike characters being equal."""
    return OSA.distance(one.translate(_FOLDING), other.translate(_FOLDING))


def fewest_edits(plate: str, others: Iterable[str]) -> int:
    """Edits to the nearest of `others`; far more than any plate is long when there are none."""
    return min((edits_apart(plate, other) for other in others), default=99)


def make_plate(colour: PlateColour, chance: random.Random) -> str:
    """A valid plate of this colour."""
    if colour == "newEnergyGreen":
        serial = chance.choice("ABCDF") + chance.choice(LETTERS + "0123456789") + _digits(4, chance)
    elif colour == "newEnergyYellowGreen":
        serial = _digits(5, chance) + chance.choice("DF")
    else:
        serial = chance.choice(("", chance.choice(LETTERS))) + _digits(5, chance)
        serial = serial[:5]
    return chance.choice(FERRY_PROVINCES) + chance.choice(OFFICES) + serial


def lookalike_of(plate: str, colour: PlateColour, chance: random.Random) -> str | None:
    """The plate with one character read as its lookalike, still a valid plate; None when no character allows it."""
    candidates = [
        plate[:at] + twin + plate[at + 1 :]
        for at in range(SERIAL_STARTS_AT, len(plate))
        for group in LOOKALIKES
        if plate[at] in group
        for twin in group
        if twin != plate[at]
    ]
    candidates = [candidate for candidate in candidates if valid(candidate, colour)]
    return chance.choice(candidates) if candidates else None


def other_plate_than(plate: str, colour: PlateColour, chance: random.Random) -> str:
    """A valid plate that differs from `plate` in exactly two characters which no machine takes for each other."""
    while True:
        one, two = chance.sample(range(SERIAL_STARTS_AT, len(plate)), 2)
        characters = list(plate)
        for at in (one, two):
            characters[at] = chance.choice(LETTERS if plate[at].isalpha() else "0123456789")
        candidate = "".join(characters)
        if valid(candidate, colour) and edits_apart(plate, candidate) == 2:  # noqa: PLR2004 - the two in our name
            return candidate


def _digits(count: int, chance: random.Random) -> str:
    return "".join(chance.choice("0123456789") for _ in range(count))
