from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate_contract.draws import DrawError, commitment
from gate_contract.release import CREDIT_CLASSES, check_selection, mode_of, select
from gate_contract.rules import Policy
from gate_contract.v1.decision_pb2 import (
    RELEASE_MODE_DECLARATION,
    RELEASE_MODE_SAMPLING,
    RELEASE_MODE_SUPERVISED,
    RELEASE_MODE_VERIFICATION,
    ReleaseMode,
)
from gate_contract.v1.register_pb2 import Selection

POLICY = Policy.default()
SEED = bytes(range(32))
NOON = 1_740_830_400_000_000_000
DAY = "2025-03-01"
ROSTER = ("wang", "li", "zhang")


def a_selection(declaration_id: str = "D-1", credit_class: str = "warned", policy: Policy = POLICY) -> Selection:
    return select(declaration_id, credit_class, SEED, ROSTER, DAY, NOON, policy)


@pytest.mark.parametrize(
    ("credit_class", "mode", "rate"),
    [
        ("good", RELEASE_MODE_DECLARATION, 100),
        ("warned", RELEASE_MODE_VERIFICATION, 2000),
        ("dishonest", RELEASE_MODE_SAMPLING, 5000),
        ("seriously dishonest", RELEASE_MODE_SUPERVISED, 10_000),
        ("", RELEASE_MODE_SAMPLING, 500),
        ("excellent", RELEASE_MODE_SAMPLING, 500),
    ],
)
def test_the_better_the_class_the_less_is_looked_at(credit_class: str, mode: ReleaseMode.ValueType, rate: int) -> None:
    assert mode_of(credit_class, POLICY) == (mode, rate)


def test_rates_are_policy_but_the_seriously_dishonest_are_always_inspected() -> None:
    policy = Policy.from_toml("[release]\ngood_of_ten_thousand = 7\nunknown_of_ten_thousand = 10000")
    assert [mode_of(each, policy)[1] for each in ("", *CREDIT_CLASSES)] == [10_000, 7, 2000, 5000, 10_000]
    drawn = [a_selection(f"D-{number}", "seriously dishonest", policy).drawn for number in range(100)]
    assert all(drawn)


def test_where_nobody_is_on_duty_nobody_is_drawn_but_those_who_are_known_not_to_be_good() -> None:
    policy = Policy.from_toml("[release]\ngood_of_ten_thousand = 10000\nunknown_of_ten_thousand = 10000")
    rates = {each: select("D-1", each, SEED, (), DAY, NOON, policy).rate for each in ("", *CREDIT_CLASSES)}
    assert rates == {"": 0, "good": 0, "warned": 2000, "dishonest": 5000, "seriously dishonest": 10_000}


def test_a_selection_holds_everything_that_it_followed_from_but_the_seed() -> None:
    found = next(each for number in range(100) if (each := a_selection(f"D-{number}")).drawn)
    assert found.officer_id in ROSTER
    assert found == Selection(
        declaration_id=found.declaration_id,
        mode=RELEASE_MODE_VERIFICATION,
        credit_class="warned",
        rate=2000,
        drawn=True,
        officer_id=found.officer_id,
        day=DAY,
        selected_unix_ns=NOON,
        roster=["li", "wang", "zhang"],
    )


@given(
    st.text(max_size=20),
    st.sampled_from(["", *CREDIT_CLASSES]),
    st.lists(st.text(min_size=1, max_size=4), max_size=5),
)
def test_anybody_can_repeat_every_selection(declaration_id: str, credit_class: str, roster: list[str]) -> None:
    selection = select(declaration_id, credit_class, SEED, roster, DAY, NOON, POLICY)
    check_selection(selection, SEED, commitment(SEED), POLICY)


def test_a_selection_that_was_changed_afterwards_does_not_follow() -> None:
    honest = next(each for number in range(100) if (each := a_selection(f"D-{number}")).drawn)
    changes = {
        "drawn": (False, "recorded as not drawn|recorded as drawn"),
        "officer_id": ("chen", "recorded as drawn for chen"),
        "rate": (100, "recorded as released verification at 100"),
        "mode": (RELEASE_MODE_DECLARATION, "recorded as released declaration"),
        "credit_class": ("good", "the policy gives declaration at 100"),
        "day": ("2025-03-02", "selected on 2025-03-01 with the seed of 2025-03-02"),
        "selected_unix_ns": (NOON + 13 * 3_600_000_000_000, "selected on 2025-03-02"),
        "declaration_id": ("D-other", "D-other"),
    }
    for name, (value, words) in changes.items():
        changed = Selection.FromString(honest.SerializeToString())
        setattr(changed, name, value)
        with pytest.raises(DrawError, match=words):
            check_selection(changed, SEED, commitment(SEED), POLICY)
    with pytest.raises(DrawError, match="not the seed"):
        check_selection(honest, bytes(32), commitment(SEED), POLICY)


def test_a_roster_that_was_changed_afterwards_gives_another_officer_sooner_or_later() -> None:
    drawn = [each for number in range(200) if (each := a_selection(f"D-{number}")).drawn]
    caught = 0
    for each in drawn:
        each.roster.append("chen")
        try:
            check_selection(each, SEED, commitment(SEED), POLICY)
        except DrawError:
            caught += 1
    assert caught > len(drawn) // 3


def test_a_declaration_is_drawn_with_the_seed_of_its_own_day_only() -> None:
    with pytest.raises(DrawError, match="D-1: selected on 2025-03-01 with the seed of 2025-02-28"):
        select("D-1", "good", SEED, ROSTER, "2025-02-28", NOON, POLICY)
    with pytest.raises(DrawError, match="32 bytes"):
        select("D-1", "good", b"short", ROSTER, DAY, NOON, POLICY)


@pytest.mark.parametrize("moment", [2**63 - 1, -(2**63), 0])
def test_a_moment_far_from_its_day_is_refused_and_does_not_crash(moment: int) -> None:
    with pytest.raises(DrawError, match="D-1: selected on"):
        select("D-1", "good", SEED, ROSTER, DAY, moment, POLICY)
