"""Double-random draws: which vehicle is inspected, and by whom, so that nobody can choose and anybody can check. Pure.

A seed is drawn before the day and only its commitment is published; each draw follows from the seed and the subject
alone. When the day is over the seed is published, too, and everyone who has the records can repeat every draw. Neither
a gate nor an officer can prefer a vehicle, nor deny afterwards that it was drawn.

Sources: HMAC-SHA-256 after RFC 2104 and FIPS 180-4 as the pseudo-random function; hash commitments.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection
from dataclasses import dataclass
from itertools import count
from typing import Final

SEED_BYTES: Final = 32
TEN_THOUSAND: Final = 10_000
"""Rates are whole numbers of ten thousand: 0.01 % is the finest."""

_SPACE: Final = 1 << 64
_COMMITMENT: Final = b"tidegate/draw/commitment/v1\0"
_ITEM: Final = b"tidegate/draw/item/v1\0"
_OFFICER: Final = b"tidegate/draw/officer/v1\0"


class DrawError(ValueError):
    """A draw cannot be made or does not hold; the message says why."""


@dataclass(frozen=True, slots=True)
class Draw:
    """One draw, as recorded.

    Attributes:
        subject: what was drawn for, e.g. a passage id; unique, or its draws are the same.
        rate: of ten thousand such subjects so many are drawn, 0 to 10,000.
        drawn: whether this one was.
        officer: who was drawn to inspect it; "" when it was not drawn.
    """

    subject: str
    rate: int
    drawn: bool
    officer: str


def commitment(seed: bytes) -> bytes:
    """What is published before the day: SHA-256, 32 bytes. DrawError unless the seed is 32 bytes."""
    if len(seed) != SEED_BYTES:
        raise DrawError(f"a seed has {SEED_BYTES} bytes, not {len(seed)}")
    return hashlib.sha256(_COMMITMENT + seed).digest()


def draw(seed: bytes, subject: str, rate: int, roster: Collection[str]) -> Draw:
    """Draw for one subject.

    Args:
        seed: 32 bytes, secret until the day is over.
        subject: see `Draw`.
        rate: see `Draw`.
        roster: officers on duty who may inspect it, in any order. Empty: nobody is drawn, and a person must be found.

    Raises:
        DrawError: the seed or the rate is none.
    """
    commitment(seed)
    if not 0 <= rate <= TEN_THOUSAND:
        raise DrawError(f"a rate is 0 to {TEN_THOUSAND} of ten thousand, not {rate}")
    drawn = _number(seed, _ITEM, subject) * TEN_THOUSAND < rate * _SPACE
    return Draw(subject, rate, drawn, _officer(seed, subject, roster) if drawn else "")


def check(published: bytes, seed: bytes, recorded: Draw, roster: Collection[str]) -> None:
    """Repeat a draw with the seed that was published after the day.

    Raises:
        DrawError: the seed is not the one committed to, or the draw comes out otherwise; the message names the subject.
    """
    if not hmac.compare_digest(commitment(seed), published):
        raise DrawError("this is not the seed that was committed to")
    again = draw(seed, recorded.subject, recorded.rate, roster)
    if again != recorded:
        raise DrawError(
            f"{recorded.subject}: recorded as {_told(recorded)}, but the seed and the roster give {_told(again)}"
        )


def _officer(seed: bytes, subject: str, roster: Collection[str]) -> str:
    """Each with the same chance: what would favour the first of the roster is drawn again."""
    officers = sorted(set(roster))
    if not officers:
        return ""
    limit = _SPACE - _SPACE % len(officers)
    numbers = (_number(seed, _OFFICER + attempt.to_bytes(4, "big"), subject) for attempt in count())
    return officers[next(number for number in numbers if number < limit) % len(officers)]


def _number(seed: bytes, purpose: bytes, subject: str) -> int:
    """0 to 2**64 - 1."""
    return int.from_bytes(hmac.digest(seed, purpose + subject.encode(), "sha256")[:8], "big")


def _told(drawn: Draw) -> str:
    if not drawn.drawn:
        return "not drawn"
    return f"drawn for {drawn.officer}" if drawn.officer else "drawn, without an officer"
