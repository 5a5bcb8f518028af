"""What a gate knows, as the rule book takes it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from edge_agent.decide.boarding import BOARDS_AFTER, BOARDS_BEFORE, boarding, boarding_keys
from edge_agent.decide.known import Known
from edge_agent.decide.orders import NO_ORDERS
from edge_agent.decide.recent import MOST_REMEMBERED, Recent
from edge_agent.decide.registers import Registers
from edge_agent.decide.vehicle import Judge
from edge_agent.model.moment import Moment, MonoNs, WallNs
from gate_contract.orders import DAY
from gate_contract.rules import BookingIndex, Context, Policy
from gate_contract.rules.records import Manifest
from gate_contract.rules.visits import MINUTE
from gate_contract.v1 import register_pb2 as pb
from gate_contract.v1.decision_pb2 import ACTION_HOLD, ACTION_RELEASE, ACTION_REVIEW, Decision, DeclarationRef
from gate_contract.v1.passage_pb2 import (
    DIRECTION_INBOUND,
    DIRECTION_OUTBOUND,
    LANE_KIND_OBSERVATION,
    LANE_KIND_PASSENGER,
    LANE_KIND_VEHICLE,
    PASSAGE_CLOSING_BACKED_OUT,
    Direction,
    Passage,
    PlateRead,
)
from gate_contract.v1.reading_pb2 import DocumentSeen, Reading
from gate_contract.v1.stamp_pb2 import CLOCK_STATE_SYNCHRONISED, CLOCK_STATE_UNSYNCHRONISED, Stamp
from tests.unit.gate_contract.test_orders import NOON, OFFICERS, an_order, signed

POLICY = Policy.default()
HOUR = 60 * MINUTE


def moment(wall: int = NOON, *, synchronised: bool = True) -> Moment:
    return Moment(WallNs(wall), MonoNs(1), bytes(16), synchronised=synchronised)


def passage(
    name: str = "P-1",
    *,
    at: int = NOON,
    way: Direction.ValueType = DIRECTION_OUTBOUND,
    document: bytes = b"",
    plate: str = "",
    believed: bool = True,
    lane: str = "",
) -> Passage:
    stamp = Stamp(wall_unix_ns=at, clock=CLOCK_STATE_SYNCHRONISED if believed else CLOCK_STATE_UNSYNCHRONISED)
    return Passage(
        passage_id=name,
        lane_id=lane,
        direction=way,
        lane_kind=LANE_KIND_PASSENGER,
        opened=stamp,
        decided=stamp,
        readings=[Reading(document=DocumentSeen(pseudonym=document))] if document else [],
        plates=[PlateRead(text=plate, confidence=0.9)] if plate else [],
    )


def released(*declarations: str) -> Decision:
    return Decision(action=ACTION_RELEASE, declarations=[DeclarationRef(declaration_id=each) for each in declarations])


def sailings(**departures: int) -> Registers:
    return Registers(
        sailings={name: pb.Sailing(sailing_id=name, departure_unix_ns=NOON + at) for name, at in departures.items()},
        manifests={name: Manifest(name, {name.encode(): "T-1"}) for name in departures},
        keys={name: f"key of {name}" for name in departures},
    )


def boards(registers: Registers, seen: Passage) -> str | None:
    found = boarding(registers, seen, NOON, "xinhai")
    return None if found is None else found.sailing_id


def test_the_sailing_that_leaves_next_boards_and_a_late_one_for_a_while() -> None:
    both = sailings(first=2 * HOUR, second=HOUR)
    assert boards(both, passage()) == "second"
    assert boarding_keys(both, NOON, "xinhai") == ["key of second", "key of first"]
    assert boards(sailings(late=-BOARDS_AFTER), passage()) == "late"
    assert boards(sailings(gone=-BOARDS_AFTER - 1, tomorrow=BOARDS_BEFORE + 1), passage()) is None


def test_a_document_says_which_of_two_sailings_it_is_for() -> None:
    both = sailings(first=2 * HOUR, second=HOUR)
    assert boards(both, passage(document=b"first")) == "first"
    assert boards(both, passage(document=b"stranger")) == "second"


def test_who_arrives_is_on_no_manifest_and_a_cancelled_sailing_boards_nobody() -> None:
    registers = sailings(first=HOUR)
    assert boards(registers, passage(way=DIRECTION_INBOUND)) is None
    registers.sailings["first"].cancelled = True
    assert boards(registers, passage()) is None


def test_vehicles_board_by_declaration_and_nobody_boards_what_leaves_from_elsewhere() -> None:
    registers = sailings(first=HOUR)
    truck = passage(document=b"first")
    truck.lane_kind = LANE_KIND_VEHICLE
    assert boards(registers, truck) is None
    registers.sailings["first"].site_id = "xiuying"
    assert boards(registers, passage(document=b"first")) is None


def context(known: Known, seen: Passage, now: Moment | None = None) -> Context:
    return known.context(seen, now or moment(), "xinhai", "regulated", POLICY, None)


EMPTY = Known(BookingIndex(()), 3)


def test_a_deployment_without_a_schedule_is_asked_for_none() -> None:
    assert context(EMPTY, passage()).sailings is None
    assert context(replace(EMPTY, registers=Registers(selections={"D": pb.Selection()})), passage()).selections


def test_a_release_that_was_used_at_this_gate_is_known_to_the_next_vehicle() -> None:
    recent = Recent().with_passage(passage("P-0", at=NOON - HOUR), released("D-1"), "xinhai")
    known = replace(EMPTY, recent=recent)
    [use] = context(known, passage()).used_releases["D-1"]
    assert (use.passage_id, use.at_unix_ns) == ("P-0", NOON - HOUR)


@pytest.mark.parametrize(
    "again",
    [
        passage("P-0", at=NOON),
        passage(way=DIRECTION_INBOUND),
        passage(at=NOON - HOUR + MINUTE),
        passage(believed=False),
    ],
    ids=["itself, revised", "the way back", "a second lane of the same visit", "at a time that nobody believes"],
)
def test_a_release_is_not_used_twice_by(again: Passage) -> None:
    recent = Recent().with_passage(passage("P-0", at=NOON - HOUR), released("D-1"), "xinhai")
    assert context(replace(EMPTY, recent=recent), again).used_releases == {}


@pytest.mark.parametrize(
    ("lane", "minutes", "turned", "used"),
    [
        ("gate", 20, False, False),  # weighed, then let out through another lane
        ("gate", 31, False, True),
        ("weighbridge", 1, False, True),  # twice through one lane
        ("gate", 20, True, True),  # came back between
    ],
)
def test_lanes_in_series_are_one_visit_and_use_a_release_once(
    lane: str, minutes: int, turned: bool, used: bool
) -> None:
    first = passage("P-0", at=NOON - minutes * MINUTE, plate="琼A12345", lane="weighbridge")
    recent = Recent().with_passage(first, released("D-1"), "xinhai")
    back = passage("P-2", at=NOON - MINUTE, plate="琼A12345", way=DIRECTION_INBOUND, lane="in")
    if turned:
        recent = recent.with_passage(back, released("D-2"), "xinhai")
    again = passage(plate="琼A12345", lane=lane)
    assert list(context(replace(EMPTY, recent=recent), again).used_releases) == ["D-1"] * used


def test_only_what_passed_is_remembered_and_a_revision_takes_the_place_of_the_decision_before() -> None:
    backed_out, seen_only = passage("P-1"), passage("P-2", at=NOON - HOUR)
    backed_out.closed_by = PASSAGE_CLOSING_BACKED_OUT
    seen_only.lane_kind = LANE_KIND_OBSERVATION
    recent = Recent().with_passage(backed_out, released("D-1"), "xinhai")
    recent = recent.with_passage(passage("P-3"), Decision(action=ACTION_REVIEW), "xinhai")
    assert recent.passages == ()
    recent = recent.with_passage(seen_only, released("D-1"), "xinhai")
    assert recent.used(passage("P-9"), "xinhai", POLICY.V05) == {}
    recent = recent.with_passage(passage("P-4", at=NOON - HOUR), released("D-1"), "xinhai")
    assert list(recent.used(passage("P-9"), "xinhai", POLICY.V05)) == ["D-1"]
    revised = recent.with_passage(passage("P-4", at=NOON - HOUR), Decision(action=ACTION_HOLD), "xinhai")
    assert revised.used(passage("P-9"), "xinhai", POLICY.V05) == {}


def test_what_is_remembered_is_bounded() -> None:
    recent = Recent()
    for number in range(MOST_REMEMBERED + 5):
        recent = recent.with_passage(passage(f"P-{number}"), released(), "xinhai")
    assert len(recent.passages) == MOST_REMEMBERED
    assert recent.passages[0].sighting.passage_id == "P-5"


def test_a_document_that_was_shown_before_is_known() -> None:
    recent = Recent().with_passage(passage("P-0", at=NOON - HOUR, document=b"p"), released(), "xinhai")
    known = replace(EMPTY, recent=recent)
    [sighting] = context(known, passage(document=b"p")).document_sightings[b"p"]
    assert (sighting.passage_id, sighting.site_id, sighting.direction) == ("P-0", "xinhai", DIRECTION_OUTBOUND)
    assert context(known, passage(document=b"q")).document_sightings == {}


def test_what_is_left_of_a_quantity_counts_this_passage_and_those_before_it() -> None:
    fixed = pb.DeclarationQuantity(name="vehicles", allowed="2", unit="vehicles", used_per_passage="1")
    weighed = pb.DeclarationQuantity(name="kilograms", allowed="100", unit="kg")
    registers = Registers(quantities={"D-1": {"D-1/vehicles": fixed, "D-1/kilograms": weighed}})
    recent = Recent()
    for number, left in enumerate((1, 0, -1)):
        known = replace(EMPTY, registers=registers, recent=recent)
        [quantity] = context(known, passage("P-9")).quantities["D-1"]
        assert (quantity.name, quantity.left) == ("vehicles", Decimal(left))
        recent = recent.with_passage(passage(f"P-{number}", at=NOON - HOUR), released("D-1"), "xinhai")


def test_a_gate_that_boots_in_1970_goes_by_the_time_that_the_collector_last_said() -> None:
    orders = NO_ORDERS.renewed([signed(an_order()).SerializeToString()], OFFICERS, NOON)
    known = replace(EMPTY, orders=orders.index, made_unix_ns=NOON)
    in_1970 = moment(100, synchronised=False)
    seen = passage(at=100, believed=False, plate="琼A12345")

    def codes(of: Known) -> list[str]:
        decision = Judge("xinhai", "free", POLICY, lambda _now: of)(seen, in_1970)
        return [finding.code for finding in decision.findings]

    assert "O01" in codes(known)
    assert "O01" not in codes(replace(known, made_unix_ns=0)), "that of which nobody ever said the time is yet to come"
    assert "O01" not in codes(replace(known, made_unix_ns=NOON + 2 * DAY)), "it has expired"


def test_a_clock_that_a_time_service_keeps_is_believed_whatever_the_collector_said() -> None:
    known = replace(EMPTY, made_unix_ns=NOON + DAY)
    assert known.now_unix_ns(moment()) == NOON
    assert known.now_unix_ns(moment(synchronised=False)) == NOON + DAY


def test_a_clock_that_nobody_keeps_is_not_asked_while_the_collector_has_said_the_time_in_this_boot() -> None:
    came = moment(NOON - 5 * DAY, synchronised=False)
    known = replace(EMPTY, made_unix_ns=NOON, fetched=came)
    for years in (-30, 0, 10):
        wall = WallNs(NOON + years * 365 * DAY)
        later = replace(came, wall=wall, mono=MonoNs(came.mono + 2 * DAY))
        assert known.now_unix_ns(later) == NOON + 2 * DAY
        assert known.now_unix_ns(replace(later, synchronised=True)) == wall
    other_boot = replace(came, wall=WallNs(NOON + DAY), boot_id=b"c" * 16)
    assert known.now_unix_ns(other_boot) == NOON + DAY
    assert known.now_unix_ns(replace(other_boot, wall=WallNs(100))) == NOON


def test_a_gate_that_was_never_told_all_there_is_says_so() -> None:
    at = Moment(WallNs(NOON), MonoNs(1), bytes(16), synchronised=True)
    for age_s, awaited in ((None, True), (0, False)):
        context = Known(BookingIndex(()), age_s).context(Passage(), at, "haikou", "free", Policy.default(), None)
        assert (context.reference_age_s, context.reference_awaited) == (age_s, awaited)
