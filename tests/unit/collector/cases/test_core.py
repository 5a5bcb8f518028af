from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.cases.asking import Asked, escalate, follow, new_deadline, next_event
from collector.cases.core import COLLECTOR, Case, CaseError, apply, case_id_of, replay
from collector.cases.policy import HOUR, CasePolicy
from gate_contract.v1 import case_pb2 as pb
from gate_contract.v1.decision_pb2 import ACTION_HOLD, ACTION_INSPECT, ACTION_RELEASE, ACTION_REVIEW, Finding, Input

POLICY = CasePolicy()
NOW = 1_772_337_600_000_000_000
WORDS: dict[str, Any] = {"sealed_text": b"ciphertext", "key_id": "case-1"}

W01 = Finding(code="W01", action=ACTION_INSPECT, severity=3, explanation="3 t too heavy")
C07 = Finding(code="C07", action=ACTION_HOLD, severity=4, explanation="a seal is broken")
K02 = Finding(code="K02", action=ACTION_REVIEW, severity=1, explanation="judged again")
NOTE = Finding(code="K01", action=ACTION_RELEASE, severity=1, explanation="the clock is 3 s off")


def about(*findings: Finding, evidence: tuple[bytes, ...] = (), acted: bool = False) -> Asked:
    return Asked("P-1", "passage", "customs", findings, evidence, acted)


def opened(*findings: Finding, now: int = NOW) -> Case:
    case = replay(follow(None, about(*(findings or (W01,))), POLICY, now))
    assert case is not None
    return case


def then(case: Case, kind: pb.CaseEventKind.ValueType, actor: str = COLLECTOR, now: int = NOW, **fields: Any) -> Case:
    return apply(case, next_event(case, kind, now, actor, **fields))


def assigned(case: Case, officer: str = "O-1") -> Case:
    return then(case, pb.CASE_EVENT_KIND_ASSIGNED, officer, assignee=officer)


def decided(case: Case, outcome: pb.CaseOutcome.ValueType = pb.CASE_OUTCOME_ERROR, officer: str = "O-1") -> Case:
    return then(case, pb.CASE_EVENT_KIND_DECIDED, officer, outcome=outcome, **WORDS)


def test_findings_that_ask_for_a_person_open_a_case_with_a_deadline_by_the_gravest() -> None:
    [event] = follow(None, about(NOTE, W01, C07), POLICY, NOW)
    case = replay([event])
    assert case is not None
    assert case.case_id == case_id_of("passage", "P-1")
    assert [each.code for each in case.findings] == ["C07", "W01"]
    assert (case.severity, case.authority, case.state) == (4, "customs", "open")
    assert case.deadline_ns == NOW + 4 * HOUR


def test_findings_that_ask_for_nobody_open_none() -> None:
    assert follow(None, about(NOTE), POLICY, NOW) == []
    assert follow(None, about(), POLICY, NOW) == []
    assert follow(None, about(K02), POLICY, NOW) == [], "judged again, and nothing else is found"


def test_evidence_is_added_once() -> None:
    events = follow(None, about(W01, evidence=(b"a" * 32, b"b" * 32)), POLICY, NOW)
    case = replay(events)
    assert case is not None
    assert case.evidence == {b"a" * 32, b"b" * 32}
    later = follow(case, about(W01, evidence=(b"a" * 32, b"c" * 32)), POLICY, NOW + 1)
    assert [event.evidence_sha256 for event in later] == [b"c" * 32]


def test_a_case_is_decided_by_who_has_it_with_words() -> None:
    case = opened()
    with pytest.raises(CaseError, match="nobody has it; give it to O-1 first"):
        decided(case)
    case = assigned(case)
    with pytest.raises(CaseError, match="officer O-1 has it; give it to O-2 first"):
        decided(case, officer="O-2")
    with pytest.raises(CaseError, match="a decision needs words"):
        then(case, pb.CASE_EVENT_KIND_DECIDED, "O-1", outcome=pb.CASE_OUTCOME_ERROR)
    with pytest.raises(CaseError, match="a decision has an outcome"):
        then(case, pb.CASE_EVENT_KIND_DECIDED, "O-1", **WORDS)
    done = decided(case)
    assert (done.state, done.outcome, done.decided_ns) == ("decided", pb.CASE_OUTCOME_ERROR, NOW)


