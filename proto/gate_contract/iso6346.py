"""ISO 6346: what a container's number and its size-type code say, and what the check digit cannot see. Pure.

Sources: ISO 6346:2022 clauses 3 and 4 with annexes A (check digit), D (size) and E (type); the type codes of amendment
3:2012, which brought the letters for containers of reduced strength; the 1995 tank codes, still painted on tanks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from stdnum import iso6346

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
CATEGORIES: Mapping[str, str] = MappingProxyType(
    {"U": "freight container", "J": "detachable equipment", "Z": "trailer or chassis"}
)
"""Equipment category identifiers (clause 3.2). R and others are seen on swap bodies and are outside the standard."""

_NUMBER = re.compile(r"([A-Z]{3})([UJZ])([0-9]{6})([0-9])")
_BODY = re.compile(r"[A-Z]{4}[0-9]{6}")


@dataclass(frozen=True, slots=True)
class ContainerNumber:
    """A container number in its parts; whether its check digit is right is `check_digit_ok`."""

    owner: str
    category: str
    serial: str
    check_digit: str

    @property
    def text(self) -> str:
        """The number in one piece: eleven characters."""
        return f"{self.owner}{self.category}{self.serial}{self.check_digit}"

    @property
    def check_digit_ok(self) -> bool:
        """Whether the last digit is the one that annex A computes from the ten characters before it."""
        return check_digit(self.text[:10]) == self.check_digit


def compact(text: str) -> str:
    """`text` in capitals without spaces, dots, hyphens and slashes: what people write between a number's parts."""
    return re.sub(r"[\s./\-]", "", text).upper()


def remainder(body: str) -> int:
    """The sum of annex A modulo 11, 0 to 10, of four letters and six digits.

    Raises:
        ValueError: `body` is not four capitals and six digits.
    """
    if not _BODY.fullmatch(body):
        raise ValueError(f"{body!r} is not four letters and six digits")
    return sum(letter_value(character) << place for place, character in enumerate(body)) % 11


def letter_value(character: str) -> int:
    """What a capital or digit counts: digits themselves, letters 10 to 38 without 11, 22 and 33 (annex A)."""
    if character.isascii() and character.isdigit():
        return int(character)
    number = LETTERS.index(character) + 10
    return number + (number - 1) // 10


def check_digit(body: str) -> str:
    """The check digit of four letters and six digits; a remainder of 10 gives 0 (annex A).

    Raises:
        ValueError: `body` is not four capitals and six digits.
    """
    if not _BODY.fullmatch(body):
        raise ValueError(f"{body!r} is not four letters and six digits")
    return str(iso6346.calc_check_digit(body))


def parse_number(text: str) -> ContainerNumber:
    """The parts of a container number, whatever its check digit.

    Raises:
        ValueError: it is not three letters, U, J or Z, and seven digits.
    """
    match = _NUMBER.fullmatch(compact(text))
    if match is None:
        raise ValueError(f"{text!r} is not an ISO 6346 number: three letters, one of U J Z, six digits, a check digit")
    return ContainerNumber(*match.groups())


def is_valid(text: str) -> bool:
    """Whether `text` is a container number whose check digit is right."""
    try:
        return parse_number(text).check_digit_ok
    except ValueError:
        return False


def unseen_by_check_digit(letter: str) -> frozenset[str]:
    """The other letters that count the same modulo 11: one for another in the same place changes no check digit.

    F for P, H for R, G for Q, M for W are such pairs. Digits have no such twin, except in the check digit's own place:
    there 0 stands for remainders 0 and 10.
    """
    value = letter_value(letter) % 11
    return frozenset(other for other in LETTERS if other != letter and letter_value(other) % 11 == value)


