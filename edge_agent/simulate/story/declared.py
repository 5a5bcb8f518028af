"""What was said beforehand of one told vehicle. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

KILOGRAMS_PER_PERSON = 75  # as the rule book reckons persons, W01


@dataclass(frozen=True, slots=True)
class Box:
    """One container; masses in kilograms."""

    number: str
    size_type: str = "22G1"
    fullness: Literal["loaded", "empty"] = "loaded"
    seals: tuple[str, ...] = ()
    tare_kilograms: int = 2200
    verified_gross_kilograms: int | None = None


@dataclass(frozen=True, slots=True)
class Cargo:
    """One line of goods."""

    hs_code: str
    description: str
    packages: int
    kilograms: int


@dataclass(frozen=True, slots=True)
class Said:
    """One version of one declaration; masses in kilograms, `value_yuan` as declared for customs."""

    declaration_id: str
    site_id: str
    direction: Literal["inbound", "outbound"]
    lodged: datetime
    sailing_id: str
    departure: datetime
    vehicle_plate: str
    trailer_plate: str
    vehicle_tare_kilograms: int
    boxes: tuple[Box, ...]
    persons: int
    cargo: tuple[Cargo, ...]
    declarant_id: str
    carrier_id: str = ""
    value_yuan: int | None = None
    verified_gross_kilograms: int | None = None

    @property
    def cargo_kilograms(self) -> int:
        """Mass of the goods."""
        return sum(line.kilograms for line in self.cargo)

    @property
    def gross_kilograms(self) -> int:
        """What the vehicle weighs if all of this is so."""
        boxes = sum(box.tare_kilograms for box in self.boxes)
        return self.vehicle_tare_kilograms + boxes + KILOGRAMS_PER_PERSON * self.persons + self.cargo_kilograms
