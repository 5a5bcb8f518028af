from __future__ import annotations

from dataclasses import replace
from typing import Literal

import pytest

from gate_contract.rules import EarlierDecision, JournalDefect, Policy
from gate_contract.v1 import decision_pb2, stamp_pb2
from tests.unit.gate_contract.rules.builders import (
    HOLD,
    NOON,
    RELEASE,
    REVIEW,
    a_context,
    a_declaration,
    a_passage,
    codes,
    inputs_of,
    judge,
    the_finding,
)

ORIGIN = "haikou/agent/gate-1/abcdef"


SECOND = 1_000_000_000


@pytest.mark.parametrize(("bound", "fires"), [(None, False), (2 * SECOND, False), (2 * SECOND + 1, True)])
def test_k01_notes_a_clock_that_may_be_off(bound: int | None, fires: bool) -> None:
    decision = judge(a_passage(bound=bound), [a_declaration()])
    assert (decision.action, codes(decision)) == (RELEASE, ["K01"] if fires else [])


def test_k01_says_so_when_the_time_is_not_used_at_all() -> None:
    late = [a_declaration(lodged=NOON + 1)]
    at_a_minute = judge(a_passage(bound=60 * SECOND), late)
    assert codes(at_a_minute) == ["D04", "K01"]
    beyond = judge(a_passage(bound=60 * SECOND + 1), late)
    assert codes(beyond) == ["K01"]
    assert "its time is not used" in the_finding(beyond, "K01").explanation


def test_k01_leaves_a_clock_that_nobody_sets_as_it_is() -> None:
    free = stamp_pb2.CLOCK_STATE_UNSYNCHRONISED
    assert codes(judge(a_passage(clock=free), [a_declaration()])) == []
    assert codes(judge(a_passage(clock=free, bound=16 * SECOND), [a_declaration()])) == []


@pytest.mark.parametrize("bound", [86_400 * SECOND, 2**64 - 1])
def test_k01_survives_any_bound(bound: int) -> None:
    assert "more than a day" in the_finding(judge(a_passage(bound=bound)), "K01").explanation


def test_k02_tells_what_was_late_and_what_had_been_decided() -> None:
    earlier = EarlierDecision("declaration D-1 version 2 received", HOLD, NOON)
    decision = judge(a_passage(), [a_declaration(version=2)], a_context(earlier=earlier))
    finding = the_finding(decision, "K02")
    assert (decision.action, finding.severity, codes(decision)) == (REVIEW, 1, ["K02"])
    assert finding.explanation == ("Judged again: declaration D-1 version 2 received; the earlier decision was hold.")
    assert inputs_of(finding) == {"late": "declaration D-1 version 2 received", "earlier_action": "hold"}
    assert finding.inputs[1].source == "decided 2025-03-01T12:00:00Z"


def test_k02_is_silent_at_the_first_decision() -> None:
    assert codes(judge(a_passage(), [a_declaration()], a_context())) == []


@pytest.mark.parametrize("action", decision_pb2.Action.values())
def test_k02_survives_any_earlier_action_and_no_reason(action: decision_pb2.Action.ValueType) -> None:
    decision = judge(a_passage(), [a_declaration()], a_context(earlier=EarlierDecision("", action, 0)))
    assert "no reason was recorded" in the_finding(decision, "K02").explanation


@pytest.mark.parametrize("kind", ["gap", "fork"])
def test_k03_holds_a_passage_whose_journal_is_not_whole(kind: Literal["gap", "fork"]) -> None:
    defects = (JournalDefect(kind, ORIGIN, 41, "two roots for size 42"),)
    decision = judge(a_passage(), [a_declaration()], a_context(defects=defects))
    finding = the_finding(decision, "K03")
    assert (decision.action, finding.severity) == (HOLD, 4)
    assert f"{kind} at record 41 of {ORIGIN}" in finding.explanation
    assert finding.inputs[0].source == f"{ORIGIN}: two roots for size 42"


def test_k03_is_silent_while_the_journal_is_whole() -> None:
    decision = judge(a_passage(), [a_declaration()], a_context(defects=()))
    assert (decision.action, codes(decision)) == (RELEASE, [])


def test_k03_names_a_few_of_many_defects() -> None:
    defects = tuple(JournalDefect("gap", ORIGIN, index) for index in range(100))
    finding = the_finding(judge(a_passage(), [], a_context(defects=defects)), "K03")
    assert "and 95 more" in finding.explanation
    assert len(finding.inputs) == 5


@pytest.mark.parametrize(("age_s", "fires"), [(None, False), (12 * 3600, False), (12 * 3600 + 1, True)])
def test_k05_asks_a_person_when_the_gate_knows_too_little_that_is_new(age_s: int | None, fires: bool) -> None:
    decision = judge(a_passage(), [a_declaration()], a_context(reference_age_s=age_s))
    assert (decision.action, codes(decision)) == ((REVIEW, ["K05"]) if fires else (RELEASE, []))


def test_k05_asks_a_person_at_a_gate_that_never_got_reference_data() -> None:
    context = replace(a_context(), reference_awaited=True)
    finding = the_finding(judge(a_passage(), [a_declaration()], context), "K05")
    assert (finding.action, finding.severity) == (REVIEW, 2)
    assert "never got reference data" in finding.explanation


def test_k05_allows_what_policy_allows() -> None:
    context = a_context(reference_age_s=3 * 3600)
    strict = Policy.from_toml("[K05]\nmost_hours = 2")
    finding = the_finding(judge(a_passage(), [a_declaration()], context, strict), "K05")
    assert "3.0 h old; policy allows 2 h" in finding.explanation
