"""A gate's own decision."""

from __future__ import annotations

from dataclasses import replace

from edge_agent.decide.known import Known
from edge_agent.decide.vehicle import REMEMBERED, Judge
from edge_agent.model.moment import Moment, MonoNs, WallNs
from gate_contract.rules import RULE_BOOK_HASH, BookingIndex, Policy
from gate_contract.v1.decision_pb2 import ACTION_HOLD, ACTION_RELEASE, ACTION_REVIEW
from gate_contract.v1.passage_pb2 import (
    PASSAGE_CLOSING_BACKED_OUT,
    PASSAGE_CLOSING_COMPLETE,
    Passage,
    PassageClosing,
    PlateRead,
)
from gate_contract.v1.reading_pb2 import InputChanged

NOW = Moment(WallNs(1_790_000_000_000_000_000), MonoNs(1), bytes(16), synchronised=True)


def judge(goods: str = "regulated", age_s: int | None = 3) -> Judge:
    policy = Policy.default()
    index = BookingIndex([])
    if goods == "free":
        return Judge("haikou", "free", policy, lambda _now: Known(index, age_s))
    return Judge("haikou", "regulated", policy, lambda _now: Known(index, age_s))


def passage(passage_id: str = "P1", reason: str = "") -> Passage:
    return Passage(passage_id=passage_id, revision=1, plates=[PlateRead(text="粤B12345")], revision_reason=reason)


def test_a_decision_names_its_rule_book_policy_and_the_age_of_its_reference() -> None:
    decision = judge()(passage(), NOW)
    assert decision.action == ACTION_HOLD
    assert decision.rule_book == RULE_BOOK_HASH
    assert decision.policy == Policy.default().hash
    assert decision.reference_age_s == 3
    assert decision.decided_unix_ns == NOW.wall


def test_reference_that_was_never_fetched_has_no_age() -> None:
    assert not judge(age_s=None)(passage(), NOW).HasField("reference_age_s")


def test_an_undeclared_vehicle_on_a_lane_with_free_goods_is_released() -> None:
    assert judge("free")(passage(), NOW).action == ACTION_RELEASE


def test_a_revision_says_that_it_supersedes_and_why() -> None:
    decide = judge("free")
    decide(passage(), NOW)
    again = decide(passage(reason="the plate came late"), NOW)
    assert again.action == ACTION_REVIEW
    assert [finding.code for finding in again.findings] == ["K02"]
    assert "the plate came late" in again.findings[0].explanation


def left(closed_by: PassageClosing.ValueType = PASSAGE_CLOSING_COMPLETE, *, plate_late: bool = False) -> Passage:
    """The second revision of P1: the exit loop went after the decision."""
    revised = passage(reason="the vehicle has left")
    revised.revision, revised.closed_by, revised.plates[0].late = 2, closed_by, plate_late
    revised.readings.add(device_id="io", input=InputChanged(name="loop-out", active=True))
    revised.late_readings.append(0)
    return revised


def test_a_vehicle_that_was_released_and_only_left_stays_released() -> None:
    decide = judge("free")
    decide(passage(), NOW)
    gone = decide(left(), NOW)
    assert (gone.action, list(gone.findings)) == (ACTION_RELEASE, [])


def test_one_that_went_back_or_whose_plate_was_late_is_looked_at() -> None:
    for revised in (left(PASSAGE_CLOSING_BACKED_OUT), left(plate_late=True)):
        decide = judge("free")
        decide(passage(), NOW)
        assert [finding.code for finding in decide(revised, NOW).findings] == ["K02"]


def reread(text: str) -> Passage:
    """The second revision of P1: its plate was read once more, after the decision."""
    revised = passage(reason="the plate was read otherwise, and surer")
    revised.revision = 2
    revised.plates.add(text=text, late=True)
    return revised


def test_a_read_more_of_a_plate_stops_nobody_whom_all_reads_release_for_the_same() -> None:
    decide = judge("free")
    decide(passage(), NOW)
    again = decide(reread("粤B1234S"), NOW)
    assert (again.action, list(again.findings)) == (ACTION_RELEASE, [])


def test_a_trailers_plate_that_came_late_or_a_read_that_makes_a_difference_is_looked_at() -> None:
    decide = judge("free")
    decide(passage(), NOW)
    assert [finding.code for finding in decide(reread("粤B123挂"), NOW).findings] == ["K02"]
    decide = judge("free")
    broken = passage()
    broken.plates[0].text = "粤B1234"
    assert [finding.code for finding in decide(broken, NOW).findings] == ["V02"]
    assert "K02" in [finding.code for finding in decide(reread("粤B12345"), NOW).findings]


def test_only_the_last_few_decisions_are_remembered() -> None:
    decide = judge("free")
    decide(passage("old"), NOW)
    for number in range(REMEMBERED):
        decide(passage(f"P{number}"), NOW)
    assert decide(passage("old", reason="late"), NOW).action == ACTION_RELEASE


def test_the_collectors_policy_takes_the_place_of_the_sites_own() -> None:
    sent = Policy.from_toml("[K05]\nmost_hours = 1\n")
    own = Policy.default()
    known = Known(BookingIndex([]), 2 * 3600)
    assert Judge("haikou", "free", own, lambda _now: known)(passage(), NOW).action == ACTION_RELEASE
    decision = Judge("haikou", "free", own, lambda _now: replace(known, policy=sent))(passage(), NOW)
    assert (decision.policy, [finding.code for finding in decision.findings]) == (sent.hash, ["K05"])


def test_what_was_decided_is_told_for_those_that_come_after() -> None:
    told = []
    known = Known(BookingIndex([]), 3)
    Judge("haikou", "free", Policy.default(), lambda _now: known, lambda *each: told.append(each))(passage(), NOW)
    [(of, decision)] = told
    assert (of.passage_id, decision.action) == ("P1", ACTION_RELEASE)
