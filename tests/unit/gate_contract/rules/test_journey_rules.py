from __future__ import annotations

from dataclasses import replace

import pytest

from gate_contract.rules import Context, Policy, Sighting
from gate_contract.v1 import passage_pb2, stamp_pb2
from tests.unit.gate_contract.rules.builders import (
    HOLD,
    HOUR,
    NOON,
    PLATE,
    REVIEW,
    a_context,
    a_declaration,
    a_document,
    a_passage,
    codes,
    judge,
    the_finding,
)

SECOND = 1_000_000_000
IN, OUT = passage_pb2.DIRECTION_INBOUND, passage_pb2.DIRECTION_OUTBOUND
UNSYNCHRONISED = stamp_pb2.CLOCK_STATE_UNSYNCHRONISED


def seen(
    ago_s: float, *, site: str = "xinhai", bound_s: float | None = 1, way: int = 0, travel_s: int | None = None
) -> Context:
    """The same plate, so long before noon."""
    bound = None if bound_s is None else int(bound_s * SECOND)
    sighting = Sighting("P-0", site, NOON - int(ago_s * SECOND), bound, way, travel_s)
    return replace(a_context(), sightings={PLATE: [sighting]})


@pytest.mark.parametrize(("ago_s", "fires"), [(0, True), (596.9, True), (597, False), (-596.9, True), (3600, False)])
def test_v04_holds_a_plate_that_was_elsewhere_too_shortly_before_both_clocks_allowed_for(
    ago_s: float, fires: bool
) -> None:
    # 10 min by policy, less 1 s there and 2 s here
    decision = judge(a_passage(bound=2 * SECOND), context=seen(ago_s))
    assert codes(decision) == (["V04"] if fires else [])
    if fires:
        assert (decision.action, the_finding(decision, "V04").severity) == (HOLD, 4)


def test_v04_takes_the_shortest_travel_time_that_is_known() -> None:
    assert codes(judge(a_passage(bound=0), context=seen(700, bound_s=0, travel_s=701))) == ["V04"]
    policy = Policy.from_toml("[V04]\nshortest_travel_minutes = 1")
    assert codes(judge(a_passage(bound=0), context=seen(70, bound_s=0), policy=policy)) == []


@pytest.mark.parametrize(
    ("passage", "context"),
    [
        (a_passage(bound=0), a_context()),
        (a_passage(bound=0), seen(5, site="xiuying")),
        (a_passage(bound=0), seen(5, site="")),
        (a_passage(bound=0), replace(seen(5), site_id="")),
        (a_passage(bound=0), seen(5, bound_s=None)),
        (a_passage(), seen(5)),
        (a_passage(clock=UNSYNCHRONISED, bound=0), seen(5)),
        (a_passage(plates=[]), seen(5)),
        (a_passage(plates=["琼B99999"], bound=0), seen(5)),
    ],
)
def test_v04_says_nothing_without_two_places_two_times_and_two_bounds(
    passage: passage_pb2.Passage, context: Context
) -> None:
    assert codes(judge(passage, context=context)) == []


def test_v04_does_not_take_a_passage_for_another_that_is_judged_again() -> None:
    context = replace(a_context(), sightings={PLATE: [Sighting("P-1", "xinhai", NOON, 0)]})
    assert codes(judge(a_passage(bound=0), context=context)) == []


def test_v05_asks_about_the_way_back_that_was_not_seen() -> None:
    context = seen(24 * 3600, way=IN)
    decision = judge(a_passage(), context=context)
    assert (decision.action, codes(decision)) == (REVIEW, ["V05"])
    assert "goes inbound, as it last did" in the_finding(decision, "V05").explanation
    assert codes(judge(a_passage(direction=OUT), context=context)) == []


@pytest.mark.parametrize(("ago_s", "fires"), [(300, False), (301, True), (-3600, False)])
def test_v05_takes_two_sights_within_minutes_for_one_visit(ago_s: float, fires: bool) -> None:
    decision = judge(a_passage(), context=seen(ago_s, site="xiuying", way=IN))
    assert codes(decision) == (["V05"] if fires else [])


@pytest.mark.parametrize(
    "passage",
    [
        a_passage(direction=passage_pb2.DIRECTION_UNSPECIFIED),
        a_passage(clock=UNSYNCHRONISED),
        a_passage(plates=[]),
    ],
)
def test_v05_says_nothing_without_a_way_a_time_or_a_plate(passage: passage_pb2.Passage) -> None:
    assert codes(judge(passage, context=seen(3 * 3600, way=IN))) == []


