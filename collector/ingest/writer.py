"""One thread that writes: whatever waits is committed together, because an fsync costs more than the rows.

Verification goes on while a commit waits for the disk. What waits is bounded by what the streams have room for (see
collector.ingest.room), jobs by MAX_JOBS. Who is next is fair among agents: see collector.ingest.fair.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar

import structlog
from sqlalchemy import Connection

from collector.errors import StoreDownError, StoreError
from collector.ingest.accept import Arrival, LiveArrival, Outcome, Stored, Taken, store_batches
from collector.ingest.fair import FairQueue
from collector.ledger.log import Ledger
from collector.reconcile.turns import Turns
from collector.store.engine import Store
from gate_contract.checkpoint import Signer

MAX_GROUP_BYTES = 4 * 1024 * 1024
"""Batches committed in one transaction, bytes: nobody is kept waiting for more."""

MAX_JOBS = 8192
"""Jobs that wait; beyond, a job is refused as when the database is away. Each stream has at most a few."""

T = TypeVar("T")

Job = Callable[[Connection, int], T]
"""Something small to be written: (connection in a write transaction, time in Unix nanoseconds) -> result."""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Item:
    work: Arrival | LiveArrival | Job[Any]
    done: Future[Any]

    @property
    def size(self) -> int:
        return self.work.size if isinstance(self.work, Arrival | LiveArrival) else 0


class Writer:
    """The writing thread. A future is resolved when its work is durable, or could not be stored."""

    def __init__(
        self,
        store: Store,
        ledger: Ledger,
        receipts: Signer,
        clock: Callable[[], int],
        on_passages: Callable[[], None],
    ) -> None:
        """`clock` gives Unix nanoseconds; `on_passages` is called after a commit that brought passages."""
        self._store = store
        self.ledger = ledger
        """For jobs that enter something."""
        self.receipts = receipts
        """What is promised outside of batches is signed with the same key."""
        self._clock = clock
        self._on_passages = on_passages
        self._turns = Turns()
        self._waiting: FairQueue[_Item] = FairQueue()
        # Daemon: a transaction that hangs on a locked database may be left behind; without a receipt nothing is lost.
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self.failing = False
        """Whether the last commit failed: the disk is full or the database locked."""

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def stop(self, timeout_s: float | None = None) -> None:
        """Write what waits, then end, or be left behind after `timeout_s`; nothing may be submitted afterwards."""
        self._waiting.end()
        self._thread.join(timeout_s)

    @property
    def is_alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def submit(self, arrival: Arrival | LiveArrival) -> Future[Outcome]:
        """Store a batch or live records, which do not wait behind batches of their own journal.

        StoreError in the future: nothing of it was stored, it may come again.
        """
        item = self._item(arrival, Future())
        self._waiting.put((arrival.journal_id, type(arrival)), arrival.size, item)
        return item.done

    def run(self, job: Job[T]) -> Future[T]:
        """Run a small job in the next transaction, before its batches; StoreError when too many wait."""
        item = self._item(job, Future())
        if len(self._waiting) >= MAX_JOBS:
            item.done.set_exception(StoreDownError(f"{MAX_JOBS} jobs wait for the database", fix="see why it is slow"))
        else:
            self._waiting.put(None, 0, item, urgent=True)
        return item.done

    def _item(self, work: Arrival | LiveArrival | Job[Any], done: Future[Any]) -> _Item:
        done.set_running_or_notify_cancel()  # who no longer waits does not undo what is being written
        return _Item(work, done)

    def _run(self) -> None:
        while (first := self._waiting.get()) is not None:
            self._commit(self._gather(first))

    def _gather(self, first: _Item) -> list[_Item]:
        """What waits, up to MAX_GROUP_BYTES."""
        group, size = [first], first.size
        while size < MAX_GROUP_BYTES and (item := self._waiting.get_nowait()) is not None:
            group.append(item)
            size += item.size
        return group

    def _commit(self, group: Sequence[_Item]) -> None:
        try:
            results = self._write(group)
        except StoreError as error:
            self._refuse(group, error)
        except Exception as error:  # noqa: BLE001 - supervisor of this thread: a fault of one group must not end it
            _log.exception("the writer met a fault")
            for item in group:
                item.done.set_exception(StoreError("a fault in the collector", cause=repr(error), fix="see its log"))
        else:
            self.failing = False
            self._resolve(group, results)

    def _refuse(self, group: Sequence[_Item], error: StoreError) -> None:
        if len(group) > 1 and not isinstance(error, StoreDownError):
            for item in group:  # one that cannot be stored must not keep the others out
                self._commit([item])
            return
        self.failing = True
        _log.error("nothing could be stored", cause=str(error), items=len(group))
        for item in group:
            item.done.set_exception(error)

    def _write(self, group: Sequence[_Item]) -> list[Any]:
        now_ns = self._clock()
        arrivals = [item.work for item in group if isinstance(item.work, Arrival | LiveArrival)]
        with self._store.write() as connection:
            jobs = [item.work(connection, now_ns) for item in group if not isinstance(item.work, Arrival | LiveArrival)]
            outcomes = (
                store_batches(connection, self.ledger, self.receipts, arrivals, now_ns, self._turns) if arrivals else []
            )
        # Only here, after the commit, are there results.
        stored, ran = iter(outcomes), iter(jobs)
        return [next(stored) if isinstance(item.work, Arrival | LiveArrival) else next(ran) for item in group]

    def _resolve(self, group: Sequence[_Item], results: Sequence[Any]) -> None:
        for item, result in zip(group, results, strict=True):
            item.done.set_result(result)
        if any(
            isinstance(item.work, Arrival | LiveArrival)
            and isinstance(result, Stored | Taken)
            and item.work.contents.passages
            for item, result in zip(group, results, strict=True)
        ):
            self._on_passages()
