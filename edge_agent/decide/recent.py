"""What passed this gate lately: who went on which declaration, and which documents were shown. Pure, and bounded.

Only what this machine saw. Whether a plate went the same way twice, or was at two sites, takes all gates together and
is the collector's to say (V04, V05).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gate_contract.rules import seen_by
from gate_contract.rules.facts import believed, bound_of
from gate_contract.rules.records import Sighting, UsedRelease
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

    def used(self, passage: Passage, same_visit_ns: int) -> dict[str, Sequence[UsedRelease]]:
        """Passages that were let go on a declaration, by its id (D06).

        Only those that went the same way as this one and are no second sight of the same visit: a vehicle that passes
        two lanes of one terminal uses its release once.
        """
        at = believed(passage.opened)
        if at is None or passage.direction == DIRECTION_UNSPECIFIED:
            return {}
        found: defaultdict[str, list[UsedRelease]] = defaultdict(list)
        for each in self.passages:
            before = each.sighting
            same_way = before.direction == passage.direction and before.passage_id != passage.passage_id
            if same_way and at - before.at_unix_ns > same_visit_ns:
                for declaration_id in each.used:
                    found[declaration_id].append(UsedRelease(before.passage_id, before.at_unix_ns))
        return dict(found)

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
    sighting = Sighting(passage.passage_id, site_id, at, bound_of(passage.opened), passage.direction)
    used = frozenset[str]() if passage.lane_kind == LANE_KIND_OBSERVATION else seen_by(decision)
    return Seen(sighting, used, _documents(passage))


def _documents(passage: Passage) -> frozenset[bytes]:
    shown = (each.document.pseudonym for each in passage.readings if each.WhichOneof("body") == "document")
    return frozenset(each for each in shown if each)
