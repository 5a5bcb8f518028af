"""Drives the rule book over what arrived: the queue in, verdicts and findings out.

Every step reads, decides, and writes in one transaction together with what it consumed, so it may be killed at any
point: what was not written is done again, and what was written is not done twice.
"""

from __future__ import annotations

from collector.config import CollectorConfig
from collector.ledger.log import Ledger
from collector.reconcile import verdicts
from collector.reconcile.arrivals import queue_concerned
from collector.reconcile.bookings import Bookings
from collector.reconcile.core import judge
from collector.reconcile.defects import note_defects
from collector.reconcile.policy import load_policy
from collector.reconcile.unseen import UnseenWatch, settle
from collector.store.engine import Store

MOST_AT_ONCE = 200
"""Passages judged in one transaction."""


class Reconciler:
    """Judges passages as they come and again when something comes late. One at a time; used by one thread."""

    def __init__(self, store: Store, ledger: Ledger, config: CollectorConfig) -> None:
        """Raises ConfigError when the policy file is wrong."""
        self._store, self._ledger, self._config = store, ledger, config
        self._policy = load_policy(config.policy_file)
        self._bookings = Bookings(self._policy)
        self._unseen = UnseenWatch(self._policy)

    def run_once(self, now_unix_ns: int) -> int:
        """Judge those whose turn it is, at most `MOST_AT_ONCE` passages; how many. Call it again while it is not 0.

        Blocking. First queues what declarations and forks that came since concern; when nothing waits any more, looks
        for declarations that were not seen in time. `now_unix_ns` is the time of everything it writes.
        """
        queue_concerned(self._store, self._policy, now_unix_ns)
        note_defects(self._store, now_unix_ns)
        judged = self._judge(now_unix_ns)
        if judged < MOST_AT_ONCE:
            self._unseen.run(self._store, now_unix_ns)
        return judged

    def _judge(self, now_unix_ns: int) -> int:
        with self._store.read() as connection:
            queue = verdicts.next_in_turn(connection, MOST_AT_ONCE)
            if not queue:
                return 0
            found = verdicts.cases(connection, queue, self._bookings, self._config.goods_of, now_unix_ns)
        judged = [verdicts.Judged(case, judge(case.waiting, self._policy) if case.waiting else None) for case in found]
        with self._store.write() as connection:
            current = verdicts.still_waiting(connection, judged)
            touched = verdicts.write(connection, self._ledger, current, now_unix_ns)
            settle(connection, touched, self._policy, now_unix_ns)
        return len(judged)
