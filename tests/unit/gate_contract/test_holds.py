from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate_contract.acts import OpenedAct
from gate_contract.holds import BORDER, CUSTOMS, Standing, authority_of, stand
from gate_contract.rules import RULES
from gate_contract.v1.act_pb2 import (
    INSPECTION_RESULT_AS_DECLARED,
    INSPECTION_RESULT_DETAINED,
    INSPECTION_RESULT_DIFFERS,
    Inspection,
    InspectionResult,
    LiftHolds,
    OfficerAct,
    Override,
)
from gate_contract.v1.decision_pb2 import (
    ACTION_HOLD,
    ACTION_INSPECT,
    ACTION_RELEASE,
    ACTION_REVIEW,
    Action,
    Decision,
    Finding,
    Input,
)
from gate_contract.v1.order_pb2 import Officer

NOON = 1_790_000_000_000_000_000
_ids = (f"A-{number}" for number in count())


def a_finding(code: str, action: Action.ValueType = ACTION_HOLD, order: tuple[str, str] | None = None) -> Finding:
    inputs = [Input(name="order", value=order[0], source=order[1])] if order else []
    return Finding(code=code, action=action, severity=3, explanation=f"{code} fired.", inputs=inputs)


def a_decision(*findings: Finding, at: int = NOON) -> Decision:
    return Decision(
        action=max((each.action for each in findings), default=ACTION_RELEASE), findings=findings, decided_unix_ns=at
    )


def opened(act: OfficerAct) -> OpenedAct:
    return OpenedAct(act, Officer(officer_id=act.officer_id, authority=act.authority))


def an_act(authority: str, at: int, act_id: str) -> OfficerAct:
    return OfficerAct(
        format=1,
        act_id=act_id or next(_ids),
        passage_id="P-1",
        officer_id=f"{authority}-7",
        authority=authority,
        at_unix_ns=at,
        reason="seen on the spot",
    )


def a_lift(*codes: str, by: str = CUSTOMS, at: int = NOON + 1, act_id: str = "") -> OpenedAct:
    act = an_act(by, at, act_id)
    act.lift.CopyFrom(LiftHolds(codes=codes))
    return opened(act)


def an_inspection(
    result: InspectionResult.ValueType = INSPECTION_RESULT_AS_DECLARED,
    *,
    by: str = CUSTOMS,
    at: int = NOON + 1,
    act_id: str = "",
) -> OpenedAct:
    act = an_act(by, at, act_id)
    act.inspection.CopyFrom(Inspection(result=result))
    return opened(act)


def an_override(
    action: Action.ValueType = ACTION_RELEASE, *, by: str = CUSTOMS, at: int = NOON + 1, act_id: str = ""
) -> OpenedAct:
    act = an_act(by, at, act_id)
    act.override.CopyFrom(Override(action=action))
    return opened(act)


def standing_codes(standing: Standing) -> list[str]:
    return [each.code for each in standing.holds if each.stands]


def test_a_decision_that_asks_for_nothing_is_released_and_needs_nothing() -> None:
    standing = stand(a_decision(a_finding("K01", ACTION_RELEASE)), [])
    assert (standing.holds, standing.action, standing.released, standing.needs) == ((), ACTION_RELEASE, True, ())


def test_a_hold_stands_until_its_authority_lifts_it_with_a_name_and_a_reason() -> None:
    decision = a_decision(a_finding("C02"))
    before, after = stand(decision, []), stand(decision, [a_lift()])
    assert (before.action, before.released) == (ACTION_HOLD, False)
    assert (after.action, after.released, after.needs) == (ACTION_RELEASE, True, ())
    (hold,) = after.holds
    assert (hold.authority, hold.code, hold.severity, hold.explanation) == (CUSTOMS, "C02", 3, "C02 fired.")
    assert (hold.lifted_by, hold.lift_reason, hold.lifted_unix_ns) == ("customs-7", "seen on the spot", NOON + 1)


@pytest.mark.parametrize("act", [a_lift, an_inspection, an_override])
def test_what_another_authority_does_settles_nothing(act: type) -> None:
    decision = a_decision(
        a_finding("C02"), a_finding("W01", ACTION_INSPECT), a_finding("V02", ACTION_REVIEW), a_finding("O01")
    )
    standing = stand(decision, [act(by=BORDER)])
    assert standing_codes(standing) == ["C02", "W01", "V02", "O01"]
    assert standing.action == ACTION_HOLD


def test_it_is_released_only_when_every_authority_has_lifted_its_own() -> None:
    police = a_finding("O01", order=("O-1 version 1", "police"))
    decision = a_decision(a_finding("D02"), police, a_finding("P01", ACTION_REVIEW))
    acts = [a_lift(), a_lift(by=BORDER), a_lift(by="police")]
    for missing in range(3):
        assert not stand(decision, acts[:missing] + acts[missing + 1 :]).released
    assert stand(decision, acts).released


