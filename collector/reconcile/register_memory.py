"""What of the registers is kept in memory, because every passage is looked up in all of it.

The schedule, the control orders with the officers who sign them, the policies, and which declarations have quantities.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final, TypeVar

import structlog
from sqlalchemy import Connection, select

from collector.store import schema
from gate_contract.orders import OrderError
from gate_contract.rules import OrderIndex, Policy, PolicyError, open_orders
from gate_contract.v1 import register_pb2 as pb
from gate_contract.v1.order_pb2 import Officer

KINDS: Final = (
    pb.ITEM_KIND_SAILING,
    pb.ITEM_KIND_ORDER,
    pb.ITEM_KIND_OFFICER,
    pb.ITEM_KIND_POLICY,
    pb.ITEM_KIND_QUANTITY,
)

T = TypeVar("T")

_log = structlog.get_logger()


class RegisterMemory:
    """The registers as they stood at a moment, brought forward from moment to moment. Used by one thread."""

    def __init__(self, configured: Policy, *, forced: bool = False) -> None:
        """`configured` are the tolerances where the register has none; `forced`: everywhere, whatever it has."""
        self.sailings: dict[str, pb.Sailing] = {}
        """The schedule, by sailing id."""
        self.scheduled_sites: set[str] = set()
        """Sites of which the schedule has ever said anything."""
        self.officers: dict[str, Officer] = {}
        """By officer id; those out of office too: what they signed in office holds."""
        self.quantities: defaultdict[str, set[str]] = defaultdict(set)
        """Keys of the quantity items by declaration id."""
        self._configured, self._forced = configured, forced
        self._policies: dict[str, Policy] = {}
        self._orders: dict[str, bytes] = {}
        self._index: OrderIndex | None = None
        self._refused: Sequence[OrderError] = ()
        self._next_index = 0

    def refresh(self, connection: Connection, before: int | None = None) -> None:
        """Learn what came since the last call; with `before` only what the ledger had in its first so many entries."""
        table = schema.register_items.c
        query = select(table.body, table.ledger_index).where(table.ledger_index >= self._next_index)
        query = query.where(table.kind.in_(KINDS)).order_by(table.ledger_index)
        if before is not None:
            query = query.where(table.ledger_index < before)
        for row in connection.execute(query.execution_options(yield_per=1000)):
            self._take(pb.RegisterItem.FromString(row.body))
            self._next_index = row.ledger_index + 1

    def policy_of(self, site_id: str) -> Policy:
        """Tolerances in force at a site: its own, else those for all sites, else the configured ones."""
        if self._forced:
            return self._configured
        return self._policies.get(site_id) or self._policies.get("") or self._configured

    @property
    def orders(self) -> OrderIndex:
        """All control orders, those that do not hold too."""
        return self._opened()[0]

    @property
    def refused_orders(self) -> Sequence[OrderError]:
        """Why orders do not hold."""
        return self._opened()[1]

    def _take(self, item: pb.RegisterItem) -> None:
        key = item.key
        if item.kind == pb.ITEM_KIND_SAILING:
            sailing = pb.Sailing.FromString(item.body)
            self.scheduled_sites.add(sailing.site_id)
            _put(self.sailings, key, None if item.withdrawn else sailing)
        elif item.kind == pb.ITEM_KIND_QUANTITY:
            self.quantities[pb.DeclarationQuantity.FromString(item.body).declaration_id].add(key)
        elif item.kind == pb.ITEM_KIND_POLICY:
            _put(self._policies, key, None if item.withdrawn else _policy(item))
        else:
            self._index = None
            if item.kind == pb.ITEM_KIND_OFFICER:
                _put(self.officers, key, None if item.withdrawn else Officer.FromString(item.body))
            else:
                _put(self._orders, key, None if item.withdrawn else item.body)

    def _opened(self) -> tuple[OrderIndex, Sequence[OrderError]]:
        if self._index is None:
            # Whether an order is in force is asked of each passage anew; the time given here has no say in it.
            self._index, self._refused = open_orders(
                [body for _, body in sorted(self._orders.items())], self.officers, 0
            )
        return self._index, self._refused


def _put(book: dict[str, T], key: str, value: T | None) -> None:
    if value is None:
        book.pop(key, None)
    else:
        book[key] = value


def _policy(item: pb.RegisterItem) -> Policy | None:
    """None when it cannot be used: then what was in force before this register spoke is in force."""
    try:
        return Policy.from_toml(pb.PolicyText.FromString(item.body).toml)
    except PolicyError as error:
        _log.error("a policy in the register cannot be used", site=item.key, version=item.version, cause=str(error))
        return None
