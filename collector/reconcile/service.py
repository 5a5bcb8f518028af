"""Drives the rule book over what arrived: the queue in, verdicts and findings out.

Every step reads, decides, and writes in one transaction together with what it consumed, so it may be killed at any
point: what was not written is done again, and what was written is not done twice.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection

from collector.config import CollectorConfig
from collector.ledger.log import Ledger
from collector.reconcile import arrivals, entries, verdicts
from collector.reconcile.acts import alarm_bad_acts
from collector.reconcile.boarding import BoardingWatch
from collector.reconcile.contexts import Contexts
from collector.reconcile.defects import note_defects
from collector.reconcile.policy import load_policy
from collector.reconcile.queue import queue_again
from collector.reconcile.refused import OrderAlarms
from collector.reconcile.touched import touched
from collector.reconcile.unseen import UnseenWatch, settle
from collector.store import schema
from collector.store.engine import Store

MOST_AT_ONCE = 200
"""Passages judged in one transaction."""

MOST_UNDER_LOCK = 20
"""Passages judged while nobody else may write."""

PATIENCE = 3
"""How often judging gives way to what comes meanwhile, before it keeps others from writing."""

READERS: Final = {arrivals.CURSOR: schema.declarations, entries.CURSOR: schema.register_items}


class Reconciler:
    """Judges passages as they come and again when something comes late. One at a time; used by one thread."""

    def __init__(self, store: Store, ledger: Ledger, config: CollectorConfig) -> None:
        """Raises ConfigError when the policy file is wrong."""
        self._store, self._ledger = store, ledger
        self._policy = load_policy(config.policy_file)
        self._contexts = Contexts(self._policy, config.goods_of)
        self._unseen = UnseenWatch(self._policy)
        self._boarding = BoardingWatch()
        self._order_alarms = OrderAlarms(f"{config.deployment}/orders")

    def run_once(self, now_unix_ns: int) -> int:
        """Judge those whose turn it is, at most `MOST_AT_ONCE` passages; how many. Call it again while it is not 0.

        Blocking. First queues what declarations, register items and forks that came since concern; when nothing waits
        any more, looks for declarations that were not seen in time, and for sailings that have left. `now_unix_ns` is
        the time of everything it writes.
        """
        arrivals.queue_concerned(self._store, self._policy, now_unix_ns)
        entries.queue_entered(self._store, now_unix_ns)
        note_defects(self._store, now_unix_ns)
        judged = self._judge(now_unix_ns)
        if judged < MOST_AT_ONCE:
            self._look_around(now_unix_ns)
        return judged

    def _look_around(self, now_unix_ns: int) -> None:
        """What concerns no single passage."""
        registers = self._contexts.registers
        with self._store.read() as connection:
            registers.refresh(connection)
        self._order_alarms.tell(self._store, self._ledger, registers.refused_orders, now_unix_ns)
        alarm_bad_acts(self._store, self._ledger, registers.officers, now_unix_ns)
        policy = registers.policy_of("")
        if policy.hash != self._policy.hash:
            self._policy, self._unseen = policy, UnseenWatch(policy)
        self._unseen.run(self._store, now_unix_ns)
        self._boarding.run(self._store, registers, now_unix_ns)

    def _judge(self, now_unix_ns: int) -> int:
        for _attempt in range(PATIENCE):
            with self._store.read() as connection:
                judged = self._decide(connection, MOST_AT_ONCE, now_unix_ns)
            if not judged:
                return 0
            with self._store.write() as connection:
                # What came meanwhile, these decisions do not know: who replays them would find them wrong.
                if not entries.behind(connection, READERS):
                    self._write(connection, judged, now_unix_ns)
                    return len(judged)
            arrivals.queue_concerned(self._store, self._policy, now_unix_ns)
            entries.queue_entered(self._store, now_unix_ns)
        with self._store.write() as connection:
            while entries.behind(connection, READERS):
                arrivals.take_concerned(connection, self._policy, now_unix_ns)
                entries.take_entered(connection, now_unix_ns)
            judged = self._decide(connection, MOST_UNDER_LOCK, now_unix_ns)
            self._write(connection, judged, now_unix_ns)
        return len(judged)

    def _decide(self, connection: Connection, most: int, now_unix_ns: int) -> list[verdicts.Judged]:
        queue = verdicts.next_in_turn(connection, most)
        if not queue:
            return []
        return verdicts.decide_all(connection, queue, self._contexts, now_unix_ns)

    def _write(self, connection: Connection, judged: list[verdicts.Judged], now_unix_ns: int) -> None:
        current = verdicts.still_waiting(connection, judged)
        matched = verdicts.write(connection, self._ledger, current, now_unix_ns)
        settle(connection, matched, self._policy, now_unix_ns)
        again: dict[str, str] = {}
        for each in current:
            if each.case.prepared and each.decision:
                again |= touched(each.case.prepared, each.decision)
        queue_again(connection, again, now_unix_ns)
