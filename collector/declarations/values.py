"""One value of a declaration, from text as people and spreadsheets write it. Pure.

Every function takes the text of one value, without white space at its ends, and returns what it means or raises
UnfitError with a reason that says what to write instead.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache

from collector.names import SITE_ID, SITE_ID_RULE
from gate_contract.iso6346 import parse_size_type
from gate_contract.v1.declaration_pb2 import FULLNESS_EMPTY, FULLNESS_LOADED, Fullness
from gate_contract.v1.passage_pb2 import DIRECTION_INBOUND, DIRECTION_OUTBOUND, Direction

MAX_IDENTIFIER = 64
MAX_DESCRIPTION = 512
MAX_PLATE = 16
MAX_KILOGRAMS = Decimal(1_000_000)  # ten times the heaviest road train: anything above is a slip of the keyboard
MAX_PERSONS = 300
MAX_PACKAGES = 10_000_000
MAX_CONTAINERS = 10

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_YEAR, _LAST_YEAR = 2000, 2100
_DECIMAL = re.compile(r"[0-9]{1,12}(\.[0-9]{1,3})?", re.ASCII)
_AMOUNT = re.compile(r"[0-9]{1,15}(\.[0-9]{1,4})?", re.ASCII)
_WHOLE = re.compile(r"[0-9]{1,12}", re.ASCII)
_SCIENTIFIC = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?[eE][+-]?[0-9]+", re.ASCII)
_SEPARATORS_IN_PLATES = re.compile(r"[\s·•・.\-_]+")
_HS_CODE = re.compile(r"[0-9]{2,10}", re.ASCII)
_CONTAINER = re.compile(r"[A-Z]{3}[UJZ][0-9]{7}", re.ASCII)
# ISO 6346:2022, A.3: letters count 10 to 38, leaving out the multiples of 11.
_LETTER_VALUES = dict(zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", (n for n in range(10, 39) if n % 11), strict=True))


class UnfitError(ValueError):
    """The text is no such value; `str()` is the reason, for the person who must correct it."""


def identifier(text: str) -> str:
    """A number or name given by somebody else: 1 to 64 printable characters, kept as written."""
    if len(text) > MAX_IDENTIFIER:
        raise UnfitError(f"is longer than {MAX_IDENTIFIER} characters")
    if not text.isprintable():
        raise UnfitError("contains a control character or line break")
    if _SCIENTIFIC.fullmatch(text):
        raise UnfitError("a spreadsheet has turned the number into scientific notation: format the column as text")
    return text


def site_id(text: str) -> str:
    """A site as agents are invited for it: one that no agent can have would never be judged against."""
    if not SITE_ID.fullmatch(text):
        raise UnfitError(f"{text[:80]!r} cannot be a site: {SITE_ID_RULE}")
    return text


def description(text: str) -> str:
    """Words for goods: at most 512 characters."""
    if len(text) > MAX_DESCRIPTION:
        raise UnfitError(f"the description is longer than {MAX_DESCRIPTION} characters")
    if not text.isprintable():
        raise UnfitError("the description contains a control character or line break")
    return text


def plate(text: str) -> str:
    """A plate as cameras write it: upper case, half width, no separators. Its grammar is not judged here (V02 does)."""
    plain = _SEPARATORS_IN_PLATES.sub("", unicodedata.normalize("NFKC", text)).upper()
    if not plain:
        raise UnfitError("holds no letter or digit")
    if not plain.isalnum():
        raise UnfitError("holds characters that are on no plate")
    if len(plain) > MAX_PLATE:
        raise UnfitError(f"is longer than {MAX_PLATE} characters; a trailer's plate belongs in trailer_plate")
    return plain


def kilograms(text: str) -> str:
    """A mass in kilograms as plain decimal text, exact, without zeros that carry nothing ("12000.50" is "12000.5")."""
    if not _DECIMAL.fullmatch(text):
        raise UnfitError(_why_no_decimal(text))
    value = Decimal(text)
    if value >= MAX_KILOGRAMS:
        raise UnfitError(f"is {MAX_KILOGRAMS} kg or more: write kilograms, not grams")
    return format(value.normalize(), "f")


def _why_no_decimal(text: str) -> str:
    if text.startswith("-"):
        return "is negative"
    if _SCIENTIFIC.fullmatch(text):
        return "is in scientific notation: format the column as a number with no exponent, e.g. 12000.5"
    if "," in text:
        return "contains a comma: write no thousands separator, and a point before decimals, e.g. 12000.5"
    if re.fullmatch(r"[0-9]+\.[0-9]{4,}", text, re.ASCII):
        return "has more than three decimals: a gram is the finest that is kept"
    if re.search(r"[0-9]\s*[A-Za-z\u4e00-\u9fff]+\Z", text):
        return "has a unit: write the number alone, in kilograms"
    return "is not a number of kilograms, e.g. 12000.5"


def persons(text: str) -> int:
    """Persons on board, the driver included: 1 to 300."""
    count = _whole(text, "persons")
    if not 1 <= count <= MAX_PERSONS:
        raise UnfitError(f"is not between 1 and {MAX_PERSONS}: the driver counts")
    return count


def packages(text: str) -> int:
    """Packages of one line of goods: 0 (in bulk) to ten million."""
    count = _whole(text, "packages")
    if count > MAX_PACKAGES:
        raise UnfitError(f"is more than {MAX_PACKAGES} packages")
    return count


def _whole(text: str, of_what: str) -> int:
    if not _WHOLE.fullmatch(text):
        raise UnfitError(f"is not a whole number of {of_what}")
    return int(text)


def hs_code(text: str) -> str:
    """A commodity code of the Harmonised System: 2, 4, 6, 8 or 10 digits."""
    if not _HS_CODE.fullmatch(text) or len(text) % 2:
        raise UnfitError("the commodity code is not 2, 4, 6, 8 or 10 digits (a spreadsheet may have cut a leading 0)")
    return text


def container(text: str) -> str:
    """A container number with a true check digit (ISO 6346:2022, clause 3 and annex A)."""
    number = text.upper()
    if not _CONTAINER.fullmatch(number):
        raise UnfitError(f"{text!r} is no container number: four letters, the last U, J or Z, and seven digits")
    expected = check_digit(number[:10])
    if int(number[10]) != expected:
        raise UnfitError(f"{number}: the check digit is {number[10]} and should be {expected}; a character is wrong")
    return number


def check_digit(first_ten: str) -> int:
    """Check digit of the ten characters before it: sum of value times 2^position, modulo 11, where 10 is written 0."""
    total = sum(
        (_LETTER_VALUES[character] if character.isalpha() else int(character)) << position
        for position, character in enumerate(first_ten)
    )
    return total % 11 % 10


@lru_cache(maxsize=4096)  # a file repeats its departures
def moment(text: str) -> int:
    """A moment with its zone, ISO 8601, as nanoseconds since 1970-01-01T00:00:00Z."""
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise UnfitError("is not a moment in ISO 8601, e.g. 2026-03-01T08:30:00+08:00") from None
    if when.tzinfo is None:
        raise UnfitError("has no time zone: write e.g. 2026-03-01T08:30:00+08:00 or 2026-03-01T00:30:00Z")
    if not _FIRST_YEAR <= when.year <= _LAST_YEAR:
        raise UnfitError(f"is not between the years {_FIRST_YEAR} and {_LAST_YEAR}")
    return (when - _EPOCH) // timedelta(microseconds=1) * 1000


def direction(text: str) -> Direction.ValueType:
    """Which way: onto the island or off it."""
    found = {"inbound": DIRECTION_INBOUND, "outbound": DIRECTION_OUTBOUND}.get(text.lower())
    if found is None:
        raise UnfitError("is neither inbound (onto the island) nor outbound (off it)")
    return found


def fullness(text: str) -> Fullness.ValueType:
    """Whether a container is declared full."""
    found = {"empty": FULLNESS_EMPTY, "loaded": FULLNESS_LOADED}.get(text.lower())
    if found is None:
        raise UnfitError("is neither empty nor loaded")
    return found


def size_type(text: str) -> str:
    """Size and type of a container, ISO 6346:2022 clause 4, e.g. 22G1."""
    try:
        return parse_size_type(text).code
    except ValueError as error:
        raise UnfitError(f"{error}; e.g. 22G1 or 45R1") from None


def seal(text: str) -> str:
    """Number of a seal, in capitals without spaces and hyphens."""
    plain = re.sub(r"[\s-]", "", unicodedata.normalize("NFKC", text)).upper()
    if not re.fullmatch(r"[A-Z0-9]{1,20}", plain, re.ASCII):
        raise UnfitError("is no seal: write its letters and digits, at most 20")
    return plain


def amount(text: str) -> str:
    """An amount of money as plain decimal text, exact: at most four decimals and fifteen digits before them."""
    if not _AMOUNT.fullmatch(text):
        raise UnfitError("is no amount: digits, a point before decimals, no separators, no sign; e.g. 125000.50")
    return format(Decimal(text).normalize(), "f")


def rate(text: str) -> str:
    """An exchange rate above 0 as plain decimal text."""
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text, re.ASCII) or not Decimal(text):
        raise UnfitError("is no rate above 0, e.g. 7.1432")
    return format(Decimal(text).normalize(), "f")


def currency(text: str) -> str:
    """A currency, ISO 4217."""
    if not re.fullmatch(r"[A-Za-z]{3}", text, re.ASCII):
        raise UnfitError("is no currency of ISO 4217: three letters, e.g. CNY")
    return text.upper()


def issuer(text: str) -> str:
    """Who gave a document out, as in its machine readable zone (ICAO 9303-3, 5): one to three letters."""
    plain = text.rstrip("<")
    if not re.fullmatch(r"[A-Za-z]{1,3}", plain, re.ASCII):
        raise UnfitError("is no issuer as in the machine readable zone: up to three letters, e.g. CHN")
    return plain.upper()


def document_number(text: str) -> str:
    """Number of a document: 4 to 32 letters and digits; spaces, hyphens and fillers are left out."""
    plain = re.sub(r"[\s<-]", "", unicodedata.normalize("NFKC", text)).upper()
    if not re.fullmatch(r"[A-Z0-9]{4,32}", plain, re.ASCII):
        raise UnfitError("is no document number: 4 to 32 letters and digits")
    return plain
