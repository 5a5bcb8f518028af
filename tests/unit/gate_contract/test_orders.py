from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from gate_contract.orders import DAY, MOST_BYTES, OrderError, latest, open_order, sign
from gate_contract.v1.decision_pb2 import ACTION_HOLD, ACTION_RELEASE
from gate_contract.v1.order_pb2 import ControlOrder, Officer, Selector, SignedOrder

NOON = 1_790_000_000_000_000_000
KEYS = {
    name: Ed25519PrivateKey.from_private_bytes(name.encode().ljust(32)) for name in ("wang", "li", "chen", "foreign")
}


def an_officer(name: str, **fields: Any) -> Officer:
    public = KEYS[name].public_key().public_bytes_raw()
    given_fields: dict[str, Any] = {"authority": "customs", "author": True, "approver": True} | fields
    return Officer(officer_id=name, public_key=public, **given_fields)


OFFICERS = {name: an_officer(name) for name in ("wang", "li")} | {"chen": an_officer("chen", authority="police")}


def an_order(**fields: Any) -> ControlOrder:
    given_fields: dict[str, Any] = {
        "format": 1,
        "order_id": "O-1",
        "version": 1,
        "authority": "customs",
        "legal_basis": "Customs Law, article 6",
        "issued_unix_ns": NOON - DAY,
        "valid_from_unix_ns": NOON - DAY,
        "expires_unix_ns": NOON + DAY,
        "selectors": [Selector(plate="琼A12345")],
        "action": ACTION_HOLD,
    } | fields
    return ControlOrder(**given_fields)


def signed(order: ControlOrder, author: str = "wang", approver: str = "li") -> SignedOrder:
    data = order.SerializeToString()
    return SignedOrder(
        order=data,
        author=sign(data, "author", author, KEYS[author]),
        approver=sign(data, "approver", approver, KEYS[approver]),
    )


def opened(order: ControlOrder, now: int = NOON) -> Any:
    return open_order(signed(order).SerializeToString(), OFFICERS, now)


