"""One vehicle: what was said, what each device says of it, what stands in registers, and the verdict due. Pure."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from edge_agent.simulate.cargo import container_number
from edge_agent.simulate.plates import edits_apart, make_plate
from edge_agent.simulate.story.declared import Box, Cargo, Said
from gate_contract.v1.passage_pb2 import Passage

OTHER_SITE = "told-other"
"""A second terminal, where nothing needs a declaration."""

Where = Literal["scale", "axles", "empties", "road"]
"""Which kind of lane it comes to: with a truck scale, with axle pads, for empty containers, an observation point."""

GOODS = (
    ("6109", "T-shirts", 8, "textiles"),
    ("8517", "Telephones", 10, "electronics"),
    ("9403", "Furniture", 25, "furniture"),
    ("0810", "Fresh rambutan", 12, "fruit"),
)
"""HS heading, in words, kilograms a package, and the class that a scanner has for it."""

APART = 3
"""Plates of different vehicles are so many edits apart: the rule book looks no further than two."""


@dataclass(slots=True)
class Telling:
    """One vehicle; made clean, changed by an injection.

    Attributes:
        codes: of all rules that fire on the judged passage, in the end.
        action: in the end, e.g. "HOLD".
        passages: (site id, passage) in order of time; the last one is judged. A passage is what each device says: told,
            it is written as it stands; played, emulated devices send it, and the gate gives it its id.
        where: the kind of lane.
        told: why it is told; "" when it is played.
        known: declaration versions that are imported before the passages.
        later: versions that are imported after them.
        settlement: of the declaration, by the register's field.
        carrier_id: who runs the vehicle, as the register says; "" when it says nothing.
        credit_class: of the declarant; "" for good.
        ordered: a control order on the plate: "" none, "hold" one in force, "expired" one that is not any more.
        counted: packages that an officer counts at the gate, afterwards; None when nobody does.
        sailing_cancelled: its sailing does not take place.
        scan_class: what a scanner calls its goods.
        comes_now: it passes when it is told: what it was declared as was not known before.
        finding_of: "passage", or "declaration" where there is no passage.
    """

    name: str
    codes: frozenset[str]
    action: str
    said: Said
    scan_class: str
    where: Where = "scale"
    told: str = ""
    passages: list[tuple[str, Passage]] = field(default_factory=list)
    known: list[Said] = field(default_factory=list)
    later: list[Said] = field(default_factory=list)
    settlement: dict[str, str] = field(default_factory=dict)
    carrier_id: str = ""
    credit_class: str = ""
    ordered: str = ""
    counted: int | None = None
    sailing_cancelled: bool = False
    comes_now: bool = False
    finding_of: str = "passage"

    @property
    def passage(self) -> Passage:
        """The one that is judged."""
        return self.passages[-1][1]

    @property
    def waits(self) -> bool:
        """Whether it comes only when the order that is about it has expired."""
        return self.ordered == "expired"

    def at(self, site_id: str) -> list[Passage]:
        """Its passages at one site."""
        return [passage for site, passage in self.passages if site == site_id]


class Teller:
    """Makes what is said of one vehicle after another. The same seed and time tell the same."""

    def __init__(self, seed: int, now: datetime, site_id: str) -> None:
        """`now` with zone; passages are told to have been in the hour before."""
        self.chance = random.Random(seed)  # noqa: S311 - must repeat
        self.now, self.site_id = now, site_id
        self._plates: list[str] = []
        self._made = 0

    def at(self) -> datetime:
        """When the next vehicle passes: one after the other, in the hour before `now`."""
        return self.now - timedelta(minutes=55) + timedelta(seconds=10 * self._made)

    def said(self) -> tuple[Said, str]:
        """A declaration of a tractor with a semi-trailer and one container; and the scanner's word for its goods."""
        self._made += 1
        number, hour = self._made, self.now.replace(minute=0, second=0, microsecond=0)
        hs_code, description, each, scan_class = self.chance.choice(GOODS)
        packages = self.chance.randint(900, 1200) * 10 // each
        box = Box(
            container_number(f"TGLU{self.chance.randrange(1_000_000):06d}"),
            seals=(f"HN{self.chance.randrange(10**6):06d}",),
        )
        plate = self.new_plate()
        said = Said(
            declaration_id=f"T-{self.site_id}-{hour:%Y%m%d%H}-{number:03d}",
            site_id=self.site_id,
            direction="outbound",
            lodged=hour - timedelta(hours=self.chance.randint(3, 20)),
            sailing_id=f"{self.site_id}-told",
            departure=hour + timedelta(hours=5),
            vehicle_plate=plate,
            trailer_plate=f"{plate[:2]}{self.chance.randint(1000, 9999)}挂",
            vehicle_tare_kilograms=self.chance.randrange(13_800, 15_600, 20),
            boxes=(box,),
            persons=1,
            cargo=(Cargo(hs_code, description, packages, packages * each),),
            declarant_id=f"DECLARANT-{number:03d}",
        )
        return said, scan_class

    def new_plate(self) -> str:
        """Far from all others."""
        while True:
            plate = make_plate("yellow", self.chance)
            if all(edits_apart(plate, other) >= APART for other in self._plates):
                self._plates.append(plate)
                return plate
