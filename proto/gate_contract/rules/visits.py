"""One visit or two: lanes that a vehicle passes one after the other at one site, on one way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from gate_contract.rules.tolerances import VisitPolicy

Item = TypeVar("Item")

MINUTE: Final = 60 * 1_000_000_000
"""Nanoseconds."""


@dataclass(frozen=True, slots=True)
class Pass:
    """One pass of a lane. "" where site or lane is not known; `direction` is a value of `passage_pb2.Direction`."""

    site_id: str
    lane_id: str
    direction: int
    at_unix_ns: int


def outside_visit(
    here: Pass, uses: Iterable[tuple[Item, Pass]], turns: Iterable[Pass], policy: VisitPolicy
) -> list[Item]:
    """Uses of one release before `here`, the same way, that are of no visit that `here` is of; the newest first (D06).

    A lane that is passed again is another visit, however soon: one vehicle is one passage there. `turns` are passes of
    the vehicle the other way.
    """
    found: list[tuple[Pass, Item | None]] = [(each, item) for item, each in uses] + [(each, None) for each in turns]
    before = sorted(
        (each for each in found if each[0].at_unix_ns < here.at_unix_ns), key=lambda each: -each[0].at_unix_ns
    )
    visit = passes_of_visit(here, [each for each, _item in before], policy)
    return [item for each, item in before[visit:] if item is not None and each.direction == here.direction]


def passes_of_visit(here: Pass, before: Sequence[Pass], policy: VisitPolicy, *, again_ns: int = 0) -> int:
    """How many of the passes before, the newest first, are of the visit that `here` is of.

    Going back in time a visit goes on through lanes of one site that it did not pass yet, each within policy's time of
    the next: a weighbridge, then a gate. A lane that it passed already is of it only up to `again_ns` before. Where
    lane or site is not known, or the site is another, it goes on for as long as two sights are one. It begins where
    the vehicle came the other way.
    """
    lanes, after = {(here.site_id, here.lane_id): here.at_unix_ns}, here
    for number, each in enumerate(before):
        lane = each.site_id, each.lane_id
        if each.direction != here.direction:
            return number
        if each.lane_id and lane in lanes:
            one = 0 <= lanes[lane] - each.at_unix_ns <= again_ns
        else:
            in_series = bool(each.lane_id and after.lane_id and each.site_id) and each.site_id == after.site_id
            minutes = policy.lanes_in_series_minutes if in_series else 0
            one = after.at_unix_ns - each.at_unix_ns <= max(minutes, policy.same_visit_minutes) * MINUTE
        if not one:
            return number
        lanes[lane], after = each.at_unix_ns, each
    return len(before)
