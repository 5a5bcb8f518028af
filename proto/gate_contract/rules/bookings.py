"""Declarations as bookings: which are open to a passage, and quick ways to those with a plate like the one read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from gate_contract.rules import plates
from gate_contract.rules.readings import container_number
from gate_contract.rules.shelves import HOUR, Crossing, Entry, Opening, Shelf, entry_of
from gate_contract.v1 import declaration_pb2

__all__ = ["HOUR", "BookingIndex", "Crossing", "Opening", "container_numbers", "latest_versions"]

_Place = tuple[str, int]
"""Site and direction."""


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

    Build it once for many passages: a question then costs well under a millisecond among 1,000,000 declarations. It
    keeps the messages it is given, which must not be changed afterwards; a changed book is a new index.
    """

    def __init__(self, declarations: Iterable[declaration_pb2.Declaration]) -> None:
        """Over any versions in any order."""
        self._latest = latest_versions(declarations)
        self._vehicles: dict[str, list[int]] = {}
        self._trailers: dict[str, list[int]] = {}
        self._containers: dict[str, list[int]] = {}
        vehicles: defaultdict[_Place, list[Entry]] = defaultdict(list)
        trailers: defaultdict[_Place, list[Entry]] = defaultdict(list)
        for position, declaration in enumerate(self._latest):
            for number in container_numbers(declaration):
                self._containers.setdefault(number, []).append(position)
            vehicle = plates.normalise(declaration.vehicle_plate)
            trailer = plates.normalise(declaration.trailer_plate)
            if not (vehicle or trailer):
                continue  # it names no vehicle, so no plate can be compared with it
            place = declaration.site_id, declaration.direction
            vehicles[place].append(entry_of(declaration, position, vehicle))
            self._vehicles.setdefault(vehicle, []).append(position)
            # A trailer shipped without its tractor is declared as the vehicle.
            for plate in {trailer, vehicle if plates.is_trailer(vehicle) else ""} - {""}:
                trailers[place].append(entry_of(declaration, position, plate))
                self._trailers.setdefault(plate, []).append(position)
        self._vehicles.pop("", None)
        self._vehicle_shelves = {place: Shelf(entries) for place, entries in vehicles.items()}
        self._trailer_shelves = {place: Shelf(entries) for place, entries in trailers.items()}

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

    def near(
        self, plate: str, edits: int, opening: Opening | None = None
    ) -> dict[str, list[declaration_pb2.Declaration]]:
        """Declarations by plate, in its order, for every plate at most `edits` (0 to 2) from this normalised one.

        Only those that are open; None: all of them. What is not open costs nothing.
        """
        shelves = self._trailer_shelves if plates.is_trailer(plate) else self._vehicle_shelves
        found: dict[str, list[declaration_pb2.Declaration]] = {}
        near = [each for shelf in _meeting(shelves, opening) for each in shelf.near(plate, edits, opening)]
        for booked, position in sorted(near):
            found.setdefault(booked, []).append(self._latest[position])
        return found

    def count_open(self, opening: Opening) -> int:
        """How many declarations with a plate are open to a passage."""
        return sum(shelf.count(opening) for shelf in _meeting(self._vehicle_shelves, opening))


def _meeting(shelves: dict[_Place, Shelf], opening: Opening | None) -> Iterator[Shelf]:
    """Those of the passage's site and way."""
    return (shelf for place, shelf in shelves.items() if opening is None or opening.crossing.meets(*place))


def container_numbers(declaration: declaration_pb2.Declaration) -> set[str]:
    """Normalised numbers of the containers that it names."""
    boxes = (box.number for box in declaration.equipment)
    return {container_number(number) for number in (*declaration.containers, *boxes)} - {""}
