"""From a scenario to a plan: each vehicle with its true mass, what the camera reads, its declaration, its verdict due.

Pure: the same scenario and start give the same plan. The verdicts come from the rule book's text, not from its code.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

from edge_agent.errors import ConfigError
from edge_agent.simulate import plates
from edge_agent.simulate.anpr import PlateColour
from edge_agent.simulate.cargo import VEHICLES, Load, VehicleClass, draw_load
from edge_agent.simulate.declarations import Declaration
from edge_agent.simulate.frames import rounded
from edge_agent.simulate.scenario import Injection, Lane, Scenario, Timing

Action = Literal["RELEASE", "REVIEW", "INSPECT", "HOLD"]

# Vehicles of different bookings stay this many edits apart, so that no reading can be taken for another's booking: the
# rule book looks no further than two.
EDITS_BETWEEN_VEHICLES = 3
MOST_DRAWS = 20_000
# Of a division: how far a true mass may lie from a whole division, so that a trembling platform shows one figure.
OFF_WHOLE_DIVISION = Decimal("0.2")
# How far an honest truck is from its declaration (fuel, a spare wheel, a wet load), and how far a cheating one. The
# rule book tolerates at most 1,000 kg, and never more than 5 % of the cargo.
HONEST_KILOGRAMS = 40
OVERWEIGHT_KILOGRAMS = (2500, 4000)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be decided of a vehicle: the action, and the codes of all rules that fire."""

    action: Action
    codes: frozenset[str]

    def __str__(self) -> str:
        """For example "HOLD D02"."""
        return " ".join([self.action, *sorted(self.codes)])


@dataclass(frozen=True, slots=True)
class Truth:
    """The verdict due when the vehicle passes, and the one that stands in the end."""

    at_passage: Verdict
    finally_: Verdict


def _always(action: Action, *codes: str) -> Truth:
    verdict = Verdict(action, frozenset(codes))
    return Truth(verdict, verdict)


TRUTHS: dict[Injection, Truth] = {
    "clean": _always("RELEASE"),
    "ocr-confusable": _always("RELEASE", "V01"),
    "wrong-plate": _always("HOLD", "V01"),
    "overweight": _always("INSPECT", "W01"),
    "undeclared": _always("HOLD", "D02"),
    "late-declaration": Truth(
        Verdict("HOLD", frozenset({"D02"})),
        Verdict("REVIEW", frozenset({"K02"})),  # superseded once the declaration is known
    ),
}


@dataclass(frozen=True, slots=True)
class VehiclePlan:
    """One vehicle on its way through a lane.

    Attributes:
        number: from 1, through all lanes.
        plate: what is on the vehicle.
        read_as: what the camera makes of it.
        confidence: the camera's, 0 to 100.
        gross_kilograms: its true mass.
        declaration: None when there is none; with the injection late-declaration it is imported after the passage.
        plate_after_s: when the camera sees it, seconds after its first axle is on the platform; may be negative.
        times: how often the camera reports it.
    """

    number: int
    site_id: str
    lane_id: str
    injection: Injection
    plate: str
    read_as: str
    colour: PlateColour
    confidence: int
    gross_kilograms: Decimal
    declaration: Declaration | None
    plate_after_s: float
    times: int

    @property
    def truth(self) -> Truth:
        """The verdicts due."""
        return TRUTHS[self.injection]

    @property
    def declared_late(self) -> bool:
        """Whether its declaration becomes known only after it has passed."""
        return self.injection == "late-declaration"


