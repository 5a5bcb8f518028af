from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Literal

from hypothesis import given
from hypothesis import strategies as st

from gate_contract.rules.stays import DAY, Counting, Crossing, Days, MissingLeg, count_days

CHINA = timezone(timedelta(hours=8))
YEAR = (
    int(datetime(2026, 1, 1, tzinfo=CHINA).timestamp()) * 10**9,
    int(datetime(2027, 1, 1, tzinfo=CHINA).timestamp()) * 10**9,
)


def at(month: int, day: int, hour: int = 12, minute: int = 0) -> int:
    return int(datetime(2026, month, day, hour, minute, tzinfo=CHINA).timestamp()) * 10**9


def came(moment: int, bound_s: int = 0) -> Crossing:
    return Crossing(moment, "in", bound_s * 10**9, f"in {moment}")


def left(moment: int, bound_s: int = 0) -> Crossing:
    return Crossing(moment, "out", bound_s * 10**9, f"out {moment}")


def days(*crossings: Crossing, inside_before: bool | None = False, now: int = YEAR[1]) -> dict[str, tuple[int, int]]:
    stay = count_days(crossings, YEAR, now_unix_ns=now, inside_before=inside_before)
    return {way.value: (each.least, each.most) for way, each in stay.days.items()}


def test_a_stay_from_monday_noon_to_thursday_noon_is_two_full_days_four_touched_and_three_nights() -> None:
    counted = days(came(at(3, 2)), left(at(3, 5)))
    assert counted == {"full-days": (2, 2), "both-ends": (4, 4), "midnights": (3, 3)}


def test_a_visit_of_an_afternoon_is_a_day_only_where_both_ends_count() -> None:
    assert days(came(at(3, 2)), left(at(3, 2, 18))) == {"full-days": (0, 0), "both-ends": (1, 1), "midnights": (0, 0)}


def test_a_day_from_midnight_to_midnight_is_a_full_day() -> None:
    assert days(came(at(3, 2, 0)), left(at(3, 3, 0)))["full-days"] == (1, 1)
    assert days(came(at(3, 2, 0, 1)), left(at(3, 3, 0)))["full-days"] == (0, 0)


def test_two_visits_on_one_day_touch_it_once() -> None:
    counted = days(came(at(3, 2, 8)), left(at(3, 2, 9)), came(at(3, 2, 18)), left(at(3, 2, 19)))
    assert counted["both-ends"] == (1, 1)


def test_a_missing_exit_leaves_everything_between_in_doubt_and_is_shown() -> None:
    first, second, out = came(at(3, 2)), came(at(3, 12)), left(at(3, 13))
    stay = count_days((first, second, out), YEAR, now_unix_ns=YEAR[1], inside_before=False)
    assert stay.missing == (MissingLeg("out", first.name, second.name),)
    assert stay.days[Counting.FULL_DAYS] == Days(0, 9), "who comes at noon was away before"
    assert stay.days[Counting.BOTH_ENDS] == Days(3, 12), "who came was there that day"


def test_whose_other_leg_is_missing_was_there_that_day_if_the_clock_can_say_which() -> None:
    assert days(left(at(3, 2)), inside_before=None)["both-ends"][0] == 1
    assert days(left(at(3, 2, 0, 1), bound_s=120), inside_before=None)["both-ends"][0] == 0


def test_a_missing_entry_leaves_everything_since_the_exit_before_in_doubt() -> None:
    stay = count_days((left(at(1, 3)), left(at(1, 6))), YEAR, now_unix_ns=YEAR[1], inside_before=True)
    assert stay.missing == (MissingLeg("in", f"out {at(1, 3)}", f"out {at(1, 6)}"),)
    assert stay.days[Counting.FULL_DAYS] == Days(2, 4)


def test_who_is_still_there_is_counted_up_to_now() -> None:
    assert days(came(at(3, 2)), now=at(3, 5))["midnights"] == (3, 3)


def test_before_the_first_crossing_nothing_is_known_unless_it_is_said() -> None:
    entry = came(at(1, 11))
    assert days(entry, inside_before=None, now=at(1, 13))["full-days"] == (1, 12 - 1)
    assert days(entry, inside_before=False, now=at(1, 13))["full-days"] == (1, 1)


def test_nobody_seen_may_have_been_there_all_the_time_or_never() -> None:
    assert days(inside_before=None)["full-days"] == (0, 365)
    assert days(inside_before=True)["full-days"] == (365, 365)
    assert days(inside_before=False)["both-ends"] == (0, 0)


def test_a_clock_that_may_be_off_across_midnight_makes_a_night_uncertain() -> None:
    assert days(came(at(3, 2, 23, 59), bound_s=120), left(at(3, 3, 12)))["midnights"] == (0, 1)


Ways = st.lists(st.tuples(st.integers(0, 364 * 24), st.sampled_from(["in", "out"])), max_size=12)


@given(Ways, st.booleans(), st.integers(0, 3600))
def test_the_least_is_never_more_than_the_most_and_the_ways_of_counting_are_in_order(
    legs: list[tuple[int, Literal["in", "out"]]], inside: bool, bound_s: int
) -> None:
    crossings = [Crossing(YEAR[0] + hour * 3600 * 10**9, way, bound_s * 10**9) for hour, way in legs]
    stay = count_days(crossings, YEAR, now_unix_ns=YEAR[1], inside_before=inside)
    full, ends, nights = (stay.days[way] for way in Counting)
    for each in stay.days.values():
        assert 0 <= each.least <= each.most <= 366
    assert full.most <= nights.most <= ends.most
    assert full.least <= nights.least <= ends.least


@given(st.lists(st.integers(0, 364 * 24 * 60), min_size=2, max_size=10, unique=True))
def test_whole_histories_leave_no_doubt(minutes: list[int]) -> None:
    ordered = sorted(minutes)
    crossings = [
        Crossing(YEAR[0] + minute * 60 * 10**9, "in" if number % 2 == 0 else "out")
        for number, minute in enumerate(ordered)
    ]
    stay = count_days(reversed(crossings), YEAR, now_unix_ns=YEAR[1], inside_before=False)
    assert not stay.missing
    assert all(each.least == each.most for each in stay.days.values())
    present = sum(
        (crossings[number + 1].at_unix_ns if number + 1 < len(crossings) else YEAR[1]) - each.at_unix_ns
        for number, each in enumerate(crossings)
        if each.way == "in"
    )
    assert stay.days[Counting.FULL_DAYS].most * DAY <= present
