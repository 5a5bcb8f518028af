from __future__ import annotations

import pytest

from gate_contract.rules import Policy
from gate_contract.rules.findings import Action
from gate_contract.v1 import decision_pb2, passage_pb2
from tests.unit.gate_contract.rules.builders import (
    HOLD,
    PLATE,
    RELEASE,
    REVIEW,
    a_context,
    a_declaration,
    a_passage,
    a_plate,
    codes,
    inputs_of,
    judge,
    other_bookings,
    the_finding,
)


def test_v01_is_silent_when_the_plate_is_the_booked_one() -> None:
    assert codes(judge(a_passage(), [a_declaration()])) == []


@pytest.mark.parametrize(
    ("read", "severity", "action"),
    [
        ("琼A1234S", 1, RELEASE),  # one look-alike
        ("琼A12346", 2, REVIEW),  # one other character
        ("琼A1234", 2, REVIEW),  # one missing
        ("粤A12345", 2, REVIEW),  # the province
        ("琼A1Z34S", 3, HOLD),  # two look-alikes
        ("琼A1Z346", 3, HOLD),  # one of each
        ("琼A12399", 3, HOLD),  # two others
    ],
)
def test_v01_asks_for_more_the_more_the_plate_differs(read: str, severity: int, action: Action) -> None:
    finding = the_finding(judge(a_passage(plates=[read]), [a_declaration()]), "V01")
    assert (finding.severity, finding.action) == (severity, action)
    assert read in finding.explanation
    assert PLATE in finding.explanation
    assert "D-1 version 1" in finding.explanation


def test_v01_is_silent_three_edits_away_because_then_the_vehicle_is_not_booked() -> None:
    assert "V01" not in codes(judge(a_passage(plates=["琼A99945"]), [a_declaration()]))


def test_v01_notes_a_look_alike_and_lets_the_vehicle_go() -> None:
    decision = judge(a_passage(plates=["琼A1234S"]), [a_declaration()])
    assert (decision.action, codes(decision)) == (RELEASE, ["V01"])
    assert decision.declarations == [decision_pb2.DeclarationRef(declaration_id="D-1", version=1)]


def test_v01_names_both_bookings_when_two_are_one_look_alike_away() -> None:
    bookings = [a_declaration("D-1", plate="琼A1234S"), a_declaration("D-2", plate="琼AI2345")]
    decision = judge(a_passage(), bookings)
    finding = the_finding(decision, "V01")
    assert (finding.severity, decision.action) == (2, REVIEW)
    assert "D-1 version 1" in finding.explanation
    assert "D-2 version 1" in finding.explanation
    assert [reference.declaration_id for reference in decision.declarations] == ["D-1", "D-2"]


def test_v01_holds_when_two_bookings_are_two_edits_away_each() -> None:
    bookings = [a_declaration("D-1", plate="琼A12399"), a_declaration("D-2", plate="琼A12388")]
    decision = judge(a_passage(), bookings)
    assert (the_finding(decision, "V01").severity, decision.action) == (3, HOLD)


def test_v01_asks_a_person_when_one_plate_has_two_bookings_and_judges_no_weight() -> None:
    bookings = [a_declaration("D-1", departure=0), a_declaration("D-2", departure=0, cargo="1000")]
    decision = judge(a_passage(), bookings)
    assert (decision.action, codes(decision)) == (REVIEW, ["V01"])


def test_v01_names_everything_it_looked_at() -> None:
    plates = [a_plate("琼A12346", confidence=0.91), a_plate("", late=True)]
    finding = the_finding(
        judge(a_passage(plates=plates, weighings=["99000"]), [a_declaration(), *other_bookings(20)]), "V01"
    )
    inputs = inputs_of(finding)
    assert inputs["plate_read"] == "琼A12346"
    assert inputs["plate_booked"] == PLATE
    assert inputs["plate_also_read"] == "not read"
    assert (inputs["edits"], inputs["edits_not_look_alike"]) == ("1", "1")
    assert (inputs["open_bookings"], inputs["plates_booked_as_near"]) == ("21", "1")
    assert (inputs["match_within_edits"], inputs["few_bookings"]) == ("2", "10")
    assert inputs["evidence"] == "none"
    assert inputs["difference_kilograms"] == "73850"
    sources = [each.source for each in finding.inputs]
    assert "camera-1, confidence 0.91" in sources
    assert "camera-1, confidence 0.95, late" in sources
    assert "declaration D-1 version 1, departure 2025-03-01T13:00:00Z" in sources


def test_an_unbooked_car_on_a_free_lane_is_not_held_for_a_plate_that_happens_to_be_two_edits_from_a_booking() -> None:
    car = a_passage(plates=["琼A12399"], weighings=["1600"])
    decision = judge(car, [a_declaration(), *other_bookings(50)])
    assert (decision.action, codes(decision)) == (RELEASE, [])
    assert len(decision.declarations) == 0


def test_an_unbooked_car_one_edit_from_a_booking_is_looked_at_but_not_inspected_for_the_other_vehicles_weight() -> None:
    car = a_passage(plates=["琼A12346"], weighings=["1600"])
    decision = judge(car, [a_declaration(), *other_bookings(50)])
    assert (decision.action, codes(decision)) == (REVIEW, ["V01"])
    assert "would differ by -23550 kg and is not judged" in decision.findings[0].explanation