def test_an_order_of_two_officers_is_active_from_its_first_moment_until_its_last() -> None:
    order = an_order()
    found = opened(order)
    assert (found.order, found.author, found.approver, found.standing) == (order, "wang", "li", "active")
    assert opened(order, order.valid_from_unix_ns - 1).standing == "waiting"
    assert opened(order, order.expires_unix_ns - 1).standing == "active"
    assert opened(order, order.expires_unix_ns).standing == "expired"
    assert opened(an_order(version=2, lifted=True, lift_reason="found")).standing == "lifted"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"format": 2}, "format 2"),
        ({"order_id": ""}, "no id"),
        ({"version": 0}, "no version"),
        ({"legal_basis": " "}, "no legal basis"),
        ({"expires_unix_ns": 0}, "until when"),
        ({"valid_from_unix_ns": NOON + DAY}, "until when"),
        ({"expires_unix_ns": NOON + 400 * DAY}, "more than 366 days"),
        ({"action": ACTION_RELEASE}, "none of review, inspect and hold"),
        ({"selectors": []}, "about 0 things"),
        ({"selectors": [Selector(plate="")]}, "is empty"),
        ({"selectors": [Selector()]}, "does not know"),
        ({"lifted": True}, "without a reason"),
        ({"legal_basis": "\u200b\u2060…"}, "no legal basis"),
        ({"lifted": True, "lift_reason": "\u200b -"}, "without a reason"),
        ({"order_id": "O-1\x1b[2J"}, "no id"),
        ({"order_id": "O" * 129}, "no id"),
        ({"direction": 7}, "a direction that this release does not know"),
        ({"selectors": [Selector(plate="？·")]}, "no passage can show it"),
        ({"selectors": [Selector(hs_prefix="8")]}, "no passage can show it"),
        ({"selectors": [Selector(hs_prefix="84a1")]}, "no passage can show it"),
        ({"selectors": [Selector(hs_prefix="１２")]}, "no passage can show it"),
        ({"selectors": [Selector(document=bytes(31))]}, "no passage can show it"),
    ],
)
def test_an_order_that_lacks_what_the_law_asks_for_is_refused(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(OrderError, match=reason):
        opened(an_order(**fields))


@pytest.mark.parametrize(
    ("author", "approver", "reason"),
    [
        ("wang", "wang", "same person"),
        ("wang", "chen", "approver chen acts for 'police'"),
        ("chen", "li", "author chen acts for 'police'"),
        ("foreign", "li", "author 'foreign' is no officer"),
    ],
)
def test_two_officers_of_the_authority_must_sign(author: str, approver: str, reason: str) -> None:
    with pytest.raises(OrderError, match=reason):
        open_order(signed(an_order(), author, approver).SerializeToString(), OFFICERS, NOON)


def test_one_person_with_two_ids_is_one_person() -> None:
    officers = OFFICERS | {"li": an_officer("wang")}
    officers["li"].officer_id = "li"
    data = an_order().SerializeToString()
    both = SignedOrder(
        order=data,
        author=sign(data, "author", "wang", KEYS["wang"]),
        approver=sign(data, "approver", "li", KEYS["wang"]),
    )
    with pytest.raises(OrderError, match="same person"):
        open_order(both.SerializeToString(), officers, NOON)


@pytest.mark.parametrize(
    ("officer", "reason"),
    [
        ({"author": False}, "may not give"),
        ({"valid_until_unix_ns": NOON - DAY}, "not in office"),
        ({"valid_from_unix_ns": NOON}, "not in office"),
    ],
)
def test_an_officer_signs_only_what_the_office_allows(officer: dict[str, Any], reason: str) -> None:
    with pytest.raises(OrderError, match=reason):
        open_order(signed(an_order()).SerializeToString(), OFFICERS | {"wang": an_officer("wang", **officer)}, NOON)


def test_an_order_is_followed_in_the_deployment_that_it_names_and_in_no_other() -> None:
    ours = {name: an_officer(name, deployment="hainan") for name in ("wang", "li")}
    order = signed(an_order(deployment="hainan")).SerializeToString()
    assert open_order(order, ours, NOON).order == open_order(order, OFFICERS, NOON).order
    assert not open_order(signed(an_order()).SerializeToString(), ours, NOON).order.deployment
    with pytest.raises(OrderError, match="it is given in the deployment 'trial', not in this one"):
        open_order(signed(an_order(deployment="trial")).SerializeToString(), ours, NOON)


def test_who_may_only_give_orders_may_not_approve_them() -> None:
    with pytest.raises(OrderError, match="li may not approve"):
        open_order(signed(an_order()).SerializeToString(), OFFICERS | {"li": an_officer("li", approver=False)}, NOON)


def test_an_authors_signature_is_no_approval() -> None:
    both = signed(an_order())
    both.approver.CopyFrom(sign(both.order, "author", "li", KEYS["li"]))
    with pytest.raises(OrderError, match="signature of its approver li does not hold"):
        open_order(both.SerializeToString(), OFFICERS, NOON)


@given(st.data())
def test_no_changed_bit_of_an_order_is_followed(data: st.DataObject) -> None:
    whole = bytearray(signed(an_order()).SerializeToString())
    place = data.draw(st.integers(0, len(whole) * 8 - 1))
    whole[place // 8] ^= 1 << place % 8
    try:
        found = open_order(bytes(whole), OFFICERS, NOON)
    except OrderError:
        return
    assert found.order == an_order(), "a bit outside what is signed was flipped"


@given(st.binary(max_size=300))
def test_any_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(OrderError):
        open_order(data, OFFICERS, NOON)


def test_an_order_without_end_of_bytes_is_not_even_parsed() -> None:
    with pytest.raises(OrderError, match="more than an order has"):
        open_order(bytes(MOST_BYTES + 1), OFFICERS, NOON)


def test_the_highest_version_of_an_order_counts_whatever_comes_first() -> None:
    first, second = opened(an_order()), opened(an_order(version=2, lifted=True, lift_reason="found"))
    other = opened(an_order(order_id="O-2"))
    in_any_order: list[Callable[[], Any]] = [lambda: [first, second, other], lambda: [second, other, first]]
    for make in in_any_order:
        assert latest(make()) == {"O-1": second, "O-2": other}


def test_what_is_refused_is_named_without_what_steers_a_terminal_or_fills_a_log() -> None:
    order = an_order(order_id="O\x1b[2J\n" + "x" * 5_000, authority="y" * 5_000)
    with pytest.raises(OrderError) as caught:
        opened(order)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300
    assert caught.value.order_id.startswith("O�[2J�xx")
