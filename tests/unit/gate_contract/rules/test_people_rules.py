from __future__ import annotations

from dataclasses import replace

import pytest

from gate_contract.rules import Context, Manifest, Policy, Sighting, StayRecord, after_boarding
from gate_contract.rules.stays import DAY, Crossing
from gate_contract.v1 import passage_pb2, reading_pb2, stamp_pb2
from tests.unit.gate_contract.rules.builders import (
    HOUR,
    NOON,
    RELEASE,
    REVIEW,
    a_context,
    a_declaration,
    a_document,
    a_passage,
    codes,
    inputs_of,
    judge,
    the_finding,
)

A, B, C = b"a" * 32, b"b" * 32, b"c" * 32
MANIFEST = Manifest("S-1", {A: "T-1", B: "T-2"})
NOBODY_IS_ASKED = Policy.from_toml("[P01]\nask_without_manifest = 0")
PASSENGER = passage_pb2.LANE_KIND_PASSENGER
IN = passage_pb2.DIRECTION_INBOUND


def person(*readings: reading_pb2.Reading, lane: passage_pb2.LaneKind.ValueType = PASSENGER) -> passage_pb2.Passage:
    return a_passage(plates=[], weighings=[], readings=readings, lane=lane, bound=0)


def boarding(manifest: Manifest | None = MANIFEST) -> Context:
    return replace(a_context(), manifest=manifest)


def a_face(
    outcome: str = "matched",
    *,
    score: float | None = 0.6,
    threshold: float = 0.4,
    liveness: str = "live",
    tries: int = 1,
) -> reading_pb2.Reading:
    face = reading_pb2.FaceChecked(
        outcome=outcome, score=score, threshold=threshold, liveness=liveness, tries=tries, compared="1:1"
    )
    return reading_pb2.Reading(device_id="camera-9", face=face)


def test_p01_asks_about_a_person_without_a_ticket() -> None:
    decision = judge(person(a_document(C)), context=boarding())
    assert (decision.action, codes(decision), decision.findings[0].severity) == (REVIEW, ["P01"], 3)
    assert codes(judge(person(a_document(A)), context=boarding())) == []


def test_p01_asks_about_who_boards_while_nobody_can_say_who_has_a_ticket() -> None:
    boards = person(a_document(A))
    boards.direction = passage_pb2.DIRECTION_OUTBOUND
    decision = judge(boards, context=boarding(None))
    assert (decision.action, codes(decision), decision.findings[0].severity) == (REVIEW, ["P01"], 3)
    assert "no manifest of a sailing that boards is known" in decision.findings[0].explanation
    assert codes(judge(boards, context=boarding())) == []
    assert codes(judge(boards, context=boarding(None), policy=NOBODY_IS_ASKED)) == []
    boards.direction = passage_pb2.DIRECTION_UNSPECIFIED
    assert codes(judge(boards, context=boarding(None))) == ["P01"]
    boards.readings[0].document.pseudonym = b""
    finding = the_finding(judge(boards, context=boarding()), "P01")
    assert "the document cannot be looked up" in finding.explanation


def test_p01_says_nothing_of_who_arrives_without_a_manifest_a_document_or_a_pseudonym() -> None:
    assert codes(judge(person(a_document(C)), context=boarding(None))) == []
    assert codes(judge(person(), context=boarding())) == []
    assert codes(judge(person(a_document(b"")), context=boarding())) == []


def test_p01_asks_about_a_person_who_showed_no_document_with_or_without_a_manifest() -> None:
    follower = person()
    follower.missing.add(kind="document", reason="somebody followed another person closely and showed no document")
    for manifest in (MANIFEST, None):
        decision = judge(follower, context=boarding(manifest))
        assert (decision.action, codes(decision)) == (REVIEW, ["P01"])
        assert "followed another person" in decision.findings[0].explanation
    driver = person(lane=passage_pb2.LANE_KIND_VEHICLE)
    driver.missing.add(kind="document", reason="none")
    assert "P01" not in codes(judge(driver, context=boarding()))


