"""The control orders that this gate goes by, and what is told of those that it does not follow."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

import structlog

from edge_agent.decide.orders import NO_ORDERS, Orders, not_replaced, to_alarm
from edge_agent.decide.registers import Key, Registers
from gate_contract.orders import OrderError
from gate_contract.rules.standing_orders import OrderIndex
from gate_contract.v1.register_pb2 import ITEM_KIND_OFFICER, ITEM_KIND_ORDER, RegisterItem

LOG = structlog.get_logger()

MOST_ALARMED = 20
"""Orders that do not hold are told one by one up to so many at a time; the others are in the log."""

MOST_TOLD = 1_000
"""Of so many it is remembered that they were told; then they may be told again."""


class OrderDesk:
    """Used by one thread at a time; `index` and `standing` by any. Never says what an order is about."""

    def __init__(self, tell: Callable[[list[str]], None]) -> None:
        """`tell` is given what is to be alarmed, in words, each once."""
        self._tell = tell
        self._orders: Orders = NO_ORDERS
        self._told: set[str] = set()
        self._refused: list[OrderError] = []

    @property
    def index(self) -> OrderIndex:
        """For the rule book."""
        return self._orders.index

    def standing(self, now_unix_ns: int) -> dict[str, int]:
        """How many there are of each standing, and `refused`."""
        return self._orders.standing(now_unix_ns)

    def unfounded(self, fresh: Mapping[Key, RegisterItem | None], held: Registers, now_unix_ns: int) -> Collection[Key]:
        """Changed items (None: taken back) that must not be taken: an order in force stays as it is. `tell` tells."""
        orders = {key: item for (kind, key), item in fresh.items() if kind == ITEM_KIND_ORDER}
        if not orders:
            return ()
        came = {key: item for key, item in fresh.items() if key[0] == ITEM_KIND_OFFICER}
        officers = held.with_changes(came)[0].officers
        refused = not_replaced(self._orders, held.orders, orders, officers, now_unix_ns)
        self._refused += refused.values()
        return {(ITEM_KIND_ORDER, order_id) for order_id in refused}

    def renew(self, registers: Registers, now_unix_ns: int, *, came: bool) -> None:
        """Go by these; `came`: they are news, not what was here at the start."""
        before = set(self._orders.opened) | set(self._orders.errors)
        signed = list(registers.orders.values())
        self._orders = self._orders.renewed(signed, registers.officers, now_unix_ns)
        LOG.info("orders.changed", **self.standing(now_unix_ns))
        self._refused += to_alarm(self._orders, set(signed) - before if came else set(), now_unix_ns)
        self.tell()

    def tell(self) -> None:
        """Tell what was refused, each version once."""
        if len(self._told) > MOST_TOLD:
            self._told.clear()
        refused, self._refused = self._refused, []
        errors = [each for each in refused if str(each) not in self._told]
        self._told.update(map(str, errors))
        for error in errors[MOST_ALARMED:]:
            LOG.error("order.refused", order=error.order_id, reason=error.reason)
        if errors:
            self._tell([f"This gate does not follow {error}" for error in errors[:MOST_ALARMED]])
