"""Control orders at a gate: opened once each, told when they do not hold."""

from __future__ import annotations

from typing import Any

import pytest

from edge_agent.decide import orders as module
from edge_agent.decide.orders import NO_ORDERS, Orders, not_replaced, to_alarm
from gate_contract.orders import DAY, open_order
from gate_contract.rules.standing_orders import plate_key
from gate_contract.v1.order_pb2 import ControlOrder, SignedOrder
from gate_contract.v1.register_pb2 import ITEM_KIND_ORDER, RegisterItem
from tests.unit.gate_contract.test_orders import NOON, OFFICERS, an_officer, an_order, signed

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


def item(order: SignedOrder, **fields: Any) -> RegisterItem:
    return RegisterItem(kind=ITEM_KIND_ORDER, key="O-1", body=order.SerializeToString(), **fields)


SECOND = an_order(version=2)
LIFTED = an_order(version=2, lifted=True, lift_reason="found")


@pytest.mark.parametrize(
    ("came", "reason"),
    [
        (None, "it was taken back without the signatures of two officers"),
        (item(signed(SECOND, "wang", "wang")), "author and approver are the same person"),
        (item(SignedOrder(order=LIFTED.SerializeToString())), "its author '' is no officer"),
        (item(signed(an_order(version=1, order_id="O-7"))), "under its id came another order"),
        (item(signed(SECOND), expires_unix_ns=NOON + 1), "it was to be forgotten before it expires"),
        (RegisterItem(body=b"garbage"), "it is no SignedOrder"),
    ],
)
def test_nobody_ends_or_changes_an_order_in_force_without_two_signatures(came: RegisterItem, reason: str) -> None:
    for now in (NOON, NOON - 2 * DAY):
        [(order_id, error)] = not_replaced(opened(GOOD), {"O-1": GOOD}, {"O-1": came}, OFFICERS, now).items()
        assert order_id == error.order_id == "O-1"
        assert error.reason.startswith(reason)
        assert error.reason.endswith(". Version 1, which this gate has, stays as it is")
    assert not_replaced(opened(GOOD), {"O-1": GOOD}, {"O-1": came}, OFFICERS, NOON + DAY) == {}, "it has expired"
    assert not_replaced(NO_ORDERS, {}, {"O-1": came}, OFFICERS, NOON) == {}, "it was not here"


@pytest.mark.parametrize("order", [an_order(), SECOND, LIFTED])
def test_a_version_of_two_officers_takes_the_place_of_the_one_before(order: ControlOrder) -> None:
    came = item(signed(order), expires_unix_ns=order.expires_unix_ns + DAY)
    assert not_replaced(opened(GOOD), {"O-1": GOOD}, {"O-1": came}, OFFICERS, NOON) == {}


def test_an_order_that_was_lifted_is_not_in_force_again_by_its_first_version() -> None:
    lifted = signed(LIFTED).SerializeToString()
    came = {"O-1": item(signed(an_order()))}
    [error] = not_replaced(opened(lifted), {"O-1": lifted}, came, OFFICERS, NOON).values()
    assert error.reason.startswith("version 1 came after version 2")


def test_another_authority_lifts_no_order() -> None:
    officers = OFFICERS | {name: an_officer(name, authority="police") for name in ("chen", "foreign")}
    came = {"O-1": item(signed(an_order(version=2, authority="police"), "chen", "foreign"))}
    [error] = not_replaced(opened(GOOD), {"O-1": GOOD}, came, officers, NOON).values()
    assert error.reason.startswith("a version came that police gave: only who gave an order changes or lifts it")
