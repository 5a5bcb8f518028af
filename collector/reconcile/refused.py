"""Control orders that do not hold: an alarm for each, once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from collector.ledger.log import Ledger
from collector.store.alarms import Alarm, raise_alarm
from collector.store.engine import Store
from gate_contract.orders import OrderError

BAD_ORDER: Final = "control-order-refused"
"""Kind of alarm: an order that does not hold stops nothing."""


class OrderAlarms:
    """Remembers what it has told; what was told before a restart is in the database already."""

    def __init__(self, origin: str) -> None:
        """`origin` stands for the orders, as a journal's origin does for its records."""
        self._origin = origin
        self._told: set[str] = set()

    def tell(self, store: Store, ledger: Ledger, refused: Sequence[OrderError], now_unix_ns: int) -> None:
        """Raise an alarm for each that was not told."""
        new = [each for each in map(str, refused) if each not in self._told]
        if not new:
            return
        with store.write() as connection:
            for each in new:
                detail = f"{each}; it stops nothing. Let its authority give it again"
                raise_alarm(connection, ledger, Alarm(self._origin, BAD_ORDER, detail), now_unix_ns)
        self._told.update(new)
