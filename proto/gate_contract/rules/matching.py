"""Which booking a passage is judged against, and how surely. The reasons are in docs/rules.md."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from gate_contract.rules import plates
from gate_contract.rules.bookings import BookingIndex, Crossing, Opening
from gate_contract.rules.facts import Declared, PassageFacts, PlateFact
from gate_contract.rules.fusion import fuse_containers, fuse_plates
from gate_contract.rules.plates import Nearness
from gate_contract.rules.policy import Policy
from gate_contract.rules.text import MOST_NAMED
from gate_contract.rules.trips import Trip, trips_of
from gate_contract.rules.weights import Balance, balance_of
from gate_contract.v1 import declaration_pb2

Declarations = Sequence[declaration_pb2.Declaration] | BookingIndex
MOST_LOOKED_AT: Final = MOST_NAMED
"""Plates equally near that are looked at each, those of whose bookings a trailer or container was read first, then in
order of the plates: a person has enough to do with these. What a decision costs is bounded by it, however many are
booked."""

MOST_NAMED_APART: Final = 2
"""Plates two edits away of which nothing was read that are named all the same, where there are more: none of them is
taken, whatever its weight."""

Booked = tuple[str, list[declaration_pb2.Declaration]]
"""A plate and what is booked under it."""


class MatchKind(Enum):
    """What became of the search for a booking."""

    EXACT = "exact"
    """One trip is booked under exactly this plate."""
    NEAR = "near"
    """One trip is booked under a plate near enough, and no other is as near."""
    AMBIGUOUS = "ambiguous"
    """Two or more trips are equally near; nobody but a person can say which it is."""
    UNBOOKED = "unbooked"
    """A plate was read and no trip is booked near it."""
    UNREAD = "unread"
    """No plate was read."""
    CONTAINER = "container"
    """No plate was read, and one trip is booked with a container that was."""


@dataclass(frozen=True, slots=True)
class Match:
    """The outcome.

    Attributes:
        read: the plate read that was compared; None when UNREAD.
        nearness: of the read to the trips; None when there are none.
        trips: the one trip judged against (EXACT, NEAR), all equally near (AMBIGUOUS), else none.
        evidence: what speaks for a NEAR or AMBIGUOUS match besides its distance; "" when nothing does.
        passed_over: trips that were not taken: another departure of the same plate, or as near without evidence; of
            very many only the first.
        neighbours: how many open booked plates were as few edits away as the nearest, where the read is booked nowhere;
            of more than `MOST_LOOKED_AT` as near not all are among `trips`.
        open_bookings: how many declarations were open to the passage.
    """

    kind: MatchKind
    read: PlateFact | None
    nearness: Nearness | None
    trips: tuple[Trip, ...]
    evidence: str
    passed_over: tuple[Trip, ...]
    neighbours: int
    open_bookings: int

    @property
    def trip(self) -> Trip | None:
        """The one trip the passage is judged against; None when there is none or more than one."""
        return self.trips[0] if len(self.trips) == 1 else None

    @property
    def more_as_near(self) -> bool:
        """Whether other plates may be as near as those of the trips."""
        looked_at = len({trip.plate for trip in self.trips})
        return looked_at == MOST_LOOKED_AT < self.neighbours

    @property
    def sure(self) -> bool:
        """Whether something more than one edit speaks for the one trip: only then is its weight judged."""
        return self.kind in {MatchKind.EXACT, MatchKind.CONTAINER} or (
            self.kind is MatchKind.NEAR and bool(self.evidence)
        )

    @property
    def declarations(self) -> tuple[Declared, ...]:
        """Every declaration judged against or equally near, in order of id and version."""
        found = [declared for trip in self.trips for declared in trip.declarations]
        return tuple(sorted(found, key=lambda each: (each.declaration_id, each.version)))


def match_booking(passage: PassageFacts, declarations: Declarations, policy: Policy, site_id: str = "") -> Match:
    """Find the booking of a passage among all versions of all declarations, in any order, or in an index of them.

    `site_id` is the site of the lane; "" when not known. Candidates are the latest versions that are open to the
    passage: same site and direction where both say one, and not for another day (policy `booking`).
    """
    book = declarations if isinstance(declarations, BookingIndex) else BookingIndex(declarations)
    voted = voted_containers(passage, book, policy, site_id)
    opening = _opening(passage, policy, site_id)
    return _Search(voted, book, policy, opening, book.count_open(opening)).run()


def _opening(passage: PassageFacts, policy: Policy, site_id: str) -> Opening:
    return Opening.of(Crossing(site_id, passage.direction, passage.at_unix_ns), policy)


def best_reads(passage: PassageFacts, booked: Callable[[str], bool]) -> list[PlateFact]:
    """Plates worth comparing, one read for each, surest first, those without a confidence last.

    A trailer's plate counts only where no other was read: which trailer belongs to which tractor is another rule's.
    `booked` says whether a text is a plate that is booked for this passage.
    """
    read = [each for each in passage.plates if each.text]
    vehicles = [each for each in read if not plates.is_trailer(each.text)]
    return fuse_plates(vehicles or read, booked)


def voted_containers(passage: PassageFacts, declarations: BookingIndex, policy: Policy, site_id: str) -> PassageFacts:
    """The passage with each of its containers under the number that its reads come to."""
    if len({each.number for each in passage.seen.containers}) < 2:  # noqa: PLR2004 - nothing to vote on
        return passage
    opening = _opening(passage, policy, site_id)

    def booked(number: str) -> bool:
        return any(map(opening.admits, declarations.with_container(number)))

    containers = fuse_containers(passage.seen.containers, booked)
    return replace(passage, seen=replace(passage.seen, containers=containers))


@dataclass(frozen=True, slots=True)
class _Search:
    """One search, with everything it depends on."""

    passage: PassageFacts
    book: BookingIndex
    policy: Policy
    opening: Opening
    open_bookings: int

    def run(self) -> Match:
        reads = best_reads(self.passage, lambda plate: bool(self._open(self.book.exact(plate))))
        if not reads:
            return self._by_container() or self._match(MatchKind.UNREAD, None)
        return self._exact(reads) or self._near(reads[0])

    def _by_container(self) -> Match | None:
        """The one trip that is booked with a container that was read: what lanes without a plate camera go by."""
        for read in self.passage.seen.containers:
            booked = self._open(self.book.with_container(read.number))
            plate = plates.normalise(booked[0].vehicle_plate) if booked else ""
            same = [each for each in booked if plates.normalise(each.vehicle_plate) == plate]
            trips = self._nearest_departure(trips_of(plate, same))
            if booked and len(same) == len(booked) and len(trips) == 1:
                return self._match(MatchKind.CONTAINER, None, trips=trips)
        return None

    def _exact(self, reads: Iterable[PlateFact]) -> Match | None:
        """The surest read that is booked letter for letter."""
        for read in reads:
            if trips := trips_of(read.text, self._open(self.book.exact(read.text))):
                chosen = self._nearest_departure(trips)
                kind = MatchKind.EXACT if len(chosen) == 1 else MatchKind.AMBIGUOUS
                return self._match(
                    kind, read, nearness=Nearness(0, 0), trips=chosen, passed_over=_without(trips, chosen)
                )
        return None

    def _near(self, read: PlateFact) -> Match:
        """The nearest bookings to a read that is booked nowhere."""
        for edits in range(1, self.policy.V01.match_within + 1):
            # The nearest first: among very many bookings those further away are too many to look at each.
            if ranked := self._ranked(read, edits):
                return self._nearest(read, ranked)
        return self._match(MatchKind.UNBOOKED, read)

    def _ranked(self, read: PlateFact, edits: int) -> dict[Nearness, list[Booked]]:
        """Plates with an open booking up to so many edits away, in their order."""
        ranked: dict[Nearness, list[Booked]] = {}
        near = self.book.near(read.text, edits, self.opening)
        for booked, nearness in zip(near.items(), plates.nearness_of_each(read.text, list(near)), strict=True):
            ranked.setdefault(nearness, []).append(booked)
        return ranked

    def _nearest(self, read: PlateFact, ranked: dict[Nearness, list[Booked]]) -> Match:
        """Judge the nearest of them; others as few edits away count as neighbours."""
        neighbours, nearest = sum(map(len, ranked.values())), min(ranked)
        near = self._to_look_at(ranked[nearest], nearest, neighbours)
        trips = [trip for booked in near for trip in self._nearest_departure(trips_of(*booked))]
        supported, evidence = self._supported(nearest, trips, neighbours)
        if not supported:
            return self._match(MatchKind.UNBOOKED, read, passed_over=trips, neighbours=neighbours)
        return self._match(
            MatchKind.NEAR if len(supported) == 1 else MatchKind.AMBIGUOUS,
            read,
            nearness=nearest,
            trips=supported,
            evidence=evidence,
            passed_over=_without(trips, supported),
            neighbours=neighbours,
        )

    def _supported(self, nearness: Nearness, trips: list[Trip], neighbours: int) -> tuple[list[Trip], str]:
        """The trips that may be taken at this distance, and what speaks for them besides the plate.

        Look-alikes and one edit need nothing more. At two edits, among many bookings, a neighbour is more likely
        chance than truth, and is taken only with evidence.
        """
        if nearness.by_look_alikes:
            return trips, "cameras confuse all the characters that differ"
        if by_trailer := [trip for trip in trips if self._trailer_read(trip)]:
            return by_trailer, "the trailer's plate was read as declared"
        if by_box := [trip for trip in trips if self._container_read(trip)]:
            return by_box, "a container was read as declared"
        sole = len(trips) == 1 and (nearness.edits == 1 or neighbours == 1)
        if sole and self._weight_fits(trips[0]):
            return trips, "the measured weight fits what is declared, and no other booking is as near"
        if self._few():
            return trips, f"no more than {self.policy.V01.few_bookings} bookings are open, too few for chance"
        return (trips if nearness.edits == 1 else []), ""

    def _to_look_at(self, near: list[Booked], nearness: Nearness, neighbours: int) -> list[Booked]:
        """Those of which a trailer or a container was read, then the others, as far as they can matter."""
        apart = nearness.edits > 1 and not nearness.by_look_alikes and neighbours > 1
        if self._few() or len(near) <= (MOST_NAMED_APART if apart else MOST_LOOKED_AT):
            return near
        trailers = (read.text for read in self.passage.plates if plates.is_trailer(read.text))
        numbers = {read.number for read in self.passage.seen.containers}
        read = [each for plate in trailers for each in self.book.exact(plate)]
        read += [each for number in numbers for each in self.book.with_container(number)]
        ids = {each.declaration_id for each in read}
        told = [booked for booked in near if any(each.declaration_id in ids for each in booked[1])]
        others = [booked for booked in near if booked not in told] if told else near
        most = max(len(told), MOST_NAMED_APART) if apart else MOST_LOOKED_AT
        return [*told, *others][: min(most, MOST_LOOKED_AT)]

    def _trailer_read(self, trip: Trip) -> bool:
        """Whether a trailer that the trip declares was read letter for letter."""
        declared = {each.trailer_plate for each in trip.declarations} - {""}
        return any(read.text in declared for read in self.passage.plates)

    def _container_read(self, trip: Trip) -> bool:
        """Whether a container that the trip declares was read letter for letter."""
        declared = {box.number for box in trip.boxes}
        return any(read.number in declared for read in self.passage.seen.containers)

    def _weight_fits(self, trip: Trip) -> bool:
        """Whether the measured weight is what the trip declares, within W01's tolerance."""
        balance = balance_of(self.passage, trip, self.policy)
        return isinstance(balance, Balance) and balance.within_tolerance

    def _nearest_departure(self, trips: list[Trip]) -> list[Trip]:
        """Of trips of one plate the one that departs nearest to the passage; all when that cannot be told."""
        at, departures = self.opening.crossing.at_unix_ns, [trip.departure_unix_ns for trip in trips]
        if len(trips) == 1 or at is None:
            return trips
        away = [abs(departure - at) for departure in departures if departure is not None]
        if len(away) < len(trips):
            return trips
        return [trip for trip, distance in zip(trips, away, strict=True) if distance == min(away)]

    def _open(self, declarations: Iterable[declaration_pb2.Declaration]) -> list[declaration_pb2.Declaration]:
        return list(filter(self.opening.admits, declarations))

    def _few(self) -> bool:
        """Whether so few bookings are open that a near plate is no chance."""
        return self.open_bookings <= self.policy.V01.few_bookings

    def _match(
        self,
        kind: MatchKind,
        read: PlateFact | None,
        *,
        nearness: Nearness | None = None,
        trips: Sequence[Trip] = (),
        evidence: str = "",
        passed_over: Sequence[Trip] = (),
        neighbours: int = 0,
    ) -> Match:
        return Match(kind, read, nearness, tuple(trips), evidence, tuple(passed_over), neighbours, self.open_bookings)


def _without(trips: list[Trip], chosen: list[Trip]) -> list[Trip]:
    """The trips that were not chosen."""
    return [trip for trip in trips if trip not in chosen]