def test_a_lift_that_names_codes_lifts_only_these() -> None:
    standing = stand(a_decision(a_finding("C02"), a_finding("D02")), [a_lift("D02")])
    assert standing_codes(standing) == ["C02"]


def test_lifting_is_not_inspecting_and_inspecting_is_not_lifting() -> None:
    decision = a_decision(a_finding("W01", ACTION_INSPECT), a_finding("C02"))
    assert standing_codes(stand(decision, [a_lift()])) == ["W01"]
    assert standing_codes(stand(decision, [a_lift("W01")])) == ["W01", "C02"]
    assert standing_codes(stand(decision, [an_inspection()])) == ["C02"]
    assert standing_codes(stand(decision, [an_inspection(INSPECTION_RESULT_DIFFERS)])) == ["C02"]
    assert stand(decision, [an_inspection(), a_lift()]).released


def test_what_an_inspection_detains_is_held_until_the_same_authority_lifts_it() -> None:
    decision = a_decision(a_finding("W01", ACTION_INSPECT))
    detained = an_inspection(INSPECTION_RESULT_DETAINED)
    standing = stand(decision, [detained])
    assert (standing.action, standing_codes(standing)) == (ACTION_HOLD, ["detained"])
    later = NOON + 2
    for useless in (a_lift(by=BORDER, at=later), an_inspection(at=later), a_lift(at=NOON), a_lift("W01", at=later)):
        assert stand(decision, [detained, useless]).action == ACTION_HOLD
    assert stand(decision, [detained, a_lift("detained", at=later)]).released
    assert stand(decision, [detained, a_lift(at=later)]).released


def test_a_review_is_settled_by_any_look_of_its_authority() -> None:
    decision = a_decision(a_finding("X01", ACTION_REVIEW))
    for act in (a_lift("C02"), an_inspection(), an_override()):
        assert stand(decision, [act]).released
    assert stand(decision, [an_override(ACTION_INSPECT)]).action == ACTION_INSPECT


@pytest.mark.parametrize("code", ["K01", "K02", "K05"])
def test_any_officer_there_may_look_at_what_only_the_records_ask_for(code: str) -> None:
    assert stand(a_decision(a_finding(code, ACTION_REVIEW)), [a_lift(by=BORDER)]).released
    assert not stand(a_decision(a_finding(code, ACTION_HOLD)), [a_lift(by=BORDER)]).released


def test_an_override_puts_another_action_in_the_place_of_its_own_authoritys_findings_only() -> None:
    decision = a_decision(a_finding("C02"), a_finding("W01", ACTION_INSPECT), a_finding("P01", ACTION_REVIEW))
    assert standing_codes(stand(decision, [an_override()])) == ["P01"]
    stricter = stand(decision, [an_override(ACTION_INSPECT)])
    assert (standing_codes(stricter), stricter.action) == (["P01", "override"], ACTION_INSPECT)
    assert standing_codes(stand(decision, [an_override(ACTION_INSPECT), an_inspection(at=NOON + 2)])) == ["P01"]


def test_an_officer_may_hold_what_the_rule_book_releases() -> None:
    held = an_override(ACTION_HOLD)
    standing = stand(a_decision(), [held])
    assert (standing.action, [each.authority for each in standing.holds]) == (ACTION_HOLD, [CUSTOMS])
    assert not stand(a_decision(), [held, an_override(by=BORDER, at=NOON + 2)]).released
    assert stand(a_decision(), [held, an_override(at=NOON + 2)]).released


def test_a_later_decision_with_a_new_code_holds_again_and_with_the_same_one_does_not() -> None:
    first = a_decision(a_finding("C02"))
    later = a_decision(a_finding("C02"), a_finding("D06"), at=NOON + 100)
    blanket, named = a_lift(at=NOON + 50), a_lift("C02", at=NOON + 50)
    assert standing_codes(stand(later, [blanket], earlier=[first])) == ["D06"]
    assert standing_codes(stand(later, [named])) == ["D06"]
    assert standing_codes(stand(later, [blanket])) == ["C02", "D06"], "nobody says what it was about"
    assert stand(later, [blanket, a_lift(at=NOON + 100)]).released


def test_an_earlier_decision_that_came_after_the_act_says_nothing_of_what_the_officer_knew() -> None:
    later = a_decision(a_finding("D06"), at=NOON + 100)
    between = a_decision(a_finding("D06"), at=NOON + 80)
    assert not stand(later, [a_lift(at=NOON + 79)], earlier=[between]).released
    assert stand(later, [a_lift(at=NOON + 80)], earlier=[between]).released


def test_an_inspection_does_not_settle_what_a_later_decision_asks_for_anew() -> None:
    later = a_decision(a_finding("W01", ACTION_INSPECT), at=NOON + 100)
    assert not stand(later, [an_inspection(at=NOON + 50)], earlier=[a_decision()]).released
    assert stand(later, [an_inspection(at=NOON + 50)], earlier=[a_decision(a_finding("W01", ACTION_INSPECT))]).released


