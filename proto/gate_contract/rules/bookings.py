"""Declarations as bookings: which are open to a passage, and quick ways to those with a plate like the one read."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain, combinations
from typing import Final

from rapidfuzz import process
from rapidfuzz.distance import Levenshtein

from gate_contract.rules import plates
from gate_contract.rules.amounts import known_time
from gate_contract.rules.policy import Policy
from gate_contract.rules.readings import container_number
from gate_contract.v1 import declaration_pb2

HOUR: Final = 3_600_000_000_000
"""Nanoseconds."""

MOST_EDITS: Final = 2
"""Neighbours further away are never looked for."""

SCAN_UP_TO: Final = 1_000
"""Plates up to which comparing with each is quicker than building and using the neighbourhood table."""


class PlateNeighbours:
    """Plates within two edits of a text.

    Two texts are within k edits only if deleting at most k characters from each can make them equal (Mor and Fraenkel,
    1982). The table holds a hash of every text that up to two deletions leave of a plate: 29 of 8 bytes each for a
    plate of 7. It is made at the first question that needs it; what it finds is verified by comparing.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        """Over normalised plates; those too long for a plate have no neighbours, only their equals."""
        self._plates = sorted({text for text in texts if 0 < len(text) <= plates.LONGEST + MOST_EDITS})
        self._table: list[array[int]] = []

    def within(self, text: str, edits: int) -> list[str]:
        """Plates at most `edits` (0 to 2) from `text`, in order of their text."""
        if not 0 < len(text) <= plates.LONGEST + MOST_EDITS:
            return []
        few = len(self._plates) <= SCAN_UP_TO
        candidates = self._plates if few else self._sharing_a_remainder(text, edits)
        found = process.extract(text, candidates, scorer=Levenshtein.distance, score_cutoff=edits, limit=None)
        return sorted(plate for plate, _distance, _position in found)

    def _sharing_a_remainder(self, text: str, edits: int) -> list[str]:
        """Plates with a remainder in common with what so many deletions leave of `text`: its neighbours, and others."""
        if not self._table:
            self._table = _remainder_table(self._plates)
        positions: set[int] = set()
        for remainder in _remainders(text, edits):
            bucket = self._table[remainder >> 24]
            start = bisect_left(bucket, remainder << 32)
            stop = bisect_left(bucket, (remainder + 1) << 32, start)
            positions.update(entry & 0xFFFFFFFF for entry in bucket[start:stop])
        return [self._plates[position] for position in positions]


def _remainders(text: str, edits: int = MOST_EDITS) -> set[int]:
    """32-bit hashes of what up to so many deletions leave of a text."""
    lengths = range(max(len(text) - edits, 0), len(text) + 1)
    return {hash(left) & 0xFFFFFFFF for left in chain.from_iterable(combinations(text, size) for size in lengths)}


def _remainder_table(texts: Sequence[str]) -> list[array[int]]:
    """Entries `hash << 32 | position`, sorted, in 256 parts by the first byte: small parts sort in little memory."""
    parts = [array("Q") for _ in range(256)]
    for position, text in enumerate(texts):
        for remainder in _remainders(text):
            parts[remainder >> 24].append(remainder << 32 | position)
    return [array("Q", sorted(part)) for part in parts]


@dataclass(frozen=True, slots=True)
class Crossing:
    """Where, which way and when a passage was: what decides which bookings are open to it.

    Attributes:
        site_id: "" when not known.
        direction: a value of `passage_pb2.Direction`; 0 when not said.
        at_unix_ns: None when the gate's clock cannot be believed.
    """

    site_id: str
    direction: int
    at_unix_ns: int | None

    def meets(self, site_id: str, direction: int) -> bool:
        """Whether a booking for that site and direction can be this passage; what is not said contradicts nothing."""
        other_site = self.site_id and site_id and self.site_id != site_id
        other_way = self.direction and direction and self.direction != direction
        return not (other_site or other_way)


@dataclass(slots=True)
class _Times:
    """Sorted times of the bookings of one site and direction, to count the open ones without visiting each."""

    departures: list[int] = field(default_factory=list)
    lodged: list[int] = field(default_factory=list)
    untimed: int = 0


def _windows(at_unix_ns: int, policy: Policy) -> tuple[tuple[int, int], tuple[int, int]]:
    """First and last departure, and first and last lodging, of bookings open at that time; both ends count."""
    booking = policy.booking
    around = booking.departure_window_hours * HOUR
    before, after = booking.lodged_before_hours * HOUR, booking.lodged_after_hours * HOUR
    return (at_unix_ns - around, at_unix_ns + around), (at_unix_ns - before, at_unix_ns + after)


def is_open(declaration: declaration_pb2.Declaration, crossing: Crossing, policy: Policy) -> bool:
    """Whether a declaration is a booking that the passage may be matched with."""
    if not crossing.meets(declaration.site_id, declaration.direction):
        return False
    if crossing.at_unix_ns is None:
        return True
    departures, lodgings = _windows(crossing.at_unix_ns, policy)
    if departure := known_time(declaration.departure_unix_ns):
        return departures[0] <= departure <= departures[1]
    lodged = known_time(declaration.lodged_unix_ns)
    return lodged is None or lodgings[0] <= lodged <= lodgings[1]


