from dataclasses import replace

import pytest

from edge_agent.vision.characters import Character
from edge_agent.vision.containers import ContainerRead, vote
from gate_contract import iso6346


def read(
    text: str, *, sure: float = 0.9, unattended: bool = False, size_type: str = "", **others: str
) -> ContainerRead:
    """A read; p0="M" says that M was the second choice in place 0."""
    characters = tuple(
        Character(letter, sure, ((others[f"p{place}"], 1 - sure),) if f"p{place}" in others else ())
        for place, letter in enumerate(text)
    )
    return ContainerRead(
        text, iso6346.is_valid(text), sure, (0, 0, 10, 10), size_type, "horizontal", characters, unattended
    )


def test_one_read_is_its_own_vote() -> None:
    only = read("TGBU7083337", unattended=True)

    assert vote([only]) == only


def test_views_that_agree_are_surer_than_one() -> None:
    voted = vote([read("TGBU7083337", sure=0.5), read("TGBU7083337", sure=0.5)])

    assert voted.confidence == pytest.approx(0.75)
    assert voted.unattended


def test_two_unsure_views_are_still_for_a_person() -> None:
    assert not vote([read("TGBU7083337", sure=0.45), read("TGBU7083337", sure=0.45)]).unattended


def test_a_number_that_passes_wins_over_surer_ones_that_do_not() -> None:
    assert vote([read("TGBU7083331", sure=0.99), read("TGBU7083337", sure=0.4)]).text == "TGBU7083337"


def test_views_that_contradict_each_other_are_for_a_person() -> None:
    voted = vote([read("TGBU7083337", unattended=True), read("CXTU1125031", unattended=True, sure=0.7)])

    assert (voted.text, voted.unattended) == ("TGBU7083337", False)


def test_failed_views_are_voted_place_by_place() -> None:
    views = [read("NGBU7083337"), read("TGBU1083337"), read("TGBU7083331")]

    voted = vote(views)

    assert (voted.text, voted.check_digit_ok, voted.unattended) == ("TGBU7083337", True, False)


def test_a_view_that_lost_the_check_digit_votes_for_the_other_ten_places() -> None:
    voted = vote([read("TGBU708333"), read("TGBU708333"), read("NGBU7083337")])

    assert voted.text == "TGBU7083337"


def test_a_check_digit_that_no_view_saw_is_not_computed() -> None:
    assert vote([read("TGBU708333"), read("TGBU708333")]).text == "TGBU708333"


def test_the_size_type_code_is_the_most_frequent_one() -> None:
    views = [read("TGBU7083337", size_type=code) for code in ("", "45G1", "42G1", "45G1", "")]

    assert vote(views).size_type == "45G1"


def test_a_vote_does_not_depend_on_the_order_of_the_views() -> None:
    views = [read("TGBU7083331", sure=0.8), read("TGBU7083337", sure=0.6), read("NGBU7083337", sure=0.7)]

    assert vote(views) == vote(views[::-1])
    assert vote([replace(view) for view in views]) == vote(views)


def test_nothing_cannot_be_voted_on() -> None:
    with pytest.raises(ValueError, match="nothing to vote on"):
        vote([])