def test_a_decided_case_is_closed_until_somebody_opens_it_again() -> None:
    case = decided(assigned(opened()))
    acts: list[Callable[[], Case]] = [lambda: decided(case), lambda: assigned(case, "O-2")]
    for again in acts:
        with pytest.raises(CaseError, match="open it again first"):
            again()
    with pytest.raises(CaseError, match="its new deadline is not after"):
        then(case, pb.CASE_EVENT_KIND_REOPENED, "O-2", deadline_unix_ns=case.deadline_ns, **WORDS)
    deadline = new_deadline(case, POLICY, NOW + HOUR)
    assert deadline == NOW + HOUR + POLICY.span_ns(case.severity), "one new span"
    assert new_deadline(case, POLICY, NOW - 24 * HOUR) > case.deadline_ns, "never earlier"
    with pytest.raises(CaseError, match="opening it again needs words"):
        then(case, pb.CASE_EVENT_KIND_REOPENED, "O-2", deadline_unix_ns=deadline)
    again_open = then(case, pb.CASE_EVENT_KIND_REOPENED, "O-2", NOW + HOUR, deadline_unix_ns=deadline, **WORDS)
    assert (again_open.state, again_open.assignee, again_open.level, again_open.openings) == ("open", "", 0, 2)
    assert again_open.decided_ns is None


def test_an_officer_is_drawn_once_in_each_opening_and_named_any_time() -> None:
    case = then(opened(), pb.CASE_EVENT_KIND_ASSIGNED, assignee="O-1")
    assert case.drawn
    with pytest.raises(CaseError, match="drawn already"):
        then(case, pb.CASE_EVENT_KIND_ASSIGNED, assignee="O-2")
    assert then(case, pb.CASE_EVENT_KIND_ASSIGNED, "O-1", assignee="O-2").assignee == "O-2"


def test_a_case_without_findings_is_closed_by_itself_while_nobody_had_to_do_with_it() -> None:
    events = follow(opened(), about(NOTE), POLICY, NOW + 1)
    assert [event.kind for event in events] == [pb.CASE_EVENT_KIND_FINDINGS_CHANGED, pb.CASE_EVENT_KIND_DECIDED]
    assert events[-1].actor == COLLECTOR
    assert events[-1].outcome == pb.CASE_OUTCOME_UNFOUNDED


@pytest.mark.parametrize("how", ["assigned", "commented", "at the gate"])
def test_a_case_that_somebody_had_to_do_with_is_left_to_a_person(how: str) -> None:
    case = opened()
    if how == "assigned":
        case = assigned(case)
    elif how == "commented":
        case = then(case, pb.CASE_EVENT_KIND_COMMENTED, "O-1", **WORDS)
    events = follow(case, about(acted=how == "at the gate"), POLICY, NOW + 1)
    assert [event.kind for event in events] == [pb.CASE_EVENT_KIND_FINDINGS_CHANGED]


def test_what_a_person_has_decided_on_does_not_open_a_case_again_and_what_is_new_does() -> None:
    case = decided(assigned(opened(W01)))
    gone = replay_on(case, follow(case, about(), POLICY, NOW + 1))
    assert not gone.is_open
    back = replay_on(gone, follow(gone, about(W01), POLICY, NOW + 2))
    assert not back.is_open
    worse = follow(back, about(W01, C07), POLICY, NOW + 3)
    assert [event.kind for event in worse] == [pb.CASE_EVENT_KIND_FINDINGS_CHANGED, pb.CASE_EVENT_KIND_REOPENED]
    assert replay_on(back, worse).is_open


def test_another_gap_in_a_journal_and_another_order_are_other_matters() -> None:
    def found(code: str, name: str, value: str) -> Finding:
        return Finding(code=code, action=ACTION_HOLD, severity=4, inputs=[Input(name=name, value=value)])

    for code, name in (("K03", "record_index"), ("O01", "order")):
        case = decided(assigned(opened(found(code, name, "17"))))
        assert follow(case, about(found(code, name, "17")), POLICY, NOW + 1) == []
        events = follow(case, about(found(code, name, "17"), found(code, name, "40")), POLICY, NOW + 1)
        assert replay_on(case, events).is_open


def test_what_the_collector_closed_opens_again_when_the_finding_is_back() -> None:
    case = opened(W01)
    closed = replay_on(case, follow(case, about(), POLICY, NOW + 1))
    assert not closed.is_open
    assert replay_on(closed, follow(closed, about(W01), POLICY, NOW + 2)).is_open


def test_a_finding_that_only_words_itself_anew_changes_nothing() -> None:
    other = Finding(code="W01", action=ACTION_INSPECT, severity=3, explanation="3.1 t too heavy")
    assert follow(opened(W01), about(other), POLICY, NOW + 1) == []


def test_a_deadline_that_goes_by_escalates_level_by_level_and_then_no_more() -> None:
    case = opened(W01)
    assert escalate(case, POLICY, case.deadline_ns - 1) is None
    levels = []
    for _ in range(5):
        event = escalate(case, POLICY, case.deadline_ns)
        if event is None:
            break
        case = apply(case, event)
        levels.append(case.level)
    assert levels == [1, 2, 3]
    assert case.overdue
    assert escalate(case, POLICY, case.deadline_ns + 1000 * HOUR) is None


def test_a_case_that_was_left_alone_for_long_is_escalated_from_then_on() -> None:
    case = opened(W01)
    late = case.deadline_ns + 500 * HOUR
    event = escalate(case, POLICY, late)
    assert event is not None
    assert event.deadline_unix_ns == late + 24 * HOUR


