"""V04, V05, V06: where a vehicle was before, and who drives it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from gate_contract.rules.case import Case
from gate_contract.rules.findings import HOLD, REVIEW, Fired, Input
from gate_contract.rules.records import Sighting
from gate_contract.rules.text import listed, moment, shown
from gate_contract.rules.visits import MINUTE, Pass, passes_of_visit
from gate_contract.v1 import passage_pb2

SECOND = 1_000_000_000
_WAYS: Final[dict[int, str]] = {passage_pb2.DIRECTION_INBOUND: "inbound", passage_pb2.DIRECTION_OUTBOUND: "outbound"}


def plate_at_two_sites(case: Case) -> Iterator[Fired]:
    """V04: the same plate was at another site, and nothing can have come from there in that time.

    Both clocks may be wrong by their bounds; where a bound is not known nothing is said.
    """
    if case.match.read is None:
        return
    for sighting in _sightings(case):
        if too_far(case, sighting):
            yield Fired(
                severity=4,
                action=HOLD,
                explanation=(
                    f"Plate {shown(case.match.read.text)} was at {shown(sighting.site_id)} at"
                    f" {moment(sighting.at_unix_ns)}, {_apart(case, sighting):.0f} s away from this passage: no vehicle"
                    f" is here in less than {_shortest_s(case, sighting)} s."
                ),
                inputs=(
                    Input("plate_read", shown(case.match.read.text), case.match.read.source),
                    *sighting_inputs(case, sighting),
                ),
                tolerance="time between >= shortest travel time - both clock bounds",
            )
            return


def way_twice(case: Case) -> Iterator[Fired]:
    """V05: two exits without an entry between them, or two entries without an exit.

    Lanes of one site that are passed one after the other are one way.
    """
    last = last_way(case, _sightings(case))
    if case.match.read is None or last is None:
        return
    way = _WAYS[last.direction]
    yield Fired(
        severity=2,
        action=REVIEW,
        explanation=(
            f"Plate {shown(case.match.read.text)} goes {way}, as it last did at {moment(last.at_unix_ns)}"
            f" ({shown(last.site_id) or 'site not known'}): the way back between was not seen."
        ),
        inputs=(
            Input("plate_read", shown(case.match.read.text), case.match.read.source),
            Input("direction", way, "the lane"),
            *sighting_inputs(case, last),
        ),
        tolerance="inbound and outbound in turn; two sightings within"
        f" {case.policy.V05.same_visit_minutes} min (policy V05.same_visit_minutes), through another lane of the site"
        f" within {case.policy.V05.lanes_in_series_minutes} min (policy V05.lanes_in_series_minutes), are one visit",
    )


def other_driver_or_carrier(case: Case) -> Iterator[Fired]:
    """V06: no document that was read is a notified driver's, or another carrier runs the vehicle."""
    trip = case.booked
    if trip is None or case.passage.lane_kind == passage_pb2.LANE_KIND_PASSENGER:
        return
    drivers = {driver for each in trip.declarations for driver in each.drivers}
    documents = [each for each in case.passage.seen.documents if each.pseudonym]
    if drivers and documents and not any(each.pseudonym in drivers for each in documents):
        yield _notified(
            f"The driver is not one that was notified ({trip.name}).",
            [Input("document_seen", each.name, shown(each.device_id)) for each in documents[:5]],
            Input("drivers_notified", str(len(drivers)), trip.source),
        )
    notified = sorted({each.carrier_id for each in trip.declarations} - {""})
    runs = case.context.carriers.get(case.match.read.text, "") if case.match.read else ""
    if runs and notified and runs not in notified:
        yield _notified(
            f"Carrier {shown(runs)} runs the vehicle, notified is {listed([shown(each) for each in notified])}.",
            [Input("carrier", shown(runs), "context")],
            Input("carrier_notified", listed([shown(each) for each in notified]), trip.source),
        )


