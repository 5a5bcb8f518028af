"""Measured against declared mass. Decimals throughout, in an arithmetic that no caller's context can change."""

from __future__ import annotations

import decimal
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from gate_contract.rules.amounts import Absent, Amount
from gate_contract.rules.facts import PassageFacts, WeighingFact
from gate_contract.rules.findings import Input
from gate_contract.rules.policy import Policy
from gate_contract.rules.text import plain, shown
from gate_contract.rules.tolerances import WeightPolicy
from gate_contract.rules.trips import Trip

ARITHMETIC: Final = decimal.Context(prec=80, rounding=decimal.ROUND_HALF_EVEN, traps=[])
"""Exact for every sum and square of the contract's numbers (30 digits at most); never raises."""

TENTH: Final = Decimal("0.1")


@dataclass(frozen=True, slots=True)
class Balance:
    """A weighing set against what a trip declares; kilograms.

    Attributes:
        difference: measured gross less everything declared; positive when too heavy.
        tolerance: what W01 allows: min(share of the declared cargo, most).
        tolerance_text: the same in words with numbers.
        uncertainty: 2u, rounded to 0.1 kg for people; the comparisons below are exact.
        within_tolerance: |difference| <= tolerance.
        within_uncertainty: |difference| <= 2u.
        coarse: 2u > tolerance, for a cargo of more than nothing: the scale and the declared masses cannot support W01.
        coarse_without_scale: the same with a perfect scale: weighing again would not help.
        inputs: everything that went into it.
    """

    measured: Decimal
    expected: Decimal
    difference: Decimal
    tolerance: Decimal
    tolerance_text: str
    uncertainty: Decimal
    within_tolerance: bool
    within_uncertainty: bool
    coarse: bool
    coarse_without_scale: bool
    inputs: tuple[Input, ...]


@dataclass(frozen=True, slots=True)
class NoBalance:
    """The weight cannot be judged, and why: each reason is a clause."""

    reasons: tuple[str, ...]
    inputs: tuple[Input, ...]


@dataclass(frozen=True, slots=True)
class Measured:
    """A usable weighing."""

    gross: Decimal
    uncertainty: Decimal
    source: str


@dataclass(frozen=True, slots=True)
class _Masses:
    """What a trip declares, kilograms."""

    vehicle_tare: Decimal
    box_tare: Decimal
    cargo: Decimal


def balance_of(passage: PassageFacts, trip: Trip, policy: Policy) -> Balance | NoBalance | None:
    """Set the passage's last usable weighing against a trip; None on a lane that has no scale."""
    if not passage.weighings and passage.why_missing("weight") is None:
        return None
    measured = measured_gross(passage)
    masses = _masses(trip)
    if isinstance(measured, Measured) and isinstance(masses, _Masses):
        with decimal.localcontext(ARITHMETIC):
            return _balance(measured, masses, trip, policy.W01)
    reasons = tuple(
        reason for part in (measured, masses) if not isinstance(part, Measured | _Masses) for reason in part
    )
    return NoBalance(reasons, (*_seen(passage), *_declared(trip)))


def measured_gross(passage: PassageFacts) -> Measured | tuple[str, ...]:
    """The last stable gross weighing, or why there is none. Late ones count: this may be a later evaluation."""
    faults: list[str] = []
    for weighing in reversed(passage.weighings):
        kilograms, uncertainty = weighing.kilograms, weighing.uncertainty_kilograms
        fault = _unusable(weighing)
        if not fault and isinstance(kilograms, Decimal):
            if isinstance(uncertainty, Absent):
                return (f"the uncertainty of {shown(weighing.device_id)} is {uncertainty.reason}",)
            return Measured(kilograms, uncertainty, weighing.source)
        faults.append(fault)
    if faults:
        return (f"there is no stable gross weight: {faults[0]}",)
    return (f"there is no weight: {shown(passage.why_missing('weight') or '') or 'no reason is given'}",)


def _unusable(weighing: WeighingFact) -> str:
    """Why a weighing is no stable gross weight; "" when it is one."""
    device = shown(weighing.device_id)
    if isinstance(weighing.kilograms, Absent):
        return f"the weight of {device} is {weighing.kilograms.reason}"
    if weighing.kilograms <= 0:
        return f"{device} shows {plain(weighing.kilograms)} kg, no weight of a vehicle"
    if weighing.kind == "net":
        return f"{device} shows a net weight, and the tare it took off is not known"
    if weighing.stability is None:
        return f"nobody says that {device} stood still"
    return ""