def test_a_clock_that_was_set_back_does_not_turn_the_story_round() -> None:
    case = opened()
    assert next_event(case, pb.CASE_EVENT_KIND_COMMENTED, NOW - HOUR, "O-1", **WORDS).at_unix_ns == NOW


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"sequence": 7}, "cannot follow 1"),
        ({"at_unix_ns": NOW - 1}, "earlier than the one before"),
        ({"case_id": "C-0000000000000000"}, "none of its own"),
        ({"actor": ""}, "names nobody"),
        ({"kind": pb.CASE_EVENT_KIND_OPENED}, "cannot follow"),
        ({"kind": pb.CASE_EVENT_KIND_UNSPECIFIED}, "cannot follow"),
        ({"kind": pb.CASE_EVENT_KIND_EVIDENCE_ADDED, "evidence_sha256": b"short"}, "32 bytes"),
    ],
)
def test_an_event_that_cannot_follow_is_refused_with_the_reason(change: dict[str, Any], why: str) -> None:
    case = opened()
    event = next_event(case, pb.CASE_EVENT_KIND_COMMENTED, NOW, "O-1", **WORDS)
    for name, value in change.items():
        setattr(event, name, value)
    with pytest.raises(CaseError, match=why):
        apply(case, event)


def replay_on(case: Case, events: list[pb.CaseEvent]) -> Case:
    for event in events:
        case = apply(case, event)
    return case


ANY_EVENT = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(sorted(pb.CaseEventKind.values())),
        "actor": st.sampled_from([COLLECTOR, "O-1", "O-2", ""]),
        "after": st.integers(-HOUR, 100 * HOUR),
        "assignee": st.sampled_from(["", "O-1", "O-2"]),
        "level": st.integers(0, 4),
        "outcome": st.sampled_from(sorted(pb.CaseOutcome.values())),
        "deadline": st.integers(-HOUR, 200 * HOUR),
        "words": st.booleans(),
        "evidence": st.sampled_from([b"a" * 32, b"b" * 32, b"x"]),
        "findings": st.sampled_from([[], [W01], [C07, W01]]),
    }
)


@given(st.lists(ANY_EVENT, max_size=25))
def test_any_event_in_any_order_follows_or_is_refused_and_the_deadline_never_becomes_earlier(
    drawn: list[dict[str, Any]],
) -> None:
    case = opened()
    taken = [*follow(None, about(W01), POLICY, NOW)]
    for each in drawn:
        event = pb.CaseEvent(
            case_id=case.case_id,
            sequence=case.last_sequence + 1,
            at_unix_ns=case.last_ns + each["after"],
            actor=each["actor"],
            kind=each["kind"],
            assignee=each["assignee"],
            level=each["level"],
            outcome=each["outcome"],
            deadline_unix_ns=case.deadline_ns + each["deadline"],
            evidence_sha256=each["evidence"],
            findings=each["findings"],
            **(WORDS if each["words"] else {}),
        )
        try:
            after = apply(case, event)
        except CaseError:
            continue
        assert after.deadline_ns >= case.deadline_ns
        assert after.last_ns >= case.last_ns
        assert after.last_sequence == case.last_sequence + 1
        assert after.is_open == (after.outcome == pb.CASE_OUTCOME_UNSPECIFIED) == (after.decided_ns is None)
        if after.state != case.state:
            assert event.kind in {pb.CASE_EVENT_KIND_DECIDED, pb.CASE_EVENT_KIND_REOPENED}
        if not after.is_open and case.is_open and event.actor == COLLECTOR:
            assert not case.touched
        case = after
        taken.append(event)
    assert replay(taken) == case


@given(
    st.lists(
        st.tuples(
            st.lists(st.sampled_from([W01, C07, K02, NOTE]), max_size=3),
            st.lists(st.sampled_from([b"a" * 32, b"b" * 32]), max_size=2),
            st.integers(0, 300 * HOUR),
            st.sampled_from(["", "assign", "decide", "late"]),
        ),
        max_size=12,
    )
)
def test_whatever_verdicts_come_the_case_follows_and_a_second_look_finds_nothing_to_do(
    steps: list[tuple[list[Finding], list[bytes], int, str]],
) -> None:
    case: Case | None = None
    now = NOW
    for findings, evidence, later, by_hand in steps:
        now += later
        asked = Asked("P-1", "passage", "customs", findings, evidence)
        for event in follow(case, asked, POLICY, now):
            case = apply(case, event)
        assert follow(case, asked, POLICY, now) == []
        if case is None or not case.is_open:
            continue
        if by_hand == "late" and (escalated := escalate(case, POLICY, now)):
            case = apply(case, escalated)
        elif by_hand == "assign" and case.assignee != "O-1":
            case = assigned(case)
        elif by_hand == "decide" and case.assignee == "O-1":
            case = decided(case)
