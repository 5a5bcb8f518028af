"""Register items: what decisions rest on besides declarations, and how it reads to the rule book. Pure.

The collector enters items, gates get them, and both turn them into the rules' `Context` with the functions here, so
that the same items lead to the same findings at both ends.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Final

from google.protobuf.message import DecodeError, Message

from gate_contract.rules.records import Manifest, Sailing, Settlement
from gate_contract.v1 import register_pb2 as pb
from gate_contract.v1.order_pb2 import Officer, SignedOrder

FORMAT: Final = 1

BODIES: Final[Mapping[int, type[Message]]] = {
    pb.ITEM_KIND_SAILING: pb.Sailing,
    pb.ITEM_KIND_MANIFEST: pb.SailingManifest,
    pb.ITEM_KIND_ORDER: SignedOrder,
    pb.ITEM_KIND_OFFICER: Officer,
    pb.ITEM_KIND_POLICY: pb.PolicyText,
    pb.ITEM_KIND_CARRIER: pb.VehicleCarrier,
    pb.ITEM_KIND_SETTLEMENT: pb.DeclarationSettlement,
    pb.ITEM_KIND_QUANTITY: pb.DeclarationQuantity,
    pb.ITEM_KIND_SELECTION: pb.Selection,
    pb.ITEM_KIND_CREDIT: pb.CreditRecord,
    pb.ITEM_KIND_JOURNEY: pb.Journey,
}
"""The message that an item's body holds, by kind."""

COLLECTOR_ONLY: Final = frozenset({pb.ITEM_KIND_CREDIT, pb.ITEM_KIND_JOURNEY})
"""Kinds that are never sent to a gate."""


class RegisterError(ValueError):
    """An item that cannot be used; the message says which and why."""


def open_item(data: bytes) -> pb.RegisterItem:
    """Read a serialised RegisterItem. RegisterError when this release cannot use it."""
    try:
        item = pb.RegisterItem.FromString(data)
    except DecodeError:
        raise RegisterError(f"{len(data)} bytes that are no register item") from None
    if item.format != FORMAT:
        raise RegisterError(f"{item.key!r} is written in format {item.format}; this release knows {FORMAT}")
    if item.kind not in BODIES:
        raise RegisterError(f"{item.key!r} is of register {item.kind}, which this release does not know")
    if item.version < 1:
        raise RegisterError(f"{item.key!r} has no version")
    body_of(item)
    return item


def body_of(item: pb.RegisterItem) -> Message:
    """What the item says: the message of its kind. RegisterError when it is none."""
    try:
        return BODIES[item.kind].FromString(item.body)
    except DecodeError:
        raise RegisterError(f"{item.key!r}: its body is no {BODIES[item.kind].__name__}") from None


def sailing_of(sailing: pb.Sailing, *, ship_here: bool | None = None) -> Sailing:
    """As S01 needs it; `ship_here` is what AIS says, None where it says nothing."""
    return Sailing(sailing.departure_unix_ns or None, sailing.cancelled, ship_here)


def manifest_of(manifest: pb.SailingManifest) -> Manifest:
    """As P01, P06 and P07 need it."""
    return Manifest(manifest.sailing_id, {ticket.pseudonym: ticket.ticket_id for ticket in manifest.tickets})


def settlement_of(settlement: pb.DeclarationSettlement) -> Settlement:
    """As M01 to M03 need it; what is no number is not known."""
    return Settlement(
        paid=_decimal(settlement.paid),
        currency=settlement.currency.strip().upper() or "CNY",
        yuan_per_paid=_decimal(settlement.yuan_per_paid),
        yuan_per_declared=_decimal(settlement.yuan_per_declared),
        parties=dict(settlement.parties),
        duty_due=_decimal(settlement.duty_due),
        duty_paid=_decimal(settlement.duty_paid),
        guarantee_left=_decimal(settlement.guarantee_left),
    )


def _decimal(text: str) -> Decimal | None:
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    return value if value.is_finite() else None