@pytest.mark.parametrize(
    ("plates", "missing", "why"),
    [
        ([""], {}, "the camera saw a vehicle and read nothing"),
        ([], {"plate": "camera silent since 11:58"}, "camera silent since 11:58"),
    ],
)
def test_v01_asks_a_person_when_no_plate_was_read_and_something_is_booked(
    plates: list[str], missing: dict[str, str], why: str
) -> None:
    decision = judge(a_passage(plates=plates, missing=missing), [a_declaration()])
    finding = the_finding(decision, "V01")
    assert (decision.action, finding.severity) == (REVIEW, 2)
    assert finding.explanation == f"No plate to compare with the open bookings (1): {why}."


def test_an_unread_plate_where_nothing_is_booked_is_nothing_to_compare() -> None:
    assert codes(judge(a_passage(plates=[""]), [])) == []


def test_a_free_lane_without_a_camera_lets_pass_and_one_for_regulated_goods_asks_a_person() -> None:
    assert codes(judge(a_passage(plates=[]), [a_declaration()])) == []
    decision = judge(a_passage(plates=[]), [a_declaration()], a_context("regulated"))
    assert (decision.action, codes(decision)) == (REVIEW, ["V01"])


def test_v01_follows_the_policys_reach() -> None:
    policy = Policy.from_toml("[V01]\nmatch_within = 1")
    assert codes(judge(a_passage(plates=["琼A12399"]), [a_declaration()], policy=policy)) == []


@pytest.mark.parametrize(
    "plate", ["琼A12345", "琼AD12345", "琼A12345F", "琼A1234挂", "粤Z1234澳", "WJ琼12345", "224578使"]
)
def test_v02_is_silent_on_plates_of_the_mainland(plate: str) -> None:
    assert codes(judge(a_passage(plates=[plate]))) == []


@pytest.mark.parametrize("plate", ["EL123AB", "琼A1234O", "琼A1234", "琼A123456", "VA12345"])
def test_v02_asks_a_person_to_look_at_any_other(plate: str) -> None:
    decision = judge(a_passage(plates=[plate]))
    finding = the_finding(decision, "V02")
    assert (decision.action, finding.severity) == (REVIEW, 2)
    assert plate in finding.explanation
    assert inputs_of(finding) == {"plate_read": plate}


def test_v02_says_nothing_of_a_plate_that_was_not_read() -> None:
    assert codes(judge(a_passage(plates=["", "··"]))) == []


def test_v02_judges_the_read_that_was_compared() -> None:
    plates = [a_plate("EL123AB", confidence=0.99), a_plate(PLATE, confidence=0.5)]
    assert codes(judge(a_passage(plates=plates), [a_declaration()])) == []
    assert codes(judge(a_passage(plates=plates), [])) == ["V02"]


def test_a_booked_foreign_plate_is_looked_at_for_its_grammar_only() -> None:
    assert codes(judge(a_passage(plates=["EL123AB"]), [a_declaration(plate="EL 123-AB")])) == ["V02"]


def test_a_hostile_plate_is_shown_harmlessly() -> None:
    hostile = "\x1b]0;x\x07" + "琼" * 5000
    finding = the_finding(judge(a_passage(plates=[hostile])), "V02")
    assert "\x1b" not in str(finding)
    assert len(finding.explanation) < 300


def test_many_reads_are_named_only_in_part() -> None:
    plates: list[passage_pb2.PlateRead | str] = ["琼A1234O"] * 200
    assert len(the_finding(judge(a_passage(plates=plates)), "V02").inputs) == 6


def test_one_edit_on_a_lane_without_a_scale_says_that_nothing_else_speaks_for_the_booking() -> None:
    car = a_passage(plates=["琼A12346"], weighings=[])
    finding = the_finding(judge(car, [a_declaration(), *other_bookings(50)]), "V01")
    assert finding.explanation.endswith("; nothing else says that it is this booking.")


TRAILER = "琼A1234挂"


def test_v03_is_silent_when_the_declared_trailer_or_none_was_read() -> None:
    booked = [a_declaration(trailer=TRAILER)]
    for plates in ([PLATE, TRAILER], [PLATE], [PLATE, "琼AI2E4挂".replace("I2E", "I23")]):
        assert "V03" not in codes(judge(a_passage(plates=plates), booked))


@pytest.mark.parametrize("declared", ["琼A9999挂", ""])
def test_v03_asks_a_person_when_another_trailer_was_read(declared: str) -> None:
    decision = judge(a_passage(plates=[PLATE, TRAILER]), [a_declaration(trailer=declared)])
    finding = the_finding(decision, "V03")
    assert (finding.severity, finding.action) == (3, REVIEW)
    assert TRAILER in finding.explanation
    assert declared in finding.explanation
    assert inputs_of(finding)["trailer_read"] == TRAILER


def test_v03_is_silent_where_no_single_booking_is_matched() -> None:
    twice = [a_declaration("D-1", departure=0, trailer="琼A9999挂"), a_declaration("D-2", departure=0)]
    assert "V03" not in codes(judge(a_passage(plates=[PLATE, TRAILER]), twice))
    assert "V03" not in codes(judge(a_passage(plates=[PLATE, TRAILER]), []))