def test_p01_does_not_ask_drivers_for_tickets() -> None:
    assert codes(judge(person(a_document(C), lane=passage_pb2.LANE_KIND_VEHICLE), context=boarding())) == []


def test_a_finding_about_a_person_holds_no_more_than_the_start_of_a_pseudonym() -> None:
    finding = the_finding(judge(person(a_document(C)), context=boarding()), "P01")
    assert inputs_of(finding)["document_seen"] == "document 63636363"


@pytest.mark.parametrize(
    ("face", "fires"),
    [
        (a_face(), False),
        (a_face(score=0.4), False),
        (a_face("staffed lane", score=0.39, tries=3), True),
        (a_face("staffed lane", score=None, tries=3), True),
        (a_face("matched", score=0.39), True),
    ],
)
def test_p02_sends_a_face_below_the_threshold_to_the_staffed_lane(face: reading_pb2.Reading, fires: bool) -> None:
    decision = judge(person(face))
    assert codes(decision) == (["P02"] if fires else [])
    assert decision.action == (REVIEW if fires else RELEASE)


def test_p02_goes_by_the_last_try() -> None:
    assert codes(judge(person(a_face("staffed lane", score=0.1), a_face()))) == []


def test_p02_sends_a_document_without_a_face_to_the_staffed_lane_where_faces_are_checked() -> None:
    unseen = person(a_document(A))
    assert codes(judge(unseen, context=boarding())) == []
    unseen.missing.add(kind="face", reason="no face was checked; faces-1 is silent: no picture for 10 s")
    decision = judge(unseen, context=boarding())
    assert (decision.action, codes(decision)) == (REVIEW, ["P02"])
    assert "faces-1 is silent" in decision.findings[0].explanation


def test_p02_says_nothing_of_a_missing_face_without_a_document_or_of_who_went_back() -> None:
    nobody = person()
    nobody.missing.add(kind="face", reason="no face was checked")
    assert codes(judge(nobody, context=boarding())) == []
    back = person(a_document(A))
    back.missing.add(kind="face", reason="the vehicle went back the way it came")
    back.closed_by = passage_pb2.PASSAGE_CLOSING_BACKED_OUT
    assert codes(judge(back, context=boarding())) == []


@pytest.mark.parametrize(("liveness", "fires"), [("attack suspected", True), ("live", False), ("not checked", False)])
def test_p03_asks_a_person_when_an_attack_is_suspected(liveness: str, fires: bool) -> None:
    decision = judge(person(a_face(liveness=liveness)))
    assert codes(decision) == (["P03"] if fires else [])
    assert decision.action == (REVIEW if fires else RELEASE)


@pytest.mark.parametrize(
    ("expires", "fires"),
    [("2025-03-01", False), ("2025-02-28", True), ("", False), ("2025-02-30", False), ("yesterday", False)],
)
def test_p04_takes_a_document_on_its_last_day(expires: str, fires: bool) -> None:
    assert codes(judge(person(a_document(expires=expires)))) == (["P04"] if fires else [])


def test_p04_names_the_check_digits_that_do_not_hold_and_nothing_of_the_document() -> None:
    finding = the_finding(judge(person(a_document(faults=["number", "composite"]))), "P04")
    assert "the check digit of its number does not hold and the check digit of its composite" in finding.explanation


def test_p04_counts_days_in_china_and_only_by_a_clock_that_can_be_believed() -> None:
    evening = a_passage(plates=[], weighings=[], readings=[a_document(expires="2025-03-01")], at=NOON + 4 * HOUR)
    assert codes(judge(evening)) == ["P04"]
    evening.opened.clock = stamp_pb2.CLOCK_STATE_UNSYNCHRONISED
    assert codes(judge(evening)) == []


