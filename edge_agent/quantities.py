"""Quantities as an installer writes them: a number and its unit in one string, "20 kg", "500 ms". Pure."""

from __future__ import annotations

import re
from decimal import Decimal

_QUANTITY = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([^\s0-9]*)\s*")

MASS_UNITS = {"kg": Decimal(1), "g": Decimal("0.001"), "t": Decimal(1000)}
"""To kilograms."""

TIME_UNITS = {"s": Decimal(1), "ms": Decimal("0.001"), "min": Decimal(60), "h": Decimal(3600), "d": Decimal(86400)}
"""To seconds."""


def mass_kilograms(text: object) -> Decimal:
    """Kilograms of "20 kg"; ValueError says which units there are."""
    return _read(text, MASS_UNITS, "a mass", "20 kg")


def time_seconds(text: object) -> float:
    """Seconds of "1.5 s"; ValueError says which units there are."""
    return float(_read(text, TIME_UNITS, "a time", "3 s"))


def _read(text: object, units: dict[str, Decimal], what: str, example: str) -> Decimal:
    match = _QUANTITY.fullmatch(text) if isinstance(text, str) else None
    known = ", ".join(units)
    if match is None:
        raise ValueError(f'{text!r} is not {what}; write it with its unit in quotes, e.g. "{example}" (units: {known})')
    number, unit = match[1], match[2]
    if not unit:
        raise ValueError(f'{text!r} has no unit; write e.g. "{number} {example.split()[1]}" (units: {known})')
    if unit not in units:
        raise ValueError(f'{unit!r} is no unit of {what}; write e.g. "{number} {example.split()[1]}" (units: {known})')
    return Decimal(number) * units[unit]