_LENGTHS: Mapping[str, int] = MappingProxyType({
    "1": 2991, "2": 6068, "3": 9125, "4": 12192, "A": 7150, "B": 7315, "C": 7430, "D": 7450, "E": 7820, "F": 8100,
    "G": 12500, "H": 13106, "K": 13600, "L": 13716, "M": 14630, "N": 14935, "P": 16154,
})  # fmt: skip
_STANDARD, _WIDER, _WIDEST = "2,438 mm", "over 2,438 mm to 2,500 mm", "over 2,500 mm"
_LOW = "1,219 mm or less"
_HEIGHTS = {"2": "2,591 mm", "4": "2,743 mm", "5": "2,895 mm", "6": "over 2,895 mm"}
_SECTIONS: Mapping[str, tuple[str, str]] = MappingProxyType({
    "0": ("2,438 mm", _STANDARD), "8": ("1,295 mm", _STANDARD), "9": (_LOW, _STANDARD),
    **{code: (height, _STANDARD) for code, height in _HEIGHTS.items()},
    **{code: (height, _WIDER) for code, height in zip("CDEF", _HEIGHTS.values(), strict=True)},
    **{code: (height, _WIDEST) for code, height in zip("LMNP", _HEIGHTS.values(), strict=True)},
})  # fmt: skip
_GROUPS: Mapping[str, str] = MappingProxyType({
    "G": "general purpose, not ventilated", "V": "general purpose, ventilated", "B": "dry bulk", "S": "named cargo",
    "R": "refrigerated", "H": "refrigerated or heated by removable equipment, or insulated", "U": "open top",
    "P": "platform", "K": "tank, liquids and gases", "N": "tank, dry", "T": "tank", "A": "air/surface",
})  # fmt: skip
_DESIGNATORS = frozenset({
    "GP", "VH", "BU", "BK", "SN", "RE", "RT", "RS", "HR", "HI", "UT", "PL", "PF", "PC", "PS", "PT", "KL", "NH", "NN",
    "TN", "TD", "TG", "AS",
})  # fmt: skip
_DETAILS: Mapping[str, str] = MappingProxyType({
    "G0": "openings at one or both ends", "G1": "passive vents in the upper part",
    "G2": "openings at the ends, full openings at the sides", "G3": "openings at the ends, partial ones at the sides",
    "G9": "with bulk capabilities",
    "V0": "vents in the lower and upper parts", "V2": "mechanical ventilation inside",
    "V4": "mechanical ventilation outside",
    "B0": "closed", "B1": "airtight",
    "S0": "livestock", "S1": "automobiles", "S2": "live fish", "S4": "generator",
    "R0": "mechanically refrigerated", "R1": "mechanically refrigerated and heated",
    "R2": "self-powered, refrigerated", "R3": "self-powered, refrigerated and heated",
    "H0": "removable equipment outside, 0.4 W/(m2 K)", "H1": "removable equipment inside",
    "H2": "removable equipment outside, 0.7 W/(m2 K)", "H5": "insulated, 0.4 W/(m2 K)", "H6": "insulated, 0.7 W/(m2 K)",
    "U0": "openings at one or both ends", "U1": "openings at the ends, removable top members",
    "U2": "openings at the ends and sides", "U3": "openings at the ends and sides, removable top members",
    "U4": "openings at the ends, partial at one side and full at the other", "U5": "fixed side and end walls, no doors",
    "P0": "plain platform", "P1": "two complete fixed ends", "P2": "fixed posts", "P3": "folding complete ends",
    "P4": "folding posts", "P5": "open top, open ends (skeletal)",
    "T0": "liquids not dangerous, 0.45 bar", "T1": "liquids not dangerous, 1.5 bar",
    "T2": "liquids not dangerous, 2.65 bar", "T3": "dangerous liquids, 1.5 bar", "T4": "dangerous liquids, 2.65 bar",
    "T5": "dangerous liquids, 4 bar", "T6": "dangerous liquids, 6 bar", "T7": "gases, 9.1 bar", "T8": "gases, 22 bar",
})  # fmt: skip
_REDUCED: Mapping[str, str] = MappingProxyType(dict(zip("ABDGJMVWXY", "0123456789", strict=True)))


@dataclass(frozen=True, slots=True)
class SizeType:
    """What a size-type code says.

    Attributes:
        code: the four characters as they stand.
        length_mm: the nominal length.
        height, width: as the standard's table words them, since some codes mean a range.
        group: the kind of container.
        detail: its main characteristic; empty where the standard has none for the code or only a group is given.
        reduced_strength: stacked or racked less than the standard asks; a letter in the last place.
    """

    code: str
    length_mm: int
    height: str
    width: str
    group: str
    detail: str
    reduced_strength: bool


def parse_size_type(text: str) -> SizeType:
    """What a size-type code says: the codes since 1995, four characters with a letter in the third place.

    Raises:
        ValueError: it is none; names the character that is not in the standard's table.
    """
    code = compact(text)
    if len(code) != 4:  # noqa: PLR2004 - clause 4: the code is used as a whole
        raise ValueError(f"{text!r} is not a size-type code: it has four characters")
    length, section, group, last = tuple(code)
    for character, table, what in (
        (length, _LENGTHS, "length"),
        (section, _SECTIONS, "height"),
        (group, _GROUPS, "type"),
    ):
        if character not in table:
            raise ValueError(f"{text!r} is not a size-type code: {character!r} stands for no {what}")
    digit = _REDUCED.get(last, last)
    designator = code[2:] in _DESIGNATORS
    if not designator and digit not in "0123456789":
        raise ValueError(f"{text!r} is not a size-type code: {group + last!r} stands for no type")
    height, width = _SECTIONS[section]
    detail = "" if designator else _DETAILS.get(group + digit, "")
    reduced = not designator and last in _REDUCED
    return SizeType(code, _LENGTHS[length], height, width, _GROUPS[group], detail, reduced)


def is_size_type(text: str) -> bool:
    """Whether `text` is a size-type code of the standard since 1995."""
    try:
        parse_size_type(text)
    except ValueError:
        return False
    return True
