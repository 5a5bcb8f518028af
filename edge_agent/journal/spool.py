"""Beside the records: what devices were told is captured and no record has taken yet, and evidence to be delivered.

In the journal's own file, so that taking a message from here and recording it is one transaction.
"""

from __future__ import annotations

from dataclasses import dataclass

from edge_agent.journal.file import JournalFile

KEPT_EVENTS = 10_000
"""Messages of repeating devices that are remembered; a camera repeats within minutes."""


@dataclass(frozen=True, slots=True)
class InboxEntry:
    """Something a device was told is captured: `body` as the app spooled it."""

    inbox_id: int
    device_id: str
    body: bytes


class Spool:
    """The journal file's inbox and its list of evidence."""

    def __init__(self, file: JournalFile) -> None:
        """In `file`."""
        self._file = file

    def keep(self, device_id: str, event_id: str, body: bytes) -> int | None:
        """Keep a device's message until a passage takes it; its inbox id, or None when it is a repetition.

        When this has returned the device may be told that its message is captured.
        """
        with self._file.writing() as connection:
            new = connection.execute(
                "INSERT OR IGNORE INTO seen_events (device_id, event_id) VALUES (?, ?)", (device_id, event_id)
            )
            if not new.rowcount:
                connection.execute("COMMIT")
                return None
            connection.execute("DELETE FROM seen_events WHERE seen_id <= ?", ((new.lastrowid or 0) - KEPT_EVENTS,))
            entry = connection.execute("INSERT INTO inbox (device_id, body) VALUES (?, ?)", (device_id, body))
            connection.execute("COMMIT")
        return entry.lastrowid

    def inbox(self) -> list[InboxEntry]:
        """What devices were told is captured and nothing has taken yet, oldest first."""
        with self._file.reading() as reader:
            rows = reader.execute("SELECT inbox_id, device_id, body FROM inbox ORDER BY inbox_id").fetchall()
        return [InboxEntry(*row) for row in rows]

    def expect_delivery(self, sha256: bytes, size: int, media_type: str) -> None:
        """Remember that a blob is to be delivered; it is durable in the evidence directory already."""
        with self._file.writing() as connection:
            connection.execute("INSERT OR REPLACE INTO evidence VALUES (?, ?, ?, 0)", (sha256, size, media_type))
            connection.execute("COMMIT")

    def evidence_waiting(self, limit: int = 16) -> list[tuple[bytes, int, str]]:
        """(sha256, size, media type) of blobs not yet delivered, at most `limit`."""
        with self._file.reading() as reader:
            return reader.execute(
                "SELECT sha256, size, media_type FROM evidence WHERE delivered = 0 LIMIT ?", (limit,)
            ).fetchall()

    def expect_no_delivery(self, sha256: bytes) -> None:
        """The collector has confirmed a blob, or it is lost. When the same bytes come again they are expected anew."""
        with self._file.writing() as connection:
            connection.execute("DELETE FROM evidence WHERE sha256 = ?", (sha256,))
            connection.execute("COMMIT")
