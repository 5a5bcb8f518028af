"""Beside the records: what devices were told is captured and no record has taken yet.

In the active segment, so that taking a message from here and recording it is one transaction.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace

from edge_agent.journal.seen import INSERT, Seen, event_of, forgotten, row_of
from edge_agent.journal.segment import entry_hash
from edge_agent.journal.step import Step
from edge_agent.journal.store import Store


@dataclass(frozen=True, slots=True)
class InboxEntry:
    """Something a device was told is captured: `body` as the app spooled it."""

    inbox_id: int
    device_id: str
    body: bytes


class Spool:
    """The journal's inbox."""

    def __init__(self, store: Store) -> None:
        """In `store`."""
        self._store = store
        self._lock = threading.Lock()
        self._seen = Seen(
            store.read(
                store.active,
                lambda reader: reader.execute("SELECT seen_id, crc, event FROM seen ORDER BY seen_id").fetchall(),
            )
        )

    def keep(self, device_id: str, event_id: str, body: bytes) -> int | None:
        """Keep a device's message until a passage takes it; its inbox id, or None when it is a repetition.

        When this has returned the device may be told that its message is captured.
        """
        event = event_of(device_id, event_id)
        with self._lock:
            if event in self._seen:
                return None
            seen_id = self._seen.next_id()

            def work(step: Step) -> int:
                step.connection.execute(INSERT, row_of(seen_id, event))
                step.connection.execute("DELETE FROM seen WHERE seen_id <= ?", (forgotten(seen_id),))
                inbox_id = step.head.inbox_last + 1
                step.connection.execute(
                    "INSERT INTO inbox VALUES (?, ?, ?, ?)",
                    (inbox_id, device_id, body, entry_hash(inbox_id, device_id, body)),
                )
                step.head = replace(step.head, inbox_count=step.head.inbox_count + 1, inbox_last=inbox_id)
                return inbox_id

            kept = self._store.write(work)
            self._seen.add(seen_id, event)
            return kept

    def inbox(self) -> list[InboxEntry]:
        """What devices were told is captured and nothing has taken yet, oldest first."""
        rows = self._store.read(
            self._store.active,
            lambda reader: reader.execute("SELECT inbox_id, device_id, body FROM inbox ORDER BY inbox_id").fetchall(),
        )
        return [InboxEntry(*row) for row in rows]
