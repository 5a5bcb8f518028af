"""What passed this gate lately: who went on which declaration, and which documents were shown. Pure, and bounded.

Only what this machine saw. Whether a plate went the same way twice, or was at two sites, takes all gates together and
is the collector's to say (V04, V05).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from gate_contract.rules import seen_by
from gate_contract.rules.facts import believed, bound_of
from gate_contract.rules.plates import normalise
from gate_contract.rules.records import Sighting, UsedRelease
from gate_contract.rules.tolerances import VisitPolicy
from gate_contract.rules.visits import Pass, outside_visit
from gate_contract.v1.decision_pb2 import ACTION_RELEASE, Decision
from gate_contract.v1.passage_pb2 import (
    DIRECTION_UNSPECIFIED,
    LANE_KIND_OBSERVATION,
    PASSAGE_CLOSING_BACKED_OUT,
    Passage,
)

MOST_REMEMBERED: Final = 1_000
"""Passages; the oldest are forgotten first."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One passage that went through this gate."""

    sighting: Sighting
    used: frozenset[str]
    documents: frozenset[bytes]
    plates: frozenset[str] = frozenset()

    @property
    def way(self) -> Pass:
        """As a pass of a lane."""
        seen = self.sighting
        return Pass(seen.site_id, seen.lane_id, seen.direction, seen.at_unix_ns)


@dataclass(frozen=True, slots=True)
class Recent:
    """Passages, the oldest first. Never changed: `with_passage` makes the next one."""

    passages: tuple[Seen, ...] = ()

    def with_passage(self, passage: Passage, decision: Decision, site_id: str) -> Recent:
        """With a passage that was decided; a later revision of one takes its place."""
        others = tuple(each for each in self.passages if each.sighting.passage_id != passage.passage_id)
        seen = _seen(passage, decision, site_id)
        if seen is None:
            return self if len(others) == len(self.passages) else Recent(others)
        return Recent((*others, seen)[-MOST_REMEMBERED:])

    def used(self, passage: Passage, site_id: str, policy: VisitPolicy) -> Mapping[str, Sequence[UsedRelease]]:
        """Passages that were let go on a declaration, by its id (D06); looked for when one is asked for.

        Only those that went the same way as this one and are of no visit that it is of: a vehicle that passes two lanes
        of one terminal uses its release once.
        """
        at = believed(passage.opened)
        if at is None or passage.direction == DIRECTION_UNSPECIFIED:
            return {}
        others = [each for each in self.passages if each.sighting.passage_id != passage.passage_id]
        here = Pass(site_id, passage.lane_id, passage.direction, at)
        return _Uses(others, here, _plates(passage), policy)

    def documents(self, passage: Passage) -> dict[bytes, Sequence[Sighting]]:
        """Other passages that showed the same documents (P05); a pseudonym is of one sailing."""
        shown = _documents(passage)
        return {
            each: [seen.sighting for seen in self.passages if each in seen.documents]
            for each in shown
            if any(each in seen.documents for seen in self.passages)
        }


def _seen(passage: Passage, decision: Decision, site_id: str) -> Seen | None:
    """What is remembered; None of one that was not let go, went back the way it came, or whose time is not believed."""
    at = believed(passage.opened)
    if at is None or decision.action != ACTION_RELEASE or passage.closed_by == PASSAGE_CLOSING_BACKED_OUT:
        return None
    sighting = Sighting(
        passage.passage_id, site_id, at, bound_of(passage.opened), passage.direction, lane_id=passage.lane_id
    )
    used = frozenset[str]() if passage.lane_kind == LANE_KIND_OBSERVATION else seen_by(decision)
    return Seen(sighting, used, _documents(passage), _plates(passage))


class _Uses(Mapping[str, Sequence[UsedRelease]]):
    """Uses of releases by declaration."""

    def __init__(self, others: Sequence[Seen], here: Pass, plates: frozenset[str], policy: VisitPolicy) -> None:
        self._others, self._here, self._plates, self._policy = others, here, plates, policy

    def __getitem__(self, declaration_id: str) -> Sequence[UsedRelease]:
        uses = [(each.sighting, each.way) for each in self._others if declaration_id in each.used]
        if not uses:
            raise KeyError(declaration_id)
        turns = [
            each.way
            for each in self._others
            if each.sighting.direction not in {self._here.direction, DIRECTION_UNSPECIFIED}
            and not self._plates.isdisjoint(each.plates)
        ]
        found = outside_visit(self._here, uses, turns, self._policy)
        if not found:
            raise KeyError(declaration_id)
        return [UsedRelease(each.passage_id, each.at_unix_ns) for each in reversed(found)]

    def __iter__(self) -> Iterator[str]:
        return (each for each in sorted(frozenset().union(*(seen.used for seen in self._others))) if self.get(each))

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _plates(passage: Passage) -> frozenset[str]:
    return frozenset(filter(None, (normalise(each.text) for each in passage.plates)))


def _documents(passage: Passage) -> frozenset[bytes]:
    shown = (each.document.pseudonym for each in passage.readings if each.WhichOneof("body") == "document")
    return frozenset(each for each in shown if each)