@pytest.mark.parametrize(
    ("sighting", "fires"),
    [
        (Sighting("P-0", "xiuying", NOON - HOUR, 0, IN), True),
        (Sighting("P-0", "xiuying", NOON - HOUR, 0, passage_pb2.DIRECTION_OUTBOUND), False),
        (Sighting("P-1", "xiuying", NOON - HOUR, 0, IN), False),
        (Sighting("P-0", "xinhai", NOON - 599_000_000_000, 0), True),
        (Sighting("P-0", "xinhai", NOON - 600_000_000_000, 0), False),
        (Sighting("P-0", "xinhai", NOON - 599_000_000_000, None), False),
    ],
)
def test_p05_asks_about_a_document_that_boards_twice_or_travels_too_fast(sighting: Sighting, fires: bool) -> None:
    context = replace(a_context(), document_sightings={A: [sighting]})
    decision = judge(person(a_document(A)), context=context)
    assert codes(decision) == (["P05"] if fires else [])
    assert codes(judge(person(a_document(B)), context=context)) == []


STAY = StayRecord((Crossing(NOON - 3 * DAY, "in"),), (NOON - 10 * DAY, NOON + DAY), inside_before=False)


def test_p08_notes_the_days_of_stay_by_every_way_of_counting() -> None:
    context = replace(a_context(), stays={A: STAY})
    decision = judge(person(a_document(A)), context=context)
    finding = the_finding(decision, "P08")
    assert (decision.action, finding.severity) == (RELEASE, 1)
    assert finding.explanation == "Days of stay: full-days 2, both-ends 4 and midnights 3."
    assert codes(judge(person(a_document(B)), context=context)) == []


def test_p08_gives_least_and_most_where_a_crossing_is_missing() -> None:
    unknown = StayRecord((Crossing(NOON - 3 * DAY, "out", name="P-7"),), (NOON - 10 * DAY, NOON))
    finding = the_finding(judge(person(a_document(A)), context=replace(a_context(), stays={A: unknown})), "P08")
    assert "full-days 0 to 6" in finding.explanation
    assert "1 crossings are missing" in finding.explanation
    assert inputs_of(finding)["missing_crossing"] == "in"


def test_p08_shows_the_ways_that_policy_names() -> None:
    context = replace(a_context(), stays={A: STAY})
    only = Policy.from_toml("[P08]\nboth_ends = 0\nmidnights = 0")
    assert the_finding(judge(person(a_document(A)), context=context, policy=only), "P08").explanation == (
        "Days of stay: full-days 2."
    )
    none = Policy.from_toml("[P08]\nfull_days = 0\nboth_ends = 0\nmidnights = 0")
    assert codes(judge(person(a_document(A)), context=context, policy=none)) == []


@pytest.mark.parametrize(
    ("boarded", "heads", "departure", "found"),
    [
        ([A, B], 2, NOON, []),
        ([A], 1, NOON, ["P06"]),
        ([A], 1, NOON + 1, []),
        ([A], 1, None, []),
        ([A, B], 3, NOON, ["P07"]),
        ([A, B], 1, NOON, ["P07"]),
        ([A, C], 2, NOON, ["P07", "P06"]),
        ([A, B], None, NOON, []),
    ],
)
def test_a_sailing_is_judged_by_its_tickets_and_heads(
    boarded: list[bytes], heads: int | None, departure: int | None, found: list[str]
) -> None:
    findings = after_boarding(MANIFEST, boarded, heads, departure, NOON, Policy.default())
    assert [each.code for each in findings] == found
    assert all(each.action == REVIEW for each in findings)


def test_p07_allows_what_the_counter_may_be_off() -> None:
    policy = Policy.from_toml("[P07]\nheads_allowed = 1")
    assert after_boarding(MANIFEST, [A, B], 3, NOON, NOON, policy) == []
    assert [each.code for each in after_boarding(MANIFEST, [A, B], 4, NOON, NOON, policy)] == ["P07"]


def test_a_vehicle_with_a_booking_may_carry_documents_that_nobody_asks_about() -> None:
    assert codes(judge(a_passage(readings=[a_document(A)]), [a_declaration()])) == []
