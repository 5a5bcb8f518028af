"""Trips: the declarations that speak of one vehicle going one way once."""

from __future__ import annotations

import decimal
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from gate_contract.rules.amounts import Absent, Amount
from gate_contract.rules.boxes import DeclaredBox
from gate_contract.rules.facts import Declared
from gate_contract.rules.text import listed, plain
from gate_contract.v1 import declaration_pb2


@dataclass(frozen=True, slots=True)
class Trip:
    """Declarations of one plate on one sailing: goods of several consignees may share a truck.

    What they say of the vehicle must agree; what they say of their goods adds up.
    """

    plate: str
    declarations: tuple[Declared, ...]

    @property
    def name(self) -> str:
        """E.g. `D-17 version 2`."""
        return listed([declared.name for declared in self.declarations])

    @property
    def source(self) -> str:
        """E.g. `declaration D-17 version 2`."""
        return f"declaration{'s' if len(self.declarations) > 1 else ''} {self.name}"

    @property
    def departure_unix_ns(self) -> int | None:
        """The earliest departure declared; None when none is."""
        return min((each.departure_unix_ns for each in self.declarations if each.departure_unix_ns), default=None)

    @property
    def vehicle_tare_kilograms(self) -> Amount:
        """Empty mass of vehicle and trailer."""
        return _agreed([each.vehicle_tare_kilograms for each in self.declarations])

    @property
    def box_tare_kilograms(self) -> Amount:
        """Empty mass of the containers."""
        return _agreed([each.box_tare_kilograms for each in self.declarations])

    @property
    def cargo_kilograms(self) -> Amount:
        """Mass of all goods; Absent as soon as one declaration does not say its own."""
        total = Decimal(0)
        for declared in self.declarations:
            if isinstance(declared.cargo_kilograms, Absent):
                return declared.cargo_kilograms
            total = decimal.Context(prec=80, traps=[]).add(total, declared.cargo_kilograms)
        return total

    @property
    def persons(self) -> int:
        """Persons on board: the most that any of its declarations says, and never less than the driver."""
        return max((each.persons for each in self.declarations if each.persons), default=1)

    @property
    def boxes(self) -> tuple[DeclaredBox, ...]:
        """Its containers, once each: what is said of a container first counts."""
        found: dict[str, DeclaredBox] = {}
        for box in sorted(
            (box for each in self.declarations for box in each.boxes), key=lambda box: box == DeclaredBox(box.number)
        ):
            found.setdefault(box.number, box)
        return tuple(found.values())

    @property
    def verified_gross_kilograms(self) -> Amount:
        """Gross mass of vehicle, containers and goods that was verified."""
        return _agreed([each.verified_gross_kilograms for each in self.declarations])

    @property
    def persons_source(self) -> str:
        """Where the number of persons is from."""
        if any(each.persons for each in self.declarations):
            return self.source
        return f"not declared by {self.name}: the driver is counted"


def _agreed(amounts: Sequence[Amount]) -> Amount:
    """The one value that all who give one give; Absent when nobody does or two differ."""
    given = {amount for amount in amounts if isinstance(amount, Decimal)}
    malformed = [amount for amount in amounts if isinstance(amount, Absent)]
    if len(given) == 1:
        return given.pop()
    if given:
        return Absent(f"given differently: {listed([f'{plain(amount)} kg' for amount in sorted(given)])}")
    return malformed[0]


def trips_of(plate: str, declarations: Iterable[declaration_pb2.Declaration]) -> list[Trip]:
    """Put declarations of one plate together by sailing, or by departure where no sailing is named.

    A declaration with neither is a trip of its own: nothing says that it belongs with another.
    """
    together: dict[tuple[str, str | int], list[Declared]] = {}
    for declared in sorted(map(Declared.of, declarations), key=lambda each: each.declaration_id):
        key: tuple[str, str | int] = ("declaration", declared.declaration_id)
        if declared.sailing_id:
            key = ("sailing", declared.sailing_id)
        elif declared.departure_unix_ns is not None:
            key = ("departure", declared.departure_unix_ns)
        together.setdefault(key, []).append(declared)
    return [Trip(plate, tuple(each)) for each in together.values()]
