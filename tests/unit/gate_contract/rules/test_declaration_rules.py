from __future__ import annotations

import pytest

from gate_contract.rules import Policy, unseen
from gate_contract.v1 import decision_pb2, stamp_pb2
from tests.unit.gate_contract.rules.builders import (
    HOLD,
    HOUR,
    NOON,
    RELEASE,
    REVIEW,
    a_context,
    a_declaration,
    a_passage,
    codes,
    inputs_of,
    judge,
    other_bookings,
    the_finding,
)

DEFAULT = Policy.default()
DEPARTURE = NOON + HOUR


def test_d02_holds_an_undeclared_vehicle_on_a_lane_for_regulated_goods() -> None:
    decision = judge(a_passage(), [], a_context("regulated"))
    finding = the_finding(decision, "D02")
    assert (decision.action, finding.severity, codes(decision)) == (HOLD, 3, ["D02"])
    assert len(decision.declarations) == 0


def test_on_a_lane_for_free_goods_a_missing_declaration_is_no_finding() -> None:
    decision = judge(a_passage(), [], a_context("free"))
    assert (decision.action, codes(decision)) == (RELEASE, [])


def test_d02_is_silent_for_a_declared_vehicle() -> None:
    assert codes(judge(a_passage(), [a_declaration()], a_context("regulated"))) == []


def test_d02_is_silent_when_a_booking_is_near_enough_for_v01() -> None:
    assert codes(judge(a_passage(plates=["琼A12346"]), [a_declaration()], a_context("regulated"))) == ["V01"]


def test_d02_names_a_booking_two_edits_away_that_nothing_else_speaks_for() -> None:
    passage = a_passage(plates=["琼A12399"], weighings=["40000"])
    decision = judge(passage, [a_declaration(), *other_bookings(50)], a_context("regulated"))
    finding = the_finding(decision, "D02")
    assert (decision.action, codes(decision)) == (HOLD, ["D02"])
    assert "琼A12345 (D-1 version 1)" in finding.explanation
    assert inputs_of(finding)["plate_passed_over"] == "琼A12345"


def test_an_unread_plate_is_no_missing_declaration_while_something_is_booked() -> None:
    passage = a_passage(plates=[""])
    assert judge(passage, [a_declaration()], a_context("regulated")).action == REVIEW
    decision = judge(passage, [], a_context("regulated"))
    assert (decision.action, codes(decision)) == (HOLD, ["D02"])


def test_a_declaration_for_another_site_or_day_does_not_declare_this_passage() -> None:
    for declaration in (a_declaration(site="xinhai"), a_declaration(departure=NOON + 37 * HOUR)):
        assert codes(judge(a_passage(), [declaration], a_context("regulated"))) == ["D02"]


def test_a_declaration_lodged_after_the_passage_declares_it_and_d04_says_so() -> None:
    late = a_declaration(departure=0, lodged=NOON + 20 * HOUR)
    decision = judge(a_passage(), [late], a_context("regulated"))
    assert (decision.action, codes(decision)) == (REVIEW, ["D04"])
    assert "D-1 version 1" in decision.findings[0].explanation


@pytest.mark.parametrize(("lodged", "fires"), [(NOON - 1, False), (NOON, False), (NOON + 1, True), (0, False)])
def test_d04_fires_when_it_was_lodged_after_the_vehicle_had_come(lodged: int, fires: bool) -> None:
    assert ("D04" in codes(judge(a_passage(), [a_declaration(lodged=lodged)]))) == fires


def test_d04_names_only_those_of_a_trips_declarations_that_were_late() -> None:
    booked = [a_declaration("D-1"), a_declaration("D-2", lodged=NOON + HOUR)]
    finding = the_finding(judge(a_passage(), booked), "D04")
    assert "D-2 version 1" in finding.explanation
    assert "D-1 version 1" not in finding.explanation


def test_d04_is_silent_where_the_gates_clock_cannot_be_believed_or_nothing_is_booked() -> None:
    late = a_declaration(lodged=NOON + HOUR)
    assert "D04" not in codes(judge(a_passage(clock=stamp_pb2.CLOCK_STATE_UNSYNCHRONISED), [late]))
    assert "D04" not in codes(judge(a_passage(plates=["粤B99999"]), [late]))


def test_d02_tells_how_old_the_gates_declarations_were() -> None:
    finding = the_finding(judge(a_passage(), [], a_context("regulated", reference_age_s=90)), "D02")
    assert inputs_of(finding)["reference_age_seconds"] == "90"


@pytest.mark.parametrize(("after", "fires"), [(24 * HOUR - 1, False), (24 * HOUR, False), (24 * HOUR + 1, True)])
def test_d01_fires_once_departure_and_grace_are_over(after: int, fires: bool) -> None:
    found = unseen([a_declaration()], set(), DEPARTURE + after, DEFAULT)
    assert [finding.code for _declaration, finding in found] == (["D01"] if fires else [])


def test_d01_asks_a_person_and_names_the_version_and_the_deadline() -> None:
    ((declaration, finding),) = unseen([a_declaration(version=2)], set(), DEPARTURE + 25 * HOUR, DEFAULT)
    assert declaration == a_declaration(version=2)
    assert (finding.severity, finding.action) == (2, REVIEW)
    assert finding.explanation == (
        "Declaration D-1 version 2 for 琼A12345: nothing was seen of it by 2025-03-02T13:00:00Z, 24 h after departure."
    )
    assert inputs_of(finding)["now_utc"] == "2025-03-02T14:00:00Z"


def test_d01_is_silent_for_a_declaration_that_was_seen() -> None:
    assert unseen([a_declaration()], {"D-1"}, DEPARTURE + 99 * HOUR, DEFAULT) == []


def test_d01_is_silent_without_a_departure_because_there_is_no_deadline() -> None:
    assert unseen([a_declaration(departure=0)], set(), DEPARTURE + 999 * HOUR, DEFAULT) == []


def test_d01_judges_the_latest_version_only_in_order_of_ids() -> None:
    declarations = [
        a_declaration("D-2", departure=DEPARTURE),
        a_declaration("D-1", version=1, departure=DEPARTURE + 900 * HOUR),
        a_declaration("D-1", version=2, departure=DEPARTURE),
        a_declaration("D-3", version=2, departure=DEPARTURE + 900 * HOUR),
        a_declaration("D-3", version=1, departure=DEPARTURE),
    ]
    found = unseen(declarations, set(), DEPARTURE + 25 * HOUR, DEFAULT)
    assert [(declaration.declaration_id, declaration.version) for declaration, _finding in found] == [
        ("D-1", 2),
        ("D-2", 1),
    ]
    assert found == unseen(declarations[::-1], set(), DEPARTURE + 25 * HOUR, DEFAULT)


def test_d01_follows_the_policys_grace() -> None:
    policy = Policy.from_toml("[D01]\ngrace_hours = 1")
    assert len(unseen([a_declaration()], set(), DEPARTURE + HOUR + 1, policy)) == 1
    assert unseen([a_declaration()], set(), DEPARTURE + HOUR, policy) == []


def test_d01_answers_at_any_moment_for_any_departure() -> None:
    declarations = [a_declaration("D-1", departure=-(2**63)), a_declaration("D-2", departure=2**63 - 1)]
    assert unseen(declarations, set(), 2**63 - 1, DEFAULT) == []
    found = unseen([a_declaration(departure=1, plate="")], set(), 2**63 - 1, DEFAULT)
    assert isinstance(found[0][1], decision_pb2.Finding)
    assert "a vehicle without a plate" in found[0][1].explanation
