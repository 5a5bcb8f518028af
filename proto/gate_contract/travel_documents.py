"""Machine-readable travel documents and identity numbers: what they say, and where they contradict themselves. Pure.

Sources: ICAO Doc 9303, eighth edition, part 3 (data elements, check digits: 4.9), part 4 (TD3: 4.2.2), part 5 (TD1:
4.2.2), part 6 (TD2: 4.2.2), part 7 (MRV-A and MRV-B visas: 4.2, 5.2); GB 11643-1999 for citizens' identity numbers,
with python-stdnum.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal, NamedTuple

from stdnum.cn import ric
from stdnum.exceptions import ValidationError

DocumentKind = Literal["TD1", "TD2", "TD3", "MRV-A", "MRV-B", "citizen"]
"""Formats of machine-readable zones, and the bare number of a citizen's identity card."""

FILLER: Final = "<"
_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_WEIGHTS: Final = (7, 3, 1)
_LINE: Final = re.compile("[0-9A-Z<]+")
_CITIZEN: Final = re.compile("[0-9]{17}[0-9X]")
_YEARS_AHEAD: Final = 50
"""A document that expires further in the future than this has expired in the last century."""


class DocumentError(ValueError):
    """The text is no machine-readable zone at all; the message says why, and quotes nothing of it."""


class _Field(NamedTuple):
    """Where a data element stands: line, first column, column after the last; all from 0."""

    line: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Layout:
    """One format. `checks`: element with the column of its check digit; `composite` covers spans of the lines."""

    kind: DocumentKind
    lines: int
    width: int
    issuer: _Field
    name: _Field
    number: _Field
    nationality: _Field
    birth: _Field
    sex: _Field
    expiry: _Field
    optional: _Field
    optional_check: int | None
    composite: tuple[_Field, ...]
    composite_check: tuple[int, int] | None


_SECOND_LINE: Final = {
    "number": _Field(1, 0, 9),
    "nationality": _Field(1, 10, 13),
    "birth": _Field(1, 13, 19),
    "sex": _Field(1, 20, 21),
    "expiry": _Field(1, 21, 27),
    "issuer": _Field(0, 2, 5),
}

