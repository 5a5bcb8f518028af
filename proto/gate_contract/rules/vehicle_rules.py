"""V: the vehicle and its plate."""

from __future__ import annotations

from collections.abc import Iterator

from gate_contract.rules import plates
from gate_contract.rules.case import Case, booking_inputs, read_inputs
from gate_contract.rules.findings import HOLD, RELEASE, REVIEW, Action, Fired, Input
from gate_contract.rules.matching import MatchKind
from gate_contract.rules.plates import Nearness
from gate_contract.rules.text import MOST_NAMED, listed, plain, shown
from gate_contract.rules.weights import Balance
from gate_contract.v1 import passage_pb2

_ACCEPTED = "the booked plate, or one look-alike away from it and from no other booking"


def plate_not_booked(case: Case) -> Iterator[Fired]:
    """V01: the plate read is not the plate booked. Nobody on foot has one."""
    if case.passage.lane_kind == passage_pb2.LANE_KIND_PASSENGER:
        return
    if case.match.read is None:
        yield from _no_plate(case)
    elif case.match.kind is MatchKind.AMBIGUOUS:
        yield _ambiguous(case)
    elif case.match.kind is MatchKind.NEAR:
        yield _near(case)


def _no_plate(case: Case) -> Iterator[Fired]:
    """Missing is not hold: a person looks, where there are bookings and a plate should have been read."""
    reason = case.passage.why_missing("plate")
    regulated = case.context.goods == "regulated" and case.match.kind is MatchKind.UNREAD
    expected = reason is not None or bool(case.passage.plates) or regulated
    if not expected or not case.match.open_bookings:
        return
    why = shown(reason or "") or ("the camera saw a vehicle and read nothing" if case.passage.plates else "no camera")
    yield Fired(
        severity=2,
        action=REVIEW,
        explanation=f"No plate to compare with the open bookings ({case.match.open_bookings}): {why}.",
        inputs=(Input("plate_read", "missing", why), *read_inputs(case), *booking_inputs(case)),
        tolerance=_ACCEPTED,
    )


def _ambiguous(case: Case) -> Fired:
    """Several bookings equally near: they are named, and nothing else is judged against any of them."""
    severity, action = (3, HOLD) if _nearness(case).edits > 1 else (2, REVIEW)
    names = listed([f"{shown(trip.plate)} ({trip.name})" for trip in case.match.trips])
    more = " or more" if case.match.more_as_near else ""
    return Fired(
        severity=severity,
        action=action,
        explanation=(
            f"Plate {_read(case)} fits {len(case.match.trips)}{more} bookings equally well: {names}; the weight is"
            " judged once a person has said which."
        ),
        inputs=_inputs(case),
        tolerance=_ACCEPTED,
    )


def _near(case: Case) -> Fired:
    """One booking is nearest, and it is not the same plate."""
    nearness = _nearness(case)
    severity, action, how = _grade(nearness)
    return Fired(
        severity=severity,
        action=action,
        explanation=(
            f"Plate {_read(case)} was read where {shown(case.match.trips[0].plate)} is booked"
            f" ({case.match.trips[0].name}): {how}; {_because(case)}."
        ),
        inputs=_inputs(case),
        tolerance=_ACCEPTED,
    )


def _because(case: Case) -> str:
    """Why this booking, and what of its weight when nothing but the nearness of the plate speaks for it."""
    if case.match.evidence:
        return f"it is taken for this booking because {case.match.evidence}"
    unsure = "nothing else says that it is this booking"
    if isinstance(case.balance, Balance):
        return f"{unsure}, whose weight would differ by {plain(case.balance.difference)} kg and is not judged"
    return unsure


def _grade(nearness: Nearness) -> tuple[int, Action, str]:
    """Severity, action and words for a distance from one booking."""
    if nearness.edits > 1:
        look_alikes = nearness.edits - nearness.others
        return 3, HOLD, f"{nearness.edits} characters differ, {look_alikes} of them look-alikes"
    if nearness.by_look_alikes:
        return 1, RELEASE, "one character differs, and no other booking is as near"
    return 2, REVIEW, "one character differs, and not one that cameras confuse"


def _inputs(case: Case) -> tuple[Input, ...]:
    nearness, policy = _nearness(case), case.policy.V01
    return (
        *read_inputs(case),
        *booking_inputs(case),
        Input("edits", str(nearness.edits), "Levenshtein distance of read and booked plate"),
        Input("edits_not_look_alike", str(nearness.others), f"the same with look-alikes {_alikes()} as one"),
        Input("evidence", case.match.evidence or "none", "besides the nearness of the plates"),
        Input("plates_booked_as_near", str(case.match.neighbours), "in edits; open to this passage"),
        *(case.balance.inputs if case.balance and not case.match.sure else ()),
        Input("match_within_edits", str(policy.match_within), "policy V01.match_within"),
        Input("few_bookings", str(policy.few_bookings), "policy V01.few_bookings"),
    )


def _alikes() -> str:
    return " ".join(plates.OCR_EQUIVALENTS)


def _nearness(case: Case) -> Nearness:
    return case.match.nearness or Nearness(0, 0)


def _read(case: Case) -> str:
    return shown(case.match.read.text) if case.match.read else ""


def plate_breaks_grammar(case: Case) -> Iterator[Fired]:
    """V02: what was read is no plate of mainland China; foreign and military plates are among these."""
    if not (fault := plates.fault_of(_read(case))):
        return
    yield Fired(
        severity=2,
        action=REVIEW,
        explanation=f"Plate {_read(case)} is no mainland plate: {fault}.",
        inputs=read_inputs(case),
        tolerance="a plate after GA 36-2018: " + ", ".join(name for name, _pattern in plates.GRAMMAR),
    )


def trailer_not_as_declared(case: Case) -> Iterator[Fired]:
    """V03: the trailer that was read is not one that the vehicle's booking declares.

    A trailer that was not read is no finding: most cameras see one end. Look-alikes are taken for the same.
    """
    trip, read = case.match.trip, [each for each in case.passage.plates if plates.is_trailer(each.text)]
    if trip is None or not read:
        return
    declared = sorted({each.trailer_plate for each in trip.declarations} - {""})
    if any(plates.nearness(each.text, plate).others == 0 for each in read for plate in declared):
        return
    seen = listed([shown(each.text) for each in read])
    booked = listed([shown(plate) for plate in declared])
    pair = f"trailer {booked} is declared" if declared else "no trailer is declared"
    yield Fired(
        severity=3,
        action=REVIEW,
        explanation=f"Trailer {seen} was read behind {_read(case)}, where {pair} ({trip.name}).",
        inputs=(
            *(Input("trailer_read", shown(each.text), each.source) for each in read[:MOST_NAMED]),
            Input("trailer_declared", booked, trip.source),
            *read_inputs(case),
            *booking_inputs(case),
        ),
        tolerance="the declared trailer, look-alikes taken for the same",
    )
