"""Control orders, found by what a passage shows: the cost does not grow with the number of orders."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from google.protobuf.message import DecodeError

from gate_contract.orders import MOST_BYTES, Opened, OrderError, latest, open_order
from gate_contract.rules import plates
from gate_contract.rules.readings import container_number
from gate_contract.v1.order_pb2 import ControlOrder, Officer, Selector, SignedOrder

Key = tuple[str, str | bytes]
"""What an order is about: the field of `Selector` and its value, normalised."""


@dataclass(frozen=True, slots=True)
class Refused:
    """An order that does not hold, e.g. because it is badly signed: what it says is not believed (O02)."""

    order: ControlOrder
    reason: str


@dataclass(frozen=True, slots=True)
class Hit:
    """An order that is about something of a passage. `refused` says why it does not hold; "" when it does."""

    order: ControlOrder
    refused: str
    keys: tuple[Key, ...]


def plate_key(plate: str) -> Key:
    """A plate, with characters that cameras confuse as one: an order must not be missed for a 0 read as O."""
    return ("plate", plates.folded(plates.normalise(plate)))


def container_key(number: str) -> Key:
    """A container."""
    return ("container", container_number(number))


def goods_keys(hs_code: str) -> Iterator[Key]:
    """A commodity code, by every beginning that an order may name: 2 to 10 digits."""
    return (("hs_prefix", hs_code[:digits]) for digits in range(2, min(len(hs_code), 10) + 1))


def _key_of(selector: Selector) -> Key:
    what = selector.WhichOneof("what")
    if what == "plate":
        return plate_key(selector.plate)
    if what == "container":
        return container_key(selector.container)
    return (what or "", getattr(selector, what) if what else "")


def open_orders(
    signed: Iterable[bytes], officers: Mapping[str, Officer], now_unix_ns: int
) -> tuple[OrderIndex, list[OrderError]]:
    """Orders as they were sent, ready for `Context.orders`, and what is to be alarmed: every order that does not hold.

    Args:
        signed: serialised SignedOrders, any versions in any order.
        officers: by officer id, from the deployment's list.
        now_unix_ns: nanoseconds since 1970-01-01T00:00:00Z.
    """
    opened, refused, errors = [], [], []
    for data in signed:
        try:
            opened.append(open_order(data, officers, now_unix_ns))
        except OrderError as error:
            errors.append(error)
            if len(data) <= MOST_BYTES:
                refused.append(Refused(_unbelieved(data), error.reason))
    return OrderIndex(opened, refused), errors


def _unbelieved(data: bytes) -> ControlOrder:
    """What an order that does not hold would say; empty where even that cannot be read."""
    try:
        return ControlOrder.FromString(SignedOrder.FromString(data).order)
    except DecodeError:
        return ControlOrder()


class OrderIndex:
    """The highest version of each order, by what it is about. Build it once; a changed set is a new index."""

    def __init__(self, opened: Iterable[Opened] = (), refused: Iterable[Refused] = ()) -> None:
        """`opened` hold, in whatever standing; `refused` do not, and are only told of."""
        newest = latest(sorted(opened, key=lambda each: each.order.SerializeToString(deterministic=True)))
        holding = [(each.order, "") for _order_id, each in sorted(newest.items())]
        others = sorted(
            ((each.order, each.reason) for each in refused),
            key=lambda each: (each[0].order_id, each[0].SerializeToString(deterministic=True), each[1]),
        )
        self._orders = holding + others
        self._by_key: dict[Key, list[int]] = {}
        for position, (order, _reason) in enumerate(self._orders):
            for key in {_key_of(selector) for selector in order.selectors}:
                if key[0] and key[1]:
                    self._by_key.setdefault(key, []).append(position)

    def __len__(self) -> int:
        """How many orders, those that do not hold included."""
        return len(self._orders)

    def about(self, keys: Iterable[Key]) -> list[Hit]:
        """Orders about any of these, in order of their ids, those that do not hold last."""
        found: dict[int, list[Key]] = {}
        for key in dict.fromkeys(keys):
            for position in self._by_key.get(key, ()):
                found.setdefault(position, []).append(key)
        return [Hit(*self._orders[position], tuple(keys)) for position, keys in sorted(found.items())]
