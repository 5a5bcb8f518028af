from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gate_contract.orders import Opened, sign
from gate_contract.rules import Context, OrderIndex, Refused, open_orders
from gate_contract.v1 import decision_pb2, passage_pb2, stamp_pb2
from gate_contract.v1.order_pb2 import ControlOrder, Officer, Selector, SignedOrder
from tests.unit.gate_contract.rules.builders import (
    HOLD,
    HOUR,
    INSPECT,
    NOON,
    PLATE,
    RELEASE,
    REVIEW,
    a_box,
    a_container,
    a_context,
    a_declaration,
    a_document,
    a_passage,
    codes,
    inputs_of,
    judge,
    the_finding,
)

BOX = "CSQU3054383"
DAY = 24 * HOUR


def an_order(
    order_id: str = "O-1",
    *,
    version: int = 1,
    valid_from: int = NOON - DAY,
    expires: int = NOON + DAY,
    action: decision_pb2.Action.ValueType = HOLD,
    sites: Sequence[str] = (),
    direction: passage_pb2.Direction.ValueType = passage_pb2.DIRECTION_UNSPECIFIED,
    lifted: bool = False,
    **selector: Any,
) -> ControlOrder:
    """About the truck of these tests, unless a field of `Selector` is given."""
    return ControlOrder(
        order_id=order_id,
        version=version,
        authority="customs",
        legal_basis="Customs Law, article 6",
        valid_from_unix_ns=valid_from,
        expires_unix_ns=expires,
        site_ids=sites,
        direction=direction,
        selectors=[Selector(**(selector or {"plate": PLATE}))],
        action=action,
        instruction="Open the doors.",
        instruction_zh="开箱查验。",
        lifted=lifted,
        lift_reason="done" if lifted else "",
    )


def under(*orders: ControlOrder, refused: Sequence[Refused] = ()) -> Context:
    opened = [Opened(each, "officer-1", "officer-2", "active") for each in orders]
    return replace(a_context(), orders=OrderIndex(opened, refused))


@pytest.mark.parametrize("action", [REVIEW, INSPECT, HOLD])
def test_o01_does_what_the_order_says(action: decision_pb2.Action.ValueType) -> None:
    decision = judge(a_passage(), [a_declaration()], under(an_order(action=action)))
    finding = the_finding(decision, "O01")
    assert (decision.action, finding.severity) == (action, 4)
    assert finding.explanation == "Control order O-1 version 1 of customs is about plate 琼A12345: Open the doors."
    assert inputs_of(finding)["instruction_zh"] == "开箱查验。"
    assert inputs_of(finding)["legal_basis"] == "Customs Law, article 6"


@pytest.mark.parametrize(
    "selector",
    [
        {"plate": "琼A-12345"},
        {"plate": "琼A777挂"},
        {"container": "CSQU 305438 3"},
        {"declaration_id": "D-1"},
        {"hs_prefix": "08"},
        {"hs_prefix": "0805100000"},
        {"declarant_id": "importer-7"},
        {"document": b"a" * 32},
    ],
)
def test_o01_finds_a_passage_by_whatever_an_order_names(selector: dict[str, Any]) -> None:
    trip = a_declaration(
        trailer="琼A777挂", equipment=[a_box(BOX)], box_tare="0", hs_codes=["0805100000"], declarant="importer-7"
    )
    passage = a_passage(readings=[a_document(b"a" * 32)])
    assert codes(judge(passage, [trip], under(an_order(**selector)))) == ["O01"]
    assert codes(judge(a_passage(plates=["琼B99999"]), [trip], under(an_order(**selector)))) == []


def test_o01_needs_no_declaration_for_what_was_read() -> None:
    passage = a_passage(readings=[a_container(BOX)])
    assert codes(judge(passage, [], under(an_order(container=BOX)))) == ["O01"]


def test_o01_does_not_miss_a_plate_for_a_character_that_cameras_confuse() -> None:
    assert codes(judge(a_passage(plates=["琼A1234S"]), [], under(an_order()))) == ["O01"]
    assert codes(judge(a_passage(plates=["琼A12346"]), [], under(an_order()))) == []


@pytest.mark.parametrize(
    ("order", "found"),
    [
        (an_order(valid_from=NOON), ["O01"]),
        (an_order(valid_from=NOON + 1), []),
        (an_order(expires=NOON + 1), ["O01"]),
        (an_order(expires=NOON), ["O02"]),
        (an_order(lifted=True), []),
        (an_order(sites=["xiuying", "xinhai"]), ["O01"]),
        (an_order(sites=["xinhai"]), []),
        (an_order(direction=passage_pb2.DIRECTION_INBOUND), ["O01"]),
        (an_order(direction=passage_pb2.DIRECTION_OUTBOUND), []),
    ],
)
def test_an_order_stops_only_while_and_where_it_is_in_force(order: ControlOrder, found: list[str]) -> None:
    context = replace(under(order), now_unix_ns=NOON)
    passage = a_passage()
    passage.decided.CopyFrom(passage.opened)
    assert codes(judge(passage, [], context)) == found


