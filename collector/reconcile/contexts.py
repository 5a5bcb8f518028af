"""Everything a decision rests on besides the passage: read together for many passages, as it stood at one moment.

The same code serves what is judged now and what is judged again as it was on another day: `before` is how many entries
the ledger had, None for now. Nothing is asked of the database for one passage alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection

from collector.ingest.contents import best_plate
from collector.reconcile import passed
from collector.reconcile.acts import acts_of, packages_counted
from collector.reconcile.bookings import Bookings, span_of
from collector.reconcile.core import Waiting
from collector.reconcile.defects import defects_of
from collector.reconcile.looks import Asked, Look
from collector.reconcile.others import MOST_BEFORE, Others
from collector.reconcile.passed import Passed
from collector.reconcile.places import Boardings, Journeys
from collector.reconcile.register_memory import RegisterMemory
from collector.reconcile.superseded import Amendments
from collector.reconcile.travellers import Travellers
from collector.reconcile.uses import left_of, released
from collector.registers.reading import latest
from gate_contract.registers import settlement_of
from gate_contract.rules import Context, JournalDefect, PassageFacts, Policy, match_booking
from gate_contract.rules.plates import normalise
from gate_contract.rules.records import QuantityLeft, Sighting, UsedRelease
from gate_contract.rules.visits import Pass, outside_visit
from gate_contract.v1 import register_pb2 as pb
from gate_contract.v1.declaration_pb2 import Declaration
from gate_contract.v1.ledger_pb2 import Verdict
from gate_contract.v1.passage_pb2 import LANE_KIND_OBSERVATION, LANE_KIND_PASSENGER, Passage

Goods = Literal["regulated", "free"]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A passage with all its decision depends on.

    Attributes:
        order: where it stands in time among others, see `Passed.order`.
        others: the passages that its context is about, for who must be judged again when this one was.
    """

    waiting: Waiting
    policy: Policy
    order: tuple[int, str]
    others: tuple[Passed, ...]


class Contexts:
    """Reads contexts; keeps declarations and registers in memory from one call to the next. Used by one thread."""

    def __init__(self, policy: Policy, goods_of: Callable[[str, str], Goods], *, forced: bool = False) -> None:
        """`goods_of` says which goods cross (site, lane); `forced`: `policy` is in force whatever the register says."""
        self.registers = RegisterMemory(policy, forced=forced)
        self._bookings = Bookings(policy)
        self._goods_of = goods_of

    def read(self, connection: Connection, asked: Sequence[Asked], before: int | None = None) -> Batch:
        """All that these depend on, in the caller's transaction. `before` is never less than at the last call."""
        self.registers.refresh(connection, before)
        self._bookings.refresh(connection, before)
        return Batch(self, connection, [self._look(connection, each) for each in asked], before)

    def goods(self, look: Look) -> Goods:
        """Goods of its lane; who walks through a passenger gate brings none that need a declaration."""
        if look.facts.lane_kind == LANE_KIND_PASSENGER:
            return "free"
        return self._goods_of(look.site_id, look.passage.lane_id)

    def _look(self, connection: Connection, asked: Asked) -> Look:
        source = asked.source
        passage = Passage.FromString(source.body)
        facts = PassageFacts.of(passage)
        policy = self.registers.policy_of(source.site_id)
        span = span_of(source.site_id, facts.at_unix_ns, source.received_ns)
        bookings = self._bookings.open_to(connection, span, policy)
        return Look(asked, passage, facts, policy, bookings, match_booking(facts, bookings, policy, source.site_id))


