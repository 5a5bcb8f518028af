"""Beside the records: what devices were told is captured and no record has taken yet.

In the active segment, so that taking a message from here and recording it is one transaction.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from edge_agent.journal.segment import entry_hash
from edge_agent.journal.store import Step, Store

KEPT_EVENTS = 10_000
"""Messages of repeating devices that are remembered; a camera repeats within minutes."""


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

    def keep(self, device_id: str, event_id: str, body: bytes) -> int | None:
        """Keep a device's message until a passage takes it; its inbox id, or None when it is a repetition.

        When this has returned the device may be told that its message is captured.
        """

        def work(step: Step) -> int | None:
            new = step.connection.execute(
                "INSERT OR IGNORE INTO seen_events (device_id, event_id) VALUES (?, ?)", (device_id, event_id)
            )
            if not new.rowcount:
                return None
            step.connection.execute("DELETE FROM seen_events WHERE seen_id <= ?", ((new.lastrowid or 0) - KEPT_EVENTS,))
            inbox_id = step.head.inbox_last + 1
            step.connection.execute(
                "INSERT INTO inbox VALUES (?, ?, ?, ?)",
                (inbox_id, device_id, body, entry_hash(inbox_id, device_id, body)),
            )
            step.head = replace(step.head, inbox_count=step.head.inbox_count + 1, inbox_last=inbox_id)
            return inbox_id

        return self._store.write(work)

    def inbox(self) -> list[InboxEntry]:
        """What devices were told is captured and nothing has taken yet, oldest first."""
        rows = self._store.read(
            self._store.active,
            lambda reader: reader.execute("SELECT inbox_id, device_id, body FROM inbox ORDER BY inbox_id").fetchall(),
        )
        return [InboxEntry(*row) for row in rows]