@dataclass(frozen=True, slots=True)
class LanePlan:
    """One lane's traffic, in order."""

    lane: Lane
    timing: Timing
    vehicles: tuple[VehiclePlan, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that is going to happen."""

    lanes: tuple[LanePlan, ...]

    @property
    def vehicles(self) -> tuple[VehiclePlan, ...]:
        """All vehicles, by number."""
        return tuple(vehicle for lane in self.lanes for vehicle in lane.vehicles)

    @property
    def declarations(self) -> tuple[Declaration, ...]:
        """What is known before the first vehicle comes."""
        return tuple(v.declaration for v in self.vehicles if v.declaration and not v.declared_late)

    @property
    def late_declarations(self) -> tuple[Declaration, ...]:
        """What becomes known only after its vehicle has passed."""
        return tuple(v.declaration for v in self.vehicles if v.declaration and v.declared_late)


def build_plan(scenario: Scenario, now: datetime) -> Plan:
    """The plan for traffic from `now` (with zone) on: lodged in the hours before it, to sail in the hours after.

    Only the full hour of `now` matters.
    """
    maker = _Maker(random.Random(scenario.seed), now.replace(minute=0, second=0, microsecond=0))  # noqa: S311 - must repeat
    return Plan(tuple(LanePlan(lane, scenario.timing, maker.vehicles(lane, scenario.timing)) for lane in scenario.lane))


def _can_show(injection: Injection, kind: VehicleClass) -> bool:
    """Whether this class of vehicle can have this wrong with it.

    An overweight hides in a cargo. A plate two characters off is taken for a booking only when the measured mass fits
    that booking within the tolerance, which an empty vehicle does not have. And large new-energy plates have letters
    and digits in fixed places, so that no lookalike is a valid plate.
    """
    if injection in {"overweight", "wrong-plate"}:
        return kind.laden
    return injection != "ocr-confusable" or kind.colour != "newEnergyYellowGreen"


class _Maker:
    """Draws vehicle after vehicle; remembers their plates, which must not come near each other."""

    def __init__(self, chance: random.Random, hour: datetime) -> None:
        self._chance, self._hour = chance, hour
        self._plates: list[str] = []
        self._made = 0

    def vehicles(self, lane: Lane, timing: Timing) -> tuple[VehiclePlan, ...]:
        injections = lane.labels()
        self._chance.shuffle(injections)
        repeated = set(self._chance.sample(range(lane.vehicles), lane.repeats))
        return tuple(
            self._vehicle(lane, timing, injection, times=2 if position in repeated else 1)
            for position, injection in enumerate(injections)
        )

    def _vehicle(self, lane: Lane, timing: Timing, injection: Injection, times: int) -> VehiclePlan:
        self._made += 1
        kinds = [kind for kind in VEHICLES if _can_show(injection, kind)]
        kind = self._chance.choices(kinds, [kind.share for kind in kinds])[0]
        booked, plate, read_as = self._plates_for(injection, kind.colour)
        load = draw_load(kind, self._chance)
        declaration = self._declaration(lane, kind, booked, load)
        return VehiclePlan(
            number=self._made,
            site_id=lane.site_id,
            lane_id=lane.lane_id,
            injection=injection,
            plate=plate,
            read_as=read_as,
            colour=kind.colour,
            confidence=self._chance.randint(*((76, 86) if injection == "ocr-confusable" else (93, 99))),
            gross_kilograms=self._true_mass(declaration.gross_kilograms, injection, lane.division_kilograms),
            declaration=None if injection == "undeclared" else declaration,
            plate_after_s=round(self._chance.uniform(timing.plate_earliest_s, timing.plate_latest_s), 3),
            times=times,
        )

    def _plates_for(self, injection: Injection, colour: PlateColour) -> tuple[str, str, str]:
        """Booked plate, plate on the vehicle, plate as read; far from those of all other vehicles."""
        for _ in range(MOST_DRAWS):
            booked = plate = read_as = plates.make_plate(colour, self._chance)
            if injection == "wrong-plate":
                plate = read_as = plates.other_plate_than(booked, colour, self._chance)
            elif injection == "ocr-confusable":
                read_as = plates.lookalike_of(booked, colour, self._chance) or ""
            new = {booked, plate, read_as}
            if read_as and all(plates.fewest_edits(one, self._plates) >= EDITS_BETWEEN_VEHICLES for one in new):
                self._plates += new
                return booked, plate, read_as
        raise ConfigError(
            f"No plate was found for vehicle {self._made}",
            cause=f"there are too many to keep all plates {EDITS_BETWEEN_VEHICLES} edits apart",
            fix="Plan fewer vehicles in one scenario",
        )

    def _declaration(self, lane: Lane, kind: VehicleClass, booked: str, load: Load) -> Declaration:
        departure = self._hour + timedelta(hours=self._chance.choice((4, 6)))
        return Declaration(
            declaration_id=f"D-{lane.site_id}-{self._hour:%Y%m%d}-{self._made:03d}",
            lodged=self._hour - timedelta(minutes=self._chance.randint(120, 1800)),
            site_id=lane.site_id,
            direction=lane.direction,
            sailing_id=f"{lane.site_id}-{departure:%Y%m%d-%H%M}",
            departure=departure,
            vehicle_plate=booked,
            trailer_plate=f"{booked[:2]}{self._chance.randint(1000, 9999)}挂" if kind.with_trailer else "",
            vehicle_tare_kilograms=load.vehicle_tare_kilograms,
            box_tare_kilograms=load.box_tare_kilograms,
            persons=load.persons,
            cargo_kilograms=load.cargo_kilograms,
            goods=load.goods,
            containers=load.containers,
            declarant_id=f"DECLARANT-{self._chance.randint(1, 9):02d}",
        )

    def _true_mass(self, declared: Decimal, injection: Injection, division: Decimal) -> Decimal:
        beyond = self._chance.randint(-HONEST_KILOGRAMS, HONEST_KILOGRAMS)
        if injection == "overweight":
            beyond = self._chance.randint(*OVERWEIGHT_KILOGRAMS)
        off = Decimal(self._chance.randint(-100, 100)) / 100 * OFF_WHOLE_DIVISION * division
        return rounded(declared + beyond, division) + off
