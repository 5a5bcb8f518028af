from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from collector.cases.credit import Because, because, class_of, is_clean
from collector.cases.policy import DAY, CasePolicy
from gate_contract.release import CREDIT_CLASSES

POLICY = CasePolicy()
CASE = "C-00000000000000aa"
OTHER = "C-00000000000000bb"
THIRD = "C-00000000000000cc"


def outcome(word: str, day: int, case_id: str = CASE) -> Because:
    return Because("outcome", day * DAY, case_id=case_id, outcome=word)


def by_hand(credit_class: str, day: int = 0) -> Because:
    return Because("hand", day * DAY, credit_class=credit_class, words="audit of 2026")


def test_of_whom_nothing_is_known_no_class_is_said() -> None:
    assert class_of([], POLICY) == ""


def test_one_error_changes_nothing_and_two_within_a_year_make_the_class_one_worse() -> None:
    assert class_of([by_hand("good"), outcome("error", 0)], POLICY) == "good"
    assert class_of([outcome("error", 0), outcome("error", 364, OTHER)], POLICY) == "warned"


def test_two_errors_a_year_apart_change_nothing() -> None:
    assert class_of([by_hand("good"), outcome("error", 0), outcome("error", 365, OTHER)], POLICY) == "good"


def test_an_error_makes_nobody_known_as_good() -> None:
    assert class_of([outcome("error", 0)], POLICY) == ""


def test_errors_count_once() -> None:
    history = [outcome("error", 0), outcome("error", 1, OTHER), outcome("error", 2, THIRD)]
    assert class_of(history, POLICY) == "warned"


def test_a_violation_makes_the_class_one_worse_at_once_and_a_grave_one_the_worst() -> None:
    assert class_of([outcome("violation", 0)], POLICY) == "warned"
    assert class_of([by_hand("dishonest"), outcome("violation", 0)], POLICY) == "seriously dishonest"
    assert class_of([outcome("grave violation", 0)], POLICY) == "seriously dishonest"


def test_a_violation_between_two_errors_excuses_neither() -> None:
    history = [outcome("error", 0), outcome("violation", 1, OTHER), outcome("error", 2, THIRD)]
    assert class_of(history, POLICY) == "dishonest"


def test_the_worst_class_does_not_become_worse() -> None:
    assert class_of([by_hand("seriously dishonest"), outcome("violation", 1)], POLICY) == "seriously dishonest"


def test_what_was_taken_back_takes_its_effect_back() -> None:
    violated = [outcome("violation", 0), outcome("violation", 1, OTHER)]
    assert class_of(violated, POLICY) == "dishonest"
    assert class_of([*violated, Because("taken back", 2 * DAY, case_id=CASE)], POLICY) == "warned"
    assert class_of([*violated, Because("taken back", 2 * DAY, case_id=CASE), outcome("error", 3)], POLICY) == "warned"


def test_what_is_set_by_hand_is_a_new_start() -> None:
    assert class_of([outcome("grave violation", 0), by_hand("good", 1)], POLICY) == "good"
    later = [outcome("error", 0), by_hand("warned", 1), outcome("error", 2, OTHER)]
    assert class_of(later, POLICY) == "warned"


def test_a_clean_year_makes_the_class_one_better_and_no_better_than_good() -> None:
    clean = Because("clean", 400 * DAY)
    assert class_of([by_hand("dishonest"), clean], POLICY) == "warned"
    assert class_of([by_hand("good"), clean], POLICY) == "good"


@pytest.mark.parametrize(
    ("history", "day", "clean"),
    [
        ([by_hand("warned")], 365, True),
        ([by_hand("warned")], 364, False),
        ([by_hand("good")], 900, False),
        ([], 900, False),
        ([by_hand("dishonest"), outcome("error", 100)], 464, False),
        ([by_hand("dishonest"), outcome("error", 100)], 465, True),
        ([by_hand("dishonest"), Because("clean", 365 * DAY)], 500, False),
        ([by_hand("warned"), outcome("violation", 300), Because("taken back", 301 * DAY, case_id=CASE)], 365, True),
    ],
)
def test_a_year_is_clean_when_nothing_was_noted_in_it(history: list[Because], day: int, clean: bool) -> None:
    assert is_clean(history, POLICY, day * DAY) == clean


ANY = st.one_of(
    st.builds(by_hand, st.sampled_from(CREDIT_CLASSES), st.integers(0, 2000)),
    st.builds(
        outcome,
        st.sampled_from(["error", "violation", "grave violation"]),
        st.integers(0, 2000),
        st.sampled_from([CASE, OTHER, THIRD]),
    ),
    st.builds(lambda day: Because("clean", day * DAY), st.integers(0, 2000)),
    st.builds(lambda day: Because("taken back", day * DAY, case_id=CASE), st.integers(0, 2000)),
)


@given(st.lists(ANY, max_size=12))
def test_the_class_is_always_one_of_the_four_and_a_grave_violation_always_the_worst(history: list[Because]) -> None:
    history.sort(key=lambda each: each.at_ns)
    assert class_of(history, POLICY) in {"", *CREDIT_CLASSES}
    worst = outcome("grave violation", 3000, "C-00000000000000dd")
    assert class_of([*history, worst], POLICY) == "seriously dishonest"


@given(ANY)
def test_a_reason_is_read_as_it_was_written(why: Because) -> None:
    assert because(why.credit_class, why.reason, why.at_ns) == why


def test_words_that_imitate_an_outcome_stay_words() -> None:
    said = Because("hand", 0, credit_class="good", words=f"case {CASE}: violation")
    assert because("good", said.reason, 0) == said


@pytest.mark.parametrize(
    "values",
    [
        {"severity_4_hours": 0},
        {"severity_1_hours": 721},
        {"levels": 6},
        {"errors": 1},
        {"within_days": 29},
        {"clean_days": 1096},
        {"severity_5_hours": 4},
    ],
)
def test_numbers_out_of_bounds_are_refused(values: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        CasePolicy.model_validate(values)
