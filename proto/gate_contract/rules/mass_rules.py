"""W02, W04, W05: legal limit, axles, verified gross mass."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, localcontext

from gate_contract.rules.amounts import Absent
from gate_contract.rules.case import Case
from gate_contract.rules.findings import HOLD, REVIEW, Fired, Input
from gate_contract.rules.readings import AxlesFact
from gate_contract.rules.text import plain, shown
from gate_contract.rules.trips import Trip
from gate_contract.rules.weights import ARITHMETIC, TENTH, Measured, measured_gross

FEWEST_AXLES = 2
MOST_AXLES = 6
"""Vehicles with more axles have the limit of those with six."""


@dataclass(frozen=True, slots=True)
class Axles:
    """Axles of one vehicle that can be calculated with, kilograms. `uncertainty` is k = 1, of the sum."""

    count: int
    total: Decimal
    uncertainty: Decimal | None
    told: Decimal | None
    source: str


def axles_of(case: Case) -> Axles | None:
    """The last that was weighed with at least two axles, all of them numbers above nothing."""
    for fact in reversed(case.passage.seen.axles):
        weights = [each for each in fact.axles if isinstance(each, Decimal) and each > 0]
        if len(weights) == len(fact.axles) >= FEWEST_AXLES:
            with localcontext(ARITHMETIC):
                return Axles(len(weights), sum(weights, Decimal(0)), *_numbers(fact), shown(fact.device_id))
    return None


def _numbers(fact: AxlesFact) -> tuple[Decimal | None, Decimal | None]:
    return (
        fact.uncertainty if isinstance(fact.uncertainty, Decimal) else None,
        fact.total if isinstance(fact.total, Decimal) else None,
    )


def over_legal_limit(case: Case) -> Iterator[Fired]:
    """W02: heavier than any vehicle with so many axles may be, even if the scale shows 2u too much.

    The whole vehicle's scale counts before the sum of axles; without an uncertainty nothing can be subtracted.
    """
    axles = axles_of(case)
    gross = _gross(case, axles)
    if axles is None or gross is None:
        return
    limit = _limit(case, axles.count)
    with localcontext(ARITHMETIC):
        sure = gross.gross - 2 * gross.uncertainty
        over = sure - limit
    if over <= 0:
        return
    yield Fired(
        severity=4,
        action=HOLD,
        explanation=(
            f"{plain(gross.gross)} kg on {axles.count} axles: the legal limit is {plain(limit)} kg, and the scale's own"
            f" error (2u = {plain(2 * gross.uncertainty)} kg) explains all but {plain(over)} kg."
        ),
        inputs=(
            Input("gross_kilograms", plain(gross.gross), gross.source),
            Input("scale_uncertainty_kilograms", plain(gross.uncertainty), f"{gross.source}, k = 1"),
            Input("axles", str(axles.count), axles.source),
            Input("limit_kilograms", plain(limit), "policy W02, GB 1589-2016 table 3"),
        ),
        tolerance=f"gross - 2u <= {plain(limit)} kg",
    )


def _gross(case: Case, axles: Axles | None) -> Measured | None:
    measured = measured_gross(case.passage)
    if isinstance(measured, Measured):
        return measured
    if axles is None or axles.uncertainty is None:
        return None
    return Measured(axles.total, axles.uncertainty, f"{axles.source}, sum of axles")


def _limit(case: Case, axles: int) -> Decimal:
    policy = case.policy.W02
    limits = (
        policy.two_axles_kilograms,
        policy.three_axles_kilograms,
        policy.four_axles_kilograms,
        policy.five_axles_kilograms,
        policy.six_axles_kilograms,
    )
    return limits[min(axles, MOST_AXLES) - FEWEST_AXLES]


def axles_and_total_disagree(case: Case) -> Iterator[Fired]:
    """W04: the axles' sum is not the whole vehicle's weight, or not the sum that their weigher tells, beyond 2u."""
    axles = axles_of(case)
    if axles is None or axles.uncertainty is None:
        return
    measured = measured_gross(case.passage)
    whole = measured if isinstance(measured, Measured) else None
    totals = [whole] if whole else []
    if axles.told is not None:
        totals.append(Measured(axles.told, Decimal(0), f"{axles.source}, as told"))
    for total in totals:
        with localcontext(ARITHMETIC):
            difference = axles.total - total.gross
            variance = axles.uncertainty**2 + total.uncertainty**2
            bound = (2 * variance.sqrt()).quantize(TENTH)
            beyond = difference**2 > 4 * variance
        if beyond:
            yield Fired(
                severity=1,
                action=REVIEW,
                explanation=(
                    f"The {axles.count} axles weigh {plain(axles.total)} kg, {total.source} says {plain(total.gross)}"
                    f" kg: more than their errors together (2u = {plain(bound)} kg) apart."
                ),
                inputs=(
                    Input("axles_kilograms", plain(axles.total), axles.source),
                    Input("axles_uncertainty_kilograms", plain(axles.uncertainty), f"{axles.source}, k = 1"),
                    Input("total_kilograms", plain(total.gross), total.source),
                    Input("total_uncertainty_kilograms", plain(total.uncertainty), f"{total.source}, k = 1"),
                ),
                tolerance=f"|difference| <= 2u = {plain(bound)} kg",
            )
            return


@dataclass(frozen=True, slots=True)
class _Verified:
    """A verified mass and what was measured of the same; `variance` of the difference."""

    verified: Decimal
    measured: Decimal
    variance: Decimal
    what: str


def verified_mass_wrong(case: Case) -> Iterator[Fired]:
    """W05: measured and verified gross mass differ beyond the tolerance and beyond 2u."""
    trip, measured = case.booked, measured_gross(case.passage)
    if trip is None or not isinstance(measured, Measured):
        return
    policy = case.policy.W05
    with localcontext(ARITHMETIC):
        for each in _verified(case, trip, measured):
            difference = each.measured - each.verified
            allowed = min(each.verified * policy.share_of_verified_percent / 100, policy.most_kilograms)
            bound = (2 * each.variance.sqrt()).quantize(TENTH)
            if abs(difference) > allowed and difference**2 > 4 * each.variance:
                yield _wrong(each, difference, allowed, bound, measured, trip)
                return


def _verified(case: Case, trip: Trip, measured: Measured) -> Iterator[_Verified]:
    """Of the vehicle as a whole, and of its containers together, where each has one."""
    policy = case.policy.W01
    persons = policy.person_kilograms * trip.persons
    fuel, tare_u = policy.fuel_uncertainty_kilograms**2, policy.tare_uncertainty_kilograms**2
    whole, tare = trip.verified_gross_kilograms, trip.vehicle_tare_kilograms
    if isinstance(whole, Decimal) and whole > 0:
        yield _Verified(whole, measured.gross - persons, measured.uncertainty**2 + fuel, "vehicle")
    boxes = [box.verified_gross_kilograms for box in trip.boxes]
    masses = [each for each in boxes if isinstance(each, Decimal)]
    if isinstance(tare, Absent) or not masses or len(masses) < len(boxes):
        return
    variance = measured.uncertainty**2 + fuel + tare_u
    what = "container" if len(masses) == 1 else "containers together"
    yield _Verified(sum(masses, Decimal(0)), measured.gross - persons - tare, variance, what)


def _wrong(
    each: _Verified, difference: Decimal, allowed: Decimal, bound: Decimal, measured: Measured, trip: Trip
) -> Fired:
    return Fired(
        severity=3,
        action=HOLD,
        explanation=(
            f"Verified gross mass of the {each.what}: {plain(each.verified)} kg ({trip.source}), measured"
            f" {plain(each.measured)} kg: {plain(difference.copy_abs())} kg apart, beyond {plain(allowed)} kg and"
            f" beyond 2u = {plain(bound)} kg."
        ),
        inputs=(
            Input("verified_gross_kilograms", plain(each.verified), trip.source),
            Input("measured_kilograms", plain(each.measured), f"{measured.source}, less persons and vehicle"),
            Input("gross_kilograms", plain(measured.gross), measured.source),
            Input("allowed_kilograms", plain(allowed), "policy W05"),
            Input("expanded_uncertainty_kilograms", plain(bound), "2u"),
        ),
        tolerance=f"|difference| <= {plain(allowed)} kg or <= 2u = {plain(bound)} kg",
    )
