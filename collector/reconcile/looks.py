"""A passage with its booking: where reading what else its decision rests on begins. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from collector.reconcile.source import Source
from gate_contract.rules import BookingIndex, Match, PassageFacts, Policy
from gate_contract.v1.ledger_pb2 import Verdict
from gate_contract.v1.passage_pb2 import Passage
from gate_contract.v1.register_pb2 import Selection


@dataclass(frozen=True, slots=True)
class Asked:
    """A passage to be judged.

    Attributes:
        source: the revision that counts.
        earlier: the verdict that stands on it; None when it was never judged.
        reason: why it is judged again.
        now_unix_ns: time of the decision.
    """

    source: Source
    earlier: Verdict | None
    reason: str
    now_unix_ns: int


@dataclass(frozen=True, slots=True)
class Look:
    """One passage and its booking, before anything else is read for it."""

    asked: Asked
    passage: Passage
    facts: PassageFacts
    policy: Policy
    bookings: BookingIndex
    match: Match

    @property
    def site_id(self) -> str:
        """Of its lane."""
        return self.asked.source.site_id

    @property
    def order(self) -> tuple[int, str]:
        """Where it stands in time among others, see `Passed.order`."""
        at = self.facts.at_unix_ns
        return self.asked.source.received_ns if at is None else at, self.facts.passage_id

    @property
    def plates(self) -> frozenset[str]:
        """Plates read, normalised."""
        return frozenset(each.text for each in self.facts.plates if each.text)

    @property
    def pseudonyms(self) -> frozenset[bytes]:
        """Of the documents shown."""
        return frozenset(each.pseudonym for each in self.facts.seen.documents if each.pseudonym)

    @property
    def declared_ids(self) -> frozenset[str]:
        """Ids of the declarations judged against, or of all that are equally near."""
        return frozenset(each.declaration_id for each in self.match.declarations)

    def known_since(self, selections: Mapping[str, Selection]) -> int | None:
        """When the vehicle was seen or selected, whichever was first: amendments after that are told (D05)."""
        drawn = [
            selection.selected_unix_ns
            for each in self.declared_ids & selections.keys()
            if (selection := selections[each]).drawn and selection.selected_unix_ns
        ]
        moments = [*drawn, *([] if self.facts.at_unix_ns is None else [self.facts.at_unix_ns])]
        return min(moments, default=None)
