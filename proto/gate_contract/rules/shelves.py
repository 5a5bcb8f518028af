"""Bookings of one site and way in order of time: how many are open, and which of those have a plate like one read."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, combinations
from typing import Final

from rapidfuzz import process
from rapidfuzz.distance import Levenshtein

from gate_contract.rules import plates
from gate_contract.rules.amounts import known_time
from gate_contract.rules.policy import Policy
from gate_contract.v1 import declaration_pb2

HOUR: Final = 3_600_000_000_000
"""Nanoseconds."""

MOST_EDITS: Final = 2
"""Neighbours further away are never looked for."""

SCAN_UP_TO: Final = 1_000
"""Open bookings up to which comparing with each is quicker than building and using the neighbourhood table."""

Between = tuple[int, int]
"""First and last moment, nanoseconds since 1970-01-01T00:00:00Z; both belong to it."""


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


@dataclass(frozen=True, slots=True)
class Opening:
    """Which bookings a passage may be matched with.

    Attributes:
        departures: of bookings that are open; None: of every time.
        lodgings: of bookings without a departure that are open; None with `departures`.
    """

    crossing: Crossing
    departures: Between | None
    lodgings: Between | None

    @classmethod
    def of(cls, crossing: Crossing, policy: Policy) -> Opening:
        """Same site and direction where both say one, and not for another day (policy `booking`)."""
        at, booking = crossing.at_unix_ns, policy.booking
        if at is None:
            return cls(crossing, None, None)
        around = booking.departure_window_hours * HOUR
        lodgings = at - booking.lodged_before_hours * HOUR, at + booking.lodged_after_hours * HOUR
        return cls(crossing, (at - around, at + around), lodgings)

    def admits(self, declaration: declaration_pb2.Declaration) -> bool:
        """Whether a declaration is a booking that the passage may be matched with."""
        if not self.crossing.meets(declaration.site_id, declaration.direction):
            return False
        if self.departures is None or self.lodgings is None:
            return True
        if departure := known_time(declaration.departure_unix_ns):
            return self.departures[0] <= departure <= self.departures[1]
        lodged = known_time(declaration.lodged_unix_ns)
        return lodged is None or self.lodgings[0] <= lodged <= self.lodgings[1]


Entry = tuple[int, int, int, str]
"""What is known of its time (0: a departure, 1: only a lodging, 2: neither), that time, its position, its plate."""


def entry_of(declaration: declaration_pb2.Declaration, position: int, plate: str) -> Entry:
    """A declaration as a shelf takes it."""
    if departure := known_time(declaration.departure_unix_ns):
        return 0, departure, position, plate
    if lodged := known_time(declaration.lodged_unix_ns):
        return 1, lodged, position, plate
    return 2, 0, position, plate


class Shelf:
    """Bookings of one site and way.

    Two texts are within k edits only if deleting at most k characters from each can make them equal (Mor and Fraenkel,
    1982). The table holds a hash of every text that up to two deletions leave of a plate, 29 of 8 bytes each for a
    plate of 7, with the booking's rank in time: of the bookings that share a remainder those that are open stand side
    by side, and no other is read. It is made at the first question that needs it; what it finds is verified by
    comparing.
    """

    def __init__(self, entries: Iterable[Entry]) -> None:
        """Over normalised plates; those too long for a plate, and "", count and have no neighbours."""
        ordered = sorted(entries)
        kinds = [kind for kind, _time, _position, _plate in ordered]
        self._lodged, self._untimed = bisect_left(kinds, 1), bisect_left(kinds, 2)
        self._times = array("q", [time for _kind, time, _position, _plate in ordered])
        self._positions = array("L", [position for _kind, _time, position, _plate in ordered])
        self._plates = [plate for _kind, _time, _position, plate in ordered]
        self._table: list[array[int]] = []

    def count(self, opening: Opening) -> int:
        """How many are open, given that site and way are right."""
        return sum(map(len, self._open(opening)))

    def near(self, text: str, edits: int, opening: Opening | None) -> list[tuple[str, int]]:
        """Plate and position of each that is open (None: of all) and at most `edits` (0 to 2) from `text`."""
        if not _is_short(text):
            return []
        spans = [range(len(self._plates))] if opening is None else self._open(opening)
        few = sum(map(len, spans)) <= SCAN_UP_TO
        ranks = list(chain.from_iterable(spans)) if few else list(self._sharing_a_remainder(text, edits, spans))
        found = process.extract(
            text,
            [self._plates[rank] for rank in ranks],
            scorer=Levenshtein.distance,
            score_cutoff=edits,
            limit=None,
        )
        return [(plate, self._positions[ranks[at]]) for plate, _distance, at in found if _is_short(plate)]

    def _open(self, opening: Opening) -> list[range]:
        """Ranks of those that are open; none of the ranges is empty."""
        times, lodged, untimed, end = self._times, self._lodged, self._untimed, len(self._plates)
        if opening.departures is None or opening.lodgings is None:
            spans = [range(end)]
        else:
            first, last = opening.departures
            earliest, latest = opening.lodgings
            spans = [
                range(bisect_left(times, first, 0, lodged), bisect_right(times, last, 0, lodged)),
                range(bisect_left(times, earliest, lodged, untimed), bisect_right(times, latest, lodged, untimed)),
                range(untimed, end),
            ]
        return [each for each in spans if each]

    def _sharing_a_remainder(self, text: str, edits: int, spans: Sequence[range]) -> set[int]:
        """Ranks within the spans with a remainder in common with what so many deletions leave of `text`."""
        if not self._table:
            self._table = _remainder_table(self._plates)
        ranks: set[int] = set()
        for remainder in _remainders(text, edits):
            bucket, here = self._table[remainder >> 24], remainder << 32
            for span in spans:
                start = bisect_left(bucket, here | span.start)
                stop = bisect_left(bucket, here | span.stop, start)
                ranks.update(entry & 0xFFFFFFFF for entry in bucket[start:stop])
        return ranks


def _is_short(text: str) -> bool:
    return 0 < len(text) <= plates.LONGEST + MOST_EDITS


def _remainders(text: str, edits: int = MOST_EDITS) -> Iterator[int]:
    """32-bit hashes of what up to so many deletions leave of a text, once each."""
    lengths = range(max(len(text) - edits, 0), len(text) + 1)
    return iter({hash(left) & 0xFFFFFFFF for left in chain.from_iterable(combinations(text, size) for size in lengths)})


def _remainder_table(texts: Sequence[str]) -> list[array[int]]:
    """Entries `hash << 32 | rank`, sorted, in 256 parts by the first byte: small parts sort in little memory."""
    parts = [array("Q") for _ in range(256)]
    for rank, text in enumerate(texts):
        if _is_short(text):
            for remainder in _remainders(text):
                parts[remainder >> 24].append(remainder << 32 | rank)
    return [array("Q", sorted(part)) for part in parts]
