"""One thread that writes: whatever waits is committed together, because an fsync costs more than the rows.

Verification goes on while a commit waits for the disk. The queue holds what the streams have room for (see
collector.ingest.window), and no more.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

import structlog
from sqlalchemy import Connection

from collector.errors import StoreError
from collector.ingest.accept import Arrival, Outcome, Stored, store_batches
from collector.ledger.log import Ledger
from collector.store.engine import Store
from gate_contract.checkpoint import Signer

MAX_GROUP_BYTES = 16 * 1024 * 1024
"""Batches committed in one transaction, bytes: receipts are not kept waiting for more."""

T = TypeVar("T")

Job = Callable[[Connection, int], T]
"""Something small to be written: (connection in a write transaction, time in Unix nanoseconds) -> result."""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Item:
    work: Arrival | Job[Any]
    done: Future[Any]

    @property
    def size(self) -> int:
        return len(self.work.batch.body) if isinstance(self.work, Arrival) else 0


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
        self._ledger = ledger
        self._receipts = receipts
        self._clock = clock
        self._on_passages = on_passages
        self._waiting: SimpleQueue[_Item | None] = SimpleQueue()
        # Daemon: a transaction that hangs on a locked database may be left behind; without a receipt nothing is lost.
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self.failing = False
        """Whether the last commit failed: the disk is full or the database locked."""

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def stop(self, timeout_s: float | None = None) -> None:
        """Write what waits, then end, or be left behind after `timeout_s`; nothing may be submitted afterwards."""
        self._waiting.put(None)
        self._thread.join(timeout_s)

    @property
    def is_alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def submit(self, arrival: Arrival) -> Future[Outcome]:
        """Store a batch. StoreError in the future: nothing of it was stored, it may come again."""
        return self._put(arrival, Future())

    def run(self, job: Job[T]) -> Future[T]:
        """Run a small job in the next transaction, before its batches."""
        return self._put(job, Future())

    def _put(self, work: Arrival | Job[Any], done: Future[T]) -> Future[T]:
        done.set_running_or_notify_cancel()  # who no longer waits does not undo what is being written
        self._waiting.put(_Item(work, done))
        return done

    def _run(self) -> None:
        while (first := self._waiting.get()) is not None:
            group, ended = self._gather(first)
            self._commit(group)
            if ended:
                return

    def _gather(self, first: _Item) -> tuple[list[_Item], bool]:
        """What waits, up to MAX_GROUP_BYTES; and whether the end came."""
        group, size = [first], first.size
        while size < MAX_GROUP_BYTES:
            try:
                item = self._waiting.get_nowait()
            except Empty:
                break
            if item is None:
                return group, True
            group.append(item)
            size += item.size
        return group, False

    def _commit(self, group: Sequence[_Item]) -> None:
        try:
            results = self._write(group)
        except StoreError as error:
            if len(group) > 1:  # one that cannot be stored must not keep the others out
                for item in group:
                    self._commit([item])
                return
            self.failing = True
            _log.error("nothing could be stored", cause=str(error))
            group[0].done.set_exception(error)
        except Exception as error:  # noqa: BLE001 - supervisor of this thread: a fault of one group must not end it
            _log.exception("the writer met a fault")
            for item in group:
                item.done.set_exception(StoreError("a fault in the collector", cause=repr(error), fix="see its log"))
        else:
            self.failing = False
            self._resolve(group, results)

    def _write(self, group: Sequence[_Item]) -> list[Any]:
        now_ns = self._clock()
        arrivals = [item.work for item in group if isinstance(item.work, Arrival)]
        with self._store.write() as connection:
            jobs = [item.work(connection, now_ns) for item in group if not isinstance(item.work, Arrival)]
            outcomes = store_batches(connection, self._ledger, self._receipts, arrivals, now_ns) if arrivals else []
        # Only here, after the commit, are there results.
        stored, ran = iter(outcomes), iter(jobs)
        return [next(stored) if isinstance(item.work, Arrival) else next(ran) for item in group]

    def _resolve(self, group: Sequence[_Item], results: Sequence[Any]) -> None:
        for item, result in zip(group, results, strict=True):
            item.done.set_result(result)
        if any(
            isinstance(item.work, Arrival) and isinstance(result, Stored) and item.work.batch.contents.passages
            for item, result in zip(group, results, strict=True)
        ):
            self._on_passages()
