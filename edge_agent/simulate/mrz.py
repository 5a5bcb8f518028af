"""Machine-readable zones of made-up passports, and how a reader sends them. Pure.

Sources: ICAO Doc 9303 part 3 (characters, check digits: weights 7 3 1, modulo 10) and part 4 (TD3, two lines of 44).
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from datetime import date

SURNAMES = ("CHEN", "LIN", "WANG", "HUANG", "LI", "ZHANG", "FU", "WU", "XIE", "MAI", "OU", "PAN")
GIVEN = ("HAIYAN", "JUN", "MEI", "XIAOMING", "LAN", "GUOQIANG", "YING", "BO", "LIHUA", "TAO", "QING", "DAN")
WIDTH = 44


@dataclass(frozen=True, slots=True)
class Passport:
    """What is in it; `number` has up to nine characters, `issuer` three letters."""

    issuer: str
    number: str
    surname: str
    given: str
    birth: date
    sex: str
    expires: date

    @property
    def name(self) -> str:
        """As a manifest writes it."""
        return f"{self.surname} {self.given}"

    def lines(self, *, wrong: bool = False) -> tuple[str, str]:
        """Both lines; `wrong`: the number's check digit does not hold, and so neither does the one over all."""
        first = f"P<{self.issuer}{self.surname}<<{self.given.replace(' ', '<')}".ljust(WIDTH, "<")[:WIDTH]
        number = self.number.ljust(9, "<")
        digit = check_digit(number)
        parts = [
            number + (str((int(digit) + 1) % 10) if wrong else digit),
            _checked(f"{self.birth:%y%m%d}"),
            _checked(f"{self.expires:%y%m%d}"),
        ]
        optional = "<" * 14 + "0"
        over = check_digit(parts[0] + parts[1] + parts[2] + optional)
        return first, f"{parts[0]}{self.issuer}{parts[1]}{self.sex}{parts[2]}{optional}{over}"

    def sent(self, *, wrong: bool = False) -> bytes:
        """As a reader in serial emulation sends it: each line ends with a carriage return."""
        return "".join(f"{line}\r" for line in self.lines(wrong=wrong)).encode("ascii")


def check_digit(text: str) -> str:
    """Weights 7 3 1 over digits, letters from A = 10 and fillers of 0; modulo 10."""
    values = [0 if each == "<" else int(each, 36) for each in text]
    return str(sum(value * (7, 3, 1)[at % 3] for at, value in enumerate(values)) % 10)


def _checked(text: str) -> str:
    return text + check_digit(text)


def make_passport(chance: random.Random, today: date) -> Passport:
    """One that is valid for years from `today` on."""
    return Passport(
        issuer="CHN",
        number=f"E{chance.choice('ABCDEFGH')}{chance.randrange(10**7):07d}",
        surname=chance.choice(SURNAMES),
        given=chance.choice(GIVEN),
        birth=date(chance.randint(1950, 2005), chance.randint(1, 12), chance.randint(1, 28)),
        sex=chance.choice("MF"),
        expires=date(today.year + chance.randint(2, 9), chance.randint(1, 12), chance.randint(1, 28)),
    )


def expired(passport: Passport, today: date) -> Passport:
    """The same, with a last day in the year before."""
    return replace(passport, expires=date(today.year - 1, 6, 15))
