"""Days of stay: how many there were at least and at most, under each way of counting them (P08). Pure.

Crossings say when a person came onto the island and left it; some are missing, and clocks are only so good. Presence is
therefore counted twice: where the person was for sure, and where the person may have been. Every way of counting gives
more days for more presence, so the two counts bound the truth.

Sources: Ministry of Finance and State Taxation Administration, notice 2019 no. 34, article 2 (a day counts when all its
24 hours were spent there); calendar days on which somebody was present at all; nights.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final, Literal

DAY: Final = 86_400_000_000_000
"""Nanoseconds."""

CHINA_STANDARD_TIME: Final = 8 * 3_600_000_000_000
"""Ahead of UTC, nanoseconds; there is no summer time."""


class Counting(Enum):
    """Ways to count."""

    FULL_DAYS = "full-days"
    """Calendar days of which all 24 hours were spent there."""
    BOTH_ENDS = "both-ends"
    """Calendar days of which any part was spent there: first and last day count."""
    MIDNIGHTS = "midnights"
    """Midnights spent there."""


@dataclass(frozen=True, slots=True)
class Crossing:
    """One time somebody crossed.

    Attributes:
        at_unix_ns: nanoseconds since 1970-01-01T00:00:00Z.
        bound_ns: how far the clock may have been off, nanoseconds.
        name: e.g. the passage's id, for what is said of missing legs.
    """

    at_unix_ns: int
    way: Literal["in", "out"]
    bound_ns: int = 0
    name: str = ""


@dataclass(frozen=True, slots=True)
class Days:
    """How many days, at least and at most."""

    least: int
    most: int


@dataclass(frozen=True, slots=True)
class MissingLeg:
    """A crossing that must have been and is not recorded.

    `after` and `before` name the crossings around it; "" is the beginning or the end of the period.
    """

    way: Literal["in", "out"]
    after: str
    before: str


@dataclass(frozen=True, slots=True)
class Stay:
    """The outcome."""

    days: dict[Counting, Days]
    missing: tuple[MissingLeg, ...]


Span = tuple[int, int]
"""From, and until, nanoseconds; until is not part of it."""


def count_days(
    crossings: Iterable[Crossing],
    period: Span,
    *,
    now_unix_ns: int,
    inside_before: bool | None = None,
    offset_ns: int = CHINA_STANDARD_TIME,
) -> Stay:
    """Days that one person spent on the island in a period.

    Args:
        crossings: in any order; those outside the period bound what is inside it.
        period: nanoseconds since 1970-01-01T00:00:00Z, the end not part of it; whole days where days are counted.
        now_unix_ns: what is later has not been.
        inside_before: whether the person was there before the first crossing; None when it is not known.
        offset_ns: the place's time ahead of UTC.
    """
    ordered = sorted(crossings, key=lambda each: each.at_unix_ns)
    end = min(period[1], now_unix_ns)
    sure, maybe, missing = _presence(ordered, (period[0], end), inside_before)
    sure += [span for each in ordered if (span := _moment_there(each, offset_ns))]
    least, most = _union(sure, (period[0], end)), _union(maybe, (period[0], end))
    return Stay({way: Days(count(least, offset_ns), count(most, offset_ns)) for way, count in _COUNTS.items()}, missing)


def _presence(
    ordered: Sequence[Crossing], period: Span, inside_before: bool | None
) -> tuple[list[Span], list[Span], tuple[MissingLeg, ...]]:
    """Spans of sure presence, spans of possible presence, legs that are missing."""
    sure: list[Span] = []
    maybe: list[Span] = []
    missing: list[MissingLeg] = []
    before: Crossing | None = None
    for crossing in ordered:
        since = before.at_unix_ns - before.bound_ns if before else period[0]
        surely_since = before.at_unix_ns + before.bound_ns if before else period[0]
        came_in = before.way == "in" if before else inside_before
        if crossing.way == "out":
            maybe.append((since, crossing.at_unix_ns + crossing.bound_ns))
            if came_in:
                sure.append((surely_since, crossing.at_unix_ns - crossing.bound_ns))
            else:
                missing.append(MissingLeg("in", before.name if before else "", crossing.name))
        elif came_in:
            maybe.append((since, crossing.at_unix_ns + crossing.bound_ns))
            missing.append(MissingLeg("out", before.name if before else "", crossing.name))
        elif came_in is None:
            maybe.append((since, crossing.at_unix_ns + crossing.bound_ns))
        before = crossing
    if before is not None and before.way == "in":
        sure.append((before.at_unix_ns + before.bound_ns, period[1]))
        maybe.append((before.at_unix_ns - before.bound_ns, period[1]))
    elif before is None and inside_before is not False:
        maybe.append(period)
        if inside_before:
            sure.append(period)
    return sure, maybe, tuple(missing)


def _moment_there(crossing: Crossing, offset_ns: int) -> Span | None:
    """The moment after coming, or before leaving: who crosses is there on that day, whatever leg is missing.

    None where the clock cannot say which day it was.
    """
    start = crossing.at_unix_ns - (crossing.way == "out")
    days = {(start + off + offset_ns) // DAY for off in (-crossing.bound_ns, 0, 1, crossing.bound_ns)}
    return (start, start + 1) if len(days) == 1 else None


def _union(spans: Iterable[Span], period: Span) -> list[Span]:
    """The parts inside the period, put together where they overlap, in order.

    Spans that only touch stay apart: who crossed at that moment was not there all day.
    """
    joined: list[Span] = []
    for start, end in sorted((max(start, period[0]), min(end, period[1])) for start, end in spans):
        if start >= end:
            continue
        if joined and start < joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _full_days(spans: list[Span], offset_ns: int) -> int:
    return sum(max(0, (end + offset_ns) // DAY - -(-(start + offset_ns) // DAY)) for start, end in spans)


def _both_ends(spans: list[Span], offset_ns: int) -> int:
    """Days touched; one that two spans touch counts once."""
    days, last = 0, None
    for start, end in spans:
        first, final = (start + offset_ns) // DAY, (end - 1 + offset_ns) // DAY
        days += final - first + 1 - (first == last)
        last = final
    return days


def _midnights(spans: list[Span], offset_ns: int) -> int:
    """Midnights strictly after the coming and no later than the leaving: the night before each was spent there."""
    return sum((end + offset_ns) // DAY - (start + offset_ns) // DAY for start, end in spans)


_COUNTS: Final[dict[Counting, Callable[[list[Span], int], int]]] = {
    Counting.FULL_DAYS: _full_days,
    Counting.BOTH_ENDS: _both_ends,
    Counting.MIDNIGHTS: _midnights,
}
