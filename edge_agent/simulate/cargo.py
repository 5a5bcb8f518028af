"""What emulated vehicles carry: classes of vehicles, goods and containers. Pure."""

from __future__ import annotations

import random
from dataclasses import dataclass
from decimal import Decimal

from edge_agent.simulate.anpr import PlateColour
from edge_agent.simulate.declarations import Goods


@dataclass(frozen=True, slots=True)
class VehicleClass:
    """A kind of vehicle; tare and cargo are ranges in kilograms, drawn in steps of ten.

    Attributes:
        share: how common it is, against the shares of the others.
        with_trailer: it pulls a semi-trailer with one 40-foot container.
    """

    colour: PlateColour
    share: int
    tare_kilograms: tuple[int, int]
    cargo_kilograms: tuple[int, int]
    with_trailer: bool = False

    @property
    def laden(self) -> bool:
        """Whether it carries anything."""
        return self.cargo_kilograms[1] > 0


# Light trucks (up to 4.5 t, blue or small new-energy plates) run empty here: 5 % of what they could carry is less than
# the uncertainty of any truck scale and declared tare, so that a loaded one would rightly never be conclusive (W03).
VEHICLES = (
    VehicleClass(
        "yellow", share=5, tare_kilograms=(13_800, 15_600), cargo_kilograms=(13_000, 24_000), with_trailer=True
    ),
    VehicleClass("yellow", share=5, tare_kilograms=(11_200, 13_400), cargo_kilograms=(12_000, 17_000)),
    VehicleClass("newEnergyYellowGreen", share=4, tare_kilograms=(12_600, 14_200), cargo_kilograms=(12_000, 15_500)),
    VehicleClass("blue", share=2, tare_kilograms=(2_600, 3_400), cargo_kilograms=(0, 0)),
    VehicleClass("newEnergyGreen", share=2, tare_kilograms=(2_500, 3_300), cargo_kilograms=(0, 0)),
)
GOODS = (
    ("0810", "Fresh rambutan and longan", 12),
    ("0306", "Frozen shrimp", 20),
    ("2204", "Wine in bottles", 9),
    ("3304", "Cosmetics", 6),
    ("4001", "Natural rubber", 35),
    ("4011", "Tyres", 11),
    ("8517", "Telephones", 8),
    ("9403", "Furniture", 25),
)  # HS heading, in words, kilograms a package
BOX_TARE_KILOGRAMS = (3700, 3900)  # 40-foot dry boxes
# Letters count 10 to 38 without the multiples of 11 (ISO 6346, annex A).
LETTER_VALUES = dict(
    zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", (n for n in range(10, 39) if n % 11), strict=True),
)


@dataclass(frozen=True, slots=True)
class Load:
    """What one vehicle weighs and carries."""

    vehicle_tare_kilograms: Decimal
    box_tare_kilograms: Decimal
    persons: int
    cargo_kilograms: Decimal
    goods: tuple[Goods, ...]
    containers: tuple[str, ...]


def draw_load(kind: VehicleClass, chance: random.Random) -> Load:
    """A load for a vehicle of this class."""
    goods = _goods(_tens(kind.cargo_kilograms, chance), chance)
    return Load(
        vehicle_tare_kilograms=Decimal(_tens(kind.tare_kilograms, chance)),
        box_tare_kilograms=Decimal(_tens(BOX_TARE_KILOGRAMS, chance) if kind.with_trailer else 0),
        persons=chance.randint(1, 2),
        cargo_kilograms=sum((line.gross_kilograms for line in goods), Decimal(0)),
        goods=goods,
        containers=(container_number(f"TGLU{chance.randrange(1_000_000):06d}"),) if kind.with_trailer else (),
    )


def container_number(owner_and_serial: str) -> str:
    """Four letters and six digits with the check digit added (ISO 6346: weights 2^n, modulo 11, 10 counts as 0)."""
    total = sum(
        (int(character) if character.isdigit() else LETTER_VALUES[character]) << position
        for position, character in enumerate(owner_and_serial)
    )
    return f"{owner_and_serial}{total % 11 % 10}"


def _goods(kilograms: int, chance: random.Random) -> tuple[Goods, ...]:
    """One or two lines of goods that together weigh `kilograms`; none for an empty vehicle."""
    if not kilograms:
        return ()
    lines = chance.sample(GOODS, chance.randint(1, 2))
    first = kilograms if len(lines) == 1 else round(kilograms * chance.uniform(0.3, 0.7) / 10) * 10
    masses = (first, kilograms - first)
    return tuple(
        Goods(hs_code, description, max(1, mass // each), Decimal(mass))
        for (hs_code, description, each), mass in zip(lines, masses, strict=False)
    )


def _tens(limits: tuple[int, int], chance: random.Random) -> int:
    return chance.randrange(limits[0], limits[1] + 1, 10)