def latest_versions(declarations: Iterable[declaration_pb2.Declaration]) -> list[declaration_pb2.Declaration]:
    """The highest version of each declaration, in order of their ids; the order they came in does not matter."""
    latest: dict[str, declaration_pb2.Declaration] = {}
    for declaration in declarations:
        known = latest.setdefault(declaration.declaration_id, declaration)
        if known is not declaration and _supersedes(declaration, known):
            latest[declaration.declaration_id] = declaration
    return [latest[declaration_id] for declaration_id in sorted(latest)]


def _supersedes(one: declaration_pb2.Declaration, other: declaration_pb2.Declaration) -> bool:
    """Higher version first; of two contents under one version always the same one, whichever came first."""
    if one.version != other.version:
        return one.version > other.version
    return one.SerializeToString(deterministic=True) > other.SerializeToString(deterministic=True)


class BookingIndex:
    """The latest version of each declaration, found by plate.

    Build it once for many passages: a question then costs well under a millisecond among 100,000 declarations. It
    keeps the messages it is given, which must not be changed afterwards; a changed book is a new index.
    """

    def __init__(self, declarations: Iterable[declaration_pb2.Declaration]) -> None:
        """Over any versions in any order."""
        self._latest = latest_versions(declarations)
        self._vehicles: dict[str, list[int]] = {}
        self._trailers: dict[str, list[int]] = {}
        self._containers: dict[str, list[int]] = {}
        self._times: dict[tuple[str, int], _Times] = {}
        for position, declaration in enumerate(self._latest):
            for number in container_numbers(declaration):
                self._containers.setdefault(number, []).append(position)
            vehicle = plates.normalise(declaration.vehicle_plate)
            trailer = plates.normalise(declaration.trailer_plate)
            if not (vehicle or trailer):
                continue  # it names no vehicle, so no plate can be compared with it
            self._vehicles.setdefault(vehicle, []).append(position)
            # A trailer shipped without its tractor is declared as the vehicle.
            for plate in {trailer, vehicle if plates.is_trailer(vehicle) else ""} - {""}:
                self._trailers.setdefault(plate, []).append(position)
            self._note_time(declaration)
        self._vehicles.pop("", None)
        for times in self._times.values():
            times.departures.sort()
            times.lodged.sort()
        self._near_vehicles = PlateNeighbours(self._vehicles)
        self._near_trailers = PlateNeighbours(self._trailers)

    def __len__(self) -> int:
        """How many declarations, each in its latest version."""
        return len(self._latest)

    def exact(self, plate: str) -> list[declaration_pb2.Declaration]:
        """Declarations with this normalised plate: as their trailer when it is a trailer's, else as their vehicle."""
        book = self._trailers if plates.is_trailer(plate) else self._vehicles
        return [self._latest[position] for position in book.get(plate, ())]

    def with_container(self, number: str) -> list[declaration_pb2.Declaration]:
        """Declarations that name this normalised container number."""
        return [self._latest[position] for position in self._containers.get(number, ())]

    def near(self, plate: str, edits: int) -> dict[str, list[declaration_pb2.Declaration]]:
        """Declarations by plate, for every plate at most `edits` (0 to 2) from this normalised one."""
        trailer = plates.is_trailer(plate)
        book, neighbours = (self._trailers, self._near_trailers) if trailer else (self._vehicles, self._near_vehicles)
        return {
            found: [self._latest[position] for position in book[found]] for found in neighbours.within(plate, edits)
        }

    def count_open(self, crossing: Crossing, policy: Policy) -> int:
        """How many declarations with a plate are open to a passage."""
        return sum(
            _count(times, crossing.at_unix_ns, policy)
            for (site_id, direction), times in self._times.items()
            if crossing.meets(site_id, direction)
        )

    def _note_time(self, declaration: declaration_pb2.Declaration) -> None:
        times = self._times.setdefault((declaration.site_id, declaration.direction), _Times())
        if departure := known_time(declaration.departure_unix_ns):
            times.departures.append(departure)
        elif lodged := known_time(declaration.lodged_unix_ns):
            times.lodged.append(lodged)
        else:
            times.untimed += 1


def container_numbers(declaration: declaration_pb2.Declaration) -> set[str]:
    """Normalised numbers of the containers that it names."""
    boxes = (box.number for box in declaration.equipment)
    return {container_number(number) for number in (*declaration.containers, *boxes)} - {""}


def _count(times: _Times, at_unix_ns: int | None, policy: Policy) -> int:
    """How many of one site and direction are open at that time."""
    if at_unix_ns is None:
        return len(times.departures) + len(times.lodged) + times.untimed
    departures, lodgings = _windows(at_unix_ns, policy)
    return times.untimed + _between(times.departures, departures) + _between(times.lodged, lodgings)


def _between(ordered: list[int], ends: tuple[int, int]) -> int:
    """How many lie between the two ends, the ends included."""
    return bisect_right(ordered, ends[1]) - bisect_left(ordered, ends[0])
