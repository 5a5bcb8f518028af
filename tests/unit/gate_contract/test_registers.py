from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate_contract.registers import (
    BODIES,
    COLLECTOR_ONLY,
    RegisterError,
    body_of,
    manifest_of,
    open_item,
    sailing_of,
    settlement_of,
)
from gate_contract.rules import Manifest, Sailing, Settlement
from gate_contract.v1 import register_pb2 as pb
from gate_contract.v1.order_pb2 import Officer

BROKEN = b"\x0a\xff"
"""A field that says it is longer than the bytes are."""


def an_item(**fields: Any) -> pb.RegisterItem:
    sailing = pb.Sailing(sailing_id="S-1", departure_unix_ns=5)
    given_fields: dict[str, Any] = {
        "format": 1,
        "kind": pb.ITEM_KIND_SAILING,
        "key": "S-1",
        "version": 1,
        "body": sailing.SerializeToString(),
    } | fields
    return pb.RegisterItem(**given_fields)


def test_an_item_opens_to_what_was_entered() -> None:
    item = an_item(site_id="xiuying", withdrawn=True)
    assert open_item(item.SerializeToString()) == item
    assert body_of(item) == pb.Sailing(sailing_id="S-1", departure_unix_ns=5)


def test_every_register_has_its_message() -> None:
    assert set(BODIES) == set(pb.ItemKind.values()) - {pb.ITEM_KIND_UNSPECIFIED}
    for kind, message in BODIES.items():
        opened = open_item(an_item(kind=kind, body=b"").SerializeToString())
        assert isinstance(body_of(opened), message)


def test_credit_and_journeys_stay_at_the_collector() -> None:
    assert {pb.ITEM_KIND_CREDIT, pb.ITEM_KIND_JOURNEY} == COLLECTOR_ONLY


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"format": 2}, "'S-1' is written in format 2; this release knows 1"),
        ({"format": 0}, "format 0"),
        ({"kind": 99}, "'S-1' is of register 99"),
        ({"kind": pb.ITEM_KIND_UNSPECIFIED}, "of register 0"),
        ({"version": 0}, "'S-1' has no version"),
        ({"body": BROKEN}, "'S-1': its body is no Sailing"),
        ({"kind": pb.ITEM_KIND_OFFICER, "body": BROKEN}, "its body is no Officer"),
    ],
)
def test_an_item_that_this_release_cannot_use_is_refused_with_its_key(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(RegisterError, match=reason):
        open_item(an_item(**fields).SerializeToString())


@given(st.binary(max_size=60))
def test_any_bytes_are_an_item_or_are_refused(data: bytes) -> None:
    try:
        item = open_item(data)
    except RegisterError:
        return
    assert item.format == 1
    assert item.kind in BODIES


def test_bytes_that_are_no_item_are_refused() -> None:
    with pytest.raises(RegisterError, match="2 bytes that are no register item"):
        open_item(BROKEN)


def test_a_sailing_reads_as_s01_needs_it() -> None:
    assert sailing_of(pb.Sailing(departure_unix_ns=7, cancelled=True), ship_here=False) == Sailing(7, True, False)
    assert sailing_of(pb.Sailing()) == Sailing(None, cancelled=False, ship_here=None)


def test_a_manifest_reads_as_tickets_by_pseudonym() -> None:
    tickets = [pb.Ticket(pseudonym=bytes([number]) * 32, ticket_id=f"T-{number}", sealed=b"x") for number in (1, 2)]
    found = manifest_of(pb.SailingManifest(sailing_id="S-1", tickets=tickets, key_id="k"))
    assert found == Manifest("S-1", {b"\1" * 32: "T-1", b"\2" * 32: "T-2"})


def test_a_settlement_reads_as_exact_numbers_and_what_is_none_is_not_known() -> None:
    found = settlement_of(
        pb.DeclarationSettlement(
            paid="1000.10",
            currency=" usd ",
            yuan_per_paid="7.1",
            yuan_per_declared="",
            parties={"order": "A", "payment": "B"},
            duty_due="0",
            duty_paid="NaN",
            guarantee_left="-Infinity",
        )
    )
    assert found == Settlement(
        paid=Decimal("1000.10"),
        currency="USD",
        yuan_per_paid=Decimal("7.1"),
        yuan_per_declared=None,
        parties={"order": "A", "payment": "B"},
        duty_due=Decimal(0),
        duty_paid=None,
        guarantee_left=None,
    )
    assert settlement_of(pb.DeclarationSettlement()) == Settlement()
    assert settlement_of(pb.DeclarationSettlement(duty_due="much", currency="")).duty_due is None


def test_an_officer_of_the_register_is_the_officer_who_signs() -> None:
    officer = Officer(officer_id="wang", authority="customs", public_key=bytes(32))
    assert body_of(an_item(kind=pb.ITEM_KIND_OFFICER, key="wang", body=officer.SerializeToString())) == officer
