"""Register items as people and programs see them. Nothing sealed and no pseudonym of a traveller is shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from google.protobuf.json_format import MessageToDict

from collector.commands._show import local, utc
from collector.registers.intake import register_name
from collector.registers.orders import about
from gate_contract.registers import body_of
from gate_contract.v1 import register_pb2 as pb
from gate_contract.v1.order_pb2 import ControlOrder, SignedOrder
from gate_contract.v1.register_pb2 import ItemKind, RegisterItem

KINDS: Final = {register_name(kind): kind for kind in ItemKind.values() if kind}
"""Registers by their names."""

LONGEST: Final = 120
"""Characters of a value in a list; `show` and --json give all of it."""

_AS_COLUMN: Final = frozenset({"sailing_id", "declaration_id", "plate", "officer_id", "declarant_id"})


def item_json(item: RegisterItem, ledger_index: int | None = None) -> dict[str, object]:
    """An item and what it says."""
    shown: dict[str, object] = {
        "register": register_name(item.kind),
        "key": item.key,
        "version": item.version,
        "site_id": item.site_id,
        "received": utc(item.received_unix_ns),
        "received_unix_ns": item.received_unix_ns,
        "expires": utc(item.expires_unix_ns),
        "expires_unix_ns": item.expires_unix_ns,
        "withdrawn": item.withdrawn,
        "body": body_json(item),
    }
    if ledger_index is not None:
        shown["ledger_index"] = ledger_index
    return shown


def body_json(item: RegisterItem) -> dict[str, Any]:
    """What an item says, by the names of its fields; moments also in words."""
    body = body_of(item)
    if isinstance(body, pb.SailingManifest):
        return {
            "sailing_id": body.sailing_id,
            "tickets": [ticket.ticket_id for ticket in body.tickets],
            "key_id": body.key_id,
        }
    if isinstance(body, SignedOrder):
        return _fields(ControlOrder.FromString(body.order)) | {
            "author": body.author.officer_id,
            "approver": body.approver.officer_id,
        }
    return _fields(body)


def in_a_line(item: RegisterItem) -> str:
    """What an item says, short enough for a list."""
    body = body_json(item)
    if item.kind == pb.ITEM_KIND_MANIFEST:
        return f"{len(body['tickets'])} tickets"
    if item.kind == pb.ITEM_KIND_POLICY:
        return f"{len(body.get('toml', '').splitlines())} lines"
    if item.kind == pb.ITEM_KIND_ORDER:
        return _cut(", ".join(about(ControlOrder.FromString(SignedOrder.FromString(item.body).order))))
    parts = (f"{name} {_word(value)}" for name, value in words(body).items() if name not in _AS_COLUMN)
    return _cut(", ".join(parts))


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def words(body: dict[str, Any]) -> dict[str, Any]:
    """Moments as local time under their name without the unit."""
    return {
        name.removesuffix("_unix_ns"): local(value) if name.endswith("_unix_ns") else value
        for name, value in body.items()
    }


def _fields(message: Any) -> dict[str, Any]:
    fields = MessageToDict(message, preserving_proto_field_name=True)
    for name in fields:
        if name.endswith("_unix_ns"):
            fields[name] = getattr(message, name)  # JSON of protobuf writes 64-bit numbers as text
    return fields


def _word(value: object) -> str:
    if isinstance(value, dict):
        return " ".join(f"{name}={each}" for name, each in sorted(value.items()))
    if isinstance(value, Sequence) and not isinstance(value, str):
        return " ".join(_word(each) for each in value)
    return "yes" if value is True else str(value)
