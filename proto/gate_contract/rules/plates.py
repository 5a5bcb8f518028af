"""Plates of mainland China: grammar, and how near two plates are to a camera's eye.

Sources: GA 36-2018 (plates of motor vehicles of the People's Republic of China) for the civilian plates; the armed
police's own numbering (2012) for WJ. Military plates (two letters and five digits) are no part of GA 36 and break the
grammar here: at a customs gate a person looks at them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rapidfuzz import process
from rapidfuzz.distance import Levenshtein

PROVINCES: Final = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
"""The 31 provinces, autonomous regions and municipalities, by their one-character names (GA 36-2018)."""

AUTHORITY: Final = "A-HJ-Z"
"""Letters of issuing authorities: no I. The O of public security departments was abolished but is still seen."""

SERIAL: Final = "A-HJ-NP-Z0-9"
"""Characters of a serial number: no I and no O, which look like 1 and 0 (GA 36-2018)."""

_PREFIX: Final = f"[{PROVINCES}][{AUTHORITY}]"

GRAMMAR: Final[tuple[tuple[str, re.Pattern[str]], ...]] = (
    ("ordinary", re.compile(f"{_PREFIX}[{SERIAL}]{{5}}")),
    ("small new energy", re.compile(f"{_PREFIX}[A-HJK][{SERIAL}][0-9]{{4}}")),
    ("large new energy", re.compile(f"{_PREFIX}[0-9]{{5}}[DF]")),
    ("trailer", re.compile(f"{_PREFIX}[{SERIAL}]{{4}}挂")),
    ("driving school", re.compile(f"{_PREFIX}[{SERIAL}]{{4}}学")),
    ("police", re.compile(f"{_PREFIX}[{SERIAL}]{{4}}警")),
    ("consulate", re.compile(f"{_PREFIX}[0-9]{{4}}领")),
    ("embassy", re.compile("[0-9]{6}使|使[0-9]{6}")),  # the sign stood in front before 2018
    ("Hong Kong or Macao", re.compile(f"粤Z[{SERIAL}]{{4}}[港澳]")),
    ("armed police", re.compile(f"WJ[{PROVINCES}]?[0-9]{{4}}[0-9BDHJSTX]")),
)
"""Every kind of plate the grammar knows; a text belongs to a kind when the whole of it matches."""

SHORTEST: Final = 7
LONGEST: Final = 8
MOST_CHARACTERS: Final = 64
"""Texts are cut here before they are looked at: no plate is longer, and hostile texts stay cheap."""

OCR_EQUIVALENTS: Final = ("0ODQ", "1I", "2Z", "5S", "8B", "6G")
"""Characters that cameras take for each other; the first stands for its class."""

_LOOK_ALIKE: Final = str.maketrans({other: alike[0] for alike in OCR_EQUIVALENTS for other in alike})


def normalise(text: str) -> str:
    """Letters, digits and characters only, full-width forms folded, upper case: `琼a·1２345` is `琼A12345`."""
    cut = text[:MOST_CHARACTERS]
    if unicodedata.is_normalized("NFKC", cut) and (upper := cut.upper()).isalnum():
        return upper  # as nearly all are written
    folded = unicodedata.normalize("NFKC", cut).upper()
    return "".join(character for character in folded if character.isalnum())


def kind_of(plate: str) -> str | None:
    """Name of the first kind in `GRAMMAR` that a normalised plate belongs to; None when it breaks the grammar."""
    return next((name for name, pattern in GRAMMAR if pattern.fullmatch(plate)), None)


def is_trailer(plate: str) -> bool:
    """Whether it is a trailer's plate by its last character, also when the rest breaks the grammar."""
    return plate.endswith("挂")


def fault_of(plate: str) -> str:
    """Where a plate that breaks the grammar breaks it, for a person; "" when it does not break it."""
    if kind_of(plate):
        return ""
    if plate[:1] not in tuple(PROVINCES):
        return f"its first character {plate[:1]!r} is no province"
    if not re.fullmatch(f"[{AUTHORITY}]", plate[1:2]):
        return f"its second character {plate[1:2]!r} is no issuing authority"
    if not SHORTEST <= len(plate) <= LONGEST:
        return f"it has {len(plate)} characters, not {SHORTEST} or {LONGEST}"
    if found := re.search("[IO]", plate[2:]):
        return f"a serial number has no letter {found.group()}"
    return f"{len(plate)} characters in no order that a mainland plate has"


@dataclass(frozen=True, slots=True, order=True)
class Nearness:
    """How far a plate read is from a plate booked.

    Attributes:
        edits: characters inserted, deleted or replaced (Levenshtein); 0 when they are the same.
        others: the edits that remain when look-alikes count as the same character.
    """

    edits: int
    others: int

    @property
    def by_look_alikes(self) -> bool:
        """Whether confusing look-alike characters explains every difference."""
        return self.edits > 0 and self.others == 0


def folded(plate: str) -> str:
    """A normalised plate with look-alike characters as one: two plates that cameras may confuse fold to the same."""
    return plate.translate(_LOOK_ALIKE)


def nearness(read: str, booked: str) -> Nearness:
    """Compare two normalised plates."""
    return Nearness(
        edits=Levenshtein.distance(read, booked),
        others=Levenshtein.distance(folded(read), folded(booked)),
    )


def nearness_of_each(read: str, booked: Sequence[str]) -> list[Nearness]:
    """`nearness` to many normalised plates, quicker than one by one."""
    alike = folded("\n".join(booked)).split("\n")
    return list(map(Nearness, _distances(read, booked), _distances(folded(read), alike)))


def _distances(text: str, others: Sequence[str]) -> list[int]:
    found = [0] * len(others)
    for _other, distance, at in process.extract(text, others, scorer=Levenshtein.distance, limit=None):
        found[at] = distance
    return found
