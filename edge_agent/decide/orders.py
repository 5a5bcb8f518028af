"""Control orders that hold, opened once each: signatures are verified when they come, not for each passage. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

from google.protobuf.message import DecodeError

from gate_contract.orders import Opened, OrderError, open_order
from gate_contract.rules.standing_orders import OrderIndex, Refused
from gate_contract.v1.order_pb2 import ControlOrder, Officer, SignedOrder
from gate_contract.v1.register_pb2 import RegisterItem

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


def not_replaced(
    orders: Orders,
    held: Mapping[str, bytes],
    fresh: Mapping[str, RegisterItem | None],
    officers: Mapping[str, Officer],
    now_unix_ns: int,
) -> dict[str, OrderError]:
    """Of changed orders those that must stay as they are, by id, with the reason.

    An order that holds ends when it expires, or by a later version of its own authority with two signatures. Whoever
    can write into the collector's database, or signs alone, ends none.

    Args:
        orders: as opened with the officers until now.
        held: their bytes by order id.
        fresh: what came, by order id; None: it is taken back.
        officers: from now on.
        now_unix_ns: nanoseconds since 1970-01-01T00:00:00Z.
    """
    found = {}
    for order_id, item in fresh.items():
        before = orders.opened.get(held.get(order_id, b""))
        if before is None or standing_of(before.order, now_unix_ns) == "expired":
            continue
        if reason := _why_not(before.order, item, officers, now_unix_ns):
            told = f"{reason}. Version {before.order.version}, which this gate has, stays as it is"
            found[order_id] = OrderError(order_id, told)
    return found


def _why_not(before: ControlOrder, item: RegisterItem | None, officers: Mapping[str, Officer], now_unix_ns: int) -> str:
    if item is None:
        return "it was taken back without the signatures of two officers"
    try:
        order = open_order(item.body, officers, now_unix_ns).order
    except OrderError as error:
        return error.reason
    faults = {
        "under its id came another order": order.order_id != before.order_id,
        f"version {order.version} came after version {before.version}": order.version < before.version,
        f"a version came that {order.authority} gave: only who gave an order changes or lifts it": (
            order.authority != before.authority
        ),
        "it was to be forgotten before it expires": 0 < item.expires_unix_ns < order.expires_unix_ns,
    }
    return next((reason for reason, is_so in faults.items() if is_so), "")


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
