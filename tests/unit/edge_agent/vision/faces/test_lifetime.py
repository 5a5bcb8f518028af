"""Templates are gone within an hour of departure, whatever the clocks do."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.model.moment import SECOND, Moment, MonoNs, WallNs
from edge_agent.vision.faces.lifetime import Lifetime, LifetimeError

At = Callable[..., Moment]
NOON = 1_800_000_000  # seconds of wall clock
HOUR = 3600
OTHER_BOOT = bytes([1]) * 16


def wall(seconds: float) -> WallNs:
    return WallNs(round(seconds * SECOND))


def test_a_gallery_lives_until_an_hour_after_departure(moment: At) -> None:
    life = Lifetime.beginning(wall(NOON + 2 * HOUR), moment(NOON, 100))
    assert not life.expired(moment(NOON + 3 * HOUR - 1, 100 + 3 * HOUR - 1))
    assert life.expired(moment(NOON + 3 * HOUR, 100 + 3 * HOUR))


def test_a_wall_clock_that_was_set_back_keeps_nothing_longer(moment: At) -> None:
    life = Lifetime.beginning(wall(NOON + 2 * HOUR), moment(NOON, 100))
    assert not life.expired(moment(NOON - 5 * HOUR, 100 + 3 * HOUR - 1))
    assert life.expired(moment(NOON - 5 * HOUR, 100 + 3 * HOUR))
    assert life.expired(moment(0, 100 + 3 * HOUR))


def test_a_wall_clock_that_was_set_forward_ends_it_early_rather_than_late(moment: At) -> None:
    life = Lifetime.beginning(wall(NOON + 2 * HOUR), moment(NOON, 100))
    assert life.expired(moment(NOON + 100 * HOUR, 101))


def test_after_a_restart_only_a_synchronised_clock_that_went_on_says_there_is_time_left(moment: At) -> None:
    life = Lifetime.beginning(wall(NOON + 2 * HOUR), moment(NOON, 100))
    assert not life.expired(moment(NOON + HOUR, 30, OTHER_BOOT))
    assert life.expired(moment(NOON + HOUR, 30, OTHER_BOOT, synchronised=False))
    assert life.expired(moment(NOON - 1, 30, OTHER_BOOT))
    assert life.expired(moment(NOON + 3 * HOUR, 30, OTHER_BOOT))
    assert life.expired(moment(NOON + HOUR, 3 * HOUR, OTHER_BOOT))


def test_made_while_the_clock_was_not_to_be_trusted_it_lives_an_hour_at_most(moment: At) -> None:
    life = Lifetime.beginning(wall(NOON + 20 * HOUR), moment(NOON, 100, synchronised=False))
    assert not life.expired(moment(NOON + HOUR - 1, 100 + HOUR - 1, synchronised=False))
    assert life.expired(moment(NOON, 100 + HOUR, synchronised=False))
    assert life.expired(moment(NOON + 2 * HOUR, 100 + 2 * HOUR))


@pytest.mark.parametrize(("departure", "word"), [(NOON - HOUR, "departed"), (NOON + 73 * HOUR, "more than 72 hours")])
def test_a_sailing_that_is_over_or_far_ahead_gets_no_gallery(moment: At, departure: int, word: str) -> None:
    with pytest.raises(LifetimeError, match=word):
        Lifetime.beginning(wall(departure), moment(NOON, 100))


@settings(max_examples=60, deadline=None)
@given(
    st.integers(-HOUR + 1, 72 * HOUR),
    st.integers(0, 200 * HOUR),
    st.integers(-(10**6), 10**6),
    st.booleans(),
    st.booleans(),
)
def test_no_clock_error_after_the_making_keeps_it_past_its_hour(
    until: int, passed: int, error: int, made_synchronised: bool, now_synchronised: bool
) -> None:
    made = Moment(wall(NOON), MonoNs(7 * SECOND), bytes(16), synchronised=made_synchronised)
    life = Lifetime.beginning(wall(NOON + until), made)
    now = Moment(wall(NOON + passed + error), MonoNs((7 + passed) * SECOND), bytes(16), synchronised=now_synchronised)
    if passed >= until + HOUR:
        assert life.expired(now)
