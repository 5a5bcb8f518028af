"""What the rules of a passage look at, and the shape of a rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final, Generic, TypeVar

from gate_contract.rules.context import Context
from gate_contract.rules.facts import Declared, PassageFacts
from gate_contract.rules.findings import Action, Fired, Input
from gate_contract.rules.matching import Match
from gate_contract.rules.policy import Policy
from gate_contract.rules.records import Manifest
from gate_contract.rules.text import MOST_NAMED, moment, shown
from gate_contract.rules.trips import Trip
from gate_contract.rules.weights import Balance, NoBalance

Subject = TypeVar("Subject")


class Need(Enum):
    """What must be there before a rule is asked. A rule whose need is not met has nothing to say."""

    PLATE = "a plate was read"
    TRIP = "one trip is surely matched"
    BALANCE = "one trip is surely matched, and the lane weighs"
    CONTAINER = "a container's number was read"
    SCAN = "a scanner scanned it"
    SEAL = "a seal was looked at"
    AXLES = "its axles were weighed"
    DOCUMENT = "a document was read"
    FACE = "a face was checked"
    TIME = "the gate's time can be believed"
    PASSED = "it did not go back the way it came"


class Where(Enum):
    """Where a rule is decided. The rules are the same at both ends; what one end cannot know it says nothing of."""

    BOTH = "at the gate, and again at the collector"
    """On the declarations, registers and readings that the gate has, too."""
    FROM_ALL_GATES = "at the gate by what passed there, and again at the collector by what passed at every gate"
    """The gate knows its own passages; the collector those of all."""
    COLLECTOR = "at the collector"
    """It takes what no single gate has: other gates' passages, versions that were amended, officers' counts."""
    GATE = "at the gate"
    """The collector holds the originals of what the gate has copies of."""


@dataclass(frozen=True, slots=True)
class Case:
    """One passage to be judged. `balance` is None when no single trip is matched or the lane has no scale."""

    passage: PassageFacts
    context: Context
    policy: Policy
    match: Match
    balance: Balance | NoBalance | None

    @property
    def booked(self) -> Trip | None:
        """The trip it is judged against; None when nothing more than a near plate speaks for one."""
        return self.match.trip if self.match.sure else None

    def has(self, need: Need) -> bool:
        """Whether a need is met."""
        return _MET[need](self)


_MET: Final[dict[Need, Callable[[Case], bool]]] = {
    Need.PLATE: lambda case: case.match.read is not None,
    Need.TRIP: lambda case: case.booked is not None,
    Need.BALANCE: lambda case: case.match.sure and case.balance is not None,
    Need.CONTAINER: lambda case: bool(case.passage.seen.containers),
    Need.SCAN: lambda case: bool(case.passage.seen.scans),
    Need.SEAL: lambda case: bool(case.passage.seen.seals),
    Need.AXLES: lambda case: bool(case.passage.seen.axles),
    Need.DOCUMENT: lambda case: bool(case.passage.seen.documents),
    Need.FACE: lambda case: bool(case.passage.seen.faces),
    Need.TIME: lambda case: case.passage.at_unix_ns is not None,
    Need.PASSED: lambda case: not case.passage.backed_out,
}


@dataclass(frozen=True, slots=True)
class Unseen:
    """One declaration whose vehicle was not seen, to be judged at a moment."""

    declared: Declared
    now_unix_ns: int
    policy: Policy


@dataclass(frozen=True, slots=True)
class Boarding:
    """One sailing whose boarding is over, to be judged.

    Attributes:
        boarded: pseudonyms of the documents that were let through.
        heads: how many heads were counted; None when nobody counted.
        departure_unix_ns: nanoseconds since 1970-01-01T00:00:00Z; None when not known.
    """

    manifest: Manifest
    boarded: frozenset[bytes]
    heads: int | None
    departure_unix_ns: int | None
    now_unix_ns: int
    policy: Policy


@dataclass(frozen=True, slots=True)
class Rule(Generic[Subject]):
    """One row of the rule book.

    Attributes:
        severities: the mildest and the gravest severity it can give, 1 to 4.
        action: the default: the strictest action it can ask for.
        needs: all must be met before `judge` is asked.
        judge: yields what fired; pure and total.
        where: it is decided.
    """

    code: str
    title: str
    severities: tuple[int, int]
    action: Action
    needs: tuple[Need, ...]
    judge: Callable[[Subject], Iterator[Fired]]
    where: Where = Where.BOTH


def read_inputs(case: Case) -> tuple[Input, ...]:
    """The plates read: the one compared first, with the reads that it was voted from, then the others."""
    compared = case.match.read
    parts = compared.voted_from if compared else ()
    others = [read for read in case.passage.plates if read is not compared and read not in parts][:MOST_NAMED]
    first = (Input("plate_read", shown(compared.text), compared.source),) if compared else ()
    voted = tuple(Input("plate_voted_from", shown(read.text), read.source) for read in parts[: 2 * MOST_NAMED])
    return (
        *first,
        *voted,
        *(Input("plate_also_read", shown(read.text) or "not read", read.source) for read in others),
    )


def trip_input(name: str, trip: Trip) -> Input:
    """A booked plate with the versions it is from and its departure, when one is declared."""
    departure = trip.departure_unix_ns
    leaving = f", departure {moment(departure)}" if departure else ""
    return Input(name, shown(trip.plate), f"{trip.source}{leaving}")


def booking_inputs(case: Case) -> tuple[Input, ...]:
    """The trips judged against or equally near, those passed over, and out of how many they were chosen."""
    booking, at = case.policy.booking, case.passage.at_unix_ns
    span = (
        f"departure within {booking.departure_window_hours} h of {moment(at)}; without a departure lodged up to"
        f" {booking.lodged_before_hours} h before or {booking.lodged_after_hours} h after"
        if at
        else "of any day: the gate's clock cannot be believed"
    )
    return (
        *(trip_input("plate_booked", trip) for trip in case.match.trips[:MOST_NAMED]),
        *(trip_input("plate_passed_over", trip) for trip in case.match.passed_over[:MOST_NAMED]),
        Input("open_bookings", str(case.match.open_bookings), f"site {shown(case.context.site_id) or 'any'}, {span}"),
    )