def _masses(trip: Trip) -> _Masses | tuple[str, ...]:
    """What the trip declares, or which parts cannot be used."""
    parts: list[tuple[str, Amount]] = [
        ("empty mass of the vehicle", trip.vehicle_tare_kilograms),
        ("empty mass of the containers", trip.box_tare_kilograms),
        ("mass of the goods", trip.cargo_kilograms),
    ]
    reasons = [f"the {what} is {value.reason}" for what, value in parts if isinstance(value, Absent)]
    usable = [value for _what, value in parts if isinstance(value, Decimal)]
    return tuple(reasons) if reasons else _Masses(*usable)


def _balance(measured: Measured, masses: _Masses, trip: Trip, policy: WeightPolicy) -> Balance:
    """The calculation, in ARITHMETIC. Squares are compared, so that no root is rounded on a boundary."""
    people = policy.person_kilograms * trip.persons
    expected = masses.vehicle_tare + masses.box_tare + people + masses.cargo
    difference = measured.gross - expected
    tolerance = min(masses.cargo * policy.share_of_declared_percent / 100, policy.most_kilograms)
    variance_without_scale = policy.tare_uncertainty_kilograms**2 + policy.fuel_uncertainty_kilograms**2
    variance = measured.uncertainty**2 + variance_without_scale
    uncertainty = (2 * variance.sqrt()).quantize(TENTH)
    return Balance(
        measured=measured.gross,
        expected=expected,
        difference=difference,
        tolerance=tolerance,
        tolerance_text=(
            f"{plain(tolerance)} kg (min({plain(policy.share_of_declared_percent)} % of {plain(masses.cargo)} kg,"
            f" {plain(policy.most_kilograms)} kg))"
        ),
        uncertainty=uncertainty,
        within_tolerance=abs(difference) <= tolerance,
        within_uncertainty=difference**2 <= 4 * variance,
        coarse=masses.cargo > 0 and 4 * variance > tolerance**2,
        coarse_without_scale=masses.cargo > 0 and 4 * variance_without_scale > tolerance**2,
        inputs=(
            Input("gross_kilograms", plain(measured.gross), measured.source),
            *_declared(trip),
            Input("person_kilograms", plain(policy.person_kilograms), "policy W01.person_kilograms"),
            Input("expected_kilograms", plain(expected), "vehicle tare + box tare + persons x person + cargo"),
            Input("difference_kilograms", plain(difference), "gross - expected"),
            Input("scale_uncertainty_kilograms", plain(measured.uncertainty), f"{measured.source}, k = 1"),
            Input(
                "tare_uncertainty_kilograms",
                plain(policy.tare_uncertainty_kilograms),
                "policy W01.tare_uncertainty_kilograms, k = 1",
            ),
            Input(
                "fuel_uncertainty_kilograms",
                plain(policy.fuel_uncertainty_kilograms),
                "policy W01.fuel_uncertainty_kilograms, k = 1",
            ),
            Input("expanded_uncertainty_kilograms", plain(uncertainty), "2u, u2 = scale2 + tare2 + fuel2"),
        ),
    )


def _declared(trip: Trip) -> tuple[Input, ...]:
    """What the trip says of its masses."""
    return (
        Input("vehicle_tare_kilograms", _value(trip.vehicle_tare_kilograms), trip.source),
        Input("box_tare_kilograms", _value(trip.box_tare_kilograms), trip.source),
        Input("persons", str(trip.persons), trip.persons_source),
        Input("cargo_kilograms", _value(trip.cargo_kilograms), trip.source),
    )


def _seen(passage: PassageFacts) -> tuple[Input, ...]:
    """What the scales said, for a finding that the weight cannot be judged."""
    weighings = tuple(
        Input("weight_kilograms", _value(weighing.kilograms), weighing.source) for weighing in passage.weighings[-5:]
    )
    return weighings or (Input("weight_kilograms", "missing", shown(passage.why_missing("weight") or "")),)


def _value(value: Amount) -> str:
    """An amount as text; what is absent says so."""
    return plain(value) if isinstance(value, Decimal) else value.reason
