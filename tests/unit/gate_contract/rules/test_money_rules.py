from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from gate_contract.rules import Context, Manifest, Policy, Sailing, Settlement
from gate_contract.v1 import stamp_pb2
from tests.unit.gate_contract.rules.builders import (
    HOLD,
    INSPECT,
    NOON,
    REVIEW,
    a_context,
    a_declaration,
    a_passage,
    codes,
    inputs_of,
    judge,
    the_finding,
)

MINUTE = 60_000_000_000


def settled(settlement: Settlement) -> Context:
    return replace(a_context(), payments={"D-1": settlement})


def paid(amount: str, currency: str = "CNY", rate: str = "") -> Context:
    return settled(Settlement(Decimal(amount), currency, Decimal(rate) if rate else None))


@pytest.mark.parametrize(
    ("declared", "amount", "fires"),
    [
        ("100000", "102000", False),
        ("100000", "102000.01", True),
        ("100000", "98000", False),
        ("100000", "97999.99", True),
        ("10000", "11000", False),
        ("10000", "11000.01", True),
        ("", "11000", False),
        ("many", "11000", False),
    ],
)
def test_m01_allows_two_percent_or_a_thousand_yuan(declared: str, amount: str, fires: bool) -> None:
    decision = judge(a_passage(), [a_declaration(value=declared)], paid(amount))
    assert codes(decision) == (["M01"] if fires else [])
    if fires:
        assert decision.action == REVIEW


def test_m01_goes_by_exchange_rates_and_says_nothing_without_one() -> None:
    trip = [a_declaration(value="72000")]
    assert codes(judge(a_passage(), trip, paid("10000", "USD", "7.2"))) == []
    assert codes(judge(a_passage(), trip, paid("10000", "USD", "7.5"))) == ["M01"]
    assert codes(judge(a_passage(), trip, paid("10000", "USD"))) == []
    assert codes(judge(a_passage(), trip, paid("NaN"))) == []
    dollars = [a_declaration(value="10000", currency="USD")]
    assert codes(judge(a_passage(), dollars, paid("80000"))) == []
    both = replace(paid("80000").payments["D-1"], yuan_per_declared=Decimal("7.2"))
    assert inputs_of(the_finding(judge(a_passage(), dollars, settled(both)), "M01"))["value_yuan"] == "72000"


def test_m01_keeps_to_policy_and_to_the_declarations_of_this_vehicle() -> None:
    strict = Policy.from_toml("[M01]\nleast_yuan = 0")
    assert codes(judge(a_passage(), [a_declaration(value="10000")], paid("10300"), strict)) == ["M01"]
    assert codes(judge(a_passage(), [], paid("10300"), strict)) == []


@pytest.mark.parametrize(
    ("parties", "fires"),
    [
        ({"order": "A-1", "payment": "A-2", "logistics": "A-1"}, True),
        ({"order": "A-1", "payment": "a -1", "logistics": "A-1"}, False),
        ({"order": "A-1", "payment": ""}, False),
        ({"order": "A-1", "logistics": "B"}, True),
        ({}, False),
    ],
)
def test_m02_inspects_when_order_payment_and_logistics_name_different_parties(
    parties: dict[str, str], fires: bool
) -> None:
    decision = judge(a_passage(), [a_declaration()], settled(Settlement(parties=parties)))
    assert codes(decision) == (["M02"] if fires else [])
    if fires:
        assert decision.action == INSPECT


def test_m02_names_no_party() -> None:
    parties = {"order": "王小明", "payment": "李小红"}
    decision = judge(a_passage(), [a_declaration()], settled(Settlement(parties=parties)))
    assert "小" not in str(decision)
    assert inputs_of(the_finding(decision, "M02")) in (
        {"party_of_order": "party 1", "party_of_payment": "party 2"},
        {"party_of_order": "party 2", "party_of_payment": "party 1"},
    )


@pytest.mark.parametrize(
    ("due", "done", "guarantee", "fires"),
    [
        ("100", "100", None, False),
        ("100", "99.99", None, True),
        ("100", None, None, True),
        ("100", "40", "60", False),
        ("100", "40", "59.99", True),
        ("100", "100", "0", False),
        ("0", None, "-1", True),
        (None, None, None, False),
        ("NaN", None, None, False),
    ],
)
def test_m03_holds_what_neither_payment_nor_guarantee_covers(
    due: str | None, done: str | None, guarantee: str | None, fires: bool
) -> None:
    amounts = [None if each is None else Decimal(each) for each in (due, done, guarantee)]
    settlement = Settlement(duty_due=amounts[0], duty_paid=amounts[1], guarantee_left=amounts[2])
    decision = judge(a_passage(), [a_declaration()], settled(settlement))
    assert codes(decision) == (["M03"] if fires else [])
    if fires:
        assert decision.action == HOLD


def scheduled(**sailings: Sailing) -> Context:
    return replace(a_context(), sailings=dict(sailings))


BOOKED = [a_declaration(sailing="S1")]


@pytest.mark.parametrize(
    ("context", "words"),
    [
        (a_context(), ""),
        (scheduled(S1=Sailing()), ""),
        (scheduled(), "is not in the schedule"),
        (scheduled(S1=Sailing(cancelled=True)), "is cancelled"),
        (scheduled(S1=Sailing(NOON + 30 * MINUTE, ship_here=False)), "AIS does not have its ship here"),
        (scheduled(S1=Sailing(NOON + 30 * MINUTE + 1, ship_here=False)), ""),
        (scheduled(S1=Sailing(NOON, ship_here=True)), ""),
        (scheduled(S1=Sailing(NOON, ship_here=None)), ""),
        (scheduled(S1=Sailing(None, ship_here=False)), ""),
    ],
)
def test_s01_looks_for_the_sailing_and_its_ship(context: Context, words: str) -> None:
    decision = judge(a_passage(), BOOKED, context)
    assert codes(decision) == (["S01"] if words else [])
    if words:
        assert decision.action == REVIEW
        assert words in the_finding(decision, "S01").explanation


def test_s01_says_nothing_of_ships_while_the_gates_time_cannot_be_believed() -> None:
    context = scheduled(S1=Sailing(NOON, ship_here=False))
    assert codes(judge(a_passage(clock=stamp_pb2.CLOCK_STATE_UNSYNCHRONISED), BOOKED, context)) == []


def test_s01_asks_for_the_sailing_of_passengers_and_for_none_where_none_is_named() -> None:
    assert codes(judge(a_passage(), [a_declaration()], scheduled())) == []
    passengers = replace(scheduled(), manifest=Manifest("S2", {}))
    assert codes(judge(a_passage(plates=[], weighings=[]), context=passengers)) == ["S01"]