@pytest.mark.parametrize(
    ("lane", "minutes", "fires"),
    [("weighbridge", 30, False), ("weighbridge", 31, True), ("gate", 5, False), ("gate", 6, True), ("", 6, True)],
)
def test_v05_takes_lanes_that_are_passed_one_after_the_other_for_one_visit(
    lane: str, minutes: int, fires: bool
) -> None:
    before = Sighting("P-0", "xiuying", NOON - minutes * 60 * 10**9, 0, IN, lane_id=lane)
    passage = a_passage()
    passage.lane_id = "gate"
    assert codes(judge(passage, context=replace(a_context(), sightings={PLATE: [before]}))) == ["V05"] * fires


def test_v05_asks_about_the_way_before_a_visit_of_several_lanes() -> None:
    lanes = [("gate", 40), ("weighbridge", 60), ("radiation", 80)]
    before = [Sighting(f"P-{at}", "xiuying", NOON - at * 60 * 10**9, 0, IN, lane_id=lane) for lane, at in lanes]
    passage = a_passage()
    passage.lane_id = "exit"
    series = Policy.from_toml("[V05]\nlanes_in_series_minutes = 40")
    context = replace(a_context(), sightings={PLATE: before})
    assert codes(judge(passage, context=context, policy=series)) == []
    earlier = Sighting("P-9", "xinhai", NOON - 9 * HOUR, 0, IN, lane_id="exit")
    context = replace(a_context(), sightings={PLATE: [*before, earlier]})
    finding = the_finding(judge(passage, context=context, policy=series), "V05")
    assert "xinhai" in finding.explanation


def test_v05_is_not_silenced_by_a_camera_on_the_way_that_knows_no_direction() -> None:
    out = Sighting("P-a", "xinhai", NOON - 9 * HOUR, 0, IN)
    on_the_road = Sighting("P-b", "road", NOON - 6 * HOUR, 0)
    assert codes(judge(a_passage(), context=replace(a_context(), sightings={PLATE: [out, on_the_road]}))) == ["V05"]


def test_v05_goes_by_the_last_sighting_and_by_none_that_backed_out() -> None:
    sightings = [
        Sighting("P-a", "xinhai", NOON - 9 * HOUR, 0, IN),
        Sighting("P-c", "xinhai", NOON - 3 * HOUR, 0, OUT),
        Sighting("P-b", "xinhai", NOON - 6 * HOUR, 0, IN),
    ]
    context = replace(a_context(), sightings={PLATE: sightings})
    assert codes(judge(a_passage(), context=context)) == []
    assert codes(judge(a_passage(direction=OUT), context=context)) == ["V05"]
    back = a_passage(direction=OUT)
    back.closed_by = passage_pb2.PASSAGE_CLOSING_BACKED_OUT
    assert codes(judge(back, context=context)) == []


def test_v06_holds_a_driver_who_was_not_notified() -> None:
    trip = [a_declaration(drivers=[b"d" * 32, b"e" * 32])]
    decision = judge(a_passage(readings=[a_document(b"x" * 32)]), trip)
    assert (decision.action, codes(decision)) == (HOLD, ["V06"])
    assert codes(judge(a_passage(readings=[a_document(b"x" * 32), a_document(b"e" * 32)]), trip)) == []


@pytest.mark.parametrize(("drivers", "document"), [([], b"x" * 32), ([b"d" * 32], b"")])
def test_v06_says_nothing_without_a_notified_driver_or_a_document(drivers: list[bytes], document: bytes) -> None:
    assert codes(judge(a_passage(readings=[a_document(document)]), [a_declaration(drivers=drivers)])) == []


@pytest.mark.parametrize(
    ("notified", "runs", "fires"), [("C-1", "C-2", True), ("C-1", "C-1", False), ("", "C-2", False)]
)
def test_v06_compares_the_carrier_with_the_notified_one(notified: str, runs: str, fires: bool) -> None:
    context = replace(a_context(), carriers={PLATE: runs})
    assert codes(judge(a_passage(), [a_declaration(carrier=notified)], context)) == (["V06"] if fires else [])
    assert codes(judge(a_passage(), [a_declaration(carrier=notified)])) == []