def test_naming_o01_before_a_new_order_came_does_not_lift_the_new_order() -> None:
    one, two = (a_finding("O01", order=(f"O-{number} version 1", CUSTOMS)) for number in (1, 2))
    later = a_decision(one, two, at=NOON + 100)
    standing = stand(later, [a_lift("O01", at=NOON + 50)], earlier=[a_decision(one)])
    assert [each.order for each in standing.holds if each.stands] == ["O-2 version 1"]


def test_an_act_told_twice_counts_once() -> None:
    hold = an_override(ACTION_HOLD, act_id="same")
    assert stand(a_decision(), [hold, hold]) == stand(a_decision(), [hold])
    again = an_override(ACTION_HOLD, at=NOON + 9, act_id="same")
    standing = stand(a_decision(), [again, a_lift(at=NOON + 5), hold])
    assert standing.released, "the repetition does not hold anew"


def test_what_would_release_it_is_told_in_two_languages_with_the_staffed_lane_last() -> None:
    police = a_finding("O01", order=("O-1 version 2", "police"))
    decision = a_decision(
        a_finding("C02"), a_finding("D02"), police, a_finding("W01", ACTION_INSPECT), a_finding("P01", ACTION_REVIEW)
    )
    needs = stand(decision, []).needs
    assert [(each.authority, each.codes) for each in needs] == [
        ("customs", ("C02", "D02")),
        ("police", ("O01 O-1 version 2",)),
        ("customs", ("W01",)),
        ("border", ("P01",)),
        ("", ()),
    ]
    assert needs[0].en == "Customs must lift the hold (C02, D02): an officer of theirs gives a name and a reason."
    assert needs[0].zh == "须由海关解除拦截（C02、D02）：由其执法人员署名并说明理由。"
    assert "Border inspection must look" in needs[3].en
    assert "边检机关" in needs[3].zh
    assert "staffed lane" in needs[-1].en
    assert "人工通道" in needs[-1].zh


def test_an_authority_that_nobody_translated_is_told_as_it_is_written() -> None:
    (need, _lane) = stand(a_decision(a_finding("O01", order=("O-1", "渔政"))), []).needs
    assert need.en.startswith("渔政 must lift")
    assert "须由渔政解除" in need.zh


def test_every_rule_of_the_book_belongs_to_an_authority() -> None:
    whose = {rule.code: authority_of(Finding(code=rule.code)) for rule in RULES}
    assert {code[0] for code, authority in whose.items() if authority == BORDER} == {"P", "S"}
    assert set(whose.values()) == {CUSTOMS, BORDER}
    assert authority_of(Finding(code="Z99")) == CUSTOMS, "a rule of a later release is nobody's orphan"


ACTIONS = (ACTION_RELEASE, ACTION_REVIEW, ACTION_INSPECT, ACTION_HOLD)
RESULTS = (INSPECTION_RESULT_AS_DECLARED, INSPECTION_RESULT_DIFFERS, INSPECTION_RESULT_DETAINED)


def any_act(seed: int) -> OpenedAct:
    """Of any officer, kind and time around the decision; few ids, so that some come twice."""
    chance = Random(seed)
    by, at = chance.choice([CUSTOMS, BORDER, "police"]), NOON + chance.randrange(-3, 4)
    name = f"A-{chance.randrange(6)}"
    match chance.randrange(3):
        case 0:
            return a_lift(*chance.sample(["C02", "P01"], chance.randrange(3)), by=by, at=at, act_id=name)
        case 1:
            return an_inspection(chance.choice(RESULTS), by=by, at=at, act_id=name)
        case _:
            return an_override(chance.choice(ACTIONS), by=by, at=at, act_id=name)


_codes = st.tuples(st.sampled_from(["C02", "W01", "P01", "D06", "K05"]), st.sampled_from(ACTIONS))
_findings = st.lists(_codes.map(lambda parts: a_finding(*parts)), max_size=4)
_acts = st.lists(st.integers(0, 1 << 16).map(any_act), max_size=5)


@settings(max_examples=60)
@given(_findings, _acts, st.randoms(use_true_random=False))
def test_the_order_that_acts_come_in_does_not_matter(
    findings: Sequence[Finding], acts: list[OpenedAct], chance: Random
) -> None:
    decision, twice = a_decision(*findings), [*acts, *acts]
    assert stand(decision, chance.sample(twice, len(twice))) == stand(decision, acts)


@settings(max_examples=60)
@given(_findings, _acts)
def test_no_hold_is_lifted_by_another_authority_and_none_is_forgotten(
    findings: Sequence[Finding], acts: list[OpenedAct]
) -> None:
    standing = stand(a_decision(*findings), acts)
    for hold in standing.holds:
        anybody = hold.code == "K05" and hold.action == ACTION_REVIEW
        assert hold.stands or anybody or hold.lifted_by == f"{hold.authority}-7"
    asking = [each for each in findings if each.action > ACTION_RELEASE]
    assert [each.code for each in standing.holds[: len(asking)]] == [each.code for each in asking]
    assert standing.released == (not standing.needs)