_LAYOUTS: Final = (
    _Layout(
        "TD1", 3, 30, issuer=_Field(0, 2, 5), name=_Field(2, 0, 30), number=_Field(0, 5, 14),
        nationality=_Field(1, 15, 18), birth=_Field(1, 0, 6), sex=_Field(1, 7, 8), expiry=_Field(1, 8, 14),
        optional=_Field(0, 15, 30), optional_check=None,
        composite=(_Field(0, 5, 30), _Field(1, 0, 7), _Field(1, 8, 15), _Field(1, 18, 29)), composite_check=(1, 29),
    ),
    _Layout(
        "TD2", 2, 36, name=_Field(0, 5, 36), optional=_Field(1, 28, 35), optional_check=None,
        composite=(_Field(1, 0, 10), _Field(1, 13, 20), _Field(1, 21, 35)), composite_check=(1, 35), **_SECOND_LINE,
    ),
    _Layout(
        "TD3", 2, 44, name=_Field(0, 5, 44), optional=_Field(1, 28, 42), optional_check=42,
        composite=(_Field(1, 0, 10), _Field(1, 13, 20), _Field(1, 21, 43)), composite_check=(1, 43), **_SECOND_LINE,
    ),
    _Layout(
        "MRV-A", 2, 44, name=_Field(0, 5, 44), optional=_Field(1, 28, 44), optional_check=None,
        composite=(), composite_check=None, **_SECOND_LINE,
    ),
    _Layout(
        "MRV-B", 2, 36, name=_Field(0, 5, 36), optional=_Field(1, 28, 36), optional_check=None,
        composite=(), composite_check=None, **_SECOND_LINE,
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class TravelDocument:
    """What a machine-readable zone says. Personal data: never into a log.

    Attributes:
        kind: format of the zone.
        code: document code, one or two letters, e.g. "P".
        issuer: issuing state or organisation, one to three letters.
        number: document number without fillers.
        nationality: one to three letters.
        birth: YYMMDD as written, fillers as "<" where it is not known.
        sex: "F", "M" or "" when not said.
        expires: None when the date is none; the century is chosen so that it is no more than 50 years ahead.
        surname, given_names: as transliterated.
        optional: optional data without fillers at its end.
        faults: data elements whose check digit does not hold, in order: "number", "birth", "expiry", "optional",
            "composite".
    """

    kind: DocumentKind
    code: str
    issuer: str
    number: str
    nationality: str
    birth: str
    sex: str
    expires: date | None
    surname: str
    given_names: str
    optional: str
    faults: tuple[str, ...]

    def expired(self, today: date) -> bool | None:
        """Whether its last day is before today; None when it does not say when it expires."""
        return None if self.expires is None else self.expires < today


def check_digit(text: str) -> str:
    """Check digit over letters, digits and fillers (Doc 9303-3, 4.9): weights 7 3 1, modulo 10.

    Raises:
        ValueError: another character is in it.
    """
    values = (0 if character == FILLER else _ALPHABET.index(character) for character in text)
    return str(sum(value * _WEIGHTS[place % 3] for place, value in enumerate(values)) % 10)


def read_document(text: str, today: date) -> TravelDocument:
    """Read a machine-readable zone of two or three lines.

    Args:
        text: the lines as the reader sent them, in any line ends; spaces are ignored, and small letters are capitals.
        today: chooses the century of the expiry date.

    Raises:
        DocumentError: the number or length of the lines fits no format, or a character is not in the alphabet.
    """
    lines = [line for line in ("".join(each.split()).upper() for each in text.splitlines()) if line]
    layout = _layout_of(lines)
    if not all(_LINE.fullmatch(line) for line in lines):
        raise DocumentError("the machine-readable zone has characters other than A to Z, 0 to 9 and <")
    number, number_holds, optional = _number(layout, lines)
    surname, _, given = _cut(lines, layout.name).partition(FILLER * 2)
    sex = _cut(lines, layout.sex)
    return TravelDocument(
        kind=layout.kind,
        code=lines[0][:2].rstrip(FILLER),
        issuer=_cut(lines, layout.issuer).rstrip(FILLER),
        number=number,
        nationality=_cut(lines, layout.nationality).rstrip(FILLER),
        birth=_cut(lines, layout.birth),
        sex=sex if sex in "FM" else "",
        expires=_date(_cut(lines, layout.expiry), today),
        surname=_words(surname),
        given_names=_words(given),
        optional=optional.rstrip(FILLER),
        faults=_faults(layout, lines, number_holds=number_holds),
    )


def identity_number_fault(number: str) -> str:
    """Why an 18-digit citizen's number (GB 11643-1999) is none; "" when it holds. Says nothing of the number itself.

    Its first six digits, the place, are not looked up. They are of the place of registration, which may have got its
    code long after the birth: python-stdnum's `validate` refuses everybody born in Haikou before 1988.
    """
    compact = ric.compact(number)
    if not _CITIZEN.fullmatch(compact):
        return "it has not 17 digits and a digit or X"
    if ric.calc_check_digit(compact) != compact[-1]:
        return "its check character does not hold"
    try:
        ric.get_birth_date(compact)
    except ValidationError:
        return "its date of birth is none"
    return ""


def read_citizen_number(text: str) -> TravelDocument:
    """A citizen's identity number (GB 11643-1999): place, birth YYYYMMDD, serial (odd for men), check character.

    It says neither name nor last day. Faults has "number" when birth or check character do not hold.

    Raises:
        DocumentError: it is not 17 digits and a digit or X.
    """
    number = "".join(text.split()).upper()
    if not _CITIZEN.fullmatch(number):
        raise DocumentError("a citizen's number has 17 digits and a digit or X")
    return TravelDocument(
        kind="citizen",
        code="",
        issuer="CHN",
        number=number,
        nationality="CHN",
        birth=number[8:14],
        sex="M" if int(number[16]) % 2 else "F",
        expires=None,
        surname="",
        given_names="",
        optional="",
        faults=("number",) if identity_number_fault(number) else (),
    )


def _layout_of(lines: list[str]) -> _Layout:
    widths = {len(line) for line in lines}
    visa = bool(lines) and lines[0].startswith("V")
    for layout in _LAYOUTS:
        if len(lines) == layout.lines and widths == {layout.width} and layout.kind.startswith("MRV") == visa:
            return layout
    shape = " and ".join(str(len(line)) for line in lines[:4]) or "no"
    raise DocumentError(
        f"no machine-readable zone has lines of {shape} characters: TD1 has 3 of 30, TD2 2 of 36, TD3 2 of 44"
    )


def _cut(lines: list[str], where: _Field) -> str:
    return lines[where.line][where.start : where.end]


def _number(layout: _Layout, lines: list[str]) -> tuple[str, bool, str]:
    """Number, whether its check digit holds, and the optional data.

    A number longer than nine goes on in the optional data when a filler stands in its check digit's place; there the
    check digit is the character before the next filler (Doc 9303-5 and -6, 4.2.2, note j).
    """
    short, optional = _cut(lines, layout.number), _cut(lines, layout.optional)
    check = lines[layout.number.line][layout.number.end]
    if check == FILLER and layout.kind in {"TD1", "TD2"} and short.rstrip(FILLER) and optional[0] != FILLER:
        rest, _, optional = optional.partition(FILLER)
        long, check = short + rest[:-1], rest[-1:]
        return long, check_digit(long) == check, optional
    return short.rstrip(FILLER), _holds(short, check), optional


def _faults(layout: _Layout, lines: list[str], *, number_holds: bool) -> tuple[str, ...]:
    checks = {"number": number_holds}
    for name, where in (("birth", layout.birth), ("expiry", layout.expiry)):
        checks[name] = _holds(_cut(lines, where), lines[where.line][where.end])
    if layout.optional_check is not None:
        checks["optional"] = _holds(_cut(lines, layout.optional), lines[layout.optional.line][layout.optional_check])
    if layout.composite_check is not None:
        line, column = layout.composite_check
        checks["composite"] = (
            check_digit("".join(_cut(lines, each) for each in layout.composite)) == lines[line][column]
        )
    return tuple(name for name, holds in checks.items() if not holds)


def _holds(text: str, check: str) -> bool:
    """Whether a check digit holds. Of an element that is all fillers it may be a filler (Doc 9303-4, 4.2.2.2)."""
    return check_digit(text) == check or (check == FILLER and not text.strip(FILLER))


def _date(text: str, today: date) -> date | None:
    if not text.isdigit():
        return None
    year, month, day = int(text[:2]), int(text[2:4]), int(text[4:])
    century = today.year // 100 * 100
    years = [century - 100 + year, century + year, century + 100 + year]
    try:
        return date(max(each for each in years if each <= today.year + _YEARS_AHEAD), month, day)
    except ValueError:
        return None


def _words(text: str) -> str:
    return " ".join(text.replace(FILLER, " ").split())
