from __future__ import annotations

from dataclasses import replace

import pytest

from edge_agent.status.balance import Balance, BalanceWatch, breaches

WELL = Balance(captured=100, acknowledged=69, pending=30, dead_lettered=1, receipted=70, counted=100)


def test_a_journal_that_balances_breaches_nothing() -> None:
    assert list(breaches(WELL, None)) == []
    assert list(breaches(WELL, WELL)) == []


def test_what_comes_and_goes_between_two_looks_breaches_nothing() -> None:
    grown = Balance(captured=150, acknowledged=120, pending=29, dead_lettered=1, receipted=121, counted=150)
    assert list(breaches(grown, WELL)) == []
    half_way = replace(WELL, captured=101, pending=31), replace(WELL, receipted=71)
    for look in half_way:
        assert list(breaches(look, WELL)) == [], "one of two figures was read a moment later"
        assert list(breaches(grown, look)) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"captured": 101}, "101 captured are not 69 acknowledged + 30 pending + 1 dead-lettered"),
        ({"acknowledged": 102, "pending": -3}, "100 captured are not 102 acknowledged + -3 pending"),
        ({"receipted": -1}, "the receipt that is kept is not the collector's"),
    ],
)
def test_a_look_that_does_not_fit_by_itself_is_told(changes: dict[str, int], words: str) -> None:
    assert words in next(breaches(replace(WELL, **changes), None))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"captured": 99, "pending": 29, "counted": 99}, "captured went back from 100 to 99"),
        ({"dead_lettered": 0, "acknowledged": 70}, "dead-lettered went back from 1 to 0"),
        ({"receipted": 69}, "receipted went back from 70 to 69"),
        ({"counted": 99}, "100 were captured and 99 are there"),
        ({"acknowledged": 68, "pending": 31}, "the receipt is for 70; 69 are held to be at the collector"),
    ],
)
def test_what_was_there_at_the_last_look_may_not_be_missing_at_this_one(changes: dict[str, int], words: str) -> None:
    assert words in list(breaches(replace(WELL, **changes), WELL))


def test_more_records_than_the_head_knows_are_a_breach_at_the_next_look() -> None:
    more = replace(WELL, counted=103)
    assert list(breaches(more, WELL)) == []
    assert list(breaches(more, more)) == ["103 were there and 100 are held to be captured"]


def test_more_acknowledged_than_the_receipt_says_are_a_breach_at_the_next_look() -> None:
    more = replace(WELL, acknowledged=74, pending=25)
    assert list(breaches(more, more)) == ["75 are held to be at the collector; the receipt is for 70"]


def test_a_breach_is_told_once_and_stays() -> None:
    watch = BalanceWatch()
    assert not watch.look(WELL)
    assert watch.problem == ""
    assert watch.look(replace(WELL, captured=101))
    assert not watch.look(replace(WELL, captured=101))
    assert not watch.look(WELL)
    assert watch.problem.startswith("101 captured are not")