def test_an_order_that_comes_while_the_vehicle_waits_stops_it() -> None:
    passage = a_passage()
    passage.decided.CopyFrom(stamp_pb2.Stamp(wall_unix_ns=NOON + 5, clock=passage.opened.clock))
    assert codes(judge(passage, [], under(an_order(valid_from=NOON + 5)))) == ["O01"]
    assert codes(judge(passage, [], under(an_order(valid_from=NOON + 6)))) == []


def test_a_passage_that_is_judged_again_later_is_under_the_orders_of_its_own_time() -> None:
    passage = a_passage()
    passage.decided.CopyFrom(passage.opened)
    week_later = replace(under(an_order(), an_order("O-2", valid_from=NOON + HOUR)), now_unix_ns=NOON + 7 * DAY)
    assert [each.explanation[:17] for each in judge(passage, [], week_later).findings] == ["Control order O-1"]


def test_without_a_time_that_can_be_believed_an_order_is_in_force_by_the_deciders_clock() -> None:
    passage = a_passage(at=0)
    assert codes(judge(passage, [], under(an_order()))) == ["O01"]
    assert codes(judge(passage, [], replace(under(an_order()), now_unix_ns=NOON + DAY))) == ["O02"]


def test_the_highest_version_of_an_order_counts() -> None:
    versions = (an_order(version=2, lifted=True), an_order(version=1))
    assert codes(judge(a_passage(), [], under(*versions))) == []
    assert codes(judge(a_passage(), [], under(*versions[::-1]))) == []


def test_o02_tells_of_an_expired_order_and_lets_go() -> None:
    decision = judge(a_passage(), [a_declaration()], under(an_order(expires=NOON)))
    finding = the_finding(decision, "O02")
    assert (decision.action, finding.severity) == (RELEASE, 4)
    assert "is ignored: it expired at 2025-03-01T12:00:00Z" in finding.explanation


def test_o02_tells_of_an_order_that_does_not_hold_and_follows_it_in_nothing() -> None:
    refused = Refused(an_order("O-9"), "the signature of its approver does not hold")
    decision = judge(a_passage(), [a_declaration()], under(refused=[refused]))
    assert (decision.action, codes(decision)) == (RELEASE, ["O02"])
    assert "the signature of its approver does not hold" in decision.findings[0].explanation
    assert codes(judge(a_passage(plates=["琼B99999"]), [], under(refused=[refused]))) == []


def test_orders_are_opened_as_they_were_sent_and_what_does_not_hold_is_alarmed() -> None:
    keys = {name: Ed25519PrivateKey.from_private_bytes(bytes([number] * 32)) for number, name in enumerate("ABC")}
    officers = {
        name: Officer(
            officer_id=name,
            authority="customs",
            public_key=key.public_key().public_bytes_raw(),
            author=True,
            approver=True,
        )
        for name, key in keys.items()
    }

    def signed(order_id: str, approver: str) -> bytes:
        order = an_order(order_id)
        order.format, order.issued_unix_ns = 1, NOON - DAY
        data = order.SerializeToString()
        one, two = sign(data, "author", "A", keys["A"]), sign(data, "approver", "B", keys[approver])
        return SignedOrder(order=data, author=one, approver=two).SerializeToString()

    index, refused = open_orders([signed("O-1", "B"), signed("O-2", "C"), b"no order"], officers, NOON)
    decision = judge(a_passage(), [], replace(a_context(), orders=index))
    assert codes(decision) == ["O01", "O02"]
    assert (
        "O-2 version 1 about plate 琼A12345 is ignored: the signature of its approver"
        in decision.findings[1].explanation
    )
    assert [each.order_id for each in refused] == ["O-2", ""]


def test_every_authority_has_its_own_finding() -> None:
    decision = judge(a_passage(), [], under(an_order("O-2"), an_order("O-1", action=REVIEW)))
    assert codes(decision) == ["O01", "O01"]
    assert decision.action == HOLD


def test_an_order_about_several_things_of_one_passage_is_told_once() -> None:
    order = an_order()
    order.selectors.append(Selector(container=BOX))
    passage = a_passage(readings=[a_container(BOX)])
    finding = the_finding(judge(passage, [], under(order)), "O01")
    assert "about plate 琼A12345 and container CSQU3054383" in finding.explanation


def test_an_order_is_told_by_the_plate_that_it_names_not_with_its_look_alikes_as_one() -> None:
    finding = the_finding(judge(a_passage(plates=["琼OC9147"]), [], under(an_order(plate="琼DC9147"))), "O01")
    assert "about plate 琼DC9147:" in finding.explanation
    assert inputs_of(finding)["selected_by"] == "plate 琼DC9147"


def test_among_ten_thousand_orders_a_passage_costs_little_more_than_among_ten() -> None:
    def spent(count: int) -> float:
        orders = [an_order(f"O-{number}", plate=f"粤B{number:05d}") for number in range(count)]
        context, passage, trip = under(*orders), a_passage(), [a_declaration()]
        times = []
        for _ in range(15):
            before = time.process_time()
            assert codes(judge(passage, trip, context)) == []
            times.append(time.process_time() - before)
        return min(times)

    assert spent(10_000) < 20 * spent(10)
