"""W: the weight."""

from __future__ import annotations

from collections.abc import Iterator

from gate_contract.rules.case import Case, booking_inputs, read_inputs
from gate_contract.rules.findings import INSPECT, REVIEW, Fired, Input
from gate_contract.rules.text import plain
from gate_contract.rules.weights import Balance, NoBalance


def weight_not_as_declared(case: Case) -> Iterator[Fired]:
    """W01: measured and declared mass differ beyond the tolerance and beyond 2u. Exactly on either is within it."""
    balance = case.balance
    if not isinstance(balance, Balance) or balance.within_tolerance or balance.within_uncertainty:
        return
    more_or_less = "more" if balance.difference > 0 else "less"
    yield Fired(
        severity=3,
        action=INSPECT,
        explanation=(
            f"{plain(balance.measured)} kg were weighed, {plain(balance.expected)} kg expected by {_trip(case)}:"
            f" {plain(balance.difference.copy_abs())} kg {more_or_less}, beyond {plain(balance.tolerance)} kg"
            f" and beyond 2u = {plain(balance.uncertainty)} kg."
        ),
        inputs=_inputs(case, balance),
        tolerance=f"|difference| <= {balance.tolerance_text} or <= 2u = {plain(balance.uncertainty)} kg",
    )


def weight_inconclusive(case: Case) -> Iterator[Fired]:
    """W03: the weight can neither accuse nor clear: something is missing, or 2u is larger than the tolerance."""
    if isinstance(case.balance, NoBalance):
        yield _cannot_judge(case, case.balance)
    elif case.balance and case.balance.coarse and (case.balance.within_tolerance or case.balance.within_uncertainty):
        yield _too_coarse(case, case.balance)


def _cannot_judge(case: Case, missing: NoBalance) -> Fired:
    return Fired(
        severity=1,
        action=REVIEW,
        explanation=f"The weight cannot be judged against {_trip(case)}: {'; '.join(missing.reasons)}.",
        inputs=_inputs(case, missing),
        tolerance="a stable gross weight with its uncertainty, and declared empty, container and goods masses",
    )


def _too_coarse(case: Case, balance: Balance) -> Fired:
    advice = (
        "a better scale would not help, the declared empty mass and the fuel are too uncertain for so little cargo"
        if balance.coarse_without_scale
        else "weigh it on a static scale"
    )
    return Fired(
        severity=1,
        action=REVIEW,
        explanation=(
            f"The weight is inconclusive for {_trip(case)}: 2u = {plain(balance.uncertainty)} kg is larger than the"
            f" tolerance of {plain(balance.tolerance)} kg; {advice}."
        ),
        inputs=_inputs(case, balance),
        tolerance=f"2u <= {balance.tolerance_text}",
    )


def _trip(case: Case) -> str:
    return case.match.trip.source if case.match.trip else ""


def _inputs(case: Case, balance: Balance | NoBalance) -> tuple[Input, ...]:
    return (*balance.inputs, *read_inputs(case), *booking_inputs(case))
