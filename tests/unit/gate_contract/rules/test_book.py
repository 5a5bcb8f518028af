from __future__ import annotations

import contextlib
import random

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given, settings
from hypothesis import strategies as st

from gate_contract.rules import (
    RULE_BOOK_HASH,
    RULES,
    BookingIndex,
    Context,
    EarlierDecision,
    Policy,
    decide,
    seen_by,
    unseen,
)
from gate_contract.v1 import decision_pb2, declaration_pb2, passage_pb2
from tests.unit.gate_contract.rules.arbitrary import contexts, declarations_of_any_kind, passages
from tests.unit.gate_contract.rules.builders import (
    HOLD,
    HOUR,
    INSPECT,
    NOON,
    RELEASE,
    REVIEW,
    a_context,
    a_declaration,
    a_passage,
    codes,
    judge,
    other_bookings,
)

POLICY = Policy.default()


def test_the_table_is_the_book() -> None:
    assert [rule.code for rule in RULES] == [
        "V01", "V02", "V03", "V04", "V05", "V06", "C01", "C02", "C03", "C05", "C06", "C07",
        "W01", "W02", "W03", "W04", "W05", "X01", "X02", "X03", "P01", "P02", "P03", "P04", "P05", "P08",
        "D02", "D03", "D04", "D05", "D06", "M01", "M02", "M03", "S01", "R01", "O01", "O02", "K01", "K02", "K03", "K05",
        "D01", "P06", "P07",
    ]  # fmt: skip
    for rule in RULES:
        assert rule.title
        assert 1 <= rule.severities[0] <= rule.severities[1] <= 4
        assert rule.action in (RELEASE, REVIEW, INSPECT, HOLD)


def test_findings_come_gravest_first_and_the_strictest_action_wins() -> None:
    context = a_context("regulated", earlier=EarlierDecision("late", RELEASE, NOON))
    decision = judge(a_passage(plates=["EL123AB"]), [], context)
    assert [(finding.code, finding.severity) for finding in decision.findings] == [("D02", 3), ("V02", 2), ("K02", 1)]
    assert decision.action == HOLD


def test_a_hold_is_not_lifted_by_another_finding_as_grave_that_asks_for_less() -> None:
    decision = judge(a_passage(plates=["琼A12399"], weighings=["40000"]), [a_declaration()])
    assert [(finding.code, finding.action) for finding in decision.findings] == [("V01", HOLD), ("W01", INSPECT)]
    assert decision.action == HOLD


def test_an_inspection_outweighs_a_review() -> None:
    decision = judge(a_passage(plates=["琼A12346"], weighings=["40000"]), [a_declaration()])
    assert (decision.action, codes(decision)) == (INSPECT, ["W01", "V01"])


def test_a_decision_names_book_policy_versions_age_and_time() -> None:
    declarations = [a_declaration(version=1, cargo="1"), a_declaration(version=4)]
    decision = judge(a_passage(), declarations, a_context(reference_age_s=12))
    assert decision == decision_pb2.Decision(
        action=RELEASE,
        rule_book=RULE_BOOK_HASH,
        policy=POLICY.hash,
        declarations=[decision_pb2.DeclarationRef(declaration_id="D-1", version=4)],
        reference_age_s=12,
        decided_unix_ns=NOON + HOUR,
    )


def test_the_collector_has_no_age_of_reference_data_and_a_clock_set_back_has_none_below_0() -> None:
    assert not judge(a_passage(), []).HasField("reference_age_s")
    assert judge(a_passage(), [], a_context(reference_age_s=-3)).reference_age_s == 0


def test_a_later_version_replaces_the_plate_the_vehicle_is_booked_under() -> None:
    declarations = [a_declaration(version=1), a_declaration(version=2, plate="琼B99999")]
    assert codes(judge(a_passage(), declarations, a_context("regulated"))) == ["D02"]