def _notified(explanation: str, seen: list[Input], notified: Input) -> Fired:
    return Fired(3, HOLD, explanation, (*seen, notified), "a driver and a carrier that were notified")


def _sightings(case: Case) -> Sequence[Sighting]:
    """Other passages of the plate that was compared."""
    seen = case.context.sightings.get(case.match.read.text, ()) if case.match.read else ()
    return [each for each in seen if each.passage_id != case.passage.passage_id]


def too_far(case: Case, sighting: Sighting) -> bool:
    """Whether nothing can have been there and here, whatever the clocks were worth."""
    at, here = case.passage.at_unix_ns, case.context.site_id
    bound, other = case.passage.bound_ns, sighting.bound_ns
    if at is None or bound is None or other is None or not here or sighting.site_id in ("", here):
        return False
    return abs(at - sighting.at_unix_ns) < _shortest_s(case, sighting) * SECOND - bound - other


def last_before(case: Case, sightings: Sequence[Sighting]) -> Sighting | None:
    """The last one that was before this passage, whatever the clocks were worth; None when there is none."""
    return next(iter(_before(case, sightings)), None)


def _before(case: Case, sightings: Sequence[Sighting]) -> list[Sighting]:
    """Those that were before this passage, whatever the clocks were worth, the newest first."""
    at, bound = case.passage.at_unix_ns, case.passage.bound_ns or 0
    if at is None:
        return []
    before = [each for each in sightings if each.at_unix_ns + (each.bound_ns or 0) < at - bound]
    return sorted(before, key=lambda each: (each.at_unix_ns, each.passage_id), reverse=True)


def last_way(case: Case, sightings: Sequence[Sighting]) -> Sighting | None:
    """The last one that went this way and is of no visit that this passage is of; None when it came back since.

    Where it was only seen, and nobody says which way it went, says nothing of the way.
    """
    before = [each for each in _before(case, sightings) if each.direction in _WAYS]
    here = Pass(case.context.site_id, case.passage.lane_id, case.passage.direction, case.passage.at_unix_ns or 0)
    passes = [Pass(each.site_id, each.lane_id, each.direction, each.at_unix_ns) for each in before]
    visit = passes_of_visit(here, passes, case.policy.V05, again_ns=case.policy.V05.same_visit_minutes * MINUTE)
    last = before[visit] if visit < len(before) else None
    return last if last is not None and here.direction in _WAYS and last.direction == here.direction else None


def same_way_again(case: Case, last: Sighting) -> bool:
    """Whether this passage goes the way of the last one, and is no second sight of the same visit."""
    known = case.passage.direction in _WAYS and last.direction == case.passage.direction
    apart = (case.passage.at_unix_ns or 0) - last.at_unix_ns
    return known and not case.passage.backed_out and apart > case.policy.V05.same_visit_minutes * MINUTE


def sighting_inputs(case: Case, sighting: Sighting) -> tuple[Input, ...]:
    """Where and when it was before, and how sure the clocks are."""
    source = f"passage {shown(sighting.passage_id)} at {shown(sighting.site_id) or 'a site not known'}"
    bounds = [case.passage.bound_ns, sighting.bound_ns]
    return (
        Input("seen_before_utc", moment(sighting.at_unix_ns), source),
        Input("opened_utc", moment(case.passage.at_unix_ns or 0), "the gate's clock"),
        Input("clock_bounds_seconds", " and ".join(_seconds(each) for each in bounds), "here and there"),
        Input("shortest_travel_seconds", str(_shortest_s(case, sighting)), "context, or policy V04"),
    )


def _seconds(bound_ns: int | None) -> str:
    return "not known" if bound_ns is None else f"{bound_ns / SECOND:.3f}"


def _apart(case: Case, sighting: Sighting) -> float:
    return abs((case.passage.at_unix_ns or 0) - sighting.at_unix_ns) / SECOND


def _shortest_s(case: Case, sighting: Sighting) -> int:
    return case.policy.V04.shortest_travel_minutes * 60 if sighting.travel_s is None else sighting.travel_s
