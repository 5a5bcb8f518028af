from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate_contract.draws import Draw, DrawError, check, commitment, draw

SEED = bytes(range(32))
ROSTER = ("wang", "li", "zhang")


def test_the_same_seed_and_subject_always_give_the_same_draw() -> None:
    assert draw(SEED, "P-1", 5000, ROSTER) == draw(SEED, "P-1", 5000, reversed_roster())
    assert len({draw(bytes([number]) * 32, "P-1", 5000, ROSTER).drawn for number in range(20)}) == 2


def reversed_roster() -> tuple[str, ...]:
    return tuple(reversed(ROSTER))


def test_as_many_are_drawn_as_the_rate_says_and_each_officer_as_often() -> None:
    drawn = [draw(SEED, f"P-{number}", 500, ROSTER) for number in range(20_000)]
    chosen = [each for each in drawn if each.drawn]
    assert 900 < len(chosen) < 1100  # 1000, standard deviation 31
    counted = Counter(each.officer for each in chosen)
    assert set(counted) == set(ROSTER)
    assert min(counted.values()) > 270  # 333, standard deviation 15


def test_nobody_is_drawn_at_nothing_and_everybody_at_ten_thousand() -> None:
    assert not any(draw(SEED, f"P-{number}", 0, ROSTER).drawn for number in range(1000))
    assert all(draw(SEED, f"P-{number}", 10_000, ROSTER).drawn for number in range(1000))


def test_a_higher_rate_draws_everyone_that_a_lower_one_does() -> None:
    low = {number for number in range(2000) if draw(SEED, f"P-{number}", 100, ROSTER).drawn}
    high = {number for number in range(2000) if draw(SEED, f"P-{number}", 2000, ROSTER).drawn}
    assert low < high


def test_without_officers_on_duty_it_is_drawn_and_a_person_must_be_found() -> None:
    assert draw(SEED, "P-1", 10_000, ()) == Draw("P-1", 10_000, drawn=True, officer="")


def test_anybody_can_check_a_draw_once_the_seed_is_published() -> None:
    recorded = draw(SEED, "P-1", 10_000, ROSTER)
    check(commitment(SEED), SEED, recorded, ROSTER)
    with pytest.raises(DrawError, match="not the seed"):
        check(commitment(SEED), bytes(32), recorded, ROSTER)
    other = next(name for name in ROSTER if name != recorded.officer)
    with pytest.raises(DrawError, match=f"P-1: recorded as drawn for {other}, but"):
        check(commitment(SEED), SEED, replace(recorded, officer=other), ROSTER)
    with pytest.raises(DrawError, match="P-1: recorded as not drawn, but"):
        check(commitment(SEED), SEED, replace(recorded, drawn=False, officer=""), ROSTER)
    with pytest.raises(DrawError, match="give drawn, without an officer"):
        check(commitment(SEED), SEED, recorded, ())


@pytest.mark.parametrize(("seed", "rate"), [(b"short", 1), (SEED, -1), (SEED, 10_001)])
def test_what_cannot_be_drawn_is_refused(seed: bytes, rate: int) -> None:
    with pytest.raises(DrawError):
        draw(seed, "P-1", rate, ROSTER)


@given(st.text(max_size=40), st.integers(0, 10_000), st.sets(st.text(min_size=1, max_size=5), max_size=6))
def test_every_draw_checks_out(subject: str, rate: int, roster: set[str]) -> None:
    check(commitment(SEED), SEED, draw(SEED, subject, rate, roster), roster)