def test_a_vehicle_is_seen_when_its_plate_is_not_in_question() -> None:
    assert seen_by(judge(a_passage(), [a_declaration()])) == {"D-1"}
    assert seen_by(judge(a_passage(plates=["琼A1234S"]), [a_declaration()])) == {"D-1"}
    assert seen_by(judge(a_passage(weighings=["40000"]), [a_declaration()])) == {"D-1"}
    assert seen_by(judge(a_passage(plates=["琼A12346"]), [a_declaration()])) == frozenset()
    assert seen_by(judge(a_passage(), [])) == frozenset()


def test_a_passage_that_fits_very_many_bookings_names_a_hundred() -> None:
    decision = judge(a_passage(), [a_declaration(f"D-{number:03d}", departure=0) for number in range(150)])
    assert (decision.action, len(decision.declarations)) == (REVIEW, 100)
    assert len(decision.SerializeToString()) < 10_000


def test_among_many_declarations_an_index_gives_the_same_decision() -> None:
    chance = random.Random(3)
    crowd = [
        a_declaration(f"X-{number}", plate="琼A" + "".join(chance.choices("0123456789", k=5)), departure=NOON)
        for number in range(1_100)
    ]
    index = BookingIndex(crowd)
    for _ in range(6):
        passage = a_passage(plates=["琼A" + "".join(chance.choices("0123456789", k=5))])
        assert judge(passage, index) == judge(passage, crowd)


@settings(max_examples=60, deadline=None)
@given(passages, declarations_of_any_kind, contexts, st.randoms(use_true_random=False))
def test_every_input_leads_to_one_of_four_actions_and_the_same_input_to_the_same_bytes(
    passage: passage_pb2.Passage,
    declarations: list[declaration_pb2.Declaration],
    context: Context,
    chance: random.Random,
) -> None:
    decision = decide(passage, declarations, context, POLICY)
    assert decision.action in (RELEASE, REVIEW, INSPECT, HOLD)
    assert decision.action == max((finding.action for finding in decision.findings), default=RELEASE)
    for finding in decision.findings:
        (rule,) = [rule for rule in RULES if rule.code == finding.code]
        assert rule.severities[0] <= finding.severity <= rule.severities[1]
        assert finding.action <= rule.action
        assert finding.explanation.endswith(".")
        assert finding.tolerance
    assert [finding.severity for finding in decision.findings] == sorted(
        (finding.severity for finding in decision.findings), reverse=True
    )
    sealed = decision.SerializeToString(deterministic=True)
    shuffled = chance.sample(declarations, len(declarations))
    assert decide(passage, shuffled, context, POLICY).SerializeToString(deterministic=True) == sealed
    assert decide(passage, BookingIndex(shuffled), context, POLICY).SerializeToString(deterministic=True) == sealed


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=60), st.binary(max_size=60))
def test_whatever_parses_as_messages_is_decided(raw_passage: bytes, raw_declaration: bytes) -> None:
    passage, declaration = a_passage(), a_declaration()
    with contextlib.suppress(DecodeError):  # what was decoded before the error stays in the message
        passage.MergeFromString(raw_passage)
    with contextlib.suppress(DecodeError):
        declaration.MergeFromString(raw_declaration)
    assert decide(passage, [declaration], a_context(), POLICY).action in (RELEASE, REVIEW, INSPECT, HOLD)


@settings(max_examples=30, deadline=None)
@given(declarations_of_any_kind, st.integers(-(2**63), 2**63 - 1), st.sets(st.sampled_from(["D-1", "D-2", ""])))
def test_every_declaration_is_unseen_or_not(
    declarations: list[declaration_pb2.Declaration], now_unix_ns: int, seen: set[str]
) -> None:
    found = unseen(declarations, seen, now_unix_ns, POLICY)
    assert found == unseen(declarations[::-1], seen, now_unix_ns, POLICY)
    assert not {declaration.declaration_id for declaration, _finding in found} & seen


@pytest.mark.parametrize("action", [RELEASE, REVIEW, INSPECT, HOLD])
def test_the_earlier_action_does_not_change_the_new_one(action: decision_pb2.Action.ValueType) -> None:
    context = a_context(earlier=EarlierDecision("late", action, NOON))
    assert judge(a_passage(), [a_declaration(), *other_bookings(3)], context).action == REVIEW
