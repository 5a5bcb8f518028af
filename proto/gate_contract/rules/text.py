"""How values are written into findings: exact, bounded, and safe for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

MOST_CHARACTERS = 60
"""Longest text quoted from a message; whatever is longer is cut, with an ellipsis."""

MOST_NAMED = 5
"""How many things of a list are named one by one."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def shown(text: str, most: int = MOST_CHARACTERS) -> str:
    """`text` for a person: at most `most` characters, nothing that could steer a terminal."""
    cut = text if len(text) <= most else text[: most - 1] + "…"
    if cut.isprintable():
        return cut
    return "".join(character if character.isprintable() else "�" for character in cut)


def plain(number: Decimal) -> str:
    """A decimal number without exponent or trailing zeros, exact whatever the caller's decimal context says."""
    digits = format(number, "f")
    if "." in digits:
        digits = digits.rstrip("0").rstrip(".")
    return "0" if digits == "-0" else digits


def listed(names: Sequence[str], most: int = MOST_NAMED) -> str:
    """`a, b and c`; beyond `most` names only how many more there are."""
    named = [*names[:most], f"{len(names) - most} more"] if len(names) > most else list(names)
    return " and ".join(part for part in (", ".join(named[:-1]), named[-1]) if part) if named else "none"


def moment(unix_ns: int) -> str:
    """Nanoseconds since 1970-01-01T00:00:00Z as UTC to the second, e.g. `2025-03-01T09:00:00Z`."""
    return (EPOCH + timedelta(seconds=unix_ns // 1_000_000_000)).strftime("%Y-%m-%dT%H:%M:%SZ")
