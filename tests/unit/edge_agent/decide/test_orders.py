"""Control orders at a gate: opened once each, told when they do not hold."""

from __future__ import annotations

import pytest

from edge_agent.decide import orders as module
from edge_agent.decide.orders import NO_ORDERS, Orders, to_alarm
from gate_contract.orders import DAY, open_order
from gate_contract.rules.standing_orders import plate_key
from tests.unit.gate_contract.test_orders import NOON, OFFICERS, an_order, signed

GOOD = signed(an_order()).SerializeToString()
SAME_PERSON = signed(an_order(order_id="O-2"), "wang", "wang").SerializeToString()


def opened(*data: bytes, before: Orders = NO_ORDERS) -> Orders:
    return before.renewed(data, OFFICERS, NOON)


def test_an_order_of_two_officers_is_found_by_what_it_is_about_and_one_of_a_single_person_is_refused() -> None:
    orders = opened(GOOD, SAME_PERSON)
    hits = orders.index.about([plate_key("琼A12345")])
    assert [(hit.order.order_id, hit.refused[:31]) for hit in hits] == [
        ("O-1", ""),
        ("O-2", "author and approver are the same person: another one must approve it"[:31]),
    ]
    assert orders.standing(NOON) == {"active": 1, "waiting": 0, "expired": 0, "lifted": 0, "refused": 1}
    assert orders.standing(NOON + DAY)["expired"] == 1
    assert orders.standing(NOON - 2 * DAY)["waiting"] == 1


def test_signatures_are_verified_when_an_order_comes_and_when_the_officers_change(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    verified = []

    def counted(*arguments: object) -> object:
        verified.append(arguments[0])
        return open_order(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "open_order", counted)
    orders = opened(GOOD, SAME_PERSON)
    other = signed(an_order(order_id="O-3")).SerializeToString()
    orders = opened(GOOD, SAME_PERSON, other, before=orders)
    assert verified == [GOOD, SAME_PERSON, other]
    gone = orders.renewed([GOOD], {"wang": OFFICERS["wang"]}, NOON)
    assert len(verified) == 4
    assert [error.reason for error in gone.errors.values()] == ["its approver 'li' is no officer of this deployment"]


def test_what_does_not_hold_is_alarmed_and_never_says_what_it_is_about() -> None:
    old = signed(an_order(order_id="O-4", expires_unix_ns=NOON - 1)).SerializeToString()
    orders = opened(GOOD, SAME_PERSON, old, b"garbage")
    alarms = [str(error) for error in to_alarm(orders, {GOOD, SAME_PERSON, old, b"garbage"}, NOON)]
    assert alarms == [
        "control order O-2: author and approver are the same person: another one must approve it",
        "control order (unreadable): it is no SignedOrder",
        "control order O-4: it had expired when it came (version 1)",
    ]
    assert not any("A12345" in text for text in alarms)


def test_an_order_that_expires_while_it_is_here_is_no_alarm() -> None:
    orders = opened(GOOD)
    assert to_alarm(orders, set(), NOON + 2 * DAY) == []