class Batch:
    """What was read for some passages together; they are judged one after the other, each in knowledge of the others.

    Call `prepared` and, when a verdict was given, `given` for each of them in order.
    """

    def __init__(self, contexts: Contexts, connection: Connection, looks: Sequence[Look], before: int | None) -> None:
        self._contexts, self._looks = contexts, looks
        self._registers = contexts.registers
        declared = frozenset[str]().union(*(each.declared_ids for each in looks))
        plates = frozenset[str]().union(*(each.plates for each in looks))
        self._until_ns = max((each.asked.now_unix_ns for each in looks), default=0)
        self._defects = defects_of(connection, {each.asked.source.origin for each in looks}, self._until_ns)
        self._read_items(connection, declared, plates, before)
        self._read_others(connection, declared, before)
        self._journeys = Journeys(connection, before)
        self._boardings = Boardings(
            connection,
            self._registers,
            [(each.site_id, each.passage, each.facts, each.order[0]) for each in looks],
            self._travellers,
            before,
        )
        since = [at for each in looks if (at := each.known_since(self._selections)) is not None]
        self._amendments = Amendments(connection, declared, plates, min(since), before) if since else None

    def _read_items(
        self, connection: Connection, declared: frozenset[str], plates: frozenset[str], before: int | None
    ) -> None:
        settlements = latest(connection, pb.ITEM_KIND_SETTLEMENT, declared, before=before)
        self._payments = {
            key: settlement_of(pb.DeclarationSettlement.FromString(item.body)) for key, item in settlements.items()
        }
        selections = latest(connection, pb.ITEM_KIND_SELECTION, declared, before=before)
        self._selections = {key: pb.Selection.FromString(item.body) for key, item in selections.items()}
        carriers = latest(connection, pb.ITEM_KIND_CARRIER, plates, before=before)
        self._carriers = {key: pb.VehicleCarrier.FromString(item.body).carrier_id for key, item in carriers.items()}
        keys = frozenset[str]().union(*(self._registers.quantities.get(each, ()) for each in declared))
        quantities = latest(connection, pb.ITEM_KIND_QUANTITY, keys, before=before)
        self._quantities = [pb.DeclarationQuantity.FromString(item.body) for _, item in sorted(quantities.items())]

    def _read_others(self, connection: Connection, declared: frozenset[str], before: int | None) -> None:
        looks = self._looks
        times = [each.order[0] for each in looks]
        texts = {text for each in looks for read in each.passage.plates for text in (read.text,) if text}
        texts.update(*(each.plates for each in looks))
        first, last = min(times, default=0) - passed.SIGHTED_FOR, max(times, default=0) + passed.LONGEST_JOURNEY
        self._by_plate = Others(passed.with_plates(connection, texts, first, last, before))
        pseudonyms = frozenset[bytes]().union(*(each.pseudonyms for each in looks))
        self._travellers = Travellers(connection, pseudonyms, before)
        every = {other for each in pseudonyms for other in self._travellers.all_of(each)}
        self._by_document = Others(passed.with_documents(connection, every, before))
        by_declaration = passed.with_declarations(connection, declared, before)
        self._by_declaration = Others(by_declaration)
        used = {each.passage_id for uses in by_declaration.values() for each in uses}
        own = {each.facts.passage_id for each in looks}
        self._acts = acts_of(connection, used | own, self._registers.officers, self._until_ns)
        self._decided_before = passed.decisions_before(connection, self._acts.keys(), before)

    def prepared(self, number: int) -> Prepared:
        """The passage of this number, in the order in which they were asked."""
        look = self._looks[number]
        asked = look.asked
        waiting = Waiting(look.passage, look.bookings, self._context(look), asked.earlier, asked.reason)
        return Prepared(waiting, look.policy, look.order, tuple(self._others(look)))

    def given(self, number: int, verdict: Verdict) -> None:
        """This verdict was given on the passage of this number: those after it know."""
        look = self._looks[number]
        source = look.asked.source
        body = verdict.SerializeToString(deterministic=True)
        now = Passed(source.passage_id, source.site_id, source.received_ns, source.body, body)
        self._by_plate.put(now, {text} if (text := best_plate(look.passage)) else set())
        self._by_document.put(now, look.pseudonyms)
        self._by_declaration.put(now, {each.declaration_id for each in verdict.decision.declarations})
        if look.asked.earlier is not None and source.passage_id in self._acts:
            before = self._decided_before.get(source.passage_id, [])
            self._decided_before[source.passage_id] = [*before, look.asked.earlier.decision]

    def _context(self, look: Look) -> Context:
        source = look.asked.source
        manifest = self._boardings.manifest_of(look.facts.passage_id)
        return Context(
            now_unix_ns=look.asked.now_unix_ns,
            reference_age_s=None,
            goods=self._contexts.goods(look),
            journal_defects=_touching(self._defects.get(source.origin, ()), look.asked),
            site_id=look.site_id,
            sightings={plate: self._sightings(look, self._of_plate(look, plate)) for plate in look.plates},
            superseded=self._superseded(look),
            used_releases=self._used(look),
            quantities=self._left(look),
            counted=self._counted(look),
            carriers={plate: self._carriers[plate] for plate in look.plates & self._carriers.keys()},
            manifest=manifest,
            document_sightings={
                each: self._sightings(look, self._by_document.about([each], look.order)) for each in look.pseudonyms
            },
            stays=self._travellers.stays(look.facts, self._by_document, look.asked.now_unix_ns),
            payments={each: self._payments[each] for each in look.declared_ids & self._payments.keys()},
            sailings=self._boardings.schedule(
                look.site_id,
                look.facts.at_unix_ns,
                {each.sailing_id for each in look.match.declarations} | ({manifest.sailing_id} if manifest else set()),
            ),
            orders=self._registers.orders,
            selections={each: self._selections[each] for each in look.declared_ids & self._selections.keys()},
        )

    def _superseded(self, look: Look) -> Sequence[Declaration]:
        if self._amendments is None:
            return ()
        return self._amendments.of(look.plates, look.declared_ids, look.known_since(self._selections))

    def _others(self, look: Look) -> Iterator[Passed]:
        """Every other passage that its context is about."""
        found = [each for plate in sorted(look.plates) for each in self._of_plate(look, plate)]
        found += self._by_document.about(sorted(look.pseudonyms), look.order)
        found += self._by_declaration.about(sorted(look.declared_ids), look.order)
        yield from {each.passage_id: each for each in found}.values()

    def _of_plate(self, look: Look, plate: str) -> list[Passed]:
        """Other passages of a plate, however its camera wrote it, about that time."""
        texts = {plate, *(read.text for read in look.passage.plates if normalise(read.text) == plate)}
        first, last = look.order[0] - passed.SIGHTED_FOR, look.order[0] + passed.LONGEST_JOURNEY
        return [each for each in self._by_plate.about(texts, look.order) if first <= each.at_unix_ns <= last]

    def _sightings(self, look: Look, others: Iterable[Passed]) -> tuple[Sighting, ...]:
        """Where it was seen. An observation point sees a vehicle on its way: for the way it goes only lanes count."""
        observes = look.facts.lane_kind == LANE_KIND_OBSERVATION
        return tuple(
            Sighting(
                passage_id=each.passage_id,
                site_id=each.site_id,
                at_unix_ns=at,
                bound_ns=each.facts.bound_ns,
                direction=0 if each.only_seen or observes else each.facts.direction,
                travel_s=self._journeys.shortest_s(each.site_id, look.site_id),
                lane_id=each.passage.lane_id,
            )
            for each in others
            if (at := each.facts.at_unix_ns) is not None and not (each.only_seen and each.site_id == look.site_id)
        )

    def _used(self, look: Look) -> Mapping[str, Sequence[UsedRelease]]:
        found = {each: self._released_before(look, each) for each in look.declared_ids}
        return {
            key: tuple(UsedRelease(each.passage_id, each.at_unix_ns) for each in uses[:MOST_BEFORE])
            for key, uses in found.items()
            if uses
        }

    def _released_before(self, look: Look, declaration_id: str) -> list[Passed]:
        """Passages that went on a declaration the same way, and are of no visit that this one is of; the oldest first.

        A vehicle that passes two lanes of one terminal uses its release once; an observation point uses nothing up.
        """
        at, direction = look.facts.at_unix_ns, look.facts.direction
        if at is None or not direction or look.facts.lane_kind == LANE_KIND_OBSERVATION:
            return []
        uses = [
            each
            for each in self._by_declaration.all(declaration_id)
            if each.passage_id != look.facts.passage_id
            and each.at_unix_ns < at
            and each.passage.direction == direction
            and not each.only_seen
            and self._released(each)
        ]
        if not uses:
            return []
        here = Pass(look.site_id, look.passage.lane_id, direction, at)
        others = [each for plate in sorted(look.plates) for each in self._of_plate(look, plate) if not each.only_seen]
        turns = [each.way for each in others if each.passage.direction not in {direction, 0}]
        return outside_visit(here, [(each, each.way) for each in uses], turns, look.policy.V05)[::-1]

    def _released(self, other: Passed) -> bool:
        key = other.passage_id
        return released(other, self._acts.get(key, ()), self._decided_before.get(key, ()))

    def _left(self, look: Look) -> Mapping[str, Sequence[QuantityLeft]]:
        found: dict[str, list[QuantityLeft]] = {}
        if look.facts.lane_kind == LANE_KIND_OBSERVATION:
            return found
        for quantity in self._quantities:
            if quantity.declaration_id in look.declared_ids:
                before = self._released_before(look, quantity.declaration_id)
                left = left_of(quantity, look.facts, look.match, before, look.policy)
                if left is not None:
                    found.setdefault(quantity.declaration_id, []).append(left)
        return found

    def _counted(self, look: Look) -> Mapping[str, int]:
        """What was counted is of the whole vehicle: it can be compared where one declaration is all it carries."""
        packages = packages_counted(self._acts.get(look.facts.passage_id, ()))
        declarations = look.match.trip.declarations if look.match.trip else ()
        if packages is None or len(declarations) != 1:
            return {}
        return {declarations[0].declaration_id: packages}


def _touching(defects: Iterable[JournalDefect], asked: Asked) -> tuple[JournalDefect, ...]:
    """Defects that put this record in doubt: what stands before a fork is the same in both histories."""
    return tuple(each for each in defects if each.index <= asked.source.record_index)
