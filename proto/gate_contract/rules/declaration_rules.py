"""D: declarations that are missing, and declarations that nothing came for."""

from __future__ import annotations

from collections.abc import Iterator

from gate_contract.rules.bookings import HOUR
from gate_contract.rules.case import Case, Unseen, booking_inputs, read_inputs
from gate_contract.rules.findings import HOLD, REVIEW, Fired, Input
from gate_contract.rules.matching import MatchKind
from gate_contract.rules.text import MOST_NAMED, listed, moment, shown
from gate_contract.v1 import passage_pb2


def declared_not_seen(unseen: Unseen) -> Iterator[Fired]:
    """D01: the time for being seen is over. Without a departure there is none, and the rule says nothing."""
    declared, grace = unseen.declared, unseen.policy.D01.grace_hours
    if declared.departure_unix_ns is None:
        return
    deadline = declared.departure_unix_ns + grace * HOUR
    if unseen.now_unix_ns <= deadline:
        return
    source = f"declaration {declared.name}"
    yield Fired(
        severity=2,
        action=REVIEW,
        explanation=(
            f"Declaration {declared.name} for {shown(declared.vehicle_plate) or 'a vehicle without a plate'}: nothing"
            f" was seen of it by {moment(deadline)}, {grace} h after departure."
        ),
        inputs=(
            Input("plate_booked", shown(declared.vehicle_plate) or "none", source),
            Input("sailing", shown(declared.sailing_id) or "none", source),
            Input("departure_utc", moment(declared.departure_unix_ns), source),
            Input("now_utc", moment(unseen.now_unix_ns), "the decider's clock"),
        ),
        tolerance=f"seen by departure + {grace} h (policy D01.grace_hours)",
    )


def regulated_without_declaration(case: Case) -> Iterator[Fired]:
    """D02: the lane carries regulated goods and no declaration can be this vehicle's.

    An unread plate may be anyone's, so it counts as undeclared only where nothing at all is booked. Who walks through
    is on a manifest, not in a declaration (P01).
    """
    if case.context.goods != "regulated" or case.passage.lane_kind == passage_pb2.LANE_KIND_PASSENGER:
        return
    unread = case.match.kind is MatchKind.UNREAD
    if not (case.match.kind is MatchKind.UNBOOKED or (unread and not case.match.open_bookings)):
        return
    plate = shown(case.match.read.text) if case.match.read else "with an unread plate"
    near = listed([f"{shown(trip.plate)} ({trip.name})" for trip in case.match.passed_over])
    nearest = f"; two characters away, and with nothing else that speaks for it: {near}" if near != "none" else ""
    yield Fired(
        severity=3,
        action=HOLD,
        explanation=(
            f"Vehicle {plate} on a lane for regulated goods: none of the open bookings ({case.match.open_bookings})"
            f" is its declaration{nearest}."
        ),
        inputs=(
            Input("lane_goods", case.context.goods, "context of the lane"),
            *read_inputs(case),
            *booking_inputs(case),
            *_reference_age(case),
            Input("match_within_edits", str(case.policy.V01.match_within), "policy V01.match_within"),
            Input("few_bookings", str(case.policy.V01.few_bookings), "policy V01.few_bookings"),
        ),
        tolerance="regulated goods need a declaration; free goods pass without one",
    )


def lodged_after_gate_in(case: Case) -> Iterator[Fired]:
    """D04: a declaration was lodged after its vehicle had come. Silent where the gate's time cannot be believed."""
    at, trip = case.passage.at_unix_ns, case.match.trip
    if at is None or trip is None:
        return
    late = [(each, lodged) for each in trip.declarations if (lodged := each.lodged_unix_ns or 0) > at]
    if not late:
        return
    yield Fired(
        severity=2,
        action=REVIEW,
        explanation=f"Lodged after the vehicle had come, at {moment(at)}: {listed([each.name for each, _ in late])}.",
        inputs=(
            Input("opened_utc", moment(at), "the gate's clock"),
            *(Input("lodged_utc", moment(lodged), f"declaration {each.name}") for each, lodged in late[:MOST_NAMED]),
            *read_inputs(case),
        ),
        tolerance="lodged no later than the vehicle comes",
    )


def _reference_age(case: Case) -> tuple[Input, ...]:
    age = case.context.reference_age_s
    return () if age is None else (Input("reference_age_seconds", str(age), "the gate's copy of the declarations"),)
