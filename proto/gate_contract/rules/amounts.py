"""Numbers of a message that a rule can calculate with; what is missing or malformed is `Absent`, with the reason."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from gate_contract.rules.text import plain, shown

_DECIMAL: Final = re.compile(r"[+-]?[0-9]{1,9}(\.[0-9]{1,20})?")
"""Decimal text of the contract. Nine digits before the point are a million tonnes; 20 after it hold a pound's 13."""

_MONEY: Final = re.compile(r"[0-9]{1,15}(\.[0-9]{1,6})?")
"""Decimal text of an amount of money."""


@dataclass(frozen=True, slots=True)
class Absent:
    """No usable value; `reason` completes "the cargo mass is …"."""

    reason: str


Amount = Decimal | Absent


def amount(text: str, *, negative: bool = False) -> Amount:
    """Kilograms from decimal text; Absent when empty, malformed, or negative where that is not allowed."""
    if not text:
        return Absent("not given")
    if not _DECIMAL.fullmatch(text):
        return Absent(f"given as {shown(text)!r}, which is no decimal number of kilograms")
    value = Decimal(text)
    return value if negative or value >= 0 else Absent(f"given as {plain(value)} kg, less than nothing")


def money(text: str) -> Amount:
    """Money from decimal text, in the currency's own unit; Absent when empty, malformed or negative."""
    if not text:
        return Absent("not given")
    return Decimal(text) if _MONEY.fullmatch(text) else Absent(f"given as {shown(text)!r}, which is no amount of money")


def known_time(unix_ns: int) -> int | None:
    """0 means not known in the contract; nothing here happened before 1970."""
    return unix_ns if unix_ns > 0 else None
