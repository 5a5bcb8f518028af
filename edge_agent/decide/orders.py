"""Control orders that hold, opened once each: signatures are verified when they come, not for each passage. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

from google.protobuf.message import DecodeError

from gate_contract.orders import Opened, OrderError, open_order
from gate_contract.rules.standing_orders import OrderIndex, Refused
from gate_contract.v1.order_pb2 import ControlOrder, Officer, SignedOrder

Standing = Literal["active", "waiting", "expired", "lifted"]


@dataclass(frozen=True, slots=True)
class Orders:
    """The orders at hand. Whether one is in force is asked of its times when a passage is judged, never kept.

    Attributes:
        index: ready for `Context.orders`.
        opened: those that hold, by their bytes.
        errors: those that do not, by their bytes.
        officers: by whom they were opened.
    """

    index: OrderIndex = field(default_factory=OrderIndex)
    opened: Mapping[bytes, Opened] = field(default_factory=dict)
    errors: Mapping[bytes, OrderError] = field(default_factory=dict)
    officers: Mapping[str, Officer] = field(default_factory=dict)

    def renewed(self, signed: Collection[bytes], officers: Mapping[str, Officer], now_unix_ns: int) -> Orders:
        """The orders `signed` (serialised SignedOrders), opened with these officers' keys.

        What was opened before is not opened again while the officers are the same.
        """
        same = dict(officers) == dict(self.officers)
        opened: dict[bytes, Opened] = {}
        errors: dict[bytes, OrderError] = {}
        for data in signed:
            if same and data in self.opened:
                opened[data] = self.opened[data]
            elif same and data in self.errors:
                errors[data] = self.errors[data]
            else:
                try:
                    opened[data] = open_order(data, officers, now_unix_ns)
                except OrderError as error:
                    errors[data] = error
        refused = [Refused(_unbelieved(data), error.reason) for data, error in errors.items()]
        return Orders(OrderIndex(opened.values(), refused), opened, errors, officers)

    def standing(self, now_unix_ns: int) -> dict[str, int]:
        """How many there are of each standing, and `refused`."""
        found = {"active": 0, "waiting": 0, "expired": 0, "lifted": 0, "refused": len(self.errors)}
        for each in self.opened.values():
            found[standing_of(each.order, now_unix_ns)] += 1
        return found


NO_ORDERS = Orders()


def standing_of(order: ControlOrder, now_unix_ns: int) -> Standing:
    """How an order that holds stands at a time."""
    if order.lifted:
        return "lifted"
    if now_unix_ns < order.valid_from_unix_ns:
        return "waiting"
    return "active" if now_unix_ns < order.expires_unix_ns else "expired"


def to_alarm(orders: Orders, fresh: Collection[bytes], now_unix_ns: int) -> list[OrderError]:
    """What is to be alarmed: orders that do not hold, and those of `fresh` that came when they were over already."""
    over = [
        OrderError(each.order.order_id, f"it had expired when it came (version {each.order.version})")
        for data, each in orders.opened.items()
        if data in fresh and standing_of(each.order, now_unix_ns) == "expired"
    ]
    return [*orders.errors.values(), *over]


def _unbelieved(data: bytes) -> ControlOrder:
    """What an order that does not hold would say, for O02; empty where even that cannot be read."""
    try:
        return ControlOrder.FromString(SignedOrder.FromString(data).order)
    except DecodeError:
        return ControlOrder()
