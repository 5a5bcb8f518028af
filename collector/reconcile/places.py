"""Sites and sailings about a passage: how far apart sites are, which sailing boards, and whether its ship is there."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from sqlalchemy import Connection

from collector.reconcile.register_memory import RegisterMemory
from collector.reconcile.ships import Port
from collector.reconcile.travellers import Travellers
from collector.registers.reading import latest
from gate_contract.registers import manifest_of, sailing_of
from gate_contract.rules import Manifest, PassageFacts, Sailing
from gate_contract.rules.bookings import HOUR
from gate_contract.v1 import register_pb2 as pb
from gate_contract.v1.passage_pb2 import DIRECTION_INBOUND, LANE_KIND_EMPTY_CONTAINER, LANE_KIND_VEHICLE, Passage

BOARDS_BEFORE: Final = 12 * HOUR
"""Nobody boards longer before departure."""

BOARDS_AFTER: Final = HOUR // 2
"""A sailing that is late still boards after its departure by the schedule."""

_GOODS_LANES: Final = frozenset({LANE_KIND_VEHICLE, LANE_KIND_EMPTY_CONTAINER})


class Journeys:
    """The shortest times between sites, from the register."""

    def __init__(self, connection: Connection, before: int | None) -> None:
        """All of them: there are as many as pairs of sites."""
        items = latest(connection, pb.ITEM_KIND_JOURNEY, before=before).values()
        journeys = (pb.Journey.FromString(item.body) for item in items)
        self._shortest = {frozenset((each.site_id, each.other_site_id)): each.shortest_s for each in journeys}

    def shortest_s(self, site_id: str, other_site_id: str) -> int | None:
        """Seconds; None when the register does not say."""
        return self._shortest.get(frozenset((site_id, other_site_id)))


class Boardings:
    """The sailings that some passages are about, with manifests, and ships that AIS has at the port."""

    def __init__(
        self,
        connection: Connection,
        registers: RegisterMemory,
        passages: Sequence[tuple[str, Passage, PassageFacts, int]],
        travellers: Travellers,
        before: int | None,
    ) -> None:
        """`passages` are (site, passage, its facts, when it was; where its time cannot be believed, when it came)."""
        self._registers = registers
        moments = {(site, at) for site, _, facts, _ in passages if (at := facts.at_unix_ns) is not None}
        self._port = Port(connection, moments)
        possible = {
            facts.passage_id: self._possible(site, facts, at, travellers)
            for site, _passage, facts, at in passages
            if facts.lane_kind not in _GOODS_LANES and facts.seen.documents
        }
        ids = {each for some in possible.values() for each in some}
        items = latest(connection, pb.ITEM_KIND_MANIFEST, ids, before=before)
        manifests = {key: pb.SailingManifest.FromString(item.body) for key, item in items.items()}
        rules = {key: manifest_of(each) for key, each in manifests.items()}
        self._boards: dict[str, Manifest] = {}
        for _site, passage, facts, _at in passages:
            chosen = _boarding(passage, possible.get(facts.passage_id, ()), manifests)
            if chosen is not None:
                self._boards[facts.passage_id] = rules[chosen]

    def _possible(self, site_id: str, facts: PassageFacts, at: int, travellers: Travellers) -> list[str]:
        """Sailings that a person may board here: those of the document's ticket, else those about to leave."""
        tickets = {
            each for document in facts.seen.documents for each in travellers.sailings.get(document.pseudonym, ())
        }
        if tickets:
            return sorted(tickets)
        if facts.direction == DIRECTION_INBOUND:
            return []  # who arrives is on no manifest of this site
        leaving = [
            (each.departure_unix_ns, each.sailing_id)
            for each in self._registers.sailings.values()
            if not each.cancelled
            and each.site_id in {site_id, ""}
            and at - BOARDS_AFTER <= each.departure_unix_ns <= at + BOARDS_BEFORE
        ]
        return [sailing_id for _, sailing_id in sorted(leaving)]

    def manifest_of(self, passage_id: str) -> Manifest | None:
        """Of the sailing that a passage boards; None when it boards none, or that is not known."""
        return self._boards.get(passage_id)

    def schedule(
        self, site_id: str, at_unix_ns: int | None, sailing_ids: Collection[str]
    ) -> Mapping[str, Sailing] | None:
        """Those of some sailings that are in the schedule; None when nothing is known of this site's schedule."""
        if not self._registers.scheduled_sites & {site_id, ""}:
            return None
        known = ((each, self._registers.sailings.get(each)) for each in sorted(sailing_ids))
        return {
            key: sailing_of(each, ship_here=self._port.has(site_id, each.mmsi, at_unix_ns))
            for key, each in known
            if each is not None
        }


def _boarding(passage: Passage, possible: Iterable[str], manifests: Mapping[str, pb.SailingManifest]) -> str | None:
    """The first of the possible sailings whose key the document was read under; else the first that has a manifest."""
    known = [each for each in possible if each in manifests]
    keys = {each.document.key_id for each in passage.readings if each.WhichOneof("body") == "document"} - {""}
    under = [each for each in known if manifests[each].key_id in keys]
    return next(iter(under or known), None)
