"""C05, C06: a container that is declared empty or loaded and found otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import Literal

from gate_contract.rules.amounts import Absent
from gate_contract.rules.case import Case
from gate_contract.rules.findings import HOLD, INSPECT, Fired, Input
from gate_contract.rules.scan_rules import classes_of
from gate_contract.rules.text import listed, plain, shown
from gate_contract.rules.trips import Trip
from gate_contract.rules.weights import ARITHMETIC, TENTH, Measured, measured_gross
from gate_contract.v1 import passage_pb2


@dataclass(frozen=True, slots=True)
class Witness:
    """One of three that say whether there is something in the container."""

    name: Literal["ultrasound", "X-ray", "weight"]
    loaded: bool
    input: Input


def declared_empty_found_loaded(case: Case) -> Iterator[Fired]:
    """C05: one of ultrasound, X-ray and weight says that there is something in it: inspect; two of them: hold."""
    trip = _all_declared(case, "empty")
    loaded = [each for each in _witnesses(case, trip) if each.loaded] if trip else []
    if not (trip and loaded):
        return
    yield Fired(
        severity=4,
        action=HOLD if len(loaded) > 1 else INSPECT,
        explanation=f"{_boxes(trip)} declared empty ({trip.source}), but loaded by {_by(loaded)}.",
        inputs=tuple(each.input for each in _witnesses(case, trip)),
        tolerance=_tolerance(case, "none says loaded"),
    )


def declared_loaded_found_empty(case: Case) -> Iterator[Fired]:
    """C06: at least one of ultrasound, X-ray and weight says that it is empty, and none that it is not."""
    trip = _all_declared(case, "loaded")
    witnesses = _witnesses(case, trip) if trip else []
    if not (trip and witnesses) or any(each.loaded for each in witnesses):
        return
    yield Fired(
        severity=3,
        action=INSPECT,
        explanation=f"{_boxes(trip)} declared loaded ({trip.source}), but empty by {_by(witnesses)}.",
        inputs=tuple(each.input for each in witnesses),
        tolerance=_tolerance(case, "one says loaded, or nothing says empty"),
    )


def _all_declared(case: Case, fullness: Literal["empty", "loaded"]) -> Trip | None:
    """The trip, when all of its containers are declared so: a scale cannot tell which of two is the full one."""
    trip = case.booked
    alike = trip is not None and {box.fullness for box in trip.boxes} == {fullness}
    return trip if alike else None


def _witnesses(case: Case, trip: Trip) -> list[Witness]:
    return [*_ultrasound(case), *_xray(case), *_weight(case, trip)]


def _ultrasound(case: Case) -> Iterator[Witness]:
    """A distance sensor looks into the container on a lane for empty ones; on others it sees the vehicle."""
    distances = case.passage.seen.distances
    if case.passage.lane_kind != passage_pb2.LANE_KIND_EMPTY_CONTAINER or not distances:
        return
    loaded = any(each.occupied for each in distances)
    word = "something is in it" if loaded else "nothing is in it"
    yield Witness("ultrasound", loaded, Input("ultrasound", word, shown(distances[-1].device_id)))


def _xray(case: Case) -> Iterator[Witness]:
    """The scanner's classes: one with a chapter of goods says loaded, the class of nothing says empty."""
    found = classes_of(case)
    goods = [name for name, chapters in found.known.items() if chapters]
    if found.known:
        source = case.passage.seen.scans[-1].source
        yield Witness(
            "X-ray", bool(goods), Input("scan_classes", listed([shown(each) for each in found.known]), source)
        )


def _weight(case: Case, trip: Trip) -> Iterator[Witness]:
    """What is weighed above all tares: more than 3 standard uncertainties is a load, less than that is none.

    Where the declared goods are themselves too light to be told from nothing, the weight says nothing of emptiness.
    """
    measured = measured_gross(case.passage)
    tare, box = trip.vehicle_tare_kilograms, trip.box_tare_kilograms
    if not isinstance(measured, Measured) or isinstance(tare, Absent) or isinstance(box, Absent):
        return
    policy, times = case.policy.W01, case.policy.C05.times_uncertainty
    with localcontext(ARITHMETIC):
        above = measured.gross - tare - box - policy.person_kilograms * trip.persons
        fixed = policy.tare_uncertainty_kilograms**2 + policy.fuel_uncertainty_kilograms**2
        square = times**2 * (measured.uncertainty**2 + fixed)
        bound, cargo = square.sqrt().quantize(TENTH), trip.cargo_kilograms
        loaded = above > 0 and above**2 > square
        tellable = isinstance(cargo, Decimal) and cargo > 2 * bound
    value = f"{plain(above)} kg above the tares, {times}u = {plain(bound)} kg"
    if loaded:
        yield Witness("weight", True, Input("weight", value, measured.source))
    elif tellable:
        yield Witness("weight", False, Input("weight", value, measured.source))


def _boxes(trip: Trip) -> str:
    numbers = [shown(box.number) for box in trip.boxes]
    return f"Container {numbers[0]} is" if len(numbers) == 1 else f"Containers {listed(numbers)} are"


def _by(witnesses: list[Witness]) -> str:
    return listed([each.name for each in witnesses])


def _tolerance(case: Case, words: str) -> str:
    times = case.policy.C05.times_uncertainty
    return f"of ultrasound, X-ray and weight (tare + {times}u, policy C05.times_uncertainty) {words}"
