"""Register items as the rule book takes them, kept up to date item by item. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final

from google.protobuf.message import DecodeError

from gate_contract.registers import RegisterError, body_of, manifest_of, open_item, sailing_of, settlement_of
from gate_contract.rules.records import Manifest, Sailing, Settlement
from gate_contract.v1 import register_pb2 as pb
from gate_contract.v1.order_pb2 import Officer

Key = tuple[int, str]
"""Of a register item: kind and key."""

Table = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Registers:
    """What holds, each register by key. Never changed: `with_changes` makes the next one.

    Attributes:
        sailings: by sailing id.
        schedule: the same, as the rule book takes it; whether a ship is here, the collector knows.
        manifests: by sailing id.
        keys: ids of the keys of their pseudonyms, by sailing id.
        orders: serialised SignedOrders by order id.
        officers: by officer id.
        policies: TOML by site id; "" for every site.
        carriers: by normalised plate.
        settlements: by declaration id.
        quantities: by declaration id, then by name.
        selections: by declaration id.
    """

    sailings: Mapping[str, pb.Sailing] = field(default_factory=dict)
    schedule: Mapping[str, Sailing] = field(default_factory=dict)
    manifests: Mapping[str, Manifest] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)
    orders: Mapping[str, bytes] = field(default_factory=dict)
    officers: Mapping[str, Officer] = field(default_factory=dict)
    policies: Mapping[str, str] = field(default_factory=dict)
    carriers: Mapping[str, str] = field(default_factory=dict)
    settlements: Mapping[str, Settlement] = field(default_factory=dict)
    quantities: Mapping[str, Mapping[str, pb.DeclarationQuantity]] = field(default_factory=dict)
    selections: Mapping[str, pb.Selection] = field(default_factory=dict)

    def with_changes(self, changes: Mapping[Key, pb.RegisterItem | None]) -> tuple[Registers, list[str]]:
        """The registers with these changes (None: it does not hold any more), and what could not be used, in words.

        An entry that this release cannot read changes nothing: what held goes on to hold.
        """
        tables: dict[str, dict[str, Any]] = {}
        problems: list[str] = []
        for (kind, key), item in changes.items():
            try:
                entries = _entries(kind, key, item)
            except (RegisterError, DecodeError) as error:
                problems.append(str(error))
                continue
            for name, entry_key, value in entries:
                table = tables.setdefault(name, dict(getattr(self, name)))
                if name == "quantities":
                    value = _quantities(table, entry_key, key, value)  # noqa: PLW2901 - one level deeper
                if value is None:
                    table.pop(entry_key, None)
                else:
                    table[entry_key] = value
        return replace(self, **tables), problems

    def counts(self) -> dict[str, int]:
        """How many entries each register has."""
        return {each.name: len(getattr(self, each.name)) for each in fields(self) if each.name in _FIELDS.values()}


_FIELDS: Final[Mapping[int, str]] = {
    pb.ITEM_KIND_SAILING: "sailings",
    pb.ITEM_KIND_MANIFEST: "manifests",
    pb.ITEM_KIND_ORDER: "orders",
    pb.ITEM_KIND_OFFICER: "officers",
    pb.ITEM_KIND_POLICY: "policies",
    pb.ITEM_KIND_CARRIER: "carriers",
    pb.ITEM_KIND_SETTLEMENT: "settlements",
    pb.ITEM_KIND_QUANTITY: "quantities",
    pb.ITEM_KIND_SELECTION: "selections",
}

_VALUES: Final[Mapping[int, Callable[[Any], Any]]] = {
    pb.ITEM_KIND_MANIFEST: manifest_of,
    pb.ITEM_KIND_POLICY: lambda body: body.toml,
    pb.ITEM_KIND_CARRIER: lambda body: body.carrier_id,
    pb.ITEM_KIND_SETTLEMENT: settlement_of,
}
"""What is kept of a body; of those not here the body itself."""


def _entries(kind: int, key: str, item: pb.RegisterItem | None) -> list[tuple[str, str, Any]]:
    """(register, key, value) that follow from an item; RegisterError when it cannot be used."""
    name = _FIELDS.get(kind)
    if name is None:
        raise RegisterError(f"{key!r} is of register {kind}, which no gate goes by")
    value: Any = None
    if item is None:
        pass
    elif kind == pb.ITEM_KIND_ORDER:
        value = open_item(item.SerializeToString()).body  # its bytes are what was signed
    else:
        body = body_of(open_item(item.SerializeToString()))
        value = _VALUES.get(kind, lambda body: body)(body)
    if kind == pb.ITEM_KIND_QUANTITY:
        return [(name, key.partition("/")[0], value)]
    if kind == pb.ITEM_KIND_SAILING:
        return [(name, key, value), ("schedule", key, value and sailing_of(value))]
    if kind == pb.ITEM_KIND_MANIFEST:
        key_id = pb.SailingManifest.FromString(item.body).key_id if item else None
        return [(name, key, value), ("keys", key, key_id)]
    return [(name, key, value)]


def _quantities(
    table: Mapping[str, Mapping[str, pb.DeclarationQuantity]],
    declaration_id: str,
    key: str,
    value: pb.DeclarationQuantity | None,
) -> dict[str, pb.DeclarationQuantity] | None:
    """The declaration's quantities with this one changed; None when none is left."""
    held = dict(table.get(declaration_id, {}))
    held.pop(key, None)
    if value is not None:
        held[key] = value
    return held or None
